"""How a clip's motion was fitted to the person of a photo, and what comes of it in the output's frame."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from motionwarp.pipeline.check.issues import Issue, Verdict, issue_by_threshold
from motionwarp.pipeline.layout import contain
from motionwarp.pipeline.options import TransferOptions
from motionwarp.pipeline.plan import TransferPlan
from motionwarp.pose import skeleton as sk
from motionwarp.pose.kinematics import BONE_NAMES, VISIBLE_SCORE, typical_torso
from motionwarp.pose.proportions import Clamp, compare, measure
from motionwarp.pose.retargeting import VISIBLE_SHARE
from motionwarp.pose.skeleton import POINT_NAMES
from motionwarp.pose.stance import OUT_OF_SIGHT, Framing, framing_of
from motionwarp.types import FloatArray, PoseTrack

# torso lengths that a body is lifted by where its lower edge is seen as one
_LIFTED: Final = 0.1
# the lowest points that a framing shows
_LOWEST: Final = {
    Framing.KNEES: (sk.RIGHT_KNEE, sk.LEFT_KNEE),
    Framing.WAIST: (sk.RIGHT_HIP, sk.LEFT_HIP),
    Framing.BUST: (sk.NECK, sk.RIGHT_SHOULDER, sk.LEFT_SHOULDER),
}


@dataclass(frozen=True)
class AlignmentStats:
    """How source and clip go together; of several shots, the longest one's proportions.

    Attributes
    ----------
    scale : float
        The source person's size over the driving person's, each in pixels of their own picture.
    scale_from : str
        What it was measured on.
    bones : mapping of str to float
        By kind of bone, the source's length over the driving person's, over the scale: 1 where they are built alike.
    clamps : tuple of Clamp
        Lengths and ratios that were out of bounds, and what was taken instead.
    anchor : str
        'feet', 'hips' or 'neck': what was put at the source's place.
    missing : tuple of str
        Points that the clip moves and the photo does not show.
    kept : tuple of str
        Points that the photo shows and the clip does not: they stay as the photo has them.
    mirrored : tuple of str
        Points of the photo that were not seen and placed like the other side's.
    placement : str
        'source' or 'driving'.
    output_width, output_height : int
        Size of the result in pixels.
    output_frames : int
    output_seconds : float
    enlargement : float
        The person's size in the result over that in the photo's file.
    outside_share : float
        Share of the frames with the person in which points that are seen lie outside of the result's frame; below it
        only if the photo shows the feet.
    lifted_share : float
        Share of the frames with the person in which a body that the photo cuts off below is lifted, so that the cut
        comes into sight; 0 where the photo shows the feet.
    """

    scale: float
    scale_from: str
    bones: Mapping[str, float]
    clamps: tuple[Clamp, ...]
    anchor: str
    missing: tuple[str, ...]
    kept: tuple[str, ...]
    mirrored: tuple[str, ...]
    placement: str
    output_width: int
    output_height: int
    output_frames: int
    output_seconds: float
    enlargement: float
    outside_share: float
    lifted_share: float


def alignment_stats(plan: TransferPlan, picture_scale: float, driving_frames: int) -> AlignmentStats:
    """Measure how source and clip go together.

    Parameters
    ----------
    plan : TransferPlan
    picture_scale : float
        By how much the source was reduced when it was read: 1 if not.
    driving_frames : int
        Frames in the section that is read, looked at or not.
    """
    report, setup, inputs = plan.aligned, plan.setup, plan.inputs
    shot = max(report.shots, key=lambda shot: shot.last - shot.first)
    pose, track = inputs.source.person.pose, inputs.motion.track
    in_photo = pose.scores >= VISIBLE_SCORE
    in_clip = (track.points[track.present, :, 2] >= VISIBLE_SCORE).mean(axis=0) >= VISIBLE_SHARE
    names = np.array([name.replace("_", " ") for name in POINT_NAMES])
    return AlignmentStats(
        scale=shot.ratios.scale / picture_scale,
        scale_from=shot.ratios.scale_from,
        bones={bone: ratio / shot.ratios.scale for bone, ratio in shot.ratios.ratios.items()},
        clamps=shot.ratios.clamps,
        anchor=shot.anchor,
        missing=tuple(names[in_clip & ~in_photo].tolist()),
        kept=tuple(names[in_photo & ~in_clip].tolist()),
        mirrored=tuple(name.replace("_", " ") for name in report.mirrored),
        placement=setup.options.placement_choice,
        output_width=setup.width,
        output_height=setup.height,
        output_frames=driving_frames if setup.options.frame_rate is None else len(plan),
        output_seconds=plan.duration_seconds,
        enlargement=_size_ratio(plan.target.points[plan.target.present], pose.points[None]) * picture_scale,
        outside_share=_outside_share(plan.target, framing_of(in_photo)),
        lifted_share=_lifted_share(plan, framing_of(in_photo)),
    )


def _size_ratio(result: FloatArray, photo: FloatArray) -> float:
    """Return how many times as large the bones of poses (T, 18, 3) are as those of others; 1 where not known."""
    sizes = measure(result, "driving"), measure(photo, "source")
    return 1.0 if sizes[0] is None or sizes[1] is None else compare(sizes[0], sizes[1]).scale


def _lifted_share(plan: TransferPlan, framing: Framing) -> float:
    if framing is Framing.WHOLE or plan.setup.options.placement_choice != "source":
        return 0.0
    source, target = plan.inputs.source, plan.target
    size = source.size
    pose = source.person.pose.transformed(contain(size, (target.width, target.height)).matrix(*size))
    lowest = [index for index in _LOWEST[framing] if pose.scores[index] >= VISIBLE_SCORE]
    lifts = pose.xy[lowest, 1].mean() - target.points[target.present][:, lowest, 1].mean(axis=1)
    return float((lifts > _LIFTED * typical_torso(pose.points[None])).mean())


def _outside_share(target: PoseTrack, framing: Framing) -> float:
    points = target.points[target.present]
    xy, seen = points[..., :2], points[..., 2] >= VISIBLE_SCORE
    outside = (xy < -0.5).any(axis=-1) | (xy[..., 0] > target.width - 0.5)
    # a photo that ends at the hips or knees cuts everybody off there
    if framing is Framing.WHOLE:
        outside |= xy[..., 1] > target.height - 0.5
    return float((outside & seen).any(axis=1).mean())


# a length that was changed by more than this part is another body's; less is what a percentile or a knee half bent does
_STRONG_CLAMP: Final = 0.25
# enlarged so far, single pixels of the photo begin to show as blur
_BLURRED: Final = 1.5
_VERY_BLURRED: Final = 4.0
# shares of the frames: a hand that leaves the picture in a leap, and somebody who dances beside it
_SOMETIMES_OUTSIDE: Final = 0.1
_MOSTLY_OUTSIDE: Final = 0.5

_LIMBS: Final = ("elbow", "wrist", "hip", "knee", "ankle")


def alignment_issues(stats: AlignmentStats, framing: Framing, options: TransferOptions) -> Iterator[Issue]:
    """Yield what speaks against a photo and a clip together.

    Parameters
    ----------
    stats : AlignmentStats
    framing : Framing
        What of the body the photo shows; what is hidden within it is the photo's fault alone.
    options : TransferOptions
    """
    missing = _limbs([name for name in stats.missing if name.endswith(OUT_OF_SIGHT[framing])])
    kept = _limbs(stats.kept)
    if missing:
        yield Issue(
            "together.missing",
            Verdict.FAIR,
            f"the clip moves what the photo does not show: {', '.join(missing)}; where that comes into sight, plain "
            "colors are painted",
            "Use a photo that shows as much of the body as the clip, or a clip of the upper body",
        )
    if kept:
        yield Issue(
            "together.kept",
            Verdict.FAIR,
            f"the photo shows what the clip does not: {', '.join(kept)}; it stays as it is in the photo",
            "Use a clip that shows as much of the body as the photo, if more is to move",
        )
    yield from _clamp_issues(stats.clamps)
    long_side = max(stats.output_width, stats.output_height)
    placed = "`placement=driving`" if options.placement_choice == "source" else "`placement=source`"
    yield from issue_by_threshold(
        "together.outside",
        stats.outside_share,
        _SOMETIMES_OUTSIDE,
        _MOSTLY_OUTSIDE,
        f"parts of the person are outside of the result's frame in {stats.outside_share:.0%} of the frames",
        f"Use a photo with more room around the person, or try {placed}",
    )
    yield from issue_by_threshold(
        "together.lifted",
        stats.lifted_share,
        _SOMETIMES_OUTSIDE,
        _MOSTLY_OUTSIDE,
        f"the photo cuts the body off below, and the person is lifted in {stats.lifted_share:.0%} of the frames, so "
        "that the cut shows",
        "Use a photo that shows the feet, or a clip in which the body stays at one height",
    )
    yield from issue_by_threshold(
        "together.enlarged",
        stats.enlargement,
        _BLURRED,
        _VERY_BLURRED,
        f"the person is shown {stats.enlargement:.1f} times as large as in the photo, and so is blurred",
        f"Use a larger photo, or make the result smaller (`size={round(long_side / stats.enlargement)}`)",
    )


def _clamp_issues(clamps: Sequence[Clamp]) -> Iterator[Issue]:
    strong = [clamp for clamp in clamps if abs(clamp.used / clamp.wanted - 1) > _STRONG_CLAMP]
    for whose, picture, option in (("source", "photo", "`source_poses`"), ("driving", "clip", "`driving_poses`")):
        if differences := _differences([clamp for clamp in strong if clamp.whose == whose]):
            yield Issue(
                f"together.{whose}_lengths",
                Verdict.FAIR,
                f"limbs in the {picture} are not as long as a body's, so that usual lengths are taken: {differences}",
                f"Use a {picture} in which limbs do not point at the camera, or look at the points with `preview` and "
                f"give {option}",
            )
    if differences := _differences([clamp for clamp in strong if clamp.whose == "ratio"]):
        yield Issue(
            "together.ratios",
            Verdict.FAIR,
            "the two are built very differently, or seen from other sides, so that less of it is taken over: "
            f"{differences}",
            "Look at the preview whether head and shoulders have a natural size; `retarget=False` takes the clip's "
            "proportions",
        )


def _differences(clamps: Sequence[Clamp]) -> str:
    """Return what was measured against what is taken, such as 'forearms 29% shorter'."""
    parts = {BONE_NAMES[clamp.bone]: clamp.wanted / clamp.used - 1 for clamp in clamps}
    return ", ".join(f"{name} {abs(part):.0%} {'shorter' if part < 0 else 'longer'}" for name, part in parts.items())


def _limbs(names: Sequence[str]) -> list[str]:
    """Return those names that are limbs', both sides as one: 'knees' for 'right knee' and 'left knee'."""
    sides: dict[str, list[str]] = {}
    for name in names:
        side, _, part = name.partition(" ")
        if part in _LIMBS:
            sides.setdefault(part, []).append(side)
    return [f"{part}s" if len(which) > 1 else f"{which[0]} {part}" for part, which in sides.items()]
