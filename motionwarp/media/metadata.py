"""What pictures and clips say of themselves, put into finished files: texts in the format's own way, and XMP.

Every writer of this package ends here. XMP (ISO 16684-1; where it lies in each format is said by Adobe's "XMP
Specification Part 3") is what programs look for that tell synthesized pictures from photos. It is written by hand: a
packet is a few lines of text, and libraries that write it bring a compiled copy of Exiv2 or Exempi.
"""

from __future__ import annotations

import html
import io
import shutil
import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from motionwarp.media.atomic import temporary_name
from motionwarp.media.image_header import BrokenHeaderError, parse_picture_header
from motionwarp.media.png import behind_header, png_chunk
from motionwarp.media.webp_animation import webp_chunks

TAGGED_ENDINGS: Final = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".gif", ".apng")
"""Endings of pictures that can carry metadata."""

XMP_BOX: Final = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
"""Name of the box of MP4 and MOV that holds XMP."""
XMP_SEGMENT: Final = b"http://ns.adobe.com/xap/1.0/\0"
"""Beginning of JPEG's segment of XMP."""
XMP_KEYWORD: Final = "XML:com.adobe.xmp"
"""Keyword of PNG's text of XMP."""
XMP_APPLICATION: Final = b"XMP DataXMP"
"""Name of GIF's application extension of XMP."""
XMP_TAG: Final = 700
"""TIFF's tag of XMP."""

# readers of GIF skip by lengths of blocks, which a packet does not have: wherever they are in this, they end at its end
_GIF_TRAILER: Final = bytes([1, *range(255, -1, -1), 0])
_WEBP_XMP_FLAG: Final = 0x04
_WEBP_ALPHA_FLAG: Final = 0x10
_LONGEST_SEGMENT: Final = 65_533
_DESCRIPTION_TAG, _SOFTWARE_TAG = 270, 305
_ASCII, _BYTE = 2, 1
_MATROSKA: Final = b"\x1a\x45\xdf\xa3"

# names of tags that have a place of their own in XMP; all others are told in a namespace of ours
PROPERTIES: Final = {"encoded_by": "xmp:CreatorTool", "digital_source_type": "Iptc4xmpExt:DigitalSourceType"}
_NAMESPACES: Final = (
    'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/" '
    'xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" xmlns:motionwarp="urn:motionwarp"'
)


def xmp_packet(metadata: Mapping[str, str]) -> bytes:
    """Return texts as an XMP packet: the comment as its description, the others as properties, UTF-8.

    Parameters
    ----------
    metadata : mapping of str
        As `Provenance.tags` gives it; names that are no identifiers are left out.
    """
    named = {
        PROPERTIES.get(key, f"motionwarp:{key}"): text
        for key, text in metadata.items()
        if key != "comment" and key.isidentifier()
    }
    properties = " ".join(f'{name}="{_escaped(text)}"' for name, text in named.items())
    comment = _escaped(metadata.get("comment", ""))
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description rdf:about="" {_NAMESPACES} {properties}>'
        f'<dc:description><rdf:Alt><rdf:li xml:lang="x-default">{comment}</rdf:li></rdf:Alt></dc:description>'
        '</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="r"?>'
    ).encode()


def _escaped(text: str) -> str:
    """Return a text as XML may hold it, which has no control characters."""
    return html.escape("".join(letter if letter.isprintable() else " " for letter in text))


def tagged_picture(content: bytes, metadata: Mapping[str, str]) -> bytes:
    """Return a picture's file with texts and XMP in it.

    Parameters
    ----------
    content : bytes
        A whole PNG, APNG, JPEG, WebP, GIF or TIFF.
    metadata : mapping of str
        Nothing is changed where it is empty.

    Raises
    ------
    ValueError
        If the format can carry none, or the texts are too long for it.
    """
    if not metadata:
        return content
    tag = next((tag for magic, tag in _FORMATS.items() if content.startswith(magic)), None)
    if tag is None:
        raise ValueError(f"pictures that begin with {content[:4]!r} carry no metadata")
    return tag(content, metadata)


def tag_file(file: Path, metadata: Mapping[str, str]) -> None:
    """Put texts and XMP into a finished picture or clip.

    What a clip's container has a place for, its muxer has written; XMP is added to MP4 and MOV. Matroska and WebM have
    no place for it, and tell all in their tags.

    Parameters
    ----------
    file : Path
        Of any of the formats that this package writes.
    metadata : mapping of str

    Raises
    ------
    OSError
        If the file cannot be read or written.
    """
    if not metadata:
        return
    with file.open("rb") as opened:
        head = opened.read(12)
    if head[4:8] == b"ftyp":
        packet = xmp_packet(metadata)
        with file.open("ab") as opened:
            opened.write(struct.pack(">I4s", 24 + len(packet), b"uuid") + XMP_BOX + packet)
    elif head.startswith(b"GIF8"):
        _tag_gif_file(file, metadata)
    elif not head.startswith(_MATROSKA):
        file.write_bytes(tagged_picture(file.read_bytes(), metadata))


def _tagged_png(content: bytes, metadata: Mapping[str, str]) -> bytes:
    texts = {**metadata, XMP_KEYWORD: xmp_packet(metadata).decode()}
    # keyword, end, not compressed, method 0, no language, no translated keyword, text in UTF-8 (PNG 1.2, 4.2.3.3)
    contents = (key.encode("latin-1", "replace")[:79] + b"\0\0\0\0\0" + text.encode() for key, text in texts.items())
    return behind_header(content, b"".join(png_chunk(b"iTXt", text) for text in contents))


