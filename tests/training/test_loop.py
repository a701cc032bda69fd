from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from motionwarp.errors import OptionError, WeightsError
from motionwarp.training.loop import run
from motionwarp.training.task import LoopConfig, TrainingTask

CONFIG = LoopConfig(
    steps=12,
    batch_size=4,
    learning_rate=0.05,
    warmup_steps=2,
    decay_steps=4,
    workers=0,
    log_every=3,
    checkpoint_minutes=1e9,
)


class Line(TrainingTask):
    """Fits a line, with noise from torch's own generator so that its state matters too."""

    averaged = "line"

    def __init__(self, width: int = 3, stop_after: int | None = None) -> None:
        torch.manual_seed(0)
        self.line = nn.Sequential(nn.Linear(width, 1), nn.BatchNorm1d(1))
        self.modules = {"line": self.line}
        self.optimizers = {"line": torch.optim.AdamW(self.line.parameters())}
        self.width, self.stop_after, self.exports, self.seen = width, stop_after, 0, 0

    def batches(self, first_step: int, steps: int) -> Iterator[Tensor]:
        for step in range(first_step, steps):
            yield torch.randn(8, self.width, generator=torch.Generator().manual_seed(step))

    def train_step(self, batch: Any) -> Mapping[str, float | Tensor]:
        if self.seen == self.stop_after:
            raise KeyboardInterrupt  # dies without a chance to save
        self.seen += 1
        loss = (self.line(batch) - batch.sum(1, keepdim=True) + 0.1 * torch.randn(8, 1)).square().mean()
        for optimizer in self.optimizers.values():
            optimizer.zero_grad()
        loss.backward()
        self.optimizers["line"].step()
        return {"loss": loss.detach()}

    def export(self, module: nn.Module, folder: Path, step: int) -> Mapping[str, float]:
        self.exports += 1
        assert not any(parameter.requires_grad for parameter in module.parameters())
        return {"weight": float(next(module.parameters()).sum())}


def finished(folder: Path) -> dict[str, Tensor]:
    from safetensors.torch import load_file

    return load_file(folder / "state.safetensors")


def test_a_run_that_was_cut_goes_on_exactly(tmp_path: Path) -> None:
    run(Line(), CONFIG, tmp_path / "whole", report=lambda line: None)
    cut = tmp_path / "cut"
    # a time limit of zero stops after the first step; the second call goes on; a crash in the third loses what was not
    # saved
    assert run(Line(), CONFIG, cut, max_minutes=0, report=lambda line: None) == 1
    assert run(Line(), CONFIG, cut, max_minutes=0, report=lambda line: None) == 2
    with pytest.raises(KeyboardInterrupt):
        run(Line(stop_after=5), CONFIG, cut, report=lambda line: None)
    torch.manual_seed(99)
    assert run(Line(), CONFIG, cut, report=lambda line: None) == CONFIG.steps
    whole, resumed = finished(tmp_path / "whole"), finished(cut)
    assert whole.keys() == resumed.keys()
    for name, value in whole.items():
        assert torch.equal(value, resumed[name]), name


def test_log_and_export_are_written(tmp_path: Path) -> None:
    task, lines = Line(), []
    run(task, CONFIG, tmp_path, report=lines.append)
    rows = (tmp_path / "log.csv").read_text().splitlines()
    assert rows[0] == "step,rate,seconds,loss"
    assert [row.split(",")[0] for row in rows[1:]] == ["3", "6", "9", "12"]
    assert task.exports == 1
    assert any("weight" in line for line in lines)
    assert not list(tmp_path.glob("*.part"))


def test_lines_of_steps_that_are_made_again_stand_in_the_log_once(tmp_path: Path) -> None:
    assert run(Line(), replace(CONFIG, steps=4), tmp_path, report=lambda line: None) == 4
    with pytest.raises(KeyboardInterrupt):
        run(Line(stop_after=5), CONFIG, tmp_path, report=lambda line: None)  # at step 9, of which 6 and 9 were logged
    with (tmp_path / "log.csv").open("a") as stream:
        stream.write("10,5.0")  # torn by whatever ended it
    run(Line(), CONFIG, tmp_path, report=lambda line: None)
    for name, steps in (("log.csv", ["3", "6", "9", "12"]), ("exports.csv", ["4", "12"])):
        rows = list(csv.DictReader((tmp_path / name).open()))
        assert [row["step"] for row in rows] == steps, name
    assert rows[-1].keys() == {"step", "seconds", "weight"}


def test_another_architecture_is_refused(tmp_path: Path) -> None:
    run(Line(), CONFIG, tmp_path, report=lambda line: None)
    with pytest.raises(WeightsError, match="another configuration"):
        run(Line(width=4), CONFIG, tmp_path, report=lambda line: None)


def test_rate_warms_up_stays_and_falls() -> None:
    rates = [CONFIG.rate_at(step) for step in range(CONFIG.steps)]
    assert rates[0] == pytest.approx(0.025)
    assert rates[2] == rates[7] == pytest.approx(0.05)
    assert rates[-1] == pytest.approx(0.0125)
    with pytest.raises(OptionError, match="positive"):
        LoopConfig(steps=0)
