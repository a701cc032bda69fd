"""Whom to follow, decided over the whole clip: finds in frames spread over it, linked into people, all weighed.

What the first frame shows decides nothing: it may be an empty room whose furniture looks a little like somebody, a
shelf with toys, a poster, or the one who starts the camera and walks off. The weights are ours.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import numpy as np

from motionwarp.perception.detection import PersonDetector, box_overlap
from motionwarp.perception.framing import VISIBLE_SCORE, torso_length, visible_box
from motionwarp.perception.inference import Detection
from motionwarp.perception.reid import reid_descriptor
from motionwarp.perception.selection import LARGEST, PersonChoice, Sighting
from motionwarp.pose import skeleton
from motionwarp.runtime import SingleThreadPool
from motionwarp.types import FloatArray, Frame

# largest distance of appearances of one person; more where somebody is in the very same place
_SAME_APPEARANCE: Final = 0.42
_SAME_PLACE_APPEARANCE: Final = 0.6
_SAME_PLACE_OVERLAP: Final = 0.6
# a person of whom this many points are seen is seen in full; who shows fewer may be half a person, or a toy
_FULL_POINTS: Final = 14
# what never moves by more than this share of its torso in several frames is furniture, a poster or a doll
_STATIC_SHARE: Final = 0.02
_STATIC_FRAMES: Final = 3
_STATIC_WEIGHT: Final = 0.1
# without a neck and a shoulder it is hardly a body
_HEADLESS_WEIGHT: Final = 0.3
# people who are each alone in sight, one after another, are all followed, unless for far less time than the others
_CHAINED_SHARE: Final = 0.3  # of the frames of the main person
_STRONG_SHARE: Final = 0.15  # of the main person's weight
_COMPANY_SHARE: Final = 0.1  # of the main person's weight in a frame, from which somebody else counts as in sight
_THOROUGH_EVERY: Final = 4  # of the frames, these are searched for small people too where a quick look found nobody

_Sized = tuple[Sighting, float]


@dataclass(eq=False)
class _Seen:
    """One person as linked over the frames of a survey."""

    frames: list[int] = field(default_factory=list)
    sightings: list[Sighting] = field(default_factory=list)
    sizes: list[float] = field(default_factory=list)

    def weight(self) -> float:
        """Return how much of the clip's main person this is."""
        total = sum(
            sighting.score**2 * body_completeness(sighting.points) * size
            for sighting, size in zip(self.sightings, self.sizes, strict=True)
        )
        return total * (_STATIC_WEIGHT if self._is_static() else 1.0)

    def _is_static(self) -> bool:
        if len(self.sightings) < _STATIC_FRAMES:
            return False
        points = np.stack([sighting.points for sighting in self.sightings])
        always = (points[..., 2] >= VISIBLE_SCORE).all(axis=0)
        torso = float(np.median([torso_length(each) for each in points]))
        if not always.any() or torso <= 0:
            return False
        spread = points[:, always, :2].std(axis=0).max(axis=1)
        return bool(np.median(spread) < _STATIC_SHARE * torso)


def survey(frames: Iterable[Frame], finder: PersonDetector, workers: int = 1) -> PersonChoice:
    """Choose whom to follow through a clip.

    Parameters
    ----------
    frames : iterable of Frame
        A few, spread over the whole clip, in order; their times on the clock by which it is followed.
    finder : PersonDetector
    workers : int
        Frames that are searched at once.

    Returns
    -------
    PersonChoice
        With the sightings of the person chosen, or of several who are alone one after another; `LARGEST` without any if
        nobody was found.
    """
    sightings: list[list[_Sized]] = []
    kept: list[Frame] = []  # a few, to be searched for small people too where nobody is found at all
    for number, (frame, found) in enumerate(_searched(frames, finder, workers)):
        sightings.append(_sized(frame, found))
        if number % _THOROUGH_EVERY == 0 and not any(sightings):
            kept.append(frame)
    if not any(sightings):
        sightings = [_sized(frame, finder.find(frame.rgb)) for frame in kept]
    people = _linked(sightings)
    if not people:
        return LARGEST
    chosen, alone = _chosen(people)
    places = sorted((sighting for each in chosen for sighting in each.sightings), key=lambda one: one.time_seconds)
    return PersonChoice(sightings=tuple(places), alone=alone)


