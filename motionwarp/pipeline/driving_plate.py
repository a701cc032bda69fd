"""The driving clip's background without its person, so that the source person can take the driver's place.

With a still camera, what the person hides in one frame is seen in another: the plate is the median over frames spread
through the clip, each without its person. With a moving camera there is no plate, and the hole is filled frame by
frame. Ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import cv2
import numpy as np

from motionwarp.inpainting.clean_plate import clean_plate
from motionwarp.pose import skeleton as sk
from motionwarp.pose.kinematics import VISIBLE_SCORE
from motionwarp.types import BoolArray, ByteArray, FloatArray

# frames that the median is made of: enough for a dancer, little enough for memory
_KEPT: Final = 15
# mean difference in levels of 255 between two frames' backgrounds beyond which the camera moves
_STILL_DIFFERENCE: Final = 9.0
# half widths of what is covered around bones and the head, in torso lengths: hair, skirts and shadows reach far
_LIMB_WIDTH, _TORSO_WIDTH, _HEAD_WIDTH = 0.3, 0.45, 0.5
_LIMBS: Final = [bone for bone in sk.BONES if sk.NOSE not in bone]
_TORSO: Final = (sk.NECK, sk.RIGHT_HIP, sk.LEFT_HIP, sk.RIGHT_SHOULDER, sk.LEFT_SHOULDER)
# hands and feet reach beyond wrists and ankles by this part of the last bone
_TIPS: Final = (
    (sk.RIGHT_ELBOW, sk.RIGHT_WRIST, 0.6), (sk.LEFT_ELBOW, sk.LEFT_WRIST, 0.6),
    (sk.RIGHT_KNEE, sk.RIGHT_ANKLE, 0.35), (sk.LEFT_KNEE, sk.LEFT_ANKLE, 0.35),
)  # fmt: skip


def covered_by(points: FloatArray, height: int, width: int) -> ByteArray:
    """Draw generously where a person of these points is.

    Parameters
    ----------
    points : float32 (18, 3)
    height, width : int

    Returns
    -------
    uint8 (H, W)
        255 where the person or what belongs to them may be, else 0.
    """
    mask = np.zeros((height, width), dtype=np.uint8)
    seen = points[:, 2] >= VISIBLE_SCORE
    size = _body_size(points, seen)
    if size == 0:
        return mask
    where = points[:, :2]

    def stroke(start: FloatArray, end: FloatArray, width_in_torsos: float) -> None:
        thickness = max(round(2 * width_in_torsos * size), 1)
        first, last = (tuple(np.round(np.clip(p, -30000, 30000)).astype(int).tolist()) for p in (start, end))
        cv2.line(mask, first, last, 255, thickness)

    for parent, child in _LIMBS:
        if seen[parent] and seen[child]:
            stroke(where[parent], where[child], _TORSO_WIDTH if {parent, child} <= set(_TORSO) else _LIMB_WIDTH)
    for parent, child, beyond in _TIPS:
        if seen[parent] and seen[child]:
            stroke(where[child], where[child] + beyond * (where[child] - where[parent]), _LIMB_WIDTH)
    for point in sk.HEAD_POINTS:
        if seen[point]:
            stroke(where[point], where[point], _HEAD_WIDTH)
    return mask


def _body_size(points: FloatArray, seen: BoolArray) -> float:
    """Return the torso's length, or what it would be by the shoulders or the head, in pixels; 0 if nothing tells."""
    if seen[[sk.NECK, sk.RIGHT_HIP, sk.LEFT_HIP]].all():
        torso = np.linalg.norm(points[sk.NECK, :2] - points[[sk.RIGHT_HIP, sk.LEFT_HIP], :2].mean(axis=0))
        shoulders = np.linalg.norm(points[sk.RIGHT_SHOULDER, :2] - points[sk.LEFT_SHOULDER, :2])
        return float(max(torso, shoulders))
    if seen[[sk.RIGHT_SHOULDER, sk.LEFT_SHOULDER]].all():
        return float(1.5 * np.linalg.norm(points[sk.RIGHT_SHOULDER, :2] - points[sk.LEFT_SHOULDER, :2]))
    corners = points[seen, :2]
    return 0.0 if len(corners) < 2 else float(0.5 * np.ptp(corners, axis=0).max())


