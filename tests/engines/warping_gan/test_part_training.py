"""The three networks of the parts preset on flat people: what they learn, how runs go on, and what they leave."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from flat_people import assert_equal_states

from motionwarp.checkpoints.checkpoint import half_precision, load_checkpoint, save_checkpoint
from motionwarp.engines.warping_gan.config import (
    PartGeneratorTrainingConfig,
    PartParserTrainingConfig,
)
from motionwarp.engines.warping_gan.data import batch_quarter_inputs
from motionwarp.engines.warping_gan.networks import (
    PartGenerator,
    PartGeneratorConfig,
    PartParser,
    PartParserConfig,
    WarpingNetworks,
    load_warping_networks,
    save_warping_networks,
)
from motionwarp.engines.warping_gan.training import PartGeneratorTask, PartParserTask
from motionwarp.errors import InputError, WeightsError
from motionwarp.parsing.drawing import colorize
from motionwarp.puppet import parts
from motionwarp.training.loop import run
from motionwarp.training.pack_samples import PackShare
from motionwarp.training.pretrained import adamw
from motionwarp.training.task import LoopConfig, TrainingTask

CPU = torch.device("cpu")
LOOP = LoopConfig(
    steps=3,
    batch_size=2,
    learning_rate=5e-3,
    warmup_steps=1,
    decay_steps=1,
    workers=0,
    log_every=1,
    checkpoint_minutes=1e9,
)
LONGER = replace(LOOP, steps=14, decay_steps=4, learning_rate=2e-2)
PARSER = PartParserConfig(channels=(4, 8, 8), blocks=(1, 1, 1))
GENERATOR = PartGeneratorConfig(channels=(4, 8, 8, 8), blocks=(1, 1, 1), warped_channels=4)

TASKS: dict[str, Callable[..., TrainingTask]] = {
    "parser": PartParserTask,
    "generator": PartGeneratorTask,
}


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an untrained parser."""
    folder = tmp_path_factory.mktemp("weights")
    torch.manual_seed(3)
    name, network = "part_parser", PartParser(PARSER)
    save_checkpoint(folder / f"{name}.safetensors", half_precision(network), name, {"network": asdict(network.config)})
    return folder


@pytest.fixture
def configs(part_pack: Path, weights: Path) -> dict[str, Any]:
    share, parser = (PackShare(part_pack, 1.0),), weights / "part_parser.safetensors"
    return {
        "parser": PartParserTrainingConfig(share, PARSER, loop=LOOP),
        "generator": PartGeneratorTrainingConfig(share, parser, network=GENERATOR, loop=LOOP),
    }


def trained(name: str, config: Any, folder: Path, max_minutes: float | None = None) -> int:
    task = TASKS[name](config, CPU, torch.float32)
    return run(task, config.loop, folder, max_minutes=max_minutes, report=lambda line: None)


def logged(folder: Path) -> list[dict[str, float]]:
    lines = (folder / "log.csv").read_text().splitlines()
    return [dict(zip(lines[0].split(","), map(float, line.split(",")), strict=True)) for line in lines[1:]]


@pytest.mark.parametrize("name", ["parser", "generator"])
def test_a_run_that_was_cut_goes_on_exactly(configs: dict[str, Any], name: str, tmp_path: Path) -> None:
    assert trained(name, configs[name], tmp_path / "whole") == LOOP.steps
    for step in range(LOOP.steps):
        assert trained(name, configs[name], tmp_path / "cut", max_minutes=0) == step + 1
        torch.manual_seed(99)  # whatever happens between the runs
    assert_equal_states(tmp_path / "whole", tmp_path / "cut")


def test_the_parser_learns_classes_and_order(configs: dict[str, Any], tmp_path: Path) -> None:
    trained("parser", replace(configs["parser"], loop=replace(LONGER, steps=24, learning_rate=3e-2)), tmp_path)
    log = logged(tmp_path)
    assert {"loss", "parsing", "in_front", "right"} <= log[0].keys()
    assert log[0]["loss"] > 4
    assert log[-1]["loss"] < 0.3 * log[0]["loss"]
    assert log[-1]["right"] > 0.8
    assert log[-1]["loss"] == pytest.approx(log[-1]["parsing"] + log[-1]["in_front"], abs=1e-3)


