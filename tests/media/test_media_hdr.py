from __future__ import annotations

import itertools
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from motionwarp.media.color import BT601, BT709, BT2020, RgbConverter
from motionwarp.media.hdr import (
    ORDINARY,
    PRIMARIES_BT2020,
    TRANSFER_HLG,
    TRANSFER_PQ,
    WHITE_NITS,
    Gamut,
    GamutMapper,
    to_display_light,
    to_ordinary_signal,
)
from motionwarp.media.probe import probe_video
from motionwarp.media.reader import open_video

HLG, PQ = Gamut(TRANSFER_HLG, PRIMARIES_BT2020), Gamut(TRANSFER_PQ, PRIMARIES_BT2020)


@pytest.mark.parametrize(
    ("signal", "nits"), [(0.0, 0.0), (0.5081, 100.0), (0.5807, 203.0), (0.7518, 1000.0), (1.0, 10_000.0)]
)
def test_pq_levels_are_those_of_the_standard(signal: float, nits: float) -> None:
    # BT.2100-2 table 4, and the reference levels of BT.2408
    light = to_display_light(np.full(3, signal), TRANSFER_PQ) * WHITE_NITS
    np.testing.assert_allclose(light, nits, rtol=2e-3, atol=1e-9)


@pytest.mark.parametrize(("signal", "nits"), [(0.0, 0.0), (0.75, 203.0), (1.0, 1000.0)])
def test_hlg_levels_are_those_of_the_standard(signal: float, nits: float) -> None:
    light = to_display_light(np.full(3, signal), TRANSFER_HLG) * WHITE_NITS
    np.testing.assert_allclose(light, nits, rtol=2e-3, atol=1e-2)


def test_hlg_is_continuous_where_its_two_pieces_meet() -> None:
    below, above = (to_display_light(np.full(3, 0.5 + step), TRANSFER_HLG)[0] for step in (-1e-9, 1e-9))
    assert below == pytest.approx(above, rel=1e-5)


@pytest.mark.parametrize("gamut", [HLG, PQ, Gamut(1, PRIMARIES_BT2020)])
def test_grays_stay_gray_and_rise(gamut: Gamut) -> None:
    mapped = to_ordinary_signal(np.repeat(np.linspace(0, 1, 200)[:, None], 3, axis=1), gamut)
    np.testing.assert_allclose(mapped.max(axis=1), mapped.min(axis=1), atol=2e-3)
    assert (np.diff(mapped[:, 0]) >= -1e-9).all()
    assert mapped[0, 0] == pytest.approx(0, abs=1e-6)
    assert mapped[-1, 0] == pytest.approx(1, abs=1e-3)


def test_white_paper_is_nearly_white() -> None:
    for gamut, white in ((HLG, 0.75), (PQ, 0.5807)):
        assert 0.93 < to_ordinary_signal(np.full(3, white), gamut)[0] < 1


def test_wide_gamut_of_ordinary_range_keeps_what_fits() -> None:
    # BT.709's primaries, expressed in BT.2020 by the inverse of the standard's matrix, come back
    inverse = np.linalg.inv([[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]])
    colors = np.random.default_rng(0).uniform(0, 1, (100, 3))
    wide = np.power(np.clip(np.power(colors, 2.4) @ inverse.T, 0, 1), 1 / 2.4)
    np.testing.assert_allclose(to_ordinary_signal(wide, Gamut(1, PRIMARIES_BT2020)), colors, atol=1e-3)


def test_only_wide_and_high_is_not_ordinary() -> None:
    assert ORDINARY.is_ordinary
    assert Gamut(2, 2).is_ordinary
    assert Gamut(6, 6).is_ordinary
    assert not any(gamut.is_ordinary for gamut in (HLG, PQ, Gamut(14, PRIMARIES_BT2020), Gamut(TRANSFER_HLG, 2)))


@pytest.mark.parametrize("gamut", [HLG, PQ])
def test_frames_are_mapped_as_numbers_are(gamut: Gamut) -> None:
    y, x = np.mgrid[0:48, 0:64]
    signal = np.stack([0.1 + 0.5 * x / 63, 0.1 + 0.5 * y / 47, 0.35 + 0.2 * (x + y) / 110], axis=2)
    frame = av.VideoFrame.from_ndarray(np.rint(signal * 65535).astype(np.uint16), format="rgb48le").reformat(
        format=GamutMapper.pixel_format
    )
    mapper = GamutMapper(gamut, 64, 48)
    expected = to_ordinary_signal(signal, gamut)
    for _ in range(2):  # the graph can be used again
        mapped = mapper.map(frame).to_ndarray(format="rgb48le") / 65535
        assert np.abs(mapped - expected).mean() < 0.004


