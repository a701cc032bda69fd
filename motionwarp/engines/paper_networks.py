"""The networks of the Warping-GAN's `paper` preset as one file of weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from motionwarp.engines.network_file import NetworkKinds, load_networks, save_networks
from motionwarp.errors import WeightsError
from motionwarp.networks.geometric_matcher import GeometricMatcher, GeometricMatcherConfig
from motionwarp.networks.pose_guided_parser import PoseGuidedParser, PoseGuidedParserConfig
from motionwarp.networks.warping_generator import WarpingGenerator, WarpingGeneratorConfig

ARCHITECTURE: Final = "warping_gan_paper"
_KNOWN: Final[NetworkKinds] = {
    "parser": (PoseGuidedParser, PoseGuidedParserConfig),
    "matcher": (GeometricMatcher, GeometricMatcherConfig),
    "generator": (WarpingGenerator, WarpingGeneratorConfig),
}


@dataclass(frozen=True, eq=False)
class PaperNetworks:
    """The trained networks.

    Attributes
    ----------
    parser : PoseGuidedParser
        Stage I.
    matcher : GeometricMatcher
        Its size is the size of the pictures.
    generator : WarpingGenerator
        Stage II.
    sha256 : str
        Of the file they came from; empty if they came from none.
    """

    parser: PoseGuidedParser
    matcher: GeometricMatcher
    generator: WarpingGenerator
    sha256: str = ""


def load_paper_networks(name_or_path: str | Path) -> PaperNetworks:
    """Read the networks from one file, in evaluation mode.

    Raises
    ------
    WeightsError
        If the file is missing, damaged, for another engine, or lacks one of the three.
    """
    file = load_networks(name_or_path, ARCHITECTURE, _KNOWN)
    parser, matcher, generator = (file.networks.get(name) for name in _KNOWN)
    if (
        not isinstance(parser, PoseGuidedParser)
        or not isinstance(matcher, GeometricMatcher)
        or not isinstance(generator, WarpingGenerator)
    ):
        missing = ", ".join(name for name in _KNOWN if name not in file.networks)
        raise WeightsError(f"lacks its {missing}", subject=file.path, remedy="Train stage II with both given; see docs/guides/training.md.")
    return PaperNetworks(parser, matcher, generator, file.sha256)


def save_paper_networks(path: Path, networks: PaperNetworks, metadata: Mapping[str, str] | None = None) -> None:
    """Write the networks into one file, in half precision, whole or not at all."""
    save_networks(path, {name: getattr(networks, name) for name in _KNOWN}, ARCHITECTURE, metadata)
