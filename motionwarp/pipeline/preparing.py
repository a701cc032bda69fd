"""The engine, prepared for the source person: in a thread while the clip is analyzed, where nothing of that is needed.

Cutting the person apart and making their avatar takes some seconds of a core, about as long as the analysis of a short
clip.
"""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass

from motionwarp.engines.base import RenderSettings
from motionwarp.engines.runner import EngineRunner
from motionwarp.pipeline.layout import UNCHANGED, PersonTransform, contain
from motionwarp.pipeline.options import BackgroundKind
from motionwarp.pipeline.progress import TransferRun
from motionwarp.pipeline.relighting import PersonLight, relit_person
from motionwarp.pipeline.setup import TransferSetup
from motionwarp.pipeline.source import PreparedSource, fitted_to
from motionwarp.types import SourcePerson


@dataclass(frozen=True, eq=False)
class Stand:
    """How the source person is put into the frame, as far as an engine has to know it beforehand.

    Attributes
    ----------
    transform : PersonTransform
        Size and place of the person in the frame.
    keep_parsing : bool
        Whether layers carry classes, if the engine can tell them.
    light : PersonLight or None
        That of the clip, where the person is put into it.
    """

    transform: PersonTransform = UNCHANGED
    keep_parsing: bool = False
    light: PersonLight | None = None


@dataclass(frozen=True, eq=False)
class ReadyEngine:
    """A prepared engine in the hands of its runner, and whom it was prepared for.

    Attributes
    ----------
    runner : EngineRunner
    person : SourcePerson
        No larger than the output can show.
    """

    runner: EngineRunner
    person: SourcePerson


def prepare_engine(setup: TransferSetup, source: PreparedSource, stand: Stand, run: TransferRun) -> ReadyEngine:
    """Prepare a setup's engine for the source person; what a user should know is kept until `EngineRunner.tell_in`.

    Raises
    ------
    NoPersonError
        If the engine cannot move such a person.
    """
    with run.clock.measure("engine"):
        person = _reduced(setup, source, stand.transform)
        if stand.light is not None:
            person = relit_person(person, stand.light)
        options, (width, height) = setup.options, setup.frame
        at_home = options.background_choice.kind is BackgroundKind.SOURCE and stand.transform == UNCHANGED
        lies_behind = at_home and not options.cast
        photo_to_frame = contain(source.size, setup.frame).matrix(*person.rgb.shape[1::-1]) if lies_behind else None
        holds_cut = options.placement_choice == "source"
        settings = RenderSettings(
            setup.device, setup.dtype, width, height, stand.keep_parsing, photo_to_frame, holds_cut
        )  # fmt: skip
        return ReadyEngine(EngineRunner(setup.engine, person, settings, options.frames_per_batch, []), person)


def is_relit(setup: TransferSetup) -> bool:
    """Return whether the person is put into the clip's light, so that the clip has to be seen first."""
    return setup.needs_plate and setup.options.relight == "auto"


class EngineBeside:
    """An engine that is being prepared in a thread for a source person who stands in the frame as they are.

    Parameters
    ----------
    setup : TransferSetup
        Whose person is not put into the clip's light.
    source : PreparedSource
    run : TransferRun
        Whose thread it is: at its end it is over.
    first : Future
        What is waited for before, such as `Engine.get_ready`; what went wrong there goes wrong again.
    """

    def __init__(self, setup: TransferSetup, source: PreparedSource, run: TransferRun, first: Future[None]) -> None:
        self._setup, self._source = setup, source

        def prepared() -> ReadyEngine:
            first.exception()
            return prepare_engine(setup, source, Stand(), run)

        self._ready = run.begin(prepared)
        self._is_taken = False

    def taken(self, setup: TransferSetup, source: PreparedSource, stand: Stand) -> ReadyEngine | None:
        """Return the engine, waited for, the first time that just this one is asked for; None for any other.

        In both cases the thread is done with the engine afterwards.

        Raises
        ------
        NoPersonError
            As from `prepare_engine`, if this is the one.
        """
        as_begun = stand.transform == UNCHANGED and not stand.keep_parsing and stand.light is None
        if not self._is_taken and setup is self._setup and source is self._source and as_begun:
            self._is_taken = True
            return self._ready.result()
        self._ready.exception()  # waits: an engine can be prepared for one person at a time
        return None


def _reduced(setup: TransferSetup, source: PreparedSource, transform: PersonTransform) -> SourcePerson:
    """Return the source person no larger than the output can show."""
    # pixels finer than the output's cost time and alias; a person placed elsewhere may be seen larger
    finest = round(contain(source.size, setup.frame).long_side * max(1.0, transform.scale))
    return fitted_to(source.person, finest if setup.options.placement_choice == "source" else 2 * finest)
