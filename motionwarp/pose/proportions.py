"""How long a person's bones are, and how the lengths of two persons relate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from motionwarp.pose import skeleton as sk
from motionwarp.pose.completion import torso_length
from motionwarp.pose.head_size import LARGE_HEAD, head_size
from motionwarp.pose.kinematics import MID_HIP, REST_LENGTHS, TREE, VISIBLE_SCORE, with_mid_hip
from motionwarp.types import FloatArray

# a bone's full length is this percentile of what a clip shows of it: the longest views are errors of the estimator
FULL_LENGTH_PERCENTILE = 92.0
# lengths are taken from points of this score, where there are any
MEASURING_SCORE = 0.4
# limbs in a single picture are foreshortened now and then, and never longer than limbs are
LIMBS = ("upper_arm", "forearm", "thigh", "shin")
LIMB_FLOOR = 0.9
LIMB_CEILING = 1.6
# someone who bends towards the camera has a short torso: it is no shorter than this part of what the other bones say
TORSO_FLOOR = 0.75
TORSO_WITNESSES = (*LIMBS, "half_shoulders", "neck")
# the other bones' ratios stay this close to the overall scale, since turning the body changes them more than build does
RATIO_LOW, RATIO_HIGH = 0.7, 1.4
# the face is one rigid piece, so its bones share a ratio
FACE = ("nose_to_eye", "eye_to_ear")
# a drawn figure with a large head is built as no person is: it is seen from the front, and its lengths are its own
HEAD = ("neck", *FACE)
FIGURE_LIMB_FLOOR = 0.35
FIGURE_SLACK = 1.6


@dataclass(frozen=True)
class Clamp:
    """A length or ratio that was out of bounds.

    Attributes
    ----------
    bone : str
        Kind of bone.
    whose : str
        'source' or 'driving' for a length: a limb's in torso lengths, the torso's over what the other bones say;
        'ratio' for a ratio over the overall scale.
    wanted, used : float
        Before and after.
    """

    bone: str
    whose: str
    wanted: float
    used: float


@dataclass(frozen=True)
class BoneLengths:
    """Full lengths of a person's bones in pixels; kinds that were never seen are left out.

    Attributes
    ----------
    lengths : mapping of str to float
        By kind of bone, all over 0, limbs within their bounds.
    torso : float
        Neck to middle of the hips, measured or estimated; over 0.
    spans : mapping of str to float
        Straight distances 'nose to ankles', 'nose to hips' and 'shoulders', where seen.
    clamps : tuple of Clamp
    head : float
        How large the head is for the body, as `head_size` measures it, where it is that of a drawn figure
        (`LARGE_HEAD`), else 1.
    """

    lengths: Mapping[str, float]
    torso: float
    spans: Mapping[str, float]
    clamps: tuple[Clamp, ...]
    head: float = 1.0


@dataclass(frozen=True)
class BoneRatios:
    """What to multiply each bone of the driving person by.

    Attributes
    ----------
    scale : float
        Overall: also for displacements, and for bones of which a length is not known.
    scale_from : str
        What the scale was measured on.
    ratios : mapping of str to float
        By kind of bone; every kind is there.
    clamps : tuple of Clamp
    """

    scale: float
    scale_from: str
    ratios: Mapping[str, float]
    clamps: tuple[Clamp, ...]


def measure(points: FloatArray, whose: str) -> BoneLengths | None:
    """Measure a person over the frames of a shot, or in one picture.

    Left and right share one value, the longer one, since views only ever shorten.

    Parameters
    ----------
    points : float32 (T, 18, 3)
    whose : str
        'source' or 'driving', for the report.

    Returns
    -------
    BoneLengths or None
        None where no bone was seen.
    """
    joints = with_mid_hip(points)
    lengths: dict[str, float] = {}
    for bone in TREE:
        length = _full_length(joints, bone.parent, bone.child)
        if length > 0:
            lengths[bone.kind] = max(length, lengths.get(bone.kind, 0.0))
    clamps: list[Clamp] = []
    torso = _torso(lengths, joints, whose, clamps)
    if torso <= 0:
        return None
    head = _large_head(points)
    floor = LIMB_FLOOR if head == 1 else FIGURE_LIMB_FLOOR
    for kind in LIMBS:
        if kind in lengths:
            wanted = lengths[kind] / torso
            used = float(np.clip(wanted, floor * REST_LENGTHS[kind], LIMB_CEILING * REST_LENGTHS[kind]))
            if used != wanted:
                clamps.append(Clamp(kind, whose, wanted, used))
                lengths[kind] = used * torso
    return BoneLengths(lengths, torso, _spans(joints), tuple(clamps), head)


def compare(source: BoneLengths, driving: BoneLengths) -> BoneRatios:
    """Relate two persons bone by bone.

    The overall scale is the ratio of the thighs; where those were not seen in both, of nose to ankles, nose to hips,
    the shoulders, and last of the torsos as estimated.

    Parameters
    ----------
    source, driving : BoneLengths

    Returns
    -------
    BoneRatios
    """
    scale, scale_from = _overall_scale(source, driving)
    wanted = {
        kind: source.lengths[kind] / driving.lengths[kind]
        for kind in REST_LENGTHS
        if kind in source.lengths and kind in driving.lengths
    }
    face = [wanted[kind] for kind in FACE if kind in wanted]
    if face:
        wanted.update(dict.fromkeys(FACE, float(np.exp(np.mean(np.log(face))))))
    ratios: dict[str, float] = {}
    clamps: list[Clamp] = []
    for kind in REST_LENGTHS:
        ratio = wanted.get(kind, scale)
        if kind not in LIMBS:
            low, high = _ratio_bounds(kind, source.head / driving.head)
            used = float(np.clip(ratio, low * scale, high * scale))
            if used != ratio:
                clamps.append(Clamp(kind, "ratio", ratio / scale, used / scale))
            ratio = used
        ratios[kind] = ratio
    return BoneRatios(scale, scale_from, ratios, (*source.clamps, *driving.clamps, *clamps))


def _ratio_bounds(kind: str, heads: float) -> tuple[float, float]:
    """Return how far a ratio may be from the overall scale; `heads` is the source's head over the driving one."""
    if heads == 1:
        return RATIO_LOW, RATIO_HIGH
    slack = FIGURE_SLACK * (max(heads, 1 / heads) if kind in HEAD else 1.0)
    return RATIO_LOW / slack, RATIO_HIGH * slack


