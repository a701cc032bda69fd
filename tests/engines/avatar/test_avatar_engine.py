"""The engine that gives the photo a body: at rest the photo itself, near rest nearly so, and turned another side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from motionwarp.avatar.assembly import make_avatar
from motionwarp.body.layout import DRIVEN_BONES
from motionwarp.data.synthetic import (
    BodyPose,
    Camera,
    SyntheticPerson,
    body_points,
    frame_body,
    place,
    render,
    sample_person,
)
from motionwarp.engines.avatar.engine import AvatarEngine
from motionwarp.engines.avatar.making import with_avatar
from motionwarp.engines.avatar.photo_body import PhotoBody
from motionwarp.engines.avatar.posing import PoseParams, SourceBody
from motionwarp.engines.base import Motion, RenderSettings
from motionwarp.errors import NoPersonError
from motionwarp.media.image import read_image
from motionwarp.parsing import labels
from motionwarp.perception.matting import matte_in_frame, parsing_in_frame
from motionwarp.perception.registry import make_estimator
from motionwarp.pipeline.api import stream
from motionwarp.pose import skeleton as sk
from motionwarp.pose.formats.pose_file import read_pose
from motionwarp.types import ByteArray, FloatArray, PersonLayer, Pose, PoseTrack, SourcePerson

CPU = torch.device("cpu")
AT_REST = np.eye(2, 3, dtype=np.float32)
DRAWN_SIZE = 320, 240  # height, width
_ARMS, _LEGS = (14.0, 2.0, 8.0, 12.0), (6.0, 0.0, -8.0, 4.0)
STANDING = BodyPose(right_arm=_ARMS, left_arm=_ARMS, right_leg=_LEGS, left_leg=_LEGS)


def prepared(source: SourcePerson, *, photo_behind: bool) -> AvatarEngine:
    engine = AvatarEngine()
    height, width = source.matte.shape
    behind = AT_REST if photo_behind else None
    engine.prepare(source, RenderSettings(CPU, torch.float32, width, height, photo_to_frame=behind))
    return engine


def followed(engine: AvatarEngine, source: SourcePerson, *points: FloatArray) -> Motion:
    """What the engine makes of these poses as a clip."""
    height, width = source.matte.shape
    count = len(points)
    return engine.follow(PoseTrack(np.stack(points), np.ones(count, np.bool_), np.arange(count) / 25, width, height))


def rendered(engine: AvatarEngine, motion: Motion) -> Sequence[PersonLayer]:
    return engine.render(motion, engine.plan(motion))


def turned(motion: Motion, degrees: float) -> Motion:
    """The same pose, turned about the upright axis."""
    poses = PoseParams.of_motion(motion)
    angle = np.deg2rad(degrees)
    about = torch.tensor([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    return PoseParams(about.to(poses.turns.dtype) @ poses.turns, poses.camera).motion(motion.points)


def in_frame(layer: PersonLayer, shape: tuple[int, ...]) -> np.ndarray:
    """The layer in the whole frame, float (H, W, 4)."""
    frame = np.zeros((*shape[:2], 4))
    height, width = layer.rgba.shape[:2]
    frame[layer.top : layer.top + height, layer.left : layer.left + width] = layer.rgba
    return frame


def over(layer: PersonLayer, backdrop: ByteArray | FloatArray) -> np.ndarray:
    frame = in_frame(layer, backdrop.shape)
    return frame[..., :3] + (1 - frame[..., 3:] / 255) * backdrop


def psnr_inside(picture: np.ndarray, source: SourcePerson) -> float:
    inside = source.matte > 0.5
    return float(10 * np.log10(255**2 / np.maximum(np.square(picture - source.rgb)[inside].mean(), 1e-9)))


def drawn(seed: int) -> SourcePerson:
    """Somebody upright in clothes of their own, with exact labels."""
    rng = np.random.default_rng(seed)
    person: SyntheticPerson = sample_person(rng)
    height, width = DRAWN_SIZE
    camera = frame_body(
        body_points(place(person.proportions, STANDING)), Camera(4.2, 0.1, 0.0, 1.0, 0.0, 0.0), height, width,
        share=0.86, middle_x=0.5, middle_y=0.52,
    )  # fmt: skip
    view = render(person, STANDING, camera, np.full((height, width, 3), 120, np.uint8), height, width)
    return SourcePerson(view.rgb, view.matte, view.pose, view.parsing)


@pytest.fixture(scope="session")
def example(repository_root: Path) -> SourcePerson:
    """The project's own example, with its points, and the matte and the parsing that are seen."""
    rgb = read_image(repository_root / "examples" / "person.jpg").rgb
    estimator = make_estimator("builtin", CPU, torch.float32)
    person = estimator.analyze_picture(rgb, given_pose=read_pose(repository_root / "examples/person.keypoints18.json"))
    matte = matte_in_frame(rgb, person)
    return SourcePerson(rgb, matte, person.pose, parsing_in_frame(rgb, person, matte))


