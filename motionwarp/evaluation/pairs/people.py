"""What is known of the people in the pictures of pairs.

Published points where there are any, else what the analyzer sees.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, TypeVar

from motionwarp.errors import MotionwarpError
from motionwarp.inpainting.clean_plate import clean_plate
from motionwarp.media.image import read_image
from motionwarp.perception.base import Estimator
from motionwarp.perception.matting import covered_in_frame, matte_in_frame, parsing_in_frame
from motionwarp.pipeline.source import PreparedSource
from motionwarp.types import ByteArray, FloatArray, Pose, SourcePerson

# prepared sources are whole pictures: pairs are rendered source by source, so a few are enough
_KEPT: Final = 16

_Value = TypeVar("_Value")


class People:
    """Sees the people of pictures, each once as far as the memory for it goes.

    Parameters
    ----------
    annotations : mapping of str to Pose
        Published points by the pictures' names; taken in place of what is seen.
    estimator : callable
        Makes the estimator when it is first needed.
    """

    def __init__(self, annotations: Mapping[str, Pose], estimator: Callable[[], Estimator]) -> None:
        self.annotations = annotations
        self._make_estimator = estimator
        self._estimator: Estimator | None = None
        self._sources: OrderedDict[str, PreparedSource] = OrderedDict()
        self._poses: dict[str, Pose] = {}

    @property
    def estimator(self) -> Estimator:
        """The estimator."""
        if self._estimator is None:
            self._estimator = self._make_estimator()
        return self._estimator

    def pose(self, name: str, path: Path) -> Pose:
        """Return the points of a picture's person.

        Raises
        ------
        NoPersonError
            If nobody is seen.
        MediaError
            If the picture cannot be read.
        """
        if name in self.annotations:
            return self.annotations[name]
        if name not in self._poses:
            self._poses[name] = self._with_subject(path, lambda rgb: self.estimator.analyze_picture(rgb).pose)
        return self._poses[name]

    def known_poses(self) -> dict[str, Pose]:
        """Return all points by name that are published or were seen so far."""
        return {**self._poses, **self.annotations}

    def source(self, name: str, path: Path) -> PreparedSource:
        """Return the person of a picture with all that engines need, and the picture without them.

        Raises
        ------
        NoPersonError
            If nobody is seen, or the annotation lies outside the picture.
        MediaError
            If the picture cannot be read.
        """
        if name not in self._sources:
            self._sources[name] = self._with_subject(path, lambda rgb: self._prepared(name, rgb))
            while len(self._sources) > _KEPT:
                self._sources.popitem(last=False)
        return self._sources[name]

    def seen(self, rgb: ByteArray, given: Pose) -> tuple[ByteArray, FloatArray]:
        """Return parsing uint8 (H, W) and matte float32 (H, W) of the person at the given points of a picture.

        Raises
        ------
        NoPersonError
            If no point lies inside the picture.
        """
        person = self.estimator.analyze_picture(rgb, given_pose=given)
        matte = matte_in_frame(rgb, person)
        return parsing_in_frame(rgb, person, matte), matte

    def _prepared(self, name: str, rgb: ByteArray) -> PreparedSource:
        person = self.estimator.analyze_picture(rgb, given_pose=self.annotations.get(name))
        matte = matte_in_frame(rgb, person)
        parsing = parsing_in_frame(rgb, person, matte)
        # protocols have thousands of pictures, most of them before a plain wall: the quick fill is enough
        plate = clean_plate(rgb, covered_in_frame(person, matte), fill="smooth")
        return PreparedSource(SourcePerson(rgb, matte, person.pose, parsing), given_plate=plate)

    @staticmethod
    def _with_subject(path: Path, work: Callable[[ByteArray], _Value]) -> _Value:
        try:
            return work(read_image(path).rgb)
        except MotionwarpError as error:
            if error.subject is None or not Path(error.subject).exists():
                raise type(error)(error.problem, subject=path, remedy=error.remedy) from error
            raise
