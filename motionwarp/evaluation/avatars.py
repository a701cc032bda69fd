"""How well an estimator sees avatars, of which all is known: from all sides, cut by the frame, by group of people."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

import numpy as np

from motionwarp.data.avatars.packing import read_truth
from motionwarp.data.pack import PackReader
from motionwarp.errors import NoPersonError
from motionwarp.evaluation.metrics.masks import matte_iou
from motionwarp.evaluation.perception import PointTally, person_height
from motionwarp.perception.base import Estimator
from motionwarp.perception.matting import matte_in_frame
from motionwarp.pose import skeleton as sk
from motionwarp.types import FloatArray

View = Literal["front", "profile", "back"]

_FRONT: Final = 45.0  # degrees from facing the camera
_BACK: Final = 135.0
_LEAST_CERTAINTY: Final = 0.5  # of the facing: those who lie have no front and back
_SURE: Final = 0.3  # of a score
# where left and right are nearer to each other than this, of the person's height, an exchange cannot be told
_LEAST_APART: Final = 0.06
_PAIRS: Final = (
    (sk.RIGHT_SHOULDER, sk.LEFT_SHOULDER), (sk.RIGHT_ELBOW, sk.LEFT_ELBOW), (sk.RIGHT_WRIST, sk.LEFT_WRIST),
    (sk.RIGHT_HIP, sk.LEFT_HIP), (sk.RIGHT_KNEE, sk.LEFT_KNEE), (sk.RIGHT_ANKLE, sk.LEFT_ANKLE),
)  # fmt: skip


def view_of(facing: float) -> View:
    """Return what side of a person shows, by the degrees from facing the camera."""
    turned = abs((facing + 180) % 360 - 180)
    return "front" if turned <= _FRONT else ("back" if turned >= _BACK else "profile")


def group_of(name: str) -> str:
    """Return the ethnic group and sex that an avatar's name tells: 'Black_F' of 'avatars/Black_F_1_Casual/..'."""
    avatar = name.split("/")[1] if name.startswith("avatars/") else name
    return "_".join(avatar.removeprefix("X_").split("_")[:2])


def is_exchanged(predicted: FloatArray, truth: FloatArray, height: float) -> bool | None:
    """Tell whether left and right are exchanged.

    Parameters
    ----------
    predicted, truth : float32 (18, 3)
    height : float
        Of the person, in pixels.

    Returns
    -------
    bool, or None where no pair of limbs is both seen and apart enough to tell
    """
    straight = crossed = 0.0
    told = False
    for right, left in _PAIRS:
        both = [right, left]
        if (truth[both, 2] <= 0.5).any() or (predicted[both, 2] <= 0).any():
            continue
        if np.linalg.norm(truth[right, :2] - truth[left, :2]) < _LEAST_APART * height:
            continue
        told = True
        straight += float(np.linalg.norm(predicted[both, :2] - truth[both, :2], axis=1).sum())
        crossed += float(np.linalg.norm(predicted[both[::-1], :2] - truth[both, :2], axis=1).sum())
    return crossed < straight if told else None


