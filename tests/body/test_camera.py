"""Cameras against each other and against written-out projections."""

from __future__ import annotations

import pytest
import torch

from motionwarp.body.camera import Perspective, WeakPerspective


def test_weak_perspective_scales_and_shifts() -> None:
    camera = WeakPerspective(torch.tensor([100.0, 50.0]), torch.tensor([[10.0, 20.0], [0.0, 0.0]]))
    points = torch.tensor([[1.0, -2.0, 0.5]]).expand(2, 1, 3)
    expected = torch.tensor([[[110.0, -180.0, 50.0]], [[50.0, -100.0, 25.0]]])
    torch.testing.assert_close(camera.project(points), expected)


def test_full_perspective_divides_by_depth() -> None:
    camera = Perspective(torch.tensor(500.0), torch.tensor([320.0, 240.0]), torch.tensor([0.0, 0.0, 4.0]))
    projected = camera.project(torch.tensor([[1.0, 1.0, 1.0], [-1.0, 0.0, -2.0]]))
    torch.testing.assert_close(projected, torch.tensor([[420.0, 340.0, 5.0], [70.0, 240.0, 2.0]]))


def test_a_far_camera_sees_what_the_weak_one_sees() -> None:
    weak = WeakPerspective(torch.tensor(80.0), torch.tensor([300.0, 200.0]))
    full = Perspective.of(weak, torch.tensor(1e6), torch.tensor([320.0, 240.0]))
    points = torch.randn(20, 3, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(full.project(points)[:, :2], weak.project(points)[:, :2], atol=0.05, rtol=0)


def test_what_lies_behind_the_camera_is_refused() -> None:
    camera = Perspective(torch.tensor(500.0), torch.zeros(2), torch.tensor([0.0, 0.0, 1.0]))
    with pytest.raises(ValueError, match="in front"):
        camera.project(torch.tensor([[0.0, 0.0, -2.0]]))


def test_shapes_must_fit() -> None:
    with pytest.raises(ValueError, match="shifts"):
        WeakPerspective(torch.zeros(3), torch.zeros(2, 2))
    with pytest.raises(ValueError, match="translation"):
        Perspective(torch.zeros(()), torch.zeros(3), torch.zeros(3))
