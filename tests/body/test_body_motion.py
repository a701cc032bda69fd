"""The motion of a body: between frames, cut, mirrored, at another speed, and with its front in front."""

from __future__ import annotations

import numpy as np
import pytest
from made_motions import captured
from scipy.spatial.transform import Rotation

from motionwarp.body.body_motion import BodyMotion, upright_turns
from motionwarp.body.human_motion import human_motion
from motionwarp.body.layout import DRIVEN_BONES
from motionwarp.body.model import BodyModel
from motionwarp.body.retargeting import body_motion

COUNT = len(DRIVEN_BONES)


def spinning(step_degrees: float, frames: int = 8, start: float = 0.0) -> BodyMotion:
    turns = upright_turns(start + step_degrees * np.arange(frames))
    root = np.linspace([0, 0, 0], [1, -0.5, 2], frames).astype(np.float32)
    return BodyMotion(np.repeat(turns[:, None], COUNT, axis=1), root, 10.0)


def test_frames_are_met_and_between_them_bones_turn_evenly() -> None:
    motion = spinning(40)
    turns, root = motion.at([0.0, 0.1, 0.15, 0.7, 9.0])
    np.testing.assert_allclose(turns[[0, 1, 3, 4]], motion.turns[[0, 1, 7, 7]], atol=1e-6)
    np.testing.assert_allclose(turns[2, 3], upright_turns([60.0])[0], atol=1e-6)
    np.testing.assert_allclose(root[2], (motion.root[1] + motion.root[2]) / 2, atol=1e-6)


def test_sections_have_the_frames_within_them() -> None:
    motion = spinning(5)
    assert motion.duration_seconds == pytest.approx(0.8)
    np.testing.assert_array_equal(motion.section(0.2, 0.5).root, motion.root[2:5])
    np.testing.assert_array_equal(motion.section(0.65, 9).root, motion.root[7:])
    np.testing.assert_array_equal(motion.section(0.31, 0.32).root, motion.root[4:5])
    with pytest.raises(ValueError, match=r"has nothing from 0\.75 on"):
        motion.section(0.75, 1)


def test_a_mirror_shows_the_other_side_and_twice_gives_it_back() -> None:
    rng = np.random.default_rng(1)
    turns = Rotation.random(4 * COUNT, random_state=1).as_matrix().reshape(4, COUNT, 3, 3).astype(np.float32)
    motion = BodyMotion(turns, rng.normal(size=(4, 3)).astype(np.float32), 25.0)
    again = motion.mirrored().mirrored()
    np.testing.assert_allclose(again.turns, motion.turns, atol=1e-6)
    np.testing.assert_allclose(again.root, motion.root, atol=1e-6)
    wave = captured(turns={"RightArm": np.tile([0, 0, 80], (6, 1))})
    body = BodyModel.load()
    mirrored = body_motion(body, human_motion(wave)).mirrored()
    other = body_motion(body, human_motion(captured(turns={"LeftArm": np.tile([0, 0, -80], (6, 1))})))
    arm = DRIVEN_BONES.index("upperarm01.L")
    np.testing.assert_allclose(mirrored.turns[:, arm], other.turns[:, arm], atol=2e-3)


def test_speed_changes_the_time_alone() -> None:
    motion = spinning(5)
    assert motion.retimed(2).duration_seconds == pytest.approx(0.4)
    np.testing.assert_array_equal(motion.retimed(2).turns, motion.turns)
    with pytest.raises(ValueError, match="over 0"):
        motion.retimed(0)


@pytest.mark.parametrize("start", [0.0, 137.0, -90.0])
def test_the_front_is_where_people_mostly_face(start: float) -> None:
    facing = spinning(2, start=start).faced().facing()
    assert facing.mean() == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize("start", [0.0, 137.0])
def test_the_front_of_who_turns_all_round_is_where_they_face_first(start: float) -> None:
    turning = spinning(45, start=start)
    assert turning.faced().facing()[0] == pytest.approx(0, abs=1e-3)
    # and they go where they would have gone
    way = turning.faced().root[-1] - turning.faced().root[0]
    assert np.linalg.norm(way) == pytest.approx(np.linalg.norm(turning.root[-1] - turning.root[0]), abs=1e-5)


def test_motions_of_no_frames_or_rates_are_refused() -> None:
    with pytest.raises(ValueError, match="has turns"):
        BodyMotion(np.zeros((0, COUNT, 3, 3), np.float32), np.zeros((0, 3), np.float32), 30.0)
    with pytest.raises(ValueError, match="frame rate"):
        BodyMotion(np.tile(np.eye(3, dtype=np.float32), (1, COUNT, 1, 1)), np.zeros((1, 3), np.float32), 0.0)
