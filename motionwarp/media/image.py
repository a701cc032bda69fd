"""Still pictures in and out.

OpenCV decodes, after the header has been checked by `picture_header`; what OpenCV leaves out (EXIF in some formats and
versions, transparent gray levels, premultiplied TIFF) is done here. GIF and TIFF with alpha go through FFmpeg, HEIC
through libheif.
"""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt

from motionwarp.errors import LimitError, MediaError, OutputError
from motionwarp.media.atomic import PendingFile, write_failure
from motionwarp.media.color import RgbConverter
from motionwarp.media.hdr import Gamut
from motionwarp.media.heif import decode_heif
from motionwarp.media.image_header import (
    BrokenHeaderError,
    PictureHeader,
    parse_picture_header,
    sniff_picture_format,
    without_tiff_orientation,
)
from motionwarp.media.limits import MediaLimits, existing_file, reading_failure, variable_of
from motionwarp.media.metadata import TAGGED_ENDINGS, tagged_picture
from motionwarp.media.png import without_animation
from motionwarp.types import ByteArray

_READABLE = "JPEG, PNG, WebP, TIFF, BMP, GIF, PNM, AVIF, HEIC or JPEG 2000"
_WRITERS = {
    ".png": [cv2.IMWRITE_PNG_COMPRESSION, 3],
    ".jpg": [cv2.IMWRITE_JPEG_QUALITY, 95],
    ".jpeg": [cv2.IMWRITE_JPEG_QUALITY, 95],
    ".webp": [cv2.IMWRITE_WEBP_QUALITY, 101],  # above 100 means lossless
    ".tif": [],
    ".tiff": [],
    ".bmp": [],
}
_WITH_ALPHA = (".png", ".webp", ".tif", ".tiff")


@dataclass(frozen=True, eq=False)
class Picture:
    """A still picture as it is to be seen.

    Attributes
    ----------
    rgb : uint8 (H, W, 3)
        Straight colors, not multiplied by alpha.
    alpha : uint8 (H, W) or None
        None where the whole picture is opaque.
    """

    rgb: ByteArray = field(repr=False)
    alpha: ByteArray | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.rgb.ndim != 3 or self.rgb.shape[2] != 3 or self.rgb.dtype != np.uint8:
            raise ValueError(f"Picture needs uint8 (H, W, 3), got {self.rgb.dtype} {self.rgb.shape}")
        if self.alpha is not None and (self.alpha.shape != self.rgb.shape[:2] or self.alpha.dtype != np.uint8):
            raise ValueError(f"alpha of a {self.rgb.shape[:2]} picture has {self.alpha.dtype} {self.alpha.shape}")

    @property
    def width(self) -> int:
        """Width in pixels."""
        return int(self.rgb.shape[1])

    @property
    def height(self) -> int:
        """Height in pixels."""
        return int(self.rgb.shape[0])


def is_picture(path: str | os.PathLike[str]) -> bool:
    """Tell by content whether `path` is a still picture; animated GIF, PNG, WebP and AVIF are clips, not pictures.

    Returns
    -------
    bool
        False for directories, missing and unreadable files too.
    """
    try:
        with open(path, "rb") as file:
            head = file.read(32)
            if sniff_picture_format(head) is None:
                return False
            if os.fstat(file.fileno()).st_size > MediaLimits.of_environment().max_file_bytes:
                return True  # reading it says that it is too large
            header = parse_picture_header(head + file.read())
    except OSError:
        return False
    except BrokenHeaderError:
        return True  # a picture, though a broken one: reading it says so
    return header is not None and not header.animated


def read_image(path: str | os.PathLike[str], limits: MediaLimits | None = None) -> Picture:
    """Read a still picture, upright, as 8-bit RGB and alpha.

    EXIF orientation is applied; 16-bit, gray, palette and CMYK pictures are converted; of an animation the first frame
    is read.

    Parameters
    ----------
    path : str or path
        JPEG, PNG, WebP, TIFF, BMP, GIF, PNM, AVIF, HEIC or JPEG 2000, told by content.
    limits : MediaLimits, optional
        Checked on the header, before decoding; those of the environment where none are given.

    Raises
    ------
    MediaError
        If the file is missing, empty, a directory, not a picture, truncated or damaged.
    LimitError
        If it is beyond `limits`.
    """
    limits = limits or MediaLimits.of_environment()
    file = existing_file(path)
    data = _file_content(file, limits)
    try:
        header = parse_picture_header(data)
    except BrokenHeaderError as error:
        raise MediaError(str(error), subject=file, remedy="Export the picture again") from error
    if header is None:
        raise MediaError("this is not a picture that can be read", subject=file, remedy=f"Give a {_READABLE} file")
    limits.check_picture(header.width, header.height, file)
    if not header.complete:
        raise MediaError("the picture is truncated", subject=file, remedy="Copy or export it again")
    pixels = _decoded(data, header, file, limits)
    # the decoder's word counts: a header may hide a second size that ours did not find
    limits.check_picture(pixels.shape[1], pixels.shape[0], file)
    return _as_picture(pixels, header)


