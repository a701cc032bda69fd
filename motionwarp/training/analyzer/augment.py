"""Training crops from labeled pictures: framing, other backgrounds, other people, occluders, camera faults.

Everything is drawn from one `numpy` generator, so a crop is a function of its seed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np

from motionwarp.data.pack import LabeledPicture, union_box
from motionwarp.parsing.labels import BACKGROUND
from motionwarp.parsing.labels import MIRROR as CLASS_MIRROR
from motionwarp.pose import skeleton
from motionwarp.types import CROP_HEIGHT, CROP_WIDTH, ByteArray, FloatArray

_CLASS_TABLE: Final = np.arange(256, dtype=np.uint8)
_CLASS_TABLE[: len(CLASS_MIRROR)] = CLASS_MIRROR
_UPRIGHT_DEGREES: Final = 45.0


@dataclass(frozen=True)
class AugmentSettings:
    """How far crops are taken from the pictures; probabilities in [0, 1].

    Attributes
    ----------
    knee, waist : float
        Crops cut off at the knees or at the waist.
    small : float
        Crops in which the person is far smaller than the crop, as when people are looked for in a whole frame.
    turn_far, turn_any : float
        Rotations of up to 60 degrees, and of any angle; others are up to `turn` degrees.
    turn : float
    cut_picture : float
        Pictures that end where the framed part of the person ends, rather than going on below it.
    background : float
        The person pasted on another background.
    plain_outside : float
        Of the others: what lies outside the picture is one colour or the drawn-out edge, rather than another
        background.
    companion : float
        Another person beside, behind or before.
    occluder : float
        A flat shape over a part of the person.
    empty : float
        No person at all.
    """

    knee: float = 0.1
    waist: float = 0.2
    small: float = 0.18
    turn: float = 15.0
    turn_far: float = 0.15
    turn_any: float = 0.1
    cut_picture: float = 0.6
    background: float = 0.45
    plain_outside: float = 0.5
    companion: float = 0.25
    occluder: float = 0.25
    empty: float = 0.03
    height: int = CROP_HEIGHT
    width: int = CROP_WIDTH


@dataclass(frozen=True, eq=False)
class TrainingCrop:
    """A crop ready for the network.

    Attributes
    ----------
    rgb : uint8 (H, W, 3)
    matte : uint8 (H, W)
    parsing : uint8 (H, W)
        255 where not known.
    points : float32 (18, 3)
        The third column is the probability that the point should be reported; 0 outside the crop.
    facing : (float, float) or None
        As for `LabeledPicture`; None where it is not known or the crop is turned far.
    """

    rgb: ByteArray
    matte: ByteArray
    parsing: ByteArray
    points: FloatArray
    facing: tuple[float, float] | None = None


def training_crop(
    draw: Callable[[], LabeledPicture], background: ByteArray, rng: np.random.Generator, settings: AugmentSettings
) -> TrainingCrop:
    """Make one training crop.

    Parameters
    ----------
    draw : callable
        Gives labelled pictures at random: the first is the person, a second may stand beside.
    background : uint8 (h, w, 3)
        A picture without people, of any size.
    rng : numpy Generator
    settings : AugmentSettings
    """
    size = (settings.width, settings.height)
    backdrop = _backdrop(background, rng, size)
    if rng.random() < settings.empty:
        nobody = np.zeros((settings.height, settings.width), dtype=np.uint8)
        crop = TrainingCrop(backdrop, nobody, np.full_like(nobody, BACKGROUND), np.zeros((18, 3), dtype=np.float32))
        return _photograph(crop, rng)
    crop = _framed(draw(), rng, settings, backdrop)
    if rng.random() < settings.companion:
        crop = _with_companion(crop, draw(), rng, settings)
    if rng.random() < settings.occluder:
        crop = _with_occluder(crop, rng)
    return _photograph(crop, rng)


def _framed(
    sample: LabeledPicture, rng: np.random.Generator, settings: AugmentSettings, backdrop: ByteArray
) -> TrainingCrop:
    """Cut the person out at a random framing, angle and size, mirrored half of the time."""
    box = _visible_box(sample, rng, settings)
    if box[3] < sample.matte.shape[0] and rng.random() < settings.cut_picture:
        sample = _ending_at(sample, int(box[3]))
    fraction = rng.uniform(0.25, 0.65) if rng.random() < settings.small else rng.uniform(0.68, 1.02)
    angle = _angle(rng, settings)
    matrix = _crop_matrix(box, fraction, angle, rng, settings)
    mirrored = rng.random() < 0.5
    if mirrored:
        matrix = np.array([[-1, 0, settings.width - 1], [0, 1, 0], [0, 0, 1]], dtype=np.float64) @ matrix
    warp = _Warp(matrix[:2], (settings.width, settings.height))

    rgb, matte = warp.colors(sample.rgb), warp.smooth(sample.matte)
    parsing = warp.labels(sample.parsing, fill=BACKGROUND)
    inside = warp.smooth(np.full(sample.matte.shape, 255, dtype=np.uint8))
    # the picture may end inside the crop: there, and now and then everywhere, another background shows
    pasted = rng.random() < settings.background
    keep = matte if pasted else inside
    if not pasted and rng.random() < settings.plain_outside:
        backdrop = (
            np.broadcast_to(rng.integers(0, 256, 3, dtype=np.uint8), backdrop.shape) if rng.random() < 0.5 else rgb
        )
    weight = keep.astype(np.float32)[..., None] / 255
    rgb = np.round(rgb * weight + backdrop * (1 - weight)).astype(np.uint8)
    points = _moved_points(_within_picture(sample), matrix[:2], mirrored, settings)
    if mirrored:
        parsing = _CLASS_TABLE[parsing]
    return TrainingCrop(rgb, matte, parsing, points, _seen_facing(sample.facing, mirrored, angle))


def _seen_facing(facing: tuple[float, float] | None, mirrored: bool, angle: float) -> tuple[float, float] | None:
    """Return the facing in a mirrored crop; None for people who lie on their side, whose vertical axis is not the picture's."""
    if facing is None or abs(angle) > _UPRIGHT_DEGREES:
        return None
    return (facing[0], -facing[1]) if mirrored else facing


