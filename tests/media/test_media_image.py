from __future__ import annotations

import contextlib
import io
import struct
import zlib
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from made_media import corner_names, corners_picture
from PIL import Image

from motionwarp.errors import LimitError, MediaError, OutputError
from motionwarp.media.hdr import TRANSFER_HLG, TRANSFER_PQ, Gamut, to_ordinary_signal
from motionwarp.media.image import Picture, is_picture, read_image, write_image
from motionwarp.media.image_header import BrokenHeaderError, parse_picture_header, sniff_picture_format
from motionwarp.media.limits import MediaLimits

OPENCV = tuple(int(part) for part in cv2.__version__.split(".")[:2])


@pytest.fixture
def smooth() -> np.ndarray:
    y, x = np.mgrid[0:40, 0:60]
    return np.stack([x * 4, y * 6, (x + y) * 2], axis=2).astype(np.uint8)


def _saved(path: Path, image: Image.Image, **options: object) -> Path:
    image.save(path, **options)
    return path


@pytest.mark.parametrize(
    ("name", "tolerance"),
    [
        ("a.png", 0),
        ("a.jpg", 12),
        ("a.webp", 40),
        ("a.bmp", 0),
        ("a.tif", 0),
        ("a.ppm", 0),
        ("a.jp2", 40),
        ("a.gif", 60),
    ],
)
def test_reads_every_format_as_rgb(tmp_path: Path, smooth: np.ndarray, name: str, tolerance: int) -> None:
    path = _saved(tmp_path / name, Image.fromarray(smooth))
    picture = read_image(path)
    expected = np.asarray(Image.open(path).convert("RGB"))
    assert picture.alpha is None
    np.testing.assert_allclose(picture.rgb.astype(int), expected, atol=2)
    np.testing.assert_allclose(picture.rgb.astype(int), smooth, atol=tolerance)
    assert (picture.width, picture.height) == (60, 40)
    assert picture.rgb.flags.c_contiguous
    assert is_picture(path)


@pytest.mark.parametrize("mode", ["L", "1", "P", "CMYK", "LA", "RGBA"])
@pytest.mark.parametrize("ending", ["png", "jpg", "tif"])
def test_reads_every_mode_as_pillow_does(tmp_path: Path, smooth: np.ndarray, mode: str, ending: str) -> None:
    image = Image.fromarray(smooth).convert("RGB").convert(mode)
    if (ending == "jpg" and mode in ("1", "P", "LA", "RGBA")) or (ending == "png" and mode == "CMYK"):
        pytest.skip(f"{ending} has no {mode}")
    if mode == "RGBA":
        alpha = Image.fromarray(smooth[..., 0])
        image.putalpha(alpha)
    elif mode == "LA":
        image = Image.merge("LA", [image.getchannel("L"), Image.fromarray(smooth[..., 0])])
    path = _saved(tmp_path / f"a.{ending}", image)
    picture = read_image(path)
    np.testing.assert_allclose(picture.rgb.astype(int), np.asarray(Image.open(path).convert("RGB")), atol=3)
    if mode in ("RGBA", "LA"):
        np.testing.assert_array_equal(picture.alpha, smooth[..., 0])
    else:
        assert picture.alpha is None


def test_cmyk_colors_are_those_that_were_printed(tmp_path: Path) -> None:
    # 100 % cyan, 100 % magenta, 100 % yellow, 100 % black: no rounding can hide an inversion
    inks = np.zeros((16, 64, 4), np.uint8)
    for ink in range(4):
        inks[:, 16 * ink : 16 * ink + 16, ink] = 255
    path = _saved(tmp_path / "a.jpg", Image.fromarray(inks, mode="CMYK"), quality=98)
    rgb = read_image(path).rgb
    expected = [(0, 255, 255), (255, 0, 255), (255, 255, 0), (0, 0, 0)]
    for ink, color in enumerate(expected):
        np.testing.assert_allclose(rgb[8, 16 * ink + 8].astype(int), color, atol=12)


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("ending", ["png", "tif"])
def test_sixteen_bits_are_rounded_to_eight(tmp_path: Path, channels: int, ending: str) -> None:
    pixels = np.random.default_rng(0).integers(0, 65536, (20, 30, channels)).astype(np.uint16)
    path = tmp_path / f"a.{ending}"
    cv2.imwrite(str(path), pixels)
    picture = read_image(path)
    expected = np.rint(pixels / 257).astype(np.uint8)
    rgb = np.repeat(expected, 3, axis=2) if channels == 1 else expected[..., 2::-1]
    np.testing.assert_array_equal(picture.rgb, rgb)
    if channels == 4:
        np.testing.assert_array_equal(picture.alpha, expected[..., 3])


