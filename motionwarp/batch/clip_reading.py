"""Reading the truth of clips back from a data set."""

from __future__ import annotations

import io
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from motionwarp.batch.records import RECORD, ClipRecord, clip_folder
from motionwarp.batch.storage import Storage
from motionwarp.batch.truth import MATTE, PARSING, POSES
from motionwarp.errors import InputError
from motionwarp.media.limits import MediaLimits
from motionwarp.media.picture_header import BrokenHeaderError, parse_picture_header
from motionwarp.pose.files import read_track
from motionwarp.types import ByteArray, PoseTrack


class ClipReader:
    """One clip of a data set.

    Parameters
    ----------
    storage : Storage
    clip_id : str

    Raises
    ------
    InputError
        If the clip is not there or its record is damaged; methods, if a file is missing or damaged.
    """

    def __init__(self, storage: Storage, clip_id: str) -> None:
        self._storage = storage
        self.folder = clip_folder(clip_id)
        name = f"{self.folder}/{RECORD}"
        self.record = ClipRecord.from_bytes(self._read(RECORD), storage.address(name))

    def track(self) -> PoseTrack:
        """Return the points of all frames, in pixels of the frame."""
        with tempfile.TemporaryDirectory() as scratch:
            copy = Path(scratch) / POSES
            copy.write_bytes(self._read(POSES))
            return read_track(copy)

    def mattes(self) -> Iterator[ByteArray]:
        """Yield the person's coverage in each frame, uint8 (H, W)."""
        return self._pictures(MATTE)

    def parsings(self) -> Iterator[ByteArray]:
        """Yield the classes of each frame, uint8 (H, W)."""
        return self._pictures(PARSING)

    def _pictures(self, archive: str) -> Iterator[ByteArray]:
        place = self._storage.address(f"{self.folder}/{archive}")
        try:
            with zipfile.ZipFile(io.BytesIO(self._read(archive))) as content:
                for entry in sorted(content.infolist(), key=lambda entry: entry.filename):
                    # ours are stored as they are; compressed ones could grow to any size
                    if entry.compress_type != zipfile.ZIP_STORED:
                        raise InputError(f"{entry.filename} is compressed", subject=place, remedy="Make the clip again")
                    yield _grey_picture(content.read(entry), entry.filename, place)
        except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, UnicodeDecodeError) as error:
            raise InputError(f"is damaged ({error})", subject=place, remedy="Make the clip again") from error

    def _read(self, name: str) -> bytes:
        try:
            return self._storage.read(f"{self.folder}/{name}")
        except OSError as error:
            raise InputError(
                "the file is missing or cannot be read", subject=self._storage.address(f"{self.folder}/{name}"),
                remedy="Remove the clip's folder and make it again with --resume",
            ) from error  # fmt: skip


def _grey_picture(content: bytes, name: str, place: str) -> ByteArray:
    try:
        header = parse_picture_header(content)
    except BrokenHeaderError:
        header = None
    if header is not None:
        MediaLimits.of_environment().check_picture(header.width, header.height, f"{place}: {name}")
        picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
        if picture is not None and picture.ndim == 2 and picture.dtype == np.uint8:
            return np.asarray(picture, dtype=np.uint8)
    raise InputError(f"{name} is no grey picture", subject=place, remedy="Make the clip again")
