from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from motionwarp.data.synthetic import Camera, body_points, frame_body, place
from motionwarp.pose import skeleton as sk

LARGEST_BYTES = 512 * 1024


@pytest.fixture(scope="module")
def examples(repository_root: Path) -> Path:
    return repository_root / "examples"


@pytest.fixture(scope="module")
def script(examples: Path) -> dict[str, Any]:
    """Return what the drawing script defines, without drawing."""
    return runpy.run_path(str(examples / "make_examples.py"))


@pytest.fixture(scope="module")
def frames(examples: Path) -> list[np.ndarray]:
    with av.open(str(examples / "dance.mp4")) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def content(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text(encoding="utf-8")))


def assert_points_fit(points: np.ndarray, width: int, height: int) -> None:
    assert points.shape[1:] == (18, 3)
    assert np.isin(points[..., 2], [0.6, 1.0]).all()
    assert (points[..., :2] >= 0).all()
    assert (points[..., :2] <= (width - 1, height - 1)).all()


def test_the_persons_points_fit_the_picture(examples: Path) -> None:
    picture, track = cv2.imread(str(examples / "person.jpg")), content(examples / "person.keypoints18.json")
    assert picture is not None
    assert track["file"] == "person.jpg"
    assert picture.shape == (track["height"], track["width"], 3)
    points = np.array(track["frames"])
    assert len(points) == 1
    assert_points_fit(points, track["width"], track["height"])
    # someone who stands and faces the camera
    x, y = points[0, :, 0], points[0, :, 1]
    assert x[sk.LEFT_WRIST] > x[sk.NECK] > x[sk.RIGHT_WRIST]
    assert y[sk.NOSE] < y[sk.NECK] < y[sk.RIGHT_HIP] < y[sk.RIGHT_KNEE] < y[sk.RIGHT_ANKLE]
    assert y[sk.RIGHT_ANKLE] - y[sk.NOSE] > 0.5 * track["height"]


def test_the_dances_points_fit_its_frames(examples: Path, frames: list[np.ndarray]) -> None:
    track = content(examples / "dance.keypoints18.json")
    assert track["file"] == "dance.mp4"
    assert {frame.shape for frame in frames} == {(track["height"], track["width"], 3)}
    points = np.array(track["frames"])
    assert len(points) == len(frames)
    assert_points_fit(points, track["width"], track["height"])
    # a dance: wrists travel far, and nothing jumps
    assert np.ptp(points[:, [sk.RIGHT_WRIST, sk.LEFT_WRIST], 1], axis=0).min() > 0.15 * track["height"]
    assert np.abs(np.diff(points[..., :2], axis=0)).max() < 0.08 * track["height"]


def test_the_points_lie_on_the_dancer(examples: Path, frames: list[np.ndarray]) -> None:
    points = np.array(content(examples / "dance.keypoints18.json")["frames"])
    for frame, pose in zip(frames, points, strict=True):
        # half way from the neck to the hips is the green shirt
        column, row = np.round((pose[sk.NECK, :2] + pose[[sk.RIGHT_HIP, sk.LEFT_HIP], :2].mean(axis=0)) / 2).astype(int)
        red, green, blue = frame[row - 3 : row + 4, column - 3 : column + 4].reshape(-1, 3).mean(axis=0)
        assert green > 1.25 * max(red, blue)
        # elbows and wrists are skin or shirt: not the lilac wall
        for joint in (sk.RIGHT_ELBOW, sk.LEFT_ELBOW, sk.RIGHT_WRIST, sk.LEFT_WRIST):
            x, y = np.round(pose[joint, :2]).astype(int)
            red, green, blue = (float(value) for value in frame[y, x])
            assert green > blue or red > 1.2 * blue


def test_the_dance_has_sound_of_its_length(examples: Path, frames: list[np.ndarray]) -> None:
    track = content(examples / "dance.keypoints18.json")
    with av.open(str(examples / "dance.mp4")) as container:
        video, sound = container.streams.video[0], container.streams.audio[0]
        assert float(video.average_rate) == track["fps"]
        assert (video.codec_context.name, sound.codec_context.name) == ("h264", "aac")
        rate = sound.codec_context.sample_rate
        samples = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])
    seconds = len(frames) / track["fps"]
    assert seconds == 4
    # AAC comes in blocks of 1024 samples, the first and the last of which may be padding
    assert len(samples) / rate == pytest.approx(seconds, abs=2 * 1024 / rate)
    loud = np.sqrt(np.mean(samples[: int(rate * seconds) // 8 * 8].reshape(8, -1) ** 2, axis=1))
    assert (loud > 0.02).all()


def test_the_examples_are_small(examples: Path) -> None:
    sizes = {path.name: path.stat().st_size for path in examples.iterdir() if path.is_file()}
    assert {"person.jpg", "dance.mp4", "person.keypoints18.json", "dance.keypoints18.json"} <= set(sizes)
    assert max(sizes.values()) < LARGEST_BYTES


def test_the_script_would_give_the_same_points(examples: Path, script: dict[str, Any]) -> None:
    """All frames of the dance, projected anew: what is shipped is what the script draws."""
    body, rate = script["DANCER"], script["FRAME_RATE"]
    poses = [script["dance"](index / rate) for index in range(rate * script["SECONDS"])]
    skeletons = [place(body, pose) for pose in poses]
    track = content(examples / "dance.keypoints18.json")
    assert (track["height"], track["width"]) == script["DANCE_SIZE"]
    assert len(track["frames"]) == len(poses)
    first = skeletons[0]
    floor = min(float(first.feet[:, 1].min()), float(first.joints[[sk.RIGHT_ANKLE, sk.LEFT_ANKLE], 1].min()))
    lifts = [np.array([0.0, floor - float(skeleton.feet[:, 1].min()), 0.0]) for skeleton in skeletons]
    every = np.concatenate([body_points(skeleton) + lift for skeleton, lift in zip(skeletons, lifts, strict=True)])
    camera = frame_body(
        every, Camera(4.6, 0.2, 0.0, 1.0, 0.0, 0.0), *script["DANCE_SIZE"], share=0.88, middle_x=0.5, middle_y=0.56
    )
    for skeleton, lift, shipped in zip(skeletons, lifts, track["frames"], strict=True):
        pixels, _ = camera.project(skeleton.joints + lift)
        # a lift is drawn as a shift and a zoom, which differs from it by a few pixels
        np.testing.assert_allclose(np.array(shipped)[:, :2], pixels, atol=5)
