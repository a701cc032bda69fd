"""Inputs and options of a transfer that other commands take too, written once."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from motionwarp.engines.registry import engine_help

from .options import COMPUTING, seconds

LOOK = "Look"
SEEING = "Seeing people"


class Placement(str, Enum):
    """Where the person stands."""

    SOURCE = "source"
    DRIVING = "driving"


SourceArgument = Annotated[
    Path, typer.Argument(metavar="SOURCE", help="Picture (or video) of the person to be moved.", show_default=False)
]
DrivingArgument = Annotated[
    Path, typer.Argument(metavar="DRIVING", help="Video, GIF or folder of frames with the motion.", show_default=False)
]
SourceTimeOption = Annotated[
    float,
    typer.Option("--source-time", parser=seconds, metavar="TIME", help="Where a SOURCE that is a video is taken."),
]
RetargetOption = Annotated[
    bool,
    typer.Option(
        "--retarget/--no-retarget", help="Fit the motion to the person's own proportions.", rich_help_panel=LOOK
    ),
]
PlacementOption = Annotated[
    Placement,
    typer.Option(
        "--placement", help="Stand where the source or where the driving person stands.", rich_help_panel=LOOK
    ),
]
BackgroundOption = Annotated[
    str,
    typer.Option(
        "--background",
        metavar="WHAT",
        help="source, driving, transparent, '#rrggbb', or a picture or video file.",
        rich_help_panel=LOOK,
    ),
]
SizeOption = Annotated[
    str | None,
    typer.Option(
        "--size",
        metavar="WxH|LONG_SIDE",
        rich_help_panel=LOOK,
        show_default="as the background, long side up to 1920",
        help="Size of the output in pixels.",
    ),
]
FpsOption = Annotated[
    str | None,
    typer.Option(
        "--fps",
        metavar="RATE",
        rich_help_panel=LOOK,
        show_default="the driving clip's own times",
        help="Frames a second, such as 25 or 30000/1001.",
    ),
]
SourcePosesOption = Annotated[
    Path | None,
    typer.Option(
        "--source-poses",
        metavar="FILE",
        help="Take the source's points from here.",
        rich_help_panel=SEEING,
        show_default=False,
    ),
]
DrivingPosesOption = Annotated[
    Path | None,
    typer.Option(
        "--driving-poses",
        metavar="FILE",
        help="Take the driving points from here.",
        rich_help_panel=SEEING,
        show_default=False,
    ),
]
MatteOption = Annotated[
    Path | None,
    typer.Option(
        "--matte", metavar="FILE", help="Take the source's matte from here.", rich_help_panel=SEEING, show_default=False
    ),
]
EngineOption = Annotated[
    str,
    typer.Option(
        "--engine",
        metavar="NAME|FILE",
        help=engine_help(),
        rich_help_panel=COMPUTING,
    ),
]
BatchSizeOption = Annotated[
    str, typer.Option("--batch-size", metavar="auto|N", help="Frames rendered at once.", rich_help_panel=COMPUTING)
]
