"""What a photo shows of its person, as far as it decides whether a transfer will work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from motionwarp.analysis.framing import box_of_matte
from motionwarp.pipeline.doubts import SURE_SCORE
from motionwarp.pipeline.job import TransferJob
from motionwarp.pipeline.people_count import count_people
from motionwarp.pipeline.source import PreparedSource
from motionwarp.pose.body_tree import SEEN_SCORE
from motionwarp.pose.skeleton import POINT_NAMES
from motionwarp.pose.stance import Framing, View, framing_of, is_upright, limbs_in_front, shows_face, view_of
from motionwarp.types import BoolArray, FloatArray

# of the person's width or height: a finger or a lock of hair at the edge is no loss
_CUT_PART: Final = 0.1
_COVERED: Final = 0.5


@dataclass(frozen=True)
class SourceFacts:
    """What the source shows.

    Attributes
    ----------
    width, height : int
        Of the picture in pixels, as it is in its file.
    score : float
        Probability that the person is one, in [0, 1]; 1 where the pose was given.
    people : int or None
        Who are about as large as the person, the person included; None where that is not known.
    points_seen, points_unsure, points_unseen : tuple of str
        Names of the 18 points: with a score of at least 0.5; less sure; and so low that they count as not seen.
    framing : Framing
    view : View
    face : bool
        Whether nose and both eyes are seen.
    upright : bool
    limbs_in_front : tuple of str
        Limbs that hide other parts of the body, in words.
    matte_given : bool
        Whether the matte is a file's or the picture's own, not one that was seen.
    person_height : float
        Of what is in sight of the person, in pixels of the file.
    cut_at : tuple of str
        Sides of the picture that cut the person off: 'top', 'left', 'right', and 'bottom' where feet are in sight.
    notes : tuple of str
        What made the reading doubtful.
    """

    width: int
    height: int
    score: float
    people: int | None
    points_seen: tuple[str, ...]
    points_unsure: tuple[str, ...]
    points_unseen: tuple[str, ...]
    framing: Framing
    view: View
    face: bool
    upright: bool
    limbs_in_front: tuple[str, ...]
    matte_given: bool
    person_height: float
    cut_at: tuple[str, ...]
    notes: tuple[str, ...]


def source_facts(job: TransferJob, source: PreparedSource) -> SourceFacts:
    """Tell what the source shows.

    Parameters
    ----------
    job : TransferJob
        Whose picture was analysed, with its estimator.
    source : PreparedSource
        What was seen in it.
    """
    points = source.person.pose.points
    seen, sure = points[:, 2] >= SEEN_SCORE, points[:, 2] >= SURE_SCORE
    framing = framing_of(seen)
    box = box_of_matte(source.person.matte, _COVERED)
    return SourceFacts(
        width=round(job.picture.width / job.picture_scale),
        height=round(job.picture.height / job.picture_scale),
        score=source.score,
        people=count_people(job.estimator, job.picture.rgb),
        points_seen=_names(sure),
        points_unsure=_names(seen & ~sure),
        points_unseen=_names(~seen),
        framing=framing,
        view=view_of(points),
        face=shows_face(points),
        upright=is_upright(points),
        limbs_in_front=limbs_in_front(points),
        matte_given=source.matte_given,
        person_height=0.0 if box is None else (box[3] - box[1]) / job.picture_scale,
        cut_at=_cut_at(source.person.matte, framing),
        notes=source.notes,
    )


def _names(chosen: BoolArray) -> tuple[str, ...]:
    return tuple(name.replace("_", " ") for name, wanted in zip(POINT_NAMES, chosen, strict=True) if wanted)


def _cut_at(matte: FloatArray, framing: Framing) -> tuple[str, ...]:
    """Return the sides at which a matte (H, W) goes on beyond the picture."""
    box = box_of_matte(matte, _COVERED)
    if box is None:
        return ()
    width, height = box[2] - box[0], box[3] - box[1]
    covered = matte >= _COVERED
    sides = {
        "top": np.count_nonzero(covered[0]) / width,
        "left": np.count_nonzero(covered[:, 0]) / height,
        "right": np.count_nonzero(covered[:, -1]) / height,
        # whoever is seen to the knees is cut at the bottom, as the framing says already
        "bottom": np.count_nonzero(covered[-1]) / width if framing is Framing.WHOLE else 0.0,
    }
    return tuple(side for side, part in sides.items() if part >= _CUT_PART)
