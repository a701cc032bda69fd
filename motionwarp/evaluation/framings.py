"""People and motions that the frame cuts otherwise: sixteen framings of one clip against the clip itself.

One frame of a clip is the source, the clip its own driving motion, and both are cut, below, at the knees, at the waist
or at the chest. A transfer with its default options ought to give the clip again, framed as the source, as far as both
show it: of the same size, at the same place, and with no end of the person in the picture. Points are those of the
clip's labels, without those beyond a cut.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from enum import Enum
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from motionwarp.errors import InputError, NoPersonError
from motionwarp.evaluation.clip_labels import ClipLabels, read_labels
from motionwarp.evaluation.frame_metrics import RenderedView
from motionwarp.evaluation.metrics.image import psnr
from motionwarp.evaluation.metrics.masks import matte_iou
from motionwarp.evaluation.metrics.ssim import ssim
from motionwarp.evaluation.options import FramingsSettings
from motionwarp.evaluation.systems import on_backdrop
from motionwarp.evaluation.windows import on_plain
from motionwarp.media.contact_sheet import Tile
from motionwarp.media.probe import probe_video
from motionwarp.media.reader import open_video
from motionwarp.perception.base import Estimator
from motionwarp.perception.matting import parsing_in_frame
from motionwarp.pipeline.analysis import AnalyzedInputs, load_estimator
from motionwarp.pipeline.driving import DrivingMotion
from motionwarp.pipeline.layout import resized
from motionwarp.pipeline.options import TransferOptions
from motionwarp.pipeline.plan import TransferPlan, plan_transfer
from motionwarp.pipeline.progress import TransferRun
from motionwarp.pipeline.setup import set_up
from motionwarp.pipeline.source import PreparedSource
from motionwarp.pose import skeleton as sk
from motionwarp.types import ByteArray, FloatArray, Pose, PoseTrack, SourcePerson

_GRAY: Final = "#7f7f7f"  # before the photo itself, those who rest would have some of it about them
_SEEN: Final = 0.5  # of scores
_GUESSED: Final = 0.1  # knees under a dress tell where they are well enough to cut there
_COVERED: Final = 0.5
_BELOW_HIPS: Final = 0.12  # torsos, at which people are cut "at the waist"
_BELOW_NECK: Final = 0.55  # torsos, at which they are cut at the chest: hips and elbows are not seen
_LEAST_ROWS: Final = 16
_CUT_SEEN: Final = 0.6  # of the breadth at the photo's edge: who covers less of the result's edge shows an end
_TALLEST: Final = 200  # pixels of a picture on the sheet


class Framing(str, Enum):
    """What a picture shows of a person, from the head down."""

    FULL = "full"
    KNEE = "knee"
    WAIST = "waist"
    CHEST = "chest"


@dataclass(frozen=True)
class FramingFigures:
    """How near a transfer between two framings comes to the clip, over what both show; means over frames.

    Attributes
    ----------
    ssim, psnr, matte_iou : float
        As of `FrameMetrics`.
    size : float
        Length of torso and breadth of shoulders as planned, over those of the clip, in the median.
    apart : float
        How far neck and shoulders lie from where they are in the clip, in torsos.
    cut_seen : float
        Share of the frames that show where a cut source ends; 0 for whole ones.
    """

    ssim: float
    psnr: float
    matte_iou: float
    size: float
    apart: float
    cut_seen: float


@dataclass(frozen=True, eq=False)
class FramingCell:
    """One of the sixteen, with one engine."""

    engine: str
    source: Framing
    driving: Framing
    figures: FramingFigures
    truth: ByteArray
    result: ByteArray


@dataclass(frozen=True, eq=False)
class FramedClip:
    """A clip with its labels and the rows at which its framings end.

    Attributes
    ----------
    path : Path
    labels : ClipLabels
    source : int
    evaluated : tuple of int
    frames : dict of int to RenderedView
        Pictures and mattes of the source and of the evaluated frames.
    bottoms : dict of Framing to int
        The first row that is cut off.
    """

    path: Path
    labels: ClipLabels
    source: int
    evaluated: tuple[int, ...]
    frames: dict[int, RenderedView]
    bottoms: dict[Framing, int]


Progress = Callable[[str, int, int | None], None]


def evaluate_framings(
    clip: Path, settings: FramingsSettings, progress: Progress, estimator: Estimator | None = None
) -> list[FramingCell]:
    """Let engines move a clip's person, in four framings, by the clip in four framings.

    Parameters
    ----------
    clip : Path
        With labels beside it, or in `settings.labels`; of a camera that stands still.
    settings : FramingsSettings
    progress : callable
        Told of every transfer.
    estimator : Estimator, optional
        Gives the source's parsings, and labels where there are none.

    Raises
    ------
    NoPersonError
        If the source frame does not show a person down to the knees.
    InputError
        If no frame is left besides the source.
    """
    base = TransferOptions(
        device=settings.device, precision=settings.precision, size=settings.size, audio=False,
        pose_estimator=settings.pose_estimator, background=_GRAY,
    )  # fmt: skip
    seer = estimator or load_estimator(base)
    framed = read_framed_clip(clip, settings, seer)
    sources = {framing: _source(framed, framing, seer) for framing in Framing}
    cells = []
    total = len(settings.engines) * len(Framing) ** 2
    for engine in settings.engines:
        for source in Framing:
            for driving in Framing:
                cells.append(_cell(framed, sources[source], (source, driving), replace(base, engine=engine)))
                progress(clip.name, len(cells), total)
    return cells


def read_framed_clip(clip: Path, settings: FramingsSettings, estimator: Estimator) -> FramedClip:
    """Read a clip's labels and frames and choose where its framings end; errors as for `evaluate_framings`."""
    labels = read_labels(clip, settings.labels, settings.poses, settings.mattes, estimator)
    track = labels.truth
    shown = [
        index for index in range(len(track))
        if track.present[index] and (labels.mattes is None or labels.mattes.has(index))
    ]  # fmt: skip
    if not shown:
        raise NoPersonError("no frame shows a person", subject=clip, remedy="Use a clip that shows one")
    source = shown[0] if settings.source_frame is None else settings.source_frame
    evaluated = tuple(index for index in shown if index > source and (index - source) % settings.every == 0)
    if source not in shown or not evaluated:
        raise InputError(
            "it has no frames to evaluate from the source on",
            subject=clip,
            remedy="Use a longer clip or a smaller `every`",
        )
    evaluated = evaluated[: settings.frames]
    bottoms = _bottoms(track.points[source], track.height, clip)
    frames = {}
    wanted = {source, *evaluated}
    with open_video(clip) as reader:
        for frame in reader:
            if frame.index in wanted:
                frames[frame.index] = RenderedView(frame.rgb, labels.truth_matte(frame.index, frame.rgb, estimator))
            if frame.index >= evaluated[-1]:
                break
    return FramedClip(clip, labels, source, evaluated, frames, bottoms)


