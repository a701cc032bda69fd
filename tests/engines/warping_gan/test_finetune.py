from __future__ import annotations

import signal
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from motionwarp.checkpoints.checkpoint import load_checkpoint
from motionwarp.data import synthetic
from motionwarp.data.pack import LabeledPicture
from motionwarp.data.person_clip import HELD_OUT_EVERY, pairs_between, split_pictures
from motionwarp.engines.registry import make_engine
from motionwarp.engines.spec import FitRun
from motionwarp.engines.warping_gan.config import GeneratorLossWeights
from motionwarp.engines.warping_gan.data import PartBatch
from motionwarp.engines.warping_gan.finetune import PersonalizeConfig, personalize
from motionwarp.engines.warping_gan.networks import (
    PartGenerator,
    PartGeneratorConfig,
    PartParser,
    PartParserConfig,
    WarpingNetworks,
    load_warping_networks,
)
from motionwarp.engines.warping_gan.training import PartGeneratorTask
from motionwarp.errors import InputError

CPU = torch.device("cpu")
QUICK = PersonalizeConfig(
    pairs=3,
    held_pairs=2,
    rounds=1,
    round_steps=2,
    loss=GeneratorLossWeights(),
    batch_size=2,
    learning_rate=2e-3,
    ema_decay=0.5,
)


@pytest.fixture(scope="module")
def pictures() -> list[LabeledPicture]:
    """One drawn person in ten poses."""
    rng = np.random.default_rng(11)
    person, light = synthetic.sample_person(rng), synthetic.sample_light(rng)
    drawn = []
    for number in range(10):
        pose = synthetic.sample_pose(rng)
        camera = synthetic.sample_camera(
            rng, synthetic.body_points(synthetic.place(person.proportions, pose)), 192, 144
        )
        view = synthetic.render(person, pose, camera, synthetic.sample_background(rng, 192, 144), 192, 144, light=light)
        matte = np.rint(view.matte * 255).astype(np.uint8)
        drawn.append(LabeledPicture(view.rgb, matte, view.parsing, view.pose.points, f"drawn/{number}"))
    return drawn


@pytest.fixture(scope="module")
def networks() -> WarpingNetworks:
    torch.manual_seed(0)
    return WarpingNetworks(
        PartParser(PartParserConfig(channels=(4, 4, 4), blocks=(1, 1, 1))).eval(),
        PartGenerator(PartGeneratorConfig(channels=(4, 4, 4, 4), blocks=(1, 1, 1), warped_channels=4)).eval(),
        "0" * 64,
    )


def test_a_generator_is_fitted_and_the_rest_stays(
    pictures: list[LabeledPicture], networks: WarpingNetworks, tmp_path: Path
) -> None:
    output, lines = tmp_path / "new" / "drawn.safetensors", []
    before = {name: value.clone() for name, value in networks.generator.state_dict().items()}
    fitted = personalize(pictures, networks, output, QUICK, FitRun(CPU, torch.float32, None, lines.append))
    assert (fitted.frames, fitted.held_frames) == (8, 2)
    assert fitted.after["ssim"] >= fitted.before["ssim"]
    assert len(lines) == 2 + fitted.steps // QUICK.round_steps
    for name, value in networks.generator.state_dict().items():
        assert torch.equal(value, before[name]), name
    kept = load_warping_networks(output)
    for name, value in networks.parser.state_dict().items():
        assert torch.allclose(value.float(), kept.parser.state_dict()[name].float(), atol=2e-3), name
    assert load_checkpoint(output, "warping_gan").metadata["personalised_from"] == "0" * 64
    assert make_engine(str(output)).name == "warping_gan"


def judged(monkeypatch: pytest.MonkeyPatch, *ssim: float) -> None:
    """Let held-out pairs be judged as told, in turn."""
    verdicts = iter(ssim)
    monkeypatch.setattr(
        PartGeneratorTask,
        "validate",
        lambda task, module: {"validation_ssim_made": next(verdicts), "validation_l1_made": 0.1},
    )


def test_it_ends_after_rounds_without_gain_and_keeps_the_best(
    pictures: list[LabeledPicture], networks: WarpingNetworks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged(monkeypatch, 0.5, 0.6, 0.55, 0.58)
    config = replace(QUICK, rounds=9, round_steps=1, patience=2)
    fitted = personalize(
        pictures, networks, tmp_path / "best.safetensors", config, FitRun(CPU, torch.float32, None, lambda line: None)
    )
    assert (fitted.before["ssim"], fitted.after["ssim"], fitted.step, fitted.steps) == (0.5, 0.6, 1, 3)
    assert load_checkpoint(tmp_path / "best.safetensors", "warping_gan").metadata["step"] == "1"


def test_nothing_better_keeps_what_it_began_with(
    pictures: list[LabeledPicture], networks: WarpingNetworks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged(monkeypatch, 0.5, 0.4)
    config = replace(QUICK, round_steps=1, patience=1, learning_rate=0.1)
    fitted = personalize(
        pictures, networks, tmp_path / "kept.safetensors", config, FitRun(CPU, torch.float32, None, lambda line: None)
    )
    assert fitted.step == 0
    assert fitted.after == fitted.before
    kept = load_warping_networks(tmp_path / "kept.safetensors").generator.state_dict()
    for name, value in networks.generator.state_dict().items():
        assert torch.allclose(value.float(), kept[name].float(), atol=2e-3), name


def test_time_ends_it(
    pictures: list[LabeledPicture], networks: WarpingNetworks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged(monkeypatch, 0.5)
    fitted = personalize(
        pictures, networks, tmp_path / "none.safetensors", QUICK, FitRun(CPU, torch.float32, 0, lambda line: None)
    )
    assert fitted.steps == 0
    assert (tmp_path / "none.safetensors").is_file()


def test_a_signal_ends_it_and_keeps_the_best_so_far(
    pictures: list[LabeledPicture], networks: WarpingNetworks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = PartGeneratorTask.train_step

    def interrupted(task: PartGeneratorTask, batch: PartBatch) -> Mapping[str, Tensor]:
        signal.raise_signal(signal.SIGINT)
        return step(task, batch)

    monkeypatch.setattr(PartGeneratorTask, "train_step", interrupted)
    config = replace(QUICK, rounds=3, round_steps=4)
    fitted = personalize(
        pictures, networks, tmp_path / "best.safetensors", config, FitRun(CPU, torch.float32, None, lambda line: None)
    )
    assert fitted.steps == 1, "neither the round nor the next ones go on"
    assert (tmp_path / "best.safetensors").is_file()


def test_held_out_pictures_are_never_learned_from(pictures: list[LabeledPicture]) -> None:
    learned, held = split_pictures(pictures)
    assert [picture.name for picture in held] == [
        f"drawn/{index}" for index in range(HELD_OUT_EVERY - 1, 10, HELD_OUT_EVERY)
    ]
    assert not {picture.name for picture in learned} & {picture.name for picture in held}
    pairs = pairs_between(learned, held, 3)
    assert {next(pairs).name for _ in range(12)} == {picture.name for picture in held}


def test_pictures_that_show_nobody_are_told(pictures: list[LabeledPicture]) -> None:
    empty = [replace(picture, points=np.zeros((18, 3), np.float32)) for picture in pictures[:2]]
    with pytest.raises(InputError, match="too little"):
        next(pairs_between(empty, empty, 0))
