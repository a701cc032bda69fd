"""`motionwarp dataset annotate` as a user runs it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from motionwarp.data.protocols import read_annotations

Run = Callable[..., Any]


def test_people_are_annotated_and_the_rest_is_told(motionwarp: Run, repository_root: Path, tmp_path: Path) -> None:
    examples = repository_root / "examples"
    (tmp_path / "set" / "a").mkdir(parents=True)
    shutil.copy(examples / "person.jpg", tmp_path / "set" / "a" / "one.jpg")
    cv2.imwrite(str(tmp_path / "set" / "wall.png"), np.full((96, 96, 3), 127, np.uint8))
    (tmp_path / "set" / "broken.jpg").write_bytes((examples / "person.jpg").read_bytes()[:400])
    output = tmp_path / "points.csv"
    result = motionwarp("dataset", "annotate", tmp_path / "set", "-o", output, "--json")
    # done, but for a file that cannot be read; that a picture shows nobody is no failure
    assert result.exit_code == 3, result.stderr
    told = json.loads(result.stdout)
    assert (told["pictures"], told["without_person"], list(told["unreadable"])) == (1, ["wall.png"], ["broken.jpg"])
    annotations = read_annotations(output)
    assert list(annotations) == ["a/one.jpg"]
    truth = np.array(json.loads((examples / "person.keypoints18.json").read_text(encoding="utf-8"))["frames"][0])
    made = annotations["a/one.jpg"].points
    both = (made[:, 2] > 0) & (truth[:, 2] > 0.5)
    assert both.sum() >= 12
    height = np.ptp(truth[truth[:, 2] > 0, 1])
    assert np.median(np.linalg.norm(made[both, :2] - truth[both, :2], axis=1)) < 0.03 * height


def test_what_is_there_is_kept_and_nobody_is_an_error(motionwarp: Run, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "wall.png"), np.full((96, 96, 3), 127, np.uint8))
    (tmp_path / "there.csv").write_text("mine", encoding="utf-8")
    kept = motionwarp("dataset", "annotate", tmp_path, "-o", tmp_path / "there.csv")
    assert kept.exit_code == 2
    assert (tmp_path / "there.csv").read_text(encoding="utf-8") == "mine"
    nobody = motionwarp("dataset", "annotate", tmp_path, "-o", tmp_path / "new.csv")
    assert nobody.exit_code == 2
    assert "shows somebody" in nobody.stderr
    assert not (tmp_path / "new.csv").exists()
