"""Settling what a parsing leaves open about the lower body: one garment, not patches of two.

A network decides pixel by pixel, and a dark skirt easily becomes half trousers. People hardly ever wear a skirt or a dress and
trousers at once, so below the hips the larger of the two takes all. Coats are worn over either and stay. Ours.
"""

from __future__ import annotations

import numpy as np

from motionwarp.parsing.labels import DRESS, PANTS, SKIRT
from motionwarp.pose import skeleton
from motionwarp.types import ByteArray, Pose

_SEEN = 0.2
_HIPS = (skeleton.RIGHT_HIP, skeleton.LEFT_HIP)


def one_lower_garment(parsing: ByteArray, pose: Pose) -> ByteArray:
    """Return a parsing whose lower body wears trousers, or a skirt, or a dress.

    Parameters
    ----------
    parsing : uint8 (H, W)
        LIP classes.
    pose : Pose
        In pixels of the parsing; which side of the hips is below is told by neck and hips, so that people may lie.

    Returns
    -------
    uint8 (H, W)
        What seemed trousers on somebody in a skirt or a dress becomes the larger of these. Unchanged if neck or hips were not seen.
    """
    if not pose.visible(_SEEN)[[skeleton.NECK, *_HIPS]].all():
        return parsing
    hips = pose.xy[list(_HIPS)].mean(axis=0)
    down = hips - pose.xy[skeleton.NECK]
    rows, columns = np.nonzero(np.isin(parsing, (PANTS, SKIRT, DRESS)))
    worn = parsing[rows, columns]
    below = (columns - hips[0]) * down[0] + (rows - hips[1]) * down[1] > 0
    hanging, trousers = np.isin(worn, (SKIRT, DRESS)) & below, (worn == PANTS) & below
    if not hanging.any() or not trousers.any():
        return parsing
    settled = parsing.copy()
    if np.count_nonzero(trousers) > np.count_nonzero(hanging):
        settled[rows[hanging], columns[hanging]] = PANTS
        return settled
    a_dress = 2 * np.count_nonzero(worn[hanging] == DRESS) > np.count_nonzero(hanging)
    settled[rows[trousers], columns[trousers]] = DRESS if a_dress else SKIRT
    return settled
