"""Turning an analyzer's raw scores into probabilities that a point is right (`motionwarp train calibrate`).

Isotonic regression of 'within 5 % of the person's height of the label' on the raw score, on photos that were kept from
both training and validation. The knots go into the checkpoint's configuration, where the estimator finds them.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from scipy.optimize import isotonic_regression

from motionwarp.checkpoints.checkpoint import load_checkpoint, save_checkpoint
from motionwarp.errors import InputError
from motionwarp.evaluation.perception import evaluate_photos
from motionwarp.perception.backends.builtin import BuiltinEstimator
from motionwarp.types import BoolArray, FloatArray

_FEWEST = 100
_FEWEST_IN_GROUP = 8


def calibration_knots(scores: FloatArray, correct: BoolArray, count: int = 8) -> list[list[float]]:
    """Fit a monotone map from raw scores to the share of points that are right.

    Parameters
    ----------
    scores : float32 (N,)
        In [0, 1].
    correct : bool (N,)
    count : int
        Equal ranges of the score, each of which gives a knot if it holds enough points.

    Returns
    -------
    list of [raw, calibrated]
        Not falling, from [0, 0] to [1, ...], to be interpolated between.

    Raises
    ------
    InputError
        If there are too few points to say anything.
    """
    if len(scores) < _FEWEST:
        raise InputError(f"{len(scores)} points are too few to calibrate scores; {_FEWEST} are needed")
    order = np.argsort(scores)
    raw = scores[order].astype(np.float64)
    fitted = isotonic_regression(correct[order].astype(np.float64)).x
    knots = [[0.0, 0.0]]
    # by level, not by number: most points are sure, but it is the unsure ones whose scores must be told apart
    for group in np.split(np.arange(len(raw)), np.searchsorted(raw, np.linspace(0, 1, count + 1)[1:-1])):
        if len(group) < _FEWEST_IN_GROUP:
            continue
        level = float(raw[group].mean())
        if level > knots[-1][0] + 1e-3:
            knots.append([round(level, 4), round(max(float(fitted[group].mean()), knots[-1][1]), 4)])
    if knots[-1][0] < 1.0:
        knots.append([1.0, knots[-1][1]])
    return knots


def calibrate(
    weights: Path, ccp_folder: Path, output: Path, device: torch.device, dtype: torch.dtype
) -> list[list[float]]:
    """Write a copy of an analyzer's weights whose scores are calibrated on the photos of the calibration split.

    Parameters
    ----------
    weights : Path
    ccp_folder : Path
    output : Path
    device, dtype
        Where and in which type the network runs.

    Returns
    -------
    list of [raw, calibrated]

    Raises
    ------
    InputError
        If the scores are calibrated already.
    """
    checkpoint = load_checkpoint(weights, "analyser")
    if "calibration" in checkpoint.config:
        raise InputError(
            "its scores are calibrated already", subject=weights, remedy="Give the file that training exported."
        )
    report = evaluate_photos(BuiltinEstimator.load(device, dtype, weights), ccp_folder, "calibration")
    knots = calibration_knots(np.concatenate(report.points.scores), np.concatenate(report.points.correct))
    save_checkpoint(output, checkpoint.tensors, "analyser", {**checkpoint.config, "calibration": knots})
    return knots
