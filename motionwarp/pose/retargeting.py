"""Giving one person's motion to a body of other proportions.

The skeleton is walked from the neck outwards. Every bone of the driving person keeps its direction and its
foreshortening, and is multiplied by the ratio of the two persons' full lengths of that bone. What the driving clip
never shows (half bodies) stays as the source has it. The result stands where the source stands. Ours, after the recipes
of public motion transfer tools.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from motionwarp.errors import NoPersonError
from motionwarp.pose import skeleton as sk
from motionwarp.pose.completion import ESTIMATED_SCORE, UNDRAWN_SCORE, Completion, complete_pose
from motionwarp.pose.kinematics import TREE, VISIBLE_SCORE, fill_from_neighbors, with_mid_hip
from motionwarp.pose.likeness import like_frames, ratios_in
from motionwarp.pose.proportions import FACE, LIMBS, RATIO_HIGH, RATIO_LOW, BoneRatios, compare, measure
from motionwarp.pose.root_alignment import ANKLES, anchor_points, resting_place, stand
from motionwarp.pose.smoothing import DoubleArray
from motionwarp.types import POINT_COUNT, BoolArray, Facing, FloatArray, Pose, PoseTrack

# a point seen in a smaller part of a shot's frames is treated as never seen in it
VISIBLE_SHARE = 0.05
# the person is put on the ground by feet, or held at the hips, if they are seen in at least this part of the frames
ANCHOR_PART = 0.5
# positions that the source has and the driving clip does not show are kept with this part of their score
KEPT_FACTOR = 0.5
# hips sway this far, in torso lengths, over feet that stay in place
PLANTED_REACH = 0.3
# what bones say of the size is corrected by no more than this
SIZE_CHANGE = 1.6

# who faces so far aside, in degrees from the camera or away from it, is foreshortened across: a little, and wholly
_ASIDE_DEGREES = (18.0, 38.0)
_FACING_TOLD = 0.6
_BREADTHS = ("half_shoulders", "half_hips")

HIPS = [sk.RIGHT_HIP, sk.LEFT_HIP]
LEGS = ((sk.RIGHT_HIP, sk.RIGHT_KNEE, sk.RIGHT_ANKLE), (sk.LEFT_HIP, sk.LEFT_KNEE, sk.LEFT_ANKLE))


@dataclass(frozen=True)
class ShotReport:
    """What was done to one shot.

    Attributes
    ----------
    first, last : int
        Frames of the shot.
    ratios : BoneRatios
        Scale, ratio of each kind of bone, and what had to be clamped.
    anchor : str
        'feet', 'hips' or 'neck': what was put at the source's place.
    source_anchor, driving_anchor : (float, float)
        Where the anchor is in the source picture, and the place in the driving frame that is put there.
    kept : tuple of str
        Names of the points that the shot does not show and that stay as the source has them.
    """

    first: int
    last: int
    ratios: BoneRatios
    anchor: str
    source_anchor: tuple[float, float]
    driving_anchor: tuple[float, float]
    kept: tuple[str, ...]


@dataclass(frozen=True)
class RetargetReport:
    """What was done to a clip.

    Attributes
    ----------
    shots : tuple of ShotReport
        Shots without the person are left out.
    mirrored : tuple of str
        Names of the source's points that were not seen and placed like the other side's.
    estimated : tuple of str
        Names of the source's points that were placed as a standing person has them; their scores stay below
        `VISIBLE_SCORE`.
    """

    shots: tuple[ShotReport, ...]
    mirrored: tuple[str, ...]
    estimated: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class RetargetResult:
    """A retargeted clip.

    Attributes
    ----------
    track : PoseTrack
        In the source picture's pixels, standing where the source person stands; the size of the frames is still the
        driving clip's, since a pose does not tell the picture's.
    report : RetargetReport
    """

    track: PoseTrack
    report: RetargetReport


def retarget_track(
    track: PoseTrack, source: Pose, *, keep_proportions: bool = False, facing: Facing | None = None
) -> RetargetResult:
    """Let the person of a picture move like the person of a clip.

    Parameters
    ----------
    track : PoseTrack
        The driving person, best repaired and smoothed.
    source : Pose
        The person to be moved, in the picture's pixels.
    keep_proportions : bool
        Only scale and move the driving person as a whole, without fitting bones to the source's.
    facing : Facing or None
        Which way the source faces, for a body that turns: how broad people are whom it shows from the side it does not
        tell. None keeps them as broad as they are seen.

    Returns
    -------
    RetargetResult
        Scores are the driving clip's; lowered to the source's, or to `UNDRAWN_SCORE`, where the source's point was not
        seen, and those of the source, halved, for points that a shot never shows.

    Raises
    ------
    NoPersonError
        If the source or all frames of the track show too few points.
    """
    completion = complete_pose(source)
    points = np.zeros_like(track.points)
    present = np.zeros_like(track.present)
    reports = []
    for shot in track.shots():
        here = (
            np.flatnonzero(track.present[shot] & (track.points[shot, :, 2] >= VISIBLE_SCORE).any(axis=1)) + shot.start
        )
        if not len(here):
            continue
        ratios = bone_ratios(track.points[here], source, keep_proportions, facing)
        if ratios is None:
            continue
        points[here], report = _retarget_shot(
            track.points[here], track.times_seconds[here], source, completion, ratios, (shot.start, shot.stop - 1)
        )
        present[here] = True
        reports.append(report)
    if not reports:
        raise NoPersonError(
            "too few points of the driving person were seen", remedy="Use a clip that shows more of a person"
        )
    result = PoseTrack(points, present, track.times_seconds, track.width, track.height, track.cuts)
    return RetargetResult(result, RetargetReport(tuple(reports), completion.mirrored, completion.estimated))


def bone_ratios(
    points: FloatArray, source: Pose, keep_proportions: bool, facing: Facing | None = None
) -> BoneRatios | None:
    """Compare the persons; None where the frames (T, 18, 3) show no bone."""
    source_size, driving_size = measure(source.points[None], "source"), measure(points, "driving")
    if source_size is None or driving_size is None:
        return None
    ratios = compare(source_size, driving_size)
    if source_size.head == driving_size.head:  # a drawn figure is like nobody
        ratios = _without_bias(ratios, points, source)
        ratios = _with_usual_breadth(ratios, points, source, facing)
    if keep_proportions:
        return BoneRatios(ratios.scale, ratios.scale_from, dict.fromkeys(ratios.ratios, ratios.scale), ())
    return ratios


def _without_bias(ratios: BoneRatios, points: FloatArray, source: Pose) -> BoneRatios:
    """Return ratios corrected by frames that show the person as the source does, where there are any.

    The trunk's bones are compared in these frames. By as much as their ratios change on the whole, those of limbs were
    wrong too. Where the clip shows the source's very pose, limbs are compared in it as well.
    """
    like = like_frames(points, source.points)
    if like is None:
        return ratios
    trunk = {kind: ratio for kind, ratio in ratios_in(points[like.alike], source.points).items() if kind not in LIMBS}
    if not trunk:
        return ratios
    by_kind = [ratio / ratios.ratios[kind] for kind, ratio in trunk.items() if kind not in FACE]
    bias = float(np.clip(np.median(by_kind or [1.0]), 1 / SIZE_CHANGE, SIZE_CHANGE)) ** like.alike_share
    changed = {kind: bias * ratio for kind, ratio in ratios.ratios.items()}
    scale = bias * ratios.scale
    for found, share in ((trunk, like.alike_share), (ratios_in(points[like.same], source.points), like.same_share)):
        for kind, ratio in found.items():
            near = float(np.clip(ratio / changed[kind], 1 / SIZE_CHANGE, SIZE_CHANGE))
            changed[kind] *= near**share
    scale *= (float(np.mean([changed["torso"], changed["thigh"]])) / scale) ** like.same_share
    for kind in changed.keys() - set(LIMBS):
        changed[kind] = float(np.clip(changed[kind], RATIO_LOW * scale, RATIO_HIGH * scale))
    return replace(ratios, scale=scale, ratios=changed)


def _with_usual_breadth(ratios: BoneRatios, points: FloatArray, source: Pose, facing: Facing | None) -> BoneRatios:
    """Return ratios that make nobody narrow for being seen from the side in their picture.

    Shoulders and hips that are foreshortened there would say in every frame that the body is turned aside, to one side
    or the other. They are as broad for the trunk's length as the driving person's; frames that show the picture's own
    pose tell their size all the same.
    """
    if facing is None or facing.certainty < _FACING_TOLD:
        return ratios
    low, high = _ASIDE_DEGREES
    away = abs(facing.degrees)
    share = float(np.clip((min(away, 180 - away) - low) / (high - low), 0, 1))
    like = like_frames(points, source.points)
    share *= 1.0 if like is None else 1.0 - like.same_share
    trunk = ratios.ratios["torso"]
    broad = {kind: ratios.ratios[kind] ** (1 - share) * trunk**share for kind in (*_BREADTHS, *FACE)}
    return replace(ratios, ratios={**ratios.ratios, **broad})


def _retarget_shot(
    points: FloatArray,
    times_seconds: DoubleArray,
    source: Pose,
    completion: Completion,
    ratios: BoneRatios,
    frames: tuple[int, int],
) -> tuple[FloatArray, ShotReport]:
    """Retarget the frames (T, 18, 3) of one shot in which the person was seen."""
    source_joints = with_mid_hip(completion.pose.points)[:, :2].astype(np.float64)
    factors = bone_factors(ratios)
    driving_joints, known, shown = joints_of_driving(points, source_joints, factors)
    walked = walk_bones(driving_joints, factors)

    anchor = choose_anchor(points, source)
    torso = completion.torso_length
    driving_anchors = anchor_points(driving_joints, anchor, torso / ratios.scale)
    source_anchor = anchor_points(source_joints[None], anchor, torso)[0]
    driving_anchor = resting_place(driving_anchors, anchor)
    like = like_frames(points, source.points)
    if like is not None:
        # where the clip shows the photo's own pose, the result is the photo
        in_pose = np.median(driving_anchors[like.same], axis=0)
        driving_anchor = driving_anchor + like.same_share * (in_pose - driving_anchor)
    wanted = source_anchor + ratios.scale * (driving_anchors - driving_anchor)
    # the walked feet share the weight as the driving ones do, or a short leg would never touch the ground
    own = anchor_points(walked, anchor, torso / ratios.scale, like=driving_joints)
    stood = stand(walked, own, wanted, ratios.scale * driving_joints[:, sk.NECK], times_seconds)
    plant_feet(stood, source_joints, shown, torso)

    result = np.zeros_like(points)
    result[..., :2] = stood[:, :POINT_COUNT]
    result[..., 2] = retargeted_scores(points, known[:, :POINT_COUNT], shown, source, completion)
    return result, ShotReport(
        first=frames[0],
        last=frames[1],
        ratios=ratios,
        anchor=anchor,
        source_anchor=(float(source_anchor[0]), float(source_anchor[1])),
        driving_anchor=(float(driving_anchor[0]), float(driving_anchor[1])),
        kept=tuple(np.array(sk.POINT_NAMES)[~shown].tolist()),
    )


def bone_factors(ratios: BoneRatios) -> DoubleArray:
    """Return the ratio of the bone that leads to each joint, float64 (19, 1); the neck's is not used."""
    factors = np.ones((POINT_COUNT + 1, 1))
    for bone in TREE:
        factors[bone.child] = ratios.ratios[bone.kind]
    return factors


