"""Small pictures and clips of the examples' drawn people: placed, scaled, lit and timed as a test needs them."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from motionwarp.media.image import write_image
from motionwarp.media.reader import open_video
from motionwarp.media.writer import open_writer
from motionwarp.pipeline.analysis import analyze, open_inputs
from motionwarp.pipeline.compositing import cut_out
from motionwarp.pipeline.options import TransferOptions
from motionwarp.pipeline.plan import TransferPlan, plan_transfer
from motionwarp.pipeline.progress import TransferRun
from motionwarp.pipeline.rendering import render_layers
from motionwarp.types import ByteArray, FloatArray


@dataclass(frozen=True)
class Drawn:
    """Pictures of one drawn person with exact points.

    Attributes
    ----------
    frames : list of uint8 (H, W, 3)
    points : float32 (T, 18, 3)
        With a score of 0 outside the pictures, and all 0 where nobody is.
    """

    frames: list[ByteArray]
    points: FloatArray

    @property
    def size(self) -> tuple[int, int]:
        height, width = self.frames[0].shape[:2]
        return width, height

    def part(self, start: int, stop: int, step: int = 1) -> Drawn:
        return Drawn(self.frames[start:stop:step], self.points[start:stop:step])

    def then(self, other: Drawn) -> Drawn:
        return Drawn([*self.frames, *other.frames], np.concatenate([self.points, other.points]))


def example(folder: Path, name: str, height: int, count: int = 1) -> Drawn:
    """Read an example, its first frames with their points, reduced to a height."""
    exact = np.array(json.loads((folder / f"{name}.keypoints18.json").read_text())["frames"][:count], dtype=np.float32)
    if name == "person":
        pictures = [cv2.cvtColor(cv2.imread(str(folder / "person.jpg")), cv2.COLOR_BGR2RGB)]
    else:
        with open_video(folder / f"{name}.mp4") as reader:
            pictures = [frame.rgb for frame, _ in zip(reader, range(count), strict=False)]
    scale = height / pictures[0].shape[0]
    size = round(pictures[0].shape[1] * scale), height
    points = exact * np.array([scale, scale, 1], dtype=np.float32)
    return Drawn([cv2.resize(picture, size, interpolation=cv2.INTER_AREA) for picture in pictures], points)


def person_height(points: FloatArray) -> float:
    return float(np.ptp(points[points[:, 2] > 0, 1]))


def in_frame(drawn: Drawn, size: tuple[int, int], middle: tuple[float, float] = (0.5, 0.5)) -> Drawn:
    """Put pictures into frames of another size, their middle at a share of the frame, edges drawn out."""
    width, height = size
    old_width, old_height = drawn.size
    left, top = round(width * middle[0] - old_width / 2), round(height * middle[1] - old_height / 2)
    shift = np.array([[1, 0, left], [0, 1, top]], dtype=np.float64)
    frames = [
        np.asarray(cv2.warpAffine(picture, shift, size, borderMode=cv2.BORDER_REPLICATE), dtype=np.uint8)
        for picture in drawn.frames
    ]
    points = drawn.points + np.array([left, top, 0], dtype=np.float32)
    outside = (points[..., :2] < 0).any(axis=2) | (points[..., 0] > width - 1) | (points[..., 1] > height - 1)
    points[outside | (drawn.points[..., 2] == 0)] = 0
    return Drawn(frames, points)


def lit(drawn: Drawn, change: str) -> Drawn:
    """Change the light: 'dark' (a mean of 10 of 255), 'underexposed' (gamma), 'bright' or 'blown out'."""
    changes = {
        "dark": lambda level: level * 10 / max(float(np.mean(drawn.frames[0])), 1),
        "underexposed": lambda level: 255 * (level / 255) ** 3,
        "bright": lambda level: 1.8 * level + 10,
        "blown out": lambda level: 10 * level + 60,
    }
    table = np.rint(np.clip(changes[change](np.arange(256, dtype=np.float64)), 0, 255)).astype(np.uint8)
    return replace(drawn, frames=[np.asarray(cv2.LUT(frame, table), dtype=np.uint8) for frame in drawn.frames])


def write_picture(folder: Path, drawn: Drawn) -> tuple[Path, Path]:
    """Write the first picture and its points."""
    folder.mkdir(parents=True, exist_ok=True)
    write_image(folder / "person.png", drawn.frames[0])
    _write_points(folder / "person.json", drawn, 1)
    return folder / "person.png", folder / "person.json"


def write_clip(folder: Path, drawn: Drawn, rate: int = 24, repeats: int = 1) -> tuple[Path, Path]:
    """Write pictures as a clip of `rate` frames a second, every picture `repeats` times, and their points."""
    folder.mkdir(parents=True, exist_ok=True)
    width, height = drawn.size
    with open_writer(folder / "clip.mp4", width=width, height=height, frame_rate=Fraction(rate)) as writer:
        for index, frame in enumerate(frame for frame in drawn.frames for _ in range(repeats)):
            writer.write(frame, index / rate)
    _write_points(folder / "clip.json", drawn, rate)
    return folder / "clip.mp4", folder / "clip.json"


def _write_points(path: Path, drawn: Drawn, rate: int) -> None:
    width, height = drawn.size
    frames = [points.tolist() if points.any() else None for points in drawn.points]
    path.write_text(json.dumps({"width": width, "height": height, "fps": rate, "frames": frames}))


@dataclass(frozen=True)
class Made:
    """What a transfer came to.

    Attributes
    ----------
    plan : TransferPlan
    run : TransferRun
    pictures : list of uint8 (H, W, 3)
    alphas : list of float (H, W)
        Coverage of the person in [0, 1].
    """

    plan: TransferPlan
    run: TransferRun
    pictures: list[ByteArray]
    alphas: list[FloatArray]

    @property
    def targets(self) -> FloatArray:
        return self.plan.target.points


def made(source: Path, driving: Path, options: TransferOptions) -> Made:
    """Run a transfer and keep the person's coverage of every frame."""
    pictures, alphas = [], []
    with TransferRun() as run:
        inputs = open_inputs(source, driving, options)
        plan = plan_transfer(inputs.setup, analyze(inputs, run=run), run=run)
        for frame, layer in render_layers(plan, run=run):
            pictures.append(frame.rgb)
            height, width = frame.rgb.shape[:2]
            alphas.append(cut_out(layer, width, height)[..., 3].astype(np.float32) / 255)
    return Made(plan, run, pictures, alphas)


