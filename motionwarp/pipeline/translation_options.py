"""The options of `motionwarp translate`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from motionwarp.options import ComputeOptions, OverwriteOptions, documented, option


@documented
@dataclass(frozen=True, kw_only=True)
class TranslationOptions(OverwriteOptions, ComputeOptions):
    """How pictures are translated."""

    direction: Literal["a2b", "b2a"] = option("a2b", help="From the kind of folder A to that of B, or back.")
    input_labels: bool = option(False, help="Inputs are label maps: gray, values are classes; drawn as in training.")
    zoom: float = option(
        1.0,
        help="1 shows the network pictures of the size it was trained on; 2 makes finer ones, from more tiles.",
        low=0.25,
        high=8,
    )
