"""Colors against the equations of ITU-R BT.601, 709 and 2020, computed here in floating point."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from motionwarp.errors import MediaError
from motionwarp.media.color import (
    BT601,
    BT709,
    BT2020,
    FULL_RANGE,
    LIMITED_RANGE,
    RgbConverter,
    YuvConverter,
    coding_of,
    has_alpha,
)
from motionwarp.media.reader import open_video

LUMA = {BT601: (0.299, 0.114), BT709: (0.2126, 0.0722), BT2020: (0.2627, 0.0593)}
# AVCOL_SPC_*
SPACE_TAGS = {BT601: 6, BT709: 1, BT2020: 9}


def patches(width: int = 64, height: int = 48) -> np.ndarray:
    """16 x 16 patches of colors from all over the cube."""
    colors = np.random.default_rng(7).integers(0, 256, (height // 16, width // 16, 3))
    return np.repeat(np.repeat(colors, 16, 0), 16, 1).astype(np.uint8)


def centers(picture: np.ndarray) -> np.ndarray:
    return picture[8::16, 8::16].astype(float)


def yuv_planes(rgb: np.ndarray, matrix: int, full: bool, bits: int) -> list[np.ndarray]:
    kr, kb = LUMA[matrix]
    unit = rgb.astype(float) / 255
    y = unit @ [kr, 1 - kr - kb, kb]
    u, v = (unit[..., 2] - y) / (2 * (1 - kb)), (unit[..., 0] - y) / (2 * (1 - kr))
    depth = 2 ** (bits - 8)
    if full:
        top = 2**bits - 1
        planes = [y * top, u * top + 128 * depth, v * top + 128 * depth]
    else:
        planes = [(16 + 219 * y) * depth, (128 + 224 * u) * depth, (128 + 224 * v) * depth]
    return [np.clip(np.rint(plane), 0, 2**bits - 1) for plane in planes]


def yuv_frame(rgb: np.ndarray, matrix: int, full: bool, pixel_format: str) -> av.VideoFrame:
    bits = 10 if "10" in pixel_format else 8
    frame = av.VideoFrame(rgb.shape[1], rgb.shape[0], pixel_format)
    kind = np.uint16 if bits > 8 else np.uint8
    for plane, values in zip(frame.planes, yuv_planes(rgb, matrix, full, bits), strict=True):
        values = values[:: rgb.shape[0] // plane.height, :: rgb.shape[1] // plane.width]
        rows = np.zeros((plane.height, plane.line_size // np.dtype(kind).itemsize), kind)
        rows[:, : plane.width] = values
        plane.update(rows.tobytes())
    return frame


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv444p", "yuv420p10le", "yuv422p10le"])
@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("matrix", [BT601, BT709, BT2020])
def test_tagged_frames_are_converted_by_their_tags(pixel_format: str, full: bool, matrix: int) -> None:
    rgb = patches()
    frame = yuv_frame(rgb, matrix, full, pixel_format)
    frame.colorspace = SPACE_TAGS[matrix]
    frame.color_range = FULL_RANGE if full else LIMITED_RANGE
    got, alpha = RgbConverter(64, 48, "a.mp4").convert(frame)
    assert alpha is None
    np.testing.assert_allclose(centers(got), centers(rgb), atol=3)


@pytest.mark.parametrize(
    ("width", "height", "matrix"),
    [
        (640, 480, BT601),
        (720, 576, BT601),
        (1280, 720, BT709),
        (1920, 1088, BT709),
        (720, 1280, BT709),
        (1280, 544, BT709),
    ],
)
def test_untagged_frames_are_converted_by_their_size(width: int, height: int, matrix: int) -> None:
    rgb = patches(width, height)
    got, _ = RgbConverter(width, height, "a.mp4").convert(yuv_frame(rgb, matrix, False, "yuv420p"))
    np.testing.assert_allclose(centers(got), centers(rgb), atol=3)
    other = BT709 if matrix == BT601 else BT601
    wrong, _ = RgbConverter(width, height, "a.mp4").convert(yuv_frame(rgb, other, False, "yuv420p"))
    assert np.abs(centers(wrong) - centers(rgb)).max() > 10  # the test can tell the two


def test_full_range_formats_need_no_tag() -> None:
    rgb = patches()
    got, _ = RgbConverter(64, 48, "a.avi").convert(yuv_frame(rgb, BT601, True, "yuvj420p"))
    np.testing.assert_allclose(centers(got), centers(rgb), atol=3)


@pytest.mark.parametrize("pixel_format", ["rgb24", "bgr24", "rgba", "gbrp", "bgra", "rgb48le"])
def test_rgb_formats_pass_unchanged(pixel_format: str) -> None:
    rgb = patches()
    frame = av.VideoFrame.from_ndarray(rgb, format="rgb24").reformat(format=pixel_format)
    got, _ = RgbConverter(64, 48, "a.mkv").convert(frame)
    np.testing.assert_array_equal(got, rgb)


@pytest.mark.parametrize("full", [False, True])
def test_gray_frames(full: bool) -> None:
    frame = av.VideoFrame.from_ndarray(np.tile(np.linspace(16, 235, 64).astype(np.uint8), (48, 1)), format="gray")
    frame.color_range = FULL_RANGE if full else LIMITED_RANGE
    got, _ = RgbConverter(64, 48, "a.mkv").convert(frame)
    if full:
        np.testing.assert_allclose(got[0, [0, -1], 0], [16, 235], atol=1)


def test_unknown_matrices_are_refused() -> None:
    frame = av.VideoFrame(64, 48, "yuv420p")
    frame.colorspace = 8  # YCgCo
    with pytest.raises(MediaError, match="matrix 8"):
        coding_of(frame, "a.mp4")


def test_alpha_is_told_by_format() -> None:
    assert [has_alpha(name) for name in ("yuva420p", "rgba", "ya8", "gbrap12le", "yuva444p12le")] == [True] * 5
    assert [has_alpha(name) for name in ("yuv420p", "rgb24", "gray", "gbrp", "bgr0", "yuyv422")] == [False] * 6


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuva420p", "yuv422p10le", "yuva444p10le", "yuv444p"])
def test_encoded_frames_are_limited_range_bt709(pixel_format: str) -> None:
    rgb = patches()
    alpha = np.full((48, 64, 1), 77, np.uint8)
    frame = YuvConverter(pixel_format).convert(np.dstack([rgb, alpha]) if "yuva" in pixel_format else rgb)
    assert (int(frame.colorspace), int(frame.color_range)) == (1, LIMITED_RANGE)
    bits = 10 if "10" in pixel_format else 8
    expected = yuv_planes(rgb, BT709, False, bits)
    if "yuva" in pixel_format:
        expected.append(np.full((48, 64), 77 * (1023 / 255 if bits == 10 else 1)))
    for plane, values in zip(frame.planes, expected, strict=True):
        kind = np.uint16 if bits > 8 else np.uint8
        got = np.frombuffer(plane, kind).reshape(plane.height, -1)[:, : plane.width]
        step_y, step_x = 48 // plane.height, 64 // plane.width
        np.testing.assert_allclose(
            got[8 // step_y :: 16 // step_y, 8 // step_x :: 16 // step_x],
            values[8::16, 8::16],
            atol=1.01 * 2 ** (bits - 8),
        )


@pytest.mark.parametrize("size", [(48, 64), (50, 78), (16, 2)])
def test_ordinary_frames_are_those_of_libswscale(size: tuple[int, int]) -> None:
    """Rounding may differ; rows and columns beyond the picture's edges are the edges."""
    rng = np.random.default_rng(0)
    picture = cv2.resize(rng.integers(0, 256, (7, 9, 3)).astype(np.uint8), size[::-1], interpolation=cv2.INTER_CUBIC)
    frame = YuvConverter("yuv420p").convert(picture)
    wanted = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(
        format="yuv420p", src_colorspace=BT601, dst_colorspace=BT709, src_color_range=2, dst_color_range=1,
        interpolation=0x40002,
    )  # fmt: skip
    for plane, other in zip(frame.planes, wanted.planes, strict=True):
        one, two = (np.frombuffer(each, np.uint8).reshape(each.height, -1)[:, : each.width] for each in (plane, other))
        assert np.abs(one.astype(int) - two.astype(int)).max() <= 1
        assert one.shape == two.shape


def test_the_array_is_free_after_conversion() -> None:
    picture = patches()
    frame = YuvConverter("yuv444p").convert(picture)
    before = bytes(frame.planes[0])
    picture[:] = 0
    assert bytes(frame.planes[0]) == before


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("matrix", [BT601, BT709])
@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv420p10le"])
def test_videos_are_read_by_their_tags(tmp_path: Path, full: bool, matrix: int, pixel_format: str) -> None:
    rgb = patches()
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "4", "preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, pixel_format
        stream.codec_context.colorspace = SPACE_TAGS[matrix]
        stream.codec_context.color_range = FULL_RANGE if full else LIMITED_RANGE
        for number in range(3):
            frame = yuv_frame(rgb, matrix, full, pixel_format)
            frame.colorspace, frame.color_range = SPACE_TAGS[matrix], FULL_RANGE if full else LIMITED_RANGE
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    for frame in open_video(path):
        np.testing.assert_allclose(centers(frame.rgb), centers(rgb), atol=6)
