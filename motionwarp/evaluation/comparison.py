"""Metrics of several systems on the same frames: means and paired differences, in a form for JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Final

import cv2
import numpy as np

from motionwarp.evaluation.avatars import View
from motionwarp.evaluation.frame_metrics import FrameMetrics
from motionwarp.media.contact_sheet import Tile
from motionwarp.types import ByteArray

# all but these are better the higher they are
LOWER_IS_BETTER: Final = ("l1", "flicker")
_DIGITS: Final = 5
FACING_NEAR: Final = 30.0  # degrees
VIEWS: Final = ("front", "profile", "back")


@dataclass(frozen=True)
class FrameRecord:
    """All systems' metrics of one frame.

    Attributes
    ----------
    frame : str
        A number in a clip, or a photo's name.
    metrics : dict
        By system.
    real_near : int
        Number of the target's points that the analyzer finds on the real picture: what a perfect result would get.
    view : 'front', 'profile', 'back' or None
        What side of the person the real picture shows; None where that is not known.
    facing_apart : dict
        By system, by how many degrees its person faces another way than the real one, as a referee sees both; empty
        where there is no referee, or it cannot tell the real one's facing.
    """

    frame: str
    metrics: dict[str, FrameMetrics]
    real_near: int
    view: View | None = None
    facing_apart: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class SheetRow:
    """One frame for people to look at.

    Attributes
    ----------
    frame : str
    target : uint8 (h, w, 3)
    results : dict
        By system, uint8 (h, w, 3).
    record : FrameRecord
    source : uint8 (h, w, 3) or None
        Where every frame has a source of its own.
    """

    frame: str
    target: ByteArray
    results: dict[str, ByteArray]
    record: FrameRecord
    source: ByteArray | None = None


@dataclass(frozen=True, eq=False)
class Comparison:
    """All systems on one clip or set of photos.

    Attributes
    ----------
    name : str
    systems : tuple of str
    records : list of FrameRecord
    facts : dict
        What else is told of the clip: its source frame and where its labels come from.
    flicker : dict
        By system, and "real" for the driving clip; mean over pairs of frames. Empty where it was not measured.
    source : uint8 (h, w, 3) or None
        The source picture, where there is just one.
    rows : list of SheetRow
        Frames kept for a contact sheet.
    """

    name: str
    systems: tuple[str, ...]
    records: list[FrameRecord]
    details: dict[str, object] = field(default_factory=dict)
    flicker: dict[str, float] = field(default_factory=dict)
    source: ByteArray | None = None
    rows: list[SheetRow] = field(default_factory=list)

    def means(self) -> dict[str, dict[str, float]]:
        """Return every system's metrics over the frames, and "real": what the real pictures themselves get."""
        result = {}
        for system in self.systems:
            metrics = [record.metrics[system] for record in self.records]
            result[system] = {
                "ssim": _mean([each.ssim for each in metrics]),
                "psnr": _mean([each.psnr for each in metrics]),
                "l1": _mean([each.l1 for each in metrics]),
                "matte_iou": _mean([each.matte_iou for each in metrics]),
                "points_redetected": _share(
                    sum(each.points_near for each in metrics), sum(each.points_total for each in metrics)
                ),
            }
        first = self.systems[0]
        total = sum(record.metrics[first].points_total for record in self.records)
        result["real"] = {"points_redetected": _share(sum(record.real_near for record in self.records), total)}
        for system, value in self.flicker.items():
            result[system]["flicker"] = round(value, _DIGITS)
        judged = [record.facing_apart for record in self.records if record.facing_apart]
        if judged:
            for system in self.systems:
                near = sum(apart[system] <= FACING_NEAR for apart in judged)
                result[system]["facing_within_30"] = _share(near, len(judged))
        return result

    def by_view(self) -> dict[str, Comparison]:
        """Return the comparison of the frames that show each side of the person, where that is known."""
        views = [view for view in VIEWS if any(record.view == view for record in self.records)]
        return {
            view: replace(self, records=[record for record in self.records if record.view == view], flicker={}, rows=[])
            for view in views
        }

    def summary(self) -> dict[str, object]:
        """Return everything for JSON, frame by frame too."""
        return {
            "name": self.name,
            **self.details,
            "frames": len(self.records),
            "figures": self.means(),
            "by_view": {
                view: {"frames": len(part.records), "figures": part.means()} for view, part in self.by_view().items()
            },
            "by_frame": [_frame_summary(record) for record in self.records],
        }


