"""Batches of part samples: drawn from packs by number, mirrored half of the time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, TypedDict

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from motionwarp.data.analyser_samples import PackShare
from motionwarp.data.numbered import numbered_batches
from motionwarp.data.part_samples import NO_PART, PartPackReader, PartSample
from motionwarp.engines import layered_parts as parts
from motionwarp.engines.part_inputs import PART_STRIDE, QuarterInputs, quarter_inputs
from motionwarp.errors import OptionError
from motionwarp.parsing.labels import MIRROR as CLASS_MIRROR
from motionwarp.pose.skeleton import MIRROR as POINT_MIRROR
from motionwarp.types import CROP_HEIGHT, CROP_WIDTH, ByteArray, FloatArray

_CLASS_TABLE: Final = np.arange(256, dtype=np.uint8)
_CLASS_TABLE[: len(CLASS_MIRROR)] = CLASS_MIRROR
_PART_TABLE: Final = np.arange(256, dtype=np.uint8)
_PART_TABLE[: parts.PART_COUNT] = parts.TWIN
_LAYER_ORDER: Final = [*parts.TWIN, NO_PART]
_HALF_SIZE: Final = (CROP_WIDTH // 2, CROP_HEIGHT // 2)
_QUARTER_OFFSET: Final = PART_STRIDE // 2  # the pixel of a cell that stands for it


class PartBatch(TypedDict):
    """One batch, at the networks' resolutions: half of the window (H, W = 128, 96), and a quarter of it (h, w = 64, 48).

    Keys
    ----
    layers : uint8 (B, 16, 4, H, W)
    classes : uint8 (B, h, w)
    rgb : uint8 (B, 3, H, W)
    matte, inside : uint8 (B, 1, H, W)
        `inside` is 255 where the target's picture has pixels.
    parsing : uint8 (B, h, w)
    in_front : uint8 (B, h, w)
    points : float32 (B, 18, 3)
        In pixels of the window of 256 x 192.
    theta_affine : float32 (B, 15, 2, 3)
        Its linear part only is meaningful in mirrored samples.
    """

    layers: Tensor
    classes: Tensor
    rgb: Tensor
    matte: Tensor
    inside: Tensor
    parsing: Tensor
    in_front: Tensor
    points: Tensor
    theta_affine: Tensor


class PartSamples(Dataset[PartBatch]):
    """Endless samples by number."""

    def __init__(self, shares: Sequence[PackShare], seed: int) -> None:
        if not shares or sum(share.weight for share in shares) <= 0:
            raise OptionError("training needs at least one pack with a positive weight")
        self.shares, self.seed = tuple(shares), seed
        total = sum(share.weight for share in shares)
        self._probabilities = [share.weight / total for share in shares]
        self._packs: list[PartPackReader] | None = None

    def __getitem__(self, index: int) -> PartBatch:
        if self._packs is None:
            # opened where they are used: a mapped file must not be shared through a fork
            cv2.setNumThreads(1)
            self._packs = [PartPackReader(share.path) for share in self.shares]
        rng = np.random.default_rng([self.seed, index])
        pack = self._packs[int(rng.choice(len(self._packs), p=self._probabilities))]
        sample = pack[int(rng.integers(len(pack)))]
        return as_tensors(sample, mirror=bool(rng.random() < 0.5))


def as_tensors(sample: PartSample, *, mirror: bool) -> PartBatch:
    """Return one sample as tensors without the batch's dimension."""
    layers = np.stack([_halved(layer) for layer in sample.layers])
    classes = sample.classes[_QUARTER_OFFSET::PART_STRIDE, _QUARTER_OFFSET::PART_STRIDE]
    parsing = sample.parsing[_QUARTER_OFFSET::PART_STRIDE, _QUARTER_OFFSET::PART_STRIDE]
    planes = [_halved(plane) for plane in (sample.rgb, sample.matte, sample.inside * np.uint8(255))]
    in_front, points, theta = sample.in_front, sample.points, sample.theta_affine
    if mirror:
        layers = layers[_LAYER_ORDER, :, ::-1]
        classes, parsing = _CLASS_TABLE[classes[:, ::-1]], _CLASS_TABLE[parsing[:, ::-1]]
        planes = [plane[:, ::-1] for plane in planes]
        in_front = _PART_TABLE[in_front[:, ::-1]]
        points, theta = _mirrored(points, theta)
    rgb, matte, inside = (torch.from_numpy(np.ascontiguousarray(plane)) for plane in planes)
    return PartBatch(
        layers=torch.from_numpy(np.ascontiguousarray(layers)).permute(0, 3, 1, 2),
        classes=torch.from_numpy(np.ascontiguousarray(classes)),
        rgb=rgb.permute(2, 0, 1),
        matte=matte[None],
        inside=inside[None],
        parsing=torch.from_numpy(np.ascontiguousarray(parsing)),
        in_front=torch.from_numpy(np.array(in_front)),
        points=torch.from_numpy(points),
        theta_affine=torch.from_numpy(theta),
    )


def _halved(plane: ByteArray) -> ByteArray:
    if not plane.any():
        return np.zeros((_HALF_SIZE[1], _HALF_SIZE[0], *plane.shape[2:]), dtype=np.uint8)
    return np.asarray(cv2.resize(plane, _HALF_SIZE, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _mirrored(points: FloatArray, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
    flipped = points[list(POINT_MIRROR)].copy()
    flipped[:, 0] = CROP_WIDTH - 1 - flipped[:, 0]
    other = theta[list(parts.TWIN)].copy()
    # both pictures are mirrored: x to -x before and after the map
    other[:, 0, 1] *= -1
    other[:, 1, 0] *= -1
    return flipped, other


def part_batches(samples: PartSamples, batch_size: int, first_step: int, steps: int, workers: int) -> Iterator[PartBatch]:
    """Yield the batches of steps `first_step` to `steps`."""
    yield from numbered_batches(samples, samples.seed, batch_size, first_step, steps, workers)


def batch_quarter_inputs(batch: PartBatch, device: torch.device) -> QuarterInputs:
    """Return stage I's inputs of a training batch."""
    layers = batch["layers"].to(device).float().div_(255)
    return quarter_inputs(layers, batch["classes"].to(device), batch["points"].to(device))
