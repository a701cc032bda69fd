"""`motionwarp avatar` as a user runs it: a photo, a file, a model for other programs, a clip that turns."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from motionwarp.avatar.completion import COMPLETION_FILE, CompletionConfig, CompletionNetwork
from motionwarp.avatar.files import load_avatar
from motionwarp.media.image import read_image
from motionwarp.media.reader import open_video

Run = Callable[..., Any]
SHORT = ("--seconds", "0.2", "--height", "128", "--device", "cpu")


@pytest.fixture(scope="module")
def photo(repository_root: Path) -> Path:
    return repository_root / "examples" / "person.jpg"


@pytest.fixture(scope="module")
def made(program: Run, photo: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A folder with what one run wrote, and what it said."""
    folder = tmp_path_factory.mktemp("avatar")
    outputs = ("-o", "alice.safetensors", "-o", "alice.glb", "--turntable", "alice.webm", "--background", "transparent")
    result = program("avatar", photo, *outputs, *SHORT, "--json", cwd=folder)
    assert result.returncode == 0, result.stderr
    assert "turntable: 5 of 5" in result.stderr
    return folder, json.loads(result.stdout)


def test_all_that_was_asked_for_is_there(made: tuple[Path, dict[str, Any]]) -> None:
    folder, summary = made
    names = ["alice.glb", "alice.safetensors", "alice.webm"]
    assert sorted(file.name for file in folder.iterdir()) == sorted(summary["outputs"]) == names
    assert summary["turntable_frames"] == 5
    avatar = load_avatar(folder / "alice.safetensors").person.avatar
    assert len(avatar.sheets.faces) == summary["triangles"] > 5000
    positions = avatar.sheets.positions
    assert 1.3 < np.ptp(positions[:, 1]) < 2.1  # a grown-up's height in meters
    assert np.ptp(positions[:, 2]) > 0.1  # and a body, not a card


def test_the_model_is_read_by_others(made: tuple[Path, dict[str, Any]]) -> None:
    trimesh = pytest.importorskip("trimesh")
    folder, summary = made
    scene = trimesh.load(folder / "alice.glb")
    (mesh,) = scene.geometry.values()
    assert len(mesh.faces) == summary["triangles"]
    assert scene.bounds[0][1] == pytest.approx(0, abs=1e-6)


def test_the_turning_person_is_on_a_transparent_ground(made: tuple[Path, dict[str, Any]]) -> None:
    with open_video(made[0] / "alice.webm") as clip:
        frames = list(clip)
    assert len(frames) == 5
    for frame in frames:
        assert frame.rgb.shape[0] == 128
        assert frame.alpha is not None
        assert frame.alpha[:4, :4].max() < 20
        assert 0.05 < (frame.alpha > 200).mean() < 0.6
    assert np.abs(frames[0].rgb.astype(int) - frames[2].rgb).mean() > 2


