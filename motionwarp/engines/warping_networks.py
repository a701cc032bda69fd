"""The networks of the Warping-GAN's `parts` preset as one file of weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Final, TypeVar

from torch import nn

from motionwarp.errors import WeightsError
from motionwarp.networks.part_generator import PartGenerator, PartGeneratorConfig
from motionwarp.networks.part_matcher import PartMatcher, PartMatcherConfig
from motionwarp.networks.part_parser import PartParser, PartParserConfig
from motionwarp.weights import Checkpoint, half_precision, load_checkpoint, save_checkpoint

ARCHITECTURE: Final = "warping_gan"
_KNOWN: Final[Mapping[str, tuple[type[nn.Module], type[Any]]]] = {
    "parser": (PartParser, PartParserConfig),
    "matcher": (PartMatcher, PartMatcherConfig),
    "generator": (PartGenerator, PartGeneratorConfig),
}
Network = TypeVar("Network", bound=nn.Module)


@dataclass(frozen=True, eq=False)
class WarpingNetworks:
    """The trained networks.

    Attributes
    ----------
    parser : PartParser
        Stage I.
    generator : PartGenerator
        Stage II.
    matcher : PartMatcher or None
        None leaves the closed-form warps as they are.
    sha256 : str
        Of the file they came from; empty if they came from none.
    """

    parser: PartParser
    generator: PartGenerator
    matcher: PartMatcher | None = None
    sha256: str = ""


def load_warping_networks(name_or_path: str | Path) -> WarpingNetworks:
    """Read the networks from one file, in evaluation mode.

    Raises
    ------
    WeightsError
        If the file is missing, damaged, for another engine, or names networks that cannot be made.
    """
    checkpoint = load_checkpoint(name_or_path, ARCHITECTURE)
    networks = {name: _made(checkpoint, name) for name in _KNOWN if name in checkpoint.config}
    parser, generator, matcher = (networks.get(name) for name in ("parser", "generator", "matcher"))
    if not isinstance(parser, PartParser) or not isinstance(generator, PartGenerator):
        raise WeightsError("lacks stage I or stage II", subject=checkpoint.path, remedy="Give weights that training exported.")
    return WarpingNetworks(parser, generator, matcher if isinstance(matcher, PartMatcher) else None, checkpoint.sha256)


def save_warping_networks(path: Path, networks: WarpingNetworks, metadata: Mapping[str, str] | None = None) -> None:
    """Write the networks into one file, in half precision, whole or not at all."""
    tensors, config = {}, {}
    for name in _KNOWN:
        network = getattr(networks, name)
        if network is not None:
            tensors.update({f"{name}.{key}": value for key, value in half_precision(network).items()})
            config[name] = asdict(network.config)
    save_checkpoint(path, tensors, ARCHITECTURE, config, metadata)


def _made(checkpoint: Checkpoint, name: str) -> nn.Module:
    network, config = _KNOWN[name]
    given = checkpoint.config[name]
    try:
        known = {field.name for field in fields(config)}
        if set(given) - known:
            raise TypeError(f"unknown settings {sorted(set(given) - known)}")
        made = network(config(**{key: tuple(value) if isinstance(value, list) else value for key, value in given.items()}))
    except (TypeError, ValueError, RuntimeError) as error:
        raise WeightsError(f"names a {name} that cannot be made ({error})", subject=checkpoint.path) from error
    prefix = f"{name}."
    own = {key[len(prefix) :]: value for key, value in checkpoint.tensors.items() if key.startswith(prefix)}
    replace(checkpoint, tensors=own).load_into(made)
    return made.eval()
