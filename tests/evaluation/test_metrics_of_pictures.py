from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from motionwarp.evaluation.metrics.image import HIGHEST_PSNR, l1, psnr, unit_values
from motionwarp.evaluation.metrics.masks import matte_iou
from motionwarp.evaluation.metrics.pose import flicker
from motionwarp.evaluation.metrics.ssim import SsimSettings, masked_ssim, ssim, ssim_map
from motionwarp.geometry.optical_flow import backward_flow, warped_by


def textured(seed: int, height: int = 48, width: int = 40) -> np.ndarray:
    """A smooth random picture, uint8 (H, W, 3)."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:height, :width]
    waves = sum(
        np.sin(
            rows[..., None] * rng.uniform(0.1, 0.5) + columns[..., None] * rng.uniform(0.1, 0.5) + rng.uniform(0, 6, 3)
        )
        for _ in range(4)
    )
    return np.clip(127 + 30 * waves, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("strength", [1, 10, 80])
def test_pictures_figures_equal_those_of_scikit_image(strength: int) -> None:
    picture = textured(0)
    noisy = np.clip(picture + np.random.default_rng(1).normal(0, strength, picture.shape), 0, 255).astype(np.uint8)
    one, other = picture / 255, noisy / 255
    expected = structural_similarity(
        one, other, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=1.0, channel_axis=2
    )
    assert ssim(picture, noisy) == pytest.approx(expected, abs=1e-6)
    assert psnr(picture, noisy) == pytest.approx(peak_signal_noise_ratio(one, other, data_range=1.0), abs=1e-9)
    assert l1(picture, noisy) == pytest.approx(np.abs(one - other).mean())


@pytest.mark.parametrize(
    ("settings", "options"),
    [
        (SsimSettings(window=7, sigma=None), {"win_size": 7}),
        (SsimSettings(window=7, sigma=None, sample_covariance=True), {"win_size": 7, "use_sample_covariance": True}),
        (SsimSettings(data_range=0.7), {"gaussian_weights": True, "sigma": 1.5, "data_range": 0.7}),
    ],
)
def test_variants_of_ssim_equal_those_of_scikit_image(settings: SsimSettings, options: dict[str, Any]) -> None:
    first, second = textured(0), textured(1)
    given = {"use_sample_covariance": False, "data_range": 1.0, **options}
    expected = structural_similarity(first / 255, second / 255, channel_axis=2, **given)
    assert ssim(first, second, settings) == pytest.approx(expected, abs=1e-6)


def test_bytes_and_floats_mean_the_same() -> None:
    first, second = textured(0), textured(1)
    as_floats = (first / np.float32(255)).astype(np.float32)
    assert ssim(as_floats, second) == pytest.approx(ssim(first, second), abs=1e-6)
    assert psnr(as_floats, second) == pytest.approx(psnr(first, second), abs=1e-4)
    with pytest.raises(TypeError, match="int64"):
        unit_values(first.astype(np.int64))


def test_equal_pictures() -> None:
    picture = textured(2)
    assert ssim(picture, picture) == 1
    assert psnr(picture, picture) == HIGHEST_PSNR
    assert l1(picture, picture) == 0


def test_psnr_of_a_known_error() -> None:
    black = np.zeros((4, 4, 3), np.float32)
    assert psnr(black, black + np.float32(0.1)) == pytest.approx(20, abs=1e-5)
    one_pixel = black.copy()
    one_pixel[0, 0, 0] = 1
    assert psnr(black, one_pixel) == pytest.approx(10 * np.log10(48))


def test_ssim_of_plain_pictures_is_the_luminance_term() -> None:
    dark, light = np.full((16, 16, 3), 0.2, np.float32), np.full((16, 16, 3), 0.6, np.float32)
    expected = (2 * 0.2 * 0.6 + 1e-4) / (0.2**2 + 0.6**2 + 1e-4)
    np.testing.assert_allclose(ssim_map(dark, light), expected, atol=1e-6)
    assert ssim_map(dark[..., :1], light[..., :1]).shape == (6, 6, 1)


def test_only_what_the_mask_shows_counts() -> None:
    first, second = textured(0), textured(0)
    second[:, :20] = 255 - second[:, :20]
    mask = np.zeros((48, 40), np.float32)
    mask[:, 20:] = 1
    assert masked_ssim(first, second, mask) == 1
    assert masked_ssim(first, second, 1 - mask) < 0.9


def test_pictures_that_cannot_be_compared_are_refused() -> None:
    with pytest.raises(ValueError, match="one shape"):
        l1(textured(0), textured(0)[:-1])
    with pytest.raises(ValueError, match="11x11"):
        ssim(textured(0)[:10], textured(1)[:10])
    with pytest.raises(ValueError, match="odd window"):
        SsimSettings(window=10)
    with pytest.raises(ValueError, match="mask"):
        masked_ssim(textured(0), textured(1), np.ones((3, 3), np.float32))


def test_overlap_of_mattes_counted_by_hand() -> None:
    first = np.array([[1, 0.6, 0.5, 0]], np.float32)  # 0.5 is not above one half
    second = np.array([[0, 0.9, 0.7, 0]], np.float32)
    assert matte_iou(first, second) == pytest.approx(1 / 3)
    assert matte_iou(first, first) == 1
    assert matte_iou(first * 0, second * 0) == 1
    with pytest.raises(ValueError, match="one shape"):
        matte_iou(first, second[:, :2])


def test_a_moved_frame_does_not_flicker_and_a_flickering_one_does() -> None:
    wide = textured(5, 96, 120)
    before, now = wide[:, 10:90], wide[:, 7:87]  # the content moves 3 pixels to the right
    flow = backward_flow(before, now)
    middle = flow[16:-16, 16:-16]
    np.testing.assert_allclose(np.median(middle, axis=(0, 1)), (-3, 0), atol=0.15)
    still = flicker(before, now, flow)
    assert still < 0.012
    assert l1(before, now) > 5 * still
    brighter = np.clip(now.astype(int) + 20, 0, 255).astype(np.uint8)
    assert flicker(before, brighter, flow) == pytest.approx(20 / 255, abs=0.02)


def test_what_comes_from_outside_does_not_count() -> None:
    before = textured(0, 20, 20)
    flow = np.zeros((20, 20, 2), np.float32)
    flow[..., 0] = -5
    warped, inside = warped_by(before, flow)
    assert not inside[:, :5].any()
    assert inside[:, 5:].all()
    np.testing.assert_array_equal(warped[:, 5:], before[:, :15])
    assert flicker(before, warped, flow) == 0
    flow[..., 0] = 100
    assert flicker(before, before, flow) == 0
