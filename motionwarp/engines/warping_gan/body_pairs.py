"""Reverse pairs through the avatar: a photo is the target, its avatar in another pose from another side the source.

What is to be made is always real; what it is made from has the faults that an avatar has, which a real photo has not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import torch

from motionwarp.avatar.renderer import moved_positions
from motionwarp.body.bvh import read_bvh
from motionwarp.body.human_motion import human_motion
from motionwarp.body.lifting import facing_degrees
from motionwarp.body.model import BodyModel
from motionwarp.body.retargeting import body_motion
from motionwarp.body.rig import PointRig
from motionwarp.data.avatars.splits import take_files
from motionwarp.data.ccp import CcpPhoto, photo_names, read_photos
from motionwarp.data.pack import LabeledPicture
from motionwarp.data.pairs import Describe, PersonPair, known_source, paired_with, with_parsing
from motionwarp.data.reposed import reduced_photo
from motionwarp.data.splits import Split
from motionwarp.engines.avatar.photo_body import PhotoBody
from motionwarp.engines.avatar.posing import PoseParams
from motionwarp.engines.base import RenderSettings
from motionwarp.errors import NoPersonError
from motionwarp.perception.matting import parsing_in_frame
from motionwarp.pose import skeleton as sk
from motionwarp.types import FloatArray, Pose, SourcePerson

_HEIGHT: Final = 320
_PHOTO_HEIGHT: Final = 448
_SOURCES: Final = 2  # of one photo
_TAKES: Final = 14
_RATE: Final = 5.0  # poses a second of a take
_TURNED, _MOST_TURNED = 28.0, 70.0  # degrees
_FAR_EAR, _FAR_EYE = 35.0, 55.0  # degrees from which a head hides its other side
_FILLED: Final = 0.88  # of the picture's height
_BACKGROUND: Final = 127


def avatar_reverse_pairs(
    data_folder: Path, describe: Describe, seed: int, split: Split = "train"
) -> Iterator[PersonPair]:
    """Yield reverse pairs through the avatar without end.

    Parameters
    ----------
    data_folder : Path
        With `ccp` and `motion`.
    describe : callable
        Gives the parsing of photos that have no labels, and of what is drawn.
    seed : int
    split : str
        Of photos and motion.
    """
    rng = np.random.default_rng([seed, 14])
    names = photo_names(data_folder / "ccp", split)
    poses = _poses(take_files(data_folder / "motion", "train" if split == "train" else "validation"), rng)
    made = 0
    while True:
        order = [names[index] for index in rng.permutation(len(names))]
        for photo in read_photos(data_folder / "ccp", order):
            small = with_parsing(reduced_photo(photo, _PHOTO_HEIGHT), describe)
            for pair in _of_photo(small, poses, describe, rng):
                made += 1
                yield replace(pair, name=f"through/{photo.name}/{made}")


def _poses(files: Sequence[Path], rng: np.random.Generator) -> FloatArray:
    """Return turns of driven bones (N, D, 3, 3) of some takes."""
    body = BodyModel.load()
    chosen = [files[index] for index in rng.permutation(len(files))[:_TAKES]]
    return np.concatenate([body_motion(body, human_motion(read_bvh(path))).resampled(_RATE).turns for path in chosen])


def _of_photo(photo: CcpPhoto, poses: FloatArray, describe: Describe, rng: np.random.Generator) -> Iterator[PersonPair]:
    assert photo.parsing is not None
    height, width = photo.matte.shape
    target = LabeledPicture(
        photo.rgb, np.rint(photo.matte * 255).astype(np.uint8), photo.parsing, photo.pose.points, photo.name
    )
    person = SourcePerson(photo.rgb, photo.matte, photo.pose, photo.parsing)
    try:
        body = PhotoBody.of(person, RenderSettings(torch.device("cpu"), torch.float32, width, height))
    except NoPersonError:
        return
    for _ in range(_SOURCES):
        facing = float(np.clip(rng.normal(0, _TURNED), -_MOST_TURNED, _MOST_TURNED))
        turns = _facing(torch.from_numpy(poses[int(rng.integers(len(poses)))]), facing)
        drawn = _drawn(body, turns, photo.pose.points)
        source = known_source(_described(drawn, describe))
        pair = None if source is None else paired_with(source, target, rng)
        if pair is not None:
            yield replace(pair, facing=(facing, None))


def _described(picture: LabeledPicture, describe: Describe) -> LabeledPicture:
    matte = picture.matte.astype(np.float32) / np.float32(255)
    return replace(picture, parsing=parsing_in_frame(picture.rgb, describe(picture.rgb, Pose(picture.points)), matte))


def _facing(turns: torch.Tensor, degrees: float) -> torch.Tensor:
    """Return a pose turned about the upright axis until it faces somewhere."""
    angle = np.deg2rad(degrees - float(facing_degrees(turns[0])))
    cosine, sine = float(np.cos(angle)), float(np.sin(angle))
    about = torch.tensor([[cosine, 0, -sine], [0, 1, 0], [sine, 0, cosine]])
    return about.to(turns) @ turns


def _drawn(body: PhotoBody, turns: torch.Tensor, photo_points: FloatArray) -> LabeledPicture:
    """Draw an avatar in a pose, framed, over gray; its points are the body's own."""
    unit = PoseParams(turns[None], torch.tensor([[1.0, 0.0, 0.0]]))
    transforms, _ = body.posed(unit)[0]
    sheets = body.avatar.sheets
    moved = moved_positions(sheets.positions, sheets.bones, sheets.bone_weights, transforms)[:, :2]
    low, high = moved.min(axis=0), moved.max(axis=0)
    scale = _FILLED * _HEIGHT / float(high[1] - low[1])
    width = int(np.clip(scale * (high[0] - low[0]) / _FILLED, 0.5 * _HEIGHT, 1.2 * _HEIGHT))
    camera = np.array([scale, *(np.array([width, _HEIGHT]) / 2 - scale * (low + high) / 2)], dtype=np.float32)
    picture = body.avatar.render(transforms, camera, (_HEIGHT, width), None)[0].clip(0, 255)
    rgb = picture[..., :3] + _BACKGROUND * (1 - picture[..., 3:] / 255)
    rig = PointRig.of(BodyModel.load(), body.body.shape)
    places = rig.points(turns).numpy()[:, :2] * camera[0] + camera[1:]
    points = np.column_stack([places, _scores(turns, photo_points)]).astype(np.float32)
    parsing = np.zeros((_HEIGHT, width), dtype=np.uint8)
    matte = np.rint(picture[..., 3]).astype(np.uint8)
    return LabeledPicture(np.rint(rgb).clip(0, 255).astype(np.uint8), matte, parsing, points, "through")


def _scores(turns: torch.Tensor, photo_points: FloatArray) -> FloatArray:
    """Return scores: what the photo did not show has nothing to show, and a head hides its other side."""
    scores = photo_points[:, 2].copy()
    head = float(facing_degrees(turns[5]))
    # who faces the picture's right shows the right side
    eye, ear = (sk.LEFT_EYE, sk.LEFT_EAR) if head > 0 else (sk.RIGHT_EYE, sk.RIGHT_EAR)
    for point, limit in ((ear, _FAR_EAR), (eye, _FAR_EYE)):
        if abs(head) > limit:
            scores[point] = min(scores[point], 0.1)
    if abs(head) > 110:
        scores[[sk.NOSE, sk.RIGHT_EYE, sk.LEFT_EYE]] = 0
    return scores
