"""Whole transfers: frames a second, the share of each kind of work, and memory over clips of different lengths."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks.report import peak_memory_mb, publish
from motionwarp.media.reader import open_video
from motionwarp.media.writer import open_writer
from motionwarp.pipeline.api import transfer as run_transfer
from motionwarp.pipeline.options import TransferOptions

# the kinds of work that a transfer is about; everything else is what it costs to hold them together
ESSENTIAL = ("decode", "analyse", "engine", "composite", "wait for encoder", "finish encoding")


def transfer(
    source: Annotated[Path, typer.Argument(help="Picture of the person to be moved.")],
    driving: Annotated[Path, typer.Argument(help="Driving clip.")],
    driving_poses: Annotated[Path | None, typer.Option(help="Poses of the driving clip; without them they are seen.")] = None,
    source_poses: Annotated[Path | None, typer.Option(help="Poses of the source.")] = None,
    size: Annotated[str, typer.Option(help="Long side of the output, or WxH.")] = "1280",
    engine: Annotated[str, typer.Option(help="Engine.")] = "layered",
    loops: Annotated[int, typer.Option(min=1, help="Also measure the clip looped so often, for the growth of memory.")] = 1,
) -> None:
    """Time one transfer from files to file; with --loops, memory against the length of the clip."""
    options = {
        "size": size,
        "engine": engine,
        "driving_poses": None if driving_poses is None else str(driving_poses),
        "source_poses": None if source_poses is None else str(source_poses),
    }
    figures = _in_own_process(source, driving, options)
    rows = {
        "frames a second": f"{figures['fps']:.1f}",
        **{f"ms a frame: {name}": f"{value:.1f}" for name, value in figures["ms_a_frame"].items()},
        "share of wall time outside the essential work": f"{figures['overhead_share']:.1%}",
        "peak memory": f"{figures['peak_memory_mb']:.0f} MB",
    }
    if loops > 1:
        with tempfile.TemporaryDirectory() as folder:
            longer = Path(folder) / "longer.mp4"
            looped(driving, longer, loops)
            if driving_poses is not None:
                options["driving_poses"] = str(_looped_poses(driving_poses, Path(folder) / "poses.json", loops))
            long_figures = _in_own_process(source, longer, options)
        figures["looped"] = {"loops": loops, **long_figures}
        growth = long_figures["peak_memory_mb"] / figures["peak_memory_mb"] - 1
        figures["memory_growth"] = growth
        rows[f"memory growth, clip {loops} times as long"] = f"{growth:.1%}"
    publish("transfer", figures, rows)


def looped(clip: Path, output: Path, loops: int) -> None:
    """Write a clip several times in a row."""
    with open_video(clip) as reader:
        info = reader.info
    step = 1 / info.frame_rate
    number = 0
    with open_writer(output, width=info.width, height=info.height, frame_rate=info.frame_rate) as writer:
        for _ in range(loops):
            with open_video(clip) as reader:
                for frame in reader:
                    writer.write(frame.rgb, float(number * step))
                    number += 1


def _looped_poses(poses: Path, output: Path, loops: int) -> Path:
    content = json.loads(poses.read_text(encoding="utf-8"))
    content["frames"] *= loops
    content.pop("times_seconds", None)
    output.write_text(json.dumps(content), encoding="utf-8")
    return output


def _in_own_process(source: Path, driving: Path, options: dict[str, Any]) -> dict[str, Any]:
    """Run one transfer in a process of its own: the peak of memory is a process's, and starts anew only there."""
    job = json.dumps({"source": str(source), "driving": str(driving), "options": options})
    done = subprocess.run([sys.executable, "-m", "benchmarks.transfer", job], check=True, capture_output=True, text=True)
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def _measure(job: dict[str, Any]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        result = run_transfer(job["source"], job["driving"], Path(folder) / "out.mp4", TransferOptions(**job["options"]))
    # preparing the source is done once, whatever the clip's length
    seconds = result.seconds - result.stage_seconds.get("source", 0.0)
    other = {name: value for name, value in result.stage_seconds.items() if name not in (*ESSENTIAL, "source")}
    return {
        "frames": result.frames,
        "size": [result.width, result.height],
        "engine": result.engine,
        "precision": result.precision,
        "seconds": result.seconds,
        "fps": result.frames / seconds,
        "ms_a_frame": {name: 1e3 * value / result.frames for name, value in result.stage_seconds.items() if name != "source"},
        "source_seconds": result.stage_seconds.get("source", 0.0),
        "overhead_share": sum(other.values()) / seconds,
        "peak_memory_mb": peak_memory_mb(),
        "warnings": list(result.warnings),
    }


if __name__ == "__main__":
    print(json.dumps(_measure(json.loads(sys.argv[1]))))
