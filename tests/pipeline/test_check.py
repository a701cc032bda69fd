"""What `motionwarp.check` says of drawn people whose points are known."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from drawn_views import (
    APART,
    HEIGHT,
    RATE,
    WIDTH,
    ExactEstimator,
    drawn,
    empty_picture,
    waving,
    write_clip,
    write_source,
)

import motionwarp
from motionwarp.data.synthetic import BodyPose, SyntheticView
from motionwarp.errors import NoPersonError, OutputError
from motionwarp.media.image import read_image
from motionwarp.pipeline.check.issues import Issue, Verdict, verdict_of
from motionwarp.pipeline.check.report import CheckReport
from motionwarp.pipeline.progress import Stage
from motionwarp.pose import skeleton as sk

Checked = Callable[..., CheckReport]
Views = Sequence[SyntheticView | None]


@pytest.fixture(scope="module")
def frontal() -> SyntheticView:
    return drawn()


@pytest.fixture(scope="module")
def dance() -> list[SyntheticView]:
    return waving(6)


@pytest.fixture
def checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checked:
    """Writes a picture and a clip of drawn views, and checks them."""

    def run(source: SyntheticView | None, clip: Views, people: int = 1, **how: object) -> CheckReport:
        estimator = ExactEstimator(source, clip, people)
        monkeypatch.setattr("motionwarp.pipeline.analysis.make_estimator", lambda *_: estimator)
        picture = write_source(tmp_path / "person.png", source or drawn())
        video = write_clip(tmp_path / "dance.mp4", [empty_picture() if view is None else view.rgb for view in clip])
        return motionwarp.check(picture, video, **{"engine": "layered", "device": "cpu", **how})

    return run


def codes(report: CheckReport) -> set[str]:
    return {issue.code for issue in report.issues}


def the(report: CheckReport, code: str) -> Issue:
    return next(issue for issue in report.issues if issue.code == code)


def test_a_whole_frontal_body_and_a_frontal_dance_are_good(
    checked: Checked, frontal: SyntheticView, dance: Views
) -> None:
    report = checked(frontal, dance)
    assert report.issues == ()
    assert report.verdict is Verdict.GOOD
    source, driving, together = report.source, report.driving, report.together
    assert (source.width, source.height, source.score, source.people) == (WIDTH, HEIGHT, 0.97, 1)
    assert (source.framing.value, source.view.value, source.face, source.upright) == (
        "whole body",
        "frontal",
        True,
        True,
    )
    assert (len(source.points_seen), source.points_unseen, source.cut_at, source.limbs_in_front) == (18, (), (), ())
    assert source.person_height == pytest.approx(0.8 * HEIGHT, rel=0.1)
    assert (driving.frames, driving.frames_looked_at, driving.followed_share, driving.people) == (6, 6, 1.0, 1)
    assert (driving.frame_rate, driving.variable_rate, driving.has_audio, driving.rotation_degrees) == (
        RATE,
        False,
        False,
        0,
    )
    assert driving.duration_seconds == pytest.approx(0.5)
    assert driving.views["frontal"] == 1.0
    assert (driving.lost, driving.gone, driving.cuts_seconds, driving.best_section) == ((), (), (), None)
    assert (together.output_width, together.output_height, together.output_frames) == (WIDTH, HEIGHT, 6)
    assert together.scale == pytest.approx(1, abs=0.05)
    assert all(ratio == pytest.approx(1, abs=0.1) for ratio in together.bones.values())
    assert (together.anchor, together.missing, together.kept, together.outside_share) == ("feet", (), (), 0.0)
    assert together.enlargement == pytest.approx(1, abs=0.1)


def test_the_time_is_that_of_frames_that_were_made(checked: Checked, frontal: SyntheticView, dance: Views) -> None:
    told: list[tuple[Stage, int]] = []
    cost = checked(frontal, dance, progress=lambda progress: told.append((progress.stage, progress.done))).cost
    assert cost.frames_measured == 6
    assert cost.frame_seconds > 0
    assert cost.seconds == pytest.approx(cost.looking_seconds + 6 * cost.frame_seconds)
    assert cost.memory_bytes > 50e6
    assert [stage for stage, _ in told[-6:]] == [Stage.RENDER] * 6


def test_everything_goes_into_json(checked: Checked, frontal: SyntheticView, dance: Views) -> None:
    report = checked(frontal, dance).as_dict()
    assert json.loads(json.dumps(report)) == report
    assert report["verdict"] == "good"
    assert report["source"]["view"] == "frontal"


def test_a_photo_from_the_waist_up_lacks_the_legs_of_the_clip(checked: Checked) -> None:
    report = checked(drawn(BodyPose(), share=1.5, middle=0.82), [drawn(BodyPose())] * 3)
    assert report.source.framing.value == "waist up"
    assert report.verdict is Verdict.FAIR
    issue = the(report, "together.missing")
    assert "knees, ankles" in issue.text
    assert "shows as much of the body" in issue.remedy
    assert "source.points" not in codes(report)


def test_a_half_body_that_is_lifted_shows_where_the_photo_ends(checked: Checked) -> None:
    half = drawn(BodyPose(), share=1.5, middle=0.82)
    low, high = drawn(BodyPose(), middle=0.58), drawn(BodyPose(), middle=0.46)
    report = checked(half, [low, low, low, high])
    assert report.together.lifted_share == pytest.approx(0.25)
    assert the(report, "together.lifted").level is Verdict.FAIR
    assert "together.lifted" not in codes(checked(half, [low, low]))
    assert checked(drawn(), [low, high]).together.lifted_share == 0.0


def test_a_clip_from_the_waist_up_leaves_the_legs_of_the_photo(checked: Checked, frontal: SyntheticView) -> None:
    half = drawn(BodyPose(), share=1.5, middle=0.82)
    report = checked(frontal, [half] * 3)
    assert "ankles" in the(report, "together.kept").text
    assert report.together.anchor != "feet"


def test_a_tiny_person_is_poor(checked: Checked, dance: Views) -> None:
    report = checked(drawn(share=0.15), dance)
    assert report.verdict is Verdict.POOR
    assert report.issues[0].code == "source.small"
    assert f"{report.source.person_height:.0f} pixels" in report.issues[0].text


def test_nobody_in_the_picture_or_the_clip_is_an_error(
    checked: Checked, frontal: SyntheticView, dance: Views, tmp_path: Path
) -> None:
    with pytest.raises(NoPersonError, match=r"person\.png"):
        checked(None, dance, preview=tmp_path / "sheet.png")
    with pytest.raises(NoPersonError, match=r"dance\.mp4"):
        checked(frontal, [None] * 4, preview=tmp_path / "sheet.png")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dance.mp4", "person.png"]


@pytest.mark.parametrize(
    ("pose", "code", "level"),
    [
        (BodyPose(root=(90.0, 0.0, 0.0)), "source.view", Verdict.POOR),
        (BodyPose(root=(58.0, 0.0, 0.0)), "source.view", Verdict.FAIR),
        (BodyPose(right_arm=(6.0, 10.0, 68.0, 95.0), left_arm=APART.left_arm), "source.limbs_in_front", Verdict.FAIR),
    ],
)
def test_views_and_limbs_of_the_photo_are_doubted(
    checked: Checked, dance: Views, pose: BodyPose, code: str, level: Verdict
) -> None:
    report = checked(drawn(pose), dance)
    assert the(report, code).level is level


def test_a_person_gone_half_of_the_time_is_told_by_ranges(
    checked: Checked, frontal: SyntheticView, dance: Views
) -> None:
    # lost in the middle of the picture, and so taken to be there
    report = checked(frontal, [*dance, *dance, *[None] * 12])
    assert report.driving.followed_share == 0.5
    [span] = report.driving.lost
    assert (span.first, span.last) == (12, 23)
    assert (span.start_seconds, span.end_seconds) == (pytest.approx(1.0), pytest.approx(2.0))
    issue = the(report, "driving.lost")
    assert "50%" in issue.text
    assert "0:01-0:02 (frames 12-23)" in issue.text
    assert issue.remedy == "Cut to the best section with `start=0:00` `end=0:01`"
    assert issue.level is Verdict.FAIR
    assert the(checked(frontal, [*dance, *[None] * 8]), "driving.lost").level is Verdict.POOR


def test_whoever_has_left_the_picture_is_not_drawn(checked: Checked, frontal: SyntheticView) -> None:
    beside = drawn(APART)
    points = beside.pose.points.copy()
    points[:, 0] -= points[:, 0].mean() - 5
    points[points[:, 0] < 0] = 0
    leaving = SyntheticView(**{**vars(beside), "pose": type(beside.pose)(points)})
    report = checked(frontal, [*[frontal] * 3, leaving, *[None] * 8])
    [span] = report.driving.gone
    assert (span.first, span.last) == (4, 11)
    assert "nobody is drawn in 0:00.3-0:01 (frames 4-11)" in the(report, "driving.gone").text
    assert "driving.lost" not in codes(report)


def test_two_cuts_are_told_with_their_times(checked: Checked, frontal: SyntheticView) -> None:
    shots = [drawn(gray=gray) for gray in (20, 230, 90)]
    report = checked(frontal, [view for view, count in zip(shots, (4, 13, 4), strict=True) for _ in range(count)])
    assert report.driving.cuts_seconds == (pytest.approx(4 / RATE, abs=1e-3), pytest.approx(17 / RATE, abs=1e-3))
    issue = the(report, "driving.cuts")
    assert "0:00.3, 0:01.4" in issue.text
    assert issue.remedy == "Cut to the best section with `start=0:00.4` `end=0:01.4`"


def test_views_that_the_photo_cannot_follow_are_told(checked: Checked, frontal: SyntheticView, dance: Views) -> None:
    behind = drawn(BodyPose(root=(180.0, 0.0, 0.0)))
    points = behind.pose.points.copy()
    points[[sk.NOSE, sk.RIGHT_EYE, sk.LEFT_EYE], 2] = 0
    behind = SyntheticView(**{**vars(behind), "pose": type(behind.pose)(points)})
    report = checked(frontal, [*dance, behind, behind])
    assert report.driving.views["back"] == pytest.approx(0.25)
    assert the(report, "driving.views").level is Verdict.FAIR
    assert "back 25%" in the(report, "driving.views").text
    assert the(checked(frontal, [frontal, behind, behind]), "driving.views").level is Verdict.POOR
    # who is seen from behind can follow a back
    assert "driving.views" not in codes(checked(behind, [behind] * 2))


def test_several_people_are_a_doubt_until_one_is_chosen(checked: Checked, frontal: SyntheticView, dance: Views) -> None:
    assert {"source.people", "driving.people"} <= codes(checked(frontal, dance, people=3))
    chosen = checked(frontal, dance, people=3, person="0")
    assert not {"source.people", "driving.people"} & codes(chosen)
    assert (chosen.source.people, chosen.driving.people) == (3, 3)


def test_sections_count_from_the_clips_beginning(checked: Checked, frontal: SyntheticView, dance: Views) -> None:
    report = checked(frontal, [*dance, *[None] * 7, *dance], start=0.5)
    # the estimator numbers frames from the section's start, so the gap lies half a second later in the clip
    [span] = report.driving.lost
    assert (span.start_seconds, span.end_seconds) == (pytest.approx(1.0), pytest.approx(1.0 + 7 / RATE, abs=1e-3))


def test_a_quick_look_reads_few_frames_of_a_long_clip(
    checked: Checked, frontal: SyntheticView, dance: Views, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("motionwarp.pipeline.check.report._QUICK_FRAMES", 8)
    report = checked(frontal, [*dance, *dance, *dance, *dance], quick=True)
    assert (report.driving.frames, report.driving.frames_looked_at, report.together.output_frames) == (24, 8, 24)
    assert report.driving.duration_seconds == pytest.approx(2.0)
    assert report.verdict is Verdict.GOOD
    assert report.cost.looking_seconds > 0
    assert checked(frontal, dance, quick=True).driving.frames_looked_at == 6


def test_the_preview_shows_source_clip_and_results(
    checked: Checked, frontal: SyntheticView, dance: Views, tmp_path: Path
) -> None:
    sheet = tmp_path / "sheet.png"
    report = checked(frontal, [*dance[:5], None], preview=sheet)
    assert report.preview == sheet
    page = read_image(sheet).rgb
    # seven pictures, those of the clip with the result beside: each 360 high and as wide as it is
    pair = 2 * round(WIDTH * 360 / HEIGHT)
    assert page.shape[1] % pair == 0
    assert page.shape[0] % (360 + 18) == 0
    assert page.shape[0] // 378 * (page.shape[1] // pair) >= 7
    assert np.abs(page[200, 5].astype(int) - (255 - 120)).max() < 12
    assert b"synthetic" in sheet.read_bytes()
    with pytest.raises(OutputError, match="exists already"):
        checked(frontal, dance, preview=sheet)
    with pytest.raises(OutputError, match="also an input"):
        checked(frontal, dance, preview=tmp_path / "person.png", overwrite=True)


def test_a_preview_that_cannot_be_finished_leaves_nothing(
    checked: Checked, frontal: SyntheticView, dance: Views, tmp_path: Path
) -> None:
    def stop(progress: object) -> None:
        if getattr(progress, "stage", None) is Stage.RENDER:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        checked(frontal, dance, preview=tmp_path / "sheet.png", progress=stop)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dance.mp4", "person.png"]


def test_verdicts_are_the_worst_issues() -> None:
    fair, poor = (Issue("driving.cuts", level, "x", "y") for level in (Verdict.FAIR, Verdict.POOR))
    assert verdict_of([]) is Verdict.GOOD
    assert verdict_of([fair, fair]) is Verdict.FAIR
    assert verdict_of([fair, poor]) is Verdict.POOR
    with pytest.raises(ValueError, match="cannot make"):
        Issue("driving.cuts", Verdict.GOOD, "x", "y")
