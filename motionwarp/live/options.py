"""The options of a live run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from motionwarp.errors import OptionError
from motionwarp.options import ComputeOptions, Panel, documented, option, parse_seconds
from motionwarp.pipeline.options import (
    BackgroundChoice,
    BackgroundKind,
    EstimatorOptions,
    OutputSize,
    PersonOptions,
    SeedOptions,
    SmoothingOptions,
)

DEFAULT_SIZE: Final = 512


@documented
@dataclass(frozen=True, kw_only=True)
class LiveOptions(SeedOptions, ComputeOptions, EstimatorOptions, SmoothingOptions, PersonOptions):
    """How somebody is moved by a camera."""

    camera: str = option("0", help="The camera's number, or a clip that is played as one.", metavar="N|CLIP")
    to: Literal["page", "window", "virtual-camera"] = option("page", help="Where the picture goes.")
    port: int = option(0, help="Port of the page on this machine; 0 takes a free one.", low=0, high=65535)
    seconds: float | None = option(
        None, help="End after this time.", metavar="TIME", parse=parse_seconds, low=0, shown_default="when interrupted"
    )
    mark: bool = option(True, help="Write into the picture that it is synthetic.", panel=Panel.LOOK)
    size: str | int = option(DEFAULT_SIZE, help="Size in pixels.", metavar="WxH|LONG_SIDE", panel=Panel.LOOK)
    background: str = option(
        "source", help="source, '#rrggbb', or a picture or video file.", metavar="WHAT", panel=Panel.LOOK
    )
    engine: str = option("layered", help="layered, or another engine that needs the points alone.", metavar="NAME|FILE",
                         panel=Panel.COMPUTING)  # fmt: skip

    def __post_init__(self) -> None:
        super().__post_init__()
        _ = self.output_size
        if self.background_choice.kind in (BackgroundKind.DRIVING, BackgroundKind.TRANSPARENT):
            raise OptionError(
                "is no background of a live picture",
                values={"background": self.background},
                remedy="Give source, a color as '#rrggbb' (green for a key), or a picture or video file",
            )

    @property
    def output_size(self) -> OutputSize:
        """The size asked for."""
        return OutputSize.parse(self.size)

    @property
    def background_choice(self) -> BackgroundChoice:
        """The background asked for."""
        return BackgroundChoice.parse(self.background)
