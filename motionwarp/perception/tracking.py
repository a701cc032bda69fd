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
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from motionwarp.perception.base import Observation
from motionwarp.perception.crops import extract_views, points_to_view
from motionwarp.perception.detection import (
    DetectionSettings,
    PersonDetector,
    box_overlap,
    look_again,
    pose_similarity,
    views_of_the_rest,
)
from motionwarp.perception.framing import (
    VISIBLE_SCORE,
    Box,
    CropView,
    crop_around,
    torso_length,
    upright_turns,
    view_around,
    visible_box,
)
from motionwarp.perception.inference import CropPredictor, Detection, detections, predict_views
from motionwarp.perception.passing_over import Reading, departure, person_between
from motionwarp.perception.reid import ReidDescriptor, reid_descriptor
from motionwarp.perception.search_budget import CountingPredictor, SearchBudget
from motionwarp.perception.selection import LARGEST, PersonChoice, Sighting
from motionwarp.perception.side_swaps import LeftRightCorrector
from motionwarp.types import FloatArray, Frame, Person


@dataclass
class TrackPrediction:
    """What is known of the followed person."""

    points: FloatArray
    time_seconds: float
    turns: int
    appearance: ReidDescriptor
    velocity: FloatArray  # (2,) pixels a second
    earlier: Reading | None = None  # the sighting before the last one, if no gap lies between
    person: Person | None = None  # of the last one
    missing: int = 0  # frames since the person was last seen
    detections: int = 1  # frames in which the person was seen where they were expected, the first included

    def expected_points(self, time_seconds: float) -> FloatArray:
        """Return the last points, moved on for at most a quarter of a second and rather too little than too much."""
        moved = self.points.copy()
        moved[:, :2] += self.velocity * 0.8 * min(time_seconds - self.time_seconds, 0.25)
        return moved

    def expected_view(self, time_seconds: float) -> CropView:
        """Return the canonical view of where the person should be."""
        return view_around(visible_box(self.expected_points(time_seconds)), self.turns)

    def see(self, points: FloatArray, time_seconds: float, turns: int) -> None:
        """Take over a new sighting that follows the last one without a gap."""
        elapsed = max(time_seconds - self.time_seconds, 1e-3)
        traveled = (
            np.median(moves_between(self.points, points), axis=0)
            if len(moves_between(self.points, points))
            else np.zeros(2)
        )
        self.velocity = (0.5 * self.velocity + 0.5 * traveled / elapsed).astype(np.float32)
        self.earlier = Reading(self.points, self.time_seconds)
        self.points, self.time_seconds, self.turns, self.missing = points, time_seconds, turns, 0
        self.detections += 1

    def restart(self, points: FloatArray, time_seconds: float, turns: int) -> None:
        """Take over a sighting after a gap: nothing is known of the speed."""
        self.velocity = np.zeros(2, dtype=np.float32)
        self.earlier = self.person = None
        self.points, self.time_seconds, self.turns, self.missing = points, time_seconds, turns, 0


def moves_between(before: FloatArray, now: FloatArray) -> FloatArray:
    """Return the displacements of the points seen in both, float32 (n, 2)."""
    both = (before[:, 2] >= VISIBLE_SCORE) & (now[:, 2] >= VISIBLE_SCORE)
    return now[both, :2] - before[both, :2]


