"""A folder of gray 8-bit PNG frames, of labels or mattes, which appears whole or not at all."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from motionwarp.errors import OutputError

if TYPE_CHECKING:
    from motionwarp.types import ByteArray


class GrayFrames:
    """Frames 00000.png, 00001.png ... in a folder that appears when the block ends well.

    Parameters
    ----------
    path : Path
        The folder; replaced as a whole if it exists and `overwrite` is set.
    overwrite : bool

    Raises
    ------
    OutputError
        If the folder exists and `overwrite` is not set, holds anything but such frames, or cannot be written.
    """

    def __init__(self, path: Path, *, overwrite: bool) -> None:
        from motionwarp.media.atomic import check_folder, temporary_name

        if path.exists():
            if not overwrite:
                raise OutputError(
                    "the folder exists already", subject=path, remedy="Choose another place, or allow --overwrite"
                )
            if not _holds_frames_only(path):
                raise OutputError(
                    "is not a folder of numbered frames and is left alone",
                    subject=path,
                    remedy="Choose another place with -o",
                )
        check_folder(path.absolute().parent, path)
        self.path = path
        self.part = temporary_name(path)
        self.count = 0

    def __enter__(self) -> GrayFrames:
        self.part.mkdir()
        return self

    def write(self, gray: ByteArray) -> None:
        """Add a frame, uint8 (H, W), values unchanged."""
        from motionwarp.media.atomic import write_failure
        from motionwarp.media.image import encoded_image

        name = f"{self.count:05d}.png"
        try:
            (self.part / name).write_bytes(encoded_image(self.path / name, gray))
        except OSError as error:
            raise write_failure(error, self.path) from error
        self.count += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        from motionwarp.media.atomic import write_failure

        try:
            if kind is None:
                if self.path.exists():
                    shutil.rmtree(self.path)
                self.part.rename(self.path)
        except OSError as failure:
            raise write_failure(failure, self.path) from failure
        finally:
            shutil.rmtree(self.part, ignore_errors=True)


def _holds_frames_only(folder: Path) -> bool:
    """Return whether everything in `folder` looks as if written here, so that replacing it loses nothing else."""
    return folder.is_dir() and all(file.suffix == ".png" and file.stem.isdecimal() for file in folder.iterdir())
