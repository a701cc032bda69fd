"""All engines by name: those of this package, and those that other distributions bring by an entry point.

Light: finding engines imports neither networks nor PyTorch.
"""

from __future__ import annotations

import importlib.metadata
import pkgutil
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final

import motionwarp.engines
from motionwarp.data.pack_kinds import ANALYZER_PACKS, LIFTER_PACKS, PAIR_PACKS, PackKind
from motionwarp.engines.spec import EngineSpec
from motionwarp.errors import EngineWarning, OptionError, WeightsError
from motionwarp.version import __version__

if TYPE_CHECKING:
    from motionwarp.engines.base import Engine
    from motionwarp.engines.swapping import ClothesSwapper

ENTRY_POINTS: Final = "motionwarp.engines"
AUTO: Final = "auto"
_OWN: Final = f"motionwarp {__version__}"
_WEIGHTS_ENDING: Final = ".safetensors"


@dataclass(frozen=True)
class EngineCatalog:
    """The engines that there are.

    Attributes
    ----------
    specs : mapping of str to EngineSpec
        By name; those that `--engine auto` prefers come first.
    distributions : mapping of str to str
        Name and version of the distribution that brings each, such as "motionwarp 0.1.0"; by the engine's name.
    problems : tuple of str
        What keeps engines of other distributions from being used, as sentences that name the distribution.
    """

    specs: Mapping[str, EngineSpec]
    distributions: Mapping[str, str]
    problems: tuple[str, ...] = ()

    def of_architecture(self, architecture: str) -> EngineSpec | None:
        """Return the engine that loads weights of an architecture, or None."""
        return next((spec for spec in self.specs.values() if architecture in spec.architectures), None)


@dataclass(frozen=True)
class _Found:
    """One spec and who brings it."""

    spec: EngineSpec
    distribution: str

    @property
    def claims(self) -> frozenset[tuple[str, str]]:
        """What no two engines may share."""
        return frozenset(
            [("the engine", self.spec.name)]
            + [("the architecture", name) for name in self.spec.architectures]
            + [("the kind of pack", name) for name in self.spec.packs]
        )


@cache
def catalog() -> EngineCatalog:
    """Return all engines, looked for once; what cannot be used is left out with an `EngineWarning`."""
    own = list(_own_engines())
    others, problems = _engines_of_others()
    taken = {claim: _OWN for found in own for claim in found.claims}
    taken |= {("the kind of pack", name): _OWN for name in (*ANALYZER_PACKS, *PAIR_PACKS)}
    # two that claim the same: neither is preferred by chance, so that both are left out
    claimed: dict[tuple[str, str], list[str]] = {}
    for found in others:
        for claim in found.claims:
            claimed.setdefault(claim, []).append(found.distribution)
    usable = list(own)
    for found in others:
        rivals = {claim: [taken[claim]] for claim in found.claims if claim in taken} or {
            claim: claimed[claim] for claim in found.claims if len(claimed[claim]) > 1
        }
        if not rivals:
            usable.append(found)
            continue
        (what, name), holders = min(rivals.items())
        holder = " and ".join(each for each in holders if each != found.distribution) or found.distribution
        problems.append(
            f"The engine '{found.spec.name}' of {found.distribution} is left out: {what} '{name}' is also of {holder}."
        )
    for problem in problems:
        warnings.warn(problem, EngineWarning, stacklevel=2)
    usable.sort(key=_preference)
    return EngineCatalog(
        {found.spec.name: found.spec for found in usable},
        {found.spec.name: found.distribution for found in usable},
        tuple(problems),
    )


def _preference(found: _Found) -> tuple[bool, int, str]:
    order = found.spec.auto_order
    return order is None, order or 0, found.spec.name


def _own_engines() -> Iterator[_Found]:
    for module in pkgutil.iter_modules(motionwarp.engines.__path__):
        if module.ispkg:
            spec = getattr(import_module(f"{motionwarp.engines.__name__}.{module.name}"), "SPEC", None)
            if spec is not None:
                yield _Found(spec, _OWN)


def _engines_of_others() -> tuple[list[_Found], list[str]]:
    """Return the specs of entry points, and what is wrong with those that give none."""
    found, problems = [], []
    entries = importlib.metadata.entry_points(group=ENTRY_POINTS)
    for entry in sorted(entries, key=lambda each: (each.name, each.value)):
        owner = "a distribution without a name" if entry.dist is None else f"{entry.dist.name} {entry.dist.version}"
        try:
            spec = entry.load()
        except Exception as error:  # whatever another's code does, the other engines work
            problems.append(
                f"The engine '{entry.name}' of {owner} is left out: {entry.value} cannot be imported "
                f"({type(error).__name__}: {error})."
            )
            continue
        if not isinstance(spec, EngineSpec):
            problems.append(
                f"The engine '{entry.name}' of {owner} is left out: {entry.value} is {type(spec).__name__}, "
                "not EngineSpec."
            )
            continue
        found.append(_Found(spec, owner))
    return found, problems


