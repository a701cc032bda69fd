"""How well an estimator sees people: its points, mattes and parsings against the validation splits' labels.

The points and mattes of the data are a teacher's pseudo-labels, so the metrics say how near an estimator comes to its
teacher; the parsing is measured against labels drawn by people. Everything goes the way a user's picture goes: whole
pictures and whole clips in, with finding and following included.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from motionwarp.data.ccp import CcpPhoto, photo_names, read_gray, read_photos
from motionwarp.data.splits import VALIDATION_CLIPS, Split
from motionwarp.errors import InputError, NoPersonError
from motionwarp.evaluation.metrics.masks import matte_iou
from motionwarp.media.contact_sheet import Tile
from motionwarp.media.reader import open_video
from motionwarp.parsing.labels import CLASS_COUNT, GROUP_NAMES, IGNORE, LIP_NAMES, to_groups
from motionwarp.perception.base import Estimator
from motionwarp.perception.matting import matte_in_frame, parsing_in_frame
from motionwarp.pose.drawing import draw_pose
from motionwarp.pose.skeleton import LEFT_ANKLE, POINT_NAMES, RIGHT_ANKLE
from motionwarp.types import POINT_COUNT, BoolArray, ByteArray, FloatArray

TEACHER_THRESHOLD: Final = 0.5
TOLERANCES: Final = (0.05, 0.10)
_RELIABILITY_BINS: Final = 10


@dataclass
class PointTally:
    """Counts of points near the teacher's, by point and tolerance, and of scores against truth.

    Attributes
    ----------
    near : int64 (2, 18)
        Points within each of `TOLERANCES` times the person's height.
    total : int64 (18,)
        Points that the teacher is sure of.
    scores, correct : lists of float32 / bool arrays
        Score of every such point and whether it is right, for the reliability table.
    """

    near: np.ndarray[tuple[int, int], np.dtype[np.int64]] = field(
        default_factory=lambda: np.zeros((len(TOLERANCES), POINT_COUNT), dtype=np.int64)
    )
    total: np.ndarray[tuple[int], np.dtype[np.int64]] = field(
        default_factory=lambda: np.zeros(POINT_COUNT, dtype=np.int64)
    )
    scores: list[FloatArray] = field(default_factory=list)
    correct: list[BoolArray] = field(default_factory=list)

    def add(self, predicted: FloatArray | None, teacher: FloatArray, height: float) -> float:
        """Count one person; returns the fraction of its points within the smaller tolerance (1 where there are none).

        Parameters
        ----------
        predicted : float32 (18, 3) or None
            None where no person was found: all points are then missed.
        teacher : float32 (18, 3)
        height : float
            Height of the person, in pixels.
        """
        counted = teacher[:, 2] > TEACHER_THRESHOLD
        self.total += counted
        if predicted is None or not counted.any():
            return 1.0 if not counted.any() else 0.0
        distance = np.linalg.norm(predicted[:, :2] - teacher[:, :2], axis=1) / height
        # a point that is reported as unseen has no position
        distance = np.where(predicted[:, 2] > 0, distance, np.inf)
        for row, tolerance in enumerate(TOLERANCES):
            self.near[row] += counted & (distance <= tolerance)
        self.scores.append(predicted[counted, 2])
        self.correct.append(distance[counted] <= TOLERANCES[0])
        return float((distance[counted] <= TOLERANCES[0]).mean())

    def fractions(self) -> dict[str, object]:
        """Return the fractions over all points and by point."""
        total = max(int(self.total.sum()), 1)
        each = np.maximum(self.total, 1)
        return {
            "points": int(self.total.sum()),
            "within_5_percent": float(self.near[0].sum() / total),
            "within_10_percent": float(self.near[1].sum() / total),
            "by_point_within_5_percent": {
                name: round(float(value), 4) for name, value in zip(POINT_NAMES, self.near[0] / each, strict=True)
            },
        }

    def reliability(self) -> list[dict[str, float]]:
        """Return for every tenth of the score's range how many points it held and how many of them were right."""
        if not self.scores:
            return []
        scores, correct = np.concatenate(self.scores), np.concatenate(self.correct)
        table = []
        for low in np.arange(_RELIABILITY_BINS) / _RELIABILITY_BINS:
            chosen = (scores >= low) & (scores < low + 1 / _RELIABILITY_BINS + (1e-6 if low > 0.89 else 0))
            if chosen.any():
                table.append(
                    {
                        "score_from": round(float(low), 2),
                        "points": int(chosen.sum()),
                        "mean_score": round(float(scores[chosen].mean()), 4),
                        "within_5_percent": round(float(correct[chosen].mean()), 4),
                    }
                )
        return table


