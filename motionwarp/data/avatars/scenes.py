"""Pictures of avatars with all that is known of them: who, how posed, seen from where, cut and hidden by what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from motionwarp.data.avatars.backdrops import Backdrops
from motionwarp.data.avatars.framing import Cut, draw_camera
from motionwarp.data.avatars.poses import Take, draw_frame, drawn_pose
from motionwarp.data.avatars.posing import PosedAvatar, pose_avatar
from motionwarp.data.avatars.rendering import AvatarLayer, Lamp, OrbitCamera, ground_shadow, plain_dyes, render_avatar
from motionwarp.data.avatars.rigged import RiggedAvatar
from motionwarp.data.avatars.surface_labels import BOTTOM_DYE, HAIR_DYE, SHOE_DYE, TOP_DYE
from motionwarp.parsing.labels import BACKGROUND
from motionwarp.pose import skeleton as sk
from motionwarp.types import BoolArray, ByteArray, FloatArray, Pose

HIDDEN_SCORE: Final = 0.6  # of points behind the person's own body, as of the drawn people
COVERED_SCORE: Final = 0.4  # of points behind something else
# meters that may lie before a point that still counts as seen: flesh, cloth and hair around it
_COVER: Final = {
    sk.NOSE: 0.03, sk.RIGHT_EYE: 0.03, sk.LEFT_EYE: 0.03, sk.RIGHT_EAR: 0.05, sk.LEFT_EAR: 0.05,
    sk.NECK: 0.17, sk.RIGHT_SHOULDER: 0.14, sk.LEFT_SHOULDER: 0.14, sk.RIGHT_HIP: 0.17, sk.LEFT_HIP: 0.17,
}  # fmt: skip
_COVER_LIMB: Final = 0.09
_UPRIGHT: Final = (0.3, 0.8)  # of a trunk's direction what is level: facing says nothing below, and all above


@dataclass(frozen=True)
class SceneSettings:
    """What pictures are drawn; probabilities in [0, 1].

    Attributes
    ----------
    height, width : int
        In pixels.
    drawn : float
        Poses that are drawn rather than captured; more than half of those stand with their arms down.
    cut : float
        People who are cut by the frame at the knees, hips, chest or neck.
    occluded : float
        People with something before them.
    shadow : float
        People who darken the ground about their feet.
    """

    height: int = 320
    width: int = 240
    drawn: float = 0.45
    cut: float = 0.34
    occluded: float = 0.1
    shadow: float = 0.6


@dataclass(frozen=True, eq=False)
class AvatarView:
    """A picture of an avatar.

    Attributes
    ----------
    rgb : uint8 (H, W, 3)
    matte : float32 (H, W)
        Coverage in [0, 1]; occluders are taken off.
    parsing : uint8 (H, W)
        LIP classes, 255 where not known.
    depth : float32 (H, W)
        Metres along the view, of the person where nothing were before it; infinite elsewhere.
    pose : Pose
        Scores: 1 seen, 0.6 behind the own body, 0.4 behind something else, 0 outside of the picture; places are true
        even there.
    joints : float32 (18, 3)
        The points in camera coordinates (x right, y down, z away), metres.
    facing : float
        Degrees about the vertical by which the trunk is turned from facing the camera; positive to the picture's right,
        180 shows the back.
    certainty : float
        Of the facing, in [0, 1]: of who lies or bends low it cannot be told.
    cut : Cut
        How the frame was meant to cut the person.
    name : str
        Avatar, pose and seed.
    """

    rgb: ByteArray
    matte: FloatArray
    parsing: ByteArray
    depth: FloatArray
    pose: Pose
    joints: FloatArray
    facing: float
    certainty: float
    cut: Cut
    name: str


@dataclass(frozen=True, eq=False)
class Look:
    """Who is shown, in clothes of which colors, in which light: what two pictures of a pair share.

    Attributes
    ----------
    avatar : RiggedAvatar
    lamp : Lamp
    dyes : float32 (5, 2, 3)
        As `draw_dyes` draws them.
    """

    avatar: RiggedAvatar
    lamp: Lamp
    dyes: FloatArray


@dataclass(frozen=True, eq=False)
class Cast:
    """Who can be shown, doing what, and where."""

    avatars: Sequence[RiggedAvatar]
    takes: Sequence[Take]
    backdrops: Backdrops


def draw_look(cast: Cast, rng: np.random.Generator) -> Look:
    """Draw somebody of a cast, the colors of their clothes and the light."""
    return Look(cast.avatars[int(rng.integers(len(cast.avatars)))], draw_lamp(rng), draw_dyes(rng))


def draw_view(
    cast: Cast,
    settings: SceneSettings,
    rng: np.random.Generator,
    facing: float | None = None,
    cut: Cut | None = None,
    look: Look | None = None,
) -> AvatarView:
    """Draw one picture.

    Parameters
    ----------
    cast : Cast
    settings : SceneSettings
    rng : numpy Generator
        Everything is drawn from it.
    facing : float, optional
        Degrees; drawn evenly from all around where not given.
    cut : Cut, optional
        Drawn where not given.
    look : Look, optional
        Drawn where not given.

    Returns
    -------
    AvatarView
    """
    avatar = cast.avatars[int(rng.integers(len(cast.avatars)))] if look is None else look.avatar
    drawn = rng.random() < settings.drawn
    frames, pose_name = drawn_pose(avatar.t_pose, rng) if drawn else draw_frame(cast.takes, rng)
    posed = pose_avatar(avatar, frames, float(rng.uniform(0.05, 0.6)))
    if facing is None:
        facing = float(rng.uniform(-180, 180))
    if cut is None:
        cut = "none"
        if rng.random() < settings.cut:
            cut = ("knee", "hip", "chest", "neck")[int(rng.choice(4, p=[0.3, 0.35, 0.25, 0.1]))]
    camera = draw_camera(posed, facing, cut, settings.height, settings.width, rng)
    lamp, dyes = (draw_lamp(rng), draw_dyes(rng)) if look is None else (look.lamp, look.dyes)
    layer = render_avatar(avatar, posed, camera, lamp, dyes, settings.height, settings.width)
    background = cast.backdrops.draw(rng, settings.height, settings.width)
    if rng.random() < settings.shadow:
        dark = 1 - rng.uniform(0.2, 0.8) * ground_shadow(posed, camera, settings.height, settings.width)
        background = np.rint(background * dark[..., None]).astype(np.uint8)
    cover, texture = None, None
    if rng.random() < settings.occluded:
        cover = _draw_occluder(layer.matte, rng)
        texture = cast.backdrops.draw(rng, settings.height, settings.width)
    return _compose(posed, camera, layer, background, cover, texture, (cut, f"{avatar.name}/{pose_name}"))


def draw_lamp(rng: np.random.Generator) -> Lamp:
    """Draw a light: mostly from above and before, of some color, soft or hard."""
    direction = np.array([rng.normal(0, 0.8), -abs(rng.normal(0.6, 0.4)), -rng.normal(0.6, 0.6)])
    direction /= np.linalg.norm(direction)
    fill = rng.uniform(0.25, 0.8)
    lamp = max(rng.uniform(0.8, 1.2) - fill, 0.1)
    warm, green = rng.normal(0, 0.06), rng.normal(0, 0.02)
    tint = np.array([1 + warm, 1 + green, 1 - warm])
    shade = np.array([1 - 0.5 * warm, 1.0, 1 + 0.5 * warm])
    x, y, z = (float(value) for value in direction)
    (r, g, b), (p, q, s) = (tint * lamp).tolist(), (shade * fill).tolist()
    return Lamp((x, y, z), (r, g, b), (p, q, s))


def draw_dyes(rng: np.random.Generator) -> FloatArray:
    """Draw other colors for clothes, shoes and hair, or leave them; skin stays as it is. Float32 (5, 2, 3)."""
    dyes = plain_dyes()
    for dye, chance in ((TOP_DYE, 0.6), (BOTTOM_DYE, 0.5), (SHOE_DYE, 0.4), (HAIR_DYE, 0.3)):
        if rng.random() > chance:
            continue
        spread = 0.12 if dye == HAIR_DYE else 0.3
        dyes[dye, 0] = np.exp(rng.normal(0, 0.4) + rng.normal(0, spread, 3))
        if rng.random() < 0.5:
            # dark cloth does not become bright by a factor
            dyes[dye, 1] = rng.uniform(0, 40 if dye == HAIR_DYE else 130) * np.exp(rng.normal(0, spread, 3))
            dyes[dye, 0] *= 0.7
    return dyes


def facing_of(posed: PosedAvatar, camera: OrbitCamera) -> tuple[float, float]:
    """Return how a person's trunk is turned from facing the camera, in degrees, and how surely that can be said."""
    azimuth = np.deg2rad(camera.azimuth)
    x, _, z = (float(value) for value in posed.forward)
    right = x * np.cos(azimuth) - z * np.sin(azimuth)
    towards = x * np.sin(azimuth) + z * np.cos(azimuth)
    level = float(np.hypot(right, towards))
    low, high = _UPRIGHT
    return float(np.rad2deg(np.arctan2(right, towards))), float(np.clip((level - low) / (high - low), 0, 1))


