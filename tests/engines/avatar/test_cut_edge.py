"""People whom the photo cuts off: their cut stays at the frame's edge, and at rest nothing is moved."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from standing_person import standing_person

from motionwarp.avatar.avatar import usable_joints
from motionwarp.body.layout import DRIVEN_BONES
from motionwarp.engines.avatar.cut_edge import HELD, CutEdge, CutHead
from motionwarp.engines.avatar.making import with_avatar
from motionwarp.engines.avatar.photo_body import PhotoBody
from motionwarp.engines.avatar.posing import PoseParams
from motionwarp.engines.base import RenderSettings
from motionwarp.pose import skeleton as sk
from motionwarp.types import FloatArray, Pose, PoseTrack, SourcePerson

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def whole() -> SourcePerson:
    return standing_person()


@pytest.fixture(scope="module")
def cut(whole: SourcePerson) -> SourcePerson:
    """The same person to the middle of the thighs."""
    points = whole.pose.points.copy()
    hips, knees = points[[sk.RIGHT_HIP, sk.LEFT_HIP], 1], points[[sk.RIGHT_KNEE, sk.LEFT_KNEE], 1]
    last = round(float((hips.mean() + knees.mean()) / 2))
    points[points[:, 1] >= last] = 0
    shortened = replace(
        whole, rgb=whole.rgb[:last].copy(), matte=whole.matte[:last].copy(), pose=Pose(points),
        parsing=whole.parsing[:last].copy(),
    )  # fmt: skip
    return with_avatar(shortened)


def body_of(person: SourcePerson, *, holds_cut: bool) -> PhotoBody:
    height, width = person.matte.shape
    settings = RenderSettings(
        CPU, torch.float32, width, height, photo_to_frame=np.eye(2, 3, dtype=np.float32), holds_cut=holds_cut
    )
    return PhotoBody.of(person, settings)


def covered_below(body: PhotoBody, person: SourcePerson, points: FloatArray) -> tuple[float, tuple[str, ...]]:
    """How much of the last row is covered that the photo covers, and what users are told."""
    height, width = person.matte.shape
    motion = body.follow(PoseTrack(points[None], np.ones(1, np.bool_), np.zeros(1), width, height))
    (pose,) = body.posed(PoseParams.of_motion(motion))
    picture, _ = body.drawn(*pose).whole()
    trunk = person.matte[-1] > 0.9
    return float((picture[-2, trunk, 3] > 128).mean()), motion.notes


def lifted(person: SourcePerson, by: float) -> FloatArray:
    points = person.pose.points.copy()
    points[points[:, 2] > 0, 1] -= by
    return points


def torso_of(person: SourcePerson) -> float:
    return float(usable_joints(person.pose.points).torso[0])


def test_who_is_lifted_a_little_goes_on_below_the_photo(cut: SourcePerson) -> None:
    points = lifted(cut, 0.2 * torso_of(cut))
    for holds in (False, True):
        share, notes = covered_below(body_of(cut, holds_cut=holds), cut, points)
        assert share > 0.8
        assert HELD not in notes


def test_the_end_of_who_is_lifted_far_stays_at_the_edge(cut: SourcePerson) -> None:
    free, held = (body_of(cut, holds_cut=holds) for holds in (False, True))
    points = lifted(cut, 0.7 * torso_of(cut))
    assert covered_below(free, cut, points)[0] < 0.3
    share, notes = covered_below(held, cut, points)
    assert share > 0.8
    assert HELD in notes


def test_at_rest_nobody_is_held(cut: SourcePerson) -> None:
    share, notes = covered_below(body_of(cut, holds_cut=True), cut, cut.pose.points)
    assert share > 0.8
    assert HELD not in notes


def test_legs_that_are_cut_keep_still_against_the_hips(cut: SourcePerson) -> None:
    body = body_of(cut, holds_cut=True)
    assert body.cut is not None
    shares = {name: float(share) for name, share in zip(DRIVEN_BONES, body.cut.shares, strict=True)}
    assert shares["upperleg01.R"] == shares["lowerleg01.L"] == 0
    assert shares["upperarm01.R"] == shares["root"] == 1


def test_a_whole_person_has_no_cut(whole: SourcePerson) -> None:
    assert CutEdge.of(whole, with_avatar(whole).avatar) is None


@pytest.fixture(scope="module")
def portrait(cut: SourcePerson) -> SourcePerson:
    """The same person, from above the eyes."""
    points = cut.pose.points.copy()
    eyes = points[[sk.RIGHT_EYE, sk.LEFT_EYE], 1].mean()
    first = round(float(eyes - 0.06 * torso_of(cut)))
    points[points[:, 2] > 0, 1] -= first
    headless = SourcePerson(
        cut.rgb[first:].copy(), cut.matte[first:].copy(), Pose(points), cut.parsing[first:].copy()
    )  # fmt: skip
    return with_avatar(headless)


def head_at(body: PhotoBody, person: SourcePerson, by: float) -> tuple[float, float]:
    """How far a head's cut lies below the photo's first row, in pixels, and how much of the last row is covered."""
    height, width = person.matte.shape
    points = lifted(person, -by)
    motion = body.follow(PoseTrack(points[None], np.ones(1, np.bool_), np.zeros(1), width, height))
    (pose,) = body.posed(PoseParams.of_motion(motion))
    cut_head = CutHead.of(person, body.avatar)
    assert cut_head is not None
    picture, _ = body.drawn(*pose).whole()
    return cut_head.drop(*pose, 0.0), float((picture[-2, person.matte[-1] > 0.9, 3] > 128).mean())


def test_a_head_that_the_photo_cuts_off_stays_at_the_upper_edge(portrait: SourcePerson) -> None:
    held, free = (body_of(portrait, holds_cut=holds) for holds in (True, False))
    by = 0.25 * torso_of(portrait)
    assert held.cut_head is not None
    assert head_at(free, portrait, by)[0] > 0.6 * by
    drop, covered = head_at(held, portrait, by)
    assert drop < 2
    assert covered > 0.8
    assert head_at(held, portrait, 0.0)[0] < 2


def test_a_whole_head_goes_down_as_it_likes(cut: SourcePerson, whole: SourcePerson) -> None:
    assert CutHead.of(cut, with_avatar(cut).avatar) is None
    assert CutHead.of(whole, with_avatar(whole).avatar) is None
