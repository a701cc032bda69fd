"""People whom the photo shows from the side or from behind stay a little turned; people seen from the front do not."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from standing_person import HEIGHT, WIDTH, standing_person

from motionwarp.avatar.body_reach import kept_aside
from motionwarp.avatar.turntable import upright_turn
from motionwarp.engines.avatar.engine import AvatarEngine
from motionwarp.engines.base import Motion, RenderSettings
from motionwarp.types import FloatArray, PoseTrack

BONES = 3


def looking(*degrees: float) -> FloatArray:
    """Bodies that look to the picture's right by angles, (T, B, 3, 3)."""
    return np.stack([np.tile(upright_turn(angle), (BONES, 1, 1)) for angle in degrees])


@pytest.mark.parametrize("photo", [0.0, 20.0, -34.0])
@pytest.mark.parametrize("clip", [0.0, 60.0, 180.0])
def test_photos_from_the_front_turn_as_the_clip_does(photo: float, clip: float) -> None:
    assert kept_aside(looking(clip, clip), looking(photo)[0]) == 0


@pytest.mark.parametrize("photo", [60.0, -75.0, 120.0, -140.0])
def test_a_side_stays_within_reach(photo: float) -> None:
    turned = kept_aside(looking(-4, 0, 4), looking(photo)[0])
    assert np.sign(turned) == np.sign(photo)
    assert abs(photo) - abs(turned) == pytest.approx(25, abs=0.5)


def test_who_turns_their_back_in_the_photo_and_not_in_the_clip_is_seen_from_behind() -> None:
    assert abs(kept_aside(looking(0, 0), looking(180)[0])) == pytest.approx(155, abs=0.5)


@pytest.mark.parametrize("clip", [60.0, 80.0, 100.0])
def test_a_clip_from_that_side_is_left_as_it_is(clip: float) -> None:
    assert kept_aside(looking(clip), looking(80)[0]) == 0


def test_somebody_who_turns_round_and_round_is_seen_from_all_sides() -> None:
    assert kept_aside(looking(*np.arange(0, 360, 30)), looking(80)[0]) == 0


def test_it_sets_in_little_by_little() -> None:
    turns = [abs(kept_aside(looking(0), looking(photo)[0])) for photo in np.arange(30, 80, 2.0)]
    steps = np.diff(turns)
    assert (steps >= 0).all()
    assert steps.max() < 5.5


def motion_of(engine: AvatarEngine, points: FloatArray) -> Motion:
    track = PoseTrack(np.stack([points] * 3), np.ones(3, np.bool_), np.arange(3) / 10, WIDTH, HEIGHT)
    return engine.follow(track)


@pytest.mark.parametrize("turn", [0.0, 75.0, -75.0])
def test_engines_tell_by_the_bodies_that_they_fitted(turn: float) -> None:
    engine = AvatarEngine()
    source = standing_person(root=(turn, 0.0, 0.0))
    engine.prepare(source, RenderSettings(torch.device("cpu"), torch.float32, WIDTH, HEIGHT))
    front, own = standing_person().pose.points, source.pose.points
    degrees = engine.kept_aside(motion_of(engine, front))
    assert engine.kept_aside(motion_of(engine, own)) == pytest.approx(0, abs=1)
    if not turn:
        assert degrees == 0
        return
    assert 25 < abs(degrees) < 65
    # turned by so much the motion is within reach
    seen = engine.seen_from(motion_of(engine, front), np.full(3, degrees))
    assert engine.kept_aside(seen) == pytest.approx(0, abs=8)