@dataclass
class OverlapTally:
    """Intersections and unions of label maps, by class.

    Attributes
    ----------
    confusion : int64 (C, C)
        Truth by prediction.
    """

    confusion: np.ndarray[tuple[int, int], np.dtype[np.int64]]

    @classmethod
    def of(cls, classes: int) -> OverlapTally:
        """Return an empty tally."""
        return cls(np.zeros((classes, classes), dtype=np.int64))

    def add(self, predicted: ByteArray, truth: ByteArray) -> None:
        """Count one picture; pixels whose truth is 255 do not count."""
        known = truth != IGNORE
        classes = len(self.confusion)
        index = truth[known].astype(np.int64) * classes + predicted[known]
        self.confusion += np.bincount(index, minlength=classes**2).reshape(classes, classes)

    def overlaps(self) -> FloatArray:
        """Return intersection over union by class, float32 (C,); NaN where a class never occurs in the truth."""
        hits = np.diag(self.confusion).astype(np.float64)
        union = self.confusion.sum(0) + self.confusion.sum(1) - hits
        present = self.confusion.sum(1) > 0
        return np.where(present, hits / np.maximum(union, 1), np.nan).astype(np.float32)


@dataclass(frozen=True)
class SeenPicture:
    """How one picture came out, for the contact sheet of the worst.

    Attributes
    ----------
    name : str
    near : float
        Fraction of the teacher's sure points within the smaller tolerance.
    rgb : uint8 (h, w, 3)
        The picture, reduced.
    predicted : float32 (18, 3) or None
        In pixels of `rgb`.
    """

    name: str
    near: float
    rgb: ByteArray
    predicted: FloatArray | None


@dataclass
class AnalysisReport:
    """All metrics of one estimator.

    Attributes
    ----------
    metrics : dict
        What `--json` prints.
    points : PointTally
        What the metrics of the points were made of.
    seen : list of SeenPicture
        Every photo, for the contact sheet.
    """

    metrics: dict[str, object]
    points: PointTally
    seen: list[SeenPicture]

    def worst(self, count: int) -> list[SeenPicture]:
        """Return the pictures with the fewest near points."""
        return sorted(self.seen, key=lambda picture: picture.near)[:count]


def person_height(teacher: FloatArray, matte: FloatArray) -> float:
    """Return the height in pixels from the top of the head to the ankles.

    Where they are cut off, to the lowest point that is seen.

    Parameters
    ----------
    teacher : float32 (18, 3)
    matte : float32 (H, W)
    """
    sure = teacher[teacher[:, 2] > TEACHER_THRESHOLD]
    rows = np.flatnonzero((matte > 0.5).any(axis=1))
    top = min(float(rows[0]) if len(rows) else np.inf, float(sure[:, 1].min()) if len(sure) else np.inf)
    ankles = teacher[[RIGHT_ANKLE, LEFT_ANKLE]]
    ankles = ankles[ankles[:, 2] > TEACHER_THRESHOLD]
    low = ankles if len(ankles) else sure
    bottom = float(low[:, 1].max()) if len(low) else float(matte.shape[0])
    return max(bottom - top, 1.0)