@pytest.fixture(scope="session")
def somebody() -> SourcePerson:
    return drawn(3)


@pytest.fixture(scope="session")
def before_the_photo(somebody: SourcePerson) -> AvatarEngine:
    return prepared(somebody, photo_behind=True)


@pytest.fixture(scope="session")
def alone(somebody: SourcePerson) -> AvatarEngine:
    """Without the photo behind the person."""
    return prepared(somebody, photo_behind=False)


@pytest.fixture(scope="session")
def at(alone: AvatarEngine, somebody: SourcePerson) -> Callable[[float], np.ndarray]:
    """The person turned by so many degrees, in the whole frame."""
    motion = followed(alone, somebody, somebody.pose.points)
    return lambda degrees: in_frame(rendered(alone, turned(motion, degrees))[0], somebody.rgb.shape)


def test_at_rest_the_example_is_its_photo(example: SourcePerson) -> None:
    engine = prepared(example, photo_behind=True)
    layer = rendered(engine, followed(engine, example, example.pose.points))[0]
    assert psnr_inside(over(layer, np.zeros_like(example.rgb)), example) >= 38


@pytest.mark.parametrize("seed", [3, 8])
def test_at_rest_drawn_people_are_their_pictures(seed: int) -> None:
    source = drawn(seed)
    engine = prepared(source, photo_behind=True)
    layer = rendered(engine, followed(engine, source, source.pose.points))[0]
    assert psnr_inside(over(layer, np.zeros_like(source.rgb)), source) >= 38


def test_small_motion_is_small_change(before_the_photo: AvatarEngine, somebody: SourcePerson) -> None:
    moves = (0.0, 0.5, 1.0, 2.0, 4.0)
    levels = []
    for move in moves:
        points = somebody.pose.points + np.array([move, 0, 0], dtype=np.float32)
        layer = rendered(before_the_photo, followed(before_the_photo, somebody, points))[0]
        levels.append(psnr_inside(over(layer, somebody.rgb), somebody))
    assert all(former >= latter for former, latter in pairwise(levels)), levels
    assert levels[0] >= 38, levels
    assert levels[1] >= 32, levels


def test_nothing_jumps_on_the_way_to_rest(before_the_photo: AvatarEngine, somebody: SourcePerson) -> None:
    inside = somebody.matte > 0.5

    def at(move: float) -> np.ndarray:
        points = somebody.pose.points + np.array([move, 0, 0], dtype=np.float32)
        return over(rendered(before_the_photo, followed(before_the_photo, somebody, points))[0], somebody.rgb)

    def apart(one: np.ndarray, other: np.ndarray) -> float:
        return float(np.sqrt(np.square(one - other)[inside].mean()))

    photo = somebody.rgb.astype(np.float64)
    half = (photo + np.roll(photo, 1, axis=1)) / 2
    frames = [at(move) for move in np.arange(0, 4.5, 0.5)]
    steps = [apart(one, other) for one, other in pairwise(frames)]
    # the last steps are those of a picture that moves; between them and rest the photo takes over
    assert max(steps) < 2.5 * apart(photo, half), (steps, apart(photo, half))


