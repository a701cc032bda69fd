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
from motionwarp.pipeline.driving_shadow import CastShadow, ShadowSight, measured_shadow
from motionwarp.pipeline.kept_frames import KeptFrame, filled, full_mask, middle_of, reduced
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
    shadow : CastShadow or None
        How people's shadows fall there; None where they cast none that is seen.
    """

    views: ByteArray
    numbers: npt.NDArray[np.int64]
    shadow: CastShadow | None = None

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
    views = _views(kept, seed)
    return EmptyPlace(views, np.array([frame.number for frame in kept[: len(views)]]), _shadow_of(kept, views))


def _views(kept: Sequence[KeptFrame], seed: int) -> ByteArray:
    """Return the place as a still camera sees it in all frames, or a moving one in each, uint8 (K, H, W, 3)."""
    marks = [Landmarks.of(frame.rgb, full_mask(frame.wide, frame.rgb)) for frame in kept]
    if stands_still(marks, *kept[0].rgb.shape[1::-1]):
        return _still_view(kept, seed)[None]
    return aligned_views(kept, marks, seed)


def stands_still(marks: Sequence[Landmarks], width: int, height: int) -> bool:
    """Return whether the camera that saw these in pictures of a size stands still."""
    farthest = max(_TREMBLE[0], _TREMBLE[1] * max(width, height))
    for mark in marks[1:]:
        motion = camera_motion(marks[0], mark)
        if motion is None or largest_shift(motion, width, height) > farthest:
            return False
    return True


def _still_view(kept: Sequence[KeptFrame], seed: int) -> ByteArray:
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
    return filled(view, never, seed)


def _rough(small: ByteArray, kept: Sequence[KeptFrame], lit: BoolArray, hidden: ByteArray) -> ByteArray:
    """Return the place at reduced size: by what is far from people, else by what is not theirs, else filled."""
    wide = np.stack([frame.wide for frame in kept]) > 0
    far, none_far = middle_of(small, wide | (hidden > 0), lit)
    near, never = middle_of(small, hidden > 0, lit)
    return filled(np.where(none_far[..., None], near, far), never, 0, quickly=True)


def _shadow_of(kept: Sequence[KeptFrame], views: ByteArray) -> CastShadow | None:
    """Return the shadow that people cast who are alone in their frames."""
    sights: list[ShadowSight] = []
    for index, frame in enumerate(kept):
        if len(frame.drivers) != 1:
            continue
        behind = relit(reduced(views[min(index, len(views) - 1)]), frame.small, np.maximum(frame.wide, frame.hidden))
        scale = frame.small.shape[0] / frame.rgb.shape[0]
        points = frame.drivers[0].points * np.array([scale, scale, 1], dtype=np.float32)
        sights.append(ShadowSight(frame.small, behind, frame.close, points))
    return measured_shadow(sights)
