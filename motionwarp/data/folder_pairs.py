"""Pairs from folders of pictures or frames, a folder a person, as users keep Human3.6M or photos of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import torch

from motionwarp.data.held_out import split_people
from motionwarp.data.labeled_pairs import LabeledPair, in_window, seen_picture, write_pair_pack
from motionwarp.data.pack import LabeledPicture
from motionwarp.data.pack_kinds import PackRequest, WrittenPack
from motionwarp.data.people_folder import media_files, photos_by_person
from motionwarp.data.splits import Split
from motionwarp.errors import InputError, NoPersonError
from motionwarp.media.image import read_image
from motionwarp.perception.backends.builtin import BuiltinEstimator
from motionwarp.perception.base import Estimator

_TEST_SHARE: Final = 0.2
_PAIRS_AT_ONCE: Final = 8  # of a person before the next one: pictures are looked at once for all of them
_PATIENCE: Final = 20  # rounds over all people without a pair


def folder_pairs(folder: Path, estimator: Estimator, seed: int, split: Split = "train") -> Iterator[LabeledPair]:
    """Yield pairs of two pictures of one person each without end.

    Parameters
    ----------
    folder : Path
        With a folder of pictures for each person, at any depth below; two people at least.
    estimator : Estimator
        Gives points, parsing and matte; pictures in which it sees nobody are left out.
    seed : int
        Of the order and the pairs. Who is for validation, a fifth of the people, does not depend on it.
    split : str

    Raises
    ------
    InputError
        If there is no such folder, nothing tells who is who, fewer than two people have two pictures, or round after
        round nobody is seen in two of them.
    """
    photos, _ = media_files(folder)
    people = {person: names for person, names in photos_by_person(folder, photos, "auto").items() if len(names) > 1}
    train, held_out = split_people(sorted(people), _TEST_SHARE, 0)
    own = train if split == "train" else held_out
    rng = np.random.default_rng([seed, 5])
    failed = 0
    while True:
        found = False
        for index in rng.permutation(len(own)):
            names = people[own[int(index)]]
            chosen = [names[int(pick)] for pick in rng.choice(len(names), min(len(names), _PAIRS_AT_ONCE), False)]
            pictures = [picture for name in chosen if (picture := _seen(folder, name, estimator)) is not None]
            for _ in range(_PAIRS_AT_ONCE if len(pictures) > 1 else 0):
                source, target = rng.choice(len(pictures), 2, replace=False).tolist()
                found = True
                yield LabeledPair(pictures[source], pictures[target])
        failed = 0 if found else failed + 1
        if failed >= _PATIENCE:
            raise InputError(
                "nobody is seen in two pictures", subject=folder, remedy="Give pictures that show a person each."
            )


def _seen(folder: Path, name: str, estimator: Estimator) -> LabeledPicture | None:
    rgb = read_image(folder / name).rgb
    try:
        return in_window(seen_picture(rgb, None, name, estimator))
    except NoPersonError:
        return None


def write_requested(request: PackRequest) -> WrittenPack:
    """Write a pack of pairs of a folder; see `pack_kinds.PAIR_PACKS`."""
    options = request.options
    estimator = BuiltinEstimator.load(torch.device("cpu"), torch.float32)
    pairs = folder_pairs(options.data, estimator, options.seed, options.split)
    return write_pair_pack(pairs, options.count, options.output, request.on_progress)
