"""Will a transfer work? Both inputs are looked at as a transfer does, and a few of its frames are really made."""

from __future__ import annotations

import math
import time
from dataclasses import asdict, dataclass, replace
from enum import Enum
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from motionwarp.media.atomic import check_target
from motionwarp.media.contact_sheet import write_sheet
from motionwarp.pipeline.alignment_doubts import alignment_doubts
from motionwarp.pipeline.alignment_facts import AlignmentFacts, alignment_facts
from motionwarp.pipeline.driving import expected_frames
from motionwarp.pipeline.driving_doubts import driving_doubts
from motionwarp.pipeline.driving_facts import DrivingFacts, driving_facts
from motionwarp.pipeline.glimpses import Glimpses
from motionwarp.pipeline.job import TransferJob
from motionwarp.pipeline.options import TransferOptions
from motionwarp.pipeline.preview import preview_tiles, sheet_columns
from motionwarp.pipeline.progress import ProgressCallback
from motionwarp.pipeline.running_cost import RunningCost, make_trial, running_cost
from motionwarp.pipeline.source_doubts import source_doubts
from motionwarp.pipeline.source_facts import SourceFacts, source_facts
from motionwarp.pipeline.suitability import Doubt, Verdict, verdict_of
from motionwarp.pipeline.timeline import Timeline
from motionwarp.pipeline.writing import inputs_of, provenance

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from motionwarp.pipeline.option_names import TransferChanges

# frames that a quick look reads: two seconds' work of two cores, and a glance every second at a clip of a minute and a half
_QUICK_FRAMES: Final = 96
# one of so many frames where the clip does not tell how long it is
_QUICK_STEP: Final = 8
# driving frames on the preview, which also are those whose people are counted
_SHOWN: Final = 6


@dataclass(frozen=True, eq=False)
class FeasibilityReport:
    """Whether a transfer will work, and what that rests on.

    Attributes
    ----------
    verdict : Verdict
        `GOOD` without doubts, `FAIR` if it works in spite of some, `POOR` if the result will not be what the clip shows.
    doubts : tuple of Doubt
        The worst first.
    source : SourceFacts
    driving : DrivingFacts
    together : AlignmentFacts
    cost : RunningCost
    warnings : tuple of str
        What a transfer of the frames looked at would warn of; frames are numbered among these.
    engine, device, precision, estimator : str
        What was used.
    preview : Path or None
        The contact sheet that was written.
    """

    verdict: Verdict
    doubts: tuple[Doubt, ...]
    source: SourceFacts
    driving: DrivingFacts
    together: AlignmentFacts
    cost: RunningCost
    warnings: tuple[str, ...]
    engine: str
    device: str
    precision: str
    estimator: str
    preview: Path | None

    def as_dict(self) -> dict[str, Any]:
        """Return everything as JSON can hold it."""
        values: dict[str, Any] = _plain(asdict(self))
        return values


def check(
    source: str | PathLike[str],
    driving: str | PathLike[str],
    options: TransferOptions | None = None,
    *,
    quick: bool = False,
    preview: str | PathLike[str] | None = None,
    progress: ProgressCallback | None = None,
    **changes: Unpack[TransferChanges],
) -> FeasibilityReport:
    """Tell whether a transfer will work, before a long run.

    Parameters
    ----------
    source, driving, options, **changes
        As for `transfer`; those of the file written do not count but for `overwrite`.
    quick : bool
        Look at so few of a clip's frames, evenly spaced, that it takes seconds; cuts are found among all frames nevertheless.
    preview : path, optional
        A PNG to write: the source, and driving frames each beside the result. It appears whole or not at all.
    progress : callable, optional
        Told of every step of every stage.

    Returns
    -------
    FeasibilityReport

    Raises
    ------
    InputError
        One of its kinds, if an input, an option or the preview is at fault; also if there is nobody at all.
    """
    options = replace(options or TransferOptions(), **changes)
    options = replace(options, side_by_side=False, save_poses=None, region_debug=None)
    job = TransferJob(Path(source), Path(driving), options)
    if preview is not None:
        check_target(Path(preview), overwrite=options.overwrite, inputs=inputs_of(job))
    begin = time.perf_counter()
    glimpses = Glimpses(_step(job) if quick else 1, _SHOWN)
    seen = job.look(progress, glimpses)
    timeline = job.prepare(progress, seen)
    preparing = time.perf_counter() - begin

    photo = source_facts(job, seen.source)
    clip = driving_facts(job, seen, glimpses)
    together = alignment_facts(job, seen, timeline, clip.frames)
    pictures = glimpses.chosen()
    shown = {number: _shown_at(timeline, number) for number in pictures}
    trial = make_trial(job, timeline, sorted(set(shown.values())), progress)
    if preview is not None:
        results = {number: trial.pictures[frame] for number, frame in shown.items()}
        tiles = preview_tiles(seen, pictures, results, options.start or 0.0)
        write_sheet(
            preview, tiles, columns=sheet_columns(tiles), overwrite=options.overwrite, metadata=provenance(job.engine.name)
        )
    doubts = [
        *source_doubts(photo, options),
        *driving_doubts(clip, photo, options),
        *alignment_doubts(together, photo.framing, options),
    ]
    return FeasibilityReport(
        verdict=verdict_of(doubts),
        doubts=tuple(sorted(doubts, key=lambda doubt: doubt.level is not Verdict.POOR)),
        source=photo,
        driving=clip,
        together=together,
        cost=running_cost(job, trial, preparing, glimpses, together.output_frames),
        warnings=tuple(job.warnings),
        engine=job.engine.name,
        device=job.device.type,
        precision=str(job.dtype).removeprefix("torch."),
        estimator=job.estimator_name,
        preview=None if preview is None else Path(preview),
    )


def _step(job: TransferJob) -> int:
    """Return of how many frames a quick look reads one."""
    count = expected_frames(job.driving_info, job.options)
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
