"""Repairing tracks: glitches are put right, gaps filled, fast motion left alone, and all of it told."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_poses import FRAME_SECONDS, dancing, scaled, standing, track_of

from motionwarp.errors import NoPersonError
from motionwarp.pose import skeleton as sk
from motionwarp.pose.gaps import HELD_FACTOR, INTERPOLATED_FACTOR
from motionwarp.pose.kinematics import VISIBLE_SCORE
from motionwarp.pose.repair import RepairResult, RepairSettings, repair_track
from motionwarp.types import FloatArray


def texts(result: RepairResult) -> list[str]:
    return [note.text for note in result.notes]


def worst(result: RepairResult, expected: FloatArray) -> float:
    return float(np.abs(result.track.points[..., :2] - expected[..., :2]).max())


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 999), count=st.integers(1, 40))
def test_a_sound_track_stays_as_it_is(seed: int, count: int) -> None:
    points = dancing(count, seed)
    result = repair_track(track_of(points))
    np.testing.assert_array_equal(result.track.points, points)
    assert result.notes == ()
    assert result.found.all()


def test_the_input_is_left_alone() -> None:
    track = track_of(dancing(20))
    track.points[4:6] = 0
    before = track.points.copy()
    repair_track(track)
    np.testing.assert_array_equal(track.points, before)


def test_a_short_gap_is_filled_in_between() -> None:
    points = np.repeat(standing()[None], 20, axis=0)
    points[..., 0] += 5 * np.arange(20, dtype=np.float32)[:, None]
    holed = points.copy()
    holed[8:12] = 0
    result = repair_track(track_of(holed))
    assert worst(result, points) < 1e-3
    np.testing.assert_allclose(result.track.points[8:12, :, 2], INTERPOLATED_FACTOR * 0.9, rtol=1e-5)
    assert texts(result) == ["no person found in frames 8-11: filled in between"]
    assert result.track.present.all()
    np.testing.assert_array_equal(np.flatnonzero(~result.found), [8, 9, 10, 11])


def test_a_long_gap_holds_the_last_pose() -> None:
    points = dancing(60)
    points[20:45] = 0
    result = repair_track(track_of(points))
    held = result.track.points[20:38]
    np.testing.assert_allclose(held[..., :2], np.broadcast_to(points[19, :, :2], held[..., :2].shape), atol=1e-3)
    np.testing.assert_allclose(held[..., 2], HELD_FACTOR * 0.9, rtol=1e-5)
    assert texts(result) == ["no person found in frames 20-44: held the last pose"]
    # and is led to the next place before the gap ends, without a leap
    steps = np.abs(np.diff(result.track.points[19:46, :, :2], axis=0)).max(axis=(1, 2))
    assert steps.max() < 0.45 * np.abs(points[45, :, :2] - points[19, :, :2]).max()


def test_gaps_at_the_ends_use_the_nearest_pose() -> None:
    points = dancing(20)
    points[:3], points[17:] = 0, 0
    result = repair_track(track_of(points))
    for frame in (0, 1, 2):
        np.testing.assert_allclose(result.track.points[frame, :, :2], points[3, :, :2], atol=1e-3)
    for frame in (17, 18, 19):
        np.testing.assert_allclose(result.track.points[frame, :, :2], points[16, :, :2], atol=1e-3)
    assert texts(result) == [
        "no person found in frames 0-2: used the first pose that follows",
        "no person found in frames 17-19: held the last pose",
    ]


def test_what_counts_as_short_can_be_set() -> None:
    points = dancing(20)
    points[8:12] = 0
    (note,) = repair_track(track_of(points), RepairSettings(interpolate_seconds=4 * FRAME_SECONDS)).notes
    assert note.text.endswith("held the last pose")
    (note,) = repair_track(track_of(points), RepairSettings(interpolate_seconds=5 * FRAME_SECONDS)).notes
    assert note.text.endswith("filled in between")


def test_a_lost_hand_moves_along_with_its_elbow() -> None:
    points = np.repeat(standing()[None], 40, axis=0)
    points[:, :, 0] += 4 * np.arange(40, dtype=np.float32)[:, None]
    holed = points.copy()
    holed[25:, sk.LEFT_WRIST] = 0
    result = repair_track(track_of(holed))
    assert worst(result, points) < 1e-3
    assert texts(result) == ["left wrist not seen in frames 25-39: moved along with the bone before"]


def _turned(points: np.ndarray, joint: int, moved: tuple[int, ...], degrees: float) -> None:
    """Turn some points of one frame about a joint, in place."""
    angle = np.deg2rad(degrees)
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    for point in moved:
        points[point, :2] = points[joint, :2] + rotation @ (points[point, :2] - points[joint, :2])


@pytest.mark.parametrize("forwards", [True, False])
def test_an_ankle_that_left_the_frame_turns_with_its_thigh(forwards: bool) -> None:
    points = np.repeat(standing()[None], 60, axis=0)
    for frame in range(60):
        _turned(points[frame], sk.LEFT_HIP, (sk.LEFT_KNEE, sk.LEFT_ANKLE), -1.2 * frame)
    points = points if forwards else points[::-1].copy()
    holed = points.copy()
    holed[slice(15, None) if forwards else slice(None, 45), sk.LEFT_ANKLE] = 0
    assert worst(repair_track(track_of(holed)), points) < 0.5


def test_feet_that_left_the_frame_grow_with_who_comes_nearer() -> None:
    points = np.repeat(standing()[None], 60, axis=0)
    points[..., :2] = (points[..., :2] - 100) * np.linspace(1, 2.2, 60)[:, None, None] + 100
    holed = points.copy()
    holed[20:, [sk.LEFT_ANKLE, sk.RIGHT_ANKLE]] = 0
    holed[40:, [sk.LEFT_KNEE, sk.RIGHT_KNEE]] = 0
    result = repair_track(track_of(holed))
    shin = np.linalg.norm(np.diff(points[:, [sk.LEFT_KNEE, sk.LEFT_ANKLE], :2], axis=1)[:, 0], axis=1)
    got = result.track.points
    length = np.linalg.norm(np.diff(got[:, [sk.LEFT_KNEE, sk.LEFT_ANKLE], :2], axis=1)[:, 0], axis=1)
    # 1.00 of its length all the time; held in place, 0.63 at the end
    np.testing.assert_allclose(length / shin, 1, atol=0.05)


def test_a_hand_gone_for_a_while_follows_its_arm_and_comes_back_without_a_leap() -> None:
    points = np.repeat(standing()[None], 80, axis=0)
    for frame in range(80):
        _turned(points[frame], sk.RIGHT_SHOULDER, (sk.RIGHT_ELBOW, sk.RIGHT_WRIST), 60 * np.sin(frame / 12))
    holed = points.copy()
    holed[20:60, sk.RIGHT_WRIST] = 0
    result = repair_track(track_of(holed))
    assert worst(result, points) < 0.5
    forearm = points[..., sk.RIGHT_WRIST, :2] - points[..., sk.RIGHT_ELBOW, :2]
    assert np.abs(forearm[20:60] - forearm[19]).max() > 20  # held in place it would be this far off


def test_a_bone_that_points_at_the_camera_turns_nothing() -> None:
    points = np.repeat(standing()[None], 60, axis=0)
    elbow = points[0, sk.LEFT_ELBOW, :2] - points[0, sk.LEFT_SHOULDER, :2]
    forearm = points[0, sk.LEFT_WRIST, :2] - points[0, sk.LEFT_ELBOW, :2]
    rng = np.random.default_rng(1)
    for frame in range(20, 60):  # the upper arm shrinks to a few pixels, whose direction is noise
        points[frame, sk.LEFT_ELBOW, :2] = points[frame, sk.LEFT_SHOULDER, :2] + 0.05 * elbow + rng.normal(0, 2, 2)
        points[frame, sk.LEFT_WRIST, :2] = points[frame, sk.LEFT_ELBOW, :2] + forearm
    points[:20, sk.LEFT_WRIST, :2] = points[:20, sk.LEFT_ELBOW, :2] + forearm
    holed = points.copy()
    holed[25:50, sk.LEFT_WRIST] = 0
    got = repair_track(track_of(holed), RepairSettings(undo_glitches=False)).track.points
    moved = got[25:50, sk.LEFT_WRIST, :2] - got[25:50, sk.LEFT_ELBOW, :2]
    assert np.abs(moved - forearm).max() < 0.35 * np.linalg.norm(forearm)


def test_points_that_only_flicker_are_left_out() -> None:
    points = dancing(50)
    points[:, sk.RIGHT_ANKLE] = 0
    points[30, sk.RIGHT_ANKLE] = (10, 10, 0.9)
    result = repair_track(track_of(points))
    assert not result.track.points[:, sk.RIGHT_ANKLE].any()
    assert texts(result) == ["right ankle not seen in frame 30: seen too rarely in the shot, left out"]


def test_a_jump_is_put_back() -> None:
    points = dancing(30)
    jumped = points.copy()
    jumped[12, sk.RIGHT_WRIST, :2] = (330, 20)
    jumped[20:22, sk.LEFT_KNEE, :2] += (160, -90)
    result = repair_track(track_of(jumped))
    assert worst(result, points) < 3
    assert [(note.first, note.last) for note in result.notes] == [(12, 12), (20, 20), (21, 21)]
    assert texts(result)[0] == "right wrist jumped in frame 12: put back between the neighbors"
    untouched = np.ones((30, 18), dtype=bool)
    untouched[12, sk.RIGHT_WRIST] = untouched[20, sk.LEFT_KNEE] = untouched[21, sk.LEFT_KNEE] = False
    np.testing.assert_array_equal(result.track.points[untouched], points[untouched])


@pytest.mark.parametrize(
    ("group", "what"),
    [
        (range(2, 14), "sides"),
        (
            (sk.RIGHT_HIP, sk.RIGHT_KNEE, sk.RIGHT_ANKLE, sk.LEFT_HIP, sk.LEFT_KNEE, sk.LEFT_ANKLE),
            "hips, knees and ankles",
        ),
        ((sk.RIGHT_ELBOW, sk.RIGHT_WRIST, sk.LEFT_ELBOW, sk.LEFT_WRIST), "elbows and wrists"),
    ],
)
@pytest.mark.parametrize("length", [1, 2])
def test_swapped_sides_are_swapped_back(group: range | tuple[int, ...], what: str, length: int) -> None:
    points = dancing(24)
    swapped = points.copy()
    chosen = list(group)
    if what == "sides":
        chosen += [sk.RIGHT_EYE, sk.LEFT_EYE, sk.RIGHT_EAR, sk.LEFT_EAR]
    swapped[10 : 10 + length, chosen] = points[10 : 10 + length][:, [sk.MIRROR[point] for point in chosen]]
    result = repair_track(track_of(swapped))
    np.testing.assert_array_equal(result.track.points, points)
    assert texts(result) == [
        f"left and right {what} were swapped in frame {10 + offset}: swapped back" for offset in range(length)
    ]


def test_glitches_can_be_left_alone() -> None:
    points = dancing(30)
    points[12, sk.RIGHT_WRIST, :2] = (330, 20)
    result = repair_track(track_of(points), RepairSettings(undo_glitches=False))
    np.testing.assert_array_equal(result.track.points, points)


def test_a_fast_arm_is_no_glitch() -> None:
    """A hand that is thrown out and back over half a torso within a quarter of a second."""
    points = np.repeat(standing()[None], 30, axis=0)
    swing = np.sin(np.linspace(0, np.pi, 7))[:, None].astype(np.float32)
    points[10:17, sk.LEFT_WRIST, :2] += swing * np.array([50, -30], dtype=np.float32)
    points[10:17, sk.LEFT_ELBOW, :2] += swing * np.array([20, -10], dtype=np.float32)
    result = repair_track(track_of(points))
    np.testing.assert_array_equal(result.track.points, points)


def test_a_whipping_forearm_is_no_glitch() -> None:
    """A quarter turn and back in four frames moves the hand by over a fifth of a torso against its neighbors."""
    points = np.repeat(standing()[None], 20, axis=0)
    angles = np.pi / 2 * np.sin(np.linspace(0, np.pi, 5))
    reach = np.linalg.norm(points[0, sk.LEFT_WRIST, :2] - points[0, sk.LEFT_ELBOW, :2])
    points[8:13, sk.LEFT_WRIST, :2] = points[8:13, sk.LEFT_ELBOW, :2] + reach * np.stack(
        [np.sin(angles), np.cos(angles)], axis=1
    )
    np.testing.assert_array_equal(repair_track(track_of(points)).track.points, points)


def test_nothing_crosses_a_cut() -> None:
    points = dancing(30)
    points[15:, :, 0] += 180
    points[13:15] = 0
    result = repair_track(track_of(points, cuts=(15,)))
    np.testing.assert_allclose(result.track.points[14, :, :2], points[12, :, :2], atol=1e-3)
    assert texts(result) == ["no person found in frames 13-14: held the last pose"]
    assert result.track.cuts == (15,)


def test_a_shot_without_the_person_stays_empty() -> None:
    points = dancing(30)
    points[10:20] = 0
    result = repair_track(track_of(points, cuts=(10, 20)))
    assert not result.track.present[10:20].any()
    assert result.track.present[:10].all()
    assert texts(result) == ["no person found in frames 10-19, a whole shot: left empty"]


def test_frames_that_are_absent_say_nothing() -> None:
    """Points of a frame that is marked as absent are not taken for the person."""
    points = dancing(10)
    strange = points.copy()
    strange[4, :, :2] = 0
    track = track_of(strange)
    track.present[4] = False
    assert worst(repair_track(track), points) < 3


def test_nobody_at_all_is_refused() -> None:
    unsure = dancing(5)
    unsure[..., 2] = VISIBLE_SCORE / 2
    for points in (np.zeros((5, 18, 3), dtype=np.float32), unsure, np.zeros((0, 18, 3), dtype=np.float32)):
        with pytest.raises(NoPersonError, match="no person was found in any frame"):
            repair_track(track_of(points))


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 9999), count=st.integers(1, 30))
def test_whatever_is_missing_everything_shown_gets_a_place(seed: int, count: int) -> None:
    generator = np.random.default_rng(seed)
    points = scaled(dancing(count, seed), 0.6, (120, 100))  # far from every side: nobody can have walked out
    points[generator.random((count, 18)) < 0.3] = 0
    points[generator.random(count) < 0.3] = 0
    if not points[..., 2].any():
        return
    result = repair_track(track_of(points))
    repaired = result.track.points
    assert result.track.present.all()
    shown = (repaired[..., 2] > 0).any(axis=0)
    assert (repaired[:, shown, 2] >= VISIBLE_SCORE).all()
    assert np.isfinite(repaired).all()
    for note in result.notes:
        assert 0 <= note.first <= note.last < count
