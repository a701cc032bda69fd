"""Files that decide how clips look though no table of inputs names them: weights, backgrounds, points."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from motionwarp.checkpoints.registry import registry
from motionwarp.datasets.config import DatasetConfig
from motionwarp.datasets.input_notes import content_sha256
from motionwarp.datasets.storage.factory import split_address
from motionwarp.engines.registry import catalog, engine_choices, find_spec, is_own
from motionwarp.errors import MediaError, OptionError
from motionwarp.pipeline.options import BackgroundKind

# by the names that options know, the names of the register; empty for what has no weights of ours
_OF_ESTIMATORS: Final = {"builtin": "analyser", "dwpose": "dwpose", "mediapipe": ""}
_ASKED_AT_ONCE: Final = 16


def rooted(config: DatasetConfig) -> DatasetConfig:
    """Return the configuration with files by paths that hold in any working folder, such as that of another node."""
    options = config.options
    changes: dict[str, Any] = {}
    if options.background_choice.kind is BackgroundKind.FILE:
        changes["background"] = _rooted(options.background.strip())
    if options.engine not in engine_choices() and Path(options.engine).exists():
        changes["engine"] = _rooted(options.engine)
    if options.pose_estimator not in _OF_ESTIMATORS and Path(options.pose_estimator).exists():
        changes["pose_estimator"] = _rooted(options.pose_estimator)
    pairs = _rooted(config.pairs) if config.pairs.lower().endswith(".csv") else config.pairs
    return replace(config, options=replace(options, **changes), pairs=pairs)


def _rooted(address: str) -> str:
    storage, name = split_address(address)
    return storage.address(name)


def dependency_contents(config: DatasetConfig) -> dict[str, Any]:
    """Return what is kept of those files to notice that one has changed.

    Parameters
    ----------
    config : DatasetConfig
        As from `rooted`.

    Returns
    -------
    dict
        Checksums of `engine_weights` (with the distribution, for an engine of another), `estimator_weights`,
        `body_weights` and `background_file`, empty where there is none; `background_bytes`, the sizes of the pool's
        files by their addresses: they are many, and not read before they are needed.

    Raises
    ------
    OptionError
        If there is no such engine or estimator.
    MediaError
        If a background cannot be read.
    """
    options = config.options
    of_file = options.background_choice.kind is BackgroundKind.FILE
    pool = config.augmentation.backgrounds
    with ThreadPoolExecutor(_ASKED_AT_ONCE) as askers:
        sizes = dict(zip(pool, askers.map(_size, pool), strict=True))
    return {
        "engine_weights": _engine_sha256(options.engine),
        "estimator_weights": estimator_sha256(options.pose_estimator),
        "body_weights": " ".join(registry()[name].sha256 for name in ("body", "lifter")),
        "background_file": content_sha256(options.background) if of_file else "",
        "background_bytes": sizes,
    }


def estimator_sha256(name_or_file: str) -> str:
    """Return the sha256 of an estimator's weights or file; empty for one that brings its own."""
    if name_or_file in _OF_ESTIMATORS:
        name = _OF_ESTIMATORS[name_or_file]
        return registry()[name].sha256 if name else ""
    return _file_sha256("pose_estimator", name_or_file, tuple(_OF_ESTIMATORS))


def _engine_sha256(name_or_file: str) -> str:
    """Return the sha256 of an engine's weights, with its distribution if it is another's; empty without either."""
    if name_or_file not in engine_choices():
        return _file_sha256("engine", name_or_file, engine_choices())
    spec = find_spec(name_or_file)
    facts = []
    if not is_own(spec.name):  # another release of it may draw otherwise
        facts.append(catalog().distributions[spec.name])
    if spec.weights:
        known = spec.weights in registry()
        facts.append(registry()[spec.weights].sha256 if known else content_sha256(spec.weights))
    return " ".join([*facts, *(registry()[name].sha256 for name in spec.needs)])


def _file_sha256(option: str, file: str, names: Sequence[str]) -> str:
    if not Path(file).exists():
        raise OptionError(
            "is neither a name nor a file",
            values={option: file},
            remedy=f"Choose one of {', '.join(names)}, or give a file",
        )
    return content_sha256(file)


def _size(address: str) -> int:
    storage, name = split_address(address)
    try:
        return storage.size(name)
    except OSError as error:
        raise MediaError("there is no such file", subject=address, remedy="Check the folder of backgrounds") from error
