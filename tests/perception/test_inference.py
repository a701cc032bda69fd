"""The analyzer as a reader: folding changes nothing, calibration is a table, and bad weights are refused."""

from __future__ import annotations

import threading
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from motionwarp.checkpoints.checkpoint import save_checkpoint
from motionwarp.devices import resolve_precision
from motionwarp.errors import WeightsError
from motionwarp.nn.fuse import fuse_batch_norm
from motionwarp.parsing.labels import MIRROR as CLASS_MIRROR
from motionwarp.perception.backends.builtin import BuiltinEstimator
from motionwarp.perception.flip_augmentation import FlipPredictor, SelectiveFlipPredictor, in_doubt
from motionwarp.perception.inference import NetworkPredictor, checked_knots
from motionwarp.perception.network import Analyzer, AnalyzerConfig, AnalyzerOutput, PointAnalyzer, decode_points
from motionwarp.pose.skeleton import MIRROR as POINT_MIRROR

SMALL = AnalyzerConfig((8, 8, 16, 16, 16), (1, 1, 1, 1), (16, 8, 8), 8, 64, 64)
NETWORK_CONFIG = {"channels": [8, 8, 16, 16, 16], "blocks": [1, 1, 1, 1], "pyramid_channels": [16, 8, 8]} | {
    "dense_channels": 8, "height": 64, "width": 64,
}  # fmt: skip
CPU = torch.device("cpu")


def trained(config: AnalyzerConfig = SMALL) -> Analyzer:
    """An analyzer whose batch norms and gains are as uneven as those of a trained one."""
    torch.manual_seed(3)
    network = Analyzer(config)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, 0, 0.2)
            nn.init.normal_(module.running_mean, 0, 0.3)
            nn.init.uniform_(module.running_var, 0.3, 2)
        elif isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, 0, 0.1)
    return network.eval()


def pictures(count: int, config: AnalyzerConfig = SMALL) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (count, config.height, config.width, 3), dtype=np.uint8)


