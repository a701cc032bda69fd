"""From folders of photos and clips to packs: a drawn person is the photo and the clip, so all labels are known."""

from __future__ import annotations

import json
from collections.abc import Iterator
from fractions import Fraction
from itertools import islice
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from motionwarp.data import ccp, pairs
from motionwarp.data.labeled_pairs import labeled_pairs_of_kind, write_pair_pack
from motionwarp.data.pack import LabeledPicture, PackReader
from motionwarp.data.packing import PackSettings, cut_around, facing_of_world, samples_of_kind, write_pack
from motionwarp.data.pair_sources import pairs_of_kind
from motionwarp.data.pairs import PersonPair
from motionwarp.data.people_folder import frames_by_person, media_files, spaced_frames
from motionwarp.engines.warping_gan import packing as part_packing
from motionwarp.engines.warping_gan.data import PartSample
from motionwarp.engines.warping_gan.packing import part_samples, write_part_pack
from motionwarp.errors import InputError, MediaError, OptionError
from motionwarp.parsing import labels
from motionwarp.types import ByteArray, Person, PersonCrop, Pose

CLIP = "drawn"
TAGS = [
    "null",
    "skin",
    "suit",
    *sorted({tag for tags in ccp._TAGS_OF_CLASS.values() for tag in tags} - {"null"}),
    *ccp._SHOE_TAGS,
]


def write_picture(path: Path, rgb: ByteArray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), rgb if rgb.ndim == 2 else cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))


def write_clip(path: Path, frames: list[ByteArray]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(25))
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv444p"
        for rgb in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24")))
        container.mux(stream.encode(None))


@pytest.fixture(scope="module")
def person(drawn_pairs: list[PersonPair]) -> LabeledPicture:
    """A drawn person, with even sides, as videos need them."""
    source = drawn_pairs[0].source
    rows, columns = (side - side % 2 for side in source.matte.shape)
    return LabeledPicture(
        np.ascontiguousarray(source.rgb[:rows, :columns]),
        np.rint(source.matte[:rows, :columns] * 255).astype(np.uint8),
        np.ascontiguousarray(source.parsing[:rows, :columns]),
        source.pose.points,
        "drawn",
    )


@pytest.fixture
def data(
    tmp_path: Path, person: LabeledPicture, drawn_pairs: list[PersonPair], monkeypatch: pytest.MonkeyPatch
) -> Path:
    """`ccp` with two training photos, one of them with labels, and one for validation.

    `video` with one clip of six frames.
    """
    photos = tmp_path / "ccp"
    for name in ("0001", "0002", "0007"):
        write_picture(photos / "photos" / f"{name}.jpg", person.rgb)
        write_picture(photos / "mattes" / f"{name}.png", person.matte)
    write_picture(photos / "labels" / "0001.png", np.where(person.matte > 127, TAGS.index("dress"), 0).astype(np.uint8))
    (photos / "label_list.txt").write_text("\n".join(TAGS), encoding="utf-8")
    points = person.points.tolist()
    (photos / "keypoints18.json").write_text(
        json.dumps(dict.fromkeys(("0001", "0002", "0007"), points)), encoding="utf-8"
    )
    write_clip(tmp_path / "video" / f"{CLIP}.mp4", [person.rgb] * 6)
    for index in range(6):
        write_picture(tmp_path / "video" / f"{CLIP}.mattes" / f"{index:05d}.png", person.matte)
    other = drawn_pairs[1].source.pose.points.tolist()
    track = {"frames": [points, other, None, points, points, other]}
    (tmp_path / "video" / f"{CLIP}.keypoints18.json").write_text(json.dumps(track), encoding="utf-8")
    monkeypatch.setattr("motionwarp.data.packing.TRAINING_CLIPS_OF_TIER", {"first": (CLIP,)})
    monkeypatch.setattr("motionwarp.data.reposed.TRAINING_CLIPS", (CLIP,))
    monkeypatch.setattr(pairs, "CLIPS", {"train": (CLIP,), "validation": ()})
    return tmp_path


