"""Metrics of one result and its ground truth that need no network, and computing them for many pairs at once."""

from __future__ import annotations

import math
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import wait
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from motionwarp.errors import InputError, MotionwarpError
from motionwarp.evaluation.metrics.image import l1, psnr
from motionwarp.evaluation.metrics.masks import pose_mask
from motionwarp.evaluation.metrics.ssim import (
    PAPER,
    SMALLEST_SIDE,
    SsimSettings,
    local_ssim,
    masked_ssim,
    ms_ssim,
    ssim,
    ssim_map,
)
from motionwarp.evaluation.options import WidthFit
from motionwarp.evaluation.pairs.render import fitted, moved_points
from motionwarp.media.image import read_image
from motionwarp.types import ByteArray, FloatArray

_LARGE_WINDOW: Final = SsimSettings(window=51, sigma=None, sample_covariance=True)
_CHUNK: Final = 4


@dataclass(frozen=True, eq=False)
class PictureTask:
    """One pair to be measured.

    Attributes
    ----------
    result, truth : Path
    points : float32 (18, 3) or None
        Points of the truth, in its pixels; None where they are not known.
    """

    result: Path
    truth: Path
    points: FloatArray | None


@dataclass(frozen=True)
class PictureOutcome:
    """What came of a task.

    Attributes
    ----------
    metrics : dict of str to float
        NaN where a metric makes no sense for the pair; empty if it failed.
    error : str or None
    """

    metrics: dict[str, float]
    error: str | None = None


def per_image_metrics(result: ByteArray, truth: ByteArray, points: FloatArray | None) -> dict[str, float]:
    """Return the family "pictures" of two pictures.

    Parameters
    ----------
    result, truth : uint8 (H, W, 3)
        At least 11 pixels on both sides.
    points : float32 (18, 3) or None
        Points of the truth; metrics that need them are NaN without.

    Returns
    -------
    dict of str to float
        See `definitions.METRICS`.
    """
    similarity = ssim_map(result, truth)
    metrics = {
        "ssim": float(similarity.mean(dtype=np.float64)),
        "ssim_patn": math.nan,
        "mask_ssim": math.nan,
        "local_ssim": math.nan,
        "psnr": psnr(result, truth),
        "l1": l1(result, truth),
    }
    # PATN's published code gives scikit-image the range of the result's own values
    if levels := int(result.max()) - int(result.min()):
        metrics["ssim_patn"] = (
            metrics["ssim"] if levels == 255 else ssim(result, truth, SsimSettings(data_range=levels / 255))
        )
    height, width = truth.shape[:2]
    if points is not None and (mask := pose_mask(points, height, width)).any():
        metrics["mask_ssim"] = _masked_ssim(result, truth, mask)
        if max(height, width) / 8 >= PAPER.window:
            metrics["local_ssim"] = local_ssim(result, truth, points, similarity=similarity)
    return metrics


def variant_metrics(result: ByteArray, truth: ByteArray) -> dict[str, float]:
    """Return the family "variants" of two pictures: SSIM over scales and with a large window.

    NaN where they are too small.
    """
    side = min(truth.shape[:2])
    return {
        "ms_ssim": ms_ssim(result, truth) if side >= SMALLEST_SIDE else math.nan,
        "ssim_51": ssim(result, truth, _LARGE_WINDOW) if side >= _LARGE_WINDOW.window else math.nan,
    }


def _masked_ssim(result: ByteArray, truth: ByteArray, mask: FloatArray) -> float:
    """Return `masked_ssim`, worked out only where a window sees the mask.

    All others see black twice, which is alike.
    """
    reach = PAPER.window - 1
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    near = (
        slice(max(int(rows[0]) - reach, 0), int(rows[-1]) + reach + 1),
        slice(max(int(columns[0]) - reach, 0), int(columns[-1]) + reach + 1),
    )
    inside = math.prod(side - reach for side in mask[near].shape)
    if min(mask[near].shape) < PAPER.window:
        return masked_ssim(result, truth, mask)
    total = math.prod(side - reach for side in mask.shape)
    return float(1.0 - (1.0 - masked_ssim(result[near], truth[near], mask[near])) * inside / total)


def measure(task: PictureTask, fit: WidthFit, *, variants: bool = False) -> PictureOutcome:
    """Read and measure one pair; whatever is wrong with it is told, not raised."""
    try:
        result, truth, moved = fitted(read_image(task.result).rgb, read_image(task.truth).rgb, fit)
        if variants:
            return PictureOutcome(variant_metrics(result, truth))
        return PictureOutcome(
            per_image_metrics(result, truth, None if task.points is None else moved_points(task.points, moved))
        )
    except MotionwarpError as error:
        return PictureOutcome({}, str(error))
    except ValueError as error:
        # too small for a window, and whatever else the metrics refuse
        return PictureOutcome({}, f"{task.result}: {error}")


def measure_all(tasks: Sequence[PictureTask], fit: WidthFit, *, variants: bool, jobs: int) -> Iterator[PictureOutcome]:
    """Measure pairs, in order, in as many processes as given.

    Parameters
    ----------
    tasks : sequence of PictureTask
    fit : "exact", "crop" or "pad"
    variants : bool
        The family "variants" instead of "pictures".
    jobs : int
        1 works in this process.

    Yields
    ------
    PictureOutcome
        As soon as it is there, so that it can be kept.

    Raises
    ------
    InputError
        If a process is killed from outside; what was yielded before is whole.
    """
    work = partial(measure, fit=fit, variants=variants)
    if jobs == 1 or len(tasks) <= _CHUNK:
        yield from map(work, tasks)
        return
    # a fresh interpreter: networks' threads in this one do not survive a fork
    pool = ProcessPoolExecutor(min(jobs, len(tasks)), multiprocessing.get_context("spawn"), initializer=_settle)
    try:
        yield from pool.map(work, tasks, chunksize=_CHUNK)
    except BrokenProcessPool as error:
        raise InputError(
            "a process that measured pictures was killed", remedy="Run again: it goes on where it stopped."
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _settle() -> None:
    """One thread a process, Ctrl-C is the parent's business, and without a parent there is nothing left to do."""
    cv2.setNumThreads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_the_parent, daemon=True).start()


def _end_with_the_parent() -> None:
    """End this process when its parent is gone.

    One that is killed cannot tell its workers, who would wait for tasks for ever.
    """
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
