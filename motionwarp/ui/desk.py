"""What the tabs of the page work with: who asks, the jobs, and how their progress is shown."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from motionwarp.errors import InputError, MotionwarpError
from motionwarp.motions.catalog import find_motion
from motionwarp.ui import markup
from motionwarp.ui.gate import COOKIE
from motionwarp.ui.job_process import Work
from motionwarp.ui.jobs import Job, JobDesk, JobView
from motionwarp.ui.sessions import Sessions, Tab

LOOK, MAKE = "look", "make"
_EVERY_SECONDS: Final = 0.3


@dataclass(frozen=True)
class Visitor:
    """Who asks.

    Attributes
    ----------
    key : str
        Of the browser.
    tab : Tab
    """

    key: str
    tab: Tab


@dataclass(frozen=True)
class Inputs:
    """The fields on top of the page, which all tabs share.

    Attributes
    ----------
    photo, clip, motion, other : gradio components
        The motion is that of a clip, one of the library, or another file.
    """

    photo: Any
    clip: Any
    motion: Any
    other: Any

    @property
    def fields(self) -> list[Any]:
        """All of them."""
        return [self.photo, self.clip, self.motion, self.other]


@dataclass(frozen=True)
class Chosen:
    """What the fields on top of the page hold, in their order.

    Attributes
    ----------
    photo, clip, motion, other : str or None
        Paths of uploads, but for the motion, which is a name; other files go before motions, motions before clips.
    """

    photo: str | None
    clip: str | None
    motion: str | None
    other: str | None

    @property
    def missing(self) -> str:
        """What is to be added yet, in words; nothing if all is there."""
        if not self.photo:
            return "a photo" if self.clip or self.motion or self.other else "a photo and a clip"
        return "" if self.clip or self.motion or self.other else "a clip"


class Desk:
    """What the tabs of the page do their work with.

    Parameters
    ----------
    sessions : Sessions
    jobs : JobDesk
        With the lanes `LOOK` and `MAKE`, and that of the queue of data sets.
    """

    def __init__(self, sessions: Sessions, jobs: JobDesk) -> None:
        self.sessions, self.jobs = sessions, jobs

    def handler(self, handled: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function as Gradio takes it: it is told who asks, before the values of the fields."""
        import gradio

        def visitor(request: Any) -> Visitor:
            key = request.cookies.get(COOKIE, "")
            return Visitor(key, self.sessions.tab(key, request.session_hash or ""))

        if inspect.isgeneratorfunction(handled):

            def asked(request: Any, *values: Any) -> Any:
                yield from handled(visitor(request), *values)
        else:

            def asked(request: Any, *values: Any) -> Any:
                return handled(visitor(request), *values)

        # Gradio finds what it shall fill in by these
        asked.__annotations__ = {"request": gradio.Request}
        return asked

    def inputs(self, visitor: Visitor, chosen: Chosen) -> tuple[Path, Path]:
        """Return the source and what drives it.

        Raises
        ------
        InputError
            If one of them is missing, or not the visitor's own.
        """
        if chosen.missing:
            raise InputError("something is missing", remedy=f"Add {chosen.missing} above")
        source = self.photo(visitor, chosen.photo)
        if chosen.motion and not chosen.other:
            return source, find_motion(chosen.motion).path
        return source, self.sessions.own(visitor.key, chosen.other or chosen.clip or "")

    def photo(self, visitor: Visitor, photo: str | None) -> Path:
        """Return the photo; `InputError` as for `inputs`."""
        if not photo:
            raise InputError("a photo is needed", remedy="Add it above")
        return self.sessions.own(visitor.key, photo)

    def submit(
        self, visitor: Visitor, kind: str, work: Work, folder: Path, expected: Mapping[str, float] | None = None
    ) -> Job:
        """Begin a job of a kind, the tab's newest then; a look has a lane of its own.

        Raises
        ------
        InputError
            If the tab was closed.
        """
        with visitor.tab.beginning():
            job = self.jobs.submit(work, LOOK if kind == LOOK else MAKE, folder, expected)
            visitor.tab.jobs[kind] = job
        return job

    def cancel(self, kind: str) -> Callable[..., None]:
        """Return a handler that ends the newest job of a kind, and is over when that is gone."""

        def canceled(visitor: Visitor, *values: Any) -> None:
            visitor.tab.cancel(kind)
            if (job := visitor.tab.jobs.get(kind)) is not None:
                job.wait(10)

        return self.handler(canceled)


def follow(job: Job) -> Iterator[JobView]:
    """Yield what a job is at, a few times a second, and last how it ended."""
    while True:
        view = job.view()
        yield view
        if view.over:
            return
        job.wait(_EVERY_SECONDS)


def begin(desk: Desk, visitor: Visitor, kind: str, make: Callable[[], Job]) -> Iterator[JobView | str]:
    """Yield what a new job of a kind is at; the one before it is ended. A refusal is yielded as HTML."""
    visitor.tab.cancel(kind)
    try:
        job = make()
    except MotionwarpError as error:
        yield markup.note(markup.sentence_of(error), "bad")
        return
    yield from follow(job)


def buttons(label: str, kind: str) -> tuple[Any, Any]:
    """Return the buttons that begin and end a kind of job."""
    import gradio as gr

    with gr.Row():
        start = gr.Button(label, variant="primary", elem_id=f"mw-{kind}-start", min_width=120)
        stop = gr.Button("Cancel", variant="stop", elem_id=f"mw-{kind}-cancel", interactive=False, min_width=90)
    return start, stop


def switched(*, running: bool) -> tuple[Any, Any]:
    """Return what becomes of such buttons while a job runs, or while none does."""
    import gradio as gr

    return gr.update(interactive=not running), gr.update(interactive=running)


def driver_clips(driving: Path, begin: float = 0.0) -> list[markup.Clip]:
    """Return the driver as it is shown beside a result: nothing for motion capture, which has no pictures."""
    shown = driving.suffix.lower() not in (".bvh", ".safetensors", ".json")
    return [markup.Clip(driving, "The driver", begin=begin)] if shown else []


def as_it_is(payload: Any) -> str | None:
    """Return an uploaded picture's path for Gradio: ours reads it, with its own limits, and says what is wrong."""
    return None if payload is None else str(payload.path)


def moment() -> None:
    """Wait until somebody who changes fields one after the other may have done so."""
    time.sleep(_EVERY_SECONDS)
