"""What is left of people's limbs away from the photo's pose: put into a few poses that show every limb, and looked at.

Clips move people as their dancers do, whose limbs are seldom where a photo hid them: crossed legs, a hand in a pocket,
an arm behind the back. A limb that is missing once it is moved is not found where the body has it; one that is torn, of
which an analyzer makes up what lacks, is not covered from joint to joint. Ours.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from motionwarp.body.body_motion import BodyMotion
from motionwarp.body.fitting import LEAST_POINTS
from motionwarp.body.lifter import LEAST_SCORE
from motionwarp.body.performing import CameraPath
from motionwarp.devices import resolve_device, resolve_precision
from motionwarp.engines.avatar.posing import SourceBody
from motionwarp.engines.base import Engine, Motion, RenderSettings, Staging
from motionwarp.engines.registry import make_engine
from motionwarp.errors import NoPersonError, OptionError
from motionwarp.evaluation.free_poses import FREE_POSES, free_poses
from motionwarp.evaluation.options import LEVELS, ReposedSettings
from motionwarp.evaluation.reposed_figures import LIMB_BONES, LIMB_JOINTS, ReposedPicture, ReposedReport
from motionwarp.evaluation.systems import on_backdrop
from motionwarp.media.limits import existing_file
from motionwarp.perception.base import Estimator
from motionwarp.perception.registry import make_estimator
from motionwarp.pipeline.analysis import load_estimator
from motionwarp.pipeline.layout import resized
from motionwarp.pipeline.options import TransferOptions
from motionwarp.pipeline.source import fitted_to, prepare_source, read_source
from motionwarp.pose import skeleton as sk
from motionwarp.types import BoolArray, ByteArray, FloatArray, Frame, SourcePerson

_WIDTH, _HEIGHT = 640, 720  # of the pictures
_BEYOND: Final = 0.45  # torsos from the outermost joints to the picture's edge: hands, feet, hair
_FINEST: Final = 2 * _HEIGHT  # of a photo's long side: finer pixels are not seen
_COVERED: Final = 0.5  # of the coverage of a pixel
_FAINT: Final = (0.05, 0.95)  # coverages between which a pixel is half transparent
_BESIDE: Final = 0.1  # torsos to either side of a bone, where the limb may lie
_SAMPLES, _SAMPLES_BESIDE = 65, 9  # along a bone, and across
_TILE: Final = (214, 240)  # width and height on the sheet
_MARK: Final = (230, 30, 30)

Progress = Callable[[int, int], None]


def evaluate_reposed(
    photos: Sequence[Path],
    settings: ReposedSettings,
    progress: Progress,
    *,
    estimator: Estimator | None = None,
    reader: Estimator | None = None,
) -> ReposedReport:
    """Put the people of photos into `free_poses` and look for their limbs.

    Parameters
    ----------
    photos : sequence of Path
    settings : ReposedSettings
    progress : callable
        Called with the photos done and all.
    estimator : Estimator, optional
        Sees the people of the photos; by default the one of the settings.
    reader : Estimator, optional
        Looks at the results; by default the bundled analyzer or, with `settings.referee`, MediaPipe.

    Raises
    ------
    InputError
        If a photo cannot be read.
    OptionError
        If there is no such engine, or one without a body.
    NoPersonError
        If no photo shows anybody who can be moved.
    MissingExtraError
        If a referee is asked for and not installed.
    """
    for photo in photos:  # before minutes are spent on the others
        existing_file(photo)
    engines = {name: _with_body(name) for name in settings.engines}
    base = TransferOptions(
        device=settings.device, precision=settings.precision, pose_estimator=settings.pose_estimator, audio=False
    )
    judge = _reader(settings) if reader is None else reader
    seer = load_estimator(base) if estimator is None else estimator
    report = ReposedReport(judge.name)
    for done, photo in enumerate(photos):
        try:
            person = fitted_to(prepare_source(read_source(photo, base), base, seer).person, _FINEST)
            kept = len(report.photos) < settings.rows
            report.pictures.extend(_reposed(photo.stem, person, engines, settings, judge, kept=kept))
        except NoPersonError as error:
            report.left_out[str(photo)] = error.problem
        else:
            report.photos.extend([_reduced(person.rgb)] if kept else [])
        progress(done + 1, len(photos))
    if not report.pictures:
        raise NoPersonError(
            "no photo shows anybody who can be moved",
            subject=", ".join(report.left_out) or None,
            remedy="Use pictures that show one person clearly, or another `pose_estimator`",
        )
    return report


def _with_body(name: str) -> Engine:
    engine = make_engine(name)
    if not engine.has_body:
        raise OptionError(
            f"the engine {engine.name} has no body to put into other poses",
            values={"engine": name},
            remedy="Use `engine=avatar` or `engine=warping_gan`",
        )
    return engine


def _reader(settings: ReposedSettings) -> Estimator:
    device = resolve_device(settings.device)
    name = "mediapipe" if settings.referee else "builtin"
    return make_estimator(name, device, resolve_precision(settings.precision, device))


def _reposed(
    photo: str,
    person: SourcePerson,
    engines: Mapping[str, Engine],
    settings: ReposedSettings,
    reader: Estimator,
    *,
    kept: bool,
) -> list[ReposedPicture]:
    """Return one photo's pictures; raises a NoPersonError if one of the engines cannot move its person."""
    counted = joints_in_photo(person)
    device = resolve_device(settings.device)
    rendering = RenderSettings(device, resolve_precision(settings.precision, device), _WIDTH, _HEIGHT)
    backdrop = np.full((_HEIGHT, _WIDTH, 3), LEVELS["grey"], dtype=np.uint8)
    pictures = []
    for name, engine in engines.items():
        engine.prepare(person, rendering)
        motion = performed_in_frame(engine, free_poses(), person.rgb.shape[1::-1])
        layers = engine.render(motion, engine.plan(motion))
        for pose, truth, layer in zip(FREE_POSES, motion.points, layers, strict=True):
            view = on_backdrop(backdrop, layer)
            distances, scores = _looked_for(reader, view.rgb, truth)
            covered, rim = _coverage(view.matte, truth), rim_width(view.matte) / _torso(truth)
            picture = ReposedPicture(photo, name, pose, distances, scores, counted, covered, rim)
            if kept:
                shown = _reduced(_marked(view.rgb, truth, picture.counted & ~picture.found))
                picture = replace(picture, rgb=shown)
            pictures.append(picture)
    return pictures


