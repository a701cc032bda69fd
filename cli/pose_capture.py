"""The 18 points of motion capture: a usual body in it, seen from a side."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

from motionwarp.options import OverwriteOptions
from motionwarp.pipeline.options import AnalysisOptions, CameraOptions, TransferOptions

from .batch_inputs import OutputTarget


def write_captured(
    target: OutputTarget,
    poses: Path,
    analysis: AnalysisOptions,
    camera: CameraOptions,
    existing: OverwriteOptions,
    *,
    overlay: bool,
) -> dict[str, Any]:
    """Write the points of motion capture, and with `overlay` a clip of the body with them; return the facts."""
    from motionwarp.motions.library import find_driving
    from motionwarp.pipeline.captured_driving import CapturedClip, read_captured
    from motionwarp.pose.formats.pose_file import write_track

    options = TransferOptions(
        start=analysis.start, end=analysis.end, view=camera.view, orbit=camera.orbit, travel=camera.travel
    )
    motion, _ = read_captured(find_driving(target.source), options)
    clip = CapturedClip(motion, options)
    track, rate = clip.track(), clip.frame_rate
    write_track(poses, track, file_name=target.source.name, fps=float(rate), overwrite=existing.overwrite)
    facts: dict[str, Any] = {
        "output": str(poses), "frames": len(track), "frames_with_person": len(track), "warnings": [],
    }  # fmt: skip
    if overlay:
        drawn = target.path(".pose.mp4")
        _write_overlay(drawn, target.source, clip, rate, overwrite=existing.overwrite)
        facts["overlay"] = str(drawn)
    return facts


def _write_overlay(path: Path, source: Path, clip: Any, rate: Fraction, *, overwrite: bool) -> None:
    from motionwarp.media.writer import open_writer
    from motionwarp.pose.drawing import draw_pose

    track = clip.track()
    with open_writer(
        path, width=track.width, height=track.height, frame_rate=rate, metadata={}, overwrite=overwrite,
        inputs=[source],
    ) as writer:  # fmt: skip
        for frame in clip.frames(range(len(track))):
            writer.write(draw_pose(frame.rgb, track.points[frame.index]), frame.pts_seconds)
        writer.end_at(clip.end_seconds)
