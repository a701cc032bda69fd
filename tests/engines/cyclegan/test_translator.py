"""A translation at work: sizes, tiles, and that clips do not flicker."""

from __future__ import annotations

import itertools
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch

from motionwarp.checkpoints.checkpoint import save_checkpoint
from motionwarp.engines.cyclegan.engine import Translator, tiles_of
from motionwarp.engines.cyclegan.networks import ARCHITECTURE, TranslationConfig, Translators
from motionwarp.errors import WeightsError
from motionwarp.types import ByteArray

CONFIG = TranslationConfig(base=4, blocks=1, height=32, width=24)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(1)
    networks = Translators(CONFIG)
    for parameter in networks.parameters():
        parameter.data.mul_(4)  # a random start paints nearly plain gray
    path = tmp_path_factory.mktemp("weights") / "cyclegan.safetensors"
    save_checkpoint(path, networks.state_dict(), ARCHITECTURE, {"network": asdict(CONFIG)})
    return path


def noise(height: int, width: int, seed: int = 0) -> ByteArray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)


@pytest.mark.parametrize("size", [(32, 24), (64, 48), (33, 90), (200, 20), (7, 9)])
def test_pictures_keep_their_size(weights: Path, size: tuple[int, int]) -> None:
    translator = Translator(weights, "a2b")
    made = translator.picture(noise(*size))
    assert made.shape == (*size, 3)
    assert made.dtype == np.uint8
    assert (made == translator.picture(noise(*size))).all()
    assert not (made == Translator(weights, "b2a").picture(noise(*size))).all()


def test_tiles_cover_everything_and_overlap_by_half() -> None:
    for height, width in ((32, 24), (33, 24), (100, 25), (64, 64)):
        tiles = tiles_of(height, width, 32, 24)
        covered = np.zeros((height, width), dtype=int)
        for tile in tiles:
            covered[tile.window] += 1
        assert covered.min() >= 1
        tops = sorted({tile.top for tile in tiles})
        assert all(after - before <= 16 for before, after in itertools.pairwise(tops))
    assert len(tiles_of(32, 24, 32, 24)) == 1
    assert len(tiles_of(16, 12, 32, 24)) == 1


def test_what_is_trained_on_is_what_is_seen(weights: Path) -> None:
    translator = Translator(weights, "a2b")
    assert translator.working_size(320, 240) == (32, 24)
    assert translator.working_size(320, 480) == (32, 48)
    assert Translator(weights, "a2b", zoom=2).working_size(320, 240) == (64, 48)


def test_a_still_clip_stands_still_and_noise_flickers_less(weights: Path) -> None:
    translator = Translator(weights, "a2b")
    still = list(translator.clip(iter([noise(32, 24)] * 3)))
    assert (still[0] == still[1]).all()
    assert (still[0] == still[2]).all()

    # brightness that jumps is what instance norm makes flicker: only a corner changes, the rest must stay
    frames = []
    for number in range(6):
        frame = noise(32, 24)
        frame[:16] = 255 * (number % 2)
        frames.append(frame)
    steady = np.stack(list(translator.clip(iter(frames)))).astype(float)[1:, 26:]
    alone = np.stack([translator.picture(frame) for frame in frames]).astype(float)[1:, 26:]
    assert np.abs(np.diff(steady, axis=0)).mean() < 0.6 * np.abs(np.diff(alone, axis=0)).mean()


def test_files_of_other_networks_are_refused(weights: Path, tmp_path: Path) -> None:
    with pytest.raises(WeightsError):
        Translator(tmp_path / "missing.safetensors", "a2b")
    other = tmp_path / "other.safetensors"
    save_checkpoint(other, {"x": torch.zeros(1)}, "fcn", {})
    with pytest.raises(WeightsError, match="'fcn', not for 'cyclegan'"):
        Translator(other, "a2b")
    strange = tmp_path / "strange.safetensors"
    save_checkpoint(strange, {"x": torch.zeros(1)}, ARCHITECTURE, {"network": {"base": 4, "depth": 2}})
    with pytest.raises(WeightsError, match="cannot be made"):
        Translator(strange, "a2b")
