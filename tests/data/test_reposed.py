from __future__ import annotations

import numpy as np
import pytest

from motionwarp.data import reposed as reposing
from motionwarp.data.reposed import other_pose
from motionwarp.data.synthetic import BodyPose, Camera, body_points, frame_body, place, sample_pose, sample_proportions
from motionwarp.pose import skeleton as sk
from motionwarp.types import FloatArray

HIPS = [sk.RIGHT_HIP, sk.LEFT_HIP]
SEEDS = range(60)


def pose_points(seed: int) -> FloatArray:
    """Return a drawn person's points with mixed scores; neck and hips are sure."""
    rng = np.random.default_rng(seed)
    skeleton = place(sample_proportions(rng), sample_pose(rng) if seed else BodyPose())
    camera = frame_body(
        body_points(skeleton), Camera(4.0, 0.2, 0.0, 1.0, 0.0, 0.0), 400, 300, share=0.8, middle_x=0.5, middle_y=0.5
    )  # fmt: skip
    pixels, _ = camera.project(skeleton.joints)
    scores = rng.uniform(0, 1, 18)
    scores[[sk.NECK, *HIPS]] = rng.uniform(0.6, 1, 3)
    return np.column_stack([pixels, scores]).astype(np.float32)


SOURCE = pose_points(0)
CLIP = [pose_points(seed) for seed in (1, 2, 3)]
PHOTO = [pose_points(seed) for seed in (4, 5)]


def torso(points: FloatArray) -> float:
    return float(np.linalg.norm(points[sk.NECK, :2] - points[HIPS, :2].mean(axis=0)))


def lot(seed: int) -> float:
    """Return the first number that a generator draws, which decides where the pose comes from."""
    return float(np.random.default_rng(seed).random())


def posed(seed: int) -> FloatArray:
    target = other_pose(SOURCE, CLIP, PHOTO, np.random.default_rng(seed))
    assert target is not None
    return target


def kind(seed: int) -> str:
    bounds = np.cumsum([reposing._FROM_CLIP, reposing._FROM_PHOTO, reposing._FROM_DRAWN])
    return ("clip", "photo", "drawn", "random")[int(np.searchsorted(bounds, lot(seed), side="right"))]


def is_random(seed: int) -> bool:
    return kind(seed) == "random"


@pytest.mark.parametrize("seed", SEEDS)
def test_a_person_stays_at_the_hips_and_keeps_the_torsos_length(seed: int) -> None:
    before = SOURCE.copy()
    target = posed(seed)
    assert (target.shape, target.dtype) == ((18, 3), np.float32)
    np.testing.assert_allclose(target[HIPS, :2].mean(axis=0), SOURCE[HIPS, :2].mean(axis=0), atol=1e-2)
    assert torso(target) == pytest.approx(torso(SOURCE), rel=1e-4)
    assert (target[:, 2] <= SOURCE[:, 2]).all()
    np.testing.assert_array_equal(SOURCE, before)


def test_poses_come_from_clips_photos_drawn_bodies_and_chance() -> None:
    kinds = [kind(seed) for seed in SEEDS]
    assert set(kinds) == {"clip", "photo", "drawn", "random"}
    for own in ("drawn", "random"):
        assert len({posed(seed).tobytes() for seed in SEEDS if kind(seed) == own}) == kinds.count(own)


@pytest.mark.parametrize("seed", [seed for seed in range(120) if kind(seed) == "drawn"])
def test_a_drawn_bodys_pose_is_of_human_size(seed: int) -> None:
    """Bones in torso lengths, seen across the view.

    No bone is longer than half a torso more than it can be, none is missing.
    """
    target = posed(seed)
    np.testing.assert_array_equal(target[:, 2], SOURCE[:, 2])
    for near, middle, far in (*reposing._ARMS, *reposing._LEGS):
        for start, end in ((near, middle), (middle, far)):
            assert np.linalg.norm(target[start, :2] - target[end, :2]) < 1.6 * torso(SOURCE)
    assert np.isfinite(target).all()


