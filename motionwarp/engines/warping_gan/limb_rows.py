"""Drawing limbs on a CPU: the loops of `inputs.part_maps`, whose tensor operations other devices do."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from motionwarp.compiled import compiled_loosely, exponential
from motionwarp.types import BoolArray, FloatArray


@compiled_loosely
def draw_limbs(bones: FloatArray, owners: npt.NDArray[np.int64], present: BoolArray, result: FloatArray) -> None:
    """Fill exp(-(d / r)^2) of the distance d from a part's nearest bone and its radius r.

    Parameters
    ----------
    bones : float32 (B, S, 5)
        x and y of both ends, and the radius, in cells.
    owners : int64 (S,)
        The part of each.
    present : bool (B, P)
        Others stay as they are.
    result : float32 (B, P, H, W)
        To be filled with 0 before.
    """
    zero, one = np.float32(0.0), np.float32(1.0)
    height, width = result.shape[2], result.shape[3]
    away = np.empty(width, np.float32)
    for frame in range(len(bones)):
        for part in range(result.shape[1]):
            if not present[frame, part]:
                continue
            for y in range(height):
                away[:] = np.float32(1e30)
                for bone in range(len(owners)):
                    if owners[bone] != part:
                        continue
                    start_x, start_y = bones[frame, bone, 0], bones[frame, bone, 1]
                    along_x, along_y = bones[frame, bone, 2] - start_x, bones[frame, bone, 3] - start_y
                    squared = max(along_x * along_x + along_y * along_y, np.float32(1e-6))
                    step_x, step_y = along_x / squared, along_y / squared
                    closeness = one / max(bones[frame, bone, 4] * bones[frame, bone, 4], np.float32(1e-6))
                    from_y = np.float32(y) - start_y
                    for x in range(width):
                        from_x = np.float32(x) - start_x
                        share = min(max(from_x * step_x + from_y * step_y, zero), one)
                        beside, below = from_x - share * along_x, from_y - share * along_y
                        away[x] = min(away[x], (beside * beside + below * below) * closeness)
                row = result[frame, part, y]
                for x in range(width):
                    row[x] = exponential(-away[x])
