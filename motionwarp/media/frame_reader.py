"""Frames from numbered pictures, or from one."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from fractions import Fraction
from itertools import pairwise

from motionwarp.errors import LimitError, MediaError
from motionwarp.media.frame_folder import NumberedFrame, numbering_step
from motionwarp.media.image import Picture, read_image
from motionwarp.media.limits import MediaLimits
from motionwarp.media.probe import VideoInfo
from motionwarp.media.reader_base import VideoReader, counted_frames
from motionwarp.types import Frame

_ROUNDING = Fraction(1, 10**6)


class PictureReader(VideoReader):
    """Reads numbered pictures as a clip of constant frame rate; a missing number is a frame that lasts longer.

    Parameters
    ----------
    info : VideoInfo
    pictures : sequence of NumberedFrame
        In order, at least one.
    start_seconds, end_seconds : float or None
        The section.
    limits : MediaLimits
    """

    def __init__(
        self,
        info: VideoInfo,
        pictures: Sequence[NumberedFrame],
        start_seconds: float | None,
        end_seconds: float | None,
        limits: MediaLimits,
    ) -> None:
        super().__init__(info, start_seconds, end_seconds)
        self._pictures = pictures
        self._limits = limits

    def _frames(self) -> Generator[Frame, None, None]:
        start = Fraction(self.start_seconds or 0)
        numbers = [picture.number for picture in self._pictures]
        step = numbering_step(numbers)
        broken: list[int] = []
        index = 0
        end = None
        for picture in self._pictures:
            time = Fraction(picture.number - numbers[0], step) / self.info.frame_rate - start
            # a time given in decimals may lie a rounding error beyond the frame that it means
            if time < -_ROUNDING:
                continue
            if self.end_seconds is not None and time + start >= Fraction(self.end_seconds) - _ROUNDING:
                break
            pixels = self._pixels(picture)
            if pixels is None:
                broken.append(picture.number)
                continue
            yield Frame(pixels.rgb, max(0.0, float(time)), index, pixels.alpha)
            index += 1
            end = float(time + 1 / self.info.frame_rate)
        self._report(broken, numbers, step, index)
        self.clip_end_seconds = end

    def _pixels(self, picture: NumberedFrame) -> Picture | None:
        """Return the picture, or None if it is broken."""
        try:
            read = read_image(picture.path, self._limits)
        except LimitError:
            raise
        except MediaError:
            return None
        if (read.width, read.height) != (self.info.width, self.info.height):
            raise MediaError(
                f"it has {read.width}x{read.height} pixels, but the first frame has "
                f"{self.info.width}x{self.info.height}",
                subject=picture.path,
                remedy="Give all frames the same size",
            )
        return read

    def _report(self, broken: list[int], numbers: list[int], step: int, index: int) -> None:
        if index == 0:
            raise MediaError(
                "there are no readable frames in the section", subject=self.info.path, remedy="Choose another section"
            )
        if broken:
            self.warnings.append(f"{len(broken)} broken pictures were left out: {counted_frames(broken)}")
        gaps = [one for one, other in pairwise(numbers) if other - one > step]
        if gaps:
            self.warnings.append(
                f"numbers are missing among the pictures after {counted_frames(gaps)}; the frames before last longer"
            )
