"""The networks that some work calls, heard from outside: what they compute, how long it takes them alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.measuring import fastest
from motionwarp.runtime import SingleThreadPool

Shapes = tuple[tuple[int, ...], ...]


@dataclass
class HeardNetwork:
    """A network that was called.

    Attributes
    ----------
    name : str
        Name of its class.
    module : nn.Module
    inputs : dict
        For each kind of call, told by the inputs' shapes, the inputs of its first.
    calls : Counter
        How often each kind occurred.
    """

    name: str
    module: nn.Module
    inputs: dict[Shapes, tuple[Tensor, ...]] = field(default_factory=dict)
    calls: Counter[Shapes] = field(default_factory=Counter)

    def hear(self, inputs: tuple[Tensor, ...]) -> None:
        """Count a call."""
        shapes = tuple(tuple(tensor.shape) for tensor in inputs)
        self.calls[shapes] += 1
        if shapes not in self.inputs:
            self.inputs[shapes] = tuple(tensor.clone() for tensor in inputs)

    @property
    def usual(self) -> tuple[Tensor, ...]:
        """The inputs of the kind of call that was heard most."""
        return self.inputs[self.calls.most_common(1)[0][0]]


@dataclass
class Heard:
    """All networks that were called while it listened, in order of their first call."""

    networks: dict[int, HeardNetwork] = field(default_factory=dict)
    _depth: int = 0

    def before(self, module: nn.Module, inputs: tuple[Any, ...]) -> None:
        """Hear a module begin; only the outermost counts."""
        if self._depth == 0:
            heard = self.networks.setdefault(id(module), HeardNetwork(_name(module), module))
            heard.hear(tuple(tensor for tensor in inputs if isinstance(tensor, Tensor)))
        self._depth += 1

    def after(self, module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        """Hear a module end."""
        self._depth -= 1


@contextmanager
def listening() -> Iterator[Heard]:
    """Hear every network that is called inside the block, in this thread, by whomever."""
    heard = Heard()
    handles = [register_module_forward_pre_hook(heard.before), register_module_forward_hook(heard.after)]
    try:
        yield heard
    finally:
        for handle in handles:
            handle.remove()


def gflop_of(work: Callable[[], object]) -> float:
    """Return the 10^9 operations of the matrix products and convolutions in some work.

    A multiplication and an addition are two.
    """
    with FlopCounterMode(display=False) as counter:
        work()
    return float(counter.get_total_flops()) / 1e9


def measured_network(
    network: HeardNetwork, frames: int, repeats: int, device: torch.device, at_once: int = 1
) -> dict[str, Any]:
    """Return what a network computes a frame, and how fast it does that alone, with the inputs that it was called with.

    Parameters
    ----------
    network : HeardNetwork
    frames : int
        Number of frames in all calls together.
    repeats : int
        The fastest of so many runs of each kind of call counts.
    device : torch.device
    at_once : int
        Threads that call it at once; 1 leaves all of PyTorch's threads to each call.
    """
    gflop = seconds = 0.0
    with SingleThreadPool(at_once) as crew:
        for shapes, count in network.calls.items():
            call = partial(_called, network.module, network.inputs[shapes])
            gflop += count * gflop_of(call)

            def everywhere(call: Callable[[], None] = call) -> None:
                for each in [crew.submit(call) for _ in range(at_once)]:
                    each.result()

            everywhere()  # kernels are chosen and memory is fetched at the first call
            seconds += count * fastest(everywhere, repeats, device).seconds / at_once
    return {
        "gflop_a_frame": gflop / frames,
        "ms_a_frame": 1e3 * seconds / frames,
        "gflop_a_second": gflop / seconds,
        "calls": sum(network.calls.values()),
        "inputs": [list(tensor.shape) for tensor in network.usual],
        "parameters": sum(parameter.numel() for parameter in network.module.parameters()),
    }


@torch.inference_mode()
def _called(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
    module(*inputs)


def _name(module: nn.Module) -> str:
    return type(module).__name__