def joints_of_driving(
    points: FloatArray, source_joints: DoubleArray, factors: DoubleArray
) -> tuple[DoubleArray, BoolArray, BoolArray]:
    """Give every joint of the driving person a place.

    Returns
    -------
    float64 (T, 19, 2)
        Joints that were not seen are placed so that they come out as the source has them.
    bool (T, 19)
        Which joints were seen.
    bool (18,)
        Which points the shot shows at all.
    """
    visible = points[..., 2] >= VISIBLE_SCORE
    shown = visible.mean(axis=0) >= VISIBLE_SHARE
    usable = points.copy()
    usable[..., 2] = np.where(visible & shown, points[..., 2], 0.0)
    joints = with_mid_hip(usable)
    known = joints[..., 2] > 0
    # a frame that shows nothing but points which the shot hardly ever shows has to do with those
    alone = ~known.any(axis=1)
    known[alone, :POINT_COUNT] = visible[alone]
    steps = np.zeros_like(source_joints)
    for bone in TREE:
        steps[bone.child] = (source_joints[bone.child] - source_joints[bone.parent]) / factors[bone.child]
    filled, _ = fill_from_neighbors(joints[..., :2], known, steps.astype(np.float32))
    return filled.astype(np.float64), known, shown


def walk_bones(driving_joints: DoubleArray, factors: DoubleArray) -> DoubleArray:
    """Walk from a neck at (0, 0), each bone times its ratio, float64 (T, 19, 2)."""
    walked = np.zeros_like(driving_joints)
    for bone in TREE:
        step = driving_joints[:, bone.child] - driving_joints[:, bone.parent]
        walked[:, bone.child] = walked[:, bone.parent] + factors[bone.child] * step
    return walked


