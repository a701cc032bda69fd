"""How the C library treats memory that is freed: kept, since the next frame wants as much again."""

from __future__ import annotations

import ctypes
import platform
from typing import Final

# of glibc's malloc.h
_TRIM_THRESHOLD: Final = -1
_MMAP_THRESHOLD: Final = -3
_MMAP_MAX: Final = -4
_KEPT_BYTES: Final = 2**31 - 1
_FROM_THE_HEAP_BYTES: Final = 2**30


def keep_freed_memory() -> bool:
    """Let this process keep what it frees, up to 2 GB, for its next use.

    glibc gives large blocks back to the system at once and fetches them anew, page by page, for every batch of frames
    (docs/performance.md tells what that takes). The peak of memory stays what it is. Meant for programs of our own, the command line
    among them; a library must not decide it for its host.

    Returns
    -------
    bool
        Whether the C library was told; False where there is no glibc, which is no loss but of speed.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    tune = ctypes.CDLL(None).mallopt
    told = bool(tune(_TRIM_THRESHOLD, _KEPT_BYTES))
    # older releases refuse a threshold so high, but can be told to map no block at all
    return bool(tune(_MMAP_THRESHOLD, _FROM_THE_HEAP_BYTES) or tune(_MMAP_MAX, 0)) and told
