"""BVH is read as it is meant, written so that it reads back, and refused where it is no person's motion."""

from __future__ import annotations

import contextlib
import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from motionwarp.body.bvh import BvhLimits, format_bvh, parse_bvh, read_bvh, write_bvh
from motionwarp.body.motion_clip import MotionClip, Skeleton
from motionwarp.errors import LimitError, MotionwarpError, OutputError, PoseFileError

SMALL = """HIERARCHY
ROOT Hips
{
    OFFSET 0 0 0
    CHANNELS 6 Xposition Yposition Zposition Zrotation Yrotation Xrotation
    JOINT Spine
    {
        OFFSET 1 2 3
        CHANNELS 3 Yrotation Zrotation Xrotation
        JOINT Head
        {
            OFFSET 0 4 0
            CHANNELS 3 Xrotation Yrotation Zrotation
            End Site
            {
                OFFSET 0 1 0
            }
        }
    }
}
MOTION
Frames: 2
Frame Time: 0.04
1 2 3 10 20 30 40 50 60 70 80 90
-1 -2 -3 -10 200 -30 4 5 6 7 8 9
"""


def small_clip(seed: int) -> MotionClip:
    rng = np.random.default_rng(seed)
    skeleton = Skeleton(
        ("a", "b", "c", "d"), (-1, 0, 1, 0), rng.normal(size=(4, 3)) * [[0], [1], [1], [1]], ((2, (0.0, 1.0, 0.0)),)
    )
    turns = Rotation.random(20, rng=rng) if hasattr(Rotation, "random") else Rotation.identity(20)
    return MotionClip(skeleton, turns.as_matrix().reshape(5, 4, 3, 3), rng.normal(size=(5, 3)), 25.0)


def test_forward_kinematics_is_that_of_scipy_and_the_form() -> None:
    clip = parse_bvh(SMALL)
    positions, rotations = clip.world()
    for frame, row in enumerate([line.split() for line in SMALL.splitlines()[-2:]]):
        values = [float(word) for word in row]
        hips = Rotation.from_euler("ZYX", values[3:6], degrees=True)
        spine = hips * Rotation.from_euler("YZX", values[6:9], degrees=True)
        head = spine * Rotation.from_euler("XYZ", values[9:12], degrees=True)
        at_spine = np.array(values[:3]) + hips.apply([1, 2, 3])
        at_head = at_spine + spine.apply([0, 4, 0])
        np.testing.assert_allclose(positions[frame], [values[:3], at_spine, at_head], atol=1e-5)
        np.testing.assert_allclose(rotations[frame, 2], head.as_matrix(), atol=1e-6)
    assert clip.frame_rate == pytest.approx(25)
    assert clip.skeleton.tips == ((2, (0.0, 1.0, 0.0)),)


@pytest.mark.parametrize("ending", [".bvh", ".bvh.gz"])
def test_a_written_motion_reads_back(tmp_path: Path, ending: str) -> None:
    clip = small_clip(3)
    path = tmp_path / f"motion{ending}"
    write_bvh(path, clip)
    back = read_bvh(path)
    assert path.read_bytes().startswith(b"\x1f\x8b") == (ending == ".bvh.gz")
    assert back.skeleton.names == clip.skeleton.names
    assert back.skeleton.parents == clip.skeleton.parents
    assert back.skeleton.tips == clip.skeleton.tips
    assert back.frame_rate == pytest.approx(clip.frame_rate)
    for one, other in zip(back.world(), clip.world(), strict=True):
        np.testing.assert_allclose(one, other, atol=2e-4)
    with pytest.raises(OutputError):
        write_bvh(path, clip)


def test_joints_are_written_with_their_children_below_them() -> None:
    skeleton = Skeleton(("a", "b", "c", "d"), (-1, 0, 0, 1), np.eye(4, 3))
    turns = np.tile(np.eye(3), (1, 4, 1, 1))
    turns[0, 3] = Rotation.from_euler("X", 90, degrees=True).as_matrix()
    back = parse_bvh(format_bvh(MotionClip(skeleton, turns, np.zeros((1, 3)), 30.0)))
    assert back.skeleton.names == ("a", "b", "d", "c")
    assert back.skeleton.parents == (-1, 0, 1, 0)
    np.testing.assert_allclose(back.rotations[0, 2], turns[0, 3], atol=1e-6)


