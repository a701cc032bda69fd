"""Running an engine within the memory there is: smaller batches where it runs out, and then the CPU."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, wait
from dataclasses import replace
from functools import partial
from typing import Any, Final, Generic, TypeVar

import numpy as np
import numpy.typing as npt
import torch

from motionwarp.devices import is_out_of_memory, release_memory, resolve_precision
from motionwarp.engines.base import Engine, Motion, RenderSettings
from motionwarp.engines.deciding import DecidingEngine, Decision, decided_frames
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
# frames decided at once on a CPU, by networks whose inputs take 3 MB a frame
_DECIDED_ON_CPU: Final = 4


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

    def tell_in(self, warnings: list[str]) -> None:
        """Tell in another list from now on, what was told already included."""
        if self._told is not None:
            self._told += len(warnings)
        warnings.extend(self._warnings)
        self._warnings = warnings

    @property
    def frames_at_once(self) -> int:
        """How many frames are being rendered at once, in all batches that are under way."""
        return self._batch() * self._at_once()

    def plan(self, motion: Motion) -> Iterator[FloatArray]:
        """Yield `Engine.plan` of all frames, a batch at a time."""
        return self._in_batches(
            len(motion), lambda: _PLAN_BATCH, lambda frames, crew: partial(self._engine.plan, motion[frames])
        )

    def render(self, motion: Motion, theta: FloatArray) -> Iterator[list[PersonLayer]]:
        """Yield `Engine.render` of all frames, a batch at a time; arguments as there, for all frames in order.

        An engine that decides apart draws frames by the mean of their neighbors' decisions where it allows that.
        """
        if isinstance(self._engine, DecidingEngine):
            return self._drawn(self._engine, motion, theta)

        def rendered(frames: slice) -> list[PersonLayer]:
            return list(self._engine.render(motion[frames], theta[frames]))

        return self._in_batches(len(motion), self._batch, lambda frames, crew: partial(rendered, frames))

    def _drawn(self, engine: DecidingEngine[Any], motion: Motion, theta: FloatArray) -> Iterator[list[PersonLayer]]:
        numbers = decided_frames(engine.slow_frames(motion, theta))
        decided: dict[torch.device, _DecidedAhead[Any]] = {}

        def drawn(frames: slice, given: Callable[[], Sequence[Any]]) -> list[PersonLayer]:
            return list(engine.draw(motion[frames], theta[frames], given()))

        def begun(frames: slice, crew: SingleThreadPool) -> Callable[[], list[PersonLayer]]:
            device = self.settings.device
            if device not in decided:
                size = _DECIDED_ON_CPU if device.type == "cpu" else _LARGEST_BATCH
                decided.clear()
                decided[device] = _DecidedAhead(engine, motion, theta, numbers, size)
            return partial(drawn, frames, decided[device].begin(frames, crew))

        return self._in_batches(len(motion), self._batch, begun)

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

    def _in_batches(
        self,
        count: int,
        size: Callable[[], int],
        begin: Callable[[slice, SingleThreadPool], Callable[[], Made]],
    ) -> Iterator[Made]:
        """Yield what is made of all frames: `begin` has begun what a batch needs, and returns what makes it."""
        start = 0
        under_way: deque[tuple[slice, Future[Made | None]]] = deque()
        with SingleThreadPool(min(self._at_once(), -(-count // size()))) as crew:
            while start < count or under_way:
                while start < count and len(under_way) < crew.workers:
                    frames = slice(start, start + min(size(), self._most or count, count - start))
                    under_way.append((frames, crew.submit(self._tried, begin(frames, crew), frames)))
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

    def _tried(self, make: Callable[[], Made], frames: slice) -> Made | None:
        """Return what `make` makes, or None if memory ran out and there is something left to try."""
        try:
            return make()
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


class _DecidedAhead(Generic[Decision]):
    """What is decided of the frames of a clip, in chunks that are begun a little ahead and made once.

    Parameters
    ----------
    engine : DecidingEngine
    motion, theta
        As for `Engine.render`, of all frames.
    numbers : int64 (N,)
        The frames that are decided on their own; every other one lies between two of them.
    size : int
        Decided frames in a chunk.
    """

    def __init__(
        self,
        engine: DecidingEngine[Decision],
        motion: Motion,
        theta: FloatArray,
        numbers: npt.NDArray[np.int64],
        size: int,
    ) -> None:
        self._engine, self._motion, self._theta, self._numbers, self._size = engine, motion, theta, numbers, size
        self._chunks: dict[int, Future[Sequence[Decision]]] = {}

    def begin(self, frames: slice, crew: SingleThreadPool) -> Callable[[], Sequence[Decision]]:
        """Have decided what some frames need, and one chunk more, so that nobody waits; return what gives it."""
        around = [self._around(frame) for frame in range(frames.start, frames.stop)]
        first, last = around[0][0] // self._size, around[-1][1] // self._size
        for past in [chunk for chunk in self._chunks if chunk < first]:
            del self._chunks[past]
        for chunk in range(first, min(last + 2, -(-len(self._numbers) // self._size))):
            made = self._chunks.get(chunk)
            if made is None or (made.done() and made.exception() is not None):
                numbers = self._numbers[chunk * self._size : (chunk + 1) * self._size]
                self._chunks[chunk] = crew.submit(self._engine.decide, self._motion[numbers], self._theta[numbers])
        return partial(self._given, around, {chunk: self._chunks[chunk] for chunk in range(first, last + 1)})

    def _given(
        self, around: Sequence[tuple[int, int]], chunks: dict[int, Future[Sequence[Decision]]]
    ) -> Sequence[Decision]:
        def decision(place: int) -> Decision:
            return chunks[place // self._size].result()[place % self._size]

        return [
            decision(one) if one == other else self._engine.between(decision(one), decision(other))
            for one, other in around
        ]

    def _around(self, frame: int) -> tuple[int, int]:
        """Return the places of the last decided frame up to this one, and of the first one from it on."""
        after = int(np.searchsorted(self._numbers, frame))
        return after if self._numbers[after] == frame else after - 1, after
