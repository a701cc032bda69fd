"""The stages of a transfer, each alone, against the whole; the networks against what the machine can do at most."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import torch
import typer

from benchmarks.inputs import Inputs, make_inputs, parsed_size, size_option
from benchmarks.measuring import Timing
from benchmarks.networks import measured_network
from benchmarks.peak import machine_peaks
from benchmarks.report import publish
from benchmarks.stage_timing import Stages
from benchmarks.transfer import in_own_process
from motionwarp.devices import PRECISIONS, usable_cores
from motionwarp.pipeline.options import TransferOptions

SourceArgument = Annotated[
    Path | None, typer.Argument(help="Picture of the person; by default the project's example, scaled.")
]
DrivingArgument = Annotated[
    Path | None, typer.Argument(help="Driving clip; by default the project's example, scaled and looped.")
]
EngineOption = Annotated[str, typer.Option(help="auto, warping_gan, layered, or a file of weights.")]
SizeOption = Annotated[str, typer.Option(help="Of the output: 256, 720p, 1080p, 4k (upright), or WIDTHxHEIGHT.")]
BatchOption = Annotated[str, typer.Option(help="Frames rendered at once: auto or a number.")]
PrecisionOption = Annotated[str, typer.Option(help="auto, fp32, bf16 or fp16.")]
DeviceOption = Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")]
RepeatsOption = Annotated[int, typer.Option(min=1, help="The fastest of so many runs counts.")]


def stages(
    source: SourceArgument = None,
    driving: DrivingArgument = None,
    engine: EngineOption = "auto",
    size: SizeOption = "720p",
    frames: Annotated[int, typer.Option(min=2, help="Of the clip, which is cut or looped.")] = 96,
    batch_size: BatchOption = "auto",
    precision: PrecisionOption = "auto",
    device: DeviceOption = "auto",
    repeats: RepeatsOption = 3,
) -> None:
    """Time each stage of a transfer and the whole, and compare the networks with the machine's peak."""
    wanted = parsed_size(size)
    options = {
        "engine": engine, "size": size_option(wanted), "batch_size": batch_size, "precision": precision,
        "device": device
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        inputs = make_inputs(source, driving, wanted, frames, Path(folder))
        # first the whole, while this process holds no memory and no threads
        whole = in_own_process(inputs.source, inputs.driving, options, repeats, warm=True, further=True)
        figures = _figures(inputs, options, whole, repeats)
    publish("stages", {"size": size, **figures}, _rows(figures))


def _figures(inputs: Inputs, options: dict[str, Any], whole: dict[str, Any], repeats: int) -> dict[str, Any]:
    done = Stages.of(inputs.source, inputs.driving, TransferOptions(**options))
    timings = done.timed(repeats)
    device, dtype = done.plan.device, _precision_name(done.plan.runner.settings.dtype)
    peaks = machine_peaks(device, ["fp32", "bf16", dtype])
    networks = {}
    for stage, heard in done.networks().items():
        at_once = 1 if stage == "analyse" else done.calls.at_once
        networks[stage] = {each.name: measured_network(each, done.frames, repeats, device, at_once) for each in heard}
    for each in networks.values():
        add_shares(each, peaks[dtype])
    return {
        "inputs": inputs.told(),
        "engine": done.plan.setup.engine.name,
        "device": device.type,
        "precision": dtype,
        "frames": done.frames,
        "batch": done.calls.batch,
        "batches_at_once": done.calls.at_once,
        "stages": {name: timing.a_frame(done.frames) for name, timing in timings.items()},
        "end_to_end": whole,
        "wall": against_wall(timings, done.frames, 1e3 / whole["fps"], usable_cores()),
        "peaks": peaks,
        "networks": networks,
    }


def against_wall(timings: Mapping[str, Timing], frames: int, wall_ms: float, cores: int) -> dict[str, float]:
    """Compare the time of the whole with the times of its stages, all in milliseconds a frame.

    Parameters
    ----------
    timings : mapping of str to Timing
        Time of each stage alone.
    frames : int
    wall_ms : float
        Time of the whole.
    cores : int

    Returns
    -------
    dict
        `to_slowest`, `to_sum`: wall time against the slowest stage and against all in a row. `least_ms`: what no
        overlapping can go below, since the clip must have been seen whole before the first frame is drawn, and since
        all stages share the cores; `to_least`: wall time against that.
    """
    alone = {name: timing.a_frame(frames) for name, timing in timings.items()}
    wall, cpu = ({name: each[kind] for name, each in alone.items()} for kind in ("ms", "cpu_ms"))
    first = max(wall["decode"], wall["analyse"]) + wall["pass one"]
    second = max(wall["pass two"], wall["composite"], wall["encode"])
    least = max(first + second, sum(cpu.values()) / cores)
    return {
        "ms_a_frame": wall_ms,
        "to_slowest": wall_ms / max(wall.values()),
        "to_sum": wall_ms / sum(wall.values()),
        "least_ms": least,
        "to_least": wall_ms / least,
    }


def add_shares(networks: dict[str, dict[str, Any]], peak: Mapping[str, float]) -> None:
    """Add the share of the machine's rates of convolutions and matrix products to each network's figures."""
    for figures in networks.values():
        figures["share_of_convolution"] = figures["gflop_a_second"] / peak["convolution"]
        figures["share_of_matrix"] = figures["gflop_a_second"] / peak["matrix"]


def _precision_name(dtype: torch.dtype) -> str:
    return next(name for name, each in PRECISIONS.items() if each is dtype)


def _rows(figures: dict[str, Any]) -> dict[str, str]:
    whole, wall = figures["end_to_end"], figures["wall"]
    rows = {
        f"{name}, alone": f"{each['ms']:.1f} ms a frame, {each['cpu_ms']:.1f} ms of processors"
        for name, each in figures["stages"].items()
    }
    rows |= {
        "end to end": f"{whole['fps']:.1f} frames a second, {wall['ms_a_frame']:.1f} ms a frame",
        "against the slowest stage": f"{wall['to_slowest']:.2f} times",
        "against all stages in a row": f"{wall['to_sum']:.2f} times",
        "against what overlapping allows": f"{wall['to_least']:.2f} times {wall['least_ms']:.1f} ms",
        "each further frame": "clip too short to tell"
        if "further" not in whole
        else f"{whole['further']['ms']:.1f} ms, {whole['further']['cpu_ms']:.1f} ms of processors",
        "peak memory": f"{whole['peak_memory_mb']:.0f} MB",
    }
    if whole["device_peak_mb"] is not None:
        rows["peak memory of the device"] = f"{whole['device_peak_mb']:.0f} MB"
    for precision, peak in figures["peaks"].items():
        rows[f"machine, {precision}"] = (
            f"{peak['matrix']:.0f} GFLOP/s in matrices, {peak['convolution']:.0f} in convolutions"
        )
    for stage, networks in figures["networks"].items():
        for name, each in networks.items():
            speed = f"{each['gflop_a_frame']:.2f} GFLOP, {each['ms_a_frame']:.2f} ms a frame"
            rows[f"{name} in {stage}"] = f"{speed}, {each['share_of_convolution']:.0%} of convolutions"
    return rows
