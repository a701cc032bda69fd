"""Pairs of one person seen from different sides: avatars in motion, clips in which somebody turns, several cameras.

Making a source ready takes much longer than warping it, so that each is paired with several targets in a row: as long
as `PersonPair.source` is the same object, what was made of it serves again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from motionwarp.data.avatars.packing import labeled, load_cast
from motionwarp.data.avatars.scenes import AvatarView, Cast, Look, SceneSettings, draw_look, draw_view
from motionwarp.data.avatars.splits import AvatarSplit
from motionwarp.data.pack import LabeledPicture
from motionwarp.data.packing import PackSettings, frames_of_clip
from motionwarp.data.pairs import Describe, PersonPair, known_source, paired_with, stretched
from motionwarp.data.splits import TRAINING_CLIPS_OF_TIER, Tier
from motionwarp.parsing.labels import IGNORE
from motionwarp.perception.matting import parsing_in_frame
from motionwarp.types import FloatArray, Pose

# of people in motion: how much of the light comes from everywhere, so that turning changes no colors that could not
# be known
_LEAST_FILL: Final = 0.6
_FRONTAL, _FRONTAL_SPREAD, _MOST_TURNED = 0.75, 18.0, 80.0  # sources: how many are about frontal; degrees
_SOURCE_SETTINGS: Final = SceneSettings(drawn=0.7, cut=0.25, occluded=0.0, shadow=0.0)
_TARGET_SETTINGS: Final = SceneSettings(drawn=0.3, cut=0.2, occluded=0.0, shadow=0.0)
_TARGETS: Final = 8  # of one source
_TRACK_REACH: Final = 24  # frames of a clip before and after a target from which its body is read
_TURNED: Final = 45.0  # degrees by which half of a clip's targets are turned against the source
_WITHIN: Final = 150  # frames of a clip that are surely of one person, where people come and go
_BROADER: Final = 0.1
_CAMERAS: Final = "pose2sim_cam"


def avatar_pairs(
    data_folder: Path, describe: Describe, seed: int, split: AvatarSplit = "train"
) -> Iterator[PersonPair]:
    """Yield pairs of avatars without end: the source about frontal, the target in another pose from any side.

    Parameters
    ----------
    data_folder : Path
        With `avatars`, `motion` and `ccp`.
    describe : callable
        Gives the classes that an avatar's own labels leave out.
    seed : int
    split : "train" or "validation"
        Of avatars, motion and backgrounds.
    """
    cast = load_cast(data_folder, split, seed)
    number = 0
    while True:
        rng = np.random.default_rng([seed, 11 if split == "train" else 12, number])
        number += 1
        yield from _of_one_avatar(cast, describe, rng, number)


def _of_one_avatar(cast: Cast, describe: Describe, rng: np.random.Generator, number: int) -> Iterator[PersonPair]:
    look = _evenly_lit(draw_look(cast, rng))
    turned = rng.normal(0, _FRONTAL_SPREAD) if rng.random() < _FRONTAL else rng.uniform(-_MOST_TURNED, _MOST_TURNED)
    view = draw_view(cast, _SOURCE_SETTINGS, rng, float(turned), look=look)
    if view.certainty < 1:
        return
    source = known_source(_described(labeled(view), describe))
    if source is None:
        return
    for place in range(_TARGETS):
        # a source that the frame cuts knows nothing of what lies below
        cut = view.cut if view.cut != "none" else None
        target = draw_view(cast, _TARGET_SETTINGS, rng, _spread_facing(rng, place), cut, look)
        picture = replace(labeled(target), name=f"turning/{number}/{place}/{target.name}")
        pair = paired_with(source, picture, rng)
        if pair is not None:
            yield replace(pair, facing=(view.facing, _sure_facing(target)))


def _spread_facing(rng: np.random.Generator, place: int) -> float:
    """Return degrees, so that the targets of one source are spread all around."""
    return -180 + 360 * (place + float(rng.uniform(0, 1))) / _TARGETS


def _sure_facing(view: AvatarView) -> float | None:
    return view.facing if view.certainty > 0.5 else None


def _evenly_lit(look: Look) -> Look:
    fill = np.array(look.lamp.fill)
    lamp = np.array(look.lamp.lamp)
    raised = np.maximum(fill, _LEAST_FILL * (fill + lamp))
    (r, g, b), (p, q, s) = (fill + lamp - raised).tolist(), raised.tolist()
    return replace(look, lamp=replace(look.lamp, lamp=(r, g, b), fill=(p, q, s)))


def _described(picture: LabeledPicture, describe: Describe) -> LabeledPicture:
    """Return a picture with the classes that its labels leave out."""
    if not (picture.parsing == IGNORE).any():
        return picture
    matte = picture.matte.astype(np.float32) / np.float32(255)
    seen = parsing_in_frame(picture.rgb, describe(picture.rgb, Pose(picture.points)), matte)
    return replace(picture, parsing=np.where(picture.parsing == IGNORE, seen, picture.parsing).astype(np.uint8))


@dataclass(frozen=True, eq=False)
class _ClipFrame:
    picture: LabeledPicture
    clip: str
    number: int
    run: int  # frames in a row of one clip in which somebody is seen all the time

    @property
    def facing(self) -> float | None:
        """Degrees, positive to the picture's right; None where it is not known."""
        known = self.picture.facing
        return None if known is None else float(np.rad2deg(np.arctan2(known[1], known[0])))

    @property
    def person(self) -> str:
        """What frames of the same person share: cameras that look at one stage at once show one."""
        return _CAMERAS if self.clip.startswith(_CAMERAS) else f"{self.clip}/{self.run}"

    def may_show(self, other: _ClipFrame) -> bool:
        """Whether another frame shows the same person and is not this one."""
        if self.person != other.person or (self.clip, self.number) == (other.clip, other.number):
            return False
        return self.clip.startswith(_CAMERAS) or abs(self.number - other.number) <= _WITHIN or self.run == -1


