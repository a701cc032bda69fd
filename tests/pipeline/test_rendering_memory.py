"""Memory that runs out while a transfer renders: smaller batches, then the CPU, and the same frames all the same."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from small_scene import KnowingEstimator, Scene, standing

from motionwarp.devices import is_out_of_memory
from motionwarp.engines.base import Engine, Motion, RenderSettings
from motionwarp.engines.layered.engine import LayeredEngine
from motionwarp.engines.runner import EngineRunner
from motionwarp.pipeline.api import stream, transfer
from motionwarp.types import FloatArray, PersonLayer, Pose, SourcePerson

OUT_OF_MEMORY = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB"),
    MemoryError(),
    RuntimeError("MPS backend out of memory (MPS allocated: 1.00 GB)"),
    RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    RuntimeError(
        "[enforce fail at alloc_cpu.cpp:117] . DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 "
        "bytes"
    ),
]


class Greedy(Engine):
    """Fits so many frames into the memory of each device, and puts a frame's number into its layer."""

    name = "greedy"

    def __init__(self, fitting: dict[str, int], error: Exception = OUT_OF_MEMORY[0], prepares: bool = True) -> None:
        self.fitting, self.error, self.prepares = fitting, error, prepares
        self.batches: list[tuple[str, int]] = []
        self.device = ""

    def prepare(self, source: SourcePerson, settings: RenderSettings) -> None:
        self.device = settings.device.type
        if self.device != "cpu" and not self.prepares:
            raise self.error

    def plan(self, motion: Motion) -> FloatArray:
        return motion.points[:, 0]

    def render(self, motion: Motion, theta: FloatArray) -> Sequence[PersonLayer]:
        self.batches.append((self.device, len(theta)))
        if len(theta) > self.fitting[self.device]:
            raise self.error
        return [PersonLayer(np.full((1, 1, 4), number, dtype=np.uint8), 0, 0) for number in theta[:, 0]]


def run(
    engine: Engine, frames: int = 20, batch: int | None = 8, device: str = "cuda", threads: int = 1
) -> tuple[EngineRunner, list[int], list[str]]:
    """Render frames numbered from 0; returns the numbers that came, and what was told."""
    warnings = ["told before"]
    blank = np.zeros((8, 6), np.uint8)
    person = SourcePerson(np.zeros((8, 6, 3), np.uint8), np.ones((8, 6), np.float32), Pose(standing()), blank)
    runner = EngineRunner(
        engine, person, RenderSettings(torch.device(device), torch.float16, 6, 8), batch, warnings, threads
    )
    points = np.zeros((frames, 18, 3), np.float32)
    points[:, 0, 0] = np.arange(frames)
    theta = np.concatenate(list(runner.plan(Motion(points))))
    numbers = [int(layer.rgba[0, 0, 0]) for layers in runner.render(Motion(points), theta) for layer in layers]
    return runner, numbers, warnings


@pytest.mark.parametrize("error", OUT_OF_MEMORY)
def test_batches_are_halved_until_they_fit(error: Exception) -> None:
    engine = Greedy({"cuda": 3}, error)
    runner, numbers, warnings = run(engine)
    assert numbers == list(range(20))
    assert engine.batches == [("cuda", 8), ("cuda", 4), *[("cuda", 2)] * 10]
    assert warnings == ["told before", "memory ran out, so that frames were rendered 2 at a time"]
    assert runner.settings.device.type == "cuda"


@pytest.mark.parametrize(
    ("device", "threads", "most"), [("cuda", 1, 32), ("cuda", 16, 32), ("cpu", 1, 4), ("cpu", 2, 4), ("cpu", 16, 1)]
)
def test_batches_of_720p_are_as_large_as_the_device_takes(device: str, threads: int, most: int) -> None:
    engine = Greedy({"cuda": 100, "cpu": 100})
    person = SourcePerson(
        np.zeros((8, 6, 3), np.uint8), np.ones((8, 6), np.float32), Pose(standing()), np.zeros((8, 6), np.uint8)
    )
    settings = RenderSettings(torch.device(device), torch.float16, 720, 1280)
    runner = EngineRunner(engine, person, settings, None, [], threads)
    points = np.zeros((40, 18, 3), np.float32)
    assert sum(map(len, runner.render(Motion(points), points[:, 0]))) == 40
    assert max(size for _, size in engine.batches) == most


def test_what_runs_out_midway_goes_on_from_there() -> None:
    engine = Greedy({"cuda": 8})
    real = engine.render

    def later(motion: Motion, theta: FloatArray) -> Sequence[PersonLayer]:
        if theta[0, 0] >= 8:
            engine.fitting["cuda"] = 5
        return real(motion, theta)

    engine.render = later  # type: ignore[method-assign]
    _, numbers, _ = run(engine)
    assert numbers == list(range(20))
    assert [size for _, size in engine.batches] == [8, 8, 4, 4, 4]


