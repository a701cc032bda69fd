"""Local SSIM: similarity in small regions round the body's points, as HPN (High-Resolution Pose Transfer) reports it.

HPN centres regions of one eighth of the picture at the 18 points and at points interpolated between them: 31 regions up to 512
pixels, 44 at 1024 and for its figure. 13 of the 17 bones join points of the body or the head to the neck; one point more on each
of them makes 31, two make 44. Where on the bones the paper does not say: here they divide them evenly.
"""

from __future__ import annotations

from typing import Final, Literal

import numpy as np

from motionwarp.evaluation.metrics.structural import PAPER, SsimSettings, ssim_map
from motionwarp.pose.skeleton import BONES, HEAD_POINTS
from motionwarp.types import ByteArray, FloatArray

RegionCount = Literal[18, 31, 44]

# bones inside the face are shorter than a region and get no points of their own
INTERPOLATED_BONES: Final = tuple(bone for bone in BONES if not set(bone) <= set(HEAD_POINTS))
_POINTS_PER_BONE: Final[dict[RegionCount, int]] = {18: 0, 31: 1, 44: 2}
REGION_SHARE: Final = 8  # HPN: "one-eighth of the input image resolution"


def region_centres(points: FloatArray, count: RegionCount = 44) -> FloatArray:
    """Return the centres of regions: the points themselves, then those between them.

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


def region_corners(centres: FloatArray, height: int, width: int, side: int) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    """Return the top left pixels (row, column) of the regions of seen centres inside the picture, int64 (N, 2).

    A region that would leave the picture is moved inside; one whose centre is outside does not count.
    """
    x, y = centres[:, 0], centres[:, 1]
    inside = (centres[:, 2] > 0) & (x >= 0) & (y >= 0) & (x <= width - 1) & (y <= height - 1)
    rows = np.clip(np.rint(y[inside] - (side - 1) / 2), 0, height - side)
    columns = np.clip(np.rint(x[inside] - (side - 1) / 2), 0, width - side)
    return np.stack([rows, columns], axis=1).astype(np.int64)


def local_ssim(
    first: ByteArray | FloatArray,
    second: ByteArray | FloatArray,
    points: FloatArray,
    *,
    count: RegionCount = 44,
    settings: SsimSettings = PAPER,
    similarity: FloatArray | None = None,
) -> float:
    """Return the mean SSIM of regions round a person's points; higher is better, at most 1.

    Every region is compared as a picture of its own, and regions weigh alike. That is the mean of the whole pictures' similarity
    over the pixels whose window lies inside the region, which is how it is computed.

    Parameters
    ----------
    first, second : uint8 or float32 (H, W, C)
    points : float32 (18, 3)
        Of the ground truth, in pixels.
    count : 18, 31 or 44
    settings : SsimSettings
    similarity : float32 (H - window + 1, W - window + 1, C), optional
        `ssim_map(first, second, settings)`, where it is there already.

    Returns
    -------
    float
        NaN if no point lies inside the picture.

    Raises
    ------
    ValueError
        If the regions, one eighth of the picture's long side, are smaller than the window of the similarity.
    """
    height, width = first.shape[:2]
    side = round(max(height, width) / REGION_SHARE)
    if side < settings.window or side > min(height, width):
        raise ValueError(f"local SSIM of a {width}x{height} picture has regions of {side} pixels, the window is {settings.window}")
    values = ssim_map(first, second, settings) if similarity is None else similarity
    inner = side - settings.window + 1
    corners = region_corners(region_centres(points, count), height, width, side)
    regions = [values[row : row + inner, column : column + inner].mean(dtype=np.float64) for row, column in corners]
    return float(np.mean(regions)) if regions else float("nan")
