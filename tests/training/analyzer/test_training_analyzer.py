from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from motionwarp.checkpoints.checkpoint import load_checkpoint
from motionwarp.config import read_config
from motionwarp.data.packing import samples_of_kind, write_pack
from motionwarp.errors import WeightsError
from motionwarp.perception.network import Analyzer, AnalyzerConfig
from motionwarp.training.analyzer.task import AnalyzerTask, AnalyzerTrainingConfig
from motionwarp.training.loop import run
from motionwarp.training.pack_samples import PackShare
from motionwarp.training.task import LoopConfig

SMALL = AnalyzerConfig(channels=(8, 8, 8, 16, 16), blocks=(1, 1, 1, 1), pyramid_channels=(8, 8, 8), dense_channels=8)
LOOP = LoopConfig(steps=3, batch_size=2, workers=0, log_every=1, warmup_steps=1, decay_steps=1, export_minutes=1e9)


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("packs") / "synthetic.pack"
    write_pack(samples_of_kind("synthetic", Path(), count=3, seed=0), path, progress=lambda done: None)
    return path


def task(config: AnalyzerTrainingConfig) -> AnalyzerTask:
    return AnalyzerTask(config, torch.device("cpu"), torch.float32)


def test_a_run_writes_weights_that_can_be_used_and_begun_from(pack: Path, tmp_path: Path) -> None:
    config = AnalyzerTrainingConfig(packs=(PackShare(pack, 1.0),), network=SMALL, loop=LOOP)
    assert run(task(config), LOOP, tmp_path, report=lambda line: None) == 3
    exported = load_checkpoint(tmp_path / "analyser.safetensors", "analyser")
    exported.load_into(Analyzer(SMALL))
    begun = task(replace(config, start_from=tmp_path / "analyser.safetensors"))
    for name, value in begun.network.state_dict().items():
        np.testing.assert_allclose(value.float(), exported.tensors[name].float(), err_msg=name)
    with pytest.raises(WeightsError, match="does not fit"):
        task(replace(config, network=replace(SMALL, dense_channels=16), start_from=tmp_path / "analyser.safetensors"))


def test_the_guides_configuration_is_one(repository_root: Path, tmp_path: Path) -> None:
    guide = (repository_root / "docs" / "guides" / "training.md").read_text(encoding="utf-8")
    (tmp_path / "analyser.toml").write_text(guide.split("```toml")[1].split("```")[0])
    config = read_config(tmp_path / "analyser.toml", AnalyzerTrainingConfig)
    assert len(config.packs) == 2
    assert config.start_from == tmp_path / "../weights/analyser.safetensors"
