"""Engines by name, or by what a file of weights is for."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from motionwarp.engines.base import Engine
from motionwarp.engines.layered import LayeredEngine
from motionwarp.errors import OptionError, WeightsError
from motionwarp.weights import read_architecture

ENGINE_NAMES: Final = ("auto", "layered", "warping_gan")
# what files of weights may be for
TRAINED_ENGINES: Final = ("warping_gan", "warping_gan_paper")
_WEIGHTS_ENDING: Final = ".safetensors"


def make_engine(name_or_file: str) -> Engine:
    """Return a new engine.

    Parameters
    ----------
    name_or_file : str
        "auto" (the best whose weights ship: "warping_gan"), "layered", "warping_gan", or a file of weights that
        training exported: what is written in it says for which engine.

    Raises
    ------
    OptionError
        If no engine has that name.
    WeightsError
        If the file is missing, damaged or for no engine.
    """
    if name_or_file == "layered":
        return LayeredEngine()
    if name_or_file in ("auto", "warping_gan"):
        # imported where it is used: it brings the networks
        from motionwarp.engines.warping_gan import DEFAULT_WEIGHTS, WarpingGanEngine

        return WarpingGanEngine(DEFAULT_WEIGHTS)
    if name_or_file.endswith(_WEIGHTS_ENDING):
        return _trained_engine(Path(name_or_file))
    raise OptionError(
        "there is no such engine",
        subject=f"--engine {name_or_file}",
        remedy=f"Choose one of {', '.join(ENGINE_NAMES)}, or give a file that ends in {_WEIGHTS_ENDING}.",
    )


def _trained_engine(weights: Path) -> Engine:
    architecture = read_architecture(weights)
    if architecture == "warping_gan":
        from motionwarp.engines.warping_gan import WarpingGanEngine

        return WarpingGanEngine(weights)
    if architecture == "warping_gan_paper":
        from motionwarp.engines.warping_gan_paper import PaperEngine

        return PaperEngine(weights)
    raise WeightsError(
        f"holds weights for '{architecture}', which is no engine",
        subject=weights,
        remedy=f"Give the file with all networks in one, for {' or '.join(TRAINED_ENGINES)}.",
    )
