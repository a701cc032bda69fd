"""Training by several processes: the same as by one with all of their batches, resumable, and from the command line."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pytest
import shared_line
import torch
from flat_people import assert_equal_states, state_of
from shared_line import LOOP, SharedLine, together
from torch import distributed, nn

from motionwarp.training.distributed import all_reduce_any, average_gradients, own_device, present_team, with_rank_seed
from motionwarp.training.loop import run

SCRIPT = shared_line.__file__
needs_processes = pytest.mark.skipif(
    not distributed.is_available(), reason="this build of PyTorch trains in one process only"
)


def test_a_process_of_its_own_is_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    line = nn.Linear(2, 1)
    line(torch.ones(1, 2)).sum().backward()
    before = line.weight.grad
    average_gradients(line.parameters())
    assert line.weight.grad is before
    assert (present_team().size, present_team().is_main_process) == (1, True)
    assert all_reduce_any(True, False) == (True, False)
    assert with_rank_seed(LOOP) == LOOP
    assert own_device(torch.device("cuda")) == torch.device("cuda")
    monkeypatch.setenv("RANK", "2")
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert with_rank_seed(LOOP) == replace(LOOP, seed=LOOP.seed + 2)
    assert own_device(torch.device("cuda")) == torch.device("cuda", 1)
    assert own_device(torch.device("cpu")) == torch.device("cpu")


@pytest.fixture(scope="module")
def pair_of_runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with runs of two processes: `whole`, and `cut`, which was stopped after its first step and went on."""
    folder = tmp_path_factory.mktemp("pair")
    together(2, SCRIPT, f"{folder / 'whole'}", f"{folder / 'cut'}@0", f"{folder / 'cut'}")
    return folder


@needs_processes
def test_two_processes_learn_what_one_learns_of_both_batches(pair_of_runs: Path, tmp_path: Path) -> None:
    run(SharedLine(), LOOP, tmp_path, report=lambda line: None)
    one, two = state_of(tmp_path), state_of(pair_of_runs / "whole")
    learned = {name for name in one if name.startswith(("average", "module", "optimiser"))}
    assert learned == {name for name in two if name.startswith(("average", "module", "optimiser"))}
    for name in learned:  # the unused layer too: nobody's gradient is no gradient, not one of zeros
        torch.testing.assert_close(two[name], one[name], msg=name)
    rows = list(csv.DictReader((pair_of_runs / "whole" / "log.csv").open()))
    assert [row["step"] for row in rows] == ["3", "6", "9", "12"], "one of them writes"


@needs_processes
def test_runs_of_two_processes_go_on_exactly(pair_of_runs: Path) -> None:
    assert [row["step"] for row in csv.DictReader((pair_of_runs / "cut" / "exports.csv").open())] == ["1", "12"]
    assert_equal_states(pair_of_runs / "whole", pair_of_runs / "cut")
    random = [value for name, value in state_of(pair_of_runs / "whole").items() if name.startswith("random/torch")]
    assert len(random) == 2
    assert not torch.equal(*random)


@needs_processes
def test_the_command_trains_in_two_processes(part_pack: Path, tmp_path: Path) -> None:
    config = tmp_path / "parser.toml"
    config.write_text(
        f'packs = [{{path = "{part_pack}", weight = 1.0}}]\n[network]\nchannels = [4, 4, 4]\nblocks = [1, 1, 1]\n'
        "[loop]\nsteps = 3\nbatch_size = 2\nwarmup_steps = 1\ndecay_steps = 1\nworkers = 0\nlog_every = 1\n"
    )
    together(2, "-m", "motionwarp", "train", "parser", str(config), "-o", str(tmp_path / "run"), "--device", "cpu")
    assert (tmp_path / "run" / "part_parser.safetensors").is_file()
    state = state_of(tmp_path / "run")
    assert not torch.equal(state["random/torch"], state["random/torch/1"])
