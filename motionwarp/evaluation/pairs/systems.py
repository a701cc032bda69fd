"""The systems that are compared on pairs: engines, the untouched source, and folders of results that others made."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from string import Formatter
from typing import Any, Final, Literal

from motionwarp.checkpoints.checkpoint import value_count
from motionwarp.checkpoints.registry import registry
from motionwarp.data.protocols import PairNames
from motionwarp.engines.registry import make_engine
from motionwarp.errors import InputError, OptionError
from motionwarp.version import __version__

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
            raise InputError(
                "is no folder", subject=self.folder, remedy="Give the folder that holds the pictures of the list."
            )

    def path(self, name: str) -> Path:
        """Return where a picture lies.

        As it is named, or, where the list's ending is not the file's, with another ending.

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
        Such as "{source}_to_{target}.png": `{source}` and `{target}` are names without endings, `{source_name}` and
        `{target_name}` with them. None tries the usual ones.
    """

    folder: Path
    pattern: str | None = None

    def __post_init__(self) -> None:
        if not self.folder.is_dir():
            raise InputError(
                "is no folder", subject=self.folder, remedy="Give the folder that holds the system's results."
            )
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
        raise InputError("there is no result for this pair", subject=self.folder / tried, remedy="Check `pattern`.")

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
        raise OptionError(f"is no pattern ({error})", values={"pattern": pattern}) from error
    if unknown := fields - set(_FIELDS):
        raise OptionError(
            f"has the field '{sorted(unknown)[0]}'",
            values={"pattern": pattern},
            remedy=f"Fields are {', '.join(_FIELDS)}",
        )
    if not (fields & {"source", "source_name"} and fields & {"target", "target_name"}):
        raise OptionError("needs a field of the source and one of the target", values={"pattern": pattern})


def without_ending(name: str) -> str:
    """Return a picture's name without its ending; dots that begin no known ending stay."""
    path = PurePosixPath(name)
    return str(path.with_suffix("")) if path.suffix.lower() in _ENDINGS else name


def result_names(pairs: Sequence[PairNames]) -> list[str]:
    """Return file names for results, one a pair, all different.

    `from_2_to.png`, with a checksum where that is not enough.
    """
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


COPY: Final = "copy"
Kind = Literal["copy", "engine", "generated"]


@dataclass(frozen=True)
class System:
    """One system.

    Attributes
    ----------
    name : str
        In reports; different for all systems of a run.
    kind : "copy", "engine" or "generated"
    engine : str
        What `make_engine` takes; empty for other kinds.
    weights_sha256 : str
        Checksum of the engine's weights; empty for systems without any, and where only their maker knows.
    folder : GeneratedFolder or None
    parameters : int or None
        Values in the engine's file of weights; None for systems without any, and where only their maker knows.
    """

    name: str
    kind: Kind
    engine: str = ""
    weights_sha256: str = ""
    folder: GeneratedFolder | None = None
    parameters: int | None = None

    def identity(self) -> dict[str, Any]:
        """Return what tells scores of this system from those of others, for JSON.

        An engine is told by its weights; one without weights by the version of the program, which is all that it is
        made of.
        """
        facts: dict[str, Any] = {"name": self.name, "kind": self.kind}
        if self.kind == "engine":
            facts |= {"engine": self.engine, "weights_sha256": self.weights_sha256, "version": __version__}
        if self.folder is not None:
            facts |= {"folder": str(self.folder.folder.resolve()), "pattern": self.folder.pattern}
        return facts


def make_systems(engines: Sequence[str], generated: Sequence[str], pattern: str | None) -> list[System]:
    """Return the systems named on the command line.

    Parameters
    ----------
    engines : sequence of str
        "copy", or what `make_engine` takes.
    generated : sequence of str
        Folders of results, or NAME=FOLDER.
    pattern : str or None
        How results are named; see `GeneratedFolder`.

    Raises
    ------
    OptionError
        If there is none, there is no such engine, or two have one name.
    InputError
        If a folder is missing.
    """
    systems = [_engine(name) for name in engines] + [_generated(text, pattern) for text in generated]
    if not systems:
        raise OptionError("there is nothing to compare", remedy="Name an `engine`, or give `generated=FOLDER`.")
    names = [system.name for system in systems]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise OptionError(f"two systems are called '{twice[0]}'", remedy="Name folders with `generated=NAME=FOLDER`.")
    return systems


def _engine(name: str) -> System:
    if name == COPY:
        return System(COPY, "copy")
    engine = make_engine(name)  # now, so that a wrong name is told of before any work
    # several files may hold one engine's weights, so files go by their own names
    label = Path(name).stem if Path(name).suffix else engine.name
    return System(label, "engine", name, engine.weights_sha256, parameters=_parameters(name, engine.weights_sha256))


def _parameters(name: str, sha256: str) -> int | None:
    """Return how many values an engine's weights have: those of a file, or of the register's file with a checksum."""
    if Path(name).suffix:
        return value_count(Path(name))
    known = registry()
    return next((value_count(known.path(entry.name)) for entry in known if entry.sha256 == sha256), None)


def _generated(text: str, pattern: str | None) -> System:
    label, separator, folder = text.partition("=")
    # a folder's own name may hold '='
    if not separator or Path(text).is_dir():
        label, folder = "", text
    place = GeneratedFolder(Path(folder), pattern)
    return System(label or place.folder.resolve().name, "generated", folder=place)
