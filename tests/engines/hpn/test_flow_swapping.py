"""Clothes changed by a garment's flow: what a flow that leaves everything in place must give."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from flat_people import standing_points

from motionwarp.checkpoints.checkpoint import registry
from motionwarp.engines.hpn.flow import FLOW_FILE, GarmentFlow, GarmentFlowConfig
from motionwarp.engines.hpn.swapping import FlowSwapper
from motionwarp.engines.registry import make_swapper
from motionwarp.errors import NoPersonError, OptionError, WeightsError
from motionwarp.parsing import labels
from motionwarp.types import Pose, SourcePerson

RED, GREEN, BLUE = (200, 30, 30), (30, 160, 60), (30, 40, 200)


def person_in(upper: tuple[int, int, int], lower: tuple[int, int, int]) -> SourcePerson:
    rgb = np.full((256, 192, 3), 120, dtype=np.uint8)
    parsing = np.zeros((256, 192), dtype=np.uint8)
    for rows, columns, kind, color in (
        (slice(20, 60), slice(80, 112), labels.FACE, (220, 180, 150)),
        (slice(60, 125), slice(70, 122), labels.COAT, upper),
        (slice(125, 230), slice(76, 116), labels.PANTS, lower),
    ):
        rgb[rows, columns], parsing[rows, columns] = color, kind
    return SourcePerson(rgb, (parsing > 0).astype(np.float32), Pose(standing_points()), parsing)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    network = GarmentFlow(GarmentFlowConfig(256, 192, (4, 8, 8)))
    network.to_flow.weight.data.zero_()
    path = tmp_path_factory.mktemp("flow") / "hpn_flow.safetensors"
    FLOW_FILE.save(path, network)
    return path


def test_garments_of_the_same_place_change_their_colors_alone(weights: Path) -> None:
    swapper = make_swapper(str(weights))
    assert isinstance(swapper, FlowSwapper)
    person, clothes = person_in(RED, GREEN), person_in(BLUE, RED)
    made = swapper.dress(person, clothes, "all")
    coat, pants = person.parsing == labels.COAT, person.parsing == labels.PANTS
    inner = made.changed > 0.99
    assert np.abs(made.rgb[coat & inner].astype(int) - BLUE).max() < 12
    assert np.abs(made.rgb[pants & inner].astype(int) - RED).max() < 12
    assert (made.rgb[made.changed == 0] == person.rgb[made.changed == 0]).all()
    upper = swapper.dress(person, clothes, "upper")
    assert (upper.rgb[150:220, 80:110] == person.rgb[150:220, 80:110]).all()


def test_where_no_garment_is_of_one_kind_nothing_can_be_carried(weights: Path) -> None:
    person = person_in(RED, GREEN)
    bare = replace(
        person, parsing=np.where(person.parsing == labels.COAT, labels.FACE, person.parsing).astype(np.uint8)
    )
    with pytest.raises(NoPersonError, match="no garment of the same kind"):
        FlowSwapper(weights).dress(person, bare, "upper")


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError):
        FlowSwapper(tmp_path / "missing.safetensors")
    with pytest.raises(OptionError, match="changes no clothes"):
        make_swapper("hpn")


def test_the_weights_that_ship_are_found_by_name() -> None:
    swapper = make_swapper("hpn_flow")
    assert isinstance(swapper, FlowSwapper)
    assert (swapper.height, swapper.width) == (64, 48)
    assert swapper.weights_sha256 == registry()["hpn_flow"].sha256
