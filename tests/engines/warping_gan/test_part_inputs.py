from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from drawn_figure import HEIGHT, WIDTH, front_points

from motionwarp.engines.warping_gan.inputs import (
    POSE_CHANGE_LENGTH,
    part_maps,
    pose_change,
    quarter_inputs,
    stage_one_probabilities,
)
from motionwarp.engines.warping_gan.networks import POSE_CHANGE_LENGTH as OF_THE_NETWORK
from motionwarp.engines.warping_gan.networks import PartParserOutput
from motionwarp.geometry.affine import compose_affine
from motionwarp.pose import skeleton as sk
from motionwarp.puppet import parts
from motionwarp.types import FloatArray


def in_window(points: FloatArray) -> FloatArray:
    """The figure in a window of 256 x 192, which has the same shape as its picture."""
    placed = points.copy()
    placed[:, :2] = (placed[:, :2] + 0.5) * 192 / WIDTH - 0.5
    assert WIDTH / 192 == HEIGHT / 256
    return placed


def chains(points: FloatArray) -> dict[int, list[tuple[np.ndarray, np.ndarray]]]:
    """Every part's bones written out, in pixels, for a figure of which all points are seen."""
    xy = points[:, :2].astype(np.float64)
    hips = (xy[sk.RIGHT_HIP] + xy[sk.LEFT_HIP]) / 2
    torso = np.linalg.norm(hips - xy[sk.NECK])
    face = xy[list(sk.HEAD_POINTS)].mean(axis=0)
    neck = xy[sk.NECK]
    bones = {
        parts.HEAD: [(neck + 0.35 * (face - neck), face + 0.45 * (face - neck))],
        parts.TORSO: [
            (neck, hips), (xy[sk.RIGHT_SHOULDER], xy[sk.RIGHT_HIP]), (xy[sk.LEFT_SHOULDER], xy[sk.LEFT_HIP]),
            (xy[sk.RIGHT_SHOULDER], xy[sk.LEFT_SHOULDER]), (xy[sk.RIGHT_HIP], xy[sk.LEFT_HIP]),
        ],
        parts.GARMENT: [(xy[sk.RIGHT_HIP], xy[sk.RIGHT_KNEE]), (xy[sk.LEFT_HIP], xy[sk.LEFT_KNEE])],
    }  # fmt: skip
    for limb in parts.LIMBS:
        near, middle, far = (xy[point] for point in limb.points)
        share, least = (0.45, 0.18) if limb.is_arm else (0.25, 0.12)
        length = np.linalg.norm(far - middle)
        tip = far + (far - middle) / length * max(share * length, least * torso)
        for part, bone in zip(limb.parts, ((near, middle), (middle, far), (far, tip)), strict=True):
            bones[part] = [bone]
    return bones


def distance(point: np.ndarray, start: np.ndarray, end: np.ndarray) -> float:
    along = end - start
    share = min(max(float((point - start) @ along) / float(along @ along), 0.0), 1.0)
    return math.dist(point, start + share * along)


@pytest.mark.parametrize(("height", "width", "stride"), [(64, 48, 4), (128, 96, 2)])
def test_maps_pixel_by_pixel(height: int, width: int, stride: int) -> None:
    points = in_window(front_points())
    torso = np.linalg.norm(points[[sk.RIGHT_HIP, sk.LEFT_HIP], :2].mean(axis=0) - points[sk.NECK, :2])
    maps = part_maps(torch.from_numpy(points)[None], height, width, stride)[0].numpy()
    assert maps.shape == (15, height, width)
    bones = chains(points)
    assert sorted(bones) == list(range(15))
    rng = np.random.default_rng(0)
    for part in range(15):
        peak = np.unravel_index(maps[part].argmax(), maps[part].shape)
        places = [peak, *zip(rng.integers(0, height, 60), rng.integers(0, width, 60), strict=True)]
        for row, column in places:
            # a cell's middle, in pixels of the window
            middle = np.array([(column + 0.5) * stride - 0.5, (row + 0.5) * stride - 0.5])
            away = min(distance(middle, *bone) for bone in bones[part])
            wanted = math.exp(-((away / (parts.RADIUS[part] * torso)) ** 2))
            assert maps[part, row, column] == pytest.approx(wanted, abs=2e-3), parts.PART_NAMES[part]
        assert maps[part].max() > 0.9


