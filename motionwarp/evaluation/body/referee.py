"""MediaPipe's world points, brought to the 18: a referee that took no part in anything (extra `mediapipe`)."""

from __future__ import annotations

from types import TracebackType
from typing import Any

import numpy as np

from motionwarp.data.packing import facing_of_world
from motionwarp.perception.backends.mediapipe import FROM_33, MODEL_COMPLEXITY, pose_solution
from motionwarp.pose import skeleton as sk
from motionwarp.types import ByteArray, FloatArray


class WorldReferee:
    """Tells where MediaPipe sees the 18 points of a picture's person in space; a context manager.

    Raises
    ------
    MissingExtraError
        If MediaPipe is not installed.
    """

    name = "mediapipe"

    def __init__(self) -> None:
        self._pose: Any = pose_solution()(
            static_image_mode=True, model_complexity=MODEL_COMPLEXITY, enable_segmentation=False
        )

    def __enter__(self) -> WorldReferee:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pose.close()

    def facing(self, rgb: ByteArray) -> float | None:
        """Return the degrees by which a picture's person is turned from the camera; None where that is not told."""
        marks = self._marks(rgb)
        told = None if marks is None else facing_of_world(marks)
        return None if told is None else float(np.rad2deg(np.arctan2(told[1], told[0])))

    def joints(self, rgb: ByteArray) -> FloatArray | None:
        """Return the points in meters, float32 (18, 3), x right, y down, z away; None where nobody is seen."""
        marks = self._marks(rgb)
        if marks is None:
            return None
        world = marks[:, :3]
        points = np.zeros((18, 3), dtype=np.float32)
        for index, landmark in FROM_33.items():
            points[index] = world[landmark]
        points[sk.NECK] = points[[sk.RIGHT_SHOULDER, sk.LEFT_SHOULDER]].mean(axis=0)
        return points

    def _marks(self, rgb: ByteArray) -> FloatArray | None:
        """Return the 33 world points with their visibilities, float32 (33, 4); None where nobody is seen."""
        result = self._pose.process(rgb)
        if result.pose_world_landmarks is None:
            return None
        marks = result.pose_world_landmarks.landmark
        return np.array([(mark.x, mark.y, mark.z, mark.visibility) for mark in marks], dtype=np.float32)
