"""What files say of themselves: written by every writer, read back by us, by Pillow and by ExifTool."""

from __future__ import annotations

import json
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path
from xml.etree import ElementTree

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_media import level_picture
from PIL import Image, ImageSequence

from motionwarp.media import metadata
from motionwarp.media.encoders import EncodeOptions
from motionwarp.media.image import read_image, write_image
from motionwarp.media.metadata import tagged_picture, xmp_packet
from motionwarp.media.metadata_reader import FileMetadata, read_metadata, xmp_properties
from motionwarp.media.reader import open_video
from motionwarp.media.writer import open_writer
from motionwarp.provenance import Provenance, SourceType

TAGS = Provenance("a <test> & more", SourceType.COMPOSITE, "layered").tags()
PICTURES = ("a.png", "a.jpg", "a.webp", "a.tif")
CLIPS = ("a.mp4", "a.m4v", "a.mov", "a.webp", "a.gif", "a.apng", "sheet.png")
MATROSKA = ("a.mkv", "a.webm")
IPTC = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"


def written(path: Path, *, options: EncodeOptions | None = None) -> Path:
    if path.name in PICTURES and path.parent.name == "still":
        write_image(path, level_picture(3), metadata=TAGS)
        return path
    with open_writer(
        path, width=64, height=48, frame_rate=Fraction(25), options=options, metadata=TAGS
    ) as writer:  # fmt: skip
        for index in range(3):
            writer.write(level_picture(index), index / 25)
    return path


def place(tmp_path: Path, name: str, *, still: bool) -> Path:
    folder = tmp_path / ("still" if still else "clip")
    folder.mkdir()
    return folder / name


ALL = [(name, True) for name in PICTURES] + [(name, False) for name in CLIPS]


@pytest.mark.parametrize(("name", "still"), [*ALL, *((name, False) for name in MATROSKA)])
def test_every_writer_tells_all_and_it_is_read_back(tmp_path: Path, name: str, still: bool) -> None:
    found = read_metadata(written(place(tmp_path, name, still=still)))
    assert found.tags == TAGS
    assert ("XMP" in found.places) == (name not in MATROSKA)


@pytest.mark.parametrize("limit", ["a.mp4", "a.webp"])
def test_files_of_a_limited_size_tell_it_within_the_limit(tmp_path: Path, limit: str) -> None:
    file = written(tmp_path / limit, options=EncodeOptions(max_bytes=9000))
    assert file.stat().st_size <= 9000
    assert read_metadata(file).tags == TAGS


def test_every_frame_of_a_folder_tells_it(tmp_path: Path) -> None:
    (tmp_path / "frames").mkdir()
    written(tmp_path / "frames" / "%05d.png")
    for file in sorted((tmp_path / "frames").iterdir()):
        assert read_metadata(file).tags == TAGS


@pytest.mark.skipif(shutil.which("exiftool") is None, reason="needs exiftool")
@pytest.mark.parametrize(("name", "still"), ALL)
def test_exiftool_finds_the_source_type(tmp_path: Path, name: str, still: bool) -> None:
    file = written(place(tmp_path, name, still=still))
    told = subprocess.run(
        ["exiftool", "-json", "-G", "-XMP:all", "-Warning", str(file)], capture_output=True, text=True, check=True
    )  # fmt: skip
    (facts,) = json.loads(told.stdout)
    assert facts["XMP:DigitalSourceType"] == IPTC
    assert facts["XMP:CreatorTool"] == TAGS["encoded_by"]
    assert facts["XMP:Description"] == TAGS["comment"]
    assert "ExifTool:Warning" not in facts


