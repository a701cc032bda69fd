"""`-` in place of a file: clips from standard input, and videos to standard output."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from motionwarp.errors import InputError, OutputError

STREAM: Final = Path("-")
# it holds every codec, with alpha and sound, and can be read from a pipe
_STREAMED: Final = "stdout.mkv"


@contextmanager
def given_files(*paths: Path) -> Iterator[list[Path]]:
    """Yield the paths, with a file that has been read from standard input in the place of `-`.

    A transfer goes through a clip twice, which a pipe does not allow. The file is gone at the end of the block.

    Raises
    ------
    InputError
        If several of the paths are `-`, or nothing is piped in.
    """
    if STREAM not in paths:
        yield list(paths)
        return
    if paths.count(STREAM) > 1:
        raise InputError("standard input can be only one of the inputs", subject="-", remedy="Name the other file")
    with tempfile.TemporaryDirectory(prefix="motionwarp-") as folder:
        copy = Path(folder) / "stdin"
        _read_into(copy)
        yield [copy if path == STREAM else path for path in paths]


def _read_into(copy: Path) -> None:
    stream = sys.stdin.buffer
    if stream.isatty():
        raise InputError(
            "nothing is piped into standard input", subject="-", remedy="Pipe a clip into it, or name a file"
        )
    with copy.open("wb") as file:
        shutil.copyfileobj(stream, file)
    if copy.stat().st_size == 0:
        raise InputError(
            "standard input ended without a byte", subject="-", remedy="See what the program before it says"
        )


@contextmanager
def taken_file(output: Path) -> Iterator[Path]:
    """Yield a path to write to: the output, or a file that goes to standard output when the block ends well.

    Raises
    ------
    OutputError
        If the output is `-` and standard output is a terminal.
    """
    if output != STREAM:
        yield output
        return
    stream = sys.stdout.buffer
    if stream.isatty():
        raise OutputError("a video would be written to the terminal", subject="-", remedy="Pipe it into a program")
    with tempfile.TemporaryDirectory(prefix="motionwarp-") as folder:
        result = Path(folder) / _STREAMED
        yield result
        with result.open("rb") as file:
            shutil.copyfileobj(file, stream)
        stream.flush()


def told_as(path: Path) -> str:
    """Return what users call a path that was written to: `-` for the file of `taken_file`."""
    return str(STREAM if path.name == _STREAMED else path)
