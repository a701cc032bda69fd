"""The table of networks, and what data cost beside them."""

from __future__ import annotations

import json

import pytest
import torch
from typer.testing import CliRunner

from benchmarks.__main__ import app
from benchmarks.sizes import NETWORKS
from motionwarp.engines.warping_gan.networks import PartGenerator


def test_a_networks_operations_do_not_depend_on_the_batch_and_its_parameters_are_counted() -> None:
    one, two = (
        json.loads(
            CliRunner().invoke(app, ["sizes", "--only", "parts: stage II", "--batch", batch, "--repeats", "1"]).stdout
        )
        for batch in ("1", "2")
    )
    first, second = (each["networks"]["parts: stage II"] for each in (one, two))
    assert first["gflop_a_frame"] == pytest.approx(second["gflop_a_frame"])
    assert first["parameters"] == sum(parameter.numel() for parameter in PartGenerator().parameters())
    assert first["fp32"]["ms"] > 0
    assert first["bf16"]["ms"] > 0


@pytest.mark.parametrize("name", [name for name in NETWORKS if name.startswith(("analyser", "parts"))])
def test_networks_take_the_inputs_that_are_timed(name: str) -> None:
    make, shapes = NETWORKS[name]
    with torch.inference_mode():
        assert make().eval()(*(torch.rand(1, *shape) for shape in shapes)) is not None


def test_drawing_reading_and_learning_are_timed_a_sample() -> None:
    result = CliRunner().invoke(app, ["feeding", "--count", "2", "--batch-size", "2"])
    assert result.exit_code == 0, result.stderr
    each = json.loads(result.stdout)["each"]
    assert set(each) == {
        "drawn picture",
        "drawn pair, cut and warped",
        "sample of a pack",
        "stage I learns",
        "stage II learns",
    }
    # a pair is two pictures and more; a sample that lies in a pack costs a fraction of making it
    assert each["drawn pair, cut and warped"]["cpu_ms"] > each["drawn picture"]["cpu_ms"]
    assert each["sample of a pack"]["cpu_ms"] < each["drawn pair, cut and warped"]["cpu_ms"]
