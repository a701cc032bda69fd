"""Data sets as they are made: what a clip holds, what is kept, and what bad input does."""

from __future__ import annotations

import json
import zipfile
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from motionwarp.datasets.analysis_cache import AnalysisCache
from motionwarp.datasets.clip_reader import read_body, read_warps
from motionwarp.datasets.config import CONFIG_NAME
from motionwarp.datasets.lock import LOCK, DatasetLock
from motionwarp.datasets.manifest import read_manifest
from motionwarp.datasets.options import Augmentation, RunSettings
from motionwarp.datasets.scratch import process_birth
from motionwarp.datasets.storage.factory import open_storage
from motionwarp.datasets.storage.local import LocalStorage
from motionwarp.errors import InputError, NoPersonError, OutputError
from motionwarp.media.reader import open_video
from motionwarp.pipeline.api import stream
from motionwarp.pipeline.setup import TransferSetup
from motionwarp.pose.formats.pose_file import read_track

from .conftest import CONFIG, FRAMES, INLINE, Inputs, make, tree

RESUME = replace(INLINE, resume=True)


def pictures(archive: Path) -> list[Any]:
    with zipfile.ZipFile(archive) as content:
        names = content.namelist()
        assert names == [f"{index:05d}.png" for index in range(len(names))]
        return [cv2.imdecode(np.frombuffer(content.read(name), np.uint8), cv2.IMREAD_UNCHANGED) for name in names]


def test_a_clip_holds_video_and_truth(finished: Path) -> None:
    folder = finished / "clips" / "ann__turn"
    record = json.loads((folder / "record.json").read_text())
    with open_video(folder / "video.mp4") as reader:
        frames = list(reader)
        size = reader.info.height, reader.info.width
    assert len(frames) == record["frames"] == FRAMES
    assert size == (record["height"], record["width"]) == (96, 54)
    parsings, mattes = pictures(folder / "parsing.zip"), pictures(folder / "matte.zip")
    assert len(parsings) == len(mattes) == FRAMES
    assert all(parsing.shape == matte.shape == size for parsing, matte in zip(parsings, mattes, strict=True))
    assert max(parsing.max() for parsing in parsings) < 20
    # classes lie where the person is, and the person is most of where classes lie
    for parsing, matte in zip(parsings, mattes, strict=True):
        assert (matte[parsing > 0] > 60).mean() > 0.98
        assert (parsing[matte > 250] > 0).mean() > 0.9
    track = read_track(folder / "poses.json")
    assert track.points.shape == (FRAMES, 18, 3)
    hips = track.points[:, [8, 11], :2].mean(axis=1).round().astype(int)
    assert all(matte[y, x] > 200 for matte, (x, y) in zip(mattes, hips, strict=True))
    theta, times, engine = read_warps(folder / "warps.npz")
    assert (len(theta), engine) == (FRAMES, "warping_gan")
    np.testing.assert_allclose(times, track.times_seconds)
    assert set(record["files"]) == {"video.mp4", "parsing.zip", "matte.zip", "poses.json", "warps.npz", "body.npz"}


def test_a_clip_holds_the_person_in_space(finished: Path) -> None:
    folder = finished / "clips" / "ann__turn"
    assert json.loads((folder / "record.json").read_text())["body_by"] == "engine"
    body, times = read_body(folder / "body.npz")
    track = read_track(folder / "poses.json")
    np.testing.assert_array_equal(body.present, track.present)
    np.testing.assert_allclose(times, track.times_seconds)
    drawn = body.joints[..., :2] * body.camera[:, None, :1] + body.camera[:, None, 1:]
    seen = (track.points[..., 2] > 0.3) & body.present[:, None]
    size = np.ptp(track.points[..., 1][seen])
    assert np.linalg.norm(drawn - track.points[..., :2], axis=-1)[seen].mean() < 0.05 * size
    assert (body.facing.certainty[body.present] > 0).all()
    broken = folder.parent.parent / "broken.npz"
    broken.write_bytes((folder / "body.npz").read_bytes()[:500])
    with pytest.raises(InputError, match="damaged"):
        read_body(broken)
    broken.unlink()


def test_pictures_are_those_of_a_transfer(inputs: Inputs, finished: Path, tmp_path: Path) -> None:
    options = replace(
        CONFIG.options, source_poses=inputs.folder / "person.json", driving_poses=inputs.folder / "step.json",
        seed=json.loads((finished / "clips/bea__step/record.json").read_text())["seed"],
    )  # fmt: skip
    single = [frame.rgb.astype(int) for frame in stream(inputs.folder / "bea.png", inputs.folder / "step.mp4", options)]
    with open_video(finished / "clips/bea__step/video.mp4") as reader:
        made = [frame.rgb.astype(int) for frame in reader]
    # but for the codec's losses
    assert all(np.abs(one - other).mean() < 4 for one, other in zip(single, made, strict=True))