def as_tensor(images: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255


@pytest.mark.parametrize(
    "config",
    [SMALL, replace(SMALL, facing=True), AnalyzerConfig()],
    ids=["small", "with the direction faced", "bundled size"],
)
def test_folding_changes_no_output(config: AnalyzerConfig) -> None:
    network = trained(config)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    light = fuse_batch_norm(network)
    with torch.inference_mode():
        for expected, given in zip(
            network(as_tensor(pictures(2, config))), light(as_tensor(pictures(2, config))), strict=True
        ):
            if expected is None:  # what a network of this configuration does not tell
                assert given is None
                continue
            scale = max(float(expected.abs().max()), 1.0)
            torch.testing.assert_close(given / scale, expected / scale, atol=1e-4, rtol=0)
    light.to(torch.bfloat16)
    for name, value in network.state_dict().items():
        assert value.dtype == before[name].dtype, name
        assert torch.equal(value, before[name]), name


def test_folding_leaves_only_norms_that_no_convolution_precedes() -> None:
    network = trained()
    norms = [name for name, module in fuse_batch_norm(network).named_modules() if isinstance(module, nn.BatchNorm2d)]
    assert sorted(norms) == ["merge16.norm", "merge4.norm", "merge8.norm", "refine.norm"]


def test_a_network_in_training_is_not_folded() -> None:
    with pytest.raises(ValueError, match="evaluation mode"):
        fuse_batch_norm(trained().train())


def test_a_convolution_with_two_consumers_keeps_its_norm() -> None:
    class Shared(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.convolution, self.norm = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)
            nn.init.uniform_(self.norm.running_var, 2, 3)

        def forward(self, image: torch.Tensor) -> torch.Tensor:
            features = self.convolution(image)
            return self.norm(features) + features

    network = Shared().eval()
    image = torch.rand(1, 3, 8, 8)
    torch.testing.assert_close(fuse_batch_norm(network)(image), network(image))


def test_a_convolution_that_is_used_twice_keeps_its_norm() -> None:
    convolution, norm = nn.Conv2d(3, 3, 3), nn.BatchNorm2d(3)
    nn.init.uniform_(norm.running_var, 2, 3)
    network = nn.Sequential(convolution, norm, nn.ReLU(), convolution).eval()
    image = torch.rand(1, 3, 8, 8)
    torch.testing.assert_close(fuse_batch_norm(network)(image), network(image))


def test_networks_are_folded_while_others_run() -> None:
    network, image = trained(), as_tensor(pictures(1))
    expected, wrong = fuse_batch_norm(network)(image).heatmap_logits, []
    folded = threading.Event()

    def run() -> None:
        while not folded.is_set():
            with torch.inference_mode():
                wrong.append(not torch.equal(network.pose_features[0](expected[:, :8]), reference))

    reference = network.pose_features[0](expected[:, :8])
    thread = threading.Thread(target=run)
    thread.start()
    try:
        for _ in range(20):
            assert torch.equal(fuse_batch_norm(network)(image).heatmap_logits, expected)
    finally:
        folded.set()
        thread.join()
    assert wrong
    assert not any(wrong)


def test_outputs_that_are_not_asked_for_are_not_computed() -> None:
    light = fuse_batch_norm(trained())
    points_only = PointAnalyzer(light)
    assert {id(each) for each in points_only.parameters()} == {id(each) for each in light.parameters()}, (
        "none is held twice"
    )
    asked: list[nn.Module] = []
    for module in light.modules():
        module.register_forward_hook(lambda module, *_: asked.append(module))
    with torch.inference_mode():
        one = points_only(as_tensor(pictures(1)))
        assert not {light.parsing_head, light.matte_head, light.refine, light.dense_features} & set(asked)
        other = light(as_tensor(pictures(1)))
    assert light.matte_head in asked
    torch.testing.assert_close(one[:2], other[:2], rtol=0, atol=0)
    assert one.parsing_logits.numel() == one.matte_logits.numel() == 0


def test_the_reader_says_what_the_network_says() -> None:
    network = trained()
    readings = NetworkPredictor(network, CPU, torch.float32)(pictures(3), dense=True)
    with torch.inference_mode():
        output = network(as_tensor(pictures(3)))
        expected = decode_points(output).numpy()
    np.testing.assert_allclose(readings.points, expected, atol=1e-2)
    np.testing.assert_allclose(readings.matte, torch.sigmoid(output.matte_logits[:, 0]).numpy(), atol=1e-4)
    agreement = readings.parsing == output.parsing_logits.argmax(dim=1).numpy()
    assert agreement.mean() > 0.999
    assert readings.points.dtype == np.float32
    assert readings.parsing.dtype == np.uint8
    assert readings.matte.dtype == np.float32


def test_points_alone_are_the_same_points() -> None:
    reader = NetworkPredictor(trained(), CPU, torch.float32)
    alone = reader(pictures(2), dense=False)
    assert alone.parsing is None
    assert alone.matte is None
    np.testing.assert_allclose(alone.points, reader(pictures(2), dense=True).points, atol=1e-4)


def test_more_pictures_than_a_batch_and_none() -> None:
    reader = NetworkPredictor(trained(), CPU, torch.float32)
    many = reader(pictures(35), dense=True)
    assert (len(many.points), len(many.parsing), len(many.matte)) == (35, 35, 35)
    last = reader(pictures(35)[-1:], dense=True)
    np.testing.assert_allclose(many.points[-1:], last.points, atol=1e-2)
    none = reader(pictures(0), dense=True)
    assert none.points.shape == (0, 18, 3)
    assert none.matte.shape == none.parsing.shape == (0, 32, 32)


def test_both_ways_a_mirrored_picture_reads_as_the_mirror_image() -> None:
    reader = FlipPredictor(NetworkPredictor(trained(), CPU, torch.float32))
    images = pictures(3)
    straight, mirrored = reader(images, True), reader(np.ascontiguousarray(images[:, :, ::-1]), True)
    back = mirrored.points[:, list(POINT_MIRROR)]
    back[..., 0] = SMALL.width - 1 - back[..., 0]
    np.testing.assert_allclose(straight.points, back, atol=2e-3)
    assert straight.parsing is not None
    assert mirrored.parsing is not None
    same = np.asarray(CLASS_MIRROR)[mirrored.parsing[:, :, ::-1]] == straight.parsing
    assert same.mean() > 0.999  # ties between classes may fall either way
    np.testing.assert_allclose(straight.matte, mirrored.matte[:, :, ::-1], atol=1e-5)
    alone = NetworkPredictor(trained(), CPU, torch.float32)(images, True)
    assert np.abs(alone.matte - straight.matte).max() > 1e-3  # two opinions are not one


@pytest.mark.parametrize("dense", [False, True])
def test_a_second_look_is_taken_at_pictures_in_doubt_alone(dense: bool) -> None:
    """Calibrations say of all pictures, of none, or of some that their points are in doubt."""
    images = pictures(6)
    raw = NetworkPredictor(trained(), CPU, torch.float32)(images, False).points[..., 2].max(axis=1)
    middle = float(np.sort(raw)[2:4].mean())  # of some pictures no score reaches it
    tables = {
        "all": [[0.0, 0.5], [1.0, 0.51]],
        "none": [[0.0, 0.9], [1.0, 0.95]],
        "some": [[0.0, 0.0], [middle, 0.1], [middle + 1e-6, 0.5], [1.0, 0.6]],
    }
    for name, table in tables.items():
        reader = NetworkPredictor(trained(), CPU, torch.float32, table)
        once, both, second = (
            reader(images, dense),
            FlipPredictor(reader)(images, dense),
            SelectiveFlipPredictor(reader)(images, dense),
        )
        doubtful = in_doubt(once.points)
        assert doubtful.sum() == {"all": 6, "none": 0, "some": 3}[name]
        np.testing.assert_allclose(second.points[doubtful], both.points[doubtful], atol=1e-4)
        np.testing.assert_allclose(second.points[~doubtful], once.points[~doubtful], atol=1e-4)
        if dense:
            np.testing.assert_allclose(second.matte[doubtful], both.matte[doubtful], atol=1e-5)
            np.testing.assert_allclose(second.matte[~doubtful], once.matte[~doubtful], atol=1e-5)
            assert (second.parsing[doubtful] == both.parsing[doubtful]).mean() > 0.999 if doubtful.any() else True
        else:
            assert second.parsing is None
            assert second.matte is None


def test_half_precision_reads_about_the_same() -> None:
    exact = NetworkPredictor(trained(), CPU, torch.float32)(pictures(2), dense=True)
    half = NetworkPredictor(trained(), CPU, torch.bfloat16)(pictures(2), dense=True)
    assert half.matte.dtype == np.float32
    assert np.abs(half.matte - exact.matte).mean() < 0.02


@pytest.mark.parametrize("wrong", [np.zeros((1, 64, 63, 3), np.uint8), np.zeros((1, 64, 64, 3), np.float32)])
def test_pictures_of_another_form_are_refused(wrong: np.ndarray) -> None:
    with pytest.raises(ValueError, match="the analyzer reads uint8"):
        NetworkPredictor(trained(), CPU, torch.float32)(wrong, dense=False)


def test_scores_go_through_the_calibration_and_positions_do_not() -> None:
    knots = [[0.0, 0.0], [0.01, 0.3], [0.1, 0.4], [1.0, 0.9]]
    raw = NetworkPredictor(trained(), CPU, torch.float32)(pictures(4), dense=False).points
    calibrated = NetworkPredictor(trained(), CPU, torch.float32, knots)(pictures(4), dense=False).points
    np.testing.assert_array_equal(calibrated[..., :2], raw[..., :2])
    for before, after in zip(raw[..., 2].ravel(), calibrated[..., 2].ravel(), strict=True):
        (x0, y0), (x1, y1) = next(pair for pair in pairwise(knots) if pair[0][0] <= before <= pair[1][0])
        assert after == pytest.approx(y0 + (y1 - y0) * (before - x0) / (x1 - x0), abs=1e-5)
    assert np.abs(calibrated[..., 2] - raw[..., 2]).max() > 0.05


@pytest.mark.parametrize(
    "bad",
    [
        [],
        [[0.0, 0.0]],
        [[0.0, 0.0, 1.0], [1.0, 1.0, 1.0]],
        [[0.0, 0.0], [0.0, 0.5], [1.0, 1.0]],
        [[0.0, 0.5], [1.0, 0.4]],
        [[0.0, 0.0], [1.0, 1.2]],
        [[-0.1, 0.0], [1.0, 1.0]],
        [[0.0, float("nan")], [1.0, 1.0]],
    ],
)
def test_tables_that_are_no_calibration(bad: list[list[float]]) -> None:
    with pytest.raises(ValueError, match="calibration"):
        checked_knots(bad)


def saved(folder: Path, config: dict[str, Any], architecture: str = "analyser") -> Path:
    return save_checkpoint(folder / "small.safetensors", trained().state_dict(), architecture, config)


def test_weights_from_a_file_read_as_the_network_they_were_saved_from(tmp_path: Path) -> None:
    knots = [[0.0, 0.1], [1.0, 0.9]]
    path = saved(tmp_path, {"network": NETWORK_CONFIG, "calibration": knots})
    loaded = NetworkPredictor.load(path, CPU, torch.float32)(pictures(2), dense=False)
    expected = NetworkPredictor(trained(), CPU, torch.float32, knots)(pictures(2), dense=False)
    np.testing.assert_array_equal(loaded.points, expected.points)


@pytest.mark.parametrize("bad", [[[0.0, 0.5], [1.0, 0.4]], "steep", [1, 2], [["a", "b"], ["c", "d"]], {"0": 1}])
def test_a_file_with_a_bad_calibration_is_refused(tmp_path: Path, bad: object) -> None:
    path = saved(tmp_path, {"network": NETWORK_CONFIG, "calibration": bad})
    with pytest.raises(WeightsError, match=r"small\.safetensors.*cannot be used"):
        NetworkPredictor.load(path, CPU, torch.float32)


@pytest.mark.parametrize(
    "network",
    [
        "large",
        {"heads": 3},
        {**NETWORK_CONFIG, "channels": [8, 8]},
        {**NETWORK_CONFIG, "channels": "8"},
        {**NETWORK_CONFIG, "dense_channels": -1},
        {**NETWORK_CONFIG, "dense_channels": 16},
        {},
    ],
)
def test_a_file_for_a_network_of_another_form_is_refused(tmp_path: Path, network: object) -> None:
    with pytest.raises(WeightsError, match=r"small\.safetensors"):
        NetworkPredictor.load(saved(tmp_path, {"network": network}), CPU, torch.float32)


def test_a_file_for_another_architecture_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path, {"network": NETWORK_CONFIG}, architecture="resnet_generator")
    with pytest.raises(WeightsError, match="for 'resnet_generator', not for 'analyser'"):
        NetworkPredictor.load(path, CPU, torch.float32)