def test_the_root_is_where_either_kind_of_file_means_it() -> None:
    with_offset = SMALL.replace("OFFSET 0 0 0", "OFFSET 0 90 0", 1)
    added = parse_bvh(with_offset)
    np.testing.assert_allclose(added.root_positions, [[1, 92, 3], [-1, 88, -3]])
    itself = parse_bvh(with_offset.replace("1 2 3 10", "1 88 3 10").replace("-1 -2 -3 -10", "-1 91 -3 -10"))
    np.testing.assert_allclose(itself.root_positions, [[1, 88, 3], [-1, 91, -3]])


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("HIERARCHY", "SKELETON", "HIERARCHY"),
        ("MOTION", "NOTHING", "MOTION"),
        ("Frames: 2", "Frames: 0", "no motion"),
        ("Frames: 2", "Frames: 3", "has 24"),
        ("Frames: 2", "Frames: many", "no number"),
        ("Frame Time: 0.04", "Frame Time: 0", "frame time"),
        ("Frame Time: 0.04", "Frame Time: nan", "frame time"),
        ("10 20 30", "10 x 30", "no number"),
        ("10 20 30", "10 nan 30", "nan degrees for the joint 'Hips'"),
        ("10 20 30", "10 1e9 30", "1e+09 degrees for the joint 'Hips'"),
        ("1 2 3 10", "1 2e20 3 10", "units for the joint 'Hips'"),
        ("OFFSET 1 2 3", "OFFSET 1 inf 3", "OFFSET"),
        ("OFFSET 1 2 3", "OFFSET 1 two 3", "OFFSET"),
        ("JOINT Head", "JOINT Hips", "two joints"),
        ("CHANNELS 3 Yrotation Zrotation Xrotation", "CHANNELS 3 Yrotation Yrotation Xrotation", "twice"),
        ("CHANNELS 3 Yrotation Zrotation Xrotation", "CHANNELS 99999999999999999999", "channels"),
        ("JOINT Spine", "ROOT Spine", "ROOT"),
        ("}\nMOTION", "}\nROOT Other\n{\n}\nMOTION", "more than one"),
        ("}\nMOTION", "MOTION", "middle of a joint"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told(old: str, new: str, told: str) -> None:
    assert old in SMALL
    with pytest.raises(PoseFileError) as caught:
        parse_bvh(SMALL.replace(old, new, 1))
    assert told in str(caught.value)


def test_the_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "bad.bvh"
    path.write_text(SMALL.replace("MOTION", ""))
    with pytest.raises(PoseFileError, match=r"bad\.bvh"):
        read_bvh(path)
    with pytest.raises(PoseFileError, match="cannot be read"):
        read_bvh(tmp_path / "none.bvh")


def test_limits_hold_before_memory_is_taken(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.bvh.gz"
    bomb.write_bytes(gzip.compress(b"0 " * 4_000_000))
    with pytest.raises(LimitError):
        read_bvh(bomb, BvhLimits(most_bytes=1 << 20))
    with pytest.raises(LimitError):
        parse_bvh(SMALL, BvhLimits(most_joints=2))
    with pytest.raises(LimitError):
        parse_bvh(SMALL.replace("Frames: 2", "Frames: 99999999999"))
    with pytest.raises(LimitError):
        parse_bvh(SMALL, BvhLimits(most_rotations=5))
    (tmp_path / "cut.bvh.gz").write_bytes(gzip.compress(SMALL.encode())[:-20])
    with pytest.raises(PoseFileError, match="compression"):
        read_bvh(tmp_path / "cut.bvh.gz")


def test_ten_thousand_nested_joints_end_in_words() -> None:
    with pytest.raises(LimitError):
        parse_bvh("HIERARCHY\nROOT a { " + "".join(f"JOINT j{n} {{ " for n in range(10_000)) + "MOTION")


WORDS = st.sampled_from(
    ["HIERARCHY", "ROOT", "JOINT", "End", "Site", "{", "}", "OFFSET", "CHANNELS", "3", "0", "-1.5", "1e400", "nan",
     "Xrotation", "Zposition", "MOTION", "Frames:", "Frame", "Time:", "0.04", "Hips", "\x00", "é"]
)  # fmt: skip


@given(st.lists(WORDS, max_size=60), st.booleans())
@settings(max_examples=300, deadline=None)
def test_any_text_is_read_or_refused(words: list[str], begun: bool) -> None:
    text = ("HIERARCHY ROOT a { OFFSET 0 0 0 " if begun else "") + " ".join(words)
    with contextlib.suppress(MotionwarpError):
        assert np.isfinite(parse_bvh(text).world()[0]).all()


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_damaged_files_are_read_or_refused(data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(SMALL) - 1))
    end = data.draw(st.integers(start, min(len(SMALL), start + 40)))
    text = SMALL[:start] + data.draw(st.text(max_size=12)) + SMALL[end:]
    with contextlib.suppress(MotionwarpError):
        assert np.isfinite(parse_bvh(text).world()[0]).all()