def evaluate_photos(estimator: Estimator, ccp_folder: Path, split: Split = "validation") -> AnalysisReport:
    """Measure points, mattes and parsing on the photos of a split.

    Raises
    ------
    InputError
        If the folder has no photo of the split.
    """
    points = PointTally()
    groups, classes = OverlapTally.of(len(GROUP_NAMES)), OverlapTally.of(CLASS_COUNT)
    matte_overlaps: list[float] = []
    seen: list[SeenPicture] = []
    missed: list[str] = []
    names = photo_names(ccp_folder, split)
    if not names:
        raise InputError(
            f"there is no photo of the {split} split", subject=ccp_folder, remedy="Check that the data set is complete."
        )
    for photo in read_photos(ccp_folder, names):
        height, width = photo.rgb.shape[:2]
        predicted, matte, parsing = None, np.zeros((height, width), np.float32), np.zeros((height, width), np.uint8)
        try:
            person = estimator.analyze_picture(photo.rgb)
            predicted = person.pose.points
            matte = matte_in_frame(photo.rgb, person)
            parsing = parsing_in_frame(photo.rgb, person)
        except NoPersonError:
            missed.append(photo.name)
        near = points.add(predicted, photo.pose.points, person_height(photo.pose.points, photo.matte))
        matte_overlaps.append(matte_iou(matte, photo.matte))
        if photo.parsing is not None:
            groups.add(to_groups(parsing), to_groups(photo.parsing))
            classes.add(parsing, photo.parsing)
        seen.append(_reduced(photo, near, predicted))
    metrics: dict[str, object] = {
        "pictures": len(seen),
        "not_found": missed,
        **points.fractions(),
        "reliability": points.reliability(),
        "matte_iou": float(np.mean(matte_overlaps)),
        "parsing_groups_iou": _named(GROUP_NAMES, groups.overlaps()),
        "parsing_groups_miou": _mean_overlap(groups),
        "parsing_classes_iou": _named(LIP_NAMES, classes.overlaps()),
        "parsing_classes_miou": _mean_overlap(classes),
    }
    return AnalysisReport(metrics, points, seen)


def evaluate_clips(
    estimator: Estimator, video_folder: Path, clips: Sequence[str] = VALIDATION_CLIPS
) -> dict[str, dict[str, object]]:
    """Measure points and mattes on clips, followed from their first frame; returns metrics by clip and over all."""
    result: dict[str, dict[str, object]] = {}
    every = PointTally()
    for clip in clips:
        tally = PointTally()
        track = json.loads((video_folder / f"{clip}.keypoints18.json").read_text(encoding="utf-8"))["frames"]
        overlaps: list[float] = []
        lost = 0
        with open_video(video_folder / f"{clip}.mp4") as reader:
            for observation in estimator.follow(reader, dense=True):
                frame = observation.frame
                if track[frame.index] is None:
                    continue
                teacher = np.array(track[frame.index], dtype=np.float32)
                truth = _teacher_matte(video_folder / f"{clip}.mattes" / f"{frame.index:05d}.png", frame.rgb.shape[:2])
                person = observation.person
                predicted = None if person is None else person.pose.points
                lost += person is None
                matte = np.zeros_like(truth) if person is None else matte_in_frame(frame.rgb, person)
                height = person_height(teacher, truth)
                tally.add(predicted, teacher, height)
                every.add(predicted, teacher, height)
                overlaps.append(matte_iou(matte, truth))
        result[clip] = {**tally.fractions(), "frames_lost": lost, "matte_iou": float(np.mean(overlaps))}
    result["all"] = {**every.fractions(), "reliability": every.reliability()}
    return result


def _teacher_matte(path: Path, size: tuple[int, int]) -> FloatArray:
    mask = cv2.resize(read_gray(path), (size[1], size[0]), interpolation=cv2.INTER_LINEAR)
    return np.asarray(mask, dtype=np.float32) / np.float32(255)


def _reduced(photo: CcpPhoto, near: float, predicted: FloatArray | None) -> SeenPicture:
    scale = 360 / photo.rgb.shape[0]
    rgb = cv2.resize(photo.rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    points = None if predicted is None else (predicted * (scale, scale, 1)).astype(np.float32)
    return SeenPicture(photo.name, near, np.asarray(rgb, dtype=np.uint8), points)


def _mean_overlap(tally: OverlapTally) -> float | None:
    """Return the mean over the classes that occur; None where no photo has a parsing to compare with."""
    overlaps = tally.overlaps()
    return None if np.isnan(overlaps).all() else float(np.nanmean(overlaps))


def _named(names: Sequence[str], values: FloatArray) -> dict[str, float | None]:
    return {
        name: None if np.isnan(value) else round(float(value), 4) for name, value in zip(names, values, strict=True)
    }


def draw_seen(picture: SeenPicture) -> Tile:
    """Draw what an estimator saw over the picture, with the share of points that were near."""
    rgb = picture.rgb if picture.predicted is None else draw_pose(picture.rgb, picture.predicted)
    return Tile(rgb, f"{picture.name}: {picture.near:.2f}" + (" not found" if picture.predicted is None else ""))
