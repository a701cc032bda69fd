"""What goes into packs of part samples: pairs of one kind, cut and warped."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Final, Literal

import torch

from motionwarp.analysis.builtin import BuiltinEstimator
from motionwarp.data.packing import WrittenPack
from motionwarp.data.pairs import Describe, PersonPair, clip_pairs, reverse_pairs, synthetic_pairs
from motionwarp.data.part_samples import PartPackWriter, PartSample, part_sample
from motionwarp.data.splits import Split
from motionwarp.errors import InputError

PairKind = Literal["reverse", "clips", "synthetic"]
PAIR_KINDS: Final[tuple[PairKind, ...]] = ("reverse", "clips", "synthetic")
# pairs in a row that may fail to give a sample before the data is taken to be at fault
_PATIENCE: Final = 200


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
        Gives parsings where there are no labels; the bundled analyser's by default.
    split : str
        Of photos, clips and drawn people.
    """
    if kind == "synthetic":
        yield from synthetic_pairs(seed, split)
        return
    seen = describe or BuiltinEstimator.load(torch.device("cpu"), torch.float32).describe
    if kind == "reverse":
        yield from reverse_pairs(data_folder, seen, seed, split)
    else:
        yield from clip_pairs(data_folder / "video", seen, seed, split)


def part_samples(pairs: Iterator[PersonPair]) -> Iterator[PartSample]:
    """Yield the samples of pairs, leaving out those of which too little can be cut.

    Raises
    ------
    InputError
        If pair after pair gives none.
    """
    failed = 0
    for pair in pairs:
        sample = part_sample(pair)
        if sample is not None:
            failed = 0
            yield sample
            continue
        failed += 1
        if failed >= _PATIENCE:
            raise InputError(
                f"{failed} pairs in a row show nobody who can be cut into parts", subject=pair.name, remedy="Check the points."
            )


def write_part_pack(samples: Iterator[PartSample], count: int, path: Path, progress: Callable[[int], None]) -> WrittenPack:
    """Write `count` samples into a pack; `progress` is told how many there are so far."""
    writer = PartPackWriter()
    for sample in islice(samples, count):
        writer.add(sample)
        progress(len(writer))
    return WrittenPack(len(writer), writer.write(path))
