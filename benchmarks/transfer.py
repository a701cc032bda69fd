"""Whole transfers: frames a second, the share of each kind of work, and memory over clips of different lengths."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks.inputs import scaled_clip
from benchmarks.measuring import device_peak_mb, peak_memory_mb
from benchmarks.report import publish
from motionwarp.devices import resolve_device, set_threads
from motionwarp.media.probe import probe_video
from motionwarp.pipeline.api import transfer as run_transfer
from motionwarp.pipeline.options import TransferOptions
from motionwarp.runtime import keep_freed_memory

# the kinds of work that a transfer is about; everything else is what it costs to hold them together
ESSENTIAL = ("decode", "analyse", "engine", "composite", "wait for decoding", "wait for encoder", "finish encoding")
WARM_UP_SECONDS = 1.0


def transfer(
    source: Annotated[Path, typer.Argument(help="Picture of the person to be moved.")],
    driving: Annotated[Path, typer.Argument(help="Driving clip.")],
    driving_poses: Annotated[
        Path | None, typer.Option(help="Poses of the driving clip; without them they are seen.")
    ] = None,
    source_poses: Annotated[Path | None, typer.Option(help="Poses of the source.")] = None,
    size: Annotated[str, typer.Option(help="Long side of the output, or WxH.")] = "1280",
    engine: Annotated[str, typer.Option(help="Engine.")] = "layered",
    loops: Annotated[
        int, typer.Option(min=1, help="Also measure the clip looped so often, for the growth of memory.")
    ] = 1,
) -> None:
    """Time one transfer from files to file; with --loops, memory against the length of the clip."""
    options = {
        "size": size,
        "engine": engine,
        "driving_poses": None if driving_poses is None else str(driving_poses),
        "source_poses": None if source_poses is None else str(source_poses),
    }
    figures = in_own_process(source, driving, options)
    rows = {
        "frames a second": f"{figures['fps']:.1f}",
        **{f"ms a frame: {name}": f"{value:.1f}" for name, value in figures["ms_a_frame"].items()},
        "share of wall time outside the essential work": f"{figures['overhead_share']:.1%}",
        "peak memory": f"{figures['peak_memory_mb']:.0f} MB",
    }
    if loops > 1:
        with tempfile.TemporaryDirectory() as folder:
            longer = scaled_clip(driving, Path(folder) / "longer.mp4", loops * figures["frames"])
            if driving_poses is not None:
                options["driving_poses"] = str(_looped_poses(driving_poses, Path(folder) / "poses.json", loops))
            long_figures = in_own_process(source, longer, options)
        figures["looped"] = {"loops": loops, **long_figures}
        growth = long_figures["peak_memory_mb"] / figures["peak_memory_mb"] - 1
        figures["memory_growth"] = growth
        rows[f"memory growth, clip {loops} times as long"] = f"{growth:.1%}"
    publish("transfer", figures, rows)


def _looped_poses(poses: Path, output: Path, loops: int) -> Path:
    content = json.loads(poses.read_text(encoding="utf-8"))
    content["frames"] *= loops
    content.pop("times_seconds", None)
    output.write_text(json.dumps(content), encoding="utf-8")
    return output


def in_own_process(
    source: Path,
    driving: Path,
    options: dict[str, Any],
    repeats: int = 1,
    *,
    warm: bool = False,
    further: bool = False,
) -> dict[str, Any]:
    """Do a transfer in a process of its own, since the peak of memory is a process's, and return its figures.

    Parameters
    ----------
    source, driving : Path
    options : dict
        Options of `TransferOptions`.
    repeats : int
        The fastest of so many transfers counts.
    warm : bool
        Transfer the clip's first second before, so that loading and first calls do not count.
    further : bool
        Transfer the clip's first half too, which tells what each further frame takes, apart from what is done once.
    """
    files = {"source": str(source), "driving": str(driving)}
    job = json.dumps({**files, "options": options, "repeats": repeats, "warm": warm, "further": further})
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.transfer", job], stdout=subprocess.PIPE, text=True, check=True
    )
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def _measure(job: dict[str, Any]) -> dict[str, Any]:
    if job["warm"]:
        _measure_once({**job, "options": {**job["options"], "end": WARM_UP_SECONDS}})
    best = _fastest_of(job)
    if job["further"]:
        length = probe_video(Path(job["driving"])).duration_seconds
        if length is not None and length > 2 * WARM_UP_SECONDS:
            half = _fastest_of({**job, "options": {**job["options"], "end": length / 2}})
            best["further"] = _for_each_further_frame(half, best)
    return {
        **best,
        "peak_memory_mb": peak_memory_mb(),
        "device_peak_mb": device_peak_mb(resolve_device(job["options"].get("device", "auto"))),
    }


def _fastest_of(job: dict[str, Any]) -> dict[str, Any]:
    return min((_measure_once(job) for _ in range(job["repeats"])), key=lambda run: float(run["seconds"]))


def _for_each_further_frame(shorter: dict[str, Any], longer: dict[str, Any]) -> dict[str, float]:
    """Return the milliseconds on the wall and of processors that a frame more takes."""
    more = longer["frames"] - shorter["frames"]
    cpu = longer["cpu_ms_a_frame"] * longer["frames"] - shorter["cpu_ms_a_frame"] * shorter["frames"]
    return {"ms": 1e3 * (longer["seconds"] - shorter["seconds"]) / more, "cpu_ms": cpu / more}


def _measure_once(job: dict[str, Any]) -> dict[str, Any]:
    before = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        result = run_transfer(
            job["source"], job["driving"], Path(folder) / "out.mp4", TransferOptions(**job["options"])
        )
    used = time.process_time() - before
    # preparing the source is done once, whatever the clip's length
    once = result.stage_seconds.get("source", 0.0)
    seconds = result.seconds - once
    other = {name: value for name, value in result.stage_seconds.items() if name not in (*ESSENTIAL, "source")}
    return {
        "frames": result.frames,
        "size": [result.width, result.height],
        "engine": result.engine,
        "device": result.device,
        "precision": result.precision,
        "seconds": result.seconds,
        "fps": result.frames / seconds,
        "cpu_ms_a_frame": 1e3 * used / result.frames,
        "ms_a_frame": {
            name: 1e3 * value / result.frames for name, value in result.stage_seconds.items() if name != "source"
        },
        "source_seconds": once,
        "overhead_share": sum(other.values()) / seconds,
        "warnings": list(result.warnings),
    }


if __name__ == "__main__":
    # as `motionwarp transfer` does
    keep_freed_memory()
    set_threads()
    print(json.dumps(_measure(json.loads(sys.argv[1]))))
