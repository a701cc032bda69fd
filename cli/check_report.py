"""The report of `motionwarp check`, as people read it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from rich.table import Table
from rich.text import Text

from motionwarp.pipeline.check.driving import span_text
from motionwarp.pipeline.check.issues import Verdict
from motionwarp.pose.kinematics import BONE_NAMES

from .reporting import clock
from .weights import size_text

if TYPE_CHECKING:
    from motionwarp.pipeline.check.alignment import AlignmentStats
    from motionwarp.pipeline.check.cost import RunningCost
    from motionwarp.pipeline.check.driving import DrivingStats, Span
    from motionwarp.pipeline.check.report import FeasibilityReport
    from motionwarp.pipeline.check.source import SourceStats

_COLORS: Final = {Verdict.GOOD: "bold green", Verdict.FAIR: "bold yellow", Verdict.POOR: "bold red"}
_MEANINGS: Final = {
    Verdict.GOOD: "nothing speaks against it",
    Verdict.FAIR: "it works, with these doubts",
    Verdict.POOR: "the result will hardly be what the clip shows",
}
# bones told are those whose ratio a viewer would notice
_NOTICEABLE: Final = 0.1
_NAMED: Final = 4

Row = tuple[str, str]


def report_table(report: FeasibilityReport, source: str, driving: str) -> Table:
    """Return the whole report, `source` and `driving` being the inputs' names."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    _add(table, "Source", _source_rows(report.source, source))
    _add(table, "Driving", _driving_rows(report.driving, driving))
    _add(table, "Together", _together_rows(report.together))
    _add(table, "Cost", _cost_rows(report.cost, report.device))
    if report.preview is not None:
        _add(table, "Preview", [("sheet", str(report.preview))])
    meaning = _MEANINGS[report.verdict]
    table.add_row(
        "Verdict",
        Text(report.verdict.value, style=_COLORS[report.verdict]),
        f"{meaning}{':' if report.doubts else ''}",
    )
    for doubt in report.doubts:
        table.add_row(
            "", Text(doubt.level.value, style=_COLORS[doubt.level]), f"{_capital(doubt.text)}.\n{doubt.remedy}."
        )
    return table


def _add(table: Table, title: str, rows: Sequence[Row]) -> None:
    for number, (name, text) in enumerate(rows):
        table.add_row(title if number == 0 else "", name, text)


def _source_rows(facts: SourceStats, name: str) -> list[Row]:
    points = f"{len(facts.points_seen)} of 18"
    for names, word in ((facts.points_unsure, "unsure"), (facts.points_unseen, "not seen")):
        points += f"; {word}: {', '.join(names)}" if names else ""
    people = "" if facts.people is None or facts.people == 1 else f", one of {facts.people} people"
    face = "face in sight" if facts.face else "face not in sight"
    return [
        ("picture", f"{name}, {facts.width}x{facts.height}"),
        ("person", f"{facts.person_height:.0f} pixels high, score {facts.score:.2f}{people}"),
        ("points", points),
        ("view", f"{facts.framing.value}, {facts.view.value}, {face}{'' if facts.upright else ', lying'}"),
        ("limbs", ", ".join(facts.limbs_in_front) or "none before others"),
        ("matte", "given" if facts.matte_given else "seen"),
    ]


def _driving_rows(facts: DrivingStats, name: str) -> list[Row]:
    rate = f"{'about ' if facts.variable_rate else ''}{facts.frame_rate:.4g} frames a second{', uneven' if facts.variable_rate else ''}"
    turned = f", turned by {facts.rotation_degrees} degrees" if facts.rotation_degrees else ""
    sound = "with sound" if facts.has_audio else "no sound"
    looked = "all" if facts.frames == facts.frames_looked_at else str(facts.frames_looked_at)
    views = ", ".join(f"{view} {share:.0%}" for view, share in facts.views.items() if share > 0)
    people = "" if facts.people is None else f", {facts.people} at once at most"
    return [
        ("clip", f"{name}, {facts.width}x{facts.height}{turned}, {clock(facts.duration_seconds)}, {rate}, {sound}"),
        ("frames", f"{facts.frames}, looked at {looked}"),
        ("person", f"found in {facts.followed_share:.0%}, {facts.person_height:.0f} pixels high{people}"),
        *((word, _first(spans)) for word, spans in (("lost", facts.lost), ("away", facts.gone)) if spans),
        ("views", views),
        ("cuts", str(len(facts.cuts_seconds) or "none")),
    ]


def _together_rows(facts: AlignmentStats) -> list[Row]:
    noticeable = {BONE_NAMES[bone]: ratio for bone, ratio in facts.bones.items() if abs(ratio - 1) >= _NOTICEABLE}
    bones = ", ".join(f"{name} {ratio:.2f}" for name, ratio in noticeable.items())
    clamped = dict.fromkeys(BONE_NAMES[clamp.bone] for clamp in facts.clamps)
    return [
        ("size", f"{facts.scale:.2f} times the driving person's, by the {facts.scale_from}"),
        ("build", f"beside that {bones} times" if bones else "alike"),
        ("clamped", ", ".join(clamped) or "nothing"),
        ("place", f"by the {facts.anchor}, where the {facts.placement} person stands"),
        (
            "result",
            f"{facts.output_width}x{facts.output_height}, {facts.output_frames} frames, {clock(facts.output_seconds)}",
        ),
    ]


def _cost_rows(cost: RunningCost, device: str) -> list[Row]:
    made = f"{clock(cost.looking_seconds)} to look at both, then {1e3 * cost.frame_seconds:.0f} ms a frame"
    memory = size_text(cost.memory_bytes) if cost.memory_bytes else "not known"
    card = f", {size_text(cost.device_memory_bytes)} on the card" if cost.device_memory_bytes else ""
    return [
        ("time", f"about {clock(cost.seconds)} on this {device}: {made} ({cost.frames_measured} frames were made)"),
        ("memory", f"{memory}{card}"),
    ]


def _first(spans: Sequence[Span]) -> str:
    more = f" and {len(spans) - _NAMED} more" if len(spans) > _NAMED else ""
    return ", ".join(map(span_text, spans[:_NAMED])) + more


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