def test_palette_with_partial_transparency(tmp_path: Path) -> None:
    image = Image.new("P", (4, 1))
    image.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9])
    image.putdata([0, 1, 2, 3])
    picture = read_image(_saved(tmp_path / "a.png", image, transparency=bytes([0, 100, 200, 255])))
    np.testing.assert_array_equal(picture.rgb[0], [(255, 0, 0), (0, 255, 0), (0, 0, 255), (9, 9, 9)])
    assert picture.alpha is not None
    np.testing.assert_array_equal(picture.alpha[0], [0, 100, 200, 255])


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 16])
def test_gray_png_with_a_transparent_level(tmp_path: Path, bits: int) -> None:
    # written by hand, since no library here writes all depths: one row that holds every level up to 4 of them
    levels = [0, 1] if bits == 1 else [0, 1, 2, 3]
    packed = sum(level << (bits * (len(levels) - 1 - place)) for place, level in enumerate(levels))
    row = (packed << (-bits * len(levels) % 8)).to_bytes((bits * len(levels) + 7) // 8, "big")

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", len(levels), 1, bits, 0, 0, 0, 0))
    png += chunk(b"tRNS", struct.pack(">H", 1)) + chunk(b"IDAT", zlib.compress(b"\0" + row)) + chunk(b"IEND", b"")
    path = tmp_path / "a.png"
    path.write_bytes(png)
    picture = read_image(path)
    top = 2**bits - 1
    np.testing.assert_array_equal(picture.rgb[0, :, 0], [round(level * 255 / top) for level in levels])
    assert picture.alpha is not None
    np.testing.assert_array_equal(picture.alpha[0], [0 if level == 1 else 255 for level in levels])


@pytest.mark.parametrize("depth", [8, 10, 12])
def test_avif_of_any_depth_fills_the_range(tmp_path: Path, depth: int) -> None:
    levels = np.tile(np.linspace(0, 2**depth - 1, 64).round().astype(np.uint16)[None, :, None], (16, 1, 3))
    options = [cv2.IMWRITE_AVIF_DEPTH, depth, cv2.IMWRITE_AVIF_QUALITY, 100]
    done, data = cv2.imencode(".avif", levels if depth > 8 else levels.astype(np.uint8), options)
    assert done
    path = tmp_path / "a.avif"
    path.write_bytes(data)
    expected = np.rint(levels[0, :, 0] / (2**depth - 1) * 255)
    np.testing.assert_allclose(read_image(path).rgb[8, :, 0], expected, atol=1)


@pytest.mark.parametrize("white", [15, 200, 1023, 4095, 65535])
def test_pnm_of_any_white_level_fills_the_range(tmp_path: Path, white: int) -> None:
    levels = np.tile(np.linspace(0, white, 16).round(), (4, 1))
    path = tmp_path / "a.pgm"
    path.write_bytes(b"P5\n# white\n16 4\n%d\n" % white + levels.astype(">u2" if white > 255 else "u1").tobytes())
    np.testing.assert_array_equal(read_image(path).rgb[..., 1], np.rint(levels * 255 / white))


@pytest.mark.parametrize(("pixel_format", "depth"), [("gray10le", 10), ("gray12le", 12), ("rgb48le", 16)])
def test_jpeg2000_of_any_depth_fills_the_range(tmp_path: Path, pixel_format: str, depth: int) -> None:
    levels = np.tile(np.linspace(0, 1, 128), (128, 1))
    samples = np.rint(levels * (2**depth - 1)).astype(np.uint16)
    frame = av.VideoFrame.from_ndarray(
        np.dstack([samples] * 3) if pixel_format == "rgb48le" else samples, format=pixel_format
    )
    encoder = av.CodecContext.create("jpeg2000", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width = encoder.height = 128
    encoder.pix_fmt, encoder.time_base = pixel_format, Fraction(1, 25)
    encoder.options = {"format": "jp2", "pred": "dwt53"}
    path = tmp_path / "a.jp2"
    path.write_bytes(b"".join(bytes(packet) for packet in encoder.encode(frame) + encoder.encode(None)))
    np.testing.assert_allclose(read_image(path).rgb[64, :, 1], np.rint(levels[0] * 255), atol=1)


@pytest.mark.parametrize("transfer", [TRANSFER_PQ, TRANSFER_HLG])
def test_avif_of_high_dynamic_range_becomes_ordinary(tmp_path: Path, transfer: int) -> None:
    signal = np.array([[0.2, 0.45, 0.3], [0.5, 0.5, 0.5], [0.5, 0.1, 0.2], [0.0, 0.6, 0.6]])  # BGR
    colors = np.kron(signal[None], np.ones((16, 16, 1)))
    options = [cv2.IMWRITE_AVIF_DEPTH, 10, cv2.IMWRITE_AVIF_QUALITY, 100]
    data = bytearray(cv2.imencode(".avif", np.rint(colors * 1023).astype(np.uint16), options)[1].tobytes())
    place = data.index(b"colrnclx") + 8
    data[place : place + 4] = struct.pack(">HH", 9, transfer)
    path = tmp_path / "a.avif"
    path.write_bytes(data)
    expected = 255 * to_ordinary_signal(signal[:, ::-1], Gamut(transfer, 9))
    np.testing.assert_allclose(read_image(path).rgb[8, 8::16], expected, atol=4)


@pytest.mark.parametrize("transfer", [TRANSFER_PQ, TRANSFER_HLG])
def test_heic_of_high_dynamic_range_becomes_ordinary(tmp_path: Path, transfer: int) -> None:
    heif = pytest.importorskip("pillow_heif")
    pixels = np.full((64, 64, 3), round(0.5 * 65535), np.uint16)
    picture = heif.from_bytes("RGB;16", (64, 64), pixels.tobytes())
    path = tmp_path / "a.heic"
    picture.save(path, quality=-1, matrix_coefficients=9, color_primaries=9, transfer_characteristics=transfer)
    expected = 255 * to_ordinary_signal(np.full(3, 0.5), Gamut(transfer, 9))
    np.testing.assert_allclose(read_image(path).rgb[32, 32], expected, atol=3)


def test_premultiplied_tiff_is_undone(tmp_path: Path) -> None:
    straight = np.array([[[200, 100, 40], [90, 250, 10]]], np.uint8)
    alpha = np.array([[128, 51]], np.uint8)
    stored = np.dstack([np.rint(straight * (alpha[..., None] / 255)).astype(np.uint8), alpha])
    path = tmp_path / "a.tif"
    Image.fromarray(stored).save(path)
    data = bytearray(path.read_bytes())
    place = data.index(struct.pack("<HHI", 338, 3, 1)) + 8
    assert data[place] == 2  # Pillow says that alpha is straight
    data[place] = 1
    path.write_bytes(data)
    picture = read_image(path)
    np.testing.assert_array_equal(picture.alpha, alpha)
    np.testing.assert_allclose(picture.rgb.astype(int), straight, atol=3)


def test_opaque_alpha_is_no_matte(tmp_path: Path, smooth: np.ndarray) -> None:
    assert read_image(_saved(tmp_path / "a.png", Image.fromarray(smooth).convert("RGBA"))).alpha is None


@pytest.mark.parametrize("value", range(1, 9))
@pytest.mark.parametrize("ending", ["jpg", "png", "webp", "tif"])
def test_exif_orientation_is_applied(tmp_path: Path, value: int, ending: str) -> None:
    image = Image.fromarray(corners_picture())
    exif = Image.Exif()
    exif[0x0112] = value
    path = _saved(tmp_path / f"a.{ending}", image, exif=exif)
    rgb = read_image(path).rgb
    names = {1: "rgbw", 2: "grwb", 3: "wbgr", 4: "bwrg", 5: "rbgw", 6: "brwg", 7: "wgbr", 8: "gwrb"}
    assert corner_names(rgb) == names[value]
    assert rgb.shape == ((48, 64, 3) if value < 5 else (64, 48, 3))


@pytest.mark.parametrize("size", [(1, 1), (641, 479), (2, 3000)])
def test_odd_sizes_work(tmp_path: Path, size: tuple[int, int]) -> None:
    picture = read_image(_saved(tmp_path / "a.png", Image.new("RGB", size, (1, 2, 3))))
    assert (picture.width, picture.height) == size


def _bytes(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format=kind, **options)
    return buffer.getvalue()


def _claiming(kind: str) -> bytes:
    """A small picture whose header claims 60,000 x 60,000 pixels."""
    data = bytearray(_bytes(Image.new("RGB", (16, 16)), kind, **({"lossless": True} if kind == "WEBP" else {})))
    big = 60_000
    if kind == "PNG":
        data[16:24] = struct.pack(">II", big, big)
        data[29:33] = struct.pack(">I", zlib.crc32(bytes(data[12:29])))
    elif kind == "JPEG":
        place = data.index(b"\xff\xc0") + 5
        data[place : place + 4] = struct.pack(">HH", big, big)
    elif kind == "GIF":
        data[6:10] = struct.pack("<HH", big, big)
    elif kind == "BMP":
        data[18:26] = struct.pack("<ii", big, -big)
    elif kind == "TIFF":
        for tag in (256, 257):
            place = (
                data.index(struct.pack("<HH", tag, 4))
                if struct.pack("<HH", tag, 4) in data
                else data.index(struct.pack("<HH", tag, 3))
            )
            data[place : place + 12] = struct.pack("<HHII", tag, 4, 1, big)
    elif kind == "PPM":
        data = bytearray(b"P6\n# a comment\n60000 60000\n255\n" + b"\0" * 10)
    elif kind == "JPEG2000":
        place = data.index(b"ihdr") + 4
        data[place : place + 8] = struct.pack(">II", big, big)
    elif kind == "WEBP":  # 14 bits a side at most, in the extended form 24
        data = bytearray(b"RIFF\x1e\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + (big - 1).to_bytes(3, "little") * 2 + bytes(20))
    return bytes(data)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "TIFF", "PPM", "JPEG2000", "WEBP"])
def test_absurd_sizes_are_refused_before_decoding(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "bomb"
    path.write_bytes(_claiming(kind))
    monkeypatch.setattr(cv2, "imdecode", lambda *_: pytest.fail("it was decoded"))
    monkeypatch.setattr("motionwarp.media.image._decoded_by_ffmpeg", lambda *_: pytest.fail("it was decoded"))
    with pytest.raises(LimitError, match="60000x60000"):
        read_image(path)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "TIFF", "BMP"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.95])
