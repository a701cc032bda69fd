"""People of one clip told apart, and who stands before whom."""

from __future__ import annotations

import numpy as np
from made_poses import dancing, scaled, track_of

from motionwarp.pose.people_apart import depth_order, told_apart


def crossing(count: int = 40) -> tuple[np.ndarray, np.ndarray]:
    """Two dancers, one of whom goes to the right and the other to the left."""
    right, left = dancing(count), dancing(count, seed=4)
    steps = np.linspace(0, 300, count)[:, None]
    right[..., 0] += steps
    left[..., 0] += 300 - steps
    return right, left


def test_people_who_are_apart_stay_as_they_are() -> None:
    right, left = crossing()
    left[..., 1] += 150
    tracks = [track_of(right), track_of(left)]
    for before, after in zip(tracks, told_apart(tracks), strict=True):
        assert (before.points == after.points).all()
        assert after.present.all()


def test_who_was_taken_for_another_one_is_absent_there() -> None:
    right, left = crossing()
    mistaken = left.copy()
    mistaken[17:24] = right[17:24]  # hidden by the other dancer, whom the estimator saw twice
    for order in (0, 1):
        pair = [right, mistaken] if order == 0 else [mistaken, right]
        apart = told_apart([track_of(points) for points in pair])
        whole, partly = apart[order], apart[1 - order]
        assert whole.present.all()
        assert not partly.present[18:23].any()
        assert partly.present[:16].all()
        assert partly.present[25:].all()


def test_lower_feet_are_nearer_whatever_the_size() -> None:
    near, far = dancing(30), scaled(dancing(30, seed=2), 1.2, (0.0, -160.0))
    assert near[..., 1].max() > far[..., 1].max()
    assert (depth_order([track_of(near), track_of(far)]) == [1, 0]).all()
    assert (depth_order([track_of(far), track_of(near)]) == [0, 1]).all()


def test_a_jump_changes_no_order_and_walking_past_does() -> None:
    near, far = dancing(60), dancing(60, seed=2)
    far[..., 1] -= 40
    near[25:32, :, 1] -= 120  # in the air for a quarter of a second
    assert (depth_order([track_of(near), track_of(far)]) == [1, 0]).all()
    walking = far.copy()
    walking[..., 1] += np.linspace(0, 90, 60)[:, None]
    order = depth_order([track_of(dancing(60)), track_of(walking)])
    assert order[0].tolist() == [1, 0]
    assert order[-1].tolist() == [0, 1]
    assert np.count_nonzero(np.diff(order[:, 0])) == 1  # once, without flickering


def test_people_without_feet_are_told_by_their_size() -> None:
    near, far = scaled(dancing(20), 1.5), dancing(20, seed=3)
    for points in (near, far):
        points[:, [9, 10, 12, 13], 2] = 0.0
    assert (depth_order([track_of(far), track_of(near)])[:, 1] == 1).all()
