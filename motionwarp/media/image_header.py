"""What a still picture's header says, read without decoding a pixel: format, size, orientation, transparency.

Sizes are checked on this before any decoder sees the file, and formats are told by content, never by the file's ending.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from motionwarp.media.hdr import ORDINARY, Gamut
from motionwarp.media.orientation import UPRIGHT, Orientation, orientation_from_exif


@dataclass(frozen=True)
class PictureHeader:
    """The facts of a picture's header.

    Attributes
    ----------
    format : str
        "jpeg", "png", "gif", "webp", "bmp", "tiff", "pnm", "avif", "heic" or "jpeg2000".
    width, height : int
        As stored, before `orientation`.
    orientation : Orientation
        From EXIF, or upright.
    animated : bool
        Whether the file holds more than one frame, and so is a clip rather than a picture.
    complete : bool
        Whether the file reaches the end that its format demands; True where the format has no such mark.
    transparent_gray : int or None
        For a gray PNG: the 16- or 8-bit level that means transparent, scaled to the picture's depth of 8 or 16 bits.
    byte_alpha : bool
        For TIFF: whether there is alpha, of 8 bits.
    premultiplied : bool
        For TIFF: whether colors are stored multiplied by alpha.
    white_level : int or None
        The largest value of a sample where the file says so and it need not fill whole bytes (1023 for 10 bits), else
        None.
    gamut : Gamut
        What the colors of an AVIF or HEIC picture mean; ordinary where nothing is said.
    """

    format: str
    width: int
    height: int
    orientation: Orientation = UPRIGHT
    animated: bool = False
    complete: bool = True
    transparent_gray: int | None = None
    byte_alpha: bool = False
    premultiplied: bool = False
    white_level: int | None = None
    gamut: Gamut = ORDINARY


class BrokenHeaderError(ValueError):
    """The file begins like a picture of some format, but its header does not hold what that format demands."""


def sniff_picture_format(head: bytes) -> str | None:
    """Return the format of a file that starts with `head` (32 bytes suffice), or None if it is no picture we know."""
    for magic, name in _MAGIC:
        if head.startswith(magic):
            return name
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    if head[4:8] == b"ftyp":
        return _sniff_heif(head[8:12], head[16:])
    if len(head) > 2 and head[:1] == b"P" and head[1:2] in b"123456" and head[2:3] in b" \t\r\n":
        return "pnm"
    return None


def _sniff_heif(brand: bytes, compatible: bytes) -> str | None:
    """Tell AVIF and HEIC, which share their container, from each other and from clips, which have other brands."""
    brands = {brand, *(compatible[start : start + 4] for start in range(0, len(compatible) - 3, 4))}
    if brand in (b"avif", b"avis") or (brand in _ANY_HEIF and brands & {b"avif", b"avis"}):
        return "avif"
    return "heic" if brand in _HEIC or brand in _ANY_HEIF else None


_HEIC = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx")
_LARGEST_META = 16_000_000  # bytes; that of a picture of 160 million pixels in tiles is a hundredth of it
_ANY_HEIF = (b"mif1", b"msf1")  # what is in it is said by the compatible brands that follow

_MAGIC = (
    (b"\xff\xd8\xff", "jpeg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"BM", "bmp"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "jpeg2000"),
)


def parse_picture_header(data: bytes) -> PictureHeader | None:
    """Read the header of a picture.

    Parameters
    ----------
    data : bytes
        The whole file.

    Returns
    -------
    PictureHeader or None
        None if `data` is no picture of a known format.

    Raises
    ------
    BrokenHeaderError
        If it begins like one but its header is cut off or makes no sense.
    """
    name = sniff_picture_format(data[:32])
    if name is None:
        return None
    try:
        return _PARSERS[name](data)
    except (struct.error, IndexError, ValueError) as error:
        raise BrokenHeaderError(f"the {name.upper()} header is cut off or makes no sense") from error


def _parse_jpeg(data: bytes) -> PictureHeader:
    width = height = 0
    orientation = UPRIGHT
    for marker, start, end in _jpeg_segments(data):
        # SOF0..SOF15 carry the size, but for DHT, JPG and DAC, which share their range
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", data, start + 1)
        elif marker == 0xE1 and data[start : start + 6] == b"Exif\0\0" and orientation == UPRIGHT:
            orientation = orientation_in_tiff(data[start + 6 : end])
        elif marker == 0xDA:
            if width == 0 or height == 0:
                raise ValueError("no frame header before the scan")
            return PictureHeader("jpeg", width, height, orientation, complete=data.find(b"\xff\xd9", end) >= 0)
    raise ValueError("no scan")


def _jpeg_segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield marker, start and end of each segment's content, up to the first scan."""
    position = 2
    while True:
        if data[position] != 0xFF:
            raise ValueError("no marker where one must be")
        marker = data[position + 1]
        position += 1
        if marker == 0xFF:  # fill byte
            continue
        (length,) = struct.unpack_from(">H", data, position + 1)
        yield marker, position + 3, position + 1 + length
        position += 1 + length


