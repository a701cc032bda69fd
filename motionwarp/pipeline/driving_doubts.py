"""What speaks against a driving clip."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from motionwarp.pipeline.clip_times import section_options, span_text, time_text
from motionwarp.pipeline.driving_facts import DrivingFacts, Span
from motionwarp.pipeline.options import TransferOptions
from motionwarp.pipeline.source_facts import SourceFacts
from motionwarp.pipeline.suitability import Doubt, Verdict, graded
from motionwarp.pose.stance import View

# lapses up to half a second are interpolated, and nobody sees it; where motion is made up or missing for most of the time, the result is
# not the clip's motion
_SHORT_SECONDS: Final = 0.5
_MOSTLY: Final = 0.5
# one tenth of a clip is a glance aside, and as much as is told of doubtful readings too (`doubts.WORTH_TELLING`)
_WORTH_TELLING: Final = 0.1
# a point that is missing in half of the frames is held or guessed for longer than it is seen
_RARELY: Final = 0.5
# twelve street photos reduced to people of 60 pixels lost one point in fifty, but a point off by a pixel is off by a 60th of the body
SMALL_DRIVER: Final = 60
_NAMED: Final = 4

_LIMBS: Final = ("elbow", "wrist", "knee", "ankle")
# views of the clip that a photo of some view can follow
_FOLLOWED: Final = {
    View.FRONTAL: (View.FRONTAL, View.TURNED, View.UNKNOWN),
    View.TURNED: (View.FRONTAL, View.TURNED, View.UNKNOWN),
    View.PROFILE: (View.PROFILE, View.TURNED, View.UNKNOWN),
    View.BACK: (View.BACK, View.UNKNOWN),
    View.UNKNOWN: tuple(View),
}


def driving_doubts(facts: DrivingFacts, source: SourceFacts, options: TransferOptions) -> Iterator[Doubt]:
    """Yield what speaks against a clip for a photo.

    Parameters
    ----------
    facts : DrivingFacts
    source : SourceFacts
        Whose view decides which views of the clip can be followed.
    options : TransferOptions
        With which they were looked at.
    """
    yield from _presence_doubts(facts)
    if facts.people is not None and facts.people > 1 and options.person == "largest":
        yield Doubt(
            "driving.people",
            Verdict.FAIR,
            f"up to {facts.people} people are in the clip at once; the one who is largest in the first frame is followed",
            "See with --preview who it is, choose with --person 1, or cut the clip to where one is alone",
        )
    if facts.cuts_seconds:
        where = _listed([time_text(seconds) for seconds in facts.cuts_seconds])
        yield Doubt(
            "driving.cuts",
            Verdict.FAIR,
            f"the clip is cut at {where}: the person jumps there, and may be another one in each shot",
            _cut_remedy(facts, "Use a clip of one shot"),
        )
    yield from _view_doubts(facts, source)
    rare = [
        f"{name.replace('_', ' ')} {share:.0%}"
        for name, share in facts.points_seen.items()
        if name.endswith(_LIMBS) and 0 < share < _RARELY
    ]
    if rare:
        yield Doubt(
            "driving.points",
            Verdict.FAIR,
            f"seen in few frames only, and guessed between: {', '.join(rare)}",
            "Use a clip in which arms and legs are not hidden, or correct the points (--save-poses, then --driving-poses)",
        )
    if facts.person_height < SMALL_DRIVER:
        yield Doubt(
            "driving.small",
            Verdict.FAIR,
            f"the person is only {facts.person_height:.0f} pixels high, so that points tremble",
            "Use a larger clip, or smooth more (--smooth 0.8)",
        )
    for note in facts.notes:
        yield Doubt("driving.unsure", Verdict.FAIR, note, "Look at the clip there; another section (--start, --end) may be better")


def _presence_doubts(facts: DrivingFacts) -> Iterator[Doubt]:
    lost = [span for span in facts.lost if span.end_seconds - span.start_seconds > _SHORT_SECONDS]
    level = Verdict.POOR if facts.followed_share < _MOSTLY else Verdict.FAIR
    share = f"the person is found in {facts.followed_share:.0%} of the frames"
    if facts.gone:
        text = f"{share}; nobody is drawn in {_spans(facts.gone)}, where the person is out of the picture"
        yield Doubt("driving.gone", level, text, _cut_remedy(facts, "Use a clip in which the person stays in the picture"))
    if lost:
        text = f"{share}; the motion is made up in {_spans(lost)}, where they were lost"
        yield Doubt("driving.lost", level, text, _cut_remedy(facts, "Use a clip in which nothing hides the person"))


def _view_doubts(facts: DrivingFacts, source: SourceFacts) -> Iterator[Doubt]:
    away = {view.value: facts.views.get(view.value, 0.0) for view in View if view not in _FOLLOWED[source.view]}
    told = ", ".join(f"{view} {share:.0%}" for view, share in away.items() if share > 0)
    yield from graded(
        "driving.views",
        sum(away.values()),
        _WORTH_TELLING,
        _MOSTLY,
        f"the clip shows views that a {source.view.value} photo knows nothing of ({told}): heads turn, clothes stay as they are",
        _cut_remedy(facts, "Use a clip in which the person faces the camera"),
    )
    yield from graded(
        "driving.lying",
        facts.lying_share,
        _WORTH_TELLING,
        _MOSTLY,
        f"the person lies or hangs in {facts.lying_share:.0%} of the frames, which is often not followed well",
        "Use a clip of somebody who is upright",
    )


def _cut_remedy(facts: DrivingFacts, otherwise: str) -> str:
    options = None if facts.best_section is None else section_options(facts.best_section)
    return otherwise if options is None else f"Cut to the best section with {options}"


def _spans(spans: Sequence[Span]) -> str:
    return _listed([span_text(span) for span in spans])


def _listed(texts: Sequence[str]) -> str:
    more = f" and {len(texts) - _NAMED} more" if len(texts) > _NAMED else ""
    return ", ".join(texts[:_NAMED]) + more
