"""Compiled loops over patches against NumPy."""

from __future__ import annotations

import numpy as np

from motionwarp.inpainting.patch_rows import patches_at, voted_colors

HEIGHT, WIDTH, RADIUS = 23, 31, 2
SIDE = 2 * RADIUS + 1


def picture(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0, 255, (HEIGHT, WIDTH, 3)).astype(np.float32)


def inner_pixels() -> np.ndarray:
    inner = np.zeros((HEIGHT, WIDTH), dtype=bool)
    inner[RADIUS:-RADIUS, RADIUS:-RADIUS] = True
    return np.flatnonzero(inner)


def test_patches_are_windows_of_the_picture() -> None:
    rgb, centers = picture(), inner_pixels()[::7]
    windows = np.lib.stride_tricks.sliding_window_view(rgb, (SIDE, SIDE), axis=(0, 1))
    y, x = np.divmod(centers, WIDTH)
    expected = windows[y - RADIUS, x - RADIUS].reshape(len(centers), -1)
    np.testing.assert_array_equal(patches_at(rgb, centers, RADIUS), expected)


def test_votes_are_weighted_means_of_what_patches_have_at_a_pixel() -> None:
    rgb, rng = picture(1), np.random.default_rng(2)
    targets = np.sort(rng.choice(inner_pixels(), 90, replace=False))
    chosen = rng.choice(inner_pixels(), len(targets))
    weights = rng.uniform(0.1, 1, len(targets)).astype(np.float32)
    number_of = np.full(HEIGHT * WIDTH, -1)
    number_of[targets] = np.arange(len(targets))
    sums, totals = np.zeros((HEIGHT, WIDTH, 3)), np.zeros((HEIGHT, WIDTH, 1))
    for target, source, weight in zip(targets, chosen, weights, strict=True):
        (y, x), (from_y, from_x) = divmod(target, WIDTH), divmod(source, WIDTH)
        for down in range(-RADIUS, RADIUS + 1):
            for right in range(-RADIUS, RADIUS + 1):
                sums[y + down, x + right] += weight * rgb[from_y + down, from_x + right]
                totals[y + down, x + right] += weight
    pixels = rng.choice(HEIGHT * WIDTH, 300, replace=False)
    asked = np.isin(np.arange(HEIGHT * WIDTH), pixels).reshape(HEIGHT, WIDTH, 1)
    expected = np.where(asked & (totals > 0), sums / np.maximum(totals, 1e-9), rgb)
    voted = rgb.copy()
    voted_colors(voted, pixels, number_of, chosen, weights, RADIUS)
    np.testing.assert_allclose(voted, expected, rtol=1e-5)
    assert not np.array_equal(voted, rgb)
