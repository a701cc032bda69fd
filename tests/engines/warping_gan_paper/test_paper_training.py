from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from flat_people import assert_equal_states, state_of

from motionwarp.data.loader import resumable_batches
from motionwarp.engines.crop_gan.data import CropDataConfig, CropPairs, crop_inputs
from motionwarp.engines.warping_gan_paper.config import (
    PaperGeneratorLossWeights,
    PaperGeneratorTrainingConfig,
    PaperMatcherLossWeights,
    PaperMatcherTrainingConfig,
    PaperParserLossWeights,
    PaperParserTrainingConfig,
)
from motionwarp.engines.warping_gan_paper.networks import (
    GeometricMatcherConfig,
    PoseGuidedParserConfig,
    WarpingGeneratorConfig,
    load_paper_networks,
)
from motionwarp.engines.warping_gan_paper.training import PaperGeneratorTask, PaperMatcherTask, PaperParserTask
from motionwarp.errors import OptionError, WeightsError
from motionwarp.nn.discriminator import DiscriminatorConfig
from motionwarp.training.adversary import AdversaryConfig
from motionwarp.training.loop import run
from motionwarp.training.pack_samples import PackShare
from motionwarp.training.task import LoopConfig, TrainingTask

CPU = torch.device("cpu")
LOOP = LoopConfig(
    steps=3,
    batch_size=2,
    learning_rate=2e-3,
    warmup_steps=0,
    decay_steps=1,
    workers=0,
    log_every=1,
    checkpoint_minutes=1e9,
)
ADVERSARY = AdversaryConfig(DiscriminatorConfig(base=2, layers=2, scales=2))
MATCHER = GeometricMatcherConfig(channels=(4, 4), regression=(4, 4), height=64, width=48)


@pytest.fixture(scope="module")
def data(pair_pack: Path) -> CropDataConfig:
    return CropDataConfig((PackShare(pair_pack, 1.0),), 64, 48)


@pytest.fixture(scope="module")
def parser_config(data: CropDataConfig) -> PaperParserTrainingConfig:
    return PaperParserTrainingConfig(data, PoseGuidedParserConfig(base=2, blocks=1), adversary=ADVERSARY, loop=LOOP)


@pytest.fixture(scope="module")
def matcher_config(data: CropDataConfig) -> PaperMatcherTrainingConfig:
    return PaperMatcherTrainingConfig(data, MATCHER, loop=LOOP)


@pytest.fixture(scope="module")
def generator_config(data: CropDataConfig) -> PaperGeneratorTrainingConfig:
    return PaperGeneratorTrainingConfig(
        data, network=WarpingGeneratorConfig(base=2, blocks=1), adversary=ADVERSARY, loop=LOOP
    )


def train(task: TrainingTask, loop: LoopConfig, folder: Path, max_minutes: float | None = None) -> int:
    return run(task, loop, folder, max_minutes=max_minutes, report=lambda line: None)


def logged(folder: Path) -> dict[str, float]:
    """The figures of the last line."""
    lines = (folder / "log.csv").read_text().splitlines()
    return dict(zip(lines[0].split(","), map(float, lines[-1].split(",")), strict=True))


