"""`motionwarp live` as a user runs it, with a clip as the camera."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]


def test_ctrl_c_ends_it_well(repository_root: Path, tmp_path: Path) -> None:
    examples = repository_root / "examples"
    command = [
        sys.executable, "-m", "motionwarp", "live", str(examples / "person.jpg"), "--camera",
        str(examples / "dance.mp4"),
        "--size", "128", "--device", "cpu", "--json",
    ]  # fmt: skip
    run = subprocess.Popen(
        command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(repository_root)}, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert run.stderr is not None
    line = run.stderr.readline()
    assert line.startswith("Look at http://127.0.0.1:"), line + run.stderr.read()
    run.send_signal(signal.SIGINT)
    out, err = run.communicate(timeout=60)
    assert run.returncode == 0, err
    assert set(json.loads(out)) >= {"pictures", "fps", "latency_ms", "dropped", "place"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--camera", "gone.mp4"], "gone.mp4: there is no such file"),
        (["--background", "transparent"], "is no background of a live picture"),
        (["--engine", "avatar"], "Use --engine layered"),
        (["--to", "screen"], "--to"),
        (["--port", "70000"], "--port"),
    ],
)
def test_what_makes_no_sense_is_told(motionwarp: Run, repository_root: Path, words: list[str], message: str) -> None:
    examples = repository_root / "examples"
    camera = [] if "--camera" in words else ["--camera", examples / "dance.mp4"]
    result = motionwarp("live", examples / "person.jpg", *camera, *words, "--device", "cpu")
    assert result.exit_code == 2
    assert message in result.stderr
