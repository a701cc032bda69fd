"""Where the pictures of a pair lie: sources and targets in a folder, results that some other system made in another."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from string import Formatter
from typing import Final

from motionwarp.data.protocols import PairNames
from motionwarp.errors import InputError, OptionError

_ENDINGS: Final = (".png", ".jpg", ".jpeg", ".webp", ".bmp")
# how published code names its results, with and without the pictures' own endings
_USUAL: Final = (
    "{source}_2_{target}",
    "{source}___{target}",
    "{source_name}___{target_name}",
    "{source_name}_2_{target_name}",
    "{source}_2_{target}_vis",
    "{source_name}___{target_name}_vis",
)
_FIELDS: Final = ("source", "target", "source_name", "target_name")
_LONGEST_NAME: Final = 200


@dataclass(frozen=True)
class PictureFolder:
    """Pictures by name.

    Attributes
    ----------
    folder : Path
    """

    folder: Path

    def __post_init__(self) -> None:
        if not self.folder.is_dir():
            raise InputError("is no folder", subject=self.folder, remedy="Give the folder that holds the pictures of the list.")

    def path(self, name: str) -> Path:
        """Return where a picture lies: as it is named, or, where the list's ending is not the file's, with another ending.

        Raises
        ------
        InputError
            If there is none, or the name leads out of the folder.
        """
        inner = PurePosixPath(name.replace("\\", "/"))
        if inner.is_absolute() or ".." in inner.parts:
            raise InputError("leads out of the folder of pictures", subject=name)
        exact = self.folder / inner
        if exact.is_file():
            return exact
        stem = exact.with_suffix("") if exact.suffix.lower() in _ENDINGS else exact
        for ending in _ENDINGS:
            other = stem.with_name(stem.name + ending)
            if other.is_file():
                return other
        raise InputError("there is no such picture", subject=exact)


@dataclass(frozen=True)
class GeneratedFolder:
    """Results that some other system made.

    Attributes
    ----------
    folder : Path
    pattern : str or None
        Such as "{source}_to_{target}.png": `{source}` and `{target}` are names without endings, `{source_name}` and `{target_name}`
        with them. None tries the usual ones.
    """

    folder: Path
    pattern: str | None = None

    def __post_init__(self) -> None:
        if not self.folder.is_dir():
            raise InputError("is no folder", subject=self.folder, remedy="Give the folder that holds the system's results.")
        if self.pattern is not None:
            _check_pattern(self.pattern)

    def path(self, pair: PairNames) -> Path:
        """Return where the result for a pair lies.

        Raises
        ------
        InputError
            If there is none.
        """
        for name in self.candidates(pair):
            path = self.folder / name
            if path.is_file():
                return path
        tried = next(iter(self.candidates(pair)))
        raise InputError("there is no result for this pair", subject=self.folder / tried, remedy="Check --pattern.")

    def candidates(self, pair: PairNames) -> Iterable[str]:
        """Yield the names to look for, the likeliest first."""
        for pattern in _USUAL if self.pattern is None else (self.pattern,):
            # results lie flat where sources lie in folders
            name = pattern.format(
                source=_flat(without_ending(pair.source)),
                target=_flat(without_ending(pair.target)),
                source_name=_flat(pair.source),
                target_name=_flat(pair.target),
            )
            if self.pattern is not None and Path(name).suffix.lower() in _ENDINGS:
                yield name
            else:
                yield from (name + ending for ending in _ENDINGS)


def _check_pattern(pattern: str) -> None:
    try:
        fields = {field for _, field, _, _ in Formatter().parse(pattern) if field is not None}
    except ValueError as error:
        raise OptionError(f"is no pattern ({error})", subject=f"--pattern {pattern}") from error
    if unknown := fields - set(_FIELDS):
        raise OptionError(
            f"has the field '{sorted(unknown)[0]}'", subject=f"--pattern {pattern}", remedy=f"Fields are {', '.join(_FIELDS)}"
        )
    if not (fields & {"source", "source_name"} and fields & {"target", "target_name"}):
        raise OptionError("needs a field of the source and one of the target", subject=f"--pattern {pattern}")


def without_ending(name: str) -> str:
    """Return a picture's name without its ending; dots that begin no known ending stay."""
    path = PurePosixPath(name)
    return str(path.with_suffix("")) if path.suffix.lower() in _ENDINGS else name


def result_names(pairs: Sequence[PairNames]) -> list[str]:
    """Return file names for results, one a pair, all different: `from_2_to.png`, with a checksum where that is not enough."""
    names: list[str] = []
    taken: set[str] = set()
    for pair in pairs:
        name = f"{_flat(without_ending(pair.source))}_2_{_flat(without_ending(pair.target))}"
        if len(name.encode()) > _LONGEST_NAME or name.lower() in taken:
            digest = hashlib.sha256(f"{pair.source}\0{pair.target}".encode()).hexdigest()[:12]
            name = f"{name.encode()[:_LONGEST_NAME].decode(errors='ignore')}-{digest}"
        taken.add(name.lower())  # file systems may not tell cases apart
        names.append(f"{name}.png")
    return names


def _flat(name: str) -> str:
    return name.replace("\\", "/").strip("/").replace("/", "_")
