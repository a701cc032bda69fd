"""The list of all clips of a data set, decided before anything is made."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from motionwarp.batch.configuring import DatasetConfig
from motionwarp.batch.items import Item
from motionwarp.batch.pairing import pair_up


@dataclass(frozen=True)
class Clip:
    """One clip to be made.

    Attributes
    ----------
    id : str
        `SOURCE__DRIVING`, and `__NUMBER` where there are several of a pair.
    source, driving : Item
    variant : int
        From 0.
    seed : int
        Of its draw and its rendering, from the data set's seed and the id.
    """

    id: str
    source: Item
    driving: Item
    variant: int
    seed: int


@dataclass(frozen=True)
class Plan:
    """All clips, in the manifest's order, and the inputs that they use.

    Attributes
    ----------
    clips : tuple of Clip
    sources, drivings : tuple of Item
        Those that at least one clip uses, in the order of the inputs.
    """

    clips: tuple[Clip, ...]
    sources: tuple[Item, ...]
    drivings: tuple[Item, ...]


def make_plan(sources: tuple[Item, ...], drivings: tuple[Item, ...], config: DatasetConfig) -> Plan:
    """Decide on all clips; errors are those of `pair_up`."""
    pairs = pair_up(sources, drivings, config.pairs, config.options.seed)
    clips = tuple(
        _clip(source, driving, variant, config) for source, driving in pairs for variant in range(config.variants)
    )
    used_sources, used_drivings = ({item.id for item in column} for column in zip(*pairs, strict=True))
    return Plan(
        clips,
        tuple(item for item in sources if item.id in used_sources),
        tuple(item for item in drivings if item.id in used_drivings),
    )


def _clip(source: Item, driving: Item, variant: int, config: DatasetConfig) -> Clip:
    name = f"{source.id}__{driving.id}"
    if config.variants > 1:
        name += f"__{variant:0{len(str(config.variants - 1))}d}"
    return Clip(name, source, driving, variant, clip_seed(config.options.seed, name))


def clip_seed(seed: int, clip_id: str) -> int:
    """Return a clip's own seed, 0 to 2**63 - 1: independent of which other clips there are."""
    digest = hashlib.sha256(f"{seed}/{clip_id}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def plan_facts(plan: Plan) -> dict[str, Any]:
    """Return what is kept to notice that another choice of pairs, or another list of them, would make other clips."""
    ids = "\n".join(clip.id for clip in plan.clips)
    return {"clips": {"count": len(plan.clips), "ids_sha256": hashlib.sha256(ids.encode()).hexdigest()}}
