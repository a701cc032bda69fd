from __future__ import annotations

import numpy as np
import pytest

from motionwarp.evaluation.perception import OverlapTally, PointTally, person_height
from motionwarp.parsing.labels import GROUP_NAMES, GROUPS, mirrored, to_groups
from motionwarp.pose import skeleton


def teacher() -> np.ndarray:
    points = np.zeros((18, 3), dtype=np.float32)
    points[:, 0] = np.arange(18) * 10
    points[:, 1] = 50
    points[:, 2] = 1
    return points


def test_points_are_counted_by_their_distance_in_heights() -> None:
    tally = PointTally()
    truth, guess = teacher(), teacher()
    truth[5, 2] = 0.4  # the teacher is not sure: does not count
    guess[0, 1] += 4.9
    guess[1, 1] += 7.0
    guess[2, 1] += 11.0
    guess[3, 2] = 0.0  # reported as unseen: has no position
    near = tally.add(guess, truth, height=100.0)
    assert tally.total.sum() == 17
    assert near == pytest.approx(14 / 17)
    metrics = tally.fractions()
    assert metrics["within_5_percent"] == pytest.approx(14 / 17)
    assert metrics["within_10_percent"] == pytest.approx(15 / 17)
    assert metrics["by_point_within_5_percent"]["neck"] == 0


def test_a_person_who_was_not_found_misses_all_points() -> None:
    tally = PointTally()
    assert tally.add(None, teacher(), 100.0) == 0
    assert tally.fractions()["within_10_percent"] == 0
    assert tally.reliability() == []


def test_reliability_compares_scores_with_truth() -> None:
    tally = PointTally()
    guess = teacher()
    guess[:, 2] = np.where(np.arange(18) < 9, 0.95, 0.15)
    guess[9:, 1] += 50
    tally.add(guess, teacher(), 100.0)
    low, high = tally.reliability()
    assert (low["score_from"], low["points"], low["within_5_percent"]) == (0.1, 9, 0.0)
    assert (high["score_from"], high["points"], high["within_5_percent"]) == (0.9, 9, 1.0)
    assert high["mean_score"] == pytest.approx(0.95, abs=1e-4)


def test_height_runs_from_the_top_of_the_matte_to_the_ankles() -> None:
    points = teacher()
    matte = np.zeros((200, 200), dtype=np.float32)
    matte[20:190] = 1
    points[[skeleton.RIGHT_ANKLE, skeleton.LEFT_ANKLE], 1] = (170, 165)
    assert person_height(points, matte) == 150
    points[[skeleton.RIGHT_ANKLE, skeleton.LEFT_ANKLE], 2] = 0
    points[skeleton.LEFT_HIP, 1] = 120
    assert person_height(points, matte) == 100


def test_overlaps_match_a_case_counted_by_hand() -> None:
    tally = OverlapTally.of(3)
    truth = np.array([[0, 0, 1], [1, 255, 1]], dtype=np.uint8)
    guess = np.array([[0, 1, 1], [1, 2, 0]], dtype=np.uint8)
    tally.add(guess, truth)
    overlaps = tally.overlaps()
    assert overlaps[0] == pytest.approx(1 / 3)
    assert overlaps[1] == pytest.approx(2 / 4)
    assert np.isnan(overlaps[2])


def test_every_class_is_in_just_one_group_and_mirrors_within_it() -> None:
    members = [lip_class for classes in GROUPS.values() for lip_class in classes]
    assert sorted(set(members)) == sorted(members)
    assert set(members) == set(range(20))
    parsing = np.arange(20, dtype=np.uint8)[None]
    assert sorted(mirrored(parsing)[0]) == list(range(20))
    np.testing.assert_array_equal(to_groups(mirrored(parsing)), to_groups(parsing)[:, ::-1])
    assert to_groups(np.array([[255]], dtype=np.uint8))[0, 0] == 255
    assert GROUP_NAMES[to_groups(np.array([[13]], dtype=np.uint8))[0, 0]] == "head"
