"""The options of `motionwarp avatar`."""

from __future__ import annotations

from dataclasses import dataclass

from motionwarp.errors import OptionError
from motionwarp.options import ComputeOptions, Options, OverwriteOptions, Panel, documented, option
from motionwarp.pipeline.options import (
    BackgroundChoice,
    BackgroundKind,
    EstimatorOptions,
    PersonOptions,
    StrPath,
    output_path,
)


@documented
@dataclass(frozen=True, kw_only=True)
class TurntableOptions(Options):
    """How an avatar is shown from all sides."""

    turntable: StrPath | None = option(
        None,
        help="Also write a clip of the avatar turning once: what a transfer's output may be.",
        metavar="OUT",
        panel=Panel.LOOK,
        parse=output_path,
    )
    background: str = option(
        "#c8c8c8",
        help="Of the turntable: '#rrggbb', or transparent.",
        metavar="WHAT",
        panel=Panel.LOOK,
    )
    seconds: float = option(
        4.0, help="How long the turn takes.", metavar="SECONDS", low=0.2, high=600, panel=Panel.LOOK
    )
    height: int = option(
        1080,
        help="Height of the turntable's pictures at most.",
        metavar="PIXELS",
        low=64,
        high=4096,
        panel=Panel.LOOK,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        _ = self.color

    @property
    def color(self) -> tuple[int, int, int] | None:
        """The background's color, RGB in 0..255; None for a transparent one."""
        try:
            choice = BackgroundChoice.parse(self.background)
        except OptionError:
            choice = BackgroundChoice(BackgroundKind.FILE)
        if choice.kind not in (BackgroundKind.COLOR, BackgroundKind.TRANSPARENT):
            raise OptionError(
                "is not a background of a turntable",
                values={"background": self.background},
                remedy="Give a color as '#rrggbb', or transparent",
            )
        return choice.color


@documented
@dataclass(frozen=True, kw_only=True)
class AvatarOptions(ComputeOptions, EstimatorOptions, OverwriteOptions, TurntableOptions, PersonOptions):
    """How an avatar is made and shown."""

    completion: StrPath | None = option(
        None,
        help="Weights that repaint the back, as `train avatar completion` writes them; of one photo only.",
        metavar="FILE",
    )
