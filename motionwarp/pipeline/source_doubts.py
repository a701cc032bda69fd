"""What speaks against a photo."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from motionwarp.pipeline.options import TransferOptions
from motionwarp.pipeline.source_facts import SourceFacts
from motionwarp.pipeline.suitability import Doubt, Verdict
from motionwarp.pose.stance import OUT_OF_SIGHT, Framing, View

# pixels that the person is high. Twelve street photos reduced to people of 60 pixels lost only one point in fifty: it is the picture that
# suffers. A head is an eighth of the body; with 20 pixels for it eyes have two or three,
SMALL_PERSON: Final = 160
# and with 7 it is a blot
TINY_PERSON: Final = 60

_LIMBS: Final = ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")


def source_doubts(facts: SourceFacts, options: TransferOptions) -> Iterator[Doubt]:
    """Yield what speaks against a photo, whatever the clip.

    Parameters
    ----------
    facts : SourceFacts
    options : TransferOptions
        With which it was looked at.
    """
    if facts.people is not None and facts.people > 1 and options.person == "largest":
        yield Doubt(
            "source.people",
            Verdict.FAIR,
            f"{facts.people} people are in the photo; the largest is taken, and the others stay in the background",
            "Choose with --person 1, or crop the photo to the one meant",
        )
    yield from _framing_doubts(facts)
    yield from _view_doubts(facts)
    if facts.limbs_in_front:
        yield Doubt(
            "source.limbs_in_front",
            Verdict.FAIR,
            f"{', '.join(facts.limbs_in_front)}: what lies behind them is not known, and is painted when they move away",
            "Use a photo with arms away from the body and legs apart",
        )
    yield from _size_doubts(facts)
    for note in facts.notes:
        yield Doubt("source.unsure", Verdict.FAIR, note, "Use a brighter or sharper photo, or give the points with --source-poses")


def _framing_doubts(facts: SourceFacts) -> Iterator[Doubt]:
    if facts.framing is Framing.BUST:
        yield Doubt(
            "source.framing",
            Verdict.POOR,
            "the photo shows head and shoulders only: how large the body is can only be guessed",
            "Use a photo that shows at least the hips, best the whole body",
        )
    hidden = [name for name in facts.points_unseen if name.endswith(_LIMBS) and not name.endswith(OUT_OF_SIGHT[facts.framing])]
    if hidden:
        yield Doubt(
            "source.points",
            Verdict.FAIR,
            f"{', '.join(hidden)} cannot be seen: the other side's are copied, or a standing person's are taken",
            "Use a photo in which no arm or leg is hidden, or give the points with --source-poses",
        )
    if facts.cut_at:
        yield Doubt(
            "source.cut",
            Verdict.FAIR,
            f"the photo cuts the person off at the {' and '.join(facts.cut_at)}: what is cut off is missing when it comes into sight",
            "Use a photo with some room around the person",
        )


def _view_doubts(facts: SourceFacts) -> Iterator[Doubt]:
    remedy = "Use a photo in which the person faces the camera"
    if facts.view is View.PROFILE:
        # one arm, one leg and half of the face are behind the others, and no warp brings them forth
        yield Doubt("source.view", Verdict.POOR, "the person is seen from the side: half of the body is hidden by the other", remedy)
    elif facts.view is View.BACK:
        yield Doubt("source.view", Verdict.FAIR, "the person is seen from behind: face and chest are never shown", remedy)
    elif facts.view is View.TURNED:
        yield Doubt("source.view", Verdict.FAIR, "the person is turned by more than 45 degrees: the far side is mostly hidden", remedy)
    elif facts.view is View.UNKNOWN:
        yield Doubt("source.view", Verdict.FAIR, "the shoulders cannot be seen, so that the view is not known", remedy)
    if not facts.upright:
        yield Doubt("source.lying", Verdict.POOR, "the person lies or hangs: poses of standing people fit badly", "Use an upright photo")


def _size_doubts(facts: SourceFacts) -> Iterator[Doubt]:
    if 0 < facts.person_height < SMALL_PERSON:
        yield Doubt(
            "source.small",
            Verdict.POOR if facts.person_height < TINY_PERSON else Verdict.FAIR,
            f"the person is only {facts.person_height:.0f} pixels high: face and hands have hardly any pixels",
            f"Use a larger photo or one from nearer, best with people of {SMALL_PERSON} pixels and more",
        )
