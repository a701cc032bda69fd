"""Which pixels of a photo are which part's, where a person is taken apart for an avatar."""

import numpy as np

from motionwarp.avatar.avatar import _without_islands
from motionwarp.puppet import parts
from motionwarp.puppet.segmentation import PartRegions


def test_a_piece_of_the_head_beside_a_hand_is_the_hand_s() -> None:
    own = np.full((parts.PART_COUNT, 40, 40), -4.0, dtype=np.float32)
    own[parts.HEAD, 2:20, 2:20] = 2
    own[parts.HEAD, 4:8, 28:32] = 2  # a piece apart
    own[parts.LEFT_HAND, 4:12, 30:36] = 1
    own[parts.TORSO, 20:40, 2:20] = 2
    own[parts.TORSO, 30:34, 30:34] = 2  # below an arm, say
    solid = own.max(axis=0) > 0
    made = _without_islands(PartRegions(own.copy(), own.copy()), solid)
    owner = made.own.argmax(axis=0)
    assert (owner[4:8, 28:32] == parts.LEFT_HAND).all()
    assert (owner[2:20, 2:20] == parts.HEAD).all()
    # trunks are divided by arms before them
    assert (owner[30:34, 30:34] == parts.TORSO).all()
    assert (made.own.max(axis=0) > 0)[solid].all()


def test_a_piece_that_touches_nothing_stays() -> None:
    own = np.full((parts.PART_COUNT, 40, 40), -4.0, dtype=np.float32)
    own[parts.HEAD, 2:20, 2:20] = 2
    own[parts.HEAD, 30:34, 30:34] = 2
    made = _without_islands(PartRegions(own.copy(), own.copy()), own.max(axis=0) > 0)
    np.testing.assert_array_equal(made.own, own)
