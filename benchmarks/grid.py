"""Pass two alone, over sizes, precisions and batch sizes."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks.inputs import make_inputs, parsed_size, size_option
from benchmarks.measuring import device_peak_mb, fastest, forget_peak_memory, peak_memory_mb
from benchmarks.report import publish
from benchmarks.stage_timing import EngineCalls
from benchmarks.stages import DeviceOption, DrivingArgument, EngineOption, RepeatsOption, SourceArgument
from motionwarp.devices import PRECISIONS, resolve_device
from motionwarp.pipeline.analysis import AnalyzedInputs, analyze, open_inputs
from motionwarp.pipeline.options import TransferOptions
from motionwarp.pipeline.plan import TransferPlan, plan_transfer
from motionwarp.pipeline.setup import TransferSetup


def grid(
    source: SourceArgument = None,
    driving: DrivingArgument = None,
    size: Annotated[
        list[str] | None, typer.Option(help="An output; give several.", show_default="256, 720p, 1080p and 4k")
    ] = None,
    precision: Annotated[
        list[str] | None, typer.Option(help="A precision; give several.", show_default="fp32 and bf16")
    ] = None,
    batch_size: Annotated[
        list[int] | None, typer.Option(min=1, help="Frames at once; give several.", show_default="1, 2, 4, 8 and 16")
    ] = None,
    engine: EngineOption = "auto",
    frames: Annotated[
        int, typer.Option(min=1, help="To render in each cell, at least as many as the largest batch.")
    ] = 16,
    device: DeviceOption = "auto",
    repeats: RepeatsOption = 3,
) -> None:
    """Time the rendering of frames over sizes, precisions and batch sizes."""
    sizes, precisions, batches = (
        size or ["256", "720p", "1080p", "4k"],
        precision or ["fp32", "bf16"],
        batch_size or [1, 2, 4, 8, 16],
    )
    unknown = [name for name in precisions if name not in PRECISIONS]
    if unknown:
        raise typer.BadParameter(f"{unknown[0]} is not one of {', '.join(PRECISIONS)}")
    count = max(frames, *batches)
    cells: list[dict[str, Any]] = []
    for name in sizes:
        wanted = parsed_size(name)
        with tempfile.TemporaryDirectory() as folder:
            inputs = make_inputs(source, driving, wanted, count, Path(folder))
            base = TransferOptions(engine=engine, size=size_option(wanted), device=device)
            analyzed = analyze(open_inputs(inputs.source, inputs.driving, base))
            for each in precisions:
                options = replace(base, precision=each)
                plan, calls = _planned(open_inputs(inputs.source, inputs.driving, options).setup, analyzed)
                cells += [{"size": name, "precision": each, **_cell(plan, calls, batch, repeats)} for batch in batches]
    figures = {"engine": engine, "device": resolve_device(device).type, "frames": count, "cells": cells}
    publish("grid", figures, table_rows(cells))


def table_rows(cells: list[dict[str, Any]]) -> dict[str, str]:
    """Return a row for each size and precision, with the milliseconds a frame of each batch size."""
    rows: dict[str, str] = {}
    for cell in cells:
        label = f"{cell['size']}, {cell['precision']}: ms a frame by batch"
        spent = "out of memory" if cell["ms_a_frame"] is None else f"{cell['ms_a_frame']:.1f}"
        before = f"{rows[label]}   " if label in rows else ""
        rows[label] = f"{before}{cell['batch']}: {spent}"
    return rows


def _planned(setup: TransferSetup, analyzed: AnalyzedInputs) -> tuple[TransferPlan, EngineCalls]:
    calls = EngineCalls(setup.engine)
    return plan_transfer(setup, analyzed), calls


def _cell(plan: TransferPlan, calls: EngineCalls, batch: int, repeats: int) -> dict[str, Any]:
    warnings: list[str] = []
    runner = calls.runner(batch, warnings)

    def render() -> None:
        for _ in runner.render(plan.motion, plan.theta):
            pass

    forget_peak_memory()
    render()
    spent = fastest(render, repeats, plan.device).seconds / len(plan.target)
    if warnings:  # memory has run out, so that batches were smaller
        return {"batch": batch, "ms_a_frame": None, "fps": None, "peak_memory_mb": None, "device_peak_mb": None}
    return {
        "batch": batch,
        "ms_a_frame": 1e3 * spent,
        "fps": 1 / spent,
        "peak_memory_mb": peak_memory_mb(),
        "device_peak_mb": device_peak_mb(plan.device),
    }
