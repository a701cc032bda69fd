"""Frames from a video file, as they are to be seen."""

from __future__ import annotations

from collections.abc import Generator
from fractions import Fraction
from typing import Final

from motionwarp.errors import MediaError
from motionwarp.media.colour import RgbConverter
from motionwarp.media.container_decoding import Damage, Section, decode_section
from motionwarp.media.limits import MediaLimits
from motionwarp.media.orientation import Orientation
from motionwarp.media.probing import VideoInfo
from motionwarp.media.video_reader import VideoReader, counted_frames
from motionwarp.types import Frame

# long side of frames that are not given whole, in pixels: enough to see cuts by
SMALL_SIDE: Final = 256


class ContainerReader(VideoReader):
    """Reads a video file through FFmpeg.

    Parameters
    ----------
    info : VideoInfo
        As `probe_video` tells it.
    orientation : Orientation
        How the stored frames lie.
    start_seconds, end_seconds : float or None
        The section.
    limits : MediaLimits
    hardware : str or None
        As for `open_video`.
    whole_every : int
        As for `open_video`.
    """

    def __init__(
        self,
        info: VideoInfo,
        orientation: Orientation,
        start_seconds: float | None,
        end_seconds: float | None,
        limits: MediaLimits,
        hardware: str | None,
        whole_every: int = 1,
    ) -> None:
        super().__init__(info, start_seconds, end_seconds)
        self._orientation = orientation
        self._limits = limits
        self._hardware = hardware
        self._whole_every = whole_every

    def _frames(self) -> Generator[Frame, None, None]:
        whole, small = self._converter(1.0), self._converter(SMALL_SIDE / max(self.info.width, self.info.height))
        section = Section(
            self.info.path,
            Fraction(self.start_seconds or 0),
            None if self.end_seconds is None else Fraction(self.end_seconds),
        )
        damage = Damage()
        damaged: list[int] = []
        index = 0
        end = Fraction(0)
        for decoded in decode_section(section, self._limits, self._hardware, damage):
            if decoded.picture.is_corrupt:
                damaged.append(index + len(damaged))
                continue
            self._limits.check_video(decoded.picture.width, decoded.picture.height, self.info.path)
            # bringing a frame to colours at its full size takes longer than decoding it
            rgb, alpha = (small if index % self._whole_every else whole).convert(decoded.picture)
            upright_alpha = None if alpha is None else self._orientation.upright(alpha)
            time = decoded.time - section.start
            yield Frame(self._orientation.upright(rgb), max(0.0, float(time)), index, upright_alpha)
            index += 1
            end = time + (decoded.duration or 1 / self.info.frame_rate)
        if section.end is not None:
            end = min(end, section.end - section.start)
        self._report(damage, damaged, index, float(end))
        self.clip_end_seconds = float(end)

    def _converter(self, scale: float) -> RgbConverter:
        """Return a converter to upright frames scaled by `scale`, never enlarged."""
        width, height = (max(round(side * min(scale, 1.0)), 1) for side in (self.info.width, self.info.height))
        if self._orientation.swaps_sides:
            width, height = height, width
        return RgbConverter(width, height, str(self.info.path), self.info.gamut)

    def _report(self, damage: Damage, damaged: list[int], count: int, end: float) -> None:
        promised = self.info.duration_seconds
        if count == 0:
            length = "" if promised is None else f"; the video is {promised:.2f} s long"
            raise MediaError(
                f"there are no readable frames in the section{length}",
                subject=self.info.path,
                remedy="Choose another section, or copy the file again",
            )
        broken = len(damaged) + damage.packets
        if broken:
            where = f" (frames {counted_frames(damaged)})" if damaged else ""
            self.warnings.append(f"{broken} broken frames were left out{where}")
        if damage.disorder:
            self.warnings.append(f"{damage.disorder} frames out of order were left out")
        if promised is not None:
            promised = min(promised, self.end_seconds or promised) - (self.start_seconds or 0.0)
        # headers round, and count the gap after the last frame differently, so only what a viewer would notice is told
        if promised is not None and end < promised - max(0.25, 4 / float(self.info.frame_rate)):
            self.warnings.append(f"the video breaks off at {end:.2f} s, before the {promised:.2f} s that its header promises")
        elif damage.broke_off:
            self.warnings.append(f"the file could not be read to its end ({damage.broke_off})")
