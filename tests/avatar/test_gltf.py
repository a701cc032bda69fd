"""The glTF of an avatar, read back by an independent reader, and posed by what its skeleton says."""

from __future__ import annotations

import io
import json
import struct
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from scipy.spatial.transform import Rotation
from small_avatar import small_avatar, turns

from motionwarp.avatar.gltf import glb_bytes, save_glb, straight_texture
from motionwarp.avatar.renderer import moved_positions
from motionwarp.body.layout import DRIVEN_BONES
from motionwarp.body.rig import DRIVEN_PARENTS
from motionwarp.errors import OutputError

Array = npt.NDArray[Any]
TYPES = {5126: "<f4", 5125: "<u4", 5121: "u1"}
WIDTHS = {"SCALAR": (), "VEC2": (2,), "VEC3": (3,), "VEC4": (4,), "MAT4": (4, 4)}


class Read:
    """A .glb, taken apart after the specification."""

    def __init__(self, content: bytes) -> None:
        magic, version, length, size, kind = struct.unpack_from("<4sIII4s", content)
        assert (magic, version, length, kind) == (b"glTF", 2, len(content), b"JSON")
        self.json = json.loads(content[20 : 20 + size])
        binary_size, kind = struct.unpack_from("<I4s", content, 20 + size)
        assert kind == b"BIN\0"
        self.binary = content[28 + size :]
        assert len(self.binary) == binary_size == self.json["buffers"][0]["byteLength"]

    def view(self, index: int) -> bytes:
        view = self.json["bufferViews"][index]
        return self.binary[view["byteOffset"] : view["byteOffset"] + view["byteLength"]]

    def array(self, index: int) -> Array:
        accessor = self.json["accessors"][index]
        values = np.frombuffer(self.view(accessor["bufferView"]), TYPES[accessor["componentType"]])
        return values.reshape(accessor["count"], *WIDTHS[accessor["type"]])

    def attribute(self, name: str) -> Array:
        return self.array(self.json["meshes"][0]["primitives"][0]["attributes"][name])

    def skinned(self, locals_: list[Array]) -> Array:
        """Return the vertices for local transforms (4, 4) of the joints, as section 3.7.3.3 wants them."""
        world: dict[int, Array] = {0: locals_[0]}
        for node, entry in enumerate(self.json["nodes"]):
            for child in entry.get("children", []):
                world[child] = world[node] @ locals_[child]
        skin = self.json["skins"][0]
        inverse = self.array(skin["inverseBindMatrices"]).transpose(0, 2, 1)
        maps = np.stack([world[joint] for joint in skin["joints"]]) @ inverse
        blended = np.einsum("nk,nkij->nij", self.attribute("WEIGHTS_0"), maps[self.attribute("JOINTS_0")])
        points = np.column_stack([self.attribute("POSITION"), np.ones(self.attribute("POSITION").shape[0])])
        return np.einsum("nij,nj->ni", blended, points)[:, :3]

    def locals(self) -> list[Array]:
        made = []
        for entry in self.json["nodes"][: len(DRIVEN_BONES)]:
            matrix = np.eye(4)
            matrix[:3, :3] = Rotation.from_quat(entry["rotation"]).as_matrix()
            matrix[:3, 3] = entry["translation"]
            made.append(matrix)
        return made


@pytest.fixture
def read() -> Read:
    return Read(glb_bytes(small_avatar(), "alice"))


def test_the_skeleton_at_rest_leaves_the_mesh_where_it_is(read: Read) -> None:
    np.testing.assert_allclose(read.skinned(read.locals()), read.attribute("POSITION"), atol=1e-5)


def test_the_mesh_stands_upright_on_the_ground(read: Read) -> None:
    positions, own = read.attribute("POSITION"), small_avatar().sheets.positions
    np.testing.assert_allclose(positions.min(axis=0), [-0.2, 0.0, -0.1], atol=1e-6)
    np.testing.assert_allclose(positions.max(axis=0), [0.2, 1.0, 0.1], atol=1e-6)
    np.testing.assert_allclose(positions[:, 0], own[:, 0])  # the person's left stays on the viewer's right
    np.testing.assert_allclose(positions[:, 2], -own[:, 2])
    bounds = read.json["accessors"][read.json["meshes"][0]["primitives"][0]["attributes"]["POSITION"]]
    np.testing.assert_allclose([bounds["min"], bounds["max"]], [positions.min(axis=0), positions.max(axis=0)])


