"""HPN and RATE-Net at work: in the window that follows the person, whatever the batches, from their own files alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from drawn_figure import HEIGHT, WIDTH, drawn_person, front_points
from torch import Tensor, nn

from motionwarp.engines.base import Motion, RenderSettings
from motionwarp.engines.crop_gan.engine import CropGanEngine
from motionwarp.engines.hpn.engine import HpnEngine
from motionwarp.engines.hpn.networks import HPN_FILE, HpnConfig, HpnNetwork, HpnOutput
from motionwarp.engines.rate_net.engine import RateNetEngine
from motionwarp.engines.rate_net.networks import RATE_NET_FILE, RateNetConfig, RateNetGenerator, RateNetOutput
from motionwarp.engines.registry import catalog, make_engine
from motionwarp.errors import WeightsError
from motionwarp.types import FloatArray


class System(NamedTuple):
    """One engine with a small file of weights, and a network that copies the source."""

    engine: type[CropGanEngine]
    write: Callable[[Path], None]
    copy: nn.Module


class HpnCopy(nn.Module):
    def forward(self, image: Tensor, pose: Tensor) -> HpnOutput:
        return HpnOutput(image, _distinct(image))


class RateCopy(nn.Module):
    def forward(self, image: Tensor, source: Tensor, target: Tensor) -> RateNetOutput:
        return RateNetOutput(image, image, _distinct(image))


def _distinct(image: Tensor) -> Tensor:
    """Logits of what is not the plain background."""
    return 200 * ((image - 127 / 255).abs().amax(1, keepdim=True) - 0.02)


HPN = HpnConfig(128, 64, 32, 16, aspect=0.75)
RATE = RateNetConfig(height=128, width=96, base=2, blocks=1, code=4, texture_blocks=1, adaptive_blocks=1)
SYSTEMS = {
    "hpn": System(HpnEngine, lambda path: HPN_FILE.save(path, HpnNetwork(HPN)), HpnCopy()),
    "rate_net": System(RateNetEngine, lambda path: RATE_NET_FILE.save(path, RateNetGenerator(RATE)), RateCopy()),
}


@pytest.fixture(params=SYSTEMS)
def system(request: pytest.FixtureRequest) -> System:
    return SYSTEMS[request.param]


@pytest.fixture
def weights(system: System, tmp_path: Path) -> Path:
    torch.manual_seed(0)
    system.write(tmp_path / "weights.safetensors")
    return tmp_path / "weights.safetensors"


def prepared(system: System, weights: Path, *, copying: bool = False) -> CropGanEngine:
    made: Any = system.engine
    engine: Any = made(weights)
    engine.prepare(drawn_person(), RenderSettings(torch.device("cpu"), torch.float32, WIDTH, HEIGHT))
    if copying:
        engine._network = system.copy
    return engine  # type: ignore[no-any-return]


def moved(points: FloatArray, x: float, y: float) -> FloatArray:
    result = points.copy()
    result[:, :2] += (x, y)
    return result


def test_files_say_which_engine_they_are_for(system: System, weights: Path, tmp_path: Path) -> None:
    engine = make_engine(str(weights))
    assert isinstance(engine, system.engine)
    assert len(engine.weights_sha256) == 64
    assert catalog().specs[engine.name].architectures == (engine.name,)
    other: Any = next(each.engine for each in SYSTEMS.values() if each.engine is not system.engine)
    with pytest.raises(WeightsError, match=f"'{engine.name}'"):
        other(weights)
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(WeightsError):
        make_engine(str(cut))


def test_a_network_that_copies_leaves_the_person_in_place(system: System, weights: Path) -> None:
    engine = prepared(system, weights, copying=True)
    poses = front_points()[None]
    layer = engine.render(Motion(poses), engine.plan(Motion(poses)))[0]
    rgba = np.zeros((HEIGHT, WIDTH, 4))
    rows, columns = layer.rgba.shape[:2]
    rgba[layer.top : layer.top + rows, layer.left : layer.left + columns] = layer.rgba
    source, alpha = drawn_person(), rgba[..., 3] / 255
    overlap = np.minimum(alpha, source.matte).sum() / np.maximum(alpha, source.matte).sum()
    assert overlap > 0.75
    solid = (alpha > 0.98) & (source.matte > 0.98)
    assert np.abs(rgba[solid][:, :3] - source.rgb[solid]).mean() < 20


def test_frames_do_not_depend_on_their_batch(system: System, weights: Path) -> None:
    engine = prepared(system, weights)
    poses = np.stack([moved(front_points(), 4 * step, 0) for step in range(3)])
    theta = engine.plan(Motion(poses))
    assert theta.shape == (3, 3)  # the window alone
    together = engine.render(Motion(poses), theta)
    for step in range(3):
        one = Motion(poses[step : step + 1])
        alone = engine.render(one, engine.plan(one))[0]
        assert (alone.left, alone.top) == (together[step].left, together[step].top)
        assert np.abs(alone.rgba.astype(int) - together[step].rgba).max() <= 1


@pytest.mark.parametrize("shift", [(-400.0, 0.0), (1000.0, 0.0), (-60.0, -40.0)])
def test_layers_lie_inside_the_frame(system: System, weights: Path, shift: tuple[float, float]) -> None:
    engine = prepared(system, weights)
    poses = moved(front_points(), *shift)[None]
    layer = engine.render(Motion(poses), engine.plan(Motion(poses)))[0]
    assert layer.left >= 0
    assert layer.top >= 0
    assert layer.left + layer.rgba.shape[1] <= WIDTH
    assert layer.top + layer.rgba.shape[0] <= HEIGHT


def test_nobody_is_drawn_where_nobody_is_seen(system: System, weights: Path) -> None:
    engine = prepared(system, weights)
    poses = np.zeros((1, 18, 3), dtype=np.float32)
    assert not engine.render(Motion(poses), engine.plan(Motion(poses)))[0].rgba.any()
