"""A long live run: a clip played as the camera again and again; memory, open files and threads must stay flat."""

from __future__ import annotations

import tempfile
import threading
from pathlib import Path
from typing import Annotated

import av
import numpy as np
import typer

from benchmarks.measuring import peak_memory_mb
from benchmarks.report import publish
from benchmarks.soak import EXAMPLES, exit_unless_flat, what_is_held
from motionwarp.live.run import live

# the first pictures load networks and fill caches and pools; growth is measured on what comes after
_WARM_UP_SECONDS = 20.0
_EVERY_SECONDS = 5.0


def soak_live(
    person: Annotated[Path, typer.Argument(help="Picture of the person to be moved.")] = EXAMPLES / "person.jpg",
    driving: Annotated[Path, typer.Argument(help="Clip that is played as the camera.")] = EXAMPLES / "dance.mp4",
    minutes: Annotated[float, typer.Option(min=0.1, help="How long.")] = 200.0,
    flat: Annotated[bool, typer.Option("--flat", help="Exit with 1 unless what is held stays flat.")] = False,
    size: Annotated[int, typer.Option(min=64, help="Longer side of the pictures shown.")] = 384,
) -> None:
    """Let a looped clip move a person for minutes and watch what the process holds."""
    held: list[dict[str, float]] = []
    ready, done = threading.Event(), threading.Event()

    def watch() -> None:
        ready.wait()
        done.wait(_WARM_UP_SECONDS)
        while not done.is_set():
            held.append(what_is_held())
            done.wait(_EVERY_SECONDS)

    watcher = threading.Thread(target=watch, name="watcher")
    with tempfile.TemporaryDirectory() as folder:
        clip = looped(driving, Path(folder) / "looped.mp4", 60 * minutes + 30)
        watcher.start()
        try:
            summary = live(
                person, camera=str(clip), size=size, seconds=60 * minutes, on_ready=lambda place: ready.set()
            )
        finally:
            done.set()
            ready.set()
            watcher.join()
    figures = {"minutes": minutes, **summary.as_dict(), "peak_memory_mb": peak_memory_mb(), **growth_by_time(held)}
    memory, files, threads = figures["memory_mb"], figures["open_files"], figures["threads"]
    rows = {
        f"memory after {_WARM_UP_SECONDS:.0f} s and at the end": f"{memory[0]:.0f} and {memory[1]:.0f} MB",
        "growth of memory": f"{figures['memory_mb_a_minute']:.2f} MB a minute",
        "open files": f"{files[0]:.0f} and {files[1]:.0f}",
        "threads": f"{threads[0]:.0f} and {threads[1]:.0f}",
        "pictures shown": str(summary.pictures),
    }
    publish("soak-live", figures, rows)
    if flat:
        exit_unless_flat(figures, figures["memory_mb_a_minute"] * minutes)


def looped(clip: Path, target: Path, seconds: float) -> Path:
    """Write the clip's packets again and again, without encoding anything, until it is so long."""
    with av.open(str(clip)) as source:
        stream = source.streams.video[0]
        packets = [packet for packet in source.demux(stream) if packet.dts is not None]
        content = [
            (bytes(packet), int(packet.pts or 0), int(packet.dts or 0), packet.is_keyframe) for packet in packets
        ]
        step = (
            max(pts for _, pts, _, _ in content) - min(pts for _, pts, _, _ in content) + int(packets[0].duration or 1)
        )
        with av.open(str(target), "w") as output:
            copied = output.add_stream_from_template(stream)
            turns = int(seconds / float(step * stream.time_base)) + 1
            for turn in range(turns):
                for data, pts, dts, is_keyframe in content:
                    packet = av.Packet(data)
                    packet.pts, packet.dts, packet.time_base = pts + turn * step, dts + turn * step, stream.time_base
                    packet.is_keyframe, packet.stream = is_keyframe, copied
                    output.mux(packet)
    return target


def growth_by_time(held: list[dict[str, float]]) -> dict[str, object]:
    """Return each figure at the first and the last look, and the slope of memory a minute, by least squares."""
    if not held:
        raise ValueError("the run ended before anything was looked at; give more minutes")
    memory = [each["memory_mb"] for each in held]
    times = np.arange(len(memory)) * _EVERY_SECONDS / 60
    slope = float(np.polyfit(times, memory, 1)[0]) if len(memory) > 1 else 0.0
    return {**{name: [held[0][name], held[-1][name]] for name in held[0]}, "memory_mb_a_minute": slope, "held": held}
