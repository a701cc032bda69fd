"""Clean plates against the truth: holes of people's shapes where nobody is, filled and compared with what was there.

Ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from motionwarp.evaluation.metrics.image import psnr
from motionwarp.evaluation.metrics.ssim import PAPER, ssim_map
from motionwarp.types import BoolArray, ByteArray, FloatArray

# of a matte: what counts as a person
_PERSON: Final = 0.04
# of the free strip's width and the picture's height, that another one's shape may take
_STRIP_SHARE, _HEIGHT_SHARE = 0.62, 0.8
# of the picture's width: narrower strips have no place for anybody
_NARROWEST: Final = 0.16
# pixels of the hole below which there is nothing to judge
_LEAST: Final = 400


@dataclass(frozen=True)
class FillFigures:
    """How a filled hole compares with what was there.

    Attributes
    ----------
    psnr : float
        In dB, over the hole's pixels.
    ssim : float
        The mean of the map (Gaussian, window 11) over the hole's pixels.
    detail : float
        The gradients' energy over the true one's: below 1 it is blurred, above it is torn.
    """

    psnr: float
    ssim: float
    detail: float


def fill_figures(filled: ByteArray, truth: ByteArray, hole: BoolArray) -> FillFigures:
    """Return how a filled hole compares with the truth.

    Parameters
    ----------
    filled, truth : uint8 (H, W, 3)
    hole : bool (H, W)
        What is compared.

    Raises
    ------
    ValueError
        If shapes differ or the hole is smaller than 400 pixels.
    """
    if filled.shape != truth.shape or hole.shape != truth.shape[:2]:
        raise ValueError(f"{filled.shape} filled, {truth.shape} true and a hole of {hole.shape} do not fit")
    if hole.sum() < _LEAST:
        raise ValueError(f"a hole of {int(hole.sum())} pixels is too small to be judged")
    edge = PAPER.window // 2
    inner = np.zeros_like(hole)
    inner[edge:-edge, edge:-edge] = hole[edge:-edge, edge:-edge]
    similarity = ssim_map(filled, truth).mean(axis=2)[inner[edge:-edge, edge:-edge]]
    energies = [float((_gradients(each)[hole] ** 2).sum()) for each in (filled, truth)]
    return FillFigures(
        psnr(filled[hole][None], truth[hole][None]), float(similarity.mean()), energies[0] / max(energies[1], 1e-6)
    )


def _gradients(rgb: ByteArray) -> FloatArray:
    """Return differences to the right and downward neighbor in levels of gray, float32 (H, W, 2)."""
    gray = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float32)
    across, down = np.zeros_like(gray), np.zeros_like(gray)
    across[:, :-1] = np.diff(gray, axis=1)
    down[:-1] = np.diff(gray, axis=0)
    return np.stack([across, down], axis=2)


def coverage_beside(own: FloatArray, other: FloatArray) -> FloatArray | None:
    """Return another person's matte, scaled and placed beside a picture's own person.

    Parameters
    ----------
    own : float32 (H, W)
        The picture's person in [0, 1].
    other : float32 (h, w)
        A person of any picture.

    Returns
    -------
    float32 (H, W) or None
        On the side with more room, as high in the picture as they; None where there is no room.
    """
    height, width = own.shape
    person, shape = _box(own), _box(other)
    if person is None or shape is None:
        return None
    left, right = person[1].start, width - person[1].stop
    room = max(left, right)
    if room < _NARROWEST * width:
        return None
    cut = other[shape]
    scale = min(_STRIP_SHARE * room / cut.shape[1], _HEIGHT_SHARE * height / cut.shape[0])
    size = max(round(cut.shape[1] * scale), 1), max(round(cut.shape[0] * scale), 1)
    small = cv2.resize(cut, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    x = (room - size[0]) // 2 if left >= right else person[1].stop + (room - size[0]) // 2
    y = max((person[0].start + min(person[0].stop, height) - size[1]) // 2, 0)
    placed = np.zeros_like(own)
    placed[y : y + size[1], x : x + size[0]] = small
    return placed


def _box(matte: FloatArray) -> tuple[slice, slice] | None:
    rows, columns = (np.flatnonzero((matte > _PERSON).any(axis=axis)) for axis in (1, 0))
    return np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] if len(rows) else None
