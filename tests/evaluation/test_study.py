"""Studies: what their pages hold and do not tell, and counting votes."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from scipy.stats import binomtest

from motionwarp.errors import InputError, OptionError, OutputError
from motionwarp.evaluation.options import StudySettings
from motionwarp.evaluation.study.make import RESULT_FORMAT, in_blocks, make_study
from motionwarp.evaluation.study.results import study_summary

GRAY = {"ours": 60, "theirs": 190}


def silent(stage: str, done: int, total: int | None) -> None:
    """Tell nobody."""


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """Two systems' pictures of six names: one makes dark ones, the other light ones."""
    for system, level in GRAY.items():
        (tmp_path / system).mkdir()
        for number in range(6):
            picture = np.full((48, 32, 3), level + number, np.uint8)
            picture[8:16, 4:12] = 255 - level
            cv2.imwrite(str(tmp_path / system / f"secret{number}.{'png' if system == 'ours' else 'jpg'}"), picture)
    return tmp_path


def made(folders: Path, **changes: Any) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Make a study; return its page, what is inside the page, and its key."""
    study = make_study(StudySettings(folders / "ours", folders / "theirs", folders / "study", **changes), silent)
    page = study.page.read_text(encoding="utf-8")
    block = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert block is not None
    return page, json.loads(block.group(1)), json.loads(study.key.read_text(encoding="utf-8"))


def level_of(address: str) -> float:
    stream = base64.b64decode(address.removeprefix("data:image/jpeg;base64,"))
    return float(cv2.imdecode(np.frombuffer(stream, np.uint8), cv2.IMREAD_GRAYSCALE)[20:, :].mean())


def test_the_key_knows_whose_pictures_are_whose_and_the_page_does_not_tell(folders: Path) -> None:
    page, data, key = made(folders, checks=2)
    assert len(data["items"]) == len(key["items"]) == 8
    shown = {item["id"]: item for item in data["items"]}
    for secret in key["items"]:
        if "clean" in secret:
            continue
        first = secret["x"] == "first"
        assert (level_of(shown[secret["id"]]["x"]) < 128) == first
        assert (level_of(shown[secret["id"]]["y"]) < 128) != first
    assert {secret.get("x") for secret in key["items"]} == {"first", "second", None}
    for word in ("secret", "ours", "theirs", "first", "check 1", "clean"):
        assert word not in page.replace('id="first"', "")
    assert set(data["items"][0]) == {"id", "x", "y"}
    assert (key["first"], key["second"]) == ("ours", "theirs")


def test_pages_are_the_same_for_a_seed(folders: Path) -> None:
    first = made(folders, seed=4)
    assert made(folders, seed=4, overwrite=True) == first
    assert made(folders, seed=5, overwrite=True)[1]["study"] != first[1]["study"]
    with pytest.raises(OutputError, match="a study already"):
        made(folders)


def test_a_limit_and_pictures_of_one_side_only(folders: Path) -> None:
    (folders / "ours" / "secret0.png").rename(folders / "ours" / "lonely.png")
    settings = StudySettings(folders / "ours", folders / "theirs", folders / "study", limit=3, checks=0)
    study = make_study(settings, silent)
    assert study.pairs == 3
    assert study.unmatched == ("lonely", "secret0")


def test_folders_that_are_no_use(folders: Path) -> None:
    (folders / "empty").mkdir()
    with pytest.raises(InputError, match="has no pictures"):
        make_study(StudySettings(folders / "empty", folders / "ours", folders / "study"), silent)
    with pytest.raises(InputError, match="is no folder"):
        make_study(StudySettings(folders / "absent", folders / "ours", folders / "study"), silent)
    cv2.imwrite(str(folders / "empty" / "other.png"), np.zeros((20, 20, 3), np.uint8))
    with pytest.raises(InputError, match="no picture of the same name"):
        make_study(StudySettings(folders / "empty", folders / "ours", folders / "study"), silent)
    cv2.imwrite(str(folders / "empty" / "other.jpg"), np.zeros((20, 20, 3), np.uint8))
    with pytest.raises(InputError, match=r"both other\.jpg and other\.png"):
        make_study(StudySettings(folders / "empty", folders / "ours", folders / "study"), silent)
    with pytest.raises(OptionError):
        StudySettings(folders, folders, folders, checks=-1)


def test_the_question_cannot_break_the_page(folders: Path) -> None:
    page, _, _ = made(folders, question="</title><script>alert(1)</script>")
    assert "<script>alert" not in page


def test_blocks_look_like_nothing_else() -> None:
    rows, columns = np.mgrid[:64, :64]
    picture = np.stack([rows * 4, columns * 4, rows + columns], axis=2).astype(np.uint8)
    spoilt = in_blocks(picture)
    assert spoilt.shape == picture.shape
    assert len(np.unique(spoilt.reshape(-1, 3), axis=0)) <= 16 * 16
    assert np.abs(spoilt.astype(int) - picture).mean() > 20


def answers(key: dict[str, Any], preferred: Sequence[bool], participant: str, failed: int = 0) -> dict[str, Any]:
    """Return a participant's file: whether the first system is preferred, pair by pair, and so many failed checks."""
    rows, wanted = [], iter(preferred)
    for secret in key["items"]:
        if "clean" in secret:
            chosen = secret["clean"] if failed <= 0 else "xy".replace(secret["clean"], "")
            failed -= 1
        else:
            likes_first = next(wanted, None)
            if likes_first is None:
                continue
            chosen = "x" if likes_first == (secret["x"] == "first") else "y"
        rows.append({"id": secret["id"], "left": "x", "chosen": chosen, "milliseconds": 900})
    return {"format": RESULT_FORMAT, "study": key["study"], "participant": participant, "answers": rows}