def test_parsings_are_shown_in_their_colors(configs: dict[str, Any], tmp_path: Path) -> None:
    trained("parser", configs["parser"], tmp_path)
    shown = cv2.imread(str(tmp_path / "training.png"))[..., ::-1]
    height, width = configs["parser"].loop.batch_size * 64, 48
    assert shown.shape == (height, 2 * width, 3)
    colors = {tuple(int(value) for value in color) for color in colorize(np.arange(20, dtype=np.uint8)[None])[0]}
    seen = {tuple(int(value) for value in color) for color in shown[:, width:].reshape(-1, 3)}
    assert len(seen & colors) > 1, "the true parsing has a person on a background"


def test_the_generator_does_better_than_closed_forms(configs: dict[str, Any], part_pack: Path, tmp_path: Path) -> None:
    loop = replace(LOOP, steps=40, decay_steps=10)
    config = replace(configs["generator"], loop=loop, validation=part_pack)
    lines: list[str] = []
    run(PartGeneratorTask(config, CPU, torch.float32), loop, tmp_path, report=lines.append)
    log = logged(tmp_path)
    assert {"pixel", "structure", "gradient", "alpha", "grey_l1", "layered_l1"} <= log[0].keys()
    assert "perceptual" not in log[0]
    # it begins with what closed forms make, but for the bounds of alpha
    assert log[0]["grey_l1"] == pytest.approx(log[0]["layered_l1"], rel=0.1)
    words = lines[-1].split()
    made_l1, closed_l1, made_ssim, closed_ssim = (
        float(words[words.index(f"validation_{name}") + 1])
        for name in ("l1_made", "l1_closed", "ssim_made", "ssim_closed")
    )
    # the whole pack, so that nothing hangs on which samples the last steps drew
    assert made_l1 < 0.7 * closed_l1
    assert 1 - made_ssim < 0.7 * (1 - closed_ssim)


def test_an_engines_file_can_be_gone_on_with(configs: dict[str, Any], weights: Path, tmp_path: Path) -> None:
    """Each network is taken out of the file of all of them, to be trained on or looked through."""
    torch.manual_seed(4)
    parser, generator = PartParser(PARSER), PartGenerator(GENERATOR)
    whole = tmp_path / "engine.safetensors"
    save_warping_networks(whole, WarpingNetworks(parser, generator))
    kept = {name: value.half().float() for name, value in generator.state_dict().items() if value.is_floating_point()}
    config = replace(configs["generator"], parser=whole, start_from=whole)
    task = PartGeneratorTask(config, CPU, torch.float32)
    for name, value in kept.items():
        torch.testing.assert_close(task.network.state_dict()[name], value)
    torch.testing.assert_close(task.parser.parsing_head.weight, parser.parsing_head.weight.half().float())
    with pytest.raises(WeightsError, match="not for 'part_generator'"):
        PartGeneratorTask(replace(config, start_from=weights / "part_parser.safetensors"), CPU, torch.float32)


def test_what_a_generator_run_leaves_is_an_engines_weights(
    configs: dict[str, Any], part_pack: Path, tmp_path: Path
) -> None:
    lines: list[str] = []
    config = replace(configs["generator"], validation=part_pack)
    task = PartGeneratorTask(config, CPU, torch.float32)
    run(task, LOOP, tmp_path, report=lines.append)
    figures = [line for line in lines if "exported_step" in line]
    assert len(figures) == 1
    for key in ("validation_l1_made", "validation_l1_closed", "validation_ssim_made", "validation_ssim_closed"):
        assert key in figures[0]
    networks = load_warping_networks(tmp_path / "warping_gan.safetensors")
    assert networks.generator.config == GENERATOR
    # stage I is in it as it was, and stage II is the averaged one
    for key, value in task.parser.state_dict().items():
        torch.testing.assert_close(networks.parser.state_dict()[key], value.half().to(value.dtype), msg=key)
    alone = load_checkpoint(tmp_path / "part_generator.safetensors", "part_generator")
    for key, value in networks.generator.state_dict().items():
        torch.testing.assert_close(value, alone.tensors[key].to(value.dtype), msg=key)
    picture = cv2.imread(str(tmp_path / "training.png"))
    assert picture is not None
    assert picture.std() > 5
    assert load_warping_networks(tmp_path / "warping_gan.safetensors").sha256 == networks.sha256


