"""Input files: that they exist, and what their absence or refusal means to the user."""

from __future__ import annotations

import os
from pathlib import Path

from motionwarp.errors import MediaError


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
    return MediaError(f"the file cannot be read ({error.strerror or error})", subject=file, remedy="Check the path and the disk")


def ffmpeg_address(file: Path) -> str:
    """Return the name by which FFmpeg opens a local file; without the prefix a colon in it would be taken for a protocol."""
    return f"file:{file}"
