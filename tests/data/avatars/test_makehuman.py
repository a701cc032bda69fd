"""MakeHuman's files are read as they are meant, garments follow the body, and dressed people are people."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from motionwarp.body.model import BodyModel
from motionwarp.data.avatars.dressing import draw_people
from motionwarp.data.avatars.makehuman import read_fitting, read_obj
from motionwarp.data.avatars.packing import load_cast
from motionwarp.data.avatars.posing import pose_avatar
from motionwarp.data.avatars.rendering import Lamp, OrbitCamera, plain_dyes, render_avatar
from motionwarp.errors import InputError, OptionError
from motionwarp.parsing import labels
from motionwarp.pose import skeleton as sk

OBJ = """# a square and a triangle
v 0 0 0
v 2 0 0
v 2 2 0
v 0 2 1
vt 0 0
vt 1 0
vt 1 1
g body
f 1/1 2/2 3/3 4/1
g sleeve
f 1/1/1 2/2/1 4/3/1
"""
FITTING = """# a garment
name made
obj_file made.obj
x_scale 0 1 2.0
y_scale 0 3 4.0
z_scale 0 3 0.5
verts 0
material made.mhmat
0 1 2 0.5 0.25 0.25 0.1 0.2 0.3
3
delete_verts
1 3 - 5 9
"""


def test_meshes_are_cut_into_triangles(tmp_path: Path) -> None:
    (tmp_path / "made.obj").write_text(OBJ)
    mesh = read_obj(tmp_path / "made.obj")
    np.testing.assert_array_equal(mesh.faces, [[0, 1, 2], [0, 2, 3], [0, 1, 3]])
    np.testing.assert_array_equal(mesh.face_uv, [[0, 1, 2], [0, 2, 0], [0, 1, 2]])
    assert mesh.groups == ("body", "body", "sleeve")
    (tmp_path / "packed.obj.gz").write_bytes(gzip.compress(OBJ.encode()))
    np.testing.assert_array_equal(read_obj(tmp_path / "packed.obj").vertices, mesh.vertices)


def test_garments_follow_the_body_and_its_size(tmp_path: Path) -> None:
    (tmp_path / "made.mhclo").write_text(FITTING)
    fitting = read_fitting(tmp_path / "made.mhclo", 10)
    assert fitting.hidden == {1, 3, 4, 5, 9}
    base = np.zeros((10, 3))
    base[:4] = [[0, 0, 0], [2, 0, 0], [2, 2, 0], [0, 4, 0.5]]
    np.testing.assert_allclose(fitting.fitted(base), [[1.1, 0.7, 0.3], [0, 4, 0.5]])
    np.testing.assert_allclose(fitting.fitted(2 * base), [[2.2, 1.4, 0.6], [0, 8, 1]])


@pytest.mark.parametrize(
    ("old", "new"),
    [("0 1 2 0.5", "0 1 99 0.5"), ("0 1 2 0.5", "0 1 2 x"), ("x_scale 0 1 2.0", ""),
     ("x_scale 0 1 2.0", "x_scale 0 1 0"),
     ("made.obj", "../made.obj"), ("0.25 0.25", "nan 0.25")],
)  # fmt: skip
def test_broken_garments_are_refused(tmp_path: Path, old: str, new: str) -> None:
    (tmp_path / "made.mhclo").write_text(FITTING.replace(old, new, 1))
    with pytest.raises(InputError):
        read_fitting(tmp_path / "made.mhclo", 10)


@pytest.mark.parametrize(("old", "new"), [("f 1/1 2/2", "f 1/1 9/2"), ("f 1/1 2/2", "f 1 2"), ("v 0 0 0", "v 0 0 x")])
def test_broken_meshes_are_refused(tmp_path: Path, old: str, new: str) -> None:
    (tmp_path / "made.obj").write_text(OBJ.replace(old, new, 1))
    with pytest.raises(InputError):
        read_obj(tmp_path / "made.obj")
    with pytest.raises(InputError, match="cannot be read"):
        read_obj(tmp_path / "none.obj")


def test_packed_files_that_swell_are_refused(tmp_path: Path) -> None:
    (tmp_path / "made.obj.gz").write_bytes(gzip.compress(b"v 0 0 0\n" * (9 << 20)))
    with pytest.raises(InputError, match="larger"):
        read_obj(tmp_path / "made.obj")


def test_dressed_people_are_for_training_only(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="training only"):
        load_cast(tmp_path, "validation", 0, dressed=3)


@pytest.mark.shared_data
def test_dressed_people_wear_what_covers_them(shared_data: Path) -> None:
    people = draw_people(BodyModel.load(), shared_data / "makehuman", 3, 1)
    for person in people:
        posed = pose_avatar(person, person.t_pose)
        assert 1.4 < posed.vertices[:, 1].max() < 2.1
        assert posed.points[sk.LEFT_WRIST, 0] > posed.points[sk.LEFT_SHOULDER, 0] + 0.35
        assert abs(posed.points[sk.LEFT_WRIST, 1] - posed.points[sk.LEFT_SHOULDER, 1]) < 0.08
        camera = OrbitCamera(0, 0, 0, 4, (0, 0.9, 0), 500, 119.5, 159.5)
        front = render_avatar(person, posed, camera, Lamp(), plain_dyes(), 320, 240)
        shares = np.bincount(front.parsing[front.matte > 0.5], minlength=256) / (front.matte > 0.5).sum()
        clothes = shares[[labels.UPPER_CLOTHES, labels.PANTS, labels.COAT, labels.SKIRT, labels.JUMPSUITS]].sum()
        assert clothes > 0.4
        # bare skin of the trunk is the only thing without a class
        assert shares[labels.IGNORE] < 0.12
        column, row = np.rint(camera.project(posed.points)[sk.LEFT_WRIST, :2]).astype(int)
        if 0 <= column < 240:
            assert front.parsing[row, column] in (labels.LEFT_ARM, labels.UPPER_CLOTHES, labels.COAT)
