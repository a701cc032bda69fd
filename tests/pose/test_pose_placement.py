"""Where the retargeted person stands in the output frame."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from made_poses import dancing, scaled, standing, track_of

from motionwarp.engines.base import Motion
from motionwarp.pose import skeleton as sk
from motionwarp.pose.placement import Placement, place_track, way_into_frame
from motionwarp.pose.retargeting import RetargetResult, retarget_track
from motionwarp.types import FloatArray, Pose, PoseTrack

IDENTITY = np.eye(2, 3)
ZOOM = np.array([[2.0, 0.0, 30.0], [0.0, 2.0, -10.0]])


def result_of(points: FloatArray, source: FloatArray, cuts: tuple[int, ...] = ()) -> RetargetResult:
    return retarget_track(track_of(points, cuts=cuts), Pose(source), keep_proportions=True)


def placed(
    result: RetargetResult, placement: Placement, source_map: np.ndarray = IDENTITY, driving_map: np.ndarray = IDENTITY
) -> PoseTrack:
    return place_track(
        result, placement, source_to_frame=source_map, driving_to_frame=driving_map, width=640, height=360
    )


def small_source() -> FloatArray:
    return scaled(standing(), 0.5, (70, 90))


def test_in_the_source_s_own_picture_nothing_moves() -> None:
    result = result_of(dancing(10), small_source())
    track = placed(result, "source")
    np.testing.assert_allclose(track.points, result.track.points, atol=1e-3)
    assert (track.width, track.height) == (640, 360)


def test_the_source_s_map_is_applied() -> None:
    result = result_of(dancing(10), small_source())
    track = placed(result, "source", ZOOM)
    np.testing.assert_allclose(track.points[..., :2], result.track.points[..., :2] * 2 + [30, -10], atol=1e-3)
    np.testing.assert_array_equal(track.points[..., 2], result.track.points[..., 2])


@pytest.mark.parametrize("driving_map", [IDENTITY, ZOOM])
def test_placed_as_the_driver_it_covers_the_driver(driving_map: np.ndarray) -> None:
    """With its proportions kept, the result lies on the driving person itself."""
    points = np.repeat(standing()[None], 12, axis=0)
    points[..., 0] += 4 * np.arange(12, dtype=np.float32)[:, None]
    track = placed(result_of(points, small_source()), "driving", driving_map=driving_map)
    expected = points[..., :2] @ driving_map[:, :2].T + driving_map[:, 2]
    np.testing.assert_allclose(track.points[..., :2], expected, atol=0.1)


def test_each_shot_is_placed_on_its_own_driver() -> None:
    points = np.repeat(standing()[None], 12, axis=0)
    points[6:] = scaled(points[6:], 1.3, (-40, 20))
    track = placed(result_of(points, small_source(), cuts=(6,)), "driving")
    np.testing.assert_allclose(track.points[..., :2], points[..., :2], atol=0.1)


def test_placing_as_the_source_forgets_where_the_driver_was() -> None:
    near, far = dancing(10), scaled(dancing(10), 1.7, (300, -80))
    one, other = (placed(result_of(points, small_source()), "source").points for points in (near, far))
    np.testing.assert_allclose(one, other, atol=0.05)


def test_absent_frames_stay_empty() -> None:
    points = dancing(10)
    points[4] = 0
    track = placed(result_of(points, small_source()), "source", ZOOM)
    assert not track.points[4].any()
    assert not track.present[4]
    assert track.points[5, sk.NOSE].all()


@pytest.mark.parametrize(
    "matrix",
    [
        np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0]]),
        np.array([[1.0, 0.0, 0.0], [0.0, 2.0, 0.0]]),
        np.array([[-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]]),
        np.full((2, 3), np.nan),
        np.eye(3),
    ],
)
def test_maps_that_turn_or_stretch_are_refused(matrix: np.ndarray) -> None:
    result = result_of(dancing(3), standing())
    with pytest.raises(ValueError, match="place_track needs"):
        placed(result, "source", matrix)
    with pytest.raises(ValueError, match="place_track needs"):
        placed(result, "driving", driving_map=matrix)


def lying() -> FloatArray:
    """Somebody whose head lies at the right, in a picture of 480 x 260."""
    points = standing()
    points[:, :2] = np.column_stack([440 - points[:, 1], points[:, 0] + 60])
    return points


def sizes_of(points: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The least and the greatest of the places, (2,) each."""
    places = points[..., :2].reshape(-1, 2)
    return places.min(axis=0), places.max(axis=0)


def stood_up(source: FloatArray, width: int, height: int, count: int = 10) -> PoseTrack:
    result = retarget_track(track_of(dancing(count)), Pose(source))
    track = place_track(
        result, "source", source_to_frame=IDENTITY, driving_to_frame=IDENTITY, width=width, height=height
    )
    moved = way_into_frame(track, Pose(source))
    assert moved is not None
    return replace(track, points=Motion(track.points).moved(moved).points)


def test_who_lies_in_the_photo_and_stands_up_is_in_sight() -> None:
    track = stood_up(lying(), 480, 260)
    low, high = sizes_of(track.points)
    assert (low > 0).all()
    assert (high < (480, 260)).all()
    # as large as fits, and with the feet below the head
    assert high[1] - low[1] > 0.75 * 260
    assert (track.points[:, sk.RIGHT_ANKLE, 1] > track.points[:, sk.NOSE, 1] + 130).all()


def test_who_crouches_is_moved_but_no_smaller_where_there_is_room() -> None:
    crouched = scaled(standing(), 0.6, (200, 10))
    crouched[[sk.RIGHT_KNEE, sk.LEFT_KNEE], 1] -= 45
    crouched[[sk.RIGHT_ANKLE, sk.LEFT_ANKLE], 1] -= 90
    result = retarget_track(track_of(dancing(10)), Pose(scaled(crouched, 1.0, (0, 300))))
    below = place_track(result, "source", source_to_frame=IDENTITY, driving_to_frame=IDENTITY, width=480, height=640)
    above = stood_up(scaled(crouched, 1.0, (0, -15)), 480, 640)
    assert sizes_of(above.points)[0][1] > 0
    for axis in (0, 1):
        spans = [np.ptp(track.points[..., axis], axis=1) for track in (below, above)]
        np.testing.assert_allclose(spans[0], spans[1], rtol=1e-4)


def test_who_stays_in_sight_or_is_cut_by_the_photo_is_left_where_they_are() -> None:
    whole = small_source()
    cut = scaled(standing(), 1.0, (0, -180))
    for source in (whole, cut):
        result = retarget_track(track_of(dancing(10)), Pose(source))
        track = place_track(
            result, "source", source_to_frame=IDENTITY, driving_to_frame=IDENTITY, width=640, height=360
        )
        assert way_into_frame(track, Pose(source)) is None