def _compose(
    posed: PosedAvatar,
    camera: OrbitCamera,
    layer: AvatarLayer,
    background: ByteArray,
    cover: FloatArray | None,
    texture: ByteArray | None,
    labels: tuple[Cut, str],
) -> AvatarView:
    rgb = layer.rgb + background * (1 - layer.matte[..., None])
    matte, parsing = layer.matte, layer.parsing
    if cover is not None and texture is not None:
        rgb = texture * cover[..., None] + rgb * (1 - cover[..., None])
        matte = matte * (1 - cover)
        parsing = np.where(cover > 0.5, BACKGROUND, parsing).astype(np.uint8)
    points = camera.project(posed.points)
    scores = _scores(points, layer.depth, cover)
    facing, certainty = facing_of(posed, camera)
    return AvatarView(
        np.asarray(np.clip(np.rint(rgb), 0, 255), dtype=np.uint8),
        matte.astype(np.float32),
        parsing,
        layer.depth,
        Pose(np.concatenate([points[:, :2], scores[:, None]], axis=1)),
        camera.seen(posed.points),
        facing,
        certainty,
        *labels,
    )


def _scores(points: FloatArray, depth: FloatArray, cover: FloatArray | None) -> FloatArray:
    """Return the score of each point, float32 (18,); see `AvatarView`."""
    height, width = depth.shape
    inside: BoolArray = (
        (points[:, 0] > -0.5) & (points[:, 1] > -0.5) & (points[:, 0] < width - 0.5) & (points[:, 1] < height - 0.5)
    )
    columns = np.clip(np.rint(points[:, 0]), 0, width - 1).astype(int)
    rows = np.clip(np.rint(points[:, 1]), 0, height - 1).astype(int)
    reach = np.array([_COVER.get(point, _COVER_LIMB) for point in range(len(points))], dtype=np.float32)
    scores = np.where(depth[rows, columns] < points[:, 2] - reach, HIDDEN_SCORE, 1.0)
    if cover is not None:
        scores = np.where(cover[rows, columns] > 0.5, COVERED_SCORE, scores)
    return np.where(inside, scores, 0.0).astype(np.float32)


