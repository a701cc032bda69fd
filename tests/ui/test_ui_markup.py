"""What the page says: nothing that is not ours is taken for HTML, and options are words."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from motionwarp.errors import MediaError, OptionError
from motionwarp.pipeline.check.issues import Issue, Verdict
from motionwarp.ui import markup
from motionwarp.ui.jobs import JobState, JobView
from motionwarp.ui.remaining import Step

NASTY = '<img src=x onerror="alert(1)">'


def report(*issues: Issue) -> Any:
    level = issues[0].level if issues else Verdict.GOOD
    return SimpleNamespace(
        verdict=level,
        issues=issues,
        cost=SimpleNamespace(seconds=75.4),
        together=SimpleNamespace(output_frames=48, output_width=640, output_height=480),
        engine="layered",
    )


def test_names_of_files_are_never_html() -> None:
    texts = [
        markup.note(NASTY),
        markup.verdict(report(Issue("source.size", Verdict.FAIR, NASTY, NASTY))),
        markup.listed([NASTY], NASTY),
        markup.queue_table([markup.QueueRow(NASTY, NASTY, JobView(JobState.FAILED, text=NASTY))]),
        markup.clips_side_by_side([markup.Clip(Path(f'/tmp/a"b{NASTY}/x.mp4'), NASTY)]),
        markup.progress(JobView(JobState.RUNNING, step=Step(NASTY, 1, 2))),
        markup.failure(JobView(JobState.FAILED, error=MediaError(NASTY, subject=NASTY, remedy=NASTY))),
    ]
    for text in texts:
        assert "<img" not in text.lower()


def test_an_error_names_the_file_alone_and_options_in_words() -> None:
    error = MediaError("cannot be read", subject="/tmp/motionwarp-ui-1/tabs/x/Me.jpg", remedy="Try `source_time=1`")
    assert markup.sentence_of(error) == "Me.jpg: cannot be read. Try “source time: 1”."
    wrong = OptionError("is out of range", values={"source_person": 7}, remedy="Give `person` from 0.")
    assert markup.sentence_of(wrong) == "Source person: 7: is out of range. Give “person” from 0."


def test_a_verdict_tells_what_to_do_and_how_long_it_takes() -> None:
    text = markup.verdict(report(Issue("driving.cuts", Verdict.POOR, "the clip has cuts", "Give `start` and `end`")))
    assert 'data-verdict="poor"' in text
    assert "The clip has cuts. <span>Give “start” and “end”.</span>" in text
    assert "About 1:15 min for 48 frames of 640x480 by layered." in text
    assert "Nothing speaks against it." in markup.verdict(report())


@pytest.mark.parametrize(
    ("view", "told"),
    [
        (JobView(JobState.WAITING, ahead=1), "Waiting for what runs."),
        (JobView(JobState.WAITING, ahead=3), "3 others come first"),
        (JobView(JobState.RUNNING), "Beginning."),
        (JobView(JobState.RUNNING, step=Step("render", 12, 48), share=0.62, seconds_left=31.2),
         "Drawing, 12 of 48; about 31 s left."),
        (JobView(JobState.RUNNING, step=Step("2 of 2: motion", 3, None)), "2 of 2: Following the motion."),
        (JobView(JobState.CANCELED), "Canceled"),
    ],
)  # fmt: skip
def test_progress_is_told_in_words(view: JobView, told: str) -> None:
    assert told in markup.progress(view)


def test_the_bar_is_as_long_as_what_is_done() -> None:
    text = markup.progress(JobView(JobState.RUNNING, step=Step("render", 12, 48), share=0.624))
    assert 'aria-valuenow="62"' in text
    assert "width:62%" in text
    assert markup.progress(JobView(JobState.DONE)) == ""


def test_clips_begin_where_they_belong_together_and_one_is_heard() -> None:
    clips = [
        markup.Clip(Path("/a b/driver.mp4"), "The driver", begin=1.5),
        markup.Clip(Path("/r.mp4"), "R", sound=True),
    ]
    text = markup.clips_side_by_side(clips)
    assert 'data-begin="1.5" muted src="gradio_api/file=/a%20b/driver.mp4"' in text
    assert text.count("muted") == 1
    assert "mw-play" in text
    assert "mw-play" not in markup.clips_side_by_side(clips[:1])
