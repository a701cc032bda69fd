"""By how much a clip has to be turned for its people to stand upright."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np

from motionwarp.perception.detection import PersonDetector
from motionwarp.perception.framing import body_direction
from motionwarp.perception.survey import body_completeness
from motionwarp.types import FloatArray, Frame

# people who lie or stand on their hands for a moment turn no clip: the other way must show them this much better
_CLEARLY_BETTER: Final = 1.5


def upright_rotation(frames: Iterable[Frame], finder: PersonDetector) -> int:
    """Tell by how many degrees clockwise a clip has to be turned, by looking for upright people in all four ways.

    Parameters
    ----------
    frames : iterable of Frame
        A few, spread over the clip.
    finder : PersonDetector

    Returns
    -------
    int
        0, 90, 180 or 270; 0 too where no way shows people clearly better. The method is ours.
    """
    shown = np.zeros(4)  # how much of people each number of clockwise quarter turns shows, over all frames
    for frame in frames:
        for turns in range(4):
            found = finder.find(np.ascontiguousarray(np.rot90(frame.rgb, -turns)), thorough=False)
            whole = [_uprightness(each.person.pose.points) * each.person.score**2 for each in found]
            shown[turns] += max(whole, default=0.0)
    best = int(np.argmax(shown))
    return 90 * best if shown[best] >= _CLEARLY_BETTER * shown[0] and shown[best] > 0 else 0


def _uprightness(points: FloatArray) -> float:
    """Return how much of a body is there, 0 for one whose head is not above the rest."""
    down = body_direction(points)
    return body_completeness(points) if down is not None and down[1] > np.cos(np.pi / 4) else 0.0
