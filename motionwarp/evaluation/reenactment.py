"""Self-reenactment: one frame of a clip is the source, the other frames drive it, and are what the result should look like.

Nobody is retargeted: source and driving show the same person. Two framings (`ReenactmentSettings.full_frame`):

- Crop: every target frame is seen through a 256x192 window (height x width) around what it shows of the person, and the person is
  laid over plain grey by the true matte. Engines render straight into these windows, over the same grey; where a window reaches
  over the frame's edge, nothing is known of the truth, and results are blanked as the truth is.
- Full frame: the whole frame, scaled so that its shorter side has the size asked for; engines render into that, over the source
  frame's own clean plate. For SSIM, PSNR and L1 both pictures are then brought to a square of that size.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

import numpy as np
import torch

from motionwarp.analysis.base import Estimator
from motionwarp.analysis.builtin import BuiltinEstimator
from motionwarp.analysis.matting import covered_in_frame, matte_in_frame, parsing_in_frame
from motionwarp.analysis.reading import CropReader
from motionwarp.engines.base import RenderSettings
from motionwarp.errors import InputError
from motionwarp.evaluation.clip_labels import ClipLabels, read_labels
from motionwarp.evaluation.comparison import Comparison
from motionwarp.evaluation.contestants import SourceView, make_contestants
from motionwarp.evaluation.judging import Judge, RenderedView, TargetView
from motionwarp.evaluation.reenactment_plan import FramePlan, plan_frames, planned_theta
from motionwarp.evaluation.reenactment_settings import ReenactmentSettings
from motionwarp.evaluation.scoring import Scorer
from motionwarp.evaluation.windows import (
    frame_extent,
    matte_in,
    on_plain,
    picture_in,
)
from motionwarp.media.reader import open_video
from motionwarp.pipeline.inpainting import clean_plate
from motionwarp.pipeline.source import fitted_to
from motionwarp.types import ByteArray, FloatArray, Frame, PersonCrop, Pose, SourcePerson

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
    reader: CropReader | None = None,
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
        Gives what is not given by files: the source's parsing in any case. By default the bundled analyser.
    reader : CropReader, optional
        Finds the points again; by default the bundled analyser.
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
    """
    rules = settings or ReenactmentSettings()
    where = device or torch.device("cpu")
    contestants = make_contestants(engines)
    seer = estimator or BuiltinEstimator.load(where, dtype)
    if reader is None:
        reader = seer.reader if isinstance(seer, BuiltinEstimator) else BuiltinEstimator.load(where, dtype).reader
    labels = read_labels(clip, rules.labels, rules.poses, rules.mattes, seer)
    plan = plan_frames(clip, labels, rules)
    source = _source_view(clip, labels, plan, rules, seer)
    height, width = source.backdrop.shape[:2]
    for contestant in contestants:
        contestant.prepare(source, RenderSettings(where, dtype, width, height))
    thetas = [planned_theta(contestant, labels, plan, rules) for contestant in contestants]
    side = rules.full_frame
    judge = Judge(reader, None if side is None else (side, side))
    scorer = Scorer(judge, [contestant.name for contestant in contestants], plan.evaluated, rules.rows, rules.flicker)
    done = 0
    for batch in _batches(clip, labels, plan, rules, seer):
        rows = [plan.rendered.index(index) for index, _ in batch]
        blanks = [_extent(labels, plan.windows[index]) for index, _ in batch]
        results = [
            [_blanked(view, extent, rules.background) for view, extent in zip(views, blanks, strict=True)]
            for views in (each.render(plan.poses[rows], theta[rows]) for each, theta in zip(contestants, thetas, strict=True))
        ]
        scorer.add(batch, results)
        done += len(batch)
        if progress is not None:
            progress(clip.name, done, len(plan.rendered))
    if done < len(plan.rendered):
        raise InputError("it ends before its labels do", subject=clip, remedy="Give the clip's own labels")
    facts = {"source_frame": plan.source, **labels.facts}
    return scorer.comparison(clip.stem, facts, source.framed.rgb)


def _source_view(
    clip: Path, labels: ClipLabels, plan: FramePlan, rules: ReenactmentSettings, estimator: Estimator
) -> SourceView:
    frame = next(_frames_at(clip, [plan.source]), None)
    if frame is None:
        raise InputError(f"it has no frame {plan.source}", subject=clip, remedy="Choose another --source-frame")
    rgb = frame.rgb
    height, width = rgb.shape[:2]
    pose = Pose(labels.inputs.points[plan.source])
    seen = estimator.analyse_picture(rgb, given_pose=pose)
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