def test_truncated_pictures_are_refused(tmp_path: Path, smooth: np.ndarray, kind: str, share: float) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    whole = _bytes(Image.fromarray(noise), kind)
    path = tmp_path / "a"
    path.write_bytes(whole[: round(len(whole) * share)])
    with pytest.raises(MediaError):
        read_image(path)


def test_an_end_that_claims_to_be_long_is_no_end(tmp_path: Path, smooth: np.ndarray) -> None:
    whole = _bytes(Image.fromarray(smooth), "PNG")
    length = whole.rindex(b"IEND") - 4
    (tmp_path / "a.png").write_bytes(whole[:length] + (320 << 20).to_bytes(4, "big") + whole[length + 4 :])
    # OpenCV would fetch as much memory as the chunk says
    with pytest.raises(MediaError, match="truncated"):
        read_image(tmp_path / "a.png")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "TIFF", "BMP", "PPM", "JPEG2000"])
def test_no_cut_of_a_header_escapes_as_another_error(kind: str) -> None:
    whole = _bytes(Image.new("RGB", (9, 7), (5, 90, 200)), kind)
    for length in range(min(len(whole), 700)):
        with contextlib.suppress(BrokenHeaderError):
            parse_picture_header(whole[:length])
    header = parse_picture_header(whole)
    assert header is not None
    assert (header.width, header.height) == (9, 7)
    assert header.complete


