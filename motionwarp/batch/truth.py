"""What every clip says of itself beside its pictures: points, classes, coverage and warps of each frame."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from types import TracebackType
from typing import Final

import numpy as np

from motionwarp.media.image import encoded_image
from motionwarp.pose.files import write_track
from motionwarp.types import ByteArray, FloatArray, PersonLayer, PoseTrack

POSES: Final = "poses.json"
PARSING: Final = "parsing.zip"
MATTE: Final = "matte.zip"
WARPS: Final = "warps.npz"
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)  # the first day that zip files know: an archive's bytes must not depend on the clock


class PictureArchive:
    """Grey pictures as PNG in one zip file, named 00000.png and so on, written as they come.

    One file a clip, since millions of small files are slow everywhere; stored rather than deflated, so that one frame can be read
    without the others.

    Parameters
    ----------
    path : Path
    """

    def __init__(self, path: Path) -> None:
        self._file = zipfile.ZipFile(path, "w", zipfile.ZIP_STORED)
        self._count = 0

    def add(self, grey: ByteArray) -> None:
        """Append a picture, uint8 (H, W)."""
        entry = zipfile.ZipInfo(f"{self._count:05d}.png", _EPOCH)
        entry.external_attr = 0o644 << 16
        self._file.writestr(entry, encoded_image(Path(entry.filename), grey))
        self._count += 1

    def __enter__(self) -> PictureArchive:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._file.close()


def in_frame(layer: PersonLayer, values: ByteArray, width: int, height: int) -> ByteArray:
    """Return a layer's values uint8 (h, w) where they lie in the frame, uint8 (height, width), 0 elsewhere."""
    frame = np.zeros((height, width), dtype=np.uint8)
    frame[layer.top : layer.top + values.shape[0], layer.left : layer.left + values.shape[1]] = values
    return frame


def write_poses(folder: Path, track: PoseTrack, video_name: str, frame_rate: float) -> None:
    """Write the points of all frames in this project's form."""
    write_track(folder / POSES, track, file_name=video_name, fps=frame_rate)


def write_warps(folder: Path, theta: FloatArray, times_seconds: np.ndarray[tuple[int], np.dtype[np.float64]], engine: str) -> None:
    """Write the engine's parameters.

    Parameters
    ----------
    folder : Path
    theta : float32 (T, D)
        As the engine's page in the documentation describes them.
    times_seconds : float64 (T,)
        Of the frames.
    engine : str
        Whose parameters these are.
    """
    stream = io.BytesIO()
    name = np.frombuffer(engine.encode(), dtype=np.uint8)
    np.savez_compressed(stream, theta=theta, times_seconds=times_seconds, engine=name)
    (folder / WARPS).write_bytes(stream.getvalue())


def read_warps(path: Path) -> tuple[FloatArray, np.ndarray[tuple[int], np.dtype[np.float64]], str]:
    """Return theta, times and the engine's name, as `write_warps` took them."""
    with np.load(path, allow_pickle=False) as content:
        return content["theta"], content["times_seconds"], content["engine"].tobytes().decode()
