"""Following one person through a clip: one reading a frame while all goes well, a search when it does not.

While the person is in sight, a few frames ahead are cut out where the person is expected and read in one batch. Frames
are then taken in order as long as the person lies well inside the crop, moved as people move, and looks as before. The
first frame that fails is looked at again on its own and, if that fails too, searched in whole. Who does not look like
the followed person is not taken for them: the person is reported lost until somebody is found who does. One person
alone, at the place and in the pose that were expected, is that person however the light or the clothes have changed.
Where somebody moves evenly, only every second frame is read, and the one between lies on the line.

While the person is lost, one frame of a few is searched, as often as that costs no more than following does; from where
somebody is found, the frames before are read backwards until the person came into sight.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice

import numpy as np

from motionwarp.perception.base import Observation
from motionwarp.perception.crops import extract_views, points_to_view
from motionwarp.perception.detection import (
    DetectionSettings,
    PersonDetector,
    look_again,
    pose_similarity,
    views_of_the_rest,
)
from motionwarp.perception.framing import (
    VISIBLE_SCORE,
    Box,
    CropView,
    crop_around,
    upright_turns,
    view_around,
    visible_box,
)
from motionwarp.perception.inference import CropPredictor, Detection, detections, predict_views
from motionwarp.perception.passing_over import Reading, departure, person_between
from motionwarp.perception.reid import reid_descriptor
from motionwarp.perception.search_budget import CountingPredictor, SearchBudget
from motionwarp.perception.selection import LARGEST, PersonChoice, Sighting
from motionwarp.perception.side_swaps import LeftRightCorrector
from motionwarp.perception.track_identity import SAME_POSE, TrackIdentity
from motionwarp.perception.track_prediction import TrackPrediction
from motionwarp.perception.tracking_settings import TrackingSettings
from motionwarp.types import FloatArray, Frame

# a person's box may reach over the crop by this share of the crop, and must fill this much of it, or the crop is made
# anew
_OVERHANG = 0.04
_LEAST_FILL = 0.55
_LOOK_WIDER = 0.6  # fill of the view that looks for somebody who is not where they were expected
_ESTABLISHED = 4  # sightings in a row from which it is known what the person looks like
_SURE_OTHER = 0.6  # score from which somebody else in sight is no misreading
_GLANCE = (96, 128)  # width and height of a crop of which colors are all that is asked


class PersonTracker:
    """Follows people through clips; one clip does not influence the next.

    Parameters
    ----------
    reader : CropPredictor
        Looks for people.
    settings : TrackingSettings
    find_settings : DetectionSettings
    careful : CropPredictor, optional
        Reads whoever is in sight; the same reader by default.
    """

    def __init__(
        self,
        reader: CropPredictor,
        settings: TrackingSettings | None = None,
        find_settings: DetectionSettings | None = None,
        careful: CropPredictor | None = None,
    ) -> None:
        self.reader, self.careful = reader, careful or reader
        self.settings = settings or TrackingSettings()
        self.finder = PersonDetector(reader, find_settings)

    def follow(
        self, frames: Iterable[Frame], choice: PersonChoice = LARGEST, *, dense: bool = False
    ) -> Iterator[Observation]:
        """Follow one person through a clip; see `Estimator.follow`."""
        source = iter(frames)
        ahead: deque[Frame] = deque()
        pursuit = _ActiveTrack(self, choice, dense)
        while True:
            ahead.extend(islice(source, max(pursuit.batch - len(ahead), 0)))
            if not ahead:
                return
            for observation in pursuit.step(list(islice(ahead, pursuit.batch))):
                ahead.popleft()
                yield observation


class _ActiveTrack:
    """One person in one clip."""

    def __init__(self, follower: PersonTracker, choice: PersonChoice, dense: bool) -> None:
        counted = CountingPredictor(follower.reader)
        self.reader, self.careful, self.settings = follower.reader, follower.careful, follower.settings
        self.finder = PersonDetector(counted, follower.finder.settings)
        self.budget = SearchBudget(counted)
        self.choice, self.dense = choice, dense
        self.track: TrackPrediction | None = None
        self.sides = LeftRightCorrector()
        self.batch = 1  # frames that `step` wants to be given
        self.identity = TrackIdentity(choice, self.settings)
        self._searched = 0
        self._others = False  # whether the last search saw somebody else
        self._widened_seconds = -np.inf  # when the rest of somebody seen in part was last looked for

    def step(self, frames: list[Frame]) -> list[Observation]:
        """Return what is seen in the first one or more of `frames`."""
        if self.track is not None and not self.track.missing:
            taken = self._pursue(frames, self.track)
            self.budget.pass_by(len(taken), lost=False)
        else:
            taken = self._search(frames)
            self.budget.pass_by(len(taken), lost=True)
        return taken

    def _search(self, frames: list[Frame]) -> list[Observation]:
        """Look for the person in one of a few frames, and from there back to where they came into sight."""
        anchored = next((place for place, frame in enumerate(frames) if self.identity.anchor(frame)), None)
        place = len(frames) - 1 if anchored is None else anchored
        missing = 0 if self.track is None else self.track.missing
        found = None
        if anchored is not None or self.budget.allows_search:
            found = self._begin(frames[place]) if self.track is None else self._regain(frames[place], self.track)
        if found is None or found.person is None:
            if found is not None and self.track is not None and missing:
                self.track.missing = missing  # counted below
            self.batch = self.settings.longest_batch
            return [self._lost(frame) for frame in frames[: place + 1]]
        assert self.track is not None
        earlier = self._back_from(frames[:place], self.track)
        unseen = [Observation(frame, None, self._lost_note(missing > 0)) for frame in frames[: place - len(earlier)]]
        gap = missing + len(unseen)
        note = f"found again after {gap} frames" if missing else None
        seen = [*earlier, found]
        seen[0] = Observation(seen[0].frame, seen[0].person, note)
        seen[1:] = [Observation(each.frame, each.person) for each in seen[1:]]
        return [*unseen, *seen]

    def _lost(self, frame: Frame) -> Observation:
        if self.track is not None:
            self.track.missing += 1
        return Observation(frame, None, self._lost_note(self.track is not None))

    def _lost_note(self, seen_before: bool) -> str:
        if not seen_before:
            return "only other people are in sight" if self._others else "no person found"
        where = "only other people are in sight" if self._others else "nobody is in sight"
        return f"lost the person: {where}"

    def _back_from(self, frames: list[Frame], track: TrackPrediction) -> list[Observation]:
        """Read the frames before one in which the person was found, the last one first, while the person is there."""
        known = replace(track, velocity=np.zeros(2, dtype=np.float32))
        seen: list[Observation] = []
        for frame in reversed(frames):
            [sighting] = predict_views(
                self.careful, frame.rgb, [view_around(visible_box(known.points), known.turns)], self.dense
            )
            points = sighting.person.pose.points
            distance = known.appearance.distance(reid_descriptor(sighting.picture, sighting.points))
            alike = distance is not None and distance <= self.settings.same_appearance
            if self.identity.alone or distance is None:
                alike = alike or pose_similarity(known.points, points) >= SAME_POSE
            elapsed = known.time_seconds - frame.pts_seconds
            reach = self.identity.share_of_reach(sighting, elapsed, known.points, known.points)
            another = self.identity.is_another(points, frame.pts_seconds)
            if sighting.person.score < self.settings.least_score or reach > 1 or not alike or another:
                break
            seen.insert(0, Observation(frame, sighting.person))
            known.points, known.time_seconds = points, frame.pts_seconds
        return seen

    def _begin(self, frame: Frame) -> Observation:
        """Choose the person in the first frame that shows them."""
        thorough = self._searched % self.settings.thorough_every == 0 and self.budget.allows_thorough
        self._searched += 1
        found = self._found(frame, thorough=thorough)
        if found and not thorough and not self.choice.sightings:
            # numbers and sizes mean something only among all people
            found = self._found(frame, thorough=True)
        if self.choice.sightings:
            found = [sighting for sighting in found if self.identity.unlike_target(sighting, frame) < np.inf]
            found.sort(key=lambda sighting: self.identity.unlike_target(sighting, frame))
        if not found and (anchor := self.identity.anchor(frame)) and (sighting := self._at(anchor, frame)):
            return self._start(frame, sighting)
        if not found:
            self.track = None
            return Observation(frame, None, self._lost_note(False))
        if self.choice.sightings:
            return self._start(frame, found[0])
        chosen = self.choice.pick([sighting.person for sighting in found])
        return self._start(frame, next(sighting for sighting in found if sighting.person is chosen))

    def _start(self, frame: Frame, sighting: Detection) -> Observation:
        self.track = TrackPrediction(
            points=sighting.person.pose.points,
            time_seconds=frame.pts_seconds,
            turns=sighting.view.turns,
            appearance=reid_descriptor(sighting.picture, sighting.points),
            velocity=np.zeros(2, dtype=np.float32),
        )
        self.batch, self._others = min(2, self.settings.longest_batch), False
        return Observation(frame, sighting.person)

    def _found(self, frame: Frame, *, thorough: bool, hints: Sequence[CropView] = ()) -> list[Detection]:
        """Search a whole frame, and note whether there are others."""
        self.budget.begin()
        found = self.finder.find(frame.rgb, thorough=thorough, dense=self.dense, hints=hints)
        self.budget.end(thorough=thorough)
        self._others = bool(found)
        if self.choice.others:
            self.identity.alone = False
            found = [each for each in found if not self.identity.is_another(each.person.pose.points, frame.pts_seconds)]
        if sum(sighting.person.score >= _SURE_OTHER for sighting in found) > 1 and not self.choice.alone:
            self.identity.alone = False
        return found

    def _at(self, anchor: Sighting, frame: Frame) -> Detection | None:
        """Return the person where the survey saw them in this very frame."""
        view = view_around(visible_box(anchor.points), anchor.turns)
        [sighting] = predict_views(self.careful, frame.rgb, [view], self.dense)
        is_there = pose_similarity(anchor.points, sighting.person.pose.points) >= SAME_POSE
        is_there = is_there and not self.identity.is_another(sighting.person.pose.points, frame.pts_seconds)
        return sighting if is_there and sighting.person.score >= self.settings.least_score else None

    def _pursue(self, frames: list[Frame], track: TrackPrediction) -> list[Observation]:
        """Read frames where the person is expected, and take them in order up to the first that is in doubt."""
        if widened := self._widen(frames[0], track):
            return [widened]
        if len(frames) > 1 and track.person and track.earlier and self.settings.even_motion and not self.dense:
            taken = self._pursue_evenly(frames, track, track.earlier)
            if taken:
                return taken
        taken = []
        for frame, sighting in zip(frames, self._expected(frames, track), strict=True):
            if not self._is_sure(frame, sighting, track):
                self.batch = max(len(taken), 1)
                taken.append(self._reconsider(frame, sighting, track))
                return taken
            taken.append(self._take(frame, sighting, track))
        self.batch = min(2 * len(frames), self.settings.longest_batch)
        return taken

    def _pursue_evenly(self, frames: list[Frame], track: TrackPrediction, earlier: Reading) -> list[Observation]:
        """Read every second frame, and those between only where the motion is not even; none where that is in doubt."""
        last = len(frames) - 1
        places = sorted({*range(1, len(frames), 2), last})
        sightings = dict(zip(places, self._expected([frames[place] for place in places], track), strict=True))
        before, uneven = Reading(track.points, track.time_seconds), []
        for place in places:
            points, seconds = sightings[place].person.pose.points, frames[place].pts_seconds
            is_between = place - 1 not in sightings and place > 0
            if is_between and (
                departure(earlier, before, points, seconds) > self.settings.even_motion
                or self.identity.anchor(frames[place - 1])
                or not self._shows_them_between(frames[place - 1], before.points, points, track)
            ):
                uneven.append(place - 1)
            earlier, before = before, Reading(points, seconds)
        if uneven:
            read = self._expected([frames[place] for place in uneven], track)
            sightings.update(zip(uneven, read, strict=True))
        taken: list[Observation] = []
        for place in sorted(sightings):
            frame, known, since = frames[place], track.person, track.time_seconds
            if not self._is_sure(frame, sightings[place], track):
                self.batch = 1
                return taken
            now = self._take(frame, sightings[place], track)
            if len(taken) < place:
                passed = frames[place - 1]
                share = (passed.pts_seconds - since) / max(frame.pts_seconds - since, 1e-6)
                assert known is not None
                assert now.person is not None
                taken.append(Observation(passed, person_between(known, now.person, share)))
            taken.append(now)
        self.batch = min(2 * len(frames), self.settings.longest_batch)
        return taken

    def _shows_them_between(self, frame: Frame, before: FloatArray, after: FloatArray, track: TrackPrediction) -> bool:
        """Tell whether a frame that is not read has the person's colors halfway between two readings.

        A flash, a picture put in between or a fault of the tape lasts a frame, with even motion on both sides.
        """
        halfway = (0.5 * (before + after)).astype(np.float32)
        halfway[:, 2] = np.minimum(before[:, 2], after[:, 2])
        view = CropView(crop_around(visible_box(halfway), width=_GLANCE[0], height=_GLANCE[1]))
        looks = reid_descriptor(extract_views(frame.rgb, [view])[0], points_to_view(halfway, view))
        distance = track.appearance.distance(looks)
        return distance is None or distance <= self.settings.same_appearance

    def _expected(self, frames: list[Frame], track: TrackPrediction) -> list[Detection]:
        """Read frames where the person is expected."""
        views = [track.expected_view(frame.pts_seconds) for frame in frames]
        pictures = np.concatenate([extract_views(frame.rgb, [view]) for frame, view in zip(frames, views, strict=True)])
        return detections(pictures, views, self.careful, self.dense)

    def _is_sure(self, frame: Frame, sighting: Detection, track: TrackPrediction) -> bool:
        """Tell whether a reading where the person is expected needs no second look."""
        if self.identity.is_contradicted(sighting, frame):
            return False
        return _well_framed(sighting) and self.identity.is_same(sighting, frame, track)

    def _widen(self, frame: Frame, track: TrackPrediction) -> Observation | None:
        """Now and then look for the legs or the head of somebody seen in part; None unless more is seen of them."""
        if frame.pts_seconds - self._widened_seconds < self.settings.widen_seconds:
            return None
        views = views_of_the_rest(track.expected_points(frame.pts_seconds), track.turns, *frame.rgb.shape[:2])
        if not views:
            return None
        self._widened_seconds = frame.pts_seconds
        wide = max(predict_views(self.reader, frame.rgb, views), key=lambda sighting: _points_seen(sighting.points))
        if _points_seen(wide.points) <= _points_seen(track.points):
            return None
        again = look_again(self.careful, frame.rgb, [wide], self.dense)[0]
        more = _points_seen(again.points) > _points_seen(track.points) and self.identity.is_same(again, frame, track)
        return self._take(frame, again, track) if more else None

    def _reconsider(self, frame: Frame, sighting: Detection, track: TrackPrediction) -> Observation:
        """Look once more at a frame that was in doubt.

        With the framing it calls for, or wider where nobody was seen.
        """
        if sighting.person.score >= self.settings.least_score:
            again = look_again(self.careful, frame.rgb, [sighting], self.dense)[0]
        else:
            box = visible_box(track.expected_points(frame.pts_seconds))
            # whoever turns a cartwheel is soon past the angle at which the last view can be read
            seen = predict_views(self.reader, frame.rgb, _views_all_ways(box, track.turns))
            wide = max(seen, key=lambda each: each.person.score)
            again = look_again(self.careful, frame.rgb, [wide], self.dense)[0]
        if self.identity.is_same(again, frame, track):
            return self._take(frame, again, track)
        return self._regain(frame, track)

    def _regain(self, frame: Frame, track: TrackPrediction) -> Observation:
        """Search a whole frame for the person."""
        if (anchor := self.identity.anchor(frame)) and (sighting := self._at(anchor, frame)):
            return self._again(frame, sighting, track)
        found: list[Detection] = []
        if self.budget.allows_search:
            self._searched += 1
            thorough = self._searched % self.settings.thorough_every == 0 and self.budget.allows_thorough
            hints = _views_all_ways(visible_box(track.points), track.turns)
            found = self._found(frame, thorough=thorough, hints=hints)
        ranked = sorted(
            ((self.identity.strangeness(sighting, frame, track), index) for index, sighting in enumerate(found)),
            key=lambda pair: pair[0],
        )
        if ranked and ranked[0][0] < np.inf:
            return self._again(frame, found[ranked[0][1]], track)
        if len(found) == 1 and self.identity.is_alone_there(found[0], frame, track):
            self.identity.checked_seconds = frame.pts_seconds
            return self._again(frame, found[0], track)
        if track.detections < _ESTABLISHED and self.choice.index is None and not track.missing:
            # a first look at somebody who only just enters may see what is not there, and must not bind what follows
            return self._begin(frame)
        track.missing += 1
        self.batch = self.settings.longest_batch
        return Observation(frame, None, self._lost_note(True))

    def _again(self, frame: Frame, sighting: Detection, track: TrackPrediction) -> Observation:
        """Accept a sighting that a search came upon."""
        gap, looks = track.missing, reid_descriptor(sighting.picture, sighting.points)
        distance = track.appearance.distance(looks)
        if distance is not None and distance > self.settings.same_appearance:
            track.appearance = looks  # accepted for other reasons: this is how the person looks from now on
        track.restart(sighting.person.pose.points, frame.pts_seconds, sighting.view.turns)
        self.sides = LeftRightCorrector()
        self.batch, self._others = min(2, self.settings.longest_batch), False
        return Observation(frame, sighting.person, f"found again after {gap} frames" if gap else None)

    def _take(self, frame: Frame, sighting: Detection, track: TrackPrediction) -> Observation:
        """Accept a sighting that follows the last one."""
        person = self.sides.settle(sighting.person, track.expected_points(frame.pts_seconds), frame.pts_seconds)
        self.identity.remember(sighting, frame, track)
        track.see(person.pose.points, frame.pts_seconds, upright_turns(person.pose.points, track.turns))
        track.person = person
        return Observation(frame, person)


def _views_all_ways(box: Box, turns: int) -> list[CropView]:
    """Return wide views of a box with all four turns, the one in use first."""
    return [view_around(box, (turns + more) % 4, fill=_LOOK_WIDER) for more in range(4)]


def _points_seen(points: FloatArray) -> int:
    return int(np.count_nonzero(points[:, 2] >= VISIBLE_SCORE))


def _well_framed(sighting: Detection) -> bool:
    """Return whether a person lies well inside the view and fills enough of it for the reading to be sharp."""
    view = sighting.view
    left, top, right, bottom = visible_box(sighting.points)
    height, width = view.size
    over_x, over_y = _OVERHANG * width, _OVERHANG * height
    inside = left >= -over_x and top >= -over_y and right <= width + over_x and bottom <= height + over_y
    return inside and max((right - left) / width, (bottom - top) / height) >= _LEAST_FILL