def joints_in_photo(person: SourcePerson) -> BoolArray:
    """Return which of `LIMB_JOINTS` lie within a photo, hidden or not, by a body fitted to its points; bool (12,).

    Raises
    ------
    NoPersonError
        If the points are too few for a body.
    """
    points = person.pose.points
    if np.count_nonzero(points[:, 2] >= LEAST_SCORE) < LEAST_POINTS:
        raise NoPersonError(f"it shows fewer than {LEAST_POINTS} of the 18 points, too few for a body")
    body = SourceBody.of_photo(points)
    joints = body.rig.points(body.fit.turns)[0, list(LIMB_JOINTS), :2].numpy() * body.rest.scale + body.rest.shift
    size = np.array(person.rgb.shape[1::-1])
    return np.asarray(((joints > -0.5) & (joints < size - 0.5)).all(axis=1))


def performed_in_frame(engine: Engine, poses: BodyMotion, size: tuple[int, int]) -> Motion:
    """Return an engine's own body in poses, one after the other, all to one scale that fills the pictures.

    Parameters
    ----------
    engine : Engine
        Prepared, with a body.
    poses : BodyMotion
        On the spot.
    size : (int, int)
        Width and height of the photo.
    """
    path = CameraPath(np.arange(len(poses)) / poses.frame_rate, np.zeros(len(poses)))
    motion, _ = engine.perform(poses, Staging(path, np.eye(2, 3, dtype=np.float32), *size, travel="keep"))
    shown = motion.points[motion.points[..., 2] > 0]
    beyond = _BEYOND * _torso(motion.points[0])
    low, high = shown[:, :2].min(axis=0) - beyond, shown[:, :2].max(axis=0) + beyond
    frame = np.array([_WIDTH, _HEIGHT], dtype=np.float64)
    scale = float((frame / (high - low)).min())
    shift = (frame - 1 - scale * (low + high)) / 2
    return motion.moved([[scale, 0, shift[0]], [0, scale, shift[1]]])


