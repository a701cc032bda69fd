"""`motionwarp evaluate cross` and the study commands as a user runs them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

Run = Callable[..., Any]
SUMMARY = {
    "figures": {
        "pckh": {"title": "PCKh", "better": "higher", "meaning": "?"},
        "akd": {"title": "AKD", "better": "lower", "meaning": "?"},
    },
    "engines": {"layered": {"pckh": {"mean": 0.75, "low": 0.5, "high": 1.0, "combinations": 2}}},
    "differences": [],
    "combinations": [],
    "failures": [{"source": "", "driving": "dark.mp4", "reason": "nobody"}],
}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Catch what the command asks for; the evaluation itself has tests of its own."""
    settings: list[Any] = []

    def evaluate(given: Any, progress: Any) -> dict[str, Any]:
        settings.append(given)
        return SUMMARY

    monkeypatch.setattr("motionwarp.evaluation.cross.evaluate_cross", evaluate)
    return settings


def picture(path: Path, level: int) -> Path:
    path.parent.mkdir(exist_ok=True, parents=True)
    image = np.full((40, 30, 3), level, np.uint8)
    image[5:15, 5:15] = 255 - level
    cv2.imwrite(str(path), image)
    return path


def test_folders_become_every_combination(motionwarp: Run, asked: list[Any], tmp_path: Path) -> None:
    people = [picture(tmp_path / "people" / f"{name}.png", 30) for name in "ab"]
    (tmp_path / "dances").mkdir()
    dance = tmp_path / "dances" / "x.mp4"
    dance.write_bytes(b"never read here")
    result = motionwarp(
        "evaluate",
        "cross",
        tmp_path / "people",
        tmp_path / "dances",
        "-e",
        "layered",
        "--end",
        2,
        "-o",
        tmp_path / "out.json",
    )
    assert result.exit_code == 0, result.stderr
    assert (asked[0].sources, asked[0].drivings, asked[0].end) == (tuple(people), (dance,), 2)
    assert "0.7500" in result.stdout
    assert "all sources, dark.mp4: nobody" in result.stderr
    assert json.loads((tmp_path / "out.json").read_text(encoding="utf-8")) == SUMMARY
    again = motionwarp("evaluate", "cross", people[0], dance, "-o", tmp_path / "out.json")
    assert again.exit_code == 2
    assert len(asked) == 1


def test_a_folder_without_clips_is_told(motionwarp: Run, asked: list[Any], tmp_path: Path) -> None:
    person = picture(tmp_path / "people" / "a.png", 30)
    result = motionwarp("evaluate", "cross", person, tmp_path / "people")
    assert result.exit_code == 2
    assert "has no clips" in result.stderr
    assert not asked


def test_a_study_from_folders_to_a_rate(motionwarp: Run, tmp_path: Path) -> None:
    for number in range(4):
        picture(tmp_path / "ours" / f"{number}.png", 20 + number)
        picture(tmp_path / "theirs" / f"{number}.png", 120 + number)
    made = motionwarp(
        "evaluate", "study", tmp_path / "ours", tmp_path / "theirs", "-o", tmp_path / "study", "--checks", 1, "--json"
    )
    assert made.exit_code == 0, made.stderr
    key = json.loads(Path(json.loads(made.stdout)["key"]).read_text(encoding="utf-8"))
    answers = [
        {"id": item["id"], "left": "x", "chosen": item.get("clean") or ("x" if item["x"] == "first" else "y")}
        for item in key["items"]
    ]
    content = {"format": "motionwarp-study-result-1", "study": key["study"], "participant": "p1", "answers": answers}
    (tmp_path / "p1.json").write_text(json.dumps(content), encoding="utf-8")
    told = motionwarp("evaluate", "study-result", tmp_path / "study" / "key.json", tmp_path / "p1.json")
    assert told.exit_code == 0, told.stderr
    assert "ours preferred to theirs: 100.0% of 4 votes by 1 participants" in told.stdout
    assert "p = 0.125" in told.stdout
    without = motionwarp("evaluate", "study-result", tmp_path / "p1.json")
    assert without.exit_code == 2
    assert "key is not among" in without.stderr