def test_the_manifest_has_a_row_a_clip_in_the_plans_order(finished: Path) -> None:
    rows = read_manifest(LocalStorage(str(finished)))
    assert [row["id"] for row in rows] == ["ann__step", "ann__turn", "bea__step", "bea__turn"]
    hashes = tree(finished)
    for row in rows:
        assert row["status"] == "done"
        assert row["sha256"] == hashes[row["video"]]
        assert (row["source_licence"], row["driving_licence"]) == ("CC0-1.0", "MIT")
        assert (row["frames"], row["seconds"], row["engine"]) == (FRAMES, pytest.approx(0.5), "warping_gan")
    card = (finished / "README.md").read_text()
    assert "Nobody filmed these clips" in card
    assert "CC0-1.0" in card


def test_inputs_are_analyzed_once_and_kept_whole(inputs: Inputs, finished: Path) -> None:
    kept = [name for name in tree(finished) if name.startswith(".motionwarp/analysis/")]
    assert len(kept) == 4
    note = json.loads((finished / ".motionwarp/inputs/driving/step.json").read_text())
    motion, info = AnalysisCache(LocalStorage(str(finished))).load_motion(note["key"], Path("x.mp4"))
    given = read_track(inputs.folder / "step.json")
    np.testing.assert_array_equal(motion.track.points, given.points)
    assert (info.width, info.height, motion.end_seconds) == (72, 128, pytest.approx(0.5))


def test_variety_is_drawn_and_recorded(inputs: Inputs, tmp_path: Path) -> None:
    (tmp_path / "pool").mkdir()
    cv2.imwrite(str(tmp_path / "pool" / "red.png"), np.full((20, 20, 3), (0, 0, 255), np.uint8))
    variety = Augmentation("mixed", (0.6, 0.7), 0.0, 1.0, (2.0, 2.0), (str(tmp_path / "pool" / "red.png"),))
    config = replace(CONFIG, augmentation=variety, pairs="random:2", container="frames")
    make(inputs, tmp_path / "out", config)
    rows = read_manifest(LocalStorage(str(tmp_path / "out")))
    assert len(rows) == 2
    assert Counter(row["background"] for row in rows) == {"red.png": 2}
    for row in rows:
        assert 0.6 <= row["scale"] <= 0.7
        assert (row["mirrored"], row["speed"]) == (True, 2.0)
        assert row["seconds"] == pytest.approx(0.25)
        frames = sorted((tmp_path / "out" / row["video"]).iterdir())
        assert len(frames) == FRAMES
        picture = cv2.imread(str(frames[0]))
        assert picture[2, 2].tolist() == [0, 0, 255]


