"""The contact sheet of a comparison: a row a frame, with source, target and every system's result beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np

from motionwarp.evaluation.comparison import Comparison, SheetRow
from motionwarp.media.contact_sheet import Tile
from motionwarp.types import ByteArray

_TALLEST: Final = 256  # pixels of a picture on the sheet
_PLAIN: Final = 255


def comparison_tiles(comparisons: Sequence[Comparison]) -> list[Tile]:
    """Return the tiles of all kept frames, row after row; every row has 2 + systems tiles."""
    return [tile for comparison in comparisons for row in comparison.rows for tile in _row(comparison, row)]


def _row(comparison: Comparison, row: SheetRow) -> list[Tile]:
    source = row.source if row.source is not None else comparison.source
    blank = np.full_like(row.target, _PLAIN)
    tiles = [Tile(_small(blank if source is None else source), "source"), Tile(_small(row.target), f"{comparison.name} {row.frame}")]
    for system, picture in row.results.items():
        figures = row.record.figures[system]
        caption = f"{system} {figures.ssim:.3f} {figures.psnr:.1f} {figures.points_near}/{figures.points_total}"
        tiles.append(Tile(_small(picture), caption))
    return tiles


def _small(rgb: ByteArray) -> ByteArray:
    scale = _TALLEST / rgb.shape[0]
    if scale >= 1:
        return rgb
    size = (max(round(rgb.shape[1] * scale), 1), _TALLEST)
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
