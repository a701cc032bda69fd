"""The four variants by one code: their losses, exact resume, learning, and what bad folders get to hear."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from flat_people import assert_equal_states
from torch import Tensor

from motionwarp.engines.cyclegan.config import (
    VARIANTS,
    TranslationLossConfig,
    TranslationTrainingConfig,
    UnpairedDataConfig,
    Variant,
    preset,
)
from motionwarp.engines.cyclegan.data import (
    UnpairedPictures,
    covering,
    drawn_labels,
    label_palette,
    labels_of_colors,
    read_labels,
)
from motionwarp.engines.cyclegan.networks import TranslationConfig, load_translators
from motionwarp.engines.cyclegan.training import TranslationTask
from motionwarp.errors import MediaError, OptionError
from motionwarp.media.image import write_image
from motionwarp.training.loop import run
from motionwarp.training.task import LoopConfig

CPU = torch.device("cpu")
LOOP = LoopConfig(
    steps=4, batch_size=1, learning_rate=2e-3, warmup_steps=0, decay_steps=1, workers=0, log_every=1,
    checkpoint_minutes=1e9, weight_decay=5e-4, ema_decay=0.0,
)  # fmt: skip


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Label maps of two classes, and pictures of other places in colors."""
    root = tmp_path_factory.mktemp("domains")
    for name in ("a", "b"):
        (root / name).mkdir()
    for number in range(3):
        labels = np.zeros((40, 40), dtype=np.uint8)
        labels[8 * number :, 20:] = 1
        write_image(root / "a" / f"{number}.png", labels)
        colors = np.where(labels.T[..., None] > 0, (200, 60, 30), (20, 90, 160)).astype(np.uint8)
        write_image(root / "b" / f"{number}.jpg", colors)
    return root / "a", root / "b"


@pytest.fixture(scope="module")
def config(folders: tuple[Path, Path]) -> TranslationTrainingConfig:
    data = UnpairedDataConfig(*folders, a_labels=True, height=32, width=32)
    network = TranslationConfig(base=4, blocks=1, discriminator_base=4, height=32, width=32)
    return TranslationTrainingConfig(data, network, history=2, loop=LOOP)


def quiet(task: TranslationTask, loop: LoopConfig, folder: Path, minutes: float | None = None) -> int:
    return run(task, loop, folder, max_minutes=minutes, report=lambda line: None)


@pytest.mark.parametrize("variant", VARIANTS)
def test_runs_go_on_exactly_histories_included(
    variant: Variant, config: TranslationTrainingConfig, tmp_path: Path
) -> None:
    config = config.as_variant(variant)
    quiet(TranslationTask(config, CPU, torch.float32), LOOP, tmp_path / "whole")
    for _ in range(LOOP.steps):
        quiet(TranslationTask(config, CPU, torch.float32), LOOP, tmp_path / "cut", 0)
    assert_equal_states(tmp_path / "whole", tmp_path / "cut")
    networks, sha256 = load_translators(tmp_path / "whole" / "cyclegan.safetensors")
    assert networks.config == config.network
    assert len(sha256) == 64


def test_variants_are_switches_of_one_configuration(config: TranslationTrainingConfig) -> None:
    found = {name: config.as_variant(name) for name in VARIANTS}
    rows = {name: len(TranslationTask(each, CPU, torch.float32).translators.a2b) for name, each in found.items()}
    assert rows == {"gan": 1, "cyclegan": 1, "long": 2, "nest": 2}
    assert found["gan"].loss == TranslationLossConfig(cycle=0.0)
    assert found["cyclegan"].loss == found["long"].loss == TranslationLossConfig(cycle=10.0)
    assert found["nest"].loss == TranslationLossConfig(cycle=10.0, inner=True, similarity=1.0)


class _Adds(torch.nn.Module):
    """Stands for a generator: adds a number, so that ways can be read off sums."""

    def __init__(self, number: float) -> None:
        super().__init__()
        self.number = number

    def forward(self, picture: Tensor) -> Tensor:
        return picture + self.number


def test_the_losses_are_the_equations(config: TranslationTrainingConfig) -> None:
    """Rows of generators that add powers of ten: a way's length can be read off."""
    task = TranslationTask(config.as_variant("nest"), CPU, torch.float32)
    task.translators.a2b = torch.nn.ModuleList([_Adds(1.0), _Adds(10.0)])
    task.translators.b2a = torch.nn.ModuleList([_Adds(100.0), _Adds(1000.0)])
    start = torch.zeros(1, 3, 32, 32)
    steps = {direction: task.translators.steps(start, direction) for direction in ("a2b", "b2a")}
    figures = task._generator_losses({"a2b": start, "b2a": start}, steps)  # type: ignore[arg-type]
    # m = 1: the last generator of the other row; m = 2: the whole row
    inner = (1 + 1000) + (11 + 1100) + (100 + 10) + (1100 + 11)
    assert float(figures["cycle"]) == pytest.approx(inner)
    assert float(figures["similarity"]) == pytest.approx(99)
    expected = float(figures["adversarial"]) + 10 * inner + 99
    assert float(figures["loss"]) == pytest.approx(expected, rel=1e-5)
    task.config = config.as_variant("long")
    outer = task._generator_losses({"a2b": start, "b2a": start}, steps)  # type: ignore[arg-type]
    assert float(outer["cycle"]) == pytest.approx(2 * 1111)
    assert "similarity" not in outer


