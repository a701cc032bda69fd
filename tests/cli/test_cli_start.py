"""How the program sets itself up: threads that wait without spinning, and imports that are looked through once."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

_AFTER_MAIN = """
import gc, os, sys
from motionwarp.__main__ import command_line
sys.argv = ["motionwarp", *sys.argv[1:]]
try:
    command_line().main()
finally:
    threads = [os.environ[name] for name in ("OMP_WAIT_POLICY", "OPENBLAS_NUM_THREADS")]
    print(threads, gc.isenabled(), gc.get_freeze_count(), file=sys.stderr)
"""


def after(repository_root: Path, *words: str, **settings: str) -> tuple[str, bool, int]:
    """Return what the settings of threads, the collector and its count of what it passes over are after a command."""
    kept = {
        name: value for name, value in os.environ.items() if name not in ("OMP_WAIT_POLICY", "OPENBLAS_NUM_THREADS")
    }
    environment = {**kept, "PYTHONPATH": str(repository_root), **settings}
    done = subprocess.run(
        [sys.executable, "-c", _AFTER_MAIN, *words], env=environment, capture_output=True, text=True, check=False
    )
    threads, enabled, count = done.stderr.strip().splitlines()[-1].rsplit(" ", 2)
    return threads, enabled == "True", int(count)


def test_waiting_threads_sleep_unless_the_user_says_otherwise(repository_root: Path) -> None:
    assert after(repository_root, "--version")[0] == "['PASSIVE', '1']"
    assert after(repository_root, "--version", OPENBLAS_NUM_THREADS="2")[0] == "['PASSIVE', '2']"


def test_what_a_transfer_imports_is_not_looked_through_again(repository_root: Path, tmp_path: Path) -> None:
    _, enabled, count = after(repository_root, "transfer", str(tmp_path / "no.png"), str(tmp_path / "no.mp4"))
    # PyTorch alone makes a hundred thousand
    assert enabled
    assert count > 50_000


def test_collections_go_on_after_imports_that_fail(app_module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    stages = import_module(f"{app_module.__package__}.stages")
    frozen: list[bool] = []
    monkeypatch.setattr(gc, "freeze", lambda: frozen.append(True))
    during: list[bool] = []
    with pytest.raises(ImportError), stages.uncollected_imports():
        during.append(gc.isenabled()) or import_module("motionwarp.no_such_module")
    assert (during, gc.isenabled()) == ([False], True)
    # nothing came that would stay
    assert frozen == []


_ENDING = """
import atexit, os, sys, threading, weakref
from motionwarp.runtime import end_process
atexit.register(lambda: print("at the end"))
class Held: ...
held = Held()
weakref.finalize(held, print, "finalized")
if "thread" in sys.argv:
    event = threading.Event()
    atexit.register(event.set)
    threading.Thread(target=lambda: (event.wait(0.2), print("thread over")), daemon=False).start()
sys.stdout.write("unflushed, ")
end_process(3)
"""


@pytest.mark.parametrize(
    ("words", "said"),
    [([], ["unflushed, finalized", "at the end"]), (["thread"], ["unflushed, thread over", "finalized", "at the end"])],
)
def test_a_process_that_is_ended_does_all_that_is_left_to_do(
    repository_root: Path, words: list[str], said: list[str]
) -> None:
    environment = {**os.environ, "PYTHONPATH": str(repository_root)}
    done = subprocess.run(
        [sys.executable, "-c", _ENDING, *words], env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.splitlines(), done.stderr) == (3, said, "")


@pytest.mark.parametrize(("words", "code"), [(["--version"], 0), (["transfer", "none.jpg", "none.mp4"], 2)])
def test_the_program_ends_with_the_command_s_code(repository_root: Path, words: list[str], code: int) -> None:
    environment = {**os.environ, "PYTHONPATH": str(repository_root)}
    done = subprocess.run(
        [sys.executable, "-m", "motionwarp", *words], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == code
    assert bool(done.stdout) == (code == 0)
    assert bool(done.stderr) == (code != 0)
