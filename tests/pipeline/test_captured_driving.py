"""Motion capture as DRIVING: with every engine, from every side, in its own time; and what does not go with it."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from made_motions import captured, write_captured
from small_scene import KnowingEstimator, Scene

from motionwarp.engines.base import Motion
from motionwarp.errors import InputError, MediaError, OptionError, PoseFileError
from motionwarp.pipeline import plan as plan_module
from motionwarp.pipeline.analysis import analyze, mirrored_motion, open_inputs, retimed_motion
from motionwarp.pipeline.api import stream, transfer
from motionwarp.pipeline.captured_driving import FRAME_SIZE, shown_rate
from motionwarp.pipeline.check.report import check
from motionwarp.pipeline.layout import PersonTransform
from motionwarp.pipeline.options import TransferOptions
from motionwarp.pipeline.plan import TransferPlan, plan_transfer
from motionwarp.pose import skeleton as sk

ENGINES = ("avatar", "layered")
LOWERED = {"LeftArm": np.tile([0.0, 0, -70], (12, 1)), "RightArm": np.tile([0.0, 0, 70], (12, 1))}


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Half a second at 24 frames a second: arms that swing, legs that step, and a way of a meter."""
    swing = 25 * np.sin(np.linspace(0, 2 * np.pi, 12))
    zero = np.zeros_like(swing)
    turns = {
        "LeftArm": np.stack([swing, zero, zero - 75], axis=1), "RightArm": np.stack([-swing, zero, zero + 75], axis=1),
        "LeftUpLeg": np.stack([-swing, zero, zero], axis=1), "RightUpLeg": np.stack([swing, zero, zero], axis=1),
    }  # fmt: skip
    way = np.stack([zero, zero, np.linspace(0, 100, 12)], axis=1)
    return write_captured(tmp_path_factory.mktemp("walk") / "walk.bvh.gz", captured(12, 24.0, turns=turns, way=way))


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_captured(tmp_path_factory.mktemp("still") / "still.bvh", captured(12, 30.0, turns=LOWERED))


def planned(scene: Scene, driving: Path, transform: PersonTransform | None = None, **options: Any) -> TransferPlan:
    chosen = TransferOptions(device="cpu", **options)
    inputs = open_inputs(scene.person, driving, chosen)
    more = {} if transform is None else {"transform": transform}
    return plan_transfer(inputs.setup, analyze(inputs), **more)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_clip_comes_out_with_the_captures_own_times(
    scene: Scene, knowing: KnowingEstimator, walk: Path, engine: str, tmp_path: Path
) -> None:
    result = transfer(scene.person, walk, tmp_path / "out.mp4", engine=engine, device="cpu")
    assert (result.frames, result.width, result.height) == (12, 90, 160)
    assert result.duration_seconds == pytest.approx(0.5)
    with av.open(str(tmp_path / "out.mp4")) as container:
        times = [float(frame.time or 0) for frame in container.decode(video=0)]
    np.testing.assert_allclose(times, np.arange(12) / 24, atol=1e-3)


@pytest.mark.parametrize("engine", ENGINES)
def test_who_stands_still_stands_still(scene: Scene, knowing: KnowingEstimator, still: Path, engine: str) -> None:
    frames = [frame.rgb for frame in stream(scene.person, still, engine=engine, device="cpu")]
    assert len(frames) == 12
    for frame in frames[1:]:
        np.testing.assert_array_equal(frame, frames[0])


@pytest.mark.parametrize("engine", ENGINES)
def test_the_person_stands_where_and_as_large_as_in_the_photo(
    scene: Scene, knowing: KnowingEstimator, still: Path, engine: str
) -> None:
    plan = planned(scene, still, engine=engine)
    own, made = plan.inputs.source.person.pose.points, plan.target.points[0]
    ankles, body = [sk.LEFT_ANKLE, sk.RIGHT_ANKLE], [sk.NECK, sk.LEFT_HIP, sk.RIGHT_HIP]
    assert made[ankles, 1].mean() == pytest.approx(own[ankles, 1].mean(), abs=4)
    assert made[body, 0].mean() == pytest.approx(own[body, 0].mean(), abs=3)
    assert made[ankles, 1].mean() - made[sk.NECK, 1] == pytest.approx(own[ankles, 1].mean() - own[sk.NECK, 1], rel=0.08)
    assert made[sk.RIGHT_WRIST, 0] < made[sk.LEFT_WRIST, 0]


