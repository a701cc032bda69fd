"""Feature networks by shapes, parameters and hand-made cases, and by torchmetrics where torchvision is there too.

Also the files that they are read from.
"""

from __future__ import annotations

import hashlib
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from motionwarp.checkpoints.registry import registry
from motionwarp.errors import WeightsError
from motionwarp.evaluation.extractors import files
from motionwarp.evaluation.extractors.backbones import CHANNELS, Backbone, Lpips
from motionwarp.evaluation.extractors.files import FEATURE_FILES, FeatureFile, FeatureWeights
from motionwarp.evaluation.extractors.inception import FidInception
from motionwarp.evaluation.options import BackboneName

NAMES: tuple[BackboneName, ...] = ("alex", "vgg", "squeeze")


@pytest.fixture(scope="module")
def inception() -> FidInception:
    torch.manual_seed(0)
    return FidInception()


@pytest.mark.parametrize(("name", "parameters"), [("alex", 2_469_696), ("vgg", 14_714_688), ("squeeze", 722_496)])
def test_backbones_have_torchvision_s_number_of_parameters(name: BackboneName, parameters: int) -> None:
    network = Backbone(name).eval()
    assert sum(tensor.numel() for tensor in network.parameters()) == parameters
    with torch.inference_mode():
        features = network(torch.rand(2, 3, 64, 48))
    assert tuple(cut.shape[1] for cut in features) == CHANNELS[name]
    assert all(cut.min() >= 0 for cut in features)  # taken after ReLU
    assert all(finer.shape[2] >= coarser.shape[2] for finer, coarser in pairwise(features))


def test_inception_has_the_published_parameters(inception: FidInception) -> None:
    # torchvision's 23,834,568 without the side classifier, and eight more classes of 2049 parameters
    assert sum(tensor.numel() for tensor in inception.parameters()) == 23_834_568 + 8 * 2049
    names = inception.state_dict()
    assert names["Mixed_7c.branch3x3dbl_3b.conv.weight"].shape == (384, 384, 3, 1)
    assert names["Mixed_6c.branch7x7dbl_4.conv.weight"].shape == (160, 160, 7, 1)
    assert names["fc.bias"].shape == (1008,)


def test_inception_gives_features_and_probabilities(inception: FidInception) -> None:
    with torch.inference_mode():
        features, probabilities = inception(torch.rand(2, 3, 70, 40))
    assert features.shape == (2, 2048)
    np.testing.assert_allclose(probabilities.sum(dim=1), 1, atol=1e-5)
    assert probabilities.shape == (2, 1008)


def loaded(name: BackboneName) -> Lpips:
    torch.manual_seed(1)
    network = Lpips(name)
    backbone = {key: torch.randn_like(tensor) * 0.1 for key, tensor in network.backbone.state_dict().items()}
    heads = {f"lin{number}.model.1.weight": torch.rand(1, width, 1, 1) for number, width in enumerate(CHANNELS[name])}
    network.load({**backbone, "classifier.1.weight": torch.zeros(1)}, heads)
    return network


@pytest.mark.parametrize("name", NAMES)
def test_lpips_is_a_distance(name: BackboneName) -> None:
    network = loaded(name)
    first, second = torch.rand(3, 3, 64, 64), torch.rand(3, 3, 64, 64)
    with torch.inference_mode():
        same, there, back = network(first, first), network(first, second), network(second, first)
    np.testing.assert_array_equal(same, np.zeros(3))
    np.testing.assert_allclose(there, back, rtol=1e-5)
    assert (there > 0).all()


def test_lpips_by_hand() -> None:
    """With heads that are 0 but for the first layer, LPIPS is one weighed squared difference of unit features."""
    network = loaded("alex")
    for head in network.heads[1:]:
        head.zero_()
    first, second = torch.rand(1, 3, 63, 63), torch.rand(1, 3, 63, 63)
    mean, deviation = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    with torch.inference_mode():
        units = []
        for picture in (first, second):
            normal = (picture - mean.view(1, 3, 1, 1)) / deviation.view(1, 3, 1, 1)
            features = network.backbone.features[1](network.backbone.features[0](normal))[0].numpy().astype(np.float64)
            units.append(features / np.linalg.norm(features, axis=0, keepdims=True).clip(1e-10))
        weighed = np.square(units[0] - units[1]) * network.heads[0].numpy()[:, None, None]
        assert float(network(first, second)) == pytest.approx(weighed.sum(axis=0).mean(), rel=1e-3)


