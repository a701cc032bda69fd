"""Real clips made dark, blown out, letterboxed and cut.

The shipped analyzer sees the person or says that it may not.
"""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import robust_scenes as scenes
import torch
from robust_scenes import Drawn

from motionwarp.media.reader import open_video
from motionwarp.perception.base import Estimator
from motionwarp.perception.registry import make_estimator
from motionwarp.pipeline.driving import DrivingMotion, observe_driving, probe_driving
from motionwarp.pipeline.options import TransferOptions

pytestmark = pytest.mark.shared_data
HEIGHT = 320


@pytest.fixture(scope="module")
def estimator() -> Estimator:
    return make_estimator("builtin", torch.device("cpu"), torch.float32)


def real(shared_data: Path, name: str, count: int, step: int = 1, skip: int = 0) -> Drawn:
    """Frames of a real clip, reduced, with the teacher's points."""
    taught = json.loads((shared_data / "video" / f"{name}.keypoints18.json").read_text())["frames"]
    frames, points = [], []
    with open_video(shared_data / "video" / f"{name}.mp4") as reader:
        for frame in reader:
            if len(frames) == count:
                break
            if frame.index < skip or (frame.index - skip) % step or taught[frame.index] is None:
                continue
            scale = HEIGHT / frame.rgb.shape[0]
            frames.append(cv2.resize(frame.rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))
            points.append(np.array(taught[frame.index]) * [scale, scale, 1])
    return Drawn(frames, np.array(points, dtype=np.float32))


def observed(folder: Path, clip: Drawn, estimator: Estimator) -> DrivingMotion:
    path, _ = scenes.write_clip(folder, clip, 12)
    options = TransferOptions()
    return observe_driving(probe_driving(path, options), options, estimator, with_plate=False)


def near(motion: DrivingMotion, truth: Drawn) -> list[float]:
    """The part of each frame's points that is within a tenth of the person's height."""
    parts = []
    for points, taught in zip(motion.track.points, truth.points, strict=True):
        known = (taught[:, 2] > 0.7) & (points[:, 2] > 0.2)
        distance = np.linalg.norm(points[known, :2] - taught[known, :2], axis=1)
        height = np.ptp(taught[taught[:, 2] > 0.5, 1])
        parts.append(float((distance < 0.1 * height).sum() / max((taught[:, 2] > 0.7).sum(), 1)))
    return parts


@pytest.mark.parametrize("light", ["dark", pytest.param("underexposed", marks=pytest.mark.nightly)])
def test_dark_clips_are_read(shared_data: Path, tmp_path: Path, estimator: Estimator, light: str) -> None:
    clip = scenes.lit(real(shared_data, "tfjs_squats", 6), light)
    assert np.mean(near(observed(tmp_path, clip, estimator), clip)) > 0.8


@pytest.mark.nightly
@pytest.mark.parametrize("name", ["tfjs_squats", "mmhuman3d_single"])
@pytest.mark.parametrize("light", ["bright", "blown out"])
def test_overexposed_clips_are_read_or_told(
    shared_data: Path, tmp_path: Path, estimator: Estimator, light: str, name: str
) -> None:
    clip = scenes.lit(real(shared_data, name, 5), light)
    motion = observed(tmp_path, clip, estimator)
    told = any("the driving person" in note for note in motion.notes) or not motion.track.present.all()
    assert told or np.mean(near(motion, clip)) > 0.8


@pytest.mark.nightly
@pytest.mark.parametrize("bars", [False, True])
def test_a_cut_to_somebody_else_is_a_cut_and_a_loss(
    shared_data: Path, tmp_path: Path, estimator: Estimator, bars: bool
) -> None:
    first = real(shared_data, "muse_dance", 5, step=2)
    second = scenes.in_frame(real(shared_data, "tfjs_squats", 5), first.size)
    clip = first.then(second)
    if bars:
        wide = [cv2.copyMakeBorder(frame, 0, 0, 190, 190, cv2.BORDER_CONSTANT) for frame in clip.frames]
        clip = Drawn(wide, clip.points + np.array([190, 0, 0], dtype=np.float32))
    motion = observed(tmp_path, clip, estimator)
    assert motion.track.cuts == (5,)
    assert motion.track.present.tolist() == [True] * 5 + [False] * 5
    assert np.mean(near(motion, clip)[:5]) > 0.8


@pytest.mark.nightly
def test_a_cut_to_the_same_person_nearer_is_a_cut_and_no_loss(
    shared_data: Path, tmp_path: Path, estimator: Estimator
) -> None:
    far, later = real(shared_data, "muse_dance", 5), real(shared_data, "muse_dance", 5, skip=120)
    width, height = later.size
    points = later.points * np.array([1.6, 1.6, 1], dtype=np.float32)
    zoomed = Drawn([cv2.resize(frame, None, fx=1.6, fy=1.6) for frame in later.frames], points)
    clip = far.then(scenes.in_frame(zoomed, (width, height), (0.5, 0.62)))
    motion = observed(tmp_path, clip, estimator)
    assert motion.track.cuts == (5,)
    assert motion.track.present.all()
    assert min(near(motion, clip)) > 0.7
