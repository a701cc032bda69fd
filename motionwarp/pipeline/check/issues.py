"""Whether a transfer is worth making: what may go wrong with it, how badly, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum


class Verdict(str, Enum):
    """Whether a transfer will work; the value is a word for users."""

    GOOD = "good"
    FAIR = "fair"
    POOR = "poor"


@dataclass(frozen=True)
class Issue:
    """One reason why a transfer may not look right.

    Attributes
    ----------
    code : str
        What it is, for programs, such as 'driving.cuts'; the word before the point is 'source', 'driving' or
        'together'.
    level : Verdict
        What it makes of the whole: `FAIR` or `POOR`.
    text : str
        A sentence without a full stop.
    remedy : str
        What to do about it, as a sentence without a full stop.
    """

    code: str
    level: Verdict
    text: str
    remedy: str

    def __post_init__(self) -> None:
        if self.level is Verdict.GOOD:
            raise ValueError(f"an issue cannot make a transfer good: {self.code}")


def verdict_of(issues: Iterable[Issue]) -> Verdict:
    """Return the worst that any issue says; `GOOD` without issues."""
    levels = {issue.level for issue in issues}
    return next((level for level in (Verdict.POOR, Verdict.FAIR) if level in levels), Verdict.GOOD)


def issue_by_threshold(code: str, value: float, fair: float, poor: float, text: str, remedy: str) -> Iterator[Issue]:
    """Yield an issue if a value is over `fair`, which is `POOR` if it is over `poor` too."""
    if value > fair:
        yield Issue(code, Verdict.POOR if value > poor else Verdict.FAIR, text, remedy)
