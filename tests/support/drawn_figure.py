"""A person drawn from strokes, seen from the front, for tests of engines: every limb in a color of its own."""

from __future__ import annotations

import cv2
import numpy as np
import torch

from motionwarp.engines.base import Motion, RenderSettings
from motionwarp.engines.layered.engine import LayeredEngine
from motionwarp.parsing import labels
from motionwarp.pose import skeleton as sk
from motionwarp.types import FloatArray, PersonLayer, Pose, SourcePerson

HEIGHT, WIDTH = 320, 240

PLACES = {
    sk.NOSE: (120, 48), sk.NECK: (120, 80),
    sk.RIGHT_SHOULDER: (96, 82), sk.RIGHT_ELBOW: (78, 126), sk.RIGHT_WRIST: (68, 166),
    sk.LEFT_SHOULDER: (144, 82), sk.LEFT_ELBOW: (162, 126), sk.LEFT_WRIST: (172, 166),
    sk.RIGHT_HIP: (106, 158), sk.RIGHT_KNEE: (102, 220), sk.RIGHT_ANKLE: (100, 278),
    sk.LEFT_HIP: (134, 158), sk.LEFT_KNEE: (138, 220), sk.LEFT_ANKLE: (140, 278),
    sk.RIGHT_EYE: (114, 42), sk.LEFT_EYE: (126, 42), sk.RIGHT_EAR: (106, 46), sk.LEFT_EAR: (134, 46),
}  # fmt: skip

RED, BLUE, GREEN, GRAY, ORANGE, PURPLE = (
    (210, 50, 50),
    (50, 60, 210),
    (60, 180, 80),
    (150, 150, 150),
    (230, 150, 60),
    (150, 70, 180),
)
BROWN = (110, 60, 20)

# from, to, thickness in pixels, color, class; back to front
STROKES = (
    (sk.RIGHT_HIP, sk.RIGHT_KNEE, 24, ORANGE, labels.PANTS), (sk.RIGHT_KNEE, sk.RIGHT_ANKLE, 18, ORANGE, labels.PANTS),
    (sk.LEFT_HIP, sk.LEFT_KNEE, 24, PURPLE, labels.PANTS), (sk.LEFT_KNEE, sk.LEFT_ANKLE, 18, PURPLE, labels.PANTS),
    (sk.RIGHT_SHOULDER, sk.RIGHT_ELBOW, 18, RED, labels.RIGHT_ARM),
    (sk.RIGHT_ELBOW, sk.RIGHT_WRIST, 14, RED, labels.RIGHT_ARM),
    (sk.LEFT_SHOULDER, sk.LEFT_ELBOW, 18, BLUE, labels.LEFT_ARM),
    (sk.LEFT_ELBOW, sk.LEFT_WRIST, 14, BLUE, labels.LEFT_ARM),
)  # fmt: skip
BACKDROP = (20, 20, 20)


def front_points() -> FloatArray:
    """The figure's 18 points, all seen, float32 (18, 3)."""
    return np.array([(*PLACES[point], 1.0) for point in range(18)], dtype=np.float32)


def from_behind(unseen: float = 0.6) -> FloatArray:
    """The figure's points seen from behind: sides have changed places, and points of the face are guessed."""
    points = front_points()
    points[:, :2] = points[list(sk.MIRROR), :2]
    points[[sk.NOSE, sk.RIGHT_EYE, sk.LEFT_EYE], 2] = unseen
    return points


def drawn_person(points: FloatArray | None = None) -> SourcePerson:
    """Draw the figure at its 18 points; limbs without a score are left out."""
    pose = Pose(front_points() if points is None else points)
    rgb = np.full((HEIGHT, WIDTH, 3), BACKDROP, dtype=np.uint8)
    parsing = np.zeros((HEIGHT, WIDTH), dtype=np.uint8)
    for start, end, thickness, color, label in STROKES:
        if pose.scores[start] > 0 and pose.scores[end] > 0:
            ends = [tuple(int(value) for value in np.round(pose.xy[point])) for point in (start, end)]
            cv2.line(rgb, *ends, color, thickness)
            cv2.line(parsing, *ends, int(label), thickness)
    torso = np.round(pose.xy[[sk.RIGHT_SHOULDER, sk.LEFT_SHOULDER, sk.LEFT_HIP, sk.RIGHT_HIP]]).astype(np.int32)
    head = tuple(int(value) for value in np.round(pose.xy[sk.NOSE]))
    cv2.fillConvexPoly(rgb, torso, GREEN)
    cv2.fillConvexPoly(parsing, torso, labels.UPPER_CLOTHES)
    cv2.line(rgb, head, tuple(int(value) for value in pose.xy[sk.NECK]), GRAY, 14)
    cv2.line(parsing, head, tuple(int(value) for value in pose.xy[sk.NECK]), labels.FACE, 14)
    cv2.ellipse(rgb, head, (16, 22), 0, 0, 360, GRAY, -1)
    cv2.ellipse(parsing, head, (16, 22), 0, 0, 360, labels.FACE, -1)
    return SourcePerson(rgb, (parsing > 0).astype(np.float32), pose, parsing)


def with_hair(down_to: int = 34) -> SourcePerson:
    """The drawn person with brown hair down to a row of the picture, around the face where that is lower."""
    person = drawn_person()
    rgb, parsing = person.rgb.copy(), person.parsing.copy()
    hair = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.ellipse(hair, (120, 48), (20, 26), 0, 0, 360, 1, -1)
    if down_to > 60:
        cv2.rectangle(hair, (98, 48), (142, down_to), 1, -1)
    face = np.zeros_like(hair)
    cv2.ellipse(face, (120, 52), (12, 18), 0, 0, 360, 1, -1)
    hair[down_to:] = 0
    covered = (hair > 0) & (face == 0) & (parsing != labels.UPPER_CLOTHES)
    rgb[covered], parsing[covered] = BROWN, labels.HAIR
    return SourcePerson(rgb, (parsing > 0).astype(np.float32), person.pose, parsing)


def rendered(source: SourcePerson, *poses: FloatArray) -> list[np.ndarray]:
    engine = LayeredEngine()
    engine.prepare(source, RenderSettings(torch.device("cpu"), torch.float32, WIDTH, HEIGHT))
    batch = np.stack(poses)
    return [in_frame(layer) for layer in engine.render(Motion(batch), engine.plan(Motion(batch)))]


def in_frame(layer: PersonLayer) -> np.ndarray:
    frame = np.zeros((HEIGHT, WIDTH, 4), np.int64)
    height, width = layer.rgba.shape[:2]
    frame[layer.top : layer.top + height, layer.left : layer.left + width] = layer.rgba
    return frame
