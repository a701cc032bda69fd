from __future__ import annotations

import io
import sys
from pathlib import Path

import numpy as np
import pytest
from made_media import corner_names, corners_picture
from PIL import Image

from motionwarp.errors import LimitError, MediaError
from motionwarp.media.image import is_picture, read_image
from motionwarp.media.image_header import parse_picture_header, sniff_picture_format
from motionwarp.media.limits import MediaLimits

pillow_heif = pytest.importorskip("pillow_heif", reason="pillow-heif is in the extra 'heic'")


def heic(picture: Image.Image, **options: object) -> bytes:
    stream = io.BytesIO()
    pillow_heif.from_pillow(picture).save(stream, quality=95, **options)
    return stream.getvalue()


def saved(folder: Path, data: bytes) -> Path:
    path = folder / "a.heic"
    path.write_bytes(data)
    return path


@pytest.fixture
def smooth() -> np.ndarray:
    y, x = np.mgrid[0:80, 0:120]
    return np.stack([x * 2, y * 3, x + y], axis=2).astype(np.uint8)


def test_colors_are_those_that_were_saved(tmp_path: Path, smooth: np.ndarray) -> None:
    path = saved(tmp_path, heic(Image.fromarray(smooth)))
    picture = read_image(path)
    assert picture.alpha is None
    np.testing.assert_allclose(picture.rgb.astype(int), smooth, atol=12)
    assert is_picture(path)
    header = parse_picture_header(path.read_bytes())
    assert header is not None
    assert (header.format, header.width, header.height) == ("heic", 120, 80)


@pytest.mark.parametrize("mode", ["L", "RGBA"])
def test_gray_and_transparent_pictures(tmp_path: Path, smooth: np.ndarray, mode: str) -> None:
    image = Image.fromarray(smooth).convert(mode)
    if mode == "RGBA":
        image.putalpha(Image.fromarray(smooth[..., 0]))
    picture = read_image(saved(tmp_path, heic(image)))
    np.testing.assert_allclose(picture.rgb.astype(int), np.asarray(image.convert("RGB")), atol=12)
    if mode == "RGBA":
        assert picture.alpha is not None
        np.testing.assert_allclose(picture.alpha.astype(int), smooth[..., 0], atol=12)
    else:
        assert picture.alpha is None


def test_deep_pictures_are_brought_to_eight_bits(tmp_path: Path, smooth: np.ndarray) -> None:
    stream = io.BytesIO()
    pillow_heif.from_bytes("RGB;16", (120, 80), (smooth.astype(np.uint16) * 257).tobytes()).save(stream, quality=95)
    np.testing.assert_allclose(read_image(saved(tmp_path, stream.getvalue())).rgb.astype(int), smooth, atol=12)


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_pictures_are_upright_however_the_phone_was_held(tmp_path: Path, orientation: int) -> None:
    """libheif turns them by their own boxes; what EXIF says must not turn them a second time."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    upright = Image.fromarray(corners_picture(120, 80))
    turns = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}
    stored = upright.transpose(turns[orientation]) if orientation > 1 else upright
    picture = read_image(saved(tmp_path, heic(stored, exif=exif.tobytes())))
    assert (picture.width, picture.height) == (120, 80)
    assert corner_names(picture.rgb) == corner_names(np.asarray(upright))


def test_containers_of_any_picture_are_told_apart_by_their_compatible_brands() -> None:
    assert sniff_picture_format(b"\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf") == "avif"
    assert sniff_picture_format(b"\0\0\0\x1cftypmif1\0\0\0\0mif1heicmiaf") == "heic"
    assert sniff_picture_format(b"\0\0\0\x1cftypheix\0\0\0\0mif1heixmiaf") == "heic"
    assert sniff_picture_format(b"\0\0\0\x20ftypisom\0\0\0\0isommif1heicmp41") is None  # a clip


def test_what_cannot_be_read_is_refused(tmp_path: Path, smooth: np.ndarray) -> None:
    data = heic(Image.fromarray(smooth))
    for damaged in (data[: len(data) // 2], data[:-40], data[:40]):
        with pytest.raises(MediaError, match="HEIC"):
            read_image(saved(tmp_path, damaged))
    with pytest.raises(LimitError):
        read_image(saved(tmp_path, data), MediaLimits(max_pixels=119 * 80))


def test_whose_main_picture_is_missing_is_damaged(
    tmp_path: Path, smooth: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without_pictures(*_: object, **__: object) -> None:
        [][0]  # what pillow-heif does then

    path = saved(tmp_path, heic(Image.fromarray(smooth)))
    monkeypatch.setattr(pillow_heif, "open_heif", without_pictures)
    with pytest.raises(MediaError, match="the HEIC picture is damaged"):
        read_image(path)


def test_without_libheif_it_says_what_to_install(
    tmp_path: Path, smooth: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = saved(tmp_path, heic(Image.fromarray(smooth)))
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(MediaError, match=r"motionwarp\[heic\]") as caught:
        read_image(path)
    assert str(path) in str(caught.value)


def with_hidden_size(data: bytes, decoy: bytes, padding: int) -> bytes:
    """Put a box that means nothing, beginning with `decoy`, into a HEIC before its sizes, and move what follows."""
    place = data.index(b"iprp") - 4
    box = (8 + len(decoy) + padding).to_bytes(4, "big") + b"free" + decoy + bytes(padding)
    meta = data.index(b"meta") - 4
    grown = int.from_bytes(data[meta : meta + 4], "big") + len(box)
    moved = bytearray(data[:meta] + grown.to_bytes(4, "big") + data[meta + 4 : place] + box + data[place:])
    content = data.index(b"mdat") + 4
    where = moved.index(content.to_bytes(4, "big"), moved.index(b"iloc"))
    moved[where : where + 4] = (content + len(box)).to_bytes(4, "big")
    return bytes(moved)


DECOY = (20).to_bytes(4, "big") + b"ispe" + bytes(4) + (64).to_bytes(4, "big") * 2


def test_a_size_far_back_in_the_header_counts(tmp_path: Path, smooth: np.ndarray) -> None:
    path = saved(tmp_path, with_hidden_size(heic(Image.fromarray(smooth)), DECOY, 100_000))
    assert read_image(path).rgb.shape == smooth.shape
    header = parse_picture_header(path.read_bytes())
    assert header is not None
    assert (header.width, header.height) == (120, 80)
    with pytest.raises(MediaError, match="HEIC header"):
        read_image(saved(tmp_path, with_hidden_size(heic(Image.fromarray(smooth)), DECOY, 20_000_000)))


def test_the_size_that_libheif_finds_is_checked_before_it_decodes(tmp_path: Path, smooth: np.ndarray) -> None:
    from motionwarp.media.heif import decode_heif

    data = heic(Image.fromarray(smooth))
    undecodable = data[: data.index(b"mdat") + 8] + bytes(len(data) - data.index(b"mdat") - 8)
    with pytest.raises(MediaError, match="damaged"):
        decode_heif(undecodable, tmp_path / "a.heic", MediaLimits())
    with pytest.raises(LimitError):
        decode_heif(undecodable, tmp_path / "a.heic", MediaLimits(max_pixels=119 * 80))
