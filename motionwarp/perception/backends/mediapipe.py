"""MediaPipe Pose as an estimator (extra `mediapipe`).

33 points brought to 18, its own matte, parsing by the bundled network.

MediaPipe sees one person a picture. The legacy solutions interface is used because it carries its models in the wheel.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import cached_property
from typing import Any, Final

import cv2
import numpy as np

from motionwarp.errors import MissingExtraError, NoPersonError, OptionError
from motionwarp.perception.backends.builtin import BuiltinEstimator
from motionwarp.perception.base import Observation
from motionwarp.perception.framing import crop_around, visible_box
from motionwarp.perception.inference import person_score
from motionwarp.perception.selection import LARGEST, PersonChoice
from motionwarp.pose import skeleton
from motionwarp.types import ByteArray, FloatArray, Frame, Person, PersonCrop, Pose

# ours, from MediaPipe's BlazePose landmark of the same name
FROM_33: Final = {
    skeleton.NOSE: 0,
    skeleton.LEFT_EYE: 2, skeleton.RIGHT_EYE: 5, skeleton.LEFT_EAR: 7, skeleton.RIGHT_EAR: 8,
    skeleton.LEFT_SHOULDER: 11, skeleton.RIGHT_SHOULDER: 12, skeleton.LEFT_ELBOW: 13, skeleton.RIGHT_ELBOW: 14,
    skeleton.LEFT_WRIST: 15, skeleton.RIGHT_WRIST: 16, skeleton.LEFT_HIP: 23, skeleton.RIGHT_HIP: 24,
    skeleton.LEFT_KNEE: 25, skeleton.RIGHT_KNEE: 26, skeleton.LEFT_ANKLE: 27, skeleton.RIGHT_ANKLE: 28,
}  # fmt: skip
MODEL_COMPLEXITY: Final = 1  # the 'full' model: the largest one that the wheel carries


class MediapipeEstimator:
    """Sees one person a picture with MediaPipe.

    Parameters
    ----------
    seer : callable
        Makes the estimator that sees the parsing; called when it is first needed.

    Raises
    ------
    MissingExtraError
        If MediaPipe is not installed, or is a release without the legacy interface.
    """

    name = "mediapipe"

    def __init__(self, seer: Callable[[], BuiltinEstimator]) -> None:
        self._solution = pose_solution()
        self._make_seer = seer

    @cached_property
    def seer(self) -> BuiltinEstimator:
        """The estimator that sees the parsing."""
        return self._make_seer()

    def find_people(self, rgb: ByteArray) -> list[Person]:
        """Return the one person that MediaPipe sees, or nobody."""
        with self._solution(
            static_image_mode=True, model_complexity=MODEL_COMPLEXITY, enable_segmentation=True
        ) as pose:
            person = _person(pose.process(rgb), rgb)
        return [] if person is None else [person]

    def analyze_picture(
        self, rgb: ByteArray, choice: PersonChoice = LARGEST, *, given_pose: Pose | None = None
    ) -> Person:
        """Return one person of a picture with parsing and matte; see `Estimator.analyze_picture`."""
        if given_pose is not None:
            return self.seer.describe(rgb, given_pose)
        _refuse_index(choice)
        people = self.find_people(rgb)
        if not people:
            raise NoPersonError(
                "MediaPipe found no person in the picture", remedy="Use another picture or `pose_estimator=builtin`"
            )
        return self._with_parsing(rgb, choice.pick(people))

    def follow(
        self, frames: Iterable[Frame], choice: PersonChoice = LARGEST, *, dense: bool = False
    ) -> Iterator[Observation]:
        """Follow the one person that MediaPipe sees; see `Estimator.follow`."""
        _refuse_index(choice)
        chosen = False
        with self._solution(
            static_image_mode=False, model_complexity=MODEL_COMPLEXITY, enable_segmentation=dense
        ) as pose:
            for frame in frames:
                person = _person(pose.process(frame.rgb), frame.rgb)
                if person is None:
                    yield Observation(frame, None, "no person found")
                    continue
                if not chosen:
                    choice.pick([person])
                    chosen = True
                yield Observation(frame, self._with_parsing(frame.rgb, person) if dense else person)

    def _with_parsing(self, rgb: ByteArray, person: Person) -> Person:
        """Add the parsing that the bundled network sees, and bring the matte to the same crop."""
        seen = self.seer.describe(rgb, person.pose)
        if person.matte is None:
            return replace(person, crop=seen.crop, parsing=seen.parsing, matte=seen.matte)
        matte = _moved_between(person.matte, person.crop, seen.crop)
        return replace(person, crop=seen.crop, parsing=seen.parsing, matte=matte)


def pose_solution() -> Callable[..., Any]:
    """Return MediaPipe's legacy solution for poses, or raise a MissingExtraError."""
    remedy = 'Install the extra: pip install "motionwarp[mediapipe]"'
    try:
        import mediapipe
    except ImportError as error:
        raise MissingExtraError(
            "MediaPipe is not installed", values={"pose_estimator": "mediapipe"}, remedy=remedy
        ) from error
    try:
        solution: Callable[..., Any] = mediapipe.solutions.pose.Pose
    except AttributeError as error:
        release = getattr(mediapipe, "__version__", "unknown")
        raise MissingExtraError(
            f"MediaPipe {release} has no legacy pose solution", values={"pose_estimator": "mediapipe"}, remedy=remedy
        ) from error
    return solution