@pytest.mark.parametrize("engine", ENGINES)
def test_the_back_is_seen_from_behind(scene: Scene, knowing: KnowingEstimator, still: Path, engine: str) -> None:
    points = planned(scene, still, engine=engine, view=180).target.points[0]
    assert (points[[sk.NOSE, sk.LEFT_EYE, sk.RIGHT_EYE], 2] == 0).all()
    assert points[sk.LEFT_SHOULDER, 0] < points[sk.RIGHT_SHOULDER, 0]


def test_engines_with_and_without_a_body_show_the_same_points(
    scene: Scene, knowing: KnowingEstimator, walk: Path
) -> None:
    one, other = (planned(scene, walk, engine=engine, view=40) for engine in ENGINES)
    np.testing.assert_allclose(one.target.points, other.target.points, atol=1e-3)
    assert one.motion.rotations is not None
    assert other.motion.rotations is None


def test_the_camera_goes_round(scene: Scene, knowing: KnowingEstimator, still: Path) -> None:
    plan = planned(scene, still, engine="avatar", orbit=360)
    widths = plan.target.points[:, sk.LEFT_SHOULDER, 0] - plan.target.points[:, sk.RIGHT_SHOULDER, 0]
    assert widths[0] > 0
    assert widths[6] == pytest.approx(-widths[0], abs=0.2)
    assert abs(widths[3]) < 0.3 * widths[0]
    assert not np.allclose(widths[-1], widths[0], atol=0.5)


@pytest.mark.parametrize(
    ("rate", "shown"),
    [
        (24, 24), (30, 30), (29.97003, Fraction(30000, 1001)), (60, 30), (120, 30), (119.88, Fraction(2997, 100)),
        (100, 25), (12.5, 12.5),
    ],
)  # fmt: skip
def test_rates_are_at_most_thirty(rate: float, shown: float) -> None:
    assert float(shown_rate(rate)) == pytest.approx(float(shown), rel=1e-4)


def test_another_rate_turns_bones_between_the_frames(scene: Scene, knowing: KnowingEstimator, walk: Path) -> None:
    plan, finer = planned(scene, walk, engine="avatar"), planned(scene, walk, engine="avatar", fps=48)
    assert (len(plan), len(finer)) == (12, 24)
    np.testing.assert_allclose(finer.target.points[::2], plan.target.points, atol=1e-2)
    middle = finer.target.points[3, sk.LEFT_WRIST, 1]
    around = plan.target.points[[1, 2], sk.LEFT_WRIST, 1]
    assert around.min() - 0.3 <= middle <= around.max() + 0.3


def test_sections_are_those_of_the_file(scene: Scene, knowing: KnowingEstimator, walk: Path) -> None:
    whole = planned(scene, walk, engine="layered")
    part = planned(scene, walk, engine="layered", start=0.125, end=0.375)
    assert len(part) == 6
    knees = [sk.LEFT_KNEE, sk.RIGHT_KNEE]
    moved = part.target.points[:, knees, 0] - whole.target.points[3:9, knees, 0]
    np.testing.assert_allclose(moved, moved[0, 0], atol=0.1)
    with pytest.raises(MediaError, match=r"ends after 0\.50 seconds"):
        planned(scene, walk, start=3)


def test_motion_is_mirrored_and_retimed_for_data_sets(scene: Scene, knowing: KnowingEstimator, walk: Path) -> None:
    options = TransferOptions(device="cpu", engine="layered")
    inputs = open_inputs(scene.person, walk, options)
    seen = analyze(inputs)
    mirrored, slower = mirrored_motion(seen.motion), retimed_motion(seen.motion, 0.5)
    assert mirrored.capture is not None
    assert slower.capture is not None
    assert slower.end_seconds == pytest.approx(1.0)
    assert slower.capture.duration_seconds == pytest.approx(1.0)
    np.testing.assert_allclose(mirrored.capture.mirrored().turns, seen.motion.capture.turns, atol=1e-6)  # type: ignore[union-attr]
    drawn = mirrored.track.points[0]
    assert drawn[sk.RIGHT_WRIST, 0] < drawn[sk.LEFT_WRIST, 0]


