"""The 18 points of motion capture: a usual body in it, seen from a side."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

from motionwarp.pipeline.options import AnalysisOptions, CameraOptions, TransferOptions

from .batch_inputs import OutputTarget
from .pose_options import PoseOutputOptions


def write_captured(
    target: OutputTarget,
    poses: Path,
    asked: PoseOutputOptions,
    analysis: AnalysisOptions,
    camera: CameraOptions,
) -> dict[str, Any]:
    """Write the points of motion capture, and a clip of the body with them if asked; return the facts."""
    from motionwarp.body.pose_forms import ReadPoses, write_poses
    from motionwarp.motions.catalog import find_driving
    from motionwarp.pipeline.captured_driving import CapturedClip, read_captured

    options = TransferOptions(
        start=analysis.start, end=analysis.end, view=camera.view, orbit=camera.orbit, travel=camera.travel
    )
    motion, _ = read_captured(find_driving(target.source), options)
    clip = CapturedClip(motion, options)
    track, rate = clip.track(), clip.frame_rate
    read = ReadPoses(target.source.name, float(rate), track, None, None)
    write_poses(poses, asked.format, read, overwrite=asked.overwrite)
    facts: dict[str, Any] = {
        "output": str(poses), "frames": len(track), "frames_with_person": len(track), "warnings": [],
    }  # fmt: skip
    if asked.overlay:
        drawn = target.path(".pose.mp4")
        _write_overlay(drawn, target.source, clip, rate, overwrite=asked.overwrite)
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
