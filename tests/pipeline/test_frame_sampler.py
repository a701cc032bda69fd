"""Which frames are looked at, and which pictures are kept."""

from __future__ import annotations

import numpy as np
import pytest

from motionwarp.pipeline.driving import LONGEST_SIDE, FrameSampler, points_in
from motionwarp.types import Frame


def frame(index: int, size: tuple[int, int] = (8, 6)) -> Frame:
    return Frame(np.full((*size, 3), index % 256, dtype=np.uint8), index / 10, index)


@pytest.mark.parametrize("count", [1, 3, 6, 7, 100, 1000])
@pytest.mark.parametrize("every", [1, 4])
def test_few_pictures_are_kept_evenly_spaced(count: int, every: int) -> None:
    sampler = FrameSampler(every, most=6)
    looked_at = [index for index in range(count) if sampler.take(frame(index))]
    assert looked_at == list(range(0, count, every))
    assert sampler.passed == count
    chosen = sampler.chosen()
    assert len(chosen) == min(6, len(looked_at))
    assert all(
        picture.index == number * every and picture.rgb[0, 0, 0] == picture.index % 256
        for number, picture in chosen.items()
    )
    numbers = list(chosen)
    assert numbers[0] == 0
    if len(numbers) > 1:
        steps = np.diff(numbers)
        assert steps.max() <= 2 * steps.min()
        assert numbers[-1] >= 0.75 * (len(looked_at) - 1)


def test_memory_does_not_grow_with_the_clip() -> None:
    sampler = FrameSampler(most=3)
    for index in range(5000):
        sampler.take(frame(index))
        assert len(sampler._kept) <= 6


def test_large_pictures_are_reduced_and_points_with_them() -> None:
    sampler = FrameSampler()
    sampler.take(frame(0, (1000, 4 * LONGEST_SIDE)))
    rgb = sampler.chosen()[0].rgb
    assert rgb.shape == (250, LONGEST_SIDE, 3)
    points = np.full((18, 3), 0.9, dtype=np.float32)
    points[0, :2] = 4 * LONGEST_SIDE - 0.5, 999.5  # the frame's outer corner stays there
    moved = points_in(points, (4 * LONGEST_SIDE, 1000), rgb)
    assert moved[0, :2] == pytest.approx((LONGEST_SIDE - 0.5, 249.5))
    assert moved[0, 2] == pytest.approx(0.9)


def test_numbers_below_one_are_refused() -> None:
    with pytest.raises(ValueError, match="from 1 up"):
        FrameSampler(0)
