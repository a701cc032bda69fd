"""A driving clip's place without its people: one picture of a still camera, some of a moving one.

What people hide in one frame is seen in others. Frames spread through the clip are laid over each other, the people of
each left out; of what is left every pixel takes the median. A moving camera's frames are mapped onto each other first
(`aligned_views`). Ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from motionwarp.geometry.frame_alignment import Landmarks, camera_motion, largest_shift
from motionwarp.pipeline.aligned_views import aligned_views
from motionwarp.pipeline.driver_mask import attached, relit
from motionwarp.pipeline.kept_frames import KeptFrame, filled, full_mask, middle_of
from motionwarp.types import BoolArray, ByteArray

_BAND: Final = 64
# by how much a still camera's picture may seem to move, in pixels and in parts of its long side
_TREMBLE: Final = (1.0, 0.002)


@dataclass(frozen=True, eq=False)
class EmptyPlace:
    """What a driving clip shows behind its people.

    Attributes
    ----------
    views : uint8 (K, H, W, 3)
        The place as the camera sees it in some frames; one alone where it stands still.
    numbers : int64 (K,)
        Of these frames in the clip's track, increasing.
    """

    views: ByteArray
    numbers: npt.NDArray[np.int64]

    def __post_init__(self) -> None:
        if self.views.ndim != 4 or self.views.shape[3] != 3 or self.views.dtype != np.uint8 or not len(self.views):
            raise ValueError(f"views are uint8 (K, H, W, 3), K over 0, got {self.views.dtype} {self.views.shape}")
        if self.numbers.shape != (len(self.views),) or (np.diff(self.numbers) <= 0).any():
            raise ValueError(f"{len(self.views)} views need as many increasing numbers, got {self.numbers.tolist()}")

    @property
    def is_still(self) -> bool:
        """Whether one view is all frames'."""
        return len(self.views) == 1


def empty_place(kept: Sequence[KeptFrame], seed: int = 0) -> EmptyPlace:
    """Return the place that frames show behind their people.

    Parameters
    ----------
    kept : sequence of KeptFrame
        In the clip's order, at least one; their `hidden` is found on the way.
    seed : int
        Seed of the fill of what no frame shows.
    """
    marks = [Landmarks.of(frame.rgb, full_mask(frame.wide, frame.rgb)) for frame in kept]
    if stands_still(marks, *kept[0].rgb.shape[1::-1]):
        return _still_place(kept, seed)
    return EmptyPlace(aligned_views(kept, marks, seed), np.array([frame.number for frame in kept]))


def stands_still(marks: Sequence[Landmarks], width: int, height: int) -> bool:
    """Return whether the camera that saw these in pictures of a size stands still."""
    farthest = max(_TREMBLE[0], _TREMBLE[1] * max(width, height))
    for mark in marks[1:]:
        motion = camera_motion(marks[0], mark)
        if motion is None or largest_shift(motion, width, height) > farthest:
            return False
    return True


def _still_place(kept: Sequence[KeptFrame], seed: int) -> EmptyPlace:
    lit = np.zeros(kept[0].small.shape[:2], dtype=bool)
    for frame in kept:
        lit |= frame.ground()
    small = np.stack([frame.small for frame in kept])
    for _ in range(2):
        rough = _rough(small, kept, lit, np.array([frame.hidden for frame in kept]))
        for frame in kept:
            behind = relit(rough, frame.small, frame.close)
            frame.hidden = attached(frame.small, behind, frame.close, frame.size)
    height, width = kept[0].rgb.shape[:2]
    lit_full = full_mask(lit.astype(np.uint8) * 255, kept[0].rgb) > 0
    masks = [full_mask(frame.hidden, frame.rgb) for frame in kept]
    view, never = np.empty((height, width, 3), np.uint8), np.empty((height, width), dtype=bool)
    # by bands of rows, so that the stack is never in memory twice
    for top in range(0, height, _BAND):
        rows = slice(top, top + _BAND)
        stack = np.stack([frame.rgb[rows] for frame in kept])
        hidden = np.stack([mask[rows] for mask in masks]) > 0
        view[rows], never[rows] = middle_of(stack, hidden, lit_full[rows])
    return EmptyPlace(filled(view, never, seed)[None], np.array([kept[0].number]))


def _rough(small: ByteArray, kept: Sequence[KeptFrame], lit: BoolArray, hidden: ByteArray) -> ByteArray:
    """Return the place at reduced size: by what is far from people, else by what is not theirs, else filled."""
    wide = np.stack([frame.wide for frame in kept]) > 0
    far, none_far = middle_of(small, wide | (hidden > 0), lit)
    near, never = middle_of(small, hidden > 0, lit)
    return filled(np.where(none_far[..., None], near, far), never, 0, quickly=True)
