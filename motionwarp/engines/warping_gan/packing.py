"""What goes into packs of part samples: pairs of one kind, cut and warped, with or without the body's layer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Final, cast

import torch

from motionwarp.data.pack_kinds import PackOptions, PackRequest, WrittenPack
from motionwarp.data.pair_sources import PairKind, pairs_of_kind
from motionwarp.data.pairs import PersonPair
from motionwarp.data.turning_pairs import avatar_pairs, turning_clip_pairs
from motionwarp.engines.base import RenderSettings
from motionwarp.engines.warping_gan.body_layer import BodyDrawer
from motionwarp.engines.warping_gan.body_pairs import avatar_reverse_pairs
from motionwarp.engines.warping_gan.data import PartPackWriter, PartSample, part_sample, warped_sample
from motionwarp.errors import InputError, NoPersonError, OptionError
from motionwarp.perception.backends.builtin import BuiltinEstimator
from motionwarp.puppet.person import PuppetPerson
from motionwarp.types import CROP_HEIGHT, CROP_WIDTH, SourcePerson

# pairs in a row that may fail to give a sample before the data is taken to be at fault
_PATIENCE: Final = 200
_CPU: Final = torch.device("cpu")

SampleOf = Callable[[PersonPair], PartSample | None]


def part_samples(pairs: Iterator[PersonPair], sample_of: SampleOf | None = None) -> Iterator[PartSample]:
    """Yield the samples of pairs, leaving out those of which too little can be cut.

    Parameters
    ----------
    pairs : iterator of PersonPair
    sample_of : callable, optional
        Makes them; `part_sample` by default.

    Raises
    ------
    InputError
        If pair after pair gives none.
    """
    failed = 0
    for pair in pairs:
        sample = (sample_of or part_sample)(pair)
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


class BodySampler:
    """Makes samples with the body's layer; what was made of a source serves for all pairs in a row that share it."""

    def __init__(self) -> None:
        self._source: SourcePerson | None = None
        self._ready: tuple[PuppetPerson, BodyDrawer] | None = None

    def __call__(self, pair: PersonPair) -> PartSample | None:
        """Return a pair's sample; None if the source cannot be cut, or its body or the target's is misread."""
        if pair.source is not self._source:
            self._source, self._ready = pair.source, _made_ready(pair.source)
        if self._ready is None:
            return None
        person, body = self._ready
        picture = body.picture(pair)
        return None if picture is None else warped_sample(person, pair, picture)


def _made_ready(source: SourcePerson) -> tuple[PuppetPerson, BodyDrawer] | None:
    try:
        person = PuppetPerson(source, _CPU, keep_parsing=True)
    except NoPersonError:
        return None
    body = BodyDrawer.of(source, RenderSettings(_CPU, torch.float32, CROP_WIDTH, CROP_HEIGHT))
    return None if body is None else (person, body)


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


def write_with_bodies(request: PackRequest) -> WrittenPack:
    """Write a pack of the kinds "body-...": see `avatar_pairs`, `turning_clip_pairs`, `avatar_reverse_pairs`."""
    options = request.options
    samples = part_samples(_pairs_with_bodies(request.kind.removeprefix("body-"), options), BodySampler())
    return write_part_pack(samples, options.count, options.output, request.on_progress)


def _pairs_with_bodies(kind: str, options: PackOptions) -> Iterator[PersonPair]:
    describe = BuiltinEstimator.load(_CPU, torch.float32).describe
    if kind == "avatars":
        return avatar_pairs(options.data, describe, options.seed, options.split)
    if kind == "reverse":
        return avatar_reverse_pairs(options.data, describe, options.seed, options.split)
    if kind == "layered":
        return pairs_of_kind("reverse", options.data, options.seed, describe, options.split)
    if kind == "clips":
        return turning_clip_pairs(options.data / "video", describe, options.seed, "first")
    if kind == "clips-a":
        return turning_clip_pairs(options.data / "video", describe, options.seed, "A")
    if kind == "clips-b":
        return turning_clip_pairs(options.data / "video", describe, options.seed, "B")
    raise OptionError(f"there are no pairs with bodies of the kind '{kind}'")
