from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
from flat_people import assert_equal_states, state_of

from motionwarp.checkpoints.checkpoint import half_precision, save_checkpoint
from motionwarp.engines.warping_gan.config import (
    GeneratorLossWeights,
    ParserLossWeights,
    PartGeneratorTrainingConfig,
    PartParserTrainingConfig,
)
from motionwarp.engines.warping_gan.inputs import QuarterInputs
from motionwarp.engines.warping_gan.networks import PartGeneratorConfig, PartParser, PartParserConfig, PartParserOutput
from motionwarp.engines.warping_gan.training import (
    CONDITION_CHANNELS,
    PARSER_CONDITION_CHANNELS,
    PartGeneratorTask,
    PartParserTask,
    adversary_condition,
    judged_parsings,
    parser_condition,
)
from motionwarp.errors import OptionError
from motionwarp.nn.discriminator import DiscriminatorConfig
from motionwarp.training.adversary import Adversary, AdversaryConfig
from motionwarp.training.loop import run
from motionwarp.training.pack_samples import PackShare
from motionwarp.training.task import LoopConfig

CPU = torch.device("cpu")
LOOP = LoopConfig(
    steps=3,
    batch_size=2,
    learning_rate=1e-3,
    warmup_steps=1,
    decay_steps=1,
    workers=0,
    log_every=1,
    checkpoint_minutes=1e9,
)
SMALL = AdversaryConfig(DiscriminatorConfig(base=4, layers=2, scales=2), rate_factor=0.5)


@pytest.fixture(scope="module")
def parser_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(3)
    config = PartParserConfig(channels=(4, 4, 4), blocks=(1, 1, 1))
    path = tmp_path_factory.mktemp("parser") / "part_parser.safetensors"
    save_checkpoint(path, half_precision(PartParser(config)), "part_parser", {"network": asdict(config)})
    return path


def config_with(part_pack: Path, parser_file: Path, **weights: float) -> PartGeneratorTrainingConfig:
    return PartGeneratorTrainingConfig(
        packs=(PackShare(part_pack, 1.0),),
        parser=parser_file,
        network=PartGeneratorConfig(channels=(4, 4, 4, 4), blocks=(1, 1, 1), warped_channels=4),
        loss=GeneratorLossWeights(**weights),
        adversary=SMALL,
        loop=LOOP,
    )


def trained(config: PartGeneratorTrainingConfig, folder: Path, max_minutes: float | None = None) -> int:
    task = PartGeneratorTask(config, CPU, torch.float32)
    return run(task, config.loop, folder, max_minutes=max_minutes, report=lambda line: None)


def test_without_weights_there_is_no_discriminator(part_pack: Path, parser_file: Path, tmp_path: Path) -> None:
    config = config_with(part_pack, parser_file)
    trained(config, tmp_path / "run")
    # whatever the discriminator would be, it must not be in the state
    trained(replace(config, adversary=AdversaryConfig()), tmp_path / "other")
    assert_equal_states(tmp_path / "run", tmp_path / "other")
    assert not [name for name in state_of(tmp_path / "run") if "discriminator" in name]
    assert "adversarial" not in (tmp_path / "run" / "log.csv").read_text()


def test_an_adversarial_run_goes_on_exactly(part_pack: Path, parser_file: Path, tmp_path: Path) -> None:
    config = config_with(part_pack, parser_file, adversarial=0.1, pyramid=1.0)
    trained(config, tmp_path / "whole")
    for _ in range(LOOP.steps):
        step = trained(config, tmp_path / "cut", max_minutes=0)
    assert step == LOOP.steps
    assert_equal_states(tmp_path / "whole", tmp_path / "cut")
    header, first = (tmp_path / "whole" / "log.csv").read_text().splitlines()[:2]
    figures = dict(zip(header.split(","), first.split(","), strict=True))
    assert {"adversarial", "pyramid", "discriminator", "fooled"} <= figures.keys()
    assert float(figures["pyramid"]) > 0


def test_the_judgment_reaches_the_generator_only_through_its_weights(
    part_pack: Path, parser_file: Path, tmp_path: Path
) -> None:
    for name, weights in {"judged": {"adversarial": 1.0}, "featured": {"pyramid": 1.0}}.items():
        nothing_else = {"pixel": 0.0, "structure": 0.0, "gradient": 0.0, "alpha": 0.0}
        task = PartGeneratorTask(config_with(part_pack, parser_file, **nothing_else, **weights), CPU, torch.float32)
        before = [parameter.clone() for parameter in task.network.parameters()]
        task.train_step(next(task.batches(0, 1)))
        moved = [not torch.equal(old, new) for old, new in zip(before, task.network.parameters(), strict=True)]
        assert any(moved), name


def parser_config(part_pack: Path, **weights: float) -> PartParserTrainingConfig:
    return PartParserTrainingConfig(
        packs=(PackShare(part_pack, 1.0),),
        network=PartParserConfig(channels=(4, 4, 4), blocks=(1, 1, 1)),
        loss=ParserLossWeights(**weights),
        adversary=SMALL,
        loop=LOOP,
    )


