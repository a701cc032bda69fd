"""The judge of translated photos, and the score by it."""

from __future__ import annotations

from dataclasses import asdict, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from flat_people import assert_equal_states

from motionwarp.checkpoints.checkpoint import save_checkpoint
from motionwarp.engines.cyclegan.fcn import (
    UNKNOWN,
    Fcn,
    FcnConfig,
    FcnTask,
    FcnTrainingConfig,
    Judge,
    LabeledFolders,
    LabeledPhotos,
)
from motionwarp.engines.cyclegan.networks import ARCHITECTURE, TranslationConfig, Translators
from motionwarp.errors import MediaError, OptionError
from motionwarp.evaluation.translation import COPY, ORACLE, Confusion, clip_flicker, evaluate_translations, names_of
from motionwarp.media.image import write_image
from motionwarp.media.writer import open_writer
from motionwarp.training.loop import run
from motionwarp.training.task import LoopConfig

CPU = torch.device("cpu")
NETWORK = FcnConfig(3, base=8, height=32, width=32)
LOOP = LoopConfig(
    steps=3, batch_size=2, learning_rate=3e-3, warmup_steps=0, decay_steps=1, workers=0, log_every=1,
    checkpoint_minutes=1e9,
)  # fmt: skip
COLORS = np.array([(30, 30, 30), (220, 40, 40), (40, 60, 220)], dtype=np.uint8)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> LabeledFolders:
    root = tmp_path_factory.mktemp("labeled")
    found = LabeledFolders(root / "labels", root / "photos")
    for folder in (found.labels, found.photos):
        folder.mkdir()
    for number in range(4):
        labels = np.zeros((48, 48), dtype=np.uint8)
        labels[6 * number :, :24], labels[:20, 24 + number :] = 1, 2
        write_image(found.labels / f"{number}.png", labels)
        write_image(found.photos / f"{number}.jpg", COLORS[labels])
    return found


@pytest.fixture(scope="module")
def judge_file(folders: LabeledFolders, tmp_path_factory: pytest.TempPathFactory) -> Path:
    loop = replace(LOOP, steps=80, log_every=80, decay_steps=30)
    folder = tmp_path_factory.mktemp("judge")
    run(FcnTask(FcnTrainingConfig(folders, NETWORK, loop), CPU, torch.float32), loop, folder, report=lambda line: None)
    return folder / "fcn.safetensors"


def test_logits_are_of_the_picture_and_gradients_reach_everything() -> None:
    network = Fcn(NETWORK)
    logits = network(torch.rand(2, 3, 32, 64))
    assert logits.shape == (2, 3, 32, 64)
    torch.nn.functional.cross_entropy(logits, torch.randint(0, 3, (2, 32, 64))).backward()
    # residual blocks start as identities: what lies behind their zero has no gradient yet
    reached = {name: bool(p.grad is not None and p.grad.abs().sum() > 0) for name, p in network.named_parameters()}
    assert all(reached[name] for name in reached if ".1." not in name), reached


def test_runs_go_on_exactly(folders: LabeledFolders, tmp_path: Path) -> None:
    config = FcnTrainingConfig(folders, NETWORK, LOOP)
    run(FcnTask(config, CPU, torch.float32), LOOP, tmp_path / "whole", report=lambda line: None)
    for _ in range(LOOP.steps):
        task = FcnTask(config, CPU, torch.float32)
        run(task, LOOP, tmp_path / "cut", max_minutes=0, report=lambda line: None)
    assert_equal_states(tmp_path / "whole", tmp_path / "cut")


def test_the_judge_learns_and_the_oracle_beats_a_random_translation(
    folders: LabeledFolders, judge_file: Path, tmp_path: Path
) -> None:
    config = TranslationConfig(base=4, blocks=1, height=32, width=32)
    model = tmp_path / "cyclegan.safetensors"
    save_checkpoint(model, Translators(config).state_dict(), ARCHITECTURE, {"network": asdict(config)})
    steps: list[tuple[int, int]] = []
    report = evaluate_translations([model], Judge(judge_file), folders, lambda *step: steps.append(step))
    assert steps == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert report.pictures == 4
    assert report.scores[ORACLE].pixels > 0.8
    assert report.scores["cyclegan"].pixels < report.scores[ORACLE].pixels
    assert set(report.back) == {"cyclegan", COPY}
    # the label map's own colors are no photo's
    assert report.scores[COPY].pixels < report.scores[ORACLE].pixels


