"""Configurations: frozen dataclasses with defaults, filled from TOML.

The one place where a file's values become ours.
"""

from __future__ import annotations

import sys
import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar

from motionwarp.errors import OptionError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

Config = TypeVar("Config")


def read_config(path: Path, kind: type[Config]) -> Config:
    """Read a configuration from TOML.

    Parameters
    ----------
    path : Path
        Tables of the file are nested dataclasses, arrays are tuples; paths are relative to the file's folder.
    kind : type
        A dataclass.

    Raises
    ------
    OptionError
        If the file cannot be read, or has a key that `kind` does not know, or a value of another type.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise OptionError(f"this configuration cannot be read: {error}", subject=path) from error
    return _build(kind, values, path, "")


def _build(kind: type[Config], values: Mapping[str, Any], path: Path, place: str) -> Config:
    hints = typing.get_type_hints(kind)
    known = {item.name: item for item in fields(kind)}  # type: ignore[arg-type]
    for key in values:
        if key not in known:
            raise OptionError(
                f"'{place}{key}' is not known", subject=path, remedy=f"Known here are: {', '.join(sorted(known))}."
            )
    for name, item in known.items():
        if name not in values and item.default is MISSING and item.default_factory is MISSING:
            raise OptionError(f"'{place}{name}' is missing", subject=path)
    made = {key: _convert(hints[key], value, path, f"{place}{key}") for key, value in values.items()}
    return kind(**made)


def _convert(hint: Any, value: Any, path: Path, place: str) -> Any:
    if is_dataclass(hint) and isinstance(hint, type):
        if isinstance(value, Mapping):
            return _build(hint, value, path, place + ".")
        raise OptionError(f"'{place}' must be a table", subject=path)
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is tuple:
        if not isinstance(value, list):
            raise OptionError(f"'{place}' must be an array, not {value!r}", subject=path)
        kinds = [arguments[0]] * len(value) if arguments[-1] is Ellipsis else list(arguments)
        if len(kinds) != len(value):
            raise OptionError(f"'{place}' must have {len(kinds)} entries, not {len(value)}", subject=path)
        pairs = enumerate(zip(kinds, value, strict=True))
        return tuple(_convert(kind, entry, path, f"{place}[{index}]") for index, (kind, entry) in pairs)
    if origin in (typing.Union, types.UnionType):
        # TOML has no null: an optional value that is given is of the other type
        return _convert(next(kind for kind in arguments if kind is not type(None)), value, path, place)
    if hint is Path and isinstance(value, str):
        return path.parent / value
    if hint is float and type(value) is int:
        return float(value)
    if isinstance(hint, type) and type(value) is not hint:
        raise OptionError(f"'{place}' must be of type {hint.__name__}, not {value!r}", subject=path)
    return value
