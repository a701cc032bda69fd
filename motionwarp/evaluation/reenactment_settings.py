"""The choices that the protocol of self-reenactment leaves."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from motionwarp.errors import OptionError
from motionwarp.evaluation.clip_labels import Origin

GREY: Final = 127


@dataclass(frozen=True)
class ReenactmentSettings:
    """The protocol's choices.

    Attributes
    ----------
    source_frame : int or None
        Number from 0; None for the first frame with a person.
    every : int
        Frames are evaluated whose distance to the source is a multiple of this.
    labels : Path or None
        Folder of the clips' labels; None for each clip's own.
    poses, mattes : Origin
        What engines get.
    window : "person" or "clip"
        Of the crop framing: around the person of each frame, or one for all evaluated frames of the clip.
    full_frame : int or None
        Side in pixels of the full-frame framing; None for the crop.
    background : int
        Plain level behind the person in the crop framing, 0..255.
    smooth_poses : float
        Strength of `smooth_track` over the driving poses, 0 to 1.
    smooth_theta : float
        Strength of `smooth_over_time` over the engines' warps, 0 to 1. Only where the window stands still, since warps are in
        pixels of the window.
    flicker : bool
        Whether to measure it; the frame after each evaluated one is rendered too.
    source_detail : float
        The source is reduced to this many of its pixels for each pixel of the finest window, if it has more.
    rows : int
        Frames kept for a contact sheet, half of them the worst.
    """

    source_frame: int | None = None
    every: int = 1
    labels: Path | None = None
    poses: Origin = Origin.AUTO
    mattes: Origin = Origin.AUTO
    window: Literal["person", "clip"] = "person"
    full_frame: int | None = None
    background: int = GREY
    smooth_poses: float = 0.0
    smooth_theta: float = 0.0
    flicker: bool = True
    source_detail: float = 1.5
    rows: int = 0

    def __post_init__(self) -> None:
        if self.every < 1 or self.rows < 0 or self.source_detail <= 0 or not 0 <= self.background <= 255:
            raise OptionError("numbers are out of range", subject=str(self))
        if self.full_frame is not None and not 32 <= self.full_frame <= 4096:
            raise OptionError("is no size for frames", subject=f"--full-frame {self.full_frame}", remedy="Give 32 to 4096 pixels")
        if self.smooth_theta and self.full_frame is None and self.window == "person":
            raise OptionError(
                "warps cannot be smoothed in windows that move",
                subject="--smooth-theta",
                remedy="Add --window clip, or smooth the poses",
            )

    def told(self) -> dict[str, object]:
        """Return what a report has to tell of the protocol."""
        if self.full_frame is None:
            framing: dict[str, object] = {"framing": "crop 256x192", "window": self.window, "background": self.background}
        else:
            framing = {"framing": f"full frame {self.full_frame}x{self.full_frame}", "background": "clean plate of the source"}
        return {
            **framing,
            "every": self.every,
            "smooth_poses": self.smooth_poses,
            "smooth_theta": self.smooth_theta,
            "source_detail": self.source_detail,
        }
