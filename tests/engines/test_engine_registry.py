"""Engines by name."""

from __future__ import annotations

import pytest

from motionwarp.checkpoints.checkpoint import registry
from motionwarp.engines.base import Engine
from motionwarp.engines.layered.engine import LayeredEngine
from motionwarp.engines.registry import ENGINE_NAMES, make_engine
from motionwarp.engines.warping_gan.engine import WarpingGanEngine
from motionwarp.errors import OptionError


@pytest.mark.parametrize("name", ENGINE_NAMES)
def test_every_listed_name_makes_an_engine(name: str) -> None:
    assert isinstance(make_engine(name), Engine)


def test_auto_is_the_trained_engine_and_each_call_makes_a_new_one() -> None:
    first, second = make_engine("auto"), make_engine("auto")
    assert isinstance(first, WarpingGanEngine)
    assert first is not second
    assert first.weights_sha256 == registry()["warping_gan"].sha256


def test_the_training_free_engine_is_there_by_name() -> None:
    assert isinstance(make_engine("layered"), LayeredEngine)


def test_unknown_names_are_refused_with_the_choices() -> None:
    with pytest.raises(OptionError) as raised:
        make_engine("laired")
    assert raised.value.exit_code == 2
    for name in ("laired", *ENGINE_NAMES):
        assert name in str(raised.value)
