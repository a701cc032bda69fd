"""Numbered PNG files, one a frame."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np

from motionwarp.errors import OptionError, OutputError
from motionwarp.media.atomic import check_folder, is_same_file, temporary_name, write_failure
from motionwarp.media.encoders import EncodeOptions
from motionwarp.media.frame_folder import frame_name, frames_matching, is_frame_pattern
from motionwarp.media.image import encoded_image
from motionwarp.media.metadata import tagged_picture
from motionwarp.media.writer_base import VideoWriter
from motionwarp.types import ByteArray

_DEFAULT_PATTERN = "%05d.png"
_CLOCK = Fraction(1, 1_000_000)


class FrameWriter(VideoWriter):
    """Writes PNG files into a hidden folder beside the target, which moves into place at the end.

    Frames' times are not kept: pictures have none.

    Parameters
    ----------
    path : str or path
        A folder, then of names such as 00000.png, or a pattern such as `folder/frame_%05d.png`.
    width, height : int
        Size of the frames, in pixels.
    frame_rate : Fraction
        Frames a second on average.
    alpha : bool
    options : EncodeOptions
        PNG has none; all must be at their defaults.
    metadata : mapping of str
        Written as texts into each file.
    overwrite : bool
        Whether pictures of the same pattern may be replaced; all of them are, other files in the folder stay.
    inputs : sequence of paths
        Files and folders that are being read, which the output folder must not be.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        width: int,
        height: int,
        frame_rate: Fraction,
        alpha: bool,
        options: EncodeOptions,
        metadata: Mapping[str, str],
        *,
        overwrite: bool,
        inputs: Sequence[str | os.PathLike[str]],
    ) -> None:
        target = Path(path)
        super().__init__(target, width, height, alpha, _CLOCK, Fraction(frame_rate))
        if options.codec != "auto" or options.crf is not None or options.preset is not None:
            raise OptionError("PNG has no codec, crf or preset to choose", subject=target, remedy="Leave them out")
        by_pattern = is_frame_pattern(target) and not target.is_dir()
        self._pattern = target.name if by_pattern else _DEFAULT_PATTERN
        self._folder = (target.parent if by_pattern else target).absolute()
        self._metadata = metadata
        self._overwrite = overwrite
        self._next_number = 0
        self._check_place(inputs)
        self._part = temporary_name(self._folder / "frames" if self._folder.is_dir() else self._folder)
        try:
            self._part.mkdir()
        except OSError as error:
            raise write_failure(error, target) from error

    def _check_place(self, inputs: Sequence[str | os.PathLike[str]]) -> None:
        if Path(self._pattern).suffix.lower() != ".png":
            raise OutputError(
                "frames can only be written as PNG", subject=self.path, remedy="Use a pattern such as frame_%05d.png"
            )
        for source in map(Path, inputs):
            folder = source if source.is_dir() else source.parent
            made = frames_matching(folder, self._pattern)
            is_read = source.is_dir() or is_frame_pattern(source) or source.absolute() in made
            if is_read and is_same_file(folder, self._folder):
                raise OutputError(
                    "the output is also an input", subject=self.path, remedy="Choose another folder for the output"
                )
        if self._folder.exists() and not self._folder.is_dir():
            raise OutputError(f"{self._folder} is not a folder", subject=self.path, remedy="Choose another place")
        if frames_matching(self._folder, self._pattern) and not self._overwrite:
            raise OutputError(
                "the folder holds such pictures already",
                subject=self.path,
                remedy="Choose another folder, or allow overwriting them",
            )
        check_folder(self._folder if self._folder.is_dir() else self._folder.parent, self.path)

    def _prepared(self, picture: ByteArray) -> bytes:
        return tagged_picture(encoded_image(Path(self._pattern), np.ascontiguousarray(picture)), self._metadata)

    def _encode(self, prepared: bytes, ticks: int, end_ticks: int) -> None:
        name = frame_name(self._pattern, self._next_number)
        self._next_number += 1
        try:
            (self._part / name).write_bytes(prepared)
        except OSError as error:
            raise write_failure(error, self.path) from error

    def _finish(self) -> None:
        try:
            if self._folder.is_dir():
                _swap_in(
                    self._part, self._folder, frames_matching(self._folder, self._pattern), overwrite=self._overwrite
                )
            else:
                self._part.rename(self._folder)
        except OSError as error:
            raise write_failure(error, self.path) from error

    def _discard(self) -> None:
        with contextlib.suppress(OSError):
            shutil.rmtree(self._part)


def _swap_in(part: Path, folder: Path, old: Sequence[Path], *, overwrite: bool) -> None:
    """Move all files of `part` into `folder` in the place of `old`; on any failure everything is moved back.

    Raises
    ------
    OSError
        If a move fails, or files of these names have appeared meanwhile.
    """
    new = sorted(part.iterdir())
    if not overwrite and any((folder / file.name).exists() for file in new):
        raise FileExistsError(errno.EEXIST, "pictures of these names have been made meanwhile", str(folder))
    aside = part / "replaced"
    aside.mkdir()
    moves = [(file, aside / file.name) for file in old] + [(file, folder / file.name) for file in new]
    done: list[tuple[Path, Path]] = []
    try:
        for source, target in moves:
            source.rename(target)
            done.append((source, target))
    except BaseException:
        for source, target in reversed(done):
            target.rename(source)
        raise
    shutil.rmtree(part)
