"""What one run over pairs is asked to do."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from motionwarp.errors import OptionError
from motionwarp.evaluation.extractors.backbones import BackboneName
from motionwarp.evaluation.pairs.render import Fit

Family = Literal["pictures", "variants", "pose", "parsing", "lpips", "sets"]


@dataclass(frozen=True)
class Figure:
    """One figure.

    Attributes
    ----------
    name : str
        In files.
    title : str
        For people.
    better : "higher" or "lower"
    family : str
        What is computed together: "pictures" (fast, by default), "variants" (other settings of SSIM), "pose" and
        "parsing" (seen by the analyzer), "lpips" (one network), "sets" (FID and IS: figures of all results at once).
    settings : str
        How it is taken: range and what published numbers it may be compared with.
    """

    name: str
    title: str
    better: Literal["higher", "lower"]
    family: Family
    settings: str


FIGURES: Final = {
    figure.name: figure
    for figure in (
        Figure(
            "ssim",
            "SSIM",
            "higher",
            "pictures",
            "Gaussian window 11, sigma 1.5, population statistics, data range 1; as torchmetrics; at most 1",
        ),
        Figure(
            "ssim_patn",
            "SSIM (PATN)",
            "higher",
            "pictures",
            "as PATN's published code: Gaussian, values 0-255, data range of the result's own values; at most 1",
        ),
        Figure(
            "mask_ssim",
            "Mask-SSIM",
            "higher",
            "pictures",
            "SSIM with both backgrounds black, mask drawn from the target's points (PG2); at most 1",
        ),
        Figure(
            "local_ssim",
            "Local SSIM",
            "higher",
            "pictures",
            "44 regions of one eighth of the picture round points and between them (HPN); at most 1",
        ),
        Figure("psnr", "PSNR (dB)", "higher", "pictures", "peak 1; equal pictures count as 100 dB"),
        Figure("l1", "L1", "lower", "pictures", "mean absolute difference, values in [0, 1]"),
        Figure(
            "ms_ssim",
            "MS-SSIM",
            "higher",
            "variants",
            "five scales with the paper's weights; as torchmetrics; at most 1",
        ),
        Figure(
            "ssim_51",
            "SSIM (window 51)",
            "higher",
            "variants",
            "uniform window 51, sample statistics, data range 1, as GFLA's and CFLD's published code; at most 1",
        ),
        Figure("akd", "AKD (px)", "lower", "pose", "mean distance of points seen in result and truth, pixels"),
        Figure("mkr", "MKR", "lower", "pose", "share of the truth's points not seen in the result"),
        Figure(
            "pckh", "PCKh", "higher", "pose", "share of the truth's points within half the head's size (nose to neck)"
        ),
        Figure(
            "parsing_miou",
            "Parsing mIoU",
            "higher",
            "parsing",
            "parsings of result and truth by the analyzer, classes of the truth",
        ),
        Figure("lpips", "LPIPS", "lower", "lpips", "version 0.1, network named in the report"),
        Figure(
            "fid",
            "FID",
            "lower",
            "sets",
            "Inception of 2015 as pytorch-fid, 2048 features, results against the listed targets or --fid-reference",
        ),
        Figure("is", "Inception Score", "higher", "sets", "Inception of 2015, 10 splits (fewer below 10 pictures)"),
    )
}
PRIMARY: Final = "ssim"
FAMILIES: Final[tuple[Family, ...]] = ("pictures", "variants", "pose", "parsing", "lpips", "sets")
DEFAULT_FAMILIES: Final[tuple[Family, ...]] = ("pictures", "lpips", "sets")


def parse_families(text: str) -> tuple[Family, ...]:
    """Read "default", "all", or names of families with commas between.

    Raises
    ------
    OptionError
        If a name is none of them.
    """
    if text == "default":
        return DEFAULT_FAMILIES
    if text == "all":
        return FAMILIES
    names = [name.strip() for name in text.split(",") if name.strip()]
    chosen = tuple(family for family in FAMILIES if family in names)
    if unknown := sorted(set(names) - set(FAMILIES)):
        raise OptionError(
            f"'{unknown[0]}' is no family of figures",
            subject="--figures",
            remedy=f"Choose default, all, or of {', '.join(FAMILIES)}, with commas between",
        )
    if not chosen:
        raise OptionError("names no figures", subject="--figures", remedy=f"Choose of {', '.join(FAMILIES)}")
    return chosen


def figures_of(families: tuple[Family, ...]) -> list[Figure]:
    """Return the figures of these families, in the order of reports."""
    return [figure for figure in FIGURES.values() if figure.family in families]


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
        Published points; without them the analyzer sees targets (and sources, for engines).
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
        Seed of the draw, the bootstrap and the permutations.
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
