"""The analyzer's training data: packs in, batches of crops and labels out, every crop a function of seed and number."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict

import cv2
import numpy as np
import torch
from torch import Tensor

from motionwarp.data.pack import LabeledPicture, PackReader
from motionwarp.training.analyzer.augment import AugmentSettings, training_crop
from motionwarp.training.pack_samples import PackSamples, PackShare
from motionwarp.types import ByteArray

_BACKGROUND_COUNT = 160
_BACKGROUND_HEIGHT = 160


class AnalyzerBatch(TypedDict):
    """One batch.

    Keys
    ----
    image : uint8 (B, 3, H, W)
    matte : uint8 (B, 1, H/2, W/2)
    parsing : uint8 (B, H/2, W/2)
        255 where not known.
    points : float32 (B, 18, 3)
        Crop pixels; the third is the probability with which the point should be reported.
    facing : float32 (B, 2)
        Cosine and sine; zeros where it is not known.
    """

    image: Tensor
    matte: Tensor
    parsing: Tensor
    points: Tensor
    facing: Tensor


class AnalyzerCrops(PackSamples[LabeledPicture, AnalyzerBatch]):
    """Endless training crops by number."""

    def __init__(self, shares: Sequence[PackShare], augment: AugmentSettings, seed: int) -> None:
        super().__init__(shares, seed)
        self.augment = augment
        self._backgrounds: list[ByteArray] = []

    def open_pack(self, path: Path) -> PackReader:
        """Open a pack of pictures with all their labels."""
        return PackReader(path)

    def make(self, rng: np.random.Generator) -> AnalyzerBatch:
        """Make one crop and its labels."""
        if not self._backgrounds:
            self._backgrounds = backgrounds(self.packs()[0], _BACKGROUND_COUNT, self.seed)
        background = self._backgrounds[int(rng.integers(len(self._backgrounds)))]
        crop = training_crop(lambda: self.draw(rng), background, rng, self.augment)
        half = (self.augment.width // 2, self.augment.height // 2)
        matte = np.asarray(cv2.resize(crop.matte, half, interpolation=cv2.INTER_AREA))
        # every second pixel, so that a label is one that was really there
        parsing = crop.parsing[1::2, 1::2]
        return AnalyzerBatch(
            image=torch.from_numpy(crop.rgb).permute(2, 0, 1),
            matte=torch.from_numpy(matte)[None],
            parsing=torch.from_numpy(np.ascontiguousarray(parsing)),
            points=torch.from_numpy(crop.points),
            facing=torch.tensor(crop.facing or (0.0, 0.0), dtype=torch.float32),
        )


def backgrounds(pack: PackReader, count: int, seed: int) -> list[ByteArray]:
    """Return small pictures of a pack with their people painted over, list of uint8 (h, w, 3)."""
    rng = np.random.default_rng([seed, len(pack)])
    pictures: list[ByteArray] = []
    for index in rng.choice(len(pack), min(count, len(pack)), replace=False):
        sample = pack[int(index)]
        size = (max(round(_BACKGROUND_HEIGHT * sample.rgb.shape[1] / sample.rgb.shape[0]), 8), _BACKGROUND_HEIGHT)
        small = cv2.resize(sample.rgb, size, interpolation=cv2.INTER_AREA)
        mask = cv2.dilate(cv2.resize(sample.matte, size), np.ones((9, 9), np.uint8))
        pictures.append(
            np.asarray(cv2.inpaint(small, (mask > 20).astype(np.uint8), 3, cv2.INPAINT_TELEA), dtype=np.uint8)
        )
    return pictures
