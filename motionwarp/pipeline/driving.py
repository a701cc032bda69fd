"""The driving clip, seen once: the poses of one person, the times of the frames, and where the shots change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from motionwarp.analysis.base import Estimator
from motionwarp.analysis.choice import PersonChoice
from motionwarp.errors import NoPersonError, PoseFileError
from motionwarp.media.prefetch import prefetched
from motionwarp.media.probing import VideoInfo
from motionwarp.media.reader import VideoReader, open_video
from motionwarp.pipeline.doubts import Doubts
from motionwarp.pipeline.driver_plate import PlateBuilder
from motionwarp.pipeline.options import TransferOptions
from motionwarp.pipeline.progress import ProgressCallback, Stage, StageClock, announce
from motionwarp.pipeline.shots import ShotCutDetector
from motionwarp.pipeline.timeline import clip_end
from motionwarp.pose.files import read_track
from motionwarp.pose.leaps import leaps
from motionwarp.pose.people import PersonSelector
from motionwarp.types import POINT_COUNT, ByteArray, FloatArray, Frame, PoseTrack

# frames decoded ahead of the network
_AHEAD = 8


@dataclass(frozen=True, eq=False)
class DrivingMotion:
    """What the first pass over the driving clip gives: a few floats a frame.

    Attributes
    ----------
    track : PoseTrack
        As observed, with the clip's own times and its cuts.
    notes : tuple of str
        What a user should know of the clip or of the following.
    end_seconds : float
        When the last frame's turn is over.
    plate : uint8 (H, W, 3) or None
        The clip's background without the person, where it was asked for and the camera stands still.
    """

    track: PoseTrack
    notes: tuple[str, ...]
    end_seconds: float
    plate: ByteArray | None


def open_driving(path: Path, options: TransferOptions) -> VideoReader:
    """Open the section of the driving clip that is asked for."""
    return open_video(path, start_seconds=options.start, end_seconds=options.end)


def observe_driving(
    path: Path,
    options: TransferOptions,
    given: PoseTrack | None,
    estimator: Estimator,
    clock: StageClock,
    *,
    with_plate: bool,
    callback: ProgressCallback | None,
) -> DrivingMotion:
    """Go through the driving clip once.

    Parameters
    ----------
    path : Path
    options : TransferOptions
        Its section and person.
    given : PoseTrack or None
        The poses of the whole clip, if they come from a file.
    estimator : Estimator
        Not used if the poses are given.
    clock : StageClock
    with_plate : bool
        Whether the clip's background is needed without its person.
    callback : callable or None

    Raises
    ------
    NoPersonError
        If nobody is found in the whole section.
    PoseFileError
        If the given poses are of another number of frames.
    """
    with open_driving(path, options) as reader, closing(prefetched(clock.timed("decode", reader), _AHEAD)) as decoded:
        pass_one = _PassOne(reader.info, PlateBuilder() if with_plate else None, given)
        doubts = Doubts()
        frames = _watched(decoded, pass_one, reader.info, options, callback)
        if given is None:
            for observation in clock.timed("analyse", estimator.follow(frames, PersonChoice.parse(options.person))):
                person = observation.person
                doubts.add(observation.frame.rgb, person)
                pass_one.see(observation.frame, None if person is None else person.pose.points)
        else:
            for frame in frames:
                index = _given_index(given, frame, options)
                pass_one.see(frame, given.points[index] if index < len(given) and given.present[index] else None, index)
            _check_length(given, pass_one, options)
        track = pass_one.track()
        if not track.present.any():
            raise NoPersonError(
                "no person was found in any frame",
                subject=path,
                remedy="Use a clip that shows one clearly, choose another section, or give --driving-poses",
            )
        plate = None if pass_one.plate is None else pass_one.plate.finish()
        notes = [*reader.warnings, *doubts.notes("the driving person")]
        if with_plate and plate is None:
            notes.append("the driving clip's camera moves: the place of its person is filled in frame by frame")
        return DrivingMotion(track, tuple(notes), _end_of(track, reader.info, options), plate)


def _end_of(track: PoseTrack, info: VideoInfo, options: TransferOptions) -> float:
    ends = [end for end in (info.duration_seconds, options.end) if end is not None]
    return clip_end(track.times_seconds, info.frame_rate, min(ends) - (options.start or 0.0) if ends else None)


class _PassOne:
    """Gathers what is kept of every frame."""

    def __init__(self, info: VideoInfo, plate: PlateBuilder | None, given: PoseTrack | None) -> None:
        self.info, self.plate = info, plate
        self.cuts = ShotCutDetector()
        self.given_cuts = () if given is None else given.cuts
        self.given_indices: list[int] = []
        self.points: list[FloatArray] = []
        self.present: list[bool] = []
        self.times: list[float] = []

    def see(self, frame: Frame, points: FloatArray | None, given_index: int = 0) -> None:
        """Take the next frame with its person's points, (18, 3), or None, and their number in the given track."""
        self.cuts.add(frame.rgb, frame.pts_seconds)
        self.given_indices.append(given_index)
        self.times.append(frame.pts_seconds)
        self.present.append(points is not None)
        self.points.append(np.zeros((POINT_COUNT, 3), dtype=np.float32) if points is None else points)
        if self.plate is not None:
            self.plate.add(frame.rgb, points)

    def track(self) -> PoseTrack:
        """Return all that was seen, cut where pictures, poses or the given track say so."""
        points, present, times = np.stack(self.points), np.array(self.present), np.array(self.times)
        uncut = PoseTrack(points, present, times, self.info.width, self.info.height)
        first_given = np.searchsorted(self.given_indices, self.given_cuts)
        cuts = {*self.cuts.cuts(), *leaps(uncut), *(int(frame) for frame in first_given if 0 < frame < len(times))}
        return replace(uncut, cuts=tuple(sorted(cuts)))


