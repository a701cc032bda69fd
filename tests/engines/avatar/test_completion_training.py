"""Packs of backs and the training of the completion: exact resume, prints that are taken off."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from flat_people import assert_equal_states

from motionwarp.avatar.completion import COMPLETION_FILE, CompletionConfig
from motionwarp.data.avatars.packing import load_cast
from motionwarp.engines.avatar.completion_pack import (
    HEIGHT,
    WIDTH,
    BackPackReader,
    BackPackWriter,
    BackPair,
    back_pairs,
    write_back_pack,
)
from motionwarp.engines.avatar.completion_patterns import with_pattern, with_print
from motionwarp.engines.avatar.completion_training import (
    BackSamples,
    CompletionTask,
    CompletionTrainingConfig,
    tensors_of,
)
from motionwarp.errors import InputError, OptionError, OutputError
from motionwarp.parsing import labels
from motionwarp.perception.registry import make_estimator
from motionwarp.training.loop import run
from motionwarp.training.pack_samples import PackShare
from motionwarp.training.task import LoopConfig

CPU = torch.device("cpu")
NETWORK = CompletionConfig((8, 12, 16))
LOOP = LoopConfig(steps=4, batch_size=2, learning_rate=3e-3, warmup_steps=0, decay_steps=0, workers=0, log_every=1)


def flat_pair(number: int, height: int = 128, width: int = 96) -> BackPair:
    """Somebody in a rectangle, whose cloth has a print that is not on the back."""
    rng = np.random.default_rng(number)
    cloth = rng.integers(60, 200, 3)
    truth = np.broadcast_to(cloth, (height, width, 3)).astype(np.uint8).copy()
    front = truth.copy()
    front[50:70, 36:60] = 255 - cloth
    matte = np.zeros((height, width), dtype=np.uint8)
    matte[16:112, 24:72] = 255
    parsing = np.where(matte > 0, labels.UPPER_CLOTHES, labels.BACKGROUND).astype(np.uint8)
    return BackPair(front, front, truth, matte, parsing, matte, f"flat/{number}")


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("packs") / "backs.pack"
    told: list[int] = []
    written = write_back_pack(map(flat_pair, range(100)), 4, path, told.append)
    assert (written.pictures, told) == (4, [1, 2, 3, 4])
    assert written.bytes == path.stat().st_size
    return path


@pytest.fixture(scope="module")
def config(pack: Path) -> CompletionTrainingConfig:
    return CompletionTrainingConfig((PackShare(pack, 1.0),), validation=pack, network=NETWORK, loop=LOOP)


def test_what_is_packed_comes_back(pack: Path, tmp_path: Path) -> None:
    reader = BackPackReader(pack)
    assert (len(reader), reader[2].name) == (4, "flat/2")
    made, read = flat_pair(2), reader[2]
    for name in ("matte", "parsing", "known"):
        np.testing.assert_array_equal(getattr(read, name), getattr(made, name))
    assert np.abs(read.truth.astype(int) - made.truth).max() < 8
    with pytest.raises(InputError, match="no pack of backs"):
        BackPackReader(Path(__file__))
    with pytest.raises(OutputError, match="nothing to pack"):
        BackPackWriter().write(tmp_path / "empty.pack")
    with pytest.raises(ValueError, match="shapes"):
        replace(made, matte=made.matte[1:])


def test_mirrored_pairs_stay_pairs(pack: Path) -> None:
    pair = BackPackReader(pack)[0]
    plain, mirrored = tensors_of(pair), tensors_of(pair, mirror=True)
    for name, plane in plain.items():
        assert torch.equal(plane.flip(-1), mirrored[name])
    samples = BackSamples((PackShare(pack, 1.0),), 0)
    one, again = samples[7], samples[7]
    assert all(torch.equal(one[name], again[name]) for name in one)
    with pytest.raises(OptionError, match="positive weight"):
        CompletionTrainingConfig(())


def test_runs_go_on_exactly(config: CompletionTrainingConfig, tmp_path: Path) -> None:
    run(CompletionTask(config, CPU, torch.float32), LOOP, tmp_path / "whole", report=lambda line: None)
    for _ in range(LOOP.steps):
        run(CompletionTask(config, CPU, torch.float32), LOOP, tmp_path / "cut", max_minutes=0, report=lambda line: None)
    assert_equal_states(tmp_path / "whole", tmp_path / "cut")
    made = COMPLETION_FILE.load(tmp_path / "whole" / "completion.safetensors").network
    assert made.config == NETWORK
    exported = (tmp_path / "whole" / "exports.csv").read_text()
    assert "delta_e_guess" in exported
    assert "levels_made" in exported
    begun = CompletionTask(
        replace(config, start_from=tmp_path / "whole" / "completion.safetensors"), CPU, torch.float32
    )
    for name, value in begun.network.state_dict().items():
        assert torch.equal(value.half(), made.state_dict()[name].half()), name


def test_prints_are_taken_off_backs(config: CompletionTrainingConfig, tmp_path: Path) -> None:
    loop = replace(LOOP, steps=60, batch_size=4)
    task = CompletionTask(replace(config, loop=loop), CPU, torch.float32)
    before = task.validate(task.network.eval())
    assert before["levels_made"] == pytest.approx(before["levels_guess"], abs=0.01)
    run(task, loop, tmp_path, report=lambda line: None)
    after = task.validate(task.network.eval())
    assert after["levels_made"] < 0.5 * after["levels_guess"]
    assert after["delta_e_made"] < 0.7 * after["delta_e_guess"]


@pytest.mark.shared_data
def test_fronts_and_backs_of_avatars_have_one_outline(shared_data: Path) -> None:
    cast = load_cast(shared_data, "validation", 0)
    pairs = back_pairs(
        replace(cast, avatars=cast.avatars[:1]), "validation", 3, make_estimator("builtin", CPU, torch.float32)
    )
    for _, pair in zip(range(2), pairs, strict=False):
        assert pair.front.shape == (HEIGHT, WIDTH, 3)
        sure = pair.matte > 240
        # the truth is known nearly everywhere, and nowhere else
        assert (pair.known[sure] > 0).mean() > 0.75
        assert not (pair.known[pair.matte < 200] > 0).any()
        known = pair.known > 0
        errors = [np.abs(each.astype(float) - pair.truth)[known].mean() for each in (pair.guess, pair.front)]
        assert errors[0] < errors[1] < 60


def test_patterns_go_on_behind_and_prints_do_not() -> None:
    pair = flat_pair(3, HEIGHT, WIDTH)
    pair = replace(pair, front=pair.truth, guess=pair.truth)
    cloth = np.isin(pair.parsing, (labels.UPPER_CLOTHES,))
    changed = 0
    for seed in range(6):
        patterned, printed = (make(pair, np.random.default_rng(seed)) for make in (with_pattern, with_print))
        for made in (patterned, printed):
            np.testing.assert_array_equal(made.front, made.guess)
            for one, other in ((made.front, pair.front), (made.truth, pair.truth)):
                np.testing.assert_array_equal(one[~cloth], other[~cloth])
        np.testing.assert_array_equal(printed.truth, pair.truth)
        changed += int((printed.front != pair.front).any())
    # now and then a print falls between two stripes
    assert changed >= 4
    # nobody wears anything here
    bare = replace(pair, parsing=np.zeros_like(pair.parsing))
    assert with_pattern(bare, np.random.default_rng(0)) is bare
    assert with_print(bare, np.random.default_rng(0)) is bare


def test_a_pattern_is_behind_as_strong_as_before() -> None:
    pair = flat_pair(3, HEIGHT, WIDTH)
    pair = replace(pair, front=pair.truth, guess=pair.truth)
    cloth = np.isin(pair.parsing, (labels.UPPER_CLOTHES,))
    spread = [
        (made.front[cloth].std(axis=0).mean(), made.truth[cloth].std(axis=0).mean())
        for made in (with_pattern(pair, np.random.default_rng(seed)) for seed in range(12))
    ]
    front, truth = np.array(spread).T
    patterned = front > 5
    assert patterned.sum() >= 5
    assert np.abs(np.log(truth[patterned] / front[patterned])).mean() < 0.4
