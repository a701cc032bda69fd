"""A small avatar made of boxes, as files: what tests need of a rigged person without one."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
from safetensors.numpy import save_file

# joint: parent and place; a T-pose facing +z with the left at +x
JOINTS: dict[str, tuple[str | None, tuple[float, float, float]]] = {
    "Hips": (None, (0, 0.95, 0)), "Spine": ("Hips", (0, 1.05, 0)), "Spine1": ("Spine", (0, 1.15, 0)),
    "Spine2": ("Spine1", (0, 1.25, 0)), "Neck": ("Spine2", (0, 1.45, 0)), "Head": ("Neck", (0, 1.53, 0)),
}  # fmt: skip
for _side, _sign in (("Left", 1), ("Right", -1)):
    JOINTS |= {
        f"{_side}Eye": ("Head", (_sign * 0.03, 1.6, 0.08)),
        f"{_side}Shoulder": ("Spine2", (_sign * 0.03, 1.42, 0)),
        f"{_side}Arm": (f"{_side}Shoulder", (_sign * 0.18, 1.42, 0)),
        f"{_side}ForeArm": (f"{_side}Arm", (_sign * 0.45, 1.42, 0)),
        f"{_side}Hand": (f"{_side}ForeArm", (_sign * 0.7, 1.42, 0)),
        f"{_side}HandIndex1": (f"{_side}Hand", (_sign * 0.78, 1.42, 0.03)),
        f"{_side}HandMiddle1": (f"{_side}Hand", (_sign * 0.79, 1.42, 0.01)),
        f"{_side}HandPinky1": (f"{_side}Hand", (_sign * 0.77, 1.42, -0.03)),
        f"{_side}UpLeg": ("Hips", (_sign * 0.09, 0.9, 0)),
        f"{_side}Leg": (f"{_side}UpLeg", (_sign * 0.09, 0.5, 0)),
        f"{_side}Foot": (f"{_side}Leg", (_sign * 0.09, 0.1, 0)),
        f"{_side}ToeBase": (f"{_side}Foot", (_sign * 0.09, 0.03, 0.13)),
    }

# box: joint, lowest and highest corner on the left side, and the color of skin, top, trousers or shoes
SKIN, TOP, TROUSERS, SHOE = (220, 170, 140), (30, 60, 200), (60, 120, 60), (30, 20, 20)
_MIDDLE = (
    ("Head", (-0.08, 1.5, -0.1), (0.08, 1.72, 0.09), SKIN), ("Neck", (-0.05, 1.42, -0.05), (0.05, 1.52, 0.05), SKIN),
    ("Spine2", (-0.18, 1.2, -0.1), (0.18, 1.46, 0.1), TOP), ("Spine1", (-0.17, 1.1, -0.1), (0.17, 1.22, 0.1), TOP),
    ("Spine", (-0.17, 1.0, -0.1), (0.17, 1.12, 0.1), TOP), ("Hips", (-0.17, 0.86, -0.1), (0.17, 1.02, 0.1), TROUSERS),
    ("Head", (-0.015, 1.55, 0.08), (0.015, 1.58, 0.12), SKIN),
)  # fmt: skip
_LEFT = (
    ("Arm", (0.16, 1.37, -0.05), (0.46, 1.47, 0.05), TOP), ("ForeArm", (0.44, 1.38, -0.04), (0.71, 1.46, 0.04), SKIN),
    ("Hand", (0.7, 1.4, -0.04), (0.8, 1.44, 0.04), SKIN), ("HandMiddle1", (0.79, 1.4, -0.04), (0.88, 1.44, 0.04), SKIN),
    ("UpLeg", (0.02, 0.48, -0.08), (0.16, 0.9, 0.08), TROUSERS),
    ("Leg", (0.03, 0.08, -0.06), (0.15, 0.5, 0.06), TROUSERS),
    ("Foot", (0.04, 0.0, -0.06), (0.14, 0.1, 0.08), SHOE), ("ToeBase", (0.04, 0.0, 0.07), (0.14, 0.06, 0.18), SHOE),
    ("Eye", (0.02, 1.59, 0.06), (0.04, 1.61, 0.095), (250, 250, 250)),
)  # fmt: skip
_PALETTE = (SKIN, TOP, TROUSERS, SHOE, (250, 250, 250))
_FINE = 4  # squares along each side of a box's face


def _box(low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return vertices and triangles of a box whose sides are grids."""
    vertices, faces = [], []
    steps = np.linspace(0, 1, _FINE + 1)
    for axis in range(3):
        first, second = (axis + 1) % 3, (axis + 2) % 3
        for end in (0, 1):
            start = len(vertices)
            for one in steps:
                for other in steps:
                    place = np.zeros(3)
                    place[axis], place[first], place[second] = end, one, other
                    vertices.append(low + place * (high - low))
            for row in range(_FINE):
                for column in range(_FINE):
                    a = start + row * (_FINE + 1) + column
                    square = [[a, a + _FINE + 1, a + 1], [a + 1, a + _FINE + 1, a + _FINE + 2]]
                    faces += square if end else [triangle[::-1] for triangle in square]
    return np.array(vertices), np.array(faces)


def write_avatar(folder: Path) -> Path:
    """Write the avatar's mesh and texture into a folder and return it."""
    folder.mkdir(parents=True)
    names = list(JOINTS)
    boxes = [*_MIDDLE]
    for sign, side in ((1, "Left"), (-1, "Right")):
        for joint, low, high, color in _LEFT:
            corners = np.array([low, high]) * (sign, 1, 1)
            boxes.append((side + joint, tuple(corners.min(axis=0)), tuple(corners.max(axis=0)), color))
    vertices, faces, uv, joints = [], [], [], []
    for joint, low, high, color in boxes:
        points, triangles = _box(np.array(low), np.array(high))
        faces.append(triangles + sum(len(part) for part in vertices))
        vertices.append(points)
        uv.append(np.tile([(_PALETTE.index(color) + 0.5) / len(_PALETTE), 0.5], (len(points), 1)))
        joints.append(np.full(len(points), names.index(joint)))
    count = sum(len(part) for part in vertices)
    weights = np.zeros((count, 4), dtype=np.uint8)
    weights[:, 0] = 255
    moved_by = np.zeros((count, 4), dtype=np.uint8)
    moved_by[:, 0] = np.concatenate(joints)
    tensors = {
        "vertices": np.concatenate(vertices).astype(np.float32),
        "uv": np.concatenate(uv).astype(np.float32),
        "faces": np.concatenate(faces).astype(np.uint16),
        "face_texture": np.zeros(sum(len(part) for part in faces), dtype=np.uint8),
        "joints": moved_by,
        "weights": weights,
        "joint_positions": np.array([place for _, place in JOINTS.values()], dtype=np.float32),
        "joint_parents": np.array(
            [-1 if parent is None else names.index(parent) for parent, _ in JOINTS.values()], dtype=np.int16
        ),
    }
    save_file(
        tensors, folder / "mesh.safetensors", {"joint_names": json.dumps(names), "textures": json.dumps(["0.png"])}
    )
    texture = np.repeat(np.array([_PALETTE], dtype=np.uint8), 32, axis=0).repeat(32, axis=1)  # (32, 160, 3)
    cv2.imwrite(str(folder / "0.png"), texture[..., ::-1])
    return folder
