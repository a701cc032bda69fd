"""The perceptual loss over features of the project's own analyzer.

Johnson et al. 2016 compare features of VGG-19; its weights are not ours to ship. The analyzer's encoder was trained to
tell limbs, clothes and outlines apart, which is what should agree here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from motionwarp.errors import WeightsError

# channels by block; each block ends in a maximum over 2 x 2 (Simonyan and Zisserman 2015, configuration E)
_BLOCKS: Final = ((64, 64), (128, 128), (256, 256, 256, 256), (512, 512, 512, 512), (512,))
# torchvision's numbers of these convolutions
_NUMBERS: Final = ((0, 2), (5, 7), (10, 12, 14, 16), (19, 21, 23, 25), (28,))
_MEAN: Final = (0.485, 0.456, 0.406)
_DEVIATION: Final = (0.229, 0.224, 0.225)


class VggFeatures(nn.Module):
    """relu1_1 to relu5_1 of a picture (B, 3, H, W) in [0, 1], as pix2pixHD takes them; not trained.

    Parameters
    ----------
    weights : Path
        A safetensors file with torchvision's names, `features.0.weight` and so on; a classifier in it is passed over.

    Raises
    ------
    WeightsError
        If the file is missing or damaged, or a tensor is missing or has another shape.
    """

    name = "vgg19"

    def __init__(self, weights: Path) -> None:
        super().__init__()
        tensors = _read(weights)
        self.blocks = nn.ModuleList()
        before = 3
        for channels, numbers in zip(_BLOCKS, _NUMBERS, strict=True):
            convolutions = nn.ModuleList()
            for count, number in zip(channels, numbers, strict=True):
                convolution = nn.Conv2d(before, count, 3, 1, 1)
                _fill(convolution, tensors, f"features.{number}", weights)
                convolutions.append(convolution)
                before = count
            self.blocks.append(convolutions)
        self.register_buffer("mean", torch.tensor(_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(_DEVIATION).view(1, 3, 1, 1), persistent=False)
        self.requires_grad_(False).eval()

    def forward(self, picture: Tensor) -> list[Tensor]:
        """Return the features, finest first."""
        features = (picture - self.get_buffer("mean")) / self.get_buffer("deviation")
        found = []
        for index, block in enumerate(self.blocks):
            if index:
                features = nn.functional.max_pool2d(features, 2)
            assert isinstance(block, nn.ModuleList)
            for position, convolution in enumerate(block):
                features = nn.functional.relu(convolution(features))
                if position == 0:
                    found.append(features)
        return found


def _read(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        raise WeightsError(
            "no such file", subject=path, remedy="Give VGG-19's weights as safetensors, or leave `vgg` out."
        )
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
                remedy="Give VGG-19, not another.",
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