def test_the_cpu_takes_over_where_one_frame_is_too_much() -> None:
    engine = Greedy({"cuda": 0, "cpu": 100})
    runner, numbers, warnings = run(engine)
    assert numbers == list(range(20))
    assert [device for device, _ in engine.batches] == [*["cuda"] * 4, *["cpu"] * 3]
    assert runner.settings.device.type == "cpu"
    assert runner.settings.dtype in (torch.float32, torch.bfloat16)
    assert len(warnings) == 2
    assert "the device 'cuda' did not suffice" in warnings[1]


def test_what_was_told_goes_to_another_list_and_is_kept_up_to_date_there() -> None:
    engine = Greedy({"cuda": 100, "cpu": 100}, prepares=False)
    blank = np.zeros((8, 6), np.uint8)
    person = SourcePerson(np.zeros((8, 6, 3), np.uint8), np.ones((8, 6), np.float32), Pose(standing()), blank)
    runner = EngineRunner(engine, person, RenderSettings(torch.device("cuda"), torch.float16, 6, 8), 8, [], 1)
    warnings = ["told before"]
    runner.tell_in(warnings)
    assert len(warnings) == 2
    assert "the device 'cuda' did not suffice" in warnings[1]
    engine.fitting["cpu"] = 4
    points = np.zeros((8, 18, 3), np.float32)
    assert sum(map(len, runner.render(Motion(points), points[:, 0]))) == 8
    assert warnings == ["told before", "memory ran out, so that frames were rendered 4 at a time"]


def test_the_cpu_takes_over_where_the_person_does_not_fit() -> None:
    engine = Greedy({"cpu": 100}, prepares=False)
    runner, numbers, warnings = run(engine)
    assert (numbers, runner.settings.device.type, len(warnings)) == (list(range(20)), "cpu", 2)


def test_on_the_cpu_it_is_an_error_in_the_end() -> None:
    engine = Greedy({"cpu": 0})
    with pytest.raises(torch.OutOfMemoryError):
        run(engine, device="cpu")
    assert [size for _, size in engine.batches] == [8, 4, 2, 1]


@pytest.mark.parametrize("error", [ValueError("out of memory"), RuntimeError("a defect"), KeyError("x")])
def test_other_errors_are_not_taken_for_it(error: Exception) -> None:
    assert not is_out_of_memory(error)
    engine = Greedy({"cuda": 3}, error)
    with pytest.raises(type(error)):
        run(engine)
    assert len(engine.batches) == 1


@pytest.mark.parametrize("threads", [2, 3, 7])
def test_batches_made_at_once_come_in_order_and_are_halved_too(threads: int) -> None:
    engine = Greedy({"cpu": 3})
    _, numbers, warnings = run(engine, device="cpu", threads=threads)
    assert numbers == list(range(20))
    assert warnings == ["told before", "memory ran out, so that frames were rendered 2 at a time"]


def test_a_defect_in_a_thread_arrives_and_stops_the_others() -> None:
    engine = Greedy({"cpu": 100})
    real = engine.render

    def broken(motion: Motion, theta: FloatArray) -> Sequence[PersonLayer]:
        if theta[0, 0] == 8:
            raise ValueError("a defect")
        return real(motion, theta)

    engine.render = broken  # type: ignore[method-assign]
    with pytest.raises(ValueError, match="a defect"):
        run(engine, batch=4, device="cpu", threads=2)
    assert len(engine.batches) < 5
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("motionwarp-crew")]


class TightLayered(LayeredEngine):
    """The layered engine on a device for three frames."""

    def render(self, motion: Motion, theta: FloatArray) -> Sequence[PersonLayer]:
        if len(theta) > 3:
            raise OUT_OF_MEMORY[0]
        return super().render(motion, theta)


@pytest.mark.usefixtures("knowing")
def test_a_transfer_in_little_memory_gives_the_same_frames_and_a_warning(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = [frame.rgb for frame in stream(scene.person, scene.dance, engine="layered", batch_size=12, device="cpu")]
    monkeypatch.setattr("motionwarp.pipeline.setup.make_engine", lambda name: TightLayered())
    made = [frame.rgb for frame in stream(scene.person, scene.dance, batch_size=12, device="cpu")]
    assert all(np.abs(one.astype(int) - other).max() <= 1 for one, other in zip(made, expected, strict=True))
    result = transfer(scene.person, scene.dance, tmp_path / "out.mp4", batch_size=12, device="cpu")
    assert result.frames == scene.frames
    assert result.warnings == ("memory ran out, so that frames were rendered 3 at a time",)


def test_what_happened_to_the_estimator_is_told(
    scene: Scene, tmp_path: Path, knowing: KnowingEstimator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(KnowingEstimator, "warnings", ("the CPU saw them",), raising=False)
    assert (
        "the CPU saw them"
        in transfer(scene.person, scene.dance, tmp_path / "out.mp4", engine="layered", device="cpu").warnings
    )
