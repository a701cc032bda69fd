"""Pulling a body to an outline."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from motionwarp.body.camera import WeakPerspective
from motionwarp.body.fitting import BodyFit
from motionwarp.body.layout import DRIVEN_BONES
from motionwarp.body.model import BodyModel
from motionwarp.body.outline import OutlineFitter
from motionwarp.body.rasterizer import rasterize
from motionwarp.body.rotations import matrix_from_vector
from motionwarp.body.shape_prior import ShapeSpace


@pytest.fixture(scope="module")
def body() -> BodyModel:
    return BodyModel.load()


def fitted(body: BodyModel, coefficients: torch.Tensor) -> BodyFit:
    generator = torch.Generator().manual_seed(0)
    turns = matrix_from_vector(torch.randn(1, len(DRIVEN_BONES), 3, generator=generator) * 0.05)
    camera = WeakPerspective(torch.tensor([160.0]), torch.tensor([[150.0, 190.0]]))
    return BodyFit(coefficients, turns, camera, torch.zeros(1))


def silhouette(body: BodyModel, vertices: np.ndarray) -> np.ndarray:
    return rasterize(vertices.astype(np.float32), body.faces.numpy(), 400, 300).covered


def test_a_slim_body_takes_a_stout_one_s_outline(body: BodyModel) -> None:
    slim, stout = (body.coefficients({"weight": weight, "age": 0.7}) for weight in (0.2, 1.0))
    target = silhouette(body, fitted(body, stout).vertices(body, 0).numpy())
    result = OutlineFitter(body).fit(fitted(body, slim), target.astype(np.float32))
    assert result.iou_before < 0.92
    assert result.iou_after > 0.97


def test_offsets_at_rest_give_the_pulled_vertices(body: BodyModel) -> None:
    fit = fitted(body, body.coefficients({"weight": 0.4, "age": 0.7}))
    target = silhouette(body, fitted(body, body.coefficients({"weight": 0.9, "age": 0.7})).vertices(body, 0).numpy())
    result = OutlineFitter(body).fit(fit, target.astype(np.float32))
    shape = fit.shape(body)
    dressed = type(shape)(shape.vertices + result.offsets, shape.joints, shape.alignments)
    again = fit.camera.project(body.skin(dressed, fit.posed(body, 0, shape)).unsqueeze(0))[0]
    torch.testing.assert_close(again, torch.from_numpy(result.vertices), atol=0.05, rtol=0)


def test_a_skirt_closes_the_legs(body: BodyModel) -> None:
    fit = fitted(body, ShapeSpace.of(body).mean)
    bare = silhouette(body, fit.vertices(body, 0).numpy())
    skirt = bare.copy()
    rows = np.flatnonzero(bare.any(axis=1))
    middle = rows[int(len(rows) * 0.55) : int(len(rows) * 0.8)]
    for row in middle:
        columns = np.flatnonzero(bare[row, 110:190]) + 110
        skirt[row, columns.min() : columns.max() + 1] = True
    result = OutlineFitter(body).fit(fit, skirt.astype(np.float32))
    assert result.iou_after > 0.97
    assert result.iou_after > result.iou_before + 0.02


def test_an_empty_matte_is_refused(body: BodyModel) -> None:
    with pytest.raises(ValueError, match="empty"):
        OutlineFitter(body).fit(fitted(body, ShapeSpace.of(body).mean), np.zeros((10, 10), np.float32))
