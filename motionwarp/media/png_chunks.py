"""PNG files (ISO/IEC 15948) as what they are: a signature and chunks of length, kind, content and checksum."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping

_SIGNATURE_BYTES = 8
_HEADER_BYTES = 25  # the chunk IHDR, which is always the first
# what makes a picture an animation: its control, each frame's control, and all frames' pixels but the first's
_ANIMATION = (b"acTL", b"fcTL", b"fdAT")


def with_png_text(png: bytes, metadata: Mapping[str, str]) -> bytes:
    """Return `png` with an iTXt chunk (PNG 1.2, 4.2.3.3) for every item of `metadata`, right after the header."""
    chunks = b""
    for key, text in metadata.items():
        # keyword, end, not compressed, method 0, no language, no translated keyword, text in UTF-8
        content = key.encode("latin-1", "replace")[:79] + b"\0\0\0\0\0" + text.encode()
        crc = zlib.crc32(b"iTXt" + content)
        chunks += len(content).to_bytes(4, "big") + b"iTXt" + content + crc.to_bytes(4, "big")
    header_end = _SIGNATURE_BYTES + _HEADER_BYTES
    return png[:header_end] + chunks + png[header_end:]


def without_animation(png: bytes) -> bytes:
    """Return `png` as a still picture, the one that programs show which know no animations.

    OpenCV 5.0's reader of animations crashes on damaged ones; it is not needed for a picture.
    """
    if not any(kind in png for kind in _ANIMATION):
        return png
    return png[:_SIGNATURE_BYTES] + b"".join(png[start:end] for kind, start, end in _chunks(png) if kind not in _ANIMATION)


def _chunks(png: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield the kind, start and end of every chunk; the last may be cut off."""
    position = _SIGNATURE_BYTES
    while position + 8 <= len(png):
        length, kind = struct.unpack_from(">I4s", png, position)
        yield kind, position, position + 12 + length
        position += 12 + length
