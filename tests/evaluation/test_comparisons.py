"""Windows, scoring, means and differences, and what is kept for a sheet."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from moving_box import BOX, HEIGHT, TOP, WIDTH, BoxEngine, BoxReader, points_of, scene

from motionwarp.engines.base import RenderSettings
from motionwarp.errors import MissingExtraError, OptionError
from motionwarp.evaluation.avatars import View
from motionwarp.evaluation.comparison import (
    Comparison,
    FrameRecord,
    comparison_tiles,
    overall_means,
    paired_differences,
)
from motionwarp.evaluation.frame_metrics import FrameMetrics, FrameScorer, RenderedView, TargetView
from motionwarp.evaluation.options import ReenactmentSettings
from motionwarp.evaluation.reenactment import evaluate_clip
from motionwarp.evaluation.scoring import Scorer
from motionwarp.evaluation.systems import EngineSystem, SourceView, make_systems
from motionwarp.evaluation.windows import (
    frame_extent,
    frame_window,
    matte_in,
    on_plain,
    person_box,
    person_window,
    picture_in,
)
from motionwarp.types import ByteArray, PersonCrop, Pose, SourcePerson


def box_matte(left: int) -> np.ndarray:
    matte = np.zeros((HEIGHT, WIDTH), np.float32)
    matte[TOP : TOP + BOX[1], left : left + BOX[0]] = 1
    return matte


def framed(left: int) -> TargetView:
    window = person_window((left, TOP, left + BOX[0], TOP + BOX[1]))
    pose = Pose(points_of(left, TOP, *BOX)).transformed(window.frame_to_crop())
    matte = matte_in(box_matte(left), window)
    return TargetView(on_plain(picture_in(scene(left), window), matte, 127), matte, pose)


def test_points_mattes_and_pictures_of_a_window_agree() -> None:
    target = framed(70)
    red = target.rgb[..., 0].astype(int) - target.rgb[..., 1] > 90
    assert (red == (target.matte > 0.5)).mean() > 0.995
    low, high = target.pose.xy.min(axis=0), target.pose.xy.max(axis=0)
    rows, columns = np.flatnonzero(red.any(axis=1)), np.flatnonzero(red.any(axis=0))
    # 0.03 to 0.98 of the height and 0.1 to 0.9 of the width of a box that fills 85 % of the crop
    height, width = 0.85 * 256, 0.85 * 256 * BOX[0] / BOX[1]
    assert low - (columns[0], rows[0]) == pytest.approx((0.1 * width, 0.03 * height), abs=1.5)
    assert (columns[-1], rows[-1]) - high == pytest.approx((0.1 * width, 0.02 * height), abs=1.5)


def test_a_persons_box_is_what_the_frame_shows() -> None:
    points = points_of(10, 20, 40, 100)
    points[0] = (-30, 60, 0.9)  # beyond the edge
    points[1] = (500, 60, 0.2)  # a guess
    assert person_box(points, (5, 30, 45, 90), 110, 200) == pytest.approx((0, 22.0, 46.0, 110), abs=0.1)
    left, top, right, bottom = person_box(points, None, 110, 200)
    assert (left, bottom) == (0, 110)
    assert top < 22
    assert right > 46


def test_a_matte_is_nothing_outside_of_the_frame() -> None:
    window = PersonCrop(-50.0, -10.0, 0.5, width=200, height=100)
    matte = matte_in(np.ones((HEIGHT, WIDTH), np.float32), window)
    extent = frame_extent(window, HEIGHT, WIDTH)
    assert matte[:19].max() == 0
    assert matte[:, :99].max() == 0
    assert matte[22:, 102:].min() == 1
    np.testing.assert_array_equal(extent, np.pad(np.ones((80, 100), np.float32), ((20, 0), (100, 0))))


def test_extent_counts_parts_of_pixels() -> None:
    extent = frame_extent(PersonCrop(-0.5, 0.0, 2.0, width=3, height=2), 3, 4)
    np.testing.assert_allclose(extent, np.array([[0.75, 1, 0.25], [0.375, 0.5, 0.125]]))


def test_the_whole_frame_as_a_window() -> None:
    window = frame_window(1080, 1920, 512)
    assert (window.width, window.height) == (910, 512)
    assert frame_window(512, 512, 512) == PersonCrop(0, 0, 1, 512, 512)


def test_a_perfect_result_and_one_that_is_shifted() -> None:
    frame_scorer = FrameScorer(BoxReader())
    target = framed(70)
    shift = 30  # of a person 218 pixels high, so points are 14 % off
    moved = RenderedView(np.roll(target.rgb, shift, axis=1), np.roll(target.matte, shift, axis=1))
    perfect, shifted = frame_scorer.metrics([target, moved], [target, target])
    assert (perfect.ssim, perfect.matte_iou, perfect.points_near, perfect.points_total) == (1, 1, 18, 18)
    width = np.flatnonzero((target.matte > 0.5).any(axis=0)).size
    assert shifted.matte_iou == pytest.approx((width - shift) / (width + shift), abs=0.01)
    assert shifted.points_near == 0
    assert shifted.ssim < 0.95


def test_points_out_of_the_picture_are_not_looked_for() -> None:
    target = framed(70)
    points = target.pose.points.copy()
    points[3] = (-20, 30, 1)
    points[4, 2] = 0.4
    target = TargetView(target.rgb, target.matte, Pose(points))
    assert FrameScorer(BoxReader()).points_near([target.rgb], [target]) == [(16, 16)]


def test_pixels_are_compared_at_the_final_size() -> None:
    frame_scorer = FrameScorer(BoxReader(), (64, 64))
    assert frame_scorer.pixels(np.zeros((64, 96, 3), np.uint8)).shape == (64, 64, 3)


def test_an_engine_is_laid_on_the_backdrop() -> None:
    system = EngineSystem("box", BoxEngine())
    source = SourcePerson(scene(70), box_matte(70), Pose(points_of(70, TOP, *BOX)), np.zeros((HEIGHT, WIDTH), np.uint8))
    backdrop = np.full((100, 80, 3), 200, np.uint8)
    with pytest.raises(RuntimeError, match="prepare"):
        system.render(np.zeros((1, 18, 3), np.float32), np.zeros((1, 4), np.float32))
    system.prepare(
        SourceView(source, framed(70), backdrop), RenderSettings(torch.device("cpu"), torch.float32, 80, 100)
    )
    poses = points_of(10, 20, 30, 60)[None]
    [view] = system.render(poses, system.plan(poses))
    assert view.matte[20:80, 10:40].min() == pytest.approx(1, abs=0.01)
    assert view.matte.sum() == pytest.approx(30 * 60, rel=0.01)
    assert (view.rgb[:19] == 200).all()
    assert view.rgb[50, 25] == pytest.approx((230, 20, 20), abs=2)
    assert (backdrop == 200).all()


def test_contestants_by_name() -> None:
    assert [each.name for each in make_systems(["auto", "copy"])][1] == "copy"
    with pytest.raises(OptionError, match="must differ"):
        make_systems(["copy", "copy"])
    with pytest.raises(OptionError, match="no such engine"):
        make_systems(["nonsense"])


def metrics(ssim: float, near: int = 1, total: int = 2) -> FrameMetrics:
    return FrameMetrics(ssim, 20 * ssim, 1 - ssim, ssim, near, total)


def comparison(name: str, pairs: list[tuple[float, float]], flicker: dict[str, float] | None = None) -> Comparison:
    records = [
        FrameRecord(str(index), {"a": metrics(one, 2, 4), "b": metrics(other, 1, 4)}, 3)
        for index, (one, other) in enumerate(pairs)
    ]
    return Comparison(name, ("a", "b"), records, {}, flicker or {})


def test_means_and_differences_worked_out_by_hand() -> None:
    clips = [
        comparison("x", [(0.8, 0.6), (0.6, 0.7)], {"a": 0.1, "b": 0.2, "real": 0.05}),
        comparison("y", [(0.9, 0.9)]),
    ]
    means = clips[0].means()
    assert means["a"]["ssim"] == pytest.approx(0.7)
    assert means["a"]["points_redetected"] == 0.5
    assert means["real"] == {"points_redetected": 0.75, "flicker": 0.05}
    overall = overall_means(clips)
    # clips count alike, however many frames they have
    assert overall["a"]["ssim"] == pytest.approx((0.7 + 0.9) / 2)
    assert "flicker" not in overall["a"]
    difference = paired_differences(clips)["a - b"]
    assert difference["ssim"] == {"mean": 0.025, "least": 0.0, "most": 0.05, "better": 0.5}
    assert difference["l1"]["mean"] == -0.025
    assert difference["l1"]["better"] == 0.5
    assert difference["points_redetected"]["better"] == 1
    assert clips[0].summary()["by_frame"][1]["b"]["points"] == [1, 4]  # type: ignore[index]


def test_frames_are_told_apart_by_what_side_of_the_person_they_show() -> None:
    whole = comparison("x", [(0.8, 0.6), (0.6, 0.7), (0.4, 0.9)], {"a": 0.1})
    views: list[View | None] = ["back", "front", None]
    records = [replace(record, view=view) for record, view in zip(whole.records, views, strict=True)]
    parts = replace(whole, records=records).by_view()
    assert list(parts) == ["front", "back"]
    assert parts["back"].means()["a"]["ssim"] == pytest.approx(0.8)
    assert "flicker" not in parts["back"].means()["a"]
    assert replace(whole, records=records).summary()["by_view"]["front"]["frames"] == 1  # type: ignore[index]
    assert whole.by_view() == {}


class BrightReferee:
    """Takes the mean gray for the degrees somebody is turned, and sees nobody in the dark."""

    name = "bright"

    def facing(self, rgb: ByteArray) -> float | None:
        return None if rgb.max() == 0 else float(rgb.mean())


def test_a_referee_tells_which_way_results_face() -> None:
    target = framed(70)
    flat = {level: RenderedView(np.full_like(target.rgb, level), target.matte) for level in (0, 100, 125, 160)}
    real = TargetView(flat[100].rgb, target.matte, target.pose)
    dark = TargetView(flat[0].rgb, target.matte, target.pose)
    scorer = Scorer(FrameScorer(BoxReader(), referee=BrightReferee()), ["x", "y"], [0, 1, 2], 0, False)
    scorer.add([(0, real), (1, real), (2, dark)], [[flat[125], flat[160], flat[100]], [flat[100], flat[0], flat[100]]])
    report = scorer.comparison("clip", {}, None)
    assert [record.facing_apart for record in report.records] == [{"x": 25, "y": 0}, {"x": 60, "y": 180}, {}]
    assert report.means()["x"]["facing_within_30"] == 0.5
    assert report.means()["y"]["facing_within_30"] == 0.5
    assert report.summary()["by_frame"][1]["x"]["facing_apart"] == 60  # type: ignore[index]
    assert "facing_within_30" not in comparison("z", [(1, 1)]).means()["a"]


def test_a_referee_that_is_not_installed_is_told_before_anything_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mediapipe", None)
    with pytest.raises(MissingExtraError, match="mediapipe"):
        evaluate_clip(Path("nothing.mp4"), ["layered"], ReenactmentSettings(referee=True))


def test_the_worst_and_evenly_spaced_frames_are_kept_and_drawn() -> None:
    target = framed(70)
    scorer = Scorer(FrameScorer(BoxReader()), ["copy", "x"], [1, 2, 3, 4, 5], 4, False)
    for index in range(1, 6):
        noise = np.clip(target.rgb + (60 if index == 4 else index), 0, 255).astype(np.uint8)
        scorer.add([(index, target)], [[target], [RenderedView(noise, target.matte)]])
    report = scorer.comparison("clip", {}, target.rgb)
    assert [row.frame for row in report.rows] == ["4", "1", "5"]  # 4 is the worst, 5 the next, which is shown anyway
    tiles = comparison_tiles([report])
    assert len(tiles) == 3 * 4
    assert tiles[0].caption == "source"
    assert tiles[1].caption == "clip 4"
    assert tiles[2].caption.startswith("copy 1.000 100.0 18/18")


def test_flicker_is_of_frames_that_follow_each_other() -> None:
    target = framed(70)
    scorer = Scorer(FrameScorer(BoxReader()), ["x"], [1, 4], 0, True)
    brighter = np.clip(target.rgb.astype(int) + 20, 0, 255).astype(np.uint8)
    for index, rgb in ((1, target.rgb), (2, brighter), (4, target.rgb), (6, brighter)):
        scorer.add([(index, target)], [[RenderedView(rgb, target.matte)]])
    report = scorer.comparison("clip", {}, None)
    assert [record.frame for record in report.records] == ["1", "4"]
    assert report.flicker["real"] == 0
    # the pair of 1 and 2 only
    assert report.flicker["x"] == pytest.approx(np.abs(brighter.astype(int) - target.rgb).mean() / 255, abs=1e-6)
