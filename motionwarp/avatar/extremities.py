"""Hands and feet of the body laid where the photo shows them: no points tell where they end. Ours."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from motionwarp.avatar.body_surface import BodySurface
from motionwarp.types import FloatArray

_LEAST_PIXELS: Final = 12  # that tell where a hand or foot lies
_ENDS: Final = (3, 97)  # percentiles that count as both ends of a part
_STRETCH: Final = (0.6, 1.7)  # of a hand, at least and at most
_SHOE: Final = (0.8, 1.35)  # of a foot: soles, and leather around toes
_YAWS: Final = np.deg2rad(np.arange(-80, 81, 8))
_PITCHES: Final = np.deg2rad(np.arange(-16, 57, 4))
_SMALL_TURNS: Final = 0.04  # of the foot's length, as an error of its ends, for each radian that a foot is turned
_CAMERA_PITCH: Final = np.deg2rad(18.0)  # at the feet of who is seen whole from a few steps away


def hand_on_outline(body: BodySurface, part: int, alpha: FloatArray) -> BodySurface:
    """Return a body one hand of which has the place and the size that the photo shows.

    Parameters
    ----------
    body : BodySurface
    part : int
    alpha : float32 (H, W)
        Coverage of the part in the photo.
    """
    own = body.parts == part
    rows, columns = np.nonzero(alpha > 0.5)
    if not own.any() or len(rows) < _LEAST_PIXELS:
        return body
    vertices = body.vertices.copy()
    for axis, shown in ((0, columns), (1, rows)):
        low, high = np.percentile(shown, _ENDS)
        first, last = np.percentile(vertices[own, axis], _ENDS)
        scale = float(np.clip((high - low) / max(last - first, 1.0), *_STRETCH))
        vertices[own, axis] = (vertices[own, axis] - (first + last) / 2) * scale + (low + high) / 2
    return replace(body, vertices=vertices)


def foot_on_outline(body: BodySurface, part: int, alpha: FloatArray, ankle: FloatArray) -> BodySurface:
    """Return a body one foot of which is turned about its ankle so that it ends where the photo's does.

    A foot that points at the camera reaches the lower the more it is seen from above, or the higher its heel is; one
    that points aside reaches as far to that side. Both are turns, not lengths: a foot that was drawn out instead would
    be a wedge from any other side.

    Parameters
    ----------
    body : BodySurface
    part : int
    alpha : float32 (H, W)
        Coverage of the part in the photo.
    ankle : float32 (3,)
        Where the foot's bone begins, in pixels of the photo.
    """
    own = body.parts == part
    rows, columns = np.nonzero(alpha > 0.5)
    below = rows > ankle[1]
    if not own.any() or np.count_nonzero(below) < _LEAST_PIXELS:
        return body
    rows, columns = rows[below], columns[below]
    shown = np.array([*np.percentile(columns, _ENDS), np.percentile(rows, _ENDS[1])])
    foot = body.vertices[own] - ankle
    length = float(np.linalg.norm(foot, axis=1).max())
    yaws, pitches = (angles.ravel() for angles in np.meshgrid(_YAWS, _PITCHES, indexing="ij"))
    turns = np.array([camera_turn(yaw, pitch).T for yaw, pitch in zip(yaws, pitches, strict=True)])
    turned = foot @ turns + ankle  # (turns, vertices, 3)
    reaches = _reach(turned)
    # both sides count less than the tip: how broad a shoe is says nothing of how it is turned
    apart = (reaches - shown) * (0.5, 0.5, 1.0)
    errors = np.square(apart / length).sum(axis=1) + _SMALL_TURNS**2 * (yaws**2 + pitches**2)
    best = int(errors.argmin())
    placed, (left, right, tip) = turned[best], reaches[best]
    vertices = body.vertices.copy()
    across = float(np.clip((shown[1] - shown[0]) / max(right - left, 1.0), *_SHOE))
    down = float(np.clip((shown[2] - ankle[1]) / max(tip - ankle[1], 1.0), *_SHOE))
    placed[:, 0] = (placed[:, 0] - (left + right) / 2) * across + (shown[0] + shown[1]) / 2
    placed[:, 1] = (placed[:, 1] - ankle[1]) * down + ankle[1]
    vertices[own] = placed
    return replace(body, vertices=vertices)


def camera_turn(yaw: float, pitch: float) -> FloatArray:
    """Return a rotation against the camera, float32 (3, 3): about its upright axis, then about its axis to the right.

    Parameters
    ----------
    yaw : float
        Radians.
    pitch : float
        Radians; if positive, what points at the camera points downwards then, as what is seen from above does.
    """
    cosine, sine = np.cos(pitch), np.sin(pitch)
    down = np.array([[1, 0, 0], [0, cosine, -sine], [0, sine, cosine]])
    cosine, sine = np.cos(yaw), np.sin(yaw)
    aside = np.array([[cosine, 0, sine], [0, 1, 0], [-sine, 0, cosine]])
    return np.asarray(down @ aside, dtype=np.float32)


SEEN_FROM_ABOVE: Final = camera_turn(0.0, float(_CAMERA_PITCH))
"""How feet are turned against a camera before the chest, float32 (3, 3)."""


def _reach(feet: FloatArray) -> FloatArray:
    """Return the left, right and lower end of each foot (N, V, 3), (N, 3)."""
    sides = np.percentile(feet[..., 0], _ENDS, axis=1)
    return np.stack([*sides, np.percentile(feet[..., 1], _ENDS[1], axis=1)], axis=1)
