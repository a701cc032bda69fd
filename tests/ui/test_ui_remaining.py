"""How long a job will take yet."""

from __future__ import annotations

import pytest

from motionwarp.ui.remaining import RemainingTime, Step


def test_nothing_is_known_before_the_first_step() -> None:
    remaining = RemainingTime({"motion": 4, "render": 8})
    remaining.begin(100.0)
    assert remaining.seconds(101.0) is None
    assert remaining.share(101.0) == 0


def test_the_stage_goes_on_at_its_pace_and_later_ones_as_expected() -> None:
    remaining = RemainingTime({"motion": 4, "render": 8})
    remaining.begin(0.0)
    remaining.update(Step("motion", 25, 100), 1.0)
    # three quarters of a stage that took a second for a quarter, then what was expected
    assert remaining.seconds(1.0) == pytest.approx(3 + 8)


def test_what_took_twice_as_long_doubles_what_is_to_come() -> None:
    remaining = RemainingTime({"motion": 4, "render": 8})
    remaining.begin(0.0)
    remaining.update(Step("motion", 100, 100), 8.0)
    remaining.update(Step("render", 0, 100), 8.0)
    assert remaining.seconds(8.0) == pytest.approx(16)
    assert remaining.seconds(10.0) == pytest.approx(14)
    remaining.update(Step("render", 50, 100), 20.0)
    assert remaining.seconds(20.0) == pytest.approx(12)


def test_the_share_ends_at_all_and_never_goes_back() -> None:
    remaining = RemainingTime({"motion": 1, "render": 1})
    remaining.begin(0.0)
    shares = []
    for second, step in enumerate(
        [Step("motion", 9, 10), Step("motion", 10, 10), Step("render", 1, 10), Step("render", 10, 10)], 1
    ):
        remaining.update(step, float(second))
        shares.append(remaining.share(float(second)))
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1.0)


def test_stages_that_nobody_expected_tell_their_own_time_only() -> None:
    remaining = RemainingTime({})
    remaining.begin(0.0)
    remaining.update(Step("clips", 1, 4), 2.0)
    assert remaining.seconds(2.0) == pytest.approx(6)
    remaining.update(Step("shards", 0, None), 3.0)
    assert remaining.seconds(3.0) is None