@pytest.mark.parametrize(("name", "file"), [("parser", "part_parser"), ("generator", "part_generator")])
def test_training_begins_from_weights_that_are_there(
    configs: dict[str, Any], name: str, file: str, tmp_path: Path
) -> None:
    trained(name, configs[name], tmp_path)
    exported = load_checkpoint(tmp_path / f"{file}.safetensors", file)
    task = TASKS[name](replace(configs[name], start_from=tmp_path / f"{file}.safetensors"), CPU, torch.float32)
    for key, value in task.modules[name].state_dict().items():
        torch.testing.assert_close(value.float(), exported.tensors[key].float(), msg=key)
    fresh = TASKS[name](configs[name], CPU, torch.float32)
    assert any(
        not torch.equal(value.half(), exported.tensors[key])
        for key, value in fresh.modules[name].state_dict().items()
        if value.is_floating_point()
    )


def test_frozen_networks_do_not_move(configs: dict[str, Any]) -> None:
    task = PartGeneratorTask(configs["generator"], CPU, torch.float32)
    before = {key: value.clone() for key, value in task.parser.state_dict().items()}
    task.train_step(next(task.batches(0, 1)))
    assert not task.parser.training
    for key, value in task.parser.state_dict().items():
        assert torch.equal(value, before[key]), key
    assert "parser" not in task.modules


def test_wrong_weights_and_packs_are_named(configs: dict[str, Any], weights: Path, tmp_path: Path) -> None:
    parser = weights / "part_parser.safetensors"
    other = save_checkpoint(tmp_path / "other.safetensors", half_precision(PartGenerator(GENERATOR)), "other", {})
    with pytest.raises(WeightsError, match=r"other\.safetensors.*not for 'part_parser'"):
        PartGeneratorTask(replace(configs["generator"], parser=other), CPU, torch.float32)
    with pytest.raises(WeightsError, match="no such file"):
        PartGeneratorTask(replace(configs["generator"], parser=tmp_path / "absent.safetensors"), CPU, torch.float32)
    with pytest.raises(WeightsError, match="does not fit"):
        PartParserTask(
            replace(configs["parser"], network=replace(PARSER, channels=(4, 8, 9)), start_from=parser),
            CPU,
            torch.float32,
        )
    lost = replace(configs["parser"], packs=(PackShare(tmp_path / "lost.pack", 1.0),))
    with pytest.raises(InputError, match=r"lost\.pack"):
        trained("parser", lost, tmp_path / "run")


@pytest.mark.parametrize(
    "config", [{}, {"network": {"channels": [4]}}, {"network": 3}, {"network": {"blocks": [1, 1, "x"]}}]
)
def test_frozen_networks_that_cannot_be_made_are_named(
    configs: dict[str, Any], config: dict[str, Any], tmp_path: Path
) -> None:
    path = save_checkpoint(tmp_path / "odd.safetensors", half_precision(PartParser(PARSER)), "part_parser", config)
    with pytest.raises(WeightsError, match=r"odd\.safetensors"):
        PartGeneratorTask(replace(configs["generator"], parser=path), CPU, torch.float32)


def test_norms_and_biases_do_not_decay() -> None:
    parser = PartParser(PARSER)
    decayed, others = adamw(parser, LOOP).param_groups
    assert decayed["weight_decay"] == LOOP.weight_decay
    assert others["weight_decay"] == 0
    kept = {id(parameter) for parameter in others["params"]}
    names = {name for name, parameter in parser.named_parameters() if id(parameter) in kept}
    assert {"parsing_head.bias", "in_front_head.bias", "enter.0.1.weight", "enter.0.1.bias"} <= names
    assert "parsing_head.weight" not in names
    assert len(decayed["params"]) + len(others["params"]) == len(list(parser.parameters()))


def test_half_precision_training_stays_finite(configs: dict[str, Any]) -> None:
    for name in ("parser", "generator"):
        task: Any = TASKS[name](configs[name], CPU, torch.bfloat16)
        figures = task.train_step(next(task.batches(0, 1)))
        assert all(bool(torch.isfinite(value)) for value in figures.values()), name
        assert all(bool(torch.isfinite(value).all()) for value in task.modules[name].parameters())


def test_what_stage_one_is_given_is_what_the_batch_says(configs: dict[str, Any]) -> None:
    task = PartParserTask(configs["parser"], CPU, torch.float32)
    batch = next(task.batches(0, 1))
    seen = batch_quarter_inputs(batch, CPU)
    # the flat torso and the composite are the only layers
    filled = seen.layers.unflatten(1, (16, 4))[:, :, 3].amax(dim=(0, 2, 3)) > 0.5
    assert filled.nonzero().flatten().tolist() == [parts.TORSO, 15]
    assert isinstance(task.network, PartParser)
