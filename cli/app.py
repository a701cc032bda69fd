"""The command `motionwarp`: its root, and what is common to all commands, which are listed in `commands.py`."""

from __future__ import annotations

import sys
from typing import Annotated, NoReturn

import typer

from motionwarp.runtime import end_process, let_waiting_threads_sleep
from motionwarp.version import __version__

from .commands import RootGroup
from .errors import catch_ending_signals, report_interrupt, show_warnings_plainly
from .options import DebugOption, examples

app = typer.Typer(
    cls=RootGroup,
    name="motionwarp",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(value: bool) -> None:
    if value:
        typer.echo(f"motionwarp {__version__}")
        raise typer.Exit


@app.callback(epilog=examples("motionwarp transfer person.jpg dance.mp4 -o out.mp4", "motionwarp transfer --help"))
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and end.")
    ] = False,
    debug: DebugOption = False,
) -> None:
    """Give the motion of one video to the person in one photo.

    Exit codes: 0 done, 1 a failure of motionwarp, 2 bad input or options, 3 done but for parts that failed, 4 found
    poor by `check`, 130 Ctrl-C, 143 SIGTERM.
    """


def main() -> None:
    """Run the command line; never returns."""
    let_waiting_threads_sleep()
    catch_ending_signals()
    show_warnings_plainly()
    try:
        app(prog_name="motionwarp")
    except KeyboardInterrupt as interrupt:  # outside of any command: while options are read
        sys.exit(report_interrupt(interrupt))


def program() -> NoReturn:
    """Run the command line as all that this process does, and end it."""
    try:
        main()
    except SystemExit as ended:
        if ended.code is None or isinstance(ended.code, int):
            end_process(ended.code or 0)
        raise
    end_process(0)


if __name__ == "__main__":
    program()
