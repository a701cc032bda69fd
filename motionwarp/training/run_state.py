"""Everything that a run needs to go on exactly, in one file: weights, averages, optimisers, random states, step. No pickles."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor, nn

from motionwarp.errors import WeightsError
from motionwarp.training.parallel import gathered, present_team
from motionwarp.weights import write_tensors

if TYPE_CHECKING:
    from motionwarp.training.loop import TrainingTask


def save_state(path: Path, task: TrainingTask, average: nn.Module, step: int) -> None:
    """Write a run's state, whole or not at all; of several processes the first writes, with the random states of all.

    Parameters
    ----------
    path : Path
    task : TrainingTask
    average : nn.Module
        The averaged weights.
    step : int
        How many steps were made.

    Raises
    ------
    OutputError
        If it cannot be written; the state before is still there then.
    """
    tensors = _random_states()
    if not present_team().leads:
        return
    tensors.update(_prefixed("average", average.state_dict()))
    for name, module in task.modules.items():
        tensors.update(_prefixed(f"module/{name}", module.state_dict()))
    for name, optimiser in task.optimisers.items():
        for index, values in optimiser.state_dict()["state"].items():
            for key, value in values.items():
                tensors[f"optimiser/{name}/{index}/{key}"] = torch.as_tensor(value)
    # the same tensor under two names would be refused: copies are independent
    write_tensors(path, {key: value.detach().cpu().contiguous().clone() for key, value in tensors.items()}, {"step": str(step)})


def load_state(path: Path, task: TrainingTask, average: nn.Module) -> int:
    """Put a run's state into its task and averaged weights and return the step.

    Raises
    ------
    WeightsError
        If it was written by a run with another configuration.
    """
    tensors = load_file(path)
    with safe_open(path, framework="pt") as opened:
        step = int((opened.metadata() or {})["step"])
    try:
        average.load_state_dict(_under("average", tensors))
        for name, module in task.modules.items():
            module.load_state_dict(_under(f"module/{name}", tensors))
        for name, optimiser in task.optimisers.items():
            state = optimiser.state_dict()
            state["state"] = _optimiser_state(_under(f"optimiser/{name}", tensors))
            optimiser.load_state_dict(state)
    except (RuntimeError, ValueError, KeyError) as error:
        raise WeightsError(
            f"this run was made with another configuration: {error}",
            subject=path,
            remedy="Give the same configuration, or another folder for the run.",
        ) from error
    own = _suffix(present_team().rank)
    if f"random/torch{own}" in tensors:  # there may be more processes than before
        torch.set_rng_state(tensors[f"random/torch{own}"])
    if torch.cuda.is_available() and f"random/cuda{own}" in tensors:
        torch.cuda.set_rng_state(tensors[f"random/cuda{own}"])
    return step


def _random_states() -> dict[str, Tensor]:
    states = {"torch": torch.get_rng_state()}
    if torch.cuda.is_available():
        states["cuda"] = torch.cuda.get_rng_state()
    return {
        f"random/{kind}{_suffix(rank)}": state for kind, own in states.items() for rank, state in enumerate(gathered(own))
    }  # fmt: skip


def _suffix(rank: int) -> str:
    return f"/{rank}" if rank else ""


def _prefixed(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {f"{prefix}/{key}": value for key, value in tensors.items()}


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {key[len(prefix) + 1 :]: value for key, value in tensors.items() if key.startswith(prefix + "/")}


def _optimiser_state(tensors: Mapping[str, Tensor]) -> dict[int, dict[str, Tensor]]:
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        index, name = key.split("/", 1)
        state.setdefault(int(index), {})[name] = value
    return state
