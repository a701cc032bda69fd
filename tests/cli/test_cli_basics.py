"""What all commands have in common: help, version, start-up time, errors and exit codes."""

from __future__ import annotations

import errno
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import typer

from motionwarp import errors
from motionwarp.options import parse_seconds
from motionwarp.version import __version__

Run = Callable[..., Any]


def command_tree(app_module: ModuleType) -> Iterator[tuple[str, Any]]:
    """Yield every command by the words that call it, the root included."""
    waiting = [("motionwarp", typer.main.get_command(app_module.app))]
    while waiting:
        words, command = waiting.pop()
        yield words, command
        waiting += [(f"{words} {name}", child) for name, child in getattr(command, "commands", {}).items()]


def test_every_help_has_an_example_that_parses(app_module: ModuleType, motionwarp: Run) -> None:
    tree = dict(command_tree(app_module))
    assert {
        "motionwarp transfer",
        "motionwarp pose",
        "motionwarp parse",
        "motionwarp doctor",
        "motionwarp weights list",
    } <= set(tree)
    for words in tree:
        result = motionwarp(*words.split()[1:], "--help")
        assert result.exit_code == 0, words
        assert re.search(r"Examples? *\n", result.stdout), f"{words} --help shows no example"
    for words, command in tree.items():
        examples = re.findall(r"\[cyan\](.*?)\[/cyan\]", command.epilog or "")
        assert examples, words
        for example in examples:
            check_example(example, words, tree)


def check_example(example: str, words: str, tree: dict[str, Any]) -> None:
    """Parse an example as the shell and Typer would, without running it."""
    parts = [part for part in shlex.split(example) if not re.match(r"[A-Z_]+=", part)]
    assert " ".join(parts).startswith(words), f"an example of {words} is {example}"
    depth = max(index for index in range(1, len(parts) + 1) if " ".join(parts[:index]) in tree)
    arguments = [part for part in parts[depth:] if part != "--help"]
    command = tree[" ".join(parts[:depth])]
    with command.make_context(parts[depth - 1], arguments, resilient_parsing="--help" in parts) as context:
        assert not context.args


def test_help_explains_every_option(app_module: ModuleType) -> None:
    for words, command in command_tree(app_module):
        for parameter in command.params:
            assert getattr(parameter, "help", None), f"{words}: {parameter.name} has no help"
        assert command.help, words


def test_the_root_says_of_commands_what_they_say_of_themselves(app_module: ModuleType, motionwarp: Run) -> None:
    """The root's help is written from a table, so that it needs not import them."""
    listed = import_module("motionwarp_cli.commands").COMMANDS
    commands = typer.main.get_command(app_module.app).commands  # type: ignore[attr-defined]
    assert list(commands) == list(listed)
    for name, entry in listed.items():
        command = commands[name]
        assert entry.help == " ".join(command.help.split("\n\n")[0].split()), name
        assert command.rich_help_panel == entry.panel, name
        assert commands[name] is command


def test_the_roots_help_imports_no_command(repository_root: Path) -> None:
    code = """
        import sys
        from motionwarp.__main__ import command_line
        try:
            command_line().app(["--help"], prog_name="motionwarp")
        except SystemExit as ended:
            assert not ended.code
        from motionwarp_cli.commands import COMMANDS
        print("IMPORTED", [name for name in COMMANDS if f"motionwarp_cli.{name}" in sys.modules])
    """
    environment = {**os.environ, "PYTHONPATH": str(repository_root)}
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert result.stdout.splitlines()[-1] == "IMPORTED []"


def test_version(motionwarp: Run) -> None:
    result = motionwarp("--version")
    assert (result.exit_code, result.stdout) == (0, f"motionwarp {__version__}\n")


