"""`evaluate analyzer`, `train analyzer`, `train calibrate`, `train warping-gan --person`.

What they ask for and what they tell.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from motionwarp.engines.spec import FitRun
from motionwarp.engines.warping_gan.finetune import Personalized
from motionwarp.evaluation.perception import AnalysisReport, PointTally, SeenPicture
from motionwarp.media.image import read_image

Run = Callable[..., Any]
POINTS = {"points": 90, "within_5_percent": 0.9, "within_10_percent": 0.95}


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Replace the measuring, and tell which folders were to be measured."""
    folders: list[Path] = []
    gray = np.full((40, 30, 3), 127, np.uint8)

    def evaluate_photos(_: object, folder: Path) -> AnalysisReport:
        folders.append(folder)
        figures = {**POINTS, "matte_iou": 0.8, "parsing_groups_miou": None}
        return AnalysisReport(figures, PointTally(), [SeenPicture("0007", 0.5, gray, None)])

    def evaluate_clips(_: object, folder: Path) -> dict[str, dict[str, object]]:
        folders.append(folder)
        return {"clip": {**POINTS, "matte_iou": 0.7}, "all": dict(POINTS)}

    monkeypatch.setattr("motionwarp.evaluation.perception.evaluate_photos", evaluate_photos)
    monkeypatch.setattr("motionwarp.evaluation.perception.evaluate_clips", evaluate_clips)
    monkeypatch.setattr("motionwarp.perception.registry.make_estimator", lambda name, *_: SimpleNamespace(name=name))
    return folders


def test_the_analyzers_figures_as_a_table_and_as_json(motionwarp: Run, measured: list[Path]) -> None:
    table = motionwarp("evaluate", "analyzer", "data", "--device", "cpu")
    assert table.exit_code == 0, table.stderr
    assert measured == [Path("data/ccp"), Path("data/video")]
    rows = [line.split() for line in table.stdout.splitlines()[1:]]
    assert rows == [
        ["photos", "90", "0.9000", "0.9500", "0.8000"],
        ["clip", "90", "0.9000", "0.9500", "0.7000"],
        ["all", "90", "0.9000", "0.9500"],
    ]
    told = json.loads(motionwarp("evaluate", "analyzer", "data", "--device", "cpu", "--json").stdout)
    assert (told["estimator"], told["photos"]["parsing_groups_miou"]) == ("builtin", None)


def test_the_old_name_works_and_says_the_new_one(motionwarp: Run, measured: list[Path]) -> None:
    new = motionwarp("evaluate", "analyzer", "data", "--device", "cpu", "--json")
    assert "deprecated" not in new.stderr
    old = motionwarp("evaluate", "analyser", "data", "--device", "cpu", "--json")
    assert (old.exit_code, old.stdout) == (0, new.stdout)
    assert "`motionwarp evaluate analyzer`" in " ".join(old.stderr.split())
    assert measured == [Path("data/ccp"), Path("data/video")] * 2
    assert "analyser" not in motionwarp("evaluate", "--help").stdout


def test_the_worst_photos_are_drawn_where_a_sheet_is_asked_for(
    motionwarp: Run, measured: list[Path], tmp_path: Path
) -> None:
    sheet = tmp_path / "worst.png"
    assert motionwarp("evaluate", "analyzer", "data", "--device", "cpu", "--worst", sheet).exit_code == 0
    assert read_image(sheet).width == 30
    measured.clear()
    again = motionwarp("evaluate", "analyzer", "data", "--device", "cpu", "--worst", sheet)
    assert again.exit_code == 2
    assert "exists already" in again.stderr
    nowhere = motionwarp(
        "evaluate", "analyzer", "data", "--device", "cpu", "--worst", tmp_path / "missing" / "worst.png"
    )
    assert nowhere.exit_code == 2
    assert "folder does not exist" in nowhere.stderr
    assert measured == []  # refused before anything was measured