class PlateBuilder:
    """Keeps frames spread evenly over a clip of unknown length, and their persons' places."""

    def __init__(self) -> None:
        self._frames: list[tuple[ByteArray, ByteArray]] = []
        self._step, self._count = 1, 0

    def add(self, rgb: ByteArray, *people: FloatArray | None) -> None:
        """Take the next frame, uint8 (H, W, 3), and the points (18, 3) of everybody in it; None is nobody."""
        if self._count % self._step == 0:
            mask = _covered_by_all(rgb, people)
            self._frames.append((rgb, mask))
            if len(self._frames) > _KEPT:
                # twice as rare from now on: what is kept stays evenly spread
                self._frames = self._frames[::2]
                self._step *= 2
        self._count += 1

    def finish(self) -> ByteArray | None:
        """Return the plate, uint8 (H, W, 3), or None if the camera moves."""
        if self._moves():
            return None
        height, width = self._frames[0][0].shape[:2]
        plate = np.empty((height, width, 3), dtype=np.uint8)
        never = np.empty((height, width), dtype=np.uint8)
        # by bands of rows, so that the stack never is in memory as floats
        for top in range(0, height, 64):
            rows = slice(top, top + 64)
            stack = np.stack([frame[rows] for frame, _ in self._frames])
            hidden = np.stack([mask[rows] for _, mask in self._frames]) > 0
            visible: Any = np.ma.array(stack, mask=np.broadcast_to(hidden[..., None], stack.shape))
            median: Any = np.ma.median(visible, axis=0)  # type: ignore[no-untyped-call]
            plate[rows] = median.filled(0)
            never[rows] = hidden.all(axis=0)
        return clean_plate(plate, never.astype(np.float32)) if never.any() else plate

    def _moves(self) -> bool:
        first, covered = self._frames[0]
        small_first, small_covered = _small(first), _small(covered)
        for frame, mask in self._frames[1:]:
            free = (np.maximum(_small(mask), small_covered) == 0)[..., None]
            difference = np.abs(_small(frame).astype(np.float32) - small_first) * free
            if difference.sum() / max(3 * int(free.sum()), 1) > _STILL_DIFFERENCE:
                return True
        return False


def without_driver(rgb: ByteArray, points: FloatArray | None, plate: ByteArray | None, seed: int) -> ByteArray:
    """Return a driving frame whose person is gone.

    Parameters
    ----------
    rgb : uint8 (H, W, 3)
        Not changed.
    points : float32 (18, 3) or None
        The person's; None where nobody is.
    plate : uint8 (H, W, 3) or None
        What is behind; without it the hole is filled from its surroundings.
    seed : int
        Seed of the fill's grain.
    """
    return without_drivers(rgb, [] if points is None else [points], plate, seed)


def without_drivers(rgb: ByteArray, people: Sequence[FloatArray], plate: ByteArray | None, seed: int) -> ByteArray:
    """Return a driving frame from which everybody is gone whose points (18, 3) are given; see `without_driver`."""
    if not people:
        return rgb.copy()
    mask = _covered_by_all(rgb, people)
    if plate is None:
        return clean_plate(rgb, (mask > 0).astype(np.float32), fill="smooth", seed=seed)
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    result = rgb.copy()
    if not len(rows):
        return result
    box = np.s_[max(rows[0] - 16, 0) : rows[-1] + 17, max(columns[0] - 16, 0) : columns[-1] + 17]
    weight = cv2.cvtColor(cv2.GaussianBlur(mask[box], (0, 0), 5), cv2.COLOR_GRAY2RGB)
    inside = cv2.multiply(plate[box], weight, scale=1 / 255)
    result[box] = cv2.add(inside, cv2.multiply(rgb[box], cv2.bitwise_not(weight), scale=1 / 255))
    return result


def _covered_by_all(rgb: ByteArray, people: Sequence[FloatArray | None]) -> ByteArray:
    """Draw generously where people of these points are, uint8 (H, W) of 0 and 255."""
    height, width = rgb.shape[:2]
    mask = np.zeros((height, width), dtype=np.uint8)
    for points in people:
        if points is not None:
            mask = np.maximum(mask, covered_by(points, height, width))
    return mask


def _small(picture: ByteArray) -> ByteArray:
    return np.asarray(cv2.resize(picture, (96, 96), interpolation=cv2.INTER_AREA), dtype=np.uint8)
