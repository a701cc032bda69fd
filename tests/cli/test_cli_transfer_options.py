"""`motionwarp transfer` offers every option of `TransferOptions` with the same default."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import typer

from motionwarp.pipeline.options import TransferOptions

Run = Callable[..., Any]

# what is not an option of the transfer itself, but of how it is told of
TELLING = {"source", "driving", "output", "as_json", "quiet", "debug", "help"}


@pytest.fixture
def parameters(app_module: ModuleType) -> dict[str, Any]:
    command: Any = typer.main.get_command(app_module.app)
    return {parameter.name: parameter for parameter in command.commands["transfer"].params}


@pytest.fixture
def caught(app_module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Path, Path, Path, TransferOptions]]:
    """Collects what the command would run, instead of running it."""
    runs: list[tuple[Path, Path, Path, TransferOptions]] = []

    def catch(source: Path, driving: Path, target: Path, options: TransferOptions, reporter: object) -> None:
        runs.append((source, driving, target, options))

    monkeypatch.setattr(import_module("motionwarp_cli.transfer"), "run", catch)
    return runs


def test_every_option_is_offered(parameters: dict[str, Any]) -> None:
    assert set(parameters) - TELLING == {field.name for field in fields(TransferOptions)}


def test_defaults_are_the_same(motionwarp: Run, caught: list[Any]) -> None:
    assert motionwarp("transfer", "person.jpg", "dance.mp4").exit_code == 0
    [(source, driving, target, options)] = caught
    assert (source, driving, target) == (Path("person.jpg"), Path("dance.mp4"), Path("person_dance.mp4"))
    assert options == TransferOptions()


def test_transparent_results_go_where_transparency_is_kept(motionwarp: Run, caught: list[Any]) -> None:
    motionwarp("transfer", "a/person.jpg", "b/dance.mp4", "--background", "transparent")
    assert caught[0][2] == Path("person_dance.webm")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("out.mov", "out.mov"), ("frames/", "frames/%05d.png"), ("frames", "frames"), ("f_%03d.png", "f_%03d.png")],
)
def test_a_slash_makes_a_folder_of_frames(motionwarp: Run, caught: list[Any], text: str, expected: str) -> None:
    motionwarp("transfer", "person.jpg", "dance.mp4", "-o", text)
    assert caught[0][2] == Path(expected)


@pytest.mark.parametrize(
    ("words", "field", "value"),
    [
        ("--engine layered", "engine", "layered"),
        ("--no-retarget", "retarget", False),
        ("--placement driving", "placement", "driving"),
        ("--background driving", "placement_choice", "driving"),
        ("--shadow off", "shadow", "off"),
        ("--relight off", "relight", "off"),
        ("--background #102030", "background", "#102030"),
        ("--size 1280x720", "size", "1280x720"),
        ("--size 640", "size", "640"),
        ("--source-poses p.json", "source_poses", Path("p.json")),
        ("--driving-poses d", "driving_poses", Path("d")),
        ("--matte m.png", "matte", Path("m.png")),
        ("--source-time 1:02.5", "source_time", 62.5),
        ("--fps 30000/1001", "fps", "30000/1001"),
        ("--start 0:05", "start", 5.0),
        ("--end 7.25", "end", 7.25),
        ("--person 320,240", "person", "320,240"),
        ("--smooth 0", "smooth", 0.0),
        ("--no-audio", "audio", False),
        ("--side-by-side", "side_by_side", True),
        ("--save-poses s.json", "save_poses", Path("s.json")),
        ("--pose-estimator mediapipe", "pose_estimator", "mediapipe"),
        ("--device cpu", "device", "cpu"),
        ("--precision bf16", "precision", "bf16"),
        ("--batch-size 4", "batch_size", "4"),
        ("--codec hevc", "codec", "hevc"),
        ("--crf 20", "crf", 20),
        ("--preset fast", "preset", "fast"),
        ("--max-bytes 256k", "max_bytes", 256_000),
        ("--overwrite", "overwrite", True),
        ("--seed 7", "seed", 7),
    ],
)
def test_options_reach_the_transfer(motionwarp: Run, caught: list[Any], words: str, field: str, value: object) -> None:
    result = motionwarp("transfer", "person.jpg", "dance.mp4", *words.split())
    assert result.exit_code == 0, result.stderr
    assert getattr(caught[0][3], field) == value


@pytest.mark.parametrize(
    "words",
    [
        "--size 12 --crf",
        "--size wide",
        "--background #12345",
        "--smooth 2",
        "--smooth nan",
        "--start 5 --end 4",
        "--fps 0",
        "--crf 99",
        "--max-bytes 12",
        "--max-bytes much",
        "--batch-size 0",
        "--placement left",
        "--device tpu",
        "--seed -1",
        "--no-such-option",
    ],
)
def test_wrong_values_are_refused_before_anything_is_done(motionwarp: Run, caught: list[Any], words: str) -> None:
    result = motionwarp("transfer", "person.jpg", "dance.mp4", *words.split())
    assert result.exit_code == 2
    assert result.stderr.strip()
    assert "Traceback" not in result.stderr
    assert caught == []
