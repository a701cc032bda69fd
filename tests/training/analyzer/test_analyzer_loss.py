from __future__ import annotations

import math

import pytest
import torch
from scipy.stats import vonmises

from motionwarp.perception.network import Analyzer, AnalyzerConfig, AnalyzerOutput, decode_points
from motionwarp.training.analyzer.task import AnalysisLossWeights, analysis_loss, facing_loss, overlap_loss, point_loss

SMALL = AnalyzerConfig(
    channels=(8, 16, 16, 16, 16), blocks=(1, 1, 1, 1), pyramid_channels=(16, 16, 16), dense_channels=8
)


def logits(heatmap: torch.Tensor, absent: float) -> AnalyzerOutput:
    count = len(heatmap)
    return AnalyzerOutput(
        heatmap, torch.full((count, 18), absent), torch.zeros(count, 20, 8, 8), torch.zeros(count, 1, 8, 8)
    )


def test_uniform_guess_costs_the_logarithm_of_all_bins() -> None:
    points = torch.full((1, 18, 3), 40.0)
    points[..., 2] = 1.0
    loss = point_loss(logits(torch.zeros(1, 18, 64, 48), 0.0), points, spread=1.0)
    assert torch.isclose(loss, torch.log(torch.tensor(64 * 48 + 1.0)), rtol=1e-5)


def test_points_that_are_absent_ask_only_for_the_absent_bin() -> None:
    points = torch.zeros(1, 18, 3)
    assert point_loss(logits(torch.zeros(1, 18, 64, 48), 40.0), points, spread=1.0) < 1e-5
    assert point_loss(logits(torch.zeros(1, 18, 64, 48), -40.0), points, spread=1.0) > 40


def test_unknown_parsing_does_not_count() -> None:
    points, matte = torch.zeros(1, 18, 3), torch.zeros(1, 1, 8, 8)
    known = torch.zeros(1, 8, 8, dtype=torch.long)
    partly = known.clone()
    partly[:, :4] = 255
    weights = AnalysisLossWeights()
    output = logits(torch.zeros(1, 18, 64, 48), 0.0)
    output.parsing_logits[:, 3, :4] = 100.0  # badly wrong where nothing is known
    wrong = analysis_loss(output, points, known, matte, weights).parsing
    assert analysis_loss(output, points, partly, matte, weights).parsing < 4 < wrong


def test_overlap_counts_every_class_that_is_there_alike() -> None:
    truth = torch.zeros(1, 10, 10, dtype=torch.long)
    truth[0, 0, 0] = 12  # a class of a single pixel
    exact = torch.nn.functional.one_hot(truth, 20).movedim(-1, 1) * 100.0
    assert overlap_loss(exact, truth) < 1e-6
    only_background = torch.zeros(1, 20, 10, 10)
    only_background[:, 0] = 100.0
    # IoU 0.99 and 0
    torch.testing.assert_close(overlap_loss(only_background, truth), torch.tensor(1 - 0.99 / 2))


def test_overlap_does_not_look_at_what_is_not_known() -> None:
    truth = torch.full((1, 6, 6), 255)
    logits_of = torch.randn(1, 20, 6, 6)
    assert overlap_loss(logits_of, truth) == 0
    truth[:, :3] = 4
    before = overlap_loss(logits_of, truth)
    logits_of[:, :, 3:] += 5 * torch.randn(1, 20, 3, 6)
    torch.testing.assert_close(overlap_loss(logits_of, truth), before)


def test_one_batch_can_be_learned_by_heart() -> None:
    torch.manual_seed(0)
    network = Analyzer(SMALL).train()
    image = torch.rand(2, 3, 256, 192)
    points = torch.rand(2, 18, 3) * torch.tensor([180.0, 240.0, 1.0])
    points[..., 2] = 1.0
    parsing = torch.zeros(2, 128, 96, dtype=torch.long)
    parsing[:, 40:90, 30:60] = 5
    matte = (parsing > 0).float()[:, None]
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-2)
    first = None
    for _ in range(60):
        loss = analysis_loss(network(image), points, parsing, matte, AnalysisLossWeights())
        first = first or loss
        optimizer.zero_grad()
        loss.total.backward()
        optimizer.step()
    assert first is not None
    assert loss.points < 0.6 * first.points
    assert loss.parsing < 0.1 * first.parsing
    assert loss.matte < 0.2 * first.matte
    assert decode_points(network(image)).isfinite().all()


def test_the_facing_loss_is_the_von_mises_likelihood() -> None:
    """Compared with SciPy's density, at two concentrations; directions that are not known do not count."""
    predicted = torch.tensor([[1.0, 0.0, 0.0], [0.6, 0.8, 1.5], [1.0, 0.0, 5.0]])
    truth = torch.tensor([[0.0, 1.0], [1.0, 0.0], [0.0, 0.0]])
    angles = [math.pi / 2 - 0, 0 - math.atan2(0.8, 0.6)]
    expected = -sum(vonmises.logpdf(angle, math.exp(k)) for angle, k in zip(angles, (0.0, 1.5), strict=True)) / 2
    # the density is over an angle: a circle more than our unnormalized likelihood
    assert facing_loss(predicted, truth).item() == pytest.approx(expected - math.log(2 * math.pi), abs=1e-4)
    assert facing_loss(predicted, torch.zeros(3, 2)).item() == 0
