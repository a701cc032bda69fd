"""How far heads are turned, told from points whose truth is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from drawn_figure import drawn_person, front_points

from motionwarp.data.synthetic import BodyPose, sample_pose, sample_proportions
from motionwarp.data.synthetic.body import BodyProportions, place
from motionwarp.pose import skeleton as sk
from motionwarp.puppet.head import HEAD_POINTS, HeadTurns, head_depth, head_turns
from motionwarp.puppet.joints import Joints
from motionwarp.puppet.person import PuppetPerson
from motionwarp.types import FloatArray

_PIXELS = 170.0  # a meter


def as_seen(body: BodyProportions, pose: BodyPose, rng: np.random.Generator) -> tuple[FloatArray, float]:
    """A body's points as a far camera sees them, a pixel off or so, and its face's turn to its left in degrees."""
    skeleton = place(body, pose)
    forward = skeleton.head_axes[:, 2]
    turn = math.degrees(math.atan2(forward[0], forward[2]))
    xy = skeleton.joints[:, :2] * (_PIXELS, -_PIXELS) + rng.normal(0, 1, (18, 2))
    scores = np.ones(18)
    if 50 < abs(turn) < 110:
        scores[sk.LEFT_EAR if turn > 0 else sk.RIGHT_EAR] = 0
    if abs(turn) > 110:
        scores[[sk.NOSE, sk.RIGHT_EYE, sk.LEFT_EYE]] = 0.6
    return np.concatenate([xy, scores[:, None]], axis=1).astype(np.float32), turn


def turns_of(source: FloatArray, *targets: FloatArray) -> HeadTurns:
    here = Joints(torch.from_numpy(source)[None])
    return head_turns(head_depth(here), here, Joints(torch.from_numpy(np.stack(targets)), here))


def degrees(turn: torch.Tensor) -> float:
    return math.degrees(math.atan2(float(turn[0, 1]), float(turn[0, 0])))


def test_turns_are_found_all_the_way_round() -> None:
    rng = np.random.default_rng(0)
    wrong = []
    for _ in range(120):
        body = sample_proportions(rng)
        source, of_source = as_seen(body, BodyPose(head=(0.0, 0.0, float(rng.normal(0, 8)))), rng)
        target, of_target = as_seen(body, sample_pose(rng, float(rng.uniform(-180, 180))), rng)
        found = degrees(turns_of(source, target).placed)
        wrong.append((found - (of_target - of_source) + 180) % 360 - 180)
    assert np.median(np.abs(wrong)) < 7
    assert np.quantile(np.abs(wrong), 0.9) < 22


def test_a_head_that_does_not_turn_is_not_turned() -> None:
    points = front_points()
    angle = math.radians(35)
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]], dtype=np.float32)
    tilted = points.copy()
    head = [*sk.HEAD_POINTS]
    tilted[head, :2] = (points[head, :2] - points[sk.NECK, :2]) @ turn.T + points[sk.NECK, :2]
    grown = points * (1.3, 1.3, 1)
    turns = turns_of(points, points, tilted, grown.astype(np.float32))
    for each in (turns.placed, turns.shown):
        torch.testing.assert_close(each, torch.tensor([[1.0, 0.0]]).repeat(3, 1))


def test_without_a_turn_the_points_stay() -> None:
    source = Joints(torch.from_numpy(front_points())[None])
    head = head_depth(source)
    assert head is not None
    torch.testing.assert_close(head.turned(torch.tensor([1.0, 0.0])), source.xy[0, list(HEAD_POINTS)])
    assert abs(head.own_turn) < 0.1
    nose, quarter = HEAD_POINTS.index(sk.NOSE), head.turned(torch.tensor([0.0, 1.0]))
    assert (
        quarter[nose, 0] > source.xy[0, sk.NOSE, 0] + head.half_ears
    )  # to the person's left, which is on the picture's right
    torch.testing.assert_close(quarter[:, 1], source.xy[0, list(HEAD_POINTS), 1])


@pytest.mark.parametrize("missing", [[*sk.HEAD_POINTS], [sk.NOSE, sk.RIGHT_EYE, sk.LEFT_EYE]])
def test_too_few_points_tell_no_turn(missing: list[int]) -> None:
    few = front_points()
    few[missing, 2] = 0
    assert degrees(turns_of(front_points(), few).placed) == 0
    assert head_depth(Joints(torch.from_numpy(few)[None])) is None
    assert degrees(turns_of(few, front_points()).placed) == 0


def test_of_a_profile_the_other_half_of_the_face_is_not_made_up() -> None:
    rng = np.random.default_rng(3)
    body = sample_proportions(rng)
    (profile, _), (front, _) = (as_seen(body, BodyPose(root=(turn, 0.0, 0.0)), rng) for turn in (80.0, 0.0))
    turns = turns_of(profile, front)
    assert degrees(turns.placed) < -45
    assert degrees(turns.shown) == 0


def test_a_head_that_was_not_turned_has_its_points_where_it_is_seen() -> None:
    profile = front_points()
    profile[[sk.NOSE, sk.RIGHT_EYE, sk.LEFT_EYE, sk.RIGHT_EAR], 0] = profile[sk.NECK, 0] + np.array(
        [19, 15, 16, 1], np.float32
    )
    profile[sk.LEFT_EAR, 2] = 0
    poses = torch.from_numpy(np.stack([front_points(), profile]))
    front = PuppetPerson(drawn_person(), torch.device("cpu"))
    torch.testing.assert_close(front.shown_poses(poses), poses)  # a face can be turned to the side
    side = PuppetPerson(drawn_person(profile), torch.device("cpu"))
    shown = side.shown_poses(poses)
    torch.testing.assert_close(shown[1], poses[1])
    body = [point for point in range(18) if point not in sk.HEAD_POINTS]
    torch.testing.assert_close(shown[:, body], poses[:, body])
    assert (
        shown[0, sk.NOSE, 0] > poses[0, sk.NOSE, 0] + 8
    )  # but no side to the front: the nose still points to the left
    assert shown[0, sk.LEFT_EAR, 2] == 0
