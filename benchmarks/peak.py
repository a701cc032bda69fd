"""What a machine can do at most, measured: large matrix products, and a 3x3 convolution of the networks' size."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

import torch
from torch.nn import functional

from benchmarks.measuring import fastest
from motionwarp.devices import PRECISIONS

_REPEATS: Final = 5


@dataclass(frozen=True)
class Probe:
    """The work that a device is measured with: large enough to fill it.

    Attributes
    ----------
    side : int
        Side of the square matrices.
    batch, channels, height, width : int
        Shape of what is convolved; the convolution keeps channels and size. On a CPU it is the size of the networks'
        middle.
    calls : int
        Number of calls of each in a row, so that the time to start one does not count.
    """

    side: int
    batch: int
    channels: int
    height: int
    width: int
    calls: int

    @property
    def matrix_gflop(self) -> float:
        """Operations of one product."""
        return 2 * self.side**3 / 1e9

    @property
    def convolution_gflop(self) -> float:
        """Operations of one convolution; its edges count as if there were none, as is usual."""
        return 2 * 9 * self.channels**2 * self.batch * self.height * self.width / 1e9


CPU_PROBE: Final = Probe(side=2048, batch=4, channels=64, height=64, width=48, calls=4)
GPU_PROBE: Final = Probe(side=8192, batch=256, channels=128, height=64, width=48, calls=20)


def machine_peaks(
    device: torch.device, precisions: Iterable[str], probe: Probe | None = None
) -> dict[str, dict[str, float]]:
    """Measure a device.

    Parameters
    ----------
    device : torch.device
    precisions : iterable of str
        Names such as 'fp32' and 'bf16'.
    probe : Probe or None
        None for the one that fits the device.

    Returns
    -------
    dict
        For each precision 10^9 operations a second of `matrix` and `convolution`; a multiplication and an addition are
        two.
    """
    probe = probe or (CPU_PROBE if device.type == "cpu" else GPU_PROBE)
    return {name: _peaks(device, PRECISIONS[name], probe) for name in dict.fromkeys(precisions)}


@torch.inference_mode()
def _peaks(device: torch.device, dtype: torch.dtype, probe: Probe) -> dict[str, float]:
    one, other = (torch.randn(probe.side, probe.side, device=device).to(dtype) for _ in range(2))
    planes = torch.randn(probe.batch, probe.channels, probe.height, probe.width, device=device).to(dtype)
    kernel = torch.randn(probe.channels, probe.channels, 3, 3, device=device).to(dtype)
    planes, kernel = (each.contiguous(memory_format=torch.channels_last) for each in (planes, kernel))
    return {
        "matrix": _rate(lambda: one @ other, probe.matrix_gflop, probe.calls, device),
        "convolution": _rate(
            lambda: functional.conv2d(planes, kernel, padding=1), probe.convolution_gflop, probe.calls, device
        ),
    }


def _rate(work: Callable[[], object], gflop: float, calls: int, device: torch.device) -> float:
    def in_a_row() -> None:
        for _ in range(calls):
            work()

    in_a_row()  # kernels are chosen and memory is fetched at the first call
    return calls * gflop / fastest(in_a_row, _REPEATS, device).seconds
