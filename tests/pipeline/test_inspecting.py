"""`motionwarp inspect` and what it shows, for every kind of file that motionwarp writes; and that nobody is named."""

from __future__ import annotations

import json
import struct
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import pytest
from made_media import level_picture, make_video, sine
from PIL import Image
from small_avatar import small_avatar, small_stored_avatar
from small_scene import Scene

import motionwarp
from motionwarp.avatar.files import save_avatar
from motionwarp.avatar.gltf import save_glb
from motionwarp.engines.registry import make_engine
from motionwarp.errors import InputError
from motionwarp.media.image import write_image
from motionwarp.media.writer import open_writer
from motionwarp.pipeline.api import transfer
from motionwarp.pipeline.inspecting import inspect_file
from motionwarp.pipeline.options import TransferOptions
from motionwarp.pipeline.provenance import (
    avatar_provenance,
    motion_provenance,
    preview_provenance,
    swap_provenance,
    transfer_provenance,
    translation_provenance,
)

NAME = "anna-mustermann"


def frames_of(path: Path, tags: dict[str, str]) -> Path:
    with open_writer(path, width=64, height=48, frame_rate=Fraction(25), metadata=tags) as writer:
        writer.write(level_picture(1), 0.0)
        writer.write(level_picture(2), 0.04)
    return path


@pytest.mark.parametrize(
    ("background", "side_by_side", "keeps_pixels", "expected"),
    [
        ("#202020", False, False, "trainedAlgorithmicMedia"),
        ("transparent", False, False, "trainedAlgorithmicMedia"),
        ("#202020", True, False, "compositeWithTrainedAlgorithmicMedia"),
        ("#202020", False, True, "compositeWithTrainedAlgorithmicMedia"),
        ("source", False, False, "compositeWithTrainedAlgorithmicMedia"),
        ("driving", False, False, "compositeWithTrainedAlgorithmicMedia"),
        ("beach.jpg", False, False, "compositeWithTrainedAlgorithmicMedia"),
    ],
)
def test_captured_pixels_make_a_composite(
    background: str, side_by_side: bool, keeps_pixels: bool, expected: str
) -> None:
    options = TransferOptions(background=background, side_by_side=side_by_side)
    setup: Any = SimpleNamespace(options=options, engine=SimpleNamespace(name="some", keeps_pixels=keeps_pixels))
    assert transfer_provenance(setup)["digital_source_type"].endswith("/" + expected)
    assert preview_provenance(setup)["digital_source_type"].endswith("/compositeWithTrainedAlgorithmicMedia")


def test_engines_say_whether_they_keep_the_photos_pixels() -> None:
    assert {name: make_engine(name).keeps_pixels for name in ("layered", "avatar", "warping_gan")} == {
        "layered": True, "avatar": True, "warping_gan": False,
    }  # fmt: skip


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.gif", "a.webp", "a.png"])
def test_clips_are_inspected(tmp_path: Path, name: str) -> None:
    found = inspect_file(frames_of(tmp_path / name, translation_provenance()))
    assert (found.kind, found.version, found.synthetic) == ("picture or clip", motionwarp.__version__, True)
    assert (found.source_type, found.engine) == ("trainedAlgorithmicMedia", "cyclegan")
    assert found.facts == {"comment": translation_provenance()["comment"]}


def test_drawn_motions_come_from_nobody(tmp_path: Path) -> None:
    assert inspect_file(frames_of(tmp_path / "a.mp4", motion_provenance())).source_type == "algorithmicMedia"


def test_a_folder_of_frames_is_inspected(tmp_path: Path) -> None:
    (tmp_path / "frames").mkdir()
    frames_of(tmp_path / "frames", swap_provenance("hpn"))
    found = inspect_file(tmp_path / "frames")
    assert (found.kind, found.engine, found.synthetic) == ("frames", "hpn", True)


def test_avatars_are_inspected_in_both_forms(tmp_path: Path) -> None:
    tags = avatar_provenance("avatar")
    save_avatar(tmp_path / f"{NAME}.safetensors", small_stored_avatar(), tags)
    save_glb(tmp_path / f"{NAME}.glb", small_avatar(), tags=tags)
    for name in (f"{NAME}.safetensors", f"{NAME}.glb"):
        found = inspect_file(tmp_path / name)
        assert (found.kind, found.version, found.synthetic) == ("avatar", motionwarp.__version__, True)
        assert found.source_type == "compositeWithTrainedAlgorithmicMedia"
        assert NAME.encode() not in (tmp_path / name).read_bytes()
    assert inspect_file(tmp_path / f"{NAME}.safetensors").facts["photos"] == "2"


