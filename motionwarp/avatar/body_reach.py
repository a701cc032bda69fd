"""How far a body turns of which the photo shows the side or the back: not so far that nothing of it would be seen.

Ours. What a photo does not show is made up, and of somebody who is seen from the side that is the chest and half of the
face. Such a person dances a little turned, as the photo shows them, where the clip's dancer faces the camera.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from motionwarp.types import FloatArray

_ROOT: Final = 0
_ASIDE: Final = (35.0, 52.0)  # degrees by which a body looks aside in its photo, over which it becomes bound
_REACH: Final = 25.0  # degrees from the photo's own view up to which its pixels are fit to be seen
# length of the mean of a clip's directions: who turns round and round is seen from all sides
_ALL_ROUND: Final = (0.3, 0.6)


def kept_aside(rotations: FloatArray, rest: FloatArray) -> float:
    """Return by how many degrees a motion is turned to the picture's right, so that the photo's side stays in sight.

    Parameters
    ----------
    rotations : float32 (T, B, 3, 3)
        Of the driven bones against the camera, for each frame; at least one.
    rest : float32 (B, 3, 3)
        The same in the photo.

    Returns
    -------
    float
        In [-180, 180], one angle for the whole clip; 0 for photos that show somebody from the front.
    """
    photo = float(_aside(rest[None, _ROOT])[0])
    share = float(np.clip((abs(np.rad2deg(photo)) - _ASIDE[0]) / (_ASIDE[1] - _ASIDE[0]), 0, 1))
    mean = np.exp(1j * _aside(rotations[:, _ROOT])).mean()
    share *= float(np.clip((abs(mean) - _ALL_ROUND[0]) / (_ALL_ROUND[1] - _ALL_ROUND[0]), 0, 1))
    apart = float(np.rad2deg(np.angle(np.exp(1j * photo) * np.conj(mean))))
    return share * float(np.sign(apart)) * max(abs(apart) - _REACH, 0.0)


def _aside(turns: FloatArray) -> FloatArray:
    """Return by which angles bodies look to the picture's right, in radians (T,)."""
    # who faces the camera looks to -z
    return np.asarray(np.arctan2(-turns[:, 0, 2], turns[:, 2, 2]))
