"""Sampling the parts' textures in their own boxes and laying them over each other, back to front."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor

from motionwarp.geometry.grids import affine_lattice, sample
from motionwarp.pose import skeleton
from motionwarp.puppet import parts
from motionwarp.puppet.joints import Joints
from motionwarp.puppet.sampling_rows import byte_rows, sample_rows, sample_rows_affinely
from motionwarp.types import FloatArray, PersonLayer

DEPTH_COUNT: Final = 3
RIGHT_ARM_FRONT, LEFT_ARM_FRONT, RIGHT_LEG_FRONT = range(DEPTH_COUNT)

_FRONTAL_WIDTH: Final = 0.55  # of the shoulders, in torsos, seen from the front
_NOSE_OUT: Final = 0.3  # torsos by which the nose stands out before the neck in profile
_CLEARLY_VISIBLE: Final = 0.4  # scores of elbow and wrist beyond which they say nothing of depth
_FADE: Final = 0.25  # scores between which one order fades into the other


def depth_scores(target: Joints, point_scores: Tensor) -> Tensor:
    """Return for each frame how far arms are before the torso, and the right leg before the left one.

    Parameters
    ----------
    target : Joints
        Points of B poses.
    point_scores : float32 tensor (B, 18)

    Returns
    -------
    float32 tensor (B, 3)
        In [-1, 1]; positive is in front. Order: right arm, left arm, right leg.
    """
    xy = target.xy
    shoulders = xy[:, skeleton.LEFT_SHOULDER, 0] - xy[:, skeleton.RIGHT_SHOULDER, 0]
    facing = (shoulders / (_FRONTAL_WIDTH * target.torso)).clamp(-1, 1)  # 1: to the camera
    nose_visible = target.visible[:, skeleton.NOSE]
    nose = (xy[:, skeleton.NOSE, 0] - xy[:, skeleton.NECK, 0]) / (_NOSE_OUT * target.torso)
    # looking to the picture's right shows the right side; it only counts as far as the body is turned too
    right_near = torch.where(nose_visible, nose.clamp(-1, 1), torch.zeros_like(nose)) * (1 - facing.abs())
    arms = []
    for side, elbow, wrist in (
        (1.0, skeleton.RIGHT_ELBOW, skeleton.RIGHT_WRIST),
        (-1.0, skeleton.LEFT_ELBOW, skeleton.LEFT_WRIST),
    ):
        visible = (torch.minimum(point_scores[:, elbow], point_scores[:, wrist]) / _CLEARLY_VISIBLE).clamp(0, 1)
        arms.append(0.5 + 0.9 * facing + 1.6 * side * right_near - 1.6 * (1 - visible))
    # of two standing legs, the lower ankle is nearer to a camera above the ground
    lower = (xy[:, skeleton.RIGHT_ANKLE, 1] - xy[:, skeleton.LEFT_ANKLE, 1]) / target.torso
    legs = 1.5 * right_near + lower.clamp(-0.5, 0.5)
    return torch.stack([*arms, legs], dim=-1).mul(1.5).tanh()


def share_in_front(score: float) -> float:
    """Return how much of a layer is drawn in front, 0..1, the rest being behind."""
    value = min(max(0.5 + 0.5 * score / _FADE, 0.0), 1.0)
    return value * value * (3 - 2 * value)


_LEGS: Final = {
    True: tuple(reversed(parts.RIGHT_LEG.parts)),  # feet first, so that trousers fall over shoes
    False: tuple(reversed(parts.LEFT_LEG.parts)),
}
_TRUNK: Final = (parts.GARMENT, parts.TORSO, parts.HEAD)


@dataclass(frozen=True, eq=False)
class WarpedPart:
    """One part of every frame of a batch, each in a box of the same size.

    Attributes
    ----------
    rgba : float32 tensor (B, 4, h, w)
        Colors multiplied by alpha, and alpha.
    parsing : float32 tensor (B, 1, h, w) or None
    placement : PartBoxes
    """

    rgba: Tensor
    parsing: Tensor | None
    placement: PartBoxes

    def of_frame(self, frame: int) -> FramePiece | None:
        """Return one frame's part, cut to the box that it has in whatever batch.

        None where it lies outside the frame.
        """
        box = self.placement.box(frame)
        if box is None:
            return None
        left, top, right, bottom = box
        x, y = self.placement.corners[frame].tolist()
        rows, columns = slice(top - y, bottom - y), slice(left - x, right - x)
        classes = None if self.parsing is None else self.parsing[frame, 0, rows, columns]
        return FramePiece(self.rgba[frame, :, rows, columns], classes, left, top)


@dataclass(frozen=True, eq=False)
class FramePiece:
    """A piece of one frame: one part, or the whole person.

    Attributes
    ----------
    rgba : float32 tensor (4, h, w)
        Colors multiplied by alpha, and alpha.
    parsing : float32 tensor (h, w) or None
    left, top : int
        The box's first pixel in the output frame.
    """

    rgba: Tensor
    parsing: Tensor | None
    left: int
    top: int

    @property
    def right(self) -> int:
        """The first column beyond the box."""
        return self.left + self.rgba.shape[2]

    @property
    def bottom(self) -> int:
        """The first row beyond the box."""
        return self.top + self.rgba.shape[1]

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Left, top, right, bottom."""
        return self.left, self.top, self.right, self.bottom

    def within(self, left: int, top: int) -> tuple[slice, slice]:
        """Return the box's rows and columns in a picture whose first pixel is at `left`, `top`."""
        return slice(self.top - top, self.bottom - top), slice(self.left - left, self.right - left)


