"""From the 18 points of a track, or of a photo, to a body's turns in space: the lifter in use."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from motionwarp.body.fitting import Guess
from motionwarp.body.layout import DRIVEN_BONES
from motionwarp.body.lifter import LIFTER_ARCHITECTURE, Lifted, Lifter, LifterConfig, normalize
from motionwarp.body.rig import DRIVEN_MIRROR
from motionwarp.body.rotations import matrix_from_6d, matrix_from_vector, sixd_from_matrix
from motionwarp.errors import WeightsError
from motionwarp.pose import skeleton as sk

__all__ = ["LiftedTrack", "TrackLifter", "facing_degrees", "save_lifter"]

# a rotation by a small angle is this many times as far from none, as a distance of matrices
_CHORD_PER_RADIAN: Final = 2**0.5
_LEAST_SPREAD: Final = 0.05
_FOUND: Final = 0.15  # score of a point that somebody saw
_USUAL_QUANTILE: Final = 0.9
_SURE_ESTIMATOR: Final = 0.8
_CLIP: Final = 8  # frames, of which it can be told how sure an estimator usually is
_SURE_OF_A_FRAME: Final = 0.65
_MOST_SCORES: Final = 100_000


@dataclass(frozen=True, eq=False)
class LiftedTrack:
    """How a person is turned in T frames.

    Attributes
    ----------
    turns : float tensor (T, D, 3, 3)
        Of the driven bones against the camera, from the pose that all people share.
    spread : float tensor (T, D)
        Expected error in radians.
    pixels_per_stature : float tensor (T,)
        Torso, thigh and shin together, were they seen from the side.
    log_proportions : float tensor (8,)
        By `lifter.PROPORTIONS`: lengths as logarithms of their shares of the stature.
    """

    turns: Tensor
    spread: Tensor
    pixels_per_stature: Tensor
    log_proportions: Tensor

    def turned(self, degrees: Tensor) -> LiftedTrack:
        """Return the person turned about the picture's vertical axis, so that facings grow by degrees (T,)."""
        about = torch.zeros(len(degrees), 3, dtype=self.turns.dtype)
        about[:, 1] = -torch.deg2rad(degrees.to(about.dtype))
        return replace(self, turns=matrix_from_vector(about).unsqueeze(1) @ self.turns)

    def guess(self) -> Guess:
        """Return it as what a fit starts from and stays near to."""
        return Guess(self.turns, self.spread)

    @property
    def facing(self) -> Tensor:
        """Where the hips face, in degrees, (T,); see `facing_degrees`."""
        return facing_degrees(self.turns[:, 0])


class TrackLifter:
    """Lifts tracks by a trained network, each also as its mirror image.

    Parameters
    ----------
    network : Lifter
    device : torch.device or str
    """

    def __init__(self, network: Lifter, device: torch.device | str = "cpu") -> None:
        self._network = network.to(device).eval()
        self._device = device

    @classmethod
    def load(cls, name_or_path: str | Path = "lifter", *, device: torch.device | str = "cpu") -> TrackLifter:
        """Read the network.

        Raises
        ------
        WeightsError
            If there is no such file, or it is damaged, or made for other bones or of another size.
        """
        from motionwarp.checkpoints.checkpoint import load_checkpoint

        checkpoint = load_checkpoint(name_or_path, LIFTER_ARCHITECTURE)
        if checkpoint.config.get("bones") != list(DRIVEN_BONES):
            raise WeightsError("turns other bones than this release has", subject=checkpoint.path)
        config = _config_of(checkpoint.config, checkpoint.path)
        return cls(checkpoint.made(lambda: Lifter(config)), device)

    @torch.inference_mode()
    def lift(self, points: Tensor) -> LiftedTrack:
        """Lift one person's track.

        Parameters
        ----------
        points : float tensor (T, 18, 3)
            x, y in pixels and scores; a score of 0 means that a point was not found. About 30 frames a second.

        Returns
        -------
        LiftedTrack
            On the CPU.

        Raises
        ------
        ValueError
            If the points have another shape, or are none.
        """
        if points.ndim != 3 or points.shape[1:] != (18, 3) or not len(points):
            raise ValueError(f"a track has points (T, 18, 3), got {tuple(points.shape)}")
        points = _calibrated(points)
        given = normalize(torch.stack([points, _mirrored_points(points)]).to(self._device))
        lifted = self._network(given.points)
        return _merged(lifted, given.size)


