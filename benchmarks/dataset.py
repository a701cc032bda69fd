"""Data sets: clips made together against one transfer after another, in wall time and in processor time."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks.report import publish
from motionwarp.datasets.items import Item, read_items


def dataset(
    sources: Annotated[Path, typer.Argument(help="CSV file or folder of people.")],
    drivings: Annotated[Path, typer.Argument(help="CSV file or folder of motions.")],
    size: Annotated[str, typer.Option(help="Long side of the clips, or WxH.")] = "512",
    executor: Annotated[str, typer.Option(help="local or ray.")] = "local",
    workers: Annotated[int | None, typer.Option(min=1, help="Clips at once; by default the cores.")] = None,
    transfers: Annotated[int, typer.Option(min=0, help="Pairs to transfer one after another; 0 for all.")] = 0,
) -> None:
    """Time a data set of all pairs, and the same pairs by `motionwarp transfer`, without labels, one after another."""
    people, motions = read_items("source", str(sources)), read_items("driving", str(drivings))
    with tempfile.TemporaryDirectory() as folder:
        made = _together(sources, drivings, size, Path(folder) / "set", executor, workers)
        pairs = [(source, driving) for source in people for driving in motions]
        chosen = pairs[:: max(len(pairs) // transfers, 1)][:transfers] if transfers else pairs
        single = _one_by_one(chosen, size, Path(folder))
    scale = len(pairs) / len(chosen)
    wall, cpu = single["seconds"] * scale, single["cpu_seconds"] * scale
    figures = {
        "clips": len(pairs), "size": size, "executor": executor, "together": made,
        "one_by_one": {**single, "transfers": len(chosen), "seconds_for_all": wall, "cpu_seconds_for_all": cpu},
        "times_faster": wall / made["seconds"], "times_less_cpu": cpu / made["cpu_seconds"],
    }  # fmt: skip
    rows = {
        f"{len(pairs)} clips together": f"{made['seconds']:.0f} s, {made['cpu_seconds']:.0f} s of processors",
        f"one after another (from {len(chosen)})": f"{wall:.0f} s, {cpu:.0f} s of processors",
        "times faster": f"{figures['times_faster']:.2f}",
        "times less processor": f"{figures['times_less_cpu']:.2f}",
        "peak memory of a worker": f"{made['peak_worker_bytes'] / 1e6:.0f} MB",
    }
    publish("dataset", figures, rows)


def _together(
    sources: Path, drivings: Path, size: str, output: Path, executor: str, workers: int | None
) -> dict[str, Any]:
    begin, before = time.perf_counter(), _cpu_of_children()
    command = [
        sys.executable, "-m", "motionwarp", "dataset", "generate", "--sources", str(sources), "--drivings",
        str(drivings),
        "-o", str(output), "--size", size, "--device", "cpu", "--executor", executor, "--json", "--quiet",
    ]  # fmt: skip
    if workers is not None:
        command += ["--workers", str(workers)]
    run = subprocess.run(command, check=True, capture_output=True, text=True)
    summary = json.loads(run.stdout)
    return {
        "seconds": time.perf_counter() - begin,
        "cpu_seconds": _cpu_of_children() - before,
        "peak_worker_bytes": summary["peak_worker_bytes"],
        "tasks_of_worker": sorted(summary["tasks_of_worker"].values()),
        "frames": summary["frames"],
    }


def _one_by_one(pairs: list[tuple[Item, Item]], size: str, folder: Path) -> dict[str, float]:
    begin, before = time.perf_counter(), _cpu_of_children()
    for number, (source, driving) in enumerate(pairs):
        command = [
            sys.executable, "-m", "motionwarp", "transfer", source.path, driving.path, "-o",
            str(folder / f"{number}.mp4"),
            "--size", size, "--no-audio", "--device", "cpu", "--quiet",
        ]  # fmt: skip
        section = {
            "--start": driving.start,
            "--end": driving.end,
            "--source-poses": source.poses,
            "--driving-poses": driving.poses,
        }
        for name, value in section.items():
            if value is not None:
                command += [name, str(value)]
        subprocess.run(command, check=True)
    return {"seconds": time.perf_counter() - begin, "cpu_seconds": _cpu_of_children() - before}


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
