"""The registry of weights: which files there are, what they must contain, and where they lie on this machine."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any, Final

from motionwarp.errors import WeightsError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

REGISTRY_VERSION: Final = 1
_READ_BYTES: Final = 1 << 20


@dataclass(frozen=True)
class WeightsEntry:
    """One file of weights that the registry knows.

    Attributes
    ----------
    name : str
        What users and code call it.
    file : str
        Name of the file, without a folder.
    sha256 : str
        64 hexadecimal digits, lower case.
    bytes : int
        Size of the file.
    licence : str
        SPDX identifier of the weights' own license.
    architecture : str
        What the tensors are for; equals the metadata of a safetensors file.
    description : str
        One line for lists.
    url : str
        Where its publisher keeps it; empty for weights that ship with the package.
    """

    name: str
    file: str
    sha256: str
    bytes: int
    licence: str
    architecture: str
    description: str = ""
    url: str = ""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z0-9][a-z0-9_.-]*", self.name):
            raise ValueError(f"name must be lower case letters, digits, '_', '.' or '-', got {self.name!r}")
        if self.file in ("", ".", "..") or re.search(r"[/\\:]", self.file):
            raise ValueError(f"file must be a bare file name, got {self.file!r}")
        if not re.fullmatch(r"[0-9a-f]{64}", self.sha256):
            raise ValueError(f"sha256 must be 64 lower case hexadecimal digits, got {self.sha256!r}")
        if self.bytes <= 0:
            raise ValueError(f"bytes must be positive, got {self.bytes}")
        if self.url and not self.url.startswith("https://"):
            raise ValueError(f"url must begin with https://, got {self.url!r}")
        for label, text in (("licence", self.licence), ("architecture", self.architecture)):
            if not text:
                raise ValueError(f"{label} must not be empty")

    @property
    def ships(self) -> bool:
        """Whether the file comes with the package."""
        return not self.url


@dataclass(frozen=True)
class Registry:
    """All entries by name, and the folder of those that ship.

    Attributes
    ----------
    folder : Path
    entries : mapping of str to WeightsEntry
        In the order of the file.
    """

    folder: Path
    entries: Mapping[str, WeightsEntry]

    def __iter__(self) -> Iterator[WeightsEntry]:
        return iter(self.entries.values())

    def __contains__(self, name: object) -> bool:
        return name in self.entries

    def __getitem__(self, name: str) -> WeightsEntry:
        try:
            return self.entries[name]
        except KeyError:
            known = ", ".join(self.entries) or "none"
            raise WeightsError("no weights of this name", subject=name, remedy=f"Known names: {known}.") from None

    def path(self, name: str) -> Path:
        """Return where the weights `name` are or would be on this machine, whether the file is there or not.

        Raises
        ------
        WeightsError
            If the registry has no such name.
        """
        entry = self[name]
        beside = self.folder / entry.file
        return beside if entry.ships or beside.is_file() else cache_folder() / entry.file

    def verified_path(self, name: str) -> Path:
        """Return the path of weights that are there and whole.

        Raises
        ------
        WeightsError
            If the name is unknown, the file is missing, or its size or sha256 are not the recorded ones.
        """
        entry, path = self[name], self.path(name)
        if not path.is_file():
            remedy = (
                "Install motionwarp again; the file should have come with it."
                if entry.ships
                else f"Fetch it with `motionwarp weights pull {name}`."
            )
            raise WeightsError(f"the weights '{name}' are not there", subject=path, remedy=remedy)
        verify_file(entry, path)
        return path


def verify_file(entry: WeightsEntry, path: Path) -> None:
    """Compare a file with what the registry says of it.

    Raises
    ------
    WeightsError
        If the size or the sha256 differs, saying both values.
    """
    remedy = (
        "Install motionwarp again." if entry.ships else f"Delete it and run `motionwarp weights pull {entry.name}`."
    )
    size = path.stat().st_size
    if size != entry.bytes:
        raise WeightsError(
            f"has {size} bytes and the registry says {entry.bytes}: truncated or replaced", subject=path, remedy=remedy
        )
    digest = file_sha256(path)
    if digest != entry.sha256:
        raise WeightsError(f"has sha256 {digest} and the registry says {entry.sha256}", subject=path, remedy=remedy)


def file_sha256(path: Path) -> str:
    """Return the sha256 of a file, 64 lower case hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_READ_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def weights_folder() -> Path:
    """Return the folder of the registry and of the weights that ship.

    A checkout's own folder goes before an installed one: code and weights must be of one version.
    """
    beside = Path(__file__).resolve().parents[2] / "weights"
    if (beside / "registry.toml").is_file():
        return beside
    spec = importlib.util.find_spec("motionwarp_weights")
    if spec is None or not spec.submodule_search_locations:
        raise WeightsError("the package motionwarp_weights is not installed", remedy="Install motionwarp again.")
    return Path(next(iter(spec.submodule_search_locations)))


def read_registry(folder: Path) -> Registry:
    """Read `registry.toml` in `folder`.

    Raises
    ------
    WeightsError
        If the file is missing, is not TOML, is of another version, or has an entry with a missing, unknown or wrong
        field.
    """
    path = folder / "registry.toml"
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise WeightsError(f"cannot be read as a registry of weights ({error})", subject=path) from error
    if content.get("version") != REGISTRY_VERSION:
        raise WeightsError(
            f"is of version {content.get('version')!r}; this release reads version {REGISTRY_VERSION}", subject=path
        )
    entries: dict[str, WeightsEntry] = {}
    for number, table in enumerate(content.get("weights", []), start=1):
        try:
            entry = _entry_from_table(table)
        except ValueError as error:
            raise WeightsError(f"entry {number}: {error}", subject=path) from error
        if entry.name in entries:
            raise WeightsError(f"has two entries named '{entry.name}'", subject=path)
        entries[entry.name] = entry
    return Registry(folder, entries)


def _entry_from_table(table: Mapping[str, object]) -> WeightsEntry:
    kinds = {field.name: int if field.name == "bytes" else str for field in fields(WeightsEntry)}
    if unknown := sorted(set(table) - set(kinds)):
        raise ValueError(f"unknown field {unknown[0]!r}")
    if missing := sorted(set(kinds) - {"description", "url"} - set(table)):
        raise ValueError(f"field {missing[0]!r} is missing")
    for name, value in table.items():
        if type(value) is not kinds[name]:
            raise ValueError(f"field {name!r} must be of type {kinds[name].__name__}, got {value!r}")
    values: dict[str, Any] = dict(table)
    return WeightsEntry(**values)


@cache
def registry() -> Registry:
    """Return the registry of this installation, read once."""
    return read_registry(weights_folder())


CACHE_VARIABLE: Final = "MOTIONWARP_CACHE"


def cache_folder() -> Path:
    """Return the folder of fetched weights, which need not exist yet."""
    if chosen := os.environ.get(CACHE_VARIABLE):
        return Path(chosen).expanduser()
    try:
        from platformdirs import user_cache_path
    except ImportError:
        # without the extra nothing can be fetched, but files put there by hand are still found
        return Path.home() / ".cache" / "motionwarp"
    return Path(user_cache_path("motionwarp", appauthor=False))
