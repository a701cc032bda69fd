"""Clips that are fitted in windows: nothing is lost, nothing jumps, and no more is held at once for longer ones."""

from __future__ import annotations

from unittest.mock import patch

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from motionwarp.body.camera import WeakPerspective
from motionwarp.body.chain_equations import BONES
from motionwarp.body.fit_problem import FitState
from motionwarp.body.fit_windows import fit_windows, joined_states
from motionwarp.body.fitting import BodyFit, BodyFitter
from motionwarp.body.layout import DRIVEN_BONES
from motionwarp.body.model import BodyModel
from motionwarp.body.rig import PointRig, world_turns
from motionwarp.body.rotations import angle_between, matrix_from_vector


@given(st.integers(1, 2000))
def test_every_frame_is_told_once_by_windows_of_bounded_length(count: int) -> None:
    windows = fit_windows(count)
    told = torch.zeros(count, dtype=torch.float64)
    for window in windows:
        assert len(window.share) == window.frames.stop - window.frames.start <= 112
        assert float(window.share.min()) > 0
        told[window.frames] += window.share
    torch.testing.assert_close(told, torch.ones_like(told))


def test_one_solution_goes_over_into_the_next() -> None:
    windows = fit_windows(150)
    lengths = [len(window.share) for window in windows]

    def leaning(length: int, radians: float) -> FitState:
        turns = matrix_from_vector(torch.tensor([0.0, 0.0, radians]).double()).expand(length, BONES, 3, 3)
        ones = torch.ones(length, dtype=torch.float64)
        return FitState(turns, ones * radians, ones.unsqueeze(1).expand(-1, 2) * radians, torch.zeros(3).double())

    joined = joined_states(windows, [leaning(lengths[0], 0.1), leaning(lengths[1], 0.3)])
    angles = torch.atan2(joined.turns[:, 0, 1, 0], joined.turns[:, 0, 0, 0])
    assert angles[0] == pytest.approx(0.1)
    assert angles[-1] == pytest.approx(0.3)
    steps = angles.diff()
    assert float(steps.min()) > -1e-9
    assert float(steps.max()) < 0.02
    torch.testing.assert_close(joined.log_scale, joined.shift[:, 1])
    torch.testing.assert_close(joined.log_scale, angles, atol=2e-3, rtol=0)


@pytest.fixture(scope="module")
def fitter() -> BodyFitter:
    return BodyFitter(BodyModel.load())


def dancing(frames: int) -> tuple[Tensor, BodyFit]:
    """Points of somebody who swings arms and legs and turns round slowly, and their shape."""
    body = BodyModel.load()
    time = torch.arange(frames) / 30
    vectors = torch.zeros(frames, BONES, 3)
    vectors[:, 0, 1] = 0.5 * torch.sin(time)
    for bone, name in enumerate(DRIVEN_BONES):
        if name.startswith(("upperarm01", "upperleg01")):
            vectors[:, bone, 2] = 0.4 * torch.sin(3 * time + bone)
        if name.startswith("lowerleg01"):
            vectors[:, bone, 0] = 0.4 + 0.3 * torch.sin(2 * time + bone)
    turns = world_turns(matrix_from_vector(vectors))
    shape = body.shape({})
    flat = PointRig.of(body, shape).points(turns)[..., :2] * 300 + torch.tensor([400.0, 500.0])
    points = torch.cat([flat, torch.ones_like(flat[..., :1])], dim=-1)
    camera = WeakPerspective(torch.full((1,), 300.0), torch.zeros(1, 2))
    return points, BodyFit(torch.zeros(len(body.basis)), turns[:1], camera, torch.zeros(1))


def test_windows_tell_what_the_whole_clip_tells(fitter: BodyFitter) -> None:
    points, person = dancing(200)
    windowed = fitter.fit(points, start=person)
    with patch("motionwarp.body.fit_windows._LENGTH", 1000):
        whole = fitter.fit(points, start=person)
    assert float(angle_between(windowed.turns, whole.turns).mean()) < 0.01
    assert float(windowed.point_error.mean()) < 1.05 * float(whole.point_error.mean()) + 1e-4
    windowed_steps, whole_steps = (angle_between(fit.turns[1:], fit.turns[:-1]) for fit in (windowed, whole))
    meet = slice(90, 110)
    assert float(windowed_steps[meet].max()) < float(whole_steps[meet].max()) + 0.02


def test_long_clips_hold_no_more_equations_at_once(fitter: BodyFitter) -> None:
    points, person = dancing(500)
    with patch.object(fitter, "_equations", wraps=fitter._equations) as equations:
        fitter.fit(points, start=person)
    assert max(len(call.args[0].turns) for call in equations.call_args_list) <= 112
