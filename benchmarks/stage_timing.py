"""The stages of a transfer, each done alone by the project's own functions on what one transfer really asks of it."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

import torch

from benchmarks.inputs import back_and_forth
from benchmarks.measuring import Timing, fastest
from benchmarks.networks import HeardNetwork, listening
from motionwarp.devices import resolve_device, resolve_precision
from motionwarp.engines.base import Engine, Motion, RenderSettings
from motionwarp.engines.deciding import DecidingEngine
from motionwarp.engines.runner import EngineRunner
from motionwarp.media.encoders import EncodeOptions
from motionwarp.media.writer import open_writer
from motionwarp.perception.base import Estimator
from motionwarp.perception.registry import make_estimator
from motionwarp.perception.selection import PersonChoice
from motionwarp.pipeline.analysis import analyze, open_inputs
from motionwarp.pipeline.background import make_background
from motionwarp.pipeline.compositing import composite
from motionwarp.pipeline.driving import open_driving
from motionwarp.pipeline.followed_person import followed_person
from motionwarp.pipeline.options import TransferOptions
from motionwarp.pipeline.plan import TransferPlan, plan_transfer
from motionwarp.pipeline.rendering import render_layers
from motionwarp.pipeline.shots import ShotCutDetector
from motionwarp.types import ByteArray, FloatArray, Frame, PersonLayer, PoseTrack, SourcePerson

STAGES: Final = ("decode", "analyse", "pass one", "pass two", "composite", "encode")
# of pictures that are kept of each kind; longer clips go through them back and forth
_HELD_BYTES: Final = 400e6


class EngineCalls:
    """What an engine is asked in a transfer, so that the same can be asked of it again.

    Attributes
    ----------
    engine : Engine
        As given; from then on it keeps its calls here.
    planned : list of Motion
    decided : list of (Motion, float32 (B, D))
        Of an engine that decides apart.
    rendered : list of (Motion, float32 (B, D))
        Rendered, or drawn by what was decided.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.planned: list[Motion] = []
        self.rendered: list[tuple[Motion, FloatArray]] = []
        self._prepared: tuple[SourcePerson, RenderSettings] | None = None
        self._threads: set[int] = set()
        self._tracks: list[PoseTrack] = []
        self._prepare, self._plan, self._render = engine.prepare, engine.plan, engine.render
        engine.prepare, engine.plan, engine.render = self._hear_prepare, self._hear_plan, self._hear_render  # type: ignore[method-assign]
        self._follow = engine.follow
        engine.follow = self._hear_follow  # type: ignore[method-assign]
        self.decided: list[tuple[Motion, FloatArray]] = []
        self._drawn: list[tuple[Motion, FloatArray, Sequence[object]]] = []
        if isinstance(engine, DecidingEngine):
            self._decide, self._draw = engine.decide, engine.draw
            engine.decide, engine.draw = self._hear_decide, self._hear_draw  # type: ignore[method-assign]

    def runner(self, batch: int | None, warnings: list[str]) -> EngineRunner:
        """Return the engine in the hands of what transfers run it with, prepared as in the transfer.

        Arguments as there.
        """
        if self._prepared is None:
            raise RuntimeError("the engine has not been prepared yet")
        self.engine.prepare, self.engine.plan, self.engine.render = self._prepare, self._plan, self._render  # type: ignore[method-assign]
        self.engine.follow = self._follow  # type: ignore[method-assign]
        if isinstance(self.engine, DecidingEngine):
            self.engine.decide, self.engine.draw = self._decide, self._draw  # type: ignore[method-assign]
        return EngineRunner(self.engine, *self._prepared, batch, warnings)

    def follow(self) -> None:
        """Follow the clip's points again, which is the first part of pass one."""
        for track in self._tracks:
            self._follow(track)

    def plan(self) -> None:
        """Do pass one again in this thread, in the same batches."""
        self.follow()
        for motion in self.planned:
            self._plan(motion)

    def render(self) -> None:
        """Do pass two again in this thread, in the same batches."""
        for motion, theta in self.decided:
            self._decide(motion, theta)
        for motion, theta, decisions in self._drawn:
            self._draw(motion, theta, decisions)
        if not self._drawn:
            for motion, theta in self.rendered:
                self._render(motion, theta)

    @property
    def batch(self) -> int:
        """The most frames that were rendered at once."""
        return max(len(motion) for motion, _ in self.rendered)

    @property
    def at_once(self) -> int:
        """How many threads rendered."""
        return len(self._threads)

    def _hear_prepare(self, source: SourcePerson, settings: RenderSettings) -> None:
        self._prepared = source, settings
        self._prepare(source, settings)

    def _hear_follow(self, track: PoseTrack) -> Motion:
        self._tracks.append(track)
        return self._follow(track)

    def _hear_plan(self, motion: Motion) -> FloatArray:
        self.planned.append(motion)
        return self._plan(motion)

    def _hear_decide(self, motion: Motion, theta: FloatArray) -> Sequence[object]:
        self.decided.append((motion, theta))
        made: Sequence[object] = self._decide(motion, theta)
        return made

    def _hear_draw(self, motion: Motion, theta: FloatArray, decisions: Sequence[object]) -> Sequence[PersonLayer]:
        self._threads.add(threading.get_ident())
        self.rendered.append((motion, theta))
        self._drawn.append((motion, theta, decisions))
        made: Sequence[PersonLayer] = self._draw(motion, theta, decisions)
        return made

    def _hear_render(self, motion: Motion, theta: FloatArray) -> Sequence[PersonLayer]:
        self._threads.add(threading.get_ident())
        self.rendered.append((motion, theta))
        return self._render(motion, theta)


