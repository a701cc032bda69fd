from __future__ import annotations

from pathlib import Path

import pytest
import torch

from motionwarp.checkpoints.checkpoint import save_checkpoint
from motionwarp.checkpoints.network_file import NetworkFormat, save_networks
from motionwarp.engines.warping_gan.networks import load_warping_networks
from motionwarp.engines.warping_gan_paper.networks import (
    ARCHITECTURE,
    GeometricMatcher,
    GeometricMatcherConfig,
    PaperNetworks,
    PoseGuidedParser,
    PoseGuidedParserConfig,
    WarpingGenerator,
    WarpingGeneratorConfig,
    load_paper_networks,
    save_paper_networks,
)
from motionwarp.errors import WeightsError


def tiny() -> PaperNetworks:
    torch.manual_seed(0)
    return PaperNetworks(
        PoseGuidedParser(PoseGuidedParserConfig(base=2, blocks=1)),
        GeometricMatcher(GeometricMatcherConfig(channels=(4, 4), regression=(4, 4), height=64, width=48)),
        WarpingGenerator(WarpingGeneratorConfig(base=2, blocks=1, parsing=False)),
    )


def test_networks_come_back_as_they_were_written(tmp_path: Path) -> None:
    networks = tiny()
    save_paper_networks(tmp_path / "paper.safetensors", networks, {"step": "7"})
    loaded = load_paper_networks(tmp_path / "paper.safetensors")
    assert loaded.matcher.config == networks.matcher.config
    assert loaded.generator.config.parsing is False
    for name in ("parser", "matcher", "generator"):
        one, other = getattr(networks, name).state_dict(), getattr(loaded, name).state_dict()
        for key, value in one.items():
            assert torch.allclose(value.float(), other[key].float(), atol=2e-3), key
        assert not getattr(loaded, name).training
    assert len(loaded.sha256) == 64


def test_a_file_that_lacks_one_says_which(tmp_path: Path) -> None:
    networks = tiny()
    two = {"parser": networks.parser, "matcher": None, "generator": networks.generator}
    save_networks(tmp_path / "part.safetensors", two, ARCHITECTURE)
    with pytest.raises(WeightsError, match="lacks its matcher"):
        load_paper_networks(tmp_path / "part.safetensors")


def test_the_presets_are_not_mistaken_for_each_other(tmp_path: Path) -> None:
    save_paper_networks(tmp_path / "paper.safetensors", tiny())
    with pytest.raises(WeightsError, match="'warping_gan_paper', not for 'warping_gan'"):
        load_warping_networks(tmp_path / "paper.safetensors")


@pytest.mark.parametrize("config", [{"base": 2, "wings": 2}, {"base": -3}, [1, 2]])
def test_networks_that_cannot_be_made_are_told(tmp_path: Path, config: object) -> None:
    path = tmp_path / "odd.safetensors"
    save_checkpoint(path, {"parser.x": torch.zeros(1)}, ARCHITECTURE, {"parser": config})
    with pytest.raises(WeightsError, match="parser"):
        load_paper_networks(path)


def test_a_file_of_one_network_says_what_it_lacks_and_how_it_is_made(tmp_path: Path) -> None:
    kind = NetworkFormat("tiny", "parser", PoseGuidedParser, PoseGuidedParserConfig, "motionwarp train tiny parser")
    parser = tiny().parser
    kind.save(tmp_path / "whole.safetensors", parser, {"step": "7"})
    read = kind.load(tmp_path / "whole.safetensors")
    assert read.network.config == parser.config
    assert len(read.sha256) == 64
    assert not read.network.training
    save_networks(tmp_path / "other.safetensors", {"generator": tiny().generator}, "tiny")
    with pytest.raises(WeightsError, match=r"holds no parser of tiny\. Train it with `motionwarp train tiny parser`"):
        kind.load(tmp_path / "other.safetensors")
    with pytest.raises(WeightsError, match="tiny"):
        NetworkFormat("huge", "parser", PoseGuidedParser, PoseGuidedParserConfig, "").load(
            tmp_path / "whole.safetensors"
        )