def _within_picture(sample: LabeledPicture) -> FloatArray:
    """Return the points, those that a teacher guessed outside of the picture as absent."""
    height, width = sample.matte.shape
    points = sample.points.copy()
    x, y = points[:, 0], points[:, 1]
    points[(x < -0.5) | (y < -0.5) | (x > width - 0.5) | (y > height - 0.5), 2] = 0
    return points


def _ending_at(sample: LabeledPicture, bottom: int) -> LabeledPicture:
    """Return the picture without its rows from `bottom` on, as when a camera frames only the upper body."""
    bottom = max(bottom, 2)
    points = sample.points.copy()
    points[points[:, 1] > bottom - 0.5, 2] = 0
    return LabeledPicture(
        sample.rgb[:bottom], sample.matte[:bottom], sample.parsing[:bottom], points, sample.name, sample.facing
    )


def _visible_box(
    sample: LabeledPicture, rng: np.random.Generator, settings: AugmentSettings
) -> tuple[float, float, float, float]:
    """Return the part of the person that the crop shall show: all, or down to the knees or the waist."""
    box = union_box(sample.matte, sample.points)
    if box is None:
        height, width = sample.matte.shape
        return 0.0, 0.0, float(width), float(height)
    left, top, right, bottom = box
    lot = rng.random()
    points = sample.points
    hips = points[[skeleton.RIGHT_HIP, skeleton.LEFT_HIP], 1].mean()
    knees = points[[skeleton.RIGHT_KNEE, skeleton.LEFT_KNEE], 1].mean()
    if lot < settings.waist and hips > top + 0.2 * (bottom - top):
        bottom = hips + rng.uniform(-0.15, 0.25) * (hips - top)
    elif lot < settings.waist + settings.knee and knees > hips > top:
        bottom = knees + rng.uniform(-0.1, 0.15) * (knees - top)
    return left, top, right, max(bottom, top + 8)


def _angle(rng: np.random.Generator, settings: AugmentSettings) -> float:
    lot = rng.random()
    if lot < settings.turn_any:
        return float(rng.uniform(-180, 180))
    if lot < settings.turn_any + settings.turn_far:
        return float(rng.uniform(-60, 60))
    return float(rng.normal(0, settings.turn / 2))


