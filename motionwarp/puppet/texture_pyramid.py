"""Pyramids of the parts' pixels, each level half of the one before, so that smaller people do not flicker."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from threading import RLock
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

from motionwarp.geometry.affine import compose_affine
from motionwarp.geometry.grids import normalizing_map
from motionwarp.puppet import parts
from motionwarp.puppet.head_surface import HeadSurface
from motionwarp.puppet.textures import PartTexture

_BACK: Final = parts.PART_COUNT  # added to a part's number: the same part from behind


class TexturePyramid:
    """Textures halved as often as is asked for, and the head's surface at each size; all made when first asked for.

    Parameters
    ----------
    textures : sequence of P textures
        None for parts without a pixel.
    behind : callable
        Cuts a part from behind out of the source; called at most once for each.
    """

    def __init__(self, textures: Sequence[PartTexture | None], behind: Callable[[int], PartTexture | None]) -> None:
        self._textures = tuple(None if texture is None else _interleaved(texture) for texture in textures)
        self._behind = behind
        # batches are rendered side by side: what two of them need is made once
        self._lock = RLock()
        self._levels: dict[tuple[int, int], PartTexture] = {}
        self._surfaces: dict[int, HeadSurface] = {}
        self._maps: dict[tuple[int, int], Tensor] = {}

    def has(self, part: int) -> bool:
        """Return whether a part has a pixel."""
        return self._textures[part] is not None

    def texture(self, part: int, level: int = 0) -> PartTexture:
        """Return the pixels of a part that has some, halved `level` times."""
        key = part, level
        with self._lock:
            if key not in self._levels:
                made = self._whole(part) if level == 0 else _halved(self.texture(part, level - 1))
                self._levels[key] = _interleaved(made)
            return self._levels[key]

    def map_to(self, part: int, level: int) -> Tensor:
        """Return the map (2, 3) from source pixels to grid_sample's coordinates in a part's texture."""
        key = part, level
        if key not in self._maps:
            self._maps[key] = source_to_texture(self.texture(part, level), level)
        return self._maps[key]

    def from_behind(self, part: int, level: int) -> PartTexture:
        """Return the same of a part from behind."""
        return self.texture(_BACK + part, level)

    def head_surface(self, level: int) -> HeadSurface:
        """Return the two sides of a head that has pixels, halved `level` times."""
        with self._lock:
            if level not in self._surfaces:
                self._surfaces[level] = HeadSurface.of(
                    self.texture(parts.HEAD, level), self.from_behind(parts.HEAD, level)
                )
            return self._surfaces[level]

    def _whole(self, part: int) -> PartTexture:
        texture = self._textures[part] if part < _BACK else self._behind(part - _BACK)
        assert texture is not None, f"part {part} has no pixel"
        return texture


def source_to_texture(texture: PartTexture, level: int) -> Tensor:
    """Return the map (2, 3) from source pixels to grid_sample's coordinates in a texture halved `level` times."""
    height, width = texture.rgba.shape[-2:]
    factor = 0.5**level
    # the box's outer corner stays where it is, while pixel centers move
    shift = torch.tensor([texture.left - 0.5, texture.top - 0.5])
    to_pixels = torch.cat([torch.eye(2) * factor, (-shift * factor - 0.5)[:, None]], dim=1)
    return compose_affine(normalizing_map(height, width), to_pixels)


def _interleaved(texture: PartTexture) -> PartTexture:
    """Return a texture whose pixels' channels lie beside each other in memory: they are fetched at once."""
    return replace(texture, rgba=texture.rgba.contiguous(memory_format=torch.channels_last))


def _halved(texture: PartTexture) -> PartTexture:
    height, width = texture.rgba.shape[-2:]
    padding = (0, width % 2, 0, height % 2)
    rgba = functional.avg_pool2d(functional.pad(texture.rgba, padding), 2)
    classes = texture.parsing
    if classes is not None:
        classes = functional.pad(classes, padding)[..., ::2, ::2].contiguous()
    return PartTexture(rgba, classes, texture.left, texture.top, texture.outline)
