"""The driving clip, seen once: the poses of one person, the times of the frames, and where the shots change."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from motionwarp.body.body_motion import BodyMotion
from motionwarp.errors import MediaError, NoPersonError, PoseFileError
from motionwarp.media.image import is_picture
from motionwarp.media.prefetch import prefetched
from motionwarp.media.probe import VideoInfo, probe_video, turned_info
from motionwarp.media.reader import VideoReader, open_video
from motionwarp.media.turned_reader import turned
from motionwarp.perception.base import Estimator, Observation
from motionwarp.perception.exposure import ReadingQuality
from motionwarp.perception.selection import PersonChoice
from motionwarp.pipeline.captured_driving import CapturedClip, is_captured, read_captured
from motionwarp.pipeline.driver_mask import Driver
from motionwarp.pipeline.driving_plate import PlateBuilder
from motionwarp.pipeline.empty_place import EmptyPlace
from motionwarp.pipeline.followed_person import followed_person, rotation_note
from motionwarp.pipeline.layout import resized
from motionwarp.pipeline.options import InputOptions, SectionOptions, TransferOptions
from motionwarp.pipeline.progress import Stage, StageClock, TransferRun
from motionwarp.pipeline.relighting import PersonLight
from motionwarp.pipeline.shots import ShotCutDetector
from motionwarp.pipeline.timeline import clip_end
from motionwarp.pose.continuity import discontinuities
from motionwarp.pose.formats.pose_file import read_track
from motionwarp.pose.people import PersonSelector
from motionwarp.types import POINT_COUNT, ByteArray, Facing, FloatArray, Frame, Person, Pose, PoseTrack

# people of any size worth the work are found in pictures of this size, and a sheet shows them smaller still
LONGEST_SIDE = 1280


class FrameSampler:
    """Which frames of a clip are looked at, and pictures of a few of them, evenly spaced whatever the clip's length.

    Parameters
    ----------
    every : int
        One of so many frames is looked at, the first one included.
    most : int
        Pictures kept, at least 1; up to twice as many while the clip goes on.

    Attributes
    ----------
    passed : int
        Frames of the section so far, looked at or not.
    """

    def __init__(self, every: int = 1, most: int = 6) -> None:
        if every < 1 or most < 1:
            raise ValueError(f"FrameSampler needs numbers from 1 up, got every {every} and most {most}")
        self.every, self.passed = every, 0
        self._most, self._step = most, 1
        self._kept: dict[int, Frame] = {}

    def take(self, frame: Frame) -> bool:
        """Count the next frame, keep its picture if its turn has come, and tell whether it is to be looked at."""
        return self.take_drawn(frame.index, frame.pts_seconds, lambda _: frame.rgb)

    def take_drawn(self, index: int, pts_seconds: float, picture: Callable[[int], ByteArray]) -> bool:
        """Do as `take`; `picture` makes the frame's picture of its number, and is called only if that is kept."""
        self.passed = index + 1
        number, rest = divmod(index, self.every)
        if rest:
            return False
        if number % self._step == 0:
            self._kept[number] = Frame(reduced(picture(index)), pts_seconds, index)
            if len(self._kept) > 2 * self._most:
                self._step *= 2
                self._kept = {kept: picture for kept, picture in self._kept.items() if kept % self._step == 0}
        return True

    def chosen(self) -> dict[int, Frame]:
        """Return the pictures by their number among the frames looked at: as many as wanted, or all of a short clip.

        Their long side is at most `LONGEST_SIDE`.
        """
        numbers = sorted(self._kept)
        picked = np.unique(np.linspace(0, len(numbers) - 1, min(self._most, len(numbers))).round().astype(int))
        return {numbers[index]: self._kept[numbers[index]] for index in picked}


def reduced(rgb: ByteArray) -> ByteArray:
    """Return a picture, uint8 (H, W, 3), with its long side at most `LONGEST_SIDE`."""
    height, width = rgb.shape[:2]
    scale = LONGEST_SIDE / max(width, height)
    return rgb if scale >= 1 else resized(rgb, max(round(width * scale), 1), max(round(height * scale), 1))


def points_in(points: FloatArray, size: tuple[int, int], picture: ByteArray) -> FloatArray:
    """Return points (18, 3) of a frame, `size` being its width and height, in pixels of a reduced picture of it."""
    across, down = picture.shape[1] / size[0], picture.shape[0] / size[1]
    return Pose(points).transformed([[across, 0, across / 2 - 0.5], [0, down, down / 2 - 0.5]]).points


