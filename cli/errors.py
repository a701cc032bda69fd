"""What the user sees when something goes wrong, and the exit code that scripts see.

0 all went well; 1 a failure of ours; 2 bad input or options; 3 done, but for parts that failed and are recorded; 4
done, and what was asked about is not fit; 130 interrupted with Ctrl-C; 128 + n ended by signal n (143 for SIGTERM). One
message without a traceback, unless `--debug` asks for all of it.
"""

from __future__ import annotations

import errno
import logging
import re
import shlex
import signal
import sys
import traceback
import warnings
from pathlib import Path
from types import FrameType
from typing import Any, Final, NoReturn

import typer
from rich.console import Console
from rich.text import Text
from typer.core import TyperGroup

from motionwarp.errors import EngineWarning, MotionwarpError

EXIT_FAILURE: Final = 1
EXIT_INPUT: Final = 2
EXIT_PARTIAL: Final = 3
EXIT_POOR: Final = 4
EXIT_INTERRUPTED: Final = 130

_DEBUG_KEY: Final = "motionwarp.debug"
# what the surroundings refuse is not a failure of ours: full disks, quotas, rights, read-only and missing places
_SURROUNDINGS: Final = frozenset(
    getattr(errno, name)
    for name in (
        "ENOSPC", "EDQUOT", "EFBIG", "EACCES", "EPERM", "EROFS", "ENOENT", "ENOTDIR", "EISDIR", "EEXIST",
        "ENAMETOOLONG",
    )
    if hasattr(errno, name)  # Windows lacks some
)  # fmt: skip


class Ended(KeyboardInterrupt):
    """A signal that asks the program to end; handled by all code that cleans up after Ctrl-C."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(signal.Signals(number).name)


class FailureGroup(TyperGroup):
    """The root command: turns whatever its commands raise into a message and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Run the chosen command; `ctx` is its context."""
        given = [*getattr(ctx, "_protected_args", ()), *ctx.args]
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as interrupt:
            debug = is_debug(ctx)
            if debug:
                traceback.print_exc()
            sys.exit(report_interrupt(interrupt))
        except (BrokenPipeError, SystemExit):
            raise
        except Exception as error:
            if type(error).__module__.split(".")[0] in ("typer", "click"):
                _hint_at_dashes(error, given)
                raise  # wrong usage and deliberate exits, which Typer prints best
            sys.exit(report_failure(error, debug=is_debug(ctx)))


def _hint_at_dashes(error: Exception, given: list[str]) -> None:
    """Say how to name a file that begins with a dash, where it was taken for options."""
    if type(error).__name__ != "NoSuchOption":
        return
    file = next((word for word in given if re.fullmatch(r"-[^-].*\.\w+", word) or _is_dashed_file(word)), None)
    if file is not None and isinstance(getattr(error, "message", None), str):
        error.message += f" If '{file}' is a file, write ./{file}"  # type: ignore[attr-defined]


def _is_dashed_file(word: str) -> bool:
    return word.startswith("-") and len(word) > 1 and Path(word).exists()


def set_debug(ctx: typer.Context, value: bool) -> bool:
    """Remember `--debug`, which may stand before or after the command's name, and show what libraries log."""
    if value:
        ctx.meta[_DEBUG_KEY] = True
        logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)
    return value


def is_debug(ctx: Any) -> bool:
    """Return whether `--debug` was given; all contexts of a run share their `meta`."""
    return bool(ctx.meta.get(_DEBUG_KEY, False))


def message_and_code(error: Exception) -> tuple[str, int]:
    """Return what to print about an error, and the exit code that it means."""
    if isinstance(error, MotionwarpError):
        return _sentence(error_text(error)), error.exit_code
    if isinstance(error, OSError) and error.errno in _SURROUNDINGS:
        place = f"{error.filename}: " if error.filename else ""
        return _sentence(f"{place}{error.strerror}"), EXIT_INPUT
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return "Out of memory. Try --batch-size 1, a smaller --size, or --device cpu.", EXIT_FAILURE
    name = type(error).__name__
    text = _sentence(f"Internal error: {name}: {error}" if str(error) else f"Internal error: {name}")
    return f"{text} This is a defect of motionwarp; run again with --debug and report what it prints.", EXIT_FAILURE


def flag_text(name: str, value: Any = None) -> str:
    """Return how the command line spells an option, with its value if one is given: '--smooth 3', '--no-audio'."""
    dashed = name.replace("_", "-")
    if value is True or value is None:
        return f"--{dashed}"
    if value is False:
        return f"--no-{dashed}"
    parts = value if isinstance(value, tuple) else (value,)
    text = ":".join(f"{part:g}" if isinstance(part, float) else str(part) for part in parts)
    return f"--{dashed} {shlex.quote(text)}"


def in_flags(text: str) -> str:
    """Return a text of the library with its options, `name` or `name=value`, as the command line spells them."""

    def spelled(found: re.Match[str]) -> str:
        return flag_text(found[1], _VALUES.get(found[2], found[2]))

    return re.sub(r"`([a-z]\w*)(?:=([^`\s]*))?`", spelled, text)


# words in texts that stand for values of switches
_VALUES: Final = {"True": True, "False": False}


def error_text(error: MotionwarpError) -> str:
    """Return an error's message with its options as the command line spells them."""
    subject = " ".join(flag_text(name, value) for name, value in error.values.items()) or error.subject
    head = error.problem if subject is None else f"{subject}: {error.problem}"
    return in_flags(f"{head}. {error.remedy}" if error.remedy else f"{head}.")


def open_console(*, stderr: bool = False) -> Console:
    """Return a console on stdout or stderr, as they are now."""
    console = Console(stderr=stderr, highlight=False, markup=False, emoji=False)
    console.soft_wrap = not console.is_terminal  # logs and pipes have no width to be folded to
    return console


def report_failure(error: Exception, *, debug: bool) -> int:
    """Print an error to stderr, with its traceback if `debug`, and return the exit code."""
    text, code = message_and_code(error)
    if debug:
        traceback.print_exception(error)
    open_console(stderr=True).print(Text.assemble(("Error: ", "bold red"), text))
    return code


def report_interrupt(interrupt: KeyboardInterrupt) -> int:
    """Print that the run was ended from outside, and return the exit code."""
    if isinstance(interrupt, Ended):
        typer.echo(f"Ended by {interrupt}.", err=True)
        return 128 + interrupt.number
    typer.echo("Interrupted.", err=True)
    return EXIT_INTERRUPTED


def catch_ending_signals() -> None:
    """Let SIGTERM and SIGHUP clean up as Ctrl-C does; a signal that the caller has set to be ignored stays so."""
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _end)


def _end(number: int, frame: FrameType | None) -> NoReturn:
    raise Ended(number)


def show_warnings_plainly() -> None:
    """Show the program's own warnings as it shows all else: without the place in the code where they arose."""
    before = warnings.showwarning

    def show(message: Warning | str, category: type[Warning], *place: Any, **rest: Any) -> None:
        if issubclass(category, EngineWarning):
            open_console(stderr=True).print(Text.assemble(("Warning: ", "bold yellow"), str(message)))
        else:
            before(message, category, *place, **rest)

    warnings.showwarning = show


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."