def test_an_analyzer_is_trained_as_the_file_says(
    motionwarp: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "analyser.toml"
    config.write_text('[[packs]]\npath = "a.pack"\nweight = 1.0\n[loop]\nsteps = 7\n', encoding="utf-8")
    asked: list[Any] = []

    def run(task: Any, loop: Any, output: Path, *, max_minutes: float | None, report: Callable[[str], None]) -> int:
        asked.append((task.settings.packs[0].path.name, loop.steps, output, max_minutes))
        report("step 5 of 7")
        return 5

    monkeypatch.setattr(
        "motionwarp.training.analyzer.task.AnalyzerTask", lambda settings, *_: SimpleNamespace(settings=settings)
    )
    monkeypatch.setattr("motionwarp.training.loop.run", run)
    output = tmp_path / "run"
    result = motionwarp("train", "analyzer", config, "-o", output, "--max-minutes", 2, "--device", "cpu")
    assert result.exit_code == 0, result.stderr
    assert asked == [("a.pack", 7, output, 2.0)]
    assert "step 5 of 7" in result.stderr
    assert result.stdout == f"{output}: step 5 of 7\n"
    quiet = motionwarp("train", "analyzer", config, "-o", output, "--device", "cpu", "-q")
    assert (quiet.exit_code, quiet.stdout, quiet.stderr) == (0, "", "")


def test_calibrating_tells_the_table(motionwarp: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def fit(weights: Path, ccp: Path, output: Path, *_: object) -> list[list[float]]:
        asked.append((weights, ccp, output))
        return [[0.0, 0.0], [0.5, 0.25], [1.0, 0.9]]

    monkeypatch.setattr("motionwarp.evaluation.calibration.calibrate", fit)
    result = motionwarp("train", "calibrate", "raw.safetensors", "data", "-o", "out.safetensors", "--device", "cpu")
    assert result.exit_code == 0, result.stderr
    assert asked == [(Path("raw.safetensors"), Path("data/ccp"), Path("out.safetensors"))]
    assert result.stdout == "out.safetensors: 0.00>0.00  0.50>0.25  1.00>0.90\n"


@pytest.mark.parametrize(("step", "kept"), [(40, False), (0, True)])
def test_a_fit_to_a_person_tells_what_it_gained(
    motionwarp: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int, kept: bool
) -> None:
    output = tmp_path / "anna.safetensors"
    loaded: list[str] = []

    def personalize(pictures: object, networks: object, target: Path, _: object, how: FitRun) -> Personalized:
        assert (pictures, networks, target) == ("pictures", "networks", output)
        how.report("step 40")
        return Personalized(step=step, before={"l1": 0.1}, after={"l1": 0.05}, **extra)

    names = Personalized.__dataclass_fields__
    extra = {name: 0 for name in names if name not in ("step", "before", "after")}
    monkeypatch.setattr("motionwarp.engines.warping_gan.finetune.personalize", personalize)
    monkeypatch.setattr("motionwarp.engines.warping_gan.finetune.person_pictures", lambda *_: "pictures")
    monkeypatch.setattr("motionwarp.perception.registry.make_estimator", lambda *_: None)
    monkeypatch.setattr(
        "motionwarp.engines.warping_gan.finetune.load_warping_networks", lambda name: loaded.append(name) or "networks"
    )
    options = ("train", "warping_gan", "person", "anna.mp4", "-o", output, "--device", "cpu")
    result = motionwarp(*options, "--from", "mine.safetensors")
    assert result.exit_code == 0, result.stderr
    assert loaded == ["mine.safetensors"]
    assert "held out l1 0.1000 -> 0.0500" in result.stdout
    assert ("nothing was better" in result.stdout) is kept
    assert "step 40" in result.stderr
    told = json.loads(motionwarp(*options, "--json", "-q").stdout)
    assert (told["step"], told["after"]) == (step, {"l1": 0.05})
    output.touch()
    again = motionwarp(*options)
    assert again.exit_code == 2
    assert "this file exists" in again.stderr
