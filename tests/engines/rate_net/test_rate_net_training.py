"""RATE-Net's training: the 1-1-3 cycle, exact resume, the paper's ablation, eight pairs by heart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from flat_people import assert_equal_states, far_pair_of
from torch import Tensor, nn

from motionwarp.data.labeled_pairs import PairPackWriter
from motionwarp.engines.rate_net.config import RateAdversaryConfig, RateNetLossWeights, RateNetTrainingConfig
from motionwarp.engines.rate_net.networks import RATE_NET_FILE, RateDiscriminatorConfig, RateNetConfig
from motionwarp.engines.rate_net.training import RateNetTask
from motionwarp.errors import OptionError, WeightsError
from motionwarp.nn.losses.perceptual import feature_distance, style_distance
from motionwarp.training.loop import run
from motionwarp.training.pack_samples import PackShare
from motionwarp.training.task import LoopConfig

CPU = torch.device("cpu")
LOOP = LoopConfig(
    steps=3, batch_size=2, learning_rate=1e-3, warmup_steps=0, decay_steps=0, workers=0, log_every=1, weight_decay=0.0
)
NETWORK = RateNetConfig(height=32, width=24, base=4, downs=2, blocks=2, code=8, texture_blocks=1, adaptive_blocks=1)
ADVERSARY = RateAdversaryConfig(RateDiscriminatorConfig(base=4, blocks=1))


@pytest.fixture(scope="module")
def config(pair_pack: Path) -> RateNetTrainingConfig:
    return RateNetTrainingConfig(
        (PackShare(pair_pack, 1.0),), validation=pair_pack, network=NETWORK, adversary=ADVERSARY, loop=LOOP
    )


def test_the_defaults_are_the_papers(config: RateNetTrainingConfig) -> None:
    paper = RateNetTrainingConfig(config.packs)
    weights = paper.loss
    assert (weights.reconstruction, weights.perceptual, weights.style, weights.adversarial) == (10, 5, 5, 5)
    assert paper.adversary.steps == 3
    loop = paper.loop
    assert loop.steps == 40_000
    assert loop.rate_at(0) == loop.rate_at(9_999) == 1e-4
    assert loop.rate_at(25_000) == pytest.approx(0.5e-4)
    assert loop.rate_at(39_999) < 2e-6
    assert isinstance(RateNetTask(config, CPU, torch.float32).optimizers["generator"], torch.optim.RAdam)


def test_runs_go_on_exactly(config: RateNetTrainingConfig, tmp_path: Path) -> None:
    run(RateNetTask(config, CPU, torch.float32), LOOP, tmp_path / "whole", report=lambda line: None)
    for _ in range(LOOP.steps):
        run(RateNetTask(config, CPU, torch.float32), LOOP, tmp_path / "cut", max_minutes=0, report=lambda line: None)
    assert_equal_states(tmp_path / "whole", tmp_path / "cut")
    columns = set((tmp_path / "whole" / "log.csv").read_text().splitlines()[0].split(","))
    assert {"l1_coarse", "perceptual_analyser", "style_analyser", "adversarial", "discriminator_shape"} <= columns
    exports = (tmp_path / "whole" / "exports.csv").read_text()
    assert "validation_psnr_coarse" in exports
    assert RATE_NET_FILE.load(tmp_path / "whole" / "rate_net.safetensors").network.config == NETWORK


def moved(task: RateNetTask, act: Callable[[], object]) -> set[str]:
    """Which modules, or parts of the generator, change while something is done."""
    parts: dict[str, nn.Module] = {name: module for name, module in task.modules.items() if name != "generator"}
    parts |= {f"generator.{name}": module for name, module in task.network.named_children()}
    before = {name: [each.clone() for each in part.parameters()] for name, part in parts.items()}
    act()
    return {
        name
        for name, part in parts.items()
        if any(not torch.equal(old, new) for old, new in zip(before[name], part.parameters(), strict=True))
    }


def counting(optimizer: torch.optim.Optimizer, log: list[str], name: str) -> None:
    optimizer.register_step_post_hook(lambda *arguments: log.append(name))


def test_a_cycle_is_one_one_three(config: RateNetTrainingConfig) -> None:
    task = RateNetTask(config, CPU, torch.float32)
    steps: list[str] = []
    for name, optimizer in task.optimizers.items():
        counting(optimizer, steps, name)
    batch = next(task.batches(0, 1))
    assert moved(task, lambda: task.train_step(batch)) == {
        "generator.pose", "generator.texture", "shape", "appearance",
    }  # fmt: skip
    assert steps == ["generator"] * 2 + ["shape"] * 3 + ["appearance"] * 3


def test_the_first_step_trains_the_pose_module_alone(config: RateNetTrainingConfig) -> None:
    task = RateNetTask(config, CPU, torch.float32)
    batch = next(task.batches(0, 1))
    task.coarse_losses(task.inputs(batch))["loss_coarse"].backward()
    assert task.network.texture is not None
    assert all(parameter.grad is None for parameter in task.network.texture.parameters())
    assert all(parameter.grad is not None for parameter in task.network.pose.parameters())


def test_the_final_loss_reaches_both_modules_and_no_judge(config: RateNetTrainingConfig) -> None:
    task = RateNetTask(config, CPU, torch.float32)
    task.losses(next(task.batches(0, 1)))["loss"].backward()
    assert all(parameter.grad is not None for parameter in task.network.parameters())
    for name in ("shape", "appearance"):
        assert all(parameter.grad is None for parameter in task.modules[name].parameters())


def test_the_rows_of_the_ablation_are_switches(config: RateNetTrainingConfig, tmp_path: Path) -> None:
    only = replace(config, network=replace(NETWORK, texture=False))
    task = RateNetTask(only, CPU, torch.float32)
    assert "loss_coarse" not in task.train_step(next(task.batches(0, 1)))
    run(RateNetTask(only, CPU, torch.float32), replace(LOOP, steps=1), tmp_path / "only", report=lambda line: None)

    fixed = replace(config, pose_weights=tmp_path / "only" / "rate_net.safetensors")
    task = RateNetTask(fixed, CPU, torch.float32)
    batch = next(task.batches(0, 1))
    assert "generator.pose" not in moved(task, lambda: task.train_step(batch))
    given = RATE_NET_FILE.load(tmp_path / "only" / "rate_net.safetensors").network.pose.state_dict()
    assert all(torch.equal(value, given[name]) for name, value in task.network.pose.state_dict().items())
    with pytest.raises(WeightsError, match="another size"):
        RateNetTask(replace(fixed, network=replace(NETWORK, base=8)), CPU, torch.float32)
    with pytest.raises(OptionError, match="nothing would be trained"):
        replace(fixed, network=replace(NETWORK, texture=False))
    without = replace(config, loss=RateNetLossWeights(adversarial=0.0))
    assert set(RateNetTask(without, CPU, torch.float32).modules) == {"generator"}


def test_eight_pairs_are_learned_by_heart(tmp_path: Path) -> None:
    writer = PairPackWriter()
    for number in range(8):
        writer.add(far_pair_of(number))
    pack = tmp_path / "eight.pack"
    writer.write(pack)
    loop = replace(LOOP, steps=80, batch_size=8, learning_rate=4e-3, ema_decay=0.9, log_every=60)
    config = RateNetTrainingConfig(
        (PackShare(pack, 1.0),),
        network=replace(NETWORK, base=8),
        loss=RateNetLossWeights(adversarial=0.0),
        loop=loop,
    )
    run(RateNetTask(config, CPU, torch.float32), loop, tmp_path / "run", report=lambda line: None)
    task = RateNetTask(replace(config, validation=pack), CPU, torch.float32)
    measured = task.validate(RATE_NET_FILE.load(tmp_path / "run" / "rate_net.safetensors").network)
    assert measured["validation_psnr"] > measured["validation_psnr_copy"] + 4
    assert measured["validation_psnr"] > 20


def test_style_is_the_distance_of_gram_matrices() -> None:
    torch.manual_seed(0)
    one, other = torch.rand(2, 3, 4, 5), torch.rand(2, 3, 4, 5)

    def gram(features: Tensor) -> Tensor:
        return torch.einsum("bchw,bdhw->bcd", features, features) / (3 * 4 * 5)

    expected = (gram(one) - gram(other)).square().sum((1, 2)).mean()
    assert torch.allclose(style_distance([one], [other]), expected)
    # where things are does not count
    assert style_distance([one], [one.flip(3)]) == pytest.approx(0, abs=1e-10)
    assert feature_distance([one], [one.flip(3)]) > 0.1
    assert feature_distance([one, one], [other, other], weights=[0.5, 0.5]) == pytest.approx(
        float((one - other).abs().mean())
    )