def _looked_for(reader: Estimator, rgb: ByteArray, truth: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return how far the limbs' joints are found from the truth (18, 3), in torsos (12,), and their scores (12,)."""
    joints = list(LIMB_JOINTS)
    person = next(iter(reader.follow([Frame(rgb, 0.0, 0)]))).person
    if person is None:
        return np.full(len(joints), np.inf, dtype=np.float32), np.zeros(len(joints), dtype=np.float32)
    seen = person.pose.points[joints]
    apart = np.linalg.norm(seen[:, :2] - truth[joints, :2], axis=1) / _torso(truth)
    return np.asarray(apart, dtype=np.float32), np.asarray(seen[:, 2], dtype=np.float32)


def _coverage(matte: FloatArray, truth: FloatArray) -> FloatArray:
    """Return which share of each bone's length a matte covers, float32 (8,), between points (18, 3); none outside.

    A place is covered if some of the limb lies beside it, square to the bone: shoulders' points are near the outline.
    """
    ends = truth[np.array(LIMB_BONES), :2].astype(np.float64)  # (8, 2, 2)
    way = ends[:, 1] - ends[:, 0]
    square = way[:, ::-1] * (-1, 1) / np.maximum(np.linalg.norm(way, axis=1, keepdims=True), 1e-6)
    along = np.linspace(0, 1, _SAMPLES)[:, None, None]
    beside = _BESIDE * _torso(truth) * np.linspace(-1, 1, _SAMPLES_BESIDE)[:, None]
    places = ends[:, :1, None] + along * way[:, None, None] + beside * square[:, None, None]  # (8, N, M, 2)
    x, y = (places[..., axis].reshape(len(ends), -1).astype(np.float32) for axis in (0, 1))
    sampled = cv2.remap(matte, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT).reshape(places.shape[:3])
    return np.asarray((sampled > _COVERED).any(axis=2).mean(axis=1), dtype=np.float32)


def rim_width(matte: FloatArray) -> float:
    """Return how broad the rim of a matte (H, W) is on average in which it is half transparent, in pixels.

    The pixels of coverages between 0.05 and 0.95, for each pixel along the outlines; 0 of nobody.
    """
    outlines, _ = cv2.findContours((matte > _COVERED).astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    length = sum(cv2.arcLength(outline, closed=True) for outline in outlines)
    faint = np.count_nonzero((matte > _FAINT[0]) & (matte < _FAINT[1]))
    return faint / length if length > 0 else 0.0


def _torso(points: FloatArray) -> float:
    """Return the distance in pixels of the neck and the middle of the hips."""
    hips = points[[sk.RIGHT_HIP, sk.LEFT_HIP], :2].mean(axis=0)
    return float(np.linalg.norm(points[sk.NECK, :2] - hips))


def _reduced(rgb: ByteArray) -> ByteArray:
    height, width = rgb.shape[:2]
    scale = min(1.0, _TILE[0] / width, _TILE[1] / height)
    return resized(rgb, max(round(width * scale), 1), max(round(height * scale), 1))


def _marked(rgb: ByteArray, truth: FloatArray, missed: BoolArray) -> ByteArray:
    """Return a picture with a ring around the true place of each joint that was not found."""
    marked = rgb.copy()
    for joint in np.array(LIMB_JOINTS)[missed]:
        x, y = (round(float(value)) for value in truth[joint, :2])
        cv2.circle(marked, (x, y), 24, _MARK, 3, cv2.LINE_AA)
    return marked
