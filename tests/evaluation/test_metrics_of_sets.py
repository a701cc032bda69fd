"""Frechet distance, Inception Score, label overlap and pose agreement: closed forms and hand-computed cases."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import sqrtm

from motionwarp.evaluation.metrics.masks import confusion_of, fcn_score, mean_iou
from motionwarp.evaluation.metrics.pose import head_size, pose_agreement
from motionwarp.evaluation.metrics.sets import (
    FeatureMoments,
    clip_features,
    frechet_distance,
    inception_score,
    swap_score,
)
from motionwarp.pose import skeleton as sk


def moments_of(features: np.ndarray, batch: int = 7) -> FeatureMoments:
    moments = FeatureMoments(features.shape[1])
    for start in range(0, len(features), batch):
        moments.add(features[start : start + batch].astype(np.float32))
    return moments


def test_moments_in_batches_are_those_of_numpy() -> None:
    features = (np.random.default_rng(0).normal(100, 3, (50, 6))).astype(np.float32)
    moments = moments_of(features)
    np.testing.assert_allclose(moments.mean, features.mean(axis=0, dtype=np.float64), rtol=1e-9)
    np.testing.assert_allclose(moments.covariance, np.cov(features.astype(np.float64), rowvar=False), rtol=1e-9)


def test_frechet_distance_is_pytorch_fid_s_on_random_features() -> None:
    rng = np.random.default_rng(1)
    first, second = rng.normal(0, 1, (300, 12)), rng.normal(0.3, 2, (200, 12)) @ rng.normal(0, 1, (12, 12))
    one, other = np.cov(first, rowvar=False), np.cov(second, rowvar=False)
    expected = np.square(first.mean(0) - second.mean(0)).sum() + np.trace(one + other - 2 * sqrtm(one @ other).real)
    assert frechet_distance(moments_of(first), moments_of(second)) == pytest.approx(expected, rel=1e-5)


@settings(max_examples=20)
@given(st.integers(0, 10_000), st.floats(-5, 5), st.floats(0.2, 4))
def test_frechet_distance_of_shifted_and_scaled_features(seed: int, shift: float, scale: float) -> None:
    """For N(m, C) and N(s m + t, s^2 C) it is |m - s m - t|^2 + (1 - s)^2 tr C."""
    features = np.random.default_rng(seed).normal(0, 1, (40, 5)).astype(np.float32)
    moved = (scale * features + shift).astype(np.float32)
    one, other = moments_of(features), moments_of(moved)
    expected = np.square(one.mean - other.mean).sum() + (1 - scale) ** 2 * np.trace(one.covariance)
    assert frechet_distance(one, other) == pytest.approx(expected, rel=1e-3, abs=1e-3)


def test_fewer_features_than_dimensions_still_have_a_distance() -> None:
    features = np.random.default_rng(2).normal(0, 1, (5, 64))
    assert frechet_distance(moments_of(features), moments_of(features)) == pytest.approx(0, abs=1e-6)
    assert frechet_distance(moments_of(features), moments_of(features + 1)) == pytest.approx(64, rel=1e-4)


def test_features_that_are_no_use_are_refused() -> None:
    moments = FeatureMoments(3)
    with pytest.raises(ValueError, match=r"\(N, 3\)"):
        moments.add(np.zeros((2, 4), np.float32))
    with pytest.raises(ValueError, match="finite"):
        moments.add(np.full((1, 3), np.nan, np.float32))
    moments.add(np.zeros((1, 3), np.float32))
    with pytest.raises(ValueError, match="two features"):
        _ = moments.covariance


def test_pieces_of_clips() -> None:
    still = np.tile(np.float32([1, 2]), (40, 1))
    pieces = clip_features(still, window=16, stride=8)
    np.testing.assert_array_equal(pieces, np.tile(np.float32([1, 2, 0, 0]), (4, 1)))
    flickering = still + np.float32([0.5]) * (np.arange(40) % 2)[:, None].astype(np.float32)
    np.testing.assert_allclose(clip_features(flickering)[:, 2:], 0.5)
    assert clip_features(still[:15]).shape == (0, 4)
    with pytest.raises(ValueError, match="windows"):
        clip_features(still, window=1)


def test_inception_score_of_extremes() -> None:
    sure = np.eye(8, dtype=np.float32)
    assert inception_score(np.tile(sure, (4, 1)), splits=4).mean == pytest.approx(8)
    unsure = np.full((20, 8), 1 / 8, np.float32)
    score = inception_score(unsure, splits=10)
    assert (score.mean, score.deviation) == (pytest.approx(1), pytest.approx(0))


def test_inception_score_by_hand() -> None:
    rows = np.float32([[0.9, 0.1], [0.3, 0.7], [0.5, 0.5], [0.5, 0.5]])
    first = 0.5 * (
        0.9 * np.log(0.9 / 0.6) + 0.1 * np.log(0.1 / 0.4) + 0.3 * np.log(0.3 / 0.6) + 0.7 * np.log(0.7 / 0.4)
    )
    score = inception_score(rows, splits=2)
    assert score.mean == pytest.approx((np.exp(first) + 1) / 2, rel=1e-6)
    assert score.deviation == pytest.approx((np.exp(first) - 1) / 2, rel=1e-5)
    with pytest.raises(ValueError, match="split into 5"):
        inception_score(rows, splits=5)
    with pytest.raises(ValueError, match="sum to 1"):
        inception_score(rows * 2, splits=1)


def test_swap_score_puts_three_figures_together() -> None:
    picture = np.random.default_rng(0).integers(0, 255, (24, 24, 3)).astype(np.uint8)
    score = swap_score(np.eye(4, dtype=np.float32), np.full((4, 4), 0.25, np.float32), [(picture, picture)], splits=1)
    assert (score.is_reference.mean, score.is_condition.mean) == (pytest.approx(4), pytest.approx(1))
    assert score.reconstruction_ssim == pytest.approx(1)
    with pytest.raises(ValueError, match="at least one pair"):
        swap_score(np.eye(4, dtype=np.float32), np.eye(4, dtype=np.float32), [], splits=1)


def test_fcn_score_by_hand() -> None:
    truth = np.uint8([[0, 0, 0, 1], [1, 2, 255, 255]])
    predicted = np.uint8([[0, 0, 1, 1], [3, 2, 0, 1]])
    score = fcn_score(confusion_of(predicted, truth, classes=5))
    assert score.pixel_accuracy == pytest.approx(4 / 6)
    assert score.class_accuracy == pytest.approx((2 / 3 + 1 / 2 + 1) / 3)
    # class 1: one hit, two in the truth, two predicted
    assert score.class_iou == pytest.approx((2 / 3 + 1 / 3 + 1) / 3)
    assert mean_iou(predicted, truth, 5) == score.class_iou
    assert np.isnan(mean_iou(predicted, np.full_like(truth, 255), 5))
    with pytest.raises(ValueError, match="label 3"):
        confusion_of(predicted, truth, classes=3)
    with pytest.raises(ValueError, match="one shape"):
        confusion_of(predicted[:1], truth, classes=5)
    with pytest.raises(ValueError, match="at least one"):
        fcn_score(np.zeros((3, 3), np.int64))


def person() -> np.ndarray:
    points = np.zeros((18, 3), np.float32)
    points[[sk.NECK, sk.NOSE, sk.RIGHT_WRIST, sk.LEFT_WRIST]] = [(50, 40, 1), (50, 20, 1), (20, 80, 1), (80, 80, 1)]
    return points


def test_pose_agreement_by_hand() -> None:
    truth, result = person(), person()
    assert head_size(truth) == 20
    result[sk.NOSE, 0] += 3
    result[sk.RIGHT_WRIST, :2] += (8, 6.1)  # farther than half the head
    result[sk.LEFT_WRIST, 2] = 0.1  # not seen
    agreement = pose_agreement(result, truth)
    assert agreement.average_distance == pytest.approx((0 + 3 + np.hypot(8, 6.1)) / 3, rel=1e-5)
    assert agreement.missing_rate == pytest.approx(1 / 4)
    assert agreement.pckh == pytest.approx(2 / 4)


def test_pose_agreement_at_the_limits() -> None:
    nobody = pose_agreement(None, person())
    assert (nobody.missing_rate, nobody.pckh) == (1, 0)
    assert np.isnan(nobody.average_distance)
    empty = pose_agreement(person(), np.zeros((18, 3), np.float32))
    assert np.isnan([empty.average_distance, empty.missing_rate, empty.pckh]).all()
    headless = person()
    headless[sk.NOSE] = 0
    assert np.isnan(pose_agreement(headless, headless).pckh)
    headless[[sk.RIGHT_EAR, sk.LEFT_EAR]] = [(45, 20, 1), (57, 20, 1)]
    assert head_size(headless) == 12
