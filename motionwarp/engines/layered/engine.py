"""The training-free engine: a person cut into parts that move by closed-form warps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from motionwarp.engines.base import Engine, Motion, RenderSettings
from motionwarp.puppet.compositor import person_layer
from motionwarp.puppet.person import PuppetPerson
from motionwarp.puppet.warp_params import WarpParams
from motionwarp.types import FloatArray, PersonLayer, SourcePerson


class LayeredEngine(Engine):
    """Moves head, torso, limbs, hands, feet and hanging cloth of the source, without any learned weights.

    Every target pixel is a pixel of the source, so identity and clothes stay sharp at any resolution; what the source
    hides cannot be shown, but for limbs, which borrow the other side's pixels.
    """

    name = "layered"
    keeps_pixels = True

    def __init__(self) -> None:
        self._person: PuppetPerson | None = None
        self._settings: RenderSettings | None = None

    def prepare(self, source: SourcePerson, settings: RenderSettings) -> None:
        """Cut the source into parts; see `Engine.prepare`.

        Raises
        ------
        NoPersonError
            If the source's points show no upper body.
        """
        self._person = PuppetPerson(source, settings.device, keep_parsing=settings.keep_parsing)
        self._settings = settings

    def plan(self, motion: Motion) -> FloatArray:
        """Fit all maps; see `Engine.plan`."""
        person, _ = self._prepared()
        return np.asarray(person.plan(torch.from_numpy(motion.points)).flatten().numpy())

    def render(self, motion: Motion, theta: FloatArray) -> Sequence[PersonLayer]:
        """Draw the person; see `Engine.render`."""
        person, settings = self._prepared()
        with torch.inference_mode():
            frames = person.render(
                torch.from_numpy(motion.points),
                WarpParams.from_flat(torch.from_numpy(theta)),
                settings.height,
                settings.width,
            )
        return [person_layer(frame) for frame in frames]

    def _prepared(self) -> tuple[PuppetPerson, RenderSettings]:
        if self._person is None or self._settings is None:
            raise RuntimeError("LayeredEngine.prepare must be called before plan and render")
        return self._person, self._settings