def _refuse_index(choice: PersonChoice) -> None:
    if choice.index not in (None, 0):
        raise OptionError(
            "MediaPipe sees one person only",
            values={"person": str(choice)},
            remedy="Use `pose_estimator=builtin` for several people",
        )


def _person(result: Any, rgb: ByteArray) -> Person | None:
    """Turn MediaPipe's result of one picture into a person, or None."""
    if result.pose_landmarks is None:
        return None
    height, width = rgb.shape[:2]
    landmarks = np.array(
        [(mark.x, mark.y, mark.visibility) for mark in result.pose_landmarks.landmark], dtype=np.float32
    )  # (33, 3), in [0, 1] of the picture
    points = points_from_landmarks(landmarks, width, height)
    crop = crop_around(visible_box(points))
    mask = getattr(result, "segmentation_mask", None)
    matte = None if mask is None else _in_crop(np.asarray(mask, dtype=np.float32), crop)
    return Person(Pose(points), crop, matte=matte, score=person_score(points))


def points_from_landmarks(landmarks: FloatArray, width: int, height: int) -> FloatArray:
    """Bring MediaPipe's 33 landmarks to the 18 points.

    Parameters
    ----------
    landmarks : float32 (33, 3)
        x and y as parts of the picture's width and height, and visibility in [0, 1].
    width, height : int
        Size of the picture.

    Returns
    -------
    float32 (18, 3)
        In pixels; MediaPipe also guesses points outside the picture, whose score is 0 here.
    """
    points = np.zeros((18, 3), dtype=np.float32)
    for index, landmark in FROM_33.items():
        points[index] = landmarks[landmark]
    points[:, 0] = points[:, 0] * width - 0.5
    points[:, 1] = points[:, 1] * height - 0.5
    shoulders = points[[skeleton.RIGHT_SHOULDER, skeleton.LEFT_SHOULDER]]
    points[skeleton.NECK] = *shoulders[:, :2].mean(axis=0), shoulders[:, 2].min()
    x, y = points[:, 0], points[:, 1]
    points[(x < -0.5) | (y < -0.5) | (x > width - 0.5) | (y > height - 0.5), 2] = 0
    return points


def _in_crop(mask: FloatArray, crop: PersonCrop) -> FloatArray:
    """Cut a crop out of a mask of the whole picture, at the crop's size."""
    return np.asarray(
        cv2.warpAffine(
            mask,
            crop.crop_to_frame(),
            (crop.width, crop.height),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=0,
        ),
        dtype=np.float32,
    )


def _moved_between(matte: FloatArray, given: PersonCrop, wanted: PersonCrop) -> FloatArray:
    """Sample a matte that lies over one crop over another one, at that one's size."""
    to_frame = np.vstack([wanted.crop_to_frame(), [0, 0, 1]])
    matrix = given.frame_to_crop().astype(np.float64) @ to_frame
    return np.asarray(
        cv2.warpAffine(matte, matrix, (wanted.width, wanted.height), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP),
        dtype=np.float32,
    )
