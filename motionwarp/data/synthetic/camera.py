"""Cameras: from the body's space to pixels, and how a body is framed.

Camera coordinates are x to the right, y down and the depth along the view, in meters. Someone who faces the camera has
the left hand on the picture's right.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from motionwarp.data.synthetic.body import DoubleArray, turn_x, turn_z

_HEAD_ROOM = 0.12  # meters around the skeleton's points that flesh, hair and shoes take


@dataclass(frozen=True)
class Camera:
    """A pinhole camera that looks at the middle of the hips from in front.

    Attributes
    ----------
    distance, rise : float
        How far before and above the origin it stands, in meters.
    roll : float
        Degrees that the camera is turned about its view.
    focal : float
        In pixels.
    center_x, center_y : float
        Where the origin of the view falls in the picture, in pixels; pixel centers are at integers.
    """

    distance: float
    rise: float
    roll: float
    focal: float
    center_x: float
    center_y: float

    def rotation(self) -> DoubleArray:
        """Return the rotation from the body's space to the camera's, (3, 3)."""
        tilt = float(np.rad2deg(np.arctan2(self.rise, self.distance)))
        return np.asarray(turn_z(self.roll) @ turn_x(tilt) @ np.diag([1.0, -1.0, -1.0]), dtype=np.float64)

    def seen(self, points: npt.ArrayLike) -> DoubleArray:
        """Return points (..., 3) of the body's space in camera coordinates."""
        moved = np.asarray(points, dtype=np.float64) - np.array([0.0, self.rise, self.distance])
        return np.asarray(moved @ self.rotation().T, dtype=np.float64)

    def project(self, points: npt.ArrayLike) -> tuple[DoubleArray, DoubleArray]:
        """Return the pixels (..., 2) and the depths (...) of points (..., 3) of the body's space."""
        seen = self.seen(points)
        pixels = seen[..., :2] / seen[..., 2:] * self.focal + np.array([self.center_x, self.center_y])
        return pixels, seen[..., 2]

    def magnified(self, factor: int) -> Camera:
        """Return the camera of a picture whose sides are `factor` times as long."""
        shift = 0.5 * factor - 0.5
        return Camera(
            self.distance,
            self.rise,
            self.roll,
            self.focal * factor,
            self.center_x * factor + shift,
            self.center_y * factor + shift,
        )


def frame_body(
    points: npt.ArrayLike, camera: Camera, height: int, width: int, *, share: float, middle_x: float, middle_y: float
) -> Camera:
    """Return the camera zoomed and shifted so that a body has a size and a place in the picture.

    Parameters
    ----------
    points : float (..., 3)
        Points of the body, or of all its poses.
    camera : Camera
        Where it stands.
    height, width : int
        Size of the picture, in pixels.
    share : float
        Share of the picture's height that the body takes; a body that would then be wider than the picture takes its
        width.
    middle_x, middle_y : float
        Where the middle of the body's box lies, as fractions of the picture's sides.
    """
    unit = Camera(camera.distance, camera.rise, camera.roll, 1.0, 0.0, 0.0)
    pixels, depths = unit.project(np.reshape(points, (-1, 3)))
    margin = _HEAD_ROOM / depths[:, None]
    low, high = (pixels - margin).min(axis=0), (pixels + margin).max(axis=0)
    focal = share * height / (high[1] - low[1])
    if share <= 1:
        focal = min(focal, 0.98 * width / (high[0] - low[0]))
    center = np.array([middle_x * width, middle_y * height]) - 0.5 - focal * (low + high) / 2
    return Camera(camera.distance, camera.rise, camera.roll, float(focal), float(center[0]), float(center[1]))


def sample_standpoint(rng: np.random.Generator) -> Camera:
    """Draw where a camera stands, mostly level with the body; it is not framed yet."""
    distance = float(rng.uniform(2.4, 6.5))
    rise = float(np.clip(rng.normal(0.25, 0.3), -0.5, 1.2) * distance / 4)
    return Camera(distance, rise, float(rng.normal(0, 2.0)), 1.0, 0.0, 0.0)


def sample_camera(rng: np.random.Generator, points: npt.ArrayLike, height: int, width: int) -> Camera:
    """Draw a camera that shows the body wholly, small, or cut off below.

    Parameters
    ----------
    points : float (..., 3)
        The body's points.
    height, width : int
        Size of the picture, in pixels.
    """
    kind = rng.random()
    standpoint = sample_standpoint(rng)
    x = float(0.5 + rng.normal(0, 0.05))
    if kind < 0.62:
        share = float(rng.uniform(0.62, 0.95))
        y = 0.5 + float(rng.uniform(-0.5, 0.5)) * (1 - share)
    elif kind < 0.78:
        share = float(rng.uniform(0.27, 0.62))
        y = 0.5 + float(rng.uniform(-0.3, 0.3)) * (1 - share)
        x = float(0.5 + rng.normal(0, 0.1))
    else:
        # the head stays in the picture, the legs run out of it
        share = float(rng.uniform(1.0, 2.0))
        y = float(rng.uniform(0.02, 0.12)) + share / 2
    return frame_body(points, standpoint, height, width, share=share, middle_x=x, middle_y=y)
