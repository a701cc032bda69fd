"""Where a driving frame's people are, with all that comes with them: hands, hair, what they carry, their shadow.

Drawn around their points where nothing else is known, and by their matte where one was seen; what both miss differs
from the empty place and hangs together with them. Ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from motionwarp.perception.matting import covered_in_frame
from motionwarp.pose import skeleton as sk
from motionwarp.pose.kinematics import VISIBLE_SCORE
from motionwarp.types import BoolArray, ByteArray, FloatArray, Person

# half widths of what is covered around bones and the head, in torso lengths: hair and skirts reach far
_LIMB_WIDTH, _TORSO_WIDTH, _HEAD_WIDTH = 0.3, 0.45, 0.5
# of those, what is taken for the person alone where there is no matte
_CLOSE: Final = 0.6
_LIMBS: Final = [bone for bone in sk.BONES if sk.NOSE not in bone]
_TORSO: Final = (sk.NECK, sk.RIGHT_HIP, sk.LEFT_HIP, sk.RIGHT_SHOULDER, sk.LEFT_SHOULDER)
# hands and feet reach beyond wrists and ankles by this part of the last bone
_TIPS: Final = (
    (sk.RIGHT_ELBOW, sk.RIGHT_WRIST, 0.6), (sk.LEFT_ELBOW, sk.LEFT_WRIST, 0.6),
    (sk.RIGHT_KNEE, sk.RIGHT_ANKLE, 0.35), (sk.LEFT_KNEE, sk.LEFT_ANKLE, 0.35),
)  # fmt: skip
_ANKLES: Final = (sk.RIGHT_ANKLE, sk.LEFT_ANKLE)
# the ground around the feet that shadows of soft light lie on: half width and half height in torso lengths
_GROUND: Final = (1.3, 0.45)
# a matte's haze from here on belongs to the person, and what is so near to it, in torso lengths
_HAZE, _MARGIN = 0.06, 0.05
# levels of 255 beyond which a pixel is not the empty place: at least, and in times of what differs everywhere
_DIFFERENT, _OVER_NOISE = 10.0, 4.0
# pixels by which edges of the empty place may lie elsewhere
_EDGE_SHIFT: Final = 0.75
# how far things in hands and flying hair reach from what is drawn around the points, in torso lengths
_REACH: Final = 0.8
# exposures are compared at this long side
_COMPARED: Final = 160
# a shadow takes this part of the light and colors it by less than so many levels, and so many more the deeper it is:
# under a blue sky it is blue
_DARKENED, _DEEPEST, _COLORLESS, _SKYLIGHT = 0.05, 0.8, 14.0, 12.0


@dataclass(frozen=True, eq=False)
class Driver:
    """One of the people of a driving frame.

    Attributes
    ----------
    points : float32 (18, 3)
        In pixels of the frame.
    seen : Person or None
        The same with matte and parsing, where an estimator has seen them.
    """

    points: FloatArray
    seen: Person | None = None


def covered_by(points: FloatArray, height: int, width: int, wide: float = 1.0) -> ByteArray:
    """Draw generously where a person of these points is.

    Parameters
    ----------
    points : float32 (18, 3)
    height, width : int
    wide : float
        Widths of the strokes, in times of the generous ones.

    Returns
    -------
    uint8 (H, W)
        255 where the person or what belongs to them may be, else 0.
    """
    mask = np.zeros((height, width), dtype=np.uint8)
    seen = points[:, 2] >= VISIBLE_SCORE
    size = body_size(points)
    if size == 0:
        return mask
    where = points[:, :2]

    def stroke(start: FloatArray, end: FloatArray, width_in_torsos: float) -> None:
        thickness = max(round(2 * wide * width_in_torsos * size), 1)
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


def body_size(points: FloatArray) -> float:
    """Return the torso's length, or what it would be by the shoulders or the head, in pixels; 0 if nothing tells."""
    seen = points[:, 2] >= VISIBLE_SCORE
    if seen[[sk.NECK, sk.RIGHT_HIP, sk.LEFT_HIP]].all():
        torso = np.linalg.norm(points[sk.NECK, :2] - points[[sk.RIGHT_HIP, sk.LEFT_HIP], :2].mean(axis=0))
        shoulders = np.linalg.norm(points[sk.RIGHT_SHOULDER, :2] - points[sk.LEFT_SHOULDER, :2])
        return float(max(torso, shoulders))
    if seen[[sk.RIGHT_SHOULDER, sk.LEFT_SHOULDER]].all():
        return float(1.5 * np.linalg.norm(points[sk.RIGHT_SHOULDER, :2] - points[sk.LEFT_SHOULDER, :2]))
    corners = points[seen, :2]
    return 0.0 if len(corners) < 2 else float(0.5 * np.ptp(corners, axis=0).max())