def test_without_the_photo_the_layer_is_the_person_alone(alone: AvatarEngine, somebody: SourcePerson) -> None:
    frame = in_frame(rendered(alone, followed(alone, somebody, somebody.pose.points))[0], somebody.rgb.shape)
    coverage = frame[..., 3] / 255
    assert np.abs(coverage - somebody.matte).mean() < 0.02
    assert not coverage[:5].any()
    solid = (somebody.matte > 0.99) & (coverage > 0.99)
    error = np.abs(frame[..., :3] - somebody.rgb)[solid].mean()
    assert error < 6


def test_from_the_side_people_are_narrower(at: Callable[[float], np.ndarray]) -> None:
    areas = [np.count_nonzero(at(degrees)[..., 3] > 128) for degrees in (0, 90, -90, 180)]
    assert max(areas[1], areas[2]) < 0.85 * min(areas[0], areas[3]), areas
    assert abs(areas[3] - areas[0]) < 0.15 * areas[0], areas


def test_no_face_is_seen_from_behind(somebody: SourcePerson) -> None:
    marked = somebody.rgb.copy()
    face = somebody.parsing == labels.FACE
    assert face.sum() > 50
    x, y = (round(float(value)) for value in somebody.pose.points[sk.NOSE, :2])
    marked[y - 3 : y + 4, x - 3 : x + 4] = 255, 0, 255
    engine = prepared(replace(somebody, rgb=marked), photo_behind=False)
    motion = followed(engine, somebody, somebody.pose.points)

    def marks(degrees: float) -> int:
        colors = in_frame(rendered(engine, turned(motion, degrees))[0], marked.shape)[..., :3]
        return int(((colors[..., 0] > 190) & (colors[..., 1] < 70) & (colors[..., 2] > 190)).sum())

    assert marks(0) > 25
    assert marks(180) == 0


@pytest.mark.parametrize("photos", [1, 2])
def test_a_head_of_one_photo_does_not_turn_its_unseen_side_to_the_camera(somebody: SourcePerson, photos: int) -> None:
    head, person = DRIVEN_BONES.index("head"), with_avatar(somebody)
    sine, cosine = np.sin(np.deg2rad(50)), np.cos(np.deg2rad(50))
    aside = np.array([[cosine, 0, -sine], [0, 1, 0], [sine, 0, cosine]], dtype=np.float32)
    rotations = person.avatar.rotations.copy()
    rotations[head] = aside
    avatar = replace(person.avatar, rotations=rotations)
    height, width = somebody.matte.shape
    body = PhotoBody.of(
        replace(person, avatar=avatar, photos=photos), RenderSettings(CPU, torch.float32, width, height)
    )
    ahead = torch.eye(3).expand(1, len(DRIVEN_BONES), 3, 3)
    ((transforms, _),) = body.posed(PoseParams(ahead, torch.tensor([[100.0, 120.0, 160.0]])))
    looks = transforms[head, :, :3] @ aside @ np.array([0, 0, -1])
    degrees = float(np.rad2deg(np.arctan2(looks[0], -looks[2])))
    assert (degrees == pytest.approx(0, abs=0.1)) if photos == 2 else (20 < degrees < 40)


def test_from_behind_the_back_is_the_fronts_mirror_image(
    at: Callable[[float], np.ndarray], somebody: SourcePerson
) -> None:
    front, back = at(0)[..., 3] > 128, at(180)[..., 3] > 128
    root = float(somebody.pose.points[[sk.RIGHT_HIP, sk.LEFT_HIP], 0].mean())
    columns = np.clip(np.rint(2 * root - np.arange(front.shape[1])).astype(int), 0, front.shape[1] - 1)
    mirrored = front[:, columns]
    assert (mirrored & back).sum() / (mirrored | back).sum() > 0.75


