"""Textures of an avatar's parts side by side in one picture."""

from __future__ import annotations

from typing import Final

import numpy as np

from motionwarp.avatar.head_paint import PaintedTexture
from motionwarp.avatar.renderer import Atlas
from motionwarp.puppet.textures import PartTexture
from motionwarp.types import BoolArray

_ATLAS_WIDTH: Final = 2048
_GAP: Final = 2
_BEYOND: Final = 4  # pixels by which textures may begin outside of the photo


def window_of(plane: BoolArray, texture: PartTexture) -> BoolArray:
    """Return the part of a plane over the photo that a texture covers, False beyond the photo."""
    rows, columns = texture.rgba.shape[2:]
    found = np.pad(plane, _BEYOND)[texture.top + _BEYOND :, texture.left + _BEYOND :][:rows, :columns]
    window = np.zeros((rows, columns), dtype=np.bool_)
    window[: found.shape[0], : found.shape[1]] = found
    return window


class AtlasBuilder:
    """Lays textures beside each other, in rows."""

    def __init__(self) -> None:
        self._placed: list[tuple[int, int, PartTexture, BoolArray | None]] = []
        self._painted: list[tuple[int, int, PaintedTexture]] = []
        self._x = self._y = self._row = 0
        self._width = self._height = 0

    def place(self, texture: PartTexture, shown: BoolArray | None) -> tuple[int, int]:
        """Add a texture, return its left and top; `shown` (H, W) where the photo shows the part, None for nowhere."""
        height, width = texture.rgba.shape[2:]
        place = self._room(height, width)
        self._placed.append((*place, texture, shown))
        return place

    def paint(self, texture: PaintedTexture) -> tuple[int, int]:
        """Add a texture that was painted, return its left and top."""
        place = self._room(*texture.shown.shape)
        self._painted.append((*place, texture))
        return place

    def _room(self, height: int, width: int) -> tuple[int, int]:
        if self._x and self._x + width > _ATLAS_WIDTH:
            self._x, self._y, self._row = 0, self._y + self._row + _GAP, 0
        place = self._x, self._y
        self._x += width + _GAP
        self._row = max(self._row, height)
        self._width, self._height = max(self._width, self._x), max(self._height, self._y + height + _GAP)
        return place

    def finished(self) -> Atlas:
        """Return all of them."""
        texels = np.zeros((self._height, self._width, 5), dtype=np.uint8)
        home = np.zeros((self._height, self._width, 2), dtype=np.float32)
        for x, y, texture, shown in self._placed:
            rows, columns = texture.rgba.shape[2:]
            window = slice(y, y + rows), slice(x, x + columns)
            texels[window][..., :4] = np.rint(texture.rgba[0].numpy().transpose(1, 2, 0) * 255)
            home[window] = texture.left - x, texture.top - y
            if shown is not None:
                texels[window][..., 4] = 255 * window_of(shown, texture)
        for x, y, painted in self._painted:
            rows, columns = painted.shown.shape
            window = slice(y, y + rows), slice(x, x + columns)
            texels[window][..., :3] = painted.rgb
            texels[window][..., 3] = 255
            texels[window][..., 4] = 255 * painted.shown
            home[window] = painted.home - np.array([x, y], dtype=np.float32)
        return Atlas(texels, home)