@pytest.mark.parametrize(("gamut", "gray"), [(HLG, 0.4), (PQ, 0.4), (HLG, 0.75)])
def test_videos_are_read_as_ordinary_ones(tmp_path: Path, gamut: Gamut, gray: float) -> None:
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx265", rate=25, options={"x265-params": "log-level=error", "crf": "8"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p10le"
        context = stream.codec_context
        context.color_trc, context.color_primaries = gamut.transfer, gamut.primaries
        context.colorspace, context.color_range = 9, 1
        for number in range(3):
            frame = av.VideoFrame(64, 48, "yuv420p10le")
            for plane, level in zip(frame.planes, (64 + 876 * gray, 512, 512), strict=True):
                plane.update(np.full(plane.buffer_size // 2, round(level), np.uint16).tobytes())
            frame.pts, frame.time_base = number, Fraction(1, 25)
            frame.colorspace, frame.color_range = 9, 1
            for tag, value in (("color_trc", gamut.transfer), ("color_primaries", gamut.primaries)):
                if hasattr(frame, tag):
                    setattr(frame, tag, value)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert probe_video(path).gamut == gamut
    expected = 255 * to_ordinary_signal(np.full(3, gray), gamut)
    frames = list(open_video(path))
    assert len(frames) == 3
    for frame in frames:
        np.testing.assert_allclose(frame.rgb.reshape(-1, 3).mean(axis=0), expected, atol=2.5)


# luma weights of red and blue, ITU-R BT.601, 709 and 2020, and libavutil's number of each matrix (AVCOL_SPC_*)
_LUMA_AND_TAG = {BT601: (0.299, 0.114, 6), BT709: (0.2126, 0.0722, 1), BT2020: (0.2627, 0.0593, 9)}
_PATCH = 8


def _saturated_frame(pixel_format: str, matrix: int, full: bool, gamut: Gamut) -> tuple[av.VideoFrame, np.ndarray]:
    """Return patches of colors from all over the cube, corners included, and what they may become, (27, 9, 14, 3)."""
    colors = np.array([*itertools.product(np.linspace(0, 1, 5), repeat=3), (0.9, 0.05, 0.1)]).reshape(9, 14, 3)
    red, blue, tag = _LUMA_AND_TAG[matrix]
    frame = av.VideoFrame(14 * _PATCH, 9 * _PATCH, pixel_format)
    frame.colorspace, frame.color_range = tag, 2 if full else 1
    bits = frame.format.components[0].bits
    luma = colors @ [red, 1 - red - blue, blue]
    blueness, redness = (colors[..., 2] - luma) / (2 - 2 * blue), (colors[..., 0] - luma) / (2 - 2 * red)
    half = 2 ** (bits - 1)
    luma_scale, chroma_scale = (2**bits - 1, 2**bits - 1) if full else (219 * 2 ** (bits - 8), 224 * 2 ** (bits - 8))
    floor = 0 if full else 16 * 2 ** (bits - 8)
    codes = [luma * luma_scale + floor, blueness * chroma_scale + half, redness * chroma_scale + half]
    codes = [np.clip(np.rint(code), 0, 2**bits - 1) for code in codes]
    _fill_planes(frame, codes, bits)
    luma = (codes[0] - floor) / luma_scale
    blueness, redness = (codes[1] - half) / chroma_scale, (codes[2] - half) / chroma_scale
    r, b = luma + (2 - 2 * red) * redness, luma + (2 - 2 * blue) * blueness
    signal = np.stack([r, (luma - red * r - blue * b) / (1 - red - blue), b], axis=-1)
    # next to the edge of BT.709 the map is so steep that one level of rounding before it counts for many after it
    rounding = np.array(list(itertools.product([-1, 0, 1], repeat=3)))[:, None, None] / 255
    return frame, to_ordinary_signal(np.clip(signal + rounding, 0, 1), gamut)


def _fill_planes(frame: av.VideoFrame, codes: list[np.ndarray], bits: int) -> None:
    kind = np.uint8 if bits == 8 else np.uint16
    planes = [np.kron(code, np.ones((_PATCH, _PATCH))) for code in codes]
    if frame.format.name.startswith("p0"):  # two chroma planes in one, and the bits at the upper end
        chroma = np.stack([plane[::2, ::2] for plane in planes[1:]], axis=-1)
        planes = [plane * 2 ** (16 - bits) for plane in (planes[0], chroma.reshape(len(chroma), -1))]
    for target, plane in zip(frame.planes, planes, strict=True):
        if not frame.format.name.startswith("p0"):
            plane = plane[:: len(plane) // target.height, :: plane.shape[1] // target.width]
        rows = np.zeros((target.height, target.line_size // np.dtype(kind).itemsize), kind)
        rows[:, : plane.shape[1]] = plane
        target.update(rows.tobytes())


@pytest.mark.parametrize("gamut", [HLG, PQ, Gamut(1, PRIMARIES_BT2020)], ids=["hlg", "pq", "wide"])
def test_saturated_colors_are_those_of_the_equations(gamut: Gamut) -> None:
    formats = ["yuv420p10le", "yuv422p10le", "yuv444p10le", "yuv420p12le", "yuv444p12le", "yuv444p16le", "p010le"]
    converter = RgbConverter(14 * _PATCH, 9 * _PATCH, "a.mp4", gamut)  # reads its table once, which takes longest
    for pixel_format, matrix, full in itertools.product(["yuv420p", *formats], _LUMA_AND_TAG, [False, True]):
        frame, expected = _saturated_frame(pixel_format, matrix, full, gamut)
        got, _ = converter.convert(frame)
        colors = got[_PATCH // 2 :: _PATCH, _PATCH // 2 :: _PATCH] / 255
        excess = np.maximum(colors - expected.max(axis=0), expected.min(axis=0) - colors)
        assert excess.max() < 8 / 255, (pixel_format, matrix, full)
        assert np.median(np.abs(colors - expected[13])) < 0.6 / 255
