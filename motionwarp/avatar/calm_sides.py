"""Colors of a head's sides without stripes. Ours.

From the side, the few pixels along the outline are drawn out over half of a head. What differs between them from row to
row would be stripes across it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import cv2
import numpy as np
import torch

from motionwarp.puppet.textures import PartTexture

_BLUR: Final = 0.05  # of the head's height, up and down
_RIM: Final = 0.06  # of its height from the outline, over which less and less is blurred
_WHOLE: Final = 0.4  # of that rim is blurred in full
_LEAST_SIGMA: Final = 0.5  # pixels


def with_calm_sides(texture: PartTexture) -> PartTexture:
    """Return a texture, that of a head, whose colors change slowly up and down beside its outline to both sides."""
    planes = np.ascontiguousarray(texture.rgba[0].numpy().transpose(1, 2, 0))
    alpha = planes[..., 3]
    covered = alpha > 0.5
    rows = np.flatnonzero(covered.any(axis=1))
    if len(rows) < 2:
        return texture
    head = float(rows[-1] - rows[0])
    if _BLUR * head < _LEAST_SIGMA:
        return texture
    columns = np.arange(planes.shape[1])
    first, last = covered.argmax(axis=1)[:, None], columns[-1] - covered[:, ::-1].argmax(axis=1)[:, None]
    within = np.minimum(columns - first, last - columns) / (_RIM * head)
    share = np.clip((1 - within) / (1 - _WHOLE), 0, 1).astype(np.float32)
    size = 2 * int(np.ceil(3 * _BLUR * head)) + 1
    soft = cv2.sepFilter2D(
        planes, -1, np.ones((1, 1)), cv2.getGaussianKernel(size, _BLUR * head), borderType=cv2.BORDER_CONSTANT
    )
    colors = soft[..., :3] / np.maximum(soft[..., 3:], np.float32(1e-3)) * alpha[..., None]
    planes[..., :3] += share[..., None] * (np.minimum(colors, alpha[..., None]) - planes[..., :3])
    return replace(texture, rgba=torch.from_numpy(np.ascontiguousarray(planes.transpose(2, 0, 1)))[None])
