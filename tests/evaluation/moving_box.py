"""A person who is a red box: everything about it is known, so results of protocols can be foretold."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from motionwarp.engines.base import Engine, Motion, RenderSettings
from motionwarp.errors import NoPersonError
from motionwarp.parsing.labels import UPPER_CLOTHES
from motionwarp.perception.base import Observation
from motionwarp.perception.inference import Predictions
from motionwarp.perception.selection import LARGEST, PersonChoice
from motionwarp.types import FloatArray, Frame, Person, PersonCrop, PersonLayer, Pose, SourcePerson

WIDTH, HEIGHT = 240, 160
BOX = (32, 96)  # width, height
TOP = 40
RED = (230, 20, 20)
# where the 18 points lie in the box, as shares of its width and height: a stick metric, the neck at a fixed place
PLACES = np.array(
    [
        (0.5, 0.05), (0.5, 0.2), (0.2, 0.2), (0.1, 0.4), (0.1, 0.6), (0.8, 0.2), (0.9, 0.4), (0.9, 0.6), (0.35, 0.55),
        (0.35, 0.75), (0.35, 0.98), (0.65, 0.55), (0.65, 0.75), (0.65, 0.98), (0.45, 0.03), (0.55, 0.03), (0.4, 0.05),
        (0.6, 0.05),
    ],
    dtype=np.float32,
)  # fmt: skip


def points_of(left: float, top: float, width: float, height: float) -> FloatArray:
    """The points of a box given by its outer corners."""
    points = np.ones((18, 3), dtype=np.float32)
    points[:, :2] = PLACES * (width, height) + (left - 0.5, top - 0.5)
    return points


def red(rgb: np.ndarray) -> np.ndarray:
    return (rgb[..., 0] > 180) & (rgb[..., 1] < 90)


def box_in(rgb: np.ndarray) -> tuple[int, int, int, int] | None:
    mask = red(rgb)
    if not mask.any():
        return None
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return int(columns[0]), int(rows[0]), int(columns[-1] + 1 - columns[0]), int(rows[-1] + 1 - rows[0])


def scene(left: int | None) -> np.ndarray:
    """A picture with a shaded background and the box at column `left`."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    rgb = np.dstack([rows // 2 + 30, columns // 3 + 40, (rows + columns) // 4 + 60]).astype(np.uint8)
    if left is not None:
        rgb[TOP : TOP + BOX[1], max(left, 0) : left + BOX[0]] = RED
    return rgb


def write_clip(folder: Path, lefts: Sequence[int | None], *, labeled: bool = True, name: str = "box") -> Path:
    """Write a clip, and beside it its points and mattes."""
    path = folder / f"{name}.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(10))
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv444p"
        stream.options = {"crf": "1"}
        for left in lefts:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(scene(left), format="rgb24")))
        container.mux(stream.encode(None))
    if labeled:
        frames = [None if left is None else points_of(left, TOP, *BOX).tolist() for left in lefts]
        content = {"file": path.name, "width": WIDTH, "height": HEIGHT, "fps": 10.0, "frames": frames}
        (folder / f"{name}.keypoints18.json").write_text(json.dumps(content), encoding="utf-8")
        (folder / f"{name}.mattes").mkdir(exist_ok=True)
        for index, left in enumerate(lefts):
            matte = np.zeros((HEIGHT, WIDTH), np.uint8)
            if left is not None:
                matte[TOP : TOP + BOX[1], max(left, 0) : left + BOX[0]] = 255
            cv2.imwrite(str(folder / f"{name}.mattes" / f"{index:05d}.png"), matte)
    return path


class BoxReader:
    """Finds the red box in pictures, as the analyzer finds points in crops."""

    def __call__(self, pictures: np.ndarray, dense: bool) -> Predictions:
        points = np.zeros((len(pictures), 18, 3), np.float32)
        for index, picture in enumerate(pictures):
            box = box_in(picture)
            if box is not None:
                points[index] = points_of(*box)
        return Predictions(points)


class BoxEstimator:
    """Sees the red box; tells points that are `off` pixels too far to the right."""

    name = "box"

    def __init__(self, off: float = 0.0) -> None:
        self.off = off

    def find_people(self, rgb: np.ndarray) -> list[Person]:
        box = box_in(rgb)
        if box is None:
            return []
        points = points_of(*box)
        points[:, 0] += self.off
        mask = red(rgb)
        height, width = mask.shape
        crop = PersonCrop(0, 0, 1.0, width=width, height=height)
        return [Person(Pose(points), crop, (mask * UPPER_CLOTHES).astype(np.uint8), mask.astype(np.float32))]

    def analyze_picture(
        self, rgb: np.ndarray, choice: PersonChoice = LARGEST, *, given_pose: Pose | None = None
    ) -> Person:
        people = self.find_people(rgb)
        if not people:
            raise NoPersonError("nobody")
        seen = people[0]
        return seen if given_pose is None else Person(given_pose, seen.crop, seen.parsing, seen.matte)

    def follow(
        self, frames: Iterable[Frame], choice: PersonChoice = LARGEST, *, dense: bool = False
    ) -> Iterator[Observation]:
        for frame in frames:
            people = self.find_people(frame.rgb)
            yield Observation(frame, people[0] if people else None)


class BoxEngine(Engine):
    """Draws the box where the points say, with the source's mean color: a perfect engine for this person."""

    name = "box"

    def __init__(self) -> None:
        self.planned = 0

    def prepare(self, source: SourcePerson, settings: RenderSettings) -> None:
        self.settings = settings
        self.source = source
        self.color = source.rgb[source.matte > 0.99].mean(axis=0)

    def plan(self, motion: Motion) -> FloatArray:
        """The box's left, top, width and height, from points whose places in it are known."""
        self.planned += len(motion)
        low, high = motion.points[:, :, :2].min(axis=1), motion.points[:, :, :2].max(axis=1)
        share_low, share_high = PLACES.min(axis=0), PLACES.max(axis=0)
        size = (high - low) / (share_high - share_low)
        return np.concatenate([low + 0.5 - share_low * size, size], axis=1).astype(np.float32)

    def render(self, motion: Motion, theta: FloatArray) -> list[PersonLayer]:
        return [self._layer(*map(float, row)) for row in theta]

    def _layer(self, left: float, top: float, width: float, height: float) -> PersonLayer:
        rows = _coverage(self.settings.height, top, height)
        columns = _coverage(self.settings.width, left, width)
        alpha = rows[:, None] * columns[None]
        rgba = np.dstack([alpha[..., None] * self.color, alpha * 255])
        return PersonLayer(np.rint(rgba).astype(np.uint8), 0, 0)


def _coverage(count: int, start: float, length: float) -> np.ndarray:
    """The share of each of `count` pixels that an interval covers."""
    edges = np.arange(count)
    return np.clip(np.minimum(edges + 1, start + length) - np.maximum(edges, start), 0, 1)
