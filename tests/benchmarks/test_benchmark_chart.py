"""The picture of kept results: what is drawn of them, and that it is drawn."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.chart import charts_of, footer, read_result
from benchmarks.plotting import WIDTH, BarChart, LineChart, decades, page, ticks
from benchmarks.stage_timing import STAGES
from motionwarp.errors import InputError

MACHINE = {"processor": "A processor", "gpu": None, "cores": 2, "torch": "2.9", "commit": "abc1234"}


def stages_result(engine: str = "layered", fps: float = 20.0, commit: str = "abc1234") -> dict[str, Any]:
    return {
        "benchmark": "stages",
        "machine": {**MACHINE, "commit": commit},
        "size": "720p",
        "stages": {name: {"ms": 1.0 + number, "cpu_ms": 1.0} for number, name in enumerate(STAGES)},
        "wall": {"ms_a_frame": 1e3 / fps},
        "end_to_end": {"fps": fps, "engine": engine, "precision": "bfloat16", "device": "cpu"},
        "networks": {"analyse": {"network": {"share_of_convolution": 0.7}}},
    }


def lengths_result() -> dict[str, Any]:
    runs = [
        {
            "clip_seconds": seconds,
            "fps": 9.0,
            "peak_memory_mb": 500.0,
            "engine": "layered",
            "precision": "float32",
            "device": "cpu",
        }
        for seconds in (10.0, 600.0)
    ]
    return {"benchmark": "lengths", "machine": MACHINE, "size": "256", "runs": runs}


def grid_result() -> dict[str, Any]:
    cells = [
        {"size": "720p", "precision": "bf16", "batch": 1, "ms_a_frame": 20.0},
        {"size": "720p", "precision": "bf16", "batch": 8, "ms_a_frame": 5.0},
        {"size": "720p", "precision": "bf16", "batch": 16, "ms_a_frame": None},
    ]
    return {"benchmark": "grid", "machine": MACHINE, "device": "cuda", "cells": cells}


def startup_result() -> dict[str, Any]:
    return {"benchmark": "startup", "machine": MACHINE, "seconds": {"help": {"best": 0.2}, "transfer": {"best": 3.0}}}


def test_results_of_a_kind_share_charts_and_are_told_apart_by_what_differs() -> None:
    stages, speed, shares = charts_of([stages_result("layered"), stages_result("warping_gan", 5.0)])
    assert isinstance(stages, BarChart)
    assert [label for label, _ in stages.rows] == [*STAGES, "end to end"]
    assert stages.rows[0][1] == {"layered": 1.0, "warping_gan": 1.0}
    assert stages.rows[-1][1] == {"layered": 50.0, "warping_gan": 200.0}
    assert isinstance(speed, BarChart)
    assert speed.rows == (("layered", {"": 20.0}), ("warping_gan", {"": 5.0}))
    assert isinstance(shares, BarChart)
    assert shares.mark == 60
    assert dict(shares.rows)["analyse: network"] == pytest.approx({"layered": 70.0, "warping_gan": 70.0})


def test_the_same_work_at_two_commits_is_told_apart() -> None:
    charts = charts_of([stages_result(commit="old"), stages_result(commit="new")])
    assert isinstance(charts[1], BarChart)
    assert [label for label, _ in charts[1].rows] == ["old", "new"]


def test_a_network_of_one_result_only_has_no_bar_for_the_other() -> None:
    bare = {**stages_result("layered"), "networks": {}}
    shares = charts_of([bare, stages_result("warping_gan")])[2]
    assert isinstance(shares, BarChart)
    assert list(dict(shares.rows)["analyse: network"]) == ["warping_gan"]


def test_cells_without_memory_are_left_out() -> None:
    (chart,) = charts_of([grid_result()])
    assert isinstance(chart, LineChart)
    assert chart.curves == {"720p bf16": ((1.0, 20.0), (8.0, 5.0))}
    assert "cuda" in chart.title


def test_lengths_give_speed_and_memory() -> None:
    speed, memory = charts_of([lengths_result()])
    assert isinstance(speed, LineChart)
    assert speed.curves == {"256": ((10.0, 9.0), (600.0, 9.0))}
    assert isinstance(memory, LineChart)
    assert memory.curves == {"256": ((10.0, 500.0), (600.0, 500.0))}


def test_the_footer_names_machines_and_commits_once() -> None:
    results = [stages_result(), lengths_result(), stages_result(commit="new")]
    assert footer(results) == "A processor, 2 cores, PyTorch 2.9 (abc1234, new)"
    on_gpu = {**grid_result(), "machine": {**MACHINE, "gpu": "A card"}}
    assert footer([on_gpu]) == "A card, 2 cores, PyTorch 2.9 (abc1234)"


@pytest.mark.parametrize("text", ["", "[]", "{}", "not json"])
def test_other_files_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "result.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="is not a result"):
        read_result(path)
    with pytest.raises(InputError, match="is not a result"):
        read_result(tmp_path / "missing.json")


def test_results_that_are_not_drawn_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "soak.json"
    path.write_text(json.dumps({"benchmark": "soak"}), encoding="utf-8")
    with pytest.raises(InputError, match="soak"):
        read_result(path)


@pytest.mark.parametrize("most", [0.003, 0.9, 1.0, 7.0, 104.0, 26_000.0])
def test_ticks_are_few_and_round_and_reach_the_top(most: float) -> None:
    values = ticks(most)
    assert values[0] == 0
    assert values[-2] < most <= values[-1] * (1 + 1e-9)
    assert 4 <= len(values) <= 7
    assert np.allclose(np.diff(values), values[1])


def test_decades_enclose() -> None:
    assert decades(10, 600) == pytest.approx([10, 20, 50, 100, 200, 500, 1000])
    assert decades(1.2, 1.9) == pytest.approx([1, 2])
    assert decades(3, 3) == pytest.approx([2, 5])
    assert decades(1, 1) == pytest.approx([1])


def test_a_page_holds_all_charts() -> None:
    results = [
        stages_result("layered"),
        stages_result("warping_gan"),
        lengths_result(),
        grid_result(),
        startup_result(),
    ]
    charts = charts_of(results)
    assert len(charts) == 3 + 2 + 1 + 1
    drawn = page(charts, 2, footer(results))
    assert drawn.shape[1:] == (2 * WIDTH, 3)
    assert drawn.dtype == np.uint8
    one = page(charts[:1], 2, "")
    assert one.shape[1] == WIDTH
    assert page([charts[0]] * 4, 2, "").shape[0] < 4 * one.shape[0]


def test_a_bar_is_as_long_as_its_value() -> None:
    drawn = page([BarChart("", (("", {"a": 10.0}), ("", {"a": 5.0})))], 1, "")
    blue = (np.abs(drawn.astype(int) - (52, 101, 164)).sum(axis=2) < 30).sum(axis=1)
    lengths = sorted({int(length) for length in blue if length > 20})
    assert lengths[-1] / lengths[0] == pytest.approx(2, rel=0.02)