def described(rgb: ByteArray, pose: Pose) -> Person:
    """An analyzer to whom all is upper clothes."""
    height, width = rgb.shape[:2]
    parsing = np.full((height, width), labels.UPPER_CLOTHES, np.uint8)
    return Person(
        pose, PersonCrop(0, 0, 1.0, width=width, height=height), parsing, np.ones((height, width), np.float32)
    )


def test_training_photos_are_packed_at_the_packs_height(data: Path, person: LabeledPicture) -> None:
    first, second = samples_of_kind("photos", data, count=0, seed=0)
    assert [first.name, second.name] == ["ccp/0001", "ccp/0002"]  # 0007 is for validation
    assert first.rgb.shape[0] == 320
    scale = 320 / person.rgb.shape[0]
    np.testing.assert_allclose(first.points[:, :2] + 0.5, (person.points[:, :2] + 0.5) * scale, rtol=0.01)
    assert set(np.unique(first.parsing)) == {labels.BACKGROUND, labels.DRESS}
    assert set(np.unique(second.parsing)) == {labels.BACKGROUND, labels.IGNORE}  # no labels: known only where nobody is


def test_frames_of_clips_are_taken_so_many_a_second_where_there_are_points(data: Path, person: LabeledPicture) -> None:
    samples = list(samples_of_kind("clips", data, count=0, seed=0))
    assert [sample.name for sample in samples] == [
        f"{CLIP}/00000",
        f"{CLIP}/00004",
    ]  # 12.5 of 25 a second, and 2 has none
    for sample in samples:
        assert sample.rgb.shape[0] == 320
        rows, columns = np.nonzero(sample.matte > 127)
        seen = sample.points[sample.points[:, 2] > 0.3]
        assert columns.min() - 20 < seen[:, 0].min() < seen[:, 0].max() < columns.max() + 20
        assert rows.min() - 20 < seen[:, 1].min() < seen[:, 1].max() < rows.max() + 20


def test_a_frame_without_anybody_is_kept_whole() -> None:
    rgb = np.zeros((100, 50, 3), np.uint8)
    sample = cut_around(rgb, rgb[..., 0], None, np.zeros((18, 3), np.float32), PackSettings(height=40), "empty")
    assert sample.rgb.shape == (40, 20, 3)


def test_photos_are_reposed_as_often_as_asked(data: Path) -> None:
    samples = list(samples_of_kind("reposed", data, count=3, seed=5))
    assert [sample.name.rsplit("/", 1)[1] for sample in samples] == ["0", "1", "2"]
    assert {sample.name.split("/")[1] for sample in samples} == {"0001", "0002"}
    for sample in samples:
        assert sample.rgb.shape[0] == 320
        assert (sample.matte > 127).mean() > 0.02
        known = labels.DRESS if "0001" in sample.name else labels.IGNORE
        assert (sample.parsing[sample.matte > 250] == known).mean() > 0.9


def test_pairs_of_a_photo_are_it_and_its_person_in_another_pose(data: Path) -> None:
    pair = next(pairs_of_kind("reverse", data, 0, described))
    assert pair.name.startswith("reverse/000")
    assert pair.rgb.shape == (256, 192, 3)
    worn = pair.parsing[(pair.matte > 0.98) & pair.inside]
    expected = labels.DRESS if "0001" in pair.name else labels.UPPER_CLOTHES  # its labels, else what is seen
    assert (worn == expected).mean() > 0.95
    assert np.abs(pair.source.pose.points[:, :2] - pair.pose.points[:, :2]).max() > 5


def test_pairs_of_a_clip_are_two_of_its_frames(data: Path) -> None:
    pair = next(pairs_of_kind("clips", data, 0, described))
    assert pair.name.startswith(f"{CLIP}/")
    assert (pair.parsing[(pair.matte > 0.98) & pair.inside] == labels.UPPER_CLOTHES).mean() > 0.95


