"""What is left of people's limbs away from the photo's pose: put into a few poses that show every limb, and looked at.

Clips move people as their dancers do, whose limbs are seldom where a photo hid them: crossed legs, a hand in a pocket,
an arm behind the back. A limb that is missing once it is moved is not found where the body has it; one that is torn, of
which an analyzer makes up what lacks, is not covered from joint to joint. Ours.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

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
from motionwarp.evaluation.systems import on_backdrop
from motionwarp.media.contact_sheet import Tile
from motionwarp.media.limits import existing_file
from motionwarp.perception.base import Estimator
from motionwarp.perception.registry import make_estimator
from motionwarp.pipeline.analysis import load_estimator
from motionwarp.pipeline.layout import resized
from motionwarp.pipeline.options import TransferOptions
from motionwarp.pipeline.source import fitted_to, prepare_source, read_source
from motionwarp.pose import skeleton as sk
from motionwarp.types import BoolArray, ByteArray, FloatArray, Frame, SourcePerson

LIMB_JOINTS: Final = tuple(range(sk.RIGHT_SHOULDER, sk.LEFT_ANKLE + 1))
"""The twelve joints that are looked for, as points of the skeleton."""

GROUPS: Final[Mapping[str, tuple[int, ...]]] = {
    "elbows": (sk.RIGHT_ELBOW, sk.LEFT_ELBOW),
    "wrists": (sk.RIGHT_WRIST, sk.LEFT_WRIST),
    "knees": (sk.RIGHT_KNEE, sk.LEFT_KNEE),
    "ankles": (sk.RIGHT_ANKLE, sk.LEFT_ANKLE),
    "limbs": LIMB_JOINTS,
}
"""Joints that figures are told of; `limbs` are all twelve, shoulders and hips included."""

LIMB_BONES: Final = (
    (sk.RIGHT_SHOULDER, sk.RIGHT_ELBOW), (sk.LEFT_SHOULDER, sk.LEFT_ELBOW),
    (sk.RIGHT_ELBOW, sk.RIGHT_WRIST), (sk.LEFT_ELBOW, sk.LEFT_WRIST),
    (sk.RIGHT_HIP, sk.RIGHT_KNEE), (sk.LEFT_HIP, sk.LEFT_KNEE),
    (sk.RIGHT_KNEE, sk.RIGHT_ANKLE), (sk.LEFT_KNEE, sk.LEFT_ANKLE),
)  # fmt: skip
"""From joint to joint, what has to be covered."""

SEGMENTS: Final[Mapping[str, tuple[int, ...]]] = {
    "upper_arms": (0, 1), "forearms": (2, 3), "thighs": (4, 5), "shins": (6, 7), "limbs": tuple(range(8)),
}  # fmt: skip
"""Bones that figures are told of, by their place in `LIMB_BONES`."""

_WIDTH, _HEIGHT = 640, 720  # of the pictures
_BEYOND: Final = 0.45  # torsos from the outermost joints to the picture's edge: hands, feet, hair
_NEAR: Final = 0.15  # torsos within which a joint is found
_SURE: Final = 0.3  # of its score
_FINEST: Final = 2 * _HEIGHT  # of a photo's long side: finer pixels are not seen
_COVERED: Final = 0.5  # of the coverage of a pixel
_SAMPLES: Final = 65  # along a bone
_TILE: Final = (214, 240)  # width and height on the sheet
_MARK: Final = (230, 30, 30)


@dataclass(frozen=True, eq=False)
class ReposedPicture:
    """One person in one pose, as an engine drew them, and where the limbs' joints were found in it.

    Attributes
    ----------
    photo, engine : str
    pose : str
        One of `FREE_POSES`.
    distances : float32 (12,)
        Between each of `LIMB_JOINTS` as found and as the body has it, in torsos; infinite where nobody was found.
    scores : float32 (12,)
        Of the joints as found; 0 where nobody was.
    counted : bool (12,)
        Which joints the photo shows or hides, and does not cut off.
    coverage : float32 (8,)
        Which share of the straight way from joint to joint of `LIMB_BONES` the person covers, in [0, 1].
    rgb : uint8 (h, w, 3) or None
        For the sheet: reduced, with rings where joints were not found. None where none is drawn.
    """

    photo: str
    engine: str
    pose: str
    distances: FloatArray
    scores: FloatArray
    counted: BoolArray
    coverage: FloatArray
    rgb: ByteArray | None = None

    def __post_init__(self) -> None:
        shapes = self.distances.shape, self.scores.shape, self.counted.shape, self.coverage.shape
        if shapes != (*[(len(LIMB_JOINTS),)] * 3, (len(LIMB_BONES),)) or self.pose not in FREE_POSES:
            raise ValueError(
                f"ReposedPicture of the pose {self.pose!r} has distances, scores, counted and coverage of {shapes}"
            )

    @property
    def found(self) -> BoolArray:
        """Which joints were found, bool (12,): near where the body has them, and surely."""
        return np.asarray((self.distances < _NEAR) & (self.scores > _SURE))

    @property
    def counted_bones(self) -> BoolArray:
        """Which bones lie between joints that are counted, bool (8,)."""
        ends = np.array(LIMB_BONES) - LIMB_JOINTS[0]
        return np.asarray(self.counted[ends].all(axis=1))


@dataclass(frozen=True, eq=False)
class ReposedReport:
    """All pictures of a run.

    Attributes
    ----------
    reader : str
        The name of the estimator that looked for the joints.
    pictures : list of ReposedPicture
        Photo by photo, engine by engine, in the order of `FREE_POSES`.
    left_out : dict of str to str
        Photos that show nobody who can be moved, and why.
    photos : list of uint8 (h, w, 3)
        Those of the sheet, reduced.
    """

    reader: str
    pictures: list[ReposedPicture] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    photos: list[ByteArray] = field(default_factory=list)


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
            picture = ReposedPicture(photo, name, pose, distances, scores, counted, _coverage(view.matte, truth))
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
    """Return which share of each bone's length a matte covers, float32 (8,), between points (18, 3); none outside."""
    ends = truth[np.array(LIMB_BONES), :2]  # (8, 2, 2)
    along = np.linspace(0, 1, _SAMPLES, dtype=np.float32)[:, None]
    places = ends[:, :1] + along * (ends[:, 1:] - ends[:, :1])  # (8, N, 2)
    sampled = cv2.remap(matte, places[..., 0], places[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    return np.asarray((sampled > _COVERED).mean(axis=1), dtype=np.float32)


def _torso(points: FloatArray) -> float:
    """Return the distance in pixels of the neck and the middle of the hips."""
    hips = points[[sk.RIGHT_HIP, sk.LEFT_HIP], :2].mean(axis=0)
    return float(np.linalg.norm(points[sk.NECK, :2] - hips))


def reposed_summary(report: ReposedReport) -> dict[str, Any]:
    """Return figures of each engine over all pictures, by pose and by photo, for JSON.

    Each has `joints`, how many were looked for, by group of joints `found`, the share that was found, and `score`,
    their mean score, and by segment `covered`, the share of its length; None where photos cut off all of it.
    """
    engines: dict[str, Any] = {}
    for engine in dict.fromkeys(picture.engine for picture in report.pictures):
        own = [picture for picture in report.pictures if picture.engine == engine]
        photos = [own[first : first + len(FREE_POSES)] for first in range(0, len(own), len(FREE_POSES))]
        engines[engine] = {
            "photos": len(photos),
            "all": _figures(own),
            "by_pose": {pose: _figures([each for each in own if each.pose == pose]) for pose in FREE_POSES},
            "by_photo": [{"photo": pictures[0].photo, **_figures(pictures)} for pictures in photos],
        }
    left_out = [{"photo": photo, "reason": reason} for photo, reason in report.left_out.items()]
    return {"reader": report.reader, "engines": engines, "photos_left_out": left_out}


def _figures(pictures: Sequence[ReposedPicture]) -> dict[str, Any]:
    found, scores, counted, coverage, bones = (
        np.stack([getattr(picture, name) for picture in pictures])
        for name in ("found", "scores", "counted", "coverage", "counted_bones")
    )  # (N, 12) thrice, (N, 8) twice
    joints = {group: [LIMB_JOINTS.index(joint) for joint in chosen] for group, chosen in GROUPS.items()}
    return {
        "joints": int(counted.sum()),
        "found": {group: _mean(found, counted, columns) for group, columns in joints.items()},
        "score": {group: _mean(scores, counted, columns) for group, columns in joints.items()},
        "covered": {name: _mean(coverage, bones, list(columns)) for name, columns in SEGMENTS.items()},
    }


def _mean(values: npt.NDArray[Any], counted: BoolArray, columns: list[int]) -> float | None:
    """Return the mean of some columns over what is counted; None where nothing is."""
    chosen = counted[:, columns]
    return round(float(values[:, columns][chosen].mean()), 4) if chosen.any() else None


def reposed_tiles(report: ReposedReport) -> list[Tile]:
    """Return the photo and its poses for a sheet, six pictures a row, one row for each photo and engine kept."""
    tiles = []
    shown = [picture for picture in report.pictures if picture.rgb is not None]
    count = len(dict.fromkeys(picture.engine for picture in shown)) * len(FREE_POSES)  # of each photo
    for number, picture in enumerate(shown):
        if number % len(FREE_POSES) == 0:
            tiles.append(Tile(report.photos[number // count], f"{picture.photo} {picture.engine}"))
        if picture.rgb is not None:
            hits, all_of_them = int((picture.found & picture.counted).sum()), int(picture.counted.sum())
            whole = float(picture.coverage[picture.counted_bones].mean()) if picture.counted_bones.any() else 0.0
            tiles.append(Tile(picture.rgb, f"{picture.pose} {hits}/{all_of_them} {whole:.0%}"))
    return tiles


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