def test_stage_one_has_a_discriminator_where_it_is_asked_for_and_goes_on_exactly(
    part_pack: Path, tmp_path: Path
) -> None:
    def parser_trained(config: PartParserTrainingConfig, folder: Path, max_minutes: float | None = None) -> int:
        task = PartParserTask(config, CPU, torch.float32)
        return run(task, config.loop, folder, max_minutes=max_minutes, report=lambda line: None)

    parser_trained(parser_config(part_pack), tmp_path / "plain")
    assert not [name for name in state_of(tmp_path / "plain") if "discriminator" in name]
    config = parser_config(part_pack, adversarial=0.1, pyramid=1.0)
    parser_trained(config, tmp_path / "whole")
    for _ in range(LOOP.steps):
        step = parser_trained(config, tmp_path / "cut", max_minutes=0)
    assert step == LOOP.steps
    assert_equal_states(tmp_path / "whole", tmp_path / "cut")
    header = (tmp_path / "whole" / "log.csv").read_text().splitlines()[0].split(",")
    assert {"parsing", "in_front", "adversarial", "pyramid", "discriminator", "fooled"} <= set(header)


def test_stage_one_learns_from_the_judgment_alone(part_pack: Path) -> None:
    for weights in ({"adversarial": 1.0}, {"pyramid": 1.0}):
        task = PartParserTask(parser_config(part_pack, parsing=0.0, in_front=0.0, **weights), CPU, torch.float32)
        before = [parameter.clone() for parameter in task.network.parameters()]
        task.train_step(next(task.batches(0, 1)))
        assert any(not torch.equal(old, new) for old, new in zip(before, task.network.parameters(), strict=True)), (
            weights
        )


def test_what_stage_one_is_judged_by_is_empty_where_nothing_is_known() -> None:
    output = PartParserOutput(torch.randn(1, 20, 2, 2), torch.randn(1, 16, 2, 2))
    parsing, in_front = torch.tensor([[[3, 255], [0, 19]]]), torch.tensor([[[255, 0], [15, 2]]])
    made, true = judged_parsings(output, parsing, in_front)
    assert made.shape == true.shape == (1, 36, 2, 2)
    for planes in (made, true):
        torch.testing.assert_close(planes[:, :20].sum(1), torch.tensor([[[1.0, 0.0], [1.0, 1.0]]]))
        torch.testing.assert_close(planes[:, 20:].sum(1), torch.tensor([[[0.0, 1.0], [1.0, 1.0]]]))
    assert true[0, 3, 0, 0] == true[0, 20 + 15, 1, 0] == 1


def test_the_condition_has_the_channels_it_says() -> None:
    limbs, stage_one, layers = torch.rand(2, 15, 16, 12), torch.rand(2, 36, 8, 6), torch.rand(2, 16, 4, 16, 12)
    condition = adversary_condition(limbs, stage_one, layers)
    assert condition.shape == (2, CONDITION_CHANNELS, 16, 12)
    assert torch.equal(condition[:, -4:], layers[:, -1])
    assert torch.equal(condition[:, 15:51, ::2, 1::2], stage_one)
    seen = QuarterInputs(torch.rand(2, 64, 8, 6), torch.rand(2, 20, 8, 6), torch.rand(2, 15, 8, 6))
    condition = parser_condition(seen)
    assert condition.shape == (2, PARSER_CONDITION_CHANNELS, 8, 6)
    assert torch.equal(condition[:, -4:], seen.layers[:, -4:])


@pytest.mark.parametrize("kind", ["least_squares", "hinge"])
def test_a_discriminator_learns_to_tell_bright_from_dark(kind: str) -> None:
    torch.manual_seed(0)
    config = AdversaryConfig(DiscriminatorConfig(base=4, layers=1, scales=2), kind=kind)  # type: ignore[arg-type]
    adversary = Adversary((1, 1), config, LoopConfig(learning_rate=5e-3), CPU, torch.float32)
    condition, bright = torch.zeros(2, 1, 16, 16), torch.full((2, 1, 16, 16), 0.9)
    dark = torch.full_like(bright, 0.1).requires_grad_()
    for _ in range(60):
        adversary.generator_losses(condition, dark, bright)
        learned = adversary.discriminator_step()
    told = adversary.generator_losses(condition, dark, bright)
    assert learned["fooled"] < 0.1
    told["adversarial"].backward()
    assert dark.grad is not None
    assert dark.grad.sum() < 0  # brighter would be better


def test_a_picture_that_is_right_has_no_pyramid_loss() -> None:
    adversary = Adversary((2, 3), SMALL, LOOP, CPU, torch.float32)
    picture = torch.rand(2, 3, 32, 24)
    assert adversary.generator_losses(torch.rand(2, 2, 32, 24), picture, picture)["pyramid"] == 0


def test_unknown_losses_are_refused() -> None:
    with pytest.raises(OptionError, match="wasserstein"):
        AdversaryConfig(kind="wasserstein")  # type: ignore[arg-type]
