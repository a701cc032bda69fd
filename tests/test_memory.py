"""Freed memory is kept: counted in pages that the system has to hand out again."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from motionwarp.runtime import keep_freed_memory, peak_in_status, peak_memory_bytes

_PAGES_OF_A_SECOND_BLOCK = """
import resource, sys
import numpy as np
from motionwarp.runtime import keep_freed_memory, peak_in_status, peak_memory_bytes
if sys.argv[1] == "kept":
    assert keep_freed_memory()
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    np.ones(64 * 2**20, dtype=np.uint8)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
faults()
print(faults())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc is told")
def test_a_freed_block_is_used_again(repository_root: Path) -> None:
    pages = {}
    for how in ("kept", "as usual"):
        result = subprocess.run(
            [sys.executable, "-c", _PAGES_OF_A_SECOND_BLOCK, how],
            # huge pages would make one fault of many, with and without
            env={**os.environ, "PYTHONPATH": str(repository_root), "NUMPY_MADVISE_HUGEPAGE": "0"},
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        pages[how] = int(result.stdout)
    assert pages["kept"] < 100
    assert pages["as usual"] > 1000


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    assert not keep_freed_memory()


def test_the_peak_that_linux_tells() -> None:
    assert peak_in_status("Name:\tpython\nVmPeak:\t  900000 kB\nVmHWM:\t  1000000 kB\nVmRSS:\t 5 kB\n") == 1_024_000_000
    assert peak_in_status("Name:\tpython\n") is None


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells it of this process alone")
def test_the_peak_is_not_that_of_the_process_that_started_this_one(repository_root: Path) -> None:
    block = bytearray(300 * 2**20)  # touched, so that this process holds it
    ask = "from motionwarp.runtime import peak_memory_bytes; print(peak_memory_bytes())"
    result = subprocess.run(
        [sys.executable, "-c", ask], cwd=repository_root, capture_output=True, text=True, check=True
    )
    assert peak_memory_bytes() > len(block) > int(result.stdout) > 5e6