@dataclass(frozen=True)
class TrackingSettings:
    """When a person is taken for the one who is followed.

    Attributes
    ----------
    longest_batch : int
        Frames read at once.
    least_score : float
        Lowest score of a person who is being followed.
    same_appearance : float
        Largest distance of appearances while the person is in sight all the time. Within a clip of one person 99 % of
        frames are below 0.4; of pairs of different people 95 % are above 0.45.
    near_appearance, far_appearance : float
        The same for somebody found again soon and near where they were lost, and for anybody else.
    near_seconds : float
        How long 'soon' is.
    reach_torsos, reach_torsos_per_second : float
        How far a body may move between two sightings, in torso lengths: at once, and with time.
    thorough_every : int
        Distance of thorough searches: of the frames in which the person is lost, every so many are searched for small
        and lying people too.
    appearance_seconds : float
        Time in which the remembered appearance follows a change of light.
    widen_seconds : float
        How often the legs or the head of somebody seen in part are looked for beyond the crop.
    recheck_seconds : float
        How long somebody who looks unlike before, alone and where expected, is followed until others are looked for.
    even_motion : float
        Torsos by which a point may be off the line on which it moved, so that the frame between is not read but lies
        on it, by up to an eighth of that beside the truth; 0 to read every frame.
    """

    longest_batch: int = 8
    least_score: float = 0.3
    same_appearance: float = 0.42
    near_appearance: float = 0.44
    far_appearance: float = 0.36
    near_seconds: float = 1.5
    reach_torsos: float = 0.8
    reach_torsos_per_second: float = 6.0
    thorough_every: int = 12
    appearance_seconds: float = 0.7
    widen_seconds: float = 0.4
    recheck_seconds: float = 0.5
    even_motion: float = 0.15


