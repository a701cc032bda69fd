"""An estimator that reads poses from a file: this project's JSON or OpenPose's; parsing and matte are still seen."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path

from motionwarp.perception.backends.builtin import BuiltinEstimator
from motionwarp.perception.base import Observation
from motionwarp.perception.framing import crop_around, visible_box
from motionwarp.perception.selection import LARGEST, PersonChoice
from motionwarp.pose.formats.pose_file import read_pose, read_track
from motionwarp.pose.people import PersonSelector
from motionwarp.types import ByteArray, Frame, Person, Pose, PoseTrack

# OpenPose's folders do not tell it, and frames are matched by number here
_ANY_RATE = 25.0


class FileEstimator:
    """Gives the poses of a file.

    Parameters
    ----------
    path : Path
        A file or folder of poses: of one picture for pictures, of a clip for clips.
    seer : callable
        Makes the estimator for parsing and matte; called when they are first needed.
    """

    def __init__(self, path: Path, seer: Callable[[], BuiltinEstimator]) -> None:
        self.name = path.name
        self.path = path
        self._make_seer = seer
        self._seer: BuiltinEstimator | None = None

    @property
    def seer(self) -> BuiltinEstimator:
        """The estimator for parsing and matte."""
        if self._seer is None:
            self._seer = self._make_seer()
        return self._seer

    def find_people(self, rgb: ByteArray) -> list[Person]:
        """Return the person of the file, with points only.

        Raises
        ------
        PoseFileError
            If the file does not hold the pose of one picture.
        """
        return [_with_points_only(read_pose(self.path))]

    def analyze_picture(
        self, rgb: ByteArray, choice: PersonChoice = LARGEST, *, given_pose: Pose | None = None
    ) -> Person:
        """Return the person of the file with parsing and matte; see `Estimator.analyze_picture`.

        Raises
        ------
        PoseFileError
            If the file does not hold the pose of one picture.
        NoPersonError
            If it does not hold the person chosen, or the pose lies outside the picture.
        """
        return self.seer.describe(rgb, given_pose or read_pose(self.path, person=_selector(choice)))

    def follow(
        self, frames: Iterable[Frame], choice: PersonChoice = LARGEST, *, dense: bool = False
    ) -> Iterator[Observation]:
        """Give each frame the pose of its number; see `Estimator.follow`.

        Raises
        ------
        PoseFileError
            If the file does not hold the poses of a clip of this shape.
        """
        source = iter(frames)
        first = next(source, None)
        if first is None:
            return
        height, width = first.rgb.shape[:2]
        track = read_track(self.path, width=width, height=height, fps=_ANY_RATE, person=_selector(choice))
        for frame in chain([first], source):
            yield self._observe(frame, track, dense)

    def _observe(self, frame: Frame, track: PoseTrack, dense: bool) -> Observation:
        if frame.index >= len(track):
            return Observation(frame, None, f"{self.path.name} ends after {len(track)} frames")
        if not track.present[frame.index]:
            return Observation(frame, None, f"nobody in {self.path.name}")
        pose = Pose(track.points[frame.index])
        return Observation(frame, self.seer.describe(frame.rgb, pose) if dense else _with_points_only(pose))


def _with_points_only(pose: Pose) -> Person:
    return Person(pose, crop_around(visible_box(pose.points)))


def _selector(choice: PersonChoice) -> PersonSelector:
    if choice.point is not None:
        return choice.point
    return "largest" if choice.index is None else choice.index
