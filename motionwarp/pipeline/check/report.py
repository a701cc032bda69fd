"""Will a transfer work? Both inputs are looked at as a transfer does, and a few of its frames are really made."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from enum import Enum
from os import PathLike
from pathlib import Path
from typing import Any, Final

import numpy as np

from motionwarp.body.body_track import BodyReader
from motionwarp.media.atomic import check_target
from motionwarp.media.contact_sheet import Tile, write_sheet
from motionwarp.options import changed
from motionwarp.pipeline.analysis import AnalyzedInputs, TransferInputs, load_estimator, open_inputs
from motionwarp.pipeline.cast import plan_scene
from motionwarp.pipeline.check.alignment import AlignmentStats, alignment_issues, alignment_stats
from motionwarp.pipeline.check.cast import ANSWERED, cast_issues
from motionwarp.pipeline.check.cost import LookingTime, RunningCost, make_trial, running_cost
from motionwarp.pipeline.check.driving import DrivingStats, driving_issues, driving_stats, time_text
from motionwarp.pipeline.check.issues import Issue, Verdict, verdict_of
from motionwarp.pipeline.check.source import SourceStats, source_issues, source_stats
from motionwarp.pipeline.compositing import scaled_width, side_by_side
from motionwarp.pipeline.driving import FrameSampler, expected_frames, points_in
from motionwarp.pipeline.layout import resized
from motionwarp.pipeline.options import TransferOptions
from motionwarp.pipeline.plan import TransferPlan
from motionwarp.pipeline.progress import ProgressCallback, TransferRun
from motionwarp.pipeline.provenance import preview_provenance
from motionwarp.pipeline.timeline import Timeline
from motionwarp.pose.drawing import draw_pose
from motionwarp.types import ByteArray, Frame

# pixels of a picture on the sheet, large enough to see a hand
_HEIGHT: Final = 360
# width over height of the whole sheet
_ASPECT: Final = 2.0


def preview_tiles(
    seen: AnalyzedInputs, driving: Mapping[int, Frame], results: Mapping[int, ByteArray], start_seconds: float
) -> list[Tile]:
    """Return the sheet's pictures.

    Parameters
    ----------
    seen : AnalyzedInputs
    driving : mapping of int to Frame
        Driving frames, possibly reduced, by their number in the track.
    results : mapping of int to uint8 (H, W, 3)
        Frames of the output by the same numbers.
    start_seconds : float
        Start of the section in the clip, for captions.
    """
    person = seen.source.person
    tiles = [Tile(_at_height(draw_pose(person.rgb, person.pose.points)), "source")]
    return [*tiles, *_pairs(seen, driving, results, start_seconds)]


def sheet_columns(tiles: list[Tile]) -> int:
    """Return in how many columns the tiles make a sheet about as wide as a screen."""
    width, height = max(tile.rgb.shape[1] for tile in tiles), max(tile.rgb.shape[0] for tile in tiles)
    return min(max(round(math.sqrt(_ASPECT * len(tiles) * height / width)), 1), len(tiles))


def _pairs(
    seen: AnalyzedInputs, driving: Mapping[int, Frame], results: Mapping[int, ByteArray], start_seconds: float
) -> Iterator[Tile]:
    track = seen.motion.track
    for number, frame in driving.items():
        rgb, caption = frame.rgb, time_text(start_seconds + frame.pts_seconds)
        if track.present[number]:
            rgb = draw_pose(rgb, points_in(track.points[number], (track.width, track.height), rgb))
        else:
            caption += " nobody found"
        yield Tile(side_by_side([rgb, results[number]], _HEIGHT), caption)


def _at_height(rgb: ByteArray) -> ByteArray:
    return resized(rgb, scaled_width(rgb.shape[1], rgb.shape[0], _HEIGHT), _HEIGHT)


# frames that a quick look reads: two seconds' work of two cores, and a glance every second at a clip of a minute and a
# half
_QUICK_FRAMES: Final = 96
# one of so many frames where the clip does not tell how long it is
_QUICK_STEP: Final = 8
# driving frames on the preview, which also are those whose people are counted
SHOWN: Final = 6


@dataclass(frozen=True, eq=False)
class CheckReport:
    """Whether a transfer will work, and what that rests on.

    Attributes
    ----------
    verdict : Verdict
        `GOOD` without issues, `FAIR` if it works in spite of some, `POOR` if the result will not be what the clip
        shows.
    issues : tuple of Issue
        The worst first.
    source : SourceStats
    driving : DrivingStats
    together : AlignmentStats
    cost : RunningCost
    warnings : tuple of str
        What a transfer of the frames looked at would warn of; frames are numbered among these.
    engine, device, precision, estimator : str
        What was used.
    preview : Path or None
        The contact sheet that was written.
    """

    verdict: Verdict
    issues: tuple[Issue, ...]
    source: SourceStats
    driving: DrivingStats
    together: AlignmentStats
    cost: RunningCost
    warnings: tuple[str, ...]
    engine: str
    device: str
    precision: str
    estimator: str
    preview: Path | None

    def as_dict(self) -> dict[str, Any]:
        """Return everything as JSON can hold it; the issues are called 'doubts' there, as they always were."""
        values: dict[str, Any] = _plain(asdict(self))
        return {"doubts" if key == "issues" else key: value for key, value in values.items()}

    @property
    def doubts(self) -> tuple[Issue, ...]:
        """The issues, by their old name."""
        warnings.warn("CheckReport.doubts is called issues now", DeprecationWarning, stacklevel=2)
        return self.issues


def check(
    source: str | PathLike[str],
    driving: str | PathLike[str],
    options: TransferOptions | None = None,
    *,
    quick: bool = False,
    preview: str | PathLike[str] | None = None,
    pictures: int = SHOWN,
    progress: ProgressCallback | None = None,
    **changes: Any,
) -> CheckReport:
    """Tell whether a transfer will work, before a long run.

    Parameters
    ----------
    source, driving, options, **changes
        As for `transfer`; those of the file written do not count but for `overwrite`.
    quick : bool
        Look at so few of a clip's frames, evenly spaced, that it takes seconds; cuts are found among all frames
        nevertheless.
    preview : path, optional
        A PNG to write: the source, and driving frames each beside the result. It appears whole or not at all.
    pictures : int
        Driving frames on the preview, which also are those whose people are counted; at least 1.
    progress : callable, optional
        Called with every step of every stage.

    Returns
    -------
    CheckReport

    Raises
    ------
    InputError
        One of its kinds, if an input, an option or the preview is at fault; also if there is nobody at all.
    """
    options = changed(options or TransferOptions(), changes)
    options = replace(options, side_by_side=False, save_poses=None, region_debug=None)
    with TransferRun(progress) as run:
        inputs = open_inputs(Path(source), Path(driving), options)
        if preview is not None:
            check_target(Path(preview), overwrite=options.overwrite, inputs=inputs.setup.files())
        bodies = BodyReader.load()  # before anything is looked at: weights of another version end it at once
        begin = time.perf_counter()
        estimator = load_estimator(options)
        sampler = FrameSampler(_step(inputs) if quick else 1, pictures)
        scene = plan_scene(inputs, run, sampler, estimator)
        plan, analyzed = scene.main, scene.main.inputs
        spent = time.perf_counter() - begin
        looking = LookingTime(inputs, plan, estimator, sampler, run.clock, spent, dancers=len(scene.plans))

        photo = source_stats(inputs.source, analyzed.source, estimator, bodies)
        clip = driving_stats(plan, sampler, estimator, bodies)
        together = alignment_stats(plan, inputs.source.scale, clip.frames)
        shown = {number: _shown_at(plan.timeline, number) for number in sampler.chosen()}
        trial = make_trial(scene, sorted(set(shown.values())), run)
        if preview is not None:
            results = {number: trial.pictures[frame] for number, frame in shown.items()}
            _write_preview(preview, plan, sampler.chosen(), results)
        cost = running_cost(looking, trial, together.output_frames)
    issues = [
        *source_issues(photo, options),
        *(issue for issue in driving_issues(clip, photo, options) if not (options.cast and issue.code in ANSWERED)),
        *alignment_issues(together, photo.framing, options),
        *cast_issues(scene, sampler, bodies),
    ]
    return CheckReport(
        verdict=verdict_of(issues),
        issues=tuple(sorted(issues, key=lambda issue: issue.level is not Verdict.POOR)),
        source=photo,
        driving=clip,
        together=together,
        cost=cost,
        warnings=tuple(run.warnings),
        engine=plan.setup.engine.name,
        device=plan.device.type,
        precision=plan.precision,
        estimator=analyzed.estimator,
        preview=None if preview is None else Path(preview),
    )


def _write_preview(
    path: str | PathLike[str], plan: TransferPlan, driving: Mapping[int, Frame], results: Mapping[int, ByteArray]
) -> None:
    options = plan.setup.options
    tiles = preview_tiles(plan.inputs, driving, results, options.start or 0.0)
    write_sheet(
        path,
        tiles,
        columns=sheet_columns(tiles),
        overwrite=options.overwrite,
        metadata=preview_provenance(plan.setup),
    )


def _step(inputs: TransferInputs) -> int:
    """Return of how many frames a quick look reads one."""
    count = expected_frames(inputs.driving.info, inputs.setup.options)
    return _QUICK_STEP if count is None else max(math.ceil(count / _QUICK_FRAMES), 1)


def _shown_at(timeline: Timeline, driving_frame: int) -> int:
    """Return the frame of the output that shows a frame of the track, or the one before it."""
    return max(int(np.searchsorted(timeline.driving_frames, driving_frame, side="right")) - 1, 0)


def _plain(value: Any) -> Any:
    """Return a value with enumerations, paths and tuples as JSON has them."""
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(entry) for entry in value]
    if isinstance(value, Enum):
        return value.value
    return str(value) if isinstance(value, Path) else value
