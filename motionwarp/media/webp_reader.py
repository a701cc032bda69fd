"""Frames from an animated WebP file."""

from __future__ import annotations

from collections.abc import Generator
from fractions import Fraction
from pathlib import Path

import numpy as np

from motionwarp.errors import MediaError
from motionwarp.media.limits import MediaLimits
from motionwarp.media.probe import webp_info
from motionwarp.media.reader_base import VideoReader, counted_frames
from motionwarp.media.webp_animation import open_webp_animation
from motionwarp.types import Frame

_MILLISECOND = Fraction(1, 1000)
# a time given in decimals may lie a rounding error beyond the frame that it means
_ROUNDING = Fraction(1, 10**6)


class WebpReader(VideoReader):
    """Reads an animated WebP file frame by frame.

    Parameters
    ----------
    path : Path
    start_seconds, end_seconds : float or None
        The section.
    limits : MediaLimits

    Raises
    ------
    MediaError, LimitError
        As for `open_webp_animation`.
    """

    def __init__(self, path: Path, start_seconds: float | None, end_seconds: float | None, limits: MediaLimits) -> None:
        self._animation = open_webp_animation(path, limits)
        super().__init__(webp_info(self._animation), start_seconds, end_seconds)

    def _frames(self) -> Generator[Frame, None, None]:
        start = Fraction(self.start_seconds or 0)
        section_end = None if self.end_seconds is None else Fraction(self.end_seconds)
        broken: list[int] = []
        shown, index, end = Fraction(0), 0, Fraction(0)
        # frames before the section are decoded too: later ones may change a part of the picture only
        for number, (placed, picture) in enumerate(
            zip(self._animation.frames, self._animation.pictures(), strict=True)
        ):
            time, shown = shown, shown + placed.duration_ms * _MILLISECOND
            if section_end is not None and time >= section_end - _ROUNDING:
                break
            if time < start - _ROUNDING:
                continue
            if picture is None:
                broken.append(number)
                continue
            rgb = np.ascontiguousarray(picture[..., :3])
            alpha = np.ascontiguousarray(picture[..., 3]) if self._animation.has_alpha else None
            yield Frame(rgb, max(0.0, float(time - start)), index, alpha)
            index += 1
            end = shown - start
        if index == 0:
            raise MediaError(
                "there are no readable frames in the section", subject=self.info.path, remedy="Choose another section"
            )
        if broken:
            self.warnings.append(f"{len(broken)} broken frames were left out: {counted_frames(broken)}")
        self.clip_end_seconds = float(end if section_end is None else min(end, section_end - start))
