"""The parts that the layered engine cuts a person into: their names, sizes, neighbors and what clothes they wear.

All lengths are in units of the torso, from the neck to the middle of the hips. The radii of head, torso and limbs and
the share of the softmax are those of a trial on real street photos; hands, feet and the garment below the hips are
parts of their own here, so that hands and feet keep their shape when a limb is foreshortened, and skirts do not split
with the thighs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from motionwarp.parsing import labels
from motionwarp.pose import skeleton
from motionwarp.types import FloatArray

PART_NAMES: Final = (
    "head", "torso", "garment",
    "right_upper_arm", "right_forearm", "right_hand",
    "left_upper_arm", "left_forearm", "left_hand",
    "right_thigh", "right_shin", "right_foot",
    "left_thigh", "left_shin", "left_foot",
)  # fmt: skip

(
    HEAD, TORSO, GARMENT,
    RIGHT_UPPER_ARM, RIGHT_FOREARM, RIGHT_HAND,
    LEFT_UPPER_ARM, LEFT_FOREARM, LEFT_HAND,
    RIGHT_THIGH, RIGHT_SHIN, RIGHT_FOOT,
    LEFT_THIGH, LEFT_SHIN, LEFT_FOOT,
) = range(15)  # fmt: skip

PART_COUNT: Final = 15


@dataclass(frozen=True)
class Limb:
    """A chain of three parts along three points: upper arm, forearm, hand, or thigh, shin, foot.

    Attributes
    ----------
    parts : tuple of int
        From the body outwards.
    points : tuple of int
        Shoulder, elbow, wrist, or hip, knee, ankle.
    is_arm : bool
    is_right : bool
    """

    parts: tuple[int, int, int]
    points: tuple[int, int, int]
    is_arm: bool
    is_right: bool


LIMBS: Final = (
    Limb(
        (RIGHT_UPPER_ARM, RIGHT_FOREARM, RIGHT_HAND),
        (skeleton.RIGHT_SHOULDER, skeleton.RIGHT_ELBOW, skeleton.RIGHT_WRIST),
        is_arm=True,
        is_right=True,
    ),
    Limb(
        (LEFT_UPPER_ARM, LEFT_FOREARM, LEFT_HAND),
        (skeleton.LEFT_SHOULDER, skeleton.LEFT_ELBOW, skeleton.LEFT_WRIST),
        is_arm=True,
        is_right=False,
    ),
    Limb(
        (RIGHT_THIGH, RIGHT_SHIN, RIGHT_FOOT),
        (skeleton.RIGHT_HIP, skeleton.RIGHT_KNEE, skeleton.RIGHT_ANKLE),
        is_arm=False,
        is_right=True,
    ),
    Limb(
        (LEFT_THIGH, LEFT_SHIN, LEFT_FOOT),
        (skeleton.LEFT_HIP, skeleton.LEFT_KNEE, skeleton.LEFT_ANKLE),
        is_arm=False,
        is_right=False,
    ),
)
RIGHT_ARM, LEFT_ARM, RIGHT_LEG, LEFT_LEG = LIMBS
ARM_PARTS: Final = (*RIGHT_ARM.parts, *LEFT_ARM.parts)
FOREARMS_AND_HANDS: Final = (*RIGHT_ARM.parts[1:], *LEFT_ARM.parts[1:])

# the part on the other side, which can lend its pixels to one that the source hides
TWIN: Final = (0, 1, 2, 6, 7, 8, 3, 4, 5, 12, 13, 14, 9, 10, 11)

# half the width of a part, in torsos
RADIUS: Final = (0.22, 0.22, 0.22, 0.13, 0.10, 0.11, 0.13, 0.10, 0.11, 0.19, 0.14, 0.14, 0.19, 0.14, 0.14)

# how far a hand or foot goes on beyond wrist or ankle: share of forearm or shin, and at least so many torsos
HAND_SHARE: Final = 0.45
HAND_LEAST: Final = 0.18
FOOT_SHARE: Final = 0.25
FOOT_LEAST: Final = 0.12

# parts that are joined at a point: both keep their pixels within the radius (in torsos), so that no gap opens when they
# bend
JOINTS: Final = (
    (HEAD, TORSO, skeleton.NECK, 0.16),
    (TORSO, RIGHT_UPPER_ARM, skeleton.RIGHT_SHOULDER, 0.15),
    (TORSO, LEFT_UPPER_ARM, skeleton.LEFT_SHOULDER, 0.15),
    (RIGHT_UPPER_ARM, RIGHT_FOREARM, skeleton.RIGHT_ELBOW, 0.12),
    (LEFT_UPPER_ARM, LEFT_FOREARM, skeleton.LEFT_ELBOW, 0.12),
    (RIGHT_FOREARM, RIGHT_HAND, skeleton.RIGHT_WRIST, 0.09),
    (LEFT_FOREARM, LEFT_HAND, skeleton.LEFT_WRIST, 0.09),
    (TORSO, RIGHT_THIGH, skeleton.RIGHT_HIP, 0.24),
    (TORSO, LEFT_THIGH, skeleton.LEFT_HIP, 0.24),
    (RIGHT_THIGH, RIGHT_SHIN, skeleton.RIGHT_KNEE, 0.17),
    (LEFT_THIGH, LEFT_SHIN, skeleton.LEFT_KNEE, 0.17),
    (RIGHT_SHIN, RIGHT_FOOT, skeleton.RIGHT_ANKLE, 0.12),
    (LEFT_SHIN, LEFT_FOOT, skeleton.LEFT_ANKLE, 0.12),
)

# classes that hang from the hips in one piece, and so may not be cut along the thighs
HANGING: Final = (labels.SKIRT, labels.DRESS, labels.COAT, labels.UPPER_CLOTHES)

_FOREIGN = -4.0  # a class that the part does not wear
_OTHER_SIDE = -2.5  # sides of a parsing are wrong now and then, so this is weaker
_BESIDE_HEAD = -2.0  # hands beside a head are taken for hair or face now and then
_OWN = 1.0  # a class that only this part can have


def _affinities() -> FloatArray:
    """Return how well each class goes with each part, in nats, float32 (P, 256)."""
    table = np.full((PART_COUNT, 256), _FOREIGN, dtype=np.float32)
    head = (labels.HAT, labels.HAIR, labels.SUNGLASSES, labels.FACE)
    tops = (labels.UPPER_CLOTHES, labels.DRESS, labels.COAT, labels.JUMPSUITS)
    table[HEAD, list(head)] = _OWN
    table[HEAD, labels.SCARF] = -1
    table[TORSO, [*tops, labels.SCARF]] = 0
    table[TORSO, [labels.PANTS, labels.SKIRT]] = -1
    table[TORSO, labels.FACE] = -2  # LIP has no class for the skin of neck and chest
    for limb in LIMBS:
        near, middle, far = limb.parts
        own = {
            (True, True): labels.RIGHT_ARM,
            (True, False): labels.LEFT_ARM,
            (False, True): labels.RIGHT_LEG,
            (False, False): labels.LEFT_LEG,
        }[limb.is_arm, limb.is_right]
        table[list(limb.parts), labels.MIRROR[own]] = _OTHER_SIDE
        table[list(limb.parts), own] = _OWN
        if limb.is_arm:
            table[[[near], [middle]], list(tops)] = 0
            table[far, list(tops)] = -1
            table[middle, labels.GLOVE] = 0
            table[far, labels.GLOVE] = _OWN
            table[[[middle], [far]], [labels.HAIR, labels.FACE]] = _BESIDE_HEAD
        else:
            table[[[near], [middle]], [labels.PANTS, labels.JUMPSUITS, labels.SOCKS, labels.SKIRT, labels.DRESS]] = 0
            table[[near, middle], labels.COAT] = -1.5
            table[near, labels.UPPER_CLOTHES] = -1
            shoe = labels.RIGHT_SHOE if limb.is_right else labels.LEFT_SHOE
            table[[middle, far], labels.MIRROR[shoe]] = _OTHER_SIDE
            table[middle, shoe] = 0  # boots
            table[far, shoe] = _OWN
            table[far, [own, labels.SOCKS, labels.PANTS]] = (-0.5, 0, -1)
    # what the parsing does not know says nothing
    table[:, [labels.BACKGROUND, labels.IGNORE]] = 0
    return table


AFFINITY: Final = _affinities()
