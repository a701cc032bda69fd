from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from motionwarp.config import read_config
from motionwarp.errors import OptionError


@dataclass(frozen=True)
class Inner:
    rate: float = 0.5
    sizes: tuple[int, ...] = (1, 2)


@dataclass(frozen=True)
class Outer:
    folder: Path
    inner: Inner = field(default_factory=Inner)
    parts: tuple[Inner, ...] = ()
    limit: float | None = None
    name: str = "a"


def config(tmp_path: Path, text: str) -> Outer:
    (tmp_path / "c.toml").write_text(text)
    return read_config(tmp_path / "c.toml", Outer)


def test_tables_arrays_paths_and_numbers_become_the_dataclass(tmp_path: Path) -> None:
    text = "folder = 'x/y'\nlimit = 3\n[inner]\nrate = 2\nsizes = [4, 5, 6]\n[[parts]]\nrate = 0.25\n[[parts]]\n"
    got = config(tmp_path, text)
    assert got == Outer(tmp_path / "x/y", Inner(2.0, (4, 5, 6)), (Inner(0.25), Inner()), 3.0)
    assert isinstance(got.inner.rate, float)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("folder = 'x'\nnmae = 'b'", "'nmae' is not known"),
        ("folder = 'x'\n[inner]\nspeed = 1", r"'inner.speed' is not known"),
        ("name = 'b'", "'folder' is missing"),
        ("folder = 'x'\nname = 3", "'name' must be of type str"),
        ("folder = 'x'\ninner = 3", "'inner' must be a table"),
        ("folder = 'x'\n[inner]\nsizes = [1, 'a']", r"inner.sizes\[1\]"),
        ("folder = ", "cannot be read"),
    ],
)
def test_mistakes_are_named_with_their_place(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        config(tmp_path, text)


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="cannot be read"):
        read_config(tmp_path / "none.toml", Outer)