def _file_content(file: Path, limits: MediaLimits) -> bytes:
    try:
        size = file.stat().st_size
        if size > limits.max_file_bytes:
            raise LimitError(
                f"{size} bytes are too many for a picture",
                subject=file,
                remedy=f"Give a smaller file, or raise {variable_of('max_file_bytes')} if you trust it",
            )
        return file.read_bytes()
    except OSError as error:
        raise reading_failure(error, file) from error


def _decoded(data: bytes, header: PictureHeader, file: Path, limits: MediaLimits) -> ByteArray:
    """Return uint8 (H, W), (H, W, 3) or (H, W, 4), in RGB order, as stored."""
    # OpenCV 4.9 has no GIF, and libtiff multiplies bytes by their alpha, or drops it
    if header.format == "gif" or header.byte_alpha:
        return _decoded_by_ffmpeg(data, header, file)
    if header.format == "heic":
        if header.gamut.is_ordinary:
            return decode_heif(data, file, limits).astype(np.uint8, copy=False)
        deep = decode_heif(data, file, limits, reduced=False)
        if deep.dtype == np.uint16 and deep.ndim == 3:
            return _ordinary_colors(np.asarray(deep[..., [2, 1, 0, 3][: deep.shape[2]]], dtype=np.uint16), header.gamut)
        return deep.astype(np.uint8, copy=False)
    if header.format == "tiff":
        data = without_tiff_orientation(data)
    elif header.format == "png":
        data = without_animation(data)
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error as error:
        raise MediaError(
            f"the picture cannot be decoded ({error.err})", subject=file, remedy="Export it again"
        ) from error
    if pixels is None:
        raise MediaError(f"the {header.format.upper()} picture is damaged", subject=file, remedy="Export it again")
    if header.transparent_gray is not None and pixels.ndim == 2:
        alpha = np.where(pixels == header.transparent_gray, 0, 65535 if pixels.dtype == np.uint16 else 255).astype(
            pixels.dtype
        )
        pixels = np.dstack([pixels, pixels, pixels, alpha])
    if not header.gamut.is_ordinary and pixels.ndim == 3:
        return _ordinary_colors(_full_scale(pixels, header.white_level), header.gamut)
    eight_bit = _eight_bit(pixels, header.white_level, file)
    if eight_bit.ndim == 2:
        return eight_bit
    code = cv2.COLOR_BGR2RGB if eight_bit.shape[2] == 3 else cv2.COLOR_BGRA2RGBA
    return np.asarray(cv2.cvtColor(eight_bit, code, dst=eight_bit), dtype=np.uint8)


def _eight_bit(pixels: npt.NDArray[np.generic], white_level: int | None, file: Path) -> ByteArray:
    if pixels.dtype == np.uint8 and white_level in (None, 255):
        return np.asarray(pixels, dtype=np.uint8)
    if pixels.dtype in (np.uint8, np.uint16):
        # the nearest 8-bit level; by table, so that a large picture needs no copy in float
        samples = np.arange(256 if pixels.dtype == np.uint8 else 65536)
        whitest = samples[-1] if white_level is None else white_level
        levels = np.rint(np.minimum(samples / whitest, 1) * 255).astype(np.uint8)
        return np.asarray(levels[pixels], dtype=np.uint8)
    raise MediaError(
        f"its pixels are {pixels.dtype}, whose range is not known",
        subject=file,
        remedy="Save it with 8 or 16 bits a channel",
    )


def _full_scale(pixels: npt.NDArray[np.generic], white_level: int | None) -> npt.NDArray[np.uint16]:
    """Return integer samples stretched to 0..65535."""
    whitest = white_level or (255 if pixels.dtype == np.uint8 else 65535)
    stretched = np.minimum(pixels.astype(np.float32) / whitest, 1) * 65535
    return np.asarray(np.rint(stretched), dtype=np.uint16)


def _ordinary_colors(pixels: npt.NDArray[np.uint16], gamut: Gamut) -> ByteArray:
    """Return uint8 RGB or RGBA of uint16 BGR or BGRA whose colors mean `gamut`."""
    height, width = pixels.shape[:2]
    packed = np.ascontiguousarray(pixels[..., 2::-1])
    frame = av.VideoFrame.from_ndarray(packed, format="rgb48le")
    rgb, _ = RgbConverter(width, height, "picture", gamut).convert(frame)
    if pixels.shape[2] == 3:
        return rgb
    alpha = np.rint(pixels[..., 3] / 257).astype(np.uint8)
    return np.dstack([rgb, alpha])


