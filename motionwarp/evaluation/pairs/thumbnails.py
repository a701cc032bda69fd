"""The pictures of a report's rows, small and as data inside the page."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from motionwarp.errors import MotionwarpError
from motionwarp.evaluation.pairs.config import METRICS, PRIMARY
from motionwarp.evaluation.pairs.render import fitted
from motionwarp.evaluation.pairs.results import PairsResult
from motionwarp.evaluation.pairs.systems import COPY
from motionwarp.media.image import read_image
from motionwarp.pose.drawing import draw_pose
from motionwarp.types import ByteArray, Pose

THUMBNAIL_HEIGHT: Final = 224
_JPEG_QUALITY: Final = 82
# differences of a quarter of the range are already plain errors
_GAIN: Final = 3.0


@dataclass(frozen=True)
class ReportRow:
    """One pair of the report.

    Attributes
    ----------
    index : int
        Index of the pair in the result.
    rank : int
        From 0, the worst.
    source, pose, truth : str
        Data addresses of pictures; `pose` is empty where no points are known.
    results : dict of str to (str, str)
        By system: the result and its difference from the truth.
    """

    index: int
    rank: int
    source: str
    pose: str
    truth: str
    results: dict[str, tuple[str, str]]


def ranking(result: PairsResult) -> tuple[str, str, list[int]]:
    """Return by which metric and system pairs are ranked, and their order, the worst first.

    SSIM of the first system that is not the copy, or the first metric there is; pairs without one are left out.
    """
    system = next((each.name for each in result.systems if each.kind != COPY), result.systems[0].name)
    values = result.values[system]
    metric = PRIMARY if PRIMARY in values else next(iter(values), "")
    if not metric:
        return "", system, list(range(len(result.pairs)))
    goodness = values[metric] * (1 if METRICS[metric].better == "higher" else -1)
    order = [int(index) for index in np.argsort(goodness, kind="stable") if np.isfinite(goodness[index])]
    return metric, system, order


def chosen_rows(order: Sequence[int], count: int) -> list[int]:
    """Return the places in the order that are shown: its worst and best, half of each."""
    if len(order) <= count:
        return list(range(len(order)))
    worst = count - count // 2
    return [*range(worst), *range(len(order) - count // 2, len(order))]


def report_rows(result: PairsResult, poses: Mapping[str, Pose], count: int) -> list[ReportRow]:
    """Return the rows to be shown with their pictures, the worst first.

    Parameters
    ----------
    result : PairsResult
    poses : mapping of str to Pose
        Points of targets by name, as far as they are known.
    count : int
    """
    _, _, order = ranking(result)
    rows = []
    for rank in chosen_rows(order, count):
        row = _row(result, poses, order[rank], rank)
        if row is not None:
            rows.append(row)
    return rows


def _row(result: PairsResult, poses: Mapping[str, Pose], index: int, rank: int) -> ReportRow | None:
    pair = result.pairs[index]
    try:
        source, truth = read_image(pair.source).rgb, read_image(pair.target).rgb
        made = {system.name: read_image(result.results[system.name][index]).rgb for system in result.systems}
        results = {}
        for name, picture in made.items():
            one, other, _ = fitted(picture, truth, result.settings.fit)
            results[name] = (data_address(one), data_address(difference(one, other)))
    except MotionwarpError:
        return None  # a file that vanished since it was scored; its metrics stand
    pose = poses.get(pair.names.target)
    drawn = "" if pose is None else data_address(draw_pose(np.zeros_like(truth), pose.points))
    return ReportRow(index, rank, data_address(source), drawn, data_address(truth), results)


def difference(first: ByteArray, second: ByteArray) -> ByteArray:
    """Return where two pictures differ, black to yellow, uint8 (H, W, 3)."""
    apart = np.abs(first.astype(np.float32) - second.astype(np.float32)).mean(axis=2)
    levels = np.clip(apart * _GAIN, 0, 255).astype(np.uint8)
    return np.asarray(cv2.cvtColor(cv2.applyColorMap(levels, cv2.COLORMAP_INFERNO), cv2.COLOR_BGR2RGB), dtype=np.uint8)


def data_address(picture: ByteArray) -> str:
    """Return a small JPEG of a picture as a data address."""
    height, width = picture.shape[:2]
    if height > THUMBNAIL_HEIGHT:
        size = (max(round(width * THUMBNAIL_HEIGHT / height), 1), THUMBNAIL_HEIGHT)
        picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    _, stream = cv2.imencode(
        ".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY]
    )
    return f"data:image/jpeg;base64,{base64.b64encode(stream.tobytes()).decode('ascii')}"
