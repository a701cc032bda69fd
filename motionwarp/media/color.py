"""Between the video's YCbCr and 8-bit RGB, by matrix and range.

libswscale does the arithmetic; what is decided here is which matrix and range a frame has. Untagged frames follow the
rule of players: BT.709 from 720 lines up, BT.601 below; limited range unless the format is a full-range one.
"""

from __future__ import annotations

from dataclasses import dataclass

import av
import numpy as np
from av.video.reformatter import VideoReformatter

from motionwarp.errors import MediaError
from motionwarp.media.hdr import ORDINARY, Gamut, GamutMapper
from motionwarp.media.yuv_rows import to_yuv_coefficients, yuv_rows
from motionwarp.types import ByteArray

# libswscale's numbers of matrices (SWS_CS_*), which older PyAV does not name in full
BT709, FCC, BT601, SMPTE240M, BT2020 = 1, 4, 5, 7, 9
# libavutil's numbers of ranges (AVCOL_RANGE_*)
LIMITED_RANGE, FULL_RANGE = 1, 2
# libavutil's numbers of matrices (AVCOL_SPC_*), which differ from libswscale's
_SPACE_RGB, _SPACE_UNSPECIFIED, _SPACE_RESERVED = 0, 2, 3
_MATRIX_OF_SPACE = {1: BT709, 4: FCC, 5: BT601, 6: BT601, 7: SMPTE240M, 9: BT2020, 10: BT2020}

# libswscale's flags: the plain bilinear path takes the nearest chroma sample and coarse tables, an error of 3 levels;
# with full chroma interpolation and accurate rounding the error is the rounding alone, for 3 ms a 720p frame
_BILINEAR, _BICUBIC, _FULL_CHROMA, _ACCURATE = 0x2, 0x4, 0x2000, 0x40000

_HD_WIDTH, _HD_HEIGHT = 1280, 577
_TO_BT709 = to_yuv_coefficients(0.2126, 0.0722)


@dataclass(frozen=True)
class ColorCoding:
    """How the numbers of a frame stand for colors.

    Attributes
    ----------
    matrix : int
        BT709, BT601, BT2020, SMPTE240M or FCC.
    color_range : int
        LIMITED_RANGE or FULL_RANGE.
    """

    matrix: int
    color_range: int


def coding_of(frame: av.VideoFrame, subject: str) -> ColorCoding:
    """Tell the matrix and range of a decoded frame, by its tags where it has them.

    Parameters
    ----------
    frame : av.VideoFrame
    subject : str
        The file, for the message.

    Raises
    ------
    MediaError
        If the frame is tagged with a matrix that libswscale does not have (YCgCo, ICtCp ...).
    """
    space = int(frame.colorspace)
    if frame.format.is_rgb or space in (_SPACE_RGB, _SPACE_UNSPECIFIED, _SPACE_RESERVED):
        is_hd = frame.width >= _HD_WIDTH or frame.height >= _HD_HEIGHT
        matrix = BT709 if is_hd else BT601
    elif space in _MATRIX_OF_SPACE:
        matrix = _MATRIX_OF_SPACE[space]
    else:
        raise MediaError(
            f"its colors are coded by matrix {space} of ISO/IEC 23091-2, which cannot be converted",
            subject=subject,
            remedy="Convert it to BT.709 first",
        )
    return ColorCoding(matrix, _range_of(frame))


def _range_of(frame: av.VideoFrame) -> int:
    tagged = int(frame.color_range)
    if frame.format.is_rgb or frame.format.name.startswith("yuvj"):
        return FULL_RANGE
    if tagged in (LIMITED_RANGE, FULL_RANGE):
        return tagged
    return FULL_RANGE if frame.format.name.startswith(("gray", "ya8", "ya16", "mono")) else LIMITED_RANGE


def _other_matrix(matrix: int) -> int:
    # RGB has no matrix, but PyAV before 17 skips setting the source's range where both matrices are equal
    return BT601 if matrix != BT601 else BT709


def has_alpha(pixel_format: str) -> bool:
    """Tell whether a pixel format carries alpha, by its name in FFmpeg; palettes count as such."""
    return pixel_format.startswith(
        ("yuva", "rgba", "bgra", "argb", "abgr", "gbrap", "ya8", "ya16", "pal8", "vuya", "ayuv")
    )


