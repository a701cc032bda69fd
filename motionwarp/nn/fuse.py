"""Making a trained network cheaper without changing what it computes: batch norm folded away, unused heads cut off."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import nn
from torch.fx import GraphModule, Node, symbolic_trace
from torch.nn.utils.fusion import fuse_conv_bn_eval


def fuse_batch_norm(network: nn.Module) -> GraphModule:
    """Return a copy of a network in which each batch norm right behind a convolution is part of it.

    Parameters
    ----------
    network : Module
        In evaluation mode, traceable by torch.fx; not changed.

    Returns
    -------
    GraphModule
        Gives the same outputs up to rounding.
    """
    if network.training:
        raise ValueError("only a network in evaluation mode can be folded: training changes its batch norms")
    traced = symbolic_trace(network)  # its layers are still those of the network
    modules = dict(traced.named_modules())
    own: set[int] = set()
    for node in list(traced.graph.nodes):
        convolution = _convolution_before(node, modules)
        if convolution is None:
            continue
        fused = fuse_conv_bn_eval(modules[str(convolution.target)], modules[str(node.target)])
        parent, _, name = str(convolution.target).rpartition(".")
        setattr(traced.get_submodule(parent), name, fused)
        modules[str(convolution.target)] = fused
        own.add(id(fused))
        node.replace_all_uses_with(convolution)
        traced.graph.erase_node(node)
    finished = _finished(traced)
    _copy_all_but(finished, own)
    return finished


def _copy_all_but(network: GraphModule, own: set[int]) -> None:
    """Replace layers and parameters of a traced network by copies, but for modules of these ids."""
    copies: dict[int, nn.Module] = {}
    for name, module in list(network.named_modules(remove_duplicate=False)):
        if id(module) in own or not name or any(True for _ in module.children()):
            continue
        parent, _, last = name.rpartition(".")
        setattr(network.get_submodule(parent), last, copies.setdefault(id(module), copy.deepcopy(module)))
    for node in network.graph.nodes:
        if node.op == "get_attr":
            parent, _, last = str(node.target).rpartition(".")
            holder = network.get_submodule(parent)
            setattr(holder, last, copy.deepcopy(getattr(holder, last)))


def _convolution_before(node: Node, modules: dict[str, nn.Module]) -> Node | None:
    """Return the convolution whose only consumer is this batch norm, or None."""
    if node.op != "call_module" or not isinstance(modules[str(node.target)], nn.BatchNorm2d):
        return None
    before = node.args[0]
    if not isinstance(before, Node) or before.op != "call_module" or len(before.users) != 1:
        return None
    return before if isinstance(modules[str(before.target)], nn.Conv2d) else None


def with_outputs(network: GraphModule, keep: Sequence[int]) -> GraphModule:
    """Return a traced network that gives only some of another one's outputs, as a tuple, and computes nothing else.

    Its layers are those of the other one, so that both take the memory of one.

    Parameters
    ----------
    network : GraphModule
        Its output is a tuple or a named tuple.
    keep : sequence of int
        Positions in that tuple.
    """
    reduced = GraphModule(network, copy.deepcopy(network.graph))
    output = next(node for node in reduced.graph.nodes if node.op == "output")
    values = output.args[0]
    if isinstance(values, Node):  # a named tuple is traced as a call of its class
        values = values.args
    output.args = (tuple(values[position] for position in keep),)
    reduced.graph.eliminate_dead_code()
    reduced.delete_all_unused_submodules()
    return _finished(reduced)


def _finished(traced: GraphModule) -> GraphModule:
    traced.graph.lint()
    traced.delete_all_unused_submodules()
    traced.recompile()
    return traced.eval()


def without_gradients(module: nn.Module) -> nn.Module:
    """Return the module with gradients of its parameters switched off."""
    for parameter in module.parameters():
        parameter.requires_grad_(False)
    return module


def ready_for(module: nn.Module, device: torch.device, dtype: torch.dtype) -> nn.Module:
    """Return the module on a device, in a type, and with its kernels laid out channels last."""
    placed: nn.Module = without_gradients(module).to(device=device, dtype=dtype, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return placed
