"""How somebody is seen, told from the points alone.

From which side, how much of the body, and which limbs lie before others.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

import numpy as np

from motionwarp.pose import skeleton as sk
from motionwarp.pose.completion import torso_length
from motionwarp.pose.kinematics import MID_HIP, REST_LENGTHS, VISIBLE_SCORE, with_mid_hip
from motionwarp.pose.smoothing import DoubleArray
from motionwarp.types import BoolArray, FloatArray

# cosines of the angle between the chest's and the camera's direction: 45 degrees, and 20 degrees beside a right angle,
# within which the order of the shoulders is hardly more than noise
FRONTAL_COSINE: Final = 0.7
PROFILE_COSINE: Final = 0.35
# somebody whose spine leans more than 60 degrees from upright lies, hangs or stands on their hands
UPRIGHT_COSINE: Final = 0.5
# parts of the torso's width and length by which a hand must be inside of its outline to cover it: hands beside hips do
# not
TORSO_MARGIN: Final = 0.1

_FACE: Final = (sk.NOSE, sk.RIGHT_EYE, sk.LEFT_EYE)
_ARMS: Final = (("right", sk.RIGHT_ELBOW, sk.RIGHT_WRIST), ("left", sk.LEFT_ELBOW, sk.LEFT_WRIST))
_LEGS: Final = ((sk.RIGHT_HIP, sk.RIGHT_KNEE, sk.RIGHT_ANKLE), (sk.LEFT_HIP, sk.LEFT_KNEE, sk.LEFT_ANKLE))


class View(str, Enum):
    """From which side a person is seen; the value is a word for users."""

    FRONTAL = "frontal"
    TURNED = "turned"
    PROFILE = "profile"
    BACK = "back"
    UNKNOWN = "unknown"


class Framing(str, Enum):
    """How much of a body is in sight; the value is a word for users."""

    WHOLE = "whole body"
    KNEES = "to the knees"
    WAIST = "waist up"
    BUST = "head and shoulders"


# which points go by the framing: by the last word of their names
OUT_OF_SIGHT: Final = {
    Framing.WHOLE: (),
    Framing.KNEES: ("ankle",),
    Framing.WAIST: ("ankle", "knee"),
    Framing.BUST: ("ankle", "knee", "hip"),
}


def facing(points: FloatArray) -> float | None:
    """Tell how far a chest is turned to the camera, from the distance and the order of the shoulders.

    Parameters
    ----------
    points : float32 (18, 3)

    Returns
    -------
    float or None
        About the cosine of the angle: 1 from the front, 0 in profile, -1 from behind. None where shoulders or the size
        are not known. Ours.
    """
    joints = with_mid_hip(points)
    known = joints[:, 2] >= VISIBLE_SCORE
    torso = torso_length(joints, known)
    if not (known[sk.RIGHT_SHOULDER] and known[sk.LEFT_SHOULDER]) or torso <= 0:
        return None
    down = _spine(joints, known)
    across = np.array([down[1], -down[0]])  # towards the left hand of somebody who faces us
    apart = float((joints[sk.LEFT_SHOULDER, :2] - joints[sk.RIGHT_SHOULDER, :2]) @ across)
    return float(np.clip(apart / (2 * REST_LENGTHS["half_shoulders"] * torso), -1.0, 1.0))


def view_of(points: FloatArray) -> View:
    """Tell from which side a person (18, 3) is seen; whoever shows both eyes is not seen from behind."""
    cosine = facing(points)
    if cosine is None:
        return View.UNKNOWN
    if cosine >= FRONTAL_COSINE:
        return View.FRONTAL
    if cosine >= PROFILE_COSINE:
        return View.TURNED
    if cosine > -PROFILE_COSINE:
        return View.PROFILE
    return View.TURNED if shows_face(points) else View.BACK


def shows_face(points: FloatArray) -> bool:
    """Tell whether nose and both eyes of a person (18, 3) are seen."""
    return bool((points[list(_FACE), 2] >= VISIBLE_SCORE).all())


def framing_of(visible: BoolArray) -> Framing:
    """Tell from which points are seen, bool (18,), how far down a body is in sight."""
    for framing, pair in (
        (Framing.WHOLE, (sk.RIGHT_ANKLE, sk.LEFT_ANKLE)),
        (Framing.KNEES, (sk.RIGHT_KNEE, sk.LEFT_KNEE)),
        (Framing.WAIST, (sk.RIGHT_HIP, sk.LEFT_HIP)),
    ):
        if visible[list(pair)].any():
            return framing
    return Framing.BUST


def is_upright(points: FloatArray) -> bool:
    """Tell whether somebody (18, 3) stands or sits rather than lies or hangs; True where that is not known."""
    joints = with_mid_hip(points)
    return bool(_spine(joints, joints[:, 2] >= VISIBLE_SCORE)[1] >= UPRIGHT_COSINE)


def limbs_in_front(points: FloatArray) -> tuple[str, ...]:
    """Name the limbs of a person (18, 3) that hide other parts: arms before the torso, forearms and legs that cross.

    Returns
    -------
    tuple of str
        Such as 'right arm before the torso' or 'legs crossed'. Somebody in profile has an arm before the torso always.
    """
    visible = points[:, 2] >= VISIBLE_SCORE
    found = [
        f"{side} arm before the torso" for side, elbow, wrist in _ARMS if _covers_torso(points, visible, elbow, wrist)
    ]
    forearms = [(elbow, wrist) for _, elbow, wrist in _ARMS]
    if _any_cross(points, visible, [forearms[0]], [forearms[1]]):
        found.append("forearms crossed")
    right, left = ([leg[:2], leg[1:]] for leg in _LEGS)
    if _any_cross(points, visible, right, left):
        found.append("legs crossed")
    return tuple(found)


def _spine(joints: FloatArray, known: BoolArray) -> DoubleArray:
    """Return the unit direction from neck to hips, float64 (2,); straight down where it was not seen."""
    if known[sk.NECK] and known[MID_HIP]:
        step = joints[MID_HIP, :2].astype(np.float64) - joints[sk.NECK, :2]
        length = float(np.hypot(*step))
        if length > 0:
            return np.asarray(step / length)
    return np.array([0.0, 1.0])


def _covers_torso(points: FloatArray, visible: BoolArray, elbow: int, wrist: int) -> bool:
    """Tell whether the wrist or the middle of the forearm lies well inside of the torso's outline."""
    corners = [sk.RIGHT_SHOULDER, sk.LEFT_SHOULDER, sk.LEFT_HIP, sk.RIGHT_HIP]
    if not (visible[corners].all() and visible[elbow] and visible[wrist]):
        return False
    places = np.stack([points[wrist, :2], (points[elbow, :2] + points[wrist, :2]) / 2])
    return any(_inside(points[corners, :2], place) for place in places)