def test_pairs_to_measure_with_are_of_other_people(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held_out = pairs_of_kind("reverse", data, 0, described, "validation")
    assert {next(held_out).name.split("/")[1] for _ in range(3)} == {"0007"}
    monkeypatch.setattr(pairs, "CLIPS", {"train": (), "validation": (CLIP,)})
    assert next(pairs_of_kind("clips", data, 0, described, "validation")).name.startswith(f"{CLIP}/")
    drawn, others = (next(pairs_of_kind("synthetic", data, 0, split=split)) for split in ("train", "validation"))
    assert not np.array_equal(drawn.rgb, others.rgb)


def test_kinds_that_do_not_exist_are_refused_by_name(data: Path) -> None:
    with pytest.raises(OptionError, match="no kind of pack 'dreams'"):
        next(samples_of_kind("dreams", data, count=1, seed=0))
    with pytest.raises(OptionError, match="no kind of pairs 'dreams'") as caught:
        next(labeled_pairs_of_kind("dreams", data, 0))
    assert "deepfashion" in str(caught.value)


def test_drawn_pairs_and_samples_are_packed_as_many_as_asked(tmp_path: Path, drawn_samples: list[PartSample]) -> None:
    told: list[int] = []
    written = write_pair_pack(labeled_pairs_of_kind("synthetic", tmp_path, 0), 1, tmp_path / "pairs.pack", told.append)
    assert (written.pictures, told) == (1, [1])
    assert written.bytes == (tmp_path / "pairs.pack").stat().st_size
    told.clear()
    written = write_part_pack(iter(drawn_samples), 2, tmp_path / "parts.pack", told.append)
    assert (written.pictures, told) == (2, [1, 2])


def test_data_of_which_nothing_can_be_cut_ends_with_an_error(
    drawn_pairs: list[PersonPair], drawn_samples: list[PartSample], monkeypatch: pytest.MonkeyPatch
) -> None:
    outcomes: Iterator[PartSample | None] = iter([None, drawn_samples[0], *[None] * 200])
    monkeypatch.setattr(part_packing, "part_sample", lambda _: next(outcomes))
    samples = part_samples(iter(drawn_pairs[:1] * 1000))
    assert next(samples) is drawn_samples[0]
    with pytest.raises(InputError, match="200 pairs in a row show nobody"):
        next(samples)


@pytest.fixture
def pack(tmp_path: Path, person: LabeledPicture) -> Path:
    path = tmp_path / "a.pack"
    assert write_pack([person, person], path, lambda _: None).pictures == 2
    return path


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        ({"format": "other"}, "its format is 'other', not 'motionwarp-pack-1'"),
        ({"names": '{"a": 1}'}, "no list of names"),
        ({"names": "[1, 2]"}, "no list of names"),
        ({"names": "[" * 100_000}, "do not fit each other"),
        ({"names": '["a"]'}, "has the shape"),
        ({"rgb_ends": torch.tensor([5, 3])}, "rgb_ends does not lie within rgb_bytes"),
        ({"rgb_ends": torch.tensor([5, 10**12])}, "rgb_ends does not lie within rgb_bytes"),
        ({"points": torch.tensor(1.0)}, "points has the shape"),
    ],
)
def test_a_pack_whose_tables_do_not_fit_is_refused_when_opened(
    pack: Path, damage: dict[str, object], words: str
) -> None:
    tensors = load_file(pack)
    told = {
        "format": "motionwarp-pack-1",
        "names": '["a", "b"]',
        **{key: damage[key] for key in ("format", "names") if key in damage},
    }
    save_file({**tensors, **{key: value for key, value in damage.items() if key in tensors}}, pack, metadata=told)  # type: ignore[arg-type,dict-item]
    with pytest.raises(InputError, match=words) as caught:
        PackReader(pack)
    assert caught.value.subject == str(pack)


