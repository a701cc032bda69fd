"""`motionwarp evaluate pairs` as a user runs it, on pictures of stripes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

Run = Callable[..., Any]


@pytest.fixture
def stripes(tmp_path: Path) -> Path:
    """Three pictures of moved stripes, a list of their pairs, and results of a system that gives the truth."""
    for number in range(3):
        columns = (np.arange(64) + 5 * number) % 16 < 8
        picture = np.tile((columns * 200 + 20).astype(np.uint8)[None, :, None], (96, 1, 3))
        (tmp_path / "images").mkdir(exist_ok=True)
        (tmp_path / "perfect").mkdir(exist_ok=True)
        cv2.imwrite(str(tmp_path / "images" / f"{number}.png"), picture)
        for other in range(3):
            cv2.imwrite(str(tmp_path / "perfect" / f"{other}_2_{number}.png"), picture)
    (tmp_path / "pairs.csv").write_text(
        "from,to\n" + "".join(f"{a}.png,{b}.png\n" for a in range(3) for b in range(3) if a != b)
    )
    return tmp_path


def test_a_report_is_made_and_told(motionwarp: Run, stripes: Path) -> None:
    report = stripes / "report"
    result = motionwarp(
        "evaluate", "pairs", stripes / "pairs.csv", "--images", stripes / "images", "--engine", "copy",
        "--generated", f"mine={stripes / 'perfect'}", "--report", report, "--no-points", "--figures", "pictures",
        "--json", "--jobs", 1,
    )  # fmt: skip
    assert result.exit_code == 0, result.stderr
    summary = json.loads(result.stdout)
    assert summary["figures"]["ssim"]["systems"]["mine"]["mean"] == 1
    assert summary["figures"]["psnr"]["systems"]["mine"]["mean"] == 100
    assert summary["figures"]["ssim"]["systems"]["copy"]["mean"] < 0.9
    assert summary["report"] == str(report / "index.html")
    assert "not measured: local_ssim" in result.stderr
    assert sorted(file.name for file in report.iterdir()) == ["index.html", "metrics.json", "pairs.csv", "scores"]


def test_people_get_a_table(motionwarp: Run, stripes: Path) -> None:
    result = motionwarp(
        "evaluate", "pairs", stripes / "pairs.csv", "--images", stripes / "images", "--engine", "copy",
        "--report", stripes / "report", "--no-points", "--figures", "pictures", "--jobs", 1,
    )  # fmt: skip
    assert result.exit_code == 0, result.stderr
    assert "copy" in result.stdout
    assert "6 pairs; the page is" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--engine", "nonsense"), "no such engine"),
        (("--figures", "beauty"), "'beauty' is no family"),
        (("--generated", "nowhere"), "is no folder"),
        (("--engine", "copy", "--annotations", "nowhere.csv"), "no such file"),
        (("--generated", "x={0}/perfect", "--pattern", "{{source}}.png"), "one of the target"),
    ],
)
def test_mistakes_exit_with_2_and_one_message(
    motionwarp: Run, stripes: Path, arguments: tuple[str, ...], told: str
) -> None:
    given = [argument.format(stripes) for argument in arguments]
    result = motionwarp(
        "evaluate",
        "pairs",
        stripes / "pairs.csv",
        "--images",
        stripes / "images",
        "--report",
        stripes / "report",
        *given,
    )
    assert result.exit_code == 2
    assert told in result.stderr
    assert "Traceback" not in result.stderr
