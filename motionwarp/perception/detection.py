"""Finding people in a whole frame with the network that reads single persons.

Overlapping windows of a few sizes are read in one batch; each gives at most one hypothesis. Hypotheses of the same
person are merged, looked at again through the crop that their points call for, and merged again: two windows often
begin on the same person, and sometimes on two people at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from motionwarp.perception.framing import (
    VISIBLE_SCORE,
    Box,
    CropView,
    body_direction,
    possible_box,
    torso_length,
    upright_turns,
    view_around,
    visible_box,
)
from motionwarp.perception.inference import CropPredictor, Detection, predict_views
from motionwarp.types import ByteArray, FloatArray

# distance, in torso lengths, at which two points count as half the same; ours, about the 'hips' constant of COCO's OKS
_TOLERANCE: Final = 0.28
_FEWEST_SHARED: Final = 3


def pose_similarity(first: FloatArray, second: FloatArray) -> float:
    """Return the mean likeness of the points that both poses have, as in COCO's object keypoint similarity.

    A waist-up view and a whole view of one person are alike, since only shared points count.

    Parameters
    ----------
    first, second : float32 (18, 3)
        In pixels of one frame.

    Returns
    -------
    float
        1 for equal poses, towards 0 for poses apart; 0 if fewer than three points are shared.
    """
    shared = (first[:, 2] >= VISIBLE_SCORE) & (second[:, 2] >= VISIBLE_SCORE)
    if shared.sum() < _FEWEST_SHARED:
        return 0.0
    # the smaller one: a small person in front of a large one is another person
    size = max(min(torso_length(first), torso_length(second)), 1e-3)
    squares = ((first[shared, :2] - second[shared, :2]) ** 2).sum(axis=1) / (size * _TOLERANCE) ** 2
    return float(np.exp(-np.log(2.0) * squares).mean())


def box_containment(first: Box, second: Box) -> float:
    """Return the part of the smaller box that lies within the other one."""
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    if width <= 0 or height <= 0:
        return 0.0
    areas = (first[2] - first[0]) * (first[3] - first[1]), (second[2] - second[0]) * (second[3] - second[1])
    return width * height / max(min(areas), 1e-6)


def box_overlap(first: Box, second: Box) -> float:
    """Return the intersection over union of two boxes."""
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    areas = (first[2] - first[0]) * (first[3] - first[1]) + (second[2] - second[0]) * (second[3] - second[1])
    return shared / (areas - shared)


# a person fills 0.62 of the window meant for them, so that a level serves sizes from 0.65 to 1.3 of its own
_WINDOW_FILL: Final = 0.62
_ASPECT: Final = 0.75  # width over height of an upright window
_STEP: Final = (
    0.36  # of a window, between neighbors: nobody is farther than half of it from the nearest window's middle
)
_ROOMY_FILL: Final = 0.58  # share of a view that a person fills who may have been seen in part only
_EDGE: Final = 0.2  # of a window: nobody worth finding has their middle nearer to the frame's edge


@dataclass(frozen=True)
class DetectionSettings:
    """How thoroughly people are looked for.

    Attributes
    ----------
    hypothesis_score : float
        From which a window's reading is worth a second look.
    person_score : float
        From which a second look counts as a person.
    same_similarity, same_overlap : float
        From which two hypotheses are one person: by their points, or by their boxes.
    unsure_share, unsure_containment : float
        Who scores less than this share of another person, and shares this part of the smaller one's box with them, is
        no other.
    most_people : int
        Hypotheses that get a second look, the surest first.
    quick_windows : int
        Windows that a quick search may spend beyond its first level.
    last_resort_windows : int
        Windows that a thorough search may spend on the smallest people if it found nobody larger.
    """

    hypothesis_score: float = 0.15
    person_score: float = 0.35
    same_similarity: float = 0.45
    same_overlap: float = 0.75
    unsure_share: float = 0.85
    unsure_containment: float = 0.45
    most_people: int = 12
    quick_windows: int = 8
    last_resort_windows: int = 128


class PersonDetector:
    """Looks for people in whole frames.

    Parameters
    ----------
    reader : CropPredictor
    settings : DetectionSettings
    """

    def __init__(self, reader: CropPredictor, settings: DetectionSettings | None = None) -> None:
        self.reader = reader
        self.settings = settings or DetectionSettings()

    def find(
        self, rgb: ByteArray, *, thorough: bool = True, dense: bool = False, hints: Sequence[CropView] = ()
    ) -> list[Detection]:
        """Return everybody in a frame, the surest first.

        Parameters
        ----------
        rgb : uint8 (H, W, 3)
        thorough : bool
            Look for small people too, and for people who lie or hang. Otherwise a frame costs about ten pictures'
            reading.
        dense : bool
            Whether parsing and matte are needed.
        hints : sequence of CropView
            Upright or turned views that are looked at too.

        Returns
        -------
        list of Detection
            Empty if nobody was found.
        """
        height, width = rgb.shape[:2]
        first = level_windows(height, width, 0)
        second = level_windows(height, width, 1)
        views = [*first, *(second if thorough or len(second) <= self.settings.quick_windows else [])]
        if found := self._look(rgb, views, hints, dense):
            return found
        if not thorough:
            return []
        for turns in (2, 1, 3):
            views = [*level_windows(height, width, 0, turns), *level_windows(height, width, 1, turns)]
            if found := self._look(rgb, views[: self.settings.last_resort_windows], (), dense):
                return found
        third = level_windows(height, width, 2)
        return self._look(rgb, third, (), dense) if len(third) <= self.settings.last_resort_windows else []

    def _look(
        self, rgb: ByteArray, upright_or_turned: Sequence[CropView], hints: Sequence[CropView], dense: bool
    ) -> list[Detection]:
        """Read views and follow up what they show."""
        # pictures of one batch have one size; a view turned by a quarter has the upright size again
        hypotheses = predict_views(self.reader, rgb, [*upright_or_turned, *hints])
        hypotheses = self._merged(hypotheses, self.settings.hypothesis_score)[: self.settings.most_people]
        again = look_again(self.reader, rgb, hypotheses)
        # with more room too: the points of what a crop cut off are put where they are not, and seem seen
        again += look_again(self.reader, rgb, again, fill=_ROOMY_FILL)
        second = self._merged([*again, *look_wider(self.reader, rgb, again)], self.settings.person_score)
        return self._merged(look_again(self.reader, rgb, second, dense), self.settings.person_score)

    def _merged(self, found: Sequence[Detection], least_score: float) -> list[Detection]:
        """Return one sighting a person, the one that sees most of them, from a score up; the surest first."""
        kept: list[Detection] = []
        for candidate in sorted(found, key=lambda sighting: -float(sighting.points[:, 2].sum())):
            if candidate.person.score >= least_score and not any(self._same(candidate, other) for other in kept):
                kept.append(candidate)
        return sorted(kept, key=lambda sighting: -sighting.person.score)

    def _same(self, first: Detection, second: Detection) -> bool:
        one, other = first.person.pose.points, second.person.pose.points
        if pose_similarity(one, other) >= self.settings.same_similarity:
            return True
        if box_overlap(visible_box(one), visible_box(other)) >= self.settings.same_overlap:
            return True
        # somebody unsure who shares the place of somebody sure is a misreading of them: a part, or the whole upside
        # down
        unsure = first.person.score < self.settings.unsure_share * second.person.score
        return unsure and box_containment(visible_box(one), visible_box(other)) >= self.settings.unsure_containment


def look_again(
    reader: CropPredictor, rgb: ByteArray, found: Sequence[Detection], dense: bool = False, fill: float | None = None
) -> list[Detection]:
    """Read each person again through the view that their points call for, upright where they lie or hang."""
    return predict_views(reader, rgb, [framed_view(sighting, fill) for sighting in found], dense)


def look_wider(reader: CropPredictor, rgb: ByteArray, found: Sequence[Detection]) -> list[Detection]:
    """Read people whose head or legs were not seen again, in views that hold the rest, where the frame has room."""
    size = rgb.shape[:2]
    views = [view for each in found for view in views_of_the_rest(each.person.pose.points, each.view.turns, *size)]
    return predict_views(reader, rgb, views)


def views_of_the_rest(points: FloatArray, turns: int, height: int, width: int) -> list[CropView]:
    """Return the views in which the unseen rest of a person may show; none where there is nothing to look for.

    Parameters
    ----------
    points : float32 (18, 3)
        In the frame.
    turns : int
        Quarter turns of the view through which they were read.
    height, width : int
        Size of the frame.
    """
    box = possible_box(points, height, width)
    if box is None:
        return []
    if body_direction(points) is None:
        # legs without a head do not tell which way up the person is
        return [view_around(box, each) for each in range(4)]
    return [view_around(box, upright_turns(points, turns))]


def framed_view(sighting: Detection, fill: float | None = None) -> CropView:
    """Return the canonical view of a person whose points were read through any view."""
    points = sighting.person.pose.points
    turns = upright_turns(points, sighting.view.turns)
    return (
        view_around(visible_box(points), turns) if fill is None else view_around(visible_box(points), turns, fill=fill)
    )


def level_windows(height: int, width: int, level: int, turns: int = 0) -> list[CropView]:
    """Return windows that together see every person of one range of sizes near their middle.

    Parameters
    ----------
    height, width : int
        Size of the frame.
    level : int
        0 for people about as long as the frame is high, each further level for people half as long.
    turns : int
        Quarter turns, as in `CropView`; with one or three, people lie and the frame's width stands for its height.

    Returns
    -------
    list of CropView
    """
    sideways = turns % 2 == 1
    person = 0.85 * (width if sideways else height) / 2**level
    long_side = person / _WINDOW_FILL
    across, along = (long_side, long_side * _ASPECT) if sideways else (long_side * _ASPECT, long_side)
    return [
        view_around((x - across / 2, y - along / 2, x + across / 2, y + along / 2), turns, fill=1.0)
        for y in _middles(height, along)
        for x in _middles(width, across)
    ]


def _middles(length: int, window: float) -> list[float]:
    """Return the evenly spaced middles of the windows along one side of the frame."""
    low, high = _EDGE * window, length - _EDGE * window
    count = max(int(np.ceil((high - low) / (_STEP * window))), 1)
    if count == 1:
        return [length / 2]
    return [low + (index + 0.5) * (high - low) / count for index in range(count)]
