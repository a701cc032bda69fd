"""The report of `motionwarp check`, as people read it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from rich.table import Table
from rich.text import Text

from motionwarp.pipeline.check.bodies import facing_text
from motionwarp.pipeline.check.driving import span_text
from motionwarp.pipeline.check.issues import Verdict
from motionwarp.pose.kinematics import BONE_NAMES

from .errors import in_flags
from .reporting import clock
from .weights import size_text

if TYPE_CHECKING:
    from motionwarp.pipeline.check.alignment import AlignmentStats
    from motionwarp.pipeline.check.cost import RunningCost
    from motionwarp.pipeline.check.driving import DrivingStats, Span
    from motionwarp.pipeline.check.report import CheckReport
    from motionwarp.pipeline.check.source import SourceStats

_COLORS: Final = {Verdict.GOOD: "bold green", Verdict.FAIR: "bold yellow", Verdict.POOR: "bold red"}
_MEANINGS: Final = {
    Verdict.GOOD: "nothing speaks against it",
    Verdict.FAIR: "it works, with these doubts",
    Verdict.POOR: "the result will hardly be what the clip shows",
}
# bones are listed whose ratio a viewer would notice
_NOTICEABLE: Final = 0.1
_NAMED: Final = 4
_NEARLY_ALL: Final = 0.99

Row = tuple[str, str]


def report_table(report: CheckReport, source: str, driving: str) -> Table:
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
        f"{meaning}{':' if report.issues else ''}",
    )
    for issue in report.issues:
        level = Text(issue.level.value, style=_COLORS[issue.level])
        table.add_row("", level, in_flags(f"{_capital(issue.text)}.\n{issue.remedy}."))
    return table


def report_summary(report: CheckReport) -> dict[str, Any]:
    """Return the whole report for programs, with options as the command line spells them."""
    summary: dict[str, Any] = _in_flags(report.as_dict())
    return summary


def _in_flags(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _in_flags(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_in_flags(entry) for entry in value]
    return in_flags(value) if isinstance(value, str) else value


def _add(table: Table, title: str, rows: Sequence[Row]) -> None:
    for number, (name, text) in enumerate(rows):
        table.add_row(title if number == 0 else "", name, text)


def _source_rows(stats: SourceStats, name: str) -> list[Row]:
    points = f"{len(stats.points_seen)} of 18"
    for names, word in ((stats.points_unsure, "unsure"), (stats.points_unseen, "not seen")):
        points += f"; {word}: {', '.join(names)}" if names else ""
    people = "" if stats.people is None or stats.people == 1 else f", one of {stats.people} people"
    face = "face in sight" if stats.face else "face not in sight"
    return [
        ("picture", f"{name}, {stats.width}x{stats.height}"),
        ("person", f"{stats.person_height:.0f} pixels high, score {stats.score:.2f}{people}"),
        ("points", points),
        ("view", f"{stats.framing.value}, {stats.view.value}, {face}{'' if stats.upright else ', lying'}"),
        ("facing", "cannot be told" if stats.facing_degrees is None else facing_text(stats.facing_degrees)),
        *([("cut off", ", ".join(stats.cut_off))] if stats.cut_off else []),
        ("limbs", ", ".join(stats.limbs_in_front) or "none before others"),
        ("matte", "given" if stats.matte_given else "seen"),
    ]


def _driving_rows(stats: DrivingStats, name: str) -> list[Row]:
    about, uneven = ("about ", ", uneven") if stats.variable_rate else ("", "")
    rate = f"{about}{stats.frame_rate:.4g} frames a second{uneven}"
    turned = f", turned by {stats.rotation_degrees} degrees" if stats.rotation_degrees else ""
    sound = "with sound" if stats.has_audio else "no sound"
    looked = "all" if stats.frames == stats.frames_looked_at else str(stats.frames_looked_at)
    views = ", ".join(f"{view} {share:.0%}" for view, share in stats.views.items() if share > 0)
    people = "" if stats.people is None else f", {stats.people} at once at most"
    return [
        ("clip", f"{name}, {stats.width}x{stats.height}{turned}, {clock(stats.duration_seconds)}, {rate}, {sound}"),
        ("frames", f"{stats.frames}, looked at {looked}"),
        ("person", f"found in {stats.followed_share:.0%}, {stats.person_height:.0f} pixels high{people}"),
        *((word, _first(spans)) for word, spans in (("lost", stats.lost), ("away", stats.gone)) if spans),
        ("views", views),
        ("facing", _facing(stats)),
        *([("cut off", ", ".join(f"{part} {share:.0%}" for part, share in stats.cut.items()))] if stats.cut else []),
        ("cuts", str(len(stats.cuts_seconds) or "none")),
    ]


def _facing(stats: DrivingStats) -> str:
    if stats.facing_range is None:
        return "cannot be told"
    mean = "all round" if stats.facing_degrees is None else facing_text(stats.facing_degrees)
    low, high = stats.facing_range
    told = "" if stats.facing_told > _NEARLY_ALL else f", told in {stats.facing_told:.0%}"
    return f"{mean} in the mean, from {low:.0f} to {high:.0f} degrees{told}"


def _together_rows(stats: AlignmentStats) -> list[Row]:
    noticeable = {BONE_NAMES[bone]: ratio for bone, ratio in stats.bones.items() if abs(ratio - 1) >= _NOTICEABLE}
    bones = ", ".join(f"{name} {ratio:.2f}" for name, ratio in noticeable.items())
    clamped = dict.fromkeys(BONE_NAMES[clamp.bone] for clamp in stats.clamps)
    return [
        ("size", f"{stats.scale:.2f} times the driving person's, by the {stats.scale_from}"),
        ("build", f"beside that {bones} times" if bones else "alike"),
        ("clamped", ", ".join(clamped) or "nothing"),
        ("place", f"by the {stats.anchor}, where the {stats.placement} person stands"),
        (
            "result",
            f"{stats.output_width}x{stats.output_height}, {stats.output_frames} frames, {clock(stats.output_seconds)}",
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
