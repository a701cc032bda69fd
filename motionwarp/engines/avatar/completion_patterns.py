"""Patterns and prints drawn on the clothes of a pair: avatars have few, photos have many.

A pattern that covers a garment goes on behind, in other places; a print is on the front alone.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import cv2
import numpy as np

from motionwarp.engines.avatar.completion_pack import BackPair
from motionwarp.parsing import labels
from motionwarp.types import BoolArray, ByteArray, FloatArray

_UPPER: Final = (labels.UPPER_CLOTHES, labels.COAT, labels.DRESS, labels.JUMPSUITS)
_LOWER: Final = (labels.PANTS, labels.SKIRT)
_LEAST_PIXELS: Final = 400
_CELLS: Final = (3.0, 16.0)  # pixels of a pack, from one stripe or spot to the next
_SOFT: Final = 0.25  # over which a spot's edge fades, in its own deviations
_PRINT_SHARES: Final = (0.25, 0.6)  # of the trunk's breadth


def with_pattern(pair: BackPair, rng: np.random.Generator) -> BackPair:
    """Return a pair whose upper or lower clothes, or both, have a pattern on both sides."""
    chosen = ((*_UPPER, *_LOWER), _UPPER, _LOWER)[int(rng.choice(3, p=[0.3, 0.45, 0.25]))]
    cloth = np.isin(pair.parsing, chosen)
    if cloth.sum() < _LEAST_PIXELS:
        return pair
    color = rng.uniform(0, 255, 3).astype(np.float32)
    strength = float(rng.uniform(0.25, 0.9))
    before, behind = _drawn(cloth.shape, rng)
    front, guess = (_mixed(picture, cloth, before, color, strength) for picture in (pair.front, pair.guess))
    return replace(pair, front=front, guess=guess, truth=_mixed(pair.truth, cloth, behind, color, strength))


def with_print(pair: BackPair, rng: np.random.Generator) -> BackPair:
    """Return a pair with a print on the front, which the guess has as well, since rules do not find all."""
    cloth = np.isin(pair.parsing, _UPPER)
    if cloth.sum() < _LEAST_PIXELS:
        return pair
    ys, xs = np.nonzero(cloth)
    left, right = np.percentile(xs, (5, 95))
    breadth = float(right - left) * float(rng.uniform(*_PRINT_SHARES))
    center = float(np.median(xs)), float(np.percentile(ys, rng.uniform(25, 60)))
    half = 0.5 * breadth, 0.5 * breadth * float(rng.uniform(0.4, 1.2))
    mask = np.zeros(cloth.shape, dtype=np.uint8)
    box = (center, (2 * half[0], 2 * half[1]), float(rng.uniform(-8, 8)))
    if rng.random() < 0.5:
        cv2.ellipse(mask, box, 255, -1, cv2.LINE_AA)
    else:
        cv2.fillConvexPoly(mask, cv2.boxPoints(box).astype(np.int32), 255, cv2.LINE_AA)
    spots, _ = _drawn(cloth.shape, rng)
    share = np.asarray((mask / np.float32(255)) * (spots if rng.random() < 0.6 else 1), dtype=np.float32)
    color = rng.uniform(0, 255, 3).astype(np.float32)
    front, guess = (_mixed(picture, cloth, share, color, 0.9) for picture in (pair.front, pair.guess))
    return replace(pair, front=front, guess=guess)


def _drawn(shape: tuple[int, ...], rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Return one pattern in two places, float32 (H, W) in [0, 1]: stripes, checks, spots of some size."""
    height, width = shape
    cell = float(np.exp(rng.uniform(*np.log(_CELLS))))
    kind = rng.random()
    if kind < 0.5:
        deviation = 0.4 * cell
        field = rng.normal(0, 1, (2 * height, width)).astype(np.float32)
        smooth = cv2.GaussianBlur(field, (0, 0), deviation)
        spots = np.clip(
            (smooth / max(float(np.std(smooth)), 1e-6) - float(rng.uniform(-0.6, 0.8))) / _SOFT, 0, 1
        ).astype(np.float32)
        return spots[:height], spots[height:]
    angle = float(rng.choice([0.0, 0.5, 1.0])) * np.pi / 2 if kind < 0.9 else float(rng.uniform(0, np.pi))
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    made = []
    for _ in range(2):
        phase = rng.uniform(0, 2 * np.pi, 2)
        waves = [
            np.sin(2 * np.pi * (x * np.cos(at) + y * np.sin(at)) / cell + shift)
            for at, shift in zip((angle, angle + np.pi / 2), phase, strict=True)
        ]
        made.append((waves[0], np.maximum(*waves)))
    index = int(kind > 0.75)
    first, second = (np.clip(0.5 + 2 * pattern[index], 0, 1).astype(np.float32) for pattern in made)
    return first, second


def _mixed(rgb: ByteArray, cloth: BoolArray, share: FloatArray, color: FloatArray, strength: float) -> ByteArray:
    """Return a picture whose cloth goes over into a color by a share, in the cloth's own light."""
    light = rgb.astype(np.float32).mean(axis=2, keepdims=True) / np.float32(128)
    amount = (strength * share * cloth)[..., None]
    mixed = rgb + amount * (color * np.clip(light, 0.3, 1.5) - rgb)
    return np.asarray(np.rint(mixed).clip(0, 255), dtype=np.uint8)