def _draw_occluder(matte: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Draw what stands before the person: a box, something round, or a table along the picture, float32 (H, W)."""
    height, width = matte.shape
    mask = np.zeros((height, width), dtype=np.uint8)
    rows, columns = np.nonzero(matte > 0.5)
    if not len(rows):
        return mask.astype(np.float32)
    top, tall = float(rows.min()), float(rows.max() - rows.min() + 1)
    kind = rng.random()
    if kind < 0.25:
        mask[int(top + rng.uniform(0.45, 0.9) * tall) :] = 255
    else:
        place = int(rng.integers(len(rows)))
        center = (float(columns[place]), float(rows[place]))
        half = (rng.uniform(0.06, 0.22) * tall, rng.uniform(0.06, 0.28) * tall)
        angle = float(rng.uniform(0, 180))
        if kind < 0.6:
            cv2.ellipse(mask, (center, (2 * half[0], 2 * half[1]), angle), 255, -1, cv2.LINE_AA)
        else:
            corners = cv2.boxPoints((center, (2 * half[0], 2 * half[1]), angle if rng.random() < 0.4 else 0.0))
            cv2.fillConvexPoly(mask, np.rint(corners).astype(np.int32), 255, cv2.LINE_AA)
    return (mask / np.float32(255)).astype(np.float32)