def _decoded_by_ffmpeg(data: bytes, header: PictureHeader, file: Path) -> ByteArray:
    demuxer = "gif" if header.format == "gif" else "tiff_pipe"
    try:
        with av.open(io.BytesIO(data), mode="r", format=demuxer) as container:
            frame = next(container.decode(video=0))
    except (av.FFmpegError, StopIteration, IndexError) as error:
        raise MediaError(
            f"the {header.format.upper()} picture is damaged", subject=file, remedy="Export it again"
        ) from error
    rgb, alpha = RgbConverter(frame.width, frame.height, str(file)).convert(frame)
    return rgb if alpha is None else np.dstack([rgb, alpha])


def _as_picture(pixels: ByteArray, header: PictureHeader) -> Picture:
    pixels = header.orientation.upright(pixels)
    if pixels.ndim == 2:
        return Picture(np.ascontiguousarray(np.broadcast_to(pixels[..., None], (*pixels.shape, 3))))
    if pixels.shape[2] == 3:
        return Picture(np.ascontiguousarray(pixels))
    rgb, alpha = np.ascontiguousarray(pixels[..., :3]), np.ascontiguousarray(pixels[..., 3])
    if alpha.min() == 255:
        return Picture(rgb)
    if header.premultiplied:
        scale = 255.0 / np.maximum(alpha, 1)[..., None]
        rgb = np.minimum(np.rint(rgb * scale), 255).astype(np.uint8)
    return Picture(rgb, alpha)


def write_image(
    path: str | os.PathLike[str],
    pixels: ByteArray,
    *,
    overwrite: bool = False,
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write a picture, whole or not at all.

    Parameters
    ----------
    path : str or path
        The ending decides the format: .png, .webp (lossless), .tif and .tiff take alpha; .jpg, .jpeg and .bmp do not.
    pixels : uint8 (H, W), (H, W, 3) or (H, W, 4)
        Gray, RGB, or RGB and straight alpha.
    overwrite : bool
        Whether an existing file may be replaced.
    metadata : mapping of str, optional
        What the file says of itself, as `Provenance.tags` gives it.

    Raises
    ------
    OutputError
        If the ending is unknown or takes no alpha or no metadata, the file exists, or it cannot be written.
    """
    target = Path(path)
    data = encoded_image(target, pixels)
    if metadata:
        if target.suffix.lower() not in TAGGED_ENDINGS:
            raise OutputError(f"{target.suffix} pictures carry no metadata", subject=target, remedy="Write a .png")
        data = tagged_picture(data, metadata)
    with PendingFile(target, overwrite=overwrite) as pending:
        try:
            pending.path.write_bytes(data)
        except OSError as error:
            raise write_failure(error, target) from error
        pending.commit()


def encoded_image(target: Path, pixels: ByteArray) -> bytes:
    """Return the bytes of a picture file in the format of `target`'s ending.

    Arguments and errors as for `write_image`.
    """
    shaped = pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] in (3, 4))
    if pixels.dtype != np.uint8 or not shaped or pixels.size == 0:
        raise ValueError(
            f"a picture must be uint8 (H, W), (H, W, 3) or (H, W, 4) with a pixel in it, got {pixels.dtype} "
            f"{pixels.shape}"
        )
    ending = target.suffix.lower()
    if ending not in _WRITERS:
        known = ", ".join(_WRITERS)
        raise OutputError(
            f"'{target.suffix}' is no picture format that can be written", subject=target, remedy=f"Use {known}"
        )
    with_alpha = pixels.ndim == 3 and pixels.shape[2] == 4
    if with_alpha and ending not in _WITH_ALPHA:
        raise OutputError(f"{ending} pictures have no transparency", subject=target, remedy="Write a .png")
    if pixels.ndim == 3:
        pixels = np.asarray(
            cv2.cvtColor(pixels, cv2.COLOR_RGBA2BGRA if with_alpha else cv2.COLOR_RGB2BGR), dtype=np.uint8
        )
    try:
        done, data = cv2.imencode(ending, pixels, _WRITERS[ending])
    except cv2.error as error:
        raise OutputError(
            f"the picture cannot be encoded ({error.err})", subject=target, remedy="Try another format"
        ) from error
    if not done:
        raise OutputError("the picture cannot be encoded", subject=target, remedy="Try another format")
    return data.tobytes()
