"""Reading the truth of clips back from a data set."""

from __future__ import annotations

import io
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Final

import cv2
import numpy as np

from motionwarp.body.body_track import BodyTrack
from motionwarp.body.facing import FacingTrack
from motionwarp.body.layout import DRIVEN_BONES
from motionwarp.body.pose_forms import body_arrays, write_npz
from motionwarp.datasets.records import RECORD, ClipRecord, clip_folder
from motionwarp.datasets.storage.base import Storage
from motionwarp.errors import InputError
from motionwarp.media.image import encoded_image
from motionwarp.media.image_header import BrokenHeaderError, parse_picture_header
from motionwarp.media.limits import MediaLimits
from motionwarp.pose.formats.pose_file import read_track, write_track
from motionwarp.types import ByteArray, FloatArray, PersonLayer, PoseTrack

POSES: Final = "poses.json"
PARSING: Final = "parsing.zip"
MATTE: Final = "matte.zip"
WARPS: Final = "warps.npz"
BODY: Final = "body.npz"
# the first day that zip files know: an archive's bytes must not depend on the clock
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)


def of_person(name: str, number: int) -> str:
    """Return the name of a file of labels of one of several people: 'poses-1.json' for the first who is cast."""
    stem, dot, ending = name.partition(".")
    return f"{stem}-{number}{dot}{ending}" if number else name


class PictureArchive:
    """Gray pictures as PNG in one zip file, named 00000.png and so on, written as they come.

    One file a clip, since millions of small files are slow everywhere; stored rather than deflated, so that one frame
    can be read without the others.

    Parameters
    ----------
    path : Path
    """

    def __init__(self, path: Path) -> None:
        self._file = zipfile.ZipFile(path, "w", zipfile.ZIP_STORED)
        self._count = 0

    def add(self, gray: ByteArray) -> None:
        """Append a picture, uint8 (H, W)."""
        entry = zipfile.ZipInfo(f"{self._count:05d}.png", _EPOCH)
        entry.external_attr = 0o644 << 16
        self._file.writestr(entry, encoded_image(Path(entry.filename), gray))
        self._count += 1

    def __enter__(self) -> PictureArchive:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._file.close()


def in_frame(layer: PersonLayer, values: ByteArray, width: int, height: int) -> ByteArray:
    """Return a layer's values uint8 (h, w) where they lie in the frame, uint8 (height, width), 0 elsewhere."""
    frame = np.zeros((height, width), dtype=np.uint8)
    frame[layer.top : layer.top + values.shape[0], layer.left : layer.left + values.shape[1]] = values
    return frame


def write_poses(path: Path, track: PoseTrack, video_name: str, frame_rate: float) -> None:
    """Write the points of all frames in this project's form."""
    write_track(path, track, file_name=video_name, fps=frame_rate)


def write_warps(
    path: Path, theta: FloatArray, times_seconds: np.ndarray[tuple[int], np.dtype[np.float64]], engine: str
) -> None:
    """Write the engine's parameters.

    Parameters
    ----------
    path : Path
    theta : float32 (T, D)
        As the engine's page in the documentation describes them.
    times_seconds : float64 (T,)
        Times of the frames.
    engine : str
        Whose parameters these are.
    """
    stream = io.BytesIO()
    name = np.frombuffer(engine.encode(), dtype=np.uint8)
    np.savez_compressed(stream, theta=theta, times_seconds=times_seconds, engine=name)
    path.write_bytes(stream.getvalue())


def read_warps(path: Path) -> tuple[FloatArray, np.ndarray[tuple[int], np.dtype[np.float64]], str]:
    """Return theta, times and the engine's name, as `write_warps` took them."""
    with np.load(path, allow_pickle=False) as content:
        return content["theta"], content["times_seconds"], content["engine"].tobytes().decode()


def write_body(path: Path, body: BodyTrack, times_seconds: np.ndarray[tuple[int], np.dtype[np.float64]]) -> None:
    """Write the person in space, frame by frame, as `pose_forms.body_arrays` names it, with the frames' times."""
    write_npz(path, {**body_arrays(body), "times_seconds": times_seconds})


def read_body(path: Path) -> tuple[BodyTrack, np.ndarray[tuple[int], np.dtype[np.float64]]]:
    """Return the person in space and the frames' times, as `write_body` took them.

    Raises
    ------
    InputError
        If the file is damaged, or of other bones.
    """
    try:
        with np.load(path, allow_pickle=False) as content:
            if content["bones"].tolist() != list(DRIVEN_BONES):
                raise ValueError("it turns other bones than this release has")
            facing = FacingTrack(content["facing_degrees"], content["facing_certainty"])
            body = BodyTrack(
                content["body_present"],
                content["joints"],
                content["rotations"],
                content["camera"],
                facing,
                content["shape"],
            )
            return body, content["times_seconds"]
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"is damaged ({error})", subject=path, remedy="Make the clip again") from error


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

    @property
    def people(self) -> int:
        """Number of people in it, the first being that of `record.source`, the others those who were cast."""
        return 1 + len(self.record.cast)

    def track(self, person: int = 0) -> PoseTrack:
        """Return the points of all frames of one of the people, in pixels of the frame."""
        with tempfile.TemporaryDirectory() as scratch:
            copy = Path(scratch) / POSES
            copy.write_bytes(self._read(of_person(POSES, person)))
            return read_track(copy)

    def mattes(self, person: int = 0) -> Iterator[ByteArray]:
        """Yield how much of each pixel shows one of the people, uint8 (H, W)."""
        return self._pictures(of_person(MATTE, person))

    def parsings(self, person: int = 0) -> Iterator[ByteArray]:
        """Yield the classes of each frame where it shows one of the people, uint8 (H, W)."""
        return self._pictures(of_person(PARSING, person))

    def _pictures(self, archive: str) -> Iterator[ByteArray]:
        place = self._storage.address(f"{self.folder}/{archive}")
        try:
            with zipfile.ZipFile(io.BytesIO(self._read(archive))) as content:
                for entry in sorted(content.infolist(), key=lambda entry: entry.filename):
                    # ours are stored as they are; compressed ones could grow to any size
                    if entry.compress_type != zipfile.ZIP_STORED:
                        raise InputError(f"{entry.filename} is compressed", subject=place, remedy="Make the clip again")
                    yield _gray_picture(content.read(entry), entry.filename, place)
        except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, UnicodeDecodeError) as error:
            raise InputError(f"is damaged ({error})", subject=place, remedy="Make the clip again") from error

    def _read(self, name: str) -> bytes:
        try:
            return self._storage.read(f"{self.folder}/{name}")
        except OSError as error:
            raise InputError(
                "the file is missing or cannot be read", subject=self._storage.address(f"{self.folder}/{name}"),
                remedy="Remove the clip's folder and make it again with `resume`",
            ) from error  # fmt: skip


def _gray_picture(content: bytes, name: str, place: str) -> ByteArray:
    try:
        header = parse_picture_header(content)
    except BrokenHeaderError:
        header = None
    if header is not None:
        MediaLimits.of_environment().check_picture(header.width, header.height, f"{place}: {name}")
        picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
        if picture is not None and picture.ndim == 2 and picture.dtype == np.uint8:
            return np.asarray(picture, dtype=np.uint8)
    raise InputError(f"{name} is no gray picture", subject=place, remedy="Make the clip again")
