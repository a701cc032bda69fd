"""What a photo shows of its person, as far as it decides whether a transfer will work."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from motionwarp.body.body_track import BodyReader, picture_track
from motionwarp.perception.base import Estimator
from motionwarp.perception.exposure import SURE_SCORE
from motionwarp.perception.framing import box_of_matte
from motionwarp.pipeline.check.bodies import bodies_seen
from motionwarp.pipeline.check.issues import Issue, Verdict
from motionwarp.pipeline.check.people import count_people
from motionwarp.pipeline.options import TransferOptions
from motionwarp.pipeline.source import PreparedSource, SourcePicture
from motionwarp.pose.kinematics import VISIBLE_SCORE
from motionwarp.pose.skeleton import POINT_NAMES
from motionwarp.pose.stance import (
    OUT_OF_SIGHT,
    Framing,
    View,
    framing_of,
    is_upright,
    limbs_in_front,
    shows_face,
)
from motionwarp.types import BoolArray, FloatArray

# of the person's width or height: a finger or a lock of hair at the edge is no loss
_CUT_PART: Final = 0.1
_COVERED: Final = 0.5


@dataclass(frozen=True)
class SourceStats:
    """What the source shows.

    Attributes
    ----------
    width, height : int
        Size of the picture in pixels, as it is in its file.
    score : float
        Probability that the person is one, in [0, 1]; 1 where the pose was given.
    people : int or None
        Who are about as large as the person, the person included; None where that is not known.
    points_seen, points_unsure, points_unseen : tuple of str
        Names of the 18 points: with a score of at least 0.5; less sure; and so low that they count as not seen.
    framing : Framing
    view : View
        By the facing where it can be told.
    face : bool
        Whether nose and both eyes are seen.
    upright : bool
    limbs_in_front : tuple of str
        Limbs that hide other parts of the body, in words.
    matte_given : bool
        Whether the matte is a file's or the picture's own, not one that was seen.
    person_height : float
        Height of what is in sight of the person, in pixels of the file.
    cut_at : tuple of str
        Sides of the picture that cut the person off: 'top', 'left', 'right', and 'bottom' where feet are in sight.
    notes : tuple of str
        What made the reading doubtful.
    facing_degrees : float or None
        0 is the camera, 90 the picture's right, 180 away from the camera; None where it cannot be told.
    cut_off : tuple of str
        Parts that lie outside of the picture, at least one of two: 'feet', 'knees', 'hips', ...
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
    facing_degrees: float | None = None
    cut_off: tuple[str, ...] = ()


