"""Running an engine within the memory there is: smaller batches where it runs out, and then the CPU."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from dataclasses import replace
from typing import Final, TypeVar

import numpy as np
import torch

from motionwarp.devices import is_out_of_memory, release_memory, resolve_precision
from motionwarp.engines.base import Engine, Motion, RenderSettings
from motionwarp.runtime import SingleThreadPool
from motionwarp.types import FloatArray, PersonLayer, SourcePerson

Made = TypeVar("Made")

# frames planned at once: a plan is small, so this only bounds what is in flight
_PLAN_BATCH: Final = 64
# pixels of the frames in a batch: layers of about 100 MB on a CPU, 1 GB on other devices
_PIXELS_ON_CPU: Final = 4e6
_PIXELS_ELSEWHERE: Final = 64e6
_PIXELS_OF_A_CREW: Final = 8e6  # in all batches that a CPU makes at once
_LARGEST_BATCH: Final = 32


class EngineRunner:
    """An engine, prepared, that goes on where memory runs out.

    A batch that does not fit is made anew in halves, and all later ones are no larger; where a single frame does not
    fit either, the work goes on on the CPU. Engines give the same layers in any batches, so that only the time tells.

    Attributes
    ----------
    settings : RenderSettings
        As they are now: device and precision change when the work moves to the CPU.

    Parameters
    ----------
    engine : Engine
    person : SourcePerson
    settings : RenderSettings
    batch : int or None
        Frames to render at once; None chooses by the size of the frame and the device.
    warnings : list of str
        Where to tell of it.
    threads : int or None
        Batches made at once on a CPU; None takes as many as PyTorch has threads.
    """

    def __init__(
        self,
        engine: Engine,
        person: SourcePerson,
        settings: RenderSettings,
        batch: int | None,
        warnings: list[str],
        threads: int | None = None,
    ) -> None:
        self.settings = settings
        self._threads = threads or torch.get_num_threads()
        self._engine, self._person, self._asked, self._warnings = engine, person, batch, warnings
        self._most: int | None = None  # frames at once that memory has allowed
        self._told: int | None = None  # place of the warning about it
        try:
            engine.prepare(person, settings)
            warnings.extend(engine.notes)
            return
        except Exception as error:
            if not is_out_of_memory(error) or settings.device.type == "cpu":
                raise
        self._move_to_cpu()

    @property
    def frames_at_once(self) -> int:
        """How many frames are being rendered at once, in all batches that are under way."""
        return self._batch() * self._at_once()

    def plan(self, motion: Motion) -> Iterator[FloatArray]:
        """Yield `Engine.plan` of all frames, a batch at a time."""
        return self._in_batches(len(motion), lambda: _PLAN_BATCH, lambda frames: self._engine.plan(motion[frames]))

    def render(self, motion: Motion, theta: FloatArray) -> Iterator[list[PersonLayer]]:
        """Yield `Engine.render` of all frames, a batch at a time; arguments as there, for all frames."""

        def rendered(frames: slice) -> list[PersonLayer]:
            return list(self._engine.render(motion[frames], theta[frames]))

        return self._in_batches(len(motion), self._batch, rendered)

    def _batch(self) -> int:
        if self._asked is not None:
            return self._asked
        pixels = self.settings.width * self.settings.height
        on_cpu = self.settings.device.type == "cpu"
        budget = min(_PIXELS_ON_CPU, _PIXELS_OF_A_CREW / self._threads) if on_cpu else _PIXELS_ELSEWHERE
        return int(np.clip(budget // max(pixels, 1), 1, _LARGEST_BATCH))

    def _at_once(self) -> int:
        """Return how many batches are made at once: other devices are kept busy by one."""
        return self._threads if self.settings.device.type == "cpu" else 1

    def _in_batches(self, count: int, size: Callable[[], int], make: Callable[[slice], Made]) -> Iterator[Made]:
        start = 0
        under_way: deque[tuple[slice, Future[Made | None]]] = deque()
        with SingleThreadPool(min(self._at_once(), -(-count // size()))) as crew:
            while start < count or under_way:
                while start < count and len(under_way) < crew.workers:
                    frames = slice(start, start + min(size(), self._most or count, count - start))
                    under_way.append((frames, crew.submit(self._tried, make, frames)))
                    start = frames.stop
                frames, made = under_way.popleft()
                result = made.result()
                if result is not None:
                    yield result
                    continue
                # what was begun after it is thrown away, since its memory is needed
                wait([later for _, later in under_way])
                under_way.clear()
                start = frames.start
                self._relent(frames.stop - frames.start)

    def _tried(self, make: Callable[[slice], Made], frames: slice) -> Made | None:
        """Return what `make` makes, or None if memory ran out and there is something left to try."""
        try:
            return make(frames)
        except Exception as error:
            last_resort = frames.stop - frames.start == 1 and self.settings.device.type == "cpu"
            if last_resort or not is_out_of_memory(error):
                raise
        return None

    def _relent(self, frames: int) -> None:
        """Make the next try smaller; only called when the error, which keeps hold of the memory, is gone."""
        if frames == 1:
            self._move_to_cpu()
            return
        release_memory(self.settings.device)
        self._most = frames // 2
        self._tell(f"memory ran out, so that frames were rendered {self._most} at a time")

    def _move_to_cpu(self) -> None:
        name = self.settings.device.type
        release_memory(self.settings.device)
        cpu = torch.device("cpu")
        self.settings = replace(self.settings, device=cpu, dtype=resolve_precision("auto", cpu))
        # the CPU has other memory, of which nothing is known yet
        self._most = None
        self._engine.prepare(self._person, self.settings)
        self._tell(
            f"the memory of the device '{name}' did not suffice for a single frame, so that the work went on on the CPU"
        )

    def _tell(self, text: str) -> None:
        """Tell only of the last step: those before are without interest then."""
        if self._told is None:
            self._told = len(self._warnings)
            self._warnings.append(text)
        else:
            self._warnings[self._told] = text
