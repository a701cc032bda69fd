"""Fits one body to several photos of the same person: a pose and a camera each, one shape for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import torch
from torch import Tensor

from motionwarp.body.camera import WeakPerspective
from motionwarp.body.fitting import LEAST_POINTS, BodyFit, BodyFitter, FitSettings, Guess
from motionwarp.body.lifter import LEAST_SCORE
from motionwarp.body.lifting import TrackLifter
from motionwarp.types import FloatArray

__all__ = ["fit_photos"]

_SIZE: Final = 1000.0  # pixels: photos are fitted at one size, so that a large one counts no more than a small one


def fit_photos(
    fitter: BodyFitter, lifter: TrackLifter, photos: Sequence[FloatArray], settings: FitSettings | None = None
) -> BodyFit:
    """Fit one body to photos of one person.

    Parameters
    ----------
    fitter : BodyFitter
    lifter : TrackLifter
        Says beforehand how bones are turned in depth; each photo is lifted by itself.
    photos : sequence of float32 (18, 3)
        Pixels of each photo and scores.
    settings : FitSettings, optional
        `apart` holds in any case.

    Returns
    -------
    BodyFit
        A frame for each photo, in pixels of that photo.

    Raises
    ------
    ValueError
        If there is no photo, or one in which fewer than four points were found.
    """
    settings = replace(FitSettings() if settings is None else settings, apart=True)
    if not len(photos):
        raise ValueError("a body is fitted to at least one photo")
    points = torch.from_numpy(np.stack(photos).astype(np.float32))  # (P, 18, 3)
    found = (points[..., 2] >= LEAST_SCORE).sum(dim=1)
    if bool((found < LEAST_POINTS).any()):
        poor = int(found.argmin())
        raise ValueError(f"photo {poor} shows {int(found[poor])} points, and a body is fitted to at least four")
    lifted = [lifter.lift(each[None]) for each in points]
    guess = Guess(torch.cat([each.turns for each in lifted]), torch.cat([each.spread for each in lifted]))
    low, size = _boxes(points)
    factor = _SIZE / size
    alike = points.clone()
    alike[..., :2] = (points[..., :2] - low.unsqueeze(1)) * factor[:, None, None]
    fit = fitter.fit(alike, guess, settings)
    camera = WeakPerspective(fit.camera.scale / factor, fit.camera.shift / factor.unsqueeze(1) + low)
    return replace(fit, camera=camera)


def _boxes(points: Tensor) -> tuple[Tensor, Tensor]:
    """Return the top left corner (P, 2) and the diagonal (P,) of the box of every photo's points."""
    seen = (points[..., 2] >= LEAST_SCORE).unsqueeze(-1)
    low = torch.where(seen, points[..., :2], torch.inf).amin(dim=1)
    high = torch.where(seen, points[..., :2], -torch.inf).amax(dim=1)
    return low, (high - low).norm(dim=1).clamp(min=1.0)
