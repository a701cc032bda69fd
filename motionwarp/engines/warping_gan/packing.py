"""What goes into packs of part samples: pairs of one kind, cut and warped."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Final, cast

from motionwarp.data.pack_kinds import PackRequest, WrittenPack
from motionwarp.data.pair_sources import PairKind, pairs_of_kind
from motionwarp.data.pairs import PersonPair
from motionwarp.engines.warping_gan.data import PartPackWriter, PartSample, part_sample
from motionwarp.errors import InputError

# pairs in a row that may fail to give a sample before the data is taken to be at fault
_PATIENCE: Final = 200


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
                f"{failed} pairs in a row show nobody who can be cut into parts",
                subject=pair.name,
                remedy="Check the points.",
            )


def write_part_pack(
    samples: Iterator[PartSample], count: int, path: Path, progress: Callable[[int], None]
) -> WrittenPack:
    """Write `count` samples into a pack; `progress` is told how many there are so far."""
    writer = PartPackWriter()
    for sample in islice(samples, count):
        writer.add(sample)
        progress(len(writer))
    return WrittenPack(len(writer), writer.write(path))


def write_requested(request: PackRequest) -> WrittenPack:
    """Write a pack of the kinds "parts-..."; see `pairs_of_kind`."""
    options = request.options
    kind = cast(PairKind, request.kind.removeprefix("parts-"))
    pairs = pairs_of_kind(kind, options.data, options.seed, split=options.split)
    return write_part_pack(part_samples(pairs), options.count, options.output, request.on_progress)
