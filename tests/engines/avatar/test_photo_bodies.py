"""Bodies of one person in several photos: one shape, of which every photo says what it shows."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from motionwarp.avatar.arms_beyond import BentBeyond, wrists_beyond
from motionwarp.avatar.avatar import usable_joints
from motionwarp.body.lifting import facing_degrees
from motionwarp.body.model import BodyModel
from motionwarp.body.pose_prior import PosePrior
from motionwarp.body.rig import PointRig, world_turns
from motionwarp.body.rotations import matrix_from_vector
from motionwarp.body.shape_prior import sample_coefficients
from motionwarp.engines.avatar.posing import SourceBody, with_undrawn
from motionwarp.pose import skeleton as sk
from motionwarp.pose.retargeting import retarget_track
from motionwarp.types import FloatArray, Pose, PoseTrack, SourcePerson

LEGS = [sk.RIGHT_KNEE, sk.RIGHT_ANKLE, sk.LEFT_KNEE, sk.LEFT_ANKLE]


@pytest.fixture(scope="module")
def model() -> BodyModel:
    return BodyModel.load()


@pytest.fixture(scope="module")
def leggy(model: BodyModel) -> PointRig:
    """The one of many people whose legs are the longest for the torso."""
    everybody = PointRig.of(model, model.shape_of(sample_coefficients(model, 60, torch.Generator().manual_seed(4))))
    people = [PointRig(everybody.offsets[number], everybody.anchors[number]) for number in range(60)]
    return max(people, key=legs_to_torso)


def photo(model: BodyModel, person: PointRig, degrees: float) -> FloatArray:
    """Points (18, 3) of somebody who stands at ease and faces so many degrees."""
    turn = matrix_from_vector(torch.tensor([0.0, -float(np.deg2rad(degrees)), 0.0], dtype=torch.float32))
    places = person.points(turn @ world_turns(PosePrior.of(model).ease.float()))
    points = torch.cat([places[:, :2] * 300 + 300, torch.ones(18, 1)], dim=1)
    return np.ascontiguousarray(points.numpy(), dtype=np.float32)


def legs_to_torso(rig: PointRig) -> float:
    places = rig.points(torch.eye(3).expand(len(rig.offsets), 3, 3))
    thigh = (places[sk.RIGHT_HIP] - places[sk.RIGHT_KNEE]).norm()
    shin = (places[sk.RIGHT_KNEE] - places[sk.RIGHT_ANKLE]).norm()
    torso = (places[sk.NECK] - (places[sk.RIGHT_HIP] + places[sk.LEFT_HIP]) / 2).norm()
    return float((thigh + shin) / torso)


def test_a_second_photo_tells_of_the_legs_that_the_first_one_cuts_off(model: BodyModel, leggy: PointRig) -> None:
    cut, whole = photo(model, leggy, 0), photo(model, leggy, 40)
    cut[LEGS] = 0
    alone = SourceBody.of_photo(cut)
    first, second = SourceBody.of_photos([cut, whole])
    torch.testing.assert_close(first.fit.coefficients, second.fit.coefficients)
    truth = legs_to_torso(leggy)
    off_alone, off_both = (abs(np.log(legs_to_torso(each.rig) / truth)) for each in (alone, first))
    assert off_alone > 0.04
    assert off_both < 0.5 * off_alone
    # each photo keeps its own pose, on its own points
    for body, points in ((first, cut), (second, whole)):
        drawn = body.rig.points(body.fit.turns)[0, :, :2] * body.rest.scale + torch.tensor(body.rest.shift)
        seen = points[:, 2] > 0
        assert np.linalg.norm(drawn.numpy() - points[:, :2], axis=1)[seen].mean() < 0.03 * np.ptp(whole[:, 1])


def test_one_photo_is_fitted_by_itself(model: BodyModel, leggy: PointRig) -> None:
    points = photo(model, leggy, 20)
    one, [same] = SourceBody.of_photo(points), SourceBody.of_photos([points])
    torch.testing.assert_close(one.fit.turns, same.fit.turns)
    with pytest.raises(ValueError, match="at least one photo"):
        SourceBody.of_photos([])


def test_the_body_lies_on_points_of_low_scores_too(model: BodyModel, leggy: PointRig) -> None:
    # the photo's pixels hang on the body there
    points = photo(model, leggy, 0)
    points[[sk.RIGHT_KNEE, sk.RIGHT_ANKLE], 0] -= (25, 50)
    points[LEGS, 2] = 0.5
    body = SourceBody.of_photo(points)
    camera = body.fit.camera
    placed = body.rig.points(body.fit.turns)[0, :, :2] * camera.scale[0] + camera.shift[0]
    off = np.linalg.norm(placed.numpy() - points[:, :2], axis=1)
    assert off[LEGS].max() < 0.02 * np.ptp(points[:, 1])


@pytest.mark.parametrize("degrees", [0.0, 180.0])
def test_who_is_cut_at_the_chest_faces_where_the_clip_does(model: BodyModel, leggy: PointRig, degrees: float) -> None:
    """Of what the photo does not show only the place is known, which says nothing of how sure the clip's points are."""
    source = photo(model, leggy, 0)
    cut = [sk.RIGHT_WRIST, sk.LEFT_WRIST, sk.RIGHT_HIP, sk.LEFT_HIP, *LEGS]
    source[cut] = 0
    body = SourceBody.of_photo(source)
    clip = np.repeat(photo(model, leggy, degrees)[None], 12, axis=0)
    if degrees:
        clip[:, [sk.NOSE, sk.RIGHT_EYE, sk.LEFT_EYE], 2] = 0
    track = PoseTrack(clip, np.ones(12, np.bool_), np.arange(12) / 30, 600, 900)
    points = retarget_track(track, Pose(source)).track.points
    facing = facing_degrees(body.follow(points).turns[:, 0]).numpy()
    off = (facing - degrees + 180) % 360 - 180
    assert np.abs(off).max() < 30
    assert body.is_facing_told(points)


@pytest.mark.parametrize("last", [330.0, 420.0, 520.0, 700.0])
def test_a_photo_that_cuts_somebody_has_its_own_pose_where_a_clip_shows_that_pose(
    model: BodyModel, leggy: PointRig, last: float
) -> None:
    """At the chest, the waist, the knees: what the photo does not show is where both put it."""
    whole = photo(model, leggy, 10)
    whole[:, 1] -= whole[:, 1].min() - 60
    points = whole.copy()
    points[points[:, 1] > last * np.ptp(whole[:, 1]) / 900] = 0
    rows = round(last * np.ptp(whole[:, 1]) / 900)
    plain = np.zeros((rows, 600), dtype=np.uint8)
    matte = np.zeros((rows, 600), dtype=np.float32)
    middle = int(points[sk.NECK, 0])
    matte[40:, middle - 90 : middle + 90] = 1
    person = SourcePerson(np.repeat(plain[..., None], 3, axis=2), matte, Pose(points), plain)
    torso = float(usable_joints(points).torso[0])
    [body] = SourceBody.of_photos([wrists_beyond(person, torso).pose.points])
    track = PoseTrack(points[None], np.ones(1, np.bool_), np.zeros(1), 600, rows)
    told = BentBeyond.of(person, torso).told(with_undrawn(retarget_track(track, Pose(points)).track.points))
    poses = body.follow(told)
    torch.testing.assert_close(poses.turns[0], body.fit.turns[0], atol=2e-3, rtol=0)
    np.testing.assert_allclose(poses.camera[0, 1:].numpy(), body.rest.shift, atol=0.3)