def save(folder: Path, content: dict[str, Any], name: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(json.dumps(content), encoding="utf-8")
    return folder / name


def test_votes_are_counted_and_the_inattentive_left_out(folders: Path) -> None:
    _, _, key = made(folders, checks=3)
    save(folders / "answers", answers(key, [True] * 5 + [False], "anna"), "1.json")
    save(folders / "answers", answers(key, [True, True, False], "ben", failed=1), "2.json")
    save(folders / "answers", answers(key, [False] * 6, "bot", failed=2), "3.json")
    # saved midway before
    save(folders / "answers", answers(key, [False], "anna"), "0.json")
    summary = study_summary([folders / "study", folders / "answers"], allowed_failures=1)
    assert (summary["participants"], summary["votes"], summary["first_preferred"]) == (2, 9, 7)
    assert summary["rate"] == pytest.approx(7 / 9)
    interval = binomtest(7, 9).proportion_ci(method="exact")
    assert (summary["low"], summary["high"]) == (pytest.approx(interval.low), pytest.approx(interval.high))
    assert summary["p_against_chance"] == pytest.approx(binomtest(7, 9).pvalue)
    assert summary["left_out"] == [{"participant": "bot", "failed": 2, "of": 3, "file": "3.json"}]
    assert summary["by_participant"] == {"anna": pytest.approx(5 / 6), "ben": pytest.approx(2 / 3)}
    assert summary["by_pair"]["secret0"] == {"votes": 2, "first": 2}
    with pytest.raises(InputError, match="none of 3 participants"):
        study_summary([folders / "study", folders / "answers"], allowed_failures=-1)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"study": "other"}, "another study"),
        ({"format": "something"}, "neither a study's key"),
        ({"answers": [{"id": "nobody", "left": "x", "chosen": "x"}]}, "damaged"),
        ({"answers": [{"id": None}]}, "damaged"),
        ({"answers": 3}, "damaged"),
    ],
)
def test_foreign_and_damaged_files_are_refused(folders: Path, change: dict[str, Any], told: str) -> None:
    _, _, key = made(folders)
    file = save(folders / "answers", {**answers(key, [True] * 6, "anna"), **change}, "1.json")
    with pytest.raises(InputError, match=told):
        study_summary([folders / "study" / "key.json", file], 1)


def test_files_that_are_missing(folders: Path) -> None:
    _, _, key = made(folders)
    file = save(folders / "answers", answers(key, [True] * 6, "anna"), "1.json")
    with pytest.raises(InputError, match="key is not among"):
        study_summary([file], 1)
    with pytest.raises(InputError, match="no participants' answers"):
        study_summary([folders / "study"], 1)
    with pytest.raises(InputError, match="cannot be read as JSON"):
        study_summary([folders / "study", folders / "absent.json"], 1)
    twice = answers(key, [True] * 6, "anna")
    twice["answers"] *= 2
    with pytest.raises(InputError, match="answered twice"):
        study_summary([folders / "study", save(folders / "answers", twice, "2.json")], 1)
