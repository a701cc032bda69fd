"""The perceptual loss over features of the project's own analyzer.

Johnson et al. 2016 compare features of VGG-19; its weights are not ours to ship. The analyzer's encoder was trained to
tell limbs, clothes and outlines apart, which is what should agree here.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from motionwarp.errors import WeightsError

_VGG_REMEDY: Final = "Give the network's weights as safetensors, or leave `vgg` out."
# layers, in torchvision's numbers, after which features are taken
_TAKEN: Final[dict[str, tuple[int, ...]]] = {
    "vgg16": (2, 7, 14, 21),  # relu1_2, relu2_2, relu3_3, relu4_3, as Johnson et al. take them
    "vgg19": (0, 5, 10, 19, 28),  # relu1_1 to relu5_1, as pix2pixHD takes them
}
# channels by block; each block ends in a maximum over 2 x 2 (Simonyan and Zisserman 2015, configurations D and E)
_BLOCKS: Final = {
    "vgg16": ((64,) * 2, (128,) * 2, (256,) * 3, (512,) * 3, (512,) * 3),
    "vgg19": ((64,) * 2, (128,) * 2, (256,) * 4, (512,) * 4, (512,) * 4),
}
_MEAN: Final = (0.485, 0.456, 0.406)
_DEVIATION: Final = (0.229, 0.224, 0.225)
VggName = Literal["vgg16", "vgg19"]


class VggFeatures(nn.Module):
    """Features of a picture (B, 3, H, W) in [0, 1] behind several layers of VGG-16 or VGG-19; not trained.

    Parameters
    ----------
    weights : Path
        A safetensors file with torchvision's names, `features.0.weight` and so on; a classifier in it is passed over.
    kind : "vgg19" or "vgg16"
        relu1_1 to relu5_1 of VGG-19, or relu1_2, relu2_2, relu3_3 and relu4_3 of VGG-16.

    Attributes
    ----------
    name : str
        The kind, for logs.

    Raises
    ------
    WeightsError
        If the file is missing or damaged, or a tensor is missing or has another shape.
    """

    def __init__(self, weights: Path, kind: VggName = "vgg19") -> None:
        super().__init__()
        self.name: str = kind
        tensors = _read(weights)
        taken = _TAKEN[kind]
        self.layers = nn.ModuleList()
        self._taken: list[int] = []
        before, number = 3, 0
        for channels in _BLOCKS[kind]:
            for count in channels:
                if number > taken[-1]:
                    break
                convolution = nn.Conv2d(before, count, 3, 1, 1)
                _fill(convolution, tensors, f"features.{number}", weights)
                self.layers.append(convolution)
                if number in taken:
                    self._taken.append(len(self.layers) - 1)
                before, number = count, number + 2  # a ReLU has a number of its own
            number += 1
            self.layers.append(nn.MaxPool2d(2))
        self.register_buffer("mean", torch.tensor(_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(_DEVIATION).view(1, 3, 1, 1), persistent=False)
        self.requires_grad_(False).eval()

    def forward(self, picture: Tensor) -> list[Tensor]:
        """Return the features, finest first."""
        features = (picture - self.get_buffer("mean")) / self.get_buffer("deviation")
        found = []
        for index, layer in enumerate(self.layers[: self._taken[-1] + 1]):
            features = layer(features)
            if isinstance(layer, nn.Conv2d):
                features = nn.functional.relu(features)
            if index in self._taken:
                found.append(features)
        return found


def _read(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        raise WeightsError("no such file", subject=path, remedy=_VGG_REMEDY)
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"is damaged or no safetensors file ({error})", subject=path) from error


def _fill(convolution: nn.Conv2d, tensors: dict[str, Tensor], name: str, path: Path) -> None:
    for key, parameter in convolution.named_parameters():
        given = tensors.get(f"{name}.{key}")
        if given is None or given.shape != parameter.shape:
            raise WeightsError(
                f"lacks '{name}.{key}' of shape {tuple(parameter.shape)}",
                subject=path,
                remedy="Give the network that is asked for, not another.",
            )
        with torch.no_grad():
            parameter.copy_(given)


def perceptual_loss(features: nn.Module, made: Tensor, true: Tensor) -> Tensor:
    """Return the mean over layers of the L1 between features, each over its own mean size, a scalar."""
    with torch.no_grad():
        wanted = features(true)
    got = features(made)
    return torch.stack(
        [(one - other).abs().mean() / (other.abs().mean() + 1e-3) for one, other in zip(got, wanted, strict=True)]
    ).mean()


def feature_distance(
    made: Sequence[Tensor], true: Sequence[Tensor], *, squared: bool = False, weights: Sequence[float] | None = None
) -> Tensor:
    """Return sum_l w_l C(made_l, true_l), a scalar, of features as a network gave them.

    Parameters
    ----------
    made, true : sequences of float (B, C_l, h_l, w_l)
    squared : bool
        Whether C is the mean of squares (L2) or of absolute values (L1) of a layer's differences.
    weights : sequence of float, optional
        w_l; 1 each where not given.
    """
    shares = [1.0] * len(made) if weights is None else weights
    total = torch.zeros((), device=made[0].device)
    for share, one, other in zip(shares, made, true, strict=True):
        difference = one.float() - other.float()
        total = total + share * (difference.square() if squared else difference.abs()).mean()
    return total


def style_distance(made: Sequence[Tensor], true: Sequence[Tensor]) -> Tensor:
    """Return the squared distance of Gram matrices, a scalar: mean over the batch, sum over layers.

    Johnson et al. 2016, eq. 4: the Gram matrix of a layer is the product of its channels over all positions, divided by
    C * h * w; the distance is that of Frobenius.

    Parameters
    ----------
    made, true : sequences of float (B, C_l, h_l, w_l)
    """
    total = torch.zeros((), device=made[0].device)
    for one, other in zip(made, true, strict=True):
        total = total + (_gram(one) - _gram(other)).square().sum((1, 2)).mean()
    return total


def _gram(features: Tensor) -> Tensor:
    flat = features.float().flatten(2)  # (B, C, hw)
    return flat @ flat.transpose(1, 2) / (flat.shape[1] * flat.shape[2])
