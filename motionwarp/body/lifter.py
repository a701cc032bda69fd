"""The lifter: a network from a track of 18 points to how a body's bones are turned in space, frame by frame."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

import torch
from torch import Tensor, nn

from motionwarp.body.layout import DRIVEN_BONES
from motionwarp.body.rotations import matrix_from_6d
from motionwarp.pose import skeleton as sk
from motionwarp.types import POINT_COUNT

LIFTER_ARCHITECTURE: Final = "lifter"

PROPORTIONS: Final = (
    "shoulder_width", "hip_width", "torso", "upper_arm", "forearm", "thigh", "shin", "neck_to_nose",
)  # fmt: skip
"""Lengths that the lifter tells, each as the logarithm of its share of the stature."""

_BONES: Final = len(DRIVEN_BONES)
# between which points lengths are told to the network: they say how far a bone points toward the camera or away
_SPANS: Final = (
    *sk.BONES, (sk.RIGHT_SHOULDER, sk.LEFT_SHOULDER), (sk.RIGHT_HIP, sk.LEFT_HIP),
    (sk.RIGHT_SHOULDER, sk.RIGHT_HIP), (sk.LEFT_SHOULDER, sk.LEFT_HIP), (sk.RIGHT_EAR, sk.LEFT_EAR),
)  # fmt: skip
_FEATURES: Final = 3 * POINT_COUNT + 4 * len(_SPANS)


@dataclass(frozen=True)
class LifterConfig:
    """The lifter's size.

    Attributes
    ----------
    width : int
        Channels.
    expansion : int
        How many times wider a block is inside.
    kernel : int
        Frames that a block looks at, odd.
    dilations : tuple of int
        One block each: every how many frames it looks.
    """

    width: int = 256
    expansion: int = 2
    kernel: int = 5
    dilations: tuple[int, ...] = (1, 1, 2, 4)

    def __post_init__(self) -> None:
        if self.width <= 0 or self.expansion <= 0 or self.kernel % 2 != 1 or not self.dilations:
            raise ValueError(f"no lifter has this size: {self}")

    def as_dict(self) -> dict[str, Any]:
        """Return what a checkpoint keeps."""
        return {**asdict(self), "dilations": list(self.dilations)}


@dataclass(frozen=True, eq=False)
class Lifted:
    """What the lifter tells of B tracks of T frames.

    Attributes
    ----------
    turns : float tensor (B, T, D, 3, 3)
        Of the driven bones against the camera, from the pose that all people share.
    log_spread : float tensor (B, T, D)
        Logarithm of the turns' expected error, as a distance of matrices (0.1 is about 4 degrees).
    log_scale : float tensor (B, T)
        Logarithm of the stature in the units of the input.
    log_proportions : float tensor (B, T, 8)
        By `PROPORTIONS`.
    """

    turns: Tensor
    log_spread: Tensor
    log_scale: Tensor
    log_proportions: Tensor


@dataclass(frozen=True, eq=False)
class NormalizedPoints:
    """Points without place and size.

    Attributes
    ----------
    points : float tensor (B, T, 18, 3)
        x, y about each frame's center in units of the track's size, and scores; zeros where nothing is seen.
    center : float tensor (B, T, 2)
    size : float tensor (B,)
        Pixels for a unit.
    """

    points: Tensor
    center: Tensor
    size: Tensor


# below this score a position is not looked at: estimators put anything there
LEAST_SCORE: Final = 0.05


def normalize(points: Tensor) -> NormalizedPoints:
    """Take place and size out of tracks.

    Parameters
    ----------
    points : float tensor (B, T, 18, 3)
        x, y in pixels and scores.

    Returns
    -------
    NormalizedPoints
        The center of a frame is that of its points' box; the size is the mean over the track of the boxes' diagonals.
    """
    scores = points[..., 2]
    seen = scores >= LEAST_SCORE
    positions = points[..., :2]
    far = torch.finfo(points.dtype).max
    low = torch.where(seen[..., None], positions, far).amin(dim=-2)
    high = torch.where(seen[..., None], positions, -far).amax(dim=-2)
    any_seen = seen.any(dim=-1, keepdim=True)
    low, high = torch.where(any_seen, low, 0), torch.where(any_seen, high, 0)
    center = (low + high) / 2  # (B, T, 2)
    diagonal = (high - low).norm(dim=-1)
    counted = diagonal > 0
    size = (diagonal * counted).sum(dim=1) / counted.sum(dim=1).clamp(min=1)
    size = torch.where(size > 0, size, 1.0)
    local = (positions - center.unsqueeze(-2)) / size[:, None, None, None]
    local = torch.where(seen[..., None], local, 0)
    return NormalizedPoints(torch.cat([local, (scores * seen).unsqueeze(-1)], dim=-1), center, size)


class _Block(nn.Module):
    """Looks at neighboring frames channel by channel, then mixes channels.

    Liu et al., "A ConvNet for the 2020s" (2022), over time.
    """

    def __init__(self, config: LifterConfig, dilation: int) -> None:
        super().__init__()
        width, inside = config.width, config.width * config.expansion
        self.dilation = dilation
        # no arithmetic: on the device without memory it would import PyTorch's compiler
        bound = config.kernel**-0.5
        self.taps = nn.Parameter(torch.empty(config.kernel, width).uniform_(-bound, bound))
        self.norm = nn.LayerNorm(width)
        self.wide = nn.Linear(width, inside)
        self.narrow = nn.Linear(inside, width)
        nn.init.zeros_(self.narrow.weight)

    def forward(self, features: Tensor) -> Tensor:
        """Map (B, T, C) to (B, T, C)."""
        mixed: Tensor = self.narrow(nn.functional.gelu(self.wide(self.norm(self._over_time(features)))))
        return features + mixed

    def _over_time(self, features: Tensor) -> Tensor:
        """Weigh neighboring frames channel by channel: many times faster here than a grouped convolution."""
        frames, middle = features.shape[1], len(self.taps) // 2
        total = features * self.taps[middle]
        for offset in range(1, middle + 1):
            step = offset * self.dilation
            if step >= frames:
                break
            before = nn.functional.pad(features[:, :-step], (0, 0, step, 0))
            after = nn.functional.pad(features[:, step:], (0, 0, 0, step))
            total = total + before * self.taps[middle - offset] + after * self.taps[middle + offset]
        return total


def _with_spans(points: Tensor) -> Tensor:
    """Return points (B, T, 18, 3) and what lies between them as features (B, T, F)."""
    seen = (points[..., 2] > 0).to(points.dtype)
    start, end = [a for a, _ in _SPANS], [b for _, b in _SPANS]
    both = seen[..., start] * seen[..., end]
    way = (points[..., end, :2] - points[..., start, :2]) * both.unsqueeze(-1)
    length = way.norm(dim=-1)
    return torch.cat([points.flatten(2), 3 * way.flatten(2), 3 * length, both], dim=-1)


class Lifter(nn.Module):
    """A network over time, of any number of frames, single ones too.

    Ours: points in, then blocks that look at neighboring frames, then per frame the turn of every bone against the
    camera as six numbers, how sure each is, the stature in the picture and proportions.

    Parameters
    ----------
    config : LifterConfig
    """

    def __init__(self, config: LifterConfig | None = None) -> None:
        super().__init__()
        self.config = LifterConfig() if config is None else config
        width = self.config.width
        self.enter = nn.Sequential(nn.Linear(_FEATURES, width), nn.GELU(), nn.Linear(width, width))
        self.blocks = nn.ModuleList(_Block(self.config, dilation) for dilation in self.config.dilations)
        self.last = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, 2 * width), nn.GELU()
        )
        self.turns = nn.Linear(2 * width, 6 * _BONES)
        self.spreads = nn.Linear(2 * width, _BONES)
        self.sizes = nn.Linear(2 * width, 1 + len(PROPORTIONS))

    def forward(self, points: Tensor) -> Lifted:
        """Lift normalized points.

        Parameters
        ----------
        points : float tensor (B, T, 18, 3)
            As `normalize` returns them.

        Returns
        -------
        Lifted
        """
        features = self.enter(_with_spans(points))
        for block in self.blocks:
            features = block(features)
        features = self.last(features)
        # turns want single precision, also where the network runs in half of it
        six = self.turns(features).float().unflatten(-1, (_BONES, 6))
        # an offset keeps six numbers of zero from being no rotation
        six = six + torch.tensor([1.0, 0, 0, 0, 1.0, 0], device=six.device, dtype=six.dtype)
        sizes = self.sizes(features).float()
        return Lifted(matrix_from_6d(six), self.spreads(features).float(), sizes[..., 0], sizes[..., 1:])