def overall_means(comparisons: Sequence[Comparison]) -> dict[str, dict[str, float]]:
    """Return every system's metrics as means over clips, each clip counting once whatever its length."""
    by_clip = [comparison.means() for comparison in comparisons]
    result: dict[str, dict[str, float]] = {}
    for system in by_clip[0]:
        measures = [measure for measure in by_clip[0][system] if all(measure in clip[system] for clip in by_clip)]
        result[system] = {measure: _mean([clip[system][measure] for clip in by_clip]) for measure in measures}
    return result


def paired_differences(comparisons: Sequence[Comparison]) -> dict[str, dict[str, dict[str, float]]]:
    """Compare every two systems frame by frame.

    Returns
    -------
    dict
        "first - second" to measure to `mean` (of the clips' mean differences), `least` and `most` (over clips), and
        `better`: the share of all frames on which the first is better, a draw counting half.
    """
    result = {}
    for first, second in combinations(comparisons[0].systems, 2):
        result[f"{first} - {second}"] = {
            measure: _paired(comparisons, first, second, measure)
            for measure in ("ssim", "psnr", "l1", "matte_iou", "points_redetected")
        }
    return result


def _paired(comparisons: Sequence[Comparison], first: str, second: str, measure: str) -> dict[str, float]:
    by_clip = []
    for comparison in comparisons:
        pairs = [
            (_value(record.metrics[first], measure), _value(record.metrics[second], measure))
            for record in comparison.records
        ]
        by_clip.append(np.array([one - other for one, other in pairs if one is not None and other is not None]))
    by_clip = [differences for differences in by_clip if len(differences)]
    if not by_clip:
        return {}
    means = [float(differences.mean()) for differences in by_clip]
    sign = -1 if measure in LOWER_IS_BETTER else 1
    every = sign * np.concatenate(by_clip)
    return {
        "mean": _mean(means),
        "least": round(min(means), _DIGITS),
        "most": round(max(means), _DIGITS),
        "better": round(float(((every > 0) + 0.5 * (every == 0)).mean()), _DIGITS),
    }


def _value(metrics: FrameMetrics, measure: str) -> float | None:
    if measure == "points_redetected":
        return metrics.points_near / metrics.points_total if metrics.points_total else None
    return float(getattr(metrics, measure))


def _frame_summary(record: FrameRecord) -> dict[str, object]:
    metrics: dict[str, dict[str, object]] = {
        system: {
            "ssim": round(each.ssim, _DIGITS),
            "psnr": round(each.psnr, 3),
            "l1": round(each.l1, _DIGITS),
            "matte_iou": round(each.matte_iou, _DIGITS),
            "points": [each.points_near, each.points_total],
        }
        for system, each in record.metrics.items()
    }
    for system, degrees in record.facing_apart.items():
        metrics[system]["facing_apart"] = round(degrees, 1)
    return {"frame": record.frame, **metrics}


def _mean(values: Sequence[float]) -> float:
    return round(float(np.mean(values)), _DIGITS)


def _share(part: int, whole: int) -> float:
    return round(part / max(whole, 1), _DIGITS)


_TALLEST: Final = 256  # pixels of a picture on the sheet
_PLAIN: Final = 255


def comparison_tiles(comparisons: Sequence[Comparison]) -> list[Tile]:
    """Return the tiles of all kept frames, row after row; every row has 2 + systems tiles."""
    return [tile for comparison in comparisons for row in comparison.rows for tile in _row(comparison, row)]


def _row(comparison: Comparison, row: SheetRow) -> list[Tile]:
    source = row.source if row.source is not None else comparison.source
    blank = np.full_like(row.target, _PLAIN)
    tiles = [
        Tile(_small(blank if source is None else source), "source"),
        Tile(_small(row.target), f"{comparison.name} {row.frame}"),
    ]
    for system, picture in row.results.items():
        metrics = row.record.metrics[system]
        caption = f"{system} {metrics.ssim:.3f} {metrics.psnr:.1f} {metrics.points_near}/{metrics.points_total}"
        tiles.append(Tile(_small(picture), caption))
    return tiles


def _small(rgb: ByteArray) -> ByteArray:
    scale = _TALLEST / rgb.shape[0]
    if scale >= 1:
        return rgb
    size = (max(round(rgb.shape[1] * scale), 1), _TALLEST)
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
