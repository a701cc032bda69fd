"""What others' packages motionwarp stands on: the lock file fits pyproject.toml, and licenses are told."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import PathDistribution
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from motionwarp.licenses import UNKNOWN, installed_dependencies, license_of

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

SYSTEMS = {
    "linux": ("Linux", "posix", "x86_64"), "darwin": ("Darwin", "posix", "arm64"), "win32": ("Windows", "nt", "AMD64"),
}  # fmt: skip
ENVIRONMENTS = [
    {
        "python_version": python,
        "python_full_version": f"{python}.5",
        "sys_platform": system,
        "platform_system": name,
        "os_name": os_name,
        "platform_machine": machine,
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "extra": "",
    }
    for python in ("3.10", "3.11", "3.12", "3.13")
    for system, (name, os_name, machine) in SYSTEMS.items()
]


@pytest.fixture(scope="module")
def project(repository_root: Path) -> dict[str, Any]:
    content: dict[str, Any] = tomllib.loads((repository_root / "pyproject.toml").read_text(encoding="utf-8"))
    return content["project"]


@pytest.fixture(scope="module")
def locked(repository_root: Path) -> list[Requirement]:
    text = (repository_root / "requirements-dev.txt").read_text(encoding="utf-8")
    return [Requirement(line.rstrip(" \\")) for line in text.splitlines() if re.match(r"[A-Za-z0-9]", line)]


def wanted(project: dict[str, Any], extras: list[str]) -> Iterator[Requirement]:
    """Yield what the core and these extras ask for, extras of our own followed."""
    for text in project["dependencies"]:
        yield Requirement(text)
    waiting, seen = list(extras), set()
    while waiting:
        extra = waiting.pop()
        if extra in seen:
            continue
        seen.add(extra)
        for text in project["optional-dependencies"][extra]:
            requirement = Requirement(text)
            if requirement.name == "motionwarp":
                waiting += sorted(requirement.extras)
            else:
                yield requirement


def test_the_lock_file_fits_what_is_asked_for(
    repository_root: Path, project: dict[str, Any], locked: list[Requirement]
) -> None:
    """In every system and Python that are allowed each requirement has just one version, and it fits."""
    extras = re.findall(r"--extra (\w+)", (repository_root / ".ci" / "lock").read_text(encoding="utf-8"))
    assert {"dev", "docs"} <= set(extras)
    for requirement in wanted(project, extras):
        name = canonicalize_name(requirement.name)
        entries = [entry for entry in locked if canonicalize_name(entry.name) == name]
        for environment in ENVIRONMENTS:
            if requirement.marker is not None and not requirement.marker.evaluate(environment):
                continue
            chosen = [entry for entry in entries if entry.marker is None or entry.marker.evaluate(environment)]
            told = f"{requirement} on {environment['sys_platform']}, Python {environment['python_version']}"
            assert len(chosen) == 1, f"{told}: {[str(entry) for entry in chosen]}; run .ci/lock"
            (version,) = chosen[0].specifier
            assert requirement.specifier.contains(Version(version.version)), f"{told}: {chosen[0]}; run .ci/lock"


def test_a_requirement_that_is_not_locked_would_be_seen(project: dict[str, Any], locked: list[Requirement]) -> None:
    changed = {**project, "dependencies": [*project["dependencies"], "numpy>=99"]}
    numpy = next(entry for entry in locked if entry.name == "numpy")
    (version,) = numpy.specifier
    assert not all(
        requirement.specifier.contains(Version(version.version))
        for requirement in wanted(changed, [])
        if requirement.name == "numpy"
    )


def test_every_entry_has_checksums_and_comes_from_no_place(repository_root: Path) -> None:
    text = (repository_root / "requirements-dev.txt").read_text(encoding="utf-8")
    assert "://" not in text
    assert "--index-url" not in text
    blocks = re.split(r"\n(?=[A-Za-z0-9])", text)[1:]
    assert len(blocks) > 50
    for block in blocks:
        assert re.match(r"[\w.-]+==\S+", block), block.splitlines()[0]
        assert "--hash=sha256:" in block, block.splitlines()[0]


def package(folder: Path, *lines: str) -> PathDistribution:
    info = folder / "some-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("\n".join(["Metadata-Version: 2.4", "Name: some", "Version: 1.0", *lines, ""]))
    return PathDistribution(info)


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (["License-Expression: MIT OR Apache-2.0", "License: other"], "MIT OR Apache-2.0"),
        (["Classifier: License :: OSI Approved :: BSD License", "License: BSD"], "BSD License"),
        (["Classifier: License :: OSI Approved", "License: GPL-3.0"], "GPL-3.0"),
        (["Classifier: License :: Public Domain"], "Public Domain"),
        (["License: MIT License\n        Permission is hereby granted"], "MIT License"),
        (["License: " + "x" * 500], "x" * 80),
        (["License: UNKNOWN"], UNKNOWN),
        ([], UNKNOWN),
        (["License: \x1b[31mred"], " [31mred"),
    ],
)
def test_licenses_are_read_from_metadata(tmp_path: Path, lines: list[str], told: str) -> None:
    assert license_of(package(tmp_path, *lines)) == told


def test_all_that_is_asked_for_and_installed_is_listed(project: dict[str, Any]) -> None:
    found = {canonicalize_name(entry.name): entry for entry in installed_dependencies()}
    for text in project["dependencies"]:
        requirement = Requirement(text)
        if requirement.marker is None:
            entry = found[canonicalize_name(requirement.name)]
            assert "motionwarp" in entry.needed_by
            assert entry.license != UNKNOWN
    assert "motionwarp[test]" in found["pytest"].needed_by
    assert "pytest" in found["pluggy"].needed_by
    assert "motionwarp" not in found
    assert list(found) == sorted(found)


def test_the_command_lists_them(motionwarp_json: Callable[..., Any]) -> None:
    packages = motionwarp_json("doctor", "--licenses", "--json")["packages"]
    assert {"torch", "av", "numpy"} <= {each["name"] for each in packages}
    assert all(each["license"] for each in packages)


@pytest.fixture
def motionwarp_json() -> Callable[..., Any]:
    from typer.testing import CliRunner

    from motionwarp.__main__ import command_line

    def run(*arguments: str) -> Any:
        result = CliRunner().invoke(command_line().app, list(arguments), prog_name="motionwarp")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    return run
