"""A drawn person with a ball and a shadow who walks through a known place, seen by a still or a moving camera."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from small_scene import draw, standing

from motionwarp.types import BoolArray, ByteArray, FloatArray

WIDTH, HEIGHT = 320, 240
BALL = (250, 130, 0)


@dataclass(frozen=True, eq=False)
class WalkingFrame:
    """A frame of the walk: its picture, the place alone, the points, where person and ball are, the shadow."""

    rgb: ByteArray
    empty: ByteArray
    points: FloatArray
    person: BoolArray
    darkness: FloatArray


def place(seed: int = 0, width: int = 480, height: int = 360) -> ByteArray:
    """A place with plenty to see: blurred noise of two sizes over a floor and a wall."""
    rng = np.random.default_rng(seed)
    picture = np.full((height, width, 3), (150, 160, 170), np.float32)
    picture[int(0.7 * height) :] = (170, 150, 120)
    for sigma, strength in ((2.0, 500.0), (9.0, 700.0)):
        noise = rng.standard_normal((height, width, 3)).astype(np.float32)
        picture += strength / sigma * cv2.GaussianBlur(noise, (0, 0), sigma) * 0.3 * sigma
    return np.clip(picture, 40, 235).astype(np.uint8)


def cast_shadow(points: FloatArray, strength: float, lean: tuple[float, float] = (0.7, 0.12)) -> FloatArray:
    """The part of the light that a body of these points takes from the ground, float32 (H, W)."""
    _, parsing = draw(points, (WIDTH, HEIGHT))
    ground = float(points[[10, 13], 1].max()) + 6
    # a row at height h above the ground lies h times the lean from the feet
    shear = np.array([[1, -lean[0], lean[0] * ground], [0, lean[1], ground - lean[1] * ground]])
    mask = cv2.warpAffine((parsing > 0).astype(np.float32), shear, (WIDTH, HEIGHT))
    return np.asarray(strength * cv2.GaussianBlur(mask, (0, 0), 2.0), np.float32)


def walk(count: int, *, shift: float = 0.0, strength: float = 0.0, span: float = 150.0) -> list[WalkingFrame]:
    """A person who walks `span` pixels to the right; the camera pans by `shift` pixels a frame and sways a little."""
    big = place()
    frames = []
    for number in range(count):
        camera = np.array([[1, 0, -20 - shift * number], [0, 1, -40 - 0.4 * shift * np.sin(number)]])
        empty = cv2.warpAffine(big, camera, (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR)
        points = standing()
        points[:, :2] = points[:, :2] * 1.2 + [30 + span * number / max(count - 1, 1), 40]
        drawn, parsing = draw(points, (WIDTH, HEIGHT))
        darkness = cast_shadow(points, strength) if strength else np.zeros((HEIGHT, WIDTH), np.float32)
        rgb = (empty * (1 - darkness[..., None])).round().astype(np.uint8)
        person = parsing > 0
        ball = np.zeros((HEIGHT, WIDTH), np.uint8)
        hand = points[4, :2] + [-8, 14]
        cv2.circle(ball, tuple(hand.round().astype(int).tolist()), 11, 1, -1)
        rgb[ball > 0] = BALL
        rgb[person] = drawn[person]
        frames.append(WalkingFrame(rgb, empty, points, person | (ball > 0), darkness))
    return frames
