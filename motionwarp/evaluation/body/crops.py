"""People who are cut by the frame, made so here: which points are called absent, and which are found.

Whole people of photos, clips and rendered pictures are cut at knees, hips and chest; what the picture ends before is
outside, and must not be put anywhere inside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from motionwarp.data.ccp import photo_names, read_photos
from motionwarp.data.pack import PackReader
from motionwarp.data.packing import PackSettings, frames_of_clip
from motionwarp.data.splits import VALIDATION_CLIPS_OF_TIER, Tier
from motionwarp.errors import NoPersonError
from motionwarp.perception.base import Estimator
from motionwarp.pose import skeleton as sk
from motionwarp.types import ByteArray, FloatArray

_SURE: Final = 0.5  # of a label's score
_SHOWN: Final = 0.3  # of a predicted score: below, nothing is drawn and nobody is driven by it
_MARGIN: Final = 0.03  # of the person's height: labels nearer to the cut than this are on neither side
_NEAR: Final = (0.05, 0.1)  # of the whole person's height
_CUTS: Final = {
    "knee": ((sk.RIGHT_KNEE, sk.LEFT_KNEE), -0.02),
    "hip": ((sk.RIGHT_HIP, sk.LEFT_HIP), 0.02),
    "chest": ((sk.RIGHT_SHOULDER, sk.LEFT_SHOULDER), 0.17),
}
"""By name: the points whose mean height is that of the cut, and by how much of the height it lies below them."""


@dataclass(frozen=True, eq=False)
class WholePerson:
    """A picture of a whole person and its labels.

    Attributes
    ----------
    rgb : uint8 (H, W, 3)
    points : float32 (18, 3)
    """

    rgb: ByteArray
    points: FloatArray

    @property
    def height(self) -> float:
        """From the highest to the lowest sure point, pixels."""
        sure = self.points[self.points[:, 2] >= _SURE, 1]
        return float(np.ptp(sure)) if len(sure) else 0.0


@dataclass
class CropTally:
    """Counts over cut pictures.

    Attributes
    ----------
    pictures, found : int
    outside, absent, put_nowhere : int
        Points outside of the frame; those of them with a score below 0.3; those with a score of 0 or outside, too.
    inside, shown : int
        Points inside that a label is sure of, and those of them with a score of at least 0.3.
    near : list of 2 int
        Shown and within 5 and 10 % of the whole person's height.
    """

    pictures: int = 0
    found: int = 0
    outside: int = 0
    absent: int = 0
    put_nowhere: int = 0
    inside: int = 0
    shown: int = 0
    near: tuple[int, int] = (0, 0)

    def add(self, predicted: FloatArray | None, truth: FloatArray, row: int, height: float) -> None:
        """Count a picture that ends before a row; `truth` is that of the whole picture."""
        self.pictures += 1
        self.found += predicted is not None
        sure = truth[:, 2] >= _SURE
        outside = sure & (truth[:, 1] > row + _MARGIN * height)
        inside = sure & (truth[:, 1] < row - _MARGIN * height)
        self.outside += int(outside.sum())
        self.inside += int(inside.sum())
        if predicted is None:
            self.absent += int(outside.sum())
            self.put_nowhere += int(outside.sum())
            return
        scores, within = predicted[:, 2], predicted[:, 1] <= row - 0.5
        self.absent += int((outside & ~(within & (scores >= _SHOWN))).sum())
        self.put_nowhere += int((outside & ~(within & (scores > 0))).sum())
        shown = inside & (scores >= _SHOWN)
        self.shown += int(shown.sum())
        apart = np.linalg.norm(predicted[:, :2] - truth[:, :2], axis=1) / max(height, 1.0)
        self.near = (
            self.near[0] + int((shown & (apart <= _NEAR[0])).sum()),
            self.near[1] + int((shown & (apart <= _NEAR[1])).sum()),
        )

    def figures(self) -> dict[str, object]:
        """Return the shares; None where nothing was counted."""
        return {
            "pictures": self.pictures,
            "person_found": _share(self.found, self.pictures),
            "outside_points": self.outside,
            "outside_absent": _share(self.absent, self.outside),
            "outside_put_nowhere": _share(self.put_nowhere, self.outside),
            "inside_points": self.inside,
            "inside_found": _share(self.shown, self.inside),
            "inside_within_5_percent": _share(self.near[0], self.inside),
            "inside_within_10_percent": _share(self.near[1], self.inside),
        }


def _share(count: int, total: int) -> float | None:
    return count / total if total else None


def cut_row(person: WholePerson, cut: str) -> int | None:
    """Return the row before which a picture ends that cuts a person there; None where that cuts off nothing, or all."""
    points, below = _CUTS[cut]
    if (person.points[list(points), 2] < _SURE).any() or person.height < 32:
        return None
    row = round(float(person.points[list(points), 1].mean()) + below * person.height)
    sure = person.points[person.points[:, 2] >= _SURE, 1]
    margin = _MARGIN * person.height
    if row < 32 or row >= len(person.rgb) or not (sure > row + margin).any() or not (sure < row - margin).any():
        return None
    return row


def evaluate_crops(
    estimator: Estimator,
    data_folder: Path,
    avatars: Path | None,
    *,
    limit: int | None = None,
    progress: Callable[[int, int | None], None] | None = None,
) -> dict[str, object]:
    """Cut whole people at knees, hips and chest, and measure what an estimator makes of it.

    Parameters
    ----------
    estimator : Estimator
    data_folder : Path
        With `ccp` and `video`: validation photos and clips, by a teacher's labels.
    avatars : Path or None
        A pack of avatars, whose labels are exact; those that are cut already are left out.
    limit : int, optional
        People of each kind, spread over all; each is cut three times.
    progress : callable, optional
        Told how many pictures are done, and of how many if that is known.

    Returns
    -------
    dict
        By kind (`photos`, `clips`, `avatars`): by cut, and over all of them.
    """
    kinds: dict[str, Iterator[WholePerson]] = {
        "photos": _photos(data_folder / "ccp", limit),
        "clips": _frames(data_folder / "video", limit),
    }
    if avatars is not None:
        kinds["avatars"] = _avatars(avatars, limit)
    return {kind: measure_crops(estimator, people, progress) for kind, people in kinds.items()}


def measure_crops(
    estimator: Estimator, people: Iterable[WholePerson], progress: Callable[[int, int | None], None] | None = None
) -> dict[str, dict[str, object]]:
    """Cut people and return the figures by cut, and over all of them."""
    tallies = {name: CropTally() for name in ("all", *_CUTS)}
    for person in people:
        for cut in _CUTS:
            row = cut_row(person, cut)
            if row is None:
                continue
            predicted = _seen(estimator, person.rgb[:row])
            for name in ("all", cut):
                tallies[name].add(predicted, person.points, row, person.height)
            if progress is not None:
                progress(tallies["all"].pictures, None)
    return {name: tally.figures() for name, tally in tallies.items()}


def _seen(estimator: Estimator, rgb: ByteArray) -> FloatArray | None:
    try:
        return estimator.analyze_picture(np.ascontiguousarray(rgb)).pose.points
    except NoPersonError:
        return None


def _spread(count: int, limit: int | None) -> list[int]:
    if limit is None or limit >= count:
        return list(range(count))
    return [int(number) for number in np.linspace(0, count - 1, limit).round()]


def _photos(folder: Path, limit: int | None) -> Iterator[WholePerson]:
    names = photo_names(folder, "validation")
    chosen = [names[number] for number in _spread(len(names), limit)]
    for photo in read_photos(folder, chosen):
        yield WholePerson(photo.rgb, photo.pose.points)


def _frames(folder: Path, limit: int | None) -> Iterator[WholePerson]:
    """Yield frames of validation clips; two a second, and of all clips together about as many as asked for."""
    tiers: tuple[Tier, ...] = ("first", "B")
    clips = [clip for tier in tiers for clip in VALIDATION_CLIPS_OF_TIER[tier]]
    settings = PackSettings(height=720, margin=10.0, frame_rate=2.0)
    each = None if limit is None else -(-limit // len(clips))
    for clip in clips:
        for number, frame in enumerate(frames_of_clip(folder, clip, settings)):
            if each is not None and number >= each:
                break
            yield WholePerson(frame.rgb, frame.points)


def _avatars(pack: Path, limit: int | None) -> Iterator[WholePerson]:
    reader = PackReader(pack)
    whole = [number for number, name in enumerate(reader.names) if name.endswith("/none")]
    for index in _spread(len(whole), limit):
        sample = reader[whole[index]]
        yield WholePerson(sample.rgb, sample.points)
