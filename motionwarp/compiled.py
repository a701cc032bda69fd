"""Loops over triangles and pixels, compiled on first use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar, cast

import numba
import numpy as np

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


# sums are not put in another order, so that pictures do not depend on how many pixels a processor takes at once
_LOOSE: Final = {"contract", "arcp", "nnan", "ninf", "nsz"}


def compiled_loosely(function: Function) -> Function:
    """Return a function as `compiled` does, for loops over pixels whose values are all finite.

    Products and sums may be fused and divisions become products, so that results differ from NumPy's by rounding; in
    return, many pixels are computed at once.
    """
    try:
        return cast(Function, numba.njit(function, cache=True, nogil=True, error_model="numpy", fastmath=_LOOSE))
    except RuntimeError:  # as above
        return cast(Function, numba.njit(function, nogil=True, error_model="numpy", fastmath=_LOOSE))


@compiled_loosely
def exponential(value: np.float32) -> np.float32:
    """Return e to the power of a number, for loops of `compiled_loosely`, which compute many at once of this one only.

    Exact to the last bit or two of float32; below e to the power of -87 it is 0, above that of 88 it stays. The
    polynomial is that of Cephes' expf (Moshier, 1992) for [-ln 2 / 2, ln 2 / 2].
    """
    least = np.float32(-87.0)
    vanishes = value < least
    value = min(max(value, least), np.float32(88.0))
    whole = np.floor(value * np.float32(1.44269504) + np.float32(0.5))
    # ln 2 in two pieces, of which products with whole numbers are exact
    rest = value - whole * np.float32(0.693359375)
    rest = rest - whole * np.float32(-2.12194440e-4)
    power = np.float32(1.9875691500e-4)
    power = power * rest + np.float32(1.3981999507e-3)
    power = power * rest + np.float32(8.3334519073e-3)
    power = power * rest + np.float32(4.1665795894e-2)
    power = power * rest + np.float32(1.6666665459e-1)
    power = power * rest + np.float32(5.0000001201e-1)
    power = power * rest * rest + rest + np.float32(1.0)
    # two to the power of a whole number is a float's exponent
    scale = np.int32((np.int32(whole) + np.int32(127)) << np.int32(23)).view(np.float32)
    return np.float32(0.0) if vanishes else power * scale


def set_up_compiler() -> None:
    """Have Numba set itself up, which takes a third of a second before the first loop that is run, read or compiled."""
    exponential(np.float32(0.0))
