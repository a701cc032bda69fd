"""The driving person's shadow: measured where its truth is known, and cast by another person."""

from __future__ import annotations

import numpy as np
import pytest
from walking_scene import HEIGHT, WIDTH, cast_shadow, walk

from motionwarp.pipeline.driver_mask import body_size, missing_light, soles
from motionwarp.pipeline.driving_shadow import (
    CastShadow,
    ShadowSight,
    ground_rows,
    laid_down,
    measured_shadow,
    shaded,
)
from motionwarp.types import PersonLayer, PoseTrack

WHOLE = {"strength": 0.5, "softness": 0.1, "contact": 0.3}


def sights(strength: float, lean: tuple[float, float] = (0.7, 0.12)) -> list[ShadowSight]:
    found = []
    for frame in walk(6):
        dark = cast_shadow(frame.points, strength, lean)
        lit = (frame.empty * (1 - dark[..., None])).round().astype(np.uint8)
        rgb = np.where(frame.person[..., None], frame.rgb, lit)
        found.append(ShadowSight(rgb, frame.empty, frame.person.astype(np.uint8) * 255, frame.points))
    return found


@pytest.mark.parametrize("lean", [(0.7, 0.12), (-0.75, 0.2), (0.5, -0.12)])
def test_lean_and_strength_are_those_of_the_truth(lean: tuple[float, float]) -> None:
    shadow = measured_shadow(sights(0.4, lean))
    assert shadow is not None
    assert shadow.lean_x == pytest.approx(lean[0], abs=0.26)
    # in the scene the second number leads up the picture
    assert shadow.lean_y == pytest.approx(-lean[1], abs=0.09)
    assert shadow.strength == pytest.approx(0.4, abs=0.12)


def test_no_shadow_is_found_where_there_is_none() -> None:
    assert measured_shadow(sights(0.0)) is None
    assert measured_shadow([]) is None
    noisy = [
        ShadowSight(
            np.clip(each.frame + np.random.default_rng(number).normal(0, 3, each.frame.shape), 0, 255).astype(np.uint8),
            each.behind, each.person, each.points,
        )
        for number, each in enumerate(sights(0.0))
    ]  # fmt: skip
    assert measured_shadow(noisy) is None


def test_feet_out_of_sight_tell_of_no_shadow() -> None:
    unseen = []
    for each in sights(0.4):
        points = each.points.copy()
        points[[10, 13], 2] = 0
        unseen.append(ShadowSight(each.frame, each.behind, each.person, points))
    assert measured_shadow(unseen) is None


def test_missing_light_is_told_from_another_thing() -> None:
    behind = np.full((40, 40, 3), (120, 160, 200), np.uint8)
    frame = behind.copy()
    frame[:20] = (behind[:20] * 0.7).astype(np.uint8)
    frame[30:] = (200, 40, 40)
    light, colorless = missing_light(frame, behind)
    assert light[8, 20] == pytest.approx(0.3, abs=0.02)
    assert colorless[8, 20]
    assert not colorless[36, 20]


def test_the_same_shadow_falls_from_another_person() -> None:
    frame = walk(6)[2]
    alpha = frame.person.astype(np.uint8) * 255
    layer = PersonLayer(np.dstack([np.zeros((HEIGHT, WIDTH, 3), np.uint8), alpha]), 0, 0)
    ground = float(soles(frame.points)[:, 1].max())
    shadow = CastShadow(0.7, -0.12, 0.4, 0.05, 0.0)
    canvas = np.full((HEIGHT, WIDTH, 3), 200, np.uint8)
    result = shaded(canvas.copy(), layer, frame.points, ground, shadow)
    dark = 1 - result[..., 0] / 200
    assert dark.max() == pytest.approx(0.4, abs=0.08)
    # it lies to the right of the feet, and above them in the picture
    rows, columns = np.nonzero(dark > 0.2)
    assert columns.mean() > frame.points[[10, 13], 0].mean() + 0.3 * body_size(frame.points)
    assert rows.max() <= ground + 6
    unchanged = shaded(canvas.copy(), layer, frame.points, float("nan"), shadow)
    np.testing.assert_array_equal(unchanged, canvas)


def test_who_is_in_the_air_has_no_spot_under_the_feet() -> None:
    frame = walk(1)[0]
    shadow, torso = CastShadow(0, -0.1, **WHOLE), body_size(frame.points)
    silhouette = frame.person.astype(np.float32)
    feet = soles(frame.points)
    ground = float(feet[:, 1].max())
    standing = shadow.darkness(silhouette, feet, ground, torso)
    jumping = shadow.darkness(silhouette, feet, ground + torso, torso)
    lying = shadow.strength * laid_down(silhouette, (0, -0.1), ground + torso, 0.1 * torso)
    assert standing.max() <= 1
    np.testing.assert_allclose(jumping, lying)


def test_the_ground_stays_below_who_jumps() -> None:
    count, rate = 30, 25
    points = np.repeat(walk(1)[0].points[None], count, axis=0)
    points[12:16, :, 1] -= 25
    track = PoseTrack(points, np.ones(count, dtype=bool), np.arange(count) / rate, WIDTH, HEIGHT)
    rows = ground_rows(track)
    np.testing.assert_allclose(rows, rows[0], atol=0.5)
    absent = PoseTrack(points, np.zeros(count, dtype=bool), np.arange(count) / rate, WIDTH, HEIGHT)
    assert np.isnan(ground_rows(absent)).all()


def test_a_shadow_checks_itself() -> None:
    with pytest.raises(ValueError, match="parts of the light"):
        CastShadow(0, 0, 1.2, 0.1, 0)
    with pytest.raises(ValueError, match="parts of the light"):
        CastShadow(0, 0, 0.2, 0.0, 0)
