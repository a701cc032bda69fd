"""What an engine says of itself: the light value from which options, commands, help, weights and fingerprints derive.

Making one imports neither networks nor PyTorch: code is named by references ("package.module:attribute") and imported
when it is used. An engine of this package is a folder of `motionwarp/engines` whose `__init__.py` has a `SPEC`; another
package names its spec by an entry point of the group `motionwarp.engines`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from motionwarp.data.pack_kinds import PackKind
from motionwarp.errors import WeightsError
from motionwarp.references import check_reference, load_reference
from motionwarp.training.stage import OptionTraining, StageSpec

__all__ = ["EngineSpec", "FitRun", "OptionTraining", "PersonFit"]

if TYPE_CHECKING:
    import torch

    from motionwarp.engines.base import Engine
    from motionwarp.engines.swapping import ClothesSwapper

_NAME: Final = re.compile(r"[a-z][a-z0-9]*([_-][a-z0-9]+)*")
_RESERVED: Final = ("auto", "analyzer", "analyser", "calibrate", "parser", "matcher")


@dataclass(frozen=True)
class FitRun:
    """Where and how long an engine is fitted to a person.

    Attributes
    ----------
    device : torch.device
    dtype : torch.dtype
        Type of the activations.
    max_minutes : float or None
        After which no further round begins, and the one at work ends.
    report : callable
        Takes lines for people.
    """

    device: torch.device
    dtype: torch.dtype
    max_minutes: float | None = None
    report: Callable[[str], None] = print


@dataclass(frozen=True)
class PersonFit:
    """How something of an engine's is fitted to one person from a clip.

    Attributes
    ----------
    config : str
        Reference to a dataclass with defaults for all.
    fit : str
        Reference to a function of (asked, make_estimator, config, run), as `warping_gan.finetune.fit_person`. It
        returns a dataclass with figures of what was held out, `before` and `after`, and the `step` that was kept, 0 for
        none.
    options : str
        Reference to a group of options derived from `ClipFitOptions`; its module is light.
    help : str
        What the command does, as a sentence.
    use : str
        How what was written is used, as a sentence.
    """

    config: str
    fit: str
    options: str = "motionwarp.training.options:FitOptions"
    help: str = "Fit the engine to the person of a clip."
    use: str = "The weights are an engine for transfers, asked for by their file."

    def __post_init__(self) -> None:
        for reference in (self.config, self.fit, self.options):
            check_reference(reference)


@dataclass(frozen=True)
class EngineSpec:
    """One engine.

    Attributes
    ----------
    name : str
        For `--engine` and `motionwarp train`: lower case letters, digits, and _ or - between them.
    help : str
        One line for people who choose.
    engine : str
        Reference to a class of `Engine`; called with its weights (a name of the register or a `Path`), or without an
        argument if the engine has none. Empty for what moves nobody.
    swapper : str
        Reference to a class of `ClothesSwapper`, called like `engine`; empty for what changes no clothes.
    architectures : tuple of str
        Names of the files of weights that it loads; empty for an engine without weights.
    weights : str
        Name in the register, or path of a file, of the weights that the engine's name stands for; empty if none ship,
        so that only a file can be given.
    needs : tuple of str
        Names in the register of further weights that decide its pictures, such as a body model's.
    auto_order : int or None
        Where `--engine auto` has a choice it takes the least; None is never taken.
    stages : mapping of str to StageSpec
        What can be trained, in the order in which it is.
    trainings : mapping of str to OptionTraining
        What can be trained by options alone, as commands of their own.
    packs : mapping of str to PackKind
        What its networks are trained from.
    person : PersonFit or None
        Where the engine can be fitted to one person.

    Raises
    ------
    ValueError
        If a name or a reference is none.
    """

    name: str
    help: str
    engine: str = ""
    swapper: str = ""
    architectures: tuple[str, ...] = ()
    weights: str = ""
    needs: tuple[str, ...] = ()
    auto_order: int | None = None
    stages: Mapping[str, StageSpec] = field(default_factory=dict)
    trainings: Mapping[str, OptionTraining] = field(default_factory=dict)
    packs: Mapping[str, PackKind] = field(default_factory=dict)
    person: PersonFit | None = None

    def __post_init__(self) -> None:
        for name in (self.name, *self.stages, *self.trainings, *self.packs):
            if _NAME.fullmatch(name) is None:
                raise ValueError(f"{name!r} is no name: lower case letters, digits, and _ or - between them")
        if self.name in _RESERVED:
            raise ValueError(f"'{self.name}' is no name for an engine: it has another meaning already")
        for reference in (self.engine, self.swapper):
            if reference:
                check_reference(reference)

    @property
    def stands_alone(self) -> bool:
        """Whether the name suffices to make the engine, without a file of weights."""
        return bool(self.weights) or not self.architectures

    @property
    def moves_people(self) -> bool:
        """Whether it gives a person a motion, as `--engine` of a transfer asks."""
        return bool(self.engine)

    @property
    def changes_clothes(self) -> bool:
        """Whether it dresses people, as `--engine` of `swap` asks."""
        return bool(self.swapper)

    def make(self, weights: Path | None = None) -> Engine:
        """Return a new engine.

        Parameters
        ----------
        weights : Path or None
            A file for one of `architectures`; None takes the weights that the name stands for.

        Raises
        ------
        WeightsError
            If there are none, or they are missing, damaged or for something else.
        """
        if not self.moves_people:
            raise WeightsError(
                f"'{self.name}' moves nobody: {self.help[0].lower()}{self.help[1:]}",
                subject=weights,
                remedy="Choose another engine.",
            )
        engine: Engine = self._made(self.engine, weights)
        return engine

    def make_swapper(self, weights: Path | None = None) -> ClothesSwapper:
        """Return what changes clothes by this engine; arguments and errors as for `make`."""
        if not self.changes_clothes:
            raise WeightsError(
                f"'{self.name}' changes no clothes", subject=weights, remedy="Choose another engine, such as avatar."
            )
        swapper: ClothesSwapper = self._made(self.swapper, weights)
        return swapper

    def _made(self, reference: str, weights: Path | None) -> Any:
        if not self.stands_alone and weights is None:
            raise WeightsError(
                f"no weights of the engine '{self.name}' ship",
                remedy=f"Train them with `motionwarp train {self.name}` and give their .safetensors file instead.",
            )
        factory = load_reference(reference)
        return factory(weights or self.weights) if self.architectures else factory()
