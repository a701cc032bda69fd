"""How long a job will take yet, from what its stages have taken so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

# how far what was expected may be off before it is believed no more
_MOST_OFF: Final = 20.0


@dataclass(frozen=True)
class Step:
    """What a job says of itself while it works.

    Attributes
    ----------
    stage : str
        A word for users.
    done : int
    total : int or None
        None while it is not known.
    """

    stage: str
    done: int
    total: int | None


class RemainingTime:
    """Estimates the seconds that are left of a job with several stages.

    The stage that runs goes on at its own pace; those to come take what was expected, times what the ones so far took
    longer than expected. Ours.

    Parameters
    ----------
    expected : mapping of str to float
        Seconds of every stage, in order; only their ratios count once a stage is over.
    """

    def __init__(self, expected: Mapping[str, float]) -> None:
        self._expected = dict(expected)
        self._stage: str | None = None
        self._stage_began = self._began = 0.0
        self._step: Step | None = None
        self._over: dict[str, float] = {}
        self._share = 0.0

    def begin(self, now: float) -> None:
        """Say that the job begins at second `now` of any clock."""
        self._began = self._stage_began = now

    def update(self, step: Step, now: float) -> None:
        """Say what the job said at second `now`."""
        if step.stage != self._stage:
            if self._stage is not None:
                self._over[self._stage] = now - self._stage_began
                self._stage_began = now
            self._stage = step.stage
        self._step = step

    def seconds(self, now: float) -> float | None:
        """Return the seconds left; None while there is nothing to go by."""
        if self._step is None or self._stage is None:
            return None
        in_stage = now - self._stage_began
        names = list(self._expected)
        known = self._stage in names
        left = self._left_of_stage(in_stage)
        if left is None:
            if not known:
                return None
            left = max(self._expected[self._stage] * self._off() - in_stage, 0.0)
        later = names[names.index(self._stage) + 1 :] if known else []
        return left + sum(self._expected[name] for name in later) * self._off()

    def share(self, now: float) -> float:
        """Return how much is done, 0..1; it never goes back."""
        left = self.seconds(now)
        if left is not None:
            passed = now - self._began
            self._share = max(self._share, passed / max(passed + left, 1e-9))
        return self._share

    def _left_of_stage(self, in_stage: float) -> float | None:
        step = self._step
        assert step is not None
        if step.total is None or step.done <= 0:
            return None
        if step.done >= step.total:
            return 0.0
        if step.total == 1:
            return None
        # the steps done took until the last of them was told, which is about now
        return in_stage / step.done * (step.total - step.done)

    def _off(self) -> float:
        """Return how many times longer than expected the stages took that are over."""
        names = [name for name in self._over if name in self._expected]
        expected = sum(self._expected[name] for name in names)
        if expected <= 0:
            return 1.0
        ratio = sum(self._over[name] for name in names) / expected
        return min(max(ratio, 1 / _MOST_OFF), _MOST_OFF)
