"""HPN's trainings: levels and criteria by step, exact resume, files that grow, and eight pairs by heart."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from flat_people import assert_equal_states, far_pair_of, state_of

from motionwarp.data.labeled_pairs import PairPackWriter
from motionwarp.engines.hpn.config import GarmentFlowTrainingConfig, HpnLossConfig, HpnTrainingConfig
from motionwarp.engines.hpn.flow import FLOW_FILE, GarmentFlowConfig
from motionwarp.engines.hpn.flow_training import GarmentFlowTask, garments_of
from motionwarp.engines.hpn.networks import HPN_FILE, HpnConfig
from motionwarp.engines.hpn.training import HpnTask
from motionwarp.errors import OptionError, WeightsError
from motionwarp.training.loop import run
from motionwarp.training.pack_samples import PackShare
from motionwarp.training.task import LoopConfig

CPU = torch.device("cpu")
LOOP = LoopConfig(
    steps=8, batch_size=2, learning_rate=2e-3, warmup_steps=0, decay_steps=0, workers=0, log_every=1, weight_decay=5e-4
)
NETWORK = HpnConfig(resolution=32, first_resolution=16, bottleneck_size=8, bottleneck_channels=32, sigma=0.8)


@pytest.fixture(scope="module")
def config(pair_pack: Path) -> HpnTrainingConfig:
    return HpnTrainingConfig((PackShare(pair_pack, 1.0),), network=NETWORK, validation=pair_pack, loop=LOOP)


def test_each_level_has_an_even_share_l2_before_l1(config: HpnTrainingConfig) -> None:
    assert [(phase.size, phase.squared, phase.first, phase.end) for phase in config.phases] == [
        (16, True, 0, 2), (16, False, 2, 4), (32, True, 4, 6), (32, False, 6, 8),
    ]  # fmt: skip
    paper = HpnTrainingConfig(config.packs)
    assert [phase.end - phase.first for phase in paper.phases] == [350_000] * 10
    assert (paper.loop.learning_rate, paper.loop.weight_decay, paper.loop.rate_at(3_000_000)) == (2e-4, 5e-4, 2e-4)
    assert [paper.loss.count_at(size) for size in (64, 256, 1024)] == [18, 31, 44]
    assert HpnLossConfig(descriptors=0).count_at(1024) is None
    with pytest.raises(OptionError, match="not 20"):
        HpnLossConfig(descriptors=20)


def test_runs_go_on_exactly_across_levels(config: HpnTrainingConfig, tmp_path: Path) -> None:
    run(HpnTask(config, CPU, torch.float32), LOOP, tmp_path / "whole", report=lambda line: None)
    for _ in range(LOOP.steps):
        run(HpnTask(config, CPU, torch.float32), LOOP, tmp_path / "cut", max_minutes=0, report=lambda line: None)
    assert_equal_states(tmp_path / "whole", tmp_path / "cut")
    rows = (tmp_path / "whole" / "log.csv").read_text().splitlines()
    column = rows[0].split(",").index("level")
    assert [float(row.split(",")[column]) for row in rows[1:]] == [16.0] * 4 + [32.0] * 4
    assert {"global_analyser", "local_analyser"} <= set(rows[0].split(","))
    assert "validation_psnr_copy" in (tmp_path / "whole" / "exports.csv").read_text()
    assert HPN_FILE.load(tmp_path / "whole" / "hpn.safetensors").network.config == NETWORK


def test_a_level_is_begun_from_a_file_of_the_one_below(config: HpnTrainingConfig, tmp_path: Path) -> None:
    low = replace(config, network=replace(NETWORK, resolution=16), loop=replace(LOOP, steps=2))
    run(HpnTask(low, CPU, torch.float32), low.loop, tmp_path, report=lambda line: None)
    file = tmp_path / "hpn.safetensors"
    task = HpnTask(replace(config, start_from=file), CPU, torch.float32)
    kept = HPN_FILE.load(file).network.state_dict()
    for name, value in task.network.state_dict().items():
        if name in kept:
            assert torch.equal(value, kept[name].to(value.dtype)), name
    other = replace(config, network=replace(NETWORK, bottleneck_channels=64), start_from=file)
    with pytest.raises(WeightsError, match="shape"):
        HpnTask(other, CPU, torch.float32)


def eight_pairs(folder: Path) -> Path:
    writer = PairPackWriter()
    for number in range(8):
        writer.add(far_pair_of(number))
    writer.write(folder / "eight.pack")
    return folder / "eight.pack"


def test_eight_pairs_are_learned_by_heart(tmp_path: Path) -> None:
    pack = eight_pairs(tmp_path)
    loop = replace(LOOP, steps=120, batch_size=8, learning_rate=4e-3, weight_decay=0.0, ema_decay=0.9, log_every=60)
    network = HpnConfig(resolution=32, first_resolution=16, bottleneck_size=8, bottleneck_channels=64, sigma=0.8)
    config = HpnTrainingConfig((PackShare(pack, 1.0),), network=network, loss=HpnLossConfig(pixels=20.0), loop=loop)
    task = HpnTask(config, CPU, torch.float32)
    run(task, loop, tmp_path / "run", report=lambda line: None)
    figures = replace(config, validation=pack)
    task.config = figures
    measured = task.validate(HPN_FILE.load(tmp_path / "run" / "hpn.safetensors").network)
    assert measured["validation_psnr"] > measured["validation_psnr_copy"] + 2
    assert measured["validation_psnr"] > 18


@pytest.fixture(scope="module")
def flow_config(pair_pack: Path) -> GarmentFlowTrainingConfig:
    return GarmentFlowTrainingConfig(
        (PackShare(pair_pack, 1.0),),
        validation=pair_pack,
        network=GarmentFlowConfig(64, 48, (8, 16, 16)),
        loop=replace(LOOP, steps=4),
    )


def test_the_flow_goes_on_exactly(flow_config: GarmentFlowTrainingConfig, tmp_path: Path) -> None:
    run(
        GarmentFlowTask(flow_config, CPU, torch.float32), flow_config.loop, tmp_path / "whole", report=lambda line: None
    )
    for _ in range(flow_config.loop.steps):
        task = GarmentFlowTask(flow_config, CPU, torch.float32)
        run(task, flow_config.loop, tmp_path / "cut", max_minutes=0, report=lambda line: None)
    assert_equal_states(tmp_path / "whole", tmp_path / "cut")
    assert all(bool(torch.isfinite(each.float()).all()) for each in state_of(tmp_path / "whole").values())
    assert FLOW_FILE.load(tmp_path / "whole" / "hpn_flow.safetensors").network.config == flow_config.network


def test_the_flow_finds_the_garment(flow_config: GarmentFlowTrainingConfig, tmp_path: Path) -> None:
    loop = replace(LOOP, steps=120, batch_size=4, learning_rate=3e-3, ema_decay=0.9, log_every=60)
    task = GarmentFlowTask(replace(flow_config, loop=loop), CPU, torch.float32)
    run(task, loop, tmp_path, report=lambda line: None)
    figures = task.validate(FLOW_FILE.load(tmp_path / "hpn_flow.safetensors").network)
    assert figures["validation_l1"] < 0.4 * figures["validation_l1_copy"]


def test_garments_are_the_pixels_of_one_group(flow_config: GarmentFlowTrainingConfig) -> None:
    task = GarmentFlowTask(flow_config, CPU, torch.float32)
    batch = next(task.batches(0, 1))
    garment, mask, true, wanted = garments_of(batch, CPU)
    assert torch.equal(mask[:, 0] > 0, batch["source_parsing"] == 5)
    assert torch.equal(wanted[:, 0] > 0, batch["target_parsing"] == 5)
    assert not true[(wanted == 0).expand_as(true)].any()
    assert garment.shape == (2, 3, 64, 48)
