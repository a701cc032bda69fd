"""Plots as inline SVG: how sure means are, how metrics are spread, and two systems against each other pair by pair."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Final

import numpy as np
import numpy.typing as npt

from motionwarp.evaluation.statistics import Interval

Doubles = npt.NDArray[np.float64]

# Okabe and Ito's colors, which color-blind people tell apart; used in turn
COLORS: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7a7a7a")
_WIDTH: Final = 420
_HEIGHT: Final = 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 14, 28, 38
_MOST_BINS: Final = 32
_MOST_POINTS: Final = 1500


class Axis:
    """A linear scale from values to pixels.

    Parameters
    ----------
    low, high : float
        Values at the ends; widened a little where they are equal.
    start, end : float
        Pixels.
    """

    def __init__(self, low: float, high: float, start: float, end: float) -> None:
        margin = 0.0 if high > low else max(abs(low) * 0.05, 1e-3)
        self.low, self.high = low - margin, high + margin
        self.start, self.end = start, end

    def place(self, value: float) -> float:
        """Return a value's pixel."""
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)

    def ticks(self, count: int = 5) -> list[float]:
        """Return round values inside, about `count`."""
        raw = (self.high - self.low) / count
        power = 10.0 ** np.floor(np.log10(raw))
        step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= raw)
        first = np.ceil(self.low / step - 1e-9) * step
        # adding 0 turns the -0 that rounding leaves into 0
        return [float(value) + 0.0 for value in np.arange(first, self.high + step * 1e-6, step)]


def color_of(index: int) -> str:
    """Return a system's color."""
    return COLORS[index % len(COLORS)]


def interval_plot(title: str, intervals: Mapping[str, Interval]) -> str:
    """Draw every system's mean with its interval."""
    low = min(interval.low for interval in intervals.values())
    high = max(interval.high for interval in intervals.values())
    spread = (high - low) * 0.08
    height = _TOP + 26 * len(intervals) + _BOTTOM
    axis = Axis(low - spread, high + spread, 110, _WIDTH - _RIGHT)
    parts = [_x_axis(axis, height - _BOTTOM, _TOP)]
    for index, (name, interval) in enumerate(intervals.items()):
        y = _TOP + 26 * index + 13
        start, middle, end = (axis.place(value) for value in (interval.low, interval.mean, interval.high))
        caption = escape(f"{name}: {interval.mean:.4g} ({interval.low:.4g} to {interval.high:.4g})")
        parts.append(
            f'<g stroke="{color_of(index)}" fill="{color_of(index)}"><title>{caption}</title>'
            f'<line x1="{start:.1f}" x2="{end:.1f}" y1="{y}" y2="{y}" stroke-width="3"/><circle cx="{middle:.1f}" '
            f'cy="{y}" r="5"/></g>'
            f'<text x="102" y="{y + 4}" text-anchor="end">{escape(_short(name))}</text>'
        )
    return _svg(title, height, parts)


def distribution_plot(title: str, values: Mapping[str, Doubles]) -> str:
    """Draw how many pairs have which metric, one outline a system."""
    everything = np.concatenate(list(values.values()))
    bins = int(np.clip(2 * np.sqrt(len(everything) / len(values)), 4, _MOST_BINS))
    edges = np.linspace(everything.min(), max(everything.max(), everything.min() + 1e-9), bins + 1)
    counts = {name: np.histogram(each, edges)[0] for name, each in values.items()}
    x = Axis(float(edges[0]), float(edges[-1]), _LEFT, _WIDTH - _RIGHT)
    y = Axis(0, float(max(count.max() for count in counts.values())), _HEIGHT - _BOTTOM, _TOP)
    parts = [_x_axis(x, _HEIGHT - _BOTTOM, _TOP), _y_axis(y)]
    for index, (name, count) in enumerate(counts.items()):
        corners = [(x.place(edges[0]), y.place(0))]
        for number, start, end in zip(count, edges, edges[1:], strict=False):
            corners += [(x.place(start), y.place(number)), (x.place(end), y.place(number))]
        corners.append((x.place(edges[-1]), y.place(0)))
        path = " ".join(f"{column:.1f},{row:.1f}" for column, row in corners)
        color = color_of(index)
        parts.append(
            f'<polyline points="{path}" fill="{color}" fill-opacity="0.13" stroke="{color}" stroke-width="1.6">'
            f"<title>{escape(name)}</title></polyline>"
        )
    return _svg(title, _HEIGHT, parts, list(values))


def scatter_plot(title: str, names: tuple[str, str], first: Doubles, second: Doubles, *, seed: int = 0) -> str:
    """Draw one system's metrics against another's, a dot a pair; at most 1,500 of them, drawn at random."""
    if len(first) > _MOST_POINTS:
        chosen = np.random.default_rng(seed).choice(len(first), _MOST_POINTS, replace=False)
        first, second = first[chosen], second[chosen]
    low, high = float(min(first.min(), second.min())), float(max(first.max(), second.max()))
    x, y = Axis(low, high, _LEFT, _WIDTH - _RIGHT), Axis(low, high, _HEIGHT - _BOTTOM, _TOP)
    ends = (x.place(x.low), y.place(y.low), x.place(x.high), y.place(y.high))
    dots = "".join(
        f'<circle cx="{x.place(a):.1f}" cy="{y.place(b):.1f}" r="2.2"/>' for a, b in zip(first, second, strict=True)
    )
    parts = [
        _x_axis(x, _HEIGHT - _BOTTOM, _TOP),
        _y_axis(y),
        '<line class="equal" x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>'.format(*ends),
        f'<g fill="{COLORS[0]}" fill-opacity="0.55">{dots}</g>',
        f'<text x="{_WIDTH - _RIGHT}" y="{_HEIGHT - 4}" text-anchor="end">{escape(names[0])}</text>',
        f'<text x="6" y="{_TOP - 12}">{escape(names[1])}</text>',
    ]
    return _svg(title, _HEIGHT, parts)


def _svg(title: str, height: int, parts: Sequence[str], legend: Sequence[str] = ()) -> str:
    place = _LEFT
    for index, name in enumerate(legend):
        label = escape(_short(name))
        parts = [
            *parts,
            f'<rect x="{place}" y="{height - 12}" width="9" height="9" fill="{color_of(index)}"/>',
            f'<text x="{place + 13}" y="{height - 4}">{label}</text>',
        ]
        place += 24 + 7 * len(_short(name))
    label = escape(title)
    return (
        f'<figure><svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{label}">{"".join(parts)}</svg>'
        f"<figcaption>{label}</figcaption></figure>"
    )


def _x_axis(axis: Axis, y: float, top: float) -> str:
    lines = [f'<line class="axis" x1="{axis.start}" x2="{axis.end}" y1="{y}" y2="{y}"/>']
    for value in axis.ticks():
        x = axis.place(value)
        lines.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{top}" y2="{y}"/>')
        lines.append(f'<text x="{x:.1f}" y="{y + 14}" text-anchor="middle">{value:.4g}</text>')
    return "".join(lines)


def _y_axis(axis: Axis) -> str:
    lines = []
    for value in axis.ticks(4):
        y = axis.place(value)
        lines.append(f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        lines.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:.4g}</text>')
    return "".join(lines)


def _short(name: str) -> str:
    return name if len(name) <= 16 else f"{name[:15]}…"