def _bottoms(points: FloatArray, height: int, clip: Path) -> dict[Framing, int]:
    hips, knees = points[[sk.RIGHT_HIP, sk.LEFT_HIP]], points[[sk.RIGHT_KNEE, sk.LEFT_KNEE]]
    if min(hips[:, 2].min(), knees[:, 2].min(), points[sk.NECK, 2]) < _GUESSED:
        raise NoPersonError(
            "the source frame does not show a person down to the knees",
            subject=clip,
            remedy="Choose another `source_frame`",
        )
    neck, hip = points[sk.NECK, 1], hips[:, 1].mean()
    waist, chest = hip + _BELOW_HIPS * (hip - neck), neck + _BELOW_NECK * (hip - neck)
    rows = {Framing.CHEST: chest, Framing.WAIST: waist, Framing.KNEE: knees[:, 1].mean(), Framing.FULL: height}
    bottoms = {framing: min(round(float(row)), height) for framing, row in rows.items()}
    if min(bottoms.values()) < _LEAST_ROWS:
        raise NoPersonError("the person lies or stands too high", subject=clip, remedy="Choose another `source_frame`")
    return bottoms


def cut_below(points: FloatArray, bottom: int) -> FloatArray:
    """Return points (..., 18, 3) of which those below a cut are missing."""
    kept = points.copy()
    kept[kept[..., 1] > bottom - 0.5] = 0
    return kept


