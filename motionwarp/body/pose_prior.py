"""How people hold their bones: at ease, how far each strays from there, and hinges that bend one way only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor

from motionwarp.body.layout import DRIVEN_BONES
from motionwarp.body.model import BodyModel
from motionwarp.body.retargeting import rest_frames
from motionwarp.body.rotations import matrix_from_vector

_FLIP: Final = np.diag([1.0, -1.0, -1.0])
_HANGING: Final = 0.5  # radians by which the arms at ease hang lower than at rest
_CLOSED: Final = 0.1  # radians by which the legs at ease stand closer
# radians about any axis; of hinges: about the hinge, and off it
_SPREAD: Final = {
    "root": 100.0, "spine04": 0.2, "spine02": 0.2, "spine01": 0.2, "neck02": 0.25, "head": 0.35,
    "clavicle": 0.12, "upperarm01": 0.9, "lowerarm01": 0.9, "wrist": 0.25, "upperleg01": 0.45,
    "lowerleg01": 0.5, "foot": 0.25,
}  # fmt: skip
_OFF_HINGE: Final = {"lowerarm01": 0.35, "lowerleg01": 0.08}


@dataclass(frozen=True, eq=False)
class PosePrior:
    """The stance at ease and what leaves it.

    Attributes
    ----------
    ease : float tensor (D, 3, 3)
        Turns against the bone above.
    axes : float tensor (D, 3, 3)
        Rows are the axes about which a bone strays; of hinges the first is the hinge, about which it bends forward.
    spread : float tensor (D, 3)
        Radians about each of them.
    least_bend : float tensor (D,)
        Radians about the first axis below which a hinge does not go, from the pose that all people share; minus
        infinity of others.
    """

    ease: Tensor
    axes: Tensor
    spread: Tensor
    least_bend: Tensor

    @classmethod
    def of(cls, body: BodyModel) -> PosePrior:
        """Return the prior; its hinges are those of the body's own elbows and knees."""
        frames = torch.from_numpy(_FLIP @ rest_frames(body))
        ease, axes, spread, least = [], [], [], []
        for bone, frame in zip(DRIVEN_BONES, frames, strict=True):
            stem, _, side = bone.partition(".")
            is_hinge = stem in _OFF_HINGE
            away = {"L": 1.0, "R": -1.0}.get(side, 0.0)
            turn = {"upperarm01": _HANGING * away, "upperleg01": _CLOSED * away}.get(stem, 0.0)
            ease.append(matrix_from_vector(torch.tensor([0.0, 0.0, turn], dtype=torch.float64)))
            axes.append(frame.T[[1, 0, 2]] if is_hinge else torch.eye(3, dtype=torch.float64))
            spread.append([_SPREAD[stem], *[_OFF_HINGE.get(stem, _SPREAD[stem])] * 2])
            # arms at rest are bent by half a radian, and can be stretched
            least.append({"lowerarm01": -0.5, "lowerleg01": -0.05}.get(stem, -torch.inf))
        return cls(torch.stack(ease), torch.stack(axes), torch.tensor(spread).double(), torch.tensor(least).double())
