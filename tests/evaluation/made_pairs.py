"""A small made-up data set of pairs: boxes that move, with their points, and results of systems of known quality."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from motionwarp.data.protocols import PairNames, write_annotations, write_pairs
from motionwarp.pose import skeleton as sk
from motionwarp.types import ByteArray, FloatArray, Pose

HEIGHT, WIDTH = 192, 176
LEFTS = (40, 60, 80, 100)


def scene(left: int) -> ByteArray:
    """A textured box of 30x120 pixels on gray."""
    rgb = np.full((HEIGHT, WIDTH, 3), 120, np.uint8)
    rows, columns = np.mgrid[:120, :30]
    rgb[40:160, left : left + 30] = np.stack([rows * 2, columns * 8, 255 - rows], axis=2).astype(np.uint8)
    return rgb


def points(left: int) -> FloatArray:
    """Points of the box: head above, hips in the middle, ankles below."""
    rows = np.full((18, 3), 1, np.float32)
    rows[:, 0] = left + 15
    rows[:, 1] = 60
    for index, y in (
        (sk.NECK, 60),
        (sk.NOSE, 48),
        (sk.RIGHT_HIP, 100),
        (sk.LEFT_HIP, 100),
        (sk.RIGHT_ANKLE, 155),
        (sk.LEFT_ANKLE, 155),
    ):
        rows[index, 1] = y
    rows[[sk.RIGHT_HIP, sk.RIGHT_ANKLE, sk.RIGHT_SHOULDER], 0] -= 10
    rows[[sk.LEFT_HIP, sk.LEFT_ANKLE, sk.LEFT_SHOULDER], 0] += 10
    rows[[sk.RIGHT_WRIST, sk.LEFT_WRIST]] = 0
    return rows


def write_picture(path: Path, rgb: ByteArray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))


@dataclass(frozen=True)
class MadePairs:
    """Paths of the data set.

    Attributes
    ----------
    folder, list_file, images, annotations : Path
    pairs : tuple of PairNames
        Every scene to every other.
    """

    folder: Path
    list_file: Path
    images: Path
    annotations: Path
    pairs: tuple[PairNames, ...]

    def generated(self, name: str, noise: float) -> Path:
        """Write the results of a system that gives the truth with noise of a standard deviation, in gray levels."""
        rng = np.random.default_rng(round(noise * 10))
        for pair in self.pairs:
            truth = scene(left_of(pair.target))
            made = np.clip(truth + rng.normal(0, noise, truth.shape), 0, 255).astype(np.uint8)
            write_picture(self.folder / name / f"{pair.source[:-4]}_2_{pair.target[:-4]}.png", made)
        return self.folder / name


def left_of(name: str) -> int:
    """Return where the box of a scene's picture begins."""
    return int(name.split("_")[1].split(".")[0])


def make_pairs(folder: Path) -> MadePairs:
    """Write the data set."""
    names = [f"scene_{left}.png" for left in LEFTS]
    for name in names:
        write_picture(folder / "images" / name, scene(left_of(name)))
    pairs = tuple(PairNames(one, other) for one in names for other in names if one != other)
    write_pairs(folder / "pairs.csv", pairs)
    write_annotations(folder / "annotations.csv", {name: Pose(points(left_of(name))) for name in names})
    return MadePairs(folder, folder / "pairs.csv", folder / "images", folder / "annotations.csv", pairs)
