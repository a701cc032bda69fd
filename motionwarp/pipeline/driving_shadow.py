"""The shadow that the driving person casts on the ground: measured in the clip, and cast by whoever takes their place.

A far light lays the silhouette on the ground, which in the picture leans by so much for every pixel of height above the
feet; soft light leaves a dark spot under the feet. Which lean, strength and softness explain best what part of the
light is missing around the driving person is found by trial, the strengths by least squares. Ours.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from motionwarp.pipeline.driver_mask import body_size, missing_light, soles
from motionwarp.types import BoolArray, ByteArray, FloatArray, PersonLayer, PoseTrack

# shadows are measured in windows around the feet, so many torso lengths to the sides, up and down; a torso's pixels
_SIDE, _ABOVE, _BELOW, _TORSO = 3.0, 2.0, 1.2, 20.0
_LEANS_X: Final = tuple(np.linspace(-1.5, 1.5, 13).tolist())
_LEANS_Y: Final = (-0.6, -0.45, -0.3, -0.2, -0.12, -0.05, 0.05, 0.12, 0.2, 0.3, 0.45)
_FINER: Final = (0.12, 0.03)
_SOFTNESSES: Final = (0.06, 0.14, 0.28)
# of the missing light's energy: what a shadow has to explain, and the least strength that is seen
_EXPLAINED, _WEAKEST = 0.15, 0.05
_STRONGEST: Final = 0.8
# the spot under a foot: half width and half height, and its blur, in torso lengths
_SPOT, _SPOT_BLUR = (0.32, 0.09), 0.09
# frames whose shadows are looked at
_LOOKED_AT: Final = 10
# who jumps casts their shadow on the ground where they stood so many seconds before or after
_AIRBORNE_SECONDS: Final = 0.35
# shadows are drawn at this long side: they are soft
_LONG_SIDE: Final = 640


@dataclass(frozen=True)
class CastShadow:
    """How people's shadows fall in a clip.

    Attributes
    ----------
    lean_x, lean_y : float
        Where a part of the body falls on the ground, right of and below the feet, in times of its height above them.
    strength : float
        Part of the light that the shadow takes, 0 to 1; 0 where there is only the spot under the feet.
    softness : float
        Blur of its edge, in torso lengths.
    contact : float
        Part of the light that the spot under the feet takes, 0 to 1.

    Raises
    ------
    ValueError
        For strengths out of range, or no softness.
    """

    lean_x: float
    lean_y: float
    strength: float
    softness: float
    contact: float

    def __post_init__(self) -> None:
        if not (0 <= self.strength <= 1 and 0 <= self.contact <= 1 and self.softness > 0):
            raise ValueError(f"a shadow takes parts of the light from 0 to 1 and is soft, got {self}")

    def darkness(self, silhouette: FloatArray, feet: FloatArray, ground: float, torso: float) -> FloatArray:
        """Return what part of the light a person takes from every pixel.

        Parameters
        ----------
        silhouette : float32 (H, W)
            Coverage in [0, 1].
        feet : float32 (N, 2)
            Where soles are, in pixels.
        ground : float
            Row of the ground that they stand on.
        torso : float
            The torso's length in pixels.

        Returns
        -------
        float32 (H, W)
            In [0, 1].
        """
        dark = np.zeros_like(silhouette)
        if self.strength > 0:
            dark = self.strength * laid_down(silhouette, (self.lean_x, self.lean_y), ground, self.softness * torso)
        if self.contact > 0:
            # only of feet that are on the ground
            standing = feet[feet[:, 1] > ground - 0.3 * torso]
            dark = np.maximum(dark, self.contact * spots(silhouette.shape, standing, torso))
        return dark


def laid_down(silhouette: FloatArray, lean: tuple[float, float], ground: float, blur: float) -> FloatArray:
    """Return a silhouette, float32 (H, W), laid on the ground and blurred."""
    lean_x, lean_y = lean
    to_ground = np.array([[1, -lean_x, lean_x * ground], [0, -lean_y, ground + lean_y * ground]])
    height, width = silhouette.shape
    # a shadow that leans little is thin: its rows are averages of many
    lying = cv2.warpAffine(silhouette, to_ground, (width, height), flags=cv2.INTER_LINEAR)
    return np.asarray(cv2.GaussianBlur(lying, (0, 0), max(blur, 0.5)), dtype=np.float32)


def spots(shape: tuple[int, ...], feet: FloatArray, torso: float) -> FloatArray:
    """Return dark spots under feet (N, 2), float32 (H, W) in [0, 1]."""
    mask = np.zeros(shape[:2], dtype=np.float32)
    axes = max(round(_SPOT[0] * torso), 1), max(round(_SPOT[1] * torso), 1)
    for foot in feet:
        center = tuple(np.round(np.clip(foot, -30000, 30000)).astype(int).tolist())
        cv2.ellipse(mask, center, axes, 0, 0, 360, 1.0, -1)
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), max(_SPOT_BLUR * torso, 0.5)), dtype=np.float32)


@dataclass(frozen=True, eq=False)
class ShadowSight:
    """What tells of a shadow: a frame beside the empty place.

    Attributes
    ----------
    frame, behind : uint8 (H, W, 3)
        Of one exposure.
    person : uint8 (H, W)
        255 where the person is.
    points : float32 (18, 3)
        Theirs, in pixels of `frame`.
    """

    frame: ByteArray
    behind: ByteArray
    person: ByteArray
    points: FloatArray


def measured_shadow(sights: Sequence[ShadowSight]) -> CastShadow | None:
    """Return how people's shadows fall in a clip, or None if none is seen.

    Parameters
    ----------
    sights : sequence of ShadowSight
        A few of them are looked at.
    """
    windows = [window for sight in sights if (window := _window(sight)) is not None]
    if not windows:
        return None
    picked = np.unique(np.linspace(0, len(windows) - 1, min(_LOOKED_AT, len(windows))).round().astype(int))
    looked_at = [windows[index] for index in picked]
    light = np.concatenate([window.light[window.known] for window in looked_at])
    under = np.concatenate([window.spots[window.known] for window in looked_at])
    energy = float((light.astype(np.float64) ** 2).sum())
    best, least = (CastShadow(0, 0, 0, 0.1, 0), energy)
    tried = list(itertools.product(_LEANS_X, _LEANS_Y, _SOFTNESSES))
    for _ in range(2):
        for lean_x, lean_y, softness in tried:
            lying = np.concatenate([window.laid_down((lean_x, lean_y), softness) for window in looked_at])
            strength, contact, left = _fitted(light, lying, under, energy)
            if left < least:
                best, least = CastShadow(lean_x, lean_y, strength, softness, contact), left
        around = itertools.product((-_FINER[0], 0, _FINER[0]), (-_FINER[1], 0, _FINER[1]), _SOFTNESSES)
        tried = [(best.lean_x + across, best.lean_y + down, softness) for across, down, softness in around]
    if energy == 0 or 1 - least / energy < _EXPLAINED:
        return None
    kept = CastShadow(
        best.lean_x,
        best.lean_y,
        best.strength if best.strength >= _WEAKEST else 0.0,
        best.softness,
        best.contact if best.contact >= _WEAKEST else 0.0,
    )
    return kept if kept.strength or kept.contact else None


def _fitted(light: FloatArray, lying: FloatArray, under: FloatArray, energy: float) -> tuple[float, float, float]:
    """Return the strengths, not below 0, of the lying shadow and the spots, and the energy that they leave."""
    aa, bb, ab = (float(np.dot(one, other)) for one, other in ((lying, lying), (under, under), (lying, under)))
    a, b = float(np.dot(lying, light)), float(np.dot(under, light))
    candidates = [(max(a / aa, 0.0) if aa > 0 else 0.0, 0.0), (0.0, max(b / bb, 0.0) if bb > 0 else 0.0)]
    determinant = aa * bb - ab * ab
    if determinant > 1e-6 * max(aa * bb, 1e-9):
        both = ((a * bb - b * ab) / determinant, (b * aa - a * ab) / determinant)
        if min(both) > 0:
            candidates.append(both)
    fitted = []
    for one, other in candidates:
        strength, contact = min(one, _STRONGEST), min(other, _STRONGEST)
        left = energy - 2 * (strength * a + contact * b)
        left += strength**2 * aa + contact**2 * bb + 2 * strength * contact * ab
        fitted.append((strength, contact, left))
    return min(fitted, key=lambda each: each[2])


@dataclass(frozen=True, eq=False)
class _Window:
    """The surroundings of the feet, a torso being `_TORSO` pixels."""

    light: FloatArray
    known: BoolArray
    silhouette: FloatArray
    spots: FloatArray

    def laid_down(self, lean: tuple[float, float], softness: float) -> FloatArray:
        return laid_down(self.silhouette, lean, _ABOVE_ROWS, softness * _TORSO)[self.known]


# the silhouette is seen whole, four torso lengths above the ground
_TALL: Final = 4.0
_ABOVE_ROWS: Final = _TALL * _TORSO


def _window(sight: ShadowSight) -> _Window | None:
    torso, feet = body_size(sight.points), soles(sight.points)
    if torso <= 0 or not len(feet) or feet[:, 1].max() >= sight.frame.shape[0]:
        return None
    scale = _TORSO / torso
    foot, ground = feet[:, 0].mean(), feet[:, 1].max()
    to_window = np.array([[scale, 0, _SIDE * _TORSO - scale * foot], [0, scale, _ABOVE_ROWS - scale * ground]])
    size = (round(2 * _SIDE * _TORSO), round((_TALL + _BELOW) * _TORSO))

    def within(picture: ByteArray) -> ByteArray:
        return np.asarray(cv2.warpAffine(picture, to_window, size, flags=cv2.INTER_LINEAR), dtype=np.uint8)

    frame, behind, person = within(sight.frame), within(sight.behind), within(sight.person)
    seen = within(np.full(sight.person.shape, 255, np.uint8)) == 255
    light, colorless = missing_light(frame, behind)
    near_ground = np.arange(size[1])[:, None] > _ABOVE_ROWS - _ABOVE * _TORSO
    grown = cv2.dilate(person, np.ones((3, 3), np.uint8)) > 0
    known = seen & ~grown & near_ground & colorless
    own_feet = (feet - [foot, ground]) * scale + [_SIDE * _TORSO, _ABOVE_ROWS]
    silhouette = np.asarray(person > 127, dtype=np.float32)
    return _Window(
        np.clip(light, 0, 1),
        np.asarray(known),
        silhouette,
        spots(silhouette.shape, own_feet.astype(np.float32), _TORSO),
    )


def ground_rows(track: PoseTrack) -> FloatArray:
    """Return the row of the ground below a person in every frame, float32 (T,); NaN where no foot is seen for long."""
    times = track.times_seconds
    rows = np.full(len(times), np.nan, dtype=np.float32)
    for index in np.flatnonzero(track.present).tolist():
        feet = soles(track.points[index])
        if len(feet):
            rows[index] = feet[:, 1].max()
    held = rows.copy()
    for index, now in enumerate(times):
        near = rows[np.abs(times - now) <= _AIRBORNE_SECONDS]
        near = near[np.isfinite(near)]
        if len(near):
            held[index] = np.percentile(near, 80)
    return np.asarray(np.fmax(held, rows), dtype=np.float32)


def shaded(canvas: ByteArray, layer: PersonLayer, points: FloatArray, ground: float, shadow: CastShadow) -> ByteArray:
    """Cast a person's shadow on a frame, in place.

    Parameters
    ----------
    canvas : uint8 (H, W, 3)
        Changed and returned.
    layer : PersonLayer
        Who casts it; not drawn.
    points : float32 (18, 3)
        Theirs, in pixels of the frame.
    ground : float
        The row that they stand on; nothing is done where it is no number.
    shadow : CastShadow
    """
    height, width = canvas.shape[:2]
    torso = body_size(points)
    if torso <= 0 or not np.isfinite(ground):
        return canvas
    scale = min(1.0, _LONG_SIDE / max(height, width))
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    alpha = np.zeros((height, width), dtype=np.uint8)
    box = layer.rgba[..., 3]
    alpha[layer.top : layer.top + box.shape[0], layer.left : layer.left + box.shape[1]] = box
    small = cv2.resize(alpha, size, interpolation=cv2.INTER_AREA).astype(np.float32) / np.float32(255)
    dark = shadow.darkness(small, soles(points) * np.float32(scale), ground * scale, torso * scale)
    light = cv2.resize(np.float32(255) * (1 - np.clip(dark, 0, 1)), (width, height), interpolation=cv2.INTER_LINEAR)
    rows = np.flatnonzero((light < 254.5).any(axis=1))
    if len(rows):
        band = np.s_[int(rows[0]) : int(rows[-1]) + 1]
        weight = cv2.cvtColor(np.rint(light[band]).astype(np.uint8), cv2.COLOR_GRAY2RGB)
        canvas[band] = cv2.multiply(canvas[band], weight, scale=1 / 255)
    return canvas
