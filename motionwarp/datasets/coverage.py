"""What a data set covers: whose clips, which motions, which poses, how fast, from which sides, where in the frame."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from motionwarp.datasets.clip_reader import ClipReader
from motionwarp.datasets.manifest import done_rows, read_manifest
from motionwarp.datasets.storage.base import Storage
from motionwarp.errors import InputError
from motionwarp.pose import skeleton as sk
from motionwarp.types import ByteArray, FloatArray, PoseTrack

REACH: Final = 3.5  # torso lengths to each side of the hips' middle that the map of poses shows
CELLS: Final = 56
FRAME_CELLS: Final = 32
FASTEST: Final = 8.0  # torso lengths a second at which the histogram of speeds ends
SPEED_BINS: Final = 32
_VISIBLE: Final = 0.1
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
        How often each point lay in each cell around the middle of the hips, upright, in torso lengths, `REACH` to each
        side.
    speeds : int64 (SPEED_BINS,)
        Speeds of the wrists, in torso lengths a second up to `FASTEST`; the last bin holds what is faster.
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
    positions: Counts = field(default_factory=lambda: np.zeros((FRAME_CELLS, FRAME_CELLS), dtype=np.int64))
    views: Counter[str] = field(default_factory=Counter)

    def add(self, track: PoseTrack, person: str, motion: str, seconds: float) -> None:
        """Count one clip."""
        self.clips_of_motion[motion] += 1
        self.frames += len(track)
        self.seconds += seconds
        self.add_person(track, person)

    def add_person(self, track: PoseTrack, person: str) -> None:
        """Count one of the people in a clip."""
        self.clips_of_person[person] += 1
        points = track.points
        usable = track.present & (points[:, _TORSO, 2] >= _VISIBLE).all(axis=1)
        middle, torso = _bodies(points)
        usable &= torso > 1
        self._add_poses(points[usable], middle[usable], torso[usable])
        self._add_positions(middle[usable] / np.array([track.width, track.height]))
        self._add_views(points[usable], torso[usable])
        self._add_speeds(track, usable, torso)

    def _add_poses(self, points: FloatArray, middle: FloatArray, torso: FloatArray) -> None:
        around = (points[..., :2] - middle[:, None]) / torso[:, None, None]
        cells = np.floor((around + REACH) / (2 * REACH) * CELLS).astype(int)  # (T, 18, 2)
        inside = (points[..., 2] >= _VISIBLE) & (cells >= 0).all(axis=-1) & (cells < CELLS).all(axis=-1)
        frames, joints = np.nonzero(inside)
        np.add.at(self.poses, (joints, cells[frames, joints, 1], cells[frames, joints, 0]), 1)

    def _add_positions(self, shares: FloatArray) -> None:
        cells = np.floor(shares * FRAME_CELLS).astype(int)
        inside = ((cells >= 0) & (cells < FRAME_CELLS)).all(axis=1)
        np.add.at(self.positions, (cells[inside, 1], cells[inside, 0]), 1)

    def _add_views(self, points: FloatArray, torso: FloatArray) -> None:
        both = (points[:, [sk.RIGHT_SHOULDER, sk.LEFT_SHOULDER], 2] >= _VISIBLE).all(axis=1)
        # a person's own left shoulder is to the right of a picture from the front
        across = (points[both, sk.LEFT_SHOULDER, 0] - points[both, sk.RIGHT_SHOULDER, 0]) / torso[both]
        for name, count in (
            ("front", (across >= _PROFILE).sum()), ("back", (across <= -_PROFILE).sum()),
            ("side", (np.abs(across) < _PROFILE).sum()),
        ):  # fmt: skip
            self.views[name] += int(count)

    def _add_speeds(self, track: PoseTrack, usable: npt.NDArray[np.bool_], torso: FloatArray) -> None:
        steps = np.diff(track.times_seconds)
        joined = usable[1:] & usable[:-1] & (steps > 0)
        joined[[cut - 1 for cut in track.cuts]] = False
        for hand in _HANDS:
            both = joined & (track.points[1:, hand, 2] >= _VISIBLE) & (track.points[:-1, hand, 2] >= _VISIBLE)
            moved = np.linalg.norm(np.diff(track.points[:, hand, :2], axis=0), axis=1)
            speeds = moved[both] / torso[1:][both] / steps[both]
            bins = np.minimum((speeds / FASTEST * SPEED_BINS).astype(int), SPEED_BINS - 1)
            np.add.at(self.speeds, bins, 1)

    def statistics(self) -> dict[str, Any]:
        """Return what can be told in numbers.

        Returns
        -------
        dict
            Counts of clips, frames, hours; least, median and most clips of a person and of a motion; the share of cells
            within 2 torso lengths that wrists and ankles have reached; the median and 95th percentile of the wrists'
            speed; views.
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
        centers = (np.arange(CELLS) + 0.5) / CELLS * 2 * REACH - REACH
        near = np.hypot(centers[:, None], centers[None]) <= 2.0
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
        clip = ClipReader(storage, row["id"])
        coverage.add(clip.track(), row["source"], row["driving"], row["seconds"])
        for number, cast in enumerate(clip.record.cast, start=1):
            coverage.add_person(clip.track(number), cast["source"])
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


