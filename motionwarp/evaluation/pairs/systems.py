"""The systems that are compared on pairs: engines, the untouched source, and folders of results that others made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from motionwarp.engines.registry import make_engine
from motionwarp.errors import OptionError
from motionwarp.evaluation.pairs.places import GeneratedFolder
from motionwarp.version import __version__

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
        Of the engine's weights; empty for systems without any, and where only their maker knows.
    folder : GeneratedFolder or None
    """

    name: str
    kind: Kind
    engine: str = ""
    weights_sha256: str = ""
    folder: GeneratedFolder | None = None

    def identity(self) -> dict[str, Any]:
        """Return what tells scores of this system from those of others, for JSON.

        An engine is told by its weights; one without weights by the version of the program, which is all that it is made of.
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
        raise OptionError("there is nothing to compare", subject="--engine", remedy="Name an engine, or give --generated FOLDER.")
    names = [system.name for system in systems]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise OptionError(f"two systems are called '{twice[0]}'", remedy="Name folders with --generated NAME=FOLDER.")
    return systems


def _engine(name: str) -> System:
    if name == COPY:
        return System(COPY, "copy")
    engine = make_engine(name)  # now, so that a wrong name is told of before any work
    # several files may hold one engine's weights, so files go by their own names
    label = Path(name).stem if Path(name).suffix else engine.name
    return System(label, "engine", name, engine.weights_sha256)


def _generated(text: str, pattern: str | None) -> System:
    label, separator, folder = text.partition("=")
    # a folder's own name may hold '='
    if not separator or Path(text).is_dir():
        label, folder = "", text
    place = GeneratedFolder(Path(folder), pattern)
    return System(label or place.folder.resolve().name, "generated", folder=place)
