"""The stages of a transfer, taken apart: each is asked for what the transfer asked of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch

from benchmarks.inputs import make_inputs
from benchmarks.stage_timing import STAGES, EngineCalls, Stages
from motionwarp.engines.base import Engine, Motion, RenderSettings
from motionwarp.pipeline.options import TransferOptions
from motionwarp.types import FloatArray, PersonLayer, Pose, SourcePerson


class Counting(Engine):
    name = "counting"

    def __init__(self) -> None:
        self.asked: list[tuple[str, int]] = []

    def prepare(self, source: SourcePerson, settings: RenderSettings) -> None:
        self.asked.append(("prepare", 1))

    def plan(self, motion: Motion) -> FloatArray:
        self.asked.append(("plan", len(motion)))
        return np.zeros((len(motion), 2), dtype=np.float32)

    def render(self, motion: Motion, theta: FloatArray) -> Sequence[PersonLayer]:
        self.asked.append(("render", len(theta)))
        return [PersonLayer(np.zeros((1, 1, 4), dtype=np.uint8), 0, 0)] * len(theta)


def test_an_engine_is_asked_again_in_the_same_batches() -> None:
    engine = Counting()
    calls = EngineCalls(engine)
    poses = np.zeros((5, 18, 3), dtype=np.float32)
    theta = engine.plan(Motion(poses))
    assert [len(engine.render(Motion(poses[:3]), theta[:3])), len(engine.render(Motion(poses[3:]), theta[3:]))] == [
        3,
        2,
    ]
    first, engine.asked = engine.asked, []
    calls.plan()
    calls.render()
    assert engine.asked == first
    assert (calls.batch, calls.at_once) == (3, 1)


def test_an_engine_is_run_again_as_transfers_run_it() -> None:
    engine = Counting()
    calls = EngineCalls(engine)
    with pytest.raises(RuntimeError, match="prepared"):
        calls.runner(2, [])
    person = SourcePerson(
        np.zeros((4, 3, 3), dtype=np.uint8),
        np.ones((4, 3), dtype=np.float32),
        Pose(np.zeros((18, 3), dtype=np.float32)),
        np.zeros((4, 3), dtype=np.uint8),
    )
    engine.prepare(person, RenderSettings(torch.device("cpu"), torch.float32, 3, 4))
    runner = calls.runner(2, [])
    poses = np.zeros((5, 18, 3), dtype=np.float32)
    assert [len(layers) for layers in runner.render(Motion(poses), np.zeros((5, 2), dtype=np.float32))] == [2, 2, 1]
    assert sorted(engine.asked) == sorted([("prepare", 1), ("prepare", 1), ("render", 2), ("render", 2), ("render", 1)])
    assert calls.rendered == [], "what is measured is not heard"


@pytest.fixture(scope="module")
def stages(tmp_path_factory: pytest.TempPathFactory) -> Stages:
    inputs = make_inputs(None, None, (180, 320), 6, tmp_path_factory.mktemp("inputs"))
    return Stages.of(
        inputs.source, inputs.driving, TransferOptions(engine="layered", size="180x320", device="cpu", batch_size=4)
    )


def test_every_stage_is_done_alone(stages: Stages) -> None:
    timings = stages.timed(1)
    assert tuple(timings) == STAGES
    assert all(timing.seconds > 0 for timing in timings.values())
    assert (stages.frames, stages.calls.batch) == (6, 4)
    assert stages.pictures[0].shape == (320, 180, 3)


def test_the_networks_of_stages_are_found(stages: Stages) -> None:
    heard = stages.networks()
    assert list(heard) == ["analyse"], "the layered engine has none"
    network = heard["analyse"][0]
    assert network.usual[0].shape[1:] == (3, 256, 192)


def test_other_backgrounds_are_not_measured_as_if_they_were_still(stages: Stages) -> None:
    setup = replace(stages.plan.setup, options=TransferOptions(engine="layered", background="transparent"))
    with pytest.raises(ValueError, match="transparent"):
        replace(stages, plan=replace(stages.plan, setup=setup)).timed(1)