def _large_head(points: FloatArray) -> float:
    """Return the head's size over the frames (T, 18, 3) where it is beyond what people have, else 1."""
    sizes = [size for size in map(head_size, points) if size is not None]
    size = float(np.median(sizes)) if sizes else 1.0
    return size if size >= LARGE_HEAD else 1.0


def _full_length(joints: FloatArray, parent: int, child: int) -> float:
    scores = np.minimum(joints[:, parent, 2], joints[:, child, 2])
    for threshold in (MEASURING_SCORE, VISIBLE_SCORE):
        visible = scores >= threshold
        if visible.any():
            steps = joints[visible, child, :2] - joints[visible, parent, :2]
            return float(np.percentile(np.linalg.norm(steps, axis=1), FULL_LENGTH_PERCENTILE))
    return 0.0


def _torso(lengths: dict[str, float], joints: FloatArray, whose: str, clamps: list[Clamp]) -> float:
    """Return the torso's length, corrected in `lengths` where the rest of the body says that it is foreshortened."""
    measured = lengths.get("torso")
    if measured is None:
        return _estimated_torso(joints)
    estimates = [lengths[kind] / REST_LENGTHS[kind] for kind in TORSO_WITNESSES if kind in lengths]
    floor = TORSO_FLOOR * float(np.median(estimates)) if estimates else 0.0
    if measured < floor:
        clamps.append(Clamp("torso", whose, measured / floor * TORSO_FLOOR, TORSO_FLOOR))
        lengths["torso"] = floor
    return lengths["torso"]


def _estimated_torso(joints: FloatArray) -> float:
    known = joints[..., 2] >= VISIBLE_SCORE
    estimates = [torso_length(frame, visible) for frame, visible in zip(joints, known, strict=True)]
    usable = [estimate for estimate in estimates if estimate > 0]
    return float(np.median(usable)) if usable else 0.0


def _spans(joints: FloatArray) -> dict[str, float]:
    pairs = {
        "nose to ankles": ((sk.NOSE, sk.RIGHT_ANKLE), (sk.NOSE, sk.LEFT_ANKLE)),
        "nose to hips": ((sk.NOSE, MID_HIP),),
        "shoulders": ((sk.RIGHT_SHOULDER, sk.LEFT_SHOULDER),),
    }
    spans = {name: max(_full_length(joints, *ends) for ends in choices) for name, choices in pairs.items()}
    return {name: span for name, span in spans.items() if span > 0}


def _overall_scale(source: BoneLengths, driving: BoneLengths) -> tuple[float, str]:
    if "thigh" in source.lengths and "thigh" in driving.lengths:
        return source.lengths["thigh"] / driving.lengths["thigh"], "thighs"
    for name in ("nose to ankles", "nose to hips", "shoulders"):
        if name in source.spans and name in driving.spans:
            return source.spans[name] / driving.spans[name], name
    return source.torso / driving.torso, "torsos as estimated"
