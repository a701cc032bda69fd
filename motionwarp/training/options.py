"""What can be asked of a training run, and of a fit to one person."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from motionwarp.options import ComputeOptions, OverwriteOptions, documented, option


@documented
@dataclass(frozen=True, kw_only=True)
class TrainOptions(ComputeOptions):
    """One run of a training."""

    config: Path = option(help="TOML file; docs/guides/training.md shows all keys.", metavar="CONFIG", argument=True)
    output: Path = option(
        help="Folder of the run; a run that is there goes on.", flags=("-o", "--output"), metavar="DIR"
    )
    max_minutes: float | None = option(None, help="Stop, resumably, after this time.", low=0)


@documented
@dataclass(frozen=True, kw_only=True)
class ClipFitOptions(OverwriteOptions, ComputeOptions):
    """One fit of anything to the person of a clip."""

    clip: Path = option(help="Video of the person.", metavar="CLIP", argument=True)
    output: Path = option(help="The file to write.", flags=("-o", "--output"), metavar="FILE")
    config: Path | None = option(None, help="TOML file with other settings.", metavar="FILE")
    max_minutes: float | None = option(None, help="End after this time, with the best so far.", low=0)


@documented
@dataclass(frozen=True, kw_only=True)
class FitOptions(ClipFitOptions):
    """One fit of an engine's networks to a person."""

    start_from: str | None = option(
        None,
        help="Weights to begin with.",
        flags=("--start-from", "--from"),
        metavar="NAME|FILE",
        shown_default="those that ship",
    )
