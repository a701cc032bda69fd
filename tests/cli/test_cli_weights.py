"""`motionwarp weights`."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch

from motionwarp.checkpoints.checkpoint import save_checkpoint
from motionwarp.checkpoints.registry import read_registry, registry

Run = Callable[..., Any]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of weights of one's own, which the command line takes for the installation's."""
    folder = tmp_path / "weights"
    folder.mkdir()
    (folder / "registry.toml").write_text("version = 1\n", encoding="utf-8")
    cli_weights = import_module("motionwarp_cli.weights")
    monkeypatch.setattr(cli_weights, "registry", lambda: read_registry(folder))
    monkeypatch.setattr(cli_weights, "weights_folder", lambda: folder)
    monkeypatch.setenv("MOTIONWARP_CACHE", str(tmp_path / "cache"))
    return folder


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    return save_checkpoint(tmp_path / "toy.safetensors", {"w": torch.zeros(4)}, "toy", {})


def test_the_list_names_everything_registered(motionwarp: Run) -> None:
    listed = motionwarp("weights", "list").stdout
    facts = json.loads(motionwarp("weights", "list", "--json").stdout)["weights"]
    assert [fact["name"] for fact in facts] == list(registry().entries)
    for fact in facts:
        assert fact["name"] in listed
        assert fact["licence"] in listed


def test_add_verify_path(motionwarp: Run, folder: Path, toy: Path) -> None:
    added = motionwarp("weights", "add", toy, "--name", "mine", "--licence", "MIT")
    assert added.exit_code == 0
    assert "toy" in added.stdout
    assert motionwarp("weights", "path", "mine").stdout.strip() == str(folder / "mine.safetensors")
    assert motionwarp("weights", "verify").stdout.strip() == "mine: whole"

    with (folder / "mine.safetensors").open("ab") as file:
        file.write(b"x")
    damaged = motionwarp("weights", "verify", "--json")
    assert damaged.exit_code == 2
    assert json.loads(damaged.stdout)["weights"][0]["state"] == "damaged or missing"
    assert "truncated or replaced" in damaged.stderr
    assert motionwarp("weights", "path", "mine").exit_code == 2


def test_unknown_names_are_bad_input(motionwarp: Run, folder: Path) -> None:
    for command in ("verify", "path", "pull"):
        result = motionwarp("weights", command, "nothing")
        assert result.exit_code == 2
        assert "nothing: no weights of this name" in result.stderr


def test_add_refuses_what_is_no_checkpoint(motionwarp: Run, folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.safetensors"
    other.write_bytes(b"not weights at all")
    before = (folder / "registry.toml").read_bytes()
    assert motionwarp("weights", "add", other).exit_code == 2
    assert (folder / "registry.toml").read_bytes() == before


def test_add_refuses_an_installed_copy(
    motionwarp: Run, toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        import_module("motionwarp_cli.weights"), "weights_folder", lambda: tmp_path / "motionwarp_weights"
    )
    result = motionwarp("weights", "add", toy)
    assert result.exit_code == 2
    assert "not a checkout" in result.stderr


def test_pull_from_a_mirror_and_offline(
    motionwarp: Run, folder: Path, toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    motionwarp("weights", "add", toy)
    (folder / "toy.safetensors").unlink()
    with (folder / "registry.toml").open("a", encoding="utf-8") as file:
        file.write('url = "https://example.invalid/toy.safetensors"\n')
    assert "to be pulled" in motionwarp("weights", "list").stdout
    assert motionwarp("weights", "verify").stdout.strip() == "toy: not fetched"
    refused = motionwarp("weights", "pull", "--offline")
    assert refused.exit_code == 2
    assert "not to be used" in refused.stderr

    monkeypatch.setenv("MOTIONWARP_MIRROR", str(toy.parent))
    pulled = motionwarp("weights", "pull", "toy")
    assert pulled.exit_code == 0
    assert Path(pulled.stdout.strip()) == tmp_path / "cache" / "toy.safetensors"
    assert Path(pulled.stdout.strip()).read_bytes() == toy.read_bytes()
    assert motionwarp("weights", "verify").stdout.strip() == "toy: whole"
