"""Whatever moment a run is killed at, the next one ends with the bytes of a run that was not."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from motionwarp.datasets.config import DatasetConfig

from .conftest import CONFIG, INLINE, Inputs, make, tree

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

RESUME = replace(INLINE, resume=True)
# every step that makes something last or visible; between two of them nothing changes that a later run could see
STEPS = ("fsync", "rename", "replace", "link", "unlink", "mkdir")


def run_until(step: int, inputs: Inputs, output: Path, config: DatasetConfig = CONFIG) -> int | None:
    """Make the data set in a child that kills itself at the given step.

    Returns the steps it took, or None if it was killed.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        # a forked child has none of the threads that its parent's pools count on: to change their number may crash it
        torch.set_num_threads = cv2.setNumThreads = lambda count: None
        try:
            taken = count_steps(step)
            make(inputs, output, config, RESUME)
            os.write(writer, str(taken[0]).encode())
            code = 0
        finally:
            os._exit(code)
    os.close(writer)
    with os.fdopen(reader) as stream:
        said = stream.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return None
    assert os.WEXITSTATUS(status) == 0, "the run failed"
    return int(said)


def count_steps(last: int) -> list[int]:
    taken = [0]

    def counted(name: str) -> None:
        real = getattr(os, name)

        def step(*arguments: object, **options: object) -> object:
            taken[0] += 1
            if taken[0] == last:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*arguments, **options)

        setattr(os, name, step)

    for name in STEPS:
        counted(name)
    return taken


def made_times(output: Path) -> dict[str, int]:
    return {record.parent.name: record.stat().st_mtime_ns for record in output.glob("clips/*/record.json")}


def test_ten_kills_at_random_steps_change_nothing(inputs: Inputs, finished: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    steps = run_until(-1, inputs, tmp_path / "unbroken")
    assert steps is not None
    expected = tree(finished)
    assert tree(tmp_path / "unbroken") == expected
    generator = np.random.default_rng(20)
    killed = 0
    for _ in range(200):
        before = made_times(output)
        # what is left to do shrinks, and so do the steps until which it may live
        if run_until(int(generator.integers(1, max(steps // 4, 2))), inputs, output) is None:
            killed += 1
        after = made_times(output)
        # nothing that was made is made again
        assert {clip: after[clip] for clip in before} == before
        if killed == 10:
            break
    assert killed == 10
    assert run_until(-1, inputs, output) is not None
    assert tree(output) == expected


def test_clips_are_whole_whenever_they_are_there(inputs: Inputs, finished: Path, tmp_path: Path) -> None:
    expected = tree(finished)
    generator = np.random.default_rng(21)
    for step in sorted(generator.integers(20, 90, 4).tolist()):
        output = tmp_path / str(step)
        assert run_until(step, inputs, output) is None
        visible = {name: digest for name, digest in tree(output).items() if not name.startswith(".motionwarp/")}
        assert visible.items() <= expected.items()
        folders = {name.split("/")[1] for name in visible if name.startswith("clips/")}
        wanted = {name for name in expected if name.startswith("clips/") and name.split("/")[1] in folders}
        assert {name for name in visible if name.startswith("clips/")} == wanted


@pytest.mark.nightly
def test_a_large_set_survives_any_number_of_kills(inputs: Inputs, tmp_path: Path, pytestconfig: pytest.Config) -> None:
    """Killed at random moments from the first step to the last; then it is what it would have been."""
    variants = max(pytestconfig.getoption("kill_units") // 4, 1)
    config = replace(CONFIG, variants=variants)
    output = tmp_path / "out"
    steps = run_until(-1, inputs, tmp_path / "unbroken", config)
    assert steps is not None
    to_begin = run_until(-1, inputs, tmp_path / "unbroken", config)
    assert to_begin is not None
    # a run gets as far as some clips at least, or none of them would ever get anything done
    longest = to_begin + max(steps // 8, 3 * (steps - to_begin) // (4 * variants))
    generator = np.random.default_rng(22)
    kills = 0
    while run_until(int(generator.integers(1, longest)), inputs, output, config) is None:
        kills += 1
        assert kills < 50 + 20 * variants, "nothing gets done between two kills"
    assert kills >= 5
    assert len(list((output / "clips").iterdir())) == 4 * variants
    assert tree(output) == tree(tmp_path / "unbroken")
    print(f"{4 * variants} clips, {kills} kills")
