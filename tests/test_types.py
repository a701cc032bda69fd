"""Value types check themselves when they are made, and say what they got."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

import motionwarp
from motionwarp.errors import MediaError, MotionwarpError, OptionError
from motionwarp.types import PersonCrop, Pose, PoseTrack, SourcePerson

POINTS = np.zeros((18, 3), np.float32)


def track(**changes: Any) -> PoseTrack:
    given: dict[str, Any] = {
        "points": np.zeros((4, 18, 3)), "present": np.ones(4), "times_seconds": np.arange(4), "width": 10, "height": 20,
        "cuts": (2,),
    }  # fmt: skip
    return PoseTrack(**{**given, **changes})


def source(**changes: Any) -> SourcePerson:
    given: dict[str, Any] = {
        "rgb": np.zeros((20, 10, 3), np.uint8),
        "matte": np.zeros((20, 10), np.float32),
        "pose": Pose(POINTS),
        "parsing": np.zeros((20, 10), np.uint8),
    }
    return SourcePerson(**{**given, **changes})


def test_points_are_eighteen_and_finite() -> None:
    with pytest.raises(ValueError, match=r"Pose needs points of shape \(18, 3\), got \(17, 3\)"):
        Pose(POINTS[:17])
    with pytest.raises(ValueError, match=r"PoseTrack needs points of shape \(T, 18, 3\), got \(18, 3\)"):
        track(points=POINTS)
    with pytest.raises(ValueError, match="not finite"):
        Pose(POINTS + np.nan)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"present": np.ones(3)}, r"PoseTrack of 4 frames has present \(3,\)"),
        ({"times_seconds": np.arange(5)}, r"and times \(5,\)"),
        ({"width": 0}, "needs a frame size, got 0x20"),
        ({"cuts": (0,)}, r"has cuts \(0,\)"),
        ({"cuts": (2, 4)}, r"has cuts \(2, 4\)"),
    ],
)
def test_a_track_fits_its_frames(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        track(**changes)


def test_a_track_keeps_its_types() -> None:
    made = track()
    assert (made.points.dtype, made.present.dtype, made.times_seconds.dtype) == (np.float32, np.bool_, np.float64)
    assert len(made) == 4


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"scale": 0.0}, "a positive scale"),
        ({"left": np.inf}, "finite corners"),
        ({"width": 0}, "needs a size, got 0x256"),
    ],
)
def test_a_crop_is_a_window_with_a_size(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        PersonCrop(**{"left": 0.0, "top": 0.0, "scale": 1.0, **changes})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"rgb": np.zeros((20, 10, 4), np.uint8)}, r"needs uint8 \(H, W, 3\), got uint8 \(20, 10, 4\)"),
        ({"matte": np.zeros((20, 11), np.float32)}, r"matte of a \(20, 10\) picture"),
        ({"matte": np.zeros((20, 10), np.uint8)}, "must be float32"),
        ({"parsing": np.zeros((19, 10), np.uint8)}, r"parsing of a \(20, 10\) picture"),
    ],
)
def test_all_of_a_source_has_one_size(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        source(**changes)


@pytest.mark.parametrize("kind", [MediaError, OptionError])
def test_errors_keep_their_parts_between_processes(kind: type[MotionwarpError]) -> None:
    error = kind("is broken", subject="clip.mp4", remedy="Copy it again.")
    came = pickle.loads(pickle.dumps(error))
    assert type(came) is kind
    assert (came.problem, came.subject, came.remedy, str(came)) == (
        "is broken",
        "clip.mp4",
        "Copy it again.",
        str(error),
    )
    assert str(kind("is broken")) == "is broken."


def test_the_package_offers_what_it_names_and_nothing_else() -> None:
    assert set(motionwarp.__all__) == set(dir(motionwarp))
    for name in motionwarp.__all__:
        assert getattr(motionwarp, name) is not None
    with pytest.raises(AttributeError, match="'motionwarp' has no attribute 'teleport'"):
        motionwarp.teleport  # noqa: B018
