"""The memory of this process: how much it has had at most, and that the C library keeps what is freed for the next frame."""

from __future__ import annotations

import ctypes
import platform
from pathlib import Path
from typing import Final

# of glibc's malloc.h
_TRIM_THRESHOLD: Final = -1
_MMAP_THRESHOLD: Final = -3
_MMAP_MAX: Final = -4
_ARENA_MAX: Final = -8
_KEPT_BYTES: Final = 2**31 - 1
_FROM_THE_HEAP_BYTES: Final = 2**30
_STATUS: Final = Path("/proc/self/status")


def keep_freed_memory() -> bool:
    """Let this process keep what it frees, up to 2 GB, for its next use.

    glibc gives large blocks back to the system at once and fetches them anew, page by page, for every batch of frames
    (docs/performance.md tells what that takes). All threads share one heap, or each would keep its own. Meant for programs of our own,
    the command line among them; a library must not decide it for its host.

    Returns
    -------
    bool
        Whether the C library was told; False where there is no glibc, which is no loss but of speed.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    tune = ctypes.CDLL(None).mallopt
    told = bool(tune(_TRIM_THRESHOLD, _KEPT_BYTES) and tune(_ARENA_MAX, 1))
    # older releases refuse a threshold so high, but can be told to map no block at all
    return bool(tune(_MMAP_THRESHOLD, _FROM_THE_HEAP_BYTES) or tune(_MMAP_MAX, 0)) and told


def peak_memory_bytes() -> int:
    """Return the most memory that this process has had, or 0 where the system does not tell."""
    # Linux first: what getrusage tells there begins with the peak of the process that started this one
    told = peak_in_status(_STATUS.read_text(encoding="ascii")) if _STATUS.exists() else None
    if told is not None:
        return told
    try:
        import resource
    except ImportError:  # Windows
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if platform.system() == "Darwin" else peak * 1024


def peak_in_status(status: str) -> int | None:
    """Return the peak of memory in bytes that a text of the form of Linux's /proc/self/status tells; None if it does not."""
    return next((int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM:")), None)
