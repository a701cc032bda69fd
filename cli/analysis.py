"""What `motionwarp pose` and `motionwarp parse` share: one estimator for all inputs, and frames from any of them."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, cast

from .reporting import OnStep
from .stages import uncollected_imports

if TYPE_CHECKING:
    from motionwarp.perception.base import Estimator, Observation
    from motionwarp.perception.selection import PersonChoice
    from motionwarp.pipeline.options import AnalysisOptions
    from motionwarp.types import Frame


@dataclass(frozen=True)
class Looking:
    """How people are looked for.

    Attributes
    ----------
    estimator : Estimator
    choice : PersonChoice
        Which of several people.
    start, end : float or None
        The part of clips to read, in seconds.
    """

    estimator: Estimator
    choice: PersonChoice
    start: float | None
    end: float | None


@dataclass(frozen=True)
class WatchedClip:
    """An opened clip and what is seen in it.

    Attributes
    ----------
    width, height : int
    frame_rate, time_base : Fraction
    observations : iterator of Observation
        One a frame, while the clip is open.
    warnings : list of str
        Filled while frames are read.
    """

    width: int
    height: int
    frame_rate: Fraction
    time_base: Fraction
    observations: Iterator[Observation]
    warnings: list[str]


def prepare_looking(options: AnalysisOptions) -> Looking:
    """Load the estimator, once for all inputs.

    Raises
    ------
    InputError
        If the estimator, the choice of the person, the device or the precision makes no sense here.
    """
    with uncollected_imports():
        from motionwarp.perception.registry import make_estimator
    from motionwarp.devices import resolve_device, resolve_precision, set_threads
    from motionwarp.perception.selection import PersonChoice
    from motionwarp.runtime import keep_freed_memory

    keep_freed_memory()
    set_threads()
    choice = PersonChoice.parse(options.person)
    device = resolve_device(options.device)
    precision = resolve_precision(options.precision, device)
    return Looking(make_estimator(options.pose_estimator, device, precision), choice, options.start, options.end)


@contextmanager
def watched_clip(path: Path, looking: Looking, on_step: OnStep, *, dense: bool) -> Iterator[WatchedClip]:
    """Open a clip and follow the chosen person through it.

    Decoding runs beside the estimator; `on_step` hears of every frame.
    """
    from motionwarp.media.prefetch import prefetched
    from motionwarp.media.reader import open_video
    from motionwarp.pipeline.followed_person import followed_person
    from motionwarp.pipeline.options import SectionOptions

    section = SectionOptions(start=looking.start, end=looking.end)
    choice = followed_person(path, looking.choice, looking.estimator, section)
    with open_video(path, start_seconds=looking.start, end_seconds=looking.end) as reader:
        info = reader.info
        total = expected_frames(info.frame_count, info.duration_seconds, info.frame_rate, looking.start, looking.end)
        frames = cast("Generator[Frame, None, None]", prefetched(reader, depth=8))

        def observations() -> Iterator[Observation]:
            done = 0
            for observation in looking.estimator.follow(frames, choice, dense=dense):
                done += 1
                on_step(path.name, done, None if total is None else max(total, done))
                yield observation
            on_step(path.name, done, done)

        with closing(frames):  # ends the decoding thread if the work ends early
            yield WatchedClip(info.width, info.height, info.frame_rate, info.time_base, observations(), reader.warnings)


def expected_frames(
    count: int | None, duration: float | None, rate: Fraction, start: float | None, end: float | None
) -> int | None:
    """Return about how many frames a section of a clip has, or None if the clip does not say."""
    if start is None and end is None and count is not None:
        return count
    if duration is None:
        return count
    length = min(duration, duration if end is None else end) - (start or 0.0)
    return max(1, round(length * float(rate)))
