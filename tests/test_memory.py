"""Freed memory is kept: counted in pages that the system has to hand out again."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from motionwarp.memory import keep_freed_memory

_PAGES_OF_A_SECOND_BLOCK = """
import resource, sys
import numpy as np
from motionwarp.memory import keep_freed_memory
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
