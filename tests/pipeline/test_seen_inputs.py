"""Inputs that were analysed before give the frames of a transfer that analyses them, and can be changed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from motionwarp.errors import OptionError
from motionwarp.media.probing import probe_video
from motionwarp.parsing import labels
from motionwarp.pipeline.api import stream
from motionwarp.pipeline.driving import observe_driving
from motionwarp.pipeline.job import TransferJob
from motionwarp.pipeline.options import TransferOptions
from motionwarp.pipeline.progress import StageClock
from motionwarp.pipeline.seen import SeenInputs, mirrored_motion, retimed_motion
from motionwarp.pipeline.source import prepare_source, read_source
from motionwarp.pipeline.staging import Staging, staged
from motionwarp.pose import skeleton as sk

from .conftest import KnowingEstimator, Scene, standing, waving

OPTIONS = TransferOptions(device="cpu", size=96)


@pytest.fixture
def seen(scene: Scene, knowing: KnowingEstimator) -> SeenInputs:
    source = prepare_source(scene.person, *read_source(scene.person, OPTIONS), None, OPTIONS, knowing)
    motion = observe_driving(scene.dance, OPTIONS, None, knowing, StageClock(), with_plate=False, callback=None)
    return SeenInputs(source, motion, probe_video(scene.dance), knowing.name)


def test_frames_are_those_of_a_transfer_that_analyses(scene: Scene, seen: SeenInputs) -> None:
    job = TransferJob(Path("gone.png"), Path("gone.mp4"), OPTIONS, seen=seen)
    job.prepare()
    kept = [frame.rgb for frame in job.frames()]
    fresh = [frame.rgb for frame in stream(scene.person, scene.dance, OPTIONS)]
    assert len(kept) == scene.frames
    assert all(np.array_equal(one, other) for one, other in zip(kept, fresh, strict=True))


def test_layers_carry_the_classes_of_their_pixels(seen: SeenInputs) -> None:
    job = TransferJob(Path("gone.png"), Path("gone.mp4"), OPTIONS, seen=seen, keep_parsing=True)
    job.prepare()
    _, layer = next(job.shown())
    assert layer.parsing is not None
    assert layer.parsing.shape == layer.rgba.shape[:2]
    frame = np.zeros((job.height, job.width), dtype=np.uint8)
    frame[layer.top : layer.top + len(layer.parsing), layer.left : layer.left + layer.parsing.shape[1]] = layer.parsing
    x, y = (job.target.points[0, [sk.RIGHT_KNEE, sk.LEFT_KNEE], :2].round().astype(int)).T
    assert frame[y, x].tolist() == [labels.PANTS, labels.PANTS]
    x, y = job.target.points[0, sk.NOSE, :2].round().astype(int)
    assert frame[y, x] == labels.FACE
    without = TransferJob(Path("gone.png"), Path("gone.mp4"), OPTIONS, seen=seen)
    without.prepare()
    assert next(without.shown())[1].parsing is None


def test_a_mirror_swaps_hands_and_columns(seen: SeenInputs) -> None:
    track, mirrored = seen.motion.track, mirrored_motion(seen.motion).track
    np.testing.assert_allclose(mirrored.points[:, sk.RIGHT_WRIST, 0], 89 - track.points[:, sk.LEFT_WRIST, 0])
    np.testing.assert_allclose(mirrored.points[:, sk.RIGHT_WRIST, 1], track.points[:, sk.LEFT_WRIST, 1])
    twice = mirrored_motion(mirrored_motion(seen.motion)).track
    np.testing.assert_allclose(twice.points, track.points, atol=1e-5)


def test_speed_changes_times_and_the_end(seen: SeenInputs) -> None:
    assert seen.motion.end_seconds == pytest.approx(2.0)
    faster = retimed_motion(seen.motion, 2.0)
    assert faster.end_seconds == pytest.approx(1.0)
    np.testing.assert_allclose(faster.track.times_seconds, seen.motion.track.times_seconds / 2)
    changed = SeenInputs(seen.source, faster, seen.info, seen.estimator)
    job = TransferJob(Path("p"), Path("d"), TransferOptions(device="cpu", size=96, fps=12), seen=changed)
    assert len(job.prepare()) == 12
    with pytest.raises(ValueError, match="over 0"):
        retimed_motion(seen.motion, 0.0)


def test_staging_scales_about_the_ground_and_moves(seen: SeenInputs) -> None:
    track = seen.motion.track
    half = staged(track, Staging(scale=0.5))
    ankles = track.points[0, [sk.RIGHT_ANKLE, sk.LEFT_ANKLE], 1]
    np.testing.assert_allclose(half.points[0, [sk.RIGHT_ANKLE, sk.LEFT_ANKLE], 1], ankles, atol=0.01)
    length = np.linalg.norm(standing()[sk.NECK, :2] - standing()[sk.LEFT_HIP, :2])
    assert np.linalg.norm(half.points[5, sk.NECK, :2] - half.points[5, sk.LEFT_HIP, :2]) == pytest.approx(length / 2, rel=1e-4)
    moved = staged(track, Staging(shift_x=0.1, shift_y=-0.05))
    np.testing.assert_allclose(moved.points[..., 0] - track.points[..., 0], 9.0, atol=1e-4)
    np.testing.assert_allclose(moved.points[..., 1] - track.points[..., 1], -8.0, atol=1e-4)
    assert staged(track, Staging()) is track


@pytest.mark.parametrize("values", [{"scale": 0.0}, {"scale": float("nan")}, {"shift_x": 1.5}])
def test_stagings_out_of_range_are_refused(values: dict[str, float]) -> None:
    with pytest.raises(OptionError):
        Staging(**values)


def test_the_estimators_own_points_are_what_is_kept(seen: SeenInputs) -> None:
    np.testing.assert_allclose(seen.motion.track.points, [waving(index / 24) for index in range(24)])
