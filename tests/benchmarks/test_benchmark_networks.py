"""Networks heard from outside: which calls count, and what they compute."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from benchmarks.networks import gflop_of, listening, measured_network
from benchmarks.peak import Probe, machine_peaks


class Small(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 4, 1))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.inner(image)
        return result


def gflop(batch: int) -> float:
    """Of `Small` over 16x16, by hand."""
    return 2 * batch * 16 * 16 * (3 * 8 * 9 + 8 * 4) / 1e9


def test_operations_are_counted_as_by_hand() -> None:
    network = Small()
    with torch.inference_mode():
        assert gflop_of(lambda: network(torch.zeros(2, 3, 16, 16))) == pytest.approx(gflop(2))


def test_only_the_outermost_calls_are_heard() -> None:
    one, other = Small(), nn.Linear(4, 4)
    with listening() as heard:
        for batch in (4, 1, 4):
            one(torch.zeros(batch, 3, 16, 16))
        other(torch.zeros(1, 4))
    one(torch.zeros(9, 3, 16, 16))
    small, linear = heard.networks.values()
    assert (small.name, small.module, sum(small.calls.values())) == ("Small", one, 3)
    assert small.usual[0].shape == (4, 3, 16, 16)
    assert (linear.name, sum(linear.calls.values())) == ("Linear", 1)


@pytest.mark.parametrize("at_once", [1, 2])
def test_a_networks_figures_are_a_frame(at_once: int) -> None:
    network = Small()
    with listening() as heard, torch.inference_mode():
        for batch in (4, 4, 1):
            network(torch.zeros(batch, 3, 16, 16))
    figures = measured_network(heard.networks[id(network)], 9, 1, torch.device("cpu"), at_once)
    assert figures["gflop_a_frame"] == pytest.approx(gflop(1))
    assert figures["calls"] == 3
    assert figures["inputs"] == [[4, 3, 16, 16]]
    assert figures["parameters"] == 3 * 8 * 9 + 8 + 8 * 4 + 4
    # rate, time and work are of one kind
    assert figures["gflop_a_second"] * figures["ms_a_frame"] == pytest.approx(1e3 * figures["gflop_a_frame"])


def test_a_probes_operations_are_those_that_pytorch_counts() -> None:
    probe = Probe(side=32, batch=2, channels=8, height=6, width=5, calls=1)
    matrix, planes, kernel = torch.zeros(32, 32), torch.zeros(2, 8, 6, 5), torch.zeros(8, 8, 3, 3)
    assert gflop_of(lambda: matrix @ matrix) == pytest.approx(probe.matrix_gflop)
    assert gflop_of(lambda: nn.functional.conv2d(planes, kernel, padding=1)) == pytest.approx(probe.convolution_gflop)


def test_peaks_are_told_for_each_precision() -> None:
    probe = Probe(side=32, batch=1, channels=8, height=6, width=5, calls=1)
    peaks = machine_peaks(torch.device("cpu"), ["fp32", "bf16", "fp32"], probe)
    assert list(peaks) == ["fp32", "bf16"]
    assert all(rate > 0 for each in peaks.values() for rate in each.values())
