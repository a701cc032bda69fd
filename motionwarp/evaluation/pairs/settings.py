"""What one run over pairs is asked to do."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from motionwarp.errors import OptionError
from motionwarp.evaluation.extractors.backbones import BackboneName
from motionwarp.evaluation.pairs.definitions import DEFAULT_FAMILIES, Family
from motionwarp.evaluation.pairs.fitting import Fit


@dataclass(frozen=True)
class PairsSettings:
    """One run.

    Attributes
    ----------
    pairs : Path
        The list.
    images : Path
        Folder of the list's pictures.
    report : Path
        Folder of everything that comes of the run; a run that is repeated goes on there.
    annotations : Path or None
        Published points; without them the analyser sees targets (and sources, for engines).
    engines, generated : tuple of str
        Systems; see `systems.make_systems`.
    pattern : str or None
        How generated results are named.
    families : tuple of Family
    fit : "exact", "crop" or "pad"
    with_points : bool
        Whether Mask-SSIM and local SSIM are wanted where no points were published.
    limit : int or None
        At most so many pairs, drawn at random with `seed`.
    seed : int
        Of the draw, the bootstrap and the permutations.
    jobs : int
        Processes for figures without networks.
    estimator, device, precision : str
        As for other commands.
    features : Path or None
        Folder of published feature networks.
    lpips : "alex", "vgg" or "squeeze"
    fid_reference : Path or None
        Folder of real pictures for FID; by default the targets of the list.
    """

    pairs: Path
    images: Path
    report: Path
    annotations: Path | None = None
    engines: tuple[str, ...] = ()
    generated: tuple[str, ...] = ()
    pattern: str | None = None
    families: tuple[Family, ...] = field(default=DEFAULT_FAMILIES)
    fit: Fit = "exact"
    with_points: bool = True
    limit: int | None = None
    seed: int = 0
    jobs: int = 1
    estimator: str = "builtin"
    device: str = "auto"
    precision: str = "auto"
    features: Path | None = None
    lpips: BackboneName = "alex"
    fid_reference: Path | None = None

    def __post_init__(self) -> None:
        if self.jobs < 1:
            raise OptionError("is no number of processes", subject=f"--jobs {self.jobs}", remedy="Give 1 or more.")
        if self.limit is not None and self.limit < 1:
            raise OptionError("is no number of pairs", subject=f"--limit {self.limit}", remedy="Give 1 or more.")
