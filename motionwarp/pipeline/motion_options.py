"""The options of `motionwarp motions`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from motionwarp.options import Options, OverwriteOptions, Panel, documented, option
from motionwarp.pipeline.options import AnalysisOptions, CameraOptions, output_path


@documented
@dataclass(frozen=True, kw_only=True)
class DescriptionOptions(Options):
    """What is kept of a motion beside its numbers."""

    title: str = option("", help="What it shows, in some words.", panel=Panel.OUTPUT)
    author: str = option("", help="Whose it is.", panel=Panel.OUTPUT)
    licence: str = option("", help="On which terms it may be used.", panel=Panel.OUTPUT)


@documented
@dataclass(frozen=True, kw_only=True)
class AddOptions(OverwriteOptions, DescriptionOptions, AnalysisOptions):
    """How a motion is taken from a file or a clip."""


@documented
@dataclass(frozen=True, kw_only=True)
class ShowOptions(OverwriteOptions, CameraOptions):
    """How a motion is shown."""

    output: Path | None = option(
        None,
        help="A clip of a mannequin (.mp4, .webm, .gif ..), or the motion as .bvh for other programs.",
        flags=("--output", "-o"),
        metavar="OUT",
        panel=Panel.OUTPUT,
        parse=output_path,
    )
