"""Engines by name."""

from __future__ import annotations

import pytest

from motionwarp.engines.base import Engine
from motionwarp.engines.layered import LayeredEngine
from motionwarp.engines.registry import ENGINE_NAMES, make_engine
from motionwarp.errors import OptionError


@pytest.mark.parametrize("name", ENGINE_NAMES)
def test_every_listed_name_makes_an_engine(name: str) -> None:
    assert isinstance(make_engine(name), Engine)


def test_auto_needs_nothing_and_each_call_makes_a_new_one() -> None:
    first, second = make_engine("auto"), make_engine("auto")
    assert isinstance(first, LayeredEngine)
    assert first is not second


def test_unknown_names_are_refused_with_the_choices() -> None:
    with pytest.raises(OptionError) as raised:
        make_engine("laired")
    assert raised.value.exit_code == 2
    for name in ("laired", *ENGINE_NAMES):
        assert name in str(raised.value)
