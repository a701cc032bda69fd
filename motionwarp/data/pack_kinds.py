"""Kinds of packs: what `motionwarp dataset pack` can write, and what it asks of whoever writes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from motionwarp.errors import OptionError
from motionwarp.options import OverwriteOptions, documented, option
from motionwarp.references import check_reference, load_reference

if TYPE_CHECKING:
    from motionwarp.data.splits import Split


@documented
@dataclass(frozen=True, kw_only=True)
class PackOptions(OverwriteOptions):
    """What is packed, and where."""

    data: Path = option(
        help="Folder with ccp/, video/ and motion/, or of the published data set; not read for synthetic people.",
        metavar="DATA",
        argument=True,
    )
    output: Path = option(help="The pack to write.", flags=("-o", "--output"), metavar="FILE")
    count: int = option(3000, help="Pictures or pairs, for all kinds but photos, clips and motion.", low=1)
    seed: int = option(0, help="For all kinds but photos, clips and motion.", low=0)
    split: Literal["train", "validation"] = option(
        "train",
        help="Of pairs, avatars and motion: train, or validation, which nothing is trained on: to measure with.",
    )


@dataclass(frozen=True)
class WrittenPack:
    """What was written.

    Attributes
    ----------
    pictures, bytes : int
    """

    pictures: int
    bytes: int


@dataclass(frozen=True)
class PackRequest:
    """One pack that is asked for.

    Attributes
    ----------
    kind : str
        Name of the kind, as the user gave it.
    options : PackOptions
    on_progress : callable
        Called with the number of samples so far.
    """

    kind: str
    options: PackOptions
    on_progress: Callable[[int], None]


@dataclass(frozen=True)
class PackKind:
    """One kind of pack.

    Attributes
    ----------
    help : str
        What its samples are, in a few words.
    write : str
        Reference to a function that takes a `PackRequest` and returns a `WrittenPack`.
    splits : tuple of str
        Which splits can be packed.
    counted : bool
        Whether the user says how many samples; False packs all there is.
    unit : str
        What its samples are called when they are counted.
    """

    help: str
    write: str
    splits: tuple[Split, ...] = ("train", "validation")
    counted: bool = True
    unit: str = "pictures"

    def __post_init__(self) -> None:
        check_reference(self.write)

    def written(self, request: PackRequest) -> WrittenPack:
        """Write a pack of this kind.

        Raises
        ------
        OptionError
            If the split cannot be packed.
        """
        if request.options.split not in self.splits:
            raise OptionError(
                f"packs of this kind have no split '{request.options.split}'; only pairs can be packed of it",
                subject=request.kind,
                remedy=f"It has: {', '.join(self.splits)}. `evaluate analyzer` reads validation data itself.",
            )
        pack: WrittenPack = load_reference(self.write)(request)
        return pack


_ANALYZER_WRITER: Final = "motionwarp.data.packing:write_requested"
_AVATAR_WRITER: Final = "motionwarp.data.avatars.packing:write_requested"

# what the analyzer is trained from: pictures with all their labels
ANALYZER_PACKS: Final[dict[str, PackKind]] = {
    "photos": PackKind("photos with their labels", _ANALYZER_WRITER, ("train",), counted=False),
    "clips": PackKind("frames of clips", _ANALYZER_WRITER, ("train",), counted=False),
    "clips-a": PackKind(
        "frames of later clips, published by their makers", _ANALYZER_WRITER, ("train",), counted=False
    ),
    "clips-b": PackKind("frames of later clips of other origin", _ANALYZER_WRITER, ("train",), counted=False),
    "reposed": PackKind("photos moved into other poses", _ANALYZER_WRITER, ("train",)),
    "synthetic": PackKind("drawn people", _ANALYZER_WRITER, ("train",)),
    "avatars": PackKind("rigged avatars in motion from all sides", _AVATAR_WRITER),
    "dressed": PackKind("bodies in separate garments, with exact classes", _AVATAR_WRITER),
}

_PAIR_WRITER: Final = "motionwarp.data.labeled_pairs:write_requested"

# what engines that draw whole pictures are trained from: two pictures of one person, with parsing, matte and points
PAIR_PACKS: Final[dict[str, PackKind]] = {
    "pairs-avatars": PackKind(
        "rigged avatars, same clothes, any two poses", "motionwarp.data.avatars.pairs:write_requested"
    ),
    "pairs-reverse": PackKind("photos, made back from moved ones, whole", _PAIR_WRITER),
    "pairs-clips": PackKind("two frames of a clip, whole", _PAIR_WRITER),
    "pairs-synthetic": PackKind("drawn people, whole", _PAIR_WRITER),
    "pairs-deepfashion": PackKind("pairs of DeepFashion", _PAIR_WRITER),
    "pairs-market1501": PackKind("pairs of Market-1501", _PAIR_WRITER),
    "pairs-folders": PackKind(
        "pictures or frames in a folder a person, as of Human3.6M", "motionwarp.data.folder_pairs:write_requested"
    ),
}

# what the lifter is trained from: captured motion, put on the body
LIFTER_PACKS: Final[dict[str, PackKind]] = {
    "motion": PackKind(
        "takes of motion capture", "motionwarp.data.motion_pack:write_requested", counted=False, unit="takes"
    ),
}