def covered(alpha: FloatArray, points: FloatArray) -> float:
    """Return the part of the points inside the frame that lie on the person, or a pixel beside."""
    height, width = alpha.shape
    near = cv2.dilate(alpha, np.ones((3, 3), dtype=np.uint8))
    xy = np.rint(points[:, :2]).astype(int)
    inside = (points[:, 2] > 0) & (xy >= 0).all(axis=1) & (xy[:, 0] < width) & (xy[:, 1] < height)
    return float((near[xy[inside, 1], xy[inside, 0]] > 0.5).mean()) if inside.any() else np.nan


def off_place(alpha: FloatArray, points: FloatArray) -> float:
    """Return how far the person's box is off the target points' at its worst side, in heights of the points' box.

    Sides of the points' box outside of the frame are taken to be the frame's.
    """
    height, width = alpha.shape
    rows, columns = (np.flatnonzero((alpha > 0.5).any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return np.inf
    seen = points[points[:, 2] > 0, :2]
    low, high = (
        np.clip(seen.min(axis=0), 0, (width - 1, height - 1)),
        np.clip(seen.max(axis=0), 0, (width - 1, height - 1)),
    )
    box = np.array([[columns[0], rows[0]], [columns[-1], rows[-1]]])
    return float(np.abs(box - np.array([low, high])).max() / max(float(np.ptp(seen[:, 1])), 1))
