"""The rows of HPN's and RATE-Net's ablations: each changes what its paper says and nothing else."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from benchmarks.pair_ablations import HPN_ROWS, RATE_NET_ROWS
from motionwarp.engines.hpn.config import HpnTrainingConfig
from motionwarp.engines.rate_net.config import RateNetTrainingConfig
from motionwarp.training.pack_samples import PackShare

PACKS = (PackShare(Path("a.pack"), 1.0),)
FULL: dict[str, Any] = {"hpn": HpnTrainingConfig(PACKS), "rate_net": RateNetTrainingConfig(PACKS)}
ROWS: dict[str, Any] = {"hpn": HPN_ROWS, "rate_net": RATE_NET_ROWS}
CHANGES: dict[tuple[str, str], dict[str, object]] = {
    ("hpn", "baseline"): {"network.first_resolution": 1024, "loss.descriptors": 0},
    ("hpn", "LD"): {"network.first_resolution": 1024},
    ("hpn", "PT"): {"loss.descriptors": 0},
    ("hpn", "LD+PT"): {},
    ("rate_net", "PB only"): {"network.texture": False},
    ("rate_net", "PB fixed"): {"pose_weights": Path("only.safetensors")},
    ("rate_net", "texture 64-dim"): {"network.code": 64},
    ("rate_net", "full"): {},
}


def flat(values: dict[str, object], prefix: str = "") -> dict[str, object]:
    parts: dict[str, object] = {}
    for name, value in values.items():
        parts |= flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": value}
    return parts


def test_every_row_is_checked() -> None:
    assert {(system, row) for system, rows in ROWS.items() for row in rows} == set(CHANGES)


@pytest.mark.parametrize(("system", "row"), CHANGES)
def test_a_row_changes_what_the_paper_changes(system: str, row: str) -> None:
    full = FULL[system]
    changed = ROWS[system][row](full, {"PB only": Path("only.safetensors")})
    before, after = flat(asdict(full)), flat(asdict(changed))
    assert {key: value for key, value in after.items() if before[key] != value} == CHANGES[system, row]
