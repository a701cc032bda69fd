"""Plain charts drawn with OpenCV, which the project has anyway: bars and lines in panels, panels on a page."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import cv2
import numpy as np

from motionwarp.types import ByteArray

Color = tuple[int, int, int]

WIDTH: Final = 720
_FINER: Final = 2  # everything is drawn so much larger and reduced, for clean letters
_TOP, _BOTTOM, _SIDE = 64, 44, 24
_ROW, _GAP = 20, 10
_TEXT: Final = 0.46
_INK: Final = (40, 40, 40)
_PALE: Final = (215, 215, 215)
_COLORS: Final[tuple[Color, ...]] = (
    (52, 101, 164), (220, 120, 30), (60, 150, 80), (180, 50, 60), (120, 90, 170), (110, 110, 110), (30, 160, 170),
    (200, 150, 20),
)  # fmt: skip


@dataclass(frozen=True)
class BarChart:
    """Rows of bars from left to right.

    Attributes
    ----------
    title : str
    rows : tuple of (str, dict of str to float)
        A label, and the value of each series there.
    form : str
        How values are written, such as "{:.1f}".
    mark : float or None
        A value to draw a line at.
    """

    title: str
    rows: tuple[tuple[str, Mapping[str, float]], ...]
    form: str = "{:.1f}"
    mark: float | None = None


@dataclass(frozen=True)
class LineChart:
    """Curves over a logarithmic axis from left to right.

    Attributes
    ----------
    title : str
    across : str
        What is told by the axis from left to right.
    curves : dict of str to tuple of (float, float)
        Points of each series; x is over 0.
    logarithmic : bool
        Whether the upright axis is, too; else it begins at 0.
    """

    title: str
    across: str
    curves: Mapping[str, tuple[tuple[float, float], ...]]
    logarithmic: bool = False


Chart = BarChart | LineChart


def page(charts: Sequence[Chart], columns: int, footer: str) -> ByteArray:
    """Draw charts on white, each in the column that is shortest so far, with a line of text below; uint8 (H, W, 3)."""
    stacks: list[list[ByteArray]] = [[] for _ in range(min(columns, len(charts)))]
    for chart in charts:
        panel = _bars(chart) if isinstance(chart, BarChart) else _lines(chart)
        min(stacks, key=_height).append(panel)
    height = max(_height(stack) for stack in stacks)
    body = np.hstack([_padded(np.vstack(stack), height, WIDTH * _FINER) for stack in stacks])
    line = _blank(28, WIDTH * len(stacks))
    _write(line, footer, (_SIDE, 16), 0.38)
    drawn = np.vstack([body, line])
    size = drawn.shape[1] // _FINER, drawn.shape[0] // _FINER
    return np.asarray(cv2.resize(drawn, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _height(stack: Sequence[ByteArray]) -> int:
    return sum(panel.shape[0] for panel in stack)


def ticks(most: float) -> list[float]:
    """Return about five round values from 0 to the first at or above `most`, which is over 0."""
    step = 10 ** math.floor(math.log10(most / 4))
    step *= next(factor for factor in (1, 2, 2.5, 5, 10) if most / (factor * step) <= 5)
    return [step * number for number in range(math.ceil(most / step - 1e-9) + 1)]


def decades(least: float, most: float) -> list[float]:
    """Return 1, 2 and 5 times powers of ten, from the last at or below `least` to the first at or above `most`."""
    powers = range(math.floor(math.log10(least)) - 1, math.ceil(math.log10(most)) + 2)
    values = sorted(factor * 10.0**power for power in powers for factor in (1, 2, 5))
    below = max(value for value in values if value <= least * (1 + 1e-9))
    above = min(value for value in values if value >= most * (1 - 1e-9))
    return [value for value in values if below <= value <= above]


def _bars(chart: BarChart) -> ByteArray:
    series = _names(values for _, values in chart.rows)
    rows = sum(len(values) for _, values in chart.rows)
    panel = _blank(_TOP + rows * _ROW + len(chart.rows) * _GAP + 12, WIDTH)
    _heading(panel, chart.title, series)
    labels = max((_text_width(label) for label, _ in chart.rows), default=0)
    left = _SIDE + labels + 10
    right = WIDTH - 76
    scale = (right - left) / max((value for _, values in chart.rows for value in values.values()), default=1)
    top = float(_TOP)
    for label, values in chart.rows:
        _write(panel, label, (_SIDE, top + _ROW * len(values) / 2 + 5))
        for name, value in values.items():
            _box(
                panel,
                (left, top + 2),
                (left + value * scale, top + _ROW - 2),
                _COLORS[series.index(name) % len(_COLORS)],
            )
            _write(panel, chart.form.format(value), (left + value * scale + 6, top + _ROW - 6))
            top += _ROW
        top += _GAP
    if chart.mark is not None:
        place = left + chart.mark * scale
        _line(panel, (place, _TOP - 4), (place, panel.shape[0] / _FINER - 8), _INK)
    return panel


def _lines(chart: LineChart) -> ByteArray:
    height, left = 360, _SIDE + 46
    panel = _blank(height, WIDTH)
    _heading(panel, chart.title, list(chart.curves))
    points = [point for curve in chart.curves.values() for point in curve]
    across = decades(min(x for x, _ in points), max(x for x, _ in points))
    upright = (
        decades(min(y for _, y in points), max(y for _, y in points))
        if chart.logarithmic
        else ticks(max(y for _, y in points))
    )

    def place(x: float, y: float) -> tuple[float, float]:
        share_x = _share(math.log(x), math.log(across[0]), math.log(across[-1]))
        bounds = (math.log(upright[0]), math.log(upright[-1])) if chart.logarithmic else (upright[0], upright[-1])
        share_y = _share(math.log(y) if chart.logarithmic else y, *bounds)
        return left + share_x * (WIDTH - 40 - left), height - _BOTTOM - share_y * (height - _BOTTOM - _TOP)

    for value in upright:
        _line(panel, place(across[0], value), place(across[-1], value), _PALE)
        text = f"{value:g}"
        _write(panel, text, (left - 8 - _text_width(text), place(across[0], value)[1] + 5))
    for value in across:
        text = f"{value:g}"
        _write(panel, text, (place(value, upright[0])[0] - _text_width(text) / 2, height - _BOTTOM + 18))
    _write(panel, chart.across, (WIDTH - 40 - _text_width(chart.across), height - 8))
    for number, curve in enumerate(chart.curves.values()):
        color = _COLORS[number % len(_COLORS)]
        placed = [place(x, y) for x, y in sorted(curve)]
        for one, other in pairwise(placed):
            _line(panel, one, other, color, 2)
        for point in placed:
            _dot(panel, point, color)
    return panel


def _heading(panel: ByteArray, title: str, series: Sequence[str]) -> None:
    """Write the title, and what each color means where there is more than one."""
    _write(panel, title, (_SIDE, 24), 0.54)
    if len(series) < 2:
        return
    left = float(_SIDE)
    for number, name in enumerate(series):
        _box(panel, (left, 38), (left + 11, 49), _COLORS[number % len(_COLORS)])
        _write(panel, name, (left + 16, 48), 0.4)
        left += 16 + _text_width(name, 0.4) + 16


def _names(rows: Iterable[Mapping[str, float]]) -> list[str]:
    return list(dict.fromkeys(name for values in rows for name in values))


def _share(value: float, low: float, high: float) -> float:
    return (value - low) / (high - low) if high > low else 0.5


def _blank(height: float, width: float) -> ByteArray:
    return np.full((round(height) * _FINER, round(width) * _FINER, 3), 255, dtype=np.uint8)


def _padded(panel: ByteArray, height: int, width: int) -> ByteArray:
    result = np.full((height, width, 3), 255, dtype=np.uint8)
    result[: panel.shape[0], : panel.shape[1]] = panel
    return result


def _text_width(text: str, scale: float = _TEXT) -> float:
    size: float = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale * _FINER, _FINER)[0][0]
    return size / _FINER


def _write(panel: ByteArray, text: str, place: tuple[float, float], scale: float = _TEXT) -> None:
    cv2.putText(panel, text, _pixel(place), cv2.FONT_HERSHEY_SIMPLEX, scale * _FINER, _INK, _FINER, cv2.LINE_AA)


def _line(panel: ByteArray, start: tuple[float, float], end: tuple[float, float], color: Color, width: int = 1) -> None:
    cv2.line(panel, _pixel(start), _pixel(end), color, width * _FINER, cv2.LINE_AA)


def _box(panel: ByteArray, start: tuple[float, float], end: tuple[float, float], color: Color) -> None:
    cv2.rectangle(panel, _pixel(start), _pixel(end), color, -1)


def _dot(panel: ByteArray, place: tuple[float, float], color: Color) -> None:
    cv2.circle(panel, _pixel(place), 4 * _FINER, color, -1, cv2.LINE_AA)


def _pixel(place: tuple[float, float]) -> tuple[int, int]:
    return round(place[0] * _FINER), round(place[1] * _FINER)
