"""Figures with large heads and short limbs, drawn by code, and poses of a grown-up who drives them."""

from __future__ import annotations

import cv2
import numpy as np

from motionwarp.parsing import labels
from motionwarp.pose import skeleton as sk
from motionwarp.types import ByteArray, FloatArray, Pose, SourcePerson

HEIGHT, WIDTH = 320, 240
SKIN, HAIR, SHIRT, TROUSERS, DARK = (240, 200, 170), (90, 50, 30), (60, 140, 220), (70, 70, 90), (30, 30, 40)
_MIDDLE, _NECK_Y, _TORSO = 120, 170, 56


def mascot_points(head: float) -> FloatArray:
    """The 18 points of a figure whose head's radius is so many torsos, float32 (18, 3)."""
    radius = head * _TORSO
    center = _NECK_Y - 0.92 * radius
    shoulders, hips = 0.36 * _TORSO, 0.2 * _TORSO
    side = {
        sk.RIGHT_SHOULDER: (shoulders, _NECK_Y + 4),
        sk.RIGHT_ELBOW: (shoulders + 0.2 * _TORSO, _NECK_Y + 0.42 * _TORSO),
        sk.RIGHT_WRIST: (shoulders + 0.25 * _TORSO, _NECK_Y + 0.82 * _TORSO),
        sk.RIGHT_HIP: (hips, _NECK_Y + _TORSO),
        sk.RIGHT_KNEE: (hips + 2, _NECK_Y + 1.5 * _TORSO),
        sk.RIGHT_ANKLE: (hips + 3, _NECK_Y + 2.0 * _TORSO),
        sk.RIGHT_EYE: (0.38 * radius, center + 0.1 * radius),
        sk.RIGHT_EAR: (0.97 * radius, center + 0.1 * radius),
    }
    points = np.ones((18, 3), dtype=np.float32)
    points[sk.NOSE, :2] = _MIDDLE, center + 0.3 * radius
    points[sk.NECK, :2] = _MIDDLE, _NECK_Y
    for point, (beside, y) in side.items():
        points[point, :2] = _MIDDLE - beside, y
        points[sk.MIRROR[point], :2] = _MIDDLE + beside, y
    return points


def mascot(head: float) -> SourcePerson:
    """Draw the figure: strokes for limbs, a round head with hair, eyes and a mouth."""
    points = mascot_points(head)
    rgb = np.full((HEIGHT, WIDTH, 3), 235, dtype=np.uint8)
    parsing = np.zeros((HEIGHT, WIDTH), dtype=np.uint8)
    radius = head * _TORSO
    at = [tuple(int(value) for value in np.round(point[:2])) for point in points]

    def both(draw: str, *arguments: object, color: tuple[int, int, int], label: int, thickness: int = -1) -> None:
        getattr(cv2, draw)(rgb, *arguments, color, thickness, cv2.LINE_AA)
        getattr(cv2, draw)(parsing, *arguments, int(label), thickness)

    for hip, knee, ankle in ((8, 9, 10), (11, 12, 13)):
        for one, other in ((hip, knee), (knee, ankle)):
            both("line", at[one], at[other], color=TROUSERS, label=labels.PANTS, thickness=16)
    for arm, (shoulder, elbow, wrist) in (
        (labels.RIGHT_ARM, (2, 3, 4)), (labels.LEFT_ARM, (5, 6, 7)),
    ):  # fmt: skip
        both("line", at[shoulder], at[elbow], color=SHIRT, label=labels.UPPER_CLOTHES, thickness=13)
        both("line", at[elbow], at[wrist], color=SKIN, label=arm, thickness=12)
    torso = np.array([at[2], at[5], at[11], at[8]], dtype=np.int32)
    cv2.fillConvexPoly(rgb, torso, SHIRT)
    cv2.fillConvexPoly(parsing, torso, labels.UPPER_CLOTHES)
    center = (_MIDDLE, round(_NECK_Y - 0.92 * radius))
    both("circle", center, round(radius), color=HAIR, label=labels.HAIR)
    face = (center[0], center[1] + round(0.22 * radius))
    both("ellipse", face, (round(0.78 * radius), round(0.72 * radius)), 0, 0, 360, color=SKIN, label=labels.FACE)
    for eye in (sk.RIGHT_EYE, sk.LEFT_EYE):
        cv2.circle(rgb, at[eye], round(0.13 * radius), DARK, -1, cv2.LINE_AA)
    mouth = (at[sk.NOSE][0], at[sk.NOSE][1] + round(0.25 * radius))
    cv2.ellipse(rgb, mouth, (round(0.2 * radius), round(0.1 * radius)), 0, 0, 180, DARK, 2, cv2.LINE_AA)
    return SourcePerson(rgb, (parsing > 0).astype(np.float32), Pose(points), parsing)


def grown_up(pose: str) -> FloatArray:
    """A grown-up's 18 points seen from the front: "rest", "out", "up", "hips" or "lean"; float32 (18, 3)."""
    points = np.ones((18, 3), dtype=np.float32)
    places = {
        sk.NOSE: (120, 48), sk.NECK: (120, 80), sk.RIGHT_SHOULDER: (96, 82), sk.RIGHT_HIP: (106, 158),
        sk.RIGHT_KNEE: (104, 220), sk.RIGHT_ANKLE: (102, 278), sk.RIGHT_EYE: (115, 42), sk.RIGHT_EAR: (110, 45),
    }  # fmt: skip
    arms = {
        "rest": ((86, 124), (82, 164)), "out": ((53, 84), (14, 84)), "up": ((66, 52), (70, 12)),
        "hips": ((62, 112), (98, 130)), "lean": ((70, 116), (40, 140)),
    }[pose]  # fmt: skip
    places[sk.RIGHT_ELBOW], places[sk.RIGHT_WRIST] = arms
    for point, (x, y) in places.items():
        points[point, :2] = x, y
        points[sk.MIRROR[point], :2] = 240 - x if sk.MIRROR[point] != point else x, y
    if pose == "lean":
        upper = [*sk.HEAD_POINTS, sk.NECK, *range(2, 8)]
        turn, pivot = np.deg2rad(16), np.array([120, 158])
        rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        points[upper, :2] = pivot + (points[upper, :2] - pivot) @ rotation.T
    return points


POSES = ("rest", "out", "up", "hips", "lean")


def as_picture(person: SourcePerson) -> ByteArray:
    """The figure with its points, for people who look."""
    shown = person.rgb.copy()
    for x, y, _ in person.pose.points:
        cv2.circle(shown, (round(float(x)), round(float(y))), 2, (255, 0, 0), -1)
    return shown
