"""What a driving clip shows of the person who is followed, as far as it decides whether a transfer will work."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from motionwarp.body.body_track import BodyReader
from motionwarp.body.facing import FacingTrack
from motionwarp.perception.base import Estimator
from motionwarp.perception.framing import visible_box
from motionwarp.pipeline.check.bodies import bodies_seen
from motionwarp.pipeline.check.issues import Issue, Verdict, issue_by_threshold
from motionwarp.pipeline.check.people import count_people
from motionwarp.pipeline.check.source import SourceStats
from motionwarp.pipeline.driving import FrameSampler
from motionwarp.pipeline.options import TransferOptions
from motionwarp.pipeline.plan import TransferPlan
from motionwarp.pose.gaps import runs
from motionwarp.pose.kinematics import VISIBLE_SCORE
from motionwarp.pose.skeleton import POINT_NAMES
from motionwarp.pose.stance import View, is_upright
from motionwarp.types import BoolArray, FloatArray, PoseTrack

# steps between frames that differ by more than this part are no rounding of a steady rate
_STEADY: Final = 0.25
# a lapse this short, in seconds, is interpolated by the repair and spoils no section
_FORGIVEN_SECONDS: Final = 0.5
_TICK_SECONDS: Final = 0.001
# length of the mean of directions below which it points nowhere
_NO_MEAN: Final = 0.3
_BAD_VIEWS: Final = (View.PROFILE, View.BACK)


@dataclass(frozen=True)
class Span:
    """A stretch of the clip.

    Attributes
    ----------
    first, last : int
        Frames of the section that is read, counted from 0, both included.
    start_seconds, end_seconds : float
        From the clip's own beginning, as the options `start` and `end` take them.
    """

    first: int
    last: int
    start_seconds: float
    end_seconds: float


@dataclass(frozen=True)
class DrivingStats:
    """What the clip shows.

    Attributes
    ----------
    width, height : int
        Size of the frames as they are seen, in pixels.
    duration_seconds : float
        Length of the section that is read.
    frame_rate : float
        Frames a second, as the container says.
    variable_rate : bool
        Whether frames are unevenly spaced.
    rotation_degrees : int
        The clockwise turn that is undone.
    has_audio : bool
    frames, frames_looked_at : int
        Frames in the section, and how many of them were looked at.
    followed_share : float
        Share of the frames looked at in which the person was found.
    lost : tuple of Span
        Where the person was not found but is taken to be there still; motion is filled in.
    gone : tuple of Span
        Where the person has left the picture, or a shot shows nobody; nothing is drawn.
    people : int or None
        The most people of a comparable size that two of a few frames show; None where that is not known.
    cuts_seconds : tuple of float
        From the clip's own beginning.
    views : mapping of str to float
        Shares of the frames with the person, by `View`.
    lying_share : float
        Share of the frames with the person in which they lie.
    points_seen : mapping of str to float
        By name, in which share of the frames with the person each of the 18 points was seen.
    person_height : float
        Median of what is in sight of the person, in pixels.
    best_section : Span or None
        The longest stretch of one shot in which the person is there and not seen from the side or behind; None where
        that is the whole section.
    notes : tuple of str
        What was wrong with the file or made the reading doubtful.
    facing_degrees : float or None
        The mean direction over the frames in which it can be told: 0 is the camera, 90 the picture's right, 180 away
        from the camera; None where it never can, or there is no mean: people who turn all the way round.
    facing_range : (float, float) or None
        How far to the picture's left and right the person turns, in degrees from the camera: the 5th and the 95th
        percentile.
    facing_told : float
        Share of the frames with the person in which the facing can be told.
    cut : mapping of str to float
        By part ('feet', 'hands', ...), in which share of the frames with the person it lies outside of the picture.
    """

    width: int
    height: int
    duration_seconds: float
    frame_rate: float
    variable_rate: bool
    rotation_degrees: int
    has_audio: bool
    frames: int
    frames_looked_at: int
    followed_share: float
    lost: tuple[Span, ...]
    gone: tuple[Span, ...]
    people: int | None
    cuts_seconds: tuple[float, ...]
    views: Mapping[str, float]
    lying_share: float
    points_seen: Mapping[str, float]
    person_height: float
    best_section: Span | None
    notes: tuple[str, ...]
    facing_degrees: float | None = None
    facing_range: tuple[float, float] | None = None
    facing_told: float = 1.0
    cut: Mapping[str, float] = field(default_factory=dict)


def driving_stats(
    plan: TransferPlan, sampler: FrameSampler, estimator: Estimator | None, reader: BodyReader
) -> DrivingStats:
    """Measure what the driving clip shows.

    Parameters
    ----------
    plan : TransferPlan
    sampler : FrameSampler
        The frames that were looked at, and pictures of a few.
    estimator : Estimator or None
        What saw it, to count people; None leaves them uncounted.
    reader : BodyReader
    """
    motion, info = plan.inputs.motion, plan.inputs.info
    track = motion.track
    clip = _TrackSection(track, sampler.every, sampler.passed, plan.setup.options.start or 0.0, motion.end_seconds)
    here = np.flatnonzero(track.present)
    poses = track.points[here]
    bodies = bodies_seen(track, motion.facings, reader)
    views = bodies.views
    gone = ~plan.repaired.track.present
    spoilt = gone.copy()
    spoilt |= ~plan.repaired.found
    spoilt[here] |= [view in _BAD_VIEWS for view in views]
    heights = [_height_in_sight(pose, info.height) for pose in poses]
    # a body that is drawn need not be found
    is_looked_at = estimator is not None and motion.capture is None
    pictures = sampler.chosen().values() if is_looked_at else ()
    counts = [count_people(estimator, frame.rgb) for frame in pictures if estimator is not None]
    return DrivingStats(
        width=info.width,
        height=info.height,
        duration_seconds=motion.end_seconds - float(track.times_seconds[0]),
        frame_rate=float(info.frame_rate),
        variable_rate=_varies(track),
        rotation_degrees=info.rotation_degrees,
        has_audio=info.has_audio,
        frames=sampler.passed,
        frames_looked_at=len(track),
        followed_share=float(track.present.mean()),
        lost=clip.spans(~plan.repaired.found & ~gone),
        gone=clip.spans(gone),
        people=_usual_most([count for count in counts if count is not None]),
        cuts_seconds=tuple(clip.time(cut) for cut in track.cuts),
        views={view.value: views.count(view) / len(views) for view in View},
        lying_share=float(np.mean([not is_upright(pose) for pose in poses])),
        points_seen=dict(zip(POINT_NAMES, (poses[..., 2] >= VISIBLE_SCORE).mean(axis=0).tolist(), strict=True)),
        person_height=float(np.median(heights)),
        best_section=_best_section(spoilt, track, clip),
        notes=motion.notes,
        facing_degrees=_mean_facing(bodies.facing),
        facing_range=_facing_range(bodies.facing),
        facing_told=bodies.told_share,
        cut=bodies.cut,
    )


def _mean_facing(facing: FacingTrack) -> float | None:
    """Return the mean direction of the frames in which it can be told; None where they have none."""
    if not facing.told.any():
        return None
    radians = np.radians(facing.degrees[facing.told].astype(np.float64))
    x, y = float(np.cos(radians).mean()), float(np.sin(radians).mean())
    return None if math.hypot(x, y) < _NO_MEAN else round(math.degrees(math.atan2(y, x)), 1)


def _facing_range(facing: FacingTrack) -> tuple[float, float] | None:
    if not facing.told.any():
        return None
    low, high = np.quantile(facing.degrees[facing.told], (0.05, 0.95)).round(1).tolist()
    return float(low), float(high)


@dataclass(frozen=True, eq=False)
class _TrackSection:
    """Puts frames of a track into the clip that it is of.

    Attributes
    ----------
    track : PoseTrack
    every : int
        The track has one of so many frames.
    frames : int
        Frames in the section.
    start_seconds : float
        Start of the section in the clip.
    end_seconds : float
        End of the section, from its own start.
    """

    track: PoseTrack
    every: int
    frames: int
    start_seconds: float
    end_seconds: float

    def time(self, frame: int) -> float:
        """Return when a frame of the track is shown, or the section ends."""
        times = self.track.times_seconds
        return self.start_seconds + (float(times[frame]) if frame < len(times) else self.end_seconds)

    def span(self, first: int, last: int) -> Span:
        """Return the stretch from one frame of the track to another, both included."""
        return Span(
            first * self.every, min((last + 1) * self.every, self.frames) - 1, self.time(first), self.time(last + 1)
        )

    def spans(self, flags: BoolArray) -> tuple[Span, ...]:
        """Return the stretches of frames of the track that are flagged, bool (T,)."""
        return tuple(self.span(first, last) for first, last in runs(flags))


def _usual_most(counts: list[int]) -> int | None:
    """Return the second largest of several counts: what a single frame shows is a misreading, or soon gone."""
    return None if not counts else sorted(counts)[-min(2, len(counts))]


def _varies(track: PoseTrack) -> bool:
    steps = np.diff(track.times_seconds)
    return bool(len(steps) and (np.abs(steps / np.median(steps) - 1) > _STEADY).any())


def _height_in_sight(points: FloatArray, frame_height: int) -> float:
    _, top, _, bottom = visible_box(points)
    return min(bottom, float(frame_height)) - max(top, 0.0)


def _seconds(span: Span) -> float:
    return span.end_seconds - span.start_seconds


def _best_section(spoilt: BoolArray, track: PoseTrack, clip: _TrackSection) -> Span | None:
    """Return the longest stretch within a shot that nothing spoils but short lapses; None if it is all, or nothing."""
    best: Span | None = None
    for shot in track.shots():
        bad = spoilt[shot].copy()
        for first, last in list(runs(bad)):
            if clip.time(shot.start + last + 1) - clip.time(shot.start + first) <= _FORGIVEN_SECONDS:
                bad[first : last + 1] = False
        for first, last in runs(~bad):
            span = clip.span(shot.start + first, shot.start + last)
            # of equal ones the first, whatever their times are rounded to
            if best is None or _seconds(span) > _seconds(best) + _TICK_SECONDS:
                best = span
    return None if best is not None and (best.first, best.last) == (0, clip.frames - 1) else best


_TENTHS: Final = 10  # of a second, as finely as times are written
# a section shorter than this is not worth cutting to
_SHORTEST_SECTION: Final = 1 * _TENTHS
# containers round times to their own ticks
_ROUNDED: Final = 0.01


def time_text(seconds: float) -> str:
    """Return a time as '0:03.2', '0:03' or '1:02:03.5'."""
    tenths = round(seconds * _TENTHS)
    whole, rest = divmod(tenths, _TENTHS)
    hours, minutes = whole // 3600, whole // 60 % 60
    fraction = f".{rest}" if rest else ""
    clock = f"{hours}:{minutes:02d}" if hours else f"{minutes}"
    return f"{clock}:{whole % 60:02d}{fraction}"


def span_text(span: Span) -> str:
    """Return a stretch of the clip as '0:02-0:03.5 (frames 48-83)'."""
    frames = f"frame {span.first}" if span.first == span.last else f"frames {span.first}-{span.last}"
    return f"{time_text(span.start_seconds)}-{time_text(span.end_seconds)} ({frames})"


def section_options(span: Span) -> str | None:
    """Return the options that cut to a stretch, such as '`start=0:03` `end=0:11`'; None if little would be left."""
    # rounded inwards, so that nothing of what lies beside comes along
    start, end = math.ceil(span.start_seconds * _TENTHS - _ROUNDED), math.floor(span.end_seconds * _TENTHS + _ROUNDED)
    if end - start < _SHORTEST_SECTION:
        return None
    return f"`start={time_text(start / _TENTHS)}` `end={time_text(end / _TENTHS)}`"


# lapses up to half a second are interpolated, and nobody sees it; where motion is made up or missing for most of the
# time, the result is not the clip's motion
_SHORT_SECONDS: Final = 0.5
_MOSTLY: Final = 0.5
# one tenth of a clip is a glance aside, and as much as is said of doubtful readings too (`exposure.WORTH_TELLING`)
_WORTH_TELLING: Final = 0.1
# a point that is missing in half of the frames is held or guessed for longer than it is seen
_RARELY: Final = 0.5
# twelve street photos reduced to people of 60 pixels lost one point in fifty, but a point off by a pixel is off by a
# 60th of the body
SMALL_DRIVER: Final = 60
_NAMED: Final = 4

_LIMBS: Final = ("elbow", "wrist", "knee", "ankle")
# views of the clip that a photo of some view can follow
_FOLLOWED: Final = {
    View.FRONTAL: (View.FRONTAL, View.TURNED, View.UNKNOWN),
    View.TURNED: (View.FRONTAL, View.TURNED, View.UNKNOWN),
    View.PROFILE: (View.PROFILE, View.TURNED, View.UNKNOWN),
    View.BACK: (View.BACK, View.UNKNOWN),
    View.UNKNOWN: tuple(View),
}


def driving_issues(stats: DrivingStats, source: SourceStats, options: TransferOptions) -> Iterator[Issue]:
    """Yield what speaks against a clip for a photo.

    Parameters
    ----------
    stats : DrivingStats
    source : SourceStats
        Whose view decides which views of the clip can be followed.
    options : TransferOptions
        With which they were looked at.
    """
    yield from _presence_issues(stats)
    if stats.people is not None and stats.people > 1 and options.person_in_driving == "largest":
        yield Issue(
            "driving.people",
            Verdict.FAIR,
            f"up to {stats.people} people are in the clip at once; the one who is seen best over the whole clip is "
            "followed",
            "See with `preview` who it is, choose with `driving_person=1`, or cut the clip to where one is alone",
        )
    if stats.cuts_seconds:
        where = _listed([time_text(seconds) for seconds in stats.cuts_seconds])
        yield Issue(
            "driving.cuts",
            Verdict.FAIR,
            f"the clip is cut at {where}: the person jumps there, and may be another one in each shot",
            _cut_remedy(stats, "Use a clip of one shot"),
        )
    yield from _view_issues(stats, source)
    rare = [
        f"{name.replace('_', ' ')} {share:.0%}"
        for name, share in stats.points_seen.items()
        if name.endswith(_LIMBS) and 0 < share < _RARELY
    ]
    if rare:
        yield Issue(
            "driving.points",
            Verdict.FAIR,
            f"seen in few frames only, and guessed between: {', '.join(rare)}",
            "Use a clip in which arms and legs are not hidden, or correct the points (`save_poses`, then "
            "`driving_poses`)",
        )
    if stats.person_height < SMALL_DRIVER:
        yield Issue(
            "driving.small",
            Verdict.FAIR,
            f"the person is only {stats.person_height:.0f} pixels high, so that points tremble",
            "Use a larger clip, or smooth more (`smooth=0.8`)",
        )
    for note in stats.notes:
        yield Issue(
            "driving.unsure",
            Verdict.FAIR,
            note,
            "Look at the clip there; another section (`start`, `end`) may be better",
        )


def _presence_issues(stats: DrivingStats) -> Iterator[Issue]:
    lost = [span for span in stats.lost if span.end_seconds - span.start_seconds > _SHORT_SECONDS]
    level = Verdict.POOR if stats.followed_share < _MOSTLY else Verdict.FAIR
    share = f"the person is found in {stats.followed_share:.0%} of the frames"
    if stats.gone:
        text = f"{share}; nobody is drawn in {_spans(stats.gone)}, where the person is out of the picture"
        yield Issue(
            "driving.gone", level, text, _cut_remedy(stats, "Use a clip in which the person stays in the picture")
        )
    if lost:
        text = f"{share}; the motion is made up in {_spans(lost)}, where they were lost"
        yield Issue("driving.lost", level, text, _cut_remedy(stats, "Use a clip in which nothing hides the person"))


def _view_issues(stats: DrivingStats, source: SourceStats) -> Iterator[Issue]:
    away = {view.value: stats.views.get(view.value, 0.0) for view in View if view not in _FOLLOWED[source.view]}
    seen = ", ".join(f"{view} {share:.0%}" for view, share in away.items() if share > 0)
    yield from issue_by_threshold(
        "driving.views",
        sum(away.values()),
        _WORTH_TELLING,
        _MOSTLY,
        f"the clip shows views that a {source.view.value} photo knows nothing of ({seen}): heads turn, clothes stay "
        "as they are",
        _cut_remedy(stats, "Use a clip in which the person faces the camera"),
    )
    yield from issue_by_threshold(
        "driving.facing",
        1 - stats.facing_told,
        _WORTH_TELLING,
        1.0,
        f"which way the person faces cannot be told in {1 - stats.facing_told:.0%} of the frames: there the points "
        "alone are followed, in the picture's plane",
        _cut_remedy(stats, "Use a clip in which head and shoulders are in sight"),
    )
    yield from issue_by_threshold(
        "driving.lying",
        stats.lying_share,
        _WORTH_TELLING,
        _MOSTLY,
        f"the person lies or hangs in {stats.lying_share:.0%} of the frames, which is often not followed well",
        "Use a clip of somebody who is upright",
    )


def _cut_remedy(stats: DrivingStats, otherwise: str) -> str:
    options = None if stats.best_section is None else section_options(stats.best_section)
    return otherwise if options is None else f"Cut to the best section with {options}"


def _spans(spans: Sequence[Span]) -> str:
    return _listed([span_text(span) for span in spans])


def _listed(texts: Sequence[str]) -> str:
    more = f" and {len(texts) - _NAMED} more" if len(texts) > _NAMED else ""
    return ", ".join(texts[:_NAMED]) + more
