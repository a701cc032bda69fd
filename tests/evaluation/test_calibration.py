from __future__ import annotations

import numpy as np
import pytest

from motionwarp.errors import InputError
from motionwarp.evaluation.calibration import calibration_knots


def test_overconfident_scores_are_brought_down_to_what_they_are_worth() -> None:
    rng = np.random.default_rng(0)
    scores = rng.random(20_000).astype(np.float32)
    correct = rng.random(20_000) < scores**2
    raw, calibrated = np.array(calibration_knots(scores, correct)).T
    assert (np.diff(raw) > 0).all()
    assert (np.diff(calibrated) >= 0).all()
    for level in (0.3, 0.5, 0.7, 0.9):
        assert np.interp(level, raw, calibrated) == pytest.approx(level**2, abs=0.04)


def test_the_table_spans_all_scores() -> None:
    scores = np.full(200, 0.9, dtype=np.float32)
    knots = calibration_knots(scores, np.arange(200) < 150)
    assert knots[0] == [0.0, 0.0]
    assert knots[-1] == [1.0, pytest.approx(0.75, abs=0.01)]


def test_too_few_points_are_refused() -> None:
    with pytest.raises(InputError, match="too few"):
        calibration_knots(np.zeros(10, np.float32), np.zeros(10, bool))
