"""`motionwarp inspect`, as a user runs it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import motionwarp as package
from motionwarp.media.image import write_image
from motionwarp.pipeline.provenance import swap_provenance

Run = Callable[..., Any]


def test_files_are_shown_to_people_and_to_programs(motionwarp: Run, tmp_path: Path) -> None:
    picture = np.zeros((8, 8, 3), np.uint8)
    write_image(tmp_path / "made.jpg", picture, metadata=swap_provenance("hpn"))
    write_image(tmp_path / "photo.jpg", picture)
    shown = motionwarp("inspect", tmp_path / "made.jpg", tmp_path / "photo.jpg")
    assert shown.exit_code == 0, shown.stderr
    made, photo = shown.stdout.split("photo.jpg")
    assert f"motionwarp {package.__version__}" in made
    assert "yes, it says so" in made
    assert "compositeWithTrainedAlgorithmicMedia" in made
    assert "hpn" in made
    assert "no word of motionwarp" in photo
    assert "it does not say" in photo
    told = json.loads(motionwarp("inspect", tmp_path / "made.jpg", "--json").stdout)["files"]
    assert [(each["synthetic"], each["engine"], each["places"]) for each in told] == [(True, "hpn", ["texts", "XMP"])]


def test_what_is_no_such_file_is_refused(motionwarp: Run, tmp_path: Path) -> None:
    result = motionwarp("inspect", tmp_path / "gone.png")
    assert (result.exit_code, "no such file" in result.stderr) == (2, True)
