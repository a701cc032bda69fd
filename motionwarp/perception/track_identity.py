"""Whether somebody in sight is the person who is followed: by looks, by place and pose, by what the survey knows."""

from __future__ import annotations

import numpy as np

from motionwarp.perception.detection import box_overlap, pose_similarity
from motionwarp.perception.framing import torso_length, visible_box
from motionwarp.perception.inference import Detection
from motionwarp.perception.reid import reid_descriptor
from motionwarp.perception.selection import PersonChoice, Sighting
from motionwarp.perception.track_prediction import TrackPrediction, moves_between
from motionwarp.perception.tracking_settings import TrackingSettings
from motionwarp.types import FloatArray, Frame

SAME_POSE = 0.4  # likeness from which two poses of neighboring frames are one person's
_LARGEST_GROWTH = 1.8  # of a torso between two sightings that are near in time
_LIKE_POSE = 0.25  # the same over a cut
_CONTINUOUS_SHARE = 0.35  # of what the person can have moved: within it a motion goes on
_SHORTLY_MISSING = 2  # frames after which it is still known where the person must be
_ELSEWHERE_OVERLAP = 0.1
_SAME_FRAME_SECONDS = 0.004
_JUMP_DOUBT = 0.5  # share of the appearance's tolerance that is lost where somebody is as far off as they can be


class TrackIdentity:
    """Tells the person who is followed through one clip from others.

    Parameters
    ----------
    choice : PersonChoice
    settings : TrackingSettings

    Attributes
    ----------
    alone : bool
        Whether nobody else has been seen so far.
    checked_seconds : float
        When somebody who looks unlike before was last found to be alone.
    """

    def __init__(self, choice: PersonChoice, settings: TrackingSettings) -> None:
        self.choice, self.settings = choice, settings
        self.alone = choice.alone or not choice.sightings
        self.checked_seconds = -np.inf

    def anchor(self, frame: Frame) -> Sighting | None:
        """Return what the survey of the clip knows of the person in this very frame."""
        sightings = self.choice.sightings
        return next((one for one in sightings if abs(one.time_seconds - frame.pts_seconds) < _SAME_FRAME_SECONDS), None)

    def is_another(self, points: FloatArray, time_seconds: float) -> bool:
        """Tell whether a pose is that of somebody who has been followed already."""
        for track in self.choice.others:
            at = int(np.abs(track.times_seconds - time_seconds).argmin())
            there = abs(track.times_seconds[at] - time_seconds) < _SAME_FRAME_SECONDS and track.present[at]
            if there and pose_similarity(track.points[at], points) >= SAME_POSE:
                return True
        return False

    def is_contradicted(self, sighting: Detection, frame: Frame) -> bool:
        """Tell whether the survey saw the person elsewhere in this very frame."""
        anchor = self.anchor(frame)
        if anchor is None:
            return False
        points = sighting.person.pose.points
        apart = box_overlap(visible_box(anchor.points), visible_box(points)) < _ELSEWHERE_OVERLAP
        return apart and pose_similarity(anchor.points, points) < SAME_POSE

    def unlike_target(self, sighting: Detection, frame: Frame) -> float:
        """Return how unlike the person of the survey somebody is; infinite if they must not be taken for them."""
        looks = reid_descriptor(sighting.picture, sighting.points)
        distances = [looks.distance(known.appearance) for known in self.choice.sightings]
        nearest = min((distance for distance in distances if distance is not None), default=np.inf)
        allowed = self.settings.near_appearance if self.alone else self.settings.far_appearance
        return nearest if nearest <= allowed else np.inf

    def is_same(self, sighting: Detection, frame: Frame, track: TrackPrediction) -> bool:
        """Return whether somebody seen where the person was expected is the person."""
        expected = track.expected_points(frame.pts_seconds)
        elapsed = max(frame.pts_seconds - track.time_seconds, 0.0)
        share = self.share_of_reach(sighting, elapsed, expected, track.points)
        if sighting.person.score < self.settings.least_score or share > 1:
            return False
        if self.is_another(sighting.person.pose.points, frame.pts_seconds):
            return False
        distance = track.appearance.distance(reid_descriptor(sighting.picture, sighting.points))
        # two people who pass each other differ most where the crop jumps from one to the other
        if distance is not None and distance <= self.settings.same_appearance * (1 - _JUMP_DOUBT * share):
            return True
        if distance is None and not track.appearance.visible.any():
            return True  # of a head alone there is nothing to compare
        # whoever hides the person shows neither's clothes; light that changes its color: the very pose goes on, and a
        # while ago there was nobody else
        goes_on = share <= _CONTINUOUS_SHARE and pose_similarity(expected, sighting.person.pose.points) >= SAME_POSE
        return goes_on and (distance is None or self.is_checked(frame))

    def is_alone_there(self, sighting: Detection, frame: Frame, track: TrackPrediction) -> bool:
        """Tell whether the only one in sight is where the person was expected just now, though they look otherwise."""
        if not self.alone or track.missing > _SHORTLY_MISSING:
            return False
        expected = track.expected_points(frame.pts_seconds)
        elapsed = max(frame.pts_seconds - track.time_seconds, 0.0)
        alike = pose_similarity(expected, sighting.person.pose.points) >= _LIKE_POSE
        return alike and self.share_of_reach(sighting, elapsed, expected, track.points) <= 1

    def is_checked(self, frame: Frame) -> bool:
        """Tell whether the person was found to be alone a while ago, though looking otherwise."""
        return self.alone and frame.pts_seconds - self.checked_seconds < self.settings.recheck_seconds

    def remember(self, sighting: Detection, frame: Frame, track: TrackPrediction) -> None:
        """Let the remembered appearance follow slow changes; who looks rather different is learned only if alone."""
        looks = reid_descriptor(sighting.picture, sighting.points)
        distance = track.appearance.distance(looks)
        if distance is None or distance <= self.settings.far_appearance or self.is_checked(frame):
            elapsed = max(frame.pts_seconds - track.time_seconds, 0.0)
            track.appearance = track.appearance.updated(
                looks, 1 - float(np.exp(-elapsed / self.settings.appearance_seconds))
            )

    def share_of_reach(
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

    def strangeness(self, sighting: Detection, frame: Frame, track: TrackPrediction) -> float:
        """Return how unlike the lost person somebody is; infinite if they must not be taken for them."""
        distance = track.appearance.distance(reid_descriptor(sighting.picture, sighting.points))
        soon = frame.pts_seconds - track.time_seconds <= self.settings.near_seconds
        expected, elapsed = track.expected_points(frame.pts_seconds), max(frame.pts_seconds - track.time_seconds, 0.0)
        near = soon and self.share_of_reach(sighting, elapsed, expected, track.points) <= 1
        if distance is None:
            # a head alone says little: only who has hardly been away is believed
            return self.settings.near_appearance if near else np.inf
        if distance <= (self.settings.near_appearance if near else self.settings.far_appearance):
            return distance + (0.0 if near else 0.2)
        return 0.3 + self.unlike_target(sighting, frame) if self.choice.sightings else np.inf
