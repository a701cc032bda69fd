"""How large a medium may be, checked on its header before anything is decoded."""

from __future__ import annotations

from dataclasses import dataclass, fields
from os import PathLike

from motionwarp.errors import LimitError, MediaError


@dataclass(frozen=True)
class MediaLimits:
    """Sizes beyond which a medium is refused, so that a header of a few bytes cannot claim gigabytes of memory.

    Attributes
    ----------
    max_pixels : int
        Width times height of a still picture. The default admits 12,000 x 12,000.
    max_side : int
        Longer side of a still picture, in pixels.
    max_video_pixels : int
        Width times height of a video's frame. Decoders hold a dozen frames at once, hence less than for pictures; the default
        admits 8K.
    max_video_side : int
        Longer side of a video's frame, in pixels.
    max_file_bytes : int
        Size of a still picture's file, which is read into memory in one piece.
    """

    max_pixels: int = 160_000_000
    max_side: int = 50_000
    max_video_pixels: int = 8192 * 4608
    max_video_side: int = 16_384
    max_file_bytes: int = 2 * 1024**3

    def __post_init__(self) -> None:
        for field in fields(self):
            if getattr(self, field.name) <= 0:
                raise ValueError(f"MediaLimits.{field.name} must be positive, got {getattr(self, field.name)}")

    def check_picture(self, width: int, height: int, subject: str | PathLike[str]) -> None:
        """Refuse a picture of this size.

        Parameters
        ----------
        width, height : int
            As its header claims, in pixels.
        subject : str or path
            The file, for the message.

        Raises
        ------
        LimitError
            If it is too large.
        MediaError
            If a side is not positive.
        """
        _check(width, height, self.max_pixels, self.max_side, "picture", subject)

    def check_video(self, width: int, height: int, subject: str | PathLike[str]) -> None:
        """Refuse a video whose frames have this size; arguments and errors as for `check_picture`."""
        _check(width, height, self.max_video_pixels, self.max_video_side, "video", subject)


def _check(width: int, height: int, max_pixels: int, max_side: int, kind: str, subject: str | PathLike[str]) -> None:
    if width <= 0 or height <= 0:
        raise MediaError(
            f"its header claims a {kind} of {width}x{height} pixels",
            subject=subject,
            remedy="The file is damaged; export it again",
        )
    if max(width, height) > max_side or width * height > max_pixels:
        raise LimitError(
            f"its header claims a {kind} of {width}x{height} pixels, beyond the limit of {max_pixels / 1e6:.0f} million"
            f" and {max_side} a side",
            subject=subject,
            remedy="Scale it down first",
        )
