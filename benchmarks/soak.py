"""A soak: many transfers of short random sections in one process; memory, open files and threads must stay flat."""

from __future__ import annotations

import gc
import os
import random
import tempfile
import threading
import time
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from benchmarks.measuring import peak_memory_mb
from benchmarks.report import publish
from motionwarp.media.probe import probe_video
from motionwarp.pipeline.api import transfer
from motionwarp.pipeline.options import TransferOptions

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
# the first transfers load networks and fill caches and pools; growth is measured on what comes after
WARM_UP = 5
# what allocators keep differs by so much between runs of the same work
NOISE_MB = 60.0


def soak(
    source: Annotated[Path, typer.Argument(help="Picture of the person to be moved.")] = EXAMPLES / "person.jpg",
    driving: Annotated[Path, typer.Argument(help="Clip of which sections are taken.")] = EXAMPLES / "dance.mp4",
    count: Annotated[int, typer.Option(min=1, help="Transfers.")] = 500,
    seconds: Annotated[float, typer.Option(min=0.1, help="Longest section.")] = 0.6,
    engine: Annotated[
        list[str] | None, typer.Option(help="Engines to take by turns; may be given several times.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the choices.")] = 0,
    minutes: Annotated[float | None, typer.Option(min=0, help="No transfer begins after so long.")] = None,
    flat: Annotated[bool, typer.Option("--flat", help="Exit with 1 unless what is held stays flat.")] = False,
) -> None:
    """Do random transfers one after another in this process and watch what it holds."""
    engines = engine or ["layered"]
    generator = random.Random(seed)
    length = probe_video(driving).duration_seconds or seconds
    held: list[dict[str, float]] = []
    frames = 0
    begin = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        for number in range(count):
            options, ending = random_options(generator, length, seconds, engines[number % len(engines)])
            output = Path(folder) / f"out{ending}"
            frames += transfer(source, driving, output, TransferOptions(**options)).frames
            output.unlink()
            left = sorted(file.name for file in Path(folder).iterdir())
            if left:
                raise RuntimeError(f"transfer {number} left {left}")
            held.append(what_is_held())
            if minutes is not None and time.monotonic() - begin > 60 * minutes:
                break
    figures = {
        "transfers": len(held),
        "transfers_asked_for": count,
        "frames": frames,
        "engines": engines,
        "peak_memory_mb": peak_memory_mb(),
        **growth(held),
        "held": held,
    }
    memory, files, threads = figures["memory_mb"], figures["open_files"], figures["threads"]
    rows = {
        "transfers": f"{len(held)} of {count}",
        f"memory after {min(WARM_UP, len(held))} transfers and at the end": f"{memory[0]:.0f} and {memory[1]:.0f} MB",
        "growth of memory": f"{1e3 * figures['memory_mb_a_transfer']:.1f} kB a transfer",
        "open files": f"{files[0]} and {files[1]}",
        "threads": f"{threads[0]} and {threads[1]}",
        "peak memory": f"{figures['peak_memory_mb']:.0f} MB",
    }
    publish("soak", figures, rows)
    if flat:
        exit_unless_flat(figures, figures["memory_mb_a_transfer"] * len(held))


def exit_unless_flat(figures: dict[str, Any], grown_mb: float) -> None:
    """Exit with 1 if memory grows over the whole run by more than allocators' noise, or files or threads are left."""
    left = [name for name in ("open_files", "threads") if figures[name][1] > figures[name][0]]
    if left or grown_mb > NOISE_MB:
        typer.echo(f"not flat: {grown_mb:.0f} MB of memory, {', '.join(left) or 'no files or threads'}", err=True)
        raise typer.Exit(1)


def random_options(generator: random.Random, length: float, seconds: float, engine: str) -> tuple[dict[str, Any], str]:
    """Return options of a transfer, and the ending of its output."""
    section = generator.uniform(0.1, min(seconds, length))
    start = generator.uniform(0, max(length - section, 0))
    background = generator.choice(["source", "driving", "#204060", "transparent"])
    beside = background != "transparent" and generator.random() < 0.25
    options = {
        "engine": engine,
        "start": start,
        "end": start + section,
        "size": generator.randrange(128, 512, 2),
        "background": background,
        "side_by_side": beside,
        "placement": generator.choice(["source", "driving"]),
        "seed": generator.randrange(2**31),
        "overwrite": True,
    }
    return options, ".webm" if background == "transparent" else generator.choice([".mp4", ".mkv", ".gif"])


def what_is_held() -> dict[str, float]:
    """Return what this process holds now: memory in MB, open files and threads."""
    gc.collect()
    return {"memory_mb": resident_mb(), "open_files": len(os.listdir("/dev/fd")), "threads": threading.active_count()}


def resident_mb() -> float:
    """Return the memory that is in use now where the system tells it, else its peak."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return peak_memory_mb()
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def growth(held: list[dict[str, float]]) -> dict[str, Any]:
    """Return each figure after the warm-up and at the end, and the slope of memory in between, by least squares."""
    steady = held[WARM_UP - 1 :] or held[-1:]
    memory = [each["memory_mb"] for each in steady]
    slope = float(np.polyfit(np.arange(len(memory)), memory, 1)[0]) if len(memory) > 1 else 0.0
    return {**{name: [steady[0][name], steady[-1][name]] for name in held[0]}, "memory_mb_a_transfer": slope}
