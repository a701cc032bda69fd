"""What was seen of the inputs, so that it can be kept and used for many transfers, and changed to make others of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from motionwarp.media.probe import VideoInfo
from motionwarp.pipeline.driving import DrivingMotion
from motionwarp.pipeline.source import PreparedSource
from motionwarp.pose.skeleton import MIRROR
from motionwarp.types import PoseTrack


@dataclass(frozen=True, eq=False)
class AnalyzedInputs:
    """Both inputs of a transfer, analysed.

    Attributes
    ----------
    source : PreparedSource
    motion : DrivingMotion
    info : VideoInfo
        Of the driving clip.
    estimator : str
        The name of what saw them.
    """

    source: PreparedSource
    motion: DrivingMotion
    info: VideoInfo
    estimator: str


def mirrored_motion(motion: DrivingMotion) -> DrivingMotion:
    """Return the motion as a mirror shows it: left hands move as right hands did. It has no plate."""
    track = motion.track
    points = track.points[:, list(MIRROR)].copy()
    # centres of pixels lie at integers
    points[..., 0] = (track.width - 1) - points[..., 0]
    points[~track.present] = 0.0
    points[points[..., 2] == 0] = 0.0
    flipped = PoseTrack(points, track.present, track.times_seconds, track.width, track.height, track.cuts)
    return replace(motion, track=flipped, plate=None)


def retimed_motion(motion: DrivingMotion, speed: float) -> DrivingMotion:
    """Return the motion at another speed: `speed` 2 makes the clip half as long.

    Raises
    ------
    ValueError
        If the speed is not over 0.
    """
    if not speed > 0:
        raise ValueError(f"retimed_motion needs a speed over 0, got {speed}")
    track = motion.track
    first = float(track.times_seconds[0])
    times = first + (track.times_seconds - first) / speed
    slower = PoseTrack(track.points, track.present, times, track.width, track.height, track.cuts)
    return replace(motion, track=slower, end_seconds=first + (motion.end_seconds - first) / speed)