def test_weights_that_ship_are_inspected(repository_root: Path) -> None:
    for file in sorted((repository_root / "weights").glob("*.safetensors")):
        found = inspect_file(file)
        assert found.kind == "weights"
        assert found.version
        assert found.facts["architecture"]


def test_a_record_of_a_data_set_is_inspected(tmp_path: Path) -> None:
    record = {"id": "a_b_0", "engine": "layered", "motionwarp": "0.1.0", "seed": 4, "video": "video.mp4", "files": {}}
    (tmp_path / "record.json").write_text(json.dumps(record), encoding="utf-8")
    frames_of(tmp_path / "video.mp4", swap_provenance("layered"))
    for place in (tmp_path, tmp_path / "record.json"):
        found = inspect_file(place)
        assert (found.kind, found.version, found.engine) == ("clip of a data set", "0.1.0", "layered")
        assert found.source_type == "compositeWithTrainedAlgorithmicMedia"
        assert found.facts["seed"] == "4"


def test_a_record_leads_nowhere_else(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    frames_of(tmp_path / "video.mp4", swap_provenance("layered"))
    (tmp_path / "set" / "record.json").write_text('{"video": "../video.mp4"}', encoding="utf-8")
    assert inspect_file(tmp_path / "set").synthetic is None


def test_a_photo_says_nothing(tmp_path: Path) -> None:
    write_image(tmp_path / "a.jpg", level_picture(1))
    found = inspect_file(tmp_path / "a.jpg")
    assert (found.version, found.synthetic, found.source_type, found.facts) == (None, None, None, {})


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("missing.png", None),
        ("a.txt", b"words"),
        ("a.glb", b"glTF"),
        ("b.glb", b"glTF" + struct.pack("<II", 2, 40) + struct.pack("<I4s", 9, b"JSON") + b"not json!"),
        ("c.glb", b"glTF" + struct.pack("<II", 2, 40) + struct.pack("<I4s", 1 << 30, b"JSON")),
        ("a.safetensors", b"nothing"),
        ("record.json", b"[1]"),
        ("empty.mp4", b""),
    ],
)
def test_what_cannot_be_inspected_is_named(tmp_path: Path, name: str, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=name):
        inspect_file(tmp_path / name)


def named_inputs(scene: Scene, folder: Path) -> tuple[Path, Path]:
    """A photo and a clip with sound that say everywhere who is in them."""
    exif = Image.Exif()
    exif[0x010E] = exif[0x013B] = NAME  # description and artist
    photo, clip = folder / f"{NAME}.jpg", folder / f"{NAME}.mp4"
    Image.open(scene.person).convert("RGB").save(photo, exif=exif, quality=95)
    sound = make_video(folder / "sound.mp4", [level_picture(1)] * 50, sound=sine(2.0, channels=1))
    with (
        av.open(str(scene.dance)) as pictures,
        av.open(str(sound)) as sounds,
        av.open(str(clip), "w", options={"movflags": "use_metadata_tags"}) as target,
    ):
        target.metadata.update({"title": NAME, "artist": NAME, "location": NAME, "comment": NAME, "whose": NAME})
        streams = [pictures.streams.video[0], sounds.streams.audio[0]]
        copies = [target.add_stream_from_template(stream) for stream in streams]
        for copied in copies:
            copied.metadata.update({"title": NAME, "handler_name": NAME})
        for stream, copied in zip(streams, copies, strict=True):
            for packet in stream.container.demux(stream):
                if packet.dts is not None:
                    packet.stream = copied
                    target.mux(packet)
    assert NAME.encode() in photo.read_bytes()
    assert NAME.encode() in clip.read_bytes()
    return photo, clip


@pytest.mark.usefixtures("knowing")
@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.mov", "a.webm", "a.gif", "a.webp", "frames/%05d.png"])
def test_inputs_are_named_nowhere_in_a_result(scene: Scene, tmp_path: Path, name: str) -> None:
    """Neither files and folders nor what a clip's own metadata say of people come into a result."""
    (tmp_path / NAME).mkdir()
    photo, clip = named_inputs(scene, tmp_path / NAME)
    (tmp_path / "results" / "frames").mkdir(parents=True)
    transfer(photo, clip, tmp_path / "results" / name, engine="layered", end=0.4)
    written = [file for file in (tmp_path / "results").rglob("*") if file.is_file()]
    assert written
    for file in written:
        content = file.read_bytes()
        assert NAME.encode() not in content
        assert str(tmp_path).encode() not in content
    if name in ("a.mp4", "a.mkv"):
        with av.open(str(written[0])) as container:
            assert container.streams.audio
    assert inspect_file(written[0]).engine == "layered"
