"""Giving motion to another body.

Nothing changes for the same body, size and place do not matter, half bodies keep what they have.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_poses import dancing, scaled, standing, track_of

from motionwarp.errors import NoPersonError
from motionwarp.pose import skeleton as sk
from motionwarp.pose.completion import ESTIMATED_SCORE, UNDRAWN_SCORE, complete_pose
from motionwarp.pose.kinematics import VISIBLE_SCORE
from motionwarp.pose.proportions import measure
from motionwarp.pose.retargeting import retarget_track
from motionwarp.pose.root_alignment import resting_place
from motionwarp.types import Facing, FloatArray, Pose

LEGS = [sk.RIGHT_KNEE, sk.RIGHT_ANKLE, sk.LEFT_KNEE, sk.LEFT_ANKLE]
LOWER = [sk.RIGHT_HIP, sk.LEFT_HIP, *LEGS]


def retargeted(
    points: FloatArray, source: FloatArray, *, cuts: tuple[int, ...] = (), keep_proportions: bool = False
) -> FloatArray:
    return retarget_track(track_of(points, cuts=cuts), Pose(source), keep_proportions=keep_proportions).track.points


def bone_lengths(points: FloatArray) -> np.ndarray:
    parents, children = np.array(sk.BONES).T
    return np.linalg.norm(points[..., children, :2] - points[..., parents, :2], axis=-1)


def directions(points: FloatArray, bones: list[tuple[int, int]]) -> np.ndarray:
    steps = np.stack([points[:, child, :2] - points[:, parent, :2] for parent, child in bones], axis=1)
    return steps / np.linalg.norm(steps, axis=-1, keepdims=True)


def other_body() -> FloatArray:
    """A smaller person with long legs and short arms, standing elsewhere."""
    points = scaled(standing(), 0.6, (150, 40))
    hips = points[[sk.RIGHT_HIP, sk.LEFT_HIP], 1].mean()
    points[LEGS, 1] = hips + 1.2 * (points[LEGS, 1] - hips)
    shoulders = points[[sk.RIGHT_SHOULDER, sk.LEFT_SHOULDER], 1].mean()
    arms = [sk.RIGHT_ELBOW, sk.RIGHT_WRIST, sk.LEFT_ELBOW, sk.LEFT_WRIST]
    points[arms, 1] = shoulders + 0.95 * (points[arms, 1] - shoulders)
    return points


def test_the_same_still_body_stays_where_it_is() -> None:
    points = np.repeat(standing()[None], 5, axis=0)
    np.testing.assert_allclose(retargeted(points, standing()), points, atol=0.02)


def test_a_driving_person_of_the_same_build_is_only_moved() -> None:
    """Driver and source are one person.

    The result is the driving clip, moved by what puts its resting place on the source's.
    """
    points = dancing(40)
    result = retargeted(points, standing(), keep_proportions=True)
    scale = retarget_track(track_of(points), Pose(standing()), keep_proportions=True).report.shots[0].ratios.scale
    moved = result[..., :2] - scale * points[..., :2]
    spread = moved - moved.mean(axis=(0, 1))
    assert np.abs(spread).max() < 1.5


@settings(deadline=None, max_examples=15)
@given(scale=st.floats(0.3, 3), x=st.floats(-300, 300), y=st.floats(-300, 300), seed=st.integers(0, 99))
def test_where_and_how_large_the_driving_person_is_does_not_matter(scale: float, x: float, y: float, seed: int) -> None:
    points = dancing(20, seed)
    expected = retargeted(points, other_body())
    np.testing.assert_allclose(retargeted(scaled(points, scale, (x, y)), other_body()), expected, atol=0.05)


@settings(deadline=None, max_examples=15)
@given(scale=st.floats(0.3, 3), x=st.floats(-300, 300), y=st.floats(-300, 300))
def test_the_result_follows_the_source_s_size_and_place(scale: float, x: float, y: float) -> None:
    points = dancing(20)
    expected = scaled(retargeted(points, other_body()), scale, (x, y))
    np.testing.assert_allclose(
        retargeted(points, scaled(other_body(), scale, (x, y))), expected, atol=0.05 * max(scale, 1)
    )


def test_limbs_get_the_source_s_lengths_and_keep_the_driver_s_directions() -> None:
    points = np.repeat(standing()[None], 30, axis=0)
    angles = np.linspace(0, 2, 30)
    reach = np.linalg.norm(standing()[sk.LEFT_WRIST, :2] - standing()[sk.LEFT_ELBOW, :2])
    swing = np.stack([np.sin(angles), np.cos(angles)], axis=1)
    points[:, sk.LEFT_WRIST, :2] = points[:, sk.LEFT_ELBOW, :2] + reach * swing
    result = retargeted(points, other_body())
    limbs = [bone for bone in sk.BONES if bone[0] != sk.NECK and not set(bone) & set(sk.HEAD_POINTS)]
    np.testing.assert_allclose(directions(result, limbs), directions(points, limbs), atol=2e-3)
    chosen = [sk.BONES.index(bone) for bone in limbs]
    # both sides of the source share one length, the longer one
    np.testing.assert_allclose(
        bone_lengths(result)[:, chosen], np.broadcast_to(bone_lengths(other_body())[chosen], (30, 8)), rtol=0.04
    )


def test_keeping_proportions_scales_all_bones_alike() -> None:
    points = dancing(15)
    ratio = bone_lengths(retargeted(points, other_body(), keep_proportions=True)) / bone_lengths(points)
    np.testing.assert_allclose(ratio, ratio[0, 0], rtol=1e-3)


def test_displacements_are_scaled_with_the_body() -> None:
    points = np.repeat(standing()[None], 30, axis=0)
    points[..., 0] += 5 * np.arange(30, dtype=np.float32)[:, None]
    result = retarget_track(track_of(points), Pose(scaled(standing(), 0.5)))
    steps = np.diff(result.track.points[..., 0], axis=0)
    np.testing.assert_allclose(steps, 2.5, atol=1e-2)
    assert result.report.shots[0].ratios.scale == pytest.approx(0.5, rel=1e-4)


def test_the_feet_stand_where_the_source_s_stand() -> None:
    points = dancing(50)
    report = retarget_track(track_of(points), Pose(other_body())).report.shots[0]
    assert report.anchor == "feet"
    result = retargeted(points, other_body())
    ankles = other_body()[[sk.RIGHT_ANKLE, sk.LEFT_ANKLE]]
    lowest = result[:, [sk.RIGHT_ANKLE, sk.LEFT_ANKLE], 1].max(axis=1)
    assert abs(np.median(lowest) - ankles[:, 1].max()) < 8
    assert abs(np.median(result[:, sk.NECK, 0]) - other_body()[sk.NECK, 0]) < 15


def test_a_jump_leaves_the_ground() -> None:
    points = np.repeat(standing()[None], 30, axis=0)
    points[12:18, :, 1] -= 60
    result = retargeted(points, standing())
    lift = standing()[sk.LEFT_ANKLE, 1] - result[:, sk.LEFT_ANKLE, 1]
    assert lift[14] == pytest.approx(60, abs=1)
    np.testing.assert_allclose(lift[[0, 5, 25]], 0, atol=1)


def test_half_a_body_leaves_the_source_s_legs_in_place() -> None:
    points = dancing(30)
    points[:, LOWER] = 0
    result = retarget_track(track_of(points), Pose(standing()))
    report = result.report.shots[0]
    assert report.anchor == "neck"
    assert set(report.kept) == {sk.POINT_NAMES[point] for point in LOWER}
    ankles = result.track.points[:, [sk.RIGHT_ANKLE, sk.LEFT_ANKLE]]
    np.testing.assert_allclose(
        ankles[..., :2], np.broadcast_to(standing()[[sk.RIGHT_ANKLE, sk.LEFT_ANKLE], :2], (30, 2, 2)), atol=3
    )
    np.testing.assert_allclose(ankles[..., 2], 0.45, rtol=1e-5)
    # while the hands follow the driver
    assert np.ptp(result.track.points[:, sk.LEFT_WRIST, 0]) > 0.7 * np.ptp(points[:, sk.LEFT_WRIST, 0])


def test_a_body_seen_to_the_hips_is_held_there() -> None:
    points = dancing(30)
    points[:, LEGS] = 0
    report = retarget_track(track_of(points), Pose(standing())).report.shots[0]
    assert report.anchor == "hips"
    assert set(report.kept) == {sk.POINT_NAMES[point] for point in LEGS}


def test_what_the_source_does_not_show_stays_unseen() -> None:
    source = standing()
    source[[sk.LEFT_ELBOW, sk.LEFT_WRIST]] = 0
    source[[sk.RIGHT_ANKLE, sk.LEFT_ANKLE]] = 0
    result = retarget_track(track_of(dancing(10)), Pose(source))
    assert set(result.report.mirrored) == {"left_elbow", "left_wrist"}
    assert set(result.report.estimated) == {"right_ankle", "left_ankle"}
    scores = result.track.points[..., 2]
    assert (scores[:, [sk.RIGHT_ANKLE, sk.LEFT_ANKLE]] == np.float32(UNDRAWN_SCORE)).all()
    assert ESTIMATED_SCORE < UNDRAWN_SCORE < VISIBLE_SCORE
    assert (scores[:, sk.LEFT_WRIST] <= 0.45 + 1e-6).all()
    assert (scores[:, sk.RIGHT_WRIST] > 0.8).all()


def test_what_neither_shows_is_nothing_that_the_clip_tells() -> None:
    source, points = standing(), dancing(10)
    source[[sk.RIGHT_ANKLE, sk.LEFT_ANKLE]] = 0
    points[:, [sk.RIGHT_ANKLE, sk.LEFT_ANKLE]] = 0
    scores = retarget_track(track_of(points), Pose(source)).track.points[..., 2]
    assert (scores[:, [sk.RIGHT_ANKLE, sk.LEFT_ANKLE]] <= ESTIMATED_SCORE).all()


def test_shots_are_placed_one_by_one() -> None:
    points = dancing(40)
    points[20:] = scaled(points[20:], 2.0, (-100, 30))
    whole = retargeted(points, other_body(), cuts=(20,))
    np.testing.assert_allclose(whole[:20], retargeted(points[:20], other_body()), atol=0.01)
    np.testing.assert_allclose(whole[20:], retargeted(points[20:], other_body()), atol=0.01)
    reports = retarget_track(track_of(points, cuts=(20,)), Pose(other_body())).report.shots
    assert [(report.first, report.last) for report in reports] == [(0, 19), (20, 39)]
    assert reports[0].ratios.scale == pytest.approx(2 * reports[1].ratios.scale, rel=0.05)


def test_absent_frames_stay_absent() -> None:
    points = dancing(20)
    points[5:8] = 0
    result = retarget_track(track_of(points), Pose(standing())).track
    np.testing.assert_array_equal(np.flatnonzero(~result.present), [5, 6, 7])
    assert not result.points[5:8].any()


def test_unlikely_bodies_are_clamped_and_told() -> None:
    source = standing()
    # a head twice as far from the neck as anybody's
    heads = [sk.NOSE, sk.RIGHT_EYE, sk.LEFT_EYE, sk.RIGHT_EAR, sk.LEFT_EAR]
    source[heads, 1] -= 60
    report = retarget_track(track_of(dancing(10)), Pose(source)).report.shots[0]
    (clamp,) = [clamp for clamp in report.ratios.clamps if clamp.bone == "neck"]
    assert clamp.whose == "ratio"
    assert clamp.used == pytest.approx(1.4)
    assert clamp.wanted > 2


@pytest.mark.parametrize("points", [np.zeros((4, 18, 3)), np.zeros((0, 18, 3))])
def test_nobody_in_the_clip_is_refused(points: np.ndarray) -> None:
    with pytest.raises(NoPersonError, match="driving person"):
        retarget_track(track_of(points.astype(np.float32)), Pose(standing()))


def test_a_source_of_one_point_is_refused() -> None:
    source = np.zeros((18, 3), dtype=np.float32)
    source[sk.NOSE] = (50, 50, 1)
    with pytest.raises(NoPersonError, match="too few points"):
        retarget_track(track_of(dancing(3)), Pose(source))


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 9999))
def test_any_mixture_of_missing_points_gives_finite_places(seed: int) -> None:
    generator = np.random.default_rng(seed)
    points, source = dancing(6, seed), other_body()
    points[:, generator.random(18) < 0.4] = 0
    points[generator.random((6, 18)) < 0.2] = 0
    source[generator.random(18) < 0.4] = 0
    try:
        result = retarget_track(track_of(points), Pose(source))
    except NoPersonError:
        return
    placed = result.track.points[result.track.present]
    assert np.isfinite(placed).all()
    assert (np.abs(placed[..., :2]) < 5000).all()
    assert ((placed[..., 2] >= 0) & (placed[..., 2] <= 1)).all()


def test_completing_mirrors_the_other_side_at_the_spine() -> None:
    points = standing()
    points[[sk.LEFT_ELBOW, sk.LEFT_WRIST]] = 0
    completion = complete_pose(Pose(points))
    right = points[[sk.RIGHT_ELBOW, sk.RIGHT_WRIST], :2] - points[[sk.RIGHT_SHOULDER, sk.RIGHT_ELBOW], :2]
    elbow, wrist = completion.pose.xy[sk.LEFT_ELBOW], completion.pose.xy[sk.LEFT_WRIST]
    left = np.stack([elbow - points[sk.LEFT_SHOULDER, :2], wrist - elbow])
    np.testing.assert_allclose(left, right * [-1, 1], atol=1e-3)
    assert completion.torso_length == pytest.approx(100)


def test_a_whole_pose_is_complete_already() -> None:
    completion = complete_pose(Pose(standing()))
    np.testing.assert_array_equal(completion.pose.points, standing())
    assert completion.mirrored == completion.estimated == ()


def test_full_lengths_are_measured_over_a_clip() -> None:
    """A forearm that points at the camera in most frames has the length of the frames that show it."""
    points = np.repeat(standing()[None], 20, axis=0)
    points[:16, [sk.LEFT_WRIST, sk.RIGHT_WRIST]] = points[:16, [sk.LEFT_ELBOW, sk.RIGHT_ELBOW]]
    proportions = measure(points, "driving")
    assert proportions is not None
    expected = np.linalg.norm(standing()[sk.LEFT_WRIST, :2] - standing()[sk.LEFT_ELBOW, :2])
    assert proportions.lengths["forearm"] == pytest.approx(expected, rel=0.01)


def test_the_resting_place_is_the_ground_and_not_the_jumps() -> None:
    anchors = np.zeros((10, 2))
    anchors[:, 1] = 300
    anchors[3:6, 1] = 200
    np.testing.assert_allclose(resting_place(anchors, "feet"), [0, 300])


@pytest.mark.parametrize("anchor", ["hips", "neck"])
def test_who_squats_is_at_rest_when_standing(anchor: str) -> None:
    anchors = np.zeros((10, 2))
    anchors[:, 1] = 200
    anchors[3:9, 1] = 300
    np.testing.assert_allclose(resting_place(anchors, anchor), [0, 200])


def seen_aside(points: FloatArray, degrees: float) -> FloatArray:
    """A figure foreshortened across, as if it had turned about its own axis."""
    turned = points.copy()
    turned[:, 0] = 100 + np.cos(np.deg2rad(degrees)) * (points[:, 0] - 100)
    return turned


def facing(degrees: float, certainty: float = 0.95) -> Facing:
    return Facing(np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees)), certainty)


def breadths(points: FloatArray) -> FloatArray:
    """How broad shoulders and hips are for the trunk's length, (T, 2)."""
    across = [
        np.linalg.norm(points[:, left, :2] - points[:, right, :2], axis=1)
        for right, left in ((sk.RIGHT_SHOULDER, sk.LEFT_SHOULDER), (sk.RIGHT_HIP, sk.LEFT_HIP))
    ]
    middle = points[:, [sk.RIGHT_HIP, sk.LEFT_HIP], :2].mean(axis=1)
    return np.stack(across, axis=1) / np.linalg.norm(middle - points[:, sk.NECK, :2], axis=1)[:, None]


