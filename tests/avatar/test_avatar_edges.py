"""Edges of what is drawn are smooth, and nothing else is touched."""

import numpy as np

from motionwarp.avatar.edges import smooth_edges
from motionwarp.types import FloatArray

FAR = np.float32(3e38)


def with_smooth_edges(picture: FloatArray, still: FloatArray, nearest: FloatArray) -> tuple[FloatArray, FloatArray]:
    smooth, calm = picture.copy(), still.copy()
    smooth_edges(smooth, calm, nearest)
    return smooth, calm


def test_an_outline_goes_over_into_nothing_and_the_inside_stays() -> None:
    picture, nearest = np.zeros((20, 20, 4), dtype=np.float32), np.full((20, 20), FAR, dtype=np.float32)
    picture[5:15, 5:15], nearest[5:15, 5:15] = (200, 100, 50, 255), 0
    still = picture[..., 3] / np.float32(255)
    smooth, calm = with_smooth_edges(picture, still, nearest)
    np.testing.assert_allclose(smooth[10, 3:8, 3], [0, 255 / 4, 255 * 3 / 4, 255, 255], atol=1e-3)
    np.testing.assert_allclose(calm, smooth[..., 3] / 255, atol=1e-5)
    # colors stay multiplied by alpha
    np.testing.assert_allclose(smooth[..., :3] * 255, smooth[..., 3:] * np.float32([200, 100, 50]), atol=1e-1)
    np.testing.assert_array_equal(smooth[7:13, 7:13], picture[7:13, 7:13])


def test_one_surface_before_another_is_an_edge_and_a_slope_is_none() -> None:
    rng = np.random.default_rng(0)
    picture = rng.uniform(0, 255, (20, 20, 4)).astype(np.float32)
    still = np.ones((20, 20), dtype=np.float32)
    slope = np.tile(np.arange(20, dtype=np.float32), (20, 1))
    same, calm = with_smooth_edges(picture, still, slope)
    np.testing.assert_array_equal(same, picture)
    np.testing.assert_array_equal(calm, still)
    step = np.where(np.arange(20) < 10, 0, 40).astype(np.float32)[None].repeat(20, axis=0)
    smooth, _ = with_smooth_edges(picture, still, step)
    changed = (smooth != picture).any(axis=(0, 2))
    np.testing.assert_array_equal(np.flatnonzero(changed), [9, 10])
