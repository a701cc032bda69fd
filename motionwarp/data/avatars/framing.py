"""Where the camera stands and what of a person its frame shows."""

from __future__ import annotations

from typing import Final, Literal

import numpy as np

from motionwarp.data.avatars.posing import PosedAvatar
from motionwarp.data.avatars.rendering import OrbitCamera
from motionwarp.pose import skeleton as sk
from motionwarp.types import FloatArray

Cut = Literal["none", "knee", "hip", "chest", "neck"]

# where the frame ends, as a mean of points, and by how much of the body's height it may miss that
_CUT_POINTS: Final[dict[Cut, tuple[int, ...]]] = {
    "knee": (sk.LEFT_KNEE, sk.RIGHT_KNEE),
    "hip": (sk.LEFT_HIP, sk.RIGHT_HIP),
    "chest": (sk.LEFT_HIP, sk.RIGHT_HIP, sk.LEFT_SHOULDER, sk.RIGHT_SHOULDER),
    "neck": (sk.LEFT_SHOULDER, sk.RIGHT_SHOULDER),
}
_CUT_JITTER: Final = 0.05
_UPRIGHT_TRUNK: Final = 0.5  # cosine of the lean below which a frame cannot cut at a height of the body
_SMALL: Final = 0.12
_ASIDE: Final = 0.1  # of cut people, those of whom a side is cut off as well


def draw_camera(
    posed: PosedAvatar, facing: float, cut: Cut, height: int, width: int, rng: np.random.Generator
) -> OrbitCamera:
    """Draw a camera that sees a person from a side and is cut by the frame at a height.

    Parameters
    ----------
    posed : PosedAvatar
    facing : float
        Degrees by which the person shall be turned from facing the camera, positive to the picture's right.
    cut : Cut
        Where the frame ends; who lies or bends low is cut at a random place instead.
    height, width : int
        Of the picture, in pixels.
    rng : numpy Generator
    """
    yaw = float(np.rad2deg(np.arctan2(posed.forward[0], posed.forward[2])))
    lot = rng.random()
    pitch = rng.normal(4, 6) if lot < 0.75 else (rng.uniform(10, 38) if lot < 0.94 else rng.uniform(-15, -4))
    distance = float(np.exp(rng.uniform(np.log(2.4), np.log(8.0))))
    low, high = posed.vertices.min(axis=0), posed.vertices.max(axis=0)
    middle = (low + high) / 2
    target = (float(middle[0]), float(middle[1]), float(middle[2]))
    roll = float(rng.normal(0, 2.5))
    camera = OrbitCamera(yaw - facing, float(pitch), roll, distance, target, 1.0, 0.0, 0.0)
    window = _window(posed, camera, cut, height / width, rng)
    focal = height / (window[3] - window[1])
    center_x, center_y = -focal * window[0] - 0.5, -focal * window[1] - 0.5
    return OrbitCamera(
        yaw - facing, float(pitch), roll, distance, target, float(focal), float(center_x), float(center_y)
    )


def _window(posed: PosedAvatar, camera: OrbitCamera, cut: Cut, aspect: float, rng: np.random.Generator) -> FloatArray:
    """Return left, top, right and bottom of what the frame shows, in the plane at a focal length of 1."""
    plane = camera.project(posed.vertices)[:, :2]
    points = camera.project(posed.points)[:, :2]
    (left, top), (right, bottom) = plane.min(axis=0), plane.max(axis=0)
    tall, wide = bottom - top, right - left
    middle = (left + right) / 2
    if cut == "none":
        share = rng.uniform(0.25, 0.55) if rng.random() < _SMALL else rng.uniform(0.6, 0.94)
        rows = max(tall / share, 1.06 * wide * aspect)
        slack_y, slack_x = rows - tall, rows / aspect - wide
        first = top - slack_y * rng.uniform(0.3, 0.7)
        middle += slack_x * rng.uniform(-0.3, 0.3)
    else:
        end = _cut_height(points, cut, float(top), float(bottom), rng)
        above = rng.uniform(0.01, 0.18) * (end - top)
        first, rows = top - above, end - top + above
        # people are framed by the head and the trunk, not by their hands
        middle = points[[sk.NECK, sk.NOSE], 0].mean() + rng.normal(0, 0.06) * rows / aspect
        if rng.random() < _ASIDE:
            middle += rng.choice([-1, 1]) * rng.uniform(0.2, 0.5) * rows / aspect
    columns = rows / aspect
    return np.array([middle - columns / 2, first, middle + columns / 2, first + rows], dtype=np.float32)


def _cut_height(points: FloatArray, cut: Cut, top: float, bottom: float, rng: np.random.Generator) -> float:
    trunk = points[[sk.LEFT_HIP, sk.RIGHT_HIP]].mean(axis=0) - points[[sk.LEFT_SHOULDER, sk.RIGHT_SHOULDER]].mean(
        axis=0
    )
    if trunk[1] < _UPRIGHT_TRUNK * np.linalg.norm(trunk):
        return top + float(rng.uniform(0.4, 0.9)) * (bottom - top)
    end = float(points[list(_CUT_POINTS[cut]), 1].mean() + rng.uniform(-1, 1) * _CUT_JITTER * (bottom - top))
    # of raised knees and low heads enough has to stay to see somebody at all
    return max(end, top + 0.12 * (bottom - top))
