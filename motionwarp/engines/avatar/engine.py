"""The engine that gives the photo a body: surfaces in space, turned and posed, seen from any side."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch

from motionwarp.body.body_motion import BodyMotion
from motionwarp.body.body_track import BodyTrack
from motionwarp.engines.avatar.photo_body import NOBODY, PhotoBody
from motionwarp.engines.avatar.posing import BodyTools, PoseParams
from motionwarp.engines.base import Engine, Motion, RenderSettings, Staging
from motionwarp.types import FloatArray, PersonLayer, PoseTrack, SourcePerson


class AvatarEngine(Engine):
    """Fits a body to the photo, hangs the photo's pixels on it, and draws it in other poses and from other sides."""

    name = "avatar"
    keeps_pixels = True
    has_body = True

    def __init__(self) -> None:
        # an engine is made before anything is looked at: weights of another version end a run at once
        BodyTools.shipped()
        self._person: PhotoBody | None = None

    def get_ready(self) -> None:
        """Have the compiler of loops set itself up; see `Engine.get_ready`."""
        PhotoBody.get_ready()

    def prepare(self, source: SourcePerson, settings: RenderSettings) -> None:
        """Make the avatar; see `Engine.prepare`.

        Raises
        ------
        NoPersonError
            If the source's points show neither shoulders nor a neck with hips.
        """
        self._person = PhotoBody.of(source, settings)

    def follow(self, track: PoseTrack) -> Motion:
        """Fit the source's body to the points of a whole clip, shot by shot; see `Engine.follow`."""
        return self._prepared().follow(track)

    def perform(self, capture: BodyMotion, staging: Staging) -> tuple[Motion, bool]:
        """Let the body move as captured; see `Engine.perform`."""
        return self._prepared().perform(capture, staging)

    def seen_from(self, motion: Motion, degrees: npt.NDArray[np.float64]) -> Motion:
        """Turn the body against the camera; see `Engine.seen_from`."""
        return self._prepared().body.seen_from(motion, degrees)

    def kept_aside(self, motion: Motion) -> float:
        """Return how far the photo's side is turned back into sight; see `Engine.kept_aside`."""
        return self._prepared().body.kept_aside(motion)

    def plan(self, motion: Motion) -> FloatArray:
        """Return the body's poses; see `Engine.plan`."""
        return PoseParams.of_motion(motion).flatten().numpy().astype(np.float32)

    def bodies(self, motion: Motion, theta: FloatArray) -> BodyTrack:
        """Return the bodies as they are drawn; see `Engine.bodies`."""
        body = self._prepared().body
        present = np.asarray(np.count_nonzero(motion.points[..., 2], axis=1) > 0)
        return body.track(PoseParams.from_flat(torch.from_numpy(theta)), present)

    def render(self, motion: Motion, theta: FloatArray) -> Sequence[PersonLayer]:
        """Draw the person; see `Engine.render`."""
        person = self._prepared()
        posed = person.posed(PoseParams.from_flat(torch.from_numpy(theta)))
        present = np.count_nonzero(motion.points[..., 2], axis=1) > 0
        return [person.layer(*pose) if there else NOBODY for pose, there in zip(posed, present, strict=True)]

    def _prepared(self) -> PhotoBody:
        if self._person is None:
            raise RuntimeError("AvatarEngine.prepare must be called before plan and render")
        return self._person
