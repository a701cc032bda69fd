"""Backgrounds without assets: gradients, rooms, streets, blurred noise and random shapes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import cv2
import numpy as np

from motionwarp.types import ByteArray, FloatArray


def sample_background(rng: np.random.Generator, height: int, width: int) -> ByteArray:
    """Draw a background.

    Parameters
    ----------
    rng : numpy.random.Generator
    height, width : int
        In pixels.

    Returns
    -------
    uint8 (height, width, 3)
        RGB.
    """
    kinds = tuple(BACKGROUNDS.values())
    picture = kinds[int(rng.choice(len(kinds), p=(0.14, 0.26, 0.26, 0.16, 0.18)))](rng, height, width)
    return finished(rng, picture)


def finished(rng: np.random.Generator, picture: FloatArray) -> ByteArray:
    """Blur a background as a camera that is focused on the person does, float (H, W, 3) in [0, 1] to uint8."""
    if rng.random() < 0.7:
        sigma = float(rng.uniform(0.002, 0.014)) * picture.shape[0]
        picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), max(sigma, 0.3)), dtype=np.float32)
    return (np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8)


def gradient(rng: np.random.Generator, height: int, width: int) -> FloatArray:
    """Draw a seamless studio wall."""
    corners = _color(rng, 0.35)[None, None] + rng.normal(0, 0.08, (2, 2, 1))
    return _enlarged(corners.astype(np.float32), height, width, cv2.INTER_LINEAR)


def room(rng: np.random.Generator, height: int, width: int) -> FloatArray:
    """Draw a wall and a floor with doors, pictures and a skirting board."""
    horizon = int(height * rng.uniform(0.6, 0.92))
    picture = _shaded(np.broadcast_to(_color(rng, 0.4), (height, width, 3)).astype(np.float32), rng)
    floor = _color(rng, 0.5)
    for step, row in enumerate(_perspective_rows(horizon, height)):
        tone = floor * (0.95 + 0.07 * (step % 2) * rng.random())
        picture[row:] = tone
    for _ in range(int(rng.integers(0, 5))):
        x, y = rng.integers(0, width), rng.integers(0, max(horizon - 4, 1))
        size = rng.uniform(0.08, 0.35, 2) * (width, height)
        end = (int(x + size[0]), int(min(y + size[1], horizon)))
        cv2.rectangle(picture, (int(x), int(y)), end, _tuple(_color(rng, 0.7) * 0.6), -1)
        cv2.rectangle(picture, (int(x) + 2, int(y) + 2), (end[0] - 2, end[1] - 2), _tuple(_color(rng, 0.7)), -1)
    board = max(height // 60, 1)
    picture[horizon - board : horizon] = _color(rng, 0.2)
    return picture


def street(rng: np.random.Generator, height: int, width: int) -> FloatArray:
    """Draw houses with windows, perhaps trees, and a pavement."""
    horizon = int(height * rng.uniform(0.55, 0.85))
    top, bottom = (
        np.array([0.5, 0.65, 0.85]) * rng.uniform(0.7, 1.1),
        np.array([0.85, 0.88, 0.92]) * rng.uniform(0.8, 1.05),
    )
    ramp = np.linspace(0, 1, height)[:, None, None]
    picture = np.ascontiguousarray(
        np.broadcast_to(top * (1 - ramp) + bottom * ramp, (height, width, 3)), dtype=np.float32
    )
    left = -int(rng.integers(0, max(width // 4, 1)))
    while left < width:
        wide = int(width * rng.uniform(0.18, 0.5)) + 2
        _house(picture, rng, left, wide, int(horizon - height * rng.uniform(0.25, 0.7)), horizon)
        left += wide
    ground = _color(rng, 0.12) * 0.8
    for step, row in enumerate(_perspective_rows(horizon, height)):
        picture[row:] = ground * (1 - 0.04 * (step % 2))
    for _ in range(int(rng.integers(0, 4))):
        _tree(picture, rng, horizon)
    return _shaded(picture, rng)


def noise(rng: np.random.Generator, height: int, width: int) -> FloatArray:
    """Draw blurred colored noise of several sizes, as foliage and crowds look out of focus."""
    picture = np.zeros((height, width, 3), dtype=np.float32) + _color(rng, 0.5)
    for cells, weight in ((3, 0.18), (8, 0.14), (24, 0.1), (64, 0.07)):
        field = rng.normal(0, weight, (cells, max(cells * width // height, 2), 3)).astype(np.float32)
        picture += _enlarged(field, height, width, cv2.INTER_CUBIC)
    return picture


def shapes(rng: np.random.Generator, height: int, width: int) -> FloatArray:
    """Draw overlapping bars, discs and polygons, some of them as long and thin as limbs."""
    picture = gradient(rng, height, width)
    for _ in range(int(rng.integers(4, 22))):
        color = _tuple(_color(rng, 0.7))
        x, y = int(rng.integers(0, width)), int(rng.integers(0, height))
        kind = rng.integers(3)
        if kind == 0:
            end = (int(x + rng.normal(0, 0.3) * width), int(y + rng.normal(0, 0.3) * height))
            cv2.line(picture, (x, y), end, color, max(int(rng.uniform(0.01, 0.1) * width), 1), cv2.LINE_AA)
        elif kind == 1:
            cv2.circle(picture, (x, y), max(int(rng.uniform(0.02, 0.2) * width), 1), color, -1, cv2.LINE_AA)
        else:
            corners = (np.array([x, y]) + rng.normal(0, 0.18, (4, 2)) * (width, height)).astype(np.int32)
            cv2.fillPoly(picture, [corners], color, cv2.LINE_AA)
    return picture


BACKGROUNDS: Final[dict[str, Callable[[np.random.Generator, int, int], FloatArray]]] = {
    "gradient": gradient, "room": room, "street": street, "noise": noise, "shapes": shapes
}  # fmt: skip


def _house(picture: FloatArray, rng: np.random.Generator, left: int, wide: int, top: int, bottom: int) -> None:
    wall, pane = _color(rng, 0.35), _color(rng, 0.3) * 0.5
    cv2.rectangle(picture, (left, top), (left + wide - 1, bottom), _tuple(wall), -1)
    columns, rows = int(rng.integers(2, 6)), int(rng.integers(2, 7))
    step_x, step_y = wide / columns, max((bottom - top) / rows, 2.0)
    for row in range(rows):
        for column in range(columns):
            x, y = int(left + (column + 0.25) * step_x), int(top + (row + 0.25) * step_y)
            cv2.rectangle(
                picture,
                (x, y),
                (int(x + 0.5 * step_x), int(y + 0.55 * step_y)),
                _tuple(pane * rng.uniform(0.7, 1.3)),
                -1,
            )


def _tree(picture: FloatArray, rng: np.random.Generator, horizon: int) -> None:
    height, width = picture.shape[:2]
    x, tall = int(rng.integers(0, width)), rng.uniform(0.2, 0.5) * height
    trunk = max(int(0.012 * height), 1)
    cv2.line(picture, (x, horizon + 2), (x, int(horizon - 0.6 * tall)), (0.25, 0.18, 0.12), trunk)
    for _ in range(10):
        spot = (int(x + rng.normal(0, 0.16) * tall), int(horizon - tall * rng.uniform(0.5, 1.0)))
        green = (0.12 + 0.15 * rng.random(), 0.3 + 0.25 * rng.random(), 0.12)
        cv2.circle(picture, spot, max(int(0.15 * tall), 1), green, -1, cv2.LINE_AA)


def _perspective_rows(horizon: int, height: int) -> list[int]:
    """Return the rows where slabs of a floor begin, wider towards the camera."""
    shares = np.array([0.0, 0.06, 0.15, 0.29, 0.5, 0.78])
    return [int(horizon + share * (height - horizon)) for share in shares]


def _shaded(picture: FloatArray, rng: np.random.Generator) -> FloatArray:
    light = (1 + rng.normal(0, 0.12, (3, 3, 1))).astype(np.float32)
    height, width = picture.shape[:2]
    field = _enlarged(light, height, width, cv2.INTER_LINEAR)
    return np.ascontiguousarray(picture * field[..., None], dtype=np.float32)


def _enlarged(field: FloatArray, height: int, width: int, interpolation: int) -> FloatArray:
    return np.asarray(cv2.resize(field, (width, height), interpolation=interpolation), dtype=np.float32)


def _color(rng: np.random.Generator, vivid: float) -> FloatArray:
    """Draw a color that leaves gray by up to `vivid`, float32 (3,)."""
    gray = rng.uniform(0.12, 0.95)
    return np.clip(gray + vivid * rng.uniform(-0.5, 0.5, 3), 0, 1).astype(np.float32)


def _tuple(color: FloatArray) -> tuple[float, float, float]:
    red, green, blue = (float(value) for value in color)
    return red, green, blue
