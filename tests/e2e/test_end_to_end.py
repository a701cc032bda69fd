"""The plain commands as a new user runs them, with nothing but what ships."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from motionwarp.data.ccp import photo_names, read_photos
from motionwarp.evaluation.perception import PointTally, person_height


def motionwarp(*words: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "motionwarp", *map(str, words)]
    root = Path(__file__).resolve().parents[2]
    return subprocess.run(
        command, cwd=cwd, env=_environment(root), capture_output=True, text=True, timeout=300, check=False
    )


def _environment(root: Path) -> dict[str, str]:
    import os

    return {**os.environ, "PYTHONPATH": str(root)}


def contents(path: Path) -> dict[str, Any]:
    """What PyAV finds in a file: frames with times, and seconds of sound."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        times = [float(frame.pts * frame.time_base) for frame in container.decode(stream)]
    with av.open(str(path)) as container:
        sound = (
            sum(frame.samples / frame.sample_rate for frame in container.decode(audio=0))
            if container.streams.audio
            else 0.0
        )
    return {"times": times, "sound": sound}


def test_the_example_gives_a_video_with_the_clips_frames_and_sound(repository_root: Path, tmp_path: Path) -> None:
    person, dance = repository_root / "examples" / "person.jpg", repository_root / "examples" / "dance.mp4"
    done = motionwarp("transfer", person, dance, "--end", "1", "--size", "480", "-o", "out.mp4", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    made, driving = contents(tmp_path / "out.mp4"), contents(dance)
    expected = [time for time in driving["times"] if time < 1]
    assert made["times"] == pytest.approx(expected, abs=1e-3)
    assert summary["frames"] == len(expected)
    assert made["sound"] == pytest.approx(1.0, abs=0.1)
    assert not [path for path in tmp_path.iterdir() if path.name != "out.mp4"]


def test_the_examples_points_are_found(repository_root: Path, tmp_path: Path) -> None:
    examples = repository_root / "examples"
    assert motionwarp("pose", examples / "person.jpg", "-o", tmp_path, cwd=tmp_path).returncode == 0
    exact = np.array(json.loads((examples / "person.keypoints18.json").read_text())["frames"][0])
    found = np.array(json.loads((tmp_path / "person.keypoints18.json").read_text())["frames"][0])
    height = np.ptp(exact[:, 1])
    near = np.linalg.norm(found[:, :2] - exact[:, :2], axis=1) < 0.1 * height
    assert near[exact[:, 2] > 0.9].mean() > 0.8


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["missing.jpg", "DANCE"], "missing.jpg"),
        (["PERSON", "missing.mp4"], "missing.mp4"),
        (["PERSON", "DANCE", "-o", "out.xyz"], "out.xyz"),
        (["PERSON", "DANCE", "--device", "cuda"], "cuda"),
        (["PERSON", "DANCE", "--engine", "magic"], "magic"),
        (["PERSON", "DANCE", "--background", "#12"], "#12"),
        (["DANCE", "PERSON", "--person", "7"], "person"),
    ],
)
def test_bad_input_is_one_message_and_exit_code_two(
    repository_root: Path, tmp_path: Path, words: list[str], expected: str
) -> None:
    import torch

    if expected == "cuda" and torch.cuda.is_available():
        pytest.skip("this machine has a CUDA device")
    places = {"PERSON": "person.jpg", "DANCE": "dance.mp4"}
    given = [str(repository_root / "examples" / places[word]) if word in places else word for word in words]
    done = motionwarp("transfer", *given, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert expected in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.shared_data
def test_a_real_photo_takes_over_a_real_dance(shared_data: Path, tmp_path: Path) -> None:
    photo, clip = shared_data / "ccp" / "photos" / "0097.jpg", shared_data / "video" / "muse_dance.mp4"
    done = motionwarp("transfer", photo, clip, "--end", "0.5", "--size", "640", "-o", "out.mp4", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["frames"] == 12
    assert len(contents(tmp_path / "out.mp4")["times"]) == 12
    assert contents(tmp_path / "out.mp4")["sound"] == pytest.approx(0.5, abs=0.1)


@pytest.mark.shared_data
def test_the_bundled_analyzer_sees_people_it_was_not_trained_on(shared_data: Path) -> None:
    import torch

    from motionwarp.perception.registry import make_estimator

    estimator = make_estimator("builtin", torch.device("cpu"), torch.float32)
    tally = PointTally()
    for photo in read_photos(shared_data / "ccp", photo_names(shared_data / "ccp", "validation")[3:60:8]):
        seen = estimator.analyze_picture(photo.rgb)
        tally.add(seen.pose.points, photo.pose.points, person_height(photo.pose.points, photo.matte))
    # well below what the model card reports for all of them: a guard against broken weights, not a figure
    assert tally.near[0].sum() / tally.total.sum() > 0.85


def test_inputs_the_wrong_way_round_are_told(repository_root: Path, tmp_path: Path) -> None:
    person, dance = repository_root / "examples" / "person.jpg", repository_root / "examples" / "dance.mp4"
    done = motionwarp("transfer", dance, person, "--size", "256", "-o", "out.mp4", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    told = " ".join(done.stderr.split())
    assert "is a still picture, so the result has a single frame; perhaps SOURCE and DRIVING were exchanged" in told
    assert len(contents(tmp_path / "out.mp4")["times"]) == 1
