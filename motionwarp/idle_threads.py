"""Threads of the libraries that wait for work shall sleep, not spin: while they spin, whoever else uses the machine loses a core."""

from __future__ import annotations

import os
from typing import Final

# OpenMP's threads, which are PyTorch's, sleep at once. NumPy's OpenBLAS has no such setting and spins for some 25 ms after each product;
# its products are few and small here, so that it does them in the thread that asks
_SETTINGS: Final = {"OMP_WAIT_POLICY": "PASSIVE", "OPENBLAS_NUM_THREADS": "1"}


def let_idle_threads_sleep() -> None:
    """Set this process, and those that it starts, so that waiting threads sleep, where the user has not set it.

    Must be called before NumPy and PyTorch are imported. Meant for programs of our own, the command line among them; a library must
    not decide it for its host.
    """
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
