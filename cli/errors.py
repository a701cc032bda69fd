"""What the user sees when something goes wrong, and the exit code that scripts see.

0 all went well; 1 a failure of ours; 2 bad input or options; 3 done, but for parts that failed and are recorded; 4
done, and what was asked about is not fit; 130 interrupted with Ctrl-C; 128 + n ended by signal n (143 for SIGTERM). One
message without a traceback, unless `--debug` asks for all of it.
"""

from __future__ import annotations

import errno
import logging
import signal
import sys
import traceback
from types import FrameType
from typing import Any, Final, NoReturn

import typer
from rich.text import Text
from typer.core import TyperGroup

from motionwarp.errors import MotionwarpError

from .terminal import open_console

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
                raise  # wrong usage and deliberate exits, which Typer prints best
            sys.exit(report_failure(error, debug=is_debug(ctx)))


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
        return _sentence(str(error)), error.exit_code
    if isinstance(error, OSError) and error.errno in _SURROUNDINGS:
        place = f"{error.filename}: " if error.filename else ""
        return _sentence(f"{place}{error.strerror}"), EXIT_INPUT
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return "Out of memory. Try --batch-size 1, a smaller --size, or --device cpu.", EXIT_FAILURE
    name = type(error).__name__
    text = _sentence(f"Internal error: {name}: {error}" if str(error) else f"Internal error: {name}")
    return f"{text} This is a defect of motionwarp; run again with --debug and report what it prints.", EXIT_FAILURE


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


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."