def test_turned_joints_move_the_mesh_as_the_avatar_moves(read: Read) -> None:
    avatar, flip = small_avatar(), np.diag([1.0, -1.0, -1.0])
    pose, locals_ = turns(9).astype(np.float64), read.locals()
    for bone, parent in enumerate(DRIVEN_PARENTS):
        above = np.eye(3) if parent < 0 else pose[parent]
        locals_[bone][:3, :3] = flip @ above.T @ pose[bone] @ flip
    # where the joints go: each hangs on the one above it
    joints = np.empty((len(pose), 3))
    for bone, parent in enumerate(DRIVEN_PARENTS):
        start = avatar.joints[bone]
        if parent >= 0:
            turned = pose[parent] @ avatar.rotations[parent].T
            joints[bone] = joints[parent] + turned @ (start - avatar.joints[parent])
        else:
            joints[bone] = start
    sheets, transforms = avatar.sheets, avatar.transforms(pose.astype(np.float32), joints.astype(np.float32))
    moved = moved_positions(sheets.positions, sheets.bones, sheets.bone_weights, transforms)
    ground = np.array([0, (sheets.positions @ flip)[:, 1].min(), 0])
    np.testing.assert_allclose(read.skinned(locals_), moved @ flip - ground, atol=1e-5)


def test_joints_without_weight_name_the_first_bone(read: Read) -> None:
    weights, joints = read.attribute("WEIGHTS_0"), read.attribute("JOINTS_0")
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-6)
    assert not joints[weights == 0].any()
    assert set(joints[weights > 0].tolist()) == {2, 5}
    assert [node["name"] for node in read.json["nodes"]] == [*DRIVEN_BONES, "alice"]


def test_the_texture_is_a_png_whose_corners_are_met(read: Read) -> None:
    data = np.frombuffer(read.view(read.json["images"][0]["bufferView"]), np.uint8)
    texture = cv2.cvtColor(cv2.imdecode(data, cv2.IMREAD_UNCHANGED), cv2.COLOR_BGRA2RGBA)
    atlas = small_avatar().atlas.texels
    np.testing.assert_array_equal(texture[:, 1:31, :3], atlas[:, 1:31, :3])
    np.testing.assert_array_equal(texture[..., 3], atlas[..., 3])
    # the corner of vertex 0 is the middle of texel (1, 1)
    np.testing.assert_allclose(read.attribute("TEXCOORD_0")[0] * 32, [1.5, 1.5], atol=1e-5)


def test_colors_are_divided_by_alpha_and_go_on_where_nothing_is() -> None:
    texels = np.zeros((3, 5, 5), dtype=np.uint8)
    texels[1, 1, :4] = 50, 25, 100, 128
    texels[1, 3, :4] = 10, 20, 30, 255
    straight = straight_texture(texels)
    np.testing.assert_array_equal(straight[1, 1], [100, 50, 199, 128])
    np.testing.assert_array_equal(straight[0, 0], [100, 50, 199, 0])
    np.testing.assert_array_equal(straight[2, 4], [10, 20, 30, 0])


def test_trimesh_reads_it() -> None:
    trimesh = pytest.importorskip("trimesh")
    scene = trimesh.load(io.BytesIO(glb_bytes(small_avatar(), "alice")), file_type="glb")
    (mesh,) = scene.geometry.values()
    assert (len(mesh.vertices), len(mesh.faces)) == (30, 32)
    assert mesh.visual.material.baseColorTexture.size == (32, 32)
    np.testing.assert_allclose(scene.bounds, [[-0.2, 0, -0.1], [0.2, 1, 0.1]], atol=1e-6)
    # the front sheet looks to the viewer, the back sheet away
    assert (mesh.face_normals[:16, 2] > 0.99).all()
    assert (mesh.face_normals[16:, 2] < -0.99).all()


def test_it_is_written_whole_and_replaces_only_if_allowed(tmp_path: Path) -> None:
    target = tmp_path / "alice.glb"
    target.write_bytes(b"precious")
    with pytest.raises(OutputError, match="exists already"):
        save_glb(target, small_avatar())
    assert target.read_bytes() == b"precious"
    save_glb(target, small_avatar(), overwrite=True)
    assert target.read_bytes() == glb_bytes(small_avatar())
    assert [file.name for file in tmp_path.iterdir()] == ["alice.glb"]
