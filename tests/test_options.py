"""Options are declared once, checked by their declaration, and named by errors as Python users know them."""

from __future__ import annotations

import ast
import pickle
import re
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import pytest

from motionwarp.errors import OptionError
from motionwarp.options import ComputeOptions, Options, Panel, changed, documented, info_of, option
from motionwarp.pipeline.options import TransferOptions


@documented
@dataclass(frozen=True, kw_only=True)
class Trial(Options):
    """A few options."""

    level: float = option(0.5, help="How much.", low=0, high=1)
    names: tuple[str, ...] = option((), help="Who.", flags=("--name", "-n"), shown_default="everybody")
    kind: str = option("soft", help="Which.", choices=("soft", "hard"), panel=Panel.LOOK)
    steady: bool = option(True, help="Whether.")
    size: str | int | None = option(None, help="How large.", metavar="N")
    kept: int = 7


def test_values_are_checked_by_their_declaration() -> None:
    for wrong, words in (
        ({"level": 2}, "level=2: is out of range. Give a number from 0 to 1"),
        ({"level": float("nan")}, "level=nan: is out of range"),
        ({"level": "much"}, "level='much': is out of range"),
        ({"kind": "odd"}, "kind='odd': is not a choice. Choose one of soft, hard"),
    ):
        with pytest.raises(OptionError) as caught:
            Trial(**wrong)  # type: ignore[arg-type]
        assert str(caught.value).startswith(words)
        assert caught.value.values == wrong or "nan" in words


def test_numbers_of_numpy_are_numbers() -> None:
    assert Trial(level=np.float32(0.25)).level == 0.25
    assert TransferOptions(seed=np.int64(3), crf=np.int64(20)).seed == 3


def test_the_docstring_lists_what_is_declared() -> None:
    assert "level : float, default 0.5\n    How much. A number from 0 to 1." in (Trial.__doc__ or "")
    assert "kept" not in (Trial.__doc__ or "")


def test_changes_are_known_names() -> None:
    assert changed(Trial(), {"level": 1.0}).level == 1.0
    with pytest.raises(OptionError, match="Perhaps `level` is meant"):
        changed(Trial(), {"levle": 1.0})
    with pytest.raises(OptionError, match="level=3: is out of range"):
        changed(Trial(), {"level": 3})


def test_errors_keep_their_values_between_processes() -> None:
    error = pickle.loads(pickle.dumps(OptionError("is odd", values={"level": 3}, remedy="Use `level=1`")))
    assert (error.values, str(error)) == ({"level": 3}, "level=3: is odd. Use `level=1`")


def test_every_option_of_a_transfer_is_declared_with_a_help() -> None:
    for item in fields(TransferOptions):
        info = info_of(item)
        assert info is not None, item.name
        assert info.help.endswith("."), item.name
    assert issubclass(TransferOptions, ComputeOptions)


def test_the_library_does_not_spell_flags(repository_root: Path) -> None:
    """Python users have no flags; what declares them, and names of other programs' flags, are no messages."""
    found = []
    for path in sorted((repository_root / "motionwarp").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        passed = {id(node.body[0].value) for node in ast.walk(tree) if _has_docstring(node)}  # type: ignore[attr-defined]
        for node in ast.walk(tree):
            if isinstance(node, ast.keyword) and node.arg == "flags":
                passed |= {id(child) for child in ast.walk(node)}
        for node in ast.walk(tree):
            text = node.value if isinstance(node, ast.Constant) and id(node) not in passed else ""
            if isinstance(text, str) and re.search(r"(?<![\w-])--[a-z][a-z-]+(?![\w_])", text):
                found.append(f"{path.relative_to(repository_root)}:{node.lineno}: {text}")
    assert found == []


def _has_docstring(node: ast.AST) -> bool:
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef)
    return isinstance(node, kinds) and ast.get_docstring(node, clean=False) is not None