def engine_choices() -> tuple[str, ...]:
    """Return the names that `--engine` takes without a file of weights, "auto" first."""
    return (AUTO, *(spec.name for spec in catalog().specs.values() if spec.stands_alone and spec.moves_people))


def swapper_choices() -> tuple[str, ...]:
    """Return the names that `--engine` of `swap` takes without a file of weights."""
    return tuple(spec.name for spec in catalog().specs.values() if spec.stands_alone and spec.changes_clothes)


def swapper_help() -> str:
    """Return what the help of `swap` says of `--engine`."""
    trained = [spec.name for spec in catalog().specs.values() if spec.architectures and spec.changes_clothes]
    files = f", or a file of weights (of {', '.join(trained)})" if trained else ""
    return f"{', '.join(swapper_choices())}{files}."


def engine_help() -> str:
    """Return what the help says of `--engine`."""
    trained = [spec.name for spec in catalog().specs.values() if spec.architectures and spec.moves_people]
    return f"{', '.join(engine_choices())}, or a file of weights (of {', '.join(trained)})."


def is_own(name: str) -> bool:
    """Return whether an engine is of this package."""
    return catalog().distributions[name] == _OWN


def find_spec(name: str) -> EngineSpec:
    """Return the spec of an engine.

    Parameters
    ----------
    name : str
        "auto" is the engine that is preferred.

    Raises
    ------
    OptionError
        If there is no such engine; what keeps others' engines from being used is said then.
    """
    specs = catalog().specs
    if name == AUTO:
        return next(spec for spec in specs.values() if spec.auto_order is not None)
    if name not in specs:
        raise OptionError(
            "there is no such engine",
            values={"engine": name},
            remedy=" ".join(
                [
                    f"Choose one of {', '.join(engine_choices())}, or give a file that ends in {_WEIGHTS_ENDING}.",
                    *catalog().problems,
                ]
            ),
        )
    return specs[name]


def make_engine(name_or_file: str) -> Engine:
    """Return a new engine.

    Parameters
    ----------
    name_or_file : str
        "auto", the name of an engine, or a file of weights that training exported: what is written in it says for which
        engine.

    Raises
    ------
    OptionError
        If no engine has that name.
    WeightsError
        If the file is missing, damaged or for no engine, or if no weights of the engine ship.
    """
    if name_or_file.endswith(_WEIGHTS_ENDING) and name_or_file not in catalog().specs:
        weights = Path(name_or_file)
        return _spec_of_file(weights).make(weights)
    return find_spec(name_or_file).make()


def make_swapper(name_or_file: str) -> ClothesSwapper:
    """Return what changes clothes, by the name of an engine or a file of weights; errors as of `make_engine`."""
    if name_or_file.endswith(_WEIGHTS_ENDING) and name_or_file not in catalog().specs:
        weights = Path(name_or_file)
        return _spec_of_file(weights).make_swapper(weights)
    spec = catalog().specs.get(name_or_file)
    if spec is None or not spec.changes_clothes:
        raise OptionError(
            "changes no clothes" if spec else "there is no such engine",
            values={"engine": name_or_file},
            remedy=f"Choose one of {', '.join(swapper_choices())}, or give a file that ends in {_WEIGHTS_ENDING}.",
        )
    return spec.make_swapper()


def _spec_of_file(weights: Path) -> EngineSpec:
    from motionwarp.checkpoints.checkpoint import read_architecture

    architecture = read_architecture(weights)
    spec = catalog().of_architecture(architecture)
    if spec is None:
        trained = [each.name for each in catalog().specs.values() if each.architectures]
        raise WeightsError(
            f"holds weights for '{architecture}', which is no engine",
            subject=weights,
            remedy=f"Give the file with all networks in one, for {' or '.join(trained)}.",
        )
    return spec


def pack_kinds() -> dict[str, PackKind]:
    """Return all kinds of packs by name: the analyzer's, the lifter's, those of pairs, then every engine's own."""
    kinds = {**ANALYZER_PACKS, **LIFTER_PACKS, **PAIR_PACKS}
    for spec in catalog().specs.values():
        kinds.update(spec.packs)
    return kinds
