"""Everything that a run needs to go on exactly, in one file, no pickle: weights, optimizers, random states, step."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor, nn

from motionwarp.checkpoints.checkpoint import write_tensors
from motionwarp.errors import WeightsError
from motionwarp.training.distributed import gathered, present_team

if TYPE_CHECKING:
    from motionwarp.training.task import TrainingTask


LOG: Final = "log.csv"
EXPORTS: Final = "exports.csv"


class RunLog:
    """The log of losses, `log.csv`, and of what was measured at every export, `exports.csv`, in a run's folder.

    Parameters
    ----------
    folder : Path
    step : int
        From which the run goes on. Lines after it are of steps that were lost, and are made again: they are taken out.
    written : bool
        False where another process writes.
    """

    def __init__(self, folder: Path, step: int, *, written: bool = True) -> None:
        self._folder, self._written = folder, written
        self._sums: dict[str, Tensor | float] = {}
        self._count = 0
        if written:
            for name in (LOG, EXPORTS):
                _forget_after(folder / name, step)

    def add(self, figures: Mapping[str, float | Tensor]) -> None:
        """Add a step's figures to those since the last line."""
        for name, value in figures.items():
            # tensors are summed where they are: reading them at every step would stall a GPU
            self._sums[name] = self._sums.get(name, 0.0) + value
        self._count += 1

    def write(self, step: int, rate: float, seconds: float) -> str:
        """Write the means since the last line and return them as a line for people."""
        means = {name: float(value) / self._count for name, value in self._sums.items()}
        self._sums, self._count = {}, 0
        figures = {name: f"{value:.5f}" for name, value in means.items()}
        self._append(LOG, {"step": step, "rate": f"{rate:.3e}", "seconds": f"{seconds:.1f}", **figures})
        return f"step {step} {seconds:.0f}s " + in_words(means)

    def exported(self, step: int, seconds: float, figures: Mapping[str, float]) -> str:
        """Write what was measured at an export and return it as a line for people."""
        rounded = {name: f"{value:.5f}" for name, value in figures.items()}
        self._append(EXPORTS, {"step": step, "seconds": f"{seconds:.1f}", **rounded})
        return f"step {step}: " + in_words(figures)

    def _append(self, name: str, row: Mapping[str, Any]) -> None:
        if not self._written:
            return
        # opened for each line: what is written survives whatever happens to the process
        with (self._folder / name).open("a", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream)
            if stream.tell() == 0:
                writer.writerow(row)
            writer.writerow(row.values())


def in_words(figures: Mapping[str, float]) -> str:
    """Return figures as a line for people."""
    return " ".join(f"{name} {value:.4f}" for name, value in figures.items())


def _forget_after(path: Path, step: int) -> None:
    if not path.exists():
        return
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines if line.endswith("\n") and not _is_after(line, step)]
    if len(kept) < len(lines):
        part = path.with_name(path.name + ".part")
        part.write_text("".join(kept), encoding="utf-8")
        part.replace(path)


def _is_after(line: str, step: int) -> bool:
    first = line.split(",", 1)[0]
    return first.isdecimal() and int(first) > step


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
    if not present_team().is_main_process:
        return
    tensors.update(_prefixed("average", average.state_dict()))
    for name, module in task.modules.items():
        tensors.update(_prefixed(f"module/{name}", module.state_dict()))
    for name, optimizer in task.optimizers.items():
        for index, values in optimizer.state_dict()["state"].items():
            for key, value in values.items():
                tensors[f"optimiser/{name}/{index}/{key}"] = torch.as_tensor(value)
    # the same tensor under two names would be refused: copies are independent
    write_tensors(
        path, {key: value.detach().cpu().contiguous().clone() for key, value in tensors.items()}, {"step": str(step)}
    )


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
        for name, optimizer in task.optimizers.items():
            state = optimizer.state_dict()
            state["state"] = _optimizer_state(_under(f"optimiser/{name}", tensors))
            optimizer.load_state_dict(state)
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
        f"random/{kind}{_suffix(rank)}": state
        for kind, own in states.items()
        for rank, state in enumerate(gathered(own))
    }


def _suffix(rank: int) -> str:
    return f"/{rank}" if rank else ""


def _prefixed(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {f"{prefix}/{key}": value for key, value in tensors.items()}


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {key[len(prefix) + 1 :]: value for key, value in tensors.items() if key.startswith(prefix + "/")}


def _optimizer_state(tensors: Mapping[str, Tensor]) -> dict[int, dict[str, Tensor]]:
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        index, name = key.split("/", 1)
        state.setdefault(int(index), {})[name] = value
    return state
