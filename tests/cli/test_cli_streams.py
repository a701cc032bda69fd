"""Habits of shells: standard input and output, files that begin with a dash, what is poor told in one line."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import av
import cv2
import pytest
from typer.testing import CliRunner

Run = Callable[..., Any]
SHORT = ("--end", ".2", "--size", "96", "--device", "cpu", "--engine", "layered")


@pytest.fixture
def example(repository_root: Path) -> tuple[Path, Path]:
    return repository_root / "examples" / "person.jpg", repository_root / "examples" / "dance.mp4"


def test_a_clip_goes_through_pipes(repository_root: Path, example: tuple[Path, Path], tmp_path: Path) -> None:
    person, dance = example
    command = [sys.executable, "-m", "motionwarp", "transfer", str(person), "-", "-o", "-", "--codec", "vp9", *SHORT]
    with dance.open("rb") as clip:
        done = subprocess.run(command, cwd=repository_root, stdin=clip, capture_output=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    with av.open(io.BytesIO(done.stdout)) as container:
        assert container.format.name.startswith("matroska")
        assert container.streams.video[0].codec_context.name.startswith(("vp9", "libvpx"))
        frames = list(container.decode(video=0))
    assert len(frames) == 5
    assert max(frames[0].width, frames[0].height) == 96
    assert b"-: 5 frames" in done.stderr  # what is told otherwise on stdout


def test_pipes_that_make_no_sense_are_told(
    app_module: ModuleType, make_runner: Callable[[], CliRunner], example: tuple[Path, Path]
) -> None:
    person, dance = example

    def told(*words: object, given: bytes = b"") -> str:
        done = make_runner().invoke(app_module.app, ["transfer", *map(str, words)], input=given)
        assert done.exit_code == 2
        return str(done.stderr)

    assert "can be only one" in told("-", "-", given=dance.read_bytes())
    assert "ended without a byte" in told(person, "-", *SHORT, "-o", "-")
    assert "--json" in told(person, dance, "-o", "-", "--json", *SHORT)
    assert "neither a video nor a picture" in told(person, "-", "-o", "-", given=b"plain words\n")


def test_a_file_that_begins_with_a_dash_gets_a_hint(
    motionwarp: Run, example: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    refused = motionwarp("transfer", example[0], "-dance.mp4")
    assert refused.exit_code == 2
    assert "write ./-dance.mp4" in refused.stderr.replace("\n", " ").replace("│", "")
    assert "write ./" not in motionwarp("transfer", example[0], example[1], "--no-such-option").stderr


def test_what_check_calls_poor_is_told_in_one_line(motionwarp: Run, example: tuple[Path, Path], tmp_path: Path) -> None:
    person, dance = example
    picture = cv2.imread(str(person))
    cv2.imwrite(str(tmp_path / "bust.png"), picture[: round(0.34 * picture.shape[0])])
    done = motionwarp("transfer", tmp_path / "bust.png", dance, *SHORT, "-o", tmp_path / "out.mp4")
    assert done.exit_code == 0, done.stderr
    [line] = [line for line in done.stderr.splitlines() if "would call this poor" in line]
    assert "head and shoulders" in line
    assert sum(line.startswith("Warning: ") for line in done.stderr.splitlines()) <= 4