def test_a_damaged_sample_is_named_and_the_others_are_read(pack: Path) -> None:
    tensors = load_file(pack)
    tensors["rgb_bytes"][: int(tensors["rgb_ends"][0])] = 0
    save_file(tensors, pack, metadata={"format": "motionwarp-pack-1", "names": '["a", "b"]'})
    reader = PackReader(pack)
    with pytest.raises(InputError, match=r"the rgb of sample 0 \(a\) is damaged"):
        reader[0]
    assert reader[1].name == "b"


def test_frames_of_clips_are_written_by_person_and_time(tmp_path: Path, person: LabeledPicture) -> None:
    clips = tmp_path / "clips"
    write_clip(clips / "anna" / "one.mp4", [person.rgb] * 6)
    write_clip(clips / "ben" / "one.mp4", [person.rgb] * 2)
    photos, found = media_files(clips)
    assert photos == []
    told: list[str] = []

    def keep(clip: Path, name: str, rgb: ByteArray) -> bool:
        told.append(name)
        return not name.endswith("000002.png")

    people = frames_by_person(clips, found, "folder", tmp_path / "out", every_seconds=0.08, height=64, keep=keep)
    assert people == {"anna": ["anna_one_000000.png", "anna_one_000004.png"], "ben": ["ben_one_000000.png"]}
    assert told == ["anna_one_000000.png", "anna_one_000002.png", "anna_one_000004.png", "ben_one_000000.png"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [*people["anna"], *people["ben"]]
    assert cv2.imread(str(tmp_path / "out" / "ben_one_000000.png")).shape[0] == 64


def test_two_clips_whose_frames_would_have_one_name_are_refused(tmp_path: Path, person: LabeledPicture) -> None:
    clips = [tmp_path / "a" / "b.mp4", tmp_path / "a_b.mp4"]
    for clip in clips:
        write_clip(clip, [person.rgb])
    with pytest.raises(InputError, match="would be called as those of") as caught:
        frames_by_person(tmp_path, clips, "file", tmp_path / "out", every_seconds=1, height=64, keep=lambda *_: False)
    assert caught.value.subject == str(clips[1])
    assert not (tmp_path / "out").exists()


def test_a_clip_without_frames_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, person: LabeledPicture
) -> None:
    write_clip(tmp_path / "a.mp4", [person.rgb])
    monkeypatch.setattr("motionwarp.data.people_folder.open_video", lambda _: Empty())
    with pytest.raises(MediaError, match="has no frames"):
        list(islice(spaced_frames(tmp_path / "a.mp4", 1.0), 1))


class Empty:
    """A clip that opens and gives no frame."""

    def __enter__(self) -> list[object]:
        return []

    def __exit__(self, *_: object) -> None: ...


@pytest.mark.parametrize("degrees", [0, 60, 90, 180, -120])
def test_facing_follows_from_shoulders_and_hips_in_space(degrees: float) -> None:
    """Somebody who is turned towards the picture's right has the left shoulder away from the camera."""
    angle = np.deg2rad(degrees)
    world = np.zeros((33, 4))
    for left, right, half in ((11, 12, 0.2), (23, 24, 0.12)):
        world[left, [0, 2]] = half * np.cos(angle), half * np.sin(angle)
        world[right, [0, 2]] = -world[left, [0, 2]]
    assert facing_of_world(world.tolist()) == pytest.approx((np.cos(angle), np.sin(angle)))


def test_facing_is_not_known_of_a_twisted_or_missing_body() -> None:
    world = np.zeros((33, 4))
    world[11, 0], world[12, 0], world[23, 2], world[24, 2] = 0.2, -0.2, -0.2, 0.2
    world[23, 0], world[24, 0] = -0.2, 0.2
    assert facing_of_world(world.tolist()) is None
    assert facing_of_world(np.zeros((33, 4)).tolist()) is None
    assert facing_of_world(None) is None
