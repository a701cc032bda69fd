"""Trained networks that training begins with, to go on with or only to look through, and their optimizers."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import nn

from motionwarp.checkpoints.checkpoint import Checkpoint, load_checkpoint, read_architecture
from motionwarp.errors import WeightsError
from motionwarp.nn.losses.perceptual import VggFeatures, VggName
from motionwarp.perception.features import AnalyzerFeatures
from motionwarp.perception.network import Analyzer, AnalyzerConfig
from motionwarp.training.task import LoopConfig


def adamw(module: nn.Module, loop: LoopConfig, betas: tuple[float, float] = (0.9, 0.99)) -> torch.optim.AdamW:
    """Return AdamW that leaves norms, biases and embeddings of positions out of the weight decay."""
    decayed = [parameter for parameter in module.parameters() if parameter.ndim in (2, 4)]
    others = [parameter for parameter in module.parameters() if parameter.ndim not in (2, 4)]
    groups = [{"params": decayed, "weight_decay": loop.weight_decay}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=loop.learning_rate, betas=betas)


def adam(
    module: nn.Module, loop: LoopConfig, betas: tuple[float, float] = (0.5, 0.999), weight_decay: float = 0.0
) -> torch.optim.Adam:
    """Return Adam, by default without weight decay and with the momenta of the Soft-Gated Warping-GAN (section 4.1)."""
    return torch.optim.Adam(module.parameters(), lr=loop.learning_rate, betas=betas, weight_decay=weight_decay)


Network = TypeVar("Network", bound=nn.Module)


def load_pretrained(weights: Path | str, architecture: str, within: tuple[str, str] | None = None) -> Checkpoint:
    """Read the weights of one network, from a file of its own or out of an engine's file.

    Parameters
    ----------
    weights : Path or str
        A file, or the name of shipped weights.
    architecture : str
        Name of the network's architecture.
    within : (str, str) or None
        The architecture of the engine's file in which the network may lie, too, and its name there.

    Raises
    ------
    WeightsError
        If the file is missing, damaged, or holds no such network.
    """
    path = Path(weights)
    if within is not None and path.is_file() and read_architecture(path) == within[0]:
        return load_checkpoint(path, within[0]).part(within[1], architecture)
    return load_checkpoint(weights, architecture)


def load_frozen(
    kind: tuple[type[Network], type[Any]],
    weights: Path | str,
    architecture: str,
    device: torch.device,
    within: tuple[str, str] | None = None,
) -> Network:
    """Return a trained network that is not trained on.

    Parameters
    ----------
    kind : (type, type)
        The network and the dataclass of its configuration.
    weights : Path or str
        A file, or the name of shipped weights.
    architecture : str
        What the file must say it is.
    device : torch.device
    within : (str, str) or None
        As for `load_pretrained`.

    Raises
    ------
    WeightsError
        If the file is missing, damaged, for another network, or names one that cannot be made.
    """
    network, known = kind
    checkpoint = load_pretrained(weights, architecture, within)
    try:
        given = checkpoint.config["network"]
        settings = {field.name: _as_tuple(given[field.name]) for field in fields(known) if field.name in given}
        made = checkpoint.made(lambda: network(known(**settings)))
    except (IndexError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise WeightsError(
            f"names a {architecture} that cannot be made ({error!r})", subject=checkpoint.path
        ) from error
    for parameter in made.parameters():
        parameter.requires_grad_(False)
    return made.to(device).eval()


def _as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def analyzer_features(device: torch.device) -> AnalyzerFeatures:
    """Return the shipped analyzer's features, for perceptual losses."""
    return AnalyzerFeatures(load_frozen((Analyzer, AnalyzerConfig), "analyser", "analyser", device))


def perceptual_features(vgg: Path | None, kind: VggName, device: torch.device) -> AnalyzerFeatures | VggFeatures:
    """Return the features that a perceptual loss compares; their `name` says whose they are.

    Parameters
    ----------
    vgg : Path or None
        Weights of VGG as safetensors with torchvision's names; None takes the shipped analyzer's features.
    kind : "vgg19" or "vgg16"
        Which network the file holds.
    device : torch.device

    Raises
    ------
    WeightsError
        If the file is missing, damaged or holds another network.
    """
    return analyzer_features(device) if vgg is None else VggFeatures(vgg, kind).to(device)
