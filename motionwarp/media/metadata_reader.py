"""What pictures and clips say of themselves, read: texts of the format's own, and XMP.

Files come from strangers: sizes are bounded, and XMP is searched for the few properties that count here, without a
reader of XML, whose entities and nesting an attacker could use.
"""

from __future__ import annotations

import html
import re
import struct
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

from motionwarp.errors import InputError
from motionwarp.media.container import opened_container
from motionwarp.media.limits import existing_file, reading_failure
from motionwarp.media.metadata import PROPERTIES, XMP_APPLICATION, XMP_BOX, XMP_KEYWORD, XMP_SEGMENT, XMP_TAG
from motionwarp.media.webp_animation import webp_chunks

# texts of motionwarp take a thousand bytes; those of cameras and editors may come before them
_MOST_BYTES: Final = 1_000_000
_MOST_PARTS: Final = 100_000
_LONGEST_TEXT: Final = 2000
Told = Iterator[tuple[str, bytes]]

# what FFmpeg gives as tags, though it is the container's own business
_TECHNICAL: Final = ("major_brand", "minor_version", "compatible_brands", "encoder")
_NAMES: Final = {name: key for key, name in PROPERTIES.items()}
_PROPERTY: Final = re.compile(
    r"(?<=[<\s])(xmp:CreatorTool|Iptc4xmpExt:DigitalSourceType|motionwarp:\w{1,64})"
    r"""(?:\s*=\s*(?:"([^"<]{0,2000})"|'([^'<]{0,2000})')|>([^<]{0,2000})<|\s+rdf:resource\s*=\s*["']([^"'<]{0,2000})["'])"""
)
_DESCRIPTION: Final = re.compile(r"<dc:description\b.{0,500}?<rdf:li\b[^>]{0,200}>([^<]{0,2000})<", re.DOTALL)


@dataclass(frozen=True)
class FileMetadata:
    """What a file says of itself.

    Attributes
    ----------
    tags : dict of str
        By the names of `Provenance.tags`, and whatever else of texts the container has; printable, and cut off at 2000
        letters.
    places : tuple of str
        Where it stands: "texts" of the format's own, "XMP", or both.
    """

    tags: dict[str, str] = field(default_factory=dict)
    places: tuple[str, ...] = ()


def read_metadata(path: Path) -> FileMetadata:
    """Read what a picture or a clip says of itself; empty where it says nothing.

    Raises
    ------
    MediaError
        If the file is missing, empty, a folder, unreadable, or neither a picture nor a clip.
    """
    file = existing_file(path)
    try:
        with file.open("rb") as opened:
            head = opened.read(12)
            reader = _reader_for(head)
            found = _Found()
            if reader is not None:
                with suppress(struct.error, IndexError, ValueError, OverflowError):  # damaged from there on
                    opened.seek(0)
                    for name, content in reader(opened):
                        found.add(name, content)
    except OSError as error:
        raise reading_failure(error, file) from error
    if reader is None or reader is _boxes:
        _read_container(file, found, optional=reader is not None)
    return FileMetadata({**found.properties, **found.texts}, found.places())


def _reader_for(head: bytes) -> Callable[[BinaryIO], Told] | None:
    if head[:4] == b"RIFF" and head[8:] == b"WEBP":
        return _webp
    if head[4:8] == b"ftyp":
        return _boxes
    return next((reader for magic, reader in _READERS.items() if head.startswith(magic)), None)


