"""Fitting: derivatives against finite differences, the chain's solver against a dense one, and poses that are known."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from motionwarp.body.chain_equations import UNKNOWNS, BoneTerm, ChainEquations, solve_chain
from motionwarp.body.fit_problem import FitState, FitTask, extent_of
from motionwarp.body.fit_terms import bones_below, point_derivatives
from motionwarp.body.fitting import BodyFitter, FitSettings, Guess
from motionwarp.body.layout import DRIVEN_BONES
from motionwarp.body.model import BodyModel
from motionwarp.body.rig import PointRig, world_turns
from motionwarp.body.rotations import angle_between, matrix_from_vector
from motionwarp.pose import skeleton as sk

BONES = len(DRIVEN_BONES)


@pytest.fixture(scope="module")
def body() -> BodyModel:
    return BodyModel.load()


@pytest.fixture(scope="module")
def fitter(body: BodyModel) -> BodyFitter:
    return BodyFitter(body)


def moving_turns(frames: int, seed: int, size: float = 0.12) -> Tensor:
    """Turns against the camera that change slowly, hinges bent forward."""
    generator = torch.Generator().manual_seed(seed)
    ends = torch.randn(2, BONES, 3, generator=generator) * size
    ends[:, 0, [0, 2]] = 0  # upright
    for bone, name in enumerate(DRIVEN_BONES):
        if name.startswith("upperarm01"):
            ends[:, bone] *= 4
        if name.startswith("lowerleg01"):
            ends[:, bone] = torch.tensor([0.5, 0.0, 0.0])
    share = torch.linspace(0, 1, frames).view(-1, 1, 1)
    return world_turns(matrix_from_vector(ends[0] * (1 - share) + ends[1] * share))


def seen_points(body: BodyModel, turns: Tensor, scale: float = 300.0) -> tuple[Tensor, Tensor]:
    points = PointRig.of(body, body.shape({"age": 0.7})).points(turns)
    flat = points[..., :2] * scale + torch.tensor([400.0, 500.0])
    return torch.cat([flat, torch.ones_like(flat[..., :1])], dim=-1), points


def test_derivatives_are_those_of_finite_differences(fitter: BodyFitter, body: BodyModel) -> None:
    turns = moving_turns(2, 1).double()
    rig = fitter._rigs.mean
    derivatives = point_derivatives(turns, rig.places(turns), rig)  # (T, 18, 3, D, 3)
    z = torch.zeros(len(fitter._space.directions), dtype=torch.float64)
    state = FitState(turns, torch.zeros(2).double(), torch.zeros(2, 2).double(), z)
    for unknown in range(3 * BONES):
        step = torch.zeros(2, 3 * BONES + 3, dtype=torch.float64)
        step[:, unknown] = 1e-5
        ahead, back = (rig.points(state.moved(sign * step).turns) for sign in (1, -1))
        bone, axis = divmod(unknown, 3)
        torch.testing.assert_close((ahead - back) / 2e-5, derivatives[..., bone, axis], atol=1e-6, rtol=1e-4)


def test_all_terms_have_right_derivatives(fitter: BodyFitter, body: BodyModel) -> None:
    turns = moving_turns(1, 2, 0.15)
    points, _ = seen_points(body, turns)
    points[:, :, :2] += torch.randn(18, 2, generator=torch.Generator().manual_seed(3)) * 3
    found, seen = points.double(), torch.ones(1, 18, dtype=torch.bool)
    center, size = extent_of(found, seen, seen[:, 0])
    # no doubting of points or guesses, whose weights are kept while a step is sought
    settings = FitSettings(outlier=1e6, camera_pitch=0.2)
    task = FitTask.of(found, (center, size), Guess(turns, torch.full((1, BONES), 1e5)), settings)
    state = fitter._start(task)
    gradient = fitter._equations(state, task).gradient
    for unknown in range(3 * BONES + 3):
        step = torch.zeros(1, 3 * BONES + 3, dtype=torch.float64)
        step[:, unknown] = 1e-5
        moved = (state.moved(sign * step) for sign in (1, -1))
        ahead, back = (fitter._equations(candidate, task).cost for candidate in moved)
        slope = (ahead - back) / 2e-5
        assert float(slope) == pytest.approx(
            2 * float(gradient[0, unknown]), rel=1e-3, abs=1e-3 * float(gradient.abs().max())
        )


def test_the_shape_s_derivatives_are_right(fitter: BodyFitter, body: BodyModel) -> None:
    points, _ = seen_points(body, moving_turns(2, 14))
    found, seen = points.double(), torch.ones(2, 18, dtype=torch.bool)
    center, size = extent_of(found, seen, seen[:, 0])
    settings = FitSettings(
        outlier=1e6, lean=1e6, stride=1e6
    )  # those hardly depend on the shape, and their part is left out
    task = FitTask.of(found, (center, size), None, settings)
    state = fitter._start(task)
    gradient = fitter._equations(state, task).shape_gradient
    for unknown in range(len(gradient)):
        step = 1e-5 * torch.eye(len(gradient), dtype=torch.float64)[unknown]
        states = (replace(state, z=state.z + sign * step) for sign in (1, -1))
        ahead, back = (fitter._equations(one, task).cost for one in states)
        assert float((ahead - back) / 2e-5) == pytest.approx(
            2 * float(gradient[unknown]), rel=1e-3, abs=1e-3 * float(gradient.abs().max())
        )


def test_equations_filled_in_bone_by_bone_are_the_dense_ones() -> None:
    generator = torch.Generator().manual_seed(13)
    residual, jacobian = (torch.randn(2, BONES, *shape, generator=generator).double() for shape in ((3,), (3, 3)))
    equations = ChainEquations.empty(2, 0)
    BoneTerm(residual, jacobian, bones_below(), torch.zeros(2)).add_to(equations)
    blocks, gradient = equations.blocks, equations.gradient
    dense = (jacobian.unsqueeze(3) * bones_below().T[:, None, :, None]).flatten(3).flatten(1, 2)
    torch.testing.assert_close(blocks[:, : 3 * BONES, : 3 * BONES], dense.mT @ dense)
    torch.testing.assert_close(gradient[:, : 3 * BONES], (dense.mT @ residual.flatten(1).unsqueeze(-1)).squeeze(-1))


def test_the_chain_is_solved_like_a_dense_system() -> None:
    generator = torch.Generator().manual_seed(4)
    frames, unknowns = 5, UNKNOWNS
    roots = torch.randn(frames, unknowns, unknowns, generator=generator, dtype=torch.float64)
    blocks = roots @ roots.transpose(1, 2)
    coupling = torch.rand(unknowns, generator=generator, dtype=torch.float64) * 10
    for frame in range(frames):
        blocks[frame] += torch.diag(coupling) * ((frame > 0) + (frame < frames - 1))
    right = torch.randn(frames, unknowns, 2, generator=generator, dtype=torch.float64)
    dense = torch.block_diag(*blocks)
    for frame in range(frames - 1):
        at, after = (
            slice(frame * unknowns, (frame + 1) * unknowns),
            slice((frame + 1) * unknowns, (frame + 2) * unknowns),
        )
        dense[at, after] = dense[after, at] = -torch.diag(coupling)
    expected = torch.linalg.solve(dense, right.flatten(0, 1))
    found = solve_chain(blocks, right, coupling)
    torch.testing.assert_close(found.flatten(0, 1), expected, atol=1e-7, rtol=1e-6)


def test_frames_that_cannot_follow_do_not_hold_back_the_others(fitter: BodyFitter, body: BodyModel) -> None:
    """Of a clip with impossible frames the others are fitted as well as without those."""
    points, _ = seen_points(body, moving_turns(40, 32))
    own = fitter.fit(points[:1])
    generator = torch.Generator().manual_seed(22)
    spoiled, wrong = points.clone(), [5, 11, 17, 18, 19, 29, 35]
    for frame in wrong:
        scattered = torch.randn(18, 2, generator=generator) * 200
        spoiled[frame, :, :2] = points[frame].mean(dim=0)[:2] + scattered
    far = [frame for frame in range(40) if min(abs(frame - each) for each in wrong) > 1]
    plain, hindered = (fitter.fit(each, start=own).point_error[far] for each in (points, spoiled))
    assert float(hindered.max()) < float(plain.max()) + 2e-3


def test_a_step_is_taken_by_the_frames_that_it_makes_better() -> None:
    moved, still = (
        FitState(
            matrix_from_vector(torch.full((3, BONES, 3), turn, dtype=torch.float64)),
            torch.full((3,), turn).double(),
            torch.full((3, 2), turn).double(),
            torch.zeros(1).double(),
        )
        for turn in (0.3, 0.0)
    )
    mixed = moved.where(torch.tensor([True, False, True]), still)
    torch.testing.assert_close(mixed.turns[::2], moved.turns[::2])
    torch.testing.assert_close(mixed.turns[1], still.turns[1])
    assert mixed.log_scale.tolist() == pytest.approx([0.3, 0, 0.3])
    assert mixed.shift[:, 0].tolist() == pytest.approx([0.3, 0, 0.3])


def test_a_pose_that_is_known_is_found_again(fitter: BodyFitter, body: BodyModel) -> None:
    turns = moving_turns(6, 5)
    points, places = seen_points(body, turns)
    shaken = matrix_from_vector(torch.randn(6, BONES, 3, generator=torch.Generator().manual_seed(6)) * 0.1) @ turns
    fit = fitter.fit(points, Guess(shaken, torch.full((6, BONES), 0.1)))
    assert float(fit.point_error.max()) < 0.01
    before = float(angle_between(shaken, turns).mean())
    assert float(angle_between(fit.turns, turns).mean()) < 1.1 * before
    stature = 1.8 * 300
    own = PointRig.of(body, fit.shape(body)).points(fit.turns) * fit.camera.scale[:, None, None]
    depth = (own - places * 300)[..., 2]
    assert float((depth - depth.mean(dim=1, keepdim=True)).abs().mean()) < 0.05 * stature


def test_people_who_face_away_are_seen_to(fitter: BodyFitter, body: BodyModel) -> None:
    half = matrix_from_vector(torch.tensor([0.0, 3.0, 0.0]))
    points, _ = seen_points(body, half @ moving_turns(1, 7, 0.05))
    fit = fitter.fit(points)
    assert float(fit.turns[0, 0, 2, 2]) < -0.8
    assert float(fit.point_error[0]) < 0.01


def test_people_stand_upright_in_depth(fitter: BodyFitter, body: BodyModel) -> None:
    points, _ = seen_points(body, moving_turns(1, 8, 0.02))
    leaning = matrix_from_vector(torch.tensor([0.35, 0.0, 0.0])) @ moving_turns(1, 8, 0.02)
    fit = fitter.fit(points, Guess(leaning, torch.full((1, BONES), 0.2)), FitSettings(camera_pitch=0.0))
    places = PointRig.of(body, fit.shape(body)).points(fit.turns)[0]
    up = places[sk.NECK] - places[[sk.LEFT_ANKLE, sk.RIGHT_ANKLE]].mean(dim=0)
    assert abs(float(up[2] / up.norm())) < 0.1


def test_wrong_points_are_let_go(fitter: BodyFitter, body: BodyModel) -> None:
    turns = moving_turns(1, 9, 0.1)
    points, _ = seen_points(body, turns)
    wrong = points.clone()
    wrong[0, sk.LEFT_WRIST, :2] += torch.tensor([250.0, -200.0])
    guess = Guess(turns, torch.full((1, BONES), 0.2))
    drawn = [fitter.fit(given, guess).vertices(body, 0) for given in (points, wrong)]
    assert float((drawn[0] - drawn[1])[:, :2].norm(dim=1).mean()) < 12


def test_points_of_low_scores_pull_little(fitter: BodyFitter, body: BodyModel) -> None:
    turns = moving_turns(1, 4)
    points, _ = seen_points(body, turns)
    guess = Guess(turns, torch.full((1, BONES), 0.15))
    spoiled = points.clone()
    spoiled[:, sk.LEFT_WRIST, :2] += torch.tensor([14.0, -8.0])
    moved = {}
    for score in (1.0, 0.7):
        spoiled[:, sk.LEFT_WRIST, 2] = score
        fit = fitter.fit(spoiled, guess)
        drawn = PointRig.of(body, fit.shape(body)).points(fit.turns)
        flat = drawn[..., :2] * fit.camera.scale[:, None, None] + fit.camera.shift[:, None]
        moved[score] = float((flat - points[..., :2])[:, sk.LEFT_WRIST].norm())
    assert moved[1.0] > 8
    assert moved[0.7] < 0.6 * moved[1.0]


def test_a_fit_tells_what_is_left(fitter: BodyFitter, body: BodyModel) -> None:
    turns = moving_turns(1, 4)
    points, _ = seen_points(body, turns)
    wrong = matrix_from_vector(torch.tensor([0.0, 1.2, 0.0])) @ turns
    right, other = (fitter.fit(points, Guess(each, torch.full((1, BONES), 0.15))) for each in (turns, wrong))
    assert 0 < right.cost < 0.7 * other.cost


def test_points_that_are_missing_do_not_matter(fitter: BodyFitter, body: BodyModel) -> None:
    points, _ = seen_points(body, moving_turns(4, 10))
    points[1, :, :] = 0  # a frame without the person
    points[2, sk.LEFT_ANKLE] = 0
    fit = fitter.fit(points)
    assert torch.isfinite(fit.turns).all()
    between = (fit.camera.scale[0] + fit.camera.scale[2]) / 2
    assert float(fit.camera.scale[1] / between) == pytest.approx(1, abs=0.1)
    with pytest.raises(ValueError, match="four points"):
        fitter.fit(torch.zeros(3, 18, 3))


def test_a_given_shape_is_kept(fitter: BodyFitter, body: BodyModel) -> None:
    points, _ = seen_points(body, moving_turns(2, 11))
    first = fitter.fit(points)
    again = fitter.fit(points * torch.tensor([2.0, 2.0, 1.0]), start=first)
    torch.testing.assert_close(again.coefficients, first.coefficients, atol=1e-3, rtol=0)
    torch.testing.assert_close(again.camera.scale, first.camera.scale * 2, rtol=0.02, atol=0)


def test_a_fit_does_not_depend_on_place_and_size(fitter: BodyFitter, body: BodyModel) -> None:
    points, _ = seen_points(body, moving_turns(1, 12, 0.2))
    moved = points * torch.tensor([0.5, 0.5, 1.0]) + torch.tensor([700.0, -50.0, 0.0])
    one, other = fitter.fit(points), fitter.fit(moved)
    torch.testing.assert_close(one.turns, other.turns, atol=1e-4, rtol=0)
    torch.testing.assert_close(one.camera.scale * 0.5, other.camera.scale, rtol=1e-4, atol=0)
