"""Joints in space from rendered people's pixels, of whom all is known, beside those that a referee sees."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from motionwarp.body.body_track import BodyReader, picture_track
from motionwarp.body.facing import FacingTrack, degrees_apart
from motionwarp.data.avatars.packing import read_truth
from motionwarp.data.pack import PackReader
from motionwarp.errors import NoPersonError
from motionwarp.evaluation.avatars import view_of
from motionwarp.evaluation.body.referee import WorldReferee
from motionwarp.evaluation.metrics.joints import aligned_by_scale, mean_joint_error, procrustes_error
from motionwarp.perception.base import Estimator
from motionwarp.types import BoolArray, ByteArray, FloatArray

_LEAST_CERTAINTY = 0.5  # of a true facing: those who lie have no front and back
_LEAST_COUNTED = 6  # points within the frame
_BODY = 14
OURS = "motionwarp"


@dataclass
class JointTally:
    """Errors of one teller over pictures, in meters.

    Attributes
    ----------
    plain, sized, turned : list of float
        Mean distance with the hips' middles aligned; brought to the truth's size besides; and turned besides.
    apart : list of float
        Degrees between the facings told and true.
    missed : int
        Pictures in which nobody was found.
    """

    plain: list[float] = field(default_factory=list)
    sized: list[float] = field(default_factory=list)
    turned: list[float] = field(default_factory=list)
    apart: list[float] = field(default_factory=list)
    missed: int = 0

    def add(self, joints: FloatArray, truth: FloatArray, counted: BoolArray) -> None:
        """Count one picture's points (18, 3); `counted`, bool (18,), are those within the frame."""
        own, other, which = torch.from_numpy(joints), torch.from_numpy(truth), torch.from_numpy(counted)
        self.plain.append(mean_joint_error(own, other, which))
        self.sized.append(mean_joint_error(aligned_by_scale(own, other), other, which))
        self.turned.append(procrustes_error(own, other, which))

    def figures(self) -> dict[str, object]:
        """Return means in millimeters; None where nothing was counted."""
        return {
            "pictures": len(self.plain),
            "not_found": self.missed,
            "joint_error_mm": _mean(self.plain),
            "joint_error_at_true_size_mm": _mean(self.sized),
            "joint_error_turned_mm": _mean(self.turned),
            "facing_within_30": float(np.mean([off <= 30 for off in self.apart])) if self.apart else None,
        }


def _mean(values: list[float]) -> float | None:
    return round(1000 * float(np.mean(values)), 1) if values else None


def evaluate_pixels(
    estimator: Estimator,
    reader: BodyReader,
    pack: Path,
    *,
    referee: bool,
    every: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, object]:
    """Measure joints and facing on a pack of avatars; whole pictures go in, and no box of anybody.

    Parameters
    ----------
    estimator : Estimator
        Sees the points.
    reader : BodyReader
        Lifts and fits.
    pack : Path
        As `motionwarp dataset pack avatars --split validation` writes it: it holds the joints in space.
    referee : bool
        Whether MediaPipe's world points are measured on the same pictures.
    every : int
        One of so many groups of four pictures is measured.
    progress : callable, optional
        Told how many pictures are done, and of how many.

    Returns
    -------
    dict
        By teller (`motionwarp` and `mediapipe`): figures over `all` pictures, of people seen `whole`, and `by_view`;
        of a referee over the pictures in which both find somebody. Points outside of the frame do not count.

    Raises
    ------
    InputError
        If this is no pack of avatars.
    MissingExtraError
        If MediaPipe is asked for and not installed.
    """
    pictures, truth = PackReader(pack), read_truth(pack)
    # front, sides and back come in turn: fours stay together
    numbers = [number for number in range(len(pictures)) if number // 4 % every == 0]
    tables: dict[str, dict[str, JointTally]] = {}
    judge = WorldReferee() if referee else None
    try:
        for done, number in enumerate(numbers, start=1):
            sample = pictures[number]
            cosine, sine, certainty = (float(value) for value in truth.facing[number])
            degrees = float(np.degrees(np.arctan2(sine, cosine)))
            told = {OURS: _read(estimator, reader, sample.rgb)}
            if judge is not None:
                found = judge.joints(sample.rgb)
                told[judge.name] = None if found is None else (found, _facing_of_joints(found))
            counted = sample.points[:, 2] > 0
            whole = sample.name.rsplit("/", 1)[-1] == "none"
            keys = [
                "all",
                *(["whole"] if whole else []),
                *([view_of(degrees)] if certainty >= _LEAST_CERTAINTY else []),
            ]
            both = all(value is not None for value in told.values())
            for teller, value in told.items():
                for key in keys:
                    tally = tables.setdefault(teller, {}).setdefault(key, JointTally())
                    tally.missed += value is None
                    if value is None or not both:
                        continue
                    if counted[:_BODY].sum() >= _LEAST_COUNTED:
                        tally.add(value[0], truth.joints[number], counted)
                    if certainty >= _LEAST_CERTAINTY:
                        tally.apart.append(float(degrees_apart(value[1], degrees)))
            if progress is not None:
                progress(done, len(numbers))
    finally:
        if judge is not None:
            judge.__exit__(None, None, None)
    return {
        teller: {key: table[key].figures() for key in ("all", "whole", "front", "profile", "back") if key in table}
        for teller, table in tables.items()
    }


def _read(estimator: Estimator, reader: BodyReader, rgb: ByteArray) -> tuple[FloatArray, float] | None:
    try:
        person = estimator.analyze_picture(rgb)
    except NoPersonError:
        return None
    height, width = rgb.shape[:2]
    seen = [] if person.facing is None else [person.facing]
    found = reader.read(picture_track(person.pose.points, width, height), seen)
    return (found.joints[0], _degrees(found.facing)) if found.present[0] else None


def _degrees(facing: FacingTrack) -> float:
    return float(facing.degrees[0])


def _facing_of_joints(joints: FloatArray) -> float:
    """Return where shoulders and hips face, in degrees."""
    across = (joints[5] - joints[2]) + (joints[11] - joints[8])  # left less right
    return float(np.degrees(np.arctan2(across[2], across[0])))
