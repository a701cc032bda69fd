"""LPIPS (Zhang et al., CVPR 2018), version 0.1: a distance of two pictures in the features of a network."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from motionwarp.errors import WeightsError
from motionwarp.evaluation.extractors.backbones import CHANNELS, Backbone, BackboneName

# the published code's normalisation, for values in [-1, 1]: ImageNet's mean and deviation moved to that range
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
                raise WeightsError(f"the linear heads for {self.backbone.name} lack '{name}' of {head.numel()} channels")
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
        centred = (2 * pictures - 1 - self.get_buffer("shift")) / self.get_buffer("scale")
        features: list[Tensor] = self.backbone(centred)
        return features


def _unit(features: Tensor) -> Tensor:
    return features / (features.square().sum(dim=1, keepdim=True).sqrt() + _EPSILON)