def test_damaged_content_is_a_media_error(tmp_path: Path, smooth: np.ndarray) -> None:
    data = bytearray(_bytes(Image.fromarray(smooth), "PNG"))
    middle = len(data) // 2
    data[middle : middle + 40] = bytes(40)
    path = tmp_path / "a.png"
    path.write_bytes(data)
    with pytest.raises(MediaError, match="damaged"):
        read_image(path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"just some text", "not a picture"),
        (bytes(1000), "not a picture"),
        (b"\xff\xd8\xff", "cut off"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(content)
    with pytest.raises(MediaError, match=words):
        read_image(path)


def test_missing_files_and_directories_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="no such file"):
        read_image(tmp_path / "none.png")
    with pytest.raises(MediaError, match="directory"):
        read_image(tmp_path)
    assert not is_picture(tmp_path / "none.png")
    assert not is_picture(tmp_path)


def test_large_files_are_refused(tmp_path: Path, smooth: np.ndarray) -> None:
    path = _saved(tmp_path / "a.bmp", Image.fromarray(smooth))
    with pytest.raises(MediaError, match="bytes"):
        read_image(path, MediaLimits(max_file_bytes=100))


def test_float_pictures_are_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    cv2.imwrite(str(path), np.ones((4, 4, 3), np.float32))
    with pytest.raises(MediaError, match="float32"):
        read_image(path)


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
def test_animations_are_no_pictures_but_their_first_frame_can_be_read(tmp_path: Path, kind: str) -> None:
    frames = [Image.new("RGB", (32, 32), color) for color in ((250, 0, 0), (0, 250, 0), (0, 0, 250))]
    path = tmp_path / "a"
    frames[0].save(path, format=kind, save_all=True, append_images=frames[1:], duration=40)
    assert not is_picture(path)
    if kind != "WEBP" or OPENCV >= (4, 11):  # which learned animations then
        np.testing.assert_allclose(read_image(path).rgb.astype(int)[16, 16], (250, 0, 0), atol=6)
    frames[0].save(path, format=kind)
    assert is_picture(path)


