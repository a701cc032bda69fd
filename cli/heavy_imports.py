"""Importing what commands work with, PyTorch above all, in less time."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected_imports() -> Iterator[None]:
    """Import without garbage collection, and have collections pass over what was imported from then on.

    Imports make hundreds of thousands of objects that stay until the end: to look through them again and again, and
    once more when the program ends, takes a third of the time of importing PyTorch.
    """
    collects, known = gc.isenabled(), len(sys.modules)
    gc.disable()
    try:
        yield
    finally:
        if len(sys.modules) > known:
            gc.freeze()
        if collects:
            gc.enable()
