"""The body model: shapes, kinematics against SciPy, skinning against a loop and anny, symmetry, gradients."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation
from torch import Tensor

from motionwarp.body.layout import DRIVEN_BONES, MEASURES, PART_NAMES, PHENOTYPE_ANCHORS, bone_part
from motionwarp.body.model import BodyModel, BodyShape, nearest_rotation
from motionwarp.body.rotations import matrix_from_vector
from motionwarp.checkpoints.checkpoint import load_checkpoint, save_checkpoint
from motionwarp.errors import WeightsError
from motionwarp.pose import skeleton as sk
from motionwarp.puppet import parts as layered_parts


@pytest.fixture(scope="module")
def body() -> BodyModel:
    return BodyModel.load()


def random_rotations(count: int, seed: int, size: float = 0.5) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return matrix_from_vector(torch.randn(count, 3, generator=generator) * size)


def heights(body: BodyModel, phenotypes: dict[str, float]) -> float:
    y = body.shape(phenotypes).vertices[:, 1]
    return float(y.max() - y.min())


def test_people_have_human_sizes(body: BodyModel) -> None:
    assert 1.55 < heights(body, {}) < 1.85
    assert heights(body, {"age": 0.05}) < 0.9
    assert heights(body, {"age": 1 / 3}) < 1.5
    small, tall = (heights(body, {"height": value, "age": 0.7, "gender": 0}) for value in (0.2, 0.9))
    assert small < 1.7 < 1.9 < tall


def test_a_measure_changes_what_it_names(body: BodyModel) -> None:
    def thigh(value: float) -> float:
        joints = body.shape(None, {"thigh_length": value}).joints
        return float((joints[body.bones.index("upperleg01.L")] - joints[body.bones.index("lowerleg01.L")]).norm())

    assert thigh(-1) + 0.03 < thigh(0) < thigh(1) - 0.03


def test_shapes_between_anchors_are_interpolated(body: BodyModel) -> None:
    ends = [body.shape({"weight": value}).vertices for value in (0.5, 1.0)]
    torch.testing.assert_close(body.shape({"weight": 0.8}).vertices, ends[0] * 0.4 + ends[1] * 0.6, atol=1e-5, rtol=0)


def test_batches_of_shapes_are_the_single_ones(body: BodyModel) -> None:
    generator = torch.Generator().manual_seed(0)
    phenotypes = torch.rand(2, 3, len(PHENOTYPE_ANCHORS), generator=generator)
    measures = torch.rand(2, 3, len(MEASURES), generator=generator) * 2 - 1
    together = body.shape(phenotypes, measures)
    alone = body.shape(phenotypes[1, 2], measures[1, 2])
    torch.testing.assert_close(together.vertices[1, 2], alone.vertices, atol=1e-5, rtol=0)
    torch.testing.assert_close(together.alignments[1, 2], alone.alignments, atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("phenotypes", "measures"),
    [({"beauty": 0.5}, None), ({"age": 1.5}, None), (None, {"head_size": -2.0}), (torch.zeros(3), None)],
)
def test_shapes_that_are_not_are_refused(body: BodyModel, phenotypes: Any, measures: Any) -> None:
    with pytest.raises(ValueError, match=r"body has no|lie in|are needed"):
        body.shape(phenotypes, measures)


def test_kinematics_are_those_of_scipy(body: BodyModel) -> None:
    shape = body.shape({"gender": 0.2, "age": 0.5})
    rotations = random_rotations(len(body.bones), 1)
    posed = body.pose(shape, rotations, torch.tensor([0.3, -0.2, 4.0]))
    turned: list[Rotation] = []
    places: list[Any] = []
    joints, aligned = shape.joints.numpy().astype(float), shape.alignments.numpy().astype(float)
    for bone, parent in enumerate(body.parents):
        own = Rotation.from_matrix(rotations[bone].numpy().astype(float))
        if parent < 0:
            turned.append(own)
            places.append(np.array([0.3, -0.2, 4.0]))
            continue
        turned.append(turned[parent] * own)
        places.append(places[parent] + turned[parent].apply(aligned[parent] @ (joints[bone] - joints[parent])))
    np.testing.assert_allclose(posed.joints.numpy(), np.stack(places), atol=1e-5)
    np.testing.assert_allclose(posed.rotations.numpy(), np.stack([one.as_matrix() for one in turned]), atol=1e-5)


def test_skinning_is_a_weighted_mean_of_rigid_bones(body: BodyModel) -> None:
    shape = body.shape({"muscle": 0.9})
    posed = body.pose(shape, random_rotations(len(body.bones), 2))
    vertices = body.skin(shape, posed)
    transforms = posed.transforms(shape)
    for vertex in range(0, len(vertices), 499):
        expected = torch.zeros(3)
        for bone, weight in zip(body.skinning_indices[vertex].tolist(), body.skinning_weights[vertex], strict=True):
            expected += weight * (transforms[bone, :, :3] @ shape.vertices[vertex] + transforms[bone, :, 3])
        torch.testing.assert_close(vertices[vertex], expected, atol=1e-5, rtol=0)
    torch.testing.assert_close(body.skin(shape, posed, body.low_vertices), vertices[body.low_vertices.long()])


def test_skinning_equals_annys_own(body: BodyModel) -> None:
    pytest.importorskip("anny")
    from motionwarp.body import bake

    source = bake.open_source()
    kept = bake._kept_mesh(source).vertices
    axes = torch.from_numpy(bake._AXES)
    generator = torch.Generator().manual_seed(3)
    phenotypes = torch.rand(4, len(PHENOTYPE_ANCHORS), generator=generator, dtype=torch.float64)
    phenotypes[:, 1] = 1 / 3 + phenotypes[:, 1] * 2 / 3  # babies are coarser
    named = {name: phenotypes[:, index] for index, name in enumerate(PHENOTYPE_ANCHORS)}
    rotations = random_rotations(4 * len(body.bones), 4, 0.4).view(4, len(body.bones), 3, 3).double()
    transforms = torch.eye(4, dtype=torch.float64).repeat(4, len(body.bones), 1, 1)
    transforms[..., :3, :3] = axes.T @ rotations @ axes
    expected = source(pose_parameters=transforms, phenotype_kwargs=named)["vertices"][:, kept] @ axes.T
    states = bake.rest_states(source, source.get_phenotype_blendshape_coefficients(**named), kept)
    orientations = nearest_rotation(torch.from_numpy(states.orientations))
    alignments = body.reference_orientations.double() @ orientations.transpose(-1, -2)
    shape = BodyShape(
        torch.from_numpy(states.vertices).float(), torch.from_numpy(states.joints).float(), alignments.float()
    )
    vertices = body.skin(shape, body.pose(shape, rotations.float()))
    torch.testing.assert_close(vertices.double(), expected, atol=1e-4, rtol=0)
    ours = body.shape(phenotypes.float())
    apart = (body.skin(ours, body.pose(ours, rotations.float())) - vertices).norm(dim=-1)
    assert float(apart.mean()) < 1e-3  # what the compact basis loses
    assert float(apart.max()) < 1e-2


def test_the_body_is_symmetric(body: BodyModel) -> None:
    flip = torch.tensor([-1.0, 1.0, 1.0])
    shape = body.shape({"gender": 1.0, "weight": 0.7, "age": 0.6})
    torch.testing.assert_close(shape.vertices[body.mirror.long()] * flip, shape.vertices, atol=4e-3, rtol=0)
    rotations = random_rotations(len(body.bones), 5)
    mirrored = (flip[:, None] * rotations * flip)[list(body.bone_mirror)]
    vertices = body.skin(shape, body.pose(shape, rotations))
    other = body.skin(shape, body.pose(shape, mirrored))
    torch.testing.assert_close(other[body.mirror.long()] * flip, vertices, atol=1e-2, rtol=0)
    points = body.points18(vertices)[list(sk.MIRROR)] * flip
    torch.testing.assert_close(body.points18(other), points, atol=6e-3, rtol=0)


def test_the_points_lie_where_they_should(body: BodyModel) -> None:
    shape = body.shape()
    points = body.points18(body.skin(shape, body.pose(shape, torch.eye(3).expand(len(body.bones), 3, 3))))
    x, y, z = points.T
    assert x[sk.LEFT_SHOULDER] > 0.1 > -0.1 > x[sk.RIGHT_SHOULDER]  # it faces us
    assert x[sk.LEFT_EYE] > x[sk.RIGHT_EYE]
    assert z[sk.NOSE] < z[sk.LEFT_EYE] < z[sk.LEFT_EAR]
    assert y[sk.NOSE] < y[sk.NECK] < y[sk.LEFT_HIP] < y[sk.LEFT_KNEE] < y[sk.LEFT_ANKLE]
    assert y[sk.RIGHT_SHOULDER] < y[sk.RIGHT_ELBOW] < y[sk.RIGHT_WRIST]
    torch.testing.assert_close(
        points[sk.NECK], (points[sk.LEFT_SHOULDER] + points[sk.RIGHT_SHOULDER]) / 2, atol=1e-4, rtol=0
    )


def test_the_nearest_rotation_has_a_gradient_even_of_equal_singular_values() -> None:
    for matrix in (
        torch.eye(3, dtype=torch.float64) * 2,
        torch.randn(3, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1)),
    ):
        step = 1e-6 * torch.arange(9, dtype=torch.float64).view(3, 3)
        moved = (nearest_rotation(matrix + step) - nearest_rotation(matrix - step)) / 2
        for row, column in ((0, 1), (2, 0), (1, 2)):
            variable = matrix.clone().requires_grad_()
            nearest_rotation(variable)[row, column].backward()
            assert variable.grad is not None
            torch.testing.assert_close((variable.grad * step).sum(), moved[row, column], atol=1e-10, rtol=1e-4)


def test_gradients_reach_shape_and_pose(body: BodyModel) -> None:
    phenotypes = torch.full((len(PHENOTYPE_ANCHORS),), 0.4, requires_grad=True)
    vectors = torch.zeros(len(DRIVEN_BONES), 3, requires_grad=True)
    shape = body.shape(phenotypes)
    posed = body.pose(shape, body.expand(matrix_from_vector(vectors)))
    body.points18(body.skin(shape, posed)).square().sum().backward()
    for gradient in (phenotypes.grad, vectors.grad):
        assert gradient is not None
        assert torch.isfinite(gradient).all()
    assert (phenotypes.grad != 0).sum() >= 6
    moving = vectors.grad.abs().sum(dim=1) > 0
    still = {name for name, moves in zip(DRIVEN_BONES, moving.tolist(), strict=True) if not moves}
    assert still <= {"wrist.L", "wrist.R", "foot.L", "foot.R", "head"}


def test_expanding_turns_the_driven_bones_only(body: BodyModel) -> None:
    everything = body.expand(random_rotations(len(DRIVEN_BONES), 7))
    turned = {
        bone for bone, matrix in zip(body.bones, everything, strict=True) if not torch.equal(matrix, torch.eye(3))
    }
    assert turned == set(DRIVEN_BONES)


def test_the_coarse_mesh_has_the_same_outline(body: BodyModel) -> None:
    from motionwarp.body.rasterizer import rasterize

    vertices = body.shape().vertices * 300 + torch.tensor([150.0, 300.0, 0.0])
    full = rasterize(vertices, body.faces, 600, 300).covered
    low = rasterize(vertices[body.low_vertices.long()], body.low_faces, 600, 300).covered
    assert float((full & low).sum() / (full | low).sum()) > 0.98


def test_meshes_are_closed_but_for_mouth_and_eyes(body: BodyModel) -> None:
    for faces in (body.faces, body.low_faces):
        edges = torch.cat([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]).long()
        codes = edges.amin(dim=1) * 100_000 + edges.amax(dim=1)
        counts = codes.unique(return_counts=True)[1]
        assert int(counts.max()) == 2
        assert float((counts == 1).sum()) < 0.02 * len(counts)


def test_parts_are_those_of_the_puppet(body: BodyModel) -> None:
    assert PART_NAMES == layered_parts.PART_NAMES
    found = {PART_NAMES[part] for part in body.parts.unique().tolist()}
    assert found == set(PART_NAMES) - {"garment"}
    assert (body.template[body.parts == PART_NAMES.index("left_hand"), 0] > 0).all()
    with pytest.raises(ValueError, match="no bone"):
        bone_part("tail")


def test_a_model_of_another_format_is_refused(tmp_path: Path) -> None:
    checkpoint = load_checkpoint("body", "body")
    other = {**checkpoint.config, "format": 99}
    path = save_checkpoint(tmp_path / "body.safetensors", checkpoint.tensors, "body", other)
    with pytest.raises(WeightsError, match="format 99"):
        BodyModel.load(path)
    fewer = {name: value for name, value in checkpoint.tensors.items() if name != "uv"}
    path = save_checkpoint(tmp_path / "body.safetensors", fewer, "body", checkpoint.config)
    with pytest.raises(WeightsError, match="uv"):
        BodyModel.load(path)
