"""A moving camera's frames without their people: each hole is filled with what other frames show there.

Frames are mapped onto each other by what is seen outside of the people. Of what several show every pixel takes the
median; what none shows is made up once and taken over by the frames beside. Ours.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from motionwarp.geometry.frame_alignment import Homography, Landmarks, camera_motion
from motionwarp.pipeline.driver_mask import attached, in_light, light_between, relit
from motionwarp.pipeline.kept_frames import KeptFrame, filled, full_mask, middle_of
from motionwarp.types import BoolArray, ByteArray, FloatArray

# so many nearest frames on either side, and so many of the others, show what one of them hides
_NEAREST, _SPREAD = 4, 4

Box = tuple[slice, slice]


def aligned_views(kept: Sequence[KeptFrame], marks: Sequence[Landmarks], seed: int) -> ByteArray:
    """Return frames of a moving camera without their people.

    Parameters
    ----------
    kept : sequence of KeptFrame
        In the clip's order; their `hidden` is found on the way.
    marks : sequence of Landmarks
        Of each of them.
    seed : int
        Seed of the fill of what no frame shows.

    Returns
    -------
    uint8 (K, H, W, 3)
    """
    maps = _maps(kept, marks)
    # once more with what was found, since shadows that overlap from frame to frame hide each other
    for frame, motions in [*zip(kept, maps, strict=True), *zip(kept, maps, strict=True)]:
        rough, never = _roughly_seen(frame, kept, motions)
        behind = relit(rough, frame.small, frame.close)
        found = attached(frame.small, behind, frame.close, frame.size)
        # of what is made up nothing can be told apart
        frame.hidden = np.where(never, frame.hidden, found)
    views: list[ByteArray | None] = [None] * len(kept)
    # from the middle outwards, so that what is made up in one view is taken over by those beside it
    for number in sorted(range(len(kept)), key=lambda number: abs(number - len(kept) // 2)):
        frame = kept[number]
        view, never = _seen(frame, kept, maps[number])
        for other, motion in maps[number].items():
            known = views[other]
            if known is None or not never.any():
                continue
            moved, inside = moved_view(known, motion)
            taken = never & inside
            view[taken] = in_light(moved, _exposure(kept[other], frame, motion))[taken]
            never &= ~inside
        views[number] = filled(view, never, seed)
    return np.stack([view for view in views if view is not None])


def _maps(kept: Sequence[KeptFrame], marks: Sequence[Landmarks]) -> list[dict[int, Homography]]:
    """Return for every frame the maps from others to it, the nearest first, by their number."""
    count = len(kept)
    maps: list[dict[int, Homography]] = []
    for number in range(count):
        near = [other for step in range(1, _NEAREST + 1) for other in (number - step, number + step)]
        spread = np.linspace(0, count - 1, _SPREAD).round().astype(int).tolist()
        found: dict[int, Homography] = {}
        for other in [*near, *spread]:
            if other == number or not 0 <= other < count or other in found:
                continue
            if other < number and number in maps[other]:
                found[other] = np.linalg.inv(maps[other][number])
            elif (motion := camera_motion(marks[other], marks[number])) is not None:
                found[other] = motion
        maps.append(found)
    return maps


def _roughly_seen(
    frame: KeptFrame, kept: Sequence[KeptFrame], maps: dict[int, Homography]
) -> tuple[ByteArray, BoolArray]:
    """Return a frame at reduced size without its people, by what is far from all people where it can be.

    And where no frame shows the place.
    """
    scale = frame.small.shape[0] / frame.rgb.shape[0]
    stack, wide, close = [frame.small], [frame.wide > 0], [frame.hidden > 0]
    for other, motion in maps.items():
        theirs, reduced_motion = kept[other], _at_scale(motion, scale)
        moved, inside = moved_view(theirs.small, reduced_motion)
        stack.append(in_light(moved, _exposure(theirs, frame, motion)))
        wide.append(~inside | (_moved(theirs.wide, reduced_motion, None, cv2.INTER_LINEAR) > 0))
        close.append(~inside | (_moved(theirs.hidden, reduced_motion, None, cv2.INTER_LINEAR) > 0))
    pictures, near = np.stack(stack), np.stack(close)
    lit = frame.ground()
    far_seen, none_far = middle_of(pictures, np.stack(wide) | near, lit)
    near_seen, never = middle_of(pictures, near, lit)
    return filled(np.where(none_far[..., None], near_seen, far_seen), never, 0, quickly=True), never


def _seen(frame: KeptFrame, kept: Sequence[KeptFrame], maps: dict[int, Homography]) -> tuple[ByteArray, BoolArray]:
    """Return a frame, uint8 (H, W, 3), whose people are replaced by what the others show there, and where none does."""
    never = full_mask(frame.hidden, frame.rgb) > 0
    view = frame.rgb.copy()
    rows, columns = np.flatnonzero(never.any(axis=1)), np.flatnonzero(never.any(axis=0))
    if not len(rows) or not maps:
        return view, never
    box = np.s_[int(rows[0]) : int(rows[-1]) + 1, int(columns[0]) : int(columns[-1]) + 1]
    stack, hidden = [], []
    for other, motion in maps.items():
        theirs = kept[other]
        moved, inside = moved_view(theirs.rgb, motion, box)
        covered = _moved(full_mask(theirs.hidden, theirs.rgb), motion, box, cv2.INTER_LINEAR) > 0
        stack.append(in_light(moved, _exposure(theirs, frame, motion)))
        hidden.append(~inside | covered)
    lit = full_mask(frame.ground().astype(np.uint8) * 255, frame.rgb) > 0
    seen, unseen = middle_of(np.stack(stack), np.stack(hidden), lit[box])
    inside_hole = never[box]
    view[box][inside_hole] = seen[inside_hole]
    never[box] = inside_hole & unseen
    return view, never


def _exposure(theirs: KeptFrame, frame: KeptFrame, motion: Homography) -> FloatArray:
    """Return by what one frame's channels are multiplied to have another one's exposure, float32 (3,)."""
    moved, inside = moved_view(theirs.small, _at_scale(motion, frame.small.shape[0] / frame.rgb.shape[0]))
    return light_between(frame.small, moved, np.maximum(np.maximum(frame.wide, theirs.wide), ~inside * np.uint8(255)))


def moved_view(picture: ByteArray, motion: Homography, box: Box | None = None) -> tuple[ByteArray, BoolArray]:
    """Return a picture as the camera sees it after a motion.

    Parameters
    ----------
    picture : uint8 (H, W, 3)
    motion : float64 (3, 3)
        From the picture's pixels to those of the result.
    box : (slice, slice) or None
        The rows and columns that are wanted; None for all.

    Returns
    -------
    moved : uint8 (h, w, 3)
    inside : bool (h, w)
        Where the picture reaches.
    """
    moved = _moved(picture, motion, box, cv2.INTER_CUBIC)
    inside = _moved(np.full(picture.shape[:2], 255, np.uint8), motion, box, cv2.INTER_LINEAR) == 255
    return moved, np.asarray(inside)


def _moved(picture: ByteArray, motion: Homography, box: Box | None, interpolation: int) -> ByteArray:
    rows, columns = box or (slice(0, picture.shape[0]), slice(0, picture.shape[1]))
    corner = np.array([[1, 0, -columns.start], [0, 1, -rows.start], [0, 0, 1]], dtype=np.float64)
    size = (columns.stop - columns.start, rows.stop - rows.start)
    return np.asarray(cv2.warpPerspective(picture, corner @ motion, size, flags=interpolation), dtype=np.uint8)


def _at_scale(motion: Homography, scale: float) -> Homography:
    """Return a map of full pictures as one of reduced ones."""
    if scale == 1:
        return motion
    reduce = np.array([[scale, 0, scale / 2 - 0.5], [0, scale, scale / 2 - 0.5], [0, 0, 1]])
    return np.asarray(reduce @ motion @ np.linalg.inv(reduce), dtype=np.float64)
