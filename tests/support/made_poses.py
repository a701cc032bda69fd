"""Poses and tracks made for tests of poses."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from motionwarp.pose import skeleton as sk
from motionwarp.types import FloatArray, PoseTrack

PLACES = {
    sk.NOSE: (100, 60), sk.NECK: (100, 100),
    sk.RIGHT_SHOULDER: (67, 101), sk.RIGHT_ELBOW: (55, 156), sk.RIGHT_WRIST: (52, 204),
    sk.LEFT_SHOULDER: (133, 99), sk.LEFT_ELBOW: (146, 154), sk.LEFT_WRIST: (150, 205),
    sk.RIGHT_HIP: (82, 200), sk.RIGHT_KNEE: (79, 283), sk.RIGHT_ANKLE: (78, 358),
    sk.LEFT_HIP: (118, 200), sk.LEFT_KNEE: (122, 281), sk.LEFT_ANKLE: (123, 357),
    sk.RIGHT_EYE: (94, 53), sk.LEFT_EYE: (106, 53), sk.RIGHT_EAR: (88, 57), sk.LEFT_EAR: (112, 57),
}  # fmt: skip
WIDTH, HEIGHT = 400, 480
FRAME_SECONDS = 1 / 25


def standing() -> FloatArray:
    """Somebody who stands, seen from the front, all points seen, float32 (18, 3)."""
    return np.array([(*PLACES[point], 0.9) for point in range(18)], dtype=np.float32)


def dancing(count: int, seed: int = 0) -> FloatArray:
    """Somebody who waves, steps and sways smoothly, all points seen, float32 (T, 18, 3)."""
    phases = np.random.default_rng(seed).uniform(0, 2 * np.pi, 18)
    reach = np.full(18, 3.0)
    reach[[sk.RIGHT_ELBOW, sk.LEFT_ELBOW, sk.RIGHT_KNEE, sk.LEFT_KNEE]] = 10
    reach[[sk.RIGHT_WRIST, sk.LEFT_WRIST]] = 25
    reach[list(sk.HEAD_POINTS)] = 1
    angles = 2 * np.pi * np.arange(count)[:, None] * FRAME_SECONDS / 1.5 + phases
    points = np.repeat(standing()[None], count, axis=0)
    points[..., 0] += reach * np.sin(angles) + 12 * np.sin(angles[:, :1] / 2)
    points[..., 1] += reach * np.cos(angles) / 2
    return points


def track_of(points: FloatArray, *, cuts: Sequence[int] = (), times: np.ndarray | None = None) -> PoseTrack:
    """A track at 25 frames a second; frames without any score are absent."""
    seconds = np.arange(len(points)) * FRAME_SECONDS if times is None else times
    return PoseTrack(points, (points[..., 2] > 0).any(axis=1), seconds, WIDTH, HEIGHT, tuple(cuts))


def scaled(points: FloatArray, scale: float, shift: tuple[float, float] = (0.0, 0.0)) -> FloatArray:
    """The points scaled about the origin and moved, scores kept."""
    moved = points.copy()
    moved[..., :2] = scale * points[..., :2] + np.array(shift, dtype=np.float32)
    return moved
