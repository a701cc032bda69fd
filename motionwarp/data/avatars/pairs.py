"""Pairs of pictures of one avatar: the same person in the same clothes and light, in any two poses."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

from motionwarp.data.avatars.packing import labeled, load_cast
from motionwarp.data.avatars.scenes import AvatarView, Cast, SceneSettings, draw_look, draw_view
from motionwarp.data.avatars.splits import AvatarSplit
from motionwarp.data.labeled_pairs import LabeledPair, in_window, write_pair_pack
from motionwarp.data.pack_kinds import PackRequest, WrittenPack
from motionwarp.data.splits import Split

# of random numbers, apart from those of single pictures
_STREAMS: Final[dict[AvatarSplit, int]] = {"train": 2, "validation": 3}
# people are mostly seen from before, and turn by less than a right angle between two pictures mostly
_FRONTAL, _ASIDE_DEGREES = 0.75, 35.0
_TURNED_ALIKE, _TURNED_BY = 0.75, 35.0
_WHOLE: Final = SceneSettings(drawn=0.4, cut=0.0, occluded=0.0, shadow=0.3)
# of points seen and of pixels covered below which a picture shows too little
_LEAST_POINTS, _LEAST_PIXELS = 10, 600


def avatar_pairs(cast: Cast, split: AvatarSplit, seed: int) -> Iterator[LabeledPair]:
    """Yield pairs of one avatar each without end: same clothes and light, two poses, two places, nobody cut.

    Parameters
    ----------
    cast : Cast
        Of the split.
    split : "train" or "validation"
    seed : int
        Each pair is a function of it and of its number.

    Yields
    ------
    LabeledPair
        Both pictures as their own windows of 256 x 192 show them, with exact parsing, matte and points.
    """
    number = 0
    while True:
        rng = np.random.default_rng([seed, number, _STREAMS[split]])
        number += 1
        look = draw_look(cast, rng)
        facing = float(rng.normal(0, _ASIDE_DEGREES) if rng.random() < _FRONTAL else rng.uniform(-180, 180))
        turned = facing + float(rng.normal(0, _TURNED_BY) if rng.random() < _TURNED_ALIKE else rng.uniform(-180, 180))
        source, target = (
            draw_view(cast, _WHOLE, rng, facing=angle, cut="none", look=look) for angle in (facing, turned)
        )
        if _shows_enough(source) and _shows_enough(target):
            yield LabeledPair(in_window(labeled(source)), in_window(labeled(target)))


def _shows_enough(view: AvatarView) -> bool:
    return bool((view.pose.scores > 0).sum() >= _LEAST_POINTS and (view.matte > 0.5).sum() >= _LEAST_PIXELS)


def avatar_pairs_of(data_folder: Path, split: Split, seed: int) -> Iterator[LabeledPair]:
    """Yield pairs of the avatars of a split without end.

    Parameters
    ----------
    data_folder : Path
        With `avatars`, `motion` and `ccp`.
    split : str
        "validation" are avatars and takes that nothing is trained on.
    seed : int

    Raises
    ------
    InputError
        If one of them is missing.
    """
    own: AvatarSplit = "train" if split == "train" else "validation"
    yield from avatar_pairs(load_cast(data_folder, own, seed), own, seed)


def write_requested(request: PackRequest) -> WrittenPack:
    """Write a pack of pairs of avatars; see `pack_kinds.PAIR_PACKS`."""
    options = request.options
    pairs = avatar_pairs_of(options.data, options.split, options.seed)
    return write_pair_pack(pairs, options.count, options.output, request.on_progress)
