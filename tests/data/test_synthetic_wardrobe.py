from __future__ import annotations

import typing
from dataclasses import fields

import numpy as np
import pytest

from motionwarp.data.synthetic import Outfit, Pattern, sample_outfit
from motionwarp.data.synthetic.wardrobe import PatternKind, sample_color, sample_pattern

KINDS = typing.get_args(PatternKind)
FIRST, SECOND = (0.9, 0.2, 0.1), (0.1, 0.3, 0.8)
# after how many periods along and around a pattern is the same: dots are shifted every second row, a print's waves have
# other lengths
REPEATS = {"plain": (1, 1), "stripes": (1, 1), "checks": (1, 1), "dots": (2, 1), "print": (10, 5)}


def cloth(pattern: Pattern, along: np.ndarray, around: np.ndarray) -> np.ndarray:
    return pattern.painted(along.astype(np.float32), around.astype(np.float32))


def shares_of_second(pattern: Pattern, along: np.ndarray, around: np.ndarray) -> np.ndarray:
    """Return how much of the second color there is, from the red channel."""
    painted = cloth(pattern, along, around)
    return (painted[:, 0] - FIRST[0]) / (SECOND[0] - FIRST[0])


def grid(period: float, per_period: int, periods: int) -> tuple[np.ndarray, np.ndarray]:
    """Return places over a square of whole periods, in meters."""
    steps = (np.arange(per_period * periods) + 0.5) / per_period * period
    along, around = np.meshgrid(steps, steps, indexing="ij")
    return along.ravel(), around.ravel()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("lengthwise", [False, True])
def test_patterns_repeat_and_stay_between_their_colors(kind: PatternKind, lengthwise: bool) -> None:
    period = 0.08
    pattern = Pattern(kind, FIRST, SECOND, period, lengthwise, 0.3)
    along, around = grid(period, 20, 2)
    painted = cloth(pattern, along, around)
    assert (painted.shape, painted.dtype) == ((len(along), 3), np.float32)
    assert (painted >= np.minimum(FIRST, SECOND) - 1e-6).all()
    assert (painted <= np.maximum(FIRST, SECOND) + 1e-6).all()
    there, about = REPEATS[kind]
    np.testing.assert_allclose(cloth(pattern, along + there * period, around), painted, atol=5e-3)
    np.testing.assert_allclose(cloth(pattern, along, around + about * period), painted, atol=5e-3)
    if kind != "plain":
        assert np.ptp(painted[:, 0]) > 0.9 * (FIRST[0] - SECOND[0])


def test_plain_cloth_has_its_first_color() -> None:
    along, around = grid(0.05, 5, 2)
    np.testing.assert_allclose(
        cloth(Pattern("plain", FIRST, SECOND, 0.05), along, around), np.tile(np.float32(FIRST), (100, 1))
    )


@pytest.mark.parametrize("lengthwise", [False, True])
def test_stripes_alternate_along_or_around_only(lengthwise: bool) -> None:
    pattern = Pattern("stripes", FIRST, SECOND, 0.1, lengthwise)
    across, constant = np.array([0.025, 0.075, 0.125, 0.175]), np.full(4, 0.031)
    along, around = (constant, across) if lengthwise else (across, constant)
    np.testing.assert_allclose(shares_of_second(pattern, along, around), [1, 0, 1, 0], atol=1e-5)
    np.testing.assert_allclose(np.ptp(cloth(pattern, around, along), axis=0), 0, atol=1e-6)


def test_checks_are_full_where_bands_cross_and_half_where_one_is() -> None:
    places = np.array([[0.025, 0.025], [0.025, 0.075], [0.075, 0.025], [0.075, 0.075]])
    shares = shares_of_second(Pattern("checks", FIRST, SECOND, 0.1), places[:, 0], places[:, 1])
    np.testing.assert_allclose(shares, [1, 0.5, 0.5, 0], atol=1e-5)


