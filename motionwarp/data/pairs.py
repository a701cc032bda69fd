"""Pairs that transfer is trained from.

A source person, and the same person in another pose as the window of a real picture.

Three kinds. Reverse pairs need one picture of a person only: the photo is the target, and the source is made from it by
moving the person into another pose with the layered engine. Pairs of clips are two frames of one clip. Synthetic pairs
are two views of a drawn person, back views among them, with exact labels.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from motionwarp.data.ccp import CcpPhoto, photo_names, read_photos
from motionwarp.data.pack import LabeledPicture, union_box
from motionwarp.data.packing import PackSettings, frames_of_clip
from motionwarp.data.person_window import FILL, window_around
from motionwarp.data.reposed import clip_poses, moved_photo, other_pose, reduced_photo
from motionwarp.data.splits import CLIPS, Split
from motionwarp.data.synthetic import (
    SyntheticView,
    body_points,
    place,
    render,
    sample_background,
    sample_camera,
    sample_light,
    sample_person,
    sample_pose,
    sample_yaw,
)
from motionwarp.data.windowed import before_shrinking
from motionwarp.parsing.labels import BACKGROUND, IGNORE
from motionwarp.perception.framing import visible_box
from motionwarp.perception.matting import parsing_in_frame
from motionwarp.pose import skeleton as sk
from motionwarp.types import ByteArray, FloatArray, Person, PersonCrop, Pose, SourcePerson

# sees a known person's parsing: an estimator's `describe`
Describe = Callable[[ByteArray, Pose], Person]

_HEIGHT: Final = 320  # of sources, in pixels: a little finer than the window, as real sources are
_LEAST_TORSO: Final = 12.0  # pixels of the source, below which nothing can be cut out
# streams of random numbers
_DRAWN_STREAMS: Final[Mapping[Split, int]] = {"train": 3, "calibration": 5, "validation": 6}
# how often a drawn person is turned about as in the other picture, and by how many degrees more or less, roughly
_TURNED_ALIKE, _TURNED_BY = 0.7, 25.0
# by how much clips' people are made broader or narrower, as the standard deviation of the logarithm
_BROADER: Final = 0.12
# how often a pair ends at the waist or the knees, and how often only the target does
_CUT_BOTH, _CUT_TARGET = 0.25, 0.1


@dataclass(frozen=True, eq=False)
class PersonPair:
    """One source and what it should look like in the target pose.

    Attributes
    ----------
    source : SourcePerson
    rgb : uint8 (256, 192, 3)
        The target, in its window.
    matte : float32 (256, 192)
    parsing : uint8 (256, 192)
        LIP classes, 255 where not known.
    pose : Pose
        Pose of the target, in pixels of the window.
    inside : bool (256, 192)
        Where the target's picture has pixels.
    name : str
    track : float32 (T, 18, 3) or None
        Poses of the target's clip about the target's, in pixels of the window, from which its body is read; None where
        it is a single picture.
    track_frame : int
        The target's own place in it.
    facing : (float or None, float or None)
        Degrees by which source and target are turned from facing the camera, positive to the picture's right, where
        that is known.
    """

    source: SourcePerson
    rgb: ByteArray
    matte: FloatArray
    parsing: ByteArray
    pose: Pose
    inside: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
    name: str
    track: FloatArray | None = None
    track_frame: int = 0
    facing: tuple[float | None, float | None] = (None, None)


def reverse_pairs(data_folder: Path, describe: Describe, seed: int, split: Split = "train") -> Iterator[PersonPair]:
    """Yield reverse pairs of a split's photos without end.

    Parameters
    ----------
    data_folder : Path
        With `ccp` and `video`.
    describe : callable
        Gives the parsing of photos that have no labels, and of what the labels leave out.
    seed : int
    split : str
        Split of the photos; poses come from training clips and this split's photos.
    """
    rng = np.random.default_rng([seed, 1])
    names = photo_names(data_folder / "ccp", split)
    points = json.loads((data_folder / "ccp" / "keypoints18.json").read_text(encoding="utf-8"))
    photo_poses = [np.array(points[name], dtype=np.float32) for name in names]
    poses_of_clips = clip_poses(data_folder / "video")
    made = 0
    while True:
        order = [names[index] for index in rng.permutation(len(names))]
        for photo in read_photos(data_folder / "ccp", order):
            small = with_parsing(reduced_photo(photo, round(1.4 * _HEIGHT)), describe)
            pair = reverse_pair(small, poses_of_clips, photo_poses, rng, f"reverse/{photo.name}/{made}")
            if pair is not None:
                made += 1
                yield pair


def with_parsing(photo: CcpPhoto, describe: Describe) -> CcpPhoto:
    """Return the photo with a class for every pixel: its labels where it has them, else what is seen."""
    seen = parsing_in_frame(photo.rgb, describe(photo.rgb, photo.pose), photo.matte)
    known = np.full_like(seen, IGNORE) if photo.parsing is None else photo.parsing
    return replace(photo, parsing=np.where(known == IGNORE, seen, known))


def reverse_pair(
    photo: CcpPhoto, clip: list[FloatArray], others: list[FloatArray], rng: np.random.Generator, name: str
) -> PersonPair | None:
    """Return one reverse pair of a photo with a full parsing; None if its person cannot be moved."""
    assert photo.parsing is not None
    pose = other_pose(photo.pose.points, clip, others, rng)
    moved = None if pose is None else moved_photo(photo, pose, _HEIGHT, None, name)
    if moved is None:
        return None
    target = LabeledPicture(photo.rgb, _bytes(photo.matte), photo.parsing, photo.pose.points, name)
    return paired(moved, target, rng)


def clip_pairs(video_folder: Path, describe: Describe, seed: int, split: Split = "train") -> Iterator[PersonPair]:
    """Yield pairs of frames of a split's clips without end, from longer clips more often.

    The people are few, so both frames of a pair are stretched alike, which gives other bodies.
    """
    rng = np.random.default_rng([seed, 2])
    settings = PackSettings(height=_HEIGHT)
    clips = [
        [_described(frame, describe) for frame in frames_of_clip(video_folder, clip, settings)] for clip in CLIPS[split]
    ]
    lengths = np.array([len(frames) for frames in clips], dtype=np.float64)
    while True:
        frames = clips[int(rng.choice(len(clips), p=lengths / lengths.sum()))]
        one, other = rng.choice(len(frames), 2, replace=False)
        factor = float(np.exp(rng.normal(0, _BROADER)))
        pair = paired(stretched(frames[int(one)], factor), stretched(frames[int(other)], factor), rng)
        if pair is not None:
            yield pair


def stretched(picture: LabeledPicture, factor: float) -> LabeledPicture:
    """Return a picture made `factor` times as wide."""
    height, width = picture.matte.shape
    size = (max(round(width * factor), 1), height)
    smooth = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    points = picture.points.copy()
    points[:, 0] = (points[:, 0] + 0.5) * np.float32(size[0] / width) - 0.5
    return LabeledPicture(
        np.asarray(cv2.resize(np.ascontiguousarray(picture.rgb), size, interpolation=smooth), dtype=np.uint8),
        np.asarray(cv2.resize(picture.matte, size, interpolation=smooth), dtype=np.uint8),
        np.asarray(cv2.resize(picture.parsing, size, interpolation=cv2.INTER_NEAREST), dtype=np.uint8),
        points,
        picture.name,
    )


def synthetic_pairs(seed: int, split: Split = "train") -> Iterator[PersonPair]:
    """Yield pairs of views of drawn people without end; no person of one split is drawn in another."""
    number = 0
    while True:
        rng = np.random.default_rng([seed, _DRAWN_STREAMS[split], number])
        number += 1
        person, light = sample_person(rng), sample_light(rng)
        views = []
        yaw = sample_yaw(rng)
        for turned in (yaw, yaw + rng.normal(0, _TURNED_BY) if rng.random() < _TURNED_ALIKE else sample_yaw(rng)):
            pose = sample_pose(rng, float(turned))
            camera = sample_camera(rng, body_points(place(person.proportions, pose)), _HEIGHT, 3 * _HEIGHT // 4)
            backdrop = sample_background(rng, _HEIGHT, 3 * _HEIGHT // 4)
            views.append(render(person, pose, camera, backdrop, _HEIGHT, 3 * _HEIGHT // 4, light=light))
        source, target = (_as_picture(view, f"synthetic/{seed}/{number}") for view in views)
        pair = paired(source, target, rng, cut=False)
        if pair is not None:
            yield pair


def _as_picture(view: SyntheticView, name: str) -> LabeledPicture:
    return LabeledPicture(view.rgb, _bytes(view.matte), view.parsing, view.pose.points, name)


def _bytes(matte: FloatArray) -> ByteArray:
    return np.rint(matte * 255).astype(np.uint8)


def _described(frame: LabeledPicture, describe: Describe) -> LabeledPicture:
    matte = frame.matte.astype(np.float32) / np.float32(255)
    seen = parsing_in_frame(frame.rgb, describe(frame.rgb, Pose(frame.points)), matte)
    return replace(frame, parsing=seen)


def paired(
    source: LabeledPicture, target: LabeledPicture, rng: np.random.Generator, *, cut: bool = True
) -> PersonPair | None:
    """Return two pictures of one person as a pair, the target in a window that is off by a little.

    None if too little is seen.

    Parameters
    ----------
    source, target : LabeledPicture
        With a parsing each.
    rng : numpy Generator
    cut : bool
        Whether pictures are now and then cut off below the waist or the knees.
    """
    lot = rng.random() if cut else 1.0
    if lot < _CUT_BOTH + _CUT_TARGET:
        at_knees, depth = rng.random() < 0.35, float(rng.uniform(0.05, 0.4))
        target = _cut_below(target, at_knees, depth)
        if lot < _CUT_BOTH:
            source = _cut_below(source, at_knees, depth + float(rng.normal(0, 0.08)))
    person = known_source(source)
    return None if person is None else paired_with(person, target, rng)


def known_source(source: LabeledPicture) -> SourcePerson | None:
    """Return the person of a picture with a parsing as a source; None if too little of their trunk is seen."""
    points = source.points
    if points[[sk.NECK, sk.RIGHT_SHOULDER, sk.LEFT_SHOULDER], 2].min() < 0.3:
        return None
    hips = points[[sk.RIGHT_HIP, sk.LEFT_HIP], :2].mean(axis=0)
    if np.linalg.norm(points[sk.NECK, :2] - hips) < _LEAST_TORSO:
        return None
    known = np.where(source.parsing == IGNORE, BACKGROUND, source.parsing)
    return SourcePerson(source.rgb, source.matte.astype(np.float32) / np.float32(255), Pose(source.points), known)


def paired_with(
    person: SourcePerson,
    target: LabeledPicture,
    rng: np.random.Generator,
    track: FloatArray | None = None,
    track_frame: int = 0,
) -> PersonPair | None:
    """Return a source and another picture of the same person, in a window that is off by a little.

    None if the target shows too little.

    Parameters
    ----------
    person : SourcePerson
    target : LabeledPicture
        With a parsing.
    rng : numpy Generator
    track : float32 (T, 18, 3), optional
        Poses of the target's clip, in pixels of its picture.
    track_frame : int
        The target's own place among them.
    """
    if (target.points[:, 2] > 0.3).sum() < 5 or (target.matte > 127).sum() < 400:
        return None
    box = _box_of(target, rng)
    height, width = target.matte.shape
    window = window_around(box, height, width, fill=FILL * float(rng.uniform(0.84, 1.04)))
    pair = _in_window(person, target, window)
    if track is None:
        return pair
    to_window = window.frame_to_crop()
    placed = np.concatenate([track[..., :2] @ to_window[:, :2].T + to_window[:, 2], track[..., 2:]], axis=-1)
    return replace(pair, track=placed.astype(np.float32), track_frame=track_frame)


def _cut_below(picture: LabeledPicture, at_knees: bool, depth: float) -> LabeledPicture:
    """Return the picture without what lies below the waist or the knees; whole if it shows neither."""
    points = picture.points
    start, end = ((sk.RIGHT_KNEE, sk.LEFT_KNEE), (sk.RIGHT_ANKLE, sk.LEFT_ANKLE)) if at_knees else (
        (sk.RIGHT_HIP, sk.LEFT_HIP), (sk.RIGHT_KNEE, sk.LEFT_KNEE))  # fmt: skip
    if points[[*start, *end], 2].min() < 0.3:
        return picture
    upper, lower = points[list(start), 1].mean(), points[list(end), 1].mean()
    row = round(float(upper + depth * (lower - upper)))
    if lower - upper < 8 or not 40 < row < len(picture.matte):
        return picture
    kept = points.copy()
    kept[points[:, 1] > row - 0.5, 2] = 0
    return LabeledPicture(picture.rgb[:row], picture.matte[:row], picture.parsing[:row], kept, picture.name)


def _box_of(picture: LabeledPicture, rng: np.random.Generator) -> tuple[float, float, float, float]:
    """Return the box of points and matte, moved a little: at work the box is only as good as the points."""
    box = np.array(visible_box(picture.points))
    of_matte = union_box(picture.matte, picture.points)
    if of_matte is not None:
        box = np.array([*np.minimum(box[:2], of_matte[:2]), *np.maximum(box[2:], of_matte[2:])])
    size = box[3] - box[1]
    left, top, right, bottom = box + rng.normal(0, 0.012, 4) * size
    return float(left), float(top), float(right), float(bottom)


def _in_window(person: SourcePerson, target: LabeledPicture, window: PersonCrop) -> PersonPair:
    to_window = window.frame_to_crop()
    size = (window.width, window.height)
    shrunk, matrix = before_shrinking(target, to_window)
    rgb = cv2.warpAffine(shrunk.rgb, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    matte = cv2.warpAffine(shrunk.matte, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    parsing = cv2.warpAffine(
        target.parsing, to_window, size, flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT, borderValue=BACKGROUND
    )
    whole = np.full(target.matte.shape, 255, dtype=np.uint8)
    inside = cv2.warpAffine(whole, to_window, size, flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT) > 0
    return PersonPair(
        person,
        np.asarray(rgb, dtype=np.uint8),
        np.asarray(matte, dtype=np.float32) / np.float32(255),
        np.asarray(parsing, dtype=np.uint8),
        Pose(target.points).transformed(to_window),
        inside,
        target.name,
    )
