"""Engines by name."""

from __future__ import annotations

from typing import Final

from motionwarp.engines.base import Engine
from motionwarp.engines.layered import LayeredEngine
from motionwarp.errors import OptionError

ENGINE_NAMES: Final = ("auto", "layered", "warping_gan")
_WEIGHTS_ENDING: Final = ".safetensors"


def make_engine(name_or_file: str) -> Engine:
    """Return a new engine.

    Parameters
    ----------
    name_or_file : str
        "auto" (the best that needs nothing but what is installed), "layered", "warping_gan", or a file of weights that
        training exported.

    Raises
    ------
    OptionError
        If no engine has that name.
    WeightsError
        If the file is missing, damaged or for no engine.
    """
    if name_or_file in ("auto", "layered"):
        return LayeredEngine()
    if name_or_file == "warping_gan" or name_or_file.endswith(_WEIGHTS_ENDING):
        # imported where it is used: it brings the networks
        from motionwarp.engines.warping_gan import DEFAULT_WEIGHTS, WarpingGanEngine

        return WarpingGanEngine(DEFAULT_WEIGHTS if name_or_file == "warping_gan" else name_or_file)
    raise OptionError(
        "there is no such engine",
        subject=f"--engine {name_or_file}",
        remedy=f"Choose one of {', '.join(ENGINE_NAMES)}, or give a file that ends in {_WEIGHTS_ENDING}.",
    )
