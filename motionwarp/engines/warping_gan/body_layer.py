"""The body's layer: the avatar in a pose as the networks see it, and as a sample of training keeps it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import torch
from torch import Tensor

from motionwarp.avatar.certainty import SurfaceCertainty
from motionwarp.avatar.renderer import Drawing
from motionwarp.body.fitting import LEAST_POINTS
from motionwarp.body.lifter import LEAST_SCORE
from motionwarp.body.lifting import facing_degrees
from motionwarp.compiled import compiled_loosely
from motionwarp.data.pairs import PersonPair
from motionwarp.engines.avatar.photo_body import PhotoBody
from motionwarp.engines.avatar.posing import PoseParams
from motionwarp.engines.base import RenderSettings
from motionwarp.engines.warping_gan.data import BodyPicture
from motionwarp.engines.warping_gan.inputs import BodyInputs, body_turn, part_shares
from motionwarp.errors import NoPersonError
from motionwarp.types import CROP_HEIGHT, CROP_WIDTH, FloatArray, SourcePerson

_HALF_HEIGHT, _HALF_WIDTH = CROP_HEIGHT // 2, CROP_WIDTH // 2
# from pixels of the window to those of half its size; centers of pixels lie at integers
_TO_HALF: Final = np.array([[0.5, 0, -0.25], [0, 0.5, -0.25]], dtype=np.float32)
_MISREAD = 60.0  # degrees
_SHRINKING = 0.9  # below this scale bilinear sampling would pass over pixels

Pose = tuple[FloatArray, FloatArray]  # transforms and camera, as `PhotoBody.posed` gives them


@dataclass(frozen=True, eq=False)
class BodyDrawer:
    """A photo's body and how surely each of its surfaces is known.

    Attributes
    ----------
    person : PhotoBody
    certainty : SurfaceCertainty
    """

    person: PhotoBody
    certainty: SurfaceCertainty

    @classmethod
    def of(cls, source: SourcePerson, settings: RenderSettings) -> BodyDrawer | None:
        """Fit a body to a photo's person; None where that cannot be done, so that they are drawn without."""
        if np.count_nonzero(source.pose.points[:, 2] >= LEAST_SCORE) < LEAST_POINTS:
            return None
        try:
            person = PhotoBody.of(source, settings)
        except NoPersonError:
            return None
        return cls(person, SurfaceCertainty(person.avatar))

    def inputs(self, posed: Sequence[Pose | None], turns: Tensor, frame_to_window: Tensor) -> BodyInputs:
        """Return what the networks see of a batch of frames.

        Parameters
        ----------
        posed : sequence of pose or None
            The avatar's pose in each frame; None where nobody is there.
        turns : float tensor (B, D, 3, 3)
            Of the driven bones against the camera.
        frame_to_window : float32 tensor (B, 2, 3)
            From pixels of the frame to those of the window of 256 x 192.
        """
        planes = np.zeros((len(posed), _HALF_HEIGHT, _HALF_WIDTH, 5), dtype=np.float32)
        part = np.full((len(posed), _HALF_HEIGHT, _HALF_WIDTH), 255, dtype=np.uint8)
        for index, (pose, to_window) in enumerate(zip(posed, frame_to_window.numpy(), strict=True)):
            if pose is None:
                continue
            transforms, camera = pose[0], _moved(pose[1], to_window)
            # drawn in the window's pixels, as for training, and not in the output's, which may be a hundred times more
            picture = self.person.avatar.drawing(transforms, camera, (CROP_HEIGHT, CROP_WIDTH))
            planes[index, ..., :4] = shrunk(picture, _TO_HALF, (_HALF_HEIGHT, _HALF_WIDTH)) / 255
            seen = self.certainty.planes(transforms, _moved(camera, _TO_HALF), (_HALF_HEIGHT, _HALF_WIDTH))
            planes[index, ..., 4], part[index] = seen.certainty, seen.part
        rest = torch.from_numpy(self.person.avatar.rotations)
        turn = body_turn(turns, rest)
        turn[[pose is None for pose in posed]] = 0
        return BodyInputs(torch.from_numpy(planes).permute(0, 3, 1, 2), part_shares(torch.from_numpy(part)), turn)

    def picture(self, pair: PersonPair) -> BodyPicture | None:
        """Draw the avatar in a pair's target pose, in its window; None where a body faces where nobody does."""
        if _misread(self.person.body.fit.turns[0], pair.facing[0]):
            return None
        track, frame = (pair.pose.points[None], 0) if pair.track is None else (pair.track, pair.track_frame)
        poses = self.person.body.follow(track)
        if _misread(poses.turns[frame], pair.facing[1]):
            return None
        chosen = PoseParams(poses.turns[frame, None], poses.camera[frame, None])
        transforms, camera = self.person.posed(chosen)[0]
        size = CROP_HEIGHT, CROP_WIDTH
        rgba = self.person.avatar.render(transforms, camera, size, None)[0]
        seen = self.certainty.planes(transforms, camera, size)
        turn = body_turn(chosen.turns, torch.from_numpy(self.person.avatar.rotations))
        return BodyPicture(
            np.rint(rgba).clip(0, 255).astype(np.uint8),
            np.rint(255 * seen.certainty).clip(0, 255).astype(np.uint8),
            seen.part,
            turn[0].numpy().astype(np.float32),
        )


