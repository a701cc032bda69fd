"""What speaks against a photo and a clip together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from motionwarp.pipeline.alignment_facts import AlignmentFacts
from motionwarp.pipeline.options import TransferOptions
from motionwarp.pipeline.suitability import Doubt, Verdict, graded
from motionwarp.pose.body_tree import BONE_NAMES
from motionwarp.pose.proportions import Clamp
from motionwarp.pose.stance import OUT_OF_SIGHT, Framing

# a length that was changed by more than this part is another body's; less is what a percentile or a knee half bent does
_STRONG_CLAMP: Final = 0.25
# enlarged so far, single pixels of the photo begin to show as blur
_BLURRED: Final = 1.5
_VERY_BLURRED: Final = 4.0
# shares of the frames: a hand that leaves the picture in a leap, and somebody who dances beside it
_SOMETIMES_OUTSIDE: Final = 0.1
_MOSTLY_OUTSIDE: Final = 0.5

_LIMBS: Final = ("elbow", "wrist", "hip", "knee", "ankle")


def alignment_doubts(facts: AlignmentFacts, framing: Framing, options: TransferOptions) -> Iterator[Doubt]:
    """Yield what speaks against a photo and a clip together.

    Parameters
    ----------
    facts : AlignmentFacts
    framing : Framing
        Of the photo; what is hidden within it is the photo's fault alone.
    options : TransferOptions
    """
    missing = _limbs([name for name in facts.missing if name.endswith(OUT_OF_SIGHT[framing])])
    kept = _limbs(facts.kept)
    if missing:
        yield Doubt(
            "together.missing",
            Verdict.FAIR,
            f"the clip moves what the photo does not show: {', '.join(missing)}; where that comes into sight, plain colours are painted",
            "Use a photo that shows as much of the body as the clip, or a clip of the upper body",
        )
    if kept:
        yield Doubt(
            "together.kept",
            Verdict.FAIR,
            f"the photo shows what the clip does not: {', '.join(kept)}; it stays as it is in the photo",
            "Use a clip that shows as much of the body as the photo, if more is to move",
        )
    yield from _clamp_doubts(facts.clamps)
    long_side = max(facts.output_width, facts.output_height)
    placed = "--placement driving" if options.placement == "source" else "--placement source"
    yield from graded(
        "together.outside",
        facts.outside_share,
        _SOMETIMES_OUTSIDE,
        _MOSTLY_OUTSIDE,
        f"parts of the person are outside of the result's frame in {facts.outside_share:.0%} of the frames",
        f"Use a photo with more room around the person, or try {placed}",
    )
    yield from graded(
        "together.lifted",
        facts.lifted_share,
        _SOMETIMES_OUTSIDE,
        _MOSTLY_OUTSIDE,
        f"the photo cuts the body off below, and the person is lifted in {facts.lifted_share:.0%} of the frames, so that the cut shows",
        "Use a photo that shows the feet, or a clip in which the body stays at one height",
    )
    yield from graded(
        "together.enlarged",
        facts.enlargement,
        _BLURRED,
        _VERY_BLURRED,
        f"the person is shown {facts.enlargement:.1f} times as large as in the photo, and so is blurred",
        f"Use a larger photo, or make the result smaller (--size {round(long_side / facts.enlargement)})",
    )


def _clamp_doubts(clamps: Sequence[Clamp]) -> Iterator[Doubt]:
    strong = [clamp for clamp in clamps if abs(clamp.used / clamp.wanted - 1) > _STRONG_CLAMP]
    for whose, picture, option in (("source", "photo", "--source-poses"), ("driving", "clip", "--driving-poses")):
        if told := _told([clamp for clamp in strong if clamp.whose == whose]):
            yield Doubt(
                f"together.{whose}_lengths",
                Verdict.FAIR,
                f"limbs in the {picture} are not as long as a body's, so that usual lengths are taken: {told}",
                f"Use a {picture} in which limbs do not point at the camera, or look at the points with --preview and give {option}",
            )
    if told := _told([clamp for clamp in strong if clamp.whose == "ratio"]):
        yield Doubt(
            "together.ratios",
            Verdict.FAIR,
            f"the two are built very differently, or seen from other sides, so that less of it is taken over: {told}",
            "Look at the preview whether head and shoulders have a natural size; --no-retarget takes the clip's proportions",
        )


def _told(clamps: Sequence[Clamp]) -> str:
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
