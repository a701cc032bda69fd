"""`motionwarp transfer` as a user runs it, on real inputs, and what it says to bad ones."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from PIL import Image

Run = Callable[..., Any]
SMALL = ("--size", "192", "--device", "cpu")


@pytest.fixture(scope="module")
def inputs(repository_root: Path) -> tuple[Path, Path]:
    """A picture and a clip of people."""
    person, dance = repository_root / "examples" / "person.jpg", repository_root / "examples" / "dance.mp4"
    if not (person.is_file() and dance.is_file()):
        pytest.skip("the project's examples are not there")
    return person, dance


def frame_times(path: Path) -> list[float]:
    with av.open(str(path)) as container:
        return [float(frame.time or 0) for frame in container.decode(video=0)]


def test_the_readme_command(program: Run, inputs: tuple[Path, Path], tmp_path: Path) -> None:
    person, dance = inputs
    result = program("transfer", person, dance, "-o", "out.mp4", "--end", "0.4", *SMALL, "--json", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    summary = json.loads(result.stdout)
    assert summary["output"] == "out.mp4"
    expected = [seconds for seconds in frame_times(dance) if seconds < 0.4]
    assert summary["frames"] == len(expected)
    assert frame_times(tmp_path / "out.mp4") == pytest.approx(expected, abs=1e-3)
    assert max(summary["width"], summary["height"]) == 192
    assert set(summary) >= {"seconds", "fps", "stage_seconds", "warnings", "engine", "device"}
    assert "render: " in result.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["out.mp4"]


def test_what_people_read(program: Run, inputs: tuple[Path, Path], tmp_path: Path) -> None:
    person, dance = inputs
    result = program("transfer", person, dance, "--end", "0.1", *SMALL, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith(f"{person.stem}_{dance.stem}.mp4: ")
    quiet = program("transfer", person, dance, "--end", "0.1", *SMALL, "--quiet", "--overwrite", cwd=tmp_path)
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (0, "", "")


def test_poses_are_made_once_and_used_again(motionwarp: Run, inputs: tuple[Path, Path], tmp_path: Path) -> None:
    person, dance = inputs
    poses = tmp_path / "dance.keypoints18.json"
    assert motionwarp("pose", dance, "-o", poses).exit_code == 0
    result = motionwarp(
        "transfer", person, dance, "--driving-poses", poses, "--end", "0.2", *SMALL, "-o", tmp_path / "out.mp4"
    )
    assert result.exit_code == 0, result.stderr
    assert len(frame_times(tmp_path / "out.mp4")) == len([seconds for seconds in frame_times(dance) if seconds < 0.2])


def test_a_sticker_and_a_sheet_are_opened_by_another_program(
    motionwarp: Run, inputs: tuple[Path, Path], tmp_path: Path
) -> None:
    person, dance = inputs
    short = ("--background", "transparent", "--end", "0.3", "--fps", "10", *SMALL, "--engine", "layered")
    made = motionwarp("transfer", person, dance, *short, "--max-bytes", "16k", "-o", tmp_path / "sticker.webp")
    assert made.exit_code == 0, made.stderr
    assert (tmp_path / "sticker.webp").stat().st_size <= 16_000
    with Image.open(tmp_path / "sticker.webp") as sticker:
        assert (sticker.n_frames, max(sticker.size)) == (3, 192)  # type: ignore[attr-defined]
        alpha = np.asarray(sticker.convert("RGBA"))[..., 3]
    assert 0.02 < (alpha > 0).mean() < 0.9
    made = motionwarp("transfer", person, dance, *short, "-o", tmp_path / "sheet.png")
    assert made.exit_code == 0, made.stderr
    told = json.loads((tmp_path / "sheet.json").read_text())
    assert len(told["frames"]) == 3
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.size == (told["meta"]["size"]["w"], told["meta"]["size"]["h"])
    # the person stands on the lower part of the cut, not at the frame's edge
    first = told["frames"][0]
    cut = first["spriteSourceSize"]
    x, y = first["pivot"]["x"] * first["sourceSize"]["w"], first["pivot"]["y"] * first["sourceSize"]["h"]
    assert cut["x"] < x < cut["x"] + cut["w"]
    assert cut["y"] + 0.7 * cut["h"] < y < cut["y"] + 1.05 * cut["h"]


def picture(path: Path, width: int = 64, height: int = 64) -> Path:
    cv2.imwrite(str(path), np.full((height, width, 3), 128, np.uint8))
    return path


def clip(path: Path, frames: int = 3) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for _ in range(frames):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.full((64, 64, 3), 99, np.uint8), format="rgb24")))
        container.mux(stream.encode(None))
    return path


def sound(path: Path) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=44100)
        frame = av.AudioFrame.from_ndarray(np.zeros((2, 1024), np.float32), format="fltp", layout="stereo")
        frame.sample_rate = 44100
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def text(path: Path) -> Path:
    path.write_text("neither a picture nor a video")
    return path


def empty(path: Path) -> Path:
    path.touch()
    return path


def folder(path: Path) -> Path:
    path.mkdir()
    return path


def absent(path: Path) -> Path:
    return path


def truncated(path: Path) -> Path:
    whole = clip(path.with_name("whole.mp4"), 30).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    return path


@pytest.mark.parametrize("make", [absent, empty, text, folder, sound])
def test_bad_sources_are_one_message(motionwarp: Run, tmp_path: Path, make: Callable[[Path], Path]) -> None:
    source, driving = make(tmp_path / "source.mp4"), clip(tmp_path / "driving.mp4")
    check_refusal(motionwarp("transfer", source, driving, "-o", tmp_path / "out.mp4"), tmp_path, "source.mp4")


@pytest.mark.parametrize("make", [absent, empty, text, folder, sound, truncated])
def test_bad_clips_are_one_message(motionwarp: Run, tmp_path: Path, make: Callable[[Path], Path]) -> None:
    source, driving = picture(tmp_path / "source.png"), make(tmp_path / "driving.mp4")
    check_refusal(motionwarp("transfer", source, driving, "-o", tmp_path / "out.mp4"), tmp_path, "driving.mp4")


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ("driving.mp4", "input"),
        ("there.mp4", "exists"),
        ("out.xyz", ".xyz"),
        ("nowhere/out.mp4", "does not exist"),
    ],
)
def test_bad_outputs_are_refused(motionwarp: Run, tmp_path: Path, output: str, words: str) -> None:
    source, driving = picture(tmp_path / "source.png"), clip(tmp_path / "driving.mp4")
    there = text(tmp_path / "there.mp4")
    before = (driving.read_bytes(), there.read_bytes())
    result = motionwarp("transfer", source, driving, "-o", tmp_path / output)
    assert result.exit_code == 2
    assert words in result.stderr
    assert (driving.read_bytes(), there.read_bytes()) == before
    assert sorted(file.name for file in tmp_path.iterdir()) == ["driving.mp4", "source.png", "there.mp4"]


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"frames": [[[1, 2, NaN]]]}', '{"width": 64, "height": 64, "fps": 10, "frames": [[1]]}']
)
def test_bad_poses_are_refused(motionwarp: Run, tmp_path: Path, content: str) -> None:
    source, driving = picture(tmp_path / "source.png"), clip(tmp_path / "driving.mp4")
    poses = tmp_path / "poses.json"
    poses.write_text(content)
    result = motionwarp("transfer", source, driving, "--source-poses", poses, "-o", tmp_path / "out.mp4")
    check_refusal(result, tmp_path, "poses.json")


def test_cuda_that_is_not_there_is_refused(motionwarp: Run, tmp_path: Path) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has CUDA")
    source, driving = picture(tmp_path / "source.png"), clip(tmp_path / "driving.mp4")
    result = motionwarp("transfer", source, driving, "--device", "cuda", "-o", tmp_path / "out.mp4")
    check_refusal(result, tmp_path, "--device cuda")


def check_refusal(result: Any, place: Path, words: str) -> None:
    """One message that names the input, exit code 2, and no output, whole or half."""
    assert result.exit_code == 2, result.stderr
    errors = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    assert len(errors) == 1
    assert words in errors[0]
    assert "Traceback" not in result.stderr
    assert result.stdout == ""
    assert not [file.name for file in place.iterdir() if "out" in file.name or file.name.endswith(".part")]