def _inside(corners: FloatArray, place: FloatArray) -> bool:
    """Tell whether a place (2,) is inside of a torso (4, 2) by the margin; shoulders and hips go round."""
    right_shoulder, left_shoulder, left_hip, right_hip = corners.astype(np.float64)
    down = float((place - right_shoulder) @ (right_hip - right_shoulder)) / max(
        float(np.sum((right_hip - right_shoulder) ** 2)), 1e-6
    )
    if not TORSO_MARGIN <= down <= 1 - TORSO_MARGIN:
        return False
    right = right_shoulder + down * (right_hip - right_shoulder)
    across = left_shoulder + down * (left_hip - left_shoulder) - right
    share = float((place - right) @ across) / max(float(across @ across), 1e-6)
    return TORSO_MARGIN <= share <= 1 - TORSO_MARGIN


def _any_cross(
    points: FloatArray, visible: BoolArray, some: list[tuple[int, int]], others: list[tuple[int, int]]
) -> bool:
    """Tell whether a bone of one list crosses a bone of the other; bones are pairs of points."""
    return any(
        visible[[*one, *other]].all() and _cross(points[list(one), :2], points[list(other), :2])
        for one in some
        for other in others
    )


def _cross(one: FloatArray, other: FloatArray) -> bool:
    """Tell whether two segments (2, 2) cross."""
    return _parts(one, other) and _parts(other, one)


def _parts(line: FloatArray, segment: FloatArray) -> bool:
    """Tell whether the ends of a segment (2, 2) lie on both sides of a line (2, 2)."""
    along, away = (line[1] - line[0]).astype(np.float64), segment.astype(np.float64) - line[0]
    sides = along[0] * away[:, 1] - along[1] * away[:, 0]
    return bool(sides[0] * sides[1] < 0)
