"""Seeing people: frames a second of following one person through a clip, finding and decoding included."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks.measuring import peak_memory_mb
from benchmarks.report import publish
from motionwarp.devices import resolve_device, resolve_precision
from motionwarp.media.prefetch import prefetched
from motionwarp.media.reader import open_video
from motionwarp.perception.registry import make_estimator


def analysis(
    clip: Annotated[Path, typer.Argument(help="A clip with one person.")],
    against: Annotated[
        list[str] | None, typer.Option(help="Other estimators to measure in the same run, such as mediapipe.")
    ] = None,
    repeats: Annotated[int, typer.Option(min=1, help="The fastest of so many runs counts.")] = 3,
    precision: Annotated[str, typer.Option(help="auto, fp32, bf16 or fp16.")] = "auto",
) -> None:
    """Time the analysis of a clip."""
    device = resolve_device("auto")
    dtype = resolve_precision(precision, device)
    figures: dict[str, Any] = {"clip": clip.name, "device": device.type, "precision": str(dtype).removeprefix("torch.")}
    rows = {}
    names = ["builtin", *(against or [])]
    for name in names:
        estimator = make_estimator(name, device, dtype)
        rate, frames = 0.0, 0
        for _ in range(repeats):
            begin = time.perf_counter()
            with open_video(clip) as reader:
                frames = sum(1 for _ in estimator.follow(prefetched(reader, 8)))
            rate = max(rate, frames / (time.perf_counter() - begin))
        figures[name] = {"frames": frames, "fps": rate}
        rows[f"{name}: frames a second"] = f"{rate:.1f}"
    for name in names[1:]:
        figures[name]["builtin_is_faster_by"] = figures["builtin"]["fps"] / figures[name]["fps"]
        rows[f"builtin against {name}"] = f"{figures[name]['builtin_is_faster_by']:.2f} times as fast"
    figures["peak_memory_mb"] = peak_memory_mb()
    publish("analysis", figures, rows)
