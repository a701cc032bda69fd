"""Following one person through a clip: one reading a frame while all goes well, a search when it does not.

While the person is in sight, a few frames ahead are cut out where the person is expected and read in one batch. Frames
are then taken in order as long as the person lies well inside the crop, moved as people move, and looks as before. The
first frame that fails is looked at again on its own and, if that fails too, searched in whole. Who does not look like
the followed person is not taken for them: the person is reported lost until somebody is found who does.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np

from motionwarp.perception.base import Observation
from motionwarp.perception.crops import extract_views
from motionwarp.perception.detection import DetectionSettings, PersonDetector, look_again, views_of_the_rest
from motionwarp.perception.framing import SEEN_SCORE, Box, View, torso_length, upright_turns, view_around, visible_box
from motionwarp.perception.inference import CropPredictor, Detection, detections, predict_views
from motionwarp.perception.reid import ReidDescriptor, reid_descriptor
from motionwarp.perception.selection import LARGEST, PersonChoice
from motionwarp.perception.side_swaps import LeftRightCorrector
from motionwarp.types import FloatArray, Frame


@dataclass
class TrackPrediction:
    """What is known of the followed person."""

    points: FloatArray
    time_seconds: float
    turns: int
    appearance: ReidDescriptor
    velocity: FloatArray  # (2,) pixels a second
    missing: int = 0  # frames since the person was last seen
    detections: int = 1  # frames in which the person was seen where they were expected, the first included

    def expected_points(self, time_seconds: float) -> FloatArray:
        """Return the last points, moved on for at most a quarter of a second and rather too little than too much."""
        moved = self.points.copy()
        moved[:, :2] += self.velocity * 0.8 * min(time_seconds - self.time_seconds, 0.25)
        return moved

    def expected_view(self, time_seconds: float) -> View:
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
        self.points, self.time_seconds, self.turns, self.missing = points, time_seconds, turns, 0
        self.detections += 1

    def restart(self, points: FloatArray, time_seconds: float, turns: int) -> None:
        """Take over a sighting after a gap: nothing is known of the speed."""
        self.velocity = np.zeros(2, dtype=np.float32)
        self.points, self.time_seconds, self.turns, self.missing = points, time_seconds, turns, 0


def moves_between(before: FloatArray, now: FloatArray) -> FloatArray:
    """Return the displacements of the points seen in both, float32 (n, 2)."""
    both = (before[:, 2] >= SEEN_SCORE) & (now[:, 2] >= SEEN_SCORE)
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


# a person's box may reach over the crop by this share of the crop, and must fill this much of it, or the crop is made
# anew
_OVERHANG = 0.04
_LEAST_FILL = 0.55
_LOOK_WIDER = 0.6  # fill of the view that looks for somebody who is not where they were expected
_LARGEST_GROWTH = 1.8  # of a torso between two sightings that are near in time
_ESTABLISHED = 4  # sightings in a row from which it is known what the person looks like
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
        self.reader, self.careful, self.finder, self.settings = (
            follower.reader,
            follower.careful,
            follower.finder,
            follower.settings,
        )
        self.choice, self.dense = choice, dense
        self.track: TrackPrediction | None = None
        self.sides = LeftRightCorrector()
        self.batch = 1  # frames that `step` wants to be given
        self._searched = 0
        self._widened_seconds = -np.inf  # when the rest of somebody seen in part was last looked for

    def step(self, frames: list[Frame]) -> list[Observation]:
        """Return what is seen in the first one or more of `frames`."""
        if self.track is None:
            return [self._begin(frames[0])]
        if self.track.missing:
            return [self._regain(frames[0], self.track)]
        return self._pursue(frames, self.track)

    def _begin(self, frame: Frame) -> Observation:
        """Choose the person in the first frame that shows anybody."""
        thorough = self._searched % self.settings.thorough_every == 0
        self._searched += 1
        found = self.finder.find(frame.rgb, thorough=thorough, dense=self.dense)
        if found and not thorough:
            # numbers and sizes mean something only among all people
            found = self.finder.find(frame.rgb, dense=self.dense)
        if not found:
            self.track = None
            return Observation(frame, None, "no person found")
        chosen = self.choice.pick([sighting.person for sighting in found])
        sighting = next(sighting for sighting in found if sighting.person is chosen)
        self.track = TrackPrediction(
            points=chosen.pose.points,
            time_seconds=frame.pts_seconds,
            turns=sighting.view.turns,
            appearance=reid_descriptor(sighting.picture, sighting.points),
            velocity=np.zeros(2, dtype=np.float32),
        )
        self.batch = 2
        return Observation(frame, chosen)

    def _pursue(self, frames: list[Frame], track: TrackPrediction) -> list[Observation]:
        """Read frames where the person is expected, and take them in order up to the first that is in doubt."""
        if widened := self._widen(frames[0], track):
            return [widened]
        views = [track.expected_view(frame.pts_seconds) for frame in frames]
        pictures = np.concatenate([extract_views(frame.rgb, [view]) for frame, view in zip(frames, views, strict=True)])
        taken: list[Observation] = []
        for frame, sighting in zip(frames, detections(pictures, views, self.careful, self.dense), strict=True):
            if not (_well_framed(sighting) and self._is_same(sighting, frame, track)):
                self.batch = max(len(taken), 1)
                taken.append(self._reconsider(frame, sighting, track))
                return taken
            taken.append(self._take(frame, sighting, track))
        self.batch = min(2 * len(frames), self.settings.longest_batch)
        return taken

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

    def _regain(self, frame: Frame, track: TrackPrediction) -> Observation:
        """Search a whole frame for the person."""
        thorough = track.missing % self.settings.thorough_every == self.settings.thorough_every - 1
        hints = _views_all_ways(visible_box(track.points), track.turns)
        found = self.finder.find(frame.rgb, thorough=thorough, dense=self.dense, hints=hints)
        ranked = sorted(
            ((self._strangeness(sighting, frame, track), index) for index, sighting in enumerate(found)),
            key=lambda pair: pair[0],
        )
        if ranked and ranked[0][0] < np.inf:
            sighting, gap = found[ranked[0][1]], track.missing
            track.restart(sighting.person.pose.points, frame.pts_seconds, sighting.view.turns)
            self.sides = LeftRightCorrector()
            self.batch = 2
            return Observation(frame, sighting.person, f"found again after {gap} frames" if gap else None)
        if track.detections < _ESTABLISHED and self.choice.index is None:
            # a first look at somebody who only just enters may see what is not there, and must not bind what follows
            return self._begin(frame)
        track.missing += 1
        self.batch = 1
        where = "only other people are in sight" if found else "nobody is in sight"
        return Observation(frame, None, f"lost the person: {where}")

    def _take(self, frame: Frame, sighting: Detection, track: TrackPrediction) -> Observation:
        """Accept a sighting that follows the last one."""
        person = self.sides.settle(sighting.person, track.expected_points(frame.pts_seconds), frame.pts_seconds)
        self._remember(sighting, frame, track)
        track.see(person.pose.points, frame.pts_seconds, upright_turns(person.pose.points, track.turns))
        return Observation(frame, person)

    def _remember(self, sighting: Detection, frame: Frame, track: TrackPrediction) -> None:
        """Let the remembered appearance follow slow changes; who looks rather different is not learned."""
        looks = reid_descriptor(sighting.picture, sighting.points)
        distance = track.appearance.distance(looks)
        if distance is None or distance <= self.settings.far_appearance:
            elapsed = max(frame.pts_seconds - track.time_seconds, 0.0)
            track.appearance = track.appearance.updated(
                looks, 1 - float(np.exp(-elapsed / self.settings.appearance_seconds))
            )

    def _is_same(self, sighting: Detection, frame: Frame, track: TrackPrediction) -> bool:
        """Return whether somebody seen where the person was expected is the person."""
        share = self._share_of_reach(sighting, frame, track)
        if sighting.person.score < self.settings.least_score or share > 1:
            return False
        distance = track.appearance.distance(reid_descriptor(sighting.picture, sighting.points))
        # two people who pass each other differ most where the crop jumps from one to the other
        return distance is None or distance <= self.settings.same_appearance * (1 - _JUMP_DOUBT * share)

    def _share_of_reach(self, sighting: Detection, frame: Frame, track: TrackPrediction) -> float:
        """Return how far somebody is from where the person was expected, in parts of how far they can have moved.

        Above 1, and infinite for a body of quite another size, they cannot be the person.
        """
        points = sighting.person.pose.points
        moves = moves_between(track.expected_points(frame.pts_seconds), points)
        torso = max(torso_length(track.points), 1e-3)
        if not len(moves):
            return np.inf
        elapsed = max(frame.pts_seconds - track.time_seconds, 0.0)
        reach = self.settings.reach_torsos + self.settings.reach_torsos_per_second * elapsed
        growth = max(torso_length(points), 1e-3) / torso
        traveled = float(np.median(np.hypot(moves[:, 0], moves[:, 1])))
        return traveled / (reach * torso) if 1 / _LARGEST_GROWTH <= growth <= _LARGEST_GROWTH else np.inf

    def _strangeness(self, sighting: Detection, frame: Frame, track: TrackPrediction) -> float:
        """Return how unlike the lost person somebody is; infinite if they must not be taken for them."""
        distance = track.appearance.distance(reid_descriptor(sighting.picture, sighting.points))
        soon = frame.pts_seconds - track.time_seconds <= self.settings.near_seconds
        near = soon and self._share_of_reach(sighting, frame, track) <= 1
        if distance is None:
            # a head alone says little: only who has hardly been away is believed
            return self.settings.near_appearance if near else np.inf
        if distance <= (self.settings.near_appearance if near else self.settings.far_appearance):
            return distance + (0.0 if near else 0.2)
        return np.inf


def _views_all_ways(box: Box, turns: int) -> list[View]:
    """Return wide views of a box with all four turns, the one in use first."""
    return [view_around(box, (turns + more) % 4, fill=_LOOK_WIDER) for more in range(4)]


def _points_seen(points: FloatArray) -> int:
    return int(np.count_nonzero(points[:, 2] >= SEEN_SCORE))


def _well_framed(sighting: Detection) -> bool:
    """Return whether a person lies well inside the view and fills enough of it for the reading to be sharp."""
    view = sighting.view
    left, top, right, bottom = visible_box(sighting.points)
    height, width = view.size
    over_x, over_y = _OVERHANG * width, _OVERHANG * height
    inside = left >= -over_x and top >= -over_y and right <= width + over_x and bottom <= height + over_y
    return inside and max((right - left) / width, (bottom - top) / height) >= _LEAST_FILL