def _tagged_jpeg(content: bytes, metadata: Mapping[str, str]) -> bytes:
    segments = b""
    for marker, told in ((0xE1, XMP_SEGMENT + xmp_packet(metadata)), (0xFE, metadata.get("comment", "").encode())):
        if len(told) > _LONGEST_SEGMENT:
            raise ValueError(f"{len(told)} bytes are too many for a segment of a JPEG")
        segments += struct.pack(">BBH", 0xFF, marker, len(told) + 2) + told if told else b""
    place = 2
    if content[2:4] == b"\xff\xe0":  # JFIF wants its own segment to be the first
        place += 2 + int.from_bytes(content[4:6], "big")
    return content[:place] + segments + content[place:]


def _tagged_webp(content: bytes, metadata: Mapping[str, str]) -> bytes:
    packet = xmp_packet(metadata)
    chunks = bytearray(content[12:])
    if chunks[:4] != b"VP8X":  # the simple form, which can hold nothing beside the picture
        chunks = bytearray(_extended_header(content)) + chunks
    chunks[8] |= _WEBP_XMP_FLAG
    chunks += b"XMP " + struct.pack("<I", len(packet)) + packet + bytes(len(packet) % 2)
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WEBP" + bytes(chunks)


def _extended_header(content: bytes) -> bytes:
    """Return the header of the extended form (RFC 9649, 2.7) for a WebP of the simple one."""
    try:
        header = parse_picture_header(content)
    except BrokenHeaderError as error:
        raise ValueError(str(error)) from error
    assert header is not None  # it begins as a WebP
    alpha = False
    for kind, place, size in webp_chunks(io.BytesIO(content)):
        if kind == b"VP8L" and size >= 5:
            alpha = bool(content[place + 4] & 0x10)  # signature, 14 bits of width, 14 of height, then this
    sides = (header.width - 1).to_bytes(3, "little") + (header.height - 1).to_bytes(3, "little")
    return b"VP8X" + struct.pack("<I", 10) + bytes([_WEBP_ALPHA_FLAG * alpha, 0, 0, 0]) + sides


def _gif_extensions(metadata: Mapping[str, str]) -> bytes:
    """Return a comment (GIF89a, 24) and an application extension (26) of XMP."""
    told = "\n".join(f"{key}: {text}" for key, text in metadata.items()).encode()
    blocks = (told[place : place + 255] for place in range(0, len(told), 255))
    comment = b"\x21\xfe" + b"".join(bytes([len(block)]) + block for block in blocks) + b"\0"
    return comment + b"\x21\xff\x0b" + XMP_APPLICATION + xmp_packet(metadata) + _GIF_TRAILER


def _gif_head_bytes(head: bytes) -> int:
    """Return how many bytes a GIF's header has, its palette included; `head` are the first 13."""
    return 13 + (3 << ((head[10] & 7) + 1) if head[10] & 0x80 else 0)


def _tagged_gif(content: bytes, metadata: Mapping[str, str]) -> bytes:
    place = _gif_head_bytes(content[:13])
    return content[:place] + _gif_extensions(metadata) + content[place:]


def _tag_gif_file(file: Path, metadata: Mapping[str, str]) -> None:
    """Do as `_tagged_gif`, without holding an animation's pictures in memory."""
    rewritten = temporary_name(file)
    try:
        with file.open("rb") as source, rewritten.open("wb") as target:
            head = source.read(13)
            target.write(head + source.read(_gif_head_bytes(head) - 13) + _gif_extensions(metadata))
            shutil.copyfileobj(source, target)
        rewritten.replace(file)
    finally:
        rewritten.unlink(missing_ok=True)


def _tagged_tiff(content: bytes, metadata: Mapping[str, str]) -> bytes:
    """Return a TIFF (6.0, section 2) whose first directory is written anew behind all else, with more entries."""
    order = "<" if content[:2] == b"II" else ">"
    (directory,) = struct.unpack_from(order + "I", content, 4)
    (count,) = struct.unpack_from(order + "H", content, directory)
    places = range(directory + 2, directory + 2 + 12 * count, 12)
    entries = {struct.unpack_from(order + "H", content, place)[0]: content[place : place + 12] for place in places}
    following = content[places.stop : places.stop + 4]
    texts = ((_DESCRIPTION_TAG, metadata.get("comment", "")), (_SOFTWARE_TAG, metadata.get("encoded_by", "")))
    # values of up to four bytes would have to lie in the entry itself: blanks make them longer
    values = {tag: (_ASCII, text.ljust(4).encode() + b"\0") for tag, text in texts if text}
    values[XMP_TAG] = _BYTE, xmp_packet(metadata)
    whole = content + bytes(len(content) % 2)
    for tag, (kind, value) in values.items():
        entries[tag] = struct.pack(order + "HHII", tag, kind, len(value), len(whole))
        whole += value + bytes(len(value) % 2)
    table = struct.pack(order + "H", len(entries)) + b"".join(entries[tag] for tag in sorted(entries)) + following
    return whole[:4] + struct.pack(order + "I", len(whole)) + whole[8:] + table


_FORMATS: Final[dict[bytes, Callable[[bytes, Mapping[str, str]], bytes]]] = {
    b"\x89PNG": _tagged_png,
    b"\xff\xd8\xff": _tagged_jpeg,
    b"RIFF": _tagged_webp,
    b"GIF8": _tagged_gif,
    b"II*\0": _tagged_tiff,
    b"MM\0*": _tagged_tiff,
}
