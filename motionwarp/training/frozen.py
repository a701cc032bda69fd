"""Trained networks that training begins with: to go on with, or only to look through."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any, Final, TypeVar

import torch
from torch import nn

from motionwarp.engines.warping_networks import ARCHITECTURE
from motionwarp.errors import WeightsError
from motionwarp.networks.analyser import Analyser, AnalyserConfig
from motionwarp.networks.geometric_matcher import GeometricMatcher, GeometricMatcherConfig
from motionwarp.networks.part_matcher import PartMatcher, PartMatcherConfig
from motionwarp.networks.part_parser import PartParser, PartParserConfig
from motionwarp.networks.pose_guided_parser import PoseGuidedParser, PoseGuidedParserConfig
from motionwarp.weights import Checkpoint, load_checkpoint, read_architecture

Network = TypeVar("Network", bound=nn.Module)
_CONFIGS: dict[type[nn.Module], type[Any]] = {
    Analyser: AnalyserConfig,
    PartParser: PartParserConfig,
    PartMatcher: PartMatcherConfig,
    PoseGuidedParser: PoseGuidedParserConfig,
    GeometricMatcher: GeometricMatcherConfig,
}

# in which engine's file a network also lies, and under which name
_WITHIN: Final = {name: (ARCHITECTURE, name.removeprefix("part_")) for name in ("part_parser", "part_matcher", "part_generator")}


def trained(weights: Path | str, architecture: str) -> Checkpoint:
    """Read the weights of one network, from a file of its own or out of an engine's file.

    Parameters
    ----------
    weights : Path or str
        A file, or the name of shipped weights.
    architecture : str
        Of the network.

    Raises
    ------
    WeightsError
        If the file is missing, damaged, or holds no such network.
    """
    path = Path(weights)
    if architecture in _WITHIN and path.is_file():
        engine, name = _WITHIN[architecture]
        if read_architecture(path) == engine:
            return load_checkpoint(path, engine).part(name, architecture)
    return load_checkpoint(weights, architecture)


def frozen(network: type[Network], weights: Path | str, architecture: str, device: torch.device) -> Network:
    """Return a trained network that is not trained on.

    Parameters
    ----------
    network : type
    weights : Path or str
        A file, or the name of shipped weights.
    architecture : str
        What the file must say it is.
    device : torch.device

    Raises
    ------
    WeightsError
        If the file is missing, damaged, for another network, or names one that cannot be made.
    """
    checkpoint = trained(weights, architecture)
    known = _CONFIGS[network]
    try:
        given = checkpoint.config["network"]
        settings = {field.name: _as_tuple(given[field.name]) for field in fields(known) if field.name in given}
        made = checkpoint.made(lambda: network(known(**settings)))
    except (IndexError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise WeightsError(f"names a {architecture} that cannot be made ({error!r})", subject=checkpoint.path) from error
    for parameter in made.parameters():
        parameter.requires_grad_(False)
    return made.to(device).eval()


def _as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
