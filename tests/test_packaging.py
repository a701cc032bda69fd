"""What pyproject.toml promises is what is there: packages, data, scripts, dependencies."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

# the name to import where it is not the name to install
IMPORT_NAMES = {"opencv-python-headless": "cv2"}


@pytest.fixture(scope="module")
def project(repository_root: Path) -> dict[str, Any]:
    content: dict[str, Any] = tomllib.loads((repository_root / "pyproject.toml").read_text(encoding="utf-8"))
    return content


def sources(root: Path) -> list[Path]:
    return sorted([*(root / "motionwarp").rglob("*.py"), *(root / "cli").rglob("*.py")])


def requirement_names(requirements: list[str]) -> set[str]:
    return {re.split(r"[^A-Za-z0-9_-]", requirement)[0] for requirement in requirements}


def test_every_folder_of_code_is_built(repository_root: Path, tmp_path: Path) -> None:
    """What setup.py finds is every folder of code, engines among them, under the names that are installed."""
    found = subprocess.run(
        [sys.executable, "setup.py", "--quiet", "build_py", "--build-lib", str(tmp_path / "lib")],
        cwd=repository_root, env={**os.environ, "PYTHONPATH": ""}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert found.returncode == 0, found.stderr[-500:]
    for folder, name in (("motionwarp", "motionwarp"), ("cli", "motionwarp_cli"), ("weights", "motionwarp_weights")):
        for file in (repository_root / folder).rglob("*.py"):
            assert (tmp_path / "lib" / name / file.relative_to(repository_root / folder)).is_file(), file
    assert list((tmp_path / "lib" / "motionwarp" / "engines").glob("*/configs/*.toml"))
    assert (tmp_path / "lib" / "motionwarp_weights" / "registry.toml").is_file()


def test_every_folder_of_code_is_a_package(repository_root: Path) -> None:
    without = {file.parent for file in sources(repository_root) if not (file.parent / "__init__.py").is_file()}
    assert not without


def test_the_weights_are_package_data(repository_root: Path, project: dict[str, Any]) -> None:
    patterns = project["tool"]["setuptools"]["package-data"]["motionwarp_weights"]
    for file in (repository_root / "weights").iterdir():
        if file.is_file() and file.suffix != ".py":
            assert any(file.match(pattern) for pattern in patterns), f"{file.name} would not be installed"


def test_the_cli_imports_its_own_files_relatively(repository_root: Path) -> None:
    for file in (repository_root / "cli").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                assert node.module is not None
                assert node.module.split(".")[0] not in ("cli", "motionwarp_cli"), f"{file}: {node.module}"


def test_core_imports_are_core_dependencies(repository_root: Path, project: dict[str, Any]) -> None:
    """What is imported at the top of a module must come with a plain installation.

    Extras are imported inside functions.
    """
    core = requirement_names(project["project"]["dependencies"])
    allowed = {IMPORT_NAMES.get(name, name.replace("-", "_")) for name in core}
    allowed |= set(sys.stdlib_module_names) | {"motionwarp"}
    for file in sources(repository_root):
        for name in top_level_imports(file):
            assert name in allowed, (
                f"{file.relative_to(repository_root)} imports {name}, which no core dependency brings"
            )


def top_level_imports(file: Path) -> set[str]:
    names = set()
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module.split(".")[0])
    return names


def test_the_order_of_layers_is_kept(repository_root: Path) -> None:
    """A folder imports only from folders to its left."""
    order = [
        "checkpoints", "media", "pose", "parsing", "geometry", "nn", "inpainting", "body", "motions", "perception",
        "puppet", "avatar",
        "data", "training",
        "engines", "pipeline", "live", "evaluation", "datasets", "ui",
    ]  # fmt: skip
    wrong = []
    for file in sources(repository_root):
        parts = file.relative_to(repository_root).parts
        if parts[0] != "motionwarp":
            continue
        rank = order.index(parts[1]) if parts[1] in order else -1
        if parts[1] in ("__init__.py", "__main__.py"):
            continue  # the public API and the command stand on top of everything
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("motionwarp."):
                layer = node.module.split(".")[1]
                if layer in order and order.index(layer) > rank:
                    wrong.append(f"{file.relative_to(repository_root)} imports {node.module}")
    assert not wrong


def test_the_readme_has_the_commands_that_the_ci_runs(repository_root: Path) -> None:
    readme = (repository_root / "README.md").read_text(encoding="utf-8").splitlines()
    script = (repository_root / ".ci" / "run").read_text(encoding="utf-8")
    for words in re.findall(r'\$\(readme_command "([^"]+)"\)', script):
        lines = [line for line in readme if words in line]
        assert lines, f"README.md has no line with {words!r}"
        assert lines[0].startswith("python3 -m venv .venv && .venv/bin/pip install ")


@pytest.mark.parametrize("paper", ["README.md", "CONTRIBUTING.md", "docs/architecture.md", "docs/guides/transfer.md"])
def test_links_in_the_papers_lead_somewhere(repository_root: Path, paper: str) -> None:
    file = repository_root / paper
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", file.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (file.parent / target).exists(), f"{paper} links to {target}"
