"""Pairs of people of one kind: photos moved into another pose, frames of clips, drawn people."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal

import torch

from motionwarp.data.pairs import Describe, PersonPair, clip_pairs, reverse_pairs, synthetic_pairs
from motionwarp.data.splits import Split
from motionwarp.perception.backends.builtin import BuiltinEstimator

PairKind = Literal["reverse", "clips", "synthetic"]


PAIR_KINDS: Final[tuple[PairKind, ...]] = ("reverse", "clips", "synthetic")


def pairs_of_kind(
    kind: PairKind, data_folder: Path, seed: int, describe: Describe | None = None, split: Split = "train"
) -> Iterator[PersonPair]:
    """Yield pairs of one kind without end.

    Parameters
    ----------
    kind : str
        "reverse" (photos, with sources made from them), "clips" (two frames of a clip) or "synthetic" (drawn people).
    data_folder : Path
        With `ccp` and `video`; not read for "synthetic".
    seed : int
    describe : callable, optional
        Gives parsings where there are no labels; the bundled analyzer's by default.
    split : str
        Split of photos, clips and drawn people.
    """
    if kind == "synthetic":
        yield from synthetic_pairs(seed, split)
        return
    seen = describe or BuiltinEstimator.load(torch.device("cpu"), torch.float32).describe
    if kind == "reverse":
        yield from reverse_pairs(data_folder, seen, seed, split)
    else:
        yield from clip_pairs(data_folder / "video", seen, seed, split)
