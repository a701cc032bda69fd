"""A trained translation at work: pictures and clips of any size, in overlapping tiles of the size that was trained at.

The tiles' places depend on the picture's size alone, so that they lie the same in all frames of a clip. Instance norm
scales a tile by what is in it; from frame to frame these figures are smoothed, or a clip would flicker. And what was
made of a pixel before is carried along by the clip's own optical flow, where the clip shows the same there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from motionwarp.engines.cyclegan.networks import MULTIPLE, Direction, Translators, load_translators
from motionwarp.geometry.optical_flow import backward_flow, warped_by
from motionwarp.types import ByteArray, FloatArray

_OVERLAP: Final = 0.5  # of a tile, with the next one
_KEPT: Final = 0.8  # share of what was made before, where the clip shows the same
_SAME: Final = 12.0  # levels by which pixels of a clip differ that show the same
_STEADY: Final = 0.85  # share of the norm's figures that a frame takes over from those before


@dataclass(frozen=True)
class Tile:
    """A window of a picture.

    Attributes
    ----------
    top, left, height, width : int
    """

    top: int
    left: int
    height: int
    width: int

    @property
    def window(self) -> tuple[slice, slice]:
        """Rows and columns of it."""
        return slice(self.top, self.top + self.height), slice(self.left, self.left + self.width)


def tiles_of(height: int, width: int, tile_height: int, tile_width: int) -> list[Tile]:
    """Return tiles that cover a picture, each overlapping the next by at least half.

    Sides of tiles are at most the picture's.
    """
    rows, columns = _starts(height, min(tile_height, height)), _starts(width, min(tile_width, width))
    return [Tile(top, left, min(tile_height, height), min(tile_width, width)) for top in rows for left in columns]


def _starts(length: int, tile: int) -> list[int]:
    count = 1 if tile >= length else int(np.ceil((length - tile) / (tile * (1 - _OVERLAP)))) + 1
    return [round(start) for start in np.linspace(0, length - tile, count)]


def _bell(height: int, width: int) -> FloatArray:
    """Return how much a tile's pixels count where tiles overlap, float32 (height, width), over 0."""
    rows, columns = (np.sin(np.pi * (np.arange(side) + 0.5) / side) ** 2 for side in (height, width))
    return np.asarray(np.outer(rows, columns) + 1e-3, dtype=np.float32)


