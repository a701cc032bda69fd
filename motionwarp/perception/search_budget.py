"""How much may be spent on searching for somebody who is lost: no more than twice what following takes."""

from __future__ import annotations

from typing import Final

from motionwarp.perception.inference import CropPredictor, Predictions
from motionwarp.types import ByteArray

# pictures read for every frame that goes by, on average: following takes about one
_EARNED_LOST: Final = 1.8
_EARNED_FOLLOWING: Final = 0.5
# at the start, and saved up at most: a thorough search of a frame in which nobody is takes most of it
_MOST: Final = 300.0
_QUICK_COST: Final = 16.0  # of a quick search before one has been made
_THOROUGH_COST: Final = 150.0


class CountingPredictor:
    """Reads pictures by another reader and counts them."""

    def __init__(self, reader: CropPredictor) -> None:
        self._reader = reader
        self.pictures = 0

    def __call__(self, pictures: ByteArray, dense: bool) -> Predictions:
        """Read pictures; see `CropPredictor`."""
        self.pictures += len(pictures)
        return self._reader(pictures, dense)


class SearchBudget:
    """Pictures that searches may read, earned by frames that go by.

    Parameters
    ----------
    counter : CountingPredictor
        The reader that searches use.
    """

    def __init__(self, counter: CountingPredictor) -> None:
        self._counter = counter
        self._left = _MOST
        self._last_cost = _QUICK_COST
        self._before = counter.pictures

    def pass_by(self, frames: int, *, lost: bool) -> None:
        """Earn for frames that went by."""
        self._left = min(self._left + frames * (_EARNED_LOST if lost else _EARNED_FOLLOWING), _MOST)

    @property
    def allows_search(self) -> bool:
        """Whether a quick search may be made."""
        return self._left >= min(self._last_cost, _MOST)

    @property
    def allows_thorough(self) -> bool:
        """Whether a thorough search may be made."""
        return self._left >= _THOROUGH_COST

    def begin(self) -> None:
        """Note that a search begins."""
        self._before = self._counter.pictures

    def end(self, *, thorough: bool) -> None:
        """Pay for the search that began last."""
        cost = float(self._counter.pictures - self._before)
        self._left -= cost
        if not thorough:
            self._last_cost = max(cost, 1.0)
