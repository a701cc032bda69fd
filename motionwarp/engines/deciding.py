"""Engines that decide how a frame is drawn at a size of their own, and draw it at the output's in a second step.

What is decided varies slowly while a person moves slowly, so that not every frame needs a decision of its own: a frame
between two decided ones can be drawn by the mean of both.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

from motionwarp.engines.base import Engine, Motion
from motionwarp.types import BoolArray, FloatArray, PersonLayer

Decision = TypeVar("Decision")


class DecidingEngine(Engine, Generic[Decision]):
    """An engine whose second pass has two steps, both pure functions of their arguments as all of an engine is."""

    @abstractmethod
    def slow_frames(self, motion: Motion, theta: FloatArray) -> BoolArray:
        """Return which frames of a clip differ so little from both neighbors that they can be drawn by their mean.

        Parameters
        ----------
        motion, theta
            As for `render`, of T frames in order.

        Returns
        -------
        bool (T,)
            False for the first and the last frame.
        """

    @abstractmethod
    def decide(self, motion: Motion, theta: FloatArray) -> Sequence[Decision]:
        """First step: what is decided of each frame; arguments as for `render`. Takes no memory of the output's size.

        Returns
        -------
        sequence of B decisions
        """

    @abstractmethod
    def between(self, before: Decision, after: Decision) -> Decision:
        """Return the mean of two decisions."""

    @abstractmethod
    def draw(self, motion: Motion, theta: FloatArray, decisions: Sequence[Decision]) -> Sequence[PersonLayer]:
        """Second step: the person of each frame; `decisions` are those of the B frames, else as `render`."""

    def render(self, motion: Motion, theta: FloatArray) -> Sequence[PersonLayer]:
        """Do both steps, every frame by a decision of its own; see `Engine.render`."""
        return self.draw(motion, theta, self.decide(motion, theta))


def decided_frames(slow: BoolArray) -> npt.NDArray[np.int64]:
    """Return the numbers of the frames that are decided on their own, ascending, where `slow` ones need not be.

    Every frame that is left out lies between two that are not.
    """
    decided = np.ones(len(slow), dtype=np.bool_)
    for frame in range(1, len(slow) - 1):
        decided[frame] = not (slow[frame] and decided[frame - 1])
    return np.flatnonzero(decided)