@dataclass(frozen=True)
class PartBoxes:
    """Boxes of one part in a batch of frames, all of one size and inside the frame.

    Attributes
    ----------
    corners : int array (B, 2)
        x, y of each box's first pixel in the output frame.
    height, width : int
        Common size of the boxes.
    low, high : int arrays (B, 2)
        x, y of the first pixel that the frame itself asks for, and of the one after its last; equal where it asks for
        none. What else its box shows depends on the batch and must not be looked at.
    """

    corners: np.ndarray[tuple[int, int], np.dtype[np.int64]]
    height: int
    width: int
    low: np.ndarray[tuple[int, int], np.dtype[np.int64]]
    high: np.ndarray[tuple[int, int], np.dtype[np.int64]]

    def box(self, frame: int) -> tuple[int, int, int, int] | None:
        """Return left, top, right, bottom of what one frame asks for, in the output frame; None where it is nothing."""
        left, top = self.low[frame].tolist()
        right, bottom = self.high[frame].tolist()
        return (left, top, right, bottom) if right > left and bottom > top else None


@dataclass(frozen=True, eq=False)
class WarpedFrames:
    """The warped parts of some frames.

    Attributes
    ----------
    frames : int array (M,)
        Which frames of those asked for.
    layers : dict of part to WarpedPart
        Each with M boxes.
    shown : bool array (M, P)
        Which parts a frame has.
    depth : float32 tensor (M, 3)
        As from `layered_depth.depth_scores`.
    """

    frames: np.ndarray[tuple[int], np.dtype[np.int64]]
    layers: dict[int, WarpedPart]
    shown: np.ndarray[tuple[int, int], np.dtype[np.bool_]]
    depth: Tensor


def person_layer(frame: FramePiece | None) -> PersonLayer:
    """Return a frame as engines give it, an empty layer for None."""
    if frame is None:
        return PersonLayer(np.zeros((1, 1, 4), dtype=np.uint8), 0, 0)
    parsing = None if frame.parsing is None else frame.parsing.to(torch.uint8).cpu().numpy()
    return PersonLayer(to_bytes(frame.rgba), frame.left, frame.top, parsing)