def soles(points: FloatArray) -> FloatArray:
    """Return where the feet in sight stand, float32 (0 to 2, 2): as far below the ankles as soles are."""
    size = body_size(points)
    return np.array(
        [points[ankle, :2] + [0, 0.15 * size] for ankle in _ANKLES if points[ankle, 2] >= VISIBLE_SCORE],
        dtype=np.float32,
    ).reshape(-1, 2)


def ground_around(points: FloatArray, height: int, width: int) -> ByteArray:
    """Draw the ground around a person's feet, uint8 (H, W) of 0 and 255; empty where no foot is seen."""
    mask = np.zeros((height, width), dtype=np.uint8)
    size = body_size(points)
    for foot in soles(points):
        center = tuple(np.round(np.clip(foot, -30000, 30000)).astype(int).tolist())
        axes = (max(round(_GROUND[0] * size), 1), max(round(_GROUND[1] * size), 1))
        cv2.ellipse(mask, center, axes, 0, 0, 360, 255, -1)
    return mask


def drawn(drivers: Sequence[Driver], height: int, width: int) -> ByteArray:
    """Draw generously where these people are, uint8 (H, W) of 0 and 255."""
    mask = np.zeros((height, width), dtype=np.uint8)
    for driver in drivers:
        mask = np.maximum(mask, covered_by(driver.points, height, width))
    return mask


def close_around(drivers: Sequence[Driver], height: int, width: int) -> ByteArray:
    """Draw where these people surely are, by their mattes where they have some, uint8 (H, W) of 0 and 255."""
    mask = np.zeros((height, width), dtype=np.uint8)
    for driver in drivers:
        if driver.seen is None or driver.seen.matte is None:
            mask = np.maximum(mask, covered_by(driver.points, height, width, _CLOSE))
            continue
        covered = covered_in_frame(driver.seen, np.zeros((height, width), dtype=np.float32))
        # a matte misses thin things that move quickly, of which the points know
        strokes = covered_by(driver.points, height, width, 0.4 * _CLOSE)
        own = np.maximum((covered > _HAZE).astype(np.uint8) * 255, strokes)
        mask = np.maximum(mask, widened(own, _MARGIN * body_size(driver.points)))
    return mask


def widened(mask: ByteArray, by: float) -> ByteArray:
    """Return where a mask, uint8 (H, W), is at most `by` pixels away."""
    if by < 1 or not mask.any():
        return mask
    distance = cv2.distanceTransform((mask == 0).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)
    return np.asarray(distance <= by, dtype=np.uint8) * 255


