"""Text files of reports, written whole or not at all."""

from __future__ import annotations

from pathlib import Path

from motionwarp.errors import OutputError
from motionwarp.media.atomic import write_failure, write_text_whole


def write_whole(path: Path, text: str, *, overwrite: bool = True) -> None:
    """Write a text file in UTF-8, with its folder; reports replace their own files by default.

    Raises
    ------
    OutputError
        If it cannot be written, or exists without `overwrite`.
    """
    make_folder(path.parent)
    write_text_whole(path, text, overwrite=overwrite)


def make_folder(folder: Path) -> None:
    """Make a folder and those above it.

    Raises
    ------
    OutputError
        If something else is there, or it may not be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise OutputError("is no folder", subject=folder, remedy="Choose another place.") from error
    except OSError as error:
        raise write_failure(error, folder) from error
