"""What measurements make of what they measured: closed forms, without a clock."""

from __future__ import annotations

import pytest

from benchmarks.grid import table_rows
from benchmarks.lengths import growth
from benchmarks.measuring import Timing
from benchmarks.stage_timing import STAGES
from benchmarks.stages import add_shares, against_wall
from benchmarks.startup import import_milliseconds


def timings(wall: tuple[float, ...], cpu: tuple[float, ...], frames: int) -> dict[str, Timing]:
    """Return timings of all stages, given in milliseconds a frame."""
    return {
        name: Timing(seconds * frames / 1e3, used * frames / 1e3)
        for name, seconds, used in zip(STAGES, wall, cpu, strict=True)
    }


def test_milliseconds_a_frame() -> None:
    assert Timing(2.0, 3.0).a_frame(100) == {"ms": 20.0, "cpu_ms": 30.0}


def test_the_wall_against_passes_that_cannot_overlap() -> None:
    """Decoding beside analyzing, then planning, then the slowest of rendering, compositing and encoding."""
    wall = against_wall(timings((5, 20, 3, 40, 2, 10), (1, 1, 1, 1, 1, 1), 50), 50, 126.0, cores=2)
    assert wall == pytest.approx(
        {"ms_a_frame": 126, "to_slowest": 126 / 40, "to_sum": 126 / 80, "least_ms": 20 + 3 + 40, "to_least": 2}
    )


def test_the_wall_against_cores_that_are_shared() -> None:
    wall = against_wall(timings((10,) * 6, (20,) * 6, 50), 50, 90.0, cores=2)
    assert wall["least_ms"] == pytest.approx(60)
    assert against_wall(timings((10,) * 6, (20,) * 6, 50), 50, 90.0, cores=4)["least_ms"] == pytest.approx(30)


def test_shares_of_the_peak() -> None:
    networks = {"A": {"gflop_a_second": 60.0}, "B": {"gflop_a_second": 100.0}}
    add_shares(networks, {"matrix": 200.0, "convolution": 100.0})
    assert networks["A"] == {"gflop_a_second": 60.0, "share_of_convolution": 0.6, "share_of_matrix": 0.3}
    assert networks["B"]["share_of_convolution"] == 1.0


def test_growth_is_one_where_time_is_linear() -> None:
    short, long = {"fps": 10.0, "peak_memory_mb": 400.0}, {"fps": 8.0, "peak_memory_mb": 440.0}
    assert growth([short, {"fps": 1.0, "peak_memory_mb": 1.0}, long]) == pytest.approx(
        {"time_to_linear": 1.25, "memory_growth": 0.1}
    )
    assert growth([short]) == {"time_to_linear": 1.0, "memory_growth": 0.0}


def test_a_row_for_each_size_and_precision() -> None:
    cells = [
        {"size": "720p", "precision": "bf16", "batch": 1, "ms_a_frame": 20.04},
        {"size": "720p", "precision": "bf16", "batch": 4, "ms_a_frame": 15.0},
        {"size": "4k", "precision": "bf16", "batch": 4, "ms_a_frame": None},
    ]
    assert table_rows(cells) == {
        "720p, bf16: ms a frame by batch": "1: 20.0   4: 15.0",
        "4k, bf16: ms a frame by batch": "4: out of memory",
    }


def test_imports_are_summed_by_package() -> None:
    report = """
        a warning of something else
import time: self [us] | cumulative | imported package
import time:       100 |        100 |   torch._C
import time:      2000 |       2100 | torch
import time:       500 |        500 |     numpy.linalg
import time:        50 |        550 | motionwarp.pipeline
"""
    assert list(import_milliseconds(report).items()) == [("torch", 2.1), ("numpy", 0.5), ("motionwarp", 0.05)]
