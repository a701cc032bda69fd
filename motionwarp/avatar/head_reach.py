"""How far a head turns of which the photo shows one side: hardly so that the other one would be seen.

Ours. A face that looks aside in the photo goes on looking aside, a little less, while the body turns to the camera.
Only when the body has turned so far that the face is hidden, the head has caught up with it.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy.interpolate import PchipInterpolator

from motionwarp.body.layout import DRIVEN_BONES
from motionwarp.types import FloatArray

_HEAD: Final = DRIVEN_BONES.index("head")
_NECK: Final = DRIVEN_BONES.index("neck02")
_NECK_SHARE: Final = 0.5  # of what a head stays behind, its neck does too
_ASIDE: Final = (24.0, 40.0)  # degrees by which a head looks aside in its photo, over which its turns become bounded
_MOST_ASIDE: Final = 65.0  # farther ones count as this
_FREELY: Final = 10.0  # degrees by which the unseen side turns to the camera as it is asked to
_STRAIGHT: Final = 22.0  # by which it does where it would look straight at the camera
_PAST: Final = (60.0, 40.0)  # by which it does, the latter, where it would look so far to the other side, the former
_HIDDEN: Final = 112.0  # degrees to the other side from which on no face is seen


def within_reach(rotations: FloatArray, rest: FloatArray) -> FloatArray:
    """Return poses whose heads turn no farther than the photo shows them; others are as they were.

    Parameters
    ----------
    rotations : float32 (T, B, 3, 3)
        Of the driven bones against the camera, for each frame.
    rest : float32 (B, 3, 3)
        The same in the photo.
    """
    forward = -rest[_HEAD][:, 2]
    aside = float(np.rad2deg(np.arctan2(forward[0], -forward[2])))
    low, high = _ASIDE
    share = float(np.clip((abs(aside) - low) / (high - low), 0, 1))
    if share == 0:
        return rotations
    side, aside = np.sign(aside), min(abs(aside), _MOST_ASIDE)
    since = np.einsum("ji,tjk->tik", rest[_HEAD], rotations[:, _HEAD])
    asked = np.rad2deg(side * np.arctan2(since[:, 0, 2], since[:, 2, 2]))
    turned = PchipInterpolator(
        [-180.0, 0.0, _FREELY, aside, aside + _PAST[0], aside + _HIDDEN, 180.0],
        [-180.0, 0.0, _FREELY, min(_STRAIGHT, aside), _PAST[1], aside + _HIDDEN, 180.0],
    )(asked)
    behind = np.deg2rad(side * share * (asked - turned))
    held = rotations.copy()
    for bone, part in ((_HEAD, 1.0), (_NECK, _NECK_SHARE)):
        held[:, bone] = rotations[:, bone] @ _about_own_axis(-part * behind)
    return held


def _about_own_axis(angles: FloatArray) -> FloatArray:
    """Return turns about a bone's own upright axis, float32 (T, 3, 3), for angles in radians (T,)."""
    cosine, sine, none = np.cos(angles), np.sin(angles), np.zeros_like(angles)
    rows = [[cosine, none, sine], [none, none + 1, none], [-sine, none, cosine]]
    return np.asarray(rows, dtype=np.float32).transpose(2, 0, 1)
