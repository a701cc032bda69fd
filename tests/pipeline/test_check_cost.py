"""What a quick check says a transfer will take."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from motionwarp.pipeline.check.cost import LookingTime


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A look at every fourth of 400 frames, in which a tenth of a second goes to each frame that is followed."""
    monkeypatch.setattr(LookingTime, "_observing_seconds", lambda _, start, frames: (0.5 + 0.1 * frames, frames))
    track = SimpleNamespace(times_seconds=np.arange(100) * 0.16, present=np.ones(100, dtype=bool))
    plan = SimpleNamespace(
        inputs=SimpleNamespace(motion=SimpleNamespace(track=track)),
        setup=SimpleNamespace(options=SimpleNamespace(start=None)),
    )

    def made(**values: Any) -> LookingTime:
        clock = SimpleNamespace(seconds=lambda: {"analyse": 30.0})
        given = {"sampler": SimpleNamespace(every=4, passed=400), "seconds": 32.0, "clock": clock, **values}
        return LookingTime(inputs=None, plan=plan, estimator=None, **given)

    return made


def test_what_was_looked_at_whole_is_known(looked: Any) -> None:
    assert looked(sampler=SimpleNamespace(every=1, passed=400)).of_all_frames() == 32.0


def test_every_dancer_is_followed_through_all_frames(looked: Any) -> None:
    following = 0.5 + 0.1 + 0.1 * 400
    assert looked().of_all_frames() == pytest.approx(2.0 + following)
    assert looked(dancers=3).of_all_frames() == pytest.approx(2.0 + 3 * following)
