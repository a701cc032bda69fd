"""The 18 points and the body of motion capture: a usual body in it, seen from a side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from motionwarp.pipeline.options import AnalysisOptions, CameraOptions, TransferOptions

from .batch_inputs import OutputTarget
from .pose_options import PoseOutputOptions

if TYPE_CHECKING:
    from motionwarp.pipeline.captured_driving import CapturedClip


def write_captured(
    target: OutputTarget,
    poses: Path,
    asked: PoseOutputOptions,
    analysis: AnalysisOptions,
    camera: CameraOptions,
) -> dict[str, Any]:
    """Write the points and the body of motion capture, and clips of it if asked; return the facts."""
    from motionwarp.body.pose_forms import ReadPoses, write_poses
    from motionwarp.motions.catalog import find_driving
    from motionwarp.pipeline.captured_driving import CapturedClip, read_captured

    options = TransferOptions(
        start=analysis.start, end=analysis.end, view=camera.view, orbit=camera.orbit, travel=camera.travel
    )
    motion, _ = read_captured(find_driving(target.source), options)
    clip = CapturedClip(motion, options)
    track, rate = clip.track(), clip.frame_rate
    body = clip.body() if asked.body else None
    read = ReadPoses(target.source.name, float(rate), track, body, clip.model if asked.body else None)
    write_poses(poses, asked.format, read, overwrite=asked.overwrite)
    facts: dict[str, Any] = {
        "output": str(poses), "frames": len(track), "frames_with_person": len(track), "warnings": [],
    }  # fmt: skip
    for name, ending, wanted in (
        ("overlay", ".pose.mp4", asked.overlay), ("overlay_body", ".body.mp4", asked.overlay_body),
    ):  # fmt: skip
        if wanted:
            drawn = target.path(ending)
            with_points = name == "overlay"
            _write_clip(drawn, target.source, clip, with_points=with_points, overwrite=asked.overwrite)
            facts[name] = str(drawn)
    return facts


def _write_clip(path: Path, source: Path, clip: CapturedClip, *, with_points: bool, overwrite: bool) -> None:
    from motionwarp.media.writer import open_writer
    from motionwarp.pose.drawing import draw_pose

    track = clip.track()
    with open_writer(
        path, width=track.width, height=track.height, frame_rate=clip.frame_rate, metadata={}, overwrite=overwrite,
        inputs=[source],
    ) as writer:  # fmt: skip
        for frame in clip.frames(range(len(track))):
            shown = draw_pose(frame.rgb, track.points[frame.index]) if with_points else frame.rgb
            writer.write(shown, frame.pts_seconds)
        writer.end_at(clip.end_seconds)