def test_lpips_refuses_weights_that_do_not_fit() -> None:
    network = Lpips("squeeze")
    backbone = dict(network.backbone.state_dict())
    with pytest.raises(WeightsError, match=r"lin0\.model\.1\.weight"):
        network.load(backbone, {})
    del backbone["features.3.squeeze.bias"]
    with pytest.raises(WeightsError, match=r"features\.3\.squeeze\.bias"):
        network.load(backbone, {})


def test_the_recorded_checksums_are_those_of_the_registry() -> None:
    for file in FEATURE_FILES.values():
        if file.name in registry():
            assert (registry()[file.name].sha256, registry()[file.name].file) == (file.sha256, file.file)
    assert {"inception", "vgg16", "alexnet", "lpips-alex", "lpips-vgg"} <= set(registry().entries)


@pytest.fixture
def toy_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one published file, made here, and an empty cache."""
    monkeypatch.setenv("MOTIONWARP_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "toy-1234.pth"
    torch.save({"layer.weight": torch.ones(2)}, path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    monkeypatch.setattr(files, "FEATURE_FILES", {**FEATURE_FILES, "toy": FeatureFile("toy", path.name, digest)})
    return tmp_path


def test_weights_are_read_from_a_folder(toy_weights: Path) -> None:
    weights = FeatureWeights(toy_weights)
    assert weights.missing("toy") is None
    assert weights.read("toy")["layer.weight"].tolist() == [1, 1]


def test_what_is_missing_is_told_with_the_way_to_get_it(toy_weights: Path) -> None:
    reason = FeatureWeights().missing("vgg16", "lpips-vgg")
    assert reason is not None
    assert "motionwarp weights pull vgg16 lpips-vgg" in reason
    assert "`features_dir` with squeezenet1_1-b8a52dc0.pth" in str(FeatureWeights().missing("squeezenet"))
    with pytest.raises(WeightsError, match="not here: inception"):
        FeatureWeights(toy_weights).read("inception")
    with pytest.raises(WeightsError, match="no folder"):
        FeatureWeights(toy_weights / "absent")


def test_other_files_under_the_name_are_refused_before_they_are_read(toy_weights: Path) -> None:
    (toy_weights / "toy-1234.pth").write_bytes(b"something else")
    with pytest.raises(WeightsError, match="sha256"):
        FeatureWeights(toy_weights).read("toy")


class Trap:
    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (Path("trapped"),)


def test_pickles_that_run_code_are_refused(toy_weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = toy_weights / "toy-1234.pth"
    torch.save({"layer": Trap()}, path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    monkeypatch.setattr(files, "FEATURE_FILES", {"toy": FeatureFile("toy", path.name, digest)})
    monkeypatch.chdir(toy_weights)
    with pytest.raises(WeightsError, match="damaged or no file of weights"):
        FeatureWeights(toy_weights).read("toy")
    assert not (toy_weights / "trapped").exists()


@pytest.mark.parametrize("name", NAMES)
def test_lpips_equals_torchmetrics(name: BackboneName) -> None:
    published = pytest.importorskip("torchmetrics.functional.image.lpips", reason="torchmetrics is in the extra 'test'")
    pytest.importorskip("torchvision", reason="torchmetrics' LPIPS needs torchvision")
    theirs = published._LPIPS(pretrained=True, net=name, pnet_rand=True, eval_mode=True)
    ours = Lpips(name)
    backbone = dict(zip(ours.backbone.state_dict(), theirs.net.state_dict().values(), strict=True))
    folder = Path(published.__file__).parent / "lpips_models"
    ours.load(backbone, torch.load(folder / f"{name}.pth", weights_only=True, map_location="cpu"))
    first, second = torch.rand(2, 3, 72, 64), torch.rand(2, 3, 72, 64)
    with torch.inference_mode():
        np.testing.assert_allclose(ours(first, second), theirs(2 * first - 1, 2 * second - 1).flatten(), rtol=1e-4)
