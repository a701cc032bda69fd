from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from motionwarp.data.synthetic import (
    BodyPose,
    Camera,
    Outfit,
    SyntheticPerson,
    SyntheticView,
    body_points,
    frame_body,
    place,
    render,
    render_poses,
    sample_outfit,
    sample_proportions,
    sample_view,
)
from motionwarp.data.synthetic.scene import HIDDEN_SCORE
from motionwarp.parsing import labels
from motionwarp.pose import skeleton as sk
from motionwarp.types import FloatArray

HEIGHT, WIDTH = 192, 144
BODY = sample_proportions(np.random.default_rng(11))
GRAY = np.full((HEIGHT, WIDTH, 3), 127, dtype=np.uint8)
SPREAD = BodyPose(
    right_arm=(45.0, 0.0, 0.0, 10.0),
    left_arm=(45.0, 0.0, 0.0, 10.0),
    right_leg=(12.0, 0.0, 0.0, 2.0),
    left_leg=(12.0, 0.0, 0.0, 2.0),
)


def outfit() -> Outfit:
    """Short sleeves, short trousers and nothing that only one side has."""
    return replace(
        sample_outfit(np.random.default_rng(0)),
        hair="short", whole="none", upper="tshirt", lower="shorts", layer="none", foot="shoes", sleeve=0.3,
        leg_length=0.4,
        hat=False, sunglasses=False, scarf=False, gloves=False, bag=False, socks=False,
    )  # fmt: skip


PERSON = SyntheticPerson(BODY, outfit())


def level_camera(pose: BodyPose) -> Camera:
    """Return a camera straight before the hips with the whole body in the picture's middle."""
    camera = frame_body(
        body_points(place(BODY, pose)),
        Camera(4.0, 0.0, 0.0, 1.0, 0.0, 0.0),
        HEIGHT,
        WIDTH,
        share=0.85,
        middle_x=0.5,
        middle_y=0.5,
    )
    return replace(camera, center_x=(WIDTH - 1) / 2)


def seen(pose: BodyPose, person: SyntheticPerson = PERSON) -> SyntheticView:
    return render(person, pose, level_camera(SPREAD), GRAY, HEIGHT, WIDTH)


def turned_about(pose: BodyPose) -> BodyPose:
    return replace(pose, root=(180.0, 0.0, 0.0))


def class_at(view: SyntheticView, point: tuple[float, float]) -> int:
    return int(view.parsing[round(float(point[1])), round(float(point[0]))])


