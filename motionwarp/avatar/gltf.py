"""An avatar as binary glTF 2.0, for other programs: a textured mesh in the photo's pose, skinned to the driven bones.

Ours, after Khronos' specification. Its axes are y up and z towards who looks, so that y and z change their signs; the
feet are put on the ground. Materials are unlit where a program knows that, since the photo's light is in the texture
already.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.ndimage import distance_transform_edt
from scipy.spatial.transform import Rotation

from motionwarp.avatar.avatar import Avatar
from motionwarp.body.layout import DRIVEN_BONES
from motionwarp.body.rig import DRIVEN_PARENTS
from motionwarp.media.atomic import PendingFile, write_failure
from motionwarp.media.image import encoded_image
from motionwarp.types import ByteArray, FloatArray
from motionwarp.version import __version__

_MAGIC: Final = 0x46546C67  # "glTF"
_JSON_CHUNK: Final = 0x4E4F534A
_BINARY_CHUNK: Final = 0x004E4942
_COMPONENT_TYPES: Final = {"float32": 5126, "uint32": 5125, "uint8": 5121}
_SHAPES: Final = {(): "SCALAR", (2,): "VEC2", (3,): "VEC3", (4,): "VEC4", (4, 4): "MAT4"}
_VERTICES: Final = 34962  # ARRAY_BUFFER
_TRIANGLES: Final = 34963  # ELEMENT_ARRAY_BUFFER
_LINEAR: Final = 9729
_LINEAR_MIPMAPS: Final = 9987
_CLAMP: Final = 33071
_OPAQUE_FROM: Final = 0.5  # coverage; half transparent triangles would have to be sorted
_AXES: Final = np.array([1, -1, -1], dtype=np.float32)
_UNLIT: Final = "KHR_materials_unlit"


def save_glb(
    path: str | Path,
    avatar: Avatar,
    *,
    name: str = "avatar",
    tags: Mapping[str, str] | None = None,
    overwrite: bool = False,
) -> Path:
    """Write an avatar as a .glb file, whole or not at all.

    Parameters
    ----------
    path : str or Path
    avatar : Avatar
    name : str
        Of the mesh and its skeleton.
    tags : mapping of str, optional
        What the file says of itself, as `Provenance.tags` gives it.
    overwrite : bool
        Whether a file that is there may be replaced.

    Returns
    -------
    Path

    Raises
    ------
    OutputError
        If it exists and may not be replaced, or cannot be written.
    """
    target = Path(path)
    with PendingFile(target, overwrite=overwrite) as pending:
        try:
            pending.path.write_bytes(glb_bytes(avatar, name, tags))
        except OSError as error:
            raise write_failure(error, target) from error
        pending.commit()
    return target


def glb_bytes(avatar: Avatar, name: str = "avatar", tags: Mapping[str, str] | None = None) -> bytes:
    """Return an avatar as a binary glTF file."""
    document = _Document()
    sheets = avatar.sheets
    positions = sheets.positions * _AXES
    joints = avatar.joints * _AXES
    ground = np.array([0, positions[:, 1].min(), 0], dtype=np.float32)
    positions, joints = positions - ground, joints - ground
    rotations = _AXES[:, None] * avatar.rotations * _AXES
    bones, weights = _influences(sheets.bones, sheets.bone_weights)
    height, width = avatar.atlas.texels.shape[:2]
    # texels' centers are integers here, and glTF measures from the picture's edge
    uv = ((sheets.uv + 0.5) / np.array([width, height], dtype=np.float32)).astype(np.float32)
    attributes = {
        "POSITION": document.array(positions.astype(np.float32), _VERTICES, bounds=True),
        "TEXCOORD_0": document.array(uv, _VERTICES),
        "JOINTS_0": document.array(bones, _VERTICES),
        "WEIGHTS_0": document.array(weights, _VERTICES),
    }
    indices = document.array(sheets.faces[:, ::-1].astype(np.uint32).reshape(-1), _TRIANGLES)
    inverse = document.array(_inverse_binds(rotations, joints))
    image = document.view(encoded_image(Path("atlas.png"), straight_texture(avatar.atlas.texels)))
    nodes = _joint_nodes(rotations, joints)
    count = len(nodes)
    told = {**(tags or {}), "synthetic": True}
    material = {
        "name": name,
        "pbrMetallicRoughness": {"baseColorTexture": {"index": 0}, "metallicFactor": 0, "roughnessFactor": 1},
        "alphaMode": "MASK",
        "alphaCutoff": _OPAQUE_FROM,
        "doubleSided": True,
        "extensions": {_UNLIT: {}},
    }
    return document.finished(
        {
            "asset": {"version": "2.0", "generator": f"motionwarp {__version__}", "extras": told},
            "extensionsUsed": [_UNLIT],
            "scene": 0,
            "scenes": [{"name": name, "nodes": [0, count]}],
            "nodes": [*nodes, {"name": name, "mesh": 0, "skin": 0}],
            "skins": [{"name": name, "joints": list(range(count)), "skeleton": 0, "inverseBindMatrices": inverse}],
            "meshes": [
                {"name": name, "primitives": [{"attributes": attributes, "indices": indices, "material": 0}]}
            ],
            "materials": [material],
            "textures": [{"source": 0, "sampler": 0}],
            "images": [{"name": name, "mimeType": "image/png", "bufferView": image}],
            "samplers": [
                {"magFilter": _LINEAR, "minFilter": _LINEAR_MIPMAPS, "wrapS": _CLAMP, "wrapT": _CLAMP}
            ],
        }
    )  # fmt: skip


def straight_texture(texels: ByteArray) -> ByteArray:
    """Return an atlas' colors not multiplied by alpha, and alpha, uint8 (h, w, 4).

    Transparent texels have the colors of the nearest others, since programs mix neighbors where they shrink a texture.
    """
    alpha = texels[..., 3]
    seen = alpha > 0
    straight = texels[..., :3] * (255.0 / np.maximum(alpha, 1).astype(np.float32))[..., None]
    colors = np.rint(straight.clip(0, 255)).astype(np.uint8)
    if seen.any() and not seen.all():
        rows, columns = distance_transform_edt(~seen, return_distances=False, return_indices=True)
        colors = colors[rows, columns]
    return np.ascontiguousarray(np.dstack([colors, alpha]))


def _influences(bones: npt.NDArray[np.int32], weights: FloatArray) -> tuple[ByteArray, FloatArray]:
    """Return bones and weights as glTF wants them: weights sum to 1, and those without any name bone 0."""
    positive = np.maximum(weights, 0).astype(np.float32)
    positive /= positive.sum(axis=1, keepdims=True)
    return np.where(positive > 0, bones, 0).astype(np.uint8), positive


def _inverse_binds(rotations: FloatArray, joints: FloatArray) -> FloatArray:
    """Return the maps from the mesh to each bone's own axes, column by column, float32 (B, 4, 4)."""
    inverse = np.zeros((len(joints), 4, 4), dtype=np.float32)
    back = rotations.transpose(0, 2, 1)
    inverse[:, :3, :3] = back
    inverse[:, :3, 3] = -np.einsum("bij,bj->bi", back, joints)
    inverse[:, 3, 3] = 1
    return np.ascontiguousarray(inverse.transpose(0, 2, 1))