@dataclass(frozen=True, eq=False)
class Stages:
    """A transfer that has been done once, with all that its stages need to be done again.

    Attributes
    ----------
    plan : TransferPlan
    estimator : Estimator
    calls : EngineCalls
    runner : EngineRunner
    layers : list of PersonLayer
        The first ones.
    pictures : list of uint8 (H, W, 3)
        The first frames of the output.
    driving : list of Frame
        The first frames of the driving clip.
    frames : int
        Number of frames of the output, which are those of the clip.
    """

    plan: TransferPlan
    estimator: Estimator
    calls: EngineCalls
    runner: EngineRunner
    layers: list[PersonLayer]
    pictures: list[ByteArray]
    driving: list[Frame]
    frames: int

    @classmethod
    def of(cls, source: Path, driving: Path, options: TransferOptions) -> Stages:
        """Do a transfer up to its pictures, which also warms up everything that is measured."""
        device = resolve_device(options.device)
        estimator = make_estimator(options.pose_estimator, device, resolve_precision(options.precision, device))
        inputs = open_inputs(source, driving, options)
        calls = EngineCalls(inputs.setup.engine)
        plan = plan_transfer(inputs.setup, analyze(inputs, estimator=estimator))
        layers, pictures, held = [], [], 0
        for frame, layer in render_layers(plan):
            if held < _HELD_BYTES:
                layers.append(layer)
                pictures.append(frame.rgb)
                held += frame.rgb.nbytes
        with open_driving(driving, options) as reader:
            first = next(iter(reader))
            room = max(int(_HELD_BYTES / first.rgb.nbytes), 2)
            kept = [first, *islice(reader, room - 1)]
        runner = calls.runner(options.frames_per_batch, [])
        return cls(plan, estimator, calls, runner, layers, pictures, kept, len(plan))

    def timed(self, repeats: int) -> dict[str, Timing]:
        """Do each stage alone, several times; return the fastest of each by its name in `STAGES`."""
        with tempfile.TemporaryDirectory() as folder:
            output = Path(folder) / "out.mp4"
            works: dict[str, Callable[[], object]] = {
                "decode": self._decode,
                "analyse": self._analyze,
                "pass one": self._pass_one,
                "pass two": lambda: _exhaust(self.runner.render(self.plan.motion, self.plan.theta)),
                "composite": self._composite,
                "encode": lambda: self._encode(output),
            }
            return {name: fastest(works[name], repeats, self.plan.device) for name in STAGES}

    def networks(self) -> dict[str, list[HeardNetwork]]:
        """Return the networks that each stage calls, by the stage's name; stages without any are left out."""
        heard: dict[str, list[HeardNetwork]] = {}
        works = {"analyse": self._analyze, "pass one": self.calls.plan, "pass two": self.calls.render}
        for name, work in works.items():
            with listening() as ears, torch.inference_mode():
                work()
            if ears.networks:
                heard[name] = list(ears.networks.values())
        return heard

    def _decode(self) -> None:
        with open_driving(self.plan.setup.driving, self.plan.setup.options) as reader:
            _exhaust(reader)

    def _pass_one(self) -> None:
        self.calls.follow()
        _exhaust(self.runner.plan(self.plan.motion))

    def _analyze(self) -> None:
        setup, cuts = self.plan.setup, ShotCutDetector()
        asked = PersonChoice.parse(setup.options.person)
        choice = followed_person(setup.driving, asked, self.estimator, setup.options)
        for observation in self.estimator.follow(self._driving(), choice):
            cuts.add(observation.frame.rgb, observation.frame.pts_seconds)

    def _driving(self) -> Iterator[Frame]:
        step = 1 / float(self.plan.setup.info.frame_rate)
        for number, place in enumerate(back_and_forth(self.frames, len(self.driving))):
            yield Frame(self.driving[place].rgb, number * step, number)

    def _composite(self) -> None:
        choice = self.plan.setup.options.background_choice
        size = self.plan.setup.width, self.plan.setup.height
        backdrop = make_background(
            choice, self.plan.inputs.source, self.plan.inputs.motion, size, self.plan.setup.options.seed
        )
        if backdrop is None or backdrop.needs_driving:
            raise ValueError(f"compositing is not measured with the background {choice.kind.value}")
        for number, place in enumerate(back_and_forth(self.frames, len(self.layers))):
            composite(self.layers[place], backdrop.canvas(float(number), None))

    def _encode(self, output: Path) -> None:
        info, options = self.plan.setup.info, self.plan.setup.options
        with open_writer(
            output,
            width=self.plan.setup.width,
            height=self.plan.setup.height,
            frame_rate=info.frame_rate,
            time_base=info.time_base,
            options=EncodeOptions(codec=options.codec, crf=options.crf, preset=options.preset),
            overwrite=True,
        ) as writer:
            for number, place in enumerate(back_and_forth(self.frames, len(self.pictures))):
                writer.write(self.pictures[place], number / float(info.frame_rate))


def _exhaust(items: Iterable[object]) -> None:
    for _ in items:
        pass
