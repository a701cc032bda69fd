"""Which way people face, in degrees, and what of them the frame cuts off: told from bodies in space."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from motionwarp.body.body_track import BodyReader
from motionwarp.body.facing import FacingTrack
from motionwarp.body.fitting import LEAST_POINTS
from motionwarp.body.lifter import LEAST_SCORE
from motionwarp.body.photo_fit import fit_photos
from motionwarp.body.rig import PointRig
from motionwarp.pose import skeleton as sk
from motionwarp.pose.kinematics import VISIBLE_SCORE
from motionwarp.pose.stance import View, shows_face, view_of
from motionwarp.types import BoolArray, Facing, FloatArray, PoseTrack

PARTS: Final = {
    "head": (sk.NOSE, sk.RIGHT_EYE, sk.LEFT_EYE, sk.RIGHT_EAR, sk.LEFT_EAR),
    "shoulders": (sk.RIGHT_SHOULDER, sk.LEFT_SHOULDER), "elbows": (sk.RIGHT_ELBOW, sk.LEFT_ELBOW),
    "hands": (sk.RIGHT_WRIST, sk.LEFT_WRIST), "hips": (sk.RIGHT_HIP, sk.LEFT_HIP),
    "knees": (sk.RIGHT_KNEE, sk.LEFT_KNEE), "feet": (sk.RIGHT_ANKLE, sk.LEFT_ANKLE),
}  # fmt: skip
"""What can be cut off, by the points whose places tell it."""

# degrees from the camera's direction: cosines of 0.7 and 0.35, as `stance` has them for points
_FRONTAL: Final = 45.0
_TURNED: Final = 70.0
_BACK: Final = 110.0
_MOST_FITTED: Final = 24  # frames that bodies are fitted to, to see what is cut


@dataclass(frozen=True, eq=False)
class BodiesSeen:
    """What bodies tell of T frames with a person.

    Attributes
    ----------
    facing : FacingTrack
        Of each frame.
    views : tuple of View
        By the facing where it can be told, else by the points alone.
    cut : dict of str to float
        By name of `PARTS`, in which share of the frames it lies outside of the picture, at least in part; parts that
        never do are left out.
    """

    facing: FacingTrack
    views: tuple[View, ...]
    cut: dict[str, float]

    @property
    def told_share(self) -> float:
        """Share of the frames whose facing can be told."""
        return float(self.facing.told.mean()) if len(self.facing) else 0.0


def bodies_seen(track: PoseTrack, seen: Sequence[Facing | None], reader: BodyReader) -> BodiesSeen:
    """Look at the bodies of a track's frames with a person.

    Parameters
    ----------
    track : PoseTrack
    seen : sequence of Facing or None
        What the estimator says of each frame; empty if it says nothing.
    reader : BodyReader
    """
    here = np.flatnonzero(track.present)
    whole = reader.facing(track, seen)
    facing = FacingTrack(whole.degrees[here], whole.certainty[here])
    poses = track.points[here]
    views = tuple(
        view_of_degrees(float(degrees), points) if told else view_of(points)
        for degrees, told, points in zip(facing.degrees, facing.told, poses, strict=True)
    )
    return BodiesSeen(facing, views, _cut_shares(poses, (track.width, track.height), reader))


def view_of_degrees(degrees: float, points: FloatArray) -> View:
    """Return from which side somebody is seen who faces so many degrees; both eyes in sight are no back."""
    turned = abs((degrees + 180) % 360 - 180)
    if turned <= _FRONTAL:
        return View.FRONTAL
    if turned <= _TURNED:
        return View.TURNED
    if turned < _BACK:
        return View.PROFILE
    return View.PROFILE if shows_face(points) else View.BACK


def _cut_shares(poses: FloatArray, size: tuple[int, int], reader: BodyReader) -> dict[str, float]:
    """Return in which share of frames (T, 18, 3) parts lie outside, by bodies fitted to some of them."""
    usable = np.flatnonzero(np.count_nonzero(poses[..., 2] >= LEAST_SCORE, axis=1) >= LEAST_POINTS)
    # whoever shows all points is not cut: no body is needed for that
    missing = np.array([bool((poses[frame, :, 2] < VISIBLE_SCORE).any()) for frame in usable], dtype=np.bool_)
    asked = usable[missing] if len(usable) else usable
    if not len(asked):
        return {}
    chosen = asked[np.unique(np.linspace(0, len(asked) - 1, min(_MOST_FITTED, len(asked))).round().astype(int))]
    outside = _outside(poses[chosen], size, reader)  # (F, 18)
    share = len(asked) / len(usable)
    found = {name: float(outside[:, list(points)].any(axis=1).mean()) * share for name, points in PARTS.items()}
    return {name: value for name, value in found.items() if value > 0}


def _outside(poses: FloatArray, size: tuple[int, int], reader: BodyReader) -> BoolArray:
    """Return which points (F, 18) were not found, and lie outside of the picture on a body fitted to the others."""
    fit = fit_photos(reader.fitter, reader.lifter, list(poses))
    rig = PointRig.of(reader.body, fit.shape(reader.body))
    flat = rig.points(fit.turns)[..., :2] * fit.camera.scale[:, None, None] + fit.camera.shift.unsqueeze(1)
    x, y = (flat[..., axis].numpy() for axis in (0, 1))
    beyond: npt.NDArray[np.bool_] = (x < -0.5) | (y < -0.5) | (x > size[0] - 0.5) | (y > size[1] - 0.5)
    return np.asarray(beyond & (poses[..., 2] < VISIBLE_SCORE))


def facing_text(degrees: float) -> str:
    """Return a facing in words, such as '40 degrees to the left' or 'away from the camera'.

    Left and right are the picture's.
    """
    turned = round(abs(degrees))
    if turned <= 5:
        return "to the camera"
    if turned >= 175:
        return "away from the camera"
    return f"{turned} degrees to the {'right' if degrees > 0 else 'left'}"
