"""Options that several commands share, written once, and the form of the examples under every help."""

from __future__ import annotations

import re
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from .errors import set_debug


class Device(str, Enum):
    """Where networks run."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"
    MPS = "mps"


class Precision(str, Enum):
    """Type of the networks' activations."""

    AUTO = "auto"
    FP32 = "fp32"
    BF16 = "bf16"
    FP16 = "fp16"


def examples(*commands: str) -> str:
    """Return an epilog that shows commands, one a line."""
    title = "[bold]Example[/bold]" if len(commands) == 1 else "[bold]Examples[/bold]"
    # Typer joins lines within a paragraph, so every command is a paragraph
    return "\n\n".join([title, *(f"  [cyan]{command}[/cyan]" for command in commands)])


def seconds(text: str | float) -> float:
    """Read a time: seconds, or minutes and hours before colons, such as 95, 1:35 or 0:01:35.

    Typer passes an option's default through here too, hence the numbers.

    Raises
    ------
    typer.BadParameter
        If it is not such a time.
    """
    if isinstance(text, float):
        return text
    if re.fullmatch(r"(\d+:){0,2}\d+(\.\d*)?", text.strip()) is None:
        raise typer.BadParameter(
            f"'{text}' is not a time; write seconds such as 12.5, or minutes and seconds such as 1:35."
        )
    total = 0.0
    for part in text.strip().split(":"):
        total = total * 60 + float(part)
    return total


COMPUTING = "Computing"
WRITING = "Output"

InputsArgument = Annotated[
    list[Path],
    typer.Argument(metavar="INPUT", help="Pictures, videos, GIFs, or folders of numbered frames.", show_default=False),
]
DeviceOption = Annotated[
    Device,
    typer.Option("--device", help="Where networks run; auto takes a GPU if there is one.", rich_help_panel=COMPUTING),
]
PrecisionOption = Annotated[
    Precision,
    typer.Option("--precision", help="Of the networks; auto takes bf16 where it is fast.", rich_help_panel=COMPUTING),
]
EstimatorOption = Annotated[
    str,
    typer.Option(
        "--pose-estimator",
        metavar="NAME|FILE",
        help="builtin, mediapipe, dwpose, or a file.",
        rich_help_panel=COMPUTING,
    ),
]
PersonOption = Annotated[
    str,
    typer.Option(
        "--person", metavar="WHICH", help="Which of several people: largest, a number from 0 by size, or x,y in pixels."
    ),
]
StartOption = Annotated[
    float | None,
    typer.Option(
        "--start", parser=seconds, metavar="TIME", help="Begin the clip here: 12.5 or 0:12.5.", show_default=False
    ),
]
EndOption = Annotated[
    float | None,
    typer.Option("--end", parser=seconds, metavar="TIME", help="End the clip here: 15 or 0:15.", show_default=False),
]
OverwriteOption = Annotated[
    bool, typer.Option("--overwrite", help="Replace an output that exists.", rich_help_panel=WRITING)
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Print a summary for programs on stdout.", rich_help_panel=WRITING)
]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.", rich_help_panel=WRITING)]
DebugOption = Annotated[
    bool, typer.Option("--debug", callback=set_debug, help="Show tracebacks and what libraries log.")
]
