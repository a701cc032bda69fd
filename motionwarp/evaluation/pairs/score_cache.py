"""Scores on disk as they are made, one line a pair: what was scored stays scored, whatever happens later.

A file is for one system, one family of metrics and one choice of settings, all of which its name carries as a checksum.
A row also carries sizes and times of the files it was taken from; a pair whose files have changed is scored again.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from motionwarp.errors import InputError, OutputError

MetricValues = dict[str, float]


@dataclass(frozen=True)
class Score:
    """What came of one pair.

    Attributes
    ----------
    stamp : str
        Stamp of the files that the scores were taken from.
    metrics : dict of str to float
        NaN where a metric makes no sense for the pair. Empty if it failed.
    error : str or None
        Why it failed.
    """

    stamp: str
    metrics: MetricValues
    error: str | None = None


def stamp_of(*files: Path) -> str:
    """Return a text that changes when one of the files does: sizes and times of change."""
    parts = []
    for file in files:
        try:
            state = file.stat()
            parts.append(f"{state.st_size}:{state.st_mtime_ns}")
        except OSError:
            parts.append("absent")
    return " ".join(parts)


def settings_key(settings: Mapping[str, Any]) -> str:
    """Return twelve hexadecimal digits that differ where settings differ."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:12]


class ScoreCache:
    """The rows of one file, to be added to inside a `with` block.

    Parameters
    ----------
    path : Path
        Made if it is not there, with its folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.scores: dict[str, Score] = {}
        self._file: IO[str] | None = None
        if path.exists():
            self._read()

    def __enter__(self) -> ScoreCache:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            torn = self.path.exists() and not self.path.read_bytes().endswith(b"\n") and self.path.stat().st_size > 0
            self._file = self.path.open("a", encoding="utf-8")
        except OSError as error:
            raise OutputError(f"cannot be written ({error.strerror or error})", subject=self.path) from error
        if torn:
            # a run that was killed left half a line: what follows must not be joined to it
            self._file.write("\n")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def add(self, key: str, score: Score) -> None:
        """Keep a score, and have it on disk before anything else happens."""
        if self._file is None:
            raise RuntimeError("a score cache is written inside its with block")
        self.scores[key] = score
        row: dict[str, Any] = {"pair": key, "stamp": score.stamp}
        if score.error is None:
            row["figures"] = {name: _json_number(value) for name, value in score.metrics.items()}
        else:
            row["error"] = score.error
        try:
            self._file.write(json.dumps(row, ensure_ascii=False) + "\n")
            self._file.flush()
        except OSError as error:
            raise OutputError(f"cannot be written ({error.strerror or error})", subject=self.path) from error

    def holds(self, key: str, stamp: str) -> bool:
        """Return whether a pair was scored from these very files; one that failed is tried again."""
        score = self.scores.get(key)
        return score is not None and score.stamp == stamp and score.error is None

    def _read(self) -> None:
        try:
            lines = self.path.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError as error:
            raise InputError(f"cannot be read ({error.strerror or error})", subject=self.path) from error
        for line in lines:
            try:
                row = json.loads(line)
                metrics = {str(name): _number(value) for name, value in row.get("figures", {}).items()}
                self.scores[str(row["pair"])] = Score(str(row["stamp"]), metrics, row.get("error"))
            except (json.JSONDecodeError, KeyError, TypeError, AttributeError, ValueError):
                continue  # half a line of a run that was killed: the pair is scored again


def _json_number(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def _number(value: object) -> float:
    if value is None:
        return math.nan
    if isinstance(value, (int, float)):
        return float(value)
    raise ValueError(f"{value!r} is no number")
