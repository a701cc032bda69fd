"""Cloth that hangs is whole: a skirt that the posed body wears has no hole between the legs. Ours.

Stage II has seen more trousers than skirts, and takes away what hangs between legs apart. The avatar knows what hangs
there, so what it covers with cloth stays covered.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

from motionwarp.engines.warping_gan.inputs import BodyInputs
from motionwarp.engines.warping_gan.networks import COMPOSITE, LARGEST_SHIFT, PartGeneratorOutput, shifted_alpha
from motionwarp.puppet import parts

_SOLID: Final = 0.95  # share of a cell's surroundings that the avatar's cloth covers
_HELD: Final = 0.9  # alpha below which there is a hole
_HOLE_CELLS: Final = 5  # by which a hole is broad at least
_FRAYED_CELLS: Final = 3  # by which it goes on more narrowly
_BODY_LOGIT: Final = 2.0  # of the avatar's colors against all others, where a hole was
_ALL_OF_THE_BODY: Final = 8.0  # logit of the avatar's share in the alpha


def with_whole_cloth(recipe: PartGeneratorOutput, layers: Tensor, body: BodyInputs | None) -> PartGeneratorOutput:
    """Return a recipe by which cloth that hangs before an avatar's legs is opaque.

    Parameters
    ----------
    recipe : PartGeneratorOutput
        Of B frames.
    layers : float tensor (B, 16, 4, h, w)
        Warped parts and their composite, premultiplied RGBA in [0, 1].
    body : BodyInputs or None
        What the networks see of the avatar.

    Returns
    -------
    PartGeneratorOutput
        The same where there is no body or the recipe blends none.
    """
    if body is None or recipe.body_logit is None or recipe.body_alpha is None:
        return recipe
    of_body = body.planes[:, 3:4].to(recipe.alpha_shift)
    cloth = functional.interpolate(body.shares[:, parts.GARMENT, None].to(of_body), scale_factor=2.0) * of_body
    if not bool((cloth > _SOLID).any()):
        return recipe
    inner = -functional.max_pool2d(-cloth, 3, stride=1, padding=1)
    of_parts = layers[:, COMPOSITE, 3:4].to(of_body)
    alpha = shifted_alpha(torch.lerp(of_parts, of_body, recipe.body_alpha.sigmoid()), recipe.alpha_shift)
    hole = ((inner > _SOLID) & (alpha < _HELD)).to(of_body)
    if not bool(hole.any()):
        return recipe
    # a strip along an outline is where both disagree about it, no hole: filled by cells it would be a row of beads
    core = -_spread(-hole, _HOLE_CELLS)
    filled = (_spread(core, _HOLE_CELLS + 2 * _FRAYED_CELLS) > 0) & (hole > 0)
    return recipe._replace(
        alpha_shift=torch.where(filled, recipe.alpha_shift.clamp_min(LARGEST_SHIFT), recipe.alpha_shift),
        body_logit=torch.where(filled, recipe.body_logit.clamp_min(_BODY_LOGIT), recipe.body_logit),
        body_alpha=torch.where(filled, recipe.body_alpha.clamp_min(_ALL_OF_THE_BODY), recipe.body_alpha),
    )


def _spread(plane: Tensor, cells: int) -> Tensor:
    """Return the largest value of an odd number of cells around each."""
    return functional.max_pool2d(plane, cells, stride=1, padding=cells // 2)