def test_dots_are_discs_in_staggered_rows() -> None:
    pattern = Pattern("dots", FIRST, SECOND, 0.1)
    centers = np.array([[0.05, 0.05], [0.15, 0.10], [0.15, 0.05], [0.05, 0.10]])
    np.testing.assert_allclose(shares_of_second(pattern, centers[:, 0], centers[:, 1]), [1, 1, 0, 0], atol=1e-4)
    # a disc of radius 0.3 whose edge is a ramp of width 1/8 covers pi (0.3^2 + (1/8)^2 / 12) of a period's square
    expected = np.pi * (0.3**2 + 0.125**2 / 12)
    assert shares_of_second(pattern, *grid(0.1, 100, 2)).mean() == pytest.approx(expected, rel=5e-3)


def test_a_phase_shifts_along() -> None:
    along, around = grid(0.1, 20, 2)
    shifted = cloth(Pattern("checks", FIRST, SECOND, 0.1, phase=0.25), along, around)
    np.testing.assert_allclose(shifted, cloth(Pattern("checks", FIRST, SECOND, 0.1), along + 0.025, around), atol=1e-4)


def assert_valid(outfit: Outfit) -> None:
    hints = typing.get_type_hints(Outfit)
    for field in fields(Outfit):
        value = getattr(outfit, field.name)
        if typing.get_origin(hints[field.name]) is typing.Literal:
            assert value in typing.get_args(hints[field.name]), field.name
        elif hints[field.name] is bool:
            assert type(value) is bool, field.name
    patterns = [value for field in fields(Outfit) if isinstance(value := getattr(outfit, field.name), Pattern)]
    assert len(patterns) == 6
    for pattern in patterns:
        assert pattern.kind in KINDS
        assert 0.02 < pattern.period < 0.2
        assert 0 <= pattern.phase < 1
    colors = [outfit.skin, outfit.lips, outfit.hair_color]
    colors += [color for pattern in patterns for color in (pattern.color, pattern.second)]
    assert np.shape(colors) == (15, 3)
    assert np.min(colors) >= 0
    assert np.max(colors) <= 1
    assert 0 <= outfit.sleeve <= 1
    assert (outfit.sleeve == 0) == (outfit.upper == "sleeveless")
    assert 0.2 <= outfit.leg_length <= 1
    assert 0 < outfit.looseness < 0.1
    assert 0 < outfit.flare < 0.2
    assert 0 <= outfit.open_front < np.pi / 2


def test_outfits_are_valid_and_of_every_kind() -> None:
    outfits = [sample_outfit(np.random.default_rng(seed)) for seed in range(400)]
    for outfit in outfits:
        assert_valid(outfit)
    hints = typing.get_type_hints(Outfit)
    for name, hint in hints.items():
        if typing.get_origin(hint) is typing.Literal:
            assert {getattr(outfit, name) for outfit in outfits} == set(typing.get_args(hint)), name
        elif hint is bool:
            assert {getattr(outfit, name) for outfit in outfits} == {True, False}, name
    for outfit in outfits:
        if outfit.whole == "jumpsuit" or (outfit.whole == "none" and outfit.lower == "trousers"):
            assert outfit.leg_length >= 0.8
        else:
            assert outfit.leg_length <= 0.65


def test_the_same_seed_draws_the_same_outfit() -> None:
    assert sample_outfit(np.random.default_rng(9)) == sample_outfit(np.random.default_rng(9))
    assert sample_outfit(np.random.default_rng(9)) != sample_outfit(np.random.default_rng(10))


def test_colors_are_in_range_and_vary() -> None:
    rng = np.random.default_rng(0)
    colors = np.array([sample_color(rng) for _ in range(500)])
    assert colors.min() >= 0
    assert colors.max() <= 1
    assert np.ptp(colors, axis=0).min() > 0.7


def test_patterns_are_plain_as_often_as_asked() -> None:
    rng = np.random.default_rng(0)
    assert {sample_pattern(rng, plain=1.0).kind for _ in range(50)} == {"plain"}
    assert {sample_pattern(rng, plain=0.0).kind for _ in range(100)} == set(KINDS) - {"plain"}
