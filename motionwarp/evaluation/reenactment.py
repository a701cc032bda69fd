"""Self-reenactment.

One frame of a clip is the source, the other frames drive it, and are what the result should look like.

Nobody is retargeted: source and driving show the same person. Two framings (`ReenactmentSettings.full_frame`):

- Crop: every target frame is seen through a 256x192 window (height x width) around what it shows of the person, and the
  person is laid over plain gray by the true matte. Engines render straight into these windows, over the same gray;
  where a window reaches over the frame's edge, nothing is known of the truth, and results are blanked as the truth is.
- Full frame: the whole frame, scaled so that its shorter side has the size asked for; engines render into that, over
  the source frame's own clean plate. For SSIM, PSNR and L1 both pictures are then brought to a square of that size.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch

from motionwarp.body.body_track import BodyReader
from motionwarp.engines.base import RenderSettings
from motionwarp.errors import InputError, NoPersonError
from motionwarp.evaluation.avatars import View, view_of
from motionwarp.evaluation.body.referee import WorldReferee
from motionwarp.evaluation.clip_labels import ClipLabels, read_labels
from motionwarp.evaluation.comparison import Comparison
from motionwarp.evaluation.frame_metrics import FrameScorer, RenderedView, TargetView
from motionwarp.evaluation.options import LEVELS, ReenactmentSettings
from motionwarp.evaluation.scoring import Scorer
from motionwarp.evaluation.systems import RenderingSystem, SourceView, make_systems
from motionwarp.evaluation.windows import (
    SURE_SCORE,
    frame_extent,
    frame_window,
    matte_in,
    on_plain,
    person_box,
    person_window,
    picture_in,
)
from motionwarp.geometry.temporal import smooth_over_time
from motionwarp.inpainting.clean_plate import clean_plate
from motionwarp.media.reader import open_video
from motionwarp.perception.backends.builtin import BuiltinEstimator
from motionwarp.perception.base import Estimator
from motionwarp.perception.framing import Box, united
from motionwarp.perception.inference import CropPredictor
from motionwarp.perception.matting import covered_in_frame, matte_in_frame, parsing_in_frame
from motionwarp.pipeline.source import fitted_to
from motionwarp.pose.smoothing import smooth_track
from motionwarp.types import ByteArray, FloatArray, Frame, PersonCrop, Pose, PoseTrack, SourcePerson

GRAY: Final = LEVELS["grey"]


@dataclass(frozen=True, eq=False)
class FramePlan:
    """Which frames are rendered, and through which windows.

    Attributes
    ----------
    source : int
    evaluated : tuple of int
        Frames that metrics are of.
    rendered : tuple of int
        Those and, for flicker, the ones after them.
    windows : dict of int to PersonCrop
        Windows of the rendered frames and of the source.
    poses : float32 (len(rendered), 18, 3)
        What drives the engines, in pixels of the windows.
    """

    source: int
    evaluated: tuple[int, ...]
    rendered: tuple[int, ...]
    windows: dict[int, PersonCrop]
    poses: FloatArray


def plan_frames(clip: Path, labels: ClipLabels, rules: ReenactmentSettings) -> FramePlan:
    """Choose source, frames and windows.

    Raises
    ------
    NoPersonError
        If no frame shows a person, or the source asked for does not.
    InputError
        If no frame is left besides the source.
    """
    shown = [index for index in range(len(labels.truth)) if shows_person(labels, index)]
    if not shown:
        raise NoPersonError("no frame shows a person", subject=clip, remedy="Use a clip that shows one")
    source = shown[0] if rules.source_frame is None else rules.source_frame
    if source not in shown:
        raise NoPersonError(f"frame {source} shows no person", subject=clip, remedy="Choose another `source_frame`")
    evaluated = tuple(index for index in shown if index != source and (index - source) % rules.every == 0)
    if not evaluated:
        raise InputError(
            "it has no frame besides the source", subject=clip, remedy="Use a longer clip or a smaller `every`"
        )
    after = {index + 1 for index in evaluated} & set(shown) - {source} if rules.flicker else set()
    rendered = tuple(sorted(after | set(evaluated)))
    windows = _windows(labels, [*rendered, source], rules)
    driving = smooth_track(labels.inputs, rules.smooth_poses)
    poses = np.stack(
        [Pose(driving.points[index]).transformed(windows[index].frame_to_crop()).points for index in rendered]
    )
    return FramePlan(source, evaluated, rendered, windows, poses)


def shows_person(labels: ClipLabels, index: int) -> bool:
    """Return whether truth and input know of the person, and the frame shows enough to frame it by.

    Where mattes are given for some frames only, the others tell too little.
    """
    if not (labels.truth.present[index] and labels.inputs.present[index]):
        return False
    if labels.mattes is not None and not labels.mattes.has(index):
        return False
    x, y, score = labels.truth.points[index].T
    inside = (x >= 0) & (y >= 0) & (x < labels.truth.width) & (y < labels.truth.height)
    return bool((inside & (score >= SURE_SCORE)).sum() >= 2)


def _windows(labels: ClipLabels, indices: Sequence[int], rules: ReenactmentSettings) -> dict[int, PersonCrop]:
    height, width = labels.truth.height, labels.truth.width
    if rules.full_frame is not None:
        return dict.fromkeys(indices, frame_window(height, width, rules.full_frame))
    boxes = {index: person_box(labels.truth.points[index], labels.box(index), height, width) for index in indices}
    if rules.window == "person":
        return {index: person_window(box) for index, box in boxes.items()}
    every: Box = boxes[indices[0]]
    for box in boxes.values():
        every = united(every, box)
    return dict.fromkeys(indices, person_window(every))


def seen_views(track: PoseTrack) -> list[View | None]:
    """Return what side of the person each frame shows; None where that cannot be told."""
    facing = BodyReader.load().facing(track)
    told = facing.told & track.present
    return [view_of(float(degrees)) if known else None for degrees, known in zip(facing.degrees, told, strict=True)]


def planned_theta(
    system: RenderingSystem, labels: ClipLabels, plan: FramePlan, rules: ReenactmentSettings
) -> FloatArray:
    """Return theta of the rendered frames; to be smoothed, it needs that of all frames."""
    if rules.smooth_theta == 0:
        return system.plan(plan.poses)
    present = np.flatnonzero(labels.inputs.present)
    driving = smooth_track(labels.inputs, rules.smooth_poses)
    matrix = plan.windows[plan.source].frame_to_crop()
    poses = np.stack([Pose(driving.points[index]).transformed(matrix).points for index in present])
    cuts = sorted({int(np.searchsorted(present, cut)) for cut in driving.cuts} - {0, len(present)})
    theta = smooth_over_time(system.plan(poses), driving.times_seconds[present], cuts, rules.smooth_theta)
    return np.asarray(theta[np.searchsorted(present, plan.rendered)])


Progress = Callable[[str, int, int | None], None]
"""Called with the clip's name, the frames done, and all frames."""

