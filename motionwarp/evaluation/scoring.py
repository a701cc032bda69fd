"""Gathering metrics while frames come by: scoring, flicker, and the frames worth looking at."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from motionwarp.evaluation.avatars import View
from motionwarp.evaluation.comparison import Comparison, FrameRecord, SheetRow
from motionwarp.evaluation.frame_metrics import FrameScorer, RenderedView, TargetView
from motionwarp.evaluation.metrics.pose import flicker
from motionwarp.evaluation.systems import COPY
from motionwarp.geometry.optical_flow import backward_flow
from motionwarp.types import ByteArray

REAL = "real"


class Scorer:
    """Takes rendered frames in order and keeps only metrics and a few pictures.

    Parameters
    ----------
    judge : Judge
    systems : sequence of str
        Names, in the order of the results.
    evaluated : sequence of int
        Frames that count; others are only partners for flicker.
    rows : int
        Frames to keep: half of them evenly spaced, half the worst by the first system's SSIM (the copy's if it is
        alone).
    with_flicker : bool
    name_of : callable
        What a frame's number is called in reports.
    view_of : callable, optional
        What side of the person a frame shows, by its number.
    """

    def __init__(
        self,
        frame_scorer: FrameScorer,
        systems: Sequence[str],
        evaluated: Sequence[int],
        rows: int,
        with_flicker: bool,
        name_of: Callable[[int], str] = str,
        view_of: Callable[[int], View | None] | None = None,
    ) -> None:
        self.frame_scorer = frame_scorer
        self.systems = tuple(systems)
        self.evaluated = frozenset(evaluated)
        self.with_flicker = with_flicker
        self.name_of = name_of
        self.view_of = view_of
        self.records: list[FrameRecord] = []
        self._scored_by = next((system for system in systems if system != COPY), systems[0])
        even = min(rows - rows // 2, len(evaluated))
        self._even = {evaluated[int(place)] for place in np.linspace(0, len(evaluated) - 1, even)} if even else set()
        self._worst_count = rows // 2
        self._even_rows: list[SheetRow] = []
        self._worst_rows: list[SheetRow] = []
        self._flicker: dict[str, list[float]] = {}
        self._before: tuple[int, dict[str, ByteArray]] | None = None

    def add(
        self,
        targets: Sequence[tuple[int, TargetView]],
        results: Sequence[Sequence[RenderedView]],
        sources: Sequence[ByteArray] | None = None,
    ) -> None:
        """Take a batch of frames.

        Parameters
        ----------
        targets : sequence of B (int, TargetView)
            Numbers and real pictures; numbers rise over all batches.
        results : for each system, a sequence of B views
        sources : sequence of B uint8 (h, w, 3), optional
            For the contact sheet, where every frame has a source of its own.
        """
        pictures = [
            {system: views[place].rgb for system, views in zip(self.systems, results, strict=True)}
            for place in range(len(targets))
        ]
        for place, record in self._records(targets, results):
            index, target = targets[place]
            self.records.append(record)
            own_source = None if sources is None else sources[place]
            self._keep(index, SheetRow(record.frame, target.rgb, pictures[place], record, own_source))
        if self.with_flicker:
            for (index, target), now in zip(targets, pictures, strict=True):
                self._compare(index, {**now, REAL: target.rgb})

    def _records(
        self, targets: Sequence[tuple[int, TargetView]], results: Sequence[Sequence[RenderedView]]
    ) -> list[tuple[int, FrameRecord]]:
        """Judge the frames that count; returns their places in the batch with their metrics."""
        counted = [place for place, (index, _) in enumerate(targets) if index in self.evaluated]
        if not counted:
            return []
        views = [targets[place][1] for place in counted]
        metrics = [self.frame_scorer.metrics([of_system[place] for place in counted], views) for of_system in results]
        real = self.frame_scorer.points_near([view.rgb for view in views], views)
        apart = [
            self.frame_scorer.facing_apart([of_system[place] for of_system in results], targets[place][1])
            for place in counted
        ]
        return [
            (
                place,
                FrameRecord(
                    self.name_of(targets[place][0]),
                    {system: each[row] for system, each in zip(self.systems, metrics, strict=True)},
                    real[row][0],
                    None if self.view_of is None else self.view_of(targets[place][0]),
                    {} if facing is None else dict(zip(self.systems, facing, strict=True)),
                ),
            )
            for row, (place, facing) in enumerate(zip(counted, apart, strict=True))
        ]

    def comparison(self, name: str, facts: dict[str, object], source: ByteArray | None) -> Comparison:
        """Return everything gathered."""
        worst = [row for row in self._worst_rows if row.frame not in {even.frame for even in self._even_rows}]
        means = {system: float(np.mean(values)) for system, values in self._flicker.items()}
        return Comparison(name, self.systems, self.records, facts, means, source, worst + self._even_rows)

    def _keep(self, index: int, row: SheetRow) -> None:
        if index in self._even:
            self._even_rows.append(row)
        self._worst_rows.append(row)
        self._worst_rows.sort(key=lambda each: each.record.metrics[self._scored_by].ssim)
        del self._worst_rows[self._worst_count :]

    def _compare(self, index: int, now: dict[str, ByteArray]) -> None:
        """Measure flicker where the frame before is an evaluated one."""
        before, self._before = self._before, (index, now)
        if before is None or before[0] != index - 1 or before[0] not in self.evaluated:
            return
        flow = backward_flow(before[1][REAL], now[REAL])
        for system, picture in now.items():
            self._flicker.setdefault(system, []).append(flicker(before[1][system], picture, flow))
