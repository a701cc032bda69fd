"""Whole pictures of synthetic people with everything that is known about them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np

from motionwarp.data.synthetic.backgrounds import sample_background
from motionwarp.data.synthetic.body import BodyPose, BodyProportions, DoubleArray, Skeleton, place, sample_proportions
from motionwarp.data.synthetic.camera import Camera, sample_camera
from motionwarp.data.synthetic.figure import dress
from motionwarp.data.synthetic.painting import Light, paint, sample_light
from motionwarp.data.synthetic.poses import sample_pose
from motionwarp.data.synthetic.primitives import rasterize
from motionwarp.data.synthetic.wardrobe import Outfit, sample_outfit
from motionwarp.pose import skeleton as sk
from motionwarp.types import ByteArray, FloatArray, Pose

HIDDEN_SCORE: Final = 0.6
_FINER: Final = 2  # samples for each pixel and direction
# meters that may lie before a point which still counts as seen: flesh and cloth around it
_COVER: Final = {sk.NOSE: 0.03, sk.RIGHT_EYE: 0.04, sk.LEFT_EYE: 0.04, sk.RIGHT_EAR: 0.06, sk.LEFT_EAR: 0.06}
_COVER_LIMB: Final = 0.1
_COVER_TRUNK: Final = 0.16
_TRUNK: Final = (sk.NECK, sk.RIGHT_SHOULDER, sk.LEFT_SHOULDER, sk.RIGHT_HIP, sk.LEFT_HIP)


@dataclass(frozen=True)
class SyntheticPerson:
    """Who is drawn: a body and how it looks."""

    proportions: BodyProportions
    outfit: Outfit


@dataclass(frozen=True, eq=False)
class SyntheticView:
    """A picture of a synthetic person and its exact labels.

    Attributes
    ----------
    rgb : uint8 (H, W, 3)
    pose : Pose
        Scores: 1 visible, 0.6 hidden by the body or its clothes, 0 outside of the picture.
    parsing : uint8 (H, W)
        LIP classes; a bag is background.
    matte : float32 (H, W)
        Coverage by the person and what it carries, in [0, 1].
    depth : float32 (H, W)
        Along the view in meters; infinite where nothing of the person is.
    skeleton : Skeleton
        In the body's own space.
    camera : Camera
    """

    rgb: ByteArray
    pose: Pose
    parsing: ByteArray
    matte: FloatArray
    depth: FloatArray
    skeleton: Skeleton
    camera: Camera


def sample_person(rng: np.random.Generator) -> SyntheticPerson:
    """Draw a body and its clothes."""
    return SyntheticPerson(sample_proportions(rng), sample_outfit(rng))


def body_points(skeleton: Skeleton) -> DoubleArray:
    """Return the points that span a body, for framing, float64 (23, 3)."""
    crown = skeleton.head_center + 0.1 * skeleton.head_axes[:, 1]
    return np.concatenate([skeleton.joints, skeleton.hands, skeleton.feet, crown[None]])


def sample_view(rng: np.random.Generator, height: int, width: int) -> SyntheticView:
    """Draw a person, a pose, a camera, a light and a background, and render them.

    Parameters
    ----------
    rng : numpy.random.Generator
    height, width : int
        Size of the picture, in pixels.
    """
    person = sample_person(rng)
    pose = sample_pose(rng)
    camera = sample_camera(rng, body_points(place(person.proportions, pose)), height, width)
    view = render(person, pose, camera, sample_background(rng, height, width), height, width, light=sample_light(rng))
    return replace(view, rgb=_as_photographed(rng, view.rgb))


def render_poses(
    person: SyntheticPerson,
    poses: Iterable[BodyPose],
    camera: Camera,
    background: ByteArray,
    height: int,
    width: int,
    *,
    light: Light | None = None,
) -> Iterator[SyntheticView]:
    """Yield the views of one person in several poses under the same camera, light and background."""
    for pose in poses:
        yield render(person, pose, camera, background, height, width, light=light)


def render(
    person: SyntheticPerson,
    body_pose: BodyPose,
    camera: Camera,
    background: ByteArray,
    height: int,
    width: int,
    *,
    light: Light | None = None,
    lift: DoubleArray | None = None,
) -> SyntheticView:
    """Draw one person over a background.

    Parameters
    ----------
    person : SyntheticPerson
    body_pose : BodyPose
    camera : Camera
    background : uint8 (height, width, 3)
    height, width : int
        In pixels.
    light : Light, optional
        A plain one from the upper left if not given.
    lift : float64 (3,), optional
        Meters that the middle of the hips is moved by, as when a dancer's hips sink while the feet stand.
    """
    if background.shape != (height, width, 3) or background.dtype != np.uint8:
        raise ValueError(
            f"a {height}x{width} view needs a uint8 background of that size, got {background.dtype} {background.shape}"
        )
    skeleton = place(person.proportions, body_pose)
    stand = camera if lift is None else _moved(camera, lift)
    primitives = dress(person.proportions, person.outfit, skeleton)
    fine = stand.magnified(_FINER)
    surface = rasterize(primitives, fine, height * _FINER, width * _FINER)
    colors, classes = paint(
        surface,
        primitives,
        person.outfit,
        skeleton,
        person.proportions.head_radius,
        fine,
        Light() if light is None else light,
    )
    fine_rgb = np.zeros((*surface.mask.shape, 3), dtype=np.float32)
    fine_rgb[surface.mask] = colors
    fine_parsing = np.zeros(surface.mask.shape, dtype=np.uint8)
    fine_parsing[surface.mask] = classes
    matte = _averaged(surface.mask.astype(np.float32), height, width)
    rgb = _averaged(fine_rgb, height, width) * 255 + background * (1 - matte[..., None])
    depth = surface.depth.reshape(height, _FINER, width, _FINER).min(axis=(1, 3))
    points = _points(skeleton, stand, depth)
    return SyntheticView(
        np.clip(rgb + 0.5, 0, 255).astype(np.uint8), points, _parsing(fine_parsing), matte, depth, skeleton, stand
    )


def _moved(camera: Camera, lift: DoubleArray) -> Camera:
    """Return the camera that sees the body at the origin where `camera` sees it moved by `lift`."""
    # a small move is a shift and a zoom of the picture about the old place of the origin; the view's perspective
    # changes too little to see
    pixels, depths = camera.project(np.stack([np.zeros(3), np.asarray(lift, dtype=np.float64)]))
    shift = pixels[1] - pixels[0]
    focal = camera.focal * float(depths[0] / depths[1])
    return replace(
        camera, focal=focal, center_x=camera.center_x + float(shift[0]), center_y=camera.center_y + float(shift[1])
    )


def _averaged(fine: FloatArray, height: int, width: int) -> FloatArray:
    return np.asarray(cv2.resize(fine, (width, height), interpolation=cv2.INTER_AREA), dtype=np.float32)


def _parsing(fine: ByteArray) -> ByteArray:
    """Reduce classes to pixels.

    Background unless half of the samples are something, and then the class that most of these are.
    """
    samples = np.stack([fine[row::_FINER, column::_FINER] for row in range(_FINER) for column in range(_FINER)])
    votes = (samples[:, None] == samples[None]).sum(axis=1) * (samples > 0)
    best = np.take_along_axis(samples, votes.argmax(axis=0)[None], axis=0)[0]
    return np.where((samples > 0).sum(axis=0) * 2 >= len(samples), best, 0).astype(np.uint8)


def _points(skeleton: Skeleton, camera: Camera, depth: FloatArray) -> Pose:
    height, width = depth.shape
    pixels, depths = camera.project(skeleton.joints)
    points = np.zeros((len(pixels), 3), dtype=np.float32)
    for index, ((x, y), far) in enumerate(zip(pixels, depths, strict=True)):
        column, row = round(float(x)), round(float(y))
        if not (0 <= column < width and 0 <= row < height):
            continue
        cover = _COVER_TRUNK if index in _TRUNK else _COVER.get(index, _COVER_LIMB)
        # at an outline the point itself may be beside the body: the nearest of its neighbors decides less than the
        # farthest
        around = depth[max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2]
        hidden = float(around.max()) < far - cover
        points[index] = x, y, HIDDEN_SCORE if hidden else 1.0
    return Pose(points)


def _as_photographed(rng: np.random.Generator, rgb: ByteArray) -> ByteArray:
    """Add what cameras add: blur, noise, contrast and color casts."""
    picture = rgb.astype(np.float32)
    if rng.random() < 0.5:
        picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), float(rng.uniform(0.3, 0.9))), dtype=np.float32)
    picture = (picture - 128) * np.float32(rng.uniform(0.8, 1.15)) + np.float32(128 + rng.normal(0, 8))
    picture *= (1 + rng.normal(0, 0.03, 3)).astype(np.float32)
    picture += rng.standard_normal(rgb.shape, dtype=np.float32) * np.float32(rng.uniform(0, 6))
    return np.asarray(np.clip(picture + 0.5, 0, 255), dtype=np.uint8)
