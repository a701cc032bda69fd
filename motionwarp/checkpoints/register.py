"""Enter a file of weights into the registry: for maintainers, after a training run."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path
from typing import Final

from motionwarp.checkpoints.checkpoint import read_architecture
from motionwarp.checkpoints.registry import REGISTRY_VERSION, WeightsEntry, file_sha256, read_registry
from motionwarp.errors import OutputError

_HEAD: Final = """\
# The weights that motionwarp knows: those that ship beside this file, and those that are fetched from their \
publishers by
# `motionwarp weights pull` (they have a url). Written by `motionwarp weights add FILE`; nobody types sha256 and \
bytes by hand.
"""


def register_file(
    file: Path, folder: Path, *, name: str | None = None, licence: str | None = None, description: str | None = None
) -> WeightsEntry:
    """Copy a checkpoint into the folder of weights that ship, and enter or refresh it in the registry there.

    Parameters
    ----------
    file : Path
        A safetensors file that `save_checkpoint` wrote; it may lie in `folder` already.
    folder : Path
        The folder of `registry.toml`.
    name : str, optional
        Name of the entry; by default the file's name without its ending.
    licence, description : str, optional
        By default those of the entry that is replaced; for a new one "Apache-2.0" and nothing.

    Returns
    -------
    WeightsEntry
        With the sha256, size and architecture of the file as it is now.

    Raises
    ------
    WeightsError
        If the file or the registry cannot be read.
    OutputError
        If the folder cannot be written, or the name is not allowed.
    """
    architecture = read_architecture(file)
    entries = dict(read_registry(folder).entries)
    name = name or file.stem
    before = entries.get(name)
    target = folder / f"{name}.safetensors"
    try:
        entry = WeightsEntry(
            name=name,
            file=target.name,
            sha256=file_sha256(file),
            bytes=file.stat().st_size,
            licence=licence or (before.licence if before else "Apache-2.0"),
            architecture=architecture,
            description=(before.description if before else "") if description is None else description,
        )
    except ValueError as error:
        raise OutputError(f"cannot be entered in the registry: {error}", subject=file) from error
    entries[name] = entry
    try:
        if not (target.exists() and target.samefile(file)):
            part = target.with_name(f".{target.name}.part")
            shutil.copyfile(file, part)
            part.replace(target)
        (folder / "registry.toml").write_text(format_registry(entries.values()), encoding="utf-8")
    except OSError as error:
        raise OutputError(f"cannot be written ({error.strerror or error})", subject=error.filename or target) from error
    return entry


def format_registry(entries: Iterable[WeightsEntry]) -> str:
    """Return the text of `registry.toml`, which `read_registry` reads back to equal entries."""
    parts = [_HEAD, f"\nversion = {REGISTRY_VERSION}\n"]
    for entry in entries:
        parts.append("\n[[weights]]\n")
        for field in fields(entry):
            value = getattr(entry, field.name)
            if value != "":
                parts.append(f"{field.name} = {value if isinstance(value, int) else _quoted(value)}\n")
    return "".join(parts)


def _quoted(text: str) -> str:
    """Return a TOML basic string."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in escaped) + '"'
