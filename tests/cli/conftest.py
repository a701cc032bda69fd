"""Run the command line: inside this process for most tests, as a program of its own for a few."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from typer.testing import CliRunner

from motionwarp.__main__ import command_line

# this copy's command line, installed or not, before any test imports a part of it
APP_MODULE = command_line()


@pytest.fixture(scope="session")
def app_module() -> ModuleType:
    return APP_MODULE


@pytest.fixture
def motionwarp(app_module: ModuleType) -> Callable[..., object]:
    """Run a command in this process and return Typer's result: exit_code, stdout, stderr."""
    runner = CliRunner(env={"COLUMNS": "100", "TERM": "dumb", "NO_COLOR": "1"})

    def run(*arguments: object) -> object:
        return runner.invoke(app_module.app, [str(argument) for argument in arguments], prog_name="motionwarp")

    return run


@pytest.fixture(scope="session")
def program(repository_root: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a command as a program of its own, as a user does."""

    def run(*arguments: object, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "motionwarp", *map(str, arguments)],
            cwd=cwd,
            env={**os.environ, "PYTHONPATH": str(repository_root), "COLUMNS": "100", **environment},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run


def picture_with_person(person: bool = True, width: int = 120, height: int = 160) -> np.ndarray:
    """A grey picture; the person, if there is one, is a red box that `RedBoxEstimator` sees."""
    rgb = np.full((height, width, 3), 90, np.uint8)
    if person:
        rgb[height // 8 : -height // 8, width // 3 : -width // 3] = (250, 10, 10)
    return rgb
