"""Inputs that were analyzed before give the frames of a transfer that analyzes them, and can be changed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_scene import KnowingEstimator, Scene, standing, waving

from motionwarp.errors import NoPersonError, OptionError
from motionwarp.media.probe import probe_video
from motionwarp.parsing import labels
from motionwarp.perception.matting import matte_in_frame
from motionwarp.perception.selection import LARGEST, PersonChoice
from motionwarp.pipeline.analysis import AnalyzedInputs, analyze, mirrored_motion, open_inputs, retimed_motion
from motionwarp.pipeline.api import stream
from motionwarp.pipeline.driving import FrameSampler, observe_driving, probe_driving
from motionwarp.pipeline.layout import PersonTransform, transform_track
from motionwarp.pipeline.options import TransferOptions
from motionwarp.pipeline.plan import TransferPlan, plan_transfer
from motionwarp.pipeline.rendering import render, render_layers
from motionwarp.pipeline.setup import set_up
from motionwarp.pipeline.source import prepare_source, read_source
from motionwarp.pose import skeleton as sk
from motionwarp.types import ByteArray, Facing, Person, Pose

OPTIONS = TransferOptions(device="cpu", size=96)


@pytest.fixture
def seen(scene: Scene, knowing: KnowingEstimator) -> AnalyzedInputs:
    source = prepare_source(read_source(scene.person, OPTIONS), OPTIONS, knowing)
    motion = observe_driving(probe_driving(scene.dance, OPTIONS), OPTIONS, knowing, with_plate=False)
    return AnalyzedInputs(source, motion, probe_video(scene.dance), knowing.name)


def planned(inputs: AnalyzedInputs, options: TransferOptions = OPTIONS, **how: Any) -> TransferPlan:
    """Plan a transfer of inputs whose files are gone."""
    setup = set_up(Path("gone.png"), Path("gone.mp4"), options, inputs.source.size, inputs.info)
    return plan_transfer(setup, inputs, **how)


def plan_of(scene: Scene, options: TransferOptions, sampler: FrameSampler | None = None) -> TransferPlan:
    opened = open_inputs(scene.person, scene.dance, options)
    return plan_transfer(opened.setup, analyze(opened, sampler=sampler))


def test_frames_are_those_of_a_transfer_that_analyzes(scene: Scene, seen: AnalyzedInputs) -> None:
    kept = [frame.rgb for frame in render(planned(seen))]
    fresh = [frame.rgb for frame in stream(scene.person, scene.dance, OPTIONS)]
    assert len(kept) == scene.frames
    assert all(np.array_equal(one, other) for one, other in zip(kept, fresh, strict=True))


@pytest.mark.parametrize("background", ["source", "driving"])
def test_single_frames_are_those_of_the_whole(scene: Scene, knowing: KnowingEstimator, background: str) -> None:
    options = TransferOptions(device="cpu", size=96, engine="layered", background=background)
    plan = plan_of(scene, options)
    whole = list(render(plan))
    some = list(render(plan, only=[3, 4, 17]))
    assert [frame.index for frame in some] == [3, 4, 17]
    assert all(np.array_equal(frame.rgb, whole[frame.index].rgb) for frame in some)
    assert [frame.pts_seconds for frame in some] == [whole[index].pts_seconds for index in (3, 4, 17)]


def test_a_glimpse_of_a_clip_gives_every_so_many_poses_and_their_own_pictures(
    scene: Scene, knowing: KnowingEstimator
) -> None:
    options = TransferOptions(device="cpu", size=96, engine="layered", background="driving", smooth=0.0)
    sampler = FrameSampler(every=5)
    plan = plan_of(scene, options, sampler)
    assert (sampler.passed, len(plan)) == (24, 5)
    motion = plan.inputs.motion
    np.testing.assert_allclose(motion.track.points, [waving(index / 24) for index in range(0, 24, 5)])
    assert motion.end_seconds == pytest.approx(2.0)
    whole = plan_of(scene, options)
    # away from the person a frame is the clip's own of that time
    for few, all_of_them in zip(render(plan), list(render(whole))[::5], strict=True):
        assert few.pts_seconds == all_of_them.pts_seconds
        assert np.abs(few.rgb[:10].astype(int) - all_of_them.rgb[:10]).max() <= 2


def test_given_poses_are_counted_by_all_frames(scene: Scene, knowing: KnowingEstimator) -> None:
    options = TransferOptions(device="cpu", size=96, driving_poses=scene.dance_poses)
    seen = analyze(open_inputs(scene.person, scene.dance, options), sampler=FrameSampler(every=5))
    np.testing.assert_allclose(seen.motion.track.points, [waving(index / 24) for index in range(0, 24, 5)], atol=0.01)


def test_layers_carry_the_classes_of_their_pixels(seen: AnalyzedInputs) -> None:
    plan = planned(seen, keep_parsing=True)
    _, layer = next(render_layers(plan))
    assert layer.parsing is not None
    assert layer.parsing.shape == layer.rgba.shape[:2]
    frame = np.zeros((plan.setup.height, plan.setup.width), dtype=np.uint8)
    frame[layer.top : layer.top + len(layer.parsing), layer.left : layer.left + layer.parsing.shape[1]] = layer.parsing
    x, y = (plan.target.points[0, [sk.RIGHT_KNEE, sk.LEFT_KNEE], :2].round().astype(int)).T
    assert frame[y, x].tolist() == [labels.PANTS, labels.PANTS]
    x, y = plan.target.points[0, sk.NOSE, :2].round().astype(int)
    assert frame[y, x] == labels.FACE
    assert next(render_layers(planned(seen)))[1].parsing is None


def test_a_mirror_swaps_hands_and_columns(seen: AnalyzedInputs) -> None:
    track, mirrored = seen.motion.track, mirrored_motion(seen.motion).track
    np.testing.assert_allclose(mirrored.points[:, sk.RIGHT_WRIST, 0], 89 - track.points[:, sk.LEFT_WRIST, 0])
    np.testing.assert_allclose(mirrored.points[:, sk.RIGHT_WRIST, 1], track.points[:, sk.LEFT_WRIST, 1])
    twice = mirrored_motion(mirrored_motion(seen.motion)).track
    np.testing.assert_allclose(twice.points, track.points, atol=1e-5)


def test_speed_changes_times_and_the_end(seen: AnalyzedInputs) -> None:
    assert seen.motion.end_seconds == pytest.approx(2.0)
    faster = retimed_motion(seen.motion, 2.0)
    assert faster.end_seconds == pytest.approx(1.0)
    np.testing.assert_allclose(faster.track.times_seconds, seen.motion.track.times_seconds / 2)
    changed = AnalyzedInputs(seen.source, faster, seen.info, seen.estimator)
    assert len(planned(changed, TransferOptions(device="cpu", size=96, fps=12))) == 12
    with pytest.raises(ValueError, match="over 0"):
        retimed_motion(seen.motion, 0.0)


def test_staging_scales_about_the_ground_and_moves(seen: AnalyzedInputs) -> None:
    track = seen.motion.track
    half = transform_track(track, PersonTransform(scale=0.5))
    ankles = track.points[0, [sk.RIGHT_ANKLE, sk.LEFT_ANKLE], 1]
    np.testing.assert_allclose(half.points[0, [sk.RIGHT_ANKLE, sk.LEFT_ANKLE], 1], ankles, atol=0.01)
    length = np.linalg.norm(standing()[sk.NECK, :2] - standing()[sk.LEFT_HIP, :2])
    assert np.linalg.norm(half.points[5, sk.NECK, :2] - half.points[5, sk.LEFT_HIP, :2]) == pytest.approx(
        length / 2, rel=1e-4
    )
    moved = transform_track(track, PersonTransform(shift_x=0.1, shift_y=-0.05))
    np.testing.assert_allclose(moved.points[..., 0] - track.points[..., 0], 9.0, atol=1e-4)
    np.testing.assert_allclose(moved.points[..., 1] - track.points[..., 1], -8.0, atol=1e-4)
    assert transform_track(track, PersonTransform()) is track


@pytest.mark.parametrize("values", [{"scale": 0.0}, {"scale": float("nan")}, {"shift_x": 1.5}])
def test_stagings_out_of_range_are_refused(values: dict[str, float]) -> None:
    with pytest.raises(OptionError):
        PersonTransform(**values)


def test_the_estimators_own_points_are_what_is_kept(seen: AnalyzedInputs) -> None:
    np.testing.assert_allclose(seen.motion.track.points, [waving(index / 24) for index in range(24)])


def test_a_still_picture_that_drives_is_read_as_a_source_is(scene: Scene) -> None:
    unlike = KnowingEstimator([waving(0.5)])  # what a clip of this picture would give
    motion = observe_driving(probe_driving(scene.person, OPTIONS), OPTIONS, unlike, with_plate=False)
    np.testing.assert_array_equal(motion.track.points, standing()[None])


class ChoosyEstimator(KnowingEstimator):
    """Finds only whom nobody asked for, or nobody."""

    people = 0

    def find_people(self, rgb: ByteArray) -> list[Person]:
        person = super().analyze_picture(rgb)
        return [person] * self.people

    def analyze_picture(
        self, rgb: ByteArray, choice: PersonChoice = LARGEST, *, given_pose: Pose | None = None
    ) -> Person:
        raise NoPersonError("the chosen one is not there")


@pytest.mark.parametrize(("people", "message"), [(0, "in any frame"), (1, "the chosen one is not there")])
def test_a_still_picture_without_the_one_who_is_followed_is_refused(scene: Scene, people: int, message: str) -> None:
    estimator = ChoosyEstimator([])
    estimator.people = people
    with pytest.raises(NoPersonError, match=message):
        observe_driving(probe_driving(scene.person, OPTIONS), OPTIONS, estimator, with_plate=False)


@pytest.mark.parametrize(("engine", "turns"), [("layered", False), ("avatar", True)])
def test_only_bodies_that_turn_are_as_broad_as_from_the_front(seen: AnalyzedInputs, engine: str, turns: bool) -> None:
    """Flat parts of a photo from the side would be drawn out across."""
    points = seen.source.person.pose.points.copy()
    middle = points[:, 0].mean()
    points[:, 0] = middle + 0.4 * (points[:, 0] - middle)
    narrow = replace(seen.source, person=replace(seen.source.person, pose=Pose(points)))
    breadths = []
    for facing in (None, Facing(0.3, 0.95, 0.95)):
        inputs = replace(seen, source=replace(narrow, facing=facing))
        target = planned(inputs, replace(OPTIONS, engine=engine, view=360 if turns else 0)).aligned
        breadths.append(target.shots[0].ratios.ratios["half_shoulders"])
    assert (breadths[1] > 1.2 * breadths[0]) == turns


class BlindToTrunks(KnowingEstimator):
    """Sees nobody where the trunk is, as networks do in flat drawings."""

    def analyze_picture(
        self, rgb: ByteArray, choice: PersonChoice = LARGEST, *, given_pose: Pose | None = None
    ) -> Person:
        person = super().analyze_picture(rgb, choice, given_pose=given_pose)
        assert person.matte is not None
        matte = person.matte.copy()
        rows = np.flatnonzero(matte.max(axis=1) > 0.5)
        matte[rows[len(rows) // 4] : rows[len(rows) // 2]] = 0
        return replace(person, matte=matte)


def test_a_photo_s_person_has_a_whole_trunk_and_a_result_has_what_is_seen(
    scene: Scene, knowing: KnowingEstimator
) -> None:
    whole = prepare_source(read_source(scene.person, OPTIONS), OPTIONS, knowing).person
    corners = whole.pose.xy[[sk.RIGHT_SHOULDER, sk.LEFT_SHOULDER, sk.LEFT_HIP, sk.RIGHT_HIP]]
    x, y = corners.mean(axis=0).round().astype(int)
    blind = BlindToTrunks([])
    seen = matte_in_frame(whole.rgb, blind.analyze_picture(whole.rgb))
    assert whole.matte[y, x] > 0.9 > 0.1 > seen[y, x]
    filled = prepare_source(read_source(scene.person, OPTIONS), OPTIONS, blind).person
    assert filled.matte[y, x] > 0.9