_WIDTH: Final = 420
_HEIGHT: Final = 330
_MARGIN: Final = 36
_INK: Final = (40, 40, 40)
_PALE: Final = (205, 205, 205)
_BAR: Final = (70, 120, 180)
_GROUPS: Final = (
    ("head", (230, 140, 30), sk.HEAD_POINTS),
    ("hands", (30, 110, 210), (sk.RIGHT_ELBOW, sk.RIGHT_WRIST, sk.LEFT_ELBOW, sk.LEFT_WRIST)),
    ("feet", (30, 150, 70), (sk.RIGHT_KNEE, sk.RIGHT_ANKLE, sk.LEFT_KNEE, sk.LEFT_ANKLE)),
)


def draw_coverage(coverage: Coverage) -> ByteArray:
    """Return the picture, uint8 (H, W, 3)."""
    people, motions = (
        sorted(counts.values(), reverse=True) for counts in (coverage.clips_of_person, coverage.clips_of_motion)
    )
    panels = [
        _poses(coverage),
        _positions(coverage),
        _bars("Speed of the wrists, torso lengths a second", coverage.speeds.tolist(), "0", f"{FASTEST:g} and more"),
        _views(coverage),
        _bars(f"Clips of each of {len(people)} people", people, "most", "least"),
        _bars(f"Clips of each of {len(motions)} motions", motions, "most", "least"),
    ]
    rows = [np.hstack(panels[start : start + 2]) for start in range(0, len(panels), 2)]
    return np.vstack(rows)


def _panel(title: str) -> ByteArray:
    panel = np.full((_HEIGHT, _WIDTH, 3), 255, dtype=np.uint8)
    _write(panel, title, (_MARGIN // 2, 22))
    return panel


def _write(panel: ByteArray, text: str, place: tuple[int, int], scale: float = 0.42) -> None:
    cv2.putText(panel, text, place, cv2.FONT_HERSHEY_SIMPLEX, scale, _INK, 1, cv2.LINE_AA)


def _poses(coverage: Coverage) -> ByteArray:
    panel = _panel("Where points lay around the hips")
    side = _HEIGHT - _MARGIN - 14
    cloud = np.full((side, side, 3), 255, dtype=np.float32)
    for index, (name, color, joints) in enumerate(_GROUPS):
        density = _density(coverage.poses[list(joints)].sum(axis=0), side)
        cloud *= 1 - density[..., None] * (1 - np.array(color, dtype=np.float32) / 255)
        _write(panel, name, (_WIDTH - 62, 60 + 20 * index))
        cv2.circle(panel, (_WIDTH - 74, 56 + 20 * index), 5, color, -1, cv2.LINE_AA)
    center = side // 2
    cv2.drawMarker(cloud, (center, center), _INK, cv2.MARKER_CROSS, 10)
    cv2.circle(cloud, (center, center), round(side / (2 * REACH)), _PALE, 1, cv2.LINE_AA)
    panel[_MARGIN : _MARGIN + side, _MARGIN : _MARGIN + side] = cloud.astype(np.uint8)
    _write(panel, "circle: one torso", (_WIDTH - 82, _HEIGHT - 16), 0.3)
    return panel


def _positions(coverage: Coverage) -> ByteArray:
    panel = _panel("Where the hips lay in the frame")
    side = _HEIGHT - _MARGIN - 14
    density = _density(coverage.positions, side)
    shades = 255 - density[..., None] * (255 - np.array(_BAR, dtype=np.float32))
    left = (_WIDTH - side) // 2
    panel[_MARGIN : _MARGIN + side, left : left + side] = shades.astype(np.uint8)
    cv2.rectangle(panel, (left, _MARGIN), (left + side - 1, _MARGIN + side - 1), _PALE, 1)
    return panel


def _views(coverage: Coverage) -> ByteArray:
    names = ("front", "side", "back")
    panel = _bars("Views, by the shoulders", [coverage.views[name] for name in names], "", "")
    for index, name in enumerate(names):
        _write(panel, name, (_MARGIN + round((_WIDTH - 2 * _MARGIN) * (index + 0.36) / 3), _HEIGHT - 14))
    return panel


def _bars(title: str, values: Sequence[int], first: str, last: str) -> ByteArray:
    panel = _panel(title)
    bottom, top, across = _HEIGHT - 32, _MARGIN + 10, _WIDTH - 2 * _MARGIN
    cv2.line(panel, (_MARGIN, bottom), (_MARGIN + across, bottom), _PALE, 1)
    if values and max(values) > 0:
        # more bars than pixels: each column of pixels shows the largest of its bars
        columns = min(len(values), across)
        shown = [max(part) for part in np.array_split(np.asarray(values), columns)]
        for index, value in enumerate(shown):
            left, right = (_MARGIN + round(across * edge / columns) for edge in (index, index + 1))
            # what is there is seen, however little it is; what is not leaves nothing
            height = max(round((bottom - top) * float(value) / max(values)), 1) if value else 0
            panel[bottom - height : bottom, left : max(right - 1, left + 1)] = _BAR
        _write(panel, str(max(values)), (4, top + 5), 0.32)
    _write(panel, first, (_MARGIN, _HEIGHT - 14), 0.34)
    size = cv2.getTextSize(last, cv2.FONT_HERSHEY_SIMPLEX, 0.34, 1)[0][0]
    _write(panel, last, (_WIDTH - _MARGIN - size, _HEIGHT - 14), 0.34)
    return panel


def _density(counts: npt.NDArray[np.int64], side: int) -> npt.NDArray[np.float32]:
    """Return counts as shades in [0, 1], by their logarithm, so that what is rare is still seen.

    Float32 (side, side).
    """
    shades = np.log1p(counts.astype(np.float32))
    shades /= max(float(shades.max()), 1e-6)
    return np.asarray(cv2.resize(shades, (side, side), interpolation=cv2.INTER_NEAREST), dtype=np.float32)