def test_a_person_is_moved_and_scaled_for_data_sets(scene: Scene, knowing: KnowingEstimator, still: Path) -> None:
    for engine in ENGINES:
        plain = planned(scene, still, engine=engine, background="#ffffff").target.points
        moved = planned(scene, still, PersonTransform(0.5, 0.1, 0.0), engine=engine, background="#ffffff").target.points
        spread = np.ptp(plain[0, :, 1]) * 0.5
        assert np.ptp(moved[0, :, 1]) == pytest.approx(spread, abs=0.5)
        assert moved[0, :, 1].max() == pytest.approx(plain[0, :, 1].max(), abs=0.5)


def test_beside_the_result_a_body_is_drawn(scene: Scene, knowing: KnowingEstimator, walk: Path) -> None:
    frames = list(stream(scene.person, walk, engine="layered", device="cpu", side_by_side=True, end=0.1))
    wide = 160 * FRAME_SIZE[0] // FRAME_SIZE[1]
    assert frames[0].rgb.shape == (160, 90 + wide + 90, 3)
    beside = frames[0].rgb[:, 90 : 90 + wide].astype(int)
    assert beside.std() > 5
    assert not np.array_equal(beside, frames[2].rgb[:, 90 : 90 + wide])


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"background": "driving"}, "no pictures to put behind"),
        ({"placement": "driving"}, "no picture in which"),
        ({"rotate": "90"}, "stands upright by itself"),
        ({"driving_poses": "points.json"}, "needs no points"),
        ({"driving_person": "1"}, "is of one person"),
        ({"cast": ("1=bob.jpg",)}, "motion capture is of one"),
        ({"retarget": False}, "source's own body"),
    ],
)
def test_options_that_need_pictures_are_refused(
    scene: Scene, walk: Path, options: dict[str, Any], problem: str
) -> None:
    with pytest.raises(OptionError, match=problem) as caught:
        open_inputs(scene.person, walk, TransferOptions(device="cpu", **options))
    assert next(iter(options)) in str(caught.value)


def test_other_views_of_clips_need_a_body(scene: Scene, knowing: KnowingEstimator) -> None:
    with pytest.raises(OptionError, match="no body to see from other sides"):
        open_inputs(scene.person, scene.dance, TransferOptions(device="cpu", engine="layered", view=30))
    with pytest.raises(OptionError, match="for motion capture only"):
        open_inputs(scene.person, scene.dance, TransferOptions(device="cpu", engine="avatar", travel="spot"))


def test_a_clip_is_seen_from_another_side(scene: Scene, knowing: KnowingEstimator) -> None:
    front, side, back = (planned(scene, scene.dance, engine="avatar", view=view) for view in (0, 90, 180))
    spans = [
        plan.target.points[:, sk.LEFT_SHOULDER, 0] - plan.target.points[:, sk.RIGHT_SHOULDER, 0]
        for plan in (front, side, back)
    ]
    assert spans[0].min() > 10
    assert np.abs(spans[1]).max() < 0.5 * spans[0].mean()
    np.testing.assert_allclose(spans[2], -spans[0], atol=3)
    heights = [plan.target.points[:, sk.LEFT_ANKLE, 1].mean() for plan in (front, side, back)]
    np.testing.assert_allclose(heights, heights[0], atol=5)
    assert len(front) == scene.frames


def test_nothing_turns_where_nothing_was_asked_for(scene: Scene, knowing: KnowingEstimator) -> None:
    from motionwarp.pipeline.rendering import render

    plain = planned(scene, scene.dance, engine="avatar", end=0.2)
    turned = planned(scene, scene.dance, engine="avatar", end=0.2, view=360)
    for one, other in zip(render(plain), render(turned), strict=True):
        assert np.abs(one.rgb.astype(int) - other.rgb).mean() < 1


def test_check_looks_at_motion_capture(scene: Scene, knowing: KnowingEstimator, walk: Path, tmp_path: Path) -> None:
    monkey = check(scene.person, walk, engine="layered", device="cpu", preview=tmp_path / "look.png")
    assert monkey.driving.frames == 12
    assert monkey.driving.people is None
    assert monkey.together.output_frames == 12
    assert (tmp_path / "look.png").is_file()
    quick = check(scene.person, walk, engine="layered", device="cpu", quick=True, view=180)
    assert quick.driving.views["back"] == 1.0


