"""Measuring pairs.

How fast the figures without networks are over pictures from disk, and whether memory grows with their number.
"""

from __future__ import annotations

import multiprocessing
import os
import tempfile
import time
from pathlib import Path
from typing import Annotated, Final

import cv2
import numpy as np
import typer

from benchmarks.measuring import peak_memory_mb
from benchmarks.report import publish
from motionwarp.devices import usable_cores
from motionwarp.evaluation.pairs.image_metrics import PictureTask, measure_all
from motionwarp.media.image import write_image
from motionwarp.runtime import peak_in_status
from motionwarp.types import FloatArray

# test pairs of the published DeepFashion list
_PUBLISHED: Final = 8570
_SIDE: Final = 256
_DIFFERENT: Final = 200


def pairs(
    count: Annotated[int, typer.Option(min=40, help="Pairs to measure.")] = 2000,
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes.", show_default="all cores")] = None,
) -> None:
    """Time SSIM (both settings), PSNR, L1, Mask-SSIM and local SSIM over pairs of 256x256."""
    processes = jobs or usable_cores()
    with tempfile.TemporaryDirectory() as folder:
        tasks = _tasks(Path(folder), count)
        used = _cpu_seconds()
        seconds, peaks = _measured(tasks, processes)
        used = _cpu_seconds() - used
    figures = {
        "pairs": count,
        "processes": processes,
        "seconds": seconds,
        "cpu_seconds_of_processes": used,
        "pairs_per_second": count / seconds,
        "published_pairs": _PUBLISHED,
        "published_minutes": _PUBLISHED * seconds / count / 60,
        "process_peak_mb_after_a_quarter": peaks[0],
        "process_peak_mb": peaks[1],
        "peak_memory_mb": peak_memory_mb(),
    }
    rows = {
        "CPU time of the processes": f"{used:.1f} s, {1000 * used / count:.1f} ms a pair",
        f"{count} pairs in {processes} processes": f"{seconds:.1f} s, {count / seconds:.1f} pairs a second",
        f"{_PUBLISHED} pairs would take": f"{figures['published_minutes']:.2f} min",
        "memory of a process after a quarter, after all": "not known here"
        if peaks[0] is None
        else f"{peaks[0]:.0f} MB, {peaks[1]:.0f} MB",
    }
    publish("pairs", figures, rows)


def _tasks(folder: Path, count: int) -> list[PictureTask]:
    """Write pictures with detail at all sizes, which compress as photos do, paired with points in their middle."""
    rng = np.random.default_rng(0)
    paths = []
    for number in range(_DIFFERENT):
        picture = sum(
            cv2.resize(rng.normal(0, side**-0.5, (side, side, 3)), (_SIDE, _SIDE), interpolation=cv2.INTER_CUBIC)
            for side in (4, 16, 64, 256)
        )
        paths.append(folder / f"{number:03d}.png")
        write_image(paths[-1], np.clip(128 + 110 * picture, 0, 255).astype(np.uint8))
    points: FloatArray = np.ones((18, 3), dtype=np.float32)
    points[:, :2] = rng.uniform(48, 208, (18, 2))
    return [
        PictureTask(paths[place % _DIFFERENT], paths[(place * 7 + 1) % _DIFFERENT], points) for place in range(count)
    ]


def _measured(tasks: list[PictureTask], processes: int) -> tuple[float, list[float | None]]:
    """Return the seconds, start of processes included, and one process's most memory after a quarter and at the end."""
    peaks = []
    begin = time.perf_counter()
    for done, outcome in enumerate(measure_all(tasks, "exact", variants=False, jobs=processes), start=1):
        if outcome.error is not None:
            raise RuntimeError(f"a pair was not measured: {outcome.error}")
        if done in (len(tasks) // 4, len(tasks)):
            peaks.append(_peak_of_processes_mb())
    return time.perf_counter() - begin, peaks


def _cpu_seconds() -> float:
    """Return the CPU time of all processes that this one started and that have ended."""
    times = os.times()
    return times.children_user + times.children_system


def _peak_of_processes_mb() -> float | None:
    """Return the most memory that a living process of the pool has held.

    None where the system does not tell (Linux does).
    """
    peaks = []
    for process in multiprocessing.active_children():
        try:
            status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
        except OSError:
            continue
        peaks.append(peak_in_status(status))
    return max((peak / 1e6 for peak in peaks if peak is not None), default=None)
