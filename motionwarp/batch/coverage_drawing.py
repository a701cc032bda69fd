"""A data set's coverage as one picture: poses, hands' speed, places in the frame, clips a person and a motion."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from motionwarp.batch.coverage import FASTEST, REACH, Coverage
from motionwarp.pose import skeleton as sk
from motionwarp.types import ByteArray

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
    people, motions = (sorted(counts.values(), reverse=True) for counts in (coverage.clips_of_person, coverage.clips_of_motion))
    panels = [
        _poses(coverage),
        _places(coverage),
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
    for index, (name, colour, joints) in enumerate(_GROUPS):
        density = _density(coverage.poses[list(joints)].sum(axis=0), side)
        cloud *= 1 - density[..., None] * (1 - np.array(colour, dtype=np.float32) / 255)
        _write(panel, name, (_WIDTH - 62, 60 + 20 * index))
        cv2.circle(panel, (_WIDTH - 74, 56 + 20 * index), 5, colour, -1, cv2.LINE_AA)
    centre = side // 2
    cv2.drawMarker(cloud, (centre, centre), _INK, cv2.MARKER_CROSS, 10)
    cv2.circle(cloud, (centre, centre), round(side / (2 * REACH)), _PALE, 1, cv2.LINE_AA)
    panel[_MARGIN : _MARGIN + side, _MARGIN : _MARGIN + side] = cloud.astype(np.uint8)
    _write(panel, "circle: one torso", (_WIDTH - 82, _HEIGHT - 16), 0.3)
    return panel


def _places(coverage: Coverage) -> ByteArray:
    panel = _panel("Where the hips lay in the frame")
    side = _HEIGHT - _MARGIN - 14
    density = _density(coverage.places, side)
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
    """Return counts as shades in [0, 1], by their logarithm, so that what is rare is still seen; float32 (side, side)."""
    shades = np.log1p(counts.astype(np.float32))
    shades /= max(float(shades.max()), 1e-6)
    return np.asarray(cv2.resize(shades, (side, side), interpolation=cv2.INTER_NEAREST), dtype=np.float32)
