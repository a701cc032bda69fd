"""PNG files taken apart: their chunks (PNG 1.2, section 3)."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import Final

_SIGNATURE_BYTES: Final = 8
_HEADER_BYTES: Final = 25  # the chunk IHDR, which is always the first
# what makes a picture an animation: its control, each frame's control, and all frames' pixels but the first's
_ANIMATION: Final = (b"acTL", b"fcTL", b"fdAT")


def png_chunks(png: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield the kind, start and end of every chunk; the last may be cut off."""
    position = _SIGNATURE_BYTES
    while position + 8 <= len(png):
        length, kind = struct.unpack_from(">I4s", png, position)
        yield kind, position, position + 12 + length
        position += 12 + length


def png_chunk(kind: bytes, content: bytes) -> bytes:
    """Return a whole chunk, length and checksum included."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def behind_header(png: bytes, chunks: bytes) -> bytes:
    """Return `png` with further chunks right after its header."""
    end = _SIGNATURE_BYTES + _HEADER_BYTES
    return png[:end] + chunks + png[end:]


def without_animation(png: bytes) -> bytes:
    """Return `png` as a still picture, the one that programs show which know no animations.

    OpenCV 5.0's reader of animations crashes on damaged ones; it is not needed for a picture.
    """
    if not any(kind in png for kind in _ANIMATION):
        return png
    return png[:_SIGNATURE_BYTES] + b"".join(
        png[start:end] for kind, start, end in png_chunks(png) if kind not in _ANIMATION
    )
