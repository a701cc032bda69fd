"""Several processes that train one network together, each on batches of its own (`torchrun ... -m motionwarp train`).

After every backward pass the gradients are averaged, so that all processes make the same step from the same weights: as
if one had seen all their batches. Norms over the batch see the own batch only.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor, distributed, nn

if TYPE_CHECKING:
    from motionwarp.training.task import LoopConfig


@dataclass(frozen=True)
class Team:
    """The processes that train together.

    Attributes
    ----------
    rank : int
        Of this process; the first, 0, writes and reports.
    size : int
        1 where a process trains alone.
    """

    rank: int
    size: int

    @property
    def is_main_process(self) -> bool:
        """Whether this process is the first."""
        return self.rank == 0


@contextmanager
def joined_team(device: torch.device) -> Iterator[Team]:
    """Join the processes that `torchrun` started; without it the process is alone.

    Parameters
    ----------
    device : torch.device
        Where the networks are: NCCL connects CUDA devices, gloo all else.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield Team(0, 1)
        return
    if device.type == "cuda":
        torch.cuda.set_device(device)
    # flags and random states lie in the processor's memory in any case
    distributed.init_process_group("cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo")
    try:
        yield present_team()
        # the first may still be writing: whoever leaves before pulls the connection away under the others
        distributed.barrier()
    finally:
        distributed.destroy_process_group()


def present_team() -> Team:
    """Return the processes that this one has joined."""
    if not (distributed.is_available() and distributed.is_initialized()):
        return Team(0, 1)
    return Team(distributed.get_rank(), distributed.get_world_size())


def own_device(device: torch.device) -> torch.device:
    """Return the device of this process: of several CUDA devices its own."""
    if device.type == "cuda" and "LOCAL_RANK" in os.environ:
        return torch.device("cuda", int(os.environ["LOCAL_RANK"]))
    return device


def with_rank_seed(loop: LoopConfig) -> LoopConfig:
    """Return a configuration with a seed of this process's own, so that no two see the same samples."""
    return replace(loop, seed=loop.seed + int(os.environ.get("RANK", "0")))


def backward_and_step(loss: Tensor, optimizer: torch.optim.Optimizer, module: nn.Module, clip: float) -> None:
    """Make one step down a loss: gradients of all processes averaged, then clipped.

    Parameters
    ----------
    loss : scalar tensor
    optimiser : Optimizer
        Of the module's parameters.
    module : nn.Module
    clip : float
        Largest norm of the gradient.
    """
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    average_gradients(module.parameters())
    nn.utils.clip_grad_norm_(module.parameters(), clip)
    optimizer.step()


@torch.no_grad()
def average_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Replace gradients by their means over all processes; parameters that nobody has a gradient of keep none."""
    size = present_team().size
    if size == 1:
        return
    learned = [parameter for parameter in parameters if parameter.requires_grad]
    pieces = [torch.zeros_like(each) if each.grad is None else each.grad for each in learned]
    present = torch.tensor([float(each.grad is not None) for each in learned], device=learned[0].device)
    # in one go: a message for each of a hundred parameters would take longer than their values
    together = torch.cat([present, *(piece.float().flatten() for piece in pieces)])
    distributed.all_reduce(together)
    present, values = together[: len(learned)], together[len(learned) :] / size
    for parameter, seen, mean in zip(
        learned, present.tolist(), values.split([each.numel() for each in learned]), strict=True
    ):
        parameter.grad = mean.view_as(parameter).to(parameter.dtype) if seen else None


@torch.no_grad()
def broadcast_from_main(modules: Mapping[str, nn.Module]) -> None:
    """Give all processes the first one's parameters and statistics."""
    if present_team().size == 1:
        return
    for name in sorted(modules):
        for value in modules[name].state_dict().values():
            distributed.broadcast(value, 0)


def all_reduce_any(*asked: bool) -> tuple[bool, ...]:
    """Return for each question whether any process says yes, the same answers in all."""
    if present_team().size == 1:
        return asked
    answers = torch.tensor(asked, dtype=torch.uint8)
    distributed.all_reduce(answers, distributed.ReduceOp.MAX)
    return tuple(bool(answer) for answer in answers)


def gathered(value: Tensor) -> Sequence[Tensor]:
    """Return every process's tensor, by rank; all of one shape, in the processor's memory."""
    size = present_team().size
    if size == 1:
        return [value]
    values = [torch.empty_like(value) for _ in range(size)]
    distributed.all_gather(values, value)
    return values
