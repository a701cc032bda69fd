"""A clip of one person as labeled pictures, seen by an estimator: what a network is fitted to that person from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from motionwarp.data.pack import LabeledPicture
from motionwarp.data.packing import PackSettings, cut_around
from motionwarp.data.pairs import PersonPair, paired
from motionwarp.errors import InputError, NoPersonError
from motionwarp.media.reader import open_video
from motionwarp.perception.base import Estimator
from motionwarp.perception.matting import matte_in_frame, parsing_in_frame
from motionwarp.perception.selection import LARGEST, PersonChoice
from motionwarp.types import Person

HELD_OUT_EVERY: Final = 5
_SETTINGS: Final = PackSettings()
_SURE: Final = 0.5  # of a person's score, below which a frame teaches wrong things
_LEAST_FRAMES: Final = 10  # a pair needs two, and some are held out
_PATIENCE: Final = 100  # pairs in a row of which nothing can be made


def person_pictures(
    clip: Path, estimator: Estimator, most: int, choice: PersonChoice = LARGEST
) -> list[LabeledPicture]:
    """See the person of a clip in frames that are spread evenly over it.

    Parameters
    ----------
    clip : Path
    estimator : Estimator
    most : int
        Frames at most.
    choice : PersonChoice

    Returns
    -------
    list of LabeledPicture
        In the clip's order, cut around the person.

    Raises
    ------
    InputError
        If the person is seen well in too few frames.
    NoPersonError
        If there is nobody, or not the one who was chosen.
    MediaError
        If the clip cannot be read.
    """
    with open_video(clip) as reader:
        count = sum(1 for _ in reader)
    step = max(-(-count // most), 1)
    pictures = []
    with open_video(clip) as reader:
        for observation in estimator.follow(reader, choice, dense=True):
            person, frame = observation.person, observation.frame
            if person is not None and person.score >= _SURE and frame.index % step == 0:
                pictures.append(_labeled(frame.rgb, person, f"{clip.stem}/{frame.index:05d}"))
    if not pictures:
        raise NoPersonError(
            "nobody is seen well in this clip",
            subject=clip,
            remedy="Give a clip that shows one person upright and large.",
        )
    if len(pictures) < _LEAST_FRAMES:
        raise InputError(
            f"seen well are {len(pictures)} frames, {_LEAST_FRAMES} are needed",
            subject=clip,
            remedy="Give a longer clip.",
        )
    return pictures


def _labeled(rgb: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], person: Person, name: str) -> LabeledPicture:
    matte = matte_in_frame(rgb, person)
    parsing = parsing_in_frame(rgb, person, matte)
    return cut_around(rgb, np.rint(matte * 255).astype(np.uint8), parsing, person.pose.points, _SETTINGS, name)


def split_pictures(pictures: Sequence[LabeledPicture]) -> tuple[list[LabeledPicture], list[LabeledPicture]]:
    """Return the pictures to learn from and those held out, every fifth."""
    held = [picture for index, picture in enumerate(pictures) if index % HELD_OUT_EVERY == HELD_OUT_EVERY - 1]
    learned = [picture for index, picture in enumerate(pictures) if index % HELD_OUT_EVERY != HELD_OUT_EVERY - 1]
    return learned, held


def pairs_between(
    sources: Sequence[LabeledPicture], targets: Sequence[LabeledPicture], seed: int
) -> Iterator[PersonPair]:
    """Yield pairs of a source and another picture as target without end.

    Raises
    ------
    InputError
        If pair after pair shows too little of the person.
    """
    rng = np.random.default_rng([seed, 5])
    failed = 0
    while True:
        source, target = sources[int(rng.integers(len(sources)))], targets[int(rng.integers(len(targets)))]
        pair = paired(source, target, rng) if source is not target else None
        if pair is not None:
            failed = 0
            yield pair
            continue
        failed += 1
        if failed >= _PATIENCE:
            raise InputError(
                "the clip shows too little of the person",
                subject=source.name,
                remedy="Give one that shows the upper body.",
            )
