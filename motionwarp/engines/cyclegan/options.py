"""What can be asked of the trainings of the CycleGAN family and of its judge."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from motionwarp.options import ComputeOptions, documented, option


@documented
@dataclass(frozen=True, kw_only=True)
class RunOptions(ComputeOptions):
    """One run of a training."""

    output: Path = option(
        help="Folder of the run; a run that is there goes on.", flags=("-o", "--output"), metavar="DIR"
    )
    steps: int | None = option(None, help="Steps of the whole run.", low=1, shown_default="the configuration's")
    max_minutes: float | None = option(None, help="Stop, resumably, after this time.", low=0)
    seed: int = option(0, help="Of weights and samples.", low=0)


@documented
@dataclass(frozen=True, kw_only=True)
class TranslationTrainOptions(RunOptions):
    """One run of a translation between two folders of pictures."""

    a: Path = option(help="Folder of pictures of the one kind.", metavar="DIR")
    b: Path = option(help="Folder of pictures of the other kind.", metavar="DIR")
    a_labels: bool = option(False, help="Pictures of A are label maps: gray, values are classes.")
    b_labels: bool = option(False, help="Pictures of B are label maps: gray, values are classes.")
    variant: Literal["gan", "cyclegan", "long", "nest"] = option(
        "cyclegan", help="Generators in a row and losses: one or two a direction, ways back, inner ways back."
    )
    config: str = option(
        "small",
        help="paper, small, or a TOML file with other settings; the file's own data and variant are not read.",
        metavar="NAME|FILE",
    )


@documented
@dataclass(frozen=True, kw_only=True)
class FcnTrainOptions(RunOptions):
    """One run of the judge of translated photos."""

    labels: Path = option(help="Folder of label maps: gray, values are classes, 255 unknown.", metavar="DIR")
    photos: Path = option(help="Folder of their photos, of the same names.", metavar="DIR")
    classes: int = option(help="How many classes there are.", low=2, high=255)
    height: int = option(256, help="Of the photos as the judge sees them.", low=32, high=1024)
    width: int = option(192, help="Of the photos as the judge sees them.", low=32, high=1024)
