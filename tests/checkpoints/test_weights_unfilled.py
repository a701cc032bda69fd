"""Networks without their random first values: what is left out, what is not, and what it spares."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import torch
from torch import nn

from motionwarp.checkpoints.checkpoint import SkipInit, load_checkpoint, save_checkpoint


class Everything(nn.Module):
    """All that networks of this project are made of, with values of their own here and there."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(3, 4, 3)
        self.linear = nn.Linear(5, 6)
        self.embedding = nn.Embedding(7, 8)
        self.norm = nn.BatchNorm2d(4)
        nn.init.normal_(self.linear.weight, std=1e-3)
        nn.init.kaiming_normal_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)
        self.fixed = nn.Parameter(torch.arange(3.0))
        self.register_buffer("unsaved", torch.full((2,), 5.0), persistent=False)


def test_nothing_random_is_drawn_and_all_else_is_done() -> None:
    before = torch.random.get_rng_state()
    with SkipInit():
        network = Everything()
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.equal(network.fixed, torch.arange(3.0))
    assert torch.equal(network.norm.weight, torch.ones(4))
    assert torch.equal(network.linear.bias, torch.zeros(6))
    assert torch.equal(network.get_buffer("unsaved"), torch.full((2,), 5.0))
    Everything()
    assert not torch.equal(torch.random.get_rng_state(), before)


def test_a_network_from_a_file_is_the_one_that_was_saved(tmp_path: Path) -> None:
    saved = Everything()
    path = save_checkpoint(tmp_path / "all.safetensors", saved.state_dict(), "all", {})
    before = torch.random.get_rng_state()
    network = load_checkpoint(path, "all").made(Everything)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert network.state_dict().keys() == saved.state_dict().keys()
    for name, tensor in saved.state_dict().items():
        assert torch.equal(network.state_dict()[name], tensor), name
    assert torch.equal(network.get_buffer("unsaved"), torch.full((2,), 5.0))


def test_loading_what_ships_leaves_the_compiler_alone(repository_root: Path) -> None:
    """Its import, and that of SymPy, takes as long as all the rest of a start."""
    code = (
        "import sys; from motionwarp.engines.registry import make_engine; make_engine('warping_gan'); "
        "print('LOADED', sorted({'torch._dynamo', 'torch._inductor', 'sympy'} & set(sys.modules)))"
    )
    environment = {**os.environ, "PYTHONPATH": str(repository_root)}
    result = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=120, check=True
    )
    assert result.stdout == "LOADED []\n"
