"""Which way people are seen to face in validation clips, against a teacher's points in space, and backs by their order.

Everything goes the way a user's clip goes: looked through, followed by the estimator, lifted as one track.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from motionwarp.body.body_track import BodyReader
from motionwarp.body.facing import FacingTrack, degrees_apart
from motionwarp.data.packing import facing_of_world
from motionwarp.data.splits import HELD_OUT_FROM, VALIDATION_CLIPS_OF_TIER
from motionwarp.errors import NoPersonError
from motionwarp.evaluation.avatars import view_of
from motionwarp.media.reader import open_video
from motionwarp.perception.base import Estimator
from motionwarp.perception.selection import LARGEST, PersonChoice
from motionwarp.pose import skeleton as sk
from motionwarp.types import Facing, FloatArray, Frame, PoseTrack

CLIPS: Final = tuple(clip for clips in VALIDATION_CLIPS_OF_TIER.values() for clip in clips)
_NEAR: Final = 30.0
_LOOKED_THROUGH: Final = 12  # frames, spread over what is measured, that decide whom to follow
_BACK: Final = 120.0  # degrees from which a teacher's facing is a back's
_SIDES: Final = ((sk.RIGHT_SHOULDER, sk.LEFT_SHOULDER), (sk.RIGHT_HIP, sk.LEFT_HIP))


@dataclass(frozen=True, eq=False)
class SeenClip:
    """One person as an estimator followed them.

    Attributes
    ----------
    track : PoseTrack
    facings : tuple of Facing or None
        What the estimator says itself.
    numbers : tuple of int
        Of the frames in the clip.
    """

    track: PoseTrack
    facings: tuple[Facing | None, ...]
    numbers: tuple[int, ...]


def follow_clip(
    estimator: Estimator,
    clip: Path,
    *,
    first: int = 0,
    every: int = 1,
    limit: int | None = None,
    choice: PersonChoice = LARGEST,
) -> SeenClip:
    """Follow the person of a clip from a frame on, through one of `every` frames, and at most `limit` of them."""
    points, times, facings, numbers = [], [], [], []
    with open_video(clip) as reader:
        info = reader.info
        for observation in estimator.follow(_some(reader, first, every, limit), choice):
            person = observation.person
            points.append(np.zeros((18, 3), np.float32) if person is None else person.pose.points)
            facings.append(None if person is None else person.facing)
            times.append(observation.frame.pts_seconds)
            numbers.append(observation.frame.index)
    stacked = np.stack(points)
    present = np.asarray((stacked[..., 2] > 0).any(axis=1))
    track = PoseTrack(stacked, present, np.array(times), info.width, info.height)
    return SeenClip(track, tuple(facings), tuple(numbers))


def whom_to_follow(
    estimator: Estimator, clip: Path, *, first: int = 0, every: int = 1, limit: int | None = None
) -> PersonChoice:
    """Return whom a user's clip would be about: decided over all of what is measured, as a transfer decides it.

    Estimators that cannot look a clip through follow the largest person of the first frame that shows somebody.
    """
    survey = getattr(estimator, "survey", None)
    if survey is None:
        return LARGEST
    with open_video(clip) as reader:
        count = -(-max((reader.info.frame_count or 1) - first, 1) // every)
        count = count if limit is None else min(count, limit)
        step = -(-count // _LOOKED_THROUGH)
        chosen = survey(_some(reader, first, every * step, -(-count // step)))
    assert isinstance(chosen, PersonChoice)
    return chosen


def _some(frames: Any, first: int, every: int, limit: int | None) -> Iterator[Frame]:
    taken = 0
    for frame in frames:
        if frame.index >= first and (frame.index - first) % every == 0:
            yield frame
            taken += 1
            if limit is not None and taken >= limit:
                return


def evaluate_facing(
    estimator: Estimator,
    reader: BodyReader,
    video_folder: Path,
    *,
    clips: Sequence[str] = CLIPS,
    every: int = 1,
    limit: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, object]:
    """Measure facing on validation clips.

    Parameters
    ----------
    estimator : Estimator
    reader : BodyReader
    video_folder : Path
        With NAME.mp4 and NAME.world33.json, the teacher's points in space.
    clips : sequence of str
        Of those held out in part the held-out part is measured.
    every : int
        One of so many frames is looked at.
    limit : int, optional
        Frames of each clip, at most.
    progress : callable, optional
        Told how many clips are done, and of how many.

    Returns
    -------
    dict
        By clip: frames, share in which the person was found, and `within_30`: the share of the frames with a sure
        teacher in which a facing is within 30 degrees, as told by the `analyzer`, by the `lifter`, and by both,
        `joined`; `told`, the share of frames whose joined facing is sure enough to be told; and of `backs`, by the
        teacher: found, called back, and left and right the right way round by the order in the picture; of clips in
        which people come and go also `by_picture`, each frame looked at by itself.
    """
    result: dict[str, object] = {}
    for done, clip in enumerate(clips, start=1):
        path = video_folder / f"{clip}.mp4"
        first = HELD_OUT_FROM.get(clip, 0)
        choice = whom_to_follow(estimator, path, first=first, every=every, limit=limit)
        seen = follow_clip(estimator, path, first=first, every=every, limit=limit, choice=choice)
        world = json.loads((video_folder / f"{clip}.world33.json").read_text(encoding="utf-8"))["frames"]
        figures = facing_figures(seen, [world[number] for number in seen.numbers], reader)
        if clip in HELD_OUT_FROM:
            # people come and go: whoever is followed is not who a teacher sees when they have left
            chosen = [number for number in seen.numbers if _is_back(facing_of_world(world[number]))]
            figures["backs"] = {**_plain(figures["backs"]), "by_picture": back_figures(estimator, path, chosen)}
        result[clip] = figures
        if progress is not None:
            progress(done, len(clips))
    return result


def _plain(figures: object) -> dict[str, object]:
    return figures if isinstance(figures, dict) else {}


def _is_back(facing: tuple[float, float] | None) -> bool:
    return facing is not None and abs(float(np.degrees(np.arctan2(facing[1], facing[0])))) >= _BACK


def back_figures(estimator: Estimator, clip: Path, numbers: Sequence[int]) -> dict[str, object]:
    """Return what is seen in single frames of a clip that show backs, each looked at as a picture of its own."""
    wanted, found = set(numbers), 0
    called: list[bool] = []
    right_way: list[bool] = []
    if wanted:
        with open_video(clip) as reader:
            for frame in reader:
                if frame.index > max(wanted):
                    break
                if frame.index not in wanted:
                    continue
                try:
                    person = estimator.analyze_picture(frame.rgb)
                except NoPersonError:
                    continue
                found += 1
                right_way.append(_left_is_left(person.pose.points))
                if person.facing is not None:
                    called.append(view_of(person.facing.degrees) == "back")
    return {
        "frames": len(wanted),
        "found": found / len(wanted) if wanted else None,
        "called_back": float(np.mean(called)) if called else None,
        "left_right_right": float(np.mean(right_way)) if right_way else None,
    }


def facing_figures(seen: SeenClip, world: list[Any], reader: BodyReader) -> dict[str, object]:
    """Return the figures of one clip; see `evaluate_facing`.

    Parameters
    ----------
    seen : SeenClip
    world : list of (33 x [x, y, z, visibility] or None)
        The teacher's points of each frame.
    reader : BodyReader
    """
    truth = [facing_of_world(points) for points in world]
    sure = np.array([each is not None for each in truth])
    degrees = np.array([0.0 if each is None else np.degrees(np.arctan2(each[1], each[0])) for each in truth])
    lifted = reader.facing(seen.track)
    own = FacingTrack.of_seen(seen.facings)
    joined = lifted.joined(own)
    present = seen.track.present
    within = {
        name: _share(degrees_apart(told.degrees, degrees) <= _NEAR, sure & present & (told.certainty > 0))
        for name, told in (("analyzer", own), ("lifter", lifted), ("joined", joined))
    }
    by_view = {}
    views = np.array([view_of(float(each)) for each in degrees])
    for view in ("front", "profile", "back"):
        chosen = sure & present & (views == view)
        by_view[view] = {
            "frames": int(chosen.sum()),
            "joined": _share(degrees_apart(joined.degrees, degrees) <= _NEAR, chosen),
        }
    return {
        "frames": len(present),
        "found": float(present.mean()),
        "teacher_sure": int(sure.sum()),
        "within_30": within,
        "by_view_within_30": by_view,
        "told": _share(joined.told, present),
        "backs": _backs(seen, joined, sure & (np.abs(degrees) >= _BACK)),
    }


def _backs(seen: SeenClip, facing: FacingTrack, backs: Any) -> dict[str, object]:
    """Return what is seen of the frames that show a back: whoever shows it has the left side at the left."""
    present = seen.track.present
    called = np.array([view_of(float(each)) == "back" for each in facing.degrees])
    right_way = np.array([_left_is_left(points) for points in seen.track.points])
    return {
        "frames": int(backs.sum()),
        "found": _share(present, backs),
        "called_back": _share(called, backs & present),
        "left_right_right": _share(right_way, backs & present),
    }


def _left_is_left(points: FloatArray) -> bool:
    """Return whether shoulders and hips that were found have their left ones further to the left in the picture."""
    total = sum(
        float(points[left, 0] - points[right, 0])
        for right, left in _SIDES
        if points[right, 2] > 0 and points[left, 2] > 0
    )
    return total < 0


def _share(flags: Any, among: Any) -> float | None:
    return float(np.asarray(flags)[among].mean()) if among.any() else None