def test_many_pictures_are_read_side_by_side_in_their_order() -> None:
    reader = NetworkPredictor(trained(), CPU, torch.float32)
    images = pictures(7)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        alone = [reader(image[None], True) for image in images]
        torch.set_num_threads(3)
        together = reader(images, True)
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)
    np.testing.assert_allclose(together.points, np.concatenate([one.points for one in alone]), atol=1e-2)
    assert together.matte is not None
    np.testing.assert_allclose(
        together.matte, np.concatenate([one.matte for one in alone if one.matte is not None]), atol=1e-3
    )


def with_room_for(reader: NetworkPredictor, monkeypatch: pytest.MonkeyPatch, fitting: int) -> list[tuple[str, int]]:
    """Let a reader take itself to be on a graphics card that has room for so many pictures.

    Returns the batches that it tries.
    """
    batches: list[tuple[str, int]] = []
    real = NetworkPredictor.output

    def output(self: NetworkPredictor, images: np.ndarray, dense: bool) -> AnalyzerOutput:
        batches.append((self.device.type, len(images)))
        if self.device.type == "cuda" and len(images) > fitting:
            raise torch.OutOfMemoryError("CUDA out of memory")
        device, self.device = self.device, CPU
        try:
            return real(self, images, dense)
        finally:
            self.device = device

    monkeypatch.setattr(NetworkPredictor, "output", output)
    reader.device = torch.device("cuda")
    return batches


