"""The options of `motionwarp swap`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from motionwarp.engines.registry import swapper_help
from motionwarp.options import ComputeOptions, OverwriteOptions, Panel, documented, option
from motionwarp.pipeline.options import EstimatorOptions, SeedOptions


@documented
@dataclass(frozen=True, kw_only=True)
class SwapOptions(SeedOptions, ComputeOptions, EstimatorOptions, OverwriteOptions):
    """Which clothes are changed, and how."""

    what: Literal["upper", "lower", "all"] = option(
        "all", help="Which clothes: a dress is an upper garment above the waist and a lower one below it."
    )
    person: str = option(
        "largest",
        help="Who of PERSON is dressed: largest, a number from 0 by size, or x,y in pixels.",
        metavar="WHICH",
        panel=Panel.PEOPLE,
    )
    clothes_person: str | None = option(
        None,
        help="Whose clothes of CLOTHES, in the same way.",
        metavar="WHICH",
        shown_default="the only one there is",
        panel=Panel.PEOPLE,
    )
    engine: str = option("avatar", help=swapper_help(), metavar="NAME|FILE", panel=Panel.COMPUTING)
