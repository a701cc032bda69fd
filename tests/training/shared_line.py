"""A task so small that whole runs of it, by several processes too, take no time.

`python shared_line.py FOLDER[@MINUTES]...` makes some, one after the other.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from motionwarp.training.distributed import backward_and_step, joined_team, present_team
from motionwarp.training.loop import run
from motionwarp.training.task import LoopConfig, TrainingTask

WIDTH, ROWS = 3, 8
LOOP = LoopConfig(
    steps=12,
    batch_size=4,
    learning_rate=0.05,
    warmup_steps=2,
    decay_steps=4,
    workers=0,
    log_every=3,
    checkpoint_minutes=1e9,
)


class SharedLine(TrainingTask):
    """Fits a line to rows that its processes share out; a steep loss, so that gradients are clipped."""

    averaged = "line"

    def __init__(self) -> None:
        torch.manual_seed(present_team().rank)  # others begin elsewhere until they take the first one's weights
        self.line, unused = nn.Linear(WIDTH, 1), nn.Linear(1, 1)
        self.modules = {"line": nn.ModuleDict({"line": self.line, "unused": unused})}
        self.optimizers = {"line": torch.optim.AdamW(self.modules["line"].parameters(), weight_decay=0.1)}

    def batches(self, first_step: int, steps: int) -> Iterator[Tensor]:
        team = present_team()
        for step in range(first_step, steps):
            rows = torch.randn(ROWS, WIDTH, generator=torch.Generator().manual_seed(step))
            yield rows.chunk(team.size)[team.rank]

    def train_step(self, batch: Any) -> Mapping[str, float | Tensor]:
        loss = 100 * (self.line(batch) - batch.sum(1, keepdim=True)).square().mean()
        backward_and_step(loss, self.optimizers["line"], self.modules["line"], 1.0)
        return {"loss": loss.detach(), "random": torch.rand(())}

    def export(self, module: nn.Module, folder: Path, step: int) -> Mapping[str, float]:
        return {"weight": float(next(module.parameters()).sum())}


def together(processes: int, *arguments: str) -> None:
    """Run a Python script or module by so many processes, as users do."""
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    support = str(Path(__file__).resolve().parents[1] / "support")
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join([support, os.environ.get("PYTHONPATH", "")]),
    }
    command = [sys.executable, *launcher, *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr


if __name__ == "__main__":
    with joined_team(torch.device("cpu")):
        for folder in sys.argv[1:]:
            path, _, limit = folder.partition("@")
            run(SharedLine(), LOOP, Path(path), max_minutes=float(limit) if limit else None, report=print)
