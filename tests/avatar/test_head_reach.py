"""How far heads turn of which a photo shows one side."""

from __future__ import annotations

import numpy as np
import pytest

from motionwarp.avatar.head_reach import within_reach
from motionwarp.body.layout import DRIVEN_BONES
from motionwarp.types import FloatArray

HEAD, NECK = DRIVEN_BONES.index("head"), DRIVEN_BONES.index("neck02")


def upright(degrees: float) -> FloatArray:
    """A turn after which who faced the camera looks so far to the photo's right."""
    cosine, sine = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    return np.array([[cosine, 0, -sine], [0, 1, 0], [sine, 0, cosine]], dtype=np.float32)


def looking(degrees: float) -> FloatArray:
    """All bones turned so that the person looks so far to the photo's right, (B, 3, 3)."""
    return np.tile(upright(degrees), (len(DRIVEN_BONES), 1, 1))


def degrees_of(turn: FloatArray) -> float:
    return float(np.rad2deg(np.arctan2(-turn[0, 2], turn[2, 2])))


def heads(rest: float, asked: list[float]) -> list[float]:
    """Return where heads look that are asked to look somewhere."""
    poses = np.stack([looking(degrees) for degrees in asked])
    return [degrees_of(turn) for turn in within_reach(poses, looking(rest))[:, HEAD]]


@pytest.mark.parametrize("rest", [0.0, 20.0, -24.0])
def test_who_looks_at_the_camera_turns_as_asked(rest: float) -> None:
    poses = np.stack([looking(degrees) for degrees in (-150.0, -40.0, 0.0, 70.0, 170.0)])
    assert within_reach(poses, looking(rest)) is poses


@pytest.mark.parametrize("side", [-1, 1])
def test_who_looks_aside_goes_on_to_do_so_while_the_body_turns_to_the_camera(side: int) -> None:
    found = [side * each for each in heads(side * 60.0, [side * degrees for degrees in (60.0, 52.0, 0.0, -40.0)])]
    assert found[0] == pytest.approx(60, abs=0.1)
    assert found[1] == pytest.approx(52, abs=1)
    assert 30 < found[2] < 50
    assert 10 < found[3] < found[2]


@pytest.mark.parametrize("side", [-1, 1])
def test_a_head_turns_freely_to_the_side_that_is_known_and_to_its_back(side: int) -> None:
    asked = [side * degrees for degrees in (75.0, 110.0, 150.0, 179.0)]
    assert heads(side * 50.0, asked) == pytest.approx(asked, abs=0.1)
    # hidden faces have caught up
    assert heads(side * 50.0, [side * -120.0]) == pytest.approx([side * -120.0], abs=2)


def test_heads_turn_smoothly_and_never_back() -> None:
    asked = np.arange(-180.0, 180.0, 1.0)
    found = np.rad2deg(np.unwrap(np.deg2rad(heads(45.0, list(asked)))))
    steps = np.diff(found)
    assert steps.min() > 0
    assert steps.max() < 8
    assert found[-1] - found[0] == pytest.approx(359, abs=1)


def test_the_neck_takes_half_of_it_and_the_rest_of_the_body_none() -> None:
    poses, rest = looking(0.0)[None], looking(50.0)
    held = within_reach(poses, rest)[0]
    assert degrees_of(held[NECK]) == pytest.approx(degrees_of(held[HEAD]) / 2, abs=0.1)
    others = [bone for bone in range(len(DRIVEN_BONES)) if bone not in (HEAD, NECK)]
    np.testing.assert_array_equal(held[others], poses[0, others])
    np.testing.assert_allclose(held @ held.transpose(0, 2, 1), np.tile(np.eye(3), (len(held), 1, 1)), atol=1e-5)


def test_at_rest_nothing_turns() -> None:
    rest = looking(50.0)
    np.testing.assert_allclose(within_reach(rest[None], rest)[0], rest, atol=1e-6)
