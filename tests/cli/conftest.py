"""Run the command line: inside this process for most tests, as a program of its own for a few."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from typer.testing import CliRunner

from motionwarp.__main__ import command_line

# this copy's command line, installed or not, before any test imports a part of it
APP_MODULE = command_line()


@pytest.fixture(scope="session")
def app_module() -> ModuleType:
    return APP_MODULE


def runner_of_streams() -> CliRunner:
    """Return a runner that keeps stdout and stderr apart, which older versions do only when told to."""
    environment = {"COLUMNS": "100", "TERM": "dumb", "NO_COLOR": "1"}
    if "mix_stderr" in inspect.signature(CliRunner).parameters:
        return CliRunner(env=environment, mix_stderr=False)  # type: ignore[call-arg]
    return CliRunner(env=environment)


@pytest.fixture
def make_runner() -> Callable[[], CliRunner]:
    return runner_of_streams


@pytest.fixture
def motionwarp(app_module: ModuleType) -> Callable[..., object]:
    """Run a command in this process and return Typer's result: exit_code, stdout, stderr."""
    runner = runner_of_streams()

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
