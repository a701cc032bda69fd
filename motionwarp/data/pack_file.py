"""Opening a pack: that it is one, of the right kind, and that its tables fit each other, before a sample is read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open

from motionwarp.errors import InputError


def open_pack(path: Path, *, form: str, holds: str, rows: Sequence[str], streams: Sequence[str]) -> tuple[Any, list[str]]:
    """Open a pack.

    Parameters
    ----------
    path : Path
    form : str
        The format that it must say it has.
    holds : str
        What it is a pack of, for the message.
    rows : sequence of str
        Tensors that have a row a sample.
    streams : sequence of str
        Names of byte streams: `NAME_bytes`, uint8 (N,), and where each sample ends in it, `NAME_ends`, ints rising up to N.

    Returns
    -------
    open file of safetensors, list of str
        The second are the samples' names.

    Raises
    ------
    InputError
        If the file is missing, damaged, of another format, or its tables do not fit each other.
    """
    try:
        opened: Any = safe_open(path, framework="np")
        metadata = opened.metadata() or {}
    except (OSError, SafetensorError) as error:
        raise InputError(f"this is no pack of {holds}: {error}", subject=path) from error
    if metadata.get("format") != form:
        raise InputError(
            f"its format is {metadata.get('format')!r}, not {form!r}", subject=path, remedy="Make it again with `motionwarp dataset pack`."
        )
    try:
        names = json.loads(metadata["names"])
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise ValueError("its names are no list of names")
        for row in rows:
            _check_count(row, opened.get_slice(row).get_shape(), len(names))
        for stream in streams:
            size, ends = opened.get_slice(f"{stream}_bytes").get_shape(), opened.get_tensor(f"{stream}_ends")
            _check_count(f"{stream}_ends", ends.shape, len(names))
            if len(size) != 1 or ends.ndim != 1 or (np.diff(ends, prepend=0) < 0).any() or (len(ends) and int(ends[-1]) > size[0]):
                raise ValueError(f"{stream}_ends does not lie within {stream}_bytes")
    except (KeyError, TypeError, ValueError, RecursionError, SafetensorError) as error:
        raise InputError(
            f"its tables do not fit each other: {error}", subject=path, remedy="Make it again with `motionwarp dataset pack`."
        ) from error
    return opened, names


def _check_count(name: str, shape: Sequence[int], count: int) -> None:
    if len(shape) == 0 or shape[0] != count:
        raise ValueError(f"{name} has the shape {tuple(shape)} for {count} samples")
