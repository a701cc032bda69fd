"""Long runs that somebody ends: the exit code that shells know, no traceback, and nothing half-written."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")

COMMANDS = {
    "transfer": ["transfer", "{examples}/person.jpg", "{examples}/dance.mp4", "-o", "{out}/out.mp4"],
    "dataset pack": ["dataset", "pack", "parts-synthetic", "{examples}", "-o", "{out}/out.pack", "--count", "100000"],
}


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_run_that_is_ended_leaves_nothing(
    repository_root: Path, tmp_path: Path, name: str, number: signal.Signals, code: int
) -> None:
    words = [word.format(examples=repository_root / "examples", out=tmp_path) for word in COMMANDS[name]]
    process = subprocess.Popen(
        [sys.executable, "-m", "motionwarp", *words],
        env={**os.environ, "PYTHONPATH": str(repository_root)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # whoever runs the tests in the background has them ignored, and children take that over
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),
    )
    assert process.stderr is not None
    told = process.stderr.readline()  # the first sign of progress: work is under way
    time.sleep(0.2)
    process.send_signal(number)
    _, rest = process.communicate(timeout=60)
    assert process.returncode == code, told + rest
    assert "Traceback" not in rest
    assert list(tmp_path.iterdir()) == []