# a person's box may reach over the crop by this share of the crop, and must fill this much of it, or the crop is made
# anew
_OVERHANG = 0.04
_LEAST_FILL = 0.55
_LOOK_WIDER = 0.6  # fill of the view that looks for somebody who is not where they were expected
_LARGEST_GROWTH = 1.8  # of a torso between two sightings that are near in time
_ESTABLISHED = 4  # sightings in a row from which it is known what the person looks like
_SAME_POSE = 0.4  # likeness from which two poses of neighboring frames are one person's
_LIKE_POSE = 0.25  # the same over a cut
_CONTINUOUS_SHARE = 0.35  # of what the person can have moved: within it a motion goes on
_SHORTLY_MISSING = 2  # frames after which it is still known where the person must be
_SURE_OTHER = 0.6  # score from which somebody else in sight is no misreading
_ELSEWHERE_OVERLAP = 0.1
_GLANCE = (96, 128)  # width and height of a crop of which colors are all that is asked
_SAME_FRAME_SECONDS = 0.004
_JUMP_DOUBT = 0.5  # share of the appearance's tolerance that is lost where somebody is as far off as they can be


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
        self.alone = choice.alone or not choice.sightings  # whether nobody else has been seen so far
        self._searched = 0
        self._others = False  # whether the last search saw somebody else
        self._widened_seconds = -np.inf  # when the rest of somebody seen in part was last looked for
        self._checked_seconds = -np.inf  # when somebody who looks unlike before was last found to be alone

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
        anchored = next((place for place, frame in enumerate(frames) if self._anchor(frame)), None)
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
            if self.alone or distance is None:
                alike = alike or pose_similarity(known.points, points) >= _SAME_POSE
            reach = self._share_of_reach(sighting, known.time_seconds - frame.pts_seconds, known.points, known.points)
            another = self._is_another(points, frame.pts_seconds)
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
            found = [sighting for sighting in found if self._unlike_target(sighting, frame) < np.inf]
            found.sort(key=lambda sighting: self._unlike_target(sighting, frame))
        if not found and (anchor := self._anchor(frame)) and (sighting := self._at(anchor, frame)):
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

    def _is_another(self, points: FloatArray, time_seconds: float) -> bool:
        """Tell whether a pose is that of somebody who has been followed already."""
        for track in self.choice.others:
            at = int(np.abs(track.times_seconds - time_seconds).argmin())
            there = abs(track.times_seconds[at] - time_seconds) < _SAME_FRAME_SECONDS and track.present[at]
            if there and pose_similarity(track.points[at], points) >= _SAME_POSE:
                return True
        return False

    def _found(self, frame: Frame, *, thorough: bool, hints: Sequence[CropView] = ()) -> list[Detection]:
        """Search a whole frame, and note whether there are others."""
        self.budget.begin()
        found = self.finder.find(frame.rgb, thorough=thorough, dense=self.dense, hints=hints)
        self.budget.end(thorough=thorough)
        self._others = bool(found)
        if self.choice.others:
            self.alone = False
            found = [each for each in found if not self._is_another(each.person.pose.points, frame.pts_seconds)]
        if sum(sighting.person.score >= _SURE_OTHER for sighting in found) > 1 and not self.choice.alone:
            self.alone = False
        return found

    def _anchor(self, frame: Frame) -> Sighting | None:
        """Return what the survey of the clip knows of the person in this very frame."""
        sightings = self.choice.sightings
        return next((one for one in sightings if abs(one.time_seconds - frame.pts_seconds) < _SAME_FRAME_SECONDS), None)

    def _at(self, anchor: Sighting, frame: Frame) -> Detection | None:
        """Return the person where the survey saw them in this very frame."""
        view = view_around(visible_box(anchor.points), anchor.turns)
        [sighting] = predict_views(self.careful, frame.rgb, [view], self.dense)
        is_there = pose_similarity(anchor.points, sighting.person.pose.points) >= _SAME_POSE
        is_there = is_there and not self._is_another(sighting.person.pose.points, frame.pts_seconds)
        return sighting if is_there and sighting.person.score >= self.settings.least_score else None

    def _unlike_target(self, sighting: Detection, frame: Frame) -> float:
        """Return how unlike the person of the survey somebody is; infinite if they must not be taken for them."""
        looks = reid_descriptor(sighting.picture, sighting.points)
        distances = [looks.distance(known.appearance) for known in self.choice.sightings]
        nearest = min((distance for distance in distances if distance is not None), default=np.inf)
        allowed = self.settings.near_appearance if self.alone else self.settings.far_appearance
        return nearest if nearest <= allowed else np.inf

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
                or self._anchor(frames[place - 1])
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
        if self._contradicted(sighting, frame):
            return False
        return _well_framed(sighting) and self._is_same(sighting, frame, track)

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
        more = _points_seen(again.points) > _points_seen(track.points) and self._is_same(again, frame, track)
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
        if self._is_same(again, frame, track):
            return self._take(frame, again, track)
        return self._regain(frame, track)

    def _contradicted(self, sighting: Detection, frame: Frame) -> bool:
        """Tell whether the survey saw the person elsewhere in this very frame."""
        anchor = self._anchor(frame)
        if anchor is None:
            return False
        points = sighting.person.pose.points
        apart = box_overlap(visible_box(anchor.points), visible_box(points)) < _ELSEWHERE_OVERLAP
        return apart and pose_similarity(anchor.points, points) < _SAME_POSE

    def _regain(self, frame: Frame, track: TrackPrediction) -> Observation:
        """Search a whole frame for the person."""
        if (anchor := self._anchor(frame)) and (sighting := self._at(anchor, frame)):
            return self._again(frame, sighting, track)
        found: list[Detection] = []
        if self.budget.allows_search:
            self._searched += 1
            thorough = self._searched % self.settings.thorough_every == 0 and self.budget.allows_thorough
            hints = _views_all_ways(visible_box(track.points), track.turns)
            found = self._found(frame, thorough=thorough, hints=hints)
        ranked = sorted(
            ((self._strangeness(sighting, frame, track), index) for index, sighting in enumerate(found)),
            key=lambda pair: pair[0],
        )
        if ranked and ranked[0][0] < np.inf:
            return self._again(frame, found[ranked[0][1]], track)
        if len(found) == 1 and self._is_alone_there(found[0], frame, track):
            self._checked_seconds = frame.pts_seconds
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

    def _is_alone_there(self, sighting: Detection, frame: Frame, track: TrackPrediction) -> bool:
        """Tell whether the only one in sight is where the person was expected just now, though they look otherwise."""
        if not self.alone or track.missing > _SHORTLY_MISSING:
            return False
        expected = track.expected_points(frame.pts_seconds)
        elapsed = max(frame.pts_seconds - track.time_seconds, 0.0)
        alike = pose_similarity(expected, sighting.person.pose.points) >= _LIKE_POSE
        return alike and self._share_of_reach(sighting, elapsed, expected, track.points) <= 1

    def _take(self, frame: Frame, sighting: Detection, track: TrackPrediction) -> Observation:
        """Accept a sighting that follows the last one."""
        person = self.sides.settle(sighting.person, track.expected_points(frame.pts_seconds), frame.pts_seconds)
        self._remember(sighting, frame, track)
        track.see(person.pose.points, frame.pts_seconds, upright_turns(person.pose.points, track.turns))
        track.person = person
        return Observation(frame, person)

    def _remember(self, sighting: Detection, frame: Frame, track: TrackPrediction) -> None:
        """Let the remembered appearance follow slow changes; who looks rather different is learned only if alone."""
        looks = reid_descriptor(sighting.picture, sighting.points)
        distance = track.appearance.distance(looks)
        if distance is None or distance <= self.settings.far_appearance or self._is_checked(frame):
            elapsed = max(frame.pts_seconds - track.time_seconds, 0.0)
            track.appearance = track.appearance.updated(
                looks, 1 - float(np.exp(-elapsed / self.settings.appearance_seconds))
            )

    def _is_same(self, sighting: Detection, frame: Frame, track: TrackPrediction) -> bool:
        """Return whether somebody seen where the person was expected is the person."""
        expected = track.expected_points(frame.pts_seconds)
        elapsed = max(frame.pts_seconds - track.time_seconds, 0.0)
        share = self._share_of_reach(sighting, elapsed, expected, track.points)
        if sighting.person.score < self.settings.least_score or share > 1:
            return False
        if self._is_another(sighting.person.pose.points, frame.pts_seconds):
            return False
        distance = track.appearance.distance(reid_descriptor(sighting.picture, sighting.points))
        # two people who pass each other differ most where the crop jumps from one to the other
        if distance is not None and distance <= self.settings.same_appearance * (1 - _JUMP_DOUBT * share):
            return True
        if distance is None and not track.appearance.visible.any():
            return True  # of a head alone there is nothing to compare
        # whoever hides the person shows neither's clothes; light that changes its color: the very pose goes on, and a
        # while ago there was nobody else
        goes_on = share <= _CONTINUOUS_SHARE and pose_similarity(expected, sighting.person.pose.points) >= _SAME_POSE
        return goes_on and (distance is None or self._is_checked(frame))

    def _is_checked(self, frame: Frame) -> bool:
        """Tell whether the person was found to be alone a while ago, though looking otherwise."""
        return self.alone and frame.pts_seconds - self._checked_seconds < self.settings.recheck_seconds

    def _share_of_reach(
        self, sighting: Detection, elapsed: float, expected: FloatArray, last_points: FloatArray
    ) -> float:
        """Return how far somebody is from where the person was expected, in parts of how far they can have moved.

        Above 1, and infinite for a body of quite another size, they cannot be the person.
        """
        points = sighting.person.pose.points
        moves = moves_between(expected, points)
        torso = max(torso_length(last_points), 1e-3)
        if not len(moves):
            return np.inf
        reach = self.settings.reach_torsos + self.settings.reach_torsos_per_second * elapsed
        growth = max(torso_length(points), 1e-3) / torso
        traveled = float(np.median(np.hypot(moves[:, 0], moves[:, 1])))
        return traveled / (reach * torso) if 1 / _LARGEST_GROWTH <= growth <= _LARGEST_GROWTH else np.inf

    def _strangeness(self, sighting: Detection, frame: Frame, track: TrackPrediction) -> float:
        """Return how unlike the lost person somebody is; infinite if they must not be taken for them."""
        distance = track.appearance.distance(reid_descriptor(sighting.picture, sighting.points))
        soon = frame.pts_seconds - track.time_seconds <= self.settings.near_seconds
        expected, elapsed = track.expected_points(frame.pts_seconds), max(frame.pts_seconds - track.time_seconds, 0.0)
        near = soon and self._share_of_reach(sighting, elapsed, expected, track.points) <= 1
        if distance is None:
            # a head alone says little: only who has hardly been away is believed
            return self.settings.near_appearance if near else np.inf
        if distance <= (self.settings.near_appearance if near else self.settings.far_appearance):
            return distance + (0.0 if near else 0.2)
        return 0.3 + self._unlike_target(sighting, frame) if self.choice.sightings else np.inf


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
