"""What evaluations say of places, labels and settings that cannot be used, and of processes that end."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from made_pairs import scene, write_picture
from moving_box import BoxEstimator, points_of, write_clip
from moving_box import scene as box_scene

from motionwarp.errors import InputError, MediaError, NoPersonError, OptionError, OutputError
from motionwarp.evaluation.clip_labels import read_labels
from motionwarp.evaluation.comparison import _small
from motionwarp.evaluation.options import Origin, ReenactmentSettings, ReverseSettings
from motionwarp.evaluation.pairs import image_metrics as measuring
from motionwarp.evaluation.pairs.image_metrics import PictureTask, measure, measure_all
from motionwarp.evaluation.pairs.network_metrics import (
    NamedTask,
    _equal_batches,
    lpips_metrics,
    parsing_metrics,
    pose_metrics,
)
from motionwarp.evaluation.pairs.people import People
from motionwarp.evaluation.pairs.report import make_folder, write_whole
from motionwarp.evaluation.pairs.score_cache import Score, ScoreCache
from motionwarp.evaluation.pairs.thumbnails import chosen_rows, data_address
from motionwarp.evaluation.published import Published
from motionwarp.geometry.optical_flow import backward_flow, warped_by
from motionwarp.types import Pose

CPU = torch.device("cpu")


def full_disk(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_report_is_not_put_where_something_else_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "taken").write_text("mine", encoding="utf-8")
    with pytest.raises(OutputError, match="is no folder"):
        make_folder(tmp_path / "taken")
    with monkeypatch.context() as patch:
        patch.setattr(Path, "mkdir", full_disk)
        with pytest.raises(OutputError, match="full"):
            make_folder(tmp_path / "new")
    monkeypatch.setattr(Path, "write_bytes", full_disk)
    with pytest.raises(OutputError, match="full"):
        write_whole(tmp_path / "report.html", "<html>")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_the_settings_of_a_reenactment_are_checked_and_told() -> None:
    for wrong in ({"every": 0}, {"rows": -1}, {"source_detail": 0.0}, {"background": 256}):
        with pytest.raises(OptionError, match="out of range"):
            ReenactmentSettings(**wrong)  # type: ignore[arg-type]
    for size in (31, 4097):
        with pytest.raises(OptionError, match="out of range") as caught:
            ReenactmentSettings(full_frame=size)
        assert caught.value.subject == f"full_frame={size}"
    with pytest.raises(OptionError, match="windows that move"):
        ReenactmentSettings(smooth_theta=1.0)
    told = ReenactmentSettings(smooth_theta=1.0, window="clip").protocol()
    assert (told["framing"], told["window"], told["smooth_theta"]) == ("crop 256x192", "clip", 1.0)
    assert ReenactmentSettings(full_frame=512).protocol()["framing"] == "full frame 512x512"


def test_the_settings_of_reversed_pairs_are_checked() -> None:
    for wrong in ({"count": 0}, {"rows": -1}, {"source_detail": 9.0}, {"background": -1}):
        with pytest.raises(OptionError, match="out of range"):
            ReverseSettings(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("poses", "mattes", "missing"), [("given", "auto", "box.keypoints18.json"), ("auto", "given", "box.mattes")]
)
def test_labels_that_were_asked_for_must_be_there(tmp_path: Path, poses: str, mattes: str, missing: str) -> None:
    clip = write_clip(tmp_path, [20, 30], labeled=False)
    with pytest.raises(InputError, match="no such labels") as caught:
        read_labels(clip, None, Origin(poses), Origin(mattes), BoxEstimator())
    assert caught.value.subject == str(tmp_path / missing)


def test_labels_of_another_clip_are_told_by_their_number(tmp_path: Path) -> None:
    write_clip(tmp_path, [20, 30, 40])
    clip = write_clip(tmp_path, [20, 30], labeled=False)
    with pytest.raises(InputError, match="labels are for 3 frames, but it has 2"):
        read_labels(clip, None, Origin.ANALYZER, Origin.AUTO, BoxEstimator())


def test_a_clip_without_anybody_is_named(tmp_path: Path) -> None:
    clip = write_clip(tmp_path, [None, None], labeled=False)
    with pytest.raises(NoPersonError) as caught:
        read_labels(clip, None, Origin.AUTO, Origin.AUTO, BoxEstimator())
    assert caught.value.subject == str(clip)


def test_flow_needs_frames_of_one_shape() -> None:
    with pytest.raises(ValueError, match=r"one shape, got \(20, 30, 3\) and \(20, 31, 3\)"):
        backward_flow(np.zeros((20, 30, 3), np.uint8), np.zeros((20, 31, 3), np.uint8))
    with pytest.raises(ValueError, match="the flow of a 20x30 frame"):
        warped_by(np.zeros((20, 30, 3), np.uint8), np.zeros((20, 31, 2), np.float32))


def test_a_ledger_that_cannot_be_read_or_written_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        ScoreCache(tmp_path)  # a folder
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(OutputError, match="cannot be written"), ScoreCache(tmp_path / "file" / "scores.jsonl"):
        pass
    score = Score("stamp", {"ssim": 0.5})
    cache = ScoreCache(tmp_path / "scores.jsonl")
    with pytest.raises(RuntimeError, match="inside its with block"):
        cache.add("a", score)
    with cache:
        cache.add("a", score)
        monkeypatch.setattr(cache, "_file", SimpleNamespace(write=full_disk, close=lambda: None))
        with pytest.raises(OutputError, match="cannot be written") as caught:
            cache.add("b", score)
    assert caught.value.subject == str(tmp_path / "scores.jsonl")
    assert ScoreCache(tmp_path / "scores.jsonl").holds("a", "stamp")


def test_rows_that_are_no_scores_are_scored_again(tmp_path: Path) -> None:
    path = tmp_path / "scores.jsonl"
    path.write_text(
        '{"pair": "a", "stamp": "s", "figures": {"ssim": "high"}}\n[]\n{"pair": "b", "stamp": "s", "figures": {"ssim": '
        "null}}\n"
    )
    cache = ScoreCache(path)
    assert not cache.holds("a", "s")
    assert cache.holds("b", "s")
    assert np.isnan(cache.scores["b"].metrics["ssim"])


MEASURING = """
import sys
from pathlib import Path
from motionwarp.evaluation.pairs.image_metrics import PictureTask, measure_all

