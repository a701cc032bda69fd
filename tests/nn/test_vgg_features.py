from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from motionwarp.errors import WeightsError
from motionwarp.nn.losses.perceptual import VggFeatures, VggName, perceptual_loss

# torchvision's `vgg19().features` up to relu5_1, `vgg16().features` up to relu4_3: convolutions with ReLU, M for a
# maximum; and the layers whose values are taken
LAYOUTS: dict[VggName, list[int | str]] = {
    "vgg19": [64, 64, "M", 128, 128, "M", 256, 256, 256, 256, "M", 512, 512, 512, 512, "M", 512],
    "vgg16": [64, 64, "M", 128, 128, "M", 256, 256, 256, "M", 512, 512, 512],
}
TAKEN: dict[VggName, tuple[int, ...]] = {"vgg19": (1, 6, 11, 20, 29), "vgg16": (3, 8, 15, 22)}


def sequence_of(layout: list[int | str]) -> nn.Sequential:
    torch.manual_seed(0)
    layers: list[nn.Module] = []
    before = 3
    for entry in layout:
        if entry == "M":
            layers.append(nn.MaxPool2d(2))
        else:
            layers += [nn.Conv2d(before, int(entry), 3, padding=1), nn.ReLU()]
            before = int(entry)
    return nn.Sequential(*layers)


def weights_of(sequence: nn.Sequential, path: Path) -> Path:
    tensors = {f"features.{name}": value for name, value in sequence.state_dict().items()}
    save_file({**tensors, "classifier.0.weight": torch.zeros(2, 2)}, path)
    return path


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return weights_of(sequence_of(LAYOUTS["vgg19"]), tmp_path_factory.mktemp("vgg") / "vgg19.safetensors")


@pytest.mark.parametrize("kind", LAYOUTS)
def test_features_are_those_of_the_published_order(kind: VggName, tmp_path: Path) -> None:
    sequence = sequence_of(LAYOUTS[kind])
    weights = weights_of(sequence, tmp_path / "vgg.safetensors")
    picture = torch.rand(1, 3, 32, 48)
    value: Tensor = (picture - torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)) / torch.tensor(
        [0.229, 0.224, 0.225]
    ).view(1, 3, 1, 1)
    wanted = []
    for index, layer in enumerate(sequence):
        value = layer(value)
        if index in TAKEN[kind]:
            wanted.append(value)
    features = VggFeatures(weights, kind)
    assert features.name == kind
    for got, expected in zip(features(picture), wanted, strict=True):
        assert torch.allclose(got, expected, atol=1e-5)


def test_the_loss_reaches_the_picture_and_not_the_weights(weights: Path) -> None:
    features = VggFeatures(weights)
    made, true = torch.rand(1, 3, 32, 32, requires_grad=True), torch.rand(1, 3, 32, 32)
    perceptual_loss(features, made, true).backward()
    assert made.grad is not None
    assert made.grad.abs().sum() > 0
    assert all(parameter.grad is None for parameter in features.parameters())
    assert perceptual_loss(features, true, true) == 0


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="no such file"):
        VggFeatures(tmp_path / "absent.safetensors")
    (tmp_path / "junk.safetensors").write_bytes(b"junk")
    with pytest.raises(WeightsError, match="no safetensors file"):
        VggFeatures(tmp_path / "junk.safetensors")
    save_file({"features.0.weight": torch.zeros(64, 3, 3, 3)}, tmp_path / "part.safetensors")
    with pytest.raises(WeightsError, match=r"features\.0\.bias"):
        VggFeatures(tmp_path / "part.safetensors")
