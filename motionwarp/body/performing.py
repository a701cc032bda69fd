"""A body in a motion before a camera: where it stands in the picture, and what of it is seen from which side.

The camera is far away (weak perspective): a body is drawn to one scale wherever it goes, so that what it travels
towards the camera or away from it does not show. What touches the ground in the motion touches it in the picture.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from motionwarp.body.body_motion import BodyMotion, upright_turns
from motionwarp.body.layout import DRIVEN_BONES
from motionwarp.body.model import BodyModel, BodyShape
from motionwarp.body.rig import PointRig, local_turns
from motionwarp.body.synthetic_tracks import exact_scores
from motionwarp.pose.smoothing import whittaker_smooth
from motionwarp.types import FloatArray

__all__ = ["CameraPath", "Performance", "Stand", "perform", "seen_from"]

Travel = Literal["auto", "keep", "spot"]

_SHIN, _FOOT, _HEAD = (DRIVEN_BONES.index(name) for name in ("lowerleg01.L", "foot.L", "head"))
_SKINNED_AT_ONCE: Final = 256
_GROUND_PERCENTILE: Final = 75.0  # of the lowest point's height, counted downwards: people are on the ground mostly
_UPRIGHT_PERCENTILE: Final = 25.0  # of the hips' height, counted downwards: who squats goes below
_CONTACT: Final = 0.03  # meters over the ground up to which captured feet are taken to be on it,
_IN_THE_AIR: Final = 0.1  # and from which on they are as high as they were
_SWAY_SECONDS: Final = 0.5  # width of the filter (a third of a hertz): what is slower is travel, the rest is sway
_STATURE: Final = 0.62  # of a picture's height, from the ears to the soles
_FLOOR: Final = 0.93
_BESIDE: Final = 0.1  # meters of hand, hair and clothes beyond the outermost point


@dataclass(frozen=True, eq=False)
class CameraPath:
    """From which side a motion is seen.

    Attributes
    ----------
    times_seconds : float64 (T,)
        When, in the motion's own time.
    degrees : float64 (T,)
        The side: at 0 the motion's front is seen, at 90 the person's right side (who faces the camera at 0 then looks
        to the picture's right), at 180 the back.
    """

    times_seconds: npt.NDArray[np.float64]
    degrees: npt.NDArray[np.float64]

    def __post_init__(self) -> None:
        if self.times_seconds.shape != self.degrees.shape or self.times_seconds.ndim != 1 or not len(self.degrees):
            raise ValueError(f"a camera has times {self.times_seconds.shape} and angles {self.degrees.shape}")

    def __len__(self) -> int:
        return len(self.degrees)


@dataclass(frozen=True, eq=False)
class Stand:
    """A body and where it stands in a picture.

    Attributes
    ----------
    model : BodyModel
    shape : BodyShape
    scale : float
        Pixels for a meter.
    place : (float, float)
        Where the root is in the picture while the body stands there, in pixels.
    ground : float
        y of the ground in the picture, in pixels.
    width, height : int
        Of the picture.
    is_cut : bool
        Whether the picture cuts off the body below, so that lifting it would show the cut.
    """

    model: BodyModel
    shape: BodyShape
    scale: float
    place: tuple[float, float]
    ground: float
    width: int
    height: int
    is_cut: bool = False


@dataclass(frozen=True, eq=False)
class Performance:
    """A body in a motion, as a camera sees it.

    Attributes
    ----------
    turns : float tensor (T, D, 3, 3)
        Of the driven bones against the camera.
    camera : float tensor (T, 3)
        Pixels for a meter, and where the root is.
    points : float32 (T, 18, 3)
        Pixels and scores: 1 in sight, 0.3 behind the trunk, 0 of a face's points that look away.
    is_on_the_spot : bool
        Whether the way that the person goes was left out.
    """

    turns: Tensor
    camera: Tensor
    points: FloatArray
    is_on_the_spot: bool = False


def perform(stand: Stand, motion: BodyMotion, path: CameraPath, travel: Travel = "auto") -> Performance:
    """Let a body move before a camera.

    Parameters
    ----------
    stand : Stand
    motion : BodyMotion
    path : CameraPath
    travel : "auto", "keep" or "spot"
        "keep" lets the person go where the motion goes; "spot" takes slow travel out, as a camera does that goes along;
        "auto" keeps it if the person stays within the picture, who may be moved sideways for that.

    Returns
    -------
    Performance
    """
    turns, root = motion.at(path.times_seconds)
    rig = PointRig.of(stand.model, stand.shape)
    way = root.astype(np.float64) * _leg(rig)
    way -= way[0] * np.array([1.0, 0.0, 1.0])
    heights = _heights(stand, torch.from_numpy(turns), way[:, 1])
    view = upright_turns(path.degrees)
    seen = torch.from_numpy(view[:, None] @ turns)
    relative = rig.points(seen)
    reach = _reach(relative, stand.scale)

    def across(walked: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.asarray(stand.place[0] + stand.scale * (view[:, 0].astype(np.float64) * walked).sum(axis=1))

    x = across(way)
    moved = _moved_within(x, reach, stand)
    on_the_spot = travel == "spot" or (travel == "auto" and moved is None)
    if on_the_spot:
        x = across(_without_travel(way, path.times_seconds))
    elif travel == "auto" and moved is not None:
        x = moved
    camera = torch.from_numpy(np.stack([np.full(len(x), stand.scale), x, heights], axis=1).astype(np.float32))
    return Performance(seen, camera, _points(relative, seen, camera), on_the_spot)


def seen_from(
    rig: PointRig, turns: Tensor, camera: Tensor, degrees: npt.NDArray[np.float64]
) -> tuple[Tensor, Tensor, FloatArray]:
    """Turn a body that is seen from the front about the upright axis.

    Parameters
    ----------
    rig : PointRig
    turns : float tensor (T, D, 3, 3)
        Against the camera.
    camera : float tensor (T, 3)
        Pixels for a meter, and where the root is.
    degrees : float64 (T,)
        As in `CameraPath`.

    Returns
    -------
    turns, camera
        Seen from there. Steps to the side become steps in depth, which do not show; how high the body is stays.
    points : float32 (T, 18, 3)
    """
    view = torch.from_numpy(upright_turns(degrees))
    seen = view.unsqueeze(1) @ turns
    middle = camera[:, 1].median()
    moved = torch.stack([camera[:, 0], middle + view[:, 0, 0] * (camera[:, 1] - middle), camera[:, 2]], dim=1)
    return seen, moved, _points(rig.points(seen), seen, moved)


def _leg(rig: PointRig) -> float:
    """Return the length of a leg from hip to ankle, in meters."""
    return float(rig.offsets[[_SHIN, _FOOT]].norm(dim=-1).sum())


def _heights(stand: Stand, turns: Tensor, way_down: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return y of the root in the picture (T,): what is lowest touches the ground, unless the motion is in the air."""
    lowest = lowest_points(stand.model, stand.shape, turns)
    down = way_down + lowest
    above = np.maximum(np.percentile(down, _GROUND_PERCENTILE) - down, 0)
    in_air = np.clip((above - _CONTACT) / (_IN_THE_AIR - _CONTACT), 0, 1)
    above *= in_air**2 * (3 - 2 * in_air)
    y = stand.ground - stand.scale * (lowest + above)
    if stand.is_cut:
        y = np.maximum(y - np.percentile(y, _UPRIGHT_PERCENTILE), 0) + stand.place[1]
    return np.asarray(y)


def lowest_points(model: BodyModel, shape: BodyShape, turns: Tensor) -> npt.NDArray[np.float64]:
    """Return how far below its root a body reaches, in meters (T,), for turns (T, D, 3, 3) in the world."""
    vertices = model.low_vertices
    found = []
    for some in turns.split(_SKINNED_AT_ONCE):
        posed = model.pose(shape, model.expand(local_turns(some)))
        found.append(model.skin(shape, posed, vertices)[..., 1].amax(dim=-1))
    return np.asarray(torch.cat(found).double().numpy())


def _reach(relative: Tensor, scale: float) -> npt.NDArray[np.float64]:
    """Return how far bodies reach to the left (negative) and to the right of their roots, in pixels, (T, 2)."""
    x = relative[..., 0].double().numpy() * scale
    beside = _BESIDE * scale
    return np.stack([x.min(axis=1) - beside, x.max(axis=1) + beside], axis=1)


def _moved_within(
    x: npt.NDArray[np.float64], reach: npt.NDArray[np.float64], stand: Stand
) -> npt.NDArray[np.float64] | None:
    """Return roots moved sideways, all by the same, so that the body stays in the picture; None if that cannot be.

    Somebody who does not fit into the picture even where they stand may go as far beyond it as they do there.
    """
    place = stand.place[0]
    low = min(0.0, place + float(reach[:, 0].min()))
    high = max(stand.width - 1.0, place + float(reach[:, 1].max()))
    left, right = float((x + reach[:, 0]).min()), float((x + reach[:, 1]).max())
    if right - left > high - low + 1e-6:
        return None
    return x + max(low - left, 0.0) - max(right - high, 0.0)


def _without_travel(way: npt.NDArray[np.float64], times: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return a way (T, 3) of which only what is quick is left: sway, and steps to and fro."""
    return way - whittaker_smooth(way, times, _SWAY_SECONDS)


def _points(relative: Tensor, turns: Tensor, camera: Tensor) -> FloatArray:
    """Return the points in the picture (T, 18, 3) of points (T, 18, 3) in meters from the root."""
    flat = relative[..., :2] * camera[:, None, :1] + camera[:, None, 1:]
    stature = camera[:, :1, None].clamp(min=1e-6)
    # what hides what is judged in units that do not depend on the picture's size
    scores = exact_scores((flat / stature * 100)[None], relative[None], turns[None, :, _HEAD])[0]
    points = torch.cat([flat, scores.unsqueeze(-1)], dim=-1)
    points = torch.where(scores.unsqueeze(-1) > 0, points, torch.zeros_like(points))
    return np.ascontiguousarray(points.numpy(), dtype=np.float32)


def standing(model: BodyModel, shape: BodyShape, width: int, height: int) -> Stand:
    """Return a body that stands in the middle of a picture with room for raised arms.

    Parameters
    ----------
    model : BodyModel
    shape : BodyShape
    width, height : int
    """
    identity = torch.eye(3).expand(1, len(DRIVEN_BONES), 3, 3)
    rig = PointRig.of(model, shape)
    top = float(rig.points(identity)[0, :, 1].min())
    below = float(lowest_points(model, shape, identity)[0])
    scale = _STATURE * height / (below - top)
    ground = _FLOOR * height
    return Stand(model, shape, scale, ((width - 1) / 2, ground - scale * below), ground, width, height)


def mapped(stand: Stand, matrix: npt.ArrayLike, width: int, height: int) -> Stand:
    """Return the stand in another picture, into which an even map (2, 3) leads; `width` and `height` are its size."""
    affine = np.asarray(matrix, dtype=np.float64)
    x, y = affine[:, :2] @ np.array(stand.place) + affine[:, 2]
    ground = float(affine[1, 1] * stand.ground + affine[1, 2])
    return replace(
        stand,
        scale=stand.scale * float(np.sqrt(affine[0, 0] * affine[1, 1])),
        place=(float(x), float(y)),
        ground=ground,
        width=width,
        height=height,
    )