def _parse_png(data: bytes) -> PictureHeader:
    width, height, depth, color_type = struct.unpack_from(">IIBB", data, 16)
    if data[12:16] != b"IHDR":
        raise ValueError("no IHDR")
    orientation, animated, complete, gray = UPRIGHT, False, False, None
    position = 8
    while position + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        content = data[position + 8 : position + 8 + min(length, 65536)]
        if kind == b"eXIf":
            orientation = orientation_in_tiff(content)
        elif kind == b"acTL":
            animated = struct.unpack_from(">I", content)[0] > 1
        elif kind == b"tRNS" and color_type == 0:
            (level,) = struct.unpack_from(">H", content)
            gray = level if depth >= 8 else level * 255 // (2 ** max(depth, 1) - 1)
        elif kind == b"IEND":
            # one that claims to be longer makes decoders fetch room for what is not there
            complete = position + 12 + length <= len(data)
            break
        position += 12 + length
    return PictureHeader("png", width, height, orientation, animated, complete, transparent_gray=gray)


def _parse_gif(data: bytes) -> PictureHeader:
    width, height = struct.unpack_from("<HH", data, 6)
    frames, complete = _count_gif_frames(data)
    return PictureHeader("gif", width, height, animated=frames > 1, complete=complete)


def _count_gif_frames(data: bytes) -> tuple[int, bool]:
    """Count image blocks, two at most, and tell whether the trailer (or the second image) was reached."""
    position = 13 + _gif_palette_bytes(data[10])
    frames = 0
    while position < len(data):
        kind = data[position]
        if kind == 0x3B:
            return frames, True
        if kind == 0x21:
            position += 2
        elif kind == 0x2C:
            frames += 1
            if frames > 1 or position + 10 >= len(data):
                return frames, frames > 1
            position += 11 + _gif_palette_bytes(data[position + 9])
        else:
            break
        while position < len(data) and data[position]:  # sub-blocks, each led by its length
            position += 1 + data[position]
        position += 1
    return frames, False