def choose_anchor(points: FloatArray, source: Pose) -> str:
    """Choose the lowest part of the body that both show."""
    for name, pair in (("feet", ANKLES), ("hips", HIPS)):
        driving_part = (points[:, pair, 2] >= VISIBLE_SCORE).any(axis=1).mean()
        if driving_part >= ANCHOR_PART and (source.scores[pair] >= VISIBLE_SCORE).any():
            return name
    return "neck"


def plant_feet(stood: DoubleArray, source_joints: DoubleArray, shown: BoolArray, torso: float) -> None:
    """Let legs that the shot does not show stand where the source's do, in place, with the hips swaying above them."""
    for hip, knee, ankle in LEGS:
        if shown[knee] or shown[ankle]:
            continue
        moved = stood[:, hip] - source_joints[hip]  # (T, 2)
        far = np.linalg.norm(moved, axis=1, keepdims=True) / (PLANTED_REACH * torso)
        # within reach the feet stay; beyond it they come along by what is left
        followed = moved * (1.0 - 1.0 / np.maximum(far, 1.0))
        stood[:, knee] = source_joints[knee] + (moved + followed) / 2
        stood[:, ankle] = source_joints[ankle] + followed


def retargeted_scores(
    points: FloatArray, known: BoolArray, shown: BoolArray, source: Pose, completion: Completion
) -> FloatArray:
    """Return the scores float32 (T, 18) of retargeted points; see `RetargetResult`, and `joints_of_driving`."""
    completed = completion.pose.scores
    source_visible = source.scores >= VISIBLE_SCORE
    scores = np.where(known, points[..., 2], np.minimum(points[..., 2], ESTIMATED_SCORE))
    undrawn = np.where(known & (completed < VISIBLE_SCORE), UNDRAWN_SCORE, completed)
    scores = np.where(source_visible, scores, np.minimum(scores, undrawn))
    kept = _kept_scores(completed)
    result: FloatArray = np.where(shown, scores, kept).astype(np.float32)
    return result


def _kept_scores(completed: FloatArray) -> FloatArray:
    """Return the scores of points that no clip tells, of those of a completed pose."""
    return np.where(completed >= VISIBLE_SCORE, KEPT_FACTOR * completed, completed)


def as_retargeted(source: Pose) -> FloatArray:
    """Return the points (18, 3) that retargeting gives where a clip shows a source's own pose, with their scores.

    Raises
    ------
    NoPersonError
        If the source shows too few points.
    """
    completed = complete_pose(source).pose.points
    unseen = source.scores < VISIBLE_SCORE
    points = completed.copy()
    points[unseen, 2] = _kept_scores(completed[unseen, 2])
    return points
