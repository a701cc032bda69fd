"""The driving clip's frames without their people, so that others can take their place.

Frames spread through the clip give the empty place (`empty_place`); in every frame it takes the place of the people and
of all that hangs together with them. What no frame shows is filled from its surroundings. Ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np

from motionwarp.geometry.frame_alignment import Homography, Landmarks, camera_motion
from motionwarp.inpainting.clean_plate import clean_plate
from motionwarp.pipeline.aligned_views import moved_view
from motionwarp.pipeline.driver_mask import Driver, attached, body_size, drawn, ground_around, relit, widened
from motionwarp.pipeline.empty_place import EmptyPlace, empty_place
from motionwarp.pipeline.kept_frames import KeptFrame, reduced, reduced_mask
from motionwarp.pipeline.relighting import PersonLight, driving_light
from motionwarp.types import BoolArray, ByteArray

# frames that the place is made of, and the bytes that they may take: enough for a dancer, little enough for memory
_MOST_KEPT, _FEWEST_KEPT, _KEPT_BYTES = 24, 8, 100_000_000
# around what is replaced, in torso lengths: blur of motion, and the soft edge of shadows
_SOFT_EDGE: Final = 0.06


class PlateBuilder:
    """Keeps frames spread evenly over a clip of unknown length, and their people's places."""

    def __init__(self) -> None:
        self._kept: list[KeptFrame] = []
        self._step, self._count = 1, 0

    def add(self, rgb: ByteArray, *drivers: Driver | None) -> None:
        """Take the next frame, uint8 (H, W, 3), and everybody in it; None is nobody."""
        if self._count % self._step == 0:
            self._kept.append(KeptFrame(rgb, self._count, tuple(each for each in drivers if each is not None)))
            if len(self._kept) > int(np.clip(_KEPT_BYTES // rgb.nbytes, _FEWEST_KEPT, _MOST_KEPT)):
                # twice as rare from now on: what is kept stays evenly spread
                self._kept = self._kept[::2]
                self._step *= 2
        self._count += 1

    def light(self) -> PersonLight | None:
        """Return how the person looks who is alone in the frames, or None where no parsing of them is known."""
        seen = [(kept.rgb, each.seen) for kept in self._kept for each in kept.drivers if each.seen is not None]
        return driving_light([(rgb, person) for rgb, person in seen])

    def finish(self, seed: int = 0) -> EmptyPlace:
        """Return the place without its people."""
        return empty_place(self._kept, seed)


class DriverRemover:
    """Takes people out of a clip's frames.

    Parameters
    ----------
    place : EmptyPlace
    seed : int
        Seed of the fill where the place is not known.
    """

    def __init__(self, place: EmptyPlace, seed: int = 0) -> None:
        self._place, self._seed = place, seed
        self._marks: dict[int, Landmarks] = {}
        self._last: dict[int, Homography] = {}

    def without(self, rgb: ByteArray, number: int, drivers: Sequence[Driver]) -> ByteArray:
        """Return a frame without its people.

        Parameters
        ----------
        rgb : uint8 (H, W, 3)
            Not changed.
        number : int
            Of the frame in the clip's track.
        drivers : sequence of Driver

        Returns
        -------
        uint8 (H, W, 3)
        """
        size = max([body_size(driver.points) for driver in drivers], default=0.0)
        if size == 0:
            return rgb.copy()
        height, width = rgb.shape[:2]
        wide = drawn(drivers, height, width)
        behind, known = self.behind(rgb, number, wide)
        ground = np.zeros_like(wide)
        for driver in drivers:
            ground = np.maximum(ground, ground_around(driver.points, height, width))
        small = reduced(rgb)
        scale = small.shape[0] / height
        small_wide = reduced_mask(wide, small)
        region = attached(small, reduced(behind), small_wide, scale * size)
        # what is right behind may as well be shown a little farther; elsewhere only what has to be made up is
        soft = np.maximum(region, reduced_mask(ground, small)) if known.all() else region
        return _blended(rgb, behind, soft, _SOFT_EDGE * scale * size)

    def behind(self, rgb: ByteArray, number: int, people: ByteArray) -> tuple[ByteArray, BoolArray]:
        """Return the place as a frame's camera sees it.

        Parameters
        ----------
        rgb : uint8 (H, W, 3)
        number : int
        people : uint8 (H, W)
            Over 0 where the frame shows them.

        Returns
        -------
        picture : uint8 (H, W, 3)
            In the frame's exposure; filled smoothly where nothing is known.
        known : bool (H, W)
            Where it was seen, or made up once for all frames.
        """
        place = self._place
        if place.is_still:
            return relit(place.views[0], rgb, people), np.ones(people.shape, dtype=bool)
        picture, known = self._moving(rgb, number, people)
        missing = (people > 0) & ~known
        if missing.any():
            picture = clean_plate(picture, missing.astype(np.float32), fill="smooth", seed=self._seed)
        return picture, known

    def _moving(self, rgb: ByteArray, number: int, people: ByteArray) -> tuple[ByteArray, BoolArray]:
        """Return the views before and after a frame faded into each other, and where either reaches."""
        own = Landmarks.of(rgb, people)
        total = np.zeros(rgb.shape, dtype=np.float32)
        weights = np.zeros(people.shape, dtype=np.float32)
        for view, weight in self._around(number):
            if view not in self._marks:
                # only those around are asked for again
                self._marks = {near: mark for near, mark in self._marks.items() if abs(near - view) <= 1}
                self._marks[view] = Landmarks.of(self._place.views[view])
            # where a frame is too blurred to tell, the camera has hardly moved since the one before
            same = number == self._place.numbers[view]
            motion = np.eye(3) if same else camera_motion(self._marks[view], own)
            motion = self._last.get(view) if motion is None else motion
            if motion is None:
                continue
            self._last[view] = motion
            moved, inside = moved_view(self._place.views[view], motion)
            share = weight * inside.astype(np.float32)
            total += relit(moved, rgb, np.maximum(people, np.where(inside, 0, 255).astype(np.uint8))) * share[..., None]
            weights += share
        known = weights > 0
        mixed = np.rint(total / np.maximum(weights, 1e-6)[..., None])
        return np.where(known[..., None], mixed, rgb).astype(np.uint8), known

    def _around(self, number: int) -> list[tuple[int, float]]:
        """Return the views before and after a frame with their weights, which go over into each other."""
        numbers = self._place.numbers
        after = int(np.searchsorted(numbers, number))
        if after == 0 or after == len(numbers):
            return [(min(after, len(numbers) - 1), 1.0)]
        step = float(numbers[after] - numbers[after - 1])
        late = (number - float(numbers[after - 1])) / step
        # next to nothing of a view is not worth its work
        return [(view, weight) for view, weight in ((after - 1, 1 - late), (after, late)) if weight > 0.02]


def _blended(rgb: ByteArray, behind: ByteArray, region: ByteArray, edge: float) -> ByteArray:
    """Return a frame with the place shown in a reduced region, and around it less and less."""
    soft = cv2.GaussianBlur(widened(region, 2 * edge), (0, 0), max(edge, 0.7))
    weight = cv2.resize(np.maximum(soft, region), (rgb.shape[1], rgb.shape[0]), interpolation=cv2.INTER_LINEAR)
    rows, columns = np.flatnonzero(weight.any(axis=1)), np.flatnonzero(weight.any(axis=0))
    result = rgb.copy()
    if len(rows):
        box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        share = cv2.cvtColor(weight[box], cv2.COLOR_GRAY2RGB)
        inside = cv2.multiply(behind[box], share, scale=1 / 255)
        result[box] = cv2.add(inside, cv2.multiply(rgb[box], cv2.bitwise_not(share), scale=1 / 255))
    return result
