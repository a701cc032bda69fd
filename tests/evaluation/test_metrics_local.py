"""Local SSIM, MS-SSIM and the mask from points: against scikit-image, torchmetrics and counting."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage.metrics import structural_similarity

from motionwarp.evaluation.metrics.masks import pose_mask
from motionwarp.evaluation.metrics.ssim import local_ssim, ms_ssim
from motionwarp.pose import skeleton as sk
from motionwarp.pose.regions import INTERPOLATED_BONES, region_centers


def waves(seed: int, height: int, width: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:height, :width]
    total = sum(
        np.sin(rows * rng.uniform(0.02, 0.4) + columns * rng.uniform(0.02, 0.4) + rng.uniform(0, 6)) for _ in range(5)
    )
    return np.clip(127 + 25 * total[..., None] + rng.normal(0, 8, (height, width, 3)), 0, 255).astype(np.uint8)


def standing(height: int, width: int) -> np.ndarray:
    """An upright person filling the picture, float32 (18, 3)."""
    shape = {
        sk.NOSE: (0.5, 0.1), sk.NECK: (0.5, 0.2), sk.RIGHT_SHOULDER: (0.38, 0.2), sk.LEFT_SHOULDER: (0.62, 0.2),
        sk.RIGHT_ELBOW: (0.33, 0.35), sk.LEFT_ELBOW: (0.67, 0.35), sk.RIGHT_WRIST: (0.3, 0.5),
        sk.LEFT_WRIST: (0.7, 0.5),
        sk.RIGHT_HIP: (0.43, 0.5), sk.LEFT_HIP: (0.57, 0.5), sk.RIGHT_KNEE: (0.42, 0.7), sk.LEFT_KNEE: (0.58, 0.7),
        sk.RIGHT_ANKLE: (0.41, 0.92), sk.LEFT_ANKLE: (0.59, 0.92), sk.RIGHT_EYE: (0.48, 0.08),
        sk.LEFT_EYE: (0.52, 0.08),
        sk.RIGHT_EAR: (0.45, 0.09), sk.LEFT_EAR: (0.55, 0.09),
    }  # fmt: skip
    return np.array([[*shape[index], 1] for index in range(18)], np.float32) * np.float32([width - 1, height - 1, 1])


def test_hpn_s_numbers_of_regions() -> None:
    points = standing(256, 256)
    assert len(INTERPOLATED_BONES) == 13
    assert [len(region_centers(points, count)) for count in (18, 31, 44)] == [18, 31, 44]
    middles = region_centers(points, 31)[18:]
    expected = (points[sk.NECK] + points[sk.RIGHT_SHOULDER]) / 2
    assert np.abs(middles - expected).max(axis=1).min() < 1e-4
    points[sk.RIGHT_KNEE] = 0
    # the knee itself, and two points on each of its two bones
    assert np.count_nonzero(region_centers(points, 44)[:, 2] == 0) == 5


def test_local_ssim_is_the_mean_over_regions_cut_out() -> None:
    first, second = waves(0, 256, 176), waves(1, 256, 176)
    points = standing(256, 176)
    points[sk.LEFT_ANKLE] = (175, 255, 1)  # its region would leave the picture
    points[sk.LEFT_EAR] = (300, 10, 1)  # outside: does not count
    regions = []
    for x, y, score in region_centers(points, 44):
        if score == 0 or not (0 <= x <= 175 and 0 <= y <= 255):
            continue
        top, left = (int(np.clip(np.rint(middle - 15.5), 0, size - 32)) for middle, size in ((y, 256), (x, 176)))
        cut = np.s_[top : top + 32, left : left + 32]
        regions.append(
            structural_similarity(
                first[cut],
                second[cut],
                gaussian_weights=True,
                sigma=1.5,
                use_sample_covariance=False,
                data_range=255,
                channel_axis=2,
            )
        )
    assert len(regions) == 43
    assert local_ssim(first, second, points) == pytest.approx(np.mean(regions), abs=1e-5)
    assert local_ssim(first, first, points) == pytest.approx(1)


def test_local_ssim_without_points_or_room() -> None:
    picture = waves(0, 256, 256)
    assert np.isnan(local_ssim(picture, picture, np.zeros((18, 3), np.float32)))
    with pytest.raises(ValueError, match="regions of 8 pixels"):
        local_ssim(picture[:64, :64], picture[:64, :64], standing(64, 64))


def test_ms_ssim_equals_torchmetrics() -> None:
    torchmetrics = pytest.importorskip("torchmetrics.functional.image", reason="torchmetrics is in the extra 'test'")
    first, second = waves(2, 192, 230), waves(2, 192, 230)
    second = np.clip(second.astype(int) + np.random.default_rng(0).normal(0, 30, second.shape), 0, 255).astype(np.uint8)
    one, other = (torch.from_numpy(picture).permute(2, 0, 1)[None].double() / 255 for picture in (first, second))
    expected = torchmetrics.multiscale_structural_similarity_index_measure(one, other, data_range=1.0)
    assert ms_ssim(first, second) == pytest.approx(float(expected), abs=2e-4)
    assert 0.2 < ms_ssim(first, second) < 0.99
    assert ms_ssim(first, first) == pytest.approx(1)
    with pytest.raises(ValueError, match="176"):
        ms_ssim(first[:160], second[:160])


def test_the_mask_covers_points_and_torso_and_not_the_corners() -> None:
    points = standing(256, 176)
    mask = pose_mask(points, 256, 176)
    assert mask.dtype == np.float32
    assert set(np.unique(mask)) == {0, 1}
    for x, y, _ in points:
        assert mask[round(y), round(x)] == 1
    assert mask[90, 88] == 1  # between neck and hips
    assert mask[0, 0] == mask[255, 175] == mask[200, 5] == 0
    # a limb is as wide as its share of the torso says: 0.2 of neck to hips on either side of the shin
    torso = points[sk.RIGHT_HIP, 1] - points[sk.NECK, 1]
    row = mask[round(0.8 * 255), :88]
    assert np.count_nonzero(row) == pytest.approx(0.4 * torso, abs=3)


def test_the_mask_needs_two_points() -> None:
    points = np.zeros((18, 3), np.float32)
    assert not pose_mask(points, 64, 64).any()
    points[sk.NOSE] = (30, 30, 1)
    assert not pose_mask(points, 64, 64).any()
    points[sk.RIGHT_KNEE], points[sk.RIGHT_ANKLE] = (30, 40, 1), (30, 60, 1)
    assert pose_mask(points, 64, 64)[50, 30] == 1
