"""Facing and what the frame cuts off, told from bodies: people who turn, are cut, or cannot be told."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from motionwarp.body.body_track import BodyReader
from motionwarp.body.layout import DRIVEN_BONES
from motionwarp.body.pose_prior import PosePrior
from motionwarp.body.rig import PointRig, world_turns
from motionwarp.body.rotations import matrix_from_vector
from motionwarp.body.synthetic_tracks import NO_NOISE, spoiled
from motionwarp.pipeline.check.bodies import bodies_seen, facing_text, view_of_degrees
from motionwarp.pose import skeleton as sk
from motionwarp.pose.stance import View
from motionwarp.types import Facing, FloatArray, PoseTrack

SIZE = 480


@pytest.fixture(scope="module")
def reader() -> BodyReader:
    return BodyReader.load()


def standing(reader: BodyReader, degrees: tuple[float, ...]) -> FloatArray:
    radians = torch.deg2rad(torch.tensor(degrees))
    zero = torch.zeros_like(radians)
    turn = matrix_from_vector(torch.stack([zero, -radians, zero], dim=1))
    turns = turn[:, None] @ world_turns(PosePrior.of(reader.body).ease.float())
    places = PointRig.of(reader.body, reader.body.shape({"age": 0.7})).points(turns)
    flat = places[..., :2] * 200
    head = turns[None, :, DRIVEN_BONES.index("head")]
    scores = spoiled(flat[None], places[None], head, NO_NOISE, torch.Generator().manual_seed(0))[0, ..., 2]
    return torch.cat([flat + SIZE / 2, scores.unsqueeze(-1)], dim=-1).numpy().astype(np.float32)


def track_of(points: FloatArray) -> PoseTrack:
    return PoseTrack(points, np.ones(len(points), dtype=np.bool_), np.arange(len(points)) / 30, SIZE, SIZE)


def cut_below(points: FloatArray, row: float) -> FloatArray:
    """Return points that end at a row, and move the picture's edge there."""
    cut = points.copy()
    cut[cut[..., 1] > row] = 0
    moved = cut.copy()
    moved[..., 1] = np.where(cut[..., 2] > 0, cut[..., 1] + SIZE - row, 0)
    return moved


def test_views_are_told_in_degrees(reader: BodyReader) -> None:
    seen = bodies_seen(track_of(standing(reader, (0.0, 15.0, 90.0, 180.0))), (), reader)
    assert seen.views == (View.FRONTAL, View.FRONTAL, View.PROFILE, View.BACK)
    assert seen.told_share == 1
    assert seen.cut == {}


def test_the_estimator_can_say_that_a_view_is_not_frontal(reader: BodyReader) -> None:
    track = track_of(standing(reader, (0.0, 0.0)))
    told = bodies_seen(track, (Facing(-0.2, 0.98, 0.999), None), reader)
    assert told.views[0] is not View.FRONTAL
    assert told.views[1] is View.FRONTAL
    own = float(reader.facing(track, (None, None)).certainty[0])  # as sure as beside an estimator
    against = bodies_seen(track, (Facing(-1.0, 0.0, own), Facing(1.0, 0.0, own)), reader)
    assert against.facing.told.tolist() == [False, True]
    assert against.views[0] is View.FRONTAL  # by the points alone


def test_what_the_frame_cuts_is_named(reader: BodyReader) -> None:
    points = standing(reader, (0.0, 20.0))
    hips = float(points[:, [sk.RIGHT_HIP, sk.LEFT_HIP], 1].mean())
    knees = float(points[:, [sk.RIGHT_KNEE, sk.LEFT_KNEE], 1].mean())
    legs = bodies_seen(track_of(cut_below(points, (hips + knees) / 2)), (), reader)
    assert {"knees", "feet"} <= set(legs.cut)
    assert not {"head", "shoulders", "hips"} & set(legs.cut)
    half = np.concatenate([points, cut_below(points, (hips + knees) / 2)])
    assert bodies_seen(track_of(half), (), reader).cut["feet"] == pytest.approx(0.5)


def test_what_is_hidden_is_not_cut(reader: BodyReader) -> None:
    points = standing(reader, (0.0,))
    points[:, sk.RIGHT_WRIST] = 0
    assert "hands" not in bodies_seen(track_of(points), (), reader).cut


def test_facings_in_words() -> None:
    texts = [facing_text(degrees) for degrees in (-3.0, 40.2, -90.0, 178.0)]
    assert texts == ["to the camera", "40 degrees to the right", "90 degrees to the left", "away from the camera"]
    face = np.ones((18, 3), np.float32)
    assert view_of_degrees(-170, face) is View.PROFILE  # both eyes are in sight: this is no back
    assert view_of_degrees(-170, np.zeros((18, 3), np.float32)) is View.BACK
    assert view_of_degrees(60, face) is View.TURNED
