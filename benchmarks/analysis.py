"""Seeing people: frames a second of following one person through a clip, finding and decoding included.

And what it takes besides to read their body, and to lift its points alone.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
import torch
import typer

from benchmarks.measuring import fastest, peak_memory_mb
from benchmarks.report import publish
from motionwarp.body.body_track import BodyReader
from motionwarp.devices import resolve_device, resolve_precision
from motionwarp.media.prefetch import prefetched
from motionwarp.media.reader import open_video
from motionwarp.perception.base import Estimator
from motionwarp.perception.registry import make_estimator
from motionwarp.types import PoseTrack

_LIFTED_FRAMES: Final = 1024  # a track is repeated up to them


def analysis(
    clip: Annotated[Path, typer.Argument(help="A clip with one person.")],
    against: Annotated[
        list[str] | None, typer.Option(help="Other estimators to measure in the same run, such as mediapipe.")
    ] = None,
    repeats: Annotated[int, typer.Option(min=1, help="The fastest of so many runs counts.")] = 3,
    precision: Annotated[str, typer.Option(help="auto, fp32, bf16 or fp16.")] = "auto",
) -> None:
    """Time the analysis of a clip, and of its person's body."""
    device = resolve_device("auto")
    dtype = resolve_precision(precision, device)
    figures: dict[str, Any] = {"clip": clip.name, "device": device.type, "precision": str(dtype).removeprefix("torch.")}
    rows = {}
    names = ["builtin", *(against or [])]
    for name in names:
        estimator = make_estimator(name, device, dtype)
        timing = fastest(lambda seeing=estimator: followed(clip, seeing), repeats, device)
        track = followed(clip, estimator)
        figures[name] = {"frames": len(track), "fps": len(track) / timing.seconds, **timing.a_frame(len(track))}
        rows[f"{name}: frames a second"] = f"{figures[name]['fps']:.1f}"
        if name == "builtin":
            figures["body"] = body_figures(track, repeats, device)
            with_body = 1 + figures["body"]["cpu_ms"] / figures[name]["cpu_ms"]
            figures["body"]["times_without"] = with_body
            rows["processor time with the body"] = f"{with_body:.2f} times that without"
            rows["lifter alone: frames a second"] = f"{figures['body']['lifter_fps']:.0f}"
    for name in names[1:]:
        figures[name]["builtin_is_faster_by"] = figures["builtin"]["fps"] / figures[name]["fps"]
        rows[f"builtin against {name}"] = f"{figures[name]['builtin_is_faster_by']:.2f} times as fast"
    figures["peak_memory_mb"] = peak_memory_mb()
    publish("analysis", figures, rows)


def followed(clip: Path, estimator: Estimator) -> PoseTrack:
    """Follow one person through a clip, which is read meanwhile."""
    with open_video(clip) as reader:
        seen = list(estimator.follow(prefetched(reader, 8)))
        width, height = reader.info.width, reader.info.height
    points = [np.zeros((18, 3), np.float32) if one.person is None else one.person.pose.points for one in seen]
    present = np.array([one.person is not None for one in seen])
    return PoseTrack(np.stack(points), present, np.array([one.frame.pts_seconds for one in seen]), width, height)


def body_figures(track: PoseTrack, repeats: int, device: torch.device) -> dict[str, float]:
    """Time what reads a track's body: lifting and fitting, and lifting alone.

    Returns
    -------
    dict
        `ms` and `cpu_ms` a frame of both together; `lifter_fps`, frames a second of lifting a track of a thousand.
    """
    reader = BodyReader.load(device=device)
    read = fastest(lambda: reader.read(track), repeats, device)
    points = torch.from_numpy(np.resize(track.points, (_LIFTED_FRAMES, *track.points.shape[1:])))
    lifted = fastest(lambda: reader.lifter.lift(points), repeats, device)
    return {
        **read.a_frame(len(track)),
        "lifter_fps": _LIFTED_FRAMES / lifted.seconds,
        "lifter_cpu_ms": lifted.a_frame(_LIFTED_FRAMES)["cpu_ms"],
    }