def test_a_clip_is_steadier_than_its_frames(tmp_path: Path) -> None:
    torch.manual_seed(1)
    config = TranslationConfig(base=4, blocks=1, height=32, width=24)
    networks = Translators(config)
    for parameter in networks.parameters():
        parameter.data.mul_(4)  # a random start paints nearly plain gray
    model = tmp_path / "cyclegan.safetensors"
    save_checkpoint(model, networks.state_dict(), ARCHITECTURE, {"network": asdict(config)})
    clip = tmp_path / "clip.mp4"
    scene = np.random.default_rng(0).integers(0, 256, (64, 48, 3)).astype(np.uint8)
    with open_writer(clip, width=48, height=64, frame_rate=Fraction(10)) as writer:
        for number in range(6):
            frame = scene.copy()
            frame[:32] = 255 * (number % 2)  # brightness that jumps is what instance norm makes flicker
            writer.write(frame, number / 10)
    steps: list[tuple[int, int]] = []
    found = clip_flicker(model, clip, "b2a", 5, lambda *step: steps.append(step))
    assert found.frames == 5
    assert steps[-1] == (5, 5)
    assert 0 < found.steadily < found.one_by_one
    # what flickers in the clip itself is told beside it: half of every frame jumps from black to white
    assert 0.1 < found.of_input < 0.6


def test_one_frame_cannot_flicker(tmp_path: Path) -> None:
    config = TranslationConfig(base=4, blocks=1, height=32, width=24)
    model = tmp_path / "cyclegan.safetensors"
    save_checkpoint(model, Translators(config).state_dict(), ARCHITECTURE, {"network": asdict(config)})
    with open_writer(tmp_path / "one.mp4", width=48, height=64, frame_rate=Fraction(10)) as writer:
        writer.write(np.full((64, 48, 3), 90, dtype=np.uint8), 0.0)
    with pytest.raises(MediaError, match="single frame"):
        clip_flicker(model, tmp_path / "one.mp4", "b2a", 48, lambda *step: None)


def test_the_three_figures_by_hand() -> None:
    counts = Confusion.empty(3)
    counts.add(np.array([[0, 0, 1, UNKNOWN]], dtype=np.uint8), np.array([[0, 1, 1, 2]], dtype=np.uint8))
    score = counts.score()
    assert score.pixels == pytest.approx(2 / 3)
    assert score.classes == pytest.approx((1 / 2 + 1) / 2)
    assert score.iou == pytest.approx((1 / 2 + 1 / 2) / 2)
    assert Confusion.empty(2).score().pixels == 0


def test_what_folders_lack(folders: LabeledFolders, tmp_path: Path) -> None:
    (tmp_path / "labels").mkdir()
    for name in ("0", "unknown"):
        write_image(tmp_path / "labels" / f"{name}.png", np.zeros((9, 9), dtype=np.uint8))
    with pytest.raises(MediaError, match="no photo of this label map"):
        LabeledFolders(tmp_path / "labels", folders.photos).pairs()
    with pytest.raises(MediaError, match="a class beyond the 2"):
        LabeledPhotos(folders, replace(NETWORK, classes=2), 0)
    with pytest.raises(OptionError, match="multiples of 32"):
        FcnConfig(3, height=40)


def test_models_of_one_name_are_told_apart(tmp_path: Path) -> None:
    files = [tmp_path / name / "cyclegan.safetensors" for name in ("long", "nest")]
    assert names_of(files) == ["long/cyclegan", "nest/cyclegan"]
    assert names_of([Path("a.safetensors"), Path("b.safetensors")]) == ["a", "b"]