def _source(framed: FramedClip, framing: Framing, estimator: Estimator) -> PreparedSource:
    """Return the clip's person in the source frame, cut."""
    bottom, view = framed.bottoms[framing], framed.frames[framed.source]
    rgb, matte = np.ascontiguousarray(view.rgb[:bottom]), np.ascontiguousarray(view.matte[:bottom])
    pose = Pose(cut_below(framed.labels.inputs.points[framed.source], bottom))
    parsing = parsing_in_frame(rgb, estimator.analyze_picture(rgb, given_pose=pose), matte)
    return PreparedSource(SourcePerson(rgb, matte, pose, parsing), matte_given=True)


def _motion(framed: FramedClip, bottom: int) -> DrivingMotion:
    """Return the clip's motion from the source frame on, cut."""
    track, frames = framed.labels.inputs, slice(framed.source, framed.evaluated[-1] + 1)
    times = track.times_seconds[frames] - track.times_seconds[framed.source]
    points = cut_below(track.points[frames], bottom)
    present = track.present[frames] & (points[..., 2] > 0).any(axis=1)
    end = float(times[-1] + (times[-1] - times[-2] if len(times) > 1 else 0.04))
    return DrivingMotion(PoseTrack(points, present, times, track.width, bottom), (), end, None)


@dataclass
class _Tally:
    """Values of one cell's frames."""

    values: dict[str, list[float]] = field(default_factory=dict)

    def add(self, **values: float) -> None:
        for name, value in values.items():
            if np.isfinite(value):
                self.values.setdefault(name, []).append(value)

    def figures(self) -> FramingFigures:
        middle = {"size": np.median}
        return FramingFigures(
            **{
                each.name: float(middle.get(each.name, np.mean)(self.values.get(each.name, [float("nan")])))
                for each in fields(FramingFigures)
            }
        )


