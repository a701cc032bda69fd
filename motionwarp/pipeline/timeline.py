"""When the output's frames are shown: at the driving clip's own times, or at an even rate."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from motionwarp.types import PoseTrack


@dataclass(frozen=True, eq=False)
class Timeline:
    """The output's frames in time.

    Attributes
    ----------
    times_seconds : float64 (N,)
        Increasing, from the driving clip's first frame on.
    driving_frames : int64 (N,)
        The driving frame shown at each time; not decreasing.
    end_seconds : float
        When the last frame's turn is over.
    """

    times_seconds: npt.NDArray[np.float64]
    driving_frames: npt.NDArray[np.int64]
    end_seconds: float

    def __len__(self) -> int:
        return len(self.times_seconds)


def clip_end(times_seconds: npt.NDArray[np.float64], usual_rate: Fraction, duration_seconds: float | None) -> float:
    """Return when a clip's last frame ends: as the container says if that is believable, else after a usual frame.

    Parameters
    ----------
    times_seconds : float64 (T,)
        Times of the frames of the section that is read.
    usual_rate : Fraction
        Frames a second.
    duration_seconds : float or None
        From the section's start to the clip's or the section's end.
    """
    last, usual = float(times_seconds[-1]), float(1 / usual_rate)
    if duration_seconds is not None and 0 < duration_seconds - last < 3 * max(usual, _longest_step(times_seconds)):
        return duration_seconds
    return last + usual


def make_timeline(times_seconds: npt.NDArray[np.float64], end_seconds: float, rate: Fraction | None) -> Timeline:
    """Plan the output's frames.

    Parameters
    ----------
    times_seconds : float64 (T,)
        Times of the driving frames.
    end_seconds : float
    rate : Fraction or None
        Frames a second; None keeps the clip's own times.
    """
    if rate is None:
        return Timeline(times_seconds, np.arange(len(times_seconds)), end_seconds)
    first = float(times_seconds[0])
    count = max(round((end_seconds - first) * float(rate)), 1)
    times = first + np.arange(count) / float(rate)
    # half a microsecond against times that fall on a frame but for rounding
    shown = np.searchsorted(times_seconds, times + 5e-7, side="right") - 1
    return Timeline(times, np.maximum(shown, 0), first + count / float(rate))


def resampled(track: PoseTrack, timeline: Timeline) -> PoseTrack:
    """Return a track at the timeline's times, straight between frames, never across cuts.

    Parameters
    ----------
    track : PoseTrack
    timeline : Timeline
        Made from the track's times.
    """
    before = timeline.driving_frames
    if len(timeline) == len(track) and np.array_equal(timeline.times_seconds, track.times_seconds):
        return track
    after = np.minimum(before + 1, len(track) - 1)
    shot = np.zeros(len(track), dtype=np.int64)
    for number, frames in enumerate(track.shots()):
        shot[frames] = number
    joined = (shot[before] == shot[after]) & track.present[before] & track.present[after]
    step = track.times_seconds[after] - track.times_seconds[before]
    share = np.where(
        joined & (step > 0), (timeline.times_seconds - track.times_seconds[before]) / np.maximum(step, 1e-9), 0
    )
    share = np.clip(share, 0, 1)[:, None, None].astype(np.float32)
    points = track.points[before] * (1 - share) + track.points[after] * share
    cuts = tuple(int(index) for index in np.flatnonzero(np.diff(shot[before]) != 0) + 1)
    return PoseTrack(points, track.present[before], timeline.times_seconds, track.width, track.height, cuts)


def _longest_step(times_seconds: npt.NDArray[np.float64]) -> float:
    return float(np.diff(times_seconds).max()) if len(times_seconds) > 1 else 0.0
