"""What has not moved is the photo, what the avatar leaves out of the matte included."""

from __future__ import annotations

import numpy as np
import pytest

from motionwarp.avatar.renderer import Drawing
from motionwarp.avatar.rest import PhotoBehind, rested
from motionwarp.types import ByteArray, FloatArray

SIZE = 90, 140
PERSON = np.s_[20:70, 80:120]


def drawing(stillness: float) -> Drawing:
    """Somebody gray, all of whom has moved as little as that."""
    picture, still = np.zeros((*SIZE, 4), dtype=np.float32), np.zeros(SIZE, dtype=np.float32)
    picture[PERSON], still[PERSON] = (120, 120, 120, 255), stillness
    return Drawing(picture, still, 0, 0, SIZE)


def photo(beside: slice) -> tuple[ByteArray, FloatArray]:
    """Noise, in which the matte has the person and something beside them."""
    rgb = np.random.default_rng(0).integers(0, 256, (*SIZE, 3)).astype(np.uint8)
    matte = np.zeros(SIZE, dtype=np.float32)
    matte[PERSON] = matte[30:60, beside] = 1
    return rgb, matte


@pytest.mark.parametrize("beside", [slice(70, 80), slice(45, 80), slice(45, 52)])
def test_at_rest_what_the_avatar_leaves_out_is_the_photo(beside: slice) -> None:
    rgb, matte = photo(beside)
    at_rest = drawing(1.0)
    made, _ = rested(at_rest, PhotoBehind.of(rgb, matte, at_rest)).whole()
    np.testing.assert_allclose(made[matte > 0][:, :3], rgb[matte > 0], atol=0.01)
    assert (made[matte > 0][:, 3] > 254.9).all()


def test_it_is_not_there_where_the_person_has_moved() -> None:
    rgb, matte = photo(slice(45, 52))
    behind = PhotoBehind.of(rgb, matte, drawing(1.0))
    assert behind.lost[30:60, 45:52].all()
    assert behind.lost.sum() == 30 * 7
    made, _ = rested(drawing(0.0), behind).whole()
    assert not made[30:60, 45:52].any()
    half, _ = rested(drawing(0.5), behind).whole()
    assert 100 < half[30:60, 45:52, 3].mean() < 155


def test_what_is_no_persons_stays_as_it_is_far_from_them() -> None:
    rgb, matte = photo(slice(45, 52))
    at_rest = drawing(1.0)
    made, _ = rested(at_rest, PhotoBehind.of(rgb, matte, at_rest)).whole()
    assert not made[:, 53:62].any()
    assert not made[:, :45].any()
