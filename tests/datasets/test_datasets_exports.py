"""Data sets checked, described, and in the forms of other programs."""

from __future__ import annotations

import json
import shutil
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pytest
from pyarrow import parquet

from motionwarp.datasets.clip_reader import ClipReader
from motionwarp.datasets.coverage import CELLS, FRAME_CELLS, REACH, Coverage, draw_coverage, measure_coverage
from motionwarp.datasets.export import annotation, check_export_place, export_coco, export_openpose
from motionwarp.datasets.manifest import read_manifest, write_manifest
from motionwarp.datasets.records import ClipRecord, read_record
from motionwarp.datasets.shards import ShardLimits, write_shards
from motionwarp.datasets.storage.local import LocalStorage
from motionwarp.datasets.verify import verify
from motionwarp.errors import InputError, OutputError
from motionwarp.pose import skeleton as sk
from motionwarp.pose.formats.pose_file import read_track
from motionwarp.pose.formats.written_forms import COCO_POINTS
from motionwarp.types import PoseTrack

from .conftest import FRAMES, Inputs, make, tree


@pytest.fixture
def copy(finished: Path, tmp_path: Path) -> Path:
    """A copy of the data set that may be changed."""
    shutil.copytree(finished, tmp_path / "set")
    return tmp_path / "set"


def storage(folder: Path) -> LocalStorage:
    return LocalStorage(str(folder))


def test_a_sound_data_set_is_sound(finished: Path) -> None:
    report = verify(storage(finished))
    assert report.problems == []
    assert (report.clips, report.failed, report.files) == (4, 0, 24)


@pytest.mark.parametrize(
    ("damage", "expected", "quick"),
    [
        (lambda clip: (clip / "matte.zip").unlink(), "matte.zip is missing", True),
        (lambda clip: (clip / "video.mp4").write_bytes(b"x"), "video.mp4 has 1 bytes, not", True),
        (lambda clip: (clip / "note.txt").touch(), "note.txt is not in its record", True),
        (lambda clip: (clip / "record.json").write_text("{"), "record cannot be read", True),
        (lambda clip: shutil.copytree(clip, clip.with_name("stranger")), "stranger: is not in the manifest", True),
        (lambda clip: flip(clip / "warps.npz"), "warps.npz has another checksum", False),
    ],
)
def test_damage_is_told_by_clip_and_file(copy: Path, damage: object, expected: str, quick: bool) -> None:
    damage(copy / "clips" / "ann__step")  # type: ignore[operator]
    problems = verify(storage(copy)).problems
    assert len(problems) == 1
    assert expected in problems[0]
    assert bool(verify(storage(copy), deep=False).problems) is quick


def changed_record(clip: Path, **changes: Any) -> ClipRecord:
    """Change what a clip's record says."""
    record = replace(ClipRecord.from_bytes((clip / "record.json").read_bytes(), "record"), **changes)
    (clip / "record.json").write_bytes(record.as_bytes())
    return record


def test_a_record_that_says_something_else_than_the_manifest_or_the_pictures_is_told(copy: Path) -> None:
    clip = copy / "clips" / "ann__step"
    record = changed_record(clip, frames=FRAMES + 1, width=10)
    problems = verify(storage(copy)).problems
    assert "the manifest and the clip's record differ in width, frames" in problems[0].replace(
        "frames, width", "width, frames"
    )
    assert sum(f", not 10x{record.height}" in problem for problem in problems) == 2 * FRAMES
    assert sum(f"has {FRAMES} frames, not {FRAMES + 1}" in problem for problem in problems) == 6


def flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def test_what_is_no_data_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no manifest"):
        verify(storage(tmp_path))
    (tmp_path / "manifest.parquet").write_bytes(b"PAR0")
    with pytest.raises(InputError, match="cannot be read as Parquet"):
        read_manifest(storage(tmp_path))
    texts = pyarrow.array([b"\xff"]).view(pyarrow.string())  # a text that is none, as damage makes it
    parquet.write_table(pyarrow.table({"id": texts}), tmp_path / "manifest.parquet")
    with pytest.raises(InputError, match="cannot be read as Parquet"):
        read_manifest(storage(tmp_path))


