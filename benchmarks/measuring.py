"""How work is measured.

The fastest of several runs on the wall and in processor time, and the most memory that it held.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch

from motionwarp.runtime import peak_memory_bytes

_FORGET_PEAK: Final = "5"  # what Linux's clear_refs takes for "begin the peak anew"


@dataclass(frozen=True)
class Timing:
    """What some work took.

    Attributes
    ----------
    seconds : float
        On the wall.
    cpu_seconds : float
        Processor time of all cores together, in this process.
    """

    seconds: float
    cpu_seconds: float

    def a_frame(self, frames: int) -> dict[str, float]:
        """Return milliseconds a frame on the wall and of processors."""
        return {"ms": 1e3 * self.seconds / frames, "cpu_ms": 1e3 * self.cpu_seconds / frames}


def fastest(work: Callable[[], object], repeats: int, device: torch.device | None = None) -> Timing:
    """Do some work several times and return the run that was fastest on the wall.

    Parameters
    ----------
    work : callable
    repeats : int
    device : torch.device or None
        Waited for before and after, so that work which is only queued there counts.
    """
    runs = []
    for _ in range(repeats):
        finish(device)
        begin, before = time.perf_counter(), time.process_time()
        work()
        finish(device)
        runs.append(Timing(time.perf_counter() - begin, time.process_time() - before))
    return min(runs, key=lambda run: run.seconds)


def finish(device: torch.device | None) -> None:
    """Wait until a device has done what it was given."""
    if device is not None and device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device is not None and device.type == "mps":
        torch.mps.synchronize()


def peak_memory_mb() -> float:
    """Return the most memory that this process has held, in MB.

    On Linux since `forget_peak_memory`, where that worked.
    """
    return peak_memory_bytes() / 1e6


def forget_peak_memory() -> bool:
    """Let the peak of this process's memory begin anew, and return whether the system can do that (Linux only)."""
    try:
        Path("/proc/self/clear_refs").write_text(_FORGET_PEAK, encoding="ascii")
    except OSError:
        return False
    return True


def device_peak_mb(device: torch.device) -> float | None:
    """Return the most memory that was in use on a CUDA device, in MB; None for other devices."""
    return torch.cuda.max_memory_allocated(device) / 1e6 if device.type == "cuda" else None
