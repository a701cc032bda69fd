"""One result against the real picture: all metrics of a frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import cv2
import numpy as np

from motionwarp.body.facing import degrees_apart
from motionwarp.evaluation.metrics.image import l1, psnr
from motionwarp.evaluation.metrics.masks import matte_iou
from motionwarp.evaluation.metrics.ssim import ssim
from motionwarp.evaluation.perception import TEACHER_THRESHOLD, PointTally, person_height
from motionwarp.perception.crops import extract_views
from motionwarp.perception.framing import upright_turns, view_around, visible_box
from motionwarp.perception.inference import CropPredictor, detections
from motionwarp.types import ByteArray, FloatArray, Pose

UNTOLD_APART: Final = 180.0  # degrees by which a result counts as wrong on which nobody's facing can be told


class FacingReferee(Protocol):
    """Tells which way people face, and took no part in anything that is judged."""

    name: str

    def facing(self, rgb: ByteArray) -> float | None:
        """Return the degrees by which a picture's person is turned from the camera; None where that is not told."""


@dataclass(frozen=True, eq=False)
class RenderedView:
    """A picture to be judged.

    Attributes
    ----------
    rgb : uint8 (h, w, 3)
        The person on the protocol's background.
    matte : float32 (h, w)
        The person's coverage in [0, 1].
    """

    rgb: ByteArray
    matte: FloatArray


@dataclass(frozen=True, eq=False)
class TargetView(RenderedView):
    """The real picture, on the same background.

    Attributes
    ----------
    pose : Pose
        In pixels of `rgb`.
    """

    pose: Pose

    def points_inside(self) -> FloatArray:
        """Return the points with a score of 0 for those that the picture does not show, float32 (18, 3)."""
        height, width = self.rgb.shape[:2]
        points = self.pose.points.copy()
        inside = (points[:, :2] >= -0.5).all(axis=1) & (points[:, 0] < width - 0.5) & (points[:, 1] < height - 0.5)
        points[~inside, 2] = 0
        return points


@dataclass(frozen=True)
class FrameMetrics:
    """Metrics of one result.

    Attributes
    ----------
    ssim : float
        Gaussian window of 11 pixels, sigma 1.5, values in [0, 1], mean over pixels and channels.
    psnr : float
        dB, over all channels.
    l1 : float
        Mean absolute difference of values in [0, 1].
    matte_iou : float
        Overlap of the coverages over one half.
    points_near, points_total : int
        Number of the target's sure points inside the picture that an analyzer finds on the result within 5 % of the
        person's height; and how many there are.
    """

    ssim: float
    psnr: float
    l1: float
    matte_iou: float
    points_near: int
    points_total: int


class FrameScorer:
    """Computes metrics.

    Parameters
    ----------
    reader : CropPredictor
        Finds points; the protocol's is the bundled analyzer.
    final_size : (int, int) or None
        Width and height to which pictures are brought for SSIM, PSNR and L1; None for their own.
    referee : FacingReferee or None
        Compares which way people face; None for no such comparison.
    """

    def __init__(
        self,
        reader: CropPredictor,
        final_size: tuple[int, int] | None = None,
        referee: FacingReferee | None = None,
    ) -> None:
        self.reader = reader
        self.final_size = final_size
        self.referee = referee

    def facing_apart(self, results: Sequence[RenderedView], target: TargetView) -> list[float] | None:
        """Return by how many degrees each result's person faces another way than the real one's.

        None without a referee, and where it cannot tell the real one's facing.
        """
        real = None if self.referee is None else self.referee.facing(target.rgb)
        if self.referee is None or real is None:
            return None
        told = [self.referee.facing(result.rgb) for result in results]
        return [UNTOLD_APART if each is None else float(degrees_apart(each, real)) for each in told]

    def metrics(self, results: Sequence[RenderedView], targets: Sequence[TargetView]) -> list[FrameMetrics]:
        """Judge results of one system.

        Parameters
        ----------
        results, targets : sequences of B views
            Pictures, of one size each pair.

        Returns
        -------
        list of B FrameMetrics
        """
        near = self.points_near([result.rgb for result in results], targets)
        return [self._figures(*each) for each in zip(results, targets, near, strict=True)]

    def points_near(self, pictures: Sequence[ByteArray], targets: Sequence[TargetView]) -> list[tuple[int, int]]:
        """Look for the targets' points on pictures, in the crops that the targets' points call for.

        Returns
        -------
        list of (int, int)
            For every picture how many points were found within 5 % of the person's height, and how many were looked
            for: those of the target with a score over 0.5, inside the picture.
        """
        looked_for = [target.points_inside() for target in targets]
        views = [view_around(visible_box(points, TEACHER_THRESHOLD), upright_turns(points)) for points in looked_for]
        # a network reads pictures of one size at once; lying people give wide ones
        found: list[FloatArray | None] = [None] * len(pictures)
        for size in sorted({view.size for view in views}):
            group = [index for index, view in enumerate(views) if view.size == size]
            crops = np.concatenate([extract_views(pictures[index], [views[index]]) for index in group])
            seen = detections(crops, [views[index] for index in group], self.reader, False)
            for index, sighting in zip(group, seen, strict=True):
                found[index] = sighting.person.pose.points
        counts = []
        for points, truth, target in zip(found, looked_for, targets, strict=True):
            tally = PointTally()
            tally.add(points, truth, person_height(truth, target.matte))
            counts.append((int(tally.near[0].sum()), int(tally.total.sum())))
        return counts

    def pixels(self, rgb: ByteArray) -> ByteArray:
        """Return a picture at the size at which its pixels are compared, uint8."""
        if self.final_size is None or rgb.shape[1::-1] == self.final_size:
            return rgb
        return np.asarray(cv2.resize(rgb, self.final_size, interpolation=cv2.INTER_AREA), dtype=np.uint8)

    def _figures(self, result: RenderedView, target: TargetView, near: tuple[int, int]) -> FrameMetrics:
        one, other = self.pixels(result.rgb), self.pixels(target.rgb)
        return FrameMetrics(
            ssim(one, other), psnr(one, other), l1(one, other), matte_iou(result.matte, target.matte), *near
        )
