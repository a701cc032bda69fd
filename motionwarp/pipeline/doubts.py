"""What makes a reading doubtful, told to the user: bad light, and a network that was not sure."""

from __future__ import annotations

from collections import Counter
from typing import Final

from motionwarp.analysis.exposure import light_fault
from motionwarp.types import ByteArray, Person

# people who are seen at all well score over 0.9; the wrong ones among those below this are many
SURE_SCORE: Final = 0.5
# fewer frames than this part of those with the person are not worth a word
WORTH_TELLING: Final = 0.1

_ADVICE: Final = "points may be wrong there (look at them with `motionwarp pose`)"


class Doubts:
    """Counts the frames of a clip, or the one picture, in which a person was hardly to be seen."""

    def __init__(self) -> None:
        self._seen = 0
        self._faults: Counter[str] = Counter()

    def add(self, rgb: ByteArray, person: Person | None) -> None:
        """Take the next frame, uint8 (H, W, 3), and the person seen in it."""
        if person is None:
            return
        self._seen += 1
        if fault := light_fault(rgb, person.pose.points):
            self._faults[f"is {fault}"] += 1
        elif person.score < SURE_SCORE:
            self._faults["was not surely made out"] += 1

    def notes(self, who: str) -> list[str]:
        """Return what a user should know, a sentence each, about `who`, such as 'the driving person'."""
        worth = [(fault, count) for fault, count in sorted(self._faults.items()) if count > WORTH_TELLING * self._seen]
        if self._seen == 1:
            return [f"{who} {fault}: {_ADVICE}" for fault, _ in worth]
        return [f"{who} {fault} in {count} of {self._seen} frames: {_ADVICE}" for fault, count in worth]
