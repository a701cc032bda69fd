"""Square regions round a person's points and between them, as HPN's local descriptors and its local SSIM take them."""

from __future__ import annotations

from typing import Final, Literal

import numpy as np

from motionwarp.pose.skeleton import BONES, HEAD_POINTS
from motionwarp.types import FloatArray

RegionCount = Literal[18, 31, 44]

# bones inside the face are shorter than a region and get no points of their own
INTERPOLATED_BONES: Final = tuple(bone for bone in BONES if not set(bone) <= set(HEAD_POINTS))
_POINTS_PER_BONE: Final[dict[RegionCount, int]] = {18: 0, 31: 1, 44: 2}
REGION_SHARE: Final = 8  # HPN: "one-eighth of the input image resolution"


def region_centers(points: FloatArray, count: RegionCount = 44) -> FloatArray:
    """Return the centers of regions: the points themselves, then those between them.

    Parameters
    ----------
    points : float32 (18, 3)
        x, y, score; a score of 0 means missing.
    count : 18, 31 or 44

    Returns
    -------
    float32 (count, 3)
        Score 0 where a point, or either end of a bone, is missing.
    """
    extra = _POINTS_PER_BONE[count]
    shares = np.arange(1, extra + 1, dtype=np.float32)[:, None] / np.float32(extra + 1)
    between = []
    for start, end in INTERPOLATED_BONES:
        line = points[start] + shares * (points[end] - points[start])  # (extra, 3)
        line[:, 2] = min(points[start, 2], points[end, 2])
        between.append(line)
    return np.concatenate([points, *between]).astype(np.float32)


def region_corners(
    centers: FloatArray, height: int, width: int, side: int
) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    """Return the top left pixels (row, column) of the regions of seen centers inside the picture, int64 (N, 2).

    A region that would leave the picture is moved inside; one whose center is outside does not count.
    """
    x, y = centers[:, 0], centers[:, 1]
    inside = (centers[:, 2] > 0) & (x >= 0) & (y >= 0) & (x <= width - 1) & (y <= height - 1)
    rows = np.clip(np.rint(y[inside] - (side - 1) / 2), 0, height - side)
    columns = np.clip(np.rint(x[inside] - (side - 1) / 2), 0, width - side)
    return np.stack([rows, columns], axis=1).astype(np.int64)
