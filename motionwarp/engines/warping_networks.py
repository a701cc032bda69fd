"""The networks of the Warping-GAN's `parts` preset as one file of weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from motionwarp.engines.network_file import NetworkKinds, load_networks, save_networks
from motionwarp.errors import WeightsError
from motionwarp.networks.part_generator import PartGenerator, PartGeneratorConfig
from motionwarp.networks.part_matcher import PartMatcher, PartMatcherConfig
from motionwarp.networks.part_parser import PartParser, PartParserConfig

ARCHITECTURE: Final = "warping_gan"
_KNOWN: Final[NetworkKinds] = {
    "parser": (PartParser, PartParserConfig),
    "matcher": (PartMatcher, PartMatcherConfig),
    "generator": (PartGenerator, PartGeneratorConfig),
}


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
    file = load_networks(name_or_path, ARCHITECTURE, _KNOWN)
    parser, generator, matcher = (file.networks.get(name) for name in ("parser", "generator", "matcher"))
    if not isinstance(parser, PartParser) or not isinstance(generator, PartGenerator):
        raise WeightsError("lacks stage I or stage II", subject=file.path, remedy="Give weights that training exported.")
    return WarpingNetworks(parser, generator, matcher if isinstance(matcher, PartMatcher) else None, file.sha256)


def save_warping_networks(path: Path, networks: WarpingNetworks, metadata: Mapping[str, str] | None = None) -> None:
    """Write the networks into one file, in half precision, whole or not at all."""
    save_networks(path, {name: getattr(networks, name) for name in _KNOWN}, ARCHITECTURE, metadata)
