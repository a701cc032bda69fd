"""The documentation: what packages' docstrings show can be run and comes out as they say."""

from __future__ import annotations

import doctest
import importlib
import shutil
from pathlib import Path

import pytest

PACKAGES = sorted(
    ".".join(file.parent.relative_to(Path(__file__).parent.parent).parts)
    for file in (Path(__file__).parent.parent / "motionwarp").rglob("__init__.py")
    if "\n>>> " in file.read_text(encoding="utf-8")
)


@pytest.mark.parametrize("package", PACKAGES)
def test_examples_of_use_do_as_they_say(
    package: str, repository_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(repository_root / "examples", tmp_path / "examples", ignore=shutil.ignore_patterns("*.py"))
    monkeypatch.chdir(tmp_path)
    failed, tried = doctest.testmod(importlib.import_module(package), verbose=False)
    assert tried
    assert not failed
