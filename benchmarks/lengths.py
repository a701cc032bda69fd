"""Clips of different lengths: whether time grows with the frames, and memory does not."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks.inputs import make_inputs, parsed_size, scaled_clip, size_option
from benchmarks.report import publish
from benchmarks.stages import (
    BatchOption,
    DeviceOption,
    DrivingArgument,
    EngineOption,
    PrecisionOption,
    SizeOption,
    SourceArgument,
)
from benchmarks.transfer import in_own_process
from motionwarp.media.probe import probe_video


def lengths(
    source: SourceArgument = None,
    driving: DrivingArgument = None,
    seconds: Annotated[
        list[float] | None, typer.Option(min=1, help="A length; give several.", show_default="10, 60 and 600")
    ] = None,
    engine: EngineOption = "auto",
    size: SizeOption = "720p",
    batch_size: BatchOption = "auto",
    precision: PrecisionOption = "auto",
    device: DeviceOption = "auto",
) -> None:
    """Time transfers of one clip, looped to several lengths, each in a process of its own that has been warmed up."""
    wanted = parsed_size(size)
    options = {
        "engine": engine, "size": size_option(wanted), "batch_size": batch_size, "precision": precision,
        "device": device
    }  # fmt: skip
    runs = []
    with tempfile.TemporaryDirectory() as folder:
        inputs = make_inputs(source, driving, wanted, None, Path(folder))
        rate = float(probe_video(inputs.driving).frame_rate)
        told = inputs.told()
        for length in sorted(seconds or [10.0, 60.0, 600.0]):
            clip = scaled_clip(inputs.driving, Path(folder) / "looped.mp4", round(length * rate))
            runs.append({"clip_seconds": length, **in_own_process(inputs.source, clip, options, warm=True)})
            clip.unlink()
    figures = {"size": size, "inputs": told, "runs": runs, **growth(runs)}
    rows = {
        f"{run['clip_seconds']:g} s, {run['frames']} frames": f"{run['fps']:.2f} frames a second, "
        f"{run['peak_memory_mb']:.0f} MB"
        for run in runs
    }
    if len(runs) > 1:
        rows["the longest, times what the shortest would make it"] = f"{figures['time_to_linear']:.3f}"
        rows["growth of memory from the shortest"] = f"{figures['memory_growth']:.1%}"
    publish("lengths", figures, rows)


def growth(runs: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Compare the longest run with the shortest.

    Parameters
    ----------
    runs : sequence of dict
        With `frames`, `fps` and `peak_memory_mb`, by rising length.

    Returns
    -------
    dict
        `time_to_linear`: its time against the shortest's times the ratio of their frames; 1 is linear. `memory_growth`:
        by which share its peak of memory lies over the shortest's.
    """
    shortest, longest = runs[0], runs[-1]
    return {
        "time_to_linear": shortest["fps"] / longest["fps"],
        "memory_growth": longest["peak_memory_mb"] / shortest["peak_memory_mb"] - 1,
    }
