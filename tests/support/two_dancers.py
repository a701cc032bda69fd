"""A clip of two real dancers who cross, put together from two clips of one dancer each and their mattes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from motionwarp.media.reader import open_video
from motionwarp.media.writer import open_writer

WIDTH, HEIGHT, RATE = 720, 480, 10


@dataclass(frozen=True, eq=False)
class Duo:
    """A clip, and where both dancers are in it.

    Attributes
    ----------
    path : Path
    points : float32 (2, T, 18, 3)
        In pixels of the clip: the near dancer's, then the far one's.
    """

    path: Path
    points: np.ndarray[Any, Any]


def make_duo(folder: Path, data: Path, near: str, far: str, count: int = 36) -> Duo:
    """Let the dancer of one clip cross before that of another, on a plain ground.

    Parameters
    ----------
    folder : Path
        Where to write `duo.mp4`.
    data : Path
        The shared data's `video`.
    near, far : str
        Names of clips.
    count : int
        Frames, each the third of the one before in the clips, whose mattes are of every third frame.
    """
    across = np.linspace(0.27, 0.73, count)
    parts = [_cut_out(data, name, count) for name in (near, far)]
    points = np.zeros((2, count, 18, 3), dtype=np.float32)
    rows = np.linspace(90, 170, HEIGHT)[:, None]
    with open_writer(folder / "duo.mp4", width=WIDTH, height=HEIGHT, frame_rate=Fraction(RATE)) as writer:
        for frame in range(count):
            canvas = np.repeat(np.repeat(rows, WIDTH, axis=1)[..., None], 3, axis=2)
            for number, height, floor, middle in ((1, 330, 420, 1 - across[frame]), (0, 380, 470, across[frame])):
                rgb, matte, pose = parts[number][frame]
                points[number, frame] = _paste(canvas, rgb, matte, pose, (height, floor, middle * WIDTH))
            writer.write(np.rint(canvas).astype(np.uint8), frame / RATE)
    return Duo(folder / "duo.mp4", points)


def _cut_out(data: Path, name: str, count: int) -> list[tuple[Any, Any, Any]]:
    poses = json.loads((data / f"{name}.keypoints18.json").read_text())["frames"]
    cut = []
    with open_video(data / f"{name}.mp4") as reader:
        for frame in reader:
            matte = data / f"{name}.mattes" / f"{frame.index:05d}.png"
            if frame.index % 3 or not matte.is_file() or poses[frame.index] is None:
                continue
            half = cv2.imread(str(matte), cv2.IMREAD_GRAYSCALE)
            assert half is not None
            whole = cv2.resize(half, frame.rgb.shape[1::-1], interpolation=cv2.INTER_LINEAR)
            cut.append((frame.rgb, whole.astype(np.float32) / 255, np.array(poses[frame.index], dtype=np.float32)))
            if len(cut) == count:
                return cut
    raise AssertionError(f"{name} has only {len(cut)} frames with mattes")


def _paste(canvas: Any, rgb: Any, matte: Any, pose: Any, place: tuple[float, float, float]) -> Any:
    """Draw a dancer of a height whose feet are at a row and whose middle is at a column; return the points there."""
    height, floor, middle = place
    seen = np.argwhere(matte > 0.5)
    (top, left), (bottom, right) = seen.min(axis=0), seen.max(axis=0)
    scale = height / (bottom - top)
    moved = np.array(
        [[scale, 0, middle - scale * (left + right) / 2], [0, scale, floor - scale * bottom]], dtype=np.float32
    )
    color, cover = (cv2.warpAffine(each, moved, (WIDTH, HEIGHT), flags=cv2.INTER_AREA) for each in (rgb, matte))
    canvas[:] = color * cover[..., None] + canvas * (1 - cover[..., None])
    points = pose.copy()
    points[:, :2] = points[:, :2] * scale + moved[:, 2]
    return points
