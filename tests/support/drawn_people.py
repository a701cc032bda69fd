"""Drawn figures, and a reader that recognizes them by the colors of their points.

The reader behaves as the network is trained to: it reads the person in the middle, who must be upright, not far off the
middle and not tiny; it sees only what the picture shows.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

from motionwarp.perception.inference import Predictions
from motionwarp.pose import skeleton

GRAY = 90
# of a standing figure, in torso lengths from the neck; the head is drawn large, so that its points stay apart
STANDING = np.array(
    [
        (0, -0.45), (0, 0),
        (-0.38, 0.02), (-0.5, 0.5), (-0.55, 0.95),
        (0.38, 0.02), (0.5, 0.5), (0.55, 0.95),
        (-0.22, 1.0), (-0.25, 1.75), (-0.27, 2.5),
        (0.22, 1.0), (0.25, 1.75), (0.27, 2.5),
        (-0.17, -0.6), (0.17, -0.6), (-0.34, -0.45), (0.34, -0.45),
    ],
    dtype=np.float32,
)  # fmt: skip


@dataclass(frozen=True)
class Clothes:
    """What a figure wears, RGB."""

    torso: tuple[int, int, int]
    legs: tuple[int, int, int]


RED = Clothes((170, 40, 40), (40, 40, 60))
GREEN = Clothes((40, 140, 50), (150, 140, 110))
BLUE = Clothes((50, 60, 150), (200, 200, 200))


@dataclass(frozen=True)
class Figure:
    """One drawn person of one frame."""

    number: int
    x: float  # of the neck
    y: float
    torso: float = 80.0
    clothes: Clothes = RED
    turned_degrees: float = 0.0
    arms_degrees: float = 0.0

    def points(self) -> np.ndarray:
        body = STANDING.copy()
        for shoulder, elbow, wrist, side in ((2, 3, 4, 1), (5, 6, 7, -1)):
            arm = np.deg2rad(self.arms_degrees * side)
            rotation = np.array([[np.cos(arm), -np.sin(arm)], [np.sin(arm), np.cos(arm)]])
            for index in (elbow, wrist):
                body[index] = body[shoulder] + rotation @ (STANDING[index] - STANDING[shoulder])
        turn = np.deg2rad(self.turned_degrees)
        rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        xy = (body @ rotation.T) * self.torso + (self.x, self.y)
        return np.concatenate([xy, np.ones((18, 1))], axis=1).astype(np.float32)


def draw(figures: list[Figure], width: int = 640, height: int = 360) -> np.ndarray:
    """Draw figures over gray, the first one farthest away, uint8 (height, width, 3)."""
    picture = np.full((height, width, 3), GRAY, dtype=np.uint8)
    for figure in figures:
        xy = np.round(figure.points()[:, :2]).astype(int)
        thick = max(round(0.22 * figure.torso), 1)
        for a, b in ((8, 9), (9, 10), (11, 12), (12, 13)):
            cv2.line(picture, xy[a].tolist(), xy[b].tolist(), figure.clothes.legs, thick)
        for a, b in ((2, 3), (3, 4), (5, 6), (6, 7)):
            cv2.line(picture, xy[a].tolist(), xy[b].tolist(), (150, 120, 100), max(thick // 2, 1))
        cv2.fillConvexPoly(picture, xy[[2, 5, 11, 8]], figure.clothes.torso)
        cv2.circle(picture, xy[0].tolist(), round(0.45 * figure.torso), (150, 120, 100), -1)
        for index in range(18):
            radius = max(round(0.075 * figure.torso), 2)
            cv2.circle(picture, xy[index].tolist(), radius, code(figure.number, index), -1)
    return picture


def code(number: int, index: int) -> tuple[int, int, int]:
    """Return the color that marks a point of a figure: blue at its highest is used by nothing else."""
    return 30 + 12 * index, 20 + 40 * number, 255


@dataclass
class DotReader:
    """Recognizes drawn figures; counts what it reads and can be told to make mistakes.

    Attributes
    ----------
    swapped_legs : set of int
        Numbers of pictures, counted over all calls, in which it exchanges left and right legs.
    """

    any_direction: bool = False
    swapped_legs: set[int] = field(default_factory=set)
    read: int = 0
    calls: int = 0

    def __call__(self, pictures: np.ndarray, dense: bool) -> Predictions:
        assert pictures.dtype == np.uint8
        assert pictures.shape[1:] == (256, 192, 3)
        self.calls += 1
        points = np.stack([self._points(picture) for picture in pictures])
        if not dense:
            return Predictions(points)
        mattes = np.stack([self._matte(picture) for picture in pictures])
        return Predictions(points, (mattes > 0.5).astype(np.uint8) * 5, mattes)

    def _points(self, picture: np.ndarray) -> np.ndarray:
        number_of_picture, self.read = self.read, self.read + 1
        nobody = np.zeros((18, 3), dtype=np.float32)
        best, best_offset = nobody, np.inf
        for points in _figure_points(picture).values():
            seen = points[:, 2] > 0
            if seen.sum() < 5:
                continue
            xy = points[seen, :2]
            span = np.ptp(xy, axis=0)
            offset = np.abs((xy.min(axis=0) + xy.max(axis=0)) / 2 - (95.5, 127.5)) / (192, 256)
            if (
                max(span[0] / 192, span[1] / 256) < 0.22
                or offset.max() > 0.3
                or not (self.any_direction or _upright(points))
            ):
                continue
            if offset.max() < best_offset:
                best, best_offset = points, offset.max()
        if number_of_picture in self.swapped_legs:
            best = best.copy()
            best[[8, 9, 10, 11, 12, 13]] = best[[11, 12, 13, 8, 9, 10]]
        return best

    @staticmethod
    def _matte(picture: np.ndarray) -> np.ndarray:
        far = np.abs(picture.astype(int) - GRAY).max(axis=2) > 25
        outside = np.abs(picture.astype(int) - 127).max(axis=2) < 4
        return cv2.resize((far & ~outside).astype(np.float32), (96, 128), interpolation=cv2.INTER_AREA)


def _figure_points(picture: np.ndarray) -> dict[int, np.ndarray]:
    """Return the points of every figure whose marks show, by its number."""
    rows, columns = np.nonzero(picture[..., 2] >= 251)
    red, green = picture[rows, columns, 0].astype(int) - 30, picture[rows, columns, 1].astype(int) - 20
    indices, numbers = (red + 6) // 12, (green + 20) // 40
    clean = (np.abs(red - 12 * indices) <= 4) & (np.abs(green - 40 * numbers) <= 4) & (indices < 18) & (indices >= 0)
    figures: dict[int, np.ndarray] = {}
    for number in np.unique(numbers[clean]):
        figures[int(number)] = points = np.zeros((18, 3), dtype=np.float32)
        for index in range(18):
            here = clean & (numbers == number) & (indices == index)
            if here.sum() >= 2:
                x, y = columns[here], rows[here]
                # where dots of two points touch, their mixed edge has the color of a third one
                near = np.hypot(x - np.median(x), y - np.median(y)) < 6
                if near.any():
                    points[index] = x[near].mean(), y[near].mean(), 0.95
    return figures


def _upright(points: np.ndarray) -> bool:
    seen = points[:, 2] > 0
    head = [index for index in (*skeleton.HEAD_POINTS, skeleton.NECK) if seen[index]]
    body = [index for index in (8, 9, 10, 11, 12, 13, 3, 6) if seen[index]]
    if not head or not body:
        return True
    down = points[body, :2].mean(axis=0) - points[head, :2].mean(axis=0)
    return bool(down[1] > 0.5 * np.hypot(*down))