def _gif_palette_bytes(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _parse_webp(data: bytes) -> PictureHeader:
    (riff_size,) = struct.unpack_from("<I", data, 4)
    complete = len(data) >= riff_size + 8
    kind = data[12:16]
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return PictureHeader("webp", width & 0x3FFF, height & 0x3FFF, complete=complete)
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        return PictureHeader("webp", (bits & 0x3FFF) + 1, ((bits >> 14) & 0x3FFF) + 1, complete=complete)
    if kind != b"VP8X":
        raise ValueError("unknown first chunk")
    width = int.from_bytes(data[24:27], "little") + 1
    height = int.from_bytes(data[27:30], "little") + 1
    return PictureHeader("webp", width, height, _webp_orientation(data), bool(data[20] & 2), complete)


def _webp_orientation(data: bytes) -> Orientation:
    position = 12
    while position + 8 <= len(data):
        kind, length = struct.unpack_from("<4sI", data, position)
        if kind == b"EXIF":
            content = data[position + 8 : position + 8 + length]
            return orientation_in_tiff(content.removeprefix(b"Exif\0\0"))
        position += 8 + length + length % 2
    return UPRIGHT


def _parse_bmp(data: bytes) -> PictureHeader:
    (info_size,) = struct.unpack_from("<I", data, 14)
    width, height = struct.unpack_from("<HH" if info_size == 12 else "<ii", data, 18)
    return PictureHeader("bmp", width, abs(height))  # a negative height means that rows run downwards


def _parse_tiff(data: bytes) -> PictureHeader:
    tags = {tag: value for tag, (value, _) in _tiff_tags(data).items()}
    if 256 not in tags or 257 not in tags:
        raise ValueError("no size")
    return PictureHeader(
        "tiff",
        tags[256],
        tags[257],
        orientation_from_exif(tags.get(274, 1)),
        byte_alpha=338 in tags and tags.get(258) == 8,
        premultiplied=tags.get(338) == 1,
    )


def orientation_in_tiff(data: bytes) -> Orientation:
    """Return the orientation that an EXIF block (a small TIFF) holds; upright where it is missing or damaged."""
    try:
        return orientation_from_exif(_tiff_tags(data).get(274, (1, 0))[0])
    except (struct.error, ValueError):
        return UPRIGHT  # cameras and editors write broken EXIF; the picture is none the worse for it


def without_tiff_orientation(data: bytes) -> bytes:
    """Return a TIFF that says of itself that it is upright; libtiff turns some kinds of pictures, and others not."""
    tags = _tiff_tags(data)
    if 274 not in tags:
        return data
    place = tags[274][1]
    return data[:place] + (1).to_bytes(2, "little" if data[:2] == b"II" else "big") + data[place + 2 :]


def _tiff_tags(data: bytes) -> dict[int, tuple[int, int]]:
    """Return the first value of every short or long tag in the first directory, and where in `data` it is."""
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    if order is None:
        raise ValueError("no byte order")
    (directory,) = struct.unpack_from(order + "I", data, 4)
    (count,) = struct.unpack_from(order + "H", data, directory)
    tags = {}
    for entry in range(directory + 2, directory + 2 + 12 * count, 12):
        tag, kind, values = struct.unpack_from(order + "HHI", data, entry)
        if tag in tags and tag in (256, 257):
            raise ValueError("a size twice")  # of which the decoder might take the other one
        if kind not in (3, 4):
            continue
        code, size = ("H", 2) if kind == 3 else ("I", 4)
        place = entry + 8
        if values * size > 4:
            (place,) = struct.unpack_from(order + "I", data, place)
        tags[tag] = struct.unpack_from(order + code, data, place)[0], place
    return tags


def _parse_pnm(data: bytes) -> PictureHeader:
    fields: list[int] = []
    position = 2
    wanted = 2 if data[1:2] in b"14" else 3  # bitmaps name no largest value
    while len(fields) < wanted:
        if data[position : position + 1].isspace():
            position += 1
        elif data[position] == ord("#"):
            position = data.index(b"\n", position)
        else:
            start = position
            while data[position : position + 1].isdigit():
                position += 1
            fields.append(int(data[start:position][:10]))
    white_level = fields[2] if wanted == 3 else None
    if white_level is not None and not 0 < white_level < 65536:
        raise ValueError("a largest value that no picture has")
    return PictureHeader("pnm", fields[0], fields[1], white_level=white_level)


def _parse_heif(name: str, data: bytes) -> PictureHeader:
    # the size is in an 'ispe' box within meta/iprp/ipco; the largest is that of the picture itself, not of a thumbnail
    # or tile
    start, end = _heif_meta(data)
    sizes = []
    position = data.find(b"ispe", start)
    while 0 <= position < end:
        sizes.append(struct.unpack_from(">II", data, position + 8))
        position = data.find(b"ispe", position + 4)
    width, height = max(sizes, key=lambda size: size[0] * size[1])
    return PictureHeader(
        name,
        width,
        height,
        animated=data[8:12] == b"avis",
        white_level=_av1_white_level(data, start, end),
        gamut=_heif_gamut(data, start, end),
    )


def _av1_white_level(data: bytes, start: int, end: int) -> int | None:
    """Return the largest sample of an AV1 picture, by its codec configuration box; None without one (HEIC)."""
    place = data.find(b"av1C", start, end)
    if place < 0:
        return None
    flags = data[place + 6]  # seq_tier_0, high_bitdepth, twelve_bit, ...
    return 255 if not flags & 0x40 else 4095 if flags & 0x20 else 1023


def _heif_gamut(data: bytes, start: int, end: int) -> Gamut:
    """Return what a picture's color information box says; the first one is that of the main picture."""
    place = data.find(b"colrnclx", start, end)
    if place < 0:
        return ORDINARY
    primaries, transfer = struct.unpack_from(">HH", data, place + 8)
    return Gamut(transfer, primaries)


def _heif_meta(data: bytes) -> tuple[int, int]:
    """Return where the box with what is said about the pictures begins and ends, among the outermost boxes."""
    position = 0
    while True:
        length, kind = struct.unpack_from(">I4s", data, position)
        if kind == b"meta":
            if length > _LARGEST_META:
                raise ValueError("more about the picture than any picture needs")
            return position, position + length
        if length < 8:
            raise ValueError("a box of no length before it")
        position += length


def _parse_jpeg2000(data: bytes) -> PictureHeader:
    place = data.index(b"ihdr") + 4
    height, width = struct.unpack_from(">II", data, place)
    size_marker = data.index(b"\xff\x4f\xff\x51", place) + 2
    depth = (data[size_marker + 40] & 0x7F) + 1  # Ssiz of the first component; encoders get the box's own copy wrong
    return PictureHeader("jpeg2000", width, height, white_level=2 ** min(depth, 16) - 1)


_PARSERS: dict[str, Callable[[bytes], PictureHeader]] = {
    "jpeg": _parse_jpeg,
    "png": _parse_png,
    "gif": _parse_gif,
    "webp": _parse_webp,
    "bmp": _parse_bmp,
    "tiff": _parse_tiff,
    "pnm": _parse_pnm,
    "avif": partial(_parse_heif, "avif"),
    "heic": partial(_parse_heif, "heic"),
    "jpeg2000": _parse_jpeg2000,
}
