"""Whom an estimator is to follow through a clip: the one asked for, or the one whom the whole clip is about."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from motionwarp.media.spread import spread_frames
from motionwarp.perception.base import Estimator
from motionwarp.perception.selection import PersonChoice

# frames looked through before: one a second, up to these
_LOOKED_THROUGH: Final = 12


def followed_person(
    path: Path, choice: PersonChoice, estimator: Estimator, start_seconds: float | None, end_seconds: float | None
) -> PersonChoice:
    """Return whom to follow.

    Parameters
    ----------
    path : Path
        The clip.
    choice : PersonChoice
        Who was asked for. A number or a place mean the first frame in which there is anybody; they are left as they are.
    estimator : Estimator
        Those that cannot look a clip through follow the largest person of the first frame that shows somebody.
    start_seconds, end_seconds : float or None
        The section.

    Raises
    ------
    MediaError, LimitError
        If the clip cannot be read.
    """
    survey = getattr(estimator, "survey", None)
    if survey is None or not choice.by_size:
        return choice
    frames = spread_frames(path, most=_LOOKED_THROUGH, start_seconds=start_seconds, end_seconds=end_seconds)
    chosen = survey(frames)
    assert isinstance(chosen, PersonChoice)
    return chosen