def test_an_avatar_is_made_once_and_shown_again(
    motionwarp: Run, made: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    stored, clip = made[0] / "alice.safetensors", tmp_path / "turn.mp4"
    result = motionwarp("avatar", stored, "--turntable", clip, "--background", "#ff0000", *SHORT)
    assert result.exit_code == 0, result.stderr
    assert "triangles" in result.stdout
    with open_video(clip) as video:
        rgb = next(iter(video)).rgb
    assert rgb[2, 2, 0] > 200
    assert rgb[2, 2, 1] < 60
    assert [file.name for file in tmp_path.iterdir()] == ["turn.mp4"]
    frames = motionwarp("avatar", stored, "--turntable", f"{tmp_path}/turn/", "--background", "transparent", *SHORT)
    assert frames.exit_code == 0, frames.stderr
    assert sorted(file.name for file in (tmp_path / "turn").iterdir()) == [f"{number:05d}.png" for number in range(5)]
    again = motionwarp("avatar", stored, "--turntable", clip, *SHORT)
    assert (again.exit_code, "exists already" in again.stderr) == (2, True)
    assert motionwarp("avatar", stored, "--turntable", clip, *SHORT, "--overwrite", "--quiet").exit_code == 0


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("-o", "alice.obj"), ".safetensors or .glb"),
        (("-o", "nowhere/alice.glb"), "does not exist"),
        (("--turntable", "alice.xyz"), "alice.xyz"),
        (("--turntable", "alice.mp4", "--background", "transparent"), "alice.mp4"),
        (("--turntable", "alice.mp4", "--background", "driving"), "'#rrggbb', or transparent"),
        (("--turntable", "alice.mp4", "--background", "#12"), "'#rrggbb', or transparent"),
    ],
)
def test_mistakes_are_told_before_anything_is_made(
    motionwarp: Run, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("motionwarp.pipeline.avatars.read_or_make_avatar", lambda *_: pytest.fail("it was begun"))
    result = motionwarp("avatar", photo, *words)
    assert result.exit_code == 2
    assert told in " ".join(result.stderr.split())
    assert not list(tmp_path.iterdir())


def test_what_is_read_is_not_replaced(
    motionwarp: Run, made: tuple[Path, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(made[0])
    stored = Path("alice.safetensors")
    before = stored.read_bytes()
    # without a name an avatar goes beside the user, named after what is read
    for words in ((), ("-o", stored), ("-o", "./alice.safetensors"), ("--turntable", stored)):
        result = motionwarp("avatar", stored, *words, "--overwrite")
        assert result.exit_code == 2, words
        assert stored.read_bytes() == before


def test_the_file_stands_for_the_photo(
    motionwarp: Run, made: tuple[Path, dict[str, Any]], photo: Path, tmp_path: Path
) -> None:
    """At rest it gives its photo back, without the photo being there, and other engines take it too."""
    stored = made[0] / "alice.safetensors"
    for engine in ("avatar", "layered"):
        frames = tmp_path / engine
        result = motionwarp("transfer", stored, photo, "-o", f"{frames}/", "--engine", engine, "--quiet")
        assert result.exit_code == 0, result.stderr
        frame, original = read_image(frames / "00000.png").rgb, read_image(photo).rgb
        assert frame.shape == original.shape
        assert np.abs(frame.astype(int) - original).mean() < (1.5 if engine == "avatar" else 6)


@pytest.mark.parametrize(
    "words",
    [("--matte", "m.png"), ("--source-poses", "p.json"), ("--source-time", "1"), ("--also", "back.jpg")],
)
def test_what_an_avatar_has_in_it_is_not_told_again(
    motionwarp: Run, made: tuple[Path, dict[str, Any]], photo: Path, words: tuple[str, ...]
) -> None:
    result = motionwarp("transfer", made[0] / "alice.safetensors", photo, *words, "-o", made[0] / "never.mp4")
    assert (result.exit_code, "has in it already" in " ".join(result.stderr.split())) == (2, True)


def test_further_photos_are_for_the_engine_with_a_body(motionwarp: Run, photo: Path, tmp_path: Path) -> None:
    result = motionwarp("transfer", photo, photo, "--also", photo, "--engine", "layered", "-o", tmp_path / "x.mp4")
    assert (result.exit_code, "avatar alone" in " ".join(result.stderr.split())) == (2, True)


def test_files_that_are_no_avatar_are_refused(motionwarp: Run, tmp_path: Path) -> None:
    fake = tmp_path / "fake.safetensors"
    fake.write_bytes(b"nothing of the kind")
    result = motionwarp("avatar", fake, "-o", tmp_path / "out.glb")
    assert (result.exit_code, "no safetensors file" in result.stderr) == (2, True)
    moved = motionwarp("transfer", fake, fake, "-o", tmp_path / "out.mp4")
    assert moved.exit_code == 2
    assert [file.name for file in tmp_path.iterdir()] == ["fake.safetensors"]


def test_a_network_repaints_the_back(
    motionwarp: Run, photo: Path, made: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    network = CompletionNetwork(CompletionConfig((8, 12))).eval()
    torch.nn.init.constant_(network.leave.bias, -0.3)  # darker, and with fewer details
    COMPLETION_FILE.save(tmp_path / "completion.safetensors", network)
    asked = ("avatar", photo, "-o", tmp_path / "alice.safetensors", "--device", "cpu")
    result = motionwarp(*asked, "--completion", tmp_path / "completion.safetensors")
    assert result.exit_code == 0, result.stderr
    plain, painted = (load_avatar(folder / "alice.safetensors").person.avatar for folder in (made[0], tmp_path))
    np.testing.assert_array_equal(plain.sheets.positions, painted.sheets.positions)
    shown = plain.atlas.texels[..., 4] > 0
    np.testing.assert_array_equal(plain.atlas.texels[shown], painted.atlas.texels[shown])
    changed = (plain.atlas.texels != painted.atlas.texels).any(axis=2)
    assert changed.mean() > 0.05
    refused = motionwarp(
        *asked[:2], photo, *asked[2:], "--overwrite", "--completion", tmp_path / "completion.safetensors"
    )
    assert refused.exit_code == 2
    assert "one photo" in refused.stderr
