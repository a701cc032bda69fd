"""The rig of points against the skinned mesh."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from motionwarp.body.layout import DRIVEN_BONES
from motionwarp.body.model import BodyModel
from motionwarp.body.rig import DRIVEN_MIRROR, DRIVEN_PARENTS, PointRig, local_turns, world_turns
from motionwarp.body.rotations import matrix_from_vector
from motionwarp.body.shape_prior import RigSpace, ShapeSpace, sample_coefficients


@pytest.fixture(scope="module")
def body() -> BodyModel:
    return BodyModel.load()


def random_turns(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return matrix_from_vector(torch.randn(*shape, len(DRIVEN_BONES), 3, generator=generator) * 0.6)


def test_points_are_those_of_the_mesh(body: BodyModel) -> None:
    random = torch.Generator().manual_seed(1)
    shape = body.shape_of(sample_coefficients(body, 3, random))
    rig = PointRig.of(body, shape)
    local = random_turns(3)
    posed = body.pose(shape, body.expand(local))
    expected = body.points18(body.skin(shape, posed))
    turns = world_turns(local)
    torch.testing.assert_close(rig.points(turns), expected, atol=1e-5, rtol=0)
    torch.testing.assert_close(rig.places(turns), posed.joints[:, list(body.driven)], atol=1e-5, rtol=0)
    torch.testing.assert_close(
        rig.indexed(torch.tensor([2, 0])).points(turns[[2, 0], None])[:, 0], expected[[2, 0]], atol=1e-5, rtol=0
    )


def test_turns_against_the_world_and_against_each_other(body: BodyModel) -> None:
    local = random_turns(4, seed=2)
    torch.testing.assert_close(local_turns(world_turns(local)), local, atol=1e-5, rtol=0)
    # the bones in between keep still, so that the model's own bones say the same
    posed = body.pose(body.shape(), body.expand(local))
    torch.testing.assert_close(world_turns(local), posed.rotations[:, list(body.driven)], atol=1e-5, rtol=0)


def test_the_tree_of_driven_bones_is_the_body_s(body: BodyModel) -> None:
    for index, parent in enumerate(DRIVEN_PARENTS):
        bone = body.parents[body.driven[index]]
        while bone >= 0 and bone not in body.driven:
            bone = body.parents[bone]
        assert (body.driven.index(bone) if bone >= 0 else -1) == parent
    assert [DRIVEN_MIRROR[other] for other in DRIVEN_MIRROR] == list(range(len(DRIVEN_BONES)))


def test_rigs_follow_shapes_to_first_order(body: BodyModel) -> None:
    space = ShapeSpace.of(body)
    rigs = RigSpace.of(body, space)
    z = 1.25 * torch.randn(len(space.directions), generator=torch.Generator().manual_seed(3))
    turns = world_turns(random_turns(seed=4))
    exact = PointRig.of(body, body.shape_of(space.coefficients(z))).points(turns)
    apart = (rigs.rig(z).points(turns) - exact).norm(dim=-1)
    assert float((rigs.mean.points(turns) - exact).norm(dim=-1).max()) > 0.05
    assert float(apart.max()) < 0.01


def test_the_space_of_shapes_holds_people(body: BodyModel) -> None:
    space = ShapeSpace.of(body)
    people = sample_coefficients(body, 200, torch.Generator().manual_seed(5), grown_up=0.97)
    z = torch.linalg.lstsq(space.directions.T, (people - space.mean).T).solution.T
    assert float(z.std(dim=0).mean()) == pytest.approx(1, abs=0.15)
    apart = body.shape_of(space.coefficients(z[:20])).vertices - body.shape_of(people[:20]).vertices
    assert float(apart.norm(dim=-1).mean()) < 5e-3
    assert torch.equal(space.directions, ShapeSpace.of(body).directions)


def test_who_is_not_measured_is_as_tall_as_adults_are(body: BodyModel) -> None:
    rest = body.shape_of(ShapeSpace.of(body).mean).vertices
    assert 1.62 < float(rest[:, 1].max() - rest[:, 1].min()) < 1.78
