"""The ablation's rows: each leaves out what it says and nothing else."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import pytest

from benchmarks.ablation import VARIANTS, _pack
from motionwarp.engines.warping_gan.config import GeneratorLossWeights, PartGeneratorTrainingConfig
from motionwarp.errors import OptionError
from motionwarp.training.pack_samples import PackShare

EVERYTHING = PartGeneratorTrainingConfig(
    (PackShare(Path("a.pack"), 1.0),),
    Path("parser.safetensors"),
    loss=replace(GeneratorLossWeights(), perceptual=0.2, painting=0.5, hedging=20.0, adversarial=0.02, pyramid=0.5),
)
LEFT_OUT = {
    "without parsing": ("network.parsing", False),
    "without warping block": ("network.warping", False),
    "without pixel loss": ("loss.pixel", 0.0),
    "without structure loss": ("loss.structure", 0.0),
    "without perceptual loss": ("loss.perceptual", 0.0),
    "without adversarial loss": ("loss.adversarial", 0.0),
    "without pyramid loss": ("loss.pyramid", 0.0),
}


def flat(values: dict[str, object], prefix: str = "") -> dict[str, object]:
    parts: dict[str, object] = {}
    for name, value in values.items():
        parts |= flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": value}
    return parts


def test_every_row_is_checked() -> None:
    assert set(VARIANTS) == {"full", *LEFT_OUT}
    assert VARIANTS["full"](EVERYTHING) == EVERYTHING


@pytest.mark.parametrize("name", LEFT_OUT)
def test_a_row_changes_one_thing(name: str) -> None:
    before, after = flat(asdict(EVERYTHING)), flat(asdict(VARIANTS[name](EVERYTHING)))
    assert {key: value for key, value in after.items() if before[key] != value} == dict([LEFT_OUT[name]])


def test_packs_are_named_and_there(tmp_path: Path) -> None:
    pack = tmp_path / "x.pack"
    pack.touch()
    assert _pack(f"drawn={pack}") == ("drawn", pack)
    for text in (str(pack), f"={pack}", "drawn=", f"drawn={tmp_path}/y.pack"):
        with pytest.raises(OptionError, match="NAME=PACK"):
            _pack(text)