def test_as_a_program(program: Run, tmp_path: Path) -> None:
    result = program("--version", cwd=tmp_path)
    assert (result.returncode, result.stdout, result.stderr) == (0, f"motionwarp {__version__}\n", "")
    nothing = program(cwd=tmp_path)
    assert "Usage: motionwarp" in nothing.stdout + nothing.stderr
    wrong = program("transfre", cwd=tmp_path)
    assert wrong.returncode == 2
    assert "transfre" in wrong.stderr


def test_help_loads_nothing_heavy(repository_root: Path) -> None:
    """Start-up time is what is imported; counted in modules, since clocks lie on busy machines."""
    code = """
        import sys
        from motionwarp.__main__ import command_line
        try:
            command_line().app(["transfer", "--help"], prog_name="motionwarp")
        except SystemExit as ended:
            assert not ended.code
        heavy = {"torch", "cv2", "av", "scipy", "numpy", "pooch", "safetensors"} & set(sys.modules)
        print("HEAVY", sorted(heavy))
    """
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        env={**os.environ, "PYTHONPATH": str(repository_root)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert result.stdout.splitlines()[-1] == "HEAVY []"


def test_completion_is_offered(motionwarp: Run) -> None:
    assert "--install-completion" in motionwarp("--help").stdout


class Failing:
    """An app of the same make whose one command raises what it is told to."""

    def __init__(self, app_module: ModuleType, run: Callable[[Any, list[str]], Any]) -> None:
        self.app_module = app_module
        self.run = run

    def __call__(self, error: BaseException, *arguments: str) -> Any:
        options = sys.modules["motionwarp_cli.options"]
        failures = sys.modules["motionwarp_cli.errors"]
        app = typer.Typer(cls=failures.FailureGroup, pretty_exceptions_enable=False)

        def root(debug: bool = False) -> None:
            pass

        def fail(debug: bool = False) -> None:
            raise error

        root.__annotations__ = fail.__annotations__ = {"debug": options.DebugOption, "return": None}
        app.callback()(root)
        app.command("fail")(fail)
        return self.run(app, list(arguments))


@pytest.fixture
def failing(app_module: ModuleType, make_runner: Run) -> Failing:
    return Failing(app_module, lambda app, arguments: make_runner().invoke(app, arguments))


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (
            errors.MediaError("cannot be read", subject="a.mp4", remedy="Try another"),
            2,
            "Error: a.mp4: cannot be read. Try another.\n",
        ),
        (errors.WeightsError("is damaged", subject="w"), 2, "Error: w: is damaged.\n"),
        (errors.MotionwarpError("did not converge"), 1, "Error: did not converge.\n"),
        (
            OSError(errno.ENOSPC, "No space left on device", "/x/out.mp4"),
            2,
            "Error: /x/out.mp4: No space left on device.\n",
        ),
        (OSError(errno.EIO, "Input/output error"), 1, "Internal error: OSError"),
        (MemoryError(), 1, "Out of memory"),
        (ZeroDivisionError("division by zero"), 1, "Internal error: ZeroDivisionError: division by zero"),
        (KeyboardInterrupt(), 130, "Interrupted.\n"),
    ],
)
def test_errors_are_one_message_and_an_exit_code(failing: Failing, error: BaseException, code: int, words: str) -> None:
    result = failing(error, "fail")
    assert result.exit_code == code
    assert words in result.stderr
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("arguments", [("--debug", "fail"), ("fail", "--debug")])
def test_debug_shows_the_traceback_wherever_it_stands(failing: Failing, arguments: tuple[str, ...]) -> None:
    result = failing(errors.MediaError("cannot be read", subject="a.mp4"), *arguments)
    assert result.exit_code == 2
    assert "Traceback" in result.stderr
    assert "a.mp4: cannot be read." in result.stderr


def test_deliberate_exits_pass(failing: Failing) -> None:
    assert failing(typer.Exit(7), "fail").exit_code == 7
    wrong = failing(typer.BadParameter("no such thing"), "fail")
    assert wrong.exit_code == 2
    assert "no such thing" in wrong.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
