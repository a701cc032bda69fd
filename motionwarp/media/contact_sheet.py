"""Sheets of many small pictures with captions, to be looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import cv2
import numpy as np

from motionwarp.media.image import write_image
from motionwarp.types import ByteArray

_CAPTION_HEIGHT = 18


@dataclass(frozen=True, eq=False)
class Tile:
    """One picture of a sheet.

    Attributes
    ----------
    rgb : uint8 (H, W, 3)
    caption : str
    """

    rgb: ByteArray
    caption: str


def sheet(tiles: Sequence[Tile], columns: int) -> ByteArray:
    """Lay tiles out in rows on white, every cell as large as the largest tile; uint8 (H, W, 3).

    Parameters
    ----------
    tiles : sequence of Tile
        At least one.
    columns : int
    """
    height = max(tile.rgb.shape[0] for tile in tiles) + _CAPTION_HEIGHT
    width = max(tile.rgb.shape[1] for tile in tiles)
    rows = -(-len(tiles) // columns)
    page = np.full((rows * height, min(columns, len(tiles)) * width, 3), 255, dtype=np.uint8)
    for number, tile in enumerate(tiles):
        top, left = number // columns * height, number % columns * width
        page[top + _CAPTION_HEIGHT : top + _CAPTION_HEIGHT + tile.rgb.shape[0], left : left + tile.rgb.shape[1]] = (
            tile.rgb
        )
        place = (left + 3, top + _CAPTION_HEIGHT - 5)
        cv2.putText(page, tile.caption, place, cv2.FONT_HERSHEY_SIMPLEX, 0.42, (0, 0, 0), 1, cv2.LINE_AA)
    return page


def write_sheet(
    path: str | PathLike[str],
    tiles: Sequence[Tile],
    *,
    columns: int,
    overwrite: bool = False,
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write a sheet as a picture; errors as for `write_image`."""
    write_image(Path(path), sheet(tiles, columns), overwrite=overwrite, metadata=metadata)