@dataclass
class AvatarTally:
    """Counts over pictures of avatars.

    Attributes
    ----------
    points : PointTally
        Of points within the frame, seen or hidden by the own body.
    visible : PointTally
        Of points that are seen.
    pictures, found : int
    exchanged, told : int
        Pictures with left and right exchanged, of those where that can be told.
    outside, absent : int
        Points outside of the frame, and those of them that were not put anywhere within it.
    unsure : int
        Points outside of the frame that were put nowhere within it, or with a score below 0.3.
    inside, seen : int
        Points that show, and those of them with a score of at least 0.3.
    overlaps : list of float
        IoU of each matte.
    """

    points: PointTally = field(default_factory=PointTally)
    visible: PointTally = field(default_factory=PointTally)
    pictures: int = 0
    found: int = 0
    exchanged: int = 0
    told: int = 0
    outside: int = 0
    absent: int = 0
    unsure: int = 0
    inside: int = 0
    seen: int = 0
    overlaps: list[float] = field(default_factory=list)

    def add(self, predicted: FloatArray | None, truth: FloatArray, matte: tuple[FloatArray, FloatArray]) -> None:
        """Count one picture.

        Parameters
        ----------
        predicted : float32 (18, 3) or None
            None where nobody was found.
        truth : float32 (18, 3)
        matte : two of float32 (H, W)
            The predicted and the true one.
        """
        seen, true_matte = matte
        height = person_height(truth, true_matte)
        self.pictures += 1
        self.found += predicted is not None
        self.points.add(predicted, truth, height)
        visible = truth.copy()
        visible[visible[:, 2] < 1, 2] = 0
        self.visible.add(predicted, visible, height)
        self.overlaps.append(matte_iou(seen, true_matte))
        outside = truth[:, 2] <= 0
        self.outside += int(outside.sum())
        self.inside += int((truth[:, 2] >= 1).sum())
        if predicted is None:
            self.absent += int(outside.sum())
            self.unsure += int(outside.sum())
            return
        rows, columns = true_matte.shape
        x, y = predicted[:, 0], predicted[:, 1]
        within = (x > -0.5) & (y > -0.5) & (x < columns - 0.5) & (y < rows - 0.5) & (predicted[:, 2] > 0)
        self.absent += int((outside & ~within).sum())
        self.unsure += int((outside & ~(within & (predicted[:, 2] >= _SURE))).sum())
        self.seen += int(((truth[:, 2] >= 1) & (predicted[:, 2] >= _SURE)).sum())
        exchanged = is_exchanged(predicted, truth, height)
        self.told += exchanged is not None
        self.exchanged += bool(exchanged)

    def figures(self) -> dict[str, object]:
        """Return the fractions; None where nothing was counted."""
        fractions = self.points.fractions()
        return {
            "pictures": self.pictures,
            "found": _share(self.found, self.pictures),
            "points_within_5_percent": fractions["within_5_percent"],
            "points_within_10_percent": fractions["within_10_percent"],
            "visible_points_within_5_percent": self.visible.fractions()["within_5_percent"],
            "by_point_within_5_percent": fractions["by_point_within_5_percent"],
            "left_right_exchanged": _share(self.exchanged, self.told),
            "outside_points": self.outside,
            "outside_absent": _share(self.absent, self.outside),
            "outside_below_0.3": _share(self.unsure, self.outside),
            "visible_at_least_0.3": _share(self.seen, self.inside),
            "matte_iou": float(np.mean(self.overlaps)) if self.overlaps else None,
        }


def _share(count: int, total: int) -> float | None:
    return count / total if total else None


def evaluate_avatars(
    estimator: Estimator, pack: Path, progress: Callable[[int, int], None] | None = None
) -> Mapping[str, object]:
    """Measure an estimator on a pack of avatars; whole pictures go in, and no box of anybody.

    Parameters
    ----------
    estimator : Estimator
    pack : Path
        As `motionwarp dataset avatars --split validation` writes it.
    progress : callable, optional
        Told how many pictures are done, and of how many.

    Returns
    -------
    dict
        Figures over `all`, `by_view` (front, profile, back; of those who are not lying), `by_view_whole` (of those not
        cut by the frame), `by_cut` and `by_group`, and `group_gap`: how far the worst group's points lie below the
        mean.

    Raises
    ------
    InputError
        If this is no pack of avatars.
    """
    reader, truth = PackReader(pack), read_truth(pack)
    every = AvatarTally()
    tables: dict[str, dict[str, AvatarTally]] = {"by_view": {}, "by_view_whole": {}, "by_cut": {}, "by_group": {}}
    for number in range(len(reader)):
        sample = reader[number]
        true_matte = sample.matte.astype(np.float32) / np.float32(255)
        predicted, matte = None, np.zeros_like(true_matte)
        try:
            person = estimator.analyze_picture(sample.rgb)
        except NoPersonError:
            pass
        else:
            predicted, matte = person.pose.points, matte_in_frame(sample.rgb, person)
        cosine, sine, certainty = (float(value) for value in truth.facing[number])
        cut = sample.name.rsplit("/", 1)[-1]
        keys = [("by_cut", cut), ("by_group", group_of(sample.name))]
        if certainty >= _LEAST_CERTAINTY:
            view = view_of(float(np.rad2deg(np.arctan2(sine, cosine))))
            keys += [("by_view", view), ("by_view_whole", view)] if cut == "none" else [("by_view", view)]
        for tally in (every, *(tables[table].setdefault(key, AvatarTally()) for table, key in keys)):
            tally.add(predicted, sample.points, (matte, true_matte))
        if progress is not None:
            progress(number + 1, len(reader))
    result: dict[str, object] = {"all": every.figures()}
    for table, tallies in tables.items():
        result[table] = {key: tallies[key].figures() for key in sorted(tallies)}
    near = [
        float(tally.points.near[0].sum() / max(int(tally.points.total.sum()), 1))
        for tally in tables["by_group"].values()
    ]
    result["group_gap"] = float(np.mean(near) - min(near)) if near else None
    return result
