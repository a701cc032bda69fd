"""SwapGAN's training: what each fake is, the ablation's switches, exact resume, and that it learns."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from flat_people import assert_equal_states, standing_points

from motionwarp.engines.crop_gan.data import CropDataConfig
from motionwarp.engines.swap_gan.config import SwapGanLossWeights, SwapGanTrainingConfig
from motionwarp.engines.swap_gan.data import both_roles, head_mask, pose_lines, segments_of
from motionwarp.engines.swap_gan.networks import SwapGanConfig, load_swap_networks
from motionwarp.engines.swap_gan.training import SwapGanTask
from motionwarp.errors import OptionError
from motionwarp.parsing import labels
from motionwarp.training.loop import run
from motionwarp.training.pack_samples import PackShare
from motionwarp.training.task import LoopConfig

CPU = torch.device("cpu")
LOOP = LoopConfig(
    steps=3, batch_size=2, learning_rate=2e-3, warmup_steps=0, decay_steps=1, workers=0, log_every=1,
    checkpoint_minutes=1e9, ema_decay=0.0,
)  # fmt: skip
GENERATORS = ("I+III", "I+II", "full")


@pytest.fixture(scope="module")
def config(pair_pack: Path) -> SwapGanTrainingConfig:
    data = CropDataConfig((PackShare(pair_pack, 1.0),), 64, 48)
    network = SwapGanConfig(base=4, blocks=1, mask_downs=4, discriminator_base=4, height=64, width=48)
    return SwapGanTrainingConfig(data, network, loop=LOOP)


def quiet(task: SwapGanTask, loop: LoopConfig, folder: Path, minutes: float | None = None) -> int:
    return run(task, loop, folder, max_minutes=minutes, report=lambda line: None)


@pytest.mark.parametrize("generators", GENERATORS)
def test_runs_go_on_exactly(generators: str, config: SwapGanTrainingConfig, tmp_path: Path) -> None:
    config = replace(config, generators=generators)
    quiet(SwapGanTask(config, CPU, torch.float32), LOOP, tmp_path / "whole")
    for _ in range(LOOP.steps):
        quiet(SwapGanTask(config, CPU, torch.float32), LOOP, tmp_path / "cut", 0)
    assert_equal_states(tmp_path / "whole", tmp_path / "cut")
    assert load_swap_networks(tmp_path / "whole" / "swap_gan.safetensors")[0].config == config.network


@pytest.mark.parametrize("generators", GENERATORS)
def test_each_ablation_trains_its_generators_alone(generators: str, config: SwapGanTrainingConfig) -> None:
    task = SwapGanTask(replace(config, generators=generators), CPU, torch.float32)
    before = {name: value.clone() for name, value in task.networks.named_parameters()}
    figures = task.train_step(next(task.batches(0, 1)))
    changed = {
        name.split(".")[0] for name, value in task.networks.named_parameters() if not torch.equal(before[name], value)
    }
    parts = {"I+III": {"to_reference", "mask"}, "I+II": {"to_reference", "to_condition"}}
    assert changed == parts.get(generators, {"to_reference", "to_condition", "mask"})
    assert ("mask" in figures) == (generators != "I+II")
    assert ("condition" in figures) == (generators != "I+III")


def test_the_loss_is_the_equation(config: SwapGanTrainingConfig) -> None:
    task = SwapGanTask(config, CPU, torch.float32)
    figures = task.train_step(next(task.batches(0, 1)))
    expected = figures["reference"] + figures["condition"] + 5 * figures["mask"]
    assert float(figures["loss"]) == pytest.approx(float(expected), rel=1e-5)


def test_fakes_stand_in_either_place_of_a_pair(config: SwapGanTrainingConfig) -> None:
    task = SwapGanTask(config, CPU, torch.float32)
    seen: list[torch.Tensor] = []
    task.discriminator.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0].detach()))
    torch.manual_seed(5)
    batch = next(task.batches(0, 1))
    state = torch.get_rng_state()
    task.train_step(batch)
    torch.set_rng_state(state)
    reference, condition = both_roles(batch, CPU)
    real, first, second = seen[-3:]
    assert torch.equal(real, torch.cat([reference.rgb, condition.rgb], dim=1))
    assert torch.equal(first[:, 3:], condition.rgb)
    assert not torch.equal(first[:, :3], reference.rgb)
    assert torch.equal(second[:, :3], reference.rgb)
    assert not torch.equal(second[:, 3:], condition.rgb)


def test_masks_are_learned_from_few_pairs(config: SwapGanTrainingConfig, tmp_path: Path) -> None:
    """Without any pixel loss in it, only masks and verdicts tell; masks of three pairs must be learned."""
    loop = replace(LOOP, steps=60, log_every=60, decay_steps=20, learning_rate=4e-3)
    task = SwapGanTask(replace(config, loop=loop, loss=SwapGanLossWeights(mask=20.0)), CPU, torch.float32)
    first = float(task.train_step(next(task.batches(0, 1)))["mask"])
    quiet(task, loop, tmp_path)
    last = float(task.train_step(next(task.batches(0, 1)))["mask"])
    assert last < 0.35 * first
    assert (tmp_path / "training.png").stat().st_size > 500


def test_roles_are_drawn_and_nothing_is_lost(config: SwapGanTrainingConfig) -> None:
    torch.manual_seed(0)
    batch = next(SwapGanTask(config, CPU, torch.float32).batches(0, 1))
    drawn = set()
    for _ in range(12):
        reference, condition = both_roles(batch, CPU)
        source = batch["source_rgb"].float() / 255
        same = [bool(torch.equal(reference.rgb[row], source[row])) for row in range(2)]
        for row, own in enumerate(same):
            assert (
                torch.equal((condition if own else reference).rgb[row], batch["target_rgb"][row].float() / 255) or own
            )
        drawn.add(tuple(same))
    assert len(drawn) > 1


def test_poses_are_lines_in_colors_and_segments_are_five() -> None:
    lines = pose_lines(standing_points(), 256, 192)
    assert lines.shape == (256, 192, 3)
    assert len(np.unique(lines.reshape(-1, 3), axis=0)) > 10
    assert (lines[:10] == 0).all()
    parsing = np.array([[labels.FACE, labels.LEFT_ARM, labels.SOCKS, labels.DRESS, labels.SKIRT, 0, 255]], np.uint8)
    segments = segments_of(parsing)
    assert segments[:, 0].argmax(0).tolist()[:5] == [0, 1, 2, 3, 4]
    assert segments[:, 0, 5:].sum() == 0
    heads = head_mask(torch.tensor([[[labels.HAIR, labels.FACE, labels.DRESS, 255, 0]]], dtype=torch.uint8))
    assert heads[0, 0, 0].tolist() == [1, 1, 0, 0, 0]


def test_settings_that_do_not_go_together(config: SwapGanTrainingConfig) -> None:
    with pytest.raises(OptionError, match="no generators 'II'"):
        replace(config, generators="II")
    with pytest.raises(OptionError, match="cannot be trained from data of"):
        replace(config, network=replace(config.network, height=128))
