"""Drawing a layer over a picture, and cutting it out, against the formulas in floating point."""

from __future__ import annotations

import numpy as np
import pytest

from motionwarp.pipeline.compositing import composite, cut_out, scaled_width, side_by_side
from motionwarp.types import ByteArray, PersonLayer


def premultiplied(seed: int, height: int = 20, width: int = 15) -> ByteArray:
    random = np.random.default_rng(seed)
    color, alpha = random.integers(0, 256, (height, width, 3)), random.integers(0, 256, (height, width, 1))
    alpha[:3], alpha[-3:] = 0, 255
    return np.concatenate([np.rint(color * alpha / 255), alpha], axis=2).astype(np.uint8)


def test_a_layer_is_drawn_as_the_formula_says_and_nothing_beside_it() -> None:
    layer = PersonLayer(premultiplied(0), 4, 7)
    before = np.random.default_rng(1).integers(0, 256, (40, 30, 3)).astype(np.uint8)
    after = composite(layer, before.copy())
    expected = before.astype(np.float64)
    box = expected[7:27, 4:19]
    box[:] = layer.rgba[..., :3] + box * (255 - layer.rgba[..., 3:].astype(np.float64)) / 255
    assert np.abs(after - np.minimum(expected, 255)).max() <= 0.5 + 1e-9
    outside = np.ones((40, 30), dtype=bool)
    outside[7:27, 4:19] = False
    np.testing.assert_array_equal(after[outside], before[outside])


def test_what_is_cut_out_has_straight_colors() -> None:
    layer = PersonLayer(premultiplied(2), 3, 5)
    cut = cut_out(layer, 25, 30)
    np.testing.assert_array_equal(cut[5:25, 3:18, 3], layer.rgba[..., 3])
    assert not cut[:5].any()
    assert not cut[:, 18:].any()
    seen = layer.rgba[..., 3] > 0
    straight = layer.rgba[seen][:, :3] * 255.0 / layer.rgba[seen][:, 3:]
    assert np.abs(cut[5:25, 3:18][seen][:, :3] - np.minimum(straight, 255)).max() <= 0.5 + 1e-9
    # drawn again over black it is the layer that it was
    again = np.rint(cut[5:25, 3:18, :3] * (cut[5:25, 3:18, 3:] / 255.0))
    assert np.abs(again - layer.rgba[..., :3]).max() <= 1


@pytest.mark.parametrize(("left", "top"), [(-1, 0), (0, -1), (16, 0), (0, 21)])
def test_a_layer_that_leaves_its_frame_is_refused(left: int, top: int) -> None:
    layer = PersonLayer(premultiplied(3), left, top)
    with pytest.raises(ValueError, match=r"leaves its frame of 30x40"):
        composite(layer, np.zeros((40, 30, 3), np.uint8))
    with pytest.raises(ValueError, match=rf"at \({left}, {top}\) leaves"):
        cut_out(layer, 30, 40)


def test_pictures_beside_each_other_keep_their_shapes() -> None:
    pictures = [
        np.full((10, 7, 3), 10, np.uint8),
        np.full((40, 20, 3), 200, np.uint8),
        np.full((5, 1, 3), 90, np.uint8),
    ]
    beside = side_by_side(pictures, 20)
    widths = [scaled_width(picture.shape[1], picture.shape[0], 20) for picture in pictures]
    assert widths == [14, 10, 4]
    assert beside.shape == (20, 28, 3)
    assert [int(beside[10, column, 0]) for column in (0, 13, 14, 23, 24, 27)] == [10, 10, 200, 200, 90, 90]
    assert scaled_width(1, 1000, 10) == 1
