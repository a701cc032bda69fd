"""The layered engine on a drawn person."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import pytest
import torch
from drawn_figure import BLUE, GREEN, HEIGHT, RED, WIDTH, drawn_person, front_points

from motionwarp.engines.base import Motion, RenderSettings
from motionwarp.engines.layered.engine import LayeredEngine
from motionwarp.errors import NoPersonError
from motionwarp.parsing import labels
from motionwarp.pose import skeleton as sk
from motionwarp.puppet.repose import repose
from motionwarp.puppet.warp_params import THETA_LENGTH
from motionwarp.types import FloatArray, PersonLayer, Pose, SourcePerson

BAG = (230, 220, 40)


def prepared(source: SourcePerson | None = None, width: int = WIDTH, height: int = HEIGHT) -> LayeredEngine:
    engine = LayeredEngine()
    engine.prepare(
        drawn_person() if source is None else source, RenderSettings(torch.device("cpu"), torch.float32, width, height)
    )
    return engine


def rendered(engine: LayeredEngine, *poses: FloatArray) -> Sequence[PersonLayer]:
    batch = np.stack(poses)
    return engine.render(Motion(batch), engine.plan(Motion(batch)))


def on_black(layer: PersonLayer, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """The layer in the whole frame, int (H, W, 4)."""
    frame = np.zeros((height, width, 4), dtype=np.int64)
    box = layer.rgba.shape
    frame[layer.top : layer.top + box[0], layer.left : layer.left + box[1]] = layer.rgba
    return frame


def near(frame: np.ndarray, color: tuple[int, int, int]) -> np.ndarray:
    """Pixels of that color, opaque, bool (H, W)."""
    return (np.abs(frame[..., :3] - np.array(color)).max(axis=-1) < 40) & (frame[..., 3] > 200)


def raised_arm() -> FloatArray:
    points = front_points()
    points[sk.LEFT_ELBOW, :2] = 186, 62
    points[sk.LEFT_WRIST, :2] = 204, 26
    return points


def swaying(count: int) -> list[FloatArray]:
    poses = []
    for phase in np.linspace(0, 2 * np.pi, count, endpoint=False):
        points = front_points()
        points[[sk.RIGHT_ELBOW, sk.RIGHT_WRIST, sk.LEFT_KNEE, sk.LEFT_ANKLE], 0] += np.array([6, 14, 5, 8]) * np.sin(
            phase
        )
        points[:, :2] += 5 * np.cos(phase)
        poses.append(points)
    return poses


def test_its_own_pose_gives_the_source_back() -> None:
    source = drawn_person()
    frame = on_black(rendered(prepared(source), front_points())[0])
    inside = cv2.erode((source.matte > 0.5).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    difference = np.abs(frame[..., :3] - source.rgb).max(axis=-1)
    assert frame[..., 3][inside].min() > 250
    assert np.mean(difference[inside] <= 2) > 0.99
    outside = cv2.dilate((source.matte > 0.5).astype(np.uint8), np.ones((7, 7), np.uint8)) == 0
    assert frame[..., 3][outside].max() == 0


def test_a_moved_pose_moves_all_pixels() -> None:
    engine, moved = prepared(), front_points()
    moved[:, :2] += (12, -9)
    still, shifted = (on_black(layer) for layer in rendered(engine, front_points(), moved))
    expected = np.roll(still, (-9, 12), axis=(0, 1))
    assert np.abs(shifted - expected)[20:-20, 20:-20].max() <= 2


def test_a_larger_frame_gives_a_larger_person() -> None:
    engine, larger = prepared(width=2 * WIDTH, height=2 * HEIGHT), front_points()
    larger[:, :2] = 2 * larger[:, :2] + 0.5  # pixel centers at integers
    frame = on_black(rendered(engine, larger)[0], 2 * WIDTH, 2 * HEIGHT)
    expected = cv2.resize(drawn_person().matte, (2 * WIDTH, 2 * HEIGHT)) > 0.5
    covered = frame[..., 3] > 127
    assert (covered & expected).sum() / (covered | expected).sum() > 0.97


def test_a_lifted_arm_takes_its_pixels_along() -> None:
    down, up = (near(on_black(layer), BLUE) for layer in rendered(prepared(), front_points(), raised_arm()))
    along_lifted = np.zeros((HEIGHT, WIDTH), dtype=np.uint8)
    cv2.line(along_lifted, (186, 62), (204, 26), 1, 5)
    assert not (down & (along_lifted > 0)).any()
    assert up[along_lifted > 0].mean() > 0.9
    assert not up[130:].any()
    # the other arm stays
    still = [near(on_black(layer), RED).sum() for layer in rendered(prepared(), front_points(), raised_arm())]
    assert still[1] == pytest.approx(still[0], rel=0.05)


def test_batches_do_not_matter() -> None:
    engine, poses = prepared(), swaying(5)
    together = [on_black(layer) for layer in rendered(engine, *poses)]
    alone = [on_black(rendered(engine, pose)[0]) for pose in poses]
    np.testing.assert_allclose(
        engine.plan(Motion(np.stack(poses))),
        np.concatenate([engine.plan(Motion(pose[None])) for pose in poses]),
        atol=1e-3,
    )
    for one, other in zip(together, alone, strict=True):
        assert np.abs(one - other).max() <= 1


def test_it_is_repeatable() -> None:
    first, second = (rendered(prepared(), *swaying(3)) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one.rgba, other.rgba)


@pytest.mark.parametrize("shift", [(-150, 0), (170, 40), (0, -230), (30, 250), (1000, 0), (-5000, -5000)])
def test_layers_stay_inside_the_frame(shift: tuple[int, int]) -> None:
    moved = front_points()
    moved[:, :2] += shift
    for layer in rendered(prepared(), front_points(), moved):
        height, width = layer.rgba.shape[:2]
        assert height >= 1
        assert width >= 1
        assert layer.left >= 0
        assert layer.top >= 0
        assert layer.left + width <= WIDTH
        assert layer.top + height <= HEIGHT


def test_colors_never_exceed_alpha() -> None:
    for layer in rendered(prepared(), *swaying(4), raised_arm()):
        assert layer.rgba.dtype == np.uint8
        assert (layer.rgba[..., :3] <= layer.rgba[..., 3:]).all()


def test_theta_has_one_length_and_varies_smoothly() -> None:
    engine = prepared()
    theta = engine.plan(Motion(np.stack(swaying(60))))
    assert theta.shape == (60, THETA_LENGTH)
    assert theta.dtype == np.float32
    assert engine.plan(Motion(raised_arm()[None])).shape == (1, THETA_LENGTH)
    assert np.isfinite(theta).all()
    # a fine sampling of a smooth motion has small second differences against the first ones
    assert np.abs(np.diff(theta, n=2, axis=0)).max() < 0.3 * np.abs(np.diff(theta, axis=0)).max()


def test_theta_of_another_length_is_refused() -> None:
    engine = prepared()
    with pytest.raises(ValueError, match=f"shape \\(B, {THETA_LENGTH}\\)"):
        engine.render(Motion(front_points()[None]), np.zeros((1, 7), dtype=np.float32))


def test_limbs_that_the_target_misses_are_left_out() -> None:
    armless = front_points()
    armless[[sk.LEFT_ELBOW, sk.LEFT_WRIST]] = 0
    frame = on_black(rendered(prepared(), armless)[0])
    assert near(frame, BLUE)[100:].sum() < 30
    assert near(frame, RED).sum() > 500
    assert np.isfinite(frame).all()


def test_an_arm_that_the_source_misses_is_borrowed_from_the_other_side() -> None:
    one_armed = front_points()
    one_armed[[sk.LEFT_ELBOW, sk.LEFT_WRIST]] = 0
    frame = on_black(rendered(prepared(drawn_person(one_armed)), front_points())[0])
    where = np.zeros((HEIGHT, WIDTH), dtype=np.uint8)
    cv2.line(where, (162, 126), (172, 160), 1, 5)
    assert near(frame, RED)[where > 0].mean() > 0.9


def with_hands(covered: bool) -> SourcePerson:
    """The figure with hands; before the left one, if so asked, a bag."""
    source = drawn_person()
    for wrist, tip, color, label in (
        ((68, 166), (63, 186), RED, labels.RIGHT_ARM),
        ((172, 166), (177, 186), BLUE, labels.LEFT_ARM),
    ):
        cv2.line(source.rgb, wrist, tip, color, 12)
        cv2.line(source.parsing, wrist, tip, int(label), 12)
        cv2.line(source.matte, wrist, tip, 1.0, 12)
    if covered:
        bag = np.s_[168:200, 156:200]
        source.rgb[bag], source.parsing[bag], source.matte[bag] = BAG, labels.UPPER_CLOTHES, 1.0
    return source


def test_a_hand_behind_a_bag_is_borrowed_from_the_other_side() -> None:
    lifted = np.s_[:60, 180:]
    layers = [on_black(rendered(prepared(with_hands(covered)), raised_arm())[0]) for covered in (False, True)]
    own, borrowed = (layer[lifted] for layer in layers)
    assert near(own, BLUE).sum() > 100
    assert near(own, RED).sum() == 0
    assert near(borrowed, RED).sum() > 50
    assert near(borrowed, BAG).sum() < 25  # at the wrist


def test_a_borrowed_arm_is_mirrored() -> None:
    one_armed = front_points()
    one_armed[[sk.LEFT_ELBOW, sk.LEFT_WRIST]] = 0
    source = drawn_person(one_armed)
    # a pale stripe along the outer side of the right forearm
    cv2.line(source.rgb, (73, 126), (63, 166), (240, 240, 240), 3)
    frame = on_black(rendered(prepared(source), front_points())[0])
    outer, inner = np.zeros((HEIGHT, WIDTH), dtype=np.uint8), np.zeros((HEIGHT, WIDTH), dtype=np.uint8)
    cv2.line(outer, (168, 130), (176, 160), 1, 1)
    cv2.line(inner, (158, 130), (166, 160), 1, 1)
    pale = near(frame, (240, 240, 240))
    assert pale[outer > 0].mean() > 0.6
    assert not pale[inner > 0].any()


def test_arms_are_behind_a_back_and_before_a_chest() -> None:
    """The left forearm crosses the torso; seen from behind, it is hidden."""
    crossed = front_points()
    crossed[sk.LEFT_ELBOW, :2], crossed[sk.LEFT_WRIST, :2] = (150, 128), (112, 120)
    turned = crossed.copy()
    turned[:, 0] = WIDTH - turned[:, 0]
    chest, back = (on_black(layer) for layer in rendered(prepared(), crossed, turned))
    window = (slice(116, 128), slice(114, 128))
    mirrored = (slice(116, 128), slice(WIDTH - 128, WIDTH - 114))
    assert near(chest, BLUE)[window].sum() > 80
    assert near(back, BLUE)[mirrored].sum() == 0
    assert near(back, GREEN)[mirrored].mean() > 0.9


def test_a_frame_without_a_torso_shows_nothing() -> None:
    layer = rendered(prepared(), np.zeros((18, 3), dtype=np.float32))[0]
    assert layer.rgba.max() == 0


def test_a_source_without_an_upper_body_is_refused() -> None:
    legs = front_points()
    legs[: sk.RIGHT_HIP] = 0
    with pytest.raises(NoPersonError, match="shoulders"):
        prepared(drawn_person(legs))


def test_it_must_be_prepared() -> None:
    with pytest.raises(RuntimeError, match="prepare must be called"):
        LayeredEngine().plan(Motion(front_points()[None]))


def test_reposing_carries_labels_along() -> None:
    source = drawn_person()
    rgb, matte, parsing, pose = repose(
        source.rgb, source.matte, source.parsing, source.pose, Pose(raised_arm()), HEIGHT, WIDTH
    )
    assert rgb.shape == (HEIGHT, WIDTH, 3)
    assert matte.dtype == np.float32
    np.testing.assert_array_equal(pose.points, raised_arm())
    assert parsing[30:60, 188:204].max() == labels.LEFT_ARM
    assert not (parsing[130:] == labels.LEFT_ARM).any()
    assert (parsing[matte < 0.5] == labels.BACKGROUND).all()
    assert set(np.unique(parsing)) <= set(np.unique(source.parsing))
    arm = (parsing == labels.LEFT_ARM) & (matte > 0.95)
    assert np.mean(np.abs(rgb[arm].astype(int) - BLUE).max(axis=-1) < 40) > 0.9


def test_reposing_to_a_smaller_picture() -> None:
    source, small = drawn_person(), front_points()
    small[:, :2] = small[:, :2] / 4 - 0.375
    _, matte, parsing, _ = repose(
        source.rgb, source.matte, source.parsing, source.pose, Pose(small), HEIGHT // 4, WIDTH // 4
    )
    expected = cv2.resize(source.parsing, (WIDTH // 4, HEIGHT // 4), interpolation=cv2.INTER_NEAREST)
    assert np.mean(parsing == expected) > 0.95
    assert abs(matte.sum() - source.matte.sum() / 16) < 0.08 * matte.sum()
