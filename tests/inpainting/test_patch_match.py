"""Patches that are alike: against all distances computed in full, and votes that give a picture back."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from test_patch_fill import PERIODIC, pavement, upright_hole

from motionwarp.inpainting.patch_match import RADIUS, PatchLevel
from motionwarp.types import FloatArray


@pytest.fixture
def level() -> PatchLevel:
    picture = pavement(70, 50, seed=5).astype(np.float32)
    return PatchLevel(picture, upright_hole(70, 50), np.random.default_rng(0))


def whole_patches(level: PatchLevel, centers: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> FloatArray:
    y, x = np.divmod(centers, level.width)
    reach = range(-RADIUS, RADIUS + 1)
    return np.stack([level.rgb[y + down, x + across] for down in reach for across in reach], axis=1).reshape(
        len(centers), -1
    )


def test_targets_reach_into_the_hole_and_sources_do_not(level: PatchLevel) -> None:
    for centers, touches in ((level.targets, True), (level.sources, False)):
        y, x = np.divmod(centers, level.width)
        reach = range(-RADIUS, RADIUS + 1)
        touched = np.any([level.hole[y + down, x + across] for down in reach for across in reach], axis=0)
        assert (touched == touches).all()
    assert len(level.targets) + len(level.sources) == (level.height - 2 * RADIUS) * (level.width - 2 * RADIUS)


def test_distances_are_nearly_those_of_whole_patches(level: PatchLevel) -> None:
    some = level.sources[::7]
    colors = cdist(whole_patches(level, level.targets), whole_patches(level, some), "sqeuclidean") / (
        3 * (2 * RADIUS + 1) ** 2
    )
    goals = level.features(level.targets)
    found = np.stack([level.distances(goals, np.full(len(goals), source)) for source in some], axis=1)
    y, x = (
        np.subtract.outer(a, b)
        for a, b in zip(np.divmod(level.targets, level.width), np.divmod(some, level.width), strict=True)
    )
    place = (y * 140.0 / level.height) ** 2 + (x * 2.0 / level.width) ** 2
    across = cdist(goals[:, -3:], level.features(some)[:, -3:], "sqeuclidean")
    # components that are left out make distances smaller, never larger
    assert (found <= (colors + place + across) * 1.001 + 0.1).all()
    assert np.median((found - place - across) / colors) > 0.7


def test_the_best_of_all_is_the_best(level: PatchLevel) -> None:
    goals = level.features(level.targets)
    expected = cdist(goals, level.features(level.sources)).min(axis=1)
    best = level.best_of_all(goals)
    np.testing.assert_allclose(np.sqrt(level.distances(goals, best)), expected, rtol=1e-3, atol=1e-2)


def test_search_comes_near_to_the_best(level: PatchLevel) -> None:
    goals = level.features(level.targets)
    rng = np.random.default_rng(1)
    chosen = rng.choice(level.sources, len(level.targets))
    distance = level.distances(goals, chosen)
    at_random = float(distance.mean())
    for _ in range(6):
        level.improve(goals, chosen, distance, (4, 1), 20)
    np.testing.assert_array_equal(distance, level.distances(goals, chosen))
    best = float(level.distances(goals, level.best_of_all(goals)).mean())
    assert np.isin(chosen, level.sources).all()
    assert float(distance.mean()) - best < 0.2 * (at_random - best)


def test_votes_from_one_period_away_give_the_picture_back() -> None:
    truth = PERIODIC["stripes"][:100, :96].astype(np.float32)
    hole = np.zeros((100, 96), dtype=np.bool_)
    hole[30:60, 40:55] = True
    broken = np.where(hole[..., None], np.float32(0), truth)
    level = PatchLevel(broken, hole, np.random.default_rng(0))
    level.vote(level.targets - 24, np.zeros(len(level.targets), dtype=np.float32))
    np.testing.assert_allclose(level.rgb, truth, atol=1e-3)


def test_a_source_that_is_used_often_becomes_dearer(level: PatchLevel) -> None:
    goals = level.features(level.targets)
    often, never = level.sources[len(level.sources) // 2], level.sources[0]
    before = [level.distances(goals, np.full(len(goals), source)) for source in (often, never)]
    level.discourage_repeats(np.full(len(goals), often))
    after = [level.distances(goals, np.full(len(goals), source)) for source in (often, never)]
    assert (after[0] > before[0] + 50).all()
    np.testing.assert_array_equal(after[1], before[1])
