"""Colors beside a head's outline, which are drawn out over its sides, change slowly from row to row."""

import numpy as np
import torch

from motionwarp.avatar.calm_sides import with_calm_sides
from motionwarp.puppet.textures import PartTexture

HEIGHT, WIDTH = 120, 90


def striped() -> PartTexture:
    """A disc of black and white rows."""
    ys, xs = np.mgrid[:HEIGHT, :WIDTH]
    alpha = (np.hypot((ys - 60) / 50, (xs - 45) / 40) < 1).astype(np.float32)
    rows = np.broadcast_to((ys % 4 < 2)[None], (3, HEIGHT, WIDTH)).astype(np.float32)
    rgba = np.concatenate([rows * alpha, alpha[None]])
    return PartTexture(torch.from_numpy(rgba)[None], None, 0, 0, np.zeros((3, 2), dtype=np.float32))


def test_stripes_fade_beside_the_outline_and_stay_within() -> None:
    before, after = (texture.rgba[0].numpy() for texture in (striped(), with_calm_sides(striped())))
    np.testing.assert_array_equal(after[3], before[3])
    np.testing.assert_array_equal(after[:, 40:80, 25:65], before[:, 40:80, 25:65])
    edge = before[3, 60].argmax()
    assert np.abs(np.diff(after[0, 56:65, edge])).max() < 0.2 < np.abs(np.diff(before[0, 56:65, edge])).max()
    assert (after[:3] <= after[3] + 1e-6).all()
    assert (after >= 0).all()


def test_a_tiny_head_stays_as_it_is() -> None:
    tiny = PartTexture(striped().rgba[..., 56:64, 40:50], None, 0, 0, np.zeros((3, 2), dtype=np.float32))
    assert with_calm_sides(tiny) is tiny
