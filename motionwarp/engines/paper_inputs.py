"""How the `paper` preset's networks are given people: over plain grey, parsings as one plane a class."""

from __future__ import annotations

from typing import Final

import numpy as np
from torch import Tensor
from torch.nn import functional

from motionwarp.parsing.labels import CLASS_COUNT
from motionwarp.types import ByteArray, FloatArray

GREY: Final = 127  # the plain background


def over_plain(rgb: ByteArray, matte: FloatArray) -> ByteArray:
    """Return a picture, uint8 (H, W, 3), with its person, by the matte (H, W) in [0, 1], over the plain background."""
    share = matte[..., None]
    return np.asarray(np.rint(rgb * share + GREY * (1 - share)), dtype=np.uint8)


def one_hot_parsing(labels: Tensor) -> Tensor:
    """Return classes (B, H, W) as float32 (B, 20, H, W), zeros where they are not known."""
    planes = functional.one_hot(labels.long().clamp(max=CLASS_COUNT), CLASS_COUNT + 1)[..., :CLASS_COUNT]
    return planes.permute(0, 3, 1, 2).float()
