"""Between ComfyUI's tensors and our pictures.

IMAGE is float32 (B, H, W, 3) in 0..1, MASK float32 (B, H, W) or (H, W) in 0..1.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from motionwarp.types import ByteArray


def to_pictures(image: Tensor) -> ByteArray:
    """Return an IMAGE as uint8 (B, H, W, 3)."""
    if image.ndim != 4 or image.shape[-1] not in (3, 4):
        raise ValueError(f"an IMAGE is (B, H, W, 3), this is {tuple(image.shape)}")
    levels = image[..., :3].detach().cpu().float().clamp(0, 1) * 255
    return np.ascontiguousarray(levels.round().to(torch.uint8).numpy())


def to_matte(mask: Tensor, height: int, width: int) -> ByteArray:
    """Return the first mask of a MASK as uint8 (H, W), of the size of a picture."""
    first = mask if mask.ndim == 2 else mask[0]
    if tuple(first.shape) != (height, width):
        raise ValueError(f"the mask is {tuple(first.shape)}, its picture {(height, width)}")
    return np.ascontiguousarray((first.detach().cpu().float().clamp(0, 1) * 255).round().to(torch.uint8).numpy())


def to_image(pictures: Sequence[ByteArray]) -> Tensor:
    """Return pictures uint8 (H, W, 3) of one size as an IMAGE."""
    batch = torch.empty((len(pictures), *pictures[0].shape), dtype=torch.float32)
    for place, picture in zip(batch, pictures, strict=True):  # one at a time: a clip as floats is large already
        place.copy_(torch.from_numpy(np.ascontiguousarray(picture)))
    return batch.div_(255)


def to_mask(mattes: Sequence[ByteArray]) -> Tensor:
    """Return mattes uint8 (H, W) of one size as a MASK (B, H, W)."""
    return to_image(mattes)