@pytest.mark.parametrize("degrees", [65.0, -75.0, 115.0])
def test_who_is_seen_from_the_side_is_no_narrower_where_the_clip_shows_the_front(degrees: float) -> None:
    """Narrow shoulders would say in each frame that the body is turned aside."""
    clip = dancing(40)
    source = Pose(seen_aside(standing(), degrees))
    told = retarget_track(track_of(clip), source, facing=facing(degrees)).track.points
    np.testing.assert_allclose(breadths(told), breadths(clip), rtol=0.05)
    untold = retarget_track(track_of(clip), source).track.points
    assert breadths(untold).mean() < 0.85 * breadths(told).mean()


def test_who_faces_the_camera_keeps_their_own_breadth_and_so_does_who_faces_nobody_knows_where() -> None:
    slim = seen_aside(standing(), 30)
    track = track_of(dancing(40))
    plain = retarget_track(track, Pose(slim)).track.points
    for seen in (facing(8), facing(-176), facing(80, certainty=0.3)):
        np.testing.assert_allclose(retarget_track(track, Pose(slim), facing=seen).track.points, plain, atol=1e-3)


def test_the_picture_s_own_pose_gives_the_picture_back_from_the_side_too() -> None:
    aside = seen_aside(standing(), 70)
    still = track_of(np.repeat(aside[None], 12, axis=0))
    result = retarget_track(still, Pose(aside), facing=facing(70)).track.points
    np.testing.assert_allclose(result[..., :2], np.broadcast_to(aside[:, :2], (12, 18, 2)), atol=1.0)