def test_openpose_files_read_back_are_the_points(finished: Path, tmp_path: Path) -> None:
    assert export_openpose(storage(finished), storage(tmp_path)) == 4 * FRAMES
    files = sorted(file.name for file in (tmp_path / "bea__turn").iterdir())
    assert files == [f"bea__turn_{index:012d}_keypoints.json" for index in range(FRAMES)]
    track, read = ClipReader(storage(finished), "bea__turn").track(), read_track(tmp_path / "bea__turn", fps=10)
    np.testing.assert_allclose(read.points[..., :2], track.points[..., :2] * (track.points[..., 2:] > 0), atol=1e-3)
    assert (read.width, read.height) == (track.width, track.height)


def test_openpose_files_have_what_readers_expect_and_leave_others_alone(finished: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("precious")
    with pytest.raises(OutputError, match="holds something already"):
        export_openpose(storage(finished), storage(tmp_path))
    (tmp_path / "ann__step").mkdir()
    (tmp_path / "ann__step" / "of-an-older-export.json").touch()
    export_openpose(storage(finished), storage(tmp_path), overwrite=True)
    assert (tmp_path / "thesis.txt").read_text() == "precious"
    assert len(list((tmp_path / "ann__step").iterdir())) == FRAMES
    (person,) = json.loads((tmp_path / "ann__step" / "ann__step_000000000000_keypoints.json").read_text())["people"]
    names = {
        f"{part}_keypoints_{form}" for part in ("pose", "face", "hand_left", "hand_right") for form in ("2d", "3d")
    }
    assert set(person) == {"person_id", *names}
    assert [len(person[name]) for name in ("pose_keypoints_2d", "pose_keypoints_3d", "face_keypoints_2d")] == [54, 0, 0]


@pytest.mark.parametrize(
    "part", ["", "clips", "clips/ann__step/poses.json", "manifest.parquet", "README.md", "shards", ".motionwarp"]
)
def test_exports_never_go_over_the_data_set(finished: Path, tmp_path: Path, part: str) -> None:
    (tmp_path / "link").symlink_to(finished)
    for place in (finished / part, tmp_path / "link" / part):
        with pytest.raises(OutputError, match="a part of the data set itself"):
            check_export_place(storage(finished), str(place))
    check_export_place(storage(finished), str(finished / "keypoints.json"))
    check_export_place(storage(finished), str(tmp_path / "clips"))


def test_coco_has_every_frame_with_its_points_and_box(finished: Path, tmp_path: Path) -> None:
    assert export_coco(storage(finished), storage(tmp_path), "k.json") == 4 * FRAMES
    content = json.loads((tmp_path / "k.json").read_text())
    # COCO's evaluation takes an annotation of id 0 for one that was not found
    assert [image["id"] for image in content["images"]] == list(range(1, 4 * FRAMES + 1))
    assert [annotation["id"] for annotation in content["annotations"]] == list(range(1, 4 * FRAMES + 1))
    assert content["categories"][0]["keypoints"][5] == "left_shoulder"
    third = content["annotations"][2 * FRAMES + 3]
    assert (third["image_id"], content["images"][2 * FRAMES + 3]["clip"]) == (2 * FRAMES + 4, "bea__step")
    clip = ClipReader(storage(finished), "bea__step")
    points, matte = clip.track().points[3], list(clip.mattes())[3]
    keypoints = np.array(third["keypoints"]).reshape(17, 3)
    seen = keypoints[:, 2] > 0
    np.testing.assert_allclose(keypoints[seen, :2], points[list(COCO_POINTS)][seen, :2], atol=0.006)
    left, top, width, height = third["bbox"]
    inside = matte[top : top + height, left : left + width] > 127
    assert inside.sum() == (matte > 127).sum() == third["area"]
    assert inside.any(axis=0)[[0, -1]].all()
    assert inside.any(axis=1)[[0, -1]].all()


def test_visibility_follows_frame_and_coverage() -> None:
    matte = np.zeros((20, 10), dtype=np.uint8)
    matte[5:15, 2:6] = 255
    points = np.zeros((18, 3), dtype=np.float32)
    points[sk.NOSE] = 3, 6, 1
    points[sk.LEFT_EYE] = 8, 6, 1
    points[sk.RIGHT_EYE] = -3, 6, 1
    points[sk.NECK] = 3, 7, 1
    made = annotation(points, matte)
    assert made["keypoints"][:9] == [3, 6, 2, 8, 6, 1, 0, 0, 0]
    assert (made["num_keypoints"], made["bbox"], made["area"]) == (2, [2, 5, 4, 10], 40)


def test_shards_hold_whole_clips_in_order_and_are_made_once(copy: Path) -> None:
    names = write_shards(storage(copy), ShardLimits(clips=3))
    assert names == ["shards/clips-000000.tar", "shards/clips-000001.tar"]
    members: list[str] = []
    for name in names:
        with tarfile.open(copy / name) as archive:
            members += archive.getnames()
            assert all((entry.mtime, entry.uid) == (0, 0) for entry in archive.getmembers())
    # as WebDataset groups them: by the name up to the first dot
    samples = list(dict.fromkeys(member.partition(".")[0] for member in members))
    assert samples == ["ann__step", "ann__turn", "bea__step", "bea__turn"]
    endings = {member.partition(".")[2] for member in members if member.startswith("bea__turn.")}
    assert endings == {"json", "mp4", "poses.json", "parsing.zip", "matte.zip", "warps.npz", "body.npz"}
    with tarfile.open(copy / names[1]) as archive:
        stream = archive.extractfile("bea__turn.mp4")
        assert stream is not None
        assert stream.read() == (copy / "clips/bea__turn/video.mp4").read_bytes()
    before, stamp = tree(copy), (copy / names[0]).stat().st_mtime_ns
    write_shards(storage(copy), ShardLimits(clips=3))
    assert (copy / names[0]).stat().st_mtime_ns == stamp
    (copy / "shards" / "index.json").unlink()
    write_shards(storage(copy), ShardLimits(clips=3))
    assert tree(copy) == before
    assert len(write_shards(storage(copy), ShardLimits(bytes=1))) == 4


def test_shards_that_do_not_fit_are_told(copy: Path) -> None:
    write_shards(storage(copy), ShardLimits(clips=2))
    assert verify(storage(copy)).problems == []
    flip(copy / "shards" / "clips-000001.tar")
    assert verify(storage(copy), deep=False).problems == []
    assert verify(storage(copy)).problems == [
        "shards/clips-000001.tar: has another checksum than shards/index.json says"
    ]
    (copy / "shards" / "clips-000000.tar").rename(copy / "shards" / "mine.tar")
    assert verify(storage(copy), deep=False).problems == [
        "shards/mine.tar: is not in shards/index.json", "shards/clips-000000.tar: is missing",
    ]  # fmt: skip
    write_manifest(storage(copy), [])
    assert "shards: were made before the manifest" in verify(storage(copy)).problems[-1]
    (copy / "shards" / "index.json").unlink()
    assert "shards: are unfinished" in verify(storage(copy)).problems[-1]


def test_ids_may_be_as_long_as_names_of_files_get(inputs: Inputs, tmp_path: Path) -> None:
    long = "x" * 80
    for kind, name in (("sources", "ann.png"), ("drivings", "step.mp4")):
        poses = {"sources": "person.json", "drivings": "step.json"}[kind]
        (tmp_path / f"{kind}.csv").write_text(f"path,id,poses\n{inputs.folder / name},{long},{inputs.folder / poses}\n")
    make(replace(inputs, sources=tmp_path / "sources.csv", drivings=tmp_path / "drivings.csv"), tmp_path / "set")
    (name,) = write_shards(storage(tmp_path / "set"))
    with tarfile.open(tmp_path / "set" / name, "r|") as archive:
        assert f"{long}__{long}.parsing.zip" in [member.name for member in archive]
    export_openpose(storage(tmp_path / "set"), storage(tmp_path / "poses"))


def test_failures_and_the_manifest_must_agree(copy: Path) -> None:
    failed = ClipRecord("x__y", "x", "y", 0, 1, "failed", error="no", tries=1)
    made = [read_record(storage(copy), row["id"]) for row in read_manifest(storage(copy))]
    write_manifest(storage(copy), [*(record for record in made if record is not None), failed])
    assert verify(storage(copy)).problems == ["failed/x__y.json: is missing"]
    storage(copy).write("failed/x__y.json", failed.as_bytes())
    assert verify(storage(copy)).problems == []
    storage(copy).write("failed/z__y.json", failed.as_bytes())
    assert verify(storage(copy)).problems == ["failed/z__y.json: is not in the manifest"]
    (copy / "failed" / "z__y.json").unlink()
    (copy / "clips" / "x__y").mkdir()
    assert verify(storage(copy)).problems == ["x__y: is there, but failed in the manifest"]


def moving(speed: float, frames: int = 11) -> PoseTrack:
    """A frontal body with a torso of 20 pixels whose wrists move right by `speed` torsos a second, at 10 frames/s."""
    points = np.ones((frames, 18, 3), dtype=np.float32)
    points[..., :2] = 50
    points[:, sk.NECK, 1] = 30
    points[:, [sk.RIGHT_SHOULDER, sk.LEFT_SHOULDER], 1] = 30
    points[:, sk.RIGHT_SHOULDER, 0], points[:, sk.LEFT_SHOULDER, 0] = 40, 60
    for wrist in (sk.RIGHT_WRIST, sk.LEFT_WRIST):
        points[:, wrist, 0] = 50 + 20 * speed * np.arange(frames) / 10
    return PoseTrack(points, np.ones(frames, bool), np.arange(frames) / 10, 100, 80)


def test_coverage_counts_what_is_known() -> None:
    coverage = Coverage()
    coverage.add(moving(2.1), "a", "x", 1.1)
    coverage.add(moving(2.1), "a", "y", 1.1)
    statistics = coverage.statistics()
    assert statistics["people"] == {"count": 1, "least": 2, "median": 2.0, "most": 2}
    assert statistics["wrist_speed_median"] == pytest.approx(2.125)  # the middle of its bin
    assert statistics["views"] == {"front": 1.0, "side": 0.0, "back": 0.0}
    # the hips' middle is the middle of the map, and at (50, 50) of 100 x 80
    assert coverage.poses[sk.RIGHT_HIP, CELLS // 2, CELLS // 2] == 22
    assert coverage.positions[int(50 / 80 * FRAME_CELLS), FRAME_CELLS // 2] == 22
    neck = int((-1 + REACH) / (2 * REACH) * CELLS)
    assert coverage.poses[sk.NECK, neck, CELLS // 2] == 22


def test_coverage_of_a_set_is_drawn(finished: Path) -> None:
    coverage = measure_coverage(storage(finished))
    assert coverage.clips_of_person == {"ann": 2, "bea": 2}
    assert coverage.frames == 4 * FRAMES
    picture = draw_coverage(coverage)
    assert picture.dtype == np.uint8
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 20


def test_bars_of_nothing_are_not_drawn() -> None:
    coverage = Coverage()
    coverage.add(moving(2.1), "a", "x", 1.1)
    upright = draw_coverage(coverage)[330:660, 420:]  # the views: all of them from the front
    blue = (upright == (70, 120, 180)).all(axis=-1)
    assert blue[:, 40:140].any()
    assert not blue[:, 160:].any()


def test_parsings_read_back_are_classes(finished: Path) -> None:
    parsings = list(ClipReader(storage(finished), "ann__step").parsings())
    assert len(parsings) == FRAMES
    assert len(np.unique(parsings[0])) > 3