def source_stats(
    file: SourcePicture, source: PreparedSource, estimator: Estimator | None, reader: BodyReader
) -> SourceStats:
    """Measure what the source shows.

    Parameters
    ----------
    file : SourcePicture
        As it was read.
    source : PreparedSource
        What was seen in it.
    estimator : Estimator or None
        What saw it, to count people; None leaves them uncounted.
    reader : BodyReader
    """
    track = picture_track(source.person.pose.points, *source.size)
    bodies = bodies_seen(track, [] if source.facing is None else [source.facing], reader)
    points = source.person.pose.points
    seen, sure = points[:, 2] >= VISIBLE_SCORE, points[:, 2] >= SURE_SCORE
    framing = framing_of(seen)
    box = box_of_matte(source.person.matte, _COVERED)
    return SourceStats(
        width=round(file.picture.width / file.scale),
        height=round(file.picture.height / file.scale),
        score=source.score,
        people=None if estimator is None else count_people(estimator, file.picture.rgb),
        points_seen=_names(sure),
        points_unsure=_names(seen & ~sure),
        points_unseen=_names(~seen),
        framing=framing,
        view=bodies.views[0],
        face=shows_face(points),
        upright=is_upright(points),
        limbs_in_front=limbs_in_front(points),
        matte_given=source.matte_given,
        person_height=0.0 if box is None else (box[3] - box[1]) / file.scale,
        cut_at=_cut_at(source.person.matte, framing),
        notes=source.notes,
        facing_degrees=round(float(bodies.facing.degrees[0]), 1) if bodies.facing.told[0] else None,
        cut_off=tuple(bodies.cut),
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


# pixels that the person is high. Twelve street photos reduced to people of 60 pixels lost only one point in fifty: it
# is the picture that suffers. A head is an eighth of the body; with 20 pixels for it eyes have two or three,
SMALL_PERSON: Final = 160
# and with 7 it is a blot
TINY_PERSON: Final = 60

_LIMBS: Final = ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")


def source_issues(stats: SourceStats, options: TransferOptions) -> Iterator[Issue]:
    """Yield what speaks against a photo, whatever the clip.

    Parameters
    ----------
    stats : SourceStats
    options : TransferOptions
        With which it was looked at.
    """
    if stats.people is not None and stats.people > 1 and options.person_in_source == "largest":
        yield Issue(
            "source.people",
            Verdict.FAIR,
            f"{stats.people} people are in the photo; the largest is taken, and the others stay in the background",
            "Choose with `source_person=1`, or crop the photo to the one meant",
        )
    yield from _framing_issues(stats)
    yield from _view_issues(stats)
    if stats.limbs_in_front:
        yield Issue(
            "source.limbs_in_front",
            Verdict.FAIR,
            f"{', '.join(stats.limbs_in_front)}: what lies behind them is not known, and is painted when they move "
            "away",
            "Use a photo with arms away from the body and legs apart",
        )
    yield from _size_issues(stats)
    for note in stats.notes:
        yield Issue(
            "source.unsure",
            Verdict.FAIR,
            note,
            "Use a brighter or sharper photo, or give the points with `source_poses`",
        )


def _framing_issues(stats: SourceStats) -> Iterator[Issue]:
    if stats.framing is Framing.BUST:
        yield Issue(
            "source.framing",
            Verdict.POOR,
            "the photo shows head and shoulders only: how large the body is can only be guessed",
            "Use a photo that shows at least the hips, best the whole body",
        )
    hidden = [
        name for name in stats.points_unseen if name.endswith(_LIMBS) and not name.endswith(OUT_OF_SIGHT[stats.framing])
    ]
    if hidden:
        yield Issue(
            "source.points",
            Verdict.FAIR,
            f"{', '.join(hidden)} cannot be seen: the other side's are copied, or a standing person's are taken",
            "Use a photo in which no arm or leg is hidden, or give the points with `source_poses`",
        )
    if stats.cut_at:
        yield Issue(
            "source.cut",
            Verdict.FAIR,
            f"the photo cuts the person off at the {' and '.join(stats.cut_at)}: what is cut off is missing when it "
            "comes into sight",
            "Use a photo with some room around the person",
        )


def _view_issues(stats: SourceStats) -> Iterator[Issue]:
    remedy = "Use a photo in which the person faces the camera"
    if stats.view is View.PROFILE:
        # one arm, one leg and half of the face are behind the others, and no warp brings them forth
        yield Issue(
            "source.view",
            Verdict.POOR,
            "the person is seen from the side: half of the body is hidden by the other",
            remedy,
        )
    elif stats.view is View.BACK:
        yield Issue(
            "source.view", Verdict.FAIR, "the person is seen from behind: face and chest are never shown", remedy
        )
    elif stats.view is View.TURNED:
        yield Issue(
            "source.view",
            Verdict.FAIR,
            "the person is turned by more than 45 degrees: the far side is mostly hidden",
            remedy,
        )
    elif stats.view is View.UNKNOWN:
        yield Issue("source.view", Verdict.FAIR, "the shoulders cannot be seen, so that the view is not known", remedy)
    elif stats.facing_degrees is None:
        yield Issue(
            "source.facing",
            Verdict.FAIR,
            "which way the person faces cannot be told, and the points alone are taken, in the picture's plane",
            remedy,
        )
    if not stats.upright:
        yield Issue(
            "source.lying",
            Verdict.POOR,
            "the person lies or hangs: poses of standing people fit badly",
            "Use an upright photo",
        )


def _size_issues(stats: SourceStats) -> Iterator[Issue]:
    if 0 < stats.person_height < SMALL_PERSON:
        yield Issue(
            "source.small",
            Verdict.POOR if stats.person_height < TINY_PERSON else Verdict.FAIR,
            f"the person is only {stats.person_height:.0f} pixels high: face and hands have hardly any pixels",
            f"Use a larger photo or one from nearer, best with people of {SMALL_PERSON} pixels and more",
        )