__all__ = ["Progress", "ReenactmentSettings", "evaluate_clip"]

_BATCH: Final = 8


def evaluate_clip(
    clip: Path,
    engines: Sequence[str],
    settings: ReenactmentSettings | None = None,
    *,
    estimator: Estimator | None = None,
    reader: CropPredictor | None = None,
    device: torch.device | None = None,
    dtype: torch.dtype = torch.float32,
    progress: Progress | None = None,
) -> Comparison:
    """Let engines re-enact a clip from one of its frames and measure what comes out.

    Parameters
    ----------
    clip : Path
    engines : sequence of str
        Names or files as for `make_engine`, and "copy".
    settings : ReenactmentSettings, optional
    estimator : Estimator, optional
        Gives what is not given by files: the source's parsing in any case. By default the bundled analyzer.
    reader : CropPredictor, optional
        Finds the points again; by default the bundled analyzer.
    device, dtype
        Where and in which type networks run; by default the CPU and float32.
    progress : callable, optional

    Returns
    -------
    Comparison

    Raises
    ------
    InputError
        If the clip has no frame to evaluate, or labels do not fit it.
    NoPersonError
        If the source frame shows nobody.
    OptionError
        If engines are named twice or unknown.
    MissingExtraError
        If a referee is asked for and not installed.
    """
    rules = settings or ReenactmentSettings()
    judge = WorldReferee() if rules.referee else None  # which may be missing: told before anything runs
    where = device or torch.device("cpu")
    systems = make_systems(engines)
    seer = estimator or BuiltinEstimator.load(where, dtype)
    if reader is None:
        reader = seer.reader if isinstance(seer, BuiltinEstimator) else BuiltinEstimator.load(where, dtype).reader
    labels = read_labels(clip, rules.labels, rules.poses, rules.mattes, seer)
    plan = plan_frames(clip, labels, rules)
    source = _source_view(clip, labels, plan, rules, seer)
    height, width = source.backdrop.shape[:2]
    for system in systems:
        system.prepare(source, RenderSettings(where, dtype, width, height))
    thetas = [planned_theta(system, labels, plan, rules) for system in systems]
    side = rules.full_frame
    names = [system.name for system in systems]
    views = seen_views(labels.truth)
    done = 0
    with judge or nullcontext() as referee:
        frame_scorer = FrameScorer(reader, None if side is None else (side, side), referee)
        scorer = Scorer(frame_scorer, names, plan.evaluated, rules.rows, rules.flicker, view_of=views.__getitem__)
        for batch in _batches(clip, labels, plan, rules, seer):
            rows = [plan.rendered.index(index) for index, _ in batch]
            blanks = [_extent(labels, plan.windows[index]) for index, _ in batch]
            results = [
                [_blanked(view, extent, rules.background) for view, extent in zip(views, blanks, strict=True)]
                for views in (
                    each.render(plan.poses[rows], theta[rows]) for each, theta in zip(systems, thetas, strict=True)
                )
            ]
            scorer.add(batch, results)
            done += len(batch)
            if progress is not None:
                progress(clip.name, done, len(plan.rendered))
    if done < len(plan.rendered):
        raise InputError("it ends before its labels do", subject=clip, remedy="Give the clip's own labels")
    details = {"source_frame": plan.source, **labels.details}
    return scorer.comparison(clip.stem, details, source.framed.rgb)