def place_boxes(outlines: Tensor, height: int, width: int) -> PartBoxes | None:
    """Return boxes around outlines.

    Parameters
    ----------
    outlines : float32 tensor (B, N, 2)
        In pixels of the output frame.
    height, width : int
        Size of the output frame.

    Returns
    -------
    PartBoxes or None
        None if all outlines lie outside the frame.
    """
    points = outlines.detach().cpu().numpy()
    limit = np.array([width, height])
    low = np.clip(np.floor(points.min(axis=1)) - 1, 0, limit).astype(np.int64)  # (B, 2)
    high = np.clip(np.ceil(points.max(axis=1)) + 2, 0, limit).astype(np.int64)
    size = np.maximum(high - low, 0)
    size[(size == 0).any(axis=1)] = 0
    high = low + size
    box = size.max(axis=0)
    if (box == 0).any():
        return None
    return PartBoxes(np.minimum(low, limit - box), int(box[1]), int(box[0]), low, high)


def sample_part(texture: Tensor, classes: Tensor | None, grid: Tensor, placement: PartBoxes) -> WarpedPart:
    """Sample one part for all frames at once.

    Parameters
    ----------
    texture : float32 tensor (1, 4, h, w)
    classes : float32 tensor (1, 1, h, w) or None
    grid : float32 tensor (B, H, W, 2)
        grid_sample's coordinates in the texture.
    placement : PartBoxes
    """
    count, height, width = grid.shape[:3]
    if texture.device.type == "cpu":
        at = np.ascontiguousarray(grid.numpy())
        return _sampled(texture, classes, at, sample_rows, placement)
    # the frames are laid below each other: one call, and the texture is not repeated
    tall = grid.reshape(1, count * height, width, 2)
    rgba = sample(texture, tall).reshape(4, count, height, width).transpose(0, 1)
    parsing = None
    if classes is not None:
        parsing = sample(classes, tall, mode="nearest").reshape(count, 1, height, width)
    return WarpedPart(rgba, parsing, placement)


def sample_part_affinely(texture: Tensor, classes: Tensor | None, matrix: Tensor, placement: PartBoxes) -> WarpedPart:
    """Sample one part for all frames at once, as `sample_part` does with the grid of an affine map.

    Parameters
    ----------
    texture, classes, placement
        As there.
    matrix : float32 tensor (B, 2, 3)
        From pixels of the output frame to grid_sample's coordinates in the texture.
    """
    if texture.device.type != "cpu":
        origin = torch.from_numpy(placement.corners).float().to(matrix)
        return sample_part(
            texture, classes, affine_lattice(matrix, placement.height, placement.width, origin), placement
        )
    maps = np.array(matrix.numpy(), dtype=np.float32)
    maps[:, :, 2] += (maps[:, :, :2] * placement.corners.astype(np.float32)[:, None]).sum(axis=-1)
    return _sampled(texture, classes, maps, sample_rows_affinely, placement)


def _sampled(
    texture: Tensor, classes: Tensor | None, places: FloatArray, fill: Callable[..., None], placement: PartBoxes
) -> WarpedPart:
    """Sample a part by compiled loops, at places as these take them."""
    shape = len(places), placement.height, placement.width
    of_pixels = np.ascontiguousarray(texture[0].permute(1, 2, 0).numpy())
    of_classes = np.zeros((0, 0), dtype=np.float32) if classes is None else np.ascontiguousarray(classes[0, 0].numpy())
    rgba = np.empty((shape[0], 4, *shape[1:]), dtype=np.float32)
    parsing = np.empty((0, 0, 0) if classes is None else shape, dtype=np.float32)
    fill(of_pixels, of_classes, places, rgba, parsing)
    return WarpedPart(
        torch.from_numpy(rgba), None if classes is None else torch.from_numpy(parsing)[:, None], placement
    )


