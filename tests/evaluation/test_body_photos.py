"""Fits to photos are measured on a folder of drawn photos, by its command too."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from moving_box import BOX, TOP, points_of, red
from photo_folder import LEFTS, make_photo_folder

from motionwarp.body.body_track import BodyReader
from motionwarp.errors import InputError, NoPersonError
from motionwarp.evaluation.body.photos import evaluate_photos
from motionwarp.perception.selection import LARGEST, PersonChoice
from motionwarp.types import ByteArray, Person, PersonCrop, Pose


class Red:
    """Sees red people at the places where the folder draws them; not the second."""

    name = "red"

    def analyze_picture(self, rgb: ByteArray, choice: PersonChoice = LARGEST, **_: object) -> Person:
        matte = red(rgb).astype(np.float32)
        left = int(np.flatnonzero(matte.any(axis=0))[0])
        if abs(left - LEFTS["0017"]) < 5:
            raise NoPersonError("nobody")
        height, width = matte.shape
        crop = PersonCrop(0, 0, height / 256, width=round(256 * width / height), height=256)
        return Person(Pose(points_of(left, TOP, *BOX)), crop, matte=matte)


def test_silhouettes_and_times_are_measured(tmp_path: Path) -> None:
    folder = make_photo_folder(tmp_path / "data")
    report = evaluate_photos(Red(), BodyReader.load(), folder / "ccp")  # type: ignore[arg-type]
    metrics: dict[str, Any] = report.metrics
    assert (metrics["photos"], metrics["not_found"]) == (2, ["0017"])
    assert 0 < metrics["iou_before_outline_median"] < metrics["iou_median"] <= 1
    assert list(metrics["worst"]) == [photo.name for photo in report.photos]
    assert metrics["seconds_median"] > 0
    assert report.photos[0].iou_after <= report.photos[1].iou_after
    assert len(report.tiles(20)) == 2
    (folder / "ccp" / "keypoints18.json").write_text("{}")
    with pytest.raises(InputError, match="no photo"):
        evaluate_photos(Red(), BodyReader.load(), folder / "ccp")  # type: ignore[arg-type]


def test_the_command_draws_a_sheet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from typer.testing import CliRunner

    from motionwarp.__main__ import command_line

    monkeypatch.setattr("motionwarp.perception.registry.make_estimator", lambda *_: Red())
    folder = make_photo_folder(tmp_path / "data")
    asked = ["evaluate", "body", "photos", str(folder), "--limit", "1", "--sheet", str(tmp_path / "s.png"), "--json"]
    result = CliRunner().invoke(command_line().app, asked)
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["photos"] == 1
    assert cv2.imread(str(tmp_path / "s.png")) is not None
    again = CliRunner().invoke(command_line().app, asked)
    assert again.exit_code == 2
