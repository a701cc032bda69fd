"""An avatar made of a photo and refined by a clip of the same person (`motionwarp train avatar person`).

One body is fitted to the photo and to the whole clip. Frames say how deep the avatar is, by its outlines from the side,
and what the photo does not show, by their colors. Every fifth frame takes no part: what makes the avatar no better
there is left as it was.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from itertools import takewhile
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import torch

from motionwarp.avatar.assembly import make_avatar
from motionwarp.avatar.avatar import Avatar, usable_joints
from motionwarp.avatar.files import save_avatar
from motionwarp.avatar.fusion import PhotoView, fused_frames
from motionwarp.avatar.outline_depth import DepthSettings, with_outlined_depth
from motionwarp.avatar.person import AvatarPerson, StoredAvatar
from motionwarp.body.lifting import facing_degrees
from motionwarp.engines.avatar.options import AvatarFitOptions
from motionwarp.engines.avatar.posing import SourceBody
from motionwarp.engines.spec import FitRun
from motionwarp.errors import InputError, NoPersonError
from motionwarp.inpainting.clean_plate import clean_plate
from motionwarp.media.image import read_image
from motionwarp.media.reader import open_video
from motionwarp.nn.losses.reconstruction import structure_loss
from motionwarp.perception.base import Estimator
from motionwarp.perception.matting import covered_in_frame, matte_in_frame, parsing_in_frame
from motionwarp.provenance import Provenance, SourceType
from motionwarp.types import BoolArray, ByteArray, FloatArray, Person, Pose, SourcePerson

HELD_OUT_EVERY: Final = 5
_SURE: Final = 0.5  # of a person's score, below which a frame tells wrong things
_LEAST_FRAMES: Final = 10
_MARGIN: Final = 0.08  # of the person's height, around what is kept of a frame
_SIDE_DEGREES: Final = (40.0, 140.0)
_SHAPE_VIEWS: Final = 6
_PER_PIXEL: Final = 1e-3  # what a pixel of the height is worth, of a frame as large as can be
_SPREAD: Final = 3.0
_GRAY: Final = 127.5
_HALF: Final = 0.5
_WHAT: Final = "an avatar of a person in a photo and a clip"


@dataclass(frozen=True)
class AvatarFitConfig:
    """How an avatar is refined by a clip.

    Attributes
    ----------
    frames : int
        Of the clip that are looked at closely at most, spread evenly; every fifth is held out.
    depth : DepthSettings
    """

    frames: int = 60
    depth: DepthSettings = field(default_factory=DepthSettings)


@dataclass(frozen=True)
class AvatarFitted:
    """What came of it.

    Attributes
    ----------
    before, after : dict of str to float
        `ssim`, `psnr` (dB) and `iou` over gray in the held-out frames, in boxes around the person, of the avatar of the
        photo alone and of the one that was written.
    step : int
        How many of the two refinements were kept: depth and colors.
    frames, held_frames : int
        Learned from, and held out.
    seconds : float
    """

    before: dict[str, float]
    after: dict[str, float]
    step: int
    frames: int
    held_frames: int
    seconds: float


@dataclass(frozen=True, eq=False)
class ClipFrame:
    """A frame that was looked at closely.

    Attributes
    ----------
    person : SourcePerson
        In a box around them.
    index : int
        Of the frame.
    corner : (int, int)
        Left and top of the box in the frame.
    """

    person: SourcePerson
    index: int
    corner: tuple[int, int]


@dataclass(frozen=True, eq=False)
class SeenClip:
    """A clip of one person.

    Attributes
    ----------
    points : float32 (T, 18, 3)
        Of every frame; zeros where the person is not seen.
    frames : sequence of ClipFrame
    """

    points: FloatArray
    frames: Sequence[ClipFrame]


@dataclass(frozen=True, eq=False)
class _Photo:
    """The picture that the avatar is at rest, and what is needed of it for a source."""

    person: SourcePerson
    plate: ByteArray
    score: float


def fit_person(
    asked: AvatarFitOptions, make_estimator: Callable[[], Estimator], config: AvatarFitConfig, run: FitRun
) -> AvatarFitted:
    """Make an avatar of a photo and a clip, and write it.

    Parameters
    ----------
    asked : AvatarFitOptions
        Without a photo, the frame of the clip is taken in which the person is seen best from the front.
    make_estimator : callable
    config : AvatarFitConfig
    run : FitRun

    Raises
    ------
    InputError
        One of its kinds: if the clip or the photo cannot be read, or shows too little of the person.
    """
    started = time.monotonic()
    estimator = make_estimator()
    clip = see_clip(asked.clip, estimator, config.frames)
    run.report(f"{len(clip.frames)} of {len(clip.points)} frames are looked at")
    photo = _read_photo(asked.photo, estimator) if asked.photo is not None else _best_frame(asked.clip, clip, estimator)
    until = None if run.max_minutes is None else started + 60 * run.max_minutes
    avatar, fitted = refine(photo.person, clip, config, run.report, until)
    height, width = photo.person.matte.shape
    plain = {own.name: getattr(photo.person, own.name) for own in fields(SourcePerson)}
    person = AvatarPerson(**plain, avatar=avatar, photo_size=(width, height), photos=1 + fitted.frames)
    asked.output.parent.mkdir(parents=True, exist_ok=True)
    tags = Provenance(_WHAT, SourceType.COMPOSITE, "avatar", "avatar").tags()
    save_avatar(asked.output, StoredAvatar(person, photo.plate, (), photo.score, photos=1 + fitted.frames), tags)
    return replace(fitted, seconds=round(time.monotonic() - started, 1))


def see_clip(path: Path, estimator: Estimator, most: int) -> SeenClip:
    """Follow the person of a clip, and look closely at frames that are spread evenly over it.

    Raises
    ------
    NoPersonError
        If nobody is seen well.
    InputError
        If the person is seen well in too few frames.
    MediaError
        If the clip cannot be read.
    """
    with open_video(path) as reader:
        count = sum(1 for _ in reader)
    step = max(-(-count // most), 1)
    points = np.zeros((count, 18, 3), dtype=np.float32)
    frames = []
    with open_video(path) as reader:
        for number, observation in enumerate(estimator.follow(reader, dense=True)):
            person = observation.person
            if person is None or number >= count:
                continue
            points[number] = person.pose.points
            if number % step == 0 and person.score >= _SURE:
                frame = _clip_frame(observation.frame.rgb, person, number)
                frames += [] if frame is None else [frame]
    if not frames:
        raise NoPersonError(
            "nobody is seen well in this clip", subject=path, remedy="Give a clip that shows one person upright."
        )
    if len(frames) < _LEAST_FRAMES:
        raise InputError(
            f"seen well are {len(frames)} frames, {_LEAST_FRAMES} are needed",
            subject=path,
            remedy="Give a longer clip.",
        )
    return SeenClip(points, frames)


def _clip_frame(rgb: ByteArray, person: Person, number: int) -> ClipFrame | None:
    matte = matte_in_frame(rgb, person)
    left, top, width, height = cv2.boundingRect((matte > _HALF).astype(np.uint8))
    try:
        usable_joints(person.pose.points)
    except NoPersonError:
        return None
    if not width:
        return None
    margin = round(_MARGIN * height)
    left, top, right, bottom = max(left - margin, 0), max(top - margin, 0), left + width + margin, top + height + margin
    own = np.s_[top:bottom, left:right]
    points = person.pose.points - np.array([left, top, 0], dtype=np.float32)
    parsing = parsing_in_frame(rgb, person, matte)
    # copies: a view would keep the whole frame
    seen = SourcePerson(rgb[own].copy(), matte[own].copy(), Pose(points), parsing[own].copy())
    return ClipFrame(seen, number, (left, top))


def _read_photo(path: Path, estimator: Estimator) -> _Photo:
    return _seen_photo(read_image(path).rgb, estimator)


def _best_frame(path: Path, clip: SeenClip, estimator: Estimator) -> _Photo:
    """Return the frame that shows the person best from the front: turned least, limbs apart."""
    poses = SourceBody.of_photo(_most_told(clip).person.pose.points).follow(clip.points)
    facing = facing_degrees(poses.turns[:, 0]).numpy()

    def worth(frame: ClipFrame) -> float:
        told = float(frame.person.pose.points[:, 2].sum()) / len(frame.person.pose.points)
        frontal = float(np.cos(np.deg2rad(facing[frame.index])))
        height = frame.person.matte.shape[0]
        # limbs that lie apart from each other show more of a person
        spread = float(frame.person.matte.sum()) / height**2
        return float(frontal + told + _PER_PIXEL * height + _SPREAD * spread)

    best = max(clip.frames, key=worth)
    with open_video(path) as reader:
        rgb = next(frame.rgb for number, frame in enumerate(reader) if number == best.index)
    return _seen_photo(rgb, estimator, Pose(best.person.pose.points + np.array([*best.corner, 0], dtype=np.float32)))


def _most_told(clip: SeenClip) -> ClipFrame:
    return max(clip.frames, key=lambda frame: float(frame.person.pose.points[:, 2].sum()))


def _seen_photo(rgb: ByteArray, estimator: Estimator, pose: Pose | None = None) -> _Photo:
    seen = estimator.analyze_picture(rgb, given_pose=pose)
    matte = matte_in_frame(rgb, seen)
    person = SourcePerson(rgb, matte, seen.pose, parsing_in_frame(rgb, seen, matte))
    return _Photo(person, clean_plate(rgb, covered_in_frame(seen, matte)), seen.score)


def refine(
    person: SourcePerson,
    clip: SeenClip,
    config: AvatarFitConfig,
    report: Callable[[str], None],
    until: float | None = None,
) -> tuple[Avatar, AvatarFitted]:
    """Make a photo's avatar and refine it by a clip.

    Parameters
    ----------
    person : SourcePerson
    clip : SeenClip
    config : AvatarFitConfig
    report : callable
        Takes lines for people.
    until : float or None
        Seconds of `time.monotonic` after which no further step begins, and no further frame gives its colors.

    Raises
    ------
    NoPersonError
        If the photo's points show neither shoulders nor a neck with hips.
    """
    usable_joints(person.pose.points)
    held = [frame for number, frame in enumerate(clip.frames) if number % HELD_OUT_EVERY == HELD_OUT_EVERY - 1]
    learned = [frame for number, frame in enumerate(clip.frames) if number % HELD_OUT_EVERY != HELD_OUT_EVERY - 1]
    spread = learned[:: max(len(learned) // _SHAPE_VIEWS, 1)][:_SHAPE_VIEWS]
    body = SourceBody.of_photos([person.pose.points, *(frame.person.pose.points for frame in spread)])[0]
    views, unseen = _views(body, clip, learned), _views(body, clip, held)
    avatar = make_avatar(person, body.surface, body.rest)
    before = after = held_out_figures(avatar, unseen)
    report(f"the photo alone: {_line(before)}")
    step = 0
    sides = [view for view in views if _is_from_side(view)]

    def deeper(made: Avatar) -> Avatar:
        return with_outlined_depth(made, sides, config.depth)

    def colored(made: Avatar) -> Avatar:
        return fused_frames(made, takewhile(lambda _: not _is_over(until), views))

    for name, refined, figure in (("depth", deeper, "iou"), ("colors", colored, "ssim")):
        if _is_over(until):
            break
        tried = refined(avatar)
        found = held_out_figures(tried, unseen)
        report(f"with {name}: {_line(found)}")
        if found[figure] > after[figure]:
            avatar, after, step = tried, found, step + 1
    return avatar, AvatarFitted(before, after, step, len(learned), len(held), 0.0)


def _is_over(until: float | None) -> bool:
    return until is not None and time.monotonic() > until


def _views(body: SourceBody, clip: SeenClip, frames: Sequence[ClipFrame]) -> list[PhotoView]:
    """Return frames with the body's pose in them, as the whole clip tells it."""
    poses = body.follow(clip.points)
    joints = body.joints(poses.turns)
    made = []
    for frame in frames:
        scale, x, y = (float(value) for value in poses.camera[frame.index])
        rest = replace(
            body.rest,
            rotations=poses.turns[frame.index].numpy().astype(np.float32),
            joints=joints[frame.index],
            scale=scale,
            shift=(x - frame.corner[0], y - frame.corner[1]),
        )
        made.append(PhotoView(frame.person, rest))
    return made