def test_a_single_frame_is_a_still_picture_and_says_so(scene: Scene, knowing: KnowingEstimator, tmp_path: Path) -> None:
    path = write_captured(tmp_path / "pose.bvh", captured(1))
    result = transfer(scene.person, path, tmp_path / "out.mp4", engine="layered", device="cpu")
    assert result.frames == 1
    assert any("single frame" in warning for warning in result.warnings)


def test_what_is_no_motion_is_refused(scene: Scene, tmp_path: Path) -> None:
    bvh = write_captured(tmp_path / "a.bvh").read_text()
    head, _, tail = bvh.partition("MOTION")
    cases = {
        "nothing.bvh": "",
        "still.bvh": head,
        "empty.bvh": f"{head}MOTION\nFrames: 0\nFrame Time: 0.033\n",
        "absurd.bvh": f"{head}MOTION{tail}".replace(tail.split()[5], "nan", 1),
    }
    for name, text in cases.items():
        (tmp_path / name).write_text(text)
        with pytest.raises(PoseFileError, match=name):
            open_inputs(scene.person, tmp_path / name, TransferOptions(device="cpu"))
    with pytest.raises(InputError, match=r"missing\.bvh"):
        open_inputs(scene.person, tmp_path / "missing.bvh", TransferOptions(device="cpu"))


def test_a_source_of_too_few_points_is_refused(
    scene: Scene, knowing: KnowingEstimator, still: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from motionwarp.errors import NoPersonError
    from motionwarp.types import Pose

    seen = knowing.analyze_picture

    def hardly(*arguments: Any, **named: Any) -> Any:
        from dataclasses import replace

        person = seen(*arguments, **named)
        points = person.pose.points.copy()
        points[[index for index in range(18) if index not in (sk.NECK, sk.NOSE)], 2] = 0
        return replace(person, pose=Pose(points))

    monkeypatch.setattr(knowing, "analyze_picture", hardly)
    for engine in ENGINES:
        with pytest.raises(NoPersonError):
            planned(scene, still, engine=engine)


def test_names_that_nothing_has_are_told(scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MediaError, match="no motion of this name"):
        open_inputs(scene.person, Path("no-such-thing"), TransferOptions(device="cpu"))


def test_whose_side_the_photo_shows_stays_turned_unless_told_otherwise(
    scene: Scene, knowing: KnowingEstimator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("motionwarp.engines.avatar.engine.AvatarEngine.kept_aside", lambda *_: 60.0)
    spans = {}
    for name, options in {"own": {}, "asked": {"view": 360}, "replacing": {"placement": "driving"}}.items():
        points = planned(scene, scene.dance, engine="avatar", **options).target.points
        spans[name] = float((points[:, sk.LEFT_SHOULDER, 0] - points[:, sk.RIGHT_SHOULDER, 0]).mean())
    assert spans["own"] < 0.75 * spans["asked"]
    assert spans["replacing"] > 10
    frames = list(stream(scene.person, scene.dance, engine="avatar", device="cpu", end=0.2))
    assert frames


def test_captured_motion_shows_what_the_photo_shows_too(
    scene: Scene, knowing: KnowingEstimator, still: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("motionwarp.engines.avatar.engine.AvatarEngine.kept_aside", lambda *_: 60.0)
    own, asked = (planned(scene, still, engine="avatar", view=view).target.points for view in (0, 360))
    spans = [(points[:, sk.LEFT_SHOULDER, 0] - points[:, sk.RIGHT_SHOULDER, 0]).mean() for points in (own, asked)]
    assert spans[0] < 0.75 * spans[1]


@pytest.mark.parametrize("engine", ENGINES)
def test_who_would_rise_out_of_the_picture_stays_in_it(
    scene: Scene, knowing: KnowingEstimator, still: Path, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = planned(scene, still, engine=engine).setup.frame
    lifted = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, -0.6 * size[1]]])
    plain = plan_module.performed

    def above(*given: Any) -> tuple[Motion, bool]:
        motion, on_the_spot = plain(*given)
        return motion.moved(lifted), on_the_spot

    monkeypatch.setattr(plan_module, "performed", above)
    points = planned(scene, still, engine=engine).target.points
    assert (points[..., 1] > 0).all()
    assert (points[..., :2] < size).all()