def _crop_matrix(
    box: tuple[float, float, float, float],
    fraction: float,
    angle: float,
    rng: np.random.Generator,
    settings: AugmentSettings,
) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Return the 3x3 map from picture points to crop points that fits the turned box into `fraction` of the crop."""
    left, top, right, bottom = box
    radians = np.deg2rad(angle)
    cosine, sine = abs(np.cos(radians)), abs(np.sin(radians))
    box_width, box_height = right - left, bottom - top
    turned_width = box_width * cosine + box_height * sine
    turned_height = box_width * sine + box_height * cosine
    scale = fraction * min(settings.width / max(turned_width, 1), settings.height / max(turned_height, 1))
    stretch = np.exp(rng.normal(0, 0.06))
    # far off the middle only where there is room
    room = max(1 - fraction, 0.0)
    spread = np.array([settings.width, settings.height]) * (0.03 + 0.35 * room)
    target = np.array([settings.width, settings.height]) / 2 + rng.uniform(-1, 1, 2) * spread
    turn = np.array([[np.cos(radians), -np.sin(radians)], [np.sin(radians), np.cos(radians)]])
    linear = scale * turn @ np.diag([stretch, 1 / stretch])
    middle = np.array([(left + right) / 2, (top + bottom) / 2])
    matrix = np.eye(3)
    matrix[:2, :2] = linear
    matrix[:2, 2] = target - linear @ middle
    return matrix


class _Warp:
    """An affine map applied to pictures and labels alike."""

    def __init__(self, matrix: np.ndarray[tuple[int, int], np.dtype[np.float64]], size: tuple[int, int]) -> None:
        self.matrix, self.size = matrix, size
        shrink = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
        # bilinear sampling alone would alias where the picture shrinks to less than half
        self.blur = 0.5 / shrink if shrink < 0.6 else 0.0

    def colors(self, rgb: ByteArray) -> ByteArray:
        if self.blur:
            rgb = np.asarray(cv2.GaussianBlur(rgb, (0, 0), self.blur * 0.8), dtype=np.uint8)
        moved = cv2.warpAffine(rgb, self.matrix, self.size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(moved, dtype=np.uint8)

    def smooth(self, channel: ByteArray) -> ByteArray:
        return np.asarray(cv2.warpAffine(channel, self.matrix, self.size, flags=cv2.INTER_LINEAR), dtype=np.uint8)

    def labels(self, channel: ByteArray, fill: int) -> ByteArray:
        return np.asarray(
            cv2.warpAffine(channel, self.matrix, self.size, flags=cv2.INTER_NEAREST, borderValue=fill), dtype=np.uint8
        )


def _moved_points(
    points: FloatArray,
    matrix: np.ndarray[tuple[int, int], np.dtype[np.float64]],
    mirrored: bool,
    settings: AugmentSettings,
) -> FloatArray:
    moved = points.copy()
    moved[:, :2] = points[:, :2] @ matrix[:, :2].T + matrix[:, 2]
    if mirrored:
        moved = moved[list(skeleton.MIRROR)]
    x, y = moved[:, 0], moved[:, 1]
    outside = (x < -0.5) | (y < -0.5) | (x > settings.width - 0.5) | (y > settings.height - 0.5)
    moved[outside, 2] = 0
    return np.ascontiguousarray(moved, dtype=np.float32)


def _with_companion(
    crop: TrainingCrop, other: LabeledPicture, rng: np.random.Generator, settings: AugmentSettings
) -> TrainingCrop:
    """Paste another person well off the middle, behind or before; to the labels he is background."""
    box = union_box(other.matte, other.points)
    if box is None:
        return crop
    matrix = _crop_matrix(box, rng.uniform(0.5, 0.95), float(rng.normal(0, 6)), rng, settings)
    side = 1.0 if rng.random() < 0.5 else -1.0
    matrix[0, 2] += side * rng.uniform(0.45, 0.75) * settings.width
    warp = _Warp(matrix[:2], (settings.width, settings.height))
    matte = warp.smooth(other.matte)
    behind = rng.random() < 0.6
    if behind:
        matte = np.minimum(matte, 255 - crop.matte)
    weight = matte.astype(np.float32)[..., None] / 255
    rgb = np.round(warp.colors(other.rgb) * weight + crop.rgb * (1 - weight)).astype(np.uint8)
    if behind:
        # where the teacher's label is unknown the other person settles it
        parsing = np.where(matte > 200, BACKGROUND, crop.parsing).astype(np.uint8)
        return replace(crop, rgb=rgb, parsing=parsing)
    matte, parsing, points = _covered(crop, matte)
    return TrainingCrop(rgb, matte, parsing, points, crop.facing)


def _with_occluder(crop: TrainingCrop, rng: np.random.Generator) -> TrainingCrop:
    """Lay a flat or textured shape over a part of the crop."""
    height, width = crop.matte.shape
    mask = np.zeros((height, width), dtype=np.uint8)
    center = (int(rng.uniform(0, width)), int(rng.uniform(0, height)))
    axes = (int(rng.uniform(0.05, 0.22) * width), int(rng.uniform(0.04, 0.2) * height))
    if rng.random() < 0.5:
        cv2.ellipse(mask, center, axes, float(rng.uniform(0, 180)), 0, 360, 255, -1, cv2.LINE_AA)
    else:
        corners = cv2.boxPoints((center, (2 * axes[0], 2 * axes[1]), float(rng.uniform(0, 180))))
        cv2.fillConvexPoly(mask, np.round(corners).astype(np.int32), 255, cv2.LINE_AA)
    texture = np.asarray(cv2.resize(rng.integers(0, 256, (5, 4, 3), dtype=np.uint8), (width, height)), dtype=np.float32)
    texture = texture * rng.uniform(0, 0.6) + rng.integers(0, 256, 3) * 0.6
    weight = mask.astype(np.float32)[..., None] / 255
    rgb = np.clip(np.round(texture * weight + crop.rgb * (1 - weight)), 0, 255).astype(np.uint8)
    matte, parsing, points = _covered(crop, mask)
    return TrainingCrop(rgb, matte, parsing, points, crop.facing)


def _covered(crop: TrainingCrop, cover: ByteArray) -> tuple[ByteArray, ByteArray, FloatArray]:
    """Return matte, parsing and points of a crop under something opaque; covered points are guessed: less is asked."""
    matte = np.minimum(crop.matte, 255 - cover)
    parsing = np.where(cover > 127, BACKGROUND, crop.parsing).astype(np.uint8)
    points = crop.points.copy()
    height, width = cover.shape
    columns = np.clip(np.round(points[:, 0]), 0, width - 1).astype(int)
    rows = np.clip(np.round(points[:, 1]), 0, height - 1).astype(int)
    points[cover[rows, columns] > 127, 2] *= 0.4
    return matte, parsing, points


def _backdrop(background: ByteArray, rng: np.random.Generator, size: tuple[int, int]) -> ByteArray:
    """Return a random window of a background picture, mirrored half of the time, at the crop's size."""
    height, width = background.shape[:2]
    zoom = rng.uniform(0.35, 1.0)
    window_height = max(int(min(height, width * size[1] / size[0]) * zoom), 2)
    window_width = max(int(window_height * size[0] / size[1]), 2)
    top = int(rng.integers(0, height - window_height + 1))
    left = int(rng.integers(0, max(width - window_width, 0) + 1))
    window = background[top : top + window_height, left : left + window_width]
    if rng.random() < 0.5:
        window = window[:, ::-1]
    return np.asarray(cv2.resize(np.ascontiguousarray(window), size, interpolation=cv2.INTER_LINEAR), dtype=np.uint8)


