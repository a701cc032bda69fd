"""How far two pictures are apart, pixel by pixel."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import numpy.typing as npt

from motionwarp.types import ByteArray, FloatArray

# equal pictures have no finite PSNR; means and JSON need one, and no pair of different 8-bit pictures comes near this
HIGHEST_PSNR: Final = 100.0


def unit_values(picture: ByteArray | FloatArray) -> npt.NDArray[np.float64]:
    """Return a picture's values in [0, 1]: bytes divided by 255, floats as they are.

    Parameters
    ----------
    picture : uint8 or float32, any shape
        Floats are in [0, 1].

    Returns
    -------
    float64, the same shape

    Raises
    ------
    TypeError
        For any other type.
    """
    if picture.dtype == np.uint8:
        return picture.astype(np.float64) / 255.0
    if picture.dtype in (np.float32, np.float64):
        return picture.astype(np.float64)
    raise TypeError(f"pictures are uint8 or float32, got {picture.dtype}")


def paired(
    first: ByteArray | FloatArray, second: ByteArray | FloatArray
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the values of two pictures that are to be compared, float64 in [0, 1].

    Raises
    ------
    ValueError
        If their shapes differ.
    """
    if first.shape != second.shape:
        raise ValueError(f"pictures to be compared need one shape, got {first.shape} and {second.shape}")
    return unit_values(first), unit_values(second)


def l1(first: ByteArray | FloatArray, second: ByteArray | FloatArray) -> float:
    """Return the mean absolute difference of two pictures, in [0, 1].

    Parameters
    ----------
    first, second : uint8 or float32 (H, W, C)
    """
    one, other = paired(first, second)
    return float(np.abs(one - other).mean())


def psnr(first: ByteArray | FloatArray, second: ByteArray | FloatArray) -> float:
    """Return the peak signal-to-noise ratio of two pictures in dB: -10 log10 of the mean squared difference.

    Parameters
    ----------
    first, second : uint8 or float32 (H, W, C)
        The mean is over all pixels and channels at once.

    Returns
    -------
    float
        At most `HIGHEST_PSNR`, which is what equal pictures get.
    """
    one, other = paired(first, second)
    error = float(np.square(one - other).mean())
    return HIGHEST_PSNR if error <= 10 ** (-HIGHEST_PSNR / 10) else -10 * math.log10(error)
