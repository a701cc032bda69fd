"""The engine that gives the photo a body: surfaces in space, turned and posed, seen from any side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import cv2
import numpy as np
import torch

from motionwarp.avatar.avatar import Avatar
from motionwarp.avatar.person import AvatarPerson
from motionwarp.avatar.rest import PhotoBehind, rested
from motionwarp.body.body_track import BodyTrack
from motionwarp.engines.avatar.making import with_avatar
from motionwarp.engines.avatar.posing import PoseParams, SourceBody
from motionwarp.engines.base import Engine, Motion, RenderSettings
from motionwarp.types import ByteArray, FloatArray, PersonLayer, PoseTrack, SourcePerson

_UNTOLD: Final = (
    "which way the driving person faces cannot be told in a shot: there the motion is followed in the picture's plane"
)
_NOBODY: Final = PersonLayer(np.zeros((1, 1, 4), dtype=np.uint8), 0, 0)


class AvatarEngine(Engine):
    """Fits a body to the photo, hangs the photo's pixels on it, and draws it in other poses and from other sides."""

    name = "avatar"

    def __init__(self) -> None:
        self._state: tuple[SourceBody, Avatar, RenderSettings] | None = None
        self._photo: PhotoBehind | None = None

    def prepare(self, source: SourcePerson, settings: RenderSettings) -> None:
        """Make the avatar, unless the source has one; see `Engine.prepare`.

        Raises
        ------
        NoPersonError
            If the source's points show neither shoulders nor a neck with hips.
        """
        if not isinstance(source, AvatarPerson):
            source = with_avatar(source)
        avatar = source.fitting_avatar
        self._state = SourceBody.of_avatar(avatar.rest), avatar, settings
        if settings.photo_to_frame is not None:
            size = settings.width, settings.height
            moved = [
                cv2.warpAffine(
                    plane, settings.photo_to_frame, size, flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE
                )
                for plane in (source.rgb, source.matte)
            ]
            rgb, matte = np.asarray(moved[0], dtype=np.uint8), np.asarray(moved[1], dtype=np.float32)
            self._photo = PhotoBehind.of(rgb, matte, *self._at_rest(settings.photo_to_frame))

    def _at_rest(self, photo_to_frame: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Draw the person as they stand in the photo, as `Avatar.render` does."""
        _, avatar, settings = self._prepared()
        place = photo_to_frame[:, :2] @ np.asarray(avatar.shift, dtype=np.float32) + photo_to_frame[:, 2]
        camera = np.array([avatar.scale * photo_to_frame[0, 0], *place], dtype=np.float32)
        transforms = avatar.transforms(avatar.rotations, avatar.joints)
        return avatar.render(transforms, camera, (settings.height, settings.width), photo_to_frame)

    def follow(self, track: PoseTrack) -> Motion:
        """Fit the source's body to the points of a whole clip, shot by shot; see `Engine.follow`."""
        body, _, _ = self._prepared()
        points = np.where(track.present[:, None, None], track.points, 0).astype(np.float32)
        shots = [points[shot] for shot in track.shots()]
        motion = PoseParams.joined([body.follow(shot) for shot in shots]).motion(points)
        return motion if all(body.is_facing_told(shot) for shot in shots) else replace(motion, notes=(_UNTOLD,))

    def plan(self, motion: Motion) -> FloatArray:
        """Return the body's poses; see `Engine.plan`."""
        return PoseParams.of_motion(motion).flatten().numpy().astype(np.float32)

    def bodies(self, motion: Motion, theta: FloatArray) -> BodyTrack:
        """Return the bodies as they are drawn; see `Engine.bodies`."""
        body = self._prepared()[0]
        present = np.asarray(np.count_nonzero(motion.points[..., 2], axis=1) > 0)
        return body.track(PoseParams.from_flat(torch.from_numpy(theta)), present)

    def render(self, motion: Motion, theta: FloatArray) -> Sequence[PersonLayer]:
        """Draw the person; see `Engine.render`."""
        body, avatar, settings = self._prepared()
        poses = PoseParams.from_flat(torch.from_numpy(theta))
        joints = body.joints(poses.turns)
        turns, cameras = poses.turns.numpy(), poses.camera.numpy()
        present = np.count_nonzero(motion.points[..., 2], axis=1) > 0
        return [
            self._layer(avatar.transforms(turns[frame], joints[frame]), cameras[frame], settings)
            if present[frame]
            else _NOBODY
            for frame in range(len(theta))
        ]

    def _layer(self, transforms: FloatArray, camera: FloatArray, settings: RenderSettings) -> PersonLayer:
        _, avatar, _ = self._prepared()
        picture, still = avatar.render(transforms, camera, (settings.height, settings.width), settings.photo_to_frame)
        if self._photo is not None:
            picture = rested(picture, still, self._photo)
        return _cropped(np.rint(picture).clip(0, 255).astype(np.uint8))

    def _prepared(self) -> tuple[SourceBody, Avatar, RenderSettings]:
        if self._state is None:
            raise RuntimeError("AvatarEngine.prepare must be called before plan and render")
        return self._state


def _cropped(picture: ByteArray) -> PersonLayer:
    """Return the box of a picture that is not empty."""
    left, top, width, height = cv2.boundingRect((picture[..., 3] > 0).astype(np.uint8))
    if width == 0:
        return _NOBODY
    return PersonLayer(np.ascontiguousarray(picture[top : top + height, left : left + width]), left, top)
