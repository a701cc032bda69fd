"""Whom an estimator is to follow through a clip, and which way up the clip is, by a few of its frames."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from motionwarp.media.spread import spread_frames
from motionwarp.notices import Gravity, Notice
from motionwarp.perception.base import Estimator
from motionwarp.perception.framing import VISIBLE_SCORE
from motionwarp.perception.selection import PersonChoice
from motionwarp.pipeline.options import InputOptions, SectionOptions
from motionwarp.types import PoseTrack

# frames looked through before: one a second, up to these
_LOOKED_THROUGH: Final = 12
_TURNED_FRAMES: Final = 4
# of the frames with a person, and of the 18 points in them: who is seen less than this may be seen the wrong way up
_DOUBTFUL_FRAMES, _DOUBTFUL_POINTS = 0.5, 11


def followed_person(path: Path, choice: PersonChoice, estimator: Estimator, options: SectionOptions) -> PersonChoice:
    """Return whom to follow through a clip: the one asked for, or the one whom the whole clip is about.

    Parameters
    ----------
    path : Path
    choice : PersonChoice
        Who was asked for. A number or a place mean the first frame in which there is anybody; they are left as they
        are.
    estimator : Estimator
        Those that cannot look a clip through follow the largest person of the first frame that shows somebody.
    options : SectionOptions
        The section, and the turn where they have one.

    Raises
    ------
    MediaError, LimitError
        If the clip cannot be read.
    """
    survey = getattr(estimator, "survey", None)
    if survey is None or not choice.by_size:
        return choice
    degrees = int(options.rotate) if isinstance(options, InputOptions) else 0
    frames = spread_frames(
        path,
        most=_LOOKED_THROUGH,
        start_seconds=options.start,
        end_seconds=options.end,
        rotate_degrees=degrees,
    )
    chosen = survey(frames)
    assert isinstance(chosen, PersonChoice)
    return chosen


def seen_rotation(path: Path, estimator: Estimator, options: SectionOptions) -> int:
    """Return by how many degrees clockwise a clip has to be turned for its people to stand; 0 if in doubt."""
    look = getattr(estimator, "upright_rotation", None)
    if look is None:
        return 0
    frames = spread_frames(path, most=_TURNED_FRAMES, start_seconds=options.start, end_seconds=options.end)
    return int(look(frames))


def rotation_note(path: Path, track: PoseTrack, estimator: Estimator, options: InputOptions) -> str | None:
    """Return what a user should know of a clip that seems to lie on its side or to stand on its head.

    Only clips in which the person is hardly seen are looked at again.
    """
    seen = (track.points[..., 2] >= VISIBLE_SCORE).sum(axis=1)[track.present]
    doubtful = track.present.mean() < _DOUBTFUL_FRAMES or not len(seen) or float(np.median(seen)) < _DOUBTFUL_POINTS
    if options.rotate != "0" or not doubtful:
        return None
    degrees = seen_rotation(path, estimator, options)
    if degrees == 0:
        return None
    return Notice(
        f"the clip seems to be turned: its people stand upright when it is turned clockwise; give `rotate={degrees}`",
        Gravity.GRAVE,
    )
