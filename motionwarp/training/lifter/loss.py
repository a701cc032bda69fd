"""The lifter's loss: turns with their spread, points in space and picture, their motion, size and proportions."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from motionwarp.body.layout import DRIVEN_BONES
from motionwarp.body.lifter import Lifted, NormalizedPoints
from motionwarp.body.synthetic_tracks import SyntheticTracks


@dataclass(frozen=True)
class LifterLossWeights:
    """How much each term counts."""

    turns: float = 1.0
    places: float = 6.0
    picture: float = 2.0
    motion: float = 4.0
    size: float = 1.0


# bones that carry others count more; hands and feet can hardly be told from 18 points
_BONE_WEIGHTS = tuple(
    2.0 if bone == "root" else 0.5 if bone.split(".")[0] in ("wrist", "foot", "clavicle") else 1.0
    for bone in DRIVEN_BONES
)


def lifter_loss(
    lifted: Lifted, given: NormalizedPoints, truth: SyntheticTracks, weights: LifterLossWeights | None = None
) -> dict[str, Tensor]:
    """Return the terms, weighed, by name; their sum is to be made small.

    Parameters
    ----------
    lifted : Lifted
        Of `given.points`.
    given : NormalizedPoints
        Of `truth.points`.
    truth : SyntheticTracks
    weights : LifterLossWeights, optional

    Notes
    -----
    The turns' term is the likelihood of a Laplace distribution of matrix distances, whose width the lifter tells
    itself.
    """
    weights = LifterLossWeights() if weights is None else weights
    bones = torch.tensor(_BONE_WEIGHTS, device=lifted.turns.device)
    distance = ((lifted.turns - truth.turns) ** 2).sum(dim=(-2, -1)).clamp(min=1e-8).sqrt()  # (B, T, D)
    spread = lifted.log_spread.clamp(-4, 2)
    likelihood = (distance * (-spread).exp() + spread + 0.5 * distance) * bones
    places = truth.rig.points(lifted.turns)  # (B, T, 18, 3)
    stature = truth.stature[:, None, None, None]
    error = (places - truth.places) / stature
    # the picture by the lifter's own scale, about the middle of the hips
    hips = (truth.exact[..., 8, :] + truth.exact[..., 11, :]) / 2
    wanted = (truth.exact - hips.unsqueeze(-2)) / given.size[:, None, None, None]
    own_hips = (places[..., 8, :2] + places[..., 11, :2]) / 2
    scale = lifted.log_scale.clamp(-3, 3).exp()[..., None, None]
    drawn = (places[..., :2] - own_hips.unsqueeze(-2)) / stature * scale
    true_scale = (truth.pixels_per_stature / given.size[:, None]).log()
    size = (lifted.log_scale - true_scale).abs().mean()
    proportions = (lifted.log_proportions - truth.log_proportions[:, None]).abs().mean()
    return {
        "turns": weights.turns * likelihood.mean(),
        "places": weights.places * error.norm(dim=-1).mean(),
        "picture": weights.picture * (drawn - wanted).abs().mean(),
        "motion": weights.motion * error.diff(dim=1).norm(dim=-1).sum() / max(1, error[:, 1:, :, 0].numel()),
        "size": weights.size * (size + proportions),
    }
