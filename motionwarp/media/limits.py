"""How large a medium may be, checked on its header before anything is decoded."""

from __future__ import annotations

import os
from dataclasses import dataclass, fields
from os import PathLike
from pathlib import Path

from motionwarp.errors import LimitError, MediaError, OptionError


def existing_file(path: str | os.PathLike[str]) -> Path:
    """Return `path` if it is a file with something in it.

    Raises
    ------
    MediaError
        If it is missing, a directory, empty, no regular file, or may not be read.
    """
    file = Path(path)
    try:
        if file.is_dir():
            raise MediaError("this is a directory, not a file", subject=file, remedy="Give one picture or video")
        if not file.exists():
            raise MediaError("there is no such file", subject=file, remedy="Check the path")
        if not file.is_file():
            raise MediaError("this is not a regular file", subject=file, remedy="Give one picture or video")
        if file.stat().st_size == 0:
            raise MediaError("the file is empty", subject=file, remedy="Copy or export it again")
        with file.open("rb"):
            pass
    except OSError as error:
        raise reading_failure(error, file) from error
    return file


def reading_failure(error: OSError, file: Path) -> MediaError:
    """Return the error to raise where the system refuses to read `file`."""
    if isinstance(error, PermissionError):
        return MediaError("the file may not be read", subject=file, remedy="Check its permissions")
    return MediaError(
        f"the file cannot be read ({error.strerror or error})", subject=file, remedy="Check the path and the disk"
    )


def ffmpeg_address(file: Path) -> str:
    """Return the name by which FFmpeg opens a local file.

    Without the prefix a colon in it would be taken for a protocol.
    """
    return f"file:{file}"


@dataclass(frozen=True)
class MediaLimits:
    """Sizes beyond which a medium is refused, so that a header of a few bytes cannot claim gigabytes of memory.

    Where none are given, those of the environment count (`of_environment`): `MOTIONWARP_` and an attribute's name in
    capitals, such as `MOTIONWARP_MAX_PIXELS`. So they hold for every command, and for the workers that a command
    starts.

    Attributes
    ----------
    max_pixels : int
        Width times height of a still picture. The default admits 12,000 x 12,000.
    max_side : int
        Longer side of a still picture, in pixels.
    max_video_pixels : int
        Width times height of a video's frame. Decoders hold a dozen frames at once, hence less than for pictures; the
        default admits 8K.
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

    @classmethod
    def of_environment(cls) -> MediaLimits:
        """Return the limits that environment variables set; the defaults where they set none.

        Raises
        ------
        OptionError
            If one of them is not a whole number over 0.
        """
        return cls(**{field.name: _number_in_environment(field.name, int(str(field.default))) for field in fields(cls)})

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
        _check(width, height, self.max_pixels, self.max_side, "picture", "max", subject)

    def check_video(self, width: int, height: int, subject: str | PathLike[str]) -> None:
        """Refuse a video whose frames have this size; arguments and errors as for `check_picture`."""
        _check(width, height, self.max_video_pixels, self.max_video_side, "video", "max_video", subject)


def variable_of(name: str) -> str:
    """Return the environment variable that sets a limit."""
    return f"MOTIONWARP_{name.upper()}"


def _number_in_environment(name: str, default: int) -> int:
    text = os.environ.get(variable_of(name), "").replace("_", "")
    if not text:
        return default
    # 18 digits stay within what all libraries count with
    if not (text.isascii() and text.isdecimal() and 0 < len(text) <= 18 and int(text) > 0):
        raise OptionError(
            "is not a limit of size",
            subject=f"{variable_of(name)}={text}",
            remedy="Give a whole number over 0, or leave it out",
        )
    return int(text)


def _check(
    width: int, height: int, max_pixels: int, max_side: int, kind: str, prefix: str, subject: str | PathLike[str]
) -> None:
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
            remedy=f"Scale it down first, or raise {variable_of(prefix + '_pixels')} and "
            f"{variable_of(prefix + '_side')} if you trust it",
        )
