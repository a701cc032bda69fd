"""`motionwarp evaluate reenact` and `reverse`: options, output and refusals.

The figures themselves are tested elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from motionwarp.evaluation.comparison import Comparison, FrameRecord, SheetRow
from motionwarp.evaluation.frame_metrics import FrameMetrics
from motionwarp.evaluation.framings import Framing, FramingCell, FramingFigures
from motionwarp.evaluation.free_poses import FREE_POSES
from motionwarp.evaluation.options import (
    FramingsSettings,
    Origin,
    ReenactmentSettings,
    RenderedSettings,
    ReposedSettings,
    ReverseSettings,
)
from motionwarp.evaluation.reposed_figures import ReposedPicture, ReposedReport

Run = Callable[..., Any]


def made_comparison(name: str, systems: Sequence[str], rows: int) -> Comparison:
    figures = {system: FrameMetrics(0.9 - place / 10, 25.0, 0.02, 0.8, 9, 10) for place, system in enumerate(systems)}
    record = FrameRecord("3", figures, 10)
    gray = np.full((256, 192, 3), 127, np.uint8)
    kept = [SheetRow("3", gray, dict.fromkeys(systems, gray), record)] * rows
    return Comparison(
        name, tuple(systems), [record], {"source_frame": 0}, {systems[0]: 0.01, "real": 0.005}, gray, kept
    )


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[str], Any]]:
    """Replace the work itself, and tell what it was asked for."""
    made: list[tuple[str, list[str], Any]] = []

    def evaluate_clip(clip: Path, engines: Sequence[str], settings: ReenactmentSettings, **rest: Any) -> Comparison:
        made.append((clip.name, list(engines), settings))
        rest["progress"](clip.name, 1, 1)
        return made_comparison(clip.stem, engines, settings.rows)

    def evaluate_reverse(data: Path, engines: Sequence[str], settings: ReverseSettings, **rest: Any) -> Comparison:
        made.append((data.name, list(engines), settings))
        return made_comparison("photos", engines, settings.rows)

    def evaluate_rendered(data: Path, engines: Sequence[str], settings: RenderedSettings, **rest: Any) -> Comparison:
        made.append((data.name, list(engines), settings))
        return made_comparison("rendered", engines, settings.rows)

    monkeypatch.setattr("motionwarp.evaluation.rendered_people.evaluate_rendered", evaluate_rendered)
    monkeypatch.setattr("motionwarp.evaluation.reenactment.evaluate_clip", evaluate_clip)
    monkeypatch.setattr("motionwarp.evaluation.reverse_pairs.evaluate_reverse_pairs", evaluate_reverse)
    monkeypatch.setattr(
        "motionwarp.perception.registry.make_estimator", lambda *rest: type("Seer", (), {"name": "seer"})()
    )
    monkeypatch.setattr("motionwarp.perception.inference.NetworkPredictor.load", lambda *rest: None)
    monkeypatch.setattr("motionwarp.perception.backends.builtin.BuiltinEstimator.load", lambda *rest: None)
    return made


def test_clips_side_by_side_as_json(motionwarp: Run, calls: list[Any]) -> None:
    result = motionwarp(
        "evaluate", "reenact", "a.mp4", "b.mp4", "-e", "layered", "-e", "copy", "--every", 4, "--json", "-q"
    )
    assert result.exit_code == 0, result.stderr
    content = json.loads(result.stdout)
    assert content["protocol"]["framing"] == "crop 256x192"
    assert content["protocol"]["analyser"] == "seer"
    assert [clip["name"] for clip in content["clips"]] == ["a", "b"]
    assert content["clips"][0]["figures"]["layered"]["ssim"] == 0.9
    assert content["mean"]["real"] == {"points_redetected": 1.0, "flicker": 0.005}
    assert content["differences"]["layered - copy"]["ssim"]["mean"] == pytest.approx(0.1)
    assert [(name, engines, settings.every, settings.rows) for name, engines, settings in calls] == [
        ("a.mp4", ["layered", "copy"], 4, 0), ("b.mp4", ["layered", "copy"], 4, 0),
    ]  # fmt: skip


def test_a_table_for_people(motionwarp: Run, calls: list[Any]) -> None:
    result = motionwarp("evaluate", "reenact", "a.mp4", "b.mp4")
    assert result.exit_code == 0, result.stderr
    lines = [line.split() for line in result.stdout.splitlines()]
    assert lines[1] == ["a", "auto", "0.9000", "25.00", "0.0200", "0.8000", "0.9000", "0.01000"]
    assert [line[:2] for line in lines[7:10]] == [["mean", "auto"], ["mean", "copy"], ["mean", "real"]]


def test_options_reach_the_protocol(motionwarp: Run, calls: list[Any], tmp_path: Path) -> None:
    result = motionwarp(
        "evaluate", "reenact", "a.mp4", "--source-frame", 7, "--labels", tmp_path, "--poses", "analyser", "--mattes",
        "given",
        "--window", "clip", "--background", "white", "--smooth-poses", 0.2, "--smooth-theta", 0.3, "--no-flicker",
        "--sheet", tmp_path / "sheet.png", "--rows", 3, "-q",
    )  # fmt: skip
    assert result.exit_code == 0, result.stderr
    assert calls[0][2] == ReenactmentSettings(
        source_frame=7, labels=tmp_path, poses=Origin.ANALYZER, mattes=Origin.GIVEN, window="clip", background=255,
        smooth_poses=0.2, smooth_theta=0.3, flicker=False, rows=3,
    )  # fmt: skip
    # 3 rows of source, target and two results
    assert cv2.imread(str(tmp_path / "sheet.png")).shape == (3 * (256 + 18), 4 * 192, 3)
    again = motionwarp("evaluate", "reenact", "a.mp4", "--sheet", tmp_path / "sheet.png")
    assert again.exit_code == 2
    assert "exists already" in again.stderr
    assert len(calls) == 1, "refused before the work"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--smooth-theta", "0.5"), "windows that move"),
        (("--full-frame", "5"), "--full-frame"),
        (("--poses", "guessed"), "guessed"),
        (("--sheet", "nowhere/sheet.png"), "folder does not exist"),
    ],
)
def test_options_that_make_no_sense_are_refused(
    motionwarp: Run, calls: list[Any], options: tuple[str, str], words: str
) -> None:
    result = motionwarp("evaluate", "reenact", "a.mp4", *options)
    assert result.exit_code == 2
    assert words in " ".join(result.stderr.split())
    assert not calls


def test_reverse_pairs(motionwarp: Run, calls: list[Any], tmp_path: Path) -> None:
    result = motionwarp("evaluate", "reverse", tmp_path, "-e", "layered", "--count", 5, "--seed", 9, "--json", "-q")
    assert result.exit_code == 0, result.stderr
    assert calls[0][1:] == (["layered"], ReverseSettings(count=5, seed=9))
    content = json.loads(result.stdout)
    assert content["protocol"]["seed"] == 9
    assert content["clips"][0]["name"] == "photos"
    assert content["differences"] == {}


def test_rendered_people(motionwarp: Run, calls: list[Any], tmp_path: Path) -> None:
    result = motionwarp("evaluate", "rendered", tmp_path, "-e", "avatar", "--count", 6, "--referee", "--json", "-q")
    assert result.exit_code == 0, result.stderr
    assert calls[0][1:] == (["avatar"], RenderedSettings(count=6, referee=True))
    assert json.loads(result.stdout)["clips"][0]["name"] == "rendered"


def test_framings(motionwarp: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[Any] = []
    gray = np.full((40, 30, 3), 127, np.uint8)
    figures = FramingFigures(0.9, 25.0, 0.8, 1.01, 0.02, 0.5)

    def evaluate_framings(clip: Path, settings: FramingsSettings, progress: Any) -> list[FramingCell]:
        asked.append((clip.name, settings))
        progress(clip.name, 1, 1)
        return [
            FramingCell("avatar", source, driving, figures, gray, gray) for source in Framing for driving in Framing
        ]

    monkeypatch.setattr("motionwarp.evaluation.framings.evaluate_framings", evaluate_framings)
    sheet = tmp_path / "nine.png"
    options = ("-e", "avatar", "--every", 5, "--sheet", sheet)
    result = motionwarp("evaluate", "framings", "a.mp4", *options, "--json", "-q")
    assert result.exit_code == 0, result.stderr
    assert asked == [("a.mp4", FramingsSettings(engines=("avatar",), every=5))]
    content = json.loads(result.stdout)
    assert content["engines"]["avatar"]["mean"]["size"] == 1.01
    assert cv2.imread(str(sheet)) is not None
    table = motionwarp("evaluate", "framings", "a.mp4", "-e", "avatar")
    assert "waist" in table.stdout
    assert "End seen" in table.stdout
    again = motionwarp("evaluate", "framings", "a.mp4", "--sheet", sheet, "-q")
    assert again.exit_code == 2
    assert len(asked) == 2


def test_reposed(motionwarp: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[Any] = []
    gray = np.full((40, 30, 3), 127, np.uint8)

    def evaluate_reposed(photos: list[Path], settings: ReposedSettings, progress: Any) -> ReposedReport:
        asked.append(([photo.name for photo in photos], settings))
        progress(1, 1)
        apart, scores, counted = np.zeros(12, np.float32), np.full(12, 0.9, np.float32), np.ones(12, np.bool_)
        rgb, whole = gray if settings.rows else None, np.ones(8, np.float32)
        pictures = [
            ReposedPicture("a", "avatar", pose, apart, scores, counted, whole, 0.02, rgb) for pose in FREE_POSES
        ]
        return ReposedReport("builtin", pictures, {"b.png": "nobody is there"}, [gray] if settings.rows else [])

    monkeypatch.setattr("motionwarp.evaluation.reposed.evaluate_reposed", evaluate_reposed)
    sheet = tmp_path / "poses.png"
    result = motionwarp(
        "evaluate", "reposed", "a.png", "b.png", "--sheet", sheet, "--rows", 7, "--device", "cpu", "--json"
    )
    assert result.exit_code == 0, result.stderr
    assert asked == [(["a.png", "b.png"], ReposedSettings(rows=7, device="cpu"))]
    content = json.loads(result.stdout)
    assert content["engines"]["avatar"]["all"]["found"]["wrists"] == 1.0
    assert content["photos_left_out"] == [{"photo": "b.png", "reason": "nobody is there"}]
    assert "b.png: nobody is there; it is left out" in " ".join(result.stderr.split())
    assert cv2.imread(str(sheet)).shape == (40 + 18, 6 * 30, 3)
    table = motionwarp("evaluate", "reposed", "a.png", "-e", "avatar", "--referee", "-q")
    assert table.exit_code == 0
    assert asked[1][1] == ReposedSettings(engines=("avatar",), referee=True)
    table = motionwarp("evaluate", "reposed", "a.png")
    assert [line.split()[:3] for line in table.stdout.splitlines()[1:]] == [
        ["avatar", pose, str(12 * count)] for pose, count in (*((pose, 1) for pose in FREE_POSES), ("all", 5))
    ]
    again = motionwarp("evaluate", "reposed", "a.png", "--sheet", sheet, "-q")
    assert again.exit_code == 2
    assert len(asked) == 3


@pytest.mark.shared_data
def test_a_real_clip_from_end_to_end(motionwarp: Run, shared_data: Path, tmp_path: Path) -> None:
    clip = shared_data / "video" / "tfjs_pose1.mp4"
    result = motionwarp(
        "evaluate",
        "reenact",
        clip,
        "-e",
        "layered",
        "-e",
        "copy",
        "--every",
        30,
        "--sheet",
        tmp_path / "sheet.png",
        "--json",
        "-q",
    )
    assert result.exit_code == 0, result.stderr
    content = json.loads(result.stdout)
    assert [frame["frame"] for frame in content["clips"][0]["by_frame"]] == ["30", "60", "90"]
    layered, copy = content["mean"]["layered"], content["mean"]["copy"]
    assert layered["ssim"] > copy["ssim"] + 0.05
    assert layered["points_redetected"] > copy["points_redetected"] + 0.2
    assert cv2.imread(str(tmp_path / "sheet.png")).shape[1] == 4 * 192
