"""The lifter's training: packs of motion, batches by number, a loss that reaches everything, exact resume, refusals."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from motionwarp.body.body_motion import BodyMotion
from motionwarp.body.layout import DRIVEN_BONES
from motionwarp.body.lifter import Lifter, LifterConfig, normalize
from motionwarp.body.lifter_figures import CONDITIONS, measure_lifter, measuring_tracks
from motionwarp.body.lifting import TrackLifter
from motionwarp.body.model import BodyModel
from motionwarp.body.rig import world_turns
from motionwarp.body.rotations import matrix_from_vector
from motionwarp.body.synthetic_tracks import NO_NOISE, TrackMaker, TrackNoise, draw_people
from motionwarp.checkpoints.checkpoint import load_checkpoint, write_tensors
from motionwarp.config import read_config
from motionwarp.data.motion_pack import MotionPack, read_motion_pack, write_motion_pack
from motionwarp.errors import InputError, OptionError, WeightsError
from motionwarp.training import lifter as lifter_training
from motionwarp.training.lifter.loss import lifter_loss
from motionwarp.training.lifter.samples import BatchShape, BatchShapes, LifterBatches, as_tensors, as_tracks
from motionwarp.training.lifter.task import LifterTask, LifterTrainingConfig
from motionwarp.training.loop import run
from motionwarp.training.pack_samples import PackShare
from motionwarp.training.task import LoopConfig

BONES = len(DRIVEN_BONES)
SMALL = LifterConfig(width=32, dilations=(1, 2))
CPU = torch.device("cpu")
RECIPE = Path(lifter_training.__file__).with_name("configs") / "lifter.toml"
LOOP = LoopConfig(
    steps=6,
    batch_size=1,
    learning_rate=5e-3,
    warmup_steps=2,
    schedule="cosine",
    workers=0,
    log_every=2,
    checkpoint_minutes=1e9,
    export_minutes=1e9,
)


@pytest.fixture(scope="module")
def body() -> BodyModel:
    return BodyModel.load()


@pytest.fixture(scope="module")
def motions() -> tuple[BodyMotion, ...]:
    """People who swing arms and legs and turn round."""
    found = []
    for seed in range(3):
        generator = torch.Generator().manual_seed(seed)
        time = torch.linspace(0, 12, 90)[:, None, None]
        vectors = 0.4 * torch.randn(BONES, 3, generator=generator) * torch.sin(time + seed)
        vectors[:, 0] = torch.tensor([0.0, 1.0, 0.0]) * time[:, 0] * 0.3
        turns = world_turns(matrix_from_vector(vectors)).numpy()
        found.append(BodyMotion(turns.astype(np.float32), np.zeros((90, 3), np.float32), 30.0))
    return tuple(found)


@pytest.fixture(scope="module")
def pack(motions: tuple[BodyMotion, ...], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("packs") / "motion.pack"
    write_motion_pack(MotionPack(("one", "two", "three"), motions), path)
    return path


def config(pack: Path, **changed: Any) -> LifterTrainingConfig:
    plain = LifterTrainingConfig(
        (PackShare(pack, 1.0),),
        network=SMALL,
        first=(BatchShape(1, 16),),
        then=(BatchShape(1, 8), BatchShape(5, 4)),
        people=3,
        loop=LOOP,
    )
    return replace(plain, **changed)


def test_takes_come_back_from_their_pack(motions: tuple[BodyMotion, ...], pack: Path) -> None:
    found = read_motion_pack(pack)
    assert found.names == ("one", "two", "three")
    for one, other in zip(found.motions, motions, strict=True):
        np.testing.assert_array_equal(one.turns, other.turns)
        np.testing.assert_array_equal(one.root, other.root)
        assert one.frame_rate == 30.0


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda tensors, metadata: metadata.update(format="motionwarp-pack-1"), "no pack of motion"),
        (lambda tensors, metadata: metadata.update(bones='["tail"]'), "other bones"),
        (lambda tensors, metadata: metadata.update(names='["one"]'), "do not fit"),
        (lambda tensors, metadata: tensors["turns"].fill_(float("nan")), "not finite"),
        (lambda tensors, metadata: tensors.pop("root"), "no pack of motion"),
    ],
)
def test_damaged_packs_are_refused(
    pack: Path, tmp_path: Path, change: Callable[[dict[str, torch.Tensor], dict[str, str]], object], told: str
) -> None:
    from safetensors import safe_open

    with safe_open(pack, framework="pt") as opened:
        metadata = dict(opened.metadata())
        tensors = {name: opened.get_tensor(name).clone() for name in opened.keys()}  # noqa: SIM118 - no mapping
    change(tensors, metadata)
    broken = tmp_path / "broken.pack"
    write_tensors(broken, tensors, metadata)
    with pytest.raises(InputError, match=told):
        read_motion_pack(broken)
    with pytest.raises(InputError, match="no pack of motion"):
        read_motion_pack(tmp_path / "nowhere.pack")


def test_batches_are_functions_of_seed_and_number(pack: Path) -> None:
    shapes = BatchShapes((BatchShape(1, 6),), (BatchShape(4, 2),), 2)

    def drawn(seed: int) -> LifterBatches:
        return LifterBatches((PackShare(pack, 1.0),), shapes, TrackNoise(), 3, seed)

    first, again = drawn(1), drawn(1)
    again[0]  # what was drawn before does not matter
    for number, shape in ((1, (6, 1)), (2, (2, 4))):
        one, other = first[number]["points"], again[number]["points"]
        assert one.shape[:2] == shape
        torch.testing.assert_close(one, other, atol=0, rtol=0)
        assert not torch.equal(one, drawn(2)[number]["points"])
    assert not torch.equal(first[2]["points"], first[3]["points"])


def test_packs_of_no_weight_are_not_drawn_from(body: BodyModel, motions: tuple[BodyMotion, ...]) -> None:
    still = BodyMotion(np.tile(motions[0].turns[:1], (90, 1, 1, 1)), motions[0].root, 30.0)
    maker = TrackMaker(
        [motions[1], still], draw_people(body, 2, torch.Generator().manual_seed(0)), NO_NOISE, mixing=False,
        weights=[0.0, 1.0],
    )  # fmt: skip
    turns = maker.batch(12, 5, torch.Generator().manual_seed(1)).turns
    assert float(turns.diff(dim=1).abs().max()) < 1e-6
    with pytest.raises(OptionError, match="positive weight"):
        LifterBatches((), BatchShapes((), (), 0), NO_NOISE, 1, 0)


def test_tracks_cross_processes_flat(body: BodyModel, motions: tuple[BodyMotion, ...]) -> None:
    tracks = TrackMaker(motions, draw_people(body, 2, torch.Generator().manual_seed(0))).batch(
        3, 4, torch.Generator().manual_seed(1)
    )
    back = as_tracks({name: value.unsqueeze(0) for name, value in as_tensors(tracks).items()}, CPU)
    assert torch.equal(back.points, tracks.points)
    assert torch.equal(back.rig.points(back.turns), tracks.places)


def test_gradients_reach_every_parameter(body: BodyModel, motions: tuple[BodyMotion, ...]) -> None:
    tracks = TrackMaker(motions, draw_people(body, 6, torch.Generator().manual_seed(1))).batch(
        4, 10, torch.Generator().manual_seed(5)
    )
    network = Lifter(SMALL)
    for block in network.blocks:
        torch.nn.init.normal_(block.narrow.weight, std=0.02)
    given = normalize(tracks.points)
    torch.stack(list(lifter_loss(network(given.points), given, tracks).values())).sum().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
        assert float(parameter.grad.abs().max()) > 0, name


def test_a_lifter_learns(body: BodyModel, motions: tuple[BodyMotion, ...], pack: Path, tmp_path: Path) -> None:
    shapes = (BatchShape(1, 64), BatchShape(6, 12))
    loop = replace(LOOP, steps=300, warmup_steps=10, ema_decay=0.9)
    settings = config(pack, noise=NO_NOISE, first=shapes, then=shapes, people=6, loop=loop)
    held_out = measuring_tracks(body, motions, 32, 4)["exact"]
    before = measure_lifter(Lifter(SMALL), held_out)
    assert run(LifterTask(settings, CPU, torch.float32), loop, tmp_path, report=lambda line: None) == 300
    checkpoint = load_checkpoint(tmp_path / "lifter.safetensors", "lifter")
    after = measure_lifter(checkpoint.made(lambda: Lifter(SMALL)), held_out)
    assert after.joint_error_mm < 0.8 * before.joint_error_mm
    assert after.facing_within_30 > 0.5
    assert TrackLifter.load(tmp_path / "lifter.safetensors").lift(held_out.points[0]).turns.shape[1] == BONES


def test_a_run_goes_on_to_the_bit_and_measures_itself(pack: Path, tmp_path: Path) -> None:
    settings = config(pack, validation=pack)

    def trained(folder: Path, minutes: tuple[float | None, ...]) -> dict[str, torch.Tensor]:
        for limit in minutes:
            run(LifterTask(settings, CPU, torch.float32), LOOP, folder, max_minutes=limit, report=lambda line: None)
        return load_checkpoint(folder / "lifter.safetensors", "lifter").tensors

    whole, parts = trained(tmp_path / "whole", (None,)), trained(tmp_path / "parts", (0.0, 0.0, None))
    for name, value in whole.items():
        assert torch.equal(parts[name], value), name
    with (tmp_path / "parts" / "exports.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [int(row["step"]) for row in rows] == [1, 2, 6]
    for condition in CONDITIONS:
        assert 10 < float(rows[-1][f"{condition}_mm"]) < 2000
        assert 0 <= float(rows[-1][f"{condition}_facing"]) <= 1


def test_a_run_begins_with_weights(pack: Path, tmp_path: Path) -> None:
    run(LifterTask(config(pack), CPU, torch.float32), LOOP, tmp_path, report=lambda line: None)
    weights = tmp_path / "lifter.safetensors"
    task = LifterTask(config(pack, start_from=weights), CPU, torch.float32)
    given = load_checkpoint(weights, "lifter").tensors
    for name, value in task.network.state_dict().items():
        torch.testing.assert_close(value, given[name].float())
    with pytest.raises(WeightsError, match="another shape"):
        LifterTask(config(pack, start_from=weights, network=LifterConfig(width=16)), CPU, torch.float32)


def test_the_rate_rises_and_falls_along_a_wave() -> None:
    loop = replace(LOOP, steps=1000, warmup_steps=100)
    rates = [loop.rate_at(step) for step in range(1000)]
    assert rates[0] < rates[50] < max(rates)
    assert rates[-1] == pytest.approx(loop.learning_rate / 50, rel=0.01)
    assert rates[500] == pytest.approx(loop.learning_rate * 0.51)
    with pytest.raises(OptionError, match="no schedule 'sawtooth'"):
        replace(LOOP, schedule="sawtooth")  # type: ignore[arg-type]


def test_configurations_that_train_nothing_are_refused(pack: Path) -> None:
    with pytest.raises(OptionError, match="none"):
        config(pack, first=())
    with pytest.raises(OptionError, match="batch_size"):
        config(pack, loop=replace(LOOP, batch_size=24))
    with pytest.raises(OptionError, match="at least one track"):
        BatchShape(1, 0)


def test_the_recipe_of_what_ships_can_be_followed() -> None:
    recipe = read_config(RECIPE, LifterTrainingConfig)
    assert recipe.network == LifterConfig(width=256)
    assert recipe.first[0] == BatchShape(1, 512)
    assert recipe.loop.schedule == "cosine"