def drawing_order(depth: tuple[float, ...]) -> list[tuple[int, float]]:
    """Return the parts of one frame from back to front, each with the share of its alpha.

    A part whose place is between two orders comes twice: whole at the back, and faded at the front.

    Parameters
    ----------
    depth : 3 floats
        As from `layered_depth.depth_scores`.
    """
    arms = (
        (parts.RIGHT_ARM, share_in_front(depth[RIGHT_ARM_FRONT])),
        (parts.LEFT_ARM, share_in_front(depth[LEFT_ARM_FRONT])),
    )
    order: list[tuple[int, float]] = []
    for arm, front in arms:
        if front < 1:
            order += [(part, 1.0) for part in reversed(arm.parts)]
    right = share_in_front(depth[RIGHT_LEG_FRONT])
    far_is_right = right < 0.5
    order += [(part, 1.0) for part in (*_LEGS[far_is_right], *_LEGS[not far_is_right])]
    if 0 < right < 1:
        # at one half, either order looks the same: the farther leg is faded over the nearer one by up to half
        order += [(part, right if far_is_right else 1 - right) for part in _LEGS[far_is_right]]
    order += [(part, 1.0) for part in _TRUNK]
    for arm, front in arms:
        if front > 0:
            order += [(part, front) for part in arm.parts]
    return order


class Canvas:
    """The person of each frame of a batch, growing from back to front.

    Parameters
    ----------
    layers : dict of part to WarpedPart
    shown : bool array (B, P)
        Which parts a frame has.
    """

    def __init__(self, layers: dict[int, WarpedPart], shown: np.ndarray[tuple[int, int], np.dtype[np.bool_]]) -> None:
        self._layers = layers
        self._shown = shown

    def order(self, frame: int, depth: tuple[float, ...]) -> list[tuple[int, float]]:
        """Return what is laid over each other in a frame, back to front: parts, each with the share of its alpha.

        Arguments as in `compose`.
        """
        return [
            (part, share)
            for part, share in drawing_order(depth)
            if part in self._layers and self._shown[frame, part] and self._layers[part].placement.box(frame) is not None
        ]

    def compose(self, frame: int, depth: tuple[float, ...]) -> tuple[Tensor, Tensor | None, int, int] | None:
        """Lay one frame's parts over each other.

        Parameters
        ----------
        frame : int
        depth : 3 floats
            As from `depth_scores`.

        Returns
        -------
        rgba (4, h, w), classes (h, w) or None, left, top; None if nothing is shown
        """
        order = self.order(frame, depth)
        own = {part: self._layers[part].of_frame(frame) for part in {part for part, _ in order}}
        drawn = [(layer, share) for part, share in order if (layer := own[part]) is not None]
        if not drawn:
            return None
        left, top, right, bottom = box_around([layer.box for layer, _ in drawn])
        first = drawn[0][0]
        rgba = first.rgba.new_zeros(4, bottom - top, right - left)
        classes = None if first.parsing is None else first.rgba.new_zeros(rgba.shape[1:])
        for layer, share in drawn:
            window = layer.within(left, top)
            _lay_over(rgba[:, window[0], window[1]], layer.rgba, share)
            if classes is not None and layer.parsing is not None and share > 0.5:
                below = classes[window]
                torch.where(layer.rgba[3] > 0.5, layer.parsing, below, out=below)
        return rgba, classes, left, top


def box_around(boxes: Sequence[tuple[int, int, int, int]]) -> tuple[int, int, int, int]:
    """Return the smallest box that holds all of some: left, top, right, bottom."""
    left, top, right, bottom = zip(*boxes, strict=True)
    return min(left), min(top), max(right), max(bottom)


def _lay_over(below: Tensor, above: Tensor, share: float) -> None:
    if not math.isclose(share, 1.0):
        above = above * share
    below.mul_(1 - above[3]).add_(above)


def to_bytes(rgba: Tensor) -> np.ndarray[tuple[int, int, int], np.dtype[np.uint8]]:
    """Turn premultiplied (4, h, w) in [0, 1] into uint8 (h, w, 4)."""
    planes = np.ascontiguousarray(rgba.float().cpu().numpy())
    result = np.empty((*planes.shape[1:], 4), dtype=np.uint8)
    byte_rows(planes, result)
    return result
