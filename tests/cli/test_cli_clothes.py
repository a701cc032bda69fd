"""`swap`, `translate` and the commands around them, as a user runs them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from motionwarp.media.image import read_image, write_image
from motionwarp.media.reader import open_video
from motionwarp.media.writer import open_writer

Run = Callable[..., Any]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("folders")
    for name in ("labels", "photos"):
        (root / name).mkdir()
    for number in range(3):
        labels = np.zeros((40, 40), dtype=np.uint8)
        labels[8 * number :, 20:] = 1
        write_image(root / "labels" / f"{number}.png", labels)
        colors = np.where(labels[..., None] > 0, (200, 60, 30), (20, 90, 160)).astype(np.uint8)
        write_image(root / "photos" / f"{number}.png", colors)
    return root


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory, folders: Path) -> Path:
    """A configuration of a tiny network."""
    path = tmp_path_factory.mktemp("config") / "tiny.toml"
    path.write_text(
        'history = 2\n[data]\na = "x"\nb = "x"\nheight = 32\nwidth = 32\n'
        "[network]\nbase = 4\nblocks = 1\ndiscriminator_base = 4\nheight = 32\nwidth = 32\n"
        "[loop]\nsteps = 2\nbatch_size = 1\nworkers = 0\nlog_every = 1\n"
    )
    return path


@pytest.fixture(scope="module")
def model(folders: Path, tiny: Path, tmp_path_factory: pytest.TempPathFactory, app_module: Any) -> Path:
    from typer.testing import CliRunner

    run = tmp_path_factory.mktemp("run")
    result = CliRunner().invoke(
        app_module.app,
        ["train", "cyclegan", "--a", str(folders / "labels"), "--b", str(folders / "photos"), "--a-labels",
         "--variant", "long", "--config", str(tiny), "-o", str(run), "--device", "cpu"],
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    return run / "cyclegan.safetensors"


def test_pictures_and_clips_are_translated(motionwarp: Run, model: Path, folders: Path, tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    with open_writer(clip, width=32, height=48, frame_rate=10) as writer:  # type: ignore[arg-type]
        for number in range(3):
            writer.write(np.full((48, 32, 3), 60 * number, dtype=np.uint8), number / 10)
    photo = folders / "photos" / "1.png"
    result = motionwarp("translate", model, photo, clip, "--direction", "b2a", "-o", tmp_path / "out", "--json")
    assert result.exit_code == 0, result.stderr
    summary = json.loads(result.stdout)
    assert [each["frames"] for each in summary["inputs"]] == [1, 3]
    assert read_image(tmp_path / "out" / "1.png").rgb.shape == (40, 40, 3)
    with open_video(tmp_path / "out" / "clip.mp4") as reader:
        assert len(list(reader)) == 3


def test_the_network_that_ships_goes_by_its_name(motionwarp: Run, folders: Path, tmp_path: Path) -> None:
    labels, photo = folders / "labels" / "1.png", folders / "photos" / "1.png"
    made = motionwarp("translate", "cyclegan", labels, "--input-labels", "-o", tmp_path / "made.png")
    assert made.exit_code == 0, made.stderr
    back = motionwarp("translate", "cyclegan", photo, "--direction", "b2a", "-o", tmp_path / "back.png")
    assert back.exit_code == 0, back.stderr
    pictures = [read_image(tmp_path / name).rgb for name in ("made.png", "back.png")]
    assert [picture.shape for picture in pictures] == [(40, 40, 3)] * 2
    assert (pictures[0] != pictures[1]).any()
    unknown = motionwarp("translate", "pix2pix", photo, "-o", tmp_path / "none.png")
    assert unknown.exit_code == 2
    assert "pix2pix" in unknown.stderr


def test_label_maps_are_translated_and_photos_are_none(
    motionwarp: Run, model: Path, folders: Path, tmp_path: Path
) -> None:
    labels, photo = folders / "labels" / "1.png", folders / "photos" / "1.png"
    result = motionwarp("translate", model, labels, "--input-labels", "-o", tmp_path / "made.png")
    assert result.exit_code == 0, result.stderr
    assert read_image(tmp_path / "made.png").rgb.shape == (40, 40, 3)
    refused = motionwarp("translate", model, photo, "--input-labels", "-o", tmp_path / "other.png")
    assert refused.exit_code == 2
    assert "label map is expected" in refused.stderr


def test_a_judge_is_trained_and_scores(motionwarp: Run, model: Path, folders: Path, tmp_path: Path) -> None:
    where = ("--labels", folders / "labels", "--photos", folders / "photos")
    trained = motionwarp(
        "train", "fcn", *where, "--classes", "2", "--height", "32", "--width", "32", "--steps", "2", "-o", tmp_path,
        "--device", "cpu",
    )  # fmt: skip
    assert trained.exit_code == 0, trained.stderr
    scored = motionwarp("evaluate", "translation", model, "--fcn", tmp_path / "fcn.safetensors", *where, "--json")
    assert scored.exit_code == 0, scored.stderr
    report = json.loads(scored.stdout)
    assert report["pictures"] == 3
    assert set(report["scores"]) == {"cyclegan", "copy", "oracle"}
    assert report["flicker"] == {}


def test_a_translation_is_no_engine_of_transfers(motionwarp: Run, model: Path, tmp_path: Path) -> None:
    for command in (("transfer", "a.jpg", "b.mp4"), ("swap", "a.jpg", "b.jpg")):
        write_image(tmp_path / "a.jpg", np.zeros((40, 40, 3), dtype=np.uint8), overwrite=True)
        paths = [tmp_path / name for name in command[1:]]
        result = motionwarp(command[0], *paths, "--engine", model, "-o", tmp_path / "out.png")
        assert result.exit_code == 2
    assert not (tmp_path / "out.png").exists()


def test_folders_that_do_not_do(motionwarp: Run, folders: Path, tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    write_image(tmp_path / "one" / "x.png", np.zeros((9, 9), dtype=np.uint8))
    result = motionwarp("train", "cyclegan", "--a", tmp_path / "one", "--b", folders / "photos", "-o", tmp_path / "run")
    assert result.exit_code == 2
    assert "a single picture" in result.stderr
    assert not (tmp_path / "run").exists()


def test_the_example_is_dressed_in_their_own_clothes(motionwarp: Run, repository_root: Path, tmp_path: Path) -> None:
    person = repository_root / "examples" / "person.jpg"
    out = tmp_path / "out.png"
    result = motionwarp("swap", person, person, "--what", "upper", "-o", out, "--json", "--device", "cpu")
    assert result.exit_code == 0, result.stderr
    summary = json.loads(result.stdout)
    assert (summary["engine"], summary["what"], summary["frames"]) == ("avatar", "upper", 1)
    made, photo = read_image(out).rgb.astype(int), read_image(person).rgb.astype(int)
    assert made.shape == photo.shape
    assert (made == photo).all(axis=2).mean() > 0.6
    assert np.abs(made - photo).mean() < 12
    again = motionwarp("swap", person, person, "-o", out)
    assert again.exit_code == 2
    assert "exists" in again.stderr
