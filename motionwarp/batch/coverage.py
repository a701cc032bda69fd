"""What a data set covers: whose clips, which motions, which poses, how fast, from which sides, where in the frame."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from motionwarp.batch.clip_reading import ClipReader
from motionwarp.batch.manifest import done_rows, read_manifest
from motionwarp.batch.storage import Storage
from motionwarp.errors import InputError
from motionwarp.pose import skeleton as sk
from motionwarp.types import FloatArray, PoseTrack

REACH: Final = 3.5  # torso lengths to each side of the hips' middle that the map of poses shows
CELLS: Final = 56
FRAME_CELLS: Final = 32
FASTEST: Final = 8.0  # torso lengths a second at which the histogram of speeds ends
SPEED_BINS: Final = 32
_SEEN: Final = 0.1
_TORSO: Final = (sk.NECK, sk.RIGHT_HIP, sk.LEFT_HIP)
_HANDS: Final = (sk.RIGHT_WRIST, sk.LEFT_WRIST)
# the shoulders' width over the torso's length below which a body is seen from the side
_PROFILE: Final = 0.35

Counts = npt.NDArray[np.int64]


@dataclass
class Coverage:
    """Counts over all clips that were made.

    Attributes
    ----------
    clips_of_person, clips_of_motion : Counter of str
    frames : int
    seconds : float
    poses : int64 (18, CELLS, CELLS)
        How often each point lay in each cell around the middle of the hips, upright, in torso lengths, `REACH` to each side.
    speeds : int64 (SPEED_BINS,)
        Of the wrists, in torso lengths a second up to `FASTEST`; the last bin holds what is faster.
    places : int64 (FRAME_CELLS, FRAME_CELLS)
        How often the middle of the hips lay in each cell of the frame.
    views : Counter of str
        Frames seen from the 'front', 'back' and 'side', by the shoulders.
    """

    clips_of_person: Counter[str] = field(default_factory=Counter)
    clips_of_motion: Counter[str] = field(default_factory=Counter)
    frames: int = 0
    seconds: float = 0.0
    poses: Counts = field(default_factory=lambda: np.zeros((18, CELLS, CELLS), dtype=np.int64))
    speeds: Counts = field(default_factory=lambda: np.zeros(SPEED_BINS, dtype=np.int64))
    places: Counts = field(default_factory=lambda: np.zeros((FRAME_CELLS, FRAME_CELLS), dtype=np.int64))
    views: Counter[str] = field(default_factory=Counter)

    def add(self, track: PoseTrack, person: str, motion: str, seconds: float) -> None:
        """Count one clip."""
        self.clips_of_person[person] += 1
        self.clips_of_motion[motion] += 1
        self.frames += len(track)
        self.seconds += seconds
        points = track.points
        usable = track.present & (points[:, _TORSO, 2] >= _SEEN).all(axis=1)
        middle, torso = _bodies(points)
        usable &= torso > 1
        self._add_poses(points[usable], middle[usable], torso[usable])
        self._add_places(middle[usable] / np.array([track.width, track.height]))
        self._add_views(points[usable], torso[usable])
        self._add_speeds(track, usable, torso)

    def _add_poses(self, points: FloatArray, middle: FloatArray, torso: FloatArray) -> None:
        around = (points[..., :2] - middle[:, None]) / torso[:, None, None]
        cells = np.floor((around + REACH) / (2 * REACH) * CELLS).astype(int)  # (T, 18, 2)
        inside = (points[..., 2] >= _SEEN) & (cells >= 0).all(axis=-1) & (cells < CELLS).all(axis=-1)
        frames, joints = np.nonzero(inside)
        np.add.at(self.poses, (joints, cells[frames, joints, 1], cells[frames, joints, 0]), 1)

    def _add_places(self, shares: FloatArray) -> None:
        cells = np.floor(shares * FRAME_CELLS).astype(int)
        inside = ((cells >= 0) & (cells < FRAME_CELLS)).all(axis=1)
        np.add.at(self.places, (cells[inside, 1], cells[inside, 0]), 1)

    def _add_views(self, points: FloatArray, torso: FloatArray) -> None:
        both = (points[:, [sk.RIGHT_SHOULDER, sk.LEFT_SHOULDER], 2] >= _SEEN).all(axis=1)
        # a person's own left shoulder is to the right of a picture from the front
        across = (points[both, sk.LEFT_SHOULDER, 0] - points[both, sk.RIGHT_SHOULDER, 0]) / torso[both]
        for name, count in (
            ("front", (across >= _PROFILE).sum()), ("back", (across <= -_PROFILE).sum()), ("side", (np.abs(across) < _PROFILE).sum()),
        ):  # fmt: skip
            self.views[name] += int(count)

    def _add_speeds(self, track: PoseTrack, usable: npt.NDArray[np.bool_], torso: FloatArray) -> None:
        steps = np.diff(track.times_seconds)
        joined = usable[1:] & usable[:-1] & (steps > 0)
        joined[[cut - 1 for cut in track.cuts]] = False
        for hand in _HANDS:
            both = joined & (track.points[1:, hand, 2] >= _SEEN) & (track.points[:-1, hand, 2] >= _SEEN)
            moved = np.linalg.norm(np.diff(track.points[:, hand, :2], axis=0), axis=1)
            speeds = moved[both] / torso[1:][both] / steps[both]
            bins = np.minimum((speeds / FASTEST * SPEED_BINS).astype(int), SPEED_BINS - 1)
            np.add.at(self.speeds, bins, 1)

    def figures(self) -> dict[str, Any]:
        """Return what can be told in numbers.

        Returns
        -------
        dict
            Counts of clips, frames, hours; least, median and most clips of a person and of a motion; the share of cells within 2
            torso lengths that wrists and ankles have reached; the median and 95th percentile of the wrists' speed; views.
        """
        return {
            "clips": sum(self.clips_of_person.values()),
            "frames": self.frames,
            "hours": self.seconds / 3600,
            "people": _spread(self.clips_of_person),
            "motions": _spread(self.clips_of_motion),
            "reached_by_wrists": self._reached(_HANDS),
            "reached_by_ankles": self._reached((sk.RIGHT_ANKLE, sk.LEFT_ANKLE)),
            "wrist_speed_median": self._speed(0.5),
            "wrist_speed_95_percent": self._speed(0.95),
            "views": {name: self.views[name] / max(sum(self.views.values()), 1) for name in ("front", "side", "back")},
        }

    def _reached(self, joints: Sequence[int]) -> float:
        centres = (np.arange(CELLS) + 0.5) / CELLS * 2 * REACH - REACH
        near = np.hypot(centres[:, None], centres[None]) <= 2.0
        return float((self.poses[list(joints)].sum(axis=0) > 0)[near].mean())

    def _speed(self, share: float) -> float | None:
        """Return a quantile of the wrists' speed to the middle of its bin; None without any."""
        total = self.speeds.sum()
        if total == 0:
            return None
        place = int(np.searchsorted(np.cumsum(self.speeds), share * total))
        return (place + 0.5) * FASTEST / SPEED_BINS


def measure_coverage(storage: Storage, *, progress: Callable[[str, int, int | None], None] | None = None) -> Coverage:
    """Count over a data set.

    Raises
    ------
    InputError
        If there is no manifest, not one clip was made, or a clip cannot be read.
    """
    rows = done_rows(read_manifest(storage))
    if not rows:
        raise InputError("not one clip was made", subject=storage.root, remedy="See the errors in its manifest")
    coverage = Coverage()
    for done, row in enumerate(rows, start=1):
        coverage.add(ClipReader(storage, row["id"]).track(), row["source"], row["driving"], row["seconds"])
        if progress is not None:
            progress("stats", done, len(rows))
    return coverage


def _bodies(points: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the hips' middle (T, 2) and the torso's length (T,) of poses."""
    middle = points[:, [sk.RIGHT_HIP, sk.LEFT_HIP], :2].mean(axis=1)
    return middle, np.linalg.norm(points[:, sk.NECK, :2] - middle, axis=1)


def _spread(counts: Counter[str]) -> dict[str, float]:
    values = sorted(counts.values())
    return {"count": len(values), "least": values[0], "median": float(np.median(values)), "most": values[-1]}