def _searched(frames: Iterable[Frame], finder: PersonDetector, workers: int) -> Iterator[tuple[Frame, list[Detection]]]:
    """Yield frames in order with those whom a quick look finds; one frame more is held than is searched at once."""
    quickly = partial(finder.find, thorough=False)
    searched: deque[tuple[Frame, Future[list[Detection]]]] = deque()
    with SingleThreadPool(workers) as crew:
        for frame in frames:
            searched.append((frame, crew.submit(quickly, frame.rgb)))
            if len(searched) > workers:
                first, found = searched.popleft()
                yield first, found.result()
        for frame, found in searched:
            yield frame, found.result()


def survey_people(frames: Iterable[Frame], finder: PersonDetector) -> list[PersonChoice]:
    """Tell the people of a clip apart.

    Parameters
    ----------
    frames : iterable of Frame
        As for `survey`.
    finder : PersonDetector

    Returns
    -------
    list of PersonChoice
        Whom to follow, one for each person, the main one first; furniture and passers-by are left out. Each has the
        sightings of its person.
    """
    people = _linked([_sized(frame, finder.find(frame.rgb)) for frame in frames])
    ranked = sorted(people, key=lambda person: -person.weight())
    strong = [person for person in ranked if person.weight() >= _STRONG_SHARE * ranked[0].weight()]
    return [PersonChoice(sightings=tuple(person.sightings), alone=len(strong) == 1) for person in strong]


def _sized(frame: Frame, found: Sequence[Detection]) -> list[_Sized]:
    """Return who was found in a frame, the surest first, and the share of the frame that each one's box takes."""
    height, width = frame.rgb.shape[:2]
    sized = []
    for detection in sorted(found, key=lambda each: -each.person.score):
        points = detection.person.pose.points
        looks = reid_descriptor(detection.picture, detection.points)
        sighting = Sighting(frame.pts_seconds, points, detection.view.turns, detection.person.score, looks)
        left, top, right, bottom = visible_box(points)
        sized.append((sighting, max(right - left, 0.0) * max(bottom - top, 0.0) / (height * width)))
    return sized


def _linked(found: Sequence[Sequence[_Sized]]) -> list[_Seen]:
    """Link who was found in several frames into people."""
    people: list[_Seen] = []
    for number, sized in enumerate(found):
        for sighting, size in sized:
            free = [person for person in people if person.frames[-1] != number]
            person = min(free, key=lambda each: _strangeness(each, sighting), default=None)
            if person is None or _strangeness(person, sighting) == np.inf:
                person = _Seen()
                people.append(person)
            person.frames.append(number)
            person.sightings.append(sighting)
            person.sizes.append(size)
    return people


def _strangeness(person: _Seen, sighting: Sighting) -> float:
    """Return how unlike a person a sighting is; infinite for another one."""
    distances = [known.appearance.distance(sighting.appearance) for known in person.sightings]
    told = [distance for distance in distances if distance is not None]
    nearest = min(told, default=1.0)
    overlap = box_overlap(visible_box(person.sightings[-1].points), visible_box(sighting.points))
    if nearest <= _SAME_APPEARANCE:
        return nearest
    if overlap >= _SAME_PLACE_OVERLAP and nearest <= _SAME_PLACE_APPEARANCE:
        return nearest
    return overlap_only if not told and (overlap_only := 1 - overlap) < 1 - _SAME_PLACE_OVERLAP else np.inf


def body_completeness(points: FloatArray) -> float:
    """Return how much of a body is there, in [0, 1]."""
    seen = points[:, 2] >= VISIBLE_SCORE
    complete = min(float(np.count_nonzero(seen)) / _FULL_POINTS, 1.0) ** 2
    has_body = seen[skeleton.NECK] and (seen[skeleton.RIGHT_SHOULDER] or seen[skeleton.LEFT_SHOULDER])
    return complete if has_body else _HEADLESS_WEIGHT * complete


def _chosen(people: Sequence[_Seen]) -> tuple[list[_Seen], bool]:
    """Return the main person with those who are meant too, and whether nobody else is ever in sight with them.

    Meant are people who are alone in sight, one after another, each for long enough.
    """
    ranked = sorted(people, key=lambda person: -person.weight())
    best = ranked[0].weight()
    long_enough = _CHAINED_SHARE * len(ranked[0].frames)
    strong = [each for each in ranked if each.weight() >= _STRONG_SHARE * best and len(each.frames) >= long_enough]
    # furniture and toys are no company
    company = [
        person
        for person in ranked
        if person.weight() / len(person.frames) >= _COMPANY_SHARE * best / len(ranked[0].frames)
    ]
    if _together(strong):
        return ranked[:1], False
    return strong, not _together(company)


def _together(people: Sequence[_Seen]) -> bool:
    """Tell whether two of them are ever in one frame."""
    frames = [frame for person in people for frame in person.frames]
    return len(set(frames)) < len(frames)
