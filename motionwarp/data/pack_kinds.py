"""Kinds of packs: what `motionwarp dataset pack` can write, and what it asks of whoever writes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from motionwarp.errors import OptionError
from motionwarp.references import check_reference, load_reference

if TYPE_CHECKING:
    from motionwarp.data.packing import WrittenPack
    from motionwarp.data.splits import Split


@dataclass(frozen=True)
class PackRequest:
    """One pack that is asked for.

    Attributes
    ----------
    kind : str
        Name of the kind, as the user gave it.
    data, output : Path
        Folder of the data, and the file to write.
    count : int
        Samples; kinds that pack all there is do not look at it.
    seed : int
    split : str
        "train" or "validation".
    on_progress : callable
        Called with the number of samples so far.
    """

    kind: str
    data: Path
    output: Path
    count: int
    seed: int
    split: Split
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
    """

    help: str
    write: str
    splits: tuple[Split, ...] = ("train", "validation")
    counted: bool = True

    def __post_init__(self) -> None:
        check_reference(self.write)

    def written(self, request: PackRequest) -> WrittenPack:
        """Write a pack of this kind.

        Raises
        ------
        OptionError
            If the split cannot be packed.
        """
        if request.split not in self.splits:
            raise OptionError(
                f"packs of this kind have no split '{request.split}'; only pairs can be packed of it",
                subject=request.kind,
                remedy=f"It has: {', '.join(self.splits)}. `evaluate analyzer` reads validation data itself.",
            )
        pack: WrittenPack = load_reference(self.write)(request)
        return pack


_ANALYZER_WRITER: Final = "motionwarp.data.packing:write_requested"

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
}