def test_formats_are_told_by_content() -> None:
    assert sniff_picture_format(b"P6\n1 1\n255\n") == "pnm"
    assert sniff_picture_format(b"Pretend") is None
    assert sniff_picture_format(b"") is None


@pytest.mark.parametrize("name", ["a.png", "a.webp", "a.tif", "a.bmp", "a.jpg"])
def test_written_pictures_read_back(tmp_path: Path, smooth: np.ndarray, name: str) -> None:
    write_image(tmp_path / name, smooth)
    expected = np.asarray(Image.open(tmp_path / name).convert("RGB"))
    np.testing.assert_allclose(expected.astype(int), smooth, atol=8 if name == "a.jpg" else 0)
    assert list(tmp_path.iterdir()) == [tmp_path / name]


@pytest.mark.parametrize("name", ["a.png", "a.webp", "a.tif"])
def test_written_alpha_reads_back(tmp_path: Path, smooth: np.ndarray, name: str) -> None:
    rgba = np.dstack([smooth, smooth[..., 0]])
    rgba[..., 3] = np.maximum(rgba[..., 3], 1)  # WebP drops the colors of what is fully transparent
    write_image(tmp_path / name, rgba)
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / name)), rgba)


def test_gray_is_written_as_gray(tmp_path: Path) -> None:
    write_image(tmp_path / "labels.png", np.arange(20, dtype=np.uint8).reshape(4, 5))
    image = Image.open(tmp_path / "labels.png")
    assert image.mode == "L"
    np.testing.assert_array_equal(np.asarray(image), np.arange(20).reshape(4, 5))


def test_metadata_is_written_into_png(tmp_path: Path, smooth: np.ndarray) -> None:
    write_image(tmp_path / "a.png", smooth, metadata={"comment": "synthetic · künstlich", "engine": "layered"})
    image = Image.open(tmp_path / "a.png")
    image.load()
    texts = dict(image.text)  # type: ignore[attr-defined]
    assert "synthetic · künstlich" in texts.pop("XML:com.adobe.xmp")
    assert texts == {"comment": "synthetic · künstlich", "engine": "layered"}
    with pytest.raises(OutputError, match="metadata"):
        write_image(tmp_path / "a.bmp", smooth, metadata={"comment": "x"})


def test_writing_refuses_what_it_must(tmp_path: Path, smooth: np.ndarray) -> None:
    target = tmp_path / "a.png"
    write_image(target, smooth)
    before = target.read_bytes()
    with pytest.raises(OutputError, match="exists"):
        write_image(target, smooth)
    assert target.read_bytes() == before
    write_image(target, 255 - smooth, overwrite=True)
    assert target.read_bytes() != before
    with pytest.raises(OutputError, match="no picture format"):
        write_image(tmp_path / "a.xyz", smooth)
    with pytest.raises(OutputError, match="transparency"):
        write_image(tmp_path / "a.jpg", np.dstack([smooth, smooth[..., 0]]))
    with pytest.raises(OutputError, match="does not exist"):
        write_image(tmp_path / "none" / "a.png", smooth)
    with pytest.raises(ValueError, match="uint8"):
        write_image(tmp_path / "b.png", smooth.astype(np.float32))
    assert list(tmp_path.iterdir()) == [target]


def test_picture_checks_its_parts(smooth: np.ndarray) -> None:
    with pytest.raises(ValueError, match="uint8"):
        Picture(smooth[..., :2])
    with pytest.raises(ValueError, match="alpha"):
        Picture(smooth, smooth[:3, :, 0])