class _Found:
    """Collects what a file says."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.properties: dict[str, str] = {}

    def add(self, name: str, content: bytes) -> None:
        """Take a text of this name, or a packet of XMP under the name of its own."""
        if name == XMP_KEYWORD:
            self.properties.update(xmp_properties(content))
        else:
            self.texts[name] = _shown(content.decode("utf-8", "replace"))

    def places(self) -> tuple[str, ...]:
        return tuple(name for name, found in (("texts", self.texts), ("XMP", self.properties)) if found)


def xmp_properties(packet: bytes) -> dict[str, str]:
    """Return what an XMP packet says, by the names of `Provenance.tags`; attributes and elements are both read."""
    text = packet[:_MOST_BYTES].decode("utf-8", "replace")
    found = {}
    for match in _PROPERTY.finditer(text):
        value = next(group for group in match.groups()[1:] if group is not None)
        found[_NAMES.get(match[1], match[1].removeprefix("motionwarp:"))] = _shown(html.unescape(value))
    described = _DESCRIPTION.search(text)
    if described is not None and described[1]:
        found["comment"] = _shown(html.unescape(described[1]))
    return found


def _shown(text: str) -> str:
    """Return a text as a terminal can show it."""
    return "".join(letter if letter.isprintable() else " " for letter in text[:_LONGEST_TEXT]).strip()


def _png(file: BinaryIO) -> Told:
    position = 8
    for _ in range(_MOST_PARTS):
        file.seek(position)
        length, kind = struct.unpack(">I4s", file.read(8))
        if kind == b"iTXt" and length <= _MOST_BYTES:
            keyword, _, rest = file.read(length).partition(b"\0")
            if rest[:1] == b"\0":  # not compressed
                yield keyword.decode("latin-1"), rest[2:].split(b"\0", 2)[2]
        elif kind == b"IEND":
            return
        position += 12 + length


def _jpeg(file: BinaryIO) -> Told:
    file.seek(2)
    for _ in range(_MOST_PARTS):
        mark, marker, length = struct.unpack(">BBH", file.read(4))
        if mark != 0xFF or marker == 0xDA:
            return
        content = file.read(length - 2)
        if marker == 0xE1 and content.startswith(XMP_SEGMENT):
            yield XMP_KEYWORD, content.removeprefix(XMP_SEGMENT)
        elif marker == 0xFE:
            yield "comment", content


def _webp(file: BinaryIO) -> Told:
    for kind, _, size in webp_chunks(file):
        if kind == b"XMP " and size <= _MOST_BYTES:
            yield XMP_KEYWORD, file.read(size)


def _gif(file: BinaryIO) -> Told:
    content = file.read(_MOST_BYTES)
    position = 13 + (3 << ((content[10] & 7) + 1) if content[10] & 0x80 else 0)
    while content[position] == 0x21:  # pictures come behind the extensions that are written here
        label, size = content[position + 1], content[position + 2]
        position += 2
        if label == 0xFF and content[position + 1 : position + 1 + size] == XMP_APPLICATION:
            begin = position + 1 + size
            position = content.index(b"\x01\xff\xfe", begin)
            yield XMP_KEYWORD, content[begin:position]
            position += 258
            continue
        blocks = b""
        while content[position]:
            blocks += content[position + 1 : position + 1 + content[position]]
            position += 1 + content[position]
        position += 1
        if label == 0xFE:
            yield from _lines(blocks)


def _lines(told: bytes) -> Told:
    """Yield the texts of a comment, which are lines of "name: text" where motionwarp wrote it."""
    lines = [line.partition(b": ") for line in told.split(b"\n")]
    if all(separator and name.decode("latin-1").isidentifier() for name, separator, _ in lines):
        yield from ((name.decode("latin-1"), text) for name, _, text in lines)
    else:
        yield "comment", told


def _tiff(file: BinaryIO) -> Told:
    order = "<" if file.read(2) == b"II" else ">"
    file.seek(4)
    file.seek(struct.unpack(order + "I", file.read(4))[0])
    (count,) = struct.unpack(order + "H", file.read(2))
    table = file.read(12 * count)
    names = {270: "comment", 305: "encoded_by", XMP_TAG: XMP_KEYWORD}
    for place in range(0, len(table), 12):
        tag, _, size, offset = struct.unpack_from(order + "HHII", table, place)
        if tag in names and 4 < size <= _MOST_BYTES:
            file.seek(offset)
            yield names[tag], file.read(size).rstrip(b"\0")


def _boxes(file: BinaryIO) -> Told:
    """Yield XMP of the boxes at the top level of MP4, MOV, AVIF and HEIC (ISO 14496-12, 4.2)."""
    end, position = file.seek(0, 2), 0
    for _ in range(_MOST_PARTS):
        if position + 8 > end:
            return
        file.seek(position)
        size, kind = struct.unpack(">I4s", file.read(8))
        header = 8
        if size == 1:
            (size,) = struct.unpack(">Q", file.read(8))
            header = 16
        if kind == b"uuid" and header + 16 < size <= _MOST_BYTES and file.read(16) == XMP_BOX:
            yield XMP_KEYWORD, file.read(size - header - 16)
        if size < header:  # to the end of the file, or damaged
            return
        position += size


def _read_container(file: Path, found: _Found, *, optional: bool) -> None:
    try:
        with opened_container(file) as container:
            for name, text in container.metadata.items():
                if name.lower() not in _TECHNICAL:
                    found.texts[name.lower()] = _shown(text)
    except InputError:
        if not optional:
            raise


_READERS: Final[dict[bytes, Callable[[BinaryIO], Told]]] = {
    b"\x89PNG\r\n\x1a\n": _png,
    b"\xff\xd8\xff": _jpeg,
    b"GIF8": _gif,
    b"II*\0": _tiff,
    b"MM\0*": _tiff,
}