if __name__ == "__main__":
    picture = Path(sys.argv[1])
    for _ in measure_all([PictureTask(picture, picture, None)] * 100_000, "exact", variants=False, jobs=2):
        print("measured", flush=True)
"""


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="needs groups of processes")
def test_no_process_that_measures_outlives_one_that_is_killed(tmp_path: Path, repository_root: Path) -> None:
    write_picture(tmp_path / "a.png", scene(60))
    (tmp_path / "measuring.py").write_text(MEASURING)
    process = subprocess.Popen(
        [sys.executable, str(tmp_path / "measuring.py"), str(tmp_path / "a.png")],
        env={**os.environ, "PYTHONPATH": str(repository_root), "OMP_NUM_THREADS": "1"}, stdout=subprocess.PIPE,
        start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == b"measured\n"
    process.kill()
    process.wait()
    try:
        last = time.monotonic() + 60
        while time.monotonic() < last:
            os.killpg(process.pid, 0)
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGKILL)
        pytest.fail("processes wait for tasks of one that is gone")
    except ProcessLookupError:
        pass
    finally:
        process.stdout.close()


def test_a_process_that_is_killed_is_told_after_what_was_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_picture(tmp_path / "a.png", scene(60))
    tasks = [PictureTask(tmp_path / "a.png", tmp_path / "a.png", None)] * 100
    ended: list[bool] = []

    class Pool:
        def __init__(self, *_: object, **__: object) -> None: ...

        def map(self, work: object, tasks: list[PictureTask], chunksize: int) -> object:
            yield "first"
            raise BrokenProcessPool("killed")

        def shutdown(self, *, wait: bool, cancel_futures: bool) -> None:
            ended.append(wait and cancel_futures)

    monkeypatch.setattr(measuring, "ProcessPoolExecutor", Pool)
    outcomes = measure_all(tasks, "exact", variants=False, jobs=2)
    assert next(outcomes) == "first"
    with pytest.raises(InputError, match="was killed"):
        next(outcomes)
    assert ended == [True]


def test_pictures_too_small_for_a_window_are_an_outcome_not_an_end(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.png", scene(60)[:5, :5])
    outcome = measure(PictureTask(tmp_path / "a.png", tmp_path / "a.png", None), "exact")
    assert outcome.error is not None
    assert str(tmp_path / "a.png") in outcome.error


def test_batches_end_where_the_size_of_pictures_changes(tmp_path: Path) -> None:
    paths = []
    for index, (height, width) in enumerate([(20, 30)] * 17 + [(30, 20)] * 2):
        paths.append(tmp_path / f"{index:02d}.png")
        write_picture(paths[-1], np.full((height, width, 3), index, np.uint8))
    shapes = [tuple(batch.shape) for batch in _equal_batches(paths, CPU)]
    assert shapes == [(16, 3, 20, 30), (1, 3, 20, 30), (2, 3, 30, 20)]
    assert list(_equal_batches([], CPU)) == []


def test_the_parsing_of_a_person_at_given_points_is_that_of_the_estimator() -> None:
    people = People({}, BoxEstimator)
    rgb = box_scene(40)
    parsing, _ = people.seen(rgb, Pose(points_of(40, 40, 32, 96)))
    assert ((parsing > 0) == (rgb[..., 0] > 180)).mean() > 0.99


def test_an_error_about_a_picture_names_its_file(tmp_path: Path) -> None:
    write_picture(tmp_path / "empty.png", box_scene(None))
    people = People({}, BoxEstimator)
    with pytest.raises(NoPersonError) as caught:
        people.pose("empty", tmp_path / "empty.png")
    assert caught.value.subject == str(tmp_path / "empty.png")
    with pytest.raises(MediaError) as missing:
        people.pose("gone", tmp_path / "gone.png")
    assert missing.value.subject == str(tmp_path / "gone.png")


def test_a_pair_that_cannot_be_seen_is_an_outcome_not_an_end(tmp_path: Path) -> None:
    write_picture(tmp_path / "truth.png", box_scene(40))
    write_picture(tmp_path / "empty.png", box_scene(None))
    people = People({}, BoxEstimator)
    good = NamedTask("truth", PictureTask(tmp_path / "truth.png", tmp_path / "truth.png", None))
    nobody = NamedTask("truth", PictureTask(tmp_path / "empty.png", tmp_path / "truth.png", None))
    gone = NamedTask("truth", PictureTask(tmp_path / "gone.png", tmp_path / "truth.png", None))
    poses = list(pose_metrics([good, nobody, gone], people, "exact"))
    assert poses[0].metrics == {"akd": 0.0, "mkr": 0.0, "pckh": 1.0}
    assert poses[1].metrics["mkr"] == 1
    assert "gone.png" in str(poses[2].error)
    parsings = list(parsing_metrics([good, nobody, gone], people, "exact"))
    assert parsings[0].metrics["parsing_miou"] == 1
    assert [outcome.error is None for outcome in parsings] == [True, False, False]

    def no_network(*_: object) -> torch.Tensor:
        raise AssertionError("nothing is there to be compared")

    (outcome,) = lpips_metrics([gone], no_network, CPU, "exact")  # type: ignore[arg-type]
    assert "gone.png" in str(outcome.error)


def test_the_worst_and_the_best_are_shown_where_there_are_too_many() -> None:
    assert chosen_rows(range(3), 4) == [0, 1, 2]
    assert chosen_rows(range(10), 5) == [0, 1, 2, 8, 9]


def test_large_pictures_are_reduced_for_a_page_and_a_sheet() -> None:
    large = np.zeros((1000, 500, 3), np.uint8)
    assert len(data_address(large)) < len(data_address(np.zeros((256, 128, 3), np.uint8))) * 1.5
    small = _small(large)
    assert small.shape[0] < 1000
    assert small.shape[0] == 2 * small.shape[1]
    assert _small(small) is small


def test_a_published_figure_needs_a_source_and_a_known_name() -> None:
    Published("A", "deepfashion", {"ssim": 0.7}, "table 1")
    for changes in ({"metrics": {"beauty": 1.0}}, {"source": ""}, {"dataset": "mine"}, {"metrics": {}}):
        row = {"system": "A", "dataset": "deepfashion", "metrics": {"ssim": 0.7}, "source": "table 1", **changes}
        with pytest.raises(ValueError, match="needs known metrics, a data set and a source"):
            Published(**row)  # type: ignore[arg-type]
