"""The estimator that comes with the package: one small network for points, parsing and matte, offline."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import torch

from motionwarp.errors import NoPersonError
from motionwarp.perception.base import Observation
from motionwarp.perception.detection import PersonDetector
from motionwarp.perception.flip_augmentation import FlipPredictor, SelectiveFlipPredictor
from motionwarp.perception.framing import Box, box_of_matte, united, upright_turns, view_around, visible_box
from motionwarp.perception.inference import DEFAULT_WEIGHTS, CropPredictor, NetworkPredictor, predict_views
from motionwarp.perception.rotation import upright_rotation
from motionwarp.perception.selection import LARGEST, PersonChoice
from motionwarp.perception.survey import survey, survey_people
from motionwarp.perception.tracking import PersonTracker
from motionwarp.perception.tracking_settings import TrackingSettings
from motionwarp.types import ByteArray, Frame, Person, Pose


class BuiltinEstimator:
    """Sees people with a reader of single persons, by default the bundled network.

    Parameters
    ----------
    reader : CropPredictor
    careful : CropPredictor, optional
        Takes the last look at the person of a single picture, where time is no matter; the same reader by default.
    following : CropPredictor, optional
        Reads a clip's frames while the person is in sight; the same reader by default.
    searchers : int
        Frames of a clip that are searched for people at once.
    """

    name = "builtin"

    def __init__(
        self,
        reader: CropPredictor,
        careful: CropPredictor | None = None,
        following: CropPredictor | None = None,
        searchers: int = 1,
    ) -> None:
        self.reader = reader
        self._careful = careful or reader
        self._following = following or reader
        self._finder = PersonDetector(reader)
        self._searchers = searchers

    @classmethod
    def load(cls, device: torch.device, dtype: torch.dtype, weights: str | Path = DEFAULT_WEIGHTS) -> BuiltinEstimator:
        """Make the estimator from weights: a registered name or a file.

        Raises
        ------
        WeightsError
            If they are missing, damaged or for another network.
        """
        reader = NetworkPredictor.load(weights, device, dtype)
        return cls(reader, FlipPredictor(reader), SelectiveFlipPredictor(reader), reader.workers)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What has happened to the reader that is worth telling, as sentences."""
        return tuple(getattr(self.reader, "warnings", ()))

    def find_people(self, rgb: ByteArray) -> list[Person]:
        """Return everybody in a picture, the surest first; see `Estimator.find_people`."""
        return [sighting.person for sighting in self._finder.find(rgb)]

    def analyze_picture(
        self, rgb: ByteArray, choice: PersonChoice = LARGEST, *, given_pose: Pose | None = None
    ) -> Person:
        """Return one person of a picture with parsing and matte; see `Estimator.analyze_picture`."""
        if given_pose is not None:
            return self.describe(rgb, given_pose)
        people = self.find_people(rgb)
        if not people:
            raise NoPersonError(
                "no person was found in the picture",
                remedy="Use a picture that shows one clearly, or give the points yourself",
            )
        return self._seen_whole(rgb, choice.pick(people).pose)

    def describe(self, rgb: ByteArray, pose: Pose) -> Person:
        """Return the person of a pose that is known, with parsing and matte.

        Parameters
        ----------
        rgb : uint8 (H, W, 3)
        pose : Pose
            In pixels of the picture; it is taken as it is.

        Raises
        ------
        NoPersonError
            If the pose has no point in the picture.
        """
        height, width = rgb.shape[:2]
        seen = pose.xy[pose.visible(1e-6)]
        inside = (seen >= -0.5).all(axis=1) & (seen[:, 0] < width) & (seen[:, 1] < height)
        if not inside.any():
            raise NoPersonError(
                "the given pose has no point inside the picture",
                subject=f"picture of {width}x{height}",
                remedy="Give points in pixels of this very picture",
            )
        seen_there = self._seen_whole(rgb, pose)
        return Person(pose, seen_there.crop, seen_there.parsing, seen_there.matte, score=1.0)

    def survey(self, frames: Iterable[Frame]) -> PersonChoice:
        """Choose whom to follow through a clip by a few of its frames; see `survey`."""
        return survey(frames, self._finder, self._searchers)

    def survey_people(self, frames: Iterable[Frame]) -> list[PersonChoice]:
        """Tell the people of a clip apart by a few of its frames; see `survey_people`."""
        return survey_people(frames, self._finder)

    def upright_rotation(self, frames: Iterable[Frame]) -> int:
        """Tell by how many degrees clockwise a clip has to be turned; see `rotation.upright_rotation`."""
        return upright_rotation(frames, self._finder)

    def follow(
        self, frames: Iterable[Frame], choice: PersonChoice = LARGEST, *, dense: bool = False
    ) -> Iterator[Observation]:
        """Follow one person through a clip; see `Estimator.follow`."""
        return PersonTracker(self.reader, careful=self._following).follow(frames, choice, dense=dense)

    def follow_live(self, frames: Iterable[Frame], choice: PersonChoice = LARGEST) -> Iterator[Observation]:
        """Follow one person as the frames come: none is read before the one before has been answered for.

        Each is read once, without its mirror image, which takes half of the time; arguments and errors as for `follow`.
        """
        return PersonTracker(self.reader, TrackingSettings(longest_batch=1)).follow(frames, choice)

    def _seen_whole(self, rgb: ByteArray, pose: Pose) -> Person:
        """Read a person through a view framed by the points, then by all that the matte shows: hats, skirts, bags."""
        turns = upright_turns(pose.points)
        box = visible_box(pose.points)
        first = predict_views(self.reader, rgb, [view_around(box, turns)], dense=True)[0].person
        box = united(box, _matte_box(first) or box)
        return predict_views(self._careful, rgb, [view_around(box, turns)], dense=True)[0].person


def _matte_box(person: Person) -> Box | None:
    """Return the box of a person's matte in the frame."""
    if person.matte is None:
        return None
    box = box_of_matte(person.matte)
    if box is None:
        return None
    crop = person.crop
    cell = crop.scale * crop.height / person.matte.shape[0]
    left, top, right, bottom = (np.asarray(box) * cell + [crop.left, crop.top, crop.left, crop.top]).tolist()
    return left, top, right, bottom
