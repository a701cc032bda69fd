"""A driving person who comes nearer is given to a photo at one size; one who only moves stays as they are."""

from __future__ import annotations

import numpy as np
import pytest
from made_poses import HEIGHT, WIDTH, dancing, standing, track_of

from motionwarp.pose import skeleton as sk
from motionwarp.pose.distance import at_one_distance, sizes_seen
from motionwarp.types import FloatArray

COUNT = 75
LEGS = (sk.RIGHT_KNEE, sk.RIGHT_ANKLE, sk.LEFT_KNEE, sk.LEFT_ANKLE)


def growing(points: FloatArray, sizes: FloatArray, about: tuple[float, float]) -> FloatArray:
    """The points (T, 18, 3), each frame scaled about a place."""
    moved, center = points.copy(), np.array(about, dtype=np.float32)
    moved[..., :2] = center + sizes[:, None, None] * (points[..., :2] - center)
    return moved


def nearing(largest: float = 2.0) -> FloatArray:
    return np.linspace(1.0, largest, COUNT, dtype=np.float32)


def torsos(points: FloatArray) -> FloatArray:
    middle = points[:, [sk.RIGHT_HIP, sk.LEFT_HIP], :2].mean(axis=1)
    return np.asarray(np.linalg.norm(middle - points[:, sk.NECK, :2], axis=1))


def test_sizes_are_those_that_the_person_was_given() -> None:
    sizes = nearing()
    track = track_of(growing(dancing(COUNT), sizes, (200, 150)))
    found = sizes_seen(track.points, track.times_seconds)
    np.testing.assert_allclose(found, sizes / np.median(sizes), rtol=0.08)


def test_sizes_are_told_by_what_is_seen_where_the_feet_leave_the_frame() -> None:
    sizes = nearing()
    points = growing(dancing(COUNT), sizes, (200, 80))
    points[COUNT // 2 :, LEGS, :] = 0
    track = track_of(points)
    found = sizes_seen(track.points, track.times_seconds)
    np.testing.assert_allclose(found, sizes / np.median(sizes), rtol=0.08)


def test_who_comes_nearer_stays_as_large_and_where_they_are() -> None:
    still = dancing(COUNT)
    track = track_of(growing(still, nearing(), (200, 150)))
    evened = at_one_distance(track)
    lengths = torsos(evened.points)
    assert lengths.max() / lengths.min() < 1.12
    # nobody drifts: necks are where they were beside each other, one size for all
    size = float(np.median(nearing()))
    wanted = np.array([200, 150]) + size * (still[:, sk.NECK, :2] - np.array([200, 150]))
    assert np.linalg.norm(evened.points[:, sk.NECK, :2] - wanted, axis=1).max() < 0.15 * lengths.mean()
    np.testing.assert_array_equal(evened.points[..., 2], track.points[..., 2])


@pytest.mark.parametrize("largest", [1.0, 1.15])
def test_who_hardly_grows_is_left_alone(largest: float) -> None:
    track = track_of(growing(dancing(COUNT), nearing(largest), (200, 150)))
    np.testing.assert_array_equal(at_one_distance(track).points, track.points)


def test_a_squat_is_no_distance() -> None:
    points = dancing(COUNT)
    down = (40 * (1 - np.cos(np.linspace(0, 4 * np.pi, COUNT)))).astype(np.float32)
    points[:, [index for index in range(18) if index not in LEGS], 1] += down[:, None]
    track = track_of(points)
    np.testing.assert_array_equal(at_one_distance(track).points, track.points)


def test_shots_and_absences_are_told_apart() -> None:
    """Two shots of different sizes are no approach, and who is away stays away."""
    points = dancing(COUNT)
    points[40:] = growing(points[40:], np.full(COUNT - 40, 2.0, np.float32), (200, 150))
    points[10:15] = 0
    track = track_of(points, cuts=(40,))
    np.testing.assert_array_equal(at_one_distance(track).points, track.points)


def test_who_crosses_the_picture_goes_on_crossing_it() -> None:
    points = np.repeat(standing()[None], COUNT, axis=0)
    points[..., 0] += np.linspace(0, 3 * WIDTH, COUNT, dtype=np.float32)[:, None]
    track = track_of(growing(points, nearing(1.6), (0, HEIGHT / 2)))
    necks = at_one_distance(track).points[:, sk.NECK, 0]
    assert necks[-1] - necks[0] > WIDTH
