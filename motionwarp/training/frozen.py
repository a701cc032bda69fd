"""Networks that another network's training only looks through."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import nn

from motionwarp.errors import WeightsError
from motionwarp.networks.analyser import Analyser, AnalyserConfig
from motionwarp.networks.geometric_matcher import GeometricMatcher, GeometricMatcherConfig
from motionwarp.networks.part_matcher import PartMatcher, PartMatcherConfig
from motionwarp.networks.part_parser import PartParser, PartParserConfig
from motionwarp.networks.pose_guided_parser import PoseGuidedParser, PoseGuidedParserConfig
from motionwarp.weights import load_checkpoint

Network = TypeVar("Network", bound=nn.Module)
_CONFIGS: dict[type[nn.Module], type[Any]] = {
    Analyser: AnalyserConfig,
    PartParser: PartParserConfig,
    PartMatcher: PartMatcherConfig,
    PoseGuidedParser: PoseGuidedParserConfig,
    GeometricMatcher: GeometricMatcherConfig,
}


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
    checkpoint = load_checkpoint(weights, architecture)
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
