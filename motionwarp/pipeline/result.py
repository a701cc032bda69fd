"""What came of a transfer."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class TransferResult:
    """The summary of a transfer that was finished.

    Attributes
    ----------
    output : Path
        The video that was written.
    frames : int
    width, height : int
        Of the output's frames in pixels.
    duration_seconds : float
        Of the output.
    engine, device, precision, estimator : str
        What was used.
    seconds : float
        On the wall, from reading the source to the finished file.
    fps : float
        Frames a second of the wall's time.
    stage_seconds : dict of str to float
        Busy seconds by kind of work. Work that overlaps counts for each, so the sum may exceed `seconds`.
    warnings : tuple of str
        What a user should know, with frame numbers from 0.
    retargeting : dict
        Ratios of bones and what was mirrored or estimated, for people who want to look.
    """

    output: Path
    frames: int
    width: int
    height: int
    duration_seconds: float
    engine: str
    device: str
    precision: str
    estimator: str
    seconds: float
    fps: float
    stage_seconds: dict[str, float]
    warnings: tuple[str, ...] = ()
    retargeting: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return everything as JSON can hold it."""
        values = asdict(self)
        values["output"] = str(self.output)
        values["warnings"] = list(self.warnings)
        return values
