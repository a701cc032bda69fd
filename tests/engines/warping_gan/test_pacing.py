"""Frames so slow that they need no decision of their own."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from hypothesis import given
from hypothesis import strategies as st

from motionwarp.engines.deciding import decided_frames
from motionwarp.engines.warping_gan.pacing import slow_in_window
from motionwarp.types import FloatArray


def walk(steps: list[float]) -> FloatArray:
    """Return points (T, 18, 3) of which one moves by so many pixels from frame to frame."""
    points = np.ones((len(steps) + 1, 18, 3), dtype=np.float32)
    points[:, 4, 0] += np.cumsum([0.0, *steps])
    return points


def windows(count: int, scale: float = 1.0) -> FloatArray:
    return np.tile(np.array([0, 0, np.log(scale)], dtype=np.float32), (count, 1))


def test_frames_are_slow_between_two_slow_steps() -> None:
    points = walk([1, 1, 20, 1, 1])
    assert slow_in_window(points, windows(6)).tolist() == [False, True, False, False, True, False]


def test_what_is_slow_is_told_in_the_window_and_not_in_the_frame() -> None:
    points = walk([20, 20])
    assert not slow_in_window(points, windows(3)).any()
    assert slow_in_window(points, windows(3, 10.0)).tolist() == [False, True, False]
    moving = windows(3)
    moving[:, 0] = [0, 20, 40]
    points[..., 0] = 1 + moving[:, :1]
    assert slow_in_window(points, moving).tolist() == [False, True, False], "the window goes along"


def test_a_point_that_comes_or_goes_is_not_slow() -> None:
    points = walk([0, 0, 0, 0])
    points[3:, 7] = 0
    assert slow_in_window(points, windows(5)).tolist() == [False, True, False, False, False]
    assert slow_in_window(walk([0, 0]), windows(3)).tolist() == [False, True, False], "or is never there"


def test_clips_of_a_frame_or_none_have_nothing_between() -> None:
    for count in (0, 1, 2):
        assert not slow_in_window(np.ones((count, 18, 3), dtype=np.float32), windows(count)).any()


@given(st.lists(st.booleans(), max_size=40))
def test_frames_left_out_lie_between_two_that_are_not(slow: list[bool]) -> None:
    told = np.array(slow, dtype=np.bool_)
    if len(told):
        told[[0, -1]] = False
    numbers: npt.NDArray[np.int64] = decided_frames(told)
    assert (np.diff(numbers) <= 2).all()
    left_out = np.setdiff1d(np.arange(len(told)), numbers)
    assert told[left_out].all()
    if len(told):
        assert (numbers[0], numbers[-1]) == (0, len(told) - 1)
    if told[1:-1].all() and len(told) > 2:
        assert len(numbers) <= len(told) // 2 + 1, "of a calm clip every second one is left out"
