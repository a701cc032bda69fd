"""Consoles that break lines between words on a terminal and not at all elsewhere."""

from __future__ import annotations

from rich.console import Console


def open_console(*, stderr: bool = False) -> Console:
    """Return a console on stdout or stderr, as they are now."""
    console = Console(stderr=stderr, highlight=False, markup=False, emoji=False)
    console.soft_wrap = not console.is_terminal  # logs and pipes have no width to be folded to
    return console