class Translator:
    """Translates pictures and the frames of clips.

    Parameters
    ----------
    weights : str or Path
        What `motionwarp train cyclegan` exported.
    direction : str
        "a2b" or "b2a".
    device : torch.device
    zoom : float
        How many trained sizes the picture's fitting side is scaled to: 1 shows the network what it was trained on,
        more makes finer pictures from more tiles.

    Raises
    ------
    WeightsError
        If the file is missing, damaged, or holds other networks.
    """

    def __init__(
        self, weights: str | Path, direction: Direction, device: torch.device | None = None, zoom: float = 1.0
    ) -> None:
        networks, self.weights_sha256 = load_translators(weights)
        self.device = device or torch.device("cpu")
        self._networks: Translators = networks.to(self.device)
        self.config, self.direction, self.zoom = networks.config, direction, zoom
        self._norms = [module for module in self._networks.modules() if isinstance(module, nn.InstanceNorm2d)]

    def working_size(self, height: int, width: int) -> tuple[int, int]:
        """Return height and width at which a picture is worked on: multiples of 4 of about its own shape."""
        scale = self.zoom * max(self.config.height / height, self.config.width / width)
        least = 4 * MULTIPLE
        rows, columns = (max(least, round(side * scale / MULTIPLE) * MULTIPLE) for side in (height, width))
        return rows, columns

    def picture(self, rgb: ByteArray) -> ByteArray:
        """Return one picture translated, of its own size, uint8 (H, W, 3)."""
        return next(self.clip(iter([rgb])))

    def clip(self, frames: Iterator[ByteArray]) -> Iterator[ByteArray]:
        """Yield the frames of a clip translated, each of its own size; the same frame again gives the same picture."""
        smoothers: dict[int, _SmoothNorms] = {}
        before: tuple[ByteArray, FloatArray] | None = None
        for rgb in frames:
            height, width = self.working_size(*rgb.shape[:2])
            smaller = height < rgb.shape[0]
            shrinking, growing = (cv2.INTER_AREA, cv2.INTER_CUBIC) if smaller else (cv2.INTER_CUBIC, cv2.INTER_AREA)
            scaled = np.asarray(cv2.resize(rgb, (width, height), interpolation=shrinking), dtype=np.uint8)
            made = self._translated(scaled, smoothers)
            if before is not None and before[0].shape == scaled.shape:
                made = _carried(made, scaled, *before)
            before = scaled, made
            made_rgb = np.rint(255 * np.clip(made, 0, 1)).astype(np.uint8)
            yield np.asarray(cv2.resize(made_rgb, rgb.shape[1::-1], interpolation=growing), dtype=np.uint8)

    @torch.inference_mode()
    def _translated(self, scaled: ByteArray, smoothers: dict[int, _SmoothNorms]) -> FloatArray:
        """Return a picture of the working size translated tile by tile, float32 (height, width, 3) in about [0, 1]."""
        height, width = scaled.shape[:2]
        total = np.zeros((height, width, 3), dtype=np.float32)
        weight = np.zeros((height, width, 1), dtype=np.float32)
        for index, tile in enumerate(tiles_of(height, width, self.config.height, self.config.width)):
            planes = torch.from_numpy(scaled[tile.window]).to(self.device).permute(2, 0, 1)[None].float() / 255
            with smoothers.setdefault(index, _SmoothNorms(self._norms)):
                made: Tensor = self._networks(planes, self.direction)
            share = _bell(tile.height, tile.width)[..., None]
            total[tile.window] += share * made[0].permute(1, 2, 0).float().cpu().numpy()
            weight[tile.window] += share
        return np.asarray(total / weight, dtype=np.float32)


def _carried(made: FloatArray, now: ByteArray, before: ByteArray, made_before: FloatArray) -> FloatArray:
    """Return what was made of a frame, mixed with what was made of the one before where both show the same.

    Parameters
    ----------
    made, made_before : float32 (H, W, 3)
    now, before : uint8 (H, W, 3)
        What they were made of.
    """
    flow = backward_flow(before, now)
    warped, inside = warped_by(before, flow)
    off = np.abs(now.astype(np.float32) - warped).mean(axis=2)
    share = _KEPT * np.exp(-np.square(off / _SAME)) * inside
    rows, columns = np.mgrid[: now.shape[0], : now.shape[1]].astype(np.float32)
    moved = cv2.remap(made_before, columns + flow[..., 0], rows + flow[..., 1], cv2.INTER_LINEAR)
    return np.asarray(made + share[..., None] * (moved - made), dtype=np.float32)


class _SmoothNorms:
    """The figures of all instance norms of one tile, smoothed from frame to frame while it is entered."""

    def __init__(self, norms: list[nn.InstanceNorm2d]) -> None:
        self._norms = norms
        self._figures: dict[int, tuple[Tensor, Tensor]] = {}
        self._hooks: list[Any] = []

    def __enter__(self) -> _SmoothNorms:
        self._hooks = [norm.register_forward_hook(self._hook(index)) for index, norm in enumerate(self._norms)]
        return self

    def __exit__(self, *_: object) -> None:
        for hook in self._hooks:
            hook.remove()

    def _hook(self, index: int) -> Any:
        def smoothed(module: nn.InstanceNorm2d, inputs: tuple[Tensor], made: Tensor) -> Tensor:
            features = inputs[0]
            mean = features.mean(dim=(2, 3))
            spread = features.var(dim=(2, 3), unbiased=False)
            before = self._figures.get(index)
            if before is not None:
                mean = _STEADY * before[0] + (1 - _STEADY) * mean
                spread = _STEADY * before[1] + (1 - _STEADY) * spread
            self._figures[index] = mean, spread
            if before is None:
                return made
            return functional.batch_norm(features, mean[0], spread[0], eps=module.eps)

        return smoothed