@pytest.mark.parametrize("name", MATROSKA)
def test_matroska_tells_it_in_its_tags(tmp_path: Path, name: str) -> None:
    with av.open(str(written(tmp_path / name))) as container:
        tags = {key.lower(): text for key, text in container.metadata.items()}
    assert tags["digital_source_type"] == IPTC


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize("alpha", [False, True])
def test_pixels_stay_as_they_are(tmp_path: Path, name: str, alpha: bool) -> None:
    if alpha and name == "a.jpg":
        pytest.skip("JPEG has no alpha")
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (31, 45, 4 if alpha else 3), dtype=np.uint8)
    write_image(tmp_path / name, picture)
    plain = read_image(tmp_path / name)
    write_image(tmp_path / name, picture, metadata=TAGS, overwrite=True)
    told = read_image(tmp_path / name)
    np.testing.assert_array_equal(told.rgb, plain.rgb)
    assert (told.alpha is None) == (plain.alpha is None) == (not alpha)
    if told.alpha is not None and plain.alpha is not None:
        np.testing.assert_array_equal(told.alpha, plain.alpha)
    with Image.open(tmp_path / name) as image:
        image.load()
        np.testing.assert_array_equal(np.asarray(image.convert("RGB"))[told.rgb.shape[0] // 2], told.rgb[15])


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.mkv", "a.webp", "a.gif", "a.apng"])
def test_clips_with_metadata_are_read_whole(tmp_path: Path, name: str) -> None:
    file = written(tmp_path / name)
    assert len(list(open_video(file))) == 3
    if name in ("a.webp", "a.gif", "a.apng"):
        with Image.open(file) as image:
            assert sum(1 for _ in ImageSequence.Iterator(image)) == 3


@given(st.dictionaries(st.sampled_from(["comment", "encoded_by", "engine", "other"]), st.text(max_size=200)))
@settings(max_examples=200, deadline=None)
def test_packets_are_xml_and_say_what_was_given(texts: dict[str, str]) -> None:
    packet = xmp_packet(texts)
    ElementTree.fromstring(packet)  # ours, written this moment; an independent reader
    found = xmp_properties(packet)
    for name, text in texts.items():
        shown = "".join(letter if letter.isprintable() else " " for letter in text).strip()
        assert found.get(name, "") == shown


def test_packets_of_other_programs_are_read() -> None:
    packet = (
        '<rdf:Description xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/">\n'
        "  <xmp:CreatorTool>Some &amp; Program</xmp:CreatorTool>\n"
        f"  <Iptc4xmpExt:DigitalSourceType>{IPTC}</Iptc4xmpExt:DigitalSourceType>\n</rdf:Description>"
    )
    assert xmp_properties(packet.encode()) == {"encoded_by": "Some & Program", "digital_source_type": IPTC}
    resource = f'<Iptc4xmpExt:DigitalSourceType rdf:resource="{IPTC}"/>'
    assert xmp_properties(resource.encode()) == {"digital_source_type": IPTC}


@pytest.mark.skipif(shutil.which("exiftool") is None, reason="needs exiftool")
@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif"])
def test_what_exiftool_writes_is_read(tmp_path: Path, name: str) -> None:
    write_image(tmp_path / name, level_picture(1))
    subprocess.run(
        ["exiftool", "-q", "-overwrite_original", f"-XMP-iptcExt:DigitalSourceType#={IPTC}", str(tmp_path / name)],
        check=True,
    )
    assert read_metadata(tmp_path / name).tags["digital_source_type"] == IPTC


def test_a_photo_says_nothing(tmp_path: Path) -> None:
    write_image(tmp_path / "a.jpg", level_picture(1))
    assert read_metadata(tmp_path / "a.jpg") == FileMetadata()


def test_formats_without_a_place_are_refused() -> None:
    with pytest.raises(ValueError, match="carry no metadata"):
        tagged_picture(b"BM" + bytes(100), TAGS)
    with pytest.raises(ValueError, match="too many"):
        tagged_picture(b"\xff\xd8\xff\xe0\x00\x10" + bytes(40), {"comment": "x" * 70_000})
    assert tagged_picture(b"BM", {}) == b"BM"


@pytest.mark.parametrize(("name", "still"), ALL)
def test_damaged_files_say_less_or_nothing_but_do_no_harm(tmp_path: Path, name: str, still: bool) -> None:
    from motionwarp.errors import InputError

    content = written(place(tmp_path, name, still=still)).read_bytes()
    rng = np.random.default_rng(len(content))
    file = tmp_path / f"damaged{Path(name).suffix}"
    for _ in range(60):
        damaged = bytearray(content[: int(rng.integers(13, len(content) + 1))])
        for spot in rng.integers(0, len(damaged), 6):
            damaged[spot] = int(rng.integers(256))
        file.write_bytes(damaged)
        try:
            found = read_metadata(file)
        except InputError:
            continue
        assert all(text.isprintable() for text in found.tags.values())


def test_a_box_that_claims_to_be_huge_is_left_alone(tmp_path: Path) -> None:
    file = written(tmp_path / "a.mp4")
    with file.open("ab") as opened:
        opened.write(b"\x7f\xff\xff\xffuuid" + metadata.XMP_BOX)
    assert read_metadata(file).tags == TAGS


def test_what_is_no_provenance() -> None:
    for what, engine in (("", "layered"), ("two\nlines", ""), ("fine", "\x1b[31m")):
        with pytest.raises(ValueError, match="printable"):
            Provenance(what, SourceType.TRAINED, engine)