def test_ways_back_are_learned(config: TranslationTrainingConfig, tmp_path: Path) -> None:
    loop = replace(LOOP, steps=80, log_every=80, learning_rate=4e-3, decay_steps=30)
    config = replace(config, loop=loop, network=replace(config.network, base=8))
    task = TranslationTask(config, CPU, torch.float32)
    first = float(task.train_step(next(task.batches(0, 1)))["cycle"])
    quiet(task, loop, tmp_path)
    last = float(task.train_step(next(task.batches(0, 1)))["cycle"])
    assert last < 0.4 * first
    assert (tmp_path / "training.png").stat().st_size > 500


def test_all_parameters_learn(config: TranslationTrainingConfig) -> None:
    task = TranslationTask(config.as_variant("nest"), CPU, torch.float32)
    before = {name: value.clone() for name, value in task.translators.named_parameters()}
    before |= {name: value.clone() for name, value in task.discriminators.named_parameters()}
    task.train_step(next(task.batches(0, 1)))
    after = dict(task.translators.named_parameters()) | dict(task.discriminators.named_parameters())
    still = [name for name, value in before.items() if torch.equal(value, after[name])]
    assert not still


def test_presets_have_the_sizes_that_they_are_named_for(folders: tuple[Path, Path]) -> None:
    data = UnpairedDataConfig(*folders)
    paper, small = preset("paper", data), preset("small", data)
    assert (paper.network.base, paper.network.blocks, paper.data.height, paper.loop.batch_size) == (64, 9, 256, 1)
    assert (paper.loop.learning_rate, paper.loop.weight_decay, paper.loss.cycle) == (2e-4, 5e-4, 10.0)
    assert small.network.base < paper.network.base
    assert small.data.height == small.network.height


def test_samples_are_drawn_by_number_and_apart(config: TranslationTrainingConfig) -> None:
    one, again = (UnpairedPictures(config.data, 3) for _ in range(2))
    for index in (0, 5, 9):
        assert torch.equal(one[index]["a"], again[index]["a"])
        assert torch.equal(one[index]["b"], again[index]["b"])
    assert one[0]["a"].shape == (3, 32, 32)
    colors = {tuple(color) for color in one[0]["a"].permute(1, 2, 0).reshape(-1, 3).tolist()}
    assert colors <= {tuple(color) for color in label_palette()[:2].tolist()}


def test_label_maps_are_found_again_in_their_colors() -> None:
    labels = np.random.default_rng(0).integers(0, 20, (30, 30)).astype(np.uint8)
    noisy = np.clip(drawn_labels(labels).astype(int) + np.random.default_rng(1).integers(-9, 10, (30, 30, 3)), 0, 255)
    assert (labels_of_colors(noisy.astype(np.uint8), 20) == labels).all()
    assert len({tuple(color) for color in label_palette().tolist()}) == 256


def test_pictures_of_any_shape_are_covered() -> None:
    for shape in ((10, 50), (90, 30), (32, 32), (5, 5)):
        made = covering(np.full((*shape, 3), 7, dtype=np.uint8), 24, 16, is_labels=False)
        assert made.shape == (24, 16, 3)
        assert (made == 7).all()


def test_bad_folders(folders: tuple[Path, Path], tmp_path: Path) -> None:
    a, b = folders
    data = UnpairedDataConfig(a, b, a_labels=True, height=32, width=32)
    with pytest.raises(MediaError, match="no such folder"):
        UnpairedPictures(replace(data, a=tmp_path / "missing"), 0)
    (tmp_path / "empty").mkdir()
    with pytest.raises(MediaError, match="holds no pictures"):
        UnpairedPictures(replace(data, a=tmp_path / "empty"), 0)
    (tmp_path / "one").mkdir()
    write_image(tmp_path / "one" / "x.png", np.zeros((9, 9), dtype=np.uint8))
    with pytest.raises(MediaError, match="a single picture"):
        UnpairedPictures(replace(data, a=tmp_path / "one"), 0)
    with pytest.raises(MediaError, match="label map is expected"):
        UnpairedPictures(replace(data, a=b), 0)
    (tmp_path / "one" / "y.png").write_bytes((a / "0.png").read_bytes()[:60])
    with pytest.raises(MediaError, match=r"y\.png"):
        UnpairedPictures(replace(data, a=tmp_path / "one"), 0)
    # gray pictures that are no labels are gray colors
    gray = UnpairedPictures(replace(data, a_labels=False), 0)[0]["a"]
    assert bool((gray[0] == gray[1]).all())


def test_settings_that_do_not_go_together(config: TranslationTrainingConfig, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="cannot be trained from data of"):
        replace(config, network=replace(config.network, height=64))
    with pytest.raises(OptionError, match="inner cycles"):
        replace(config, loss=TranslationLossConfig(cycle=0.0, inner=True))
    with pytest.raises(OptionError, match="room"):
        replace(config.data, room=0.5)


def test_read_labels_keeps_values(folders: tuple[Path, Path]) -> None:
    assert set(np.unique(read_labels(folders[0] / "1.png")).tolist()) == {0, 1}
