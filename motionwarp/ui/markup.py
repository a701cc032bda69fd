"""What the page says, as HTML: verdicts, progress, failures, clips in a row. What is not ours is escaped."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from motionwarp.errors import MotionwarpError
from motionwarp.ui.jobs import JobState, JobView

if TYPE_CHECKING:
    from motionwarp.pipeline.check.report import CheckReport

_MEANINGS: Final = {
    "good": "Nothing speaks against it.",
    "fair": "It works, with these doubts:",
    "poor": "The result will hardly be what the clip shows:",
}
_STAGES: Final = {
    "source": "Looking at the photo",
    "motion": "Following the motion",
    "plan": "Fitting the motion",
    "render": "Drawing",
    "avatar": "Making the avatar",
    "turntable": "Turning it",
    "clothes": "Looking at the clothes",
    "swap": "Dressing",
    "clips": "Making clips",
}
_PICTURES: Final = (".gif", ".webp", ".png", ".apng", ".jpg", ".jpeg")
# an option in a message, or one with a value, as errors write them
_OPTION: Final = re.compile(r"`([a-z]\w*)(?:=([^`\s]*))?`")


def note(text: str, kind: str = "note") -> str:
    """Return one line in a box; `kind` is 'note' or 'bad'."""
    return f'<div class="mw-box mw-{kind}" role="status">{escape(text)}</div>'


def sentence_of(error: MotionwarpError) -> str:
    """Return an error for people who see a page: files by their names, options in words."""
    named = " and ".join(f"{_in_words(name)}: {value}" for name, value in error.values.items())
    subject = named or (Path(error.subject).name if error.subject else "")
    head = f"{subject}: {error.problem}" if subject else error.problem
    return _in_page(f"{_capital(head)}. {error.remedy}".strip().rstrip(".") + ".")


def failure(view: JobView) -> str:
    """Return why a job failed."""
    return note(sentence_of(view.error) if view.error is not None else view.text, "bad")


def verdict(report: CheckReport) -> str:
    """Return what a check found, with what to do about each doubt."""
    word = report.verdict.value
    issues = "".join(
        f'<li class="mw-{issue.level.value}">{escape(_in_page(_capital(issue.text)))}. '
        f"<span>{escape(_in_page(issue.remedy))}.</span></li>"
        for issue in report.issues
    )
    made = f"About {clock(report.cost.seconds)} for {report.together.output_frames} frames of "
    made += f"{report.together.output_width}x{report.together.output_height} by {report.engine}."
    return (
        f'<div class="mw-box mw-verdict mw-{word}" role="status" data-verdict="{word}"><b>{_capital(word)}.</b> '
        f"{_MEANINGS[word]}<ul>{issues}</ul><p>{escape(made)}</p></div>"
    )


def progress(view: JobView) -> str:
    """Return a bar with what is done and how long it will take yet; nothing for a job that went well."""
    if view.state is JobState.FAILED:
        return failure(view)
    if view.state is JobState.CANCELED:
        return note("Canceled. Nothing of it was kept.")
    if view.state is JobState.DONE:
        return ""
    percent = round(100 * view.share)
    return (
        f'<div class="mw-box mw-progress" role="progressbar" aria-valuenow="{percent}" aria-valuemin="0" '
        f'aria-valuemax="100"><div class="mw-bar"><div style="width:{percent}%"></div></div>'
        f"<span>{escape(_doing(view))}</span></div>"
    )


def _doing(view: JobView) -> str:
    if view.state is JobState.WAITING:
        return "Waiting for what runs." if view.ahead <= 1 else f"Waiting; {view.ahead} others come first."
    if view.step is None:
        return "Beginning."
    prefix, _, stage = view.step.stage.rpartition(": ")
    done = "" if view.step.total in (None, 1) else f", {view.step.done} of {view.step.total}"
    left = "" if view.seconds_left is None else f"; about {clock(view.seconds_left)} left"
    return f"{prefix + ': ' if prefix else ''}{_STAGES.get(stage, _capital(stage))}{done}{left}."


@dataclass(frozen=True)
class Clip:
    """A clip on the page.

    Attributes
    ----------
    path : Path
    caption : str
    begin : float
        Second at which it is in step with the others.
    sound : bool
        Whether it is the one that is heard.
    """

    path: Path
    caption: str
    begin: float = 0.0
    sound: bool = False


def clips_side_by_side(clips: Sequence[Clip]) -> str:
    """Return clips beside each other, below each other where it is narrow, with a button that plays all in step."""
    players = "".join(
        f"<figure>{_player(clip)}<figcaption>{escape(clip.caption)}</figcaption></figure>" for clip in clips
    )
    several = sum(clip.path.suffix.lower() not in _PICTURES for clip in clips) > 1
    button = '<button type="button" class="mw-play">Play all from the start</button>' if several else ""
    return f'<div class="mw-clips"><div class="mw-row">{players}</div>{button}</div>'


def _player(clip: Clip) -> str:
    source = escape(address(clip.path))
    if clip.path.suffix.lower() in _PICTURES:
        return f'<img alt="{escape(clip.caption)}" src="{source}">'
    muted = "" if clip.sound else "muted "
    return f'<video controls playsinline preload="auto" data-begin="{clip.begin:g}" {muted}src="{source}"></video>'


def in_space(model: Path) -> str:
    """Return a view of an avatar's .glb that can be turned; the page's script fills it."""
    told = "Drag to turn, use the wheel or two fingers to come closer, click twice for the front."
    return (
        f'<div class="mw-space" data-model="{escape(address(model))}"><canvas tabindex="0" role="img" '
        f'aria-label="The avatar in 3D; the arrow keys turn it"></canvas><p>{told}</p></div>'
    )


def listed(texts: Iterable[str], title: str) -> str:
    """Return sentences under a title, folded; nothing without any."""
    items = "".join(f"<li>{escape(_in_page(text))}</li>" for text in texts)
    return f'<details class="mw-box"><summary>{escape(title)}</summary><ul>{items}</ul></details>' if items else ""


@dataclass(frozen=True)
class QueueRow:
    """One data set of the queue.

    Attributes
    ----------
    name, contents : str
        What it is called, and what goes into it.
    view : JobView
    """

    name: str
    contents: str
    view: JobView


def queue_table(rows: Sequence[QueueRow]) -> str:
    """Return the queue of data sets."""
    if not rows:
        return note("Nothing is in the queue.")
    lines = "".join(
        f'<tr data-state="{row.view.state.value}"><td>{escape(row.name)}</td><td>{escape(row.contents)}</td>'
        f"<td>{escape(_standing(row.view))}</td></tr>"
        for row in rows
    )
    head = "<tr><th>Data set</th><th>Of</th><th>State</th></tr>"
    return f'<table class="mw-queue"><thead>{head}</thead><tbody>{lines}</tbody></table>'


def _standing(view: JobView) -> str:
    if view.state is JobState.FAILED:
        return f"Failed: {sentence_of(view.error) if view.error is not None else view.text}"
    if view.state is JobState.CANCELED:
        return "Stopped; it can be resumed."
    if view.state is JobState.DONE:
        return f"Done: {view.value.done} of {view.value.clips} clips, {view.value.failed} failed."
    return _doing(view)


def address(path: Path) -> str:
    """Return where the page finds a file that was made for it."""
    return f"gradio_api/file={quote(str(path))}"


def clock(seconds: float) -> str:
    """Return a duration as "7 s" or "1:02 min"."""
    whole = max(round(seconds), 1)
    return f"{whole} s" if whole < 60 else f"{whole // 60}:{whole % 60:02d} min"


def _in_page(text: str) -> str:
    """Return a message with its options in words."""
    return _OPTION.sub(lambda found: f"“{_in_words(found[1])}{': ' + found[2] if found[2] else ''}”", text)


def _in_words(name: str) -> str:
    return name.replace("_", " ")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