def test_parts_without_points_have_empty_maps() -> None:
    points = in_window(front_points())
    points[[sk.LEFT_WRIST, sk.RIGHT_KNEE]] = 0
    whole, partial, nobody = part_maps(
        torch.from_numpy(np.stack([in_window(front_points()), points, np.zeros_like(points)])), 64, 48, 4
    )
    gone = {parts.LEFT_FOREARM, parts.LEFT_HAND, parts.RIGHT_THIGH, parts.RIGHT_SHIN, parts.RIGHT_FOOT}
    for part in range(15):
        assert whole[part].max() > 0.5
        assert (partial[part].max() == 0) == (part in gone), parts.PART_NAMES[part]
    assert (nobody == 0).all()
    assert partial.isfinite().all()


def test_batches_and_far_away_poses_are_harmless() -> None:
    near, far = front_points(), front_points()
    far[:, :2] += 4000
    batch = torch.from_numpy(np.stack([near, far]))
    maps = part_maps(batch, 64, 48, 4)
    torch.testing.assert_close(maps[:1], part_maps(batch[:1], 64, 48, 4))
    assert (maps[1] == 0).all()


def test_the_finer_map_is_the_same_limb() -> None:
    points = torch.from_numpy(in_window(front_points()))[None]
    fine, coarse = part_maps(points, 256, 192, 1), part_maps(points, 64, 48, 4)
    means = torch.nn.functional.avg_pool2d(fine, 4)
    assert (means - coarse).abs().mean() < 0.01


def test_pose_change_is_zero_for_any_size_and_place() -> None:
    assert POSE_CHANGE_LENGTH == OF_THE_NETWORK
    theta = torch.tensor([[2.5, 0, 30], [0, 2.5, -7]]).expand(2, 15, 2, 3).clone()
    assert pose_change(theta).abs().max() < 1e-6
    # one part turned by a quarter
    theta[1, 5, :, :2] = 2.5 * torch.tensor([[0.0, -1.0], [1.0, 0.0]])
    change = pose_change(theta).view(2, 15, 2, 2)
    torch.testing.assert_close(change[1, 5], torch.tensor([[-1.0, -1.0], [1.0, -1.0]]))
    assert change[1].abs().sum() == pytest.approx(4, abs=1e-4)
    # seen from a window of another size it is the same
    window = torch.tensor([[0.3, 0, 5], [0, 0.3, 9.0]]).expand(2, 15, 2, 3)
    torch.testing.assert_close(pose_change(compose_affine(theta, window)), pose_change(theta), atol=1e-5, rtol=0)


def test_pose_change_stays_finite_where_a_torso_vanishes() -> None:
    theta = torch.randn(1, 15, 2, 3) * 100
    theta[:, parts.TORSO] = 0
    change = pose_change(theta)
    assert change.isfinite().all()
    assert change.abs().max() <= 4


def test_what_stage_one_sees_and_says() -> None:
    layers = torch.rand(2, 16, 4, 128, 96)
    classes = torch.randint(0, 20, (2, 64, 48), dtype=torch.uint8)
    points = torch.from_numpy(np.stack([in_window(front_points())] * 2))
    seen = quarter_inputs(layers, classes, points)
    assert (seen.layers.shape, seen.classes.shape, seen.limbs.shape) == (
        (2, 64, 64, 48),
        (2, 20, 64, 48),
        (2, 15, 64, 48),
    )
    torch.testing.assert_close(seen.layers[1, 4 * 3 + 2, 10, 7], layers[1, 3, 2, 20:22, 14:16].mean())
    assert torch.equal(seen.classes.argmax(1), classes.long())
    output = PartParserOutput(torch.randn(2, 20, 64, 48), torch.randn(2, 16, 64, 48))
    said = stage_one_probabilities(output)
    assert said.shape == (2, 36, 64, 48)
    torch.testing.assert_close(said[:, :20].sum(1), torch.ones(2, 64, 48))
    torch.testing.assert_close(said[:, 20:].sum(1), torch.ones(2, 64, 48))
    torch.testing.assert_close(
        said[:, 20:].log() - output.in_front_logits.log_softmax(1), torch.zeros(2, 16, 64, 48), atol=1e-4, rtol=0
    )