def pinhole(camera: Camera, points: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Project by a look-at basis instead of rotations: pixels (N, 2) and depths (N,)."""
    eye = np.array([0.0, camera.rise, camera.distance])
    ahead = -eye / np.linalg.norm(eye)
    right = np.cross(ahead, [0.0, 1.0, 0.0])
    right /= np.linalg.norm(right)
    down = np.cross(ahead, right)
    x, y, depth = ((points - eye) @ axis for axis in (right, down, ahead))
    flat = (x + 1j * y) / depth * np.exp(1j * np.deg2rad(camera.roll)) * camera.focal
    return np.stack([flat.real + camera.center_x, flat.imag + camera.center_y], axis=1), depth


@pytest.mark.parametrize("seed", range(4))
def test_the_same_seed_draws_the_same_view(seed: int) -> None:
    first, second = (sample_view(np.random.default_rng(seed), 96, 72) for _ in range(2))
    for name in ("rgb", "parsing", "matte", "depth"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
    np.testing.assert_array_equal(first.pose.points, second.pose.points)
    other = sample_view(np.random.default_rng(seed + 1000), 96, 72)
    assert np.abs(first.rgb.astype(int) - other.rgb).mean() > 3


@pytest.mark.parametrize("seed", range(40))
def test_labels_of_a_sampled_view_agree(seed: int) -> None:
    height, width = (110, 83) if seed % 2 else (96, 120)
    view = sample_view(np.random.default_rng(seed), height, width)
    assert (view.rgb.shape, view.rgb.dtype) == ((height, width, 3), np.uint8)
    assert (view.parsing.shape, view.parsing.dtype) == ((height, width), np.uint8)
    assert (view.matte.shape, view.matte.dtype) == ((height, width), np.float32)
    assert (view.depth.shape, view.depth.dtype) == ((height, width), np.float32)
    assert view.parsing.max() < labels.CLASS_COUNT
    assert view.matte.min() >= 0
    assert view.matte.max() == 1
    assert (view.matte[view.parsing > 0] >= 0.49).all()
    assert (view.parsing[view.matte == 0] == 0).all()
    np.testing.assert_array_equal(np.isfinite(view.depth), view.matte > 0)
    assert (view.matte > 0.5).mean() > 0.01


@pytest.mark.parametrize("seed", range(40))
def test_points_lie_where_a_pinhole_camera_sees_the_joints(seed: int) -> None:
    view = sample_view(np.random.default_rng(seed), 96, 72)
    pixels, depths = pinhole(view.camera, view.skeleton.joints)
    assert (depths > 0.5).all()
    column, row = np.round(pixels[:, 0]), np.round(pixels[:, 1])
    inside = (column >= 0) & (column < 72) & (row >= 0) & (row < 96)
    np.testing.assert_array_equal(view.pose.scores > 0, inside)
    np.testing.assert_allclose(view.pose.xy[inside], pixels[inside], atol=1e-3)
    assert np.isin(view.pose.scores, np.array([0, HIDDEN_SCORE, 1], dtype=np.float32)).all()


@pytest.mark.parametrize("rise", [-0.6, 0.0, 1.2])
def test_a_camera_looks_at_the_middle_of_the_hips(rise: float) -> None:
    pixel, depth = Camera(3.0, rise, 7.0, 250.0, 40.0, 60.0).project(np.zeros(3))
    np.testing.assert_allclose(pixel, [40, 60], atol=1e-9)
    assert depth == pytest.approx(np.hypot(3.0, rise))


def test_points_outside_of_the_picture_have_no_score() -> None:
    camera = level_camera(SPREAD)
    view = render(PERSON, SPREAD, replace(camera, center_y=camera.center_y + 0.55 * HEIGHT), GRAY, HEIGHT, WIDTH)
    below = [sk.RIGHT_KNEE, sk.RIGHT_ANKLE, sk.LEFT_KNEE, sk.LEFT_ANKLE]
    assert (view.pose.scores[below] == 0).all()
    assert view.pose.scores[sk.NOSE] == 1


def test_left_and_right_are_the_persons_own() -> None:
    front, back = seen(SPREAD), seen(turned_about(SPREAD))
    for left, right, classes in (
        (sk.LEFT_WRIST, sk.RIGHT_WRIST, (labels.LEFT_ARM, labels.RIGHT_ARM)),
        (sk.LEFT_ANKLE, sk.RIGHT_ANKLE, (labels.LEFT_SHOE, labels.RIGHT_SHOE)),
        (sk.LEFT_KNEE, sk.RIGHT_KNEE, (labels.LEFT_LEG, labels.RIGHT_LEG)),
    ):
        assert front.pose.xy[left, 0] > WIDTH / 2 > front.pose.xy[right, 0]
        assert back.pose.xy[left, 0] < WIDTH / 2 < back.pose.xy[right, 0]
        for view in (front, back):
            assert (class_at(view, view.pose.xy[left]), class_at(view, view.pose.xy[right])) == classes
    for label, to_the_right in ((labels.LEFT_ARM, True), (labels.RIGHT_ARM, False)):
        assert ((np.nonzero(front.parsing == label)[1] > WIDTH / 2) == to_the_right).all()
        assert ((np.nonzero(back.parsing == label)[1] > WIDTH / 2) != to_the_right).all()


def test_a_mirrored_body_draws_the_mirrored_picture() -> None:
    pose = replace(
        SPREAD, root=(25.0, 0.0, 5.0), left_arm=(110.0, 20.0, -10.0, 40.0), right_leg=(10.0, 50.0, 0.0, 70.0)
    )
    swapped = replace(
        pose,
        root=(-25.0, 0.0, -5.0),
        left_arm=pose.right_arm,
        right_arm=pose.left_arm,
        left_leg=pose.right_leg,
        right_leg=pose.left_leg,
    )
    here, there = seen(pose), seen(swapped)
    assert (here.parsing != labels.mirrored(there.parsing)).mean() < 0.002
    assert np.abs(here.matte - there.matte[:, ::-1]).mean() < 0.001
    flipped = there.pose.points[list(sk.MIRROR)]
    flipped[:, 0] = WIDTH - 1 - flipped[:, 0]
    np.testing.assert_allclose(here.pose.points, flipped, atol=1e-2)


def test_from_before_and_behind_what_the_body_covers_is_hidden() -> None:
    front, back = seen(SPREAD), seen(turned_about(SPREAD))
    assert (front.pose.scores == 1).all()
    for point in (sk.NOSE, sk.LEFT_EYE, sk.RIGHT_EYE):
        assert back.pose.scores[point] == pytest.approx(HIDDEN_SCORE)
    for point in (sk.LEFT_WRIST, sk.RIGHT_ELBOW, sk.LEFT_KNEE, sk.RIGHT_ANKLE, sk.NECK):
        assert back.pose.scores[point] == 1


def test_a_hand_behind_the_back_is_hidden_from_before_only() -> None:
    pose = replace(SPREAD, right_arm=(0.0, -40.0, 80.0, 80.0))
    wrist = place(BODY, pose).joints[sk.RIGHT_WRIST]
    # the pose does what the test needs: the wrist is behind the trunk
    assert abs(wrist[0]) < 0.1
    assert wrist[2] < -0.12
    assert seen(pose).pose.scores[sk.RIGHT_WRIST] == pytest.approx(HIDDEN_SCORE)
    assert seen(turned_about(pose)).pose.scores[sk.RIGHT_WRIST] == 1


def test_a_bag_is_carried_but_has_no_class() -> None:
    without = seen(SPREAD)
    loaded = seen(SPREAD, SyntheticPerson(BODY, replace(outfit(), bag=True)))
    assert (loaded.matte >= without.matte - 1e-6).all()
    beside = (loaded.matte == 1) & (without.matte == 0)
    assert beside.sum() > 20
    assert (loaded.parsing[beside] == labels.BACKGROUND).all()
    assert (without.parsing[without.matte == 1] > 0).all()
    assert ((without.parsing > 0) & (loaded.parsing == 0)).sum() > 20
    # it hangs at the person's left
    assert np.nonzero(beside)[1].mean() > WIDTH / 2


def test_edges_are_soft_and_mix_person_and_background() -> None:
    camera = level_camera(SPREAD)
    dark, bright = (render(PERSON, SPREAD, camera, np.full_like(GRAY, level), HEIGHT, WIDTH) for level in (0, 200))
    np.testing.assert_array_equal(dark.matte, bright.matte)
    edge = (dark.matte > 0) & (dark.matte < 1)
    assert 0.1 < edge.sum() / (dark.matte == 1).sum() < 0.5
    np.testing.assert_allclose(dark.matte[edge] * 4, np.round(dark.matte[edge] * 4), atol=1e-5)
    # what shines through is the background's share
    through = bright.rgb.astype(float) - dark.rgb
    np.testing.assert_allclose(through, np.repeat(200 * (1 - bright.matte[..., None]), 3, axis=2), atol=1.01)


def test_depth_is_that_of_the_seen_surface() -> None:
    view = seen(SPREAD)
    _, depths = pinhole(view.camera, view.skeleton.joints)
    for point, cover in ((sk.NOSE, 0.04), (sk.LEFT_WRIST, 0.06), (sk.RIGHT_KNEE, 0.09)):
        x, y = np.round(view.pose.xy[point]).astype(int)
        assert 0 <= depths[point] - view.depth[y, x] + 0.01 <= cover + 0.01


def test_a_lifted_body_moves_as_the_camera_sees_the_lift() -> None:
    camera = replace(level_camera(SPREAD), rise=0.3)
    lift = np.array([0.05, -0.2, 0.0])
    view = render(PERSON, SPREAD, camera, GRAY, HEIGHT, WIDTH, lift=lift)
    pixels, _ = pinhole(camera, place(BODY, SPREAD).joints + lift)
    np.testing.assert_allclose(view.pose.xy, pixels, atol=0.012 * HEIGHT)


def test_several_poses_share_the_camera() -> None:
    poses = [SPREAD, turned_about(SPREAD)]
    views = list(render_poses(PERSON, poses, level_camera(SPREAD), GRAY, HEIGHT, WIDTH))
    for view, pose in zip(views, poses, strict=True):
        np.testing.assert_array_equal(view.rgb, seen(pose).rgb)


def test_a_framed_body_takes_its_share_of_the_picture() -> None:
    points = body_points(place(BODY, SPREAD))
    camera = frame_body(points, Camera(4.0, 0.3, 0.0, 1.0, 0.0, 0.0), 400, 400, share=0.8, middle_x=0.4, middle_y=0.5)
    view = render(PERSON, SPREAD, camera, np.zeros((400, 400, 3), np.uint8), 400, 400)
    rows, columns = np.nonzero(view.matte > 0.5)
    # less the room that is kept for hats and hair
    assert 0.68 * 400 < np.ptp(rows) < 0.8 * 400
    assert (columns.min() + columns.max()) / 2 == pytest.approx(0.4 * 400, abs=8)
    assert (rows.min() + rows.max()) / 2 == pytest.approx(0.5 * 400, abs=12)


@pytest.mark.parametrize("background", [np.zeros((9, 9, 3), np.uint8), np.zeros((HEIGHT, WIDTH, 3), np.float32)])
def test_a_background_of_another_size_or_type_is_refused(background: np.ndarray) -> None:
    with pytest.raises(ValueError, match="uint8 background of that size"):
        render(PERSON, SPREAD, level_camera(SPREAD), background, HEIGHT, WIDTH)
