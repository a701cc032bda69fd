"""`motionwarp check`: options, verdicts, exit codes, and the whole program once."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import typer

from motionwarp.errors import NoPersonError
from motionwarp.media.image import read_image
from motionwarp.pipeline.check.alignment import AlignmentStats
from motionwarp.pipeline.check.cost import RunningCost
from motionwarp.pipeline.check.driving import DrivingStats, Span
from motionwarp.pipeline.check.issues import Issue, Verdict
from motionwarp.pipeline.check.report import CheckReport
from motionwarp.pipeline.check.source import SourceStats
from motionwarp.pipeline.options import TransferOptions
from motionwarp.pose.proportions import Clamp
from motionwarp.pose.skeleton import POINT_NAMES
from motionwarp.pose.stance import Framing, View

Run = Callable[..., Any]

REPORT = CheckReport(
    verdict=Verdict.GOOD,
    issues=(),
    source=SourceStats(
        width=600, height=800, score=0.98, people=2, points_seen=POINT_NAMES[:15], points_unsure=("left eye",),
        points_unseen=("right ear", "left ear"), framing=Framing.WHOLE, view=View.FRONTAL, face=True, upright=True,
        limbs_in_front=(), matte_given=False, person_height=700.4, cut_at=(), notes=(),
    ),
    driving=DrivingStats(
        width=1080, height=1920, duration_seconds=12.0, frame_rate=24.0, variable_rate=True, rotation_degrees=90,
        has_audio=True,
        frames=288, frames_looked_at=96, followed_share=0.9, lost=(Span(48, 83, 2.0, 3.5),), gone=(), people=1,
        cuts_seconds=(4.0,),
        views={view.value: float(view is View.FRONTAL) for view in View}, lying_share=0.0,
        points_seen=dict.fromkeys(POINT_NAMES, 1.0), person_height=1700.0, best_section=None, notes=(),
    ),
    together=AlignmentStats(
        scale=0.4, scale_from="thighs", bones={"torso": 1.14, "thigh": 1.0},
        clamps=(Clamp("forearm", "source", 0.3, 0.45),),
        anchor="feet", missing=(), kept=(), mirrored=(), placement="source", output_width=600, output_height=800,
        output_frames=288,
        output_seconds=12.0, enlargement=1.0, outside_share=0.0, lifted_share=0.0,
    ),
    cost=RunningCost(
        seconds=65.0, looking_seconds=20.0, frame_seconds=0.15625, frames_measured=12, memory_bytes=900_000_000,
        device_memory_bytes=0
    ),
    warnings=("frame 3 was mended",),
    engine="warping_gan",
    device="cpu",
    precision="float32",
    estimator="builtin",
    preview=None,
)  # fmt: skip
CUT = Issue(
    "driving.cuts", Verdict.FAIR, "the clip is cut at 0:04", "Cut to the best section with `start=0:04` `end=0:12`"
)
SIDE = Issue(
    "source.view", Verdict.POOR, "the person is seen from the side", "Use a photo in which the person faces the camera"
)

Calls = list[tuple[Path, Path, TransferOptions, dict[str, Any]]]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    """Puts a report that is known in the place of a check, and collects what it was asked."""
    made: Calls = []

    def check(source: Path, driving: Path, options: TransferOptions, **how: Any) -> CheckReport:
        made.append((source, driving, options, how))
        return REPORT

    monkeypatch.setattr("motionwarp.pipeline.check.report.check", check)
    return made


def telling(monkeypatch: pytest.MonkeyPatch, outcome: CheckReport | Exception) -> None:
    def check(*_: object, **__: object) -> CheckReport:
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    monkeypatch.setattr("motionwarp.pipeline.check.report.check", check)


def test_the_report_is_readable(motionwarp: Run, calls: Calls) -> None:
    result = motionwarp("check", "person.jpg", "dance.mp4")
    assert result.exit_code == 0, result.stderr
    text = result.stdout
    for words in (
        "person.jpg, 600x800", "700 pixels high, score 0.98, one of 2 people",
        "15 of 18; unsure: left eye; not seen: right ear, left ear",
        "whole body, frontal, face in sight", "dance.mp4, 1080x1920, turned by 90 degrees, 0:12, about 24 frames a "
        "second, uneven",
        "288, looked at 96", "0:02-0:03.5 (frames 48-83)", "torso 1.14 times", "forearms", "600x800, 288 frames, 0:12",
        "about 1:05 on this cpu: 0:20 to look at both, then 156 ms a frame (12 frames were made)", "900.0 MB",
        "good", "nothing speaks against it",
    ):  # fmt: skip
        assert words in text, words


@pytest.mark.parametrize(
    ("verdict", "doubts", "code"), [(Verdict.GOOD, (), 0), (Verdict.FAIR, (CUT,), 0), (Verdict.POOR, (SIDE, CUT), 4)]
)
def test_exit_codes_follow_the_verdict(
    motionwarp: Run, monkeypatch: pytest.MonkeyPatch, verdict: Verdict, doubts: tuple[Issue, ...], code: int
) -> None:
    telling(monkeypatch, replace(REPORT, verdict=verdict, issues=doubts))
    result = motionwarp("check", "person.jpg", "dance.mp4")
    assert result.exit_code == code
    for doubt in doubts:
        assert f"{doubt.text[0].upper()}{doubt.text[1:]}." in result.stdout
        remedy = doubt.remedy.replace("`start=0:04` `end=0:12`", "--start 0:04 --end 0:12")
        assert f"{remedy}." in result.stdout
    quiet = motionwarp("check", "person.jpg", "dance.mp4", "--quiet")
    assert (quiet.exit_code, quiet.stdout, quiet.stderr) == (code, "", "")
    told = json.loads(motionwarp("check", "person.jpg", "dance.mp4", "--json").stdout)
    assert told["verdict"] == verdict.value
    assert [doubt["code"] for doubt in told["doubts"]] == [doubt.code for doubt in doubts]


def test_nobody_at_all_is_bad_input(motionwarp: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    telling(monkeypatch, NoPersonError("no person was found", subject="person.jpg", remedy="Use another picture"))
    result = motionwarp("check", "person.jpg", "dance.mp4", "--json")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "person.jpg: no person was found" in result.stderr


def test_the_json_has_these_keys(motionwarp: Run, calls: Calls) -> None:
    """Programs rely on them: what is renamed here breaks somebody."""
    told = json.loads(motionwarp("check", "person.jpg", "dance.mp4", "--json").stdout)
    assert list(told) == [
        "verdict", "doubts", "source", "driving", "together", "cost", "warnings", "engine", "device", "precision",
        "estimator", "preview",
    ]  # fmt: skip
    assert list(told["source"]) == [
        "width", "height", "score", "people", "points_seen", "points_unsure", "points_unseen", "framing", "view",
        "face", "upright",
        "limbs_in_front", "matte_given", "person_height", "cut_at", "notes", "facing_degrees", "cut_off",
    ]  # fmt: skip
    assert list(told["driving"]) == [
        "width", "height", "duration_seconds", "frame_rate", "variable_rate", "rotation_degrees", "has_audio", "frames",
        "frames_looked_at", "followed_share", "lost", "gone", "people", "cuts_seconds", "views", "lying_share",
        "points_seen",
        "person_height", "best_section", "notes", "facing_degrees", "facing_range", "facing_told", "cut",
    ]  # fmt: skip
    assert told["driving"]["lost"] == [{"first": 48, "last": 83, "start_seconds": 2.0, "end_seconds": 3.5}]
    assert list(told["driving"]["views"]) == ["frontal", "turned", "profile", "back", "unknown"]
    assert list(told["together"]) == [
        "scale", "scale_from", "bones", "clamps", "anchor", "missing", "kept", "mirrored", "placement", "output_width",
        "output_height",
        "output_frames", "output_seconds", "enlargement", "outside_share", "lifted_share",
    ]  # fmt: skip
    assert told["together"]["clamps"] == [{"bone": "forearm", "whose": "source", "wanted": 0.3, "used": 0.45}]
    assert list(told["cost"]) == [
        "seconds", "looking_seconds", "frame_seconds", "frames_measured", "memory_bytes", "device_memory_bytes",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "field", "value"),
    [
        ("--start 0:05 --end 8", "start", 5.0),
        ("--start 0:05 --end 8", "end", 8.0),
        ("--person 320,240", "person", "320,240"),
        ("--source-time 2", "source_time", 2.0),
        ("--no-retarget", "retarget", False),
        ("--placement driving", "placement", "driving"),
        ("--background driving", "background", "driving"),
        ("--size 640", "size", "640"),
        ("--fps 25", "fps", "25"),
        ("--source-poses p.json", "source_poses", Path("p.json")),
        ("--driving-poses d.json", "driving_poses", Path("d.json")),
        ("--matte m.png", "matte", Path("m.png")),
        ("--engine layered", "engine", "layered"),
        ("--pose-estimator mediapipe", "pose_estimator", "mediapipe"),
        ("--device cpu", "device", "cpu"),
        ("--precision bf16", "precision", "bf16"),
        ("--batch-size 4", "batch_size", "4"),
        ("--overwrite", "overwrite", True),
    ],
)
def test_options_reach_the_check(motionwarp: Run, calls: Calls, words: str, field: str, value: object) -> None:
    result = motionwarp("check", "person.jpg", "dance.mp4", *words.split())
    assert result.exit_code == 0, result.stderr
    assert getattr(calls[0][2], field) == value


def test_defaults_are_those_of_a_transfer(motionwarp: Run, calls: Calls, app_module: Any) -> None:
    assert motionwarp("check", "person.jpg", "dance.mp4").exit_code == 0
    source, driving, options, how = calls[0]
    assert (source, driving, options) == (Path("person.jpg"), Path("dance.mp4"), TransferOptions())
    assert (how["quick"], how["preview"]) == (False, None)
    assert motionwarp("check", "person.jpg", "dance.mp4", "--quick", "--preview", "look.png").exit_code == 0
    assert (calls[1][3]["quick"], calls[1][3]["preview"]) == (True, Path("look.png"))
    # an option of both is the same one in both
    commands: Any = typer.main.get_command(app_module.app)
    checked, transferred = (
        {each.name: each for each in commands.commands[name].params} for name in ("check", "transfer")
    )
    for name in set(checked) & set(transferred):
        assert (checked[name].opts, checked[name].help) == (transferred[name].opts, transferred[name].help), name
    assert set(checked) - set(transferred) == {"quick", "preview"}


def test_the_examples_as_a_user_checks_them(program: Run, repository_root: Path, tmp_path: Path) -> None:
    person, dance = repository_root / "examples" / "person.jpg", repository_root / "examples" / "dance.mp4"
    if not (person.is_file() and dance.is_file()):
        pytest.skip("the project's examples are not there")
    words = ("--quick", "--end", "1", "--size", "192", "--device", "cpu", "--preview", "look.png")
    result = program("check", person, dance, *words, "--json", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    told = json.loads(result.stdout)
    assert told["verdict"] == "good", told["doubts"]
    assert (told["source"]["view"], told["source"]["framing"], told["source"]["people"]) == ("frontal", "whole body", 1)
    assert (told["driving"]["frames"], told["driving"]["followed_share"], told["driving"]["has_audio"]) == (
        24,
        1.0,
        True,
    )
    assert max(told["together"]["output_width"], told["together"]["output_height"]) == 192
    assert "render: " in result.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["look.png"]
    assert min(read_image(tmp_path / "look.png").rgb.shape[:2]) > 360
    again = program("check", person, dance, *words, cwd=tmp_path)
    assert again.returncode == 2
    assert "look.png: the file exists already" in again.stderr