def test_frames_do_not_depend_on_their_batch(alone: AvatarEngine, somebody: SourcePerson) -> None:
    first, second = somebody.pose.points, somebody.pose.points.copy()
    second[[sk.LEFT_WRIST, sk.LEFT_ELBOW], 0] += 12
    motion = followed(alone, somebody, first, second)
    theta = alone.plan(motion)
    together = alone.render(motion, theta)
    for index, layer in enumerate(together):
        own = alone.render(motion[index : index + 1], theta[index : index + 1])[0]
        np.testing.assert_array_equal(own.rgba, layer.rgba)
        assert (own.left, own.top) == (layer.left, layer.top)


@pytest.mark.parametrize("degrees", [0, 40, 130, 180])
@pytest.mark.parametrize("move", [0, 150])
def test_layers_lie_in_the_frame_and_no_color_exceeds_its_alpha(
    alone: AvatarEngine, somebody: SourcePerson, degrees: float, move: float
) -> None:
    points = somebody.pose.points + np.array([move, 0, 0], dtype=np.float32)
    layer = rendered(alone, turned(followed(alone, somebody, points), degrees))[0]
    height, width = somebody.matte.shape
    assert min(layer.left, layer.top) >= 0
    assert layer.left + layer.rgba.shape[1] <= width
    assert layer.top + layer.rgba.shape[0] <= height
    # a rounding apart
    assert (layer.rgba[..., :3].astype(int) <= layer.rgba[..., 3:].astype(int) + 1).all()


def test_nobody_is_drawn_who_is_out_of_the_frame(alone: AvatarEngine, somebody: SourcePerson) -> None:
    points = somebody.pose.points + np.array([5000, 0, 0], dtype=np.float32)
    assert not rendered(alone, followed(alone, somebody, points))[0].rgba.any()


@pytest.mark.parametrize("kept", [(), (sk.NOSE, sk.RIGHT_KNEE, sk.LEFT_KNEE, sk.RIGHT_ANKLE, sk.LEFT_ANKLE)])
def test_a_source_without_a_torso_is_refused(somebody: SourcePerson, kept: tuple[int, ...]) -> None:
    points = somebody.pose.points.copy()
    points[[point for point in range(18) if point not in kept], 2] = 0
    source = replace(somebody, pose=Pose(points))
    with pytest.raises(NoPersonError, match="shoulders"):
        prepared(source, photo_behind=False)
    body = SourceBody.of_photo(somebody.pose.points)
    with pytest.raises(NoPersonError, match="shoulders"):
        make_avatar(source, body.surface, body.rest)


def test_poses_without_rotations_are_refused(alone: AvatarEngine, somebody: SourcePerson) -> None:
    with pytest.raises(ValueError, match="rotations"):
        alone.plan(Motion(somebody.pose.points[None]))


def test_an_engine_without_a_source_says_so() -> None:
    track = PoseTrack(np.ones((1, 18, 3), dtype=np.float32), np.ones(1, np.bool_), np.zeros(1), 9, 9)
    with pytest.raises(RuntimeError, match="prepare"):
        AvatarEngine().follow(track)


@pytest.mark.parametrize("options", [{"retarget": False, "placement": "driving", "smooth": 0.0}, {}])
def test_a_photo_moved_into_its_own_pose_comes_back(
    repository_root: Path, example: SourcePerson, options: dict[str, Any]
) -> None:
    photo = repository_root / "examples" / "person.jpg"
    frames = list(stream(photo, photo, engine="avatar", device="cpu", **options))
    assert len(frames) == 1
    assert psnr_inside(frames[0].rgb, example) >= 38


def test_nobody_is_drawn_where_nobody_is(example: SourcePerson) -> None:
    """Absent frames give empty layers, within a shot and as a whole shot behind a cut."""
    engine = prepared(example, photo_behind=False)
    height, width = example.rgb.shape[:2]
    points = np.repeat(example.pose.points[None], 4, axis=0)
    points[[1, 3]] = 0
    present = np.array([True, False, True, False])
    track = PoseTrack(points, present, np.arange(4) / 25, width, height, cuts=(3,))
    motion = engine.follow(track)
    layers = engine.render(motion, engine.plan(motion))
    assert [bool(layer.rgba.any()) for layer in layers] == present.tolist()