def _watched(
    frames: Iterable[Frame], pass_one: _PassOne, info: VideoInfo, options: TransferOptions, callback: ProgressCallback | None
) -> Iterator[Frame]:
    total = expected_frames(info, options)
    for frame in frames:
        yield frame
        announce(callback, Stage.MOTION, frame.index + 1, None if total is None else max(total, frame.index + 1))


def expected_frames(info: VideoInfo, options: TransferOptions) -> int | None:
    """Return about how many frames the section has, as far as the headers tell."""
    if info.frame_count is None:
        return None
    if options.start is None and options.end is None:
        return info.frame_count
    duration = info.frame_count / float(info.frame_rate)
    section = min(options.end or duration, duration) - (options.start or 0.0)
    return max(round(section * float(info.frame_rate)), 1)


def given_track(options: TransferOptions, info: VideoInfo) -> PoseTrack | None:
    """Read the driving poses from the file that was given, if one was.

    Raises
    ------
    PoseFileError
        If the file is damaged or for frames of another shape.
    """
    if options.driving_poses is None:
        return None
    choice = PersonChoice.parse(options.person)
    person: PersonSelector = "largest"
    if choice.point is not None or choice.index is not None:
        person = choice.point or choice.index or 0
    return read_track(
        options.driving_poses, width=info.width, height=info.height, fps=float(info.frame_rate), person=person
    )


def _given_index(track: PoseTrack, frame: Frame, options: TransferOptions) -> int:
    """Return which of the given poses is a frame's: by number for a whole clip, by time for a section of it."""
    if options.start is None:
        return frame.index
    return int(np.abs(track.times_seconds - (options.start + frame.pts_seconds)).argmin())


def _check_length(track: PoseTrack, pass_one: _PassOne, options: TransferOptions) -> None:
    if options.start is not None or options.end is not None or len(track) == len(pass_one.times):
        return
    raise PoseFileError(
        f"holds poses of {len(track)} frames, but the clip has {len(pass_one.times)}",
        subject=options.driving_poses,
        remedy="Make it from this very clip, for example with `motionwarp pose CLIP -o FILE`",
    )
