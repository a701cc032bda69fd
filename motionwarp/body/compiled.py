"""Loops over triangles and pixels, compiled on first use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """Return a function of NumPy arrays and numbers as machine code that runs without the lock of the interpreter.

    Parameters
    ----------
    function : callable
        Written in what Numba understands. It must not rely on NumPy's errors: indices are not checked.

    Returns
    -------
    callable
        Compiled when first called; kept on disk for the next process where a folder for that can be written.
    """
    try:
        return cast(Function, numba.njit(function, cache=True, nogil=True))
    except RuntimeError:  # neither the package's folder nor the user's cache can be written
        return cast(Function, numba.njit(function, nogil=True))
