"""Engines by name."""

from __future__ import annotations

from typing import Final

from motionwarp.engines.base import Engine
from motionwarp.engines.layered import LayeredEngine
from motionwarp.errors import OptionError

ENGINE_NAMES: Final = ("auto", "layered")


def make_engine(name_or_file: str) -> Engine:
    """Return a new engine.

    Parameters
    ----------
    name_or_file : str
        "auto" (the best that needs nothing but what is installed) or "layered".

    Raises
    ------
    OptionError
        If no engine has that name.
    """
    if name_or_file in ENGINE_NAMES:
        return LayeredEngine()
    raise OptionError(
        "there is no such engine", subject=f"--engine {name_or_file}", remedy=f"Choose one of {', '.join(ENGINE_NAMES)}."
    )
