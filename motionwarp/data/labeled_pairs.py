"""Pairs of whole labeled pictures, which the `paper` preset is trained from, and packs of them.

A pack of pairs is a pack of pictures in which source and target follow each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Final, get_args

import numpy as np
import torch

from motionwarp.data.pack import LabeledPicture, PackReader, PackWriter
from motionwarp.data.pack_kinds import PackRequest, WrittenPack
from motionwarp.data.pair_sources import PAIR_KINDS, pairs_of_kind
from motionwarp.data.pairs import PersonPair
from motionwarp.data.person_window import person_box, window_around
from motionwarp.data.protocol_folders import PairDataset, ProtocolName, find_protocol
from motionwarp.data.splits import Split
from motionwarp.data.windowed import windowed
from motionwarp.errors import InputError, NoPersonError, OptionError
from motionwarp.parsing.labels import IGNORE
from motionwarp.perception.backends.builtin import BuiltinEstimator
from motionwarp.perception.base import Estimator
from motionwarp.perception.matting import matte_in_frame, parsing_in_frame
from motionwarp.types import ByteArray, FloatArray, Pose

_SOURCE, _TARGET = "source", "target"
_BETWEEN: Final = " | "
_PATIENCE: Final = 200  # published pairs in a row without a person


@dataclass(frozen=True, eq=False)
class LabeledPair:
    """One person in two pictures.

    Attributes
    ----------
    source, target : LabeledPicture
        Pictures of any sizes. Where a picture has no pixels its matte is 0 and its parsing 255.
    """

    source: LabeledPicture
    target: LabeledPicture


def labeled_pair(pair: PersonPair) -> LabeledPair:
    """Return a pair with its source seen through a window of its own, as its target is."""
    person = pair.source
    source = LabeledPicture(person.rgb, _bytes(person.matte), person.parsing, person.pose.points, pair.name)
    parsing = np.where(pair.inside, pair.parsing, IGNORE).astype(np.uint8)
    matte = np.where(pair.inside, _bytes(pair.matte), 0).astype(np.uint8)
    target = LabeledPicture(pair.rgb, matte, parsing, pair.pose.points, pair.name)
    return LabeledPair(in_window(source), target)


def in_window(picture: LabeledPicture) -> LabeledPicture:
    """Return a picture as the window around its person shows it, 256 x 192."""
    height, width = picture.matte.shape
    matte = picture.matte.astype(np.float32) / np.float32(255)
    return windowed(picture, window_around(person_box(picture.points, matte), height, width))


def published_pairs(dataset: PairDataset, estimator: Estimator, seed: int) -> Iterator[LabeledPair]:
    """Yield the pairs of a published data set without end, in another order each time, labeled by an estimator.

    Points are the published ones; parsing and matte are the estimator's. Pictures keep their size. Pairs of which a
    picture has no usable points are left out.

    Raises
    ------
    InputError
        If pair after pair has none, or a picture is missing.
    """
    rng = np.random.default_rng([seed, 4])
    failed = 0
    while True:
        for index in rng.permutation(len(dataset)):
            pair = dataset[int(index)]
            try:
                source = seen_picture(pair.source_rgb, pair.source_points, pair.names.source, estimator)
                target = seen_picture(pair.target_rgb, pair.target_points, pair.names.target, estimator)
            except NoPersonError as error:
                failed += 1
                if failed >= _PATIENCE:
                    raise InputError(
                        f"{failed} pairs in a row have no usable points",
                        subject=dataset.files.annotations,
                        remedy="Check the points.",
                    ) from error
                continue
            failed = 0
            yield LabeledPair(source, target)


def seen_picture(rgb: ByteArray, points: FloatArray | None, name: str, estimator: Estimator) -> LabeledPicture:
    """Return a picture with the parsing and the matte that an estimator sees, and with its points where none are given.

    Parameters
    ----------
    rgb : uint8 (H, W, 3)
    points : float32 (18, 3) or None
    name : str
    estimator : Estimator

    Raises
    ------
    NoPersonError
        If nobody is seen, or the points are of no use.
    """
    person = estimator.analyze_picture(rgb, given_pose=None if points is None else Pose(points))
    matte = matte_in_frame(rgb, person)
    known = person.pose.points if points is None else points
    return LabeledPicture(rgb, _bytes(matte), parsing_in_frame(rgb, person, matte), known, name)


def _bytes(matte: FloatArray) -> ByteArray:
    return np.rint(matte * 255).astype(np.uint8)


class PairPackWriter:
    """Collects pairs and writes them as one file."""

    def __init__(self) -> None:
        self._pictures = PackWriter()

    def __len__(self) -> int:
        return len(self._pictures) // 2

    def add(self, pair: LabeledPair) -> None:
        """Compress a pair and keep it."""
        for role, picture in ((_SOURCE, pair.source), (_TARGET, pair.target)):
            self._pictures.add(replace(picture, name=f"{role}{_BETWEEN}{picture.name}"))

    def write(self, path: Path) -> int:
        """Write the pack, whole or not at all, and return its size in bytes."""
        return self._pictures.write(path)


class PairPackReader:
    """Reads single pairs of a pack; to be opened in the process that reads.

    Raises
    ------
    InputError
        If the file is no pack, or a pack of single pictures.
    """

    def __init__(self, path: Path) -> None:
        self._pictures = PackReader(path)
        roles = [name.split(_BETWEEN)[0] for name in self._pictures.names]
        if roles != [_SOURCE, _TARGET] * (len(roles) // 2):
            raise InputError(
                "this pack holds single pictures, not pairs",
                subject=path,
                remedy="Make one with `motionwarp dataset pack pairs-reverse` or another kind that begins with pairs-.",
            )

    def __len__(self) -> int:
        return len(self._pictures) // 2

    def __getitem__(self, index: int) -> LabeledPair:
        return LabeledPair(self._pictures[2 * index], self._pictures[2 * index + 1])


PUBLISHED: Final[tuple[ProtocolName, ...]] = get_args(ProtocolName)
LABELED_PAIR_KINDS: Final[tuple[str, ...]] = (*PAIR_KINDS, *PUBLISHED)


def labeled_pairs_of_kind(kind: str, data_folder: Path, seed: int, split: Split = "train") -> Iterator[LabeledPair]:
    """Yield pairs of one kind without end.

    Parameters
    ----------
    kind : str
        "reverse", "clips" or "synthetic", as in `pairs_of_kind`, or "deepfashion" or "market1501": pairs of a published
        data set, with parsings of the bundled analyzer.
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
            yield from map(labeled_pair, pairs_of_kind(pairs, data_folder, seed, split=split))
    for name in PUBLISHED:
        if kind == name:
            dataset = PairDataset(find_protocol(data_folder, name, "train" if split == "train" else "test"))
            yield from published_pairs(dataset, BuiltinEstimator.load(torch.device("cpu"), torch.float32), seed)
    raise OptionError(f"there is no kind of pairs '{kind}'", remedy=f"Give {', '.join(LABELED_PAIR_KINDS)}.")


def write_pair_pack(
    pairs: Iterator[LabeledPair], count: int, path: Path, progress: Callable[[int], None]
) -> WrittenPack:
    """Write `count` pairs into a pack; `progress` is told how many there are so far."""
    writer = PairPackWriter()
    for pair in islice(pairs, count):
        writer.add(pair)
        progress(len(writer))
    return WrittenPack(len(writer), writer.write(path))


def write_requested(request: PackRequest) -> WrittenPack:
    """Write a pack of pairs of the kinds "pairs-..."; see `labeled_pairs_of_kind`."""
    options = request.options
    kind = request.kind.removeprefix("pairs-")
    pairs = labeled_pairs_of_kind(kind, options.data, options.seed, options.split)
    return write_pair_pack(pairs, options.count, options.output, request.on_progress)