def _calibrated(points: Tensor) -> Tensor:
    """Return points (T, 18, 3) of a clip with scores as high as those of the analyzer.

    The network has seen that sides are exchanged where scores are low: everybody who was read by an estimator that is
    less sure of itself would stand with their back to the camera.
    """
    limbs = points[..., sk.NECK : sk.RIGHT_EYE, 2]
    found = limbs[limbs >= _FOUND]
    if not len(found):
        return points
    usual = torch.quantile(found[:: max(1, len(found) // _MOST_SCORES)], _USUAL_QUANTILE)
    if usual >= (_SURE_ESTIMATOR if len(points) >= _CLIP else _SURE_OF_A_FRAME):
        return points
    scores = points[..., 2]
    scaled = torch.where(scores >= _FOUND, (scores / usual).clamp(max=1.0), scores)
    return torch.cat([points[..., :2], scaled.unsqueeze(-1)], dim=-1)


def save_lifter(path: str | Path, network: Lifter) -> Path:
    """Write a lifter's weights in half precision.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    from motionwarp.checkpoints.checkpoint import half_precision, save_checkpoint

    config = {**network.config.as_dict(), "bones": list(DRIVEN_BONES)}
    return save_checkpoint(path, half_precision(network), LIFTER_ARCHITECTURE, config)


def _config_of(config: dict[str, Any], path: Path) -> LifterConfig:
    try:
        names = ("width", "expansion", "kernel")
        return LifterConfig(**{name: int(config[name]) for name in names}, dilations=tuple(config["dilations"]))
    except (KeyError, TypeError, ValueError) as error:
        raise WeightsError(f"has no usable configuration ({error})", subject=path) from error


def _mirrored_points(points: Tensor) -> Tensor:
    return (points * torch.tensor([-1.0, 1.0, 1.0], device=points.device))[..., list(sk.MIRROR), :]


def _merged(lifted: Lifted, size: Tensor) -> LiftedTrack:
    """Return the mean of a track's turns and of those of its mirror image, mirrored back; each by its certainty."""
    flip = torch.tensor([-1.0, 1.0, 1.0], device=lifted.turns.device)
    mirror = list(DRIVEN_MIRROR)
    other = (flip[:, None] * lifted.turns[1] * flip)[:, mirror]
    spreads = torch.stack([lifted.log_spread[0], lifted.log_spread[1][:, mirror]]).clamp(-4, 2).exp()
    shares = (1 / spreads) / (1 / spreads).sum(dim=0)
    mean = shares[0][..., None, None] * lifted.turns[0] + shares[1][..., None, None] * other
    spread = spreads.mean(dim=0) / _CHORD_PER_RADIAN
    scale = lifted.log_scale.mean(dim=0).exp() * size[0]
    return LiftedTrack(
        matrix_from_6d(sixd_from_matrix(mean)).cpu(),
        spread.clamp(min=_LEAST_SPREAD).cpu(),
        scale.cpu(),
        lifted.log_proportions.mean(dim=(0, 1)).cpu(),
    )


def facing_degrees(root: Tensor) -> Tensor:
    """Return where hips turned by `root` (..., 3, 3) face, (...): 0 is the camera, 90 the picture's right, 180 away."""
    forward = -root[..., 2]
    return torch.rad2deg(torch.atan2(forward[..., 0], -forward[..., 2]))
