"""Engines that decide apart from drawing, run over a clip: every frame by its own decision or the mean of two."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np
import pytest
import torch

from motionwarp.engines.base import Motion, RenderSettings
from motionwarp.engines.deciding import DecidingEngine
from motionwarp.engines.runner import EngineRunner
from motionwarp.types import BoolArray, FloatArray, PersonLayer, Pose, SourcePerson

FRAMES = 41


class Numbering(DecidingEngine[float]):
    """Decides a frame's number, and puts what it was given into the layer; frames of `fast` are none between."""

    name = "numbering"

    def __init__(self, fast: Sequence[int] = (), failing: int = 0) -> None:
        self.fast, self.failing = fast, failing
        self.decided: list[int] = []
        self.lock = threading.Lock()

    def prepare(self, source: SourcePerson, settings: RenderSettings) -> None:
        pass

    def plan(self, motion: Motion) -> FloatArray:
        return motion.points[:, 0]

    def slow_frames(self, motion: Motion, theta: FloatArray) -> BoolArray:
        slow = np.ones(len(theta), dtype=np.bool_)
        slow[[0, -1, *self.fast]] = False
        return slow

    def decide(self, motion: Motion, theta: FloatArray) -> Sequence[float]:
        with self.lock:
            if self.failing:
                self.failing -= 1
                raise MemoryError
            self.decided += theta[:, 0].astype(int).tolist()
        return [float(number) for number in theta[:, 0]]

    def between(self, before: float, after: float) -> float:
        assert after == before + 2
        return (before + after) / 2

    def draw(self, motion: Motion, theta: FloatArray, decisions: Sequence[float]) -> Sequence[PersonLayer]:
        return [PersonLayer(np.full((1, 1, 4), number, dtype=np.uint8), 0, 0) for number in decisions]


def run(engine: Numbering, batch: int | None, threads: int) -> list[int]:
    person = SourcePerson(
        np.zeros((8, 6, 3), np.uint8), np.ones((8, 6), np.float32), Pose(np.ones((18, 3), np.float32)),
        np.zeros((8, 6), np.uint8),
    )  # fmt: skip
    settings = RenderSettings(torch.device("cpu"), torch.float32, 720, 1280)
    runner = EngineRunner(engine, person, settings, batch, [], threads)
    points = np.zeros((FRAMES, 18, 3), np.float32)
    points[:, 0, 0] = np.arange(FRAMES)
    theta = np.concatenate(list(runner.plan(Motion(points))))
    return [int(layer.rgba[0, 0, 0]) for layers in runner.render(Motion(points), theta) for layer in layers]


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("batch", [None, 1, 3, 16])
def test_every_frame_is_drawn_by_its_decision_in_whatever_batches(batch: int | None, threads: int) -> None:
    engine = Numbering()
    assert run(engine, batch, threads) == list(range(FRAMES))
    assert sorted(engine.decided) == list(range(0, FRAMES, 2)), "every second one, and none twice"


def test_fast_frames_are_decided_on_their_own() -> None:
    engine = Numbering(fast=range(10, 21))
    assert run(engine, 4, 2) == list(range(FRAMES))
    assert set(range(10, 21)) <= set(engine.decided)
    assert len(engine.decided) < FRAMES


@pytest.mark.parametrize("threads", [1, 2])
def test_memory_that_runs_out_while_deciding_is_tried_again(threads: int) -> None:
    assert run(Numbering(failing=1), 4, threads) == list(range(FRAMES))


def test_both_steps_are_what_render_does() -> None:
    engine = Numbering()
    points = np.zeros((3, 18, 3), np.float32)
    points[:, 0, 0] = [5, 6, 7]
    layers = engine.render(Motion(points), points[:, 0])
    assert [int(layer.rgba[0, 0, 0]) for layer in layers] == [5, 6, 7]
    assert engine.decided == [5, 6, 7]
