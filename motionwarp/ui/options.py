"""The options of `motionwarp ui`."""

from __future__ import annotations

from dataclasses import dataclass

from motionwarp.options import Options, Panel, documented, option

LOOPBACK = "127.0.0.1"


@documented
@dataclass(frozen=True, kw_only=True)
class UiOptions(Options):
    """Where the page is served, and how much it takes on.

    Raises
    ------
    OptionError
        For a value that is out of range.
    """

    port: int | None = option(
        None, help="Of the loopback address.", shown_default="the first free one from 7860", low=1, high=65535
    )
    browser: bool = option(True, help="Open the page in the browser.")
    max_upload: int = option(
        500, help="Largest file that is taken, in megabytes.", metavar="MB", low=1, high=100_000, panel=Panel.RUNNING
    )
    jobs: int = option(1, help="Clips made at once; others wait.", low=1, high=64, panel=Panel.RUNNING)
