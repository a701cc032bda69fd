"""Which packages motionwarp stands on here, and under which licenses: from what they say in their metadata."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageMetadata, PackageNotFoundError, distribution
from pathlib import Path
from typing import Final

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

OWN: Final = "motionwarp"
UNKNOWN: Final = "not said"
_REQUIREMENT: Final = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[([^\]]*)\])?[^;]*(?:;(.*))?", re.DOTALL)
_EXTRA: Final = re.compile(r"""extra\s*==\s*["']([^"']+)["']""")
_CLASSIFIER: Final = "License :: "
_LONGEST: Final = 80  # some put the whole text of the license where its name belongs


@dataclass(frozen=True)
class Dependency:
    """One installed package.

    Attributes
    ----------
    name, version : str
    license : str
        As its metadata say: an SPDX expression, names of trove classifiers, or words; `UNKNOWN` if nothing is said.
    needed_by : tuple of str
        The packages among the dependencies that ask for it, in order; "motionwarp", or "motionwarp[EXTRA]", among them.
    """

    name: str
    version: str
    license: str
    needed_by: tuple[str, ...]


def installed_dependencies() -> list[Dependency]:
    """Return every installed package that motionwarp or one of its extras asks for, also by way of others, by name.

    Markers are not evaluated: what is installed and named counts.
    """
    found: dict[str, Distribution] = {}
    wanted_by: dict[str, set[str]] = {}
    waiting = _own_requirements()
    seen: set[tuple[str, str]] = set()
    while waiting:
        name, extras, asker = waiting.pop()
        try:
            package = distribution(name)
        except PackageNotFoundError:
            continue
        key = _normalized(name)
        wanted_by.setdefault(key, set()).add(asker)
        found[key] = package
        for extra in {"", *extras}:
            if (key, extra) not in seen:
                seen.add((key, extra))
                waiting += [(*asked, key) for asked in _asked(package.requires or [], extra)]
    return [
        Dependency(_name(package), package.version, license_of(package), tuple(sorted(wanted_by[key])))
        for key, package in sorted(found.items())
    ]


def license_of(package: Distribution) -> str:
    """Return the license that a package names: the SPDX expression (PEP 639), else classifiers, else words."""
    metadata = package.metadata
    told = _field(metadata, "License-Expression")
    if not told:
        classified = [text for text in metadata.get_all("Classifier") or [] if text.startswith(_CLASSIFIER)]
        # the last part is the name; "OSI Approved" alone is none
        names = [text.rpartition(" :: ")[2] for text in classified if text.count("::") > 1 or "Approved" not in text]
        told = ", ".join(names)
    if not told:
        words = _field(metadata, "License").strip().splitlines()
        told = words[0].strip() if words else ""
    told = "".join(letter if letter.isprintable() else " " for letter in told)
    return told[:_LONGEST] if told and told.upper() != "UNKNOWN" else UNKNOWN


def _field(metadata: PackageMetadata, name: str) -> str:
    return str((metadata.get_all(name) or [""])[0])


def _own_requirements() -> list[tuple[str, tuple[str, ...], str]]:
    """Return what motionwarp and its extras ask for, as (name, extras, asker)."""
    project = Path(__file__).resolve().parent.parent / "pyproject.toml"
    if project.is_file():  # a checkout, whose file is newer than what was once installed
        content = tomllib.loads(project.read_text(encoding="utf-8"))["project"]
        extras = content.get("optional-dependencies", {})
        own = [(*asked, OWN) for asked in _asked(content["dependencies"], "")]
        for extra, requirements in extras.items():
            own += [(*asked, f"{OWN}[{extra}]") for asked in _asked(requirements, "")]
    else:
        package = distribution(OWN)
        requirements = package.requires or []
        own = [(*asked, OWN) for asked in _asked(requirements, "")]
        for extra in package.metadata.get_all("Provides-Extra") or []:
            own += [(*asked, f"{OWN}[{extra}]") for asked in _asked(requirements, extra)]
    return [asked for asked in own if _normalized(asked[0]) != OWN]


def _asked(requirements: Iterable[str], extra: str) -> list[tuple[str, tuple[str, ...]]]:
    """Return names and extras of the requirements that an extra adds, or of the plain ones for ''."""
    asked = []
    for requirement in requirements:
        match = _REQUIREMENT.match(requirement)
        if match is None:
            continue
        marked = _EXTRA.search(match[3] or "")
        if (marked[1] if marked else "") == extra:
            asked.append((match[1], tuple(part.strip() for part in (match[2] or "").split(",") if part.strip())))
    return asked


def _name(package: Distribution) -> str:
    return package.metadata["Name"]


def _normalized(name: str) -> str:
    """Return a name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()