def _photograph(crop: TrainingCrop, rng: np.random.Generator) -> TrainingCrop:
    """Change light and colour, and add the faults of cameras and codecs."""
    rgb = crop.rgb
    if rng.random() < 0.85:
        rgb = _relit(rgb, rng)
    if rng.random() < 0.15:
        rgb = np.asarray(cv2.GaussianBlur(rgb, (0, 0), rng.uniform(0.4, 2.0)), dtype=np.uint8)
    if rng.random() < 0.08:
        rgb = _motion_blurred(rgb, rng)
    if rng.random() < 0.2:
        noise = rng.normal(0, rng.uniform(2, 14), rgb.shape).astype(np.float32)
        rgb = np.clip(rgb + noise, 0, 255).astype(np.uint8)
    if rng.random() < 0.2:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(15, 70))]
        rgb = np.asarray(cv2.imdecode(cv2.imencode(".jpg", rgb, quality)[1], cv2.IMREAD_COLOR), dtype=np.uint8)
    return replace(crop, rgb=np.ascontiguousarray(rgb))


def _relit(rgb: ByteArray, rng: np.random.Generator) -> ByteArray:
    """Apply gamma, contrast, brightness and a colour cast through one table a channel; grey now and then."""
    if rng.random() < 0.06:
        rgb = np.repeat(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)
    levels = np.arange(256, dtype=np.float32) / 255
    tables = []
    gamma, contrast, brightness = np.exp(rng.normal(0, 0.22)), np.exp(rng.normal(0, 0.18)), rng.normal(0, 0.07)
    for _ in range(3):
        gain = np.exp(rng.normal(0, 0.07))
        curve = (levels**gamma - 0.5) * contrast + 0.5 + brightness
        tables.append(np.clip(curve * gain * 255, 0, 255).astype(np.uint8))
    order = list(rng.permutation(3)) if rng.random() < 0.1 else [0, 1, 2]
    return np.stack([tables[channel][rgb[..., order[channel]]] for channel in range(3)], axis=-1)


def _motion_blurred(rgb: ByteArray, rng: np.random.Generator) -> ByteArray:
    length = int(rng.integers(3, 12))
    kernel = np.zeros((length, length), dtype=np.float32)
    kernel[length // 2] = 1 / length
    turn = cv2.getRotationMatrix2D(((length - 1) / 2, (length - 1) / 2), float(rng.uniform(0, 180)), 1.0)
    kernel = np.asarray(cv2.warpAffine(kernel, turn, (length, length)), dtype=np.float32)
    return np.asarray(cv2.filter2D(rgb, -1, kernel / max(float(kernel.sum()), 1e-3)), dtype=np.uint8)
