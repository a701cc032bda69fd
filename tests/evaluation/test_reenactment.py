from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from moving_box import BOX, TOP, BoxEngine, BoxEstimator, BoxReader, write_clip

from motionwarp.errors import InputError, NoPersonError, OptionError
from motionwarp.evaluation.comparison import Comparison
from motionwarp.evaluation.options import Origin, ReenactmentSettings
from motionwarp.evaluation.reenactment import evaluate_clip

LEFTS = [20, 30, 42, 60, 81, 100, 118, 130, 139, 144]


@pytest.fixture
def engines(monkeypatch: pytest.MonkeyPatch) -> list[BoxEngine]:
    made: list[BoxEngine] = []

    def make(name: str) -> BoxEngine:
        made.append(BoxEngine())
        return made[-1]

    monkeypatch.setattr("motionwarp.evaluation.systems.make_engine", make)
    return made


def evaluate(clip: Path, *, off: float = 0.0, **choices: object) -> Comparison:
    settings = ReenactmentSettings(**{"flicker": False, **choices})  # type: ignore[arg-type]
    return evaluate_clip(clip, ["box", "copy"], settings, estimator=BoxEstimator(off), reader=BoxReader())


@pytest.mark.parametrize("window", ["person", "clip"])
def test_a_perfect_engine_gets_perfect_figures(tmp_path: Path, engines: list[BoxEngine], window: str) -> None:
    report = evaluate(write_clip(tmp_path, LEFTS), window=window, flicker=True)
    means = report.means()
    # enlarged, the real edges are softer than drawn ones
    assert means["box"]["ssim"] > 0.985
    assert means["box"]["psnr"] > 33
    assert means["box"]["matte_iou"] > 0.98
    assert means["box"]["points_redetected"] == 1
    assert means["real"]["points_redetected"] == 1
    assert means["box"]["flicker"] == pytest.approx(means["real"]["flicker"], abs=0.003)
    assert report.details == {
        "source_frame": 0, "poses": "given", "source_matte": "given", "true_poses": "given", "true_mattes": "given",
    }  # fmt: skip
    settings = engines[0].settings
    assert (settings.width, settings.height) == (192, 256)


def test_a_copy_is_right_in_windows_of_the_person_and_wrong_in_one_window(
    tmp_path: Path, engines: list[BoxEngine]
) -> None:
    clip = write_clip(tmp_path, LEFTS)
    assert evaluate(clip).means()["copy"]["matte_iou"] > 0.98
    means = evaluate(clip, window="clip").means()
    assert means["copy"]["matte_iou"] < 0.4
    assert means["box"]["ssim"] > means["copy"]["ssim"] + 0.01


def test_source_and_step_choose_the_frames(tmp_path: Path, engines: list[BoxEngine]) -> None:
    clip = write_clip(tmp_path, [None, *LEFTS[1:]])
    assert [record.frame for record in evaluate(clip).records] == [str(index) for index in range(2, 10)]
    every = evaluate(clip, source_frame=4, every=3, flicker=True)
    assert [record.frame for record in every.records] == ["1", "7"]
    assert engines[-1].planned == 4  # frames 2 and 8 are the partners for flicker
    evaluate(clip, source_frame=4, every=3)
    assert engines[-1].planned == 2


def test_whole_frames_are_laid_over_the_sources_plate(tmp_path: Path, engines: list[BoxEngine]) -> None:
    report = evaluate(write_clip(tmp_path, LEFTS), full_frame=64, rows=2)
    settings = engines[0].settings
    assert (settings.width, settings.height) == (96, 64)
    means = report.means()
    assert means["box"]["ssim"] > 0.9
    assert means["box"]["ssim"] > means["copy"]["ssim"]
    # the source's own place is filled, so that the person is not there twice
    first = report.rows[-1].results["box"]
    assert (np.abs(first.astype(int) - report.rows[-1].target).max(axis=2) > 60).mean() < 0.03


