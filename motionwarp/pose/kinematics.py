"""The walk over the body: from the neck outwards, with the middle of the hips as a nineteenth joint.

The tables of `skeleton` join the neck straight to each hip. For lengths and for moving bones one by one a spine is
better: the neck leads to the middle of the hips, and that to either hip, so that the torso's length and the hips' width
are told apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from motionwarp.pose import skeleton as sk
from motionwarp.types import POINT_COUNT, BoolArray, FloatArray

# below this score a position means nothing: estimators give such scores to points that they could not see
VISIBLE_SCORE: Final = 0.15

MID_HIP: Final = POINT_COUNT


@dataclass(frozen=True)
class Bone:
    """One step of the walk.

    Attributes
    ----------
    parent, child : int
        Joints: indices of the 18 points, or `MID_HIP`.
    kind : str
        What both sides share a length under: a key of `REST_STEPS`.
    """

    parent: int
    child: int
    kind: str


# parents come before their children
TREE: Final = (
    Bone(sk.NECK, MID_HIP, "torso"),
    Bone(sk.NECK, sk.NOSE, "neck"),
    Bone(sk.NECK, sk.RIGHT_SHOULDER, "half_shoulders"),
    Bone(sk.NECK, sk.LEFT_SHOULDER, "half_shoulders"),
    Bone(sk.RIGHT_SHOULDER, sk.RIGHT_ELBOW, "upper_arm"),
    Bone(sk.LEFT_SHOULDER, sk.LEFT_ELBOW, "upper_arm"),
    Bone(sk.RIGHT_ELBOW, sk.RIGHT_WRIST, "forearm"),
    Bone(sk.LEFT_ELBOW, sk.LEFT_WRIST, "forearm"),
    Bone(MID_HIP, sk.RIGHT_HIP, "half_hips"),
    Bone(MID_HIP, sk.LEFT_HIP, "half_hips"),
    Bone(sk.RIGHT_HIP, sk.RIGHT_KNEE, "thigh"),
    Bone(sk.LEFT_HIP, sk.LEFT_KNEE, "thigh"),
    Bone(sk.RIGHT_KNEE, sk.RIGHT_ANKLE, "shin"),
    Bone(sk.LEFT_KNEE, sk.LEFT_ANKLE, "shin"),
    Bone(sk.NOSE, sk.RIGHT_EYE, "nose_to_eye"),
    Bone(sk.NOSE, sk.LEFT_EYE, "nose_to_eye"),
    Bone(sk.RIGHT_EYE, sk.RIGHT_EAR, "eye_to_ear"),
    Bone(sk.LEFT_EYE, sk.LEFT_EAR, "eye_to_ear"),
)

# A standing person seen from the front, in torso lengths (neck to middle of the hips): each bone as (towards its own
# side, down along the spine). Lengths are rounded medians over 1,972 street photos of standing people.
REST_STEPS: Final[Mapping[str, tuple[float, float]]] = {
    "torso": (0.0, 1.0),
    "neck": (0.0, -0.40),
    "half_shoulders": (0.33, 0.0),
    "upper_arm": (0.10, 0.55),
    "forearm": (0.03, 0.50),
    "half_hips": (0.18, 0.0),
    "thigh": (0.03, 0.82),
    "shin": (0.0, 0.75),
    "nose_to_eye": (0.06, -0.07),
    "eye_to_ear": (0.06, 0.04),
}
# what users call the kinds of bone; the face's two share a ratio, and so a name
BONE_NAMES: Final[Mapping[str, str]] = {
    "torso": "torso",
    "neck": "neck",
    "half_shoulders": "shoulders",
    "upper_arm": "upper arms",
    "forearm": "forearms",
    "half_hips": "hips",
    "thigh": "thighs",
    "shin": "shins",
    "nose_to_eye": "face",
    "eye_to_ear": "face",
}
REST_LENGTHS: Final[Mapping[str, float]] = {kind: float(np.hypot(*step)) for kind, step in REST_STEPS.items()}

LEFT_JOINTS: Final = frozenset(index for index, name in enumerate(sk.POINT_NAMES) if name.startswith("left_"))
JOINT_MIRROR: Final = (*sk.MIRROR, MID_HIP)


def with_mid_hip(points: FloatArray) -> FloatArray:
    """Append the middle of the hips as a nineteenth joint.

    Parameters
    ----------
    points : float32 (..., 18, 3)

    Returns
    -------
    float32 (..., 19, 3)
        The new joint has the lower score of the two hips; 0 where either was not seen.
    """
    hips = points[..., [sk.RIGHT_HIP, sk.LEFT_HIP], :]
    middle = hips.mean(axis=-2)
    score = hips[..., 2].min(axis=-1)
    middle[..., 2] = np.where(score >= VISIBLE_SCORE, score, 0.0)
    return np.concatenate([points, middle[..., None, :]], axis=-2)


def fill_from_neighbors(positions: FloatArray, known: BoolArray, steps: FloatArray) -> tuple[FloatArray, BoolArray]:
    """Place unknown joints at a known step from joints that are known, spreading over the tree.

    A joint with several known neighbors takes the mean of what they say, so the result does not depend on sides.

    Parameters
    ----------
    positions : float32 (T, 19, 2)
    known : bool (T, 19)
        Which positions mean something; frames without any known joint stay as they are.
    steps : float32 (19, 2) or (T, 19, 2)
        The step from each joint's parent to it; the neck's is not used.

    Returns
    -------
    float32 (T, 19, 2)
        Positions with all joints placed where a frame has a known one.
    bool (T, 19)
        Which joints have a position now.
    """
    filled = np.where(known[..., None], positions, 0.0).astype(np.float32)
    done = known.copy()
    steps = np.broadcast_to(steps, filled.shape)
    # no joint is further from the neck than an ankle, so this many rounds reach everything from anywhere
    for _ in range(2 * 4):
        total = np.zeros_like(filled)
        votes = np.zeros(done.shape, dtype=np.float32)
        for bone in TREE:
            outwards, inwards = done[:, bone.parent], done[:, bone.child]
            total[:, bone.child] += outwards[:, None] * (filled[:, bone.parent] + steps[:, bone.child])
            votes[:, bone.child] += outwards
            total[:, bone.parent] += inwards[:, None] * (filled[:, bone.child] - steps[:, bone.child])
            votes[:, bone.parent] += inwards
        new = ~done & (votes > 0)
        if not new.any():
            break
        filled[new] = total[new] / votes[new][:, None]
        done |= new
    return filled, done


def typical_torso(track_points: FloatArray) -> float:
    """Estimate the size of a person in a shot, robustly, for thresholds that have to be relative to it.

    Parameters
    ----------
    track_points : float32 (T, 18, 3)

    Returns
    -------
    float
        Torso length in pixels: the median over the frames of the largest of what the bones say; 0 where no bone was
        seen.
    """
    torsos = frame_torsos(track_points)
    told = torsos[~np.isnan(torsos)]
    return float(np.median(told)) if len(told) else 0.0


def frame_torsos(track_points: FloatArray) -> npt.NDArray[np.float64]:
    """Estimate the size of a person in each frame for itself; see `typical_torso`.

    Returns
    -------
    float64 (T,)
        In pixels; NaN where no bone was seen.
    """
    joints = with_mid_hip(track_points)
    visible = joints[..., 2] >= VISIBLE_SCORE
    estimates = np.full((len(joints), len(TREE)), np.nan)
    for index, bone in enumerate(TREE):
        both = visible[:, bone.parent] & visible[:, bone.child]
        length = np.linalg.norm(joints[:, bone.child, :2] - joints[:, bone.parent, :2], axis=-1)
        # foreshortening only ever makes bones shorter; the face is too small to measure by
        if bone.kind not in ("nose_to_eye", "eye_to_ear", "half_hips"):
            estimates[both, index] = length[both] / REST_LENGTHS[bone.kind]
    torsos = np.full(len(joints), np.nan)
    usable = ~np.isnan(estimates).all(axis=1)
    if usable.any():
        # a high percentile and not the maximum: a single wild point must not set the scale
        torsos[usable] = np.nanpercentile(estimates[usable], 75, axis=1)
    return torsos
