"""The metrics of a run over pairs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from motionwarp.evaluation.options import Family


@dataclass(frozen=True)
class Metric:
    """One metric.

    Attributes
    ----------
    name : str
        In files.
    title : str
        For people.
    better : "higher" or "lower"
    family : str
        What is computed together: "pictures" (fast, by default), "variants" (other settings of SSIM), "pose" and
        "parsing" (seen by the analyzer, mattes with the latter), "lpips" (one network), "sets" (FID and IS: metrics of
        all results at once).
    settings : str
        How it is taken: range and what published numbers it may be compared with.
    """

    name: str
    title: str
    better: Literal["higher", "lower"]
    family: Family
    settings: str


METRICS: Final = {
    metric.name: metric
    for metric in (
        Metric(
            "ssim",
            "SSIM",
            "higher",
            "pictures",
            "Gaussian window 11, sigma 1.5, population statistics, data range 1; as torchmetrics; at most 1",
        ),
        Metric(
            "ssim_patn",
            "SSIM (PATN)",
            "higher",
            "pictures",
            "as PATN's published code: Gaussian, values 0-255, data range of the result's own values; at most 1",
        ),
        Metric(
            "mask_ssim",
            "Mask-SSIM",
            "higher",
            "pictures",
            "SSIM with both backgrounds black, mask drawn from the target's points (PG2); at most 1",
        ),
        Metric(
            "local_ssim",
            "Local SSIM",
            "higher",
            "pictures",
            "44 regions of one eighth of the picture round points and between them (HPN); at most 1",
        ),
        Metric("psnr", "PSNR (dB)", "higher", "pictures", "peak 1; equal pictures count as 100 dB"),
        Metric("l1", "L1", "lower", "pictures", "mean absolute difference, values in [0, 1]"),
        Metric(
            "ms_ssim",
            "MS-SSIM",
            "higher",
            "variants",
            "five scales with the paper's weights; as torchmetrics; at most 1",
        ),
        Metric(
            "ssim_51",
            "SSIM (window 51)",
            "higher",
            "variants",
            "uniform window 51, sample statistics, data range 1, as GFLA's and CFLD's published code; at most 1",
        ),
        Metric("akd", "AKD (px)", "lower", "pose", "mean distance of points seen in result and truth, pixels"),
        Metric("mkr", "MKR", "lower", "pose", "share of the truth's points not seen in the result"),
        Metric(
            "pckh", "PCKh", "higher", "pose", "share of the truth's points within half the head's size (nose to neck)"
        ),
        Metric(
            "parsing_miou",
            "Parsing mIoU",
            "higher",
            "parsing",
            "parsings of result and truth by the analyzer, classes of the truth",
        ),
        Metric(
            "matte_iou",
            "Matte IoU",
            "higher",
            "parsing",
            "overlap of the mattes over one half that the analyzer sees in result and truth",
        ),
        Metric("lpips", "LPIPS", "lower", "lpips", "version 0.1, network named in the report"),
        Metric(
            "fid",
            "FID",
            "lower",
            "sets",
            "Inception of 2015 as pytorch-fid, 2048 features, results against the listed targets or `fid_reference`",
        ),
        Metric("is", "Inception Score", "higher", "sets", "Inception of 2015, 10 splits (fewer below 10 pictures)"),
    )
}
PRIMARY: Final = "ssim"


def metrics_of(families: tuple[Family, ...]) -> list[Metric]:
    """Return the metrics of these families, in the order of reports."""
    return [metric for metric in METRICS.values() if metric.family in families]