def turning_clip_pairs(video_folder: Path, describe: Describe, seed: int, tier: Tier) -> Iterator[PersonPair]:
    """Yield pairs of frames of the training clips of a tier without end, half of them turned against each other.

    Parameters
    ----------
    video_folder : Path
    describe : callable
        Gives the parsing of sources and targets.
    seed : int
    tier : "first", "A" or "B"
    """
    rng = np.random.default_rng([seed, 13])
    tracks = {clip: _track(video_folder, clip) for clip in TRAINING_CLIPS_OF_TIER[tier]}
    frames = [frame for clip, track in tracks.items() for frame in _frames(video_folder, clip, track)]
    while True:
        source_frame = _drawn_source(frames, rng)
        others = [frame for frame in frames if source_frame.may_show(frame)]
        factor = float(np.exp(rng.normal(0, _BROADER)))
        source = known_source(stretched(_described(source_frame.picture, describe), factor))
        if source is None or not others:
            continue
        for _ in range(_TARGETS):
            target_frame = _drawn_target(source_frame, others, rng)
            target = stretched(_described(target_frame.picture, describe), factor)
            track, place = _around(tracks[target_frame.clip], target_frame, target)
            pair = paired_with(source, target, rng, track, place)
            if pair is not None:
                yield replace(pair, facing=(source_frame.facing, target_frame.facing))


def _track(video_folder: Path, clip: str) -> list[FloatArray | None]:
    content = json.loads((video_folder / f"{clip}.keypoints18.json").read_text(encoding="utf-8"))["frames"]
    return [None if frame is None else np.array(frame, dtype=np.float32) for frame in content]


def _frames(video_folder: Path, clip: str, track: Sequence[FloatArray | None]) -> Iterator[_ClipFrame]:
    starts = [number for number, points in enumerate(track) if points is None]
    for picture in frames_of_clip(video_folder, clip, PackSettings(frame_rate=8.0)):
        number = int(picture.name.rsplit("/", 1)[1])
        # a clip without a gap shows one person all the time
        run = int(np.searchsorted(starts, number)) if starts else -1
        yield _ClipFrame(picture, clip, number, run)


def _drawn_source(frames: Sequence[_ClipFrame], rng: np.random.Generator) -> _ClipFrame:
    """Draw a frame, persons alike; mostly one that faces the camera, where the clip has any."""
    people = sorted({frame.person for frame in frames})
    person = people[int(rng.integers(len(people)))]
    own = [frame for frame in frames if frame.person == person]
    frontal = [frame for frame in own if frame.facing is not None and abs(frame.facing) < _TURNED]
    chosen = frontal if frontal and rng.random() < _FRONTAL else own
    return chosen[int(rng.integers(len(chosen)))]


def _drawn_target(source: _ClipFrame, others: Sequence[_ClipFrame], rng: np.random.Generator) -> _ClipFrame:
    """Draw another frame of the same person, half of the time one that is turned against the source."""
    turned = [frame for frame in others if _apart(source.facing, frame.facing) > _TURNED]
    chosen = turned if turned and rng.random() < 0.5 else others
    return chosen[int(rng.integers(len(chosen)))]


def _apart(one: float | None, other: float | None) -> float:
    return 0.0 if one is None or other is None else abs((one - other + 180) % 360 - 180)


def _around(track: Sequence[FloatArray | None], frame: _ClipFrame, picture: LabeledPicture) -> tuple[FloatArray, int]:
    """Return the poses about a frame, in pixels of a picture cut out of it, and the place of the frame among them."""
    first = max(frame.number - _TRACK_REACH, 0)
    window = track[first : frame.number + _TRACK_REACH + 1]
    points = np.stack([np.zeros((18, 3), np.float32) if each is None else each for each in window])
    own = points[frame.number - first]
    for axis in (0, 1):
        scale, shift = np.polyfit(own[:, axis], picture.points[:, axis], 1)
        points[..., axis] = points[..., axis] * scale + shift
    return points.astype(np.float32), frame.number - first
