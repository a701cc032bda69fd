"""The 20 classes of the LIP data set, their order, mirror pairs and groupings."""

from __future__ import annotations

from typing import Final

import numpy as np

from motionwarp.types import ByteArray

LIP_NAMES: Final = (
    "background", "hat", "hair", "glove", "sunglasses",
    "upper_clothes", "dress", "coat", "socks", "pants",
    "jumpsuits", "scarf", "skirt", "face", "left_arm",
    "right_arm", "left_leg", "right_leg", "left_shoe", "right_shoe",
)  # fmt: skip

(
    BACKGROUND, HAT, HAIR, GLOVE, SUNGLASSES,
    UPPER_CLOTHES, DRESS, COAT, SOCKS, PANTS,
    JUMPSUITS, SCARF, SKIRT, FACE, LEFT_ARM,
    RIGHT_ARM, LEFT_LEG, RIGHT_LEG, LEFT_SHOE, RIGHT_SHOE,
) = range(20)  # fmt: skip

CLASS_COUNT: Final = 20
IGNORE: Final = 255

# mirrored picture: class c becomes class MIRROR[c]; left and right are the person's own
MIRROR: Final = (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 15, 14, 17, 16, 19, 18)

# SwapGAN's five groups and the background
GROUP_NAMES: Final = ("background", "head", "arms", "legs", "upper_clothes", "lower_clothes")
GROUPS: Final = {
    "background": (BACKGROUND,),
    "head": (HAT, HAIR, SUNGLASSES, FACE),
    "arms": (GLOVE, LEFT_ARM, RIGHT_ARM),
    "legs": (SOCKS, LEFT_LEG, RIGHT_LEG, LEFT_SHOE, RIGHT_SHOE),
    "upper_clothes": (UPPER_CLOTHES, DRESS, COAT, JUMPSUITS, SCARF),
    "lower_clothes": (PANTS, SKIRT),
}


def _group_table() -> ByteArray:
    table = np.full(256, IGNORE, dtype=np.uint8)
    for index, name in enumerate(GROUP_NAMES):
        table[list(GROUPS[name])] = index
    return table


GROUP_OF_CLASS: Final = _group_table()


def to_groups(parsing: ByteArray) -> ByteArray:
    """Map LIP classes to SwapGAN's five groups and the background.

    Parameters
    ----------
    parsing : uint8 (H, W)
        LIP classes 0..19; 255 stays 255 (ignored).

    Returns
    -------
    uint8 (H, W)
        Indices into `GROUP_NAMES`; 255 where the input is not a class.
    """
    return GROUP_OF_CLASS[parsing]


def mirrored(parsing: ByteArray) -> ByteArray:
    """Flip a parsing left to right and swap the classes that have a side, uint8 (H, W)."""
    table = np.arange(256, dtype=np.uint8)
    table[:CLASS_COUNT] = MIRROR
    return np.ascontiguousarray(table[parsing[:, ::-1]])