# frames decoded ahead of the network, and in the second pass ahead of compositing
_AHEAD = 8
_AHEAD_AGAIN = 4


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
    plate : EmptyPlace or None
        What is behind the clip's people, where it was asked for.
    every : int
        The track has one of so many of the section's frames, from the first one on.
    capture : BodyMotion or None
        The motion itself, of the section, where it comes from motion capture; the track is of a usual body then.
    facings : tuple of Facing or None
        Which way the person faces in each frame of the track, where whoever saw them can tell; empty where poses were
        given or kept.
    light : PersonLight or None
        How the person looks in the clip, where its background was asked for and an estimator has seen them.
    """

    track: PoseTrack
    notes: tuple[str, ...]
    end_seconds: float
    plate: EmptyPlace | None
    every: int = 1
    capture: BodyMotion | None = None
    facings: tuple[Facing | None, ...] = ()
    light: PersonLight | None = None


@dataclass(frozen=True, eq=False)
class DrivingClip:
    """The driving clip as its headers tell of it, before anybody is looked for in it.

    Attributes
    ----------
    path : Path
    info : VideoInfo
    given_track : PoseTrack or None
        The poses of the whole clip, if they come from a file.
    capture : BodyMotion or None
        The motion of the section, if this is motion capture.
    """

    path: Path
    info: VideoInfo
    given_track: PoseTrack | None = None
    capture: BodyMotion | None = None


def probe_driving(path: Path, options: TransferOptions) -> DrivingClip:
    """Read the clip's headers, and its poses if a file has them; motion capture is read whole.

    Raises
    ------
    MediaError
        If there is no video.
    PoseFileError
        If the file of poses is damaged or for frames of another shape, or motion capture is no person's.
    OptionError
        If motion capture is given with options that need the pictures of a clip.
    """
    if is_captured(path):
        motion, told = read_captured(path, options)
        return DrivingClip(path, told, capture=motion)
    info = turned_info(probe_video(path), degrees_of(options))
    return DrivingClip(path, info, _given_track(options, info))


def open_driving(path: Path, options: InputOptions, every: int = 1) -> VideoReader:
    """Open the section of the driving clip that is asked for, turned; one of `every` frames is whole."""
    reader = open_video(path, start_seconds=options.start, end_seconds=options.end, whole_every=every)
    return turned(reader, degrees_of(options))


def degrees_of(options: InputOptions) -> int:
    """Return by how many degrees the driving clip is turned; 'auto' must have been found out before."""
    return int(options.rotate)


def observe_driving(
    clip: DrivingClip,
    options: TransferOptions,
    estimator: Estimator,
    *,
    with_plate: bool,
    run: TransferRun | None = None,
    sampler: FrameSampler | None = None,
    person: PersonChoice | None = None,
) -> DrivingMotion:
    """Go through the driving clip once.

    Parameters
    ----------
    clip : DrivingClip
    options : TransferOptions
        Its section and person.
    estimator : Estimator
        Not used if the poses are given.
    with_plate : bool
        Whether the clip's background is needed without its person.
    run : TransferRun or None
    sampler : FrameSampler or None
        Which frames are looked at, and where a few pictures are kept; None for all frames and no pictures. Cuts are
        found among all frames in any case.
    person : PersonChoice or None
        Whom to follow; None chooses by the options.

    Raises
    ------
    NoPersonError
        If nobody is found in the whole section.
    PoseFileError
        If the given poses are of another number of frames.
    """
    run = run or TransferRun()
    if clip.capture is not None:
        return _performed_alone(clip.capture, options, run, sampler)
    clock, given = run.clock, clip.given_track
    every = 1 if sampler is None else sampler.every
    with (
        open_driving(clip.path, options, every) as reader,
        closing(prefetched(clock.timed("decode", reader), _AHEAD)) as decoded,
    ):
        pass_one = _PassOne(reader.info, PlateBuilder() if with_plate else None, given)
        quality = ReadingQuality()
        # apart from the estimator's own time, which is most of what following takes otherwise
        waited = clock.timed("wait for decoding", decoded)
        frames = _watched(waited, pass_one, expected_frames(reader.info, options), run, sampler)
        if given is None:
            choice = person or PersonChoice.parse(options.person_in_driving)
            if is_picture(clip.path):
                observed = _seen_in_picture(frames, choice, estimator)
            else:
                followed = person or followed_person(clip.path, choice, estimator, options)
                # a plate needs mattes of what is taken out
                observed = estimator.follow(frames, followed, dense=with_plate)
            for observation in clock.timed("analyse", observed):
                seen = observation.person
                quality.add(observation.frame.rgb, seen)
                pass_one.see(observation.frame, None if seen is None else seen.pose.points, seen=seen)
                pass_one.facings.append(None if seen is None else seen.facing)
        else:
            for frame in frames:
                index = _given_index(given, frame, options)
                pass_one.see(frame, given.points[index] if index < len(given) and given.present[index] else None, index)
            _check_length(given, pass_one, options)
        track = pass_one.track()
        seems_turned = None if given is not None else rotation_note(clip.path, track, estimator, options)
        if not track.present.any():
            raise NoPersonError(
                f"no person was found in any frame{'' if seems_turned is None else '; ' + seems_turned}",
                subject=clip.path,
                remedy="Use a clip that shows one clearly, choose another section, or give `driving_poses`",
            )
        plate = None if pass_one.plate is None else pass_one.plate.finish(options.seed)
        # the estimator has seen the source as well; only some can tell of what happened to them
        notes = [*reader.warnings, *getattr(estimator, "warnings", ()), *quality.notes("the driving person")]
        if seems_turned is not None:
            notes.append(seems_turned)
        if plate is not None and not plate.is_still:
            notes.append("the driving clip's camera moves: what its person hides is taken from other frames")
        return DrivingMotion(
            track,
            tuple(notes),
            _end_of(track, reader.info, options),
            plate,
            every,
            facings=tuple(pass_one.facings),
            light=None if pass_one.plate is None else pass_one.plate.light(),
        )


def _performed_alone(
    motion: BodyMotion, options: TransferOptions, run: TransferRun, sampler: FrameSampler | None
) -> DrivingMotion:
    """Return motion capture as a driving clip of a usual body."""
    clip = CapturedClip(motion, options)
    track = clip.track()
    run.announce(Stage.MOTION, len(track), len(track))
    if sampler is not None:
        every = sampler.every
        for number, seconds in enumerate(track.times_seconds.tolist()):
            sampler.take_drawn(number, seconds, clip.picture)
        kept = slice(None, None, every)
        track = PoseTrack(track.points[kept], track.present[kept], track.times_seconds[kept], track.width, track.height)
    notes = ("it holds a single frame, so the result is a still picture",) if len(motion) == 1 else ()
    every = 1 if sampler is None else sampler.every
    return DrivingMotion(track, notes, clip.end_seconds, None, every, motion)


def _seen_in_picture(frames: Iterable[Frame], choice: PersonChoice, estimator: Estimator) -> Iterator[Observation]:
    """Yield what is seen in the one frame of a still picture, read as a source is: at rest both poses are the same."""
    for frame in frames:
        try:
            person: Person | None = estimator.analyze_picture(frame.rgb, choice)
        except NoPersonError:
            # nobody at all is told of at the end of the pass; somebody else than the one who was chosen at once
            if estimator.find_people(frame.rgb):
                raise
            person = None
        yield Observation(frame, person)


def read_frames(
    path: Path, options: InputOptions, numbers: Iterable[int], every: int, clock: StageClock
) -> Generator[Frame, None, None]:
    """Yield frames of the section once more.

    Parameters
    ----------
    path : Path
    options : InputOptions
    clock : StageClock
    numbers : iterable of int
        Which frames, not decreasing, by their number in a track that has one of `every` frames; one may be wanted
        several times.
    every : int

    Yields
    ------
    Frame
        Its index is the number in the track.

    Raises
    ------
    MediaError
        If the clip has become shorter.
    """
    wanted = iter(numbers)
    target = next(wanted, None)
    with (
        open_driving(path, options, every) as reader,
        closing(prefetched(clock.timed("decode", reader), _AHEAD_AGAIN)) as decoded,
    ):
        for frame in decoded:
            while target is not None and target * every == frame.index:
                yield replace(frame, index=target)
                target = next(wanted, None)
            if target is None:
                return
    raise MediaError(
        "the clip ends sooner than when its motion was read",
        subject=path,
        remedy="Leave it as it is until the work is done, or check the disk that it is on",
    )


def _end_of(track: PoseTrack, info: VideoInfo, options: SectionOptions) -> float:
    ends = [end for end in (info.duration_seconds, options.end) if end is not None]
    return clip_end(track.times_seconds, info.frame_rate, min(ends) - (options.start or 0.0) if ends else None)


class _PassOne:
    """Gathers what is kept of every frame that is looked at, and the cuts among all frames."""

    def __init__(self, info: VideoInfo, plate: PlateBuilder | None, given: PoseTrack | None) -> None:
        self.info, self.plate = info, plate
        self.cuts = ShotCutDetector()
        self.given_cuts = () if given is None else given.cuts
        self.passed = 0  # frames of the section, looked at or not
        self.numbers: list[int] = []  # of the frames looked at
        self.given_indices: list[int] = []
        self.points: list[FloatArray] = []
        self.present: list[bool] = []
        self.times: list[float] = []
        self.facings: list[Facing | None] = []

    def watch(self, frame: Frame) -> None:
        """Take the next frame of the section, whether it is looked at or not."""
        self.cuts.add(frame.rgb, frame.pts_seconds)
        self.passed += 1

    def see(self, frame: Frame, points: FloatArray | None, given_index: int = 0, seen: Person | None = None) -> None:
        """Take the next frame looked at.

        With its person's points (18, 3) or None, its number in the given track, and all that was seen of the person.
        """
        self.numbers.append(frame.index)
        self.given_indices.append(given_index)
        self.times.append(frame.pts_seconds)
        self.present.append(points is not None)
        self.points.append(np.zeros((POINT_COUNT, 3), dtype=np.float32) if points is None else points)
        if self.plate is not None:
            self.plate.add(frame.rgb, None if points is None else Driver(points, seen))

    def track(self) -> PoseTrack:
        """Return all that was seen, cut where pictures, poses or the given track say so."""
        points, present, times = np.stack(self.points), np.array(self.present), np.array(self.times)
        uncut = PoseTrack(points, present, times, self.info.width, self.info.height)
        # of the frames looked at, the first one that is not before the cut begins the shot
        places = (
            *np.searchsorted(self.numbers, self.cuts.cuts()),
            *np.searchsorted(self.given_indices, self.given_cuts),
        )
        cuts = {*discontinuities(uncut), *(int(place) for place in places if 0 < place < len(times))}
        return replace(uncut, cuts=tuple(sorted(cuts)))


def _watched(
    frames: Iterable[Frame], pass_one: _PassOne, total: int | None, run: TransferRun, sampler: FrameSampler | None
) -> Iterator[Frame]:
    """Yield the frames that are looked at."""
    for frame in frames:
        pass_one.watch(frame)
        if sampler is None or sampler.take(frame):
            yield frame
        run.announce(Stage.MOTION, frame.index + 1, None if total is None else max(total, frame.index + 1))


def expected_frames(info: VideoInfo, options: SectionOptions) -> int | None:
    """Return about how many frames the section has, as far as the headers tell."""
    if info.frame_count is not None and options.start is None and options.end is None:
        return info.frame_count
    # Matroska counts no frames
    duration = info.duration_seconds if info.frame_count is None else info.frame_count / float(info.frame_rate)
    if duration is None:
        return None
    section = min(options.end or duration, duration) - (options.start or 0.0)
    return max(round(section * float(info.frame_rate)), 1)


def _given_track(options: TransferOptions, info: VideoInfo) -> PoseTrack | None:
    if options.driving_poses is None:
        return None
    choice = PersonChoice.parse(options.person_in_driving)
    person: PersonSelector = "largest"
    if choice.point is not None or choice.index is not None:
        person = choice.point or choice.index or 0
    return read_track(
        options.driving_poses, width=info.width, height=info.height, fps=float(info.frame_rate), person=person
    )


def _given_index(track: PoseTrack, frame: Frame, options: SectionOptions) -> int:
    """Return which of the given poses is a frame's: by number for a whole clip, by time for a section of it."""
    if options.start is None:
        return frame.index
    return int(np.abs(track.times_seconds - (options.start + frame.pts_seconds)).argmin())


def _check_length(track: PoseTrack, pass_one: _PassOne, options: TransferOptions) -> None:
    if options.start is not None or options.end is not None or len(track) == pass_one.passed:
        return
    raise PoseFileError(
        f"holds poses of {len(track)} frames, but the clip has {pass_one.passed}",
        subject=options.driving_poses,
        remedy="Make it from this very clip, for example with `motionwarp pose CLIP -o FILE`",
    )
