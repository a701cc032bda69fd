"""Labeled photos moved into other poses by the layered engine, with their labels carried along.

The photos show upright people with hanging arms; here they get the poses of the training clips, of each other, of drawn
bodies, and limbs turned at random within what joints allow, so that what is trained on them has seen dance.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from motionwarp.data.ccp import CcpPhoto, photo_names, read_photos
from motionwarp.data.pack import LabeledPicture
from motionwarp.data.splits import TRAINING_CLIPS
from motionwarp.data.synthetic import body_points, frame_body, place, sample_pose, sample_proportions, sample_standpoint
from motionwarp.errors import NoPersonError
from motionwarp.inpainting.clean_plate import clean_plate
from motionwarp.parsing.labels import IGNORE
from motionwarp.pose import skeleton as sk
from motionwarp.puppet.repose import repose
from motionwarp.types import ByteArray, FloatArray, Pose

_SURE = 0.5
_HIPS: Final = [sk.RIGHT_HIP, sk.LEFT_HIP]
_ARMS: Final = ((sk.RIGHT_SHOULDER, sk.RIGHT_ELBOW, sk.RIGHT_WRIST), (sk.LEFT_SHOULDER, sk.LEFT_ELBOW, sk.LEFT_WRIST))
_LEGS: Final = ((sk.RIGHT_HIP, sk.RIGHT_KNEE, sk.RIGHT_ANKLE), (sk.LEFT_HIP, sk.LEFT_KNEE, sk.LEFT_ANKLE))
# how often a photo gets a clip's pose, another photo's, and a drawn body's; the rest get limbs turned at random
_FROM_CLIP, _FROM_PHOTO, _FROM_DRAWN = 0.35, 0.1, 0.3
# degrees that drawn bodies are turned from the camera, roughly and at most: photos show people from the front
_TURNED, _MOST_TURNED = 30.0, 65.0
# length of a drawn body's torso in the picture, as a fraction of what it would be across the view
_LEAST_UPRIGHT = 0.75
# of the poses at random, how many stand on one leg with the other shin folded away behind
_TUCKED = 0.25
# around the moved person, as a fraction of the picture's height
_MARGIN = 0.1
# photos are reduced to this many times the height of what is made of them
_SHARPNESS = 1.4


def clip_poses(video_folder: Path) -> list[FloatArray]:
    """Return the poses of all frames of the training clips, list of float32 (18, 3)."""
    poses = []
    for clip in TRAINING_CLIPS:
        frames = json.loads((video_folder / f"{clip}.keypoints18.json").read_text(encoding="utf-8"))["frames"]
        poses += [np.array(frame, dtype=np.float32) for frame in frames if frame is not None]
    return poses


def reposed_samples(data_folder: Path, height: int, count: int, seed: int) -> Iterator[LabeledPicture]:
    """Yield training photos in other poses.

    Parameters
    ----------
    data_folder : Path
        With `ccp` and `video`.
    height : int
        Height of the pictures, in pixels.
    count, seed : int
    """
    rng = np.random.default_rng(seed)
    names = photo_names(data_folder / "ccp", "train")
    points = json.loads((data_folder / "ccp" / "keypoints18.json").read_text(encoding="utf-8"))
    photo_poses = [np.array(points[name], dtype=np.float32) for name in names]
    poses_of_clips = clip_poses(data_folder / "video")
    made = 0
    while made < count:
        order = [names[index] for index in rng.permutation(len(names))]
        backdrop = None
        for photo in (
            reduced_photo(photo, round(_SHARPNESS * height)) for photo in read_photos(data_folder / "ccp", order)
        ):
            target = other_pose(photo.pose.points, poses_of_clips, photo_poses, rng)
            sample = (
                None if target is None else moved_photo(photo, target, height, backdrop, f"reposed/{photo.name}/{made}")
            )
            # the next person stands where this one stood: so no backdrop shows who was moved off it; smoothly,
            # since a pack is made of thousands
            backdrop = clean_plate(photo.rgb, photo.matte, fill="smooth")
            if sample is None:
                continue
            yield sample
            made += 1
            if made == count:
                return


def reduced_photo(photo: CcpPhoto, height: int) -> CcpPhoto:
    """Return the photo at a height in pixels, which saves most of the time of what follows."""
    scale = height / photo.rgb.shape[0]
    size = (round(photo.rgb.shape[1] * scale), height)
    parsing = photo.parsing
    if parsing is not None:
        parsing = np.asarray(cv2.resize(parsing, size, interpolation=cv2.INTER_NEAREST), dtype=np.uint8)
    return CcpPhoto(
        photo.name,
        np.asarray(cv2.resize(photo.rgb, size, interpolation=cv2.INTER_AREA), dtype=np.uint8),
        photo.pose.transformed([[scale, 0, scale / 2 - 0.5], [0, scale, scale / 2 - 0.5]]),
        np.asarray(cv2.resize(photo.matte, size, interpolation=cv2.INTER_AREA), dtype=np.float32),
        parsing,
    )


def other_pose(
    source: FloatArray, clip: Sequence[FloatArray], photo: Sequence[FloatArray], rng: np.random.Generator
) -> FloatArray | None:
    """Return a pose for a person of a photo, about where he stands; None if his torso is not seen.

    Parameters
    ----------
    source : float32 (18, 3)
    clip, photo : sequences of float32 (18, 3)
        Poses to choose from.
    rng : numpy Generator

    Returns
    -------
    float32 (18, 3)
        Scores are no higher than the source's: what was not seen cannot be moved.
    """
    if source[[sk.NECK, *_HIPS], 2].min() < _SURE:
        return None
    lot = rng.random()
    if lot < _FROM_CLIP + _FROM_PHOTO + _FROM_DRAWN:
        if lot < _FROM_CLIP + _FROM_PHOTO:
            poses = clip if lot < _FROM_CLIP else photo
            driver = poses[int(rng.integers(len(poses)))]
        else:
            driver = _drawn(rng)
        if driver[[sk.NECK, *_HIPS], 2].min() < _SURE:
            return None
        target = _carried_over(source, driver)
    else:
        target = _limbs_turned(source, rng)
    target[:, 2] = np.minimum(target[:, 2], source[:, 2])
    return target


def _drawn(rng: np.random.Generator) -> FloatArray:
    """Return a pose of a drawn body as a camera sees it, all points seen.

    What is bent is also foreshortened as it should be.
    """
    while True:
        yaw = float(np.clip(rng.normal(0, _TURNED), -_MOST_TURNED, _MOST_TURNED))
        skeleton = place(sample_proportions(rng), sample_pose(rng, yaw))
        joints = skeleton.joints
        camera = frame_body(
            body_points(skeleton), sample_standpoint(rng), 1000, 1000, share=1.0, middle_x=0.5, middle_y=0.5
        )
        pixels, depths = camera.project(joints)
        points = np.column_stack([pixels, np.ones(len(pixels))]).astype(np.float32)
        upright = np.linalg.norm(joints[sk.NECK] - joints[_HIPS].mean(axis=0)) * camera.focal / depths[_HIPS].mean()
        # poses are carried over by the torso's length: one that points at the camera would make giants
        if _torso(points) > _LEAST_UPRIGHT * upright:
            return points


def _torso(points: FloatArray) -> float:
    return max(float(np.linalg.norm(points[sk.NECK, :2] - points[_HIPS, :2].mean(axis=0))), 1.0)


def _carried_over(source: FloatArray, driver: FloatArray) -> FloatArray:
    """Return the driver's pose at the source's size and hips."""
    target = driver.copy()
    scale = _torso(source) / _torso(driver)
    target[:, :2] = (driver[:, :2] - driver[_HIPS, :2].mean(axis=0)) * scale + source[_HIPS, :2].mean(axis=0)
    return target


def _limbs_turned(source: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Return the source's pose leaned, with arms anywhere and legs where they may stand, squat, kick or cross."""
    target = source.copy()
    hips = source[_HIPS, :2].mean(axis=0)
    target[:, :2] = (source[:, :2] - hips) @ _turn(rng.normal(0, 12)).T + hips
    torso = _torso(source)
    for side, chain in zip((-1, 1), _ARMS, strict=True):
        # angles from straight down, outwards; forearms bend either way, as seen from the front
        raised = rng.uniform(-35, 175)
        bend = rng.uniform(-20, 150) if rng.random() < 0.8 else rng.uniform(-120, 0)
        lengths = 0.52 * torso * rng.uniform(0.6, 1.05), 0.45 * torso * rng.uniform(0.5, 1.05)
        _lay(target, chain, (side * raised, side * (raised + bend)), lengths)
    crouch = rng.uniform(0.45, 1.0) if rng.random() < 0.4 else 1.0
    tucked = _LEGS[int(rng.integers(2))] if rng.random() < _TUCKED else None
    for side, chain in zip((-1, 1), _LEGS, strict=True):
        if chain is tucked:
            _lay(
                target,
                chain,
                (side * rng.normal(2, 6), side * rng.normal(0, 12)),
                (0.8 * torso, rng.uniform(0.08, 0.45) * torso),
            )
            continue
        spread = rng.normal(8, 14) if rng.random() < 0.8 else rng.uniform(20, 100)
        bend = -abs(rng.normal(0, 25)) if spread < 20 else -rng.uniform(0, 130)
        # a shin that points away from the camera looks short
        shin = rng.uniform(0.08, 0.85) if rng.random() < 0.4 else rng.uniform(0.85, 1.05)
        lengths = 0.82 * torso * crouch * rng.uniform(0.9, 1.05), 0.8 * torso * shin
        _lay(target, chain, (side * spread, side * (spread + bend)), lengths)
    return target


