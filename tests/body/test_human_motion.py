"""Skeletons of common programs are understood as a person's, in metres and upright, and others are refused in words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from motionwarp.body.bvh import read_bvh
from motionwarp.body.human_motion import human_motion
from motionwarp.body.joint_names import (
    HEAD,
    HIPS,
    LEFT_ANKLE,
    LEFT_HIP,
    LEFT_SHOULDER,
    LEFT_TOE,
    REQUIRED,
    RIGHT_ANKLE,
    RIGHT_SHOULDER,
    understand,
)
from motionwarp.body.motion_clip import MotionClip, Skeleton
from motionwarp.errors import PoseFileError

MIXAMO = {
    "Hips": (None, (0, 95, 0)), "Spine": ("Hips", (0, 10, 0)), "Neck": ("Spine", (0, 38, 0)),
    "Head": ("Neck", (0, 12, 0)),
    "LeftArm": ("Spine", (17, 33, 0)), "LeftForeArm": ("LeftArm", (27, 0, 0)), "LeftHand": ("LeftForeArm", (25, 0, 0)),
    "RightArm": ("Spine", (-17, 33, 0)), "RightForeArm": ("RightArm", (-27, 0, 0)),
    "RightHand": ("RightForeArm", (-25, 0, 0)),
    "LeftUpLeg": ("Hips", (9, -5, 0)), "LeftLeg": ("LeftUpLeg", (0, -42, 0)), "LeftFoot": ("LeftLeg", (0, -40, 0)),
    "RightUpLeg": ("Hips", (-9, -5, 0)), "RightLeg": ("RightUpLeg", (0, -42, 0)),
    "RightFoot": ("RightLeg", (0, -40, 0)),
}  # fmt: skip


def person(prefix: str = "", scale: float = 1.0, turn: np.ndarray | None = None) -> MotionClip:
    names = list(MIXAMO)
    parents = [-1 if parent is None else names.index(parent) for parent, _ in MIXAMO.values()]
    offsets = np.array([offset for _, offset in MIXAMO.values()], dtype=np.float32) * scale
    skeleton = Skeleton(tuple(prefix + name for name in names), tuple(parents), offsets)
    rotations = np.tile(np.eye(3), (3, len(names), 1, 1))
    root = np.tile(offsets[0], (3, 1))
    if turn is not None:
        rotations[:, 0] = turn
        root = root @ turn.T
    return MotionClip(skeleton, rotations, root, 30.0)


@pytest.mark.parametrize("prefix", ["", "mixamorig:", "mixamorig1:", "mixamorig_", "Someone:"])
def test_namespaces_do_not_matter(prefix: str) -> None:
    names = understand([prefix + name for name in MIXAMO])
    assert names.convention == "Mixamo"
    assert names.joints["left_shoulder"] == list(MIXAMO).index("LeftArm")


@pytest.mark.parametrize(("scale", "unit"), [(1, 0.01), (0.01, 1.0), (10, 0.001), (1 / 2.54, 0.0254)])
def test_a_person_has_a_persons_size_whatever_the_unit(scale: float, unit: float) -> None:
    motion = human_motion(person(scale=scale))
    assert motion.metres_per_unit == pytest.approx(unit)
    assert motion.positions[0, HEAD, 1] == pytest.approx(1.55, abs=1e-4)


def test_z_up_is_turned_upright() -> None:
    z_up = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
    upright, turned = human_motion(person()), human_motion(person(turn=z_up))
    np.testing.assert_allclose(turned.positions, upright.positions, atol=1e-5)
    lying = human_motion(person(turn=z_up), up="y")
    assert abs(lying.positions[0, HEAD, 1]) < 1e-5


def test_missing_toes_point_forward() -> None:
    positions = human_motion(person()).positions[0]
    assert positions[LEFT_TOE, 2] > positions[LEFT_ANKLE, 2] + 0.08


def test_a_cat_is_no_person() -> None:
    cat = ["Root", "Pelvis", "Tail01", "Tail02", "L_HindThigh", "L_HindPaw", "FrontPaw"]
    with pytest.raises(PoseFileError) as caught:
        understand(cat)
    assert "lacks bones of a person: head, left shoulder" in str(caught.value)
    assert "Root as hips" in str(caught.value)
    with pytest.raises(PoseFileError, match=r"none of its 5 joints was understood \(Tail01"):
        understand(cat[2:])


def test_what_is_missing_and_what_was_understood_is_told() -> None:
    with pytest.raises(PoseFileError) as caught:
        understand([name for name in MIXAMO if name not in ("LeftFoot", "RightForeArm")])
    text = str(caught.value)
    assert "lacks bones of a person: right elbow, left ankle" in text
    assert "LeftUpLeg as left hip" in text


def test_a_quadruped_with_a_persons_names_is_refused() -> None:
    clip = person()
    offsets = clip.skeleton.offsets.copy()
    offsets[[clip.skeleton.names.index(name) for name in ("LeftForeArm", "LeftHand", "RightForeArm", "RightHand")]] *= 3
    with pytest.raises(PoseFileError, match="times as long as its legs"):
        human_motion(
            MotionClip(
                Skeleton(clip.skeleton.names, clip.skeleton.parents, offsets), clip.rotations, clip.root_positions, 30.0
            )
        )


@pytest.mark.shared_data
def test_all_motion_capture_beside_the_project_is_understood(shared_data: Path) -> None:
    files = sorted((shared_data / "motion").glob("*.bvh.gz"))
    assert len(files) == 70
    conventions = set()
    for path in files:
        motion = human_motion(read_bvh(path))
        conventions.add(motion.convention)
        positions = motion.positions
        heads = positions[:, HEAD, 1] - positions[:, [LEFT_ANKLE, RIGHT_ANKLE], 1].min(axis=1)
        assert 1.0 < np.median(heads) < 1.75, path.name
        assert 0.05 < np.linalg.norm(positions[0, LEFT_HIP] - positions[0, HIPS]) < 0.25, path.name
        assert 0.2 < np.linalg.norm(positions[0, LEFT_SHOULDER] - positions[0, RIGHT_SHOULDER]) < 0.6, path.name
    assert conventions == {"Character Creator", "CMU", "Mixamo"}
    assert len(REQUIRED) == 14
