"""`motionwarp pose`: the 18 points of a person in pictures and clips."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from motionwarp.options import OverwriteOptions
from motionwarp.pipeline.options import AnalysisOptions, CameraOptions

from .analysis import Looking, prepare_looking, watched_clip
from .batch_inputs import OutputTarget, in_ranges, plan_targets, run_over
from .options import WRITING, InputsArgument, examples, with_options
from .reporting import OnStep, Reporter

if TYPE_CHECKING:
    from motionwarp.types import FloatArray

EPILOG = examples(
    "motionwarp pose dance.mp4 -o dance.keypoints18.json",
    "motionwarp pose photos/*.jpg dance.mp4 -o poses --overlay",
)


@with_options
def pose(
    *,
    inputs: InputsArgument,
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE|DIR",
            help="A .json file for one input, or a folder.",
            rich_help_panel=WRITING,
        ),
    ] = Path(),
    overlay: Annotated[
        bool, typer.Option("--overlay", help="Also draw the points over the input.", rich_help_panel=WRITING)
    ] = False,
    analysis: AnalysisOptions,
    camera: CameraOptions,
    existing: OverwriteOptions,
    reporter: Reporter,
) -> None:
    """Write the 18 points of one person as JSON, a file for each INPUT.

    Of motion capture (.bvh, or the name of a motion) they are those of a usual body, seen from --view.

    In a folder the files are named INPUT.keypoints18.json. An input that fails is reported, and the others go on.
    """
    from motionwarp.media.atomic import check_target
    from motionwarp.media.image import is_picture
    from motionwarp.motions.library import find_driving
    from motionwarp.pipeline.captured_driving import is_captured

    from .pose_capture import write_captured

    targets = plan_targets(inputs, output, ".json")
    captured = {path for path in inputs if is_captured(find_driving(path))}
    looking = None if captured.issuperset(inputs) else prepare_looking(analysis)

    def work(target: OutputTarget, on_step: OnStep) -> dict[str, Any]:
        check_target(_poses_path(target), overwrite=existing.overwrite, inputs=[target.source])
        if looking is None or target.source in captured:
            return write_captured(target, _poses_path(target), analysis, camera, existing, overlay=overlay)
        if is_picture(target.source):
            return _look_at_picture(target, looking, overlay=overlay, overwrite=existing.overwrite)
        return _look_at_clip(target, looking, on_step, overlay=overlay, overwrite=existing.overwrite)

    run_over(targets, work, reporter, "pose")


def _poses_path(target: OutputTarget) -> Path:
    return target.file or target.path(".keypoints18.json")


def _look_at_picture(target: OutputTarget, looking: Looking, *, overlay: bool, overwrite: bool) -> dict[str, Any]:
    from motionwarp.media.image import read_image, write_image
    from motionwarp.pose.drawing import draw_pose

    picture = read_image(target.source)
    found = looking.estimator.analyze_picture(picture.rgb, looking.choice)
    height, width = picture.rgb.shape[:2]
    facts = _write_points(target, [found.pose.points], [0.0], width, height, fps=1.0, overwrite=overwrite)
    if overlay:
        drawn = target.path(".pose.png")
        write_image(drawn, draw_pose(picture.rgb, found.pose.points), overwrite=overwrite)
        facts["overlay"] = str(drawn)
    return facts


def _look_at_clip(
    target: OutputTarget, looking: Looking, on_step: OnStep, *, overlay: bool, overwrite: bool
) -> dict[str, Any]:
    from motionwarp.pose.drawing import draw_pose

    points: list[FloatArray | None] = []
    times: list[float] = []
    notes: list[tuple[int, str]] = []
    drawn = target.path(".pose.mp4")
    with watched_clip(target.source, looking, on_step, dense=False) as clip, ExitStack() as stack:
        writer = None
        if overlay:
            from motionwarp.media.writer import open_writer

            writer = stack.enter_context(
                open_writer(
                    drawn, width=clip.width, height=clip.height, frame_rate=clip.frame_rate, time_base=clip.time_base,
                    metadata={}, overwrite=overwrite, inputs=[target.source],
                )
            )  # fmt: skip
        for observation in clip.observations:
            frame, found = observation.frame, observation.person
            points.append(None if found is None else found.pose.points)
            times.append(frame.pts_seconds)
            note = observation.note or (None if found else "no person found")
            if note:
                notes.append((frame.index, note))
            if writer is not None:
                writer.write(frame.rgb if found is None else draw_pose(frame.rgb, found.pose.points), frame.pts_seconds)
        facts = _write_points(
            target, points, times, clip.width, clip.height, fps=float(clip.frame_rate), overwrite=overwrite
        )
        facts["warnings"] = [*clip.warnings, *in_ranges(notes)]
    if overlay:
        facts["overlay"] = str(drawn)
    return facts


def _write_points(
    target: OutputTarget,
    points: list[FloatArray | None],
    times: list[float],
    width: int,
    height: int,
    *,
    fps: float,
    overwrite: bool,
) -> dict[str, Any]:
    """Write one input's track and return the facts for the summary."""
    import numpy as np

    from motionwarp.errors import NoPersonError
    from motionwarp.pose.formats.pose_file import write_track
    from motionwarp.types import POINT_COUNT, PoseTrack

    present = [found is not None for found in points]
    if not any(present):
        raise NoPersonError(
            f"no person was found in {len(points)} frames",
            subject=target.source,
            remedy="Is one in sight, upright and large?",
        )
    absent = np.zeros((POINT_COUNT, 3), dtype=np.float32)
    track = PoseTrack(
        np.stack([absent if found is None else found for found in points]),
        np.array(present),
        np.array(times),
        width,
        height,
    )
    path = _poses_path(target)
    write_track(path, track, file_name=target.source.name, fps=fps, overwrite=overwrite)
    return {"output": str(path), "frames": len(points), "frames_with_person": sum(present), "warnings": []}