@pytest.mark.parametrize(
    ("number", "code", "words"),
    [
        (signal.SIGTERM, 143, "Ended by SIGTERM.\n"),
        (signal.SIGINT, 130, "Interrupted.\n"),
        (signal.SIGHUP, 129, "Ended by SIGHUP.\n"),
    ],
)
def test_signals_clean_up_and_are_told(
    repository_root: Path, tmp_path: Path, number: signal.Signals, code: int, words: str
) -> None:
    script = f"""
        import pathlib, signal, sys, time
        # whoever runs the tests in the background (nohup) has them ignored, and children take that over
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        sys.path.insert(0, {str(repository_root)!r})
        from motionwarp.__main__ import command_line
        cli = command_line()
        def doctor() -> None:
            part = pathlib.Path({str(tmp_path)!r}) / "half"
            try:
                part.touch()
                print("ready", flush=True)
                time.sleep(60)
            finally:
                part.unlink()
        cli.app.command("sleep")(doctor)
        sys.argv = ["motionwarp", "sleep"]
        cli.main()
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(number)
    _, told = process.communicate(timeout=30)
    assert (process.returncode, told) == (code, words)
    assert list(tmp_path.iterdir()) == []


def test_an_ignored_hangup_stays_ignored(app_module: ModuleType) -> None:
    failures = sys.modules["motionwarp_cli.errors"]
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        failures.catch_ending_signals()
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        assert callable(signal.getsignal(signal.SIGTERM))
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@pytest.mark.parametrize(
    ("text", "expected"), [("0", 0), ("12.5", 12.5), ("1:35", 95), ("1:02:03.5", 3723.5), (" 7 ", 7), ("90.", 90)]
)
def test_times_are_read(app_module: ModuleType, text: str, expected: float) -> None:
    assert parse_seconds(text) == expected


@pytest.mark.parametrize("text", ["", "-1", "1:", ":5", "nan", "inf", "1e3", "1:2:3:4", "abc"])
def test_other_times_are_refused(motionwarp: Run, text: str) -> None:
    result = motionwarp("pose", "a.mp4", f"--start={text}")
    assert result.exit_code == 2
    assert "not a time" in " ".join(result.stderr.split())


def test_doctor_finds_this_machine_fit(motionwarp: Run) -> None:
    result = motionwarp("doctor", "--json")
    facts = json.loads(result.stdout)
    assert result.exit_code == (1 if facts["problems"] else 0)
    assert facts["versions"]["motionwarp"] == __version__
    assert facts["devices"][-1]["device"] == "cpu"
    assert sum(device["chosen_by_auto"] for device in facts["devices"]) == 1
    assert facts["codecs"]["encoders"]["H.264"]
    assert facts["disk"]["here"]["free_bytes"] > 0
    assert all(entry["state"] in ("whole", "not fetched") for entry in facts["weights"]), facts["problems"]
    assert "libavcodec" in motionwarp("doctor").stdout


def test_doctor_tells_of_damage(motionwarp: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from motionwarp.checkpoints.registry import read_registry

    (tmp_path / "registry.toml").write_text(
        f'version = 1\n[[weights]]\nname = "bad"\nfile = "bad.safetensors"\nsha256 = "{"0" * 64}"\nbytes = 3\n'
        'licence = "MIT"\narchitecture = "toy"\n'
    )
    (tmp_path / "bad.safetensors").write_bytes(b"abc")
    known = read_registry(tmp_path)
    diagnosis = sys.modules.get("motionwarp_cli.diagnosis")
    if diagnosis is None:
        import importlib

        diagnosis = importlib.import_module("motionwarp_cli.diagnosis")
    monkeypatch.setattr(diagnosis, "registry", lambda: known)
    result = motionwarp("doctor")
    assert result.exit_code == 1
    assert "bad.safetensors: has sha256" in " ".join(result.stderr.split())
    assert "All is well" not in result.stdout