def test_a_bad_file_is_recorded_and_skipped(inputs: Inputs, finished: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_text("this is no picture")
    sources = tmp_path / "s.csv"
    poses = inputs.folder / "person.json"
    rows = f"{inputs.folder}/ann.png,ann,{poses}\n{tmp_path}/bad.png,bad,{poses}\n{tmp_path}/gone.png,gone,\n"
    sources.write_text(f"path,id,poses\n{rows}")
    some = replace(inputs, sources=sources)
    summary = make(some, tmp_path / "out")
    assert (summary.clips, summary.done, summary.failed, summary.inputs_failed) == (6, 2, 4, 2)
    made = {row["id"]: row for row in read_manifest(LocalStorage(str(tmp_path / "out")))}
    assert [row["status"] for row in made.values()] == ["done", "done", "failed", "failed", "failed", "failed"]
    assert "bad.png" in made["bad__step"]["error"]
    assert made["bad__step"]["tries"] == 1
    assert "gone.png: there is no such file" in made["gone__turn"]["error"]
    # the good ones are what they would have been without the bad
    assert made["ann__step"]["sha256"] == tree(finished)["clips/ann__step/video.mp4"]
    again = make(some, tmp_path / "out", settings=RESUME)
    assert (again.made, again.failed) == (0, 4)
    cv2.imwrite(str(tmp_path / "bad.png"), cv2.imread(str(inputs.folder / "bea.png")))
    retried = make(some, tmp_path / "out", settings=replace(RESUME, retry_failed=True))
    assert (retried.made, retried.failed) == (2, 2)
    assert tree(tmp_path / "out")["clips/bad__step/video.mp4"] != tree(finished)["clips/ann__step/video.mp4"]


def test_no_usable_input_is_an_error(inputs: Inputs, tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text("path\ngone.png\n")
    with pytest.raises(InputError, match=r"not one source is of use.*gone\.png"):
        make(replace(inputs, sources=tmp_path / "s.csv"), tmp_path / "out")


def test_what_is_there_is_not_touched(inputs: Inputs, finished: Path, tmp_path: Path) -> None:
    (tmp_path / "precious.txt").write_text("x")
    with pytest.raises(OutputError, match=r"holds something else \('precious\.txt'\)"):
        make(inputs, tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["precious.txt"]
    before = tree(finished)
    with pytest.raises(OutputError, match="was begun here"):
        make(inputs, finished)
    with pytest.raises(OutputError, match='size was "96", now "128"'):
        make(inputs, finished, replace(CONFIG, options=replace(CONFIG.options, size=128)), RESUME)
    summary = make(inputs, finished, settings=RESUME)
    assert (summary.made, summary.done, summary.inputs_seen) == (0, 4, 0)
    assert tree(finished) == before


def test_an_input_that_has_changed_is_told(inputs: Inputs, tmp_path: Path) -> None:
    sources = tmp_path / "s.csv"
    picture = tmp_path / "ann.png"
    picture.write_bytes((inputs.folder / "ann.png").read_bytes())
    sources.write_text(f"path,poses\nann.png,{inputs.folder}/person.json\n")
    some = replace(inputs, sources=sources)
    make(some, tmp_path / "out")
    (tmp_path / "out" / "clips" / "ann__step" / "record.json").unlink()
    picture.write_bytes((inputs.folder / "bea.png").read_bytes())
    with pytest.raises(InputError, match=r"ann\.png: has changed since"):
        make(some, tmp_path / "out", settings=RESUME)


def test_a_full_disk_ends_the_run_and_loses_nothing(
    inputs: Inputs, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from motionwarp.datasets import clip_writer as clip_making

    real = clip_making.write_warps
    calls: list[Path] = []

    def full(folder: Path, *arguments: Any) -> None:
        calls.append(folder)
        if len(calls) == 3:
            raise OSError(28, "No space left on device")
        real(folder, *arguments)

    monkeypatch.setattr(clip_making, "write_warps", full)
    with pytest.raises(OutputError, match=r"clips/bea__step: the disk is full"):
        make(inputs, tmp_path / "out")
    assert not (tmp_path / "out" / ".motionwarp" / "pending").exists()
    assert sorted(folder.name for folder in (tmp_path / "out" / "clips").iterdir()) == ["ann__step", "ann__turn"]
    monkeypatch.undo()
    summary = make(inputs, tmp_path / "out", settings=RESUME)
    assert summary.made == 2
    assert tree(tmp_path / "out") == tree(finished)


def test_failures_of_ours_are_tried_three_times(
    inputs: Inputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from motionwarp.datasets import clip_writer as clip_making

    tried: Counter[str] = Counter()
    real = clip_making.write_poses

    def flaky(path: Path, *arguments: Any) -> None:
        name = path.parent.name.split(".")[1]
        tried[name] += 1
        if name == "ann__step" or (name == "bea__turn" and tried[name] < 3):
            raise RuntimeError("a defect")
        real(path, *arguments)

    monkeypatch.setattr(clip_making, "write_poses", flaky)
    summary = make(inputs, tmp_path / "out")
    assert tried == {"ann__step": 3, "ann__turn": 1, "bea__step": 1, "bea__turn": 3}
    assert (summary.done, summary.failed, summary.retried) == (3, 1, 4)
    assert summary.errors == ["RuntimeError: a defect"]
    record = json.loads((tmp_path / "out" / "failed" / "ann__step.json").read_text())
    assert (record["status"], record["tries"], record["error_kind"]) == ("failed", 3, "RuntimeError")


def test_errors_of_transfers_belong_to_their_clips(
    inputs: Inputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody(setup: TransferSetup, *_: Any, **__: Any) -> Any:
        raise NoPersonError("nobody is there", subject=setup.driving)

    monkeypatch.setattr("motionwarp.datasets.clip_writer.plan_transfer", nobody)
    summary = make(inputs, tmp_path / "out")
    assert (summary.failed, summary.retried) == (4, 0)


def test_two_runs_in_one_folder_are_refused_by_name(inputs: Inputs, tmp_path: Path) -> None:
    storage = open_storage(str(tmp_path / "out"))
    with DatasetLock(storage), pytest.raises(OutputError, match="another run is writing here: process"):
        make(inputs, tmp_path / "out")
    assert not storage.exists(LOCK)


@pytest.mark.parametrize(
    "change",
    [
        {"pid": 2**22 + 7},
        {"birth": "1"},  # the number has come again
        None,  # half written by a host that lost power
    ],
)
def test_stale_locks_are_taken_over(tmp_path: Path, change: dict[str, Any] | None) -> None:
    if change is not None and "birth" in change and not process_birth(1):
        pytest.skip("this system does not tell when a process began")
    storage = LocalStorage(str(tmp_path))
    with DatasetLock(storage):
        content = storage.read(LOCK)
    stale = b"{" if change is None else json.dumps({**json.loads(content), **change}).encode()
    storage.write(LOCK, stale)
    with DatasetLock(storage):
        assert storage.read(LOCK) != stale
    assert not storage.exists(LOCK)


def test_locks_of_other_hosts_are_respected_until_they_are_broken(tmp_path: Path) -> None:
    storage = LocalStorage(str(tmp_path))
    with DatasetLock(storage):
        owner = json.loads(storage.read(LOCK))
    storage.write(LOCK, json.dumps({**owner, "host": "node-17", "pid": 4}).encode())
    with pytest.raises(OutputError, match=r"process 4 on node-17.*`break_lock`"), DatasetLock(storage):
        pass
    with DatasetLock(storage, force=True):
        pass


def test_the_stored_configuration_names_no_run_settings(finished: Path) -> None:
    stored = json.loads((finished / CONFIG_NAME).read_text())
    assert not {"resume", "executor", "workers"} & set(stored)
    assert RunSettings().executor.name == "local"
