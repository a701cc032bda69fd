"""What goes into packs of whole picture pairs, for the `paper` preset."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Final, get_args

import torch

from motionwarp.analysis.builtin import BuiltinEstimator
from motionwarp.data.packing import WrittenPack
from motionwarp.data.part_packing import PAIR_KINDS, pairs_of_kind
from motionwarp.data.picture_pairs import LabelledPair, PairPackWriter, labelled_pair, published_pairs
from motionwarp.data.protocol_folders import PairDataset, ProtocolName, find_protocol
from motionwarp.data.splits import Split
from motionwarp.errors import OptionError

PUBLISHED: Final[tuple[ProtocolName, ...]] = get_args(ProtocolName)
LABELLED_PAIR_KINDS: Final[tuple[str, ...]] = (*PAIR_KINDS, *PUBLISHED)


def labelled_pairs_of_kind(kind: str, data_folder: Path, seed: int, split: Split = "train") -> Iterator[LabelledPair]:
    """Yield pairs of one kind without end.

    Parameters
    ----------
    kind : str
        "reverse", "clips" or "synthetic", as in `pairs_of_kind`, or "deepfashion" or "market1501": pairs of a published data
        set, with parsings of the bundled analyser.
    data_folder : Path
        With `ccp` and `video`, or of the published data set; not read for "synthetic".
    seed : int
    split : str
        "validation" are a published data set's test pairs.

    Raises
    ------
    OptionError
        If there is no such kind.
    InputError
        If the data is not there or not what it should be.
    """
    for pairs in PAIR_KINDS:
        if kind == pairs:
            yield from map(labelled_pair, pairs_of_kind(pairs, data_folder, seed, split=split))
    for name in PUBLISHED:
        if kind == name:
            dataset = PairDataset(find_protocol(data_folder, name, "train" if split == "train" else "test"))
            yield from published_pairs(dataset, BuiltinEstimator.load(torch.device("cpu"), torch.float32), seed)
    raise OptionError(f"there is no kind of pairs '{kind}'", remedy=f"Give {', '.join(LABELLED_PAIR_KINDS)}.")


def write_pair_pack(pairs: Iterator[LabelledPair], count: int, path: Path, progress: Callable[[int], None]) -> WrittenPack:
    """Write `count` pairs into a pack; `progress` is told how many there are so far."""
    writer = PairPackWriter()
    for pair in islice(pairs, count):
        writer.add(pair)
        progress(len(writer))
    return WrittenPack(len(writer), writer.write(path))
