"""People whom the picture cuts off, whose hips are not seen, or whose heads are bowed."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from drawn_figure import WIDTH, drawn_person, front_points

from motionwarp.geometry.affine import mean_scale
from motionwarp.parsing import labels
from motionwarp.pose import skeleton as sk
from motionwarp.puppet import parts
from motionwarp.puppet.joints import Joints
from motionwarp.puppet.textures import continued_below
from motionwarp.puppet.transforms import forward_maps
from motionwarp.types import FloatArray, Pose, SourcePerson

BELOW_HIPS = [sk.RIGHT_KNEE, sk.RIGHT_ANKLE, sk.LEFT_KNEE, sk.LEFT_ANKLE]
TORSO = 78.0  # pixels of the drawn figure, from neck to hips
MIDDLE = 120.0


def cut_at(row: int) -> SourcePerson:
    """Return the drawn figure in a picture that ends at a row."""
    whole = drawn_person()
    points = front_points()
    points[points[:, 1] >= row, 2] = 0
    return SourcePerson(whole.rgb[:row], whole.matte[:row], Pose(points), whole.parsing[:row])


def test_cloth_goes_on_where_the_picture_cuts_it() -> None:
    cut = cut_at(150)
    longer = continued_below(cut, TORSO, MIDDLE)
    added = len(longer.matte) - 150
    assert added == round(0.5 * TORSO)
    np.testing.assert_array_equal(longer.rgb[:150], cut.rgb)
    trunk = cut.parsing[-1] == labels.UPPER_CLOTHES
    assert trunk.sum() > 20
    assert (longer.matte[150:, trunk] == 1).all()
    # the end's own color, plain or not, and no belt a second time
    np.testing.assert_allclose(longer.rgb[150:, trunk].astype(int), cut.rgb[149:150, trunk].repeat(added, 0), atol=9)


def test_arms_that_leave_the_picture_do_not_grow() -> None:
    cut = cut_at(150)
    arms = np.isin(cut.parsing[-1], (labels.LEFT_ARM, labels.RIGHT_ARM))
    assert arms.sum() > 10
    assert not continued_below(cut, TORSO, MIDDLE).matte[150:, arms].any()
    # a sleeve has the class of the shirt: how far it lies from the trunk tells
    sleeve = np.where(
        np.isin(cut.parsing, (labels.LEFT_ARM, labels.RIGHT_ARM)), labels.UPPER_CLOTHES, cut.parsing
    ).astype(np.uint8)
    longer = continued_below(SourcePerson(cut.rgb, cut.matte, cut.pose, sleeve), TORSO, MIDDLE)
    assert not longer.matte[150:, np.abs(np.arange(WIDTH) - MIDDLE) > 0.42 * TORSO].any()


def test_people_who_are_whole_stay_as_they_are() -> None:
    whole = drawn_person()
    assert continued_below(whole, TORSO, MIDDLE) is whole
    shoes_cut = cut_at(286)  # below the ankles: whoever stands there goes on no further
    assert continued_below(shoes_cut, TORSO, MIDDLE) is shoes_cut


def without_hips(points: FloatArray) -> FloatArray:
    unseen = points.copy()
    unseen[[sk.RIGHT_HIP, sk.LEFT_HIP, *BELOW_HIPS], 2] = 0
    return unseen


def body(points: FloatArray, reference: Joints | None = None) -> Joints:
    return Joints(torch.from_numpy(points)[None], reference)


@pytest.mark.parametrize("size", [0.5, 1.0, 1.7])
def test_hips_that_are_not_seen_are_this_persons_hips(size: float) -> None:
    larger = front_points()
    larger[:, :2] *= size
    guess = body(without_hips(larger), body(front_points()))
    assert float(guess.torso[0]) == pytest.approx(TORSO * size, rel=0.06)
    np.testing.assert_allclose(guess.hip_center[0].numpy(), [120 * size, 158 * size], atol=0.08 * TORSO * size)


def test_raised_shoulders_do_not_make_a_person_smaller() -> None:
    raised = without_hips(front_points())
    raised[sk.RIGHT_SHOULDER, 0] += 10
    raised[sk.LEFT_SHOULDER, 0] -= 10  # two fifths narrower
    assert float(body(raised, body(front_points())).torso[0]) > 0.9 * TORSO
    assert float(body(raised).torso[0]) < 0.7 * TORSO  # which shoulders alone would make of it


def test_a_bowed_head_keeps_its_size() -> None:
    bowed = front_points()
    middle = bowed[[*sk.HEAD_POINTS], :2].mean(axis=0)
    bowed[[*sk.HEAD_POINTS], :2] = middle + 0.5 * (bowed[[*sk.HEAD_POINTS], :2] - middle)
    bowed[[*sk.HEAD_POINTS], 1] += 12
    maps = forward_maps(body(front_points()), body(bowed), tuple(range(parts.PART_COUNT)))
    assert float(mean_scale(maps[:, parts.HEAD])[0]) == pytest.approx(0.95, abs=1e-4)