class RgbConverter:
    """Turns decoded frames of one stream into 8-bit RGB of one size.

    Parameters
    ----------
    width, height : int
        Size of the pictures returned; frames of another size (pixels that are not square, a stream that changes its
        size) are scaled.
    subject : str
        The file, for messages.
    gamut : Gamut
        What the stream's colors mean; high dynamic range is brought to ordinary.
    """

    def __init__(self, width: int, height: int, subject: str, gamut: Gamut = ORDINARY) -> None:
        self.width = width
        self.height = height
        self._subject = subject
        self._reformatter = VideoReformatter()
        self._narrowing = VideoReformatter()
        self._mapper = None if gamut.is_ordinary else GamutMapper(gamut, width, height)

    def convert(self, frame: av.VideoFrame) -> tuple[ByteArray, ByteArray | None]:
        """Return the colors, uint8 (H, W, 3), and alpha, uint8 (H, W), None where the frame is opaque.

        Raises
        ------
        MediaError
            If the frame's colors or format cannot be converted.
        """
        if not has_alpha(frame.format.name):
            return self._colors(frame), None
        pixels = np.asarray(self._converted(frame, "rgba").to_ndarray(), dtype=np.uint8)
        rgb = pixels[..., :3].copy() if self._mapper is None else self._colors(frame)
        alpha = pixels[..., 3].copy()
        return rgb, None if alpha.min() == 255 else alpha

    def _colors(self, frame: av.VideoFrame) -> ByteArray:
        if self._mapper is None:
            converted = self._converted(frame, "rgb24")
        else:
            mapped = self._mapper.map(self._converted(frame, self._mapper.pixel_format))
            converted = self._narrowing.reformat(
                mapped,
                format="rgb24",
                src_colorspace=BT709,
                dst_colorspace=BT709,
                src_color_range=FULL_RANGE,
                dst_color_range=FULL_RANGE,
                interpolation=_BILINEAR | _FULL_CHROMA | _ACCURATE,
            )
        return np.asarray(converted.to_ndarray(), dtype=np.uint8)

    def _converted(self, frame: av.VideoFrame, pixel_format: str) -> av.VideoFrame:
        coding = coding_of(frame, self._subject)
        # libswscale takes some RGB formats through YCbCr and back, which must be the same way then
        target_matrix = coding.matrix if frame.format.is_rgb else _other_matrix(coding.matrix)
        resized = (frame.width, frame.height) != (self.width, self.height)
        try:
            return self._reformatter.reformat(
                frame,
                width=self.width,
                height=self.height,
                format=pixel_format,
                src_colorspace=coding.matrix,
                dst_colorspace=target_matrix,
                src_color_range=coding.color_range,
                dst_color_range=FULL_RANGE,
                interpolation=(_BICUBIC if resized else _BILINEAR) | _FULL_CHROMA | _ACCURATE,
            )
        except (av.FFmpegError, ValueError) as error:
            raise MediaError(
                f"its pixel format {frame.format.name} cannot be converted to RGB ({error})",
                subject=self._subject,
                remedy="Convert it to an 8-bit or 10-bit YUV format first",
            ) from error


class YuvConverter:
    """Turns 8-bit RGB into limited-range BT.709 frames for an encoder.

    Parameters
    ----------
    pixel_format : str
        FFmpeg's name, a YUV format.
    """

    def __init__(self, pixel_format: str) -> None:
        self._pixel_format = pixel_format
        self._reformatter = VideoReformatter()

    def convert(self, pixels: ByteArray) -> av.VideoFrame:
        """Return a new frame of `pixels`, uint8 (H, W, 3) or (H, W, 4) with straight alpha.

        The array is free for other use.
        """
        height, width = pixels.shape[:2]
        if self._pixel_format == "yuv420p" and pixels.shape[2] == 3 and height % 2 == width % 2 == 0:
            converted = av.VideoFrame(width, height, self._pixel_format)
            planes = (
                np.frombuffer(memoryview(plane), dtype=np.uint8).reshape(plane.height, plane.line_size)
                for plane in converted.planes
            )
            yuv_rows(np.ascontiguousarray(pixels), _TO_BT709, *planes)
        else:
            converted = self._converted(pixels)
        converted.colorspace = BT709
        converted.color_range = LIMITED_RANGE
        # newer PyAV hands these two from the frame to the encoder; older has them on the codec context only
        for tag in ("color_primaries", "color_trc"):
            if hasattr(converted, tag):
                setattr(converted, tag, 1)
        return converted

    def _converted(self, pixels: ByteArray) -> av.VideoFrame:
        """Return a frame of any format, by libswscale."""
        frame = av.VideoFrame.from_ndarray(pixels, format="rgb24" if pixels.shape[2] == 3 else "rgba")
        return self._reformatter.reformat(
            frame,
            format=self._pixel_format,
            src_colorspace=_other_matrix(BT709),
            dst_colorspace=BT709,
            src_color_range=FULL_RANGE,
            dst_color_range=LIMITED_RANGE,
            interpolation=_BILINEAR | _ACCURATE,
        )
