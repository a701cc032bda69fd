"""The convolutional parts of AlexNet, VGG-16 and SqueezeNet 1.1, cut where LPIPS takes features.

Layers and parameter names are those of torchvision's published weights, whose classifiers are not read.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Final

import torch
from torch import Tensor, nn

from motionwarp.errors import WeightsError
from motionwarp.evaluation.options import BackboneName

# the layers after which LPIPS (Zhang et al., CVPR 2018) takes features, as numbers of `features`, and their channels
CUTS: Final[dict[BackboneName, tuple[int, ...]]] = {
    "alex": (2, 5, 8, 10, 12),
    "vgg": (4, 9, 16, 23, 30),
    "squeeze": (2, 5, 8, 10, 11, 12, 13),
}
CHANNELS: Final[dict[BackboneName, tuple[int, ...]]] = {
    "alex": (64, 192, 384, 256, 256),
    "vgg": (64, 128, 256, 512, 512),
    "squeeze": (64, 128, 256, 384, 384, 512, 512),
}


class Backbone(nn.Module):
    """One of the three networks.

    Parameters
    ----------
    name : "alex", "vgg" or "squeeze"
    """

    def __init__(self, name: BackboneName) -> None:
        super().__init__()
        self.name = name
        layers = {"alex": _alexnet, "vgg": _vgg16, "squeeze": _squeezenet}[name]()
        self.features = nn.Sequential(*layers[: CUTS[name][-1]])

    def forward(self, pictures: Tensor) -> list[Tensor]:
        """Return features at all cuts.

        Parameters
        ----------
        pictures : float tensor (B, 3, H, W)
            Normalized as the network was trained.

        Returns
        -------
        list of float tensor (B, C, H', W')
            `CHANNELS` channels each.
        """
        cuts = []
        values = pictures
        for start, end in pairwise((0, *CUTS[self.name])):
            for layer in range(start, end):
                values = self.features[layer](values)
            cuts.append(values)
        return cuts


def _alexnet() -> list[nn.Module]:
    return [
        nn.Conv2d(3, 64, 11, stride=4, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2),
        nn.Conv2d(64, 192, 5, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2),
        nn.Conv2d(192, 384, 3, padding=1), nn.ReLU(),
        nn.Conv2d(384, 256, 3, padding=1), nn.ReLU(),
        nn.Conv2d(256, 256, 3, padding=1), nn.ReLU(),
    ]  # fmt: skip


def _vgg16() -> list[nn.Module]:
    layers: list[nn.Module] = []
    channels = 3
    for width, convolutions in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        for _ in range(convolutions):
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
            channels = width
        layers.append(nn.MaxPool2d(2, 2))
    return layers


class _Fire(nn.Module):
    """SqueezeNet's block: a narrow layer, then 1x1 and 3x3 convolutions side by side."""

    def __init__(self, channels: int, narrow: int, wide: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(channels, narrow, 1)
        self.expand1x1 = nn.Conv2d(narrow, wide, 1)
        self.expand3x3 = nn.Conv2d(narrow, wide, 3, padding=1)

    def forward(self, values: Tensor) -> Tensor:
        """Map (B, C, H, W) to (B, 2 wide, H, W)."""
        narrow = torch.relu(self.squeeze(values))
        return torch.cat([torch.relu(self.expand1x1(narrow)), torch.relu(self.expand3x3(narrow))], dim=1)


def _squeezenet() -> list[nn.Module]:
    return [
        nn.Conv2d(3, 64, 3, stride=2), nn.ReLU(), nn.MaxPool2d(3, 2, ceil_mode=True),
        _Fire(64, 16, 64), _Fire(128, 16, 64), nn.MaxPool2d(3, 2, ceil_mode=True),
        _Fire(128, 32, 128), _Fire(256, 32, 128), nn.MaxPool2d(3, 2, ceil_mode=True),
        _Fire(256, 48, 192), _Fire(384, 48, 192), _Fire(384, 64, 256), _Fire(512, 64, 256),
    ]  # fmt: skip


# the published code's normalization, for values in [-1, 1]: ImageNet's mean and deviation moved to that range
_SHIFT = (-0.030, -0.088, -0.188)
_SCALE = (0.458, 0.448, 0.450)
_EPSILON = 1e-10


class Lpips(nn.Module):
    """Squared differences of unit-length features, weighed by channel, averaged over positions and summed over layers.

    Parameters
    ----------
    name : "alex", "vgg" or "squeeze"
    """

    def __init__(self, name: BackboneName) -> None:
        super().__init__()
        self.backbone = Backbone(name)
        # one weight a channel; the published heads are 1x1 convolutions without bias
        self.heads = nn.ParameterList([nn.Parameter(torch.zeros(channels)) for channels in CHANNELS[name]])
        self.register_buffer("shift", torch.tensor(_SHIFT).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("scale", torch.tensor(_SCALE).view(1, 3, 1, 1), persistent=False)
        self.requires_grad_(False).eval()

    def load(self, backbone: Mapping[str, Tensor], heads: Mapping[str, Tensor]) -> None:
        """Take the published weights.

        Parameters
        ----------
        backbone : mapping of str to tensor
            torchvision's, classifier and all.
        heads : mapping of str to tensor
            `lin0.model.1.weight` (1, C, 1, 1) and so on.

        Raises
        ------
        WeightsError
            If a tensor is missing or has another shape.
        """
        wanted = self.backbone.state_dict()
        for name, tensor in wanted.items():
            if name not in backbone or backbone[name].shape != tensor.shape:
                raise WeightsError(f"the weights of {self.backbone.name} lack '{name}' of shape {tuple(tensor.shape)}")
        self.backbone.load_state_dict({name: backbone[name] for name in wanted})
        for number, head in enumerate(self.heads):
            name = f"lin{number}.model.1.weight"
            if name not in heads or heads[name].numel() != head.numel():
                raise WeightsError(
                    f"the linear heads for {self.backbone.name} lack '{name}' of {head.numel()} channels"
                )
            head.copy_(heads[name].flatten())

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Return distances; 0 for equal pictures, lower is better.

        Parameters
        ----------
        first, second : float tensor (B, 3, H, W)
            RGB in [0, 1].

        Returns
        -------
        float tensor (B,)
        """
        total = first.new_zeros(first.shape[0])
        for one, other, head in zip(self._features(first), self._features(second), self.heads, strict=True):
            difference = (_unit(one) - _unit(other)).square()  # (B, C, H', W')
            total = total + torch.einsum("bchw,c->b", difference, head) / (difference.shape[2] * difference.shape[3])
        return total

    def _features(self, pictures: Tensor) -> list[Tensor]:
        centered = (2 * pictures - 1 - self.get_buffer("shift")) / self.get_buffer("scale")
        features: list[Tensor] = self.backbone(centered)
        return features


def _unit(features: Tensor) -> Tensor:
    return features / (features.square().sum(dim=1, keepdim=True).sqrt() + _EPSILON)