def light_between(frame: ByteArray, behind: ByteArray, people: ByteArray) -> FloatArray:
    """Return by what the empty place's channels are multiplied to have a frame's exposure, float32 (3,).

    Parameters
    ----------
    frame, behind : uint8 (H, W, 3)
        The empty place as the frame's camera sees it.
    people : uint8 (H, W)
        Over 0 where the frame shows something else.
    """
    # a median of some ten thousand pixels is as good as one of a million
    step = max(max(frame.shape) // _COMPARED, 1)
    frame, behind, free = frame[::step, ::step], behind[::step, ::step], people[::step, ::step] == 0
    bright = free & (behind.min(axis=2) > 20) & (behind.max(axis=2) < 245) & (frame.max(axis=2) < 250)
    if bright.sum() < 100:
        return np.ones(3, dtype=np.float32)
    ratios = frame[bright].astype(np.float32) / behind[bright]
    return np.asarray(np.clip(np.median(ratios, axis=0), 0.6, 1.6), dtype=np.float32)


def relit(behind: ByteArray, frame: ByteArray, people: ByteArray) -> ByteArray:
    """Return the empty place, uint8 (H, W, 3), in the exposure of a frame of it; see `light_between`."""
    return in_light(behind, light_between(frame, behind, people))


def in_light(picture: ByteArray, light: FloatArray) -> ByteArray:
    """Return a picture, uint8 (H, W, 3), whose channels are multiplied by `light`, float32 (3,)."""
    if np.abs(light - 1).max() < 0.01:
        return picture
    table = np.rint(np.arange(256, dtype=np.float32)[None, :, None] * light).clip(0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(picture, table), dtype=np.uint8)


def differing(frame: ByteArray, behind: ByteArray, people: ByteArray) -> tuple[BoolArray, BoolArray]:
    """Tell where a frame is not the empty place.

    Parameters
    ----------
    frame, behind : uint8 (H, W, 3)
        Of one exposure.
    people : uint8 (H, W)
        Over 0 where the frame is known to show people; what differs elsewhere on the whole is noise.

    Returns
    -------
    things, shadows : bool (H, W)
        What is another thing, and what is the same one with part of its light taken.
    """
    seen, empty = (cv2.GaussianBlur(picture, (0, 0), 0.8).astype(np.float32) for picture in (frame, behind))
    edges = cv2.morphologyEx(behind, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)).astype(np.float32)
    off = np.maximum(np.abs(seen - empty) - _EDGE_SHIFT * 0.5 * edges, 0).max(axis=2)
    free = people == 0
    noise = float(np.median(off[free])) if free.any() else 0.0
    things = off > max(_DIFFERENT, _OVER_NOISE * noise)
    light, colorless = _missing_light(seen, empty)
    spread = float(np.median(np.abs(light[free]))) if free.any() else 0.0
    shadows = (light > max(_DARKENED, 3 * spread)) & (light < _DEEPEST) & colorless
    return np.asarray(things), np.asarray(shadows)


def missing_light(frame: ByteArray, behind: ByteArray) -> tuple[FloatArray, BoolArray]:
    """Tell what part of the light is missing.

    Parameters
    ----------
    frame, behind : uint8 (H, W, 3)
        Of one exposure.

    Returns
    -------
    light : float32 (H, W)
        The part that is missing, smoothed; below 0 where there is more of it.
    colorless : bool (H, W)
        Where that explains the frame, so that it is the same thing in other light.
    """
    return _missing_light(frame.astype(np.float32), behind.astype(np.float32))


def _missing_light(seen: FloatArray, empty: FloatArray) -> tuple[FloatArray, BoolArray]:
    ratio = cv2.GaussianBlur(seen.sum(axis=2), (0, 0), 1.5) / np.maximum(
        cv2.GaussianBlur(empty.sum(axis=2), (0, 0), 1.5), 12.0
    )
    light = np.asarray(1 - ratio, dtype=np.float32)
    own_color = np.abs(seen - (1 - light)[..., None] * empty).max(axis=2)
    return light, np.asarray(own_color < _COLORLESS + _SKYLIGHT * np.clip(light, 0, 1))


def attached(frame: ByteArray, behind: ByteArray, people: ByteArray, size: float) -> ByteArray:
    """Tell where people and all that hangs together with them are, by what differs from the empty place.

    Parameters
    ----------
    frame, behind : uint8 (H, W, 3)
        Of one exposure.
    people : uint8 (H, W)
        Over 0 where people are known to be.
    size : float
        The largest torso's length in pixels.

    Returns
    -------
    uint8 (H, W)
        255 there, `people` included, else 0. Things count as far as arms and hair reach, shadows as far as they go on.
    """
    if not people.any():
        return people
    things, shadows = differing(frame, behind, people)
    near = widened(people, _REACH * size) > 0
    found = ((things & near) | shadows).astype(np.uint8)
    # specks are noise, and gaps of a pixel or two part nothing
    opened = cv2.morphologyEx(found, cv2.MORPH_OPEN, np.ones((2, 2), np.uint8))
    closed = cv2.morphologyEx(opened, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    count, labels = cv2.connectedComponents(np.maximum(closed, people > 0).astype(np.uint8))
    touched = np.zeros(count, dtype=bool)
    touched[np.unique(labels[people > 0])] = True
    touched[0] = False
    kept = np.asarray(touched[labels], dtype=np.uint8) * 255
    return widened(kept, 2.0)
