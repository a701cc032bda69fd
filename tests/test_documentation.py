"""The documentation: examples in packages' docstrings come out as they say, and paths in the papers are there."""

from __future__ import annotations

import doctest
import importlib
import re
import shutil
from pathlib import Path

import pytest

PACKAGES = sorted(
    ".".join(file.parent.relative_to(Path(__file__).parent.parent).parts)
    for file in (Path(__file__).parent.parent / "motionwarp").rglob("__init__.py")
    if "\n>>> " in file.read_text(encoding="utf-8")
)

PAPERS = ("README.md", "CONTRIBUTING.md", "docs/architecture.md", "docs/guides", "docs/engines")
FOLDERS = {path.name for path in (Path(__file__).parent.parent / "motionwarp").iterdir() if path.is_dir()} | {
    "motionwarp", "cli", "docs", "tests", "weights", "benchmarks", "examples", "analysis", "batch", "networks", "losses",
}  # fmt: skip


@pytest.mark.parametrize("package", PACKAGES)
def test_examples_of_use_do_as_they_say(
    package: str, repository_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(repository_root / "examples", tmp_path / "examples", ignore=shutil.ignore_patterns("*.py"))
    monkeypatch.chdir(tmp_path)
    failed, tried = doctest.testmod(importlib.import_module(package), verbose=False)
    assert tried
    assert not failed


def test_paths_in_the_papers_are_there(repository_root: Path) -> None:
    """A path in backticks is one of the repository or, for short, of the package."""
    missing = []
    for paper in PAPERS:
        files = sorted((repository_root / paper).glob("*.md")) or [repository_root / paper]
        for file in files:
            for path in re.findall(r"`((?:\w+/)+(?:\w+\.\w+)?)`", file.read_text(encoding="utf-8")):
                roots = (repository_root, repository_root / "motionwarp")
                if "NAME" in path or path.split("/")[0] not in FOLDERS:
                    continue
                if not any((root / path).exists() for root in roots):
                    missing.append(f"{file.relative_to(repository_root)}: {path}")
    assert not missing
