"""A pack: many labeled pictures of people in one safetensors file that training reads without decoding videos.

Pictures are JPEG and labels PNG streams, laid end to end in one byte tensor a kind with the offsets of their ends
beside it. The file is mapped into memory, so a pack costs no memory but for what is being read, and workers share it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import torch
from safetensors import SafetensorError, safe_open

from motionwarp.checkpoints.checkpoint import write_tensors
from motionwarp.errors import InputError, OutputError
from motionwarp.types import POINT_COUNT, ByteArray, FloatArray


def open_pack(
    path: Path, *, form: str, holds: str, rows: Sequence[str], streams: Sequence[str]
) -> tuple[Any, list[str]]:
    """Open a pack.

    Parameters
    ----------
    path : Path
    form : str
        The format that it must say it has.
    holds : str
        What it is a pack of, for the message.
    rows : sequence of str
        Tensors that have a row a sample.
    streams : sequence of str
        Names of byte streams: `NAME_bytes`, uint8 (N,), and where each sample ends in it, `NAME_ends`, ints rising up
        to N.

    Returns
    -------
    open file of safetensors, list of str
        The second are the samples' names.

    Raises
    ------
    InputError
        If the file is missing, damaged, of another format, or its tables do not fit each other.
    """
    if path.is_dir():
        raise InputError(
            f"this is a folder, no pack of {holds}",
            subject=path,
            remedy="Give the file that `motionwarp dataset pack` made.",
        )
    try:
        opened: Any = safe_open(path, framework="np")
        metadata = opened.metadata() or {}
    except (OSError, SafetensorError) as error:
        raise InputError(f"this is no pack of {holds}: {error}", subject=path) from error
    if metadata.get("format") != form:
        raise InputError(
            f"its format is {metadata.get('format')!r}, not {form!r}",
            subject=path,
            remedy="Make it again with `motionwarp dataset pack`.",
        )
    try:
        names = json.loads(metadata["names"])
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise ValueError("its names are no list of names")
        for row in rows:
            _check_count(row, opened.get_slice(row).get_shape(), len(names))
        for stream in streams:
            size, ends = opened.get_slice(f"{stream}_bytes").get_shape(), opened.get_tensor(f"{stream}_ends")
            _check_count(f"{stream}_ends", ends.shape, len(names))
            if (
                len(size) != 1
                or ends.ndim != 1
                or (np.diff(ends, prepend=0) < 0).any()
                or (len(ends) and int(ends[-1]) > size[0])
            ):
                raise ValueError(f"{stream}_ends does not lie within {stream}_bytes")
    except (KeyError, TypeError, ValueError, RecursionError, SafetensorError) as error:
        raise InputError(
            f"its tables do not fit each other: {error}",
            subject=path,
            remedy="Make it again with `motionwarp dataset pack`.",
        ) from error
    return opened, names


def _check_count(name: str, shape: Sequence[int], count: int) -> None:
    if len(shape) == 0 or shape[0] != count:
        raise ValueError(f"{name} has the shape {tuple(shape)} for {count} samples")


FORMAT: Final = "motionwarp-pack-1"
_STREAMS: Final = ("rgb", "parsing", "matte")
_JPEG_QUALITY: Final = 84
_UNKNOWN_FACING: Final = (0.0, 0.0)


@dataclass(frozen=True, eq=False)
class LabeledPicture:
    """One person with everything that is known of the picture.

    Attributes
    ----------
    rgb : uint8 (H, W, 3)
    matte : uint8 (H, W)
        Coverage, 0..255.
    parsing : uint8 (H, W)
        LIP classes, 255 where not known.
    points : float32 (18, 3)
        Pixels and scores.
    name : str
        Where it comes from, for people.
    facing : (float, float) or None
        Cosine and sine of the direction the person faces about the vertical axis: (1, 0) towards the camera, (0, 1)
        towards the picture's right; None where it is not known.
    """

    rgb: ByteArray
    matte: ByteArray
    parsing: ByteArray
    points: FloatArray
    name: str
    facing: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        size = self.rgb.shape[:2]
        if self.matte.shape != size or self.parsing.shape != size or self.points.shape != (POINT_COUNT, 3):
            raise ValueError(
                f"{self.name}: picture {self.rgb.shape}, matte {self.matte.shape}, parsing {self.parsing.shape}, "
                f"points {self.points.shape} do not belong together"
            )


class PackWriter:
    """Collects labeled pictures and writes them as one file."""

    def __init__(self) -> None:
        self._streams: dict[str, list[bytes]] = {stream: [] for stream in _STREAMS}
        self._points: list[FloatArray] = []
        self._names: list[str] = []
        self._facing: list[tuple[float, float]] = []

    def __len__(self) -> int:
        return len(self._names)

    def add(self, sample: LabeledPicture) -> None:
        """Compress one picture and its labels and keep them."""
        bgr = np.asarray(cv2.cvtColor(sample.rgb, cv2.COLOR_RGB2BGR), dtype=np.uint8)
        self._streams["rgb"].append(_encode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY]))
        # 32 levels are what a soft edge needs, and they compress to half
        matte = np.round(np.round(sample.matte.astype(np.float32) / 255 * 31) / 31 * 255).astype(np.uint8)
        self._streams["matte"].append(_encode(".png", matte, [cv2.IMWRITE_PNG_COMPRESSION, 9]))
        self._streams["parsing"].append(_encode(".png", sample.parsing, [cv2.IMWRITE_PNG_COMPRESSION, 9]))
        self._points.append(sample.points.astype(np.float32))
        self._names.append(sample.name)
        self._facing.append(sample.facing or _UNKNOWN_FACING)

    def write(self, path: Path) -> int:
        """Write the pack, whole or not at all, and return its size in bytes.

        An OutputError if it is empty or cannot be written.
        """
        if not self._names:
            raise OutputError("there is nothing to pack", subject=path, remedy="Check the folder the data comes from.")
        tensors = {
            "points": torch.from_numpy(np.stack(self._points)),
            "facing": torch.tensor(self._facing, dtype=torch.float32),
        }
        for stream, items in self._streams.items():
            tensors[f"{stream}_bytes"] = torch.frombuffer(bytearray(b"".join(items)), dtype=torch.uint8)
            tensors[f"{stream}_ends"] = torch.tensor([len(item) for item in items]).cumsum(0)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_tensors(path, tensors, {"format": FORMAT, "names": json.dumps(self._names)})
        return path.stat().st_size


class PackReader:
    """Reads single samples of a pack; cheap to open, safe to use in worker processes."""

    def __init__(self, path: Path) -> None:
        self._file, self.names = open_pack(
            path, form=FORMAT, holds="training pictures", rows=["points"], streams=_STREAMS
        )
        self.points: FloatArray = self._file.get_tensor("points")
        # packs of before 2026-11 do not tell it
        has_facing = "facing" in self._file.keys()  # noqa: SIM118 - a safetensors file is no mapping
        self._facing: FloatArray | None = self._file.get_tensor("facing") if has_facing else None
        if self._facing is not None and self._facing.shape not in ((len(self.names), 2), (len(self.names), 3)):
            raise InputError(
                "its table of facing does not fit its names",
                subject=path,
                remedy="Make it again with `motionwarp dataset pack`.",
            )
        self._bytes = {stream: self._file.get_slice(f"{stream}_bytes") for stream in _STREAMS}
        self._ends = {stream: self._file.get_tensor(f"{stream}_ends") for stream in _STREAMS}

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> LabeledPicture:
        rgb = cv2.cvtColor(self._decode("rgb", index, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
        return LabeledPicture(
            rgb=np.asarray(rgb, dtype=np.uint8),
            matte=self._decode("matte", index, cv2.IMREAD_GRAYSCALE),
            parsing=self._decode("parsing", index, cv2.IMREAD_GRAYSCALE),
            points=self.points[index],
            name=self.names[index],
            facing=self._facing_of(index),
        )

    def _facing_of(self, index: int) -> tuple[float, float] | None:
        if self._facing is None:
            return None
        # a third column is how sure it is: 0 for people who lie or hang upside down
        cosine, sine, *certainty = (float(value) for value in self._facing[index])
        return (cosine, sine) if (cosine or sine) and all(certainty) else None

    def _decode(self, stream: str, index: int, mode: int) -> ByteArray:
        ends = self._ends[stream]
        start = int(ends[index - 1]) if index else 0
        content = np.asarray(self._bytes[stream][start : int(ends[index])])
        picture = cv2.imdecode(content, mode) if len(content) else None
        if picture is None:
            raise InputError(f"the {stream} of sample {index} ({self.names[index]}) is damaged")
        return np.asarray(picture, dtype=np.uint8)


def _encode(ending: str, picture: ByteArray, parameters: list[int]) -> bytes:
    done, stream = cv2.imencode(ending, picture, parameters)
    if not done:
        raise OutputError(f"a picture of {picture.shape} could not be encoded as {ending}")
    return bytes(stream.tobytes())


def union_box(matte: ByteArray, points: FloatArray, threshold: float = 0.3) -> tuple[float, float, float, float] | None:
    """Return left, top, right, bottom of the person: all of the matte's coverage over one half and all seen points.

    Parameters
    ----------
    matte : uint8 (H, W)
    points : float32 (18, 3)
    threshold : float
        Points below this score do not count.

    Returns
    -------
    four floats, or None for an empty picture
    """
    rows, columns = np.nonzero(matte > 127)
    seen = points[points[:, 2] >= threshold, :2]
    if len(rows) == 0 and len(seen) == 0:
        return None
    corners = [seen] if len(seen) else []
    if len(rows):
        corners.append(np.array([[columns.min(), rows.min()], [columns.max(), rows.max()]], dtype=np.float32))
    every = np.concatenate(corners)
    left, top = every.min(axis=0)
    right, bottom = every.max(axis=0)
    return float(left), float(top), float(right), float(bottom)