def _is_from_side(view: PhotoView) -> bool:
    low, high = _SIDE_DEGREES
    return low < abs(float(facing_degrees(torch.from_numpy(view.rest.rotations[0])))) < high


def drawn_view(avatar: Avatar, view: PhotoView) -> FloatArray:
    """Return the avatar in a view's place: premultiplied colors and alpha, float32 (H, W, 4) in 0..255."""
    rest = view.rest
    camera = np.array([rest.scale, *rest.shift], dtype=np.float32)
    height, width = view.person.matte.shape
    return avatar.render(avatar.transforms(rest.rotations, rest.joints), camera, (height, width))[0]


def held_out_figures(avatar: Avatar, views: Sequence[PhotoView]) -> dict[str, float]:
    """Return how well an avatar redraws views, means of `ssim`, `psnr` in dB and `iou`, over gray."""
    rows = [_figures(drawn_view(avatar, view), view.person) for view in views]
    return {name: float(np.mean([row[name] for row in rows])) for name in ("ssim", "psnr", "iou")}


def _figures(drawn: FloatArray, person: SourcePerson) -> dict[str, float]:
    alpha = drawn[..., 3:] / 255
    made = drawn[..., :3] + _GRAY * (1 - alpha)
    matte = person.matte[..., None]
    true = person.rgb * matte + _GRAY * (1 - matte)
    there: BoolArray = person.matte > _HALF
    here: BoolArray = alpha[..., 0] > _HALF
    one, other = (torch.from_numpy(plane.transpose(2, 0, 1) / 255).float()[None] for plane in (made, true))
    error = float(np.square(made - true).mean())
    return {
        "ssim": 1 - float(structure_loss(one, other, torch.ones_like(one[:, :1]))),
        "psnr": float(10 * np.log10(255**2 / max(error, 1e-6))),
        "iou": float((there & here).sum() / max((there | here).sum(), 1)),
    }


def _line(figures: dict[str, float]) -> str:
    return ", ".join(f"held-out {name} {value:.4f}" for name, value in figures.items())