def _lay(target: FloatArray, chain: Sequence[int], degrees: tuple[float, float], lengths: tuple[float, float]) -> None:
    """Put a limb's two bones at angles from straight down (positive to the picture's right)."""
    for (parent, child), angle, length in zip(
        ((chain[0], chain[1]), (chain[1], chain[2])), degrees, lengths, strict=True
    ):
        radians = np.deg2rad(angle)
        target[child, :2] = target[parent, :2] + length * np.array([np.sin(radians), np.cos(radians)], dtype=np.float32)


def _turn(degrees: float) -> FloatArray:
    radians = np.deg2rad(degrees)
    return np.array([[np.cos(radians), -np.sin(radians)], [np.sin(radians), np.cos(radians)]], dtype=np.float32)


def moved_photo(
    photo: CcpPhoto, target: FloatArray, height: int, backdrop: ByteArray | None, name: str
) -> LabeledPicture | None:
    """Render a photo's person in the target pose, framed, before a backdrop; None where there is no person to move."""
    seen = target[target[:, 2] >= _SURE, :2]
    low, high = seen.min(axis=0), seen.max(axis=0)
    # heads and feet reach beyond their points
    reach = 0.35 * _torso(target)
    low, high = low - reach, high + reach
    scale = height * (1 - 2 * _MARGIN) / max(high[1] - low[1], 0.75 * (high[0] - low[0]), 1.0)
    width = round(max((high[0] - low[0]) * scale, 0.5 * height) + 2 * _MARGIN * height)
    placed = target.copy()
    placed[:, :2] = (target[:, :2] - (low + high) / 2) * scale + np.array([width, height]) / 2
    parsing = np.full(photo.matte.shape, IGNORE, dtype=np.uint8) if photo.parsing is None else photo.parsing
    try:
        rgb, matte, moved, shown = repose(photo.rgb, photo.matte, parsing, photo.pose, Pose(placed), height, width)
    except NoPersonError:
        return None
    if photo.parsing is None:
        moved[matte > 0.1] = IGNORE
    behind = (
        np.full_like(rgb, 127)
        if backdrop is None
        else cv2.resize(backdrop, (width, height), interpolation=cv2.INTER_AREA)
    )
    together = np.rint(rgb * matte[..., None] + behind * (1 - matte[..., None])).astype(np.uint8)
    return LabeledPicture(together, np.rint(matte * 255).astype(np.uint8), moved, shown.points, name)