def _source_view(
    clip: Path, labels: ClipLabels, plan: FramePlan, rules: ReenactmentSettings, estimator: Estimator
) -> SourceView:
    frame = next(_frames_at(clip, [plan.source]), None)
    if frame is None:
        raise InputError(f"it has no frame {plan.source}", subject=clip, remedy="Choose another `source_frame`")
    rgb = frame.rgb
    height, width = rgb.shape[:2]
    pose = Pose(labels.inputs.points[plan.source])
    seen = estimator.analyze_picture(rgb, given_pose=pose)
    if labels.source_matte_given and labels.mattes is not None:
        covered = matte = labels.mattes.matte(plan.source, height, width)
    else:
        matte = matte_in_frame(rgb, seen)
        covered = covered_in_frame(seen, matte)
    person = SourcePerson(rgb, matte, pose, parsing_in_frame(rgb, seen, matte))
    finest = min(window.scale for window in plan.windows.values())
    long_side = round(rules.source_detail * max(height, width) / finest)
    framed = _target(plan.source, rgb, labels, plan, rules, estimator)
    backdrop = np.full_like(framed.rgb, rules.background)
    if rules.full_frame is not None:
        backdrop = picture_in(clean_plate(rgb, covered), plan.windows[plan.source])
    return SourceView(fitted_to(person, long_side), framed, backdrop)


def _target(
    index: int, rgb: ByteArray, labels: ClipLabels, plan: FramePlan, rules: ReenactmentSettings, estimator: Estimator
) -> TargetView:
    window = plan.windows[index]
    matte = matte_in(labels.truth_matte(index, rgb, estimator), window)
    picture = picture_in(rgb, window)
    if rules.full_frame is None:
        picture = on_plain(picture, matte, rules.background)
    return TargetView(picture, matte, Pose(labels.truth.points[index]).transformed(window.frame_to_crop()))


def _extent(labels: ClipLabels, window: PersonCrop) -> FloatArray | None:
    """Return how much of a window's pixels lies in the frame; None if all of it does."""
    extent = frame_extent(window, labels.truth.height, labels.truth.width)
    return None if extent.min() > 1 - 1e-4 else extent


def _blanked(view: RenderedView, extent: FloatArray | None, level: int) -> RenderedView:
    """Return a result with what lies outside of the frame made plain."""
    return view if extent is None else RenderedView(on_plain(view.rgb, extent, level), view.matte * extent)


def _batches(
    clip: Path, labels: ClipLabels, plan: FramePlan, rules: ReenactmentSettings, estimator: Estimator
) -> Iterator[list[tuple[int, TargetView]]]:
    batch: list[tuple[int, TargetView]] = []
    with closing(_frames_at(clip, plan.rendered)) as frames:
        for frame in frames:
            batch.append((frame.index, _target(frame.index, frame.rgb, labels, plan, rules, estimator)))
            if len(batch) == _BATCH:
                yield batch
                batch = []
    if batch:
        yield batch


def _frames_at(clip: Path, indices: Sequence[int]) -> Generator[Frame, None, None]:
    """Yield the frames of these numbers, which rise."""
    wanted = set(indices)
    with open_video(clip) as reader:
        for frame in reader:
            if frame.index in wanted:
                yield frame
            if frame.index >= indices[-1]:
                return