def _joint_nodes(rotations: FloatArray, joints: FloatArray) -> list[dict[str, Any]]:
    """Return the skeleton in the photo's pose, a node for each driven bone."""
    nodes: list[dict[str, Any]] = []
    for bone, parent in enumerate(DRIVEN_PARENTS):
        turn, place = rotations[bone], joints[bone]
        if parent >= 0:
            back = rotations[parent].T
            turn, place = back @ turn, back @ (place - joints[parent])
        node: dict[str, Any] = {
            "name": DRIVEN_BONES[bone],
            "rotation": [float(value) for value in Rotation.from_matrix(turn).as_quat()],
            "translation": [float(value) for value in place],
        }
        if children := [child for child, above in enumerate(DRIVEN_PARENTS) if above == bone]:
            node["children"] = children
        nodes.append(node)
    return nodes


class _Document:
    """The binary part of a file, and what the JSON says of it."""

    def __init__(self) -> None:
        self._binary = bytearray()
        self._views: list[dict[str, Any]] = []
        self._accessors: list[dict[str, Any]] = []

    def view(self, content: bytes, target: int | None = None) -> int:
        """Add bytes; returns the number of their view."""
        self._binary += bytes(-len(self._binary) % 4)
        view = {"buffer": 0, "byteOffset": len(self._binary), "byteLength": len(content)}
        self._views.append(view if target is None else {**view, "target": target})
        self._binary += content
        return len(self._views) - 1

    def array(self, values: npt.NDArray[Any], target: int | None = None, *, bounds: bool = False) -> int:
        """Add an array; returns the number of its accessor. `bounds`: its least and largest values are told."""
        accessor: dict[str, Any] = {
            "bufferView": self.view(np.ascontiguousarray(values).tobytes(), target),
            "componentType": _COMPONENT_TYPES[values.dtype.name],
            "count": len(values),
            "type": _SHAPES[values.shape[1:]],
        }
        if bounds:
            accessor |= {"min": values.min(axis=0).tolist(), "max": values.max(axis=0).tolist()}
        self._accessors.append(accessor)
        return len(self._accessors) - 1

    def finished(self, content: dict[str, Any]) -> bytes:
        """Return the whole file."""
        binary = bytes(self._binary) + bytes(-len(self._binary) % 4)
        whole = {
            **content,
            "accessors": self._accessors,
            "bufferViews": self._views,
            "buffers": [{"byteLength": len(binary)}],
        }
        text = json.dumps(whole, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 4)
        chunks = _words(len(text), _JSON_CHUNK) + text + _words(len(binary), _BINARY_CHUNK) + binary
        return _words(_MAGIC, 2, 12 + len(chunks)) + chunks


def _words(*numbers: int) -> bytes:
    return b"".join(number.to_bytes(4, "little") for number in numbers)
