"""What is behind avatars: real photos away from their people or with the people painted over, and plain walls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from motionwarp.data.ccp import read_gray
from motionwarp.errors import InputError
from motionwarp.media.image import read_image
from motionwarp.types import ByteArray

_HEIGHT: Final = 400  # of the photos that are kept in memory, in pixels
_FILL_HEIGHT: Final = 130  # at which holes are filled: what is behind people is out of focus anyway
_COVERED: Final = 20  # of 255
_PLAIN: Final = 0.15  # share of plain walls
_BESIDE: Final = 0.6  # share of parts of photos beside their people
_LEAST_STRIP: Final = 40  # columns beside a person that are worth taking


@dataclass(frozen=True, eq=False)
class Backdrops:
    """Photos without their people.

    Attributes
    ----------
    clean : sequence of uint8 (h, w, 3)
        With the people painted over.
    beside : sequence of uint8 (h, w, 3)
        Upright strips in which nobody was.
    """

    clean: Sequence[ByteArray]
    beside: Sequence[ByteArray]

    def draw(self, rng: np.random.Generator, height: int, width: int) -> ByteArray:
        """Draw a background, uint8 (height, width, 3)."""
        lot = rng.random()
        if lot < _PLAIN:
            return _wall(rng, height, width)
        pictures = self.beside if lot < _PLAIN + _BESIDE and self.beside else self.clean
        picture = pictures[int(rng.integers(len(pictures)))]
        if rng.random() < 0.5:
            picture = picture[:, ::-1]
        return _window(picture, rng, height, width)


def load_backdrops(photos: Path, mattes: Path, names: Sequence[str], count: int, seed: int) -> Backdrops:
    """Load photos of people and take the people out.

    Parameters
    ----------
    photos, mattes : Path
        Folders with `NAME.jpg`, and with `NAME.png` of any size that tells where the people are.
    names : sequence of str
    count : int
        Photos at most; they are drawn by `seed`.
    seed : int

    Raises
    ------
    InputError
        If there are no names.
    """
    if not names:
        raise InputError("there is no photo to take backgrounds from", subject=photos, remedy="Check the folder.")
    clean: list[ByteArray] = []
    beside: list[ByteArray] = []
    chosen = np.random.default_rng([seed, 77]).choice(len(names), min(count, len(names)), replace=False)
    for name in (names[int(index)] for index in chosen):
        rgb = read_image(photos / f"{name}.jpg").rgb
        size = (max(round(rgb.shape[1] * _HEIGHT / rgb.shape[0]), 8), _HEIGHT)
        small = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
        covered = cv2.resize(read_gray(mattes / f"{name}.png"), size, interpolation=cv2.INTER_LINEAR) > _COVERED
        hole = np.asarray(cv2.dilate(covered.astype(np.uint8), np.ones((13, 13), np.uint8)), dtype=np.uint8)
        clean.append(_painted_over(small, hole))
        columns = np.flatnonzero(hole.any(axis=0))
        left, right = (int(columns[0]), int(columns[-1]) + 1) if len(columns) else (size[0], size[0])
        beside += [
            np.ascontiguousarray(strip)
            for strip in (small[:, :left], small[:, right:])
            if strip.shape[1] >= _LEAST_STRIP
        ]
    return Backdrops(clean, beside)


def _painted_over(rgb: ByteArray, hole: ByteArray) -> ByteArray:
    size = (max(round(rgb.shape[1] * _FILL_HEIGHT / rgb.shape[0]), 8), _FILL_HEIGHT)
    small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
    mask = np.asarray(cv2.resize(hole, size, interpolation=cv2.INTER_NEAREST), dtype=np.uint8)
    filled = cv2.GaussianBlur(cv2.inpaint(small, mask, 3, cv2.INPAINT_TELEA), (0, 0), 1.5)
    large = cv2.resize(filled, rgb.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    weight = cv2.GaussianBlur(hole.astype(np.float32), (0, 0), 3)[..., None]
    return np.asarray(np.rint(large * weight + rgb * (1 - weight)), dtype=np.uint8)


def _window(picture: ByteArray, rng: np.random.Generator, height: int, width: int) -> ByteArray:
    """Return a random part of a picture; one that is too narrow is mirrored at its side."""
    rows = picture.shape[0] * rng.uniform(0.45, 1.0)
    columns = rows * width / height
    if columns > picture.shape[1]:
        # a strip twice as wide by its mirror image, or a lower part of it where that is not enough
        picture = np.concatenate([picture, picture[:, ::-1]], axis=1)
        columns = min(columns, picture.shape[1])
        rows = columns * height / width
    top = int(rng.uniform(0, picture.shape[0] - rows))
    left = int(rng.uniform(0, picture.shape[1] - columns))
    part = picture[top : top + max(int(rows), 2), left : left + max(int(columns), 2)]
    large = cv2.resize(part, (width, height), interpolation=cv2.INTER_LINEAR)
    if rng.random() < 0.3:
        large = cv2.GaussianBlur(large, (0, 0), rng.uniform(0.5, 4))
    return np.asarray(large, dtype=np.uint8)


def _wall(rng: np.random.Generator, height: int, width: int) -> ByteArray:
    """Return a wall in one color, darker towards a side, with a floor now and then, and some grain."""
    color = rng.uniform(20, 250) + rng.normal(0, 25, 3)
    slope = np.linspace(-1, 1, width)[None, :] * rng.normal(0, 18) + np.linspace(-1, 1, height)[:, None] * rng.normal(
        0, 18
    )
    wall = color[None, None] + slope[..., None]
    if rng.random() < 0.5:
        wall[int(rng.uniform(0.55, 0.95) * height) :] *= rng.uniform(0.5, 1.3)
    wall = wall + rng.normal(0, rng.uniform(0.5, 4), (height, width, 1))
    return np.asarray(np.clip(wall, 0, 255), dtype=np.uint8)
