"""Every network of both presets: parameters, operations, and milliseconds in each precision."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final

import torch
import typer
from torch import Tensor, nn

from benchmarks.measuring import fastest
from benchmarks.networks import gflop_of
from benchmarks.report import publish
from motionwarp.devices import PRECISIONS, resolve_device
from motionwarp.engines.warping_gan.inputs import POSE_CHANGE_LENGTH
from motionwarp.engines.warping_gan.networks import (
    LAYER_CHANNELS,
    PART_COUNT,
    STAGE_ONE_CHANNELS,
    PartGenerator,
    PartParser,
)
from motionwarp.engines.warping_gan_paper.networks import GeometricMatcher, PoseGuidedParser, WarpingGenerator
from motionwarp.nn.discriminator import PyramidDiscriminator
from motionwarp.parsing.labels import CLASS_COUNT
from motionwarp.perception.network import Analyzer
from motionwarp.types import CROP_HEIGHT, CROP_WIDTH, POINT_COUNT

_QUARTER: Final = (CROP_HEIGHT // 4, CROP_WIDTH // 4)
_HALF: Final = (CROP_HEIGHT // 2, CROP_WIDTH // 2)
_FULL: Final = (CROP_HEIGHT, CROP_WIDTH)
_JUDGED: Final = 3 + CLASS_COUNT + 2 * POINT_COUNT + CLASS_COUNT + 3

# what makes each, and its inputs without the batch; all at the canonical window of 256x192
NETWORKS: Final[Mapping[str, tuple[Callable[[], nn.Module], tuple[tuple[int, ...], ...]]]] = {
    "analyser": (Analyzer, ((3, *_FULL),)),
    "parts: stage I": (PartParser, ((LAYER_CHANNELS, *_QUARTER), (CLASS_COUNT, *_QUARTER), (PART_COUNT, *_QUARTER))),
    "parts: stage II": (
        PartGenerator, ((LAYER_CHANNELS, *_HALF), (PART_COUNT, *_HALF), (STAGE_ONE_CHANNELS, *_QUARTER),
            (POSE_CHANGE_LENGTH,)),
    ),
    "paper: stage I": (PoseGuidedParser, ((3, *_FULL), (CLASS_COUNT, *_FULL), (POINT_COUNT, *_FULL),
        (POINT_COUNT, *_FULL))),
    "paper: matcher": (GeometricMatcher, ((CLASS_COUNT, *_FULL), (CLASS_COUNT, *_FULL))),
    "paper: stage II": (
        WarpingGenerator,
        ((3, *_FULL), (CLASS_COUNT, *_FULL), (CLASS_COUNT, *_FULL), (POINT_COUNT, *_FULL), (POINT_COUNT, *_FULL),
         (*_FULL, 2)),
    ),
    "paper: discriminator": (lambda: PyramidDiscriminator(_JUDGED), ((_JUDGED, *_FULL),)),
}  # fmt: skip


def sizes(
    batch: Annotated[int, typer.Option(min=1, help="Frames at once.")] = 4,
    precision: Annotated[list[str] | None, typer.Option(help="fp32, bf16 or fp16; fp32 and bf16 by default.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    repeats: Annotated[int, typer.Option(min=1, help="The fastest of so many runs counts.")] = 3,
    only: Annotated[list[str] | None, typer.Option(help="Networks, such as 'parts: stage II'; all by default.")] = None,
) -> None:
    """Count what each network has and computes, and time it alone with random weights."""
    where = resolve_device(device)
    figures = {name: _measured(name, batch, precision or ["fp32", "bf16"], where, repeats) for name in only or NETWORKS}
    publish(
        "sizes",
        {"device": where.type, "batch": batch, "networks": figures},
        {name: _told(each) for name, each in figures.items()},
    )


@torch.inference_mode()
def _measured(name: str, batch: int, precisions: list[str], device: torch.device, repeats: int) -> dict[str, Any]:
    make, shapes = NETWORKS[name]
    network = make().eval().to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    inputs = [_laid_out(torch.rand(batch, *shape, device=device)) for shape in shapes]
    figures: dict[str, Any] = {
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "gflop_a_frame": gflop_of(lambda: network(*inputs)) / batch,
    }
    for precision in precisions:
        dtype = PRECISIONS[precision]

        def call(dtype: torch.dtype = dtype) -> None:
            with torch.autocast(device.type, dtype, enabled=dtype != torch.float32):
                network(*inputs)

        call()  # kernels are chosen and memory is fetched at the first call
        figures[precision] = fastest(call, repeats, device).a_frame(batch)
    return figures


def _laid_out(plane: Tensor) -> Tensor:
    return plane.contiguous(memory_format=torch.channels_last) if plane.ndim == 4 else plane


def _told(figures: Mapping[str, Any]) -> str:
    times = ", ".join(f"{name} {each['ms']:.1f} ms" for name, each in figures.items() if isinstance(each, Mapping))
    return f"{figures['parameters'] / 1e6:.2f} M parameters, {figures['gflop_a_frame']:.2f} GFLOP, {times}"
