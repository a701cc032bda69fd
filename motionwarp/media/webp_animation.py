"""Animated WebP taken apart: the chunks of its container and the pictures of its frames.

FFmpeg learned to read animated WebP late, and OpenCV's own reader holds all frames at once; the container (RFC 9649,
section 2.7) is a list of chunks, each frame of which is a WebP picture of its own to any decoder.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

import cv2
import numpy as np

from motionwarp.errors import MediaError
from motionwarp.media.image_header import BrokenHeaderError, parse_picture_header, sniff_picture_format
from motionwarp.media.limits import MediaLimits, existing_file, reading_failure
from motionwarp.types import ByteArray

_HEADER_BYTES: Final = 12
_ALPHA_FLAG: Final = 0x10
_FRAME_BYTES: Final = 16  # of a frame's place, duration and flags
# programs that show animations take no time for a mistake, and give such frames a tenth of a second
_UNTIMED_MS: Final = 100


@dataclass(frozen=True)
class WebpFrame:
    """Where a frame's picture lies in the file and on the canvas.

    Attributes
    ----------
    offset, size : int
        Of its picture's chunks in the file, in bytes.
    left, top, width, height : int
        On the canvas, in pixels.
    duration_ms : int
    overwrites : bool
        Whether its pixels replace the canvas's, transparent ones too, rather than lie over them.
    cleared : bool
        Whether its rectangle is made transparent once its time is over.
    """

    offset: int
    size: int
    left: int
    top: int
    width: int
    height: int
    duration_ms: int
    overwrites: bool
    cleared: bool


@dataclass(frozen=True)
class WebpAnimation:
    """An animated WebP file whose pixels have not been looked at.

    Attributes
    ----------
    path : Path
    width, height : int
        Size of the canvas in pixels.
    has_alpha : bool
    frames : tuple of WebpFrame
        At least one.
    """

    path: Path
    width: int
    height: int
    has_alpha: bool
    frames: tuple[WebpFrame, ...]

    def pictures(self) -> Iterator[ByteArray | None]:
        """Yield the canvas as each frame shows it, uint8 (H, W, 4) RGBA with straight alpha.

        None where a frame is damaged; the canvas then stays as it was.
        """
        canvas = np.zeros((self.height, self.width, 4), dtype=np.uint8)
        with self.path.open("rb") as file:
            for frame in self.frames:
                picture = _decoded(file, frame)
                if picture is None:
                    yield None
                    continue
                place = canvas[frame.top : frame.top + frame.height, frame.left : frame.left + frame.width]
                place[...] = picture if frame.overwrites else _over(picture, place)
                yield canvas.copy()
                if frame.cleared:
                    place[...] = 0


def is_webp(path: Path) -> bool:
    """Tell by content whether `path` is a WebP file; errors as for `existing_file`."""
    with existing_file(path).open("rb") as file:
        return sniff_picture_format(file.read(32)) == "webp"


def open_webp_animation(path: Path, limits: MediaLimits) -> WebpAnimation:
    """Read the chunks of an animated WebP file, without decoding a pixel.

    Parameters
    ----------
    path : Path
    limits : MediaLimits
        Checked on the canvas, within which all frames lie.

    Raises
    ------
    MediaError
        If it is no animation, is damaged before its first frame, or a frame lies outside of its canvas.
    LimitError
        If its canvas is beyond `limits`.
    """
    try:
        with existing_file(path).open("rb") as file:
            return _taken_apart(file, path, limits)
    except OSError as error:
        raise reading_failure(error, path) from error


def _taken_apart(file: BinaryIO, path: Path, limits: MediaLimits) -> WebpAnimation:
    file.seek(_HEADER_BYTES)
    canvas: tuple[int, int] | None = None
    has_alpha = False
    frames: list[WebpFrame] = []
    for kind, offset, size in webp_chunks(file):
        if kind == b"VP8X" and size >= 10 and canvas is None:
            head = file.read(10)
            has_alpha = bool(head[0] & _ALPHA_FLAG)
            canvas = _number(head[4:7]) + 1, _number(head[7:10]) + 1
            limits.check_video(*canvas, path)
        elif kind == b"ANMF" and canvas is not None and size > _FRAME_BYTES:
            frame = _placed(file.read(_FRAME_BYTES), offset + _FRAME_BYTES, size - _FRAME_BYTES)
            if frame.left + frame.width > canvas[0] or frame.top + frame.height > canvas[1]:
                raise MediaError(
                    f"frame {len(frames)} lies outside of the picture",
                    subject=path,
                    remedy="The file is damaged; export it again",
                )
            frames.append(frame)
    if canvas is None or not frames:
        raise MediaError(
            "there is no frame in this WebP", subject=path, remedy="The file is damaged or cut off; export it again"
        )
    return WebpAnimation(path, *canvas, has_alpha, tuple(frames))


def webp_chunks(file: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """Yield name, place and size of every whole chunk from where the file stands; it stands at the content then."""
    end = file.seek(0, 2) if file.seekable() else 0
    position = _HEADER_BYTES
    while position + 8 <= end:
        file.seek(position)
        head = file.read(8)
        kind, size = head[:4], int.from_bytes(head[4:], "little")
        if position + 8 + size > end:
            return  # cut off
        yield kind, position + 8, size
        position += 8 + size + size % 2


def _placed(head: bytes, offset: int, size: int) -> WebpFrame:
    left, top = 2 * _number(head[:3]), 2 * _number(head[3:6])
    width, height = _number(head[6:9]) + 1, _number(head[9:12]) + 1
    duration, flags = _number(head[12:15]) or _UNTIMED_MS, head[15]
    return WebpFrame(offset, size, left, top, width, height, duration, bool(flags & 2), bool(flags & 1))


def _number(content: bytes) -> int:
    return int.from_bytes(content, "little")


def _decoded(file: BinaryIO, frame: WebpFrame) -> ByteArray | None:
    """Return a frame's picture as RGBA, or None if it is damaged or not as large as its place."""
    file.seek(frame.offset)
    chunks = file.read(frame.size)
    if chunks[:4] == b"ALPH":  # a picture whose alpha has a chunk of its own needs the extended header
        sides = (frame.width - 1).to_bytes(3, "little") + (frame.height - 1).to_bytes(3, "little")
        chunks = b"VP8X" + (10).to_bytes(4, "little") + bytes([_ALPHA_FLAG, 0, 0, 0]) + sides + chunks
    whole = b"RIFF" + (4 + len(chunks)).to_bytes(4, "little") + b"WEBP" + chunks
    try:
        header = parse_picture_header(whole)
    except BrokenHeaderError:
        return None
    if header is None or header.animated or (header.width, header.height) != (frame.width, frame.height):
        return None
    try:
        picture = cv2.imdecode(np.frombuffer(whole, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        return None
    if picture is None or picture.ndim != 3 or picture.shape[:2] != (frame.height, frame.width):
        return None
    code = cv2.COLOR_BGRA2RGBA if picture.shape[2] == 4 else cv2.COLOR_BGR2RGBA
    return np.asarray(cv2.cvtColor(picture, code), dtype=np.uint8)


def _over(upper: ByteArray, lower: ByteArray) -> ByteArray:
    """Lay a picture over another one, both RGBA with straight alpha."""
    alpha = upper[..., 3:].astype(np.float32) / 255
    below = lower[..., 3:].astype(np.float32) / 255 * (1 - alpha)
    total = alpha + below
    mixed = upper[..., :3] * alpha + lower[..., :3] * below
    colors = np.divide(mixed, total, out=np.zeros_like(mixed), where=total > 0)
    return np.asarray(np.rint(np.concatenate([colors, 255 * total], axis=-1)), dtype=np.uint8)