@pytest.mark.parametrize(
    ("stage", "task"), [("parser", PaperParserTask), ("matcher", PaperMatcherTask), ("generator", PaperGeneratorTask)]
)
def test_runs_go_on_exactly(
    stage: str, task: Callable[..., TrainingTask], request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    config: Any = request.getfixturevalue(f"{stage}_config")
    train(task(config, CPU, torch.float32), LOOP, tmp_path / "whole")
    for _ in range(LOOP.steps):
        train(task(config, CPU, torch.float32), LOOP, tmp_path / "cut", max_minutes=0)
    assert_equal_states(tmp_path / "whole", tmp_path / "cut")
    assert all(
        bool(torch.isfinite(value).all())
        for value in state_of(tmp_path / "whole").values()
        if value.is_floating_point()
    )


def test_the_parser_learns_the_target_parsing(parser_config: PaperParserTrainingConfig, tmp_path: Path) -> None:
    loop = replace(LOOP, steps=40, log_every=40, learning_rate=1e-2)
    config = replace(parser_config, loss=PaperParserLossWeights(1.0, 0.0, 0.0), loop=loop)
    task = PaperParserTask(config, CPU, torch.float32)
    first = float(task.train_step(next(task.batches(0, 1)))["cross_entropy"])
    train(task, loop, tmp_path)
    last = float(task.train_step(next(task.batches(0, 1)))["cross_entropy"])
    assert last < 0.5 * first
    assert not [name for name in state_of(tmp_path) if "discriminator" in name]


def test_the_matcher_finds_how_far_people_moved(matcher_config: PaperMatcherTrainingConfig, tmp_path: Path) -> None:
    loop = replace(LOOP, steps=60, log_every=60, learning_rate=5e-3, decay_steps=20)
    config = replace(matcher_config, loss=PaperMatcherLossWeights(grid=0.0), loop=loop)
    task = PaperMatcherTask(config, CPU, torch.float32)
    train(task, loop, tmp_path)
    figures = task.train_step(next(task.batches(0, 1)))
    assert figures["l1"] < 0.6 * figures["l1_without"]
    assert "grid" not in figures


def test_stage_two_is_trained_on_both_others(
    parser_config: PaperParserTrainingConfig,
    matcher_config: PaperMatcherTrainingConfig,
    generator_config: PaperGeneratorTrainingConfig,
    tmp_path: Path,
) -> None:
    one_step = replace(LOOP, steps=1)
    train(PaperParserTask(parser_config, CPU, torch.float32), one_step, tmp_path / "parser")
    train(PaperMatcherTask(matcher_config, CPU, torch.float32), one_step, tmp_path / "matcher")
    config = replace(
        generator_config,
        parser=tmp_path / "parser" / "pose_guided_parser.safetensors",
        matcher=tmp_path / "matcher" / "geometric_matcher.safetensors",
    )
    train(PaperGeneratorTask(config, CPU, torch.float32), one_step, tmp_path / "gan")
    networks = load_paper_networks(tmp_path / "gan" / "warping_gan_paper.safetensors")
    assert networks.matcher.config == MATCHER
    assert (tmp_path / "gan" / "training.png").stat().st_size > 500
    assert {"adversarial", "pixel", "perceptual_analyser", "pyramid"} <= logged(tmp_path / "gan").keys()

    with pytest.raises(OptionError, match="64 x 48, the data is 128 x 64"):
        PaperGeneratorTask(replace(config, data=replace(config.data, height=128, width=64)), CPU, torch.float32)
    with pytest.raises(WeightsError, match="'geometric_matcher', not for 'pose_guided_parser'"):
        PaperGeneratorTask(replace(config, parser=config.matcher), CPU, torch.float32)


@pytest.mark.parametrize("only", ["adversarial", "pixel", "perceptual", "pyramid"])
def test_each_loss_alone_trains_the_generator(generator_config: PaperGeneratorTrainingConfig, only: str) -> None:
    weights = PaperGeneratorLossWeights(
        **{name: float(name == only) for name in ("adversarial", "pixel", "perceptual", "pyramid")}
    )
    task = PaperGeneratorTask(replace(generator_config, loss=weights), CPU, torch.float32)
    before = [parameter.clone() for parameter in task.network.parameters()]
    figures = task.train_step(next(task.batches(0, 1)))
    assert any(not torch.equal(old, new) for old, new in zip(before, task.network.parameters(), strict=True))
    assert ("discriminator" in figures) == (only in ("adversarial", "pyramid"))
    assert ("perceptual_analyser" in figures) == (only == "perceptual")


def test_pixels_beyond_the_target_do_not_count(generator_config: PaperGeneratorTrainingConfig) -> None:
    weights = PaperGeneratorLossWeights(0.0, 1.0, 0.0, 0.0)
    task = PaperGeneratorTask(replace(generator_config, loss=weights), CPU, torch.float32)
    batch = next(resumable_batches(CropPairs(generator_config.data, 0), 0, 2, 0, 1, 0))
    seen = crop_inputs(batch, CPU)
    inside = torch.zeros_like(seen.inside)
    inside[..., :24] = 1
    made = seen.target_rgb.clone()
    made[..., 24:] = 1 - made[..., 24:]
    assert task.picture_losses(made, seen._replace(inside=inside), seen.target_parsing)["loss"] == 0
    assert task.picture_losses(made, seen, seen.target_parsing)["loss"] > 0


def test_a_matcher_of_another_size_than_the_data_is_refused(data: CropDataConfig) -> None:
    with pytest.raises(OptionError, match="256 x 192"):
        PaperMatcherTrainingConfig(data)