def _cell(
    framed: FramedClip, source: PreparedSource, framings: tuple[Framing, Framing], options: TransferOptions
) -> FramingCell:
    bottoms = [framed.bottoms[framing] for framing in framings]
    info = replace(probe_video(framed.path), height=bottoms[1])
    inputs = AnalyzedInputs(source, _motion(framed, bottoms[1]), info, "given")
    tally = _Tally()
    kept: list[tuple[ByteArray, ByteArray]] = []
    with TransferRun() as run:
        setup = set_up(framed.path, framed.path, options, source.size, info)
        plan = plan_transfer(setup, inputs, run=run)
        breadth = _breadth_at_edge(source.person.matte) * plan.setup.frame[0] / source.size[0]
        for index, result in _results(plan, framed, run):
            truth = _truth(framed.frames[index], bottoms[0], setup.frame)
            rows = round(min(bottoms) * setup.frame[1] / bottoms[0])
            one, other = (np.ascontiguousarray(view.rgb[:rows]) for view in (result, truth))
            planned, true = plan.motion.points[index - framed.source], _true_points(framed, index, plan, bottoms[0])
            size, apart = _size_and_place(planned, true)
            ended = framings[0] is not Framing.FULL and _breadth_at_edge(result.matte) < _CUT_SEEN * breadth
            overlap = matte_iou(result.matte[:rows], truth.matte[:rows])
            tally.add(
                ssim=ssim(one, other), psnr=psnr(one, other), matte_iou=overlap, size=size, apart=apart,
                cut_seen=float(ended),
            )  # fmt: skip
            kept.append((truth.rgb, result.rgb))
    truth_rgb, result_rgb = kept[len(kept) // 2]
    return FramingCell(options.engine, *framings, tally.figures(), truth_rgb, result_rgb)


def _results(plan: TransferPlan, framed: FramedClip, run: TransferRun) -> Iterator[tuple[int, RenderedView]]:
    """Yield the evaluated frames over gray."""
    width, height = plan.setup.frame
    backdrop = np.full((height, width, 3), 127, dtype=np.uint8)
    chosen: npt.NDArray[np.int64] = np.array(framed.evaluated, dtype=np.int64) - framed.source
    for index, layer in zip(framed.evaluated, plan.layers(chosen, run), strict=True):
        yield index, on_backdrop(backdrop, layer)


def _truth(view: RenderedView, bottom: int, frame: tuple[int, int]) -> RenderedView:
    """Return a real frame as the source is framed, over gray, at the results' size."""
    matte = np.asarray(cv2.resize(view.matte[:bottom], frame, interpolation=cv2.INTER_AREA), dtype=np.float32)
    return RenderedView(on_plain(resized(np.ascontiguousarray(view.rgb[:bottom]), *frame), matte, 127), matte)


def _true_points(framed: FramedClip, index: int, plan: TransferPlan, bottom: int) -> FloatArray:
    """Return a frame's true points in pixels of the results."""
    track = framed.labels.truth
    points = track.points[index].copy()
    across, down = plan.setup.frame[0] / track.width, plan.setup.frame[1] / bottom
    points[:, :2] = (points[:, :2] + np.float32(0.5)) * np.array([across, down], dtype=np.float32) - np.float32(0.5)
    return np.asarray(points, dtype=np.float32)


def _breadth_at_edge(matte: FloatArray) -> float:
    """Return how many columns are covered in a matte's last rows; the very last one may be the blur of a resize."""
    return float((matte[-3:].max(axis=0) > _COVERED).sum())


def _size_and_place(planned: FloatArray, true: FloatArray) -> tuple[float, float]:
    """Return the planned size over the true one, and how far the shoulders are apart in torsos; NaN where not told."""
    trunk = [sk.NECK, sk.RIGHT_SHOULDER, sk.LEFT_SHOULDER]
    if true[trunk, 2].min() < _SEEN or planned[trunk, 2].min() <= 0:
        return float("nan"), float("nan")
    sizes: list[tuple[float, float, float]] = []
    for points in (planned, true):
        shoulders = float(np.linalg.norm(points[sk.RIGHT_SHOULDER, :2] - points[sk.LEFT_SHOULDER, :2]))
        hips = points[[sk.RIGHT_HIP, sk.LEFT_HIP]]
        torso = float(np.linalg.norm(hips[:, :2].mean(axis=0) - points[sk.NECK, :2]))
        sizes.append((shoulders, torso, float(hips[:, 2].min())))
    both = sizes[0][2] > 0 and sizes[1][2] >= _SEEN
    size = (sizes[0][0] + both * sizes[0][1]) / max(sizes[1][0] + both * sizes[1][1], 1e-3)
    unit = sizes[1][1] if sizes[1][2] >= _SEEN else 1.45 * sizes[1][0]
    apart = np.linalg.norm(planned[trunk, :2] - true[trunk, :2], axis=1).mean() / max(float(unit), 1e-3)
    return float(size), float(apart)


def framings_summary(cells: Sequence[FramingCell]) -> dict[str, Any]:
    """Return every cell's figures by engine, source and driving, and the means of each engine, for JSON."""
    names = [each.name for each in fields(FramingFigures)]
    engines: dict[str, Any] = {}
    for engine in dict.fromkeys(cell.engine for cell in cells):
        own = [cell for cell in cells if cell.engine == engine]
        rows = [
            {
                "source": cell.source.value,
                "driving": cell.driving.value,
                **{name: _rounded(getattr(cell.figures, name)) for name in names},
            }
            for cell in own
        ]
        means = {name: _rounded(float(np.nanmean([getattr(cell.figures, name) for cell in own]))) for name in names}
        engines[engine] = {"mean": means, "framings": rows}
    return engines


def _rounded(value: float) -> float | None:
    return round(value, 4) if np.isfinite(value) else None


def framings_tiles(cells: Sequence[FramingCell]) -> list[Tile]:
    """Return truth and result of every cell, a source framing a row: eight pictures each."""
    tiles = []
    for cell in cells:
        caption = f"{cell.source.value} by {cell.driving.value}"
        tiles.append(Tile(_small(cell.truth), f"{caption}, true"))
        tiles.append(Tile(_small(cell.result), f"{cell.engine} {cell.figures.ssim:.3f} {cell.figures.psnr:.1f}"))
    return tiles


def _small(rgb: ByteArray) -> ByteArray:
    scale = min(1.0, _TALLEST / rgb.shape[0])
    return resized(rgb, max(round(rgb.shape[1] * scale), 1), max(round(rgb.shape[0] * scale), 1))
