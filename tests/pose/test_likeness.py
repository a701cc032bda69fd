"""Like frames: who is shown as the picture shows them has the picture's size, and stands where it does."""

from __future__ import annotations

import numpy as np
import pytest

from motionwarp.pose.likeness import like_frames, ratios_in
from motionwarp.pose.retargeting import retarget_track
from motionwarp.types import FloatArray, Pose, PoseTrack

STANDING = np.array(
    [
        [0, -40], [0, 0], [-33, 0], [-43, 55], [-46, 105], [33, 0], [43, 55], [46, 105], [-18, 100], [-21, 182],
        [-21, 257], [18, 100], [21, 182], [21, 257], [-6, -47], [6, -47], [-12, -43], [12, -43],
    ],
    dtype=np.float32,
)  # fmt: skip


def person(size: float = 1.0, x: float = 200.0, y: float = 150.0) -> FloatArray:
    points = np.ones((18, 3), dtype=np.float32)
    points[:, :2] = size * STANDING + (x, y)
    return points


def bent(points: FloatArray) -> FloatArray:
    """Return a pose with a short trunk and raised arms."""
    turned = points.copy()
    turned[:, 1] = points[1, 1] + 0.6 * (points[:, 1] - points[1, 1])
    turned[[3, 4, 6, 7], 1] = points[[3, 4, 6, 7], 1] - 150
    return turned


def test_the_frames_that_show_the_picture_s_pose_are_found() -> None:
    points = np.stack([bent(person(1.2)), person(0.8, 90, 140), bent(person(1.1))])
    like = like_frames(points, person())
    assert like is not None
    assert like.alike.tolist() == like.same.tolist() == [False, True, False]
    assert like.alike_share == like.same_share == 1
    for ratio in ratios_in(points[like.same], person()).values():
        assert ratio == pytest.approx(1.25, rel=1e-4)


def test_what_is_not_seen_in_both_says_nothing() -> None:
    hidden = person()
    hidden[[0, 1, 2, 5, 8, 11, 14, 15, 16, 17], 2] = 0
    assert like_frames(hidden[None], person()) is None
    waist = person()
    waist[[9, 10, 12, 13], 2] = 0
    assert set(ratios_in(waist[None], person())).isdisjoint({"thigh", "shin"})


def test_poses_that_are_nothing_like_count_for_nothing() -> None:
    upside_down = person()
    upside_down[:, 1] = 300 - upside_down[:, 1]
    like = like_frames(upside_down[None], person())
    assert like is not None
    assert like.alike_share == like.same_share == 0


@pytest.mark.parametrize("shown", [18, 12])
def test_who_comes_nearer_in_their_own_clip_starts_as_in_the_photo(shown: int) -> None:
    sizes = np.linspace(1.0, 1.3, 30)
    points = np.stack([person(size, 200 + 40 * (size - 1), 150) for size in sizes])
    below = [9, 10, 12, 13]
    if shown == 12:
        points[:, below] = 0
    # the trunk bends and arms rise meanwhile: the photo's pose is the first frame's alone
    points[:, [3, 4, 6, 7], 1] -= np.linspace(0, 120, 30)[:, None]
    points[:, [0, 14, 15, 16, 17], 0] += np.linspace(0, 25, 30)[:, None]
    track = PoseTrack(points, np.ones(30, np.bool_), np.arange(30) / 25, 400, 450)
    result = retarget_track(track, Pose(person())).track.points
    seen = np.setdiff1d(np.arange(18), below) if shown == 12 else np.arange(18)
    np.testing.assert_allclose(result[0, seen, :2], person()[seen, :2], atol=3.0)
    trunks = np.linalg.norm(result[:, 1, :2] - result[:, [8, 11], :2].mean(axis=1), axis=1)
    np.testing.assert_allclose(trunks / trunks[0], sizes, rtol=0.02)


def test_other_bodies_in_other_poses_are_fitted_by_their_longest_views() -> None:
    rng = np.random.default_rng(0)
    points = np.stack([bent(person(1.5)) for _ in range(20)])
    points[..., :2] += rng.normal(0, 0.5, points[..., :2].shape)
    track = PoseTrack(points.astype(np.float32), np.ones(20, np.bool_), np.arange(20) / 25, 400, 450)
    report = retarget_track(track, Pose(person())).report.shots[0]
    assert report.ratios.scale == pytest.approx(1 / 1.5 / 0.6, rel=0.15)