@pytest.mark.parametrize("seed", [seed for seed in SEEDS if kind(seed) in ("clip", "photo")])
def test_a_carried_over_pose_is_a_drivers_in_shape_and_score(seed: int) -> None:
    target = posed(seed)
    candidates = CLIP if kind(seed) == "clip" else PHOTO
    shapes = [(driver[:, :2] - driver[HIPS, :2].mean(axis=0)) / torso(driver) for driver in candidates]
    shape = (target[:, :2] - target[HIPS, :2].mean(axis=0)) / torso(target)
    errors = [float(np.abs(shape - other).max()) for other in shapes]
    driver = candidates[int(np.argmin(errors))]
    assert min(errors) < 1e-3
    np.testing.assert_array_equal(target[:, 2], np.minimum(driver[:, 2], SOURCE[:, 2]))


@pytest.mark.parametrize("seed", [seed for seed in range(150) if is_random(seed)])
def test_random_limbs_have_bones_of_possible_lengths(seed: int) -> None:
    target = posed(seed)

    def bone(first: int, second: int) -> float:
        return float(np.linalg.norm(target[first, :2] - target[second, :2])) / torso(SOURCE)

    for shoulder, elbow, wrist in reposing._ARMS:
        assert 0.52 * 0.6 - 1e-3 <= bone(shoulder, elbow) <= 0.52 * 1.05 + 1e-3
        assert 0.45 * 0.5 - 1e-3 <= bone(elbow, wrist) <= 0.45 * 1.05 + 1e-3
    for hip, knee, ankle in reposing._LEGS:
        assert 0.82 * 0.45 * 0.9 - 1e-3 <= bone(hip, knee) <= 0.82 * 1.05 + 1e-3
        assert 0.8 * 0.08 - 1e-3 <= bone(knee, ankle) <= 0.8 * 1.05 + 1e-3
    # trunk and head only lean: all their distances stay
    rigid = [sk.NECK, sk.RIGHT_SHOULDER, sk.LEFT_SHOULDER, *HIPS, *sk.HEAD_POINTS]

    def distances(points: FloatArray) -> FloatArray:
        placed = points[rigid, :2]
        return np.linalg.norm(placed[:, None] - placed[None], axis=2)

    np.testing.assert_allclose(distances(target), distances(SOURCE), atol=1e-2)
    np.testing.assert_array_equal(target[:, 2], SOURCE[:, 2])


def test_random_arms_reach_outwards_more_than_across() -> None:
    targets = [posed(seed) for seed in range(150) if is_random(seed)]
    # seen from the front, the right arm hangs at the picture's left
    right = np.array([target[sk.RIGHT_ELBOW, 0] - target[sk.RIGHT_SHOULDER, 0] for target in targets])
    left = np.array([target[sk.LEFT_ELBOW, 0] - target[sk.LEFT_SHOULDER, 0] for target in targets])
    assert (right < 0).mean() > 0.65
    assert (left > 0).mean() > 0.65
    raised = np.array([target[sk.LEFT_WRIST, 1] < target[sk.LEFT_SHOULDER, 1] for target in targets])
    assert 0.2 < raised.mean() < 0.9


@pytest.mark.parametrize("point", [sk.NECK, *HIPS])
def test_without_a_torso_there_is_no_pose(point: int) -> None:
    blind = SOURCE.copy()
    blind[point, 2] = 0.4
    assert all(other_pose(blind, CLIP, PHOTO, np.random.default_rng(seed)) is None for seed in range(20))
    drivers = [CLIP[0].copy()]
    drivers[0][point, 2] = 0.4
    for seed in range(20):
        assert (other_pose(SOURCE, drivers, drivers, np.random.default_rng(seed)) is None) == (
            kind(seed) in ("clip", "photo")
        )
