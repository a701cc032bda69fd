from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from motionwarp.nn.blocks import SpatialSelfAttention, parameter_count
from motionwarp.perception.network import (
    Analyzer,
    AnalyzerConfig,
    AnalyzerOutput,
    decode_facing,
    decode_points,
    point_probabilities,
)

SMALL = AnalyzerConfig(channels=(8, 8, 8, 16, 16), blocks=(1, 1, 1, 1), pyramid_channels=(8, 8, 8), dense_channels=8)


def output_with_peak(x: float, y: float, sharpness: float, absent: float = -50.0) -> AnalyzerOutput:
    """Heatmaps whose every point is a Gaussian bump around one crop position."""
    rows = torch.arange(64, dtype=torch.float32)[:, None] * 4 + 1.5
    columns = torch.arange(48, dtype=torch.float32)[None] * 4 + 1.5
    bump = -((rows - y) ** 2 + (columns - x) ** 2) / (2 * (4 * sharpness) ** 2)
    logits = bump.expand(2, 18, 64, 48)
    return AnalyzerOutput(logits, torch.full((2, 18), absent), torch.zeros(2, 20, 128, 96), torch.zeros(2, 1, 128, 96))


def test_shapes_follow_the_strides() -> None:
    output = Analyzer(SMALL).eval()(torch.rand(2, 3, 256, 192))
    assert output.heatmap_logits.shape == (2, 18, 64, 48)
    assert output.absent_logits.shape == (2, 18)
    assert output.parsing_logits.shape == (2, 20, 128, 96)
    assert output.matte_logits.shape == (2, 1, 128, 96)


def test_half_precision_weights_of_the_shipped_size_stay_under_twelve_megabytes() -> None:
    assert 2 * parameter_count(Analyzer(AnalyzerConfig(facing=True))) < 12e6


def test_facing_is_a_direction_with_a_certainty() -> None:
    plain = output_with_peak(50, 50, 0.6)
    assert not decode_facing(plain).any()
    told = plain._replace(facing=torch.tensor([[0.0, 3.0, 4.0], [-2.0, 0.0, -4.0]]))
    facing = decode_facing(told)
    assert torch.allclose(facing[:, :2], torch.tensor([[0.0, 1.0], [-1.0, 0.0]]), atol=1e-6)
    assert facing[0, 2] > 0.98
    assert facing[1, 2] < 0.05


def test_every_parameter_gets_a_gradient() -> None:
    torch.manual_seed(0)
    network = Analyzer(replace(SMALL, facing=True)).train()
    # blocks start as the identity: their inner convolutions see a gradient only once the last norm has moved
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 1.0)
        if isinstance(module, SpatialSelfAttention):
            torch.nn.init.normal_(module.project.weight, std=0.1)
    output = network(torch.rand(2, 3, 256, 192))
    sum((part * torch.rand_like(part)).sum() for part in output).backward()
    silent = [
        name for name, value in network.named_parameters() if value.grad is None or not value.grad.abs().sum() > 0
    ]
    assert silent == []


@pytest.mark.parametrize(("x", "y"), [(50.0, 100.0), (51.3, 98.9), (1.5, 1.5), (188.0, 250.0), (97.25, 3.0)])
def test_decoding_finds_positions_between_cells(x: float, y: float) -> None:
    points = decode_points(output_with_peak(x, y, sharpness=0.6))
    assert points.shape == (2, 18, 3)
    # the centroid of a bump cut off by the crop's edge is drawn inwards by a fraction of a cell
    tolerance = 1.2 if min(x, y, 191 - x, 255 - y) < 6 else 0.2
    assert torch.allclose(points[..., 0], torch.tensor(x), atol=tolerance)
    assert torch.allclose(points[..., 1], torch.tensor(y), atol=tolerance)
    assert (points[..., 2] > 0.99).all()


def test_the_absent_bin_takes_the_score_but_not_the_position() -> None:
    points = decode_points(output_with_peak(80.0, 80.0, sharpness=0.6, absent=30.0))
    assert (points[..., 2] < 1e-3).all()
    assert torch.allclose(points[..., :2], torch.tensor(80.0), atol=0.2)


def test_probabilities_of_cells_and_absent_sum_to_one() -> None:
    torch.manual_seed(1)
    cells, absent = point_probabilities(Analyzer(SMALL).eval()(torch.rand(1, 3, 256, 192)))
    assert torch.allclose(cells.sum(dim=(2, 3)) + absent, torch.ones(1, 18), atol=1e-5)


def test_attention_starts_as_the_identity_and_rejects_uneven_heads() -> None:
    features = torch.rand(2, 8, 3, 4)
    assert torch.equal(SpatialSelfAttention(8, 3, 4)(features), features)
    with pytest.raises(ValueError, match="heads"):
        SpatialSelfAttention(10, 3, 4)
