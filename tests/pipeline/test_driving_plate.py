"""A clip without its people: the place behind them, of still and moving cameras, and frames without them."""

from __future__ import annotations

import numpy as np
import pytest
from walking_scene import HEIGHT, WIDTH, WalkingFrame, walk

from motionwarp.pipeline.driver_mask import Driver, covered_by, light_between, soles
from motionwarp.pipeline.driving_plate import DriverRemover, PlateBuilder
from motionwarp.pipeline.empty_place import EmptyPlace
from motionwarp.pipeline.kept_frames import middle_of


def placed(frames: list[WalkingFrame]) -> EmptyPlace:
    builder = PlateBuilder()
    for frame in frames:
        builder.add(frame.rgb, Driver(frame.points))
    return builder.finish()


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / max(np.mean((one.astype(float) - other) ** 2), 1e-9)))


def left_of(frame: WalkingFrame, emptied: np.ndarray) -> float:
    """The largest smoothed difference from the truth where person, ball or shadow were, in levels."""
    there = frame.person | (frame.darkness > 0.03)
    return float(np.abs(emptied.astype(float) - frame.empty).max(axis=2)[there].mean())


@pytest.mark.parametrize("strength", [0.0, 0.4])
def test_a_still_camera_gives_one_view_with_nobody_in_it(strength: float) -> None:
    frames = walk(20, strength=strength)
    place = placed(frames)
    assert place.is_still
    assert psnr(place.views[0], frames[0].empty) > 36
    remover = DriverRemover(place)
    for number in (0, 9, 19):
        emptied = remover.without(frames[number].rgb, number, [Driver(frames[number].points)])
        assert left_of(frames[number], emptied) < 3
        assert psnr(emptied, frames[number].empty) > 36


def test_the_ball_in_the_hand_and_the_shadow_go_though_no_point_tells_of_them() -> None:
    frames = walk(20, strength=0.4)
    frame, untold = frames[10], covered_by(frames[10].points, HEIGHT, WIDTH) == 0
    emptied = DriverRemover(placed(frames)).without(frame.rgb, 10, [Driver(frame.points)])
    for there in (untold & frame.person, untold & (frame.darkness > 0.1)):
        assert there.sum() > 20
        before = np.abs(frame.rgb.astype(float) - frame.empty)[there].mean()
        assert np.abs(emptied.astype(float) - frame.empty)[there].mean() < 0.1 * before


def test_what_moves_elsewhere_stays() -> None:
    frames = walk(12, span=60)
    rgb = frames[5].rgb.copy()
    rgb[20:40, 290:310] = (255, 0, 255)
    emptied = DriverRemover(placed(frames)).without(rgb, 5, [Driver(frames[5].points)])
    np.testing.assert_array_equal(emptied[20:40, 290:310], rgb[20:40, 290:310])


def test_a_moving_camera_gives_views_that_fit_its_frames() -> None:
    frames = walk(20, shift=3.0, strength=0.3)
    place = placed(frames)
    assert not place.is_still
    remover = DriverRemover(place)
    for number in (0, 7, 13, 19):
        emptied = remover.without(frames[number].rgb, number, [Driver(frames[number].points)])
        assert psnr(emptied, frames[number].empty) > 30
        assert left_of(frames[number], emptied) < 7


def test_exposure_that_changes_is_followed() -> None:
    frames = walk(16)
    darker = (frames[8].rgb * 0.8).round().astype(np.uint8)
    emptied = DriverRemover(placed(frames)).without(darker, 8, [Driver(frames[8].points)])
    assert psnr(emptied, frames[8].empty * 0.8) > 35
    light = light_between(darker, frames[8].empty, frames[8].person.astype(np.uint8))
    np.testing.assert_allclose(light, 0.8, atol=0.01)


def test_frames_without_anybody_are_as_they_were() -> None:
    frames = walk(8)
    emptied = DriverRemover(placed(frames)).without(frames[3].rgb, 3, [])
    np.testing.assert_array_equal(emptied, frames[3].rgb)
    assert emptied is not frames[3].rgb


def test_who_never_moves_is_filled_up_and_memory_does_not_grow_with_the_clip() -> None:
    frames = walk(3, span=0)
    builder = PlateBuilder()
    for number in range(200):
        builder.add(frames[number % 3].rgb, Driver(frames[0].points))
    assert len(builder._kept) <= 24
    assert {kept.number % (200 // 24) for kept in builder._kept} == {0}
    view = builder.finish().views[0]
    shirt = np.abs(view.astype(int) - (200, 40, 40)).max(axis=2) < 30
    assert not (shirt & frames[0].person).any()


def test_the_middle_of_what_is_seen_is_numpys_median() -> None:
    rng = np.random.default_rng(3)
    stack = rng.integers(0, 256, (7, 9, 11, 3), dtype=np.uint8)
    hidden = rng.random((7, 9, 11)) < 0.5
    picture, never = middle_of(stack, hidden, np.zeros((9, 11), dtype=bool))
    np.testing.assert_array_equal(never, hidden.all(axis=0))
    odd = ((~hidden).sum(axis=0) % 2 == 1) & ~never
    expected = np.ma.median(np.ma.array(stack, mask=np.broadcast_to(hidden[..., None], stack.shape)), axis=0)
    np.testing.assert_array_equal(picture[odd], np.asarray(expected)[odd])
    brighter, _ = middle_of(stack, hidden, np.ones((9, 11), dtype=bool))
    assert (brighter >= picture)[~never].all()


def test_a_place_checks_itself() -> None:
    views = np.zeros((2, 4, 5, 3), np.uint8)
    with pytest.raises(ValueError, match="increasing numbers"):
        EmptyPlace(views, np.array([3, 3]))
    with pytest.raises(ValueError, match="uint8"):
        EmptyPlace(views.astype(np.float32), np.array([0, 1]))


def test_soles_lie_below_the_ankles_in_sight() -> None:
    points = walk(1)[0].points
    assert (soles(points)[:, 1] > points[[10, 13], 1]).all()
    points[10, 2] = 0
    assert len(soles(points)) == 1