@pytest.mark.parametrize("dense", [False, True])
def test_where_memory_runs_out_batches_are_halved(monkeypatch: pytest.MonkeyPatch, dense: bool) -> None:
    reader = NetworkPredictor(trained(SMALL), CPU, torch.float32)
    images = pictures(7)
    expected = reader(images, dense)
    batches = with_room_for(reader, monkeypatch, 2)
    made = reader(images, dense)
    assert batches == [("cuda", size) for size in (7, 4, 2, 2, 3, 2, 1)]
    np.testing.assert_allclose(made.points, expected.points, atol=1e-4)
    if dense:
        assert made.parsing is not None
        np.testing.assert_allclose(made.matte, expected.matte, atol=1e-4)
    batches.clear()
    reader(images, dense)
    assert [size for _, size in batches] == [2, 2, 2, 1]  # what has not fitted once is not tried again
    assert reader.warnings == []


def test_where_one_picture_does_not_fit_the_cpu_goes_on_and_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = NetworkPredictor(trained(SMALL), CPU, torch.float32)
    images = pictures(5)
    expected = NetworkPredictor(trained(SMALL), CPU, resolve_precision("auto", CPU))(images, False)
    with_room_for(reader, monkeypatch, 0)
    estimator = BuiltinEstimator(reader, FlipPredictor(reader))
    assert estimator.warnings == ()
    np.testing.assert_allclose(reader(images, False).points, expected.points, atol=1e-3)
    assert reader.device.type == "cpu"
    assert len(estimator.warnings) == 1
    assert "'cuda' did not suffice" in estimator.warnings[0]


@pytest.mark.parametrize(("error", "batches"), [(ValueError("a defect"), [4]), (MemoryError(), [4, 2, 1])])
def test_other_errors_and_the_cpus_own_memory_are_errors(
    monkeypatch: pytest.MonkeyPatch, error: Exception, batches: list[int]
) -> None:
    reader = NetworkPredictor(trained(SMALL), CPU, torch.float32)
    tried: list[int] = []

    def failing(images: np.ndarray, dense: bool) -> AnalyzerOutput:
        tried.append(len(images))
        raise error

    monkeypatch.setattr(reader, "output", failing)
    monkeypatch.setattr(NetworkPredictor, "workers", 1)
    with pytest.raises(type(error)):
        reader(pictures(4), False)
    assert tried == batches
