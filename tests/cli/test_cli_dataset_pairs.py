"""`motionwarp dataset pairs` as a user runs it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

Run = Callable[..., Any]


def make_people(folder: Path, people: int) -> Path:
    rng = np.random.default_rng(0)
    for person in range(people):
        for view in range(3):
            path = folder / f"person{person}" / f"{view}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(path), cv2.resize(rng.integers(0, 255, (9, 9, 3)).astype(np.uint8), (64, 64)))
    return folder


def test_lists_are_made_and_told(motionwarp: Run, tmp_path: Path) -> None:
    people = make_people(tmp_path / "people", 5)
    result = motionwarp(
        "dataset", "pairs", people, "-o", tmp_path / "out", "--pairs-per-person", 2, "--test-share", 0.4, "--json"
    )
    assert result.exit_code == 0, result.stderr
    summary = json.loads(result.stdout)
    assert (summary["train"]["pairs"], summary["test"]["pairs"]) == (6, 4)
    assert summary["images"] == str(people)
    lists = [(tmp_path / "out" / f"{side}-pairs.csv").read_text(encoding="utf-8") for side in ("train", "test")]
    assert all(text.startswith("from,to\n") for text in lists)
    assert not {line.split("/")[0] for line in lists[0].splitlines()[1:]} & {
        line.split("/")[0] for line in lists[1].splitlines()[1:]
    }
    again = motionwarp("dataset", "pairs", people, "-o", tmp_path / "out")
    assert again.exit_code == 2
    assert "already" in again.stderr


def test_a_leak_is_refused(motionwarp: Run, tmp_path: Path) -> None:
    people = make_people(tmp_path / "people", 2)
    (people / "person1" / "copy.png").write_bytes((people / "person0" / "1.png").read_bytes())
    result = motionwarp("dataset", "pairs", people, "-o", tmp_path / "out")
    assert result.exit_code == 2
    assert "for training and for testing are the same" in result.stderr
    assert not (tmp_path / "out" / "test-pairs.csv").exists()


def test_test_pairs_need_labeled_data_and_something_to_make(motionwarp: Run, tmp_path: Path) -> None:
    nothing = motionwarp(
        "dataset", "test-pairs", tmp_path, "-o", tmp_path / "out", "--photos", 0, "--pairs-per-clip", 0
    )
    assert nothing.exit_code == 2
    assert "asks for no pairs" in nothing.stderr
    missing = motionwarp("dataset", "test-pairs", tmp_path / "absent", "-o", tmp_path / "out")
    assert missing.exit_code == 2
    assert "keypoints18.json" in missing.stderr
