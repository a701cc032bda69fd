"""`motionwarp pose`: a person in pictures and clips, as 18 points and as a body in space."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from motionwarp.pipeline.options import AnalysisOptions, CameraOptions

from .analysis import Looking, prepare_looking, watched_clip
from .batch_inputs import OutputTarget, in_ranges, plan_targets, run_over
from .options import InputsArgument, examples, with_options
from .pose_options import PoseOutputOptions
from .reporting import OnStep, Reporter

if TYPE_CHECKING:
    from motionwarp.body.body_track import BodyReader, BodyTrack
    from motionwarp.body.pose_forms import PoseForm
    from motionwarp.media.writer_base import VideoWriter
    from motionwarp.types import Facing, FloatArray, PoseTrack

EPILOG = examples(
    "motionwarp pose dance.mp4 -o dance.keypoints18.json",
    "motionwarp pose dance.mp4 -o dance.bvh --format bvh",
    "motionwarp pose photos/*.jpg dance.mp4 -o poses --overlay --overlay-body",
)


@with_options
def pose(
    *,
    inputs: InputsArgument,
    asked: PoseOutputOptions,
    analysis: AnalysisOptions,
    camera: CameraOptions,
    reporter: Reporter,
) -> None:
    """Write the points and the body of one person, a file for each INPUT.

    Of motion capture (.bvh, or the name of a motion) points and body are those of a usual grown-up, seen from --view.

    In a folder the files are named INPUT.keypoints18.json, .npz, .bvh, .coco.json, or INPUT.openpose/. An input that
    fails is reported, and the others go on.
    """
    from motionwarp.body.pose_forms import ENDINGS, NEEDS_BODY
    from motionwarp.errors import OptionError
    from motionwarp.media.atomic import check_target
    from motionwarp.media.image import is_picture
    from motionwarp.motions.catalog import find_driving
    from motionwarp.pipeline.captured_driving import is_captured

    from .pose_capture import write_captured

    form: PoseForm = asked.format
    if not asked.body and (form in NEEDS_BODY or asked.overlay_body):
        raise OptionError(
            "needs the body, which --no-body leaves out",
            values={"format": form} if form in NEEDS_BODY else {"overlay_body": True},
            remedy="Leave --no-body out.",
        )
    file_ending = ".json" if form in ("json", "coco") else ENDINGS[form]
    targets = plan_targets(inputs, asked.output, file_ending)
    captured = {path for path in inputs if is_captured(find_driving(path))}
    is_seen = not captured.issuperset(inputs)
    looking = prepare_looking(analysis) if is_seen else None
    # before any picture is looked at: weights of another version are refused at once
    reader = _body_reader(analysis) if asked.body and is_seen else None

    def work(target: OutputTarget, on_step: OnStep) -> dict[str, Any]:
        if form != "openpose":
            check_target(_poses_path(target, form), overwrite=asked.overwrite, inputs=[target.source])
        if looking is None or target.source in captured:
            return write_captured(target, _poses_path(target, form), asked, analysis, camera)
        writing = _Writing(target, asked, looking, reader)
        return writing.of_picture() if is_picture(target.source) else writing.of_clip(on_step)

    run_over(targets, work, reporter, "pose")


def _body_reader(analysis: AnalysisOptions) -> BodyReader:
    from motionwarp.body.body_track import BodyReader
    from motionwarp.devices import resolve_device

    return BodyReader.load(device=resolve_device(analysis.device))


def _poses_path(target: OutputTarget, form: PoseForm) -> Path:
    from motionwarp.body.pose_forms import ENDINGS

    return target.file or target.path(ENDINGS[form])


@dataclass(frozen=True)
class _Writing:
    """One input's work.

    Attributes
    ----------
    target : OutputTarget
    asked : PoseOutputOptions
    looking : Looking
    reader : BodyReader or None
        None where only points are wanted.
    """

    target: OutputTarget
    asked: PoseOutputOptions
    looking: Looking
    reader: BodyReader | None

    def of_picture(self) -> dict[str, Any]:
        """Look at a picture, write its poses and return the facts for the summary."""
        import numpy as np

        from motionwarp.body.drawing import draw_body
        from motionwarp.media.image import read_image, write_image
        from motionwarp.pose.drawing import draw_pose
        from motionwarp.types import PoseTrack

        picture = read_image(self.target.source)
        found = self.looking.estimator.analyze_picture(picture.rgb, self.looking.choice)
        height, width = picture.rgb.shape[:2]
        track = PoseTrack(found.pose.points[None], np.ones(1, dtype=np.bool_), np.zeros(1), width, height)
        facts, body = self._written(track, [found.facing], fps=1.0)
        if self.asked.overlay:
            drawn = self.target.path(".pose.png")
            write_image(drawn, draw_pose(picture.rgb, found.pose.points), overwrite=self.asked.overwrite)
            facts["overlay"] = str(drawn)
        if self.asked.overlay_body and self.reader is not None and body is not None:
            drawn = self.target.path(".body.png")
            shown = picture.rgb
            if body.present[0]:
                shown = draw_body(shown, self.reader.body, body.vertices(self.reader.body, 0))
            write_image(drawn, shown, overwrite=self.asked.overwrite)
            facts["overlay_body"] = str(drawn)
        return facts

    def of_clip(self, on_step: OnStep) -> dict[str, Any]:
        """Follow the person of a clip, write the poses and return the facts for the summary."""
        import numpy as np

        from motionwarp.errors import NoPersonError
        from motionwarp.pose.drawing import draw_pose
        from motionwarp.types import POINT_COUNT, PoseTrack

        absent = np.zeros((POINT_COUNT, 3), dtype=np.float32)
        points: list[FloatArray] = []
        facings: list[Facing | None] = []
        times: list[float] = []
        notes: list[tuple[int, str]] = []
        with watched_clip(self.target.source, self.looking, on_step, dense=False) as clip, ExitStack() as stack:
            writer = stack.enter_context(self._video(".pose.mp4", clip)) if self.asked.overlay else None
            for observation in clip.observations:
                frame, found = observation.frame, observation.person
                points.append(absent if found is None else found.pose.points)
                facings.append(None if found is None else found.facing)
                times.append(frame.pts_seconds)
                note = observation.note or (None if found else "no person found")
                if note:
                    notes.append((frame.index, note))
                if writer is not None:
                    shown = frame.rgb if found is None else draw_pose(frame.rgb, found.pose.points)
                    writer.write(shown, frame.pts_seconds)
            stacked = np.stack(points)
            present = np.asarray((stacked[..., 2] > 0).any(axis=1))
            if not present.any():
                raise NoPersonError(
                    f"no person was found in {len(points)} frames",
                    subject=self.target.source,
                    remedy="Is one in sight, upright and large?",
                )
            track = PoseTrack(stacked, present, np.array(times), clip.width, clip.height)
            facts, body = self._written(track, facings, fps=float(clip.frame_rate))
            facts["warnings"] = [*clip.warnings, *in_ranges(notes), *facts["warnings"]]
            if self.asked.overlay_body and body is not None:
                with self._video(".body.mp4", clip) as writer:
                    self._draw_bodies(body, writer)
                facts["overlay_body"] = str(self.target.path(".body.mp4"))
        if self.asked.overlay:
            facts["overlay"] = str(self.target.path(".pose.mp4"))
        return facts

    @contextmanager
    def _video(self, ending: str, clip: Any) -> Iterator[VideoWriter]:
        from motionwarp.media.writer import open_writer

        with open_writer(
            self.target.path(ending), width=clip.width, height=clip.height, frame_rate=clip.frame_rate,
            time_base=clip.time_base, metadata={}, overwrite=self.asked.overwrite, inputs=[self.target.source],
        ) as writer:  # fmt: skip
            yield writer

    def _draw_bodies(self, body: BodyTrack, writer: VideoWriter) -> None:
        """Read the clip once more, since the body is known when all of it was seen."""
        from motionwarp.body.drawing import draw_body
        from motionwarp.media.reader import open_video

        assert self.reader is not None
        with open_video(self.target.source, start_seconds=self.looking.start, end_seconds=self.looking.end) as reader:
            for frame in reader:
                shown = frame.rgb
                if frame.index < len(body) and body.present[frame.index]:
                    vertices = body.vertices(self.reader.body, frame.index)
                    shown = draw_body(shown, self.reader.body, vertices)
                writer.write(shown, frame.pts_seconds)

    def _written(
        self, track: PoseTrack, facings: Sequence[Facing | None], *, fps: float
    ) -> tuple[dict[str, Any], BodyTrack | None]:
        """Read the body, write one input's poses, and return the facts for the summary."""
        from motionwarp.body.pose_forms import ReadPoses, write_poses
        from motionwarp.pose.continuity import discontinuities

        # where the person jumps a shot ends, which no body may be smoothed across
        shots = replace(track, cuts=discontinuities(track))
        body = None if self.reader is None else self.reader.read(shots, facings)
        model = None if self.reader is None else self.reader.body
        poses = ReadPoses(self.target.source.name, fps, track, body, model)
        path = _poses_path(self.target, self.asked.format)
        write_poses(path, self.asked.format, poses, overwrite=self.asked.overwrite)
        facts: dict[str, Any] = {
            "output": str(path),
            "frames": len(track),
            "frames_with_person": int(track.present.sum()),
            "warnings": [],
        }
        if body is not None:
            facts |= _facing_facts(body)
        return facts, body


def _facing_facts(body: BodyTrack) -> dict[str, Any]:
    """Return how the person faces over the frames, and a warning where that cannot be told in most of them."""
    import numpy as np

    told = body.present & body.facing.told
    if told.sum() * 2 < body.present.sum() or not body.present.any():
        return {"warnings": ["which way the person faces cannot be told in most frames"]}
    radians = np.radians(body.facing.degrees[told].astype(np.float64))
    mean = np.degrees(np.arctan2(np.sin(radians).mean(), np.cos(radians).mean()))
    return {"facing_degrees": round(float(mean), 1), "facing_told": round(float(told.sum() / body.present.sum()), 4)}