def test_labels_are_the_truth_even_where_engines_get_the_analyzers(tmp_path: Path, engines: list[BoxEngine]) -> None:
    clip = write_clip(tmp_path, LEFTS)
    report = evaluate(clip, off=8.0, poses=Origin.ANALYZER, mattes=Origin.ANALYZER, window="clip")
    assert report.details["poses"] == "analyser"
    assert report.details["true_poses"] == "given"
    assert report.means()["box"]["matte_iou"] == pytest.approx((BOX[0] - 8) / (BOX[0] + 8), abs=0.03)
    assert report.means()["real"]["points_redetected"] == 1


def test_without_labels_the_analyzer_is_the_truth(tmp_path: Path, engines: list[BoxEngine]) -> None:
    report = evaluate(write_clip(tmp_path, LEFTS, labeled=False), every=3)
    assert set(report.details.values()) - {0} == {"analyser"}
    assert report.means()["box"]["matte_iou"] > 0.95


def test_a_person_cut_off_by_the_frame_fills_the_window(tmp_path: Path, engines: list[BoxEngine]) -> None:
    report = evaluate(write_clip(tmp_path, [-8, 30, -8, -8]), rows=4)
    # what the engine draws beyond the frame's edge is not held against it
    assert report.means()["box"]["ssim"] > 0.98
    assert report.means()["box"]["matte_iou"] > 0.97
    cut = report.rows[0].target if report.rows[0].frame == "2" else report.rows[1].target
    rows = np.flatnonzero((cut[..., 0] > 180).any(axis=1))
    # the window is as high as the box, so most of the metric's height is used
    assert len(rows) == pytest.approx(0.85 * 256, abs=2)


def test_smoothing_warps_needs_a_window_that_stands(tmp_path: Path, engines: list[BoxEngine]) -> None:
    with pytest.raises(OptionError, match="windows that move"):
        ReenactmentSettings(smooth_theta=0.5)
    clip = write_clip(tmp_path, [20, 20, 20, 60, 20, 20, 20, 20])
    rough = evaluate(clip, window="clip", every=3)
    calm = evaluate(clip, window="clip", every=3, smooth_theta=1.0)
    assert engines[-1].planned == 8  # smoothing has to see all frames
    jump = next(place for place, record in enumerate(rough.records) if record.frame == "3")
    assert rough.records[jump].metrics["box"].matte_iou > calm.records[jump].metrics["box"].matte_iou + 0.05


def test_rows_for_the_sheet(tmp_path: Path, engines: list[BoxEngine]) -> None:
    report = evaluate(write_clip(tmp_path, LEFTS), rows=5)
    assert 3 <= len(report.rows) <= 5
    assert {"1", "9"} <= {row.frame for row in report.rows}
    assert set(report.rows[0].results) == {"box", "copy"}
    assert report.source is not None
    assert report.source.shape == (256, 192, 3)


def test_what_cannot_be_evaluated_is_refused(tmp_path: Path, engines: list[BoxEngine]) -> None:
    clip = write_clip(tmp_path, [None, 30, 40])
    with pytest.raises(NoPersonError, match="frame 0"):
        evaluate(clip, source_frame=0)
    with pytest.raises(NoPersonError, match="frame 7"):
        evaluate(clip, source_frame=7)
    with pytest.raises(InputError, match="besides the source"):
        evaluate(clip, every=5)
    with pytest.raises(InputError, match="no such labels"):
        evaluate(clip, poses=Origin.GIVEN, labels=tmp_path / "elsewhere")
    with pytest.raises(OptionError, match="must differ"):
        evaluate_clip(clip, ["box", "box"], estimator=BoxEstimator(), reader=BoxReader())
    with pytest.raises(NoPersonError):
        evaluate(write_clip(tmp_path, [None, None], name="empty"))
    longer = write_clip(tmp_path, [30, 40, 50], name="longer")
    write_clip(tmp_path, [30, 40, 50, 60], name="labels")
    (tmp_path / "labels.keypoints18.json").replace(tmp_path / "longer.keypoints18.json")
    (tmp_path / "longer.mattes" / "00003.png").write_bytes((tmp_path / "longer.mattes" / "00002.png").read_bytes())
    with pytest.raises(InputError, match="ends before"):
        evaluate(longer)


def test_the_box_lies_where_it_was_drawn() -> None:
    # guards the helper: the tests above mean nothing if it is wrong
    from moving_box import box_in, scene

    assert box_in(scene(50)) == (50, TOP, *BOX)