def _misread(turns: Tensor, facing: float | None) -> bool:
    """Return whether a body (D, 3, 3) is known to face somewhere else, in degrees."""
    if facing is None:
        return False
    return abs((float(facing_degrees(turns[0])) - facing + 180) % 360 - 180) > _MISREAD


def _moved(camera: FloatArray, matrix: FloatArray) -> FloatArray:
    """Return a camera for another raster, to which an upright map (2, 3) leads."""
    return np.array([camera[0] * matrix[0, 0], *(camera[1:] * matrix[0, 0] + matrix[:, 2])], dtype=np.float32)


def shrunk(drawing: Drawing, matrix: FloatArray, size: tuple[int, int]) -> FloatArray:
    """Return a drawing's picture (H, W, 4) under a map to another raster, reduced first: no pixel is passed over."""
    scale = float(matrix[0, 0])
    height, width = drawing.size
    if scale < _SHRINKING:
        small = max(round(height * scale), 1), max(round(width * scale), 1)
        across, down = small[1] / width, small[0] / height
        back = np.array([[1 / across, 0, 0.5 / across - 0.5], [0, 1 / down, 0.5 / down - 0.5], [0, 0, 1]])
        picture = np.zeros((*small, 4), dtype=np.float32)
        _mean_of_cells(drawing.rgba, (drawing.left, drawing.top), (width / small[1], height / small[0]), picture)
        matrix = (np.vstack([matrix, [0, 0, 1]]) @ back)[:2].astype(np.float32)
    else:
        picture = drawing.rgba_within(0, 0, width, height)
    moved = cv2.warpAffine(picture, matrix, size[::-1], flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    return np.asarray(moved, dtype=np.float32)


@compiled_loosely
def _mean_of_cells(box: FloatArray, corner: tuple[int, int], cell: tuple[float, float], result: FloatArray) -> None:
    """Fill the mean of a picture over the cells of a coarser raster, as OpenCV's INTER_AREA does.

    Parameters
    ----------
    box : float32 (h, w, 4)
        The picture where it shows anything.
    corner : (int, int)
        x and y of the box's first pixel.
    cell : (float, float)
        Width and height of a cell in pixels, at least 1.
    result : float32 (H, W, 4)
        To be filled with 0 before.
    """
    height, width = box.shape[0], box.shape[1]
    left, top = corner
    cell_width, cell_height = cell
    summed = np.empty((width, 4), np.float32)
    for row in range(int(top / cell_height), min(int((top + height) / cell_height) + 1, result.shape[0])):
        begin, end = row * cell_height - top, (row + 1) * cell_height - top
        first, last = max(int(np.floor(begin)), 0), min(int(np.ceil(end)), height)
        if first >= last:
            continue
        summed[:] = 0
        for y in range(first, last):
            weight = np.float32((min(y + 1, end) - max(y, begin)) / cell_height)
            for x in range(width):
                for channel in range(4):
                    summed[x, channel] += weight * box[y, x, channel]
        for column in range(int(left / cell_width), min(int((left + width) / cell_width) + 1, result.shape[1])):
            begin, end = column * cell_width - left, (column + 1) * cell_width - left
            for x in range(max(int(np.floor(begin)), 0), min(int(np.ceil(end)), width)):
                weight = np.float32((min(x + 1, end) - max(x, begin)) / cell_width)
                for channel in range(4):
                    result[row, column, channel] += weight * summed[x, channel]
