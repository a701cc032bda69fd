"""The engine is prepared beside the clip's analysis: results, errors and ends are as of one prepared after it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_scene import KnowingEstimator, Scene

from motionwarp.engines.layered.engine import LayeredEngine
from motionwarp.errors import NoPersonError
from motionwarp.pipeline.analysis import analyze, open_inputs
from motionwarp.pipeline.api import stream, transfer
from motionwarp.pipeline.layout import PersonTransform
from motionwarp.pipeline.options import TransferOptions
from motionwarp.pipeline.plan import TransferPlan, plan_transfer
from motionwarp.pipeline.progress import TransferRun
from motionwarp.pipeline.rendering import render
from motionwarp.types import SourcePerson

# far more than any of it takes; only a defect waits so long
PATIENCE_SECONDS = 20.0
OPTIONS = TransferOptions(device="cpu", size=96, engine="layered", background="#204060")
PREPARE = LayeredEngine.prepare


@pytest.fixture
def prepared(monkeypatch: pytest.MonkeyPatch) -> list[tuple[threading.Thread, SourcePerson]]:
    """The threads in which engines have been prepared, and for whom."""
    calls: list[tuple[threading.Thread, SourcePerson]] = []

    def noted(self: LayeredEngine, source: SourcePerson, settings: Any) -> None:
        calls.append((threading.current_thread(), source))
        PREPARE(self, source, settings)

    monkeypatch.setattr(LayeredEngine, "prepare", noted)
    return calls


def test_an_engine_is_prepared_once_in_a_thread_that_ends(
    scene: Scene, knowing: KnowingEstimator, prepared: list[tuple[threading.Thread, SourcePerson]], tmp_path: Path
) -> None:
    transfer(scene.person, scene.dance, tmp_path / "out.mp4", OPTIONS)
    [(thread, _)] = prepared
    assert thread is not threading.main_thread()
    assert not thread.is_alive()


def test_the_clip_is_followed_while_the_engine_is_prepared(
    scene: Scene, knowing: KnowingEstimator, monkeypatch: pytest.MonkeyPatch
) -> None:
    followed = threading.Event()

    def waiting(self: LayeredEngine, *args: Any) -> None:
        assert followed.wait(PATIENCE_SECONDS), "the engine was not prepared beside the clip's analysis"
        PREPARE(self, *args)

    monkeypatch.setattr(LayeredEngine, "prepare", waiting)
    monkeypatch.setattr(KnowingEstimator, "follow", and_then(followed.set))
    assert len(list(stream(scene.person, scene.dance, OPTIONS))) == scene.frames


@pytest.mark.parametrize("engine", ["layered", "avatar", "warping_gan"])
def test_frames_are_those_of_an_engine_prepared_afterwards(
    scene: Scene, knowing: KnowingEstimator, engine: str
) -> None:
    inputs = open_inputs(scene.person, scene.dance, replace(OPTIONS, engine=engine))
    seen = analyze(inputs)
    beside, afterwards = (list(render(plan_transfer(inputs.setup, seen))) for _ in range(2))
    assert len(beside) == scene.frames
    assert all(np.array_equal(one.rgb, other.rgb) for one, other in zip(beside, afterwards, strict=True))


def test_only_what_was_begun_is_taken(
    scene: Scene, knowing: KnowingEstimator, prepared: list[tuple[threading.Thread, SourcePerson]]
) -> None:
    def planned(**how: Any) -> TransferPlan:
        inputs = open_inputs(scene.person, scene.dance, OPTIONS)
        prepared.clear()
        return plan_transfer(inputs.setup, analyze(inputs), **how)

    plan = planned()
    assert len(prepared) == 1
    plan_transfer(plan.setup, plan.inputs)
    # of the same inputs again: for a runner of its own
    assert [thread is threading.main_thread() for thread, _ in prepared] == [False, True]
    planned(transform=PersonTransform(scale=0.5))
    assert [thread is threading.main_thread() for thread, _ in prepared] == [False, True]
    planned(keep_parsing=True)
    assert [thread is threading.main_thread() for thread, _ in prepared] == [False, True]


def test_a_person_in_the_clip_s_light_waits_for_the_clip(
    scene: Scene,
    knowing: KnowingEstimator,
    prepared: list[tuple[threading.Thread, SourcePerson]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    list(stream(scene.person, scene.dance, OPTIONS, background="driving"))
    list(stream(scene.person, scene.dance, OPTIONS, background="driving", relight="off"))
    assert [thread is threading.main_thread() for thread, _ in prepared] == [True, False]


def test_an_engine_that_fails_fails_the_transfer(
    scene: Scene, knowing: KnowingEstimator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def failing(self: LayeredEngine, *args: Any) -> None:
        raise NoPersonError("no upper body")

    monkeypatch.setattr(LayeredEngine, "prepare", failing)
    with pytest.raises(NoPersonError, match="no upper body"):
        transfer(scene.person, scene.dance, tmp_path / "out.mp4", OPTIONS)
    assert list(tmp_path.iterdir()) == []


def test_what_is_wrong_with_the_clip_goes_before_what_is_wrong_with_the_engine(
    scene: Scene, knowing: KnowingEstimator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def failing(self: LayeredEngine, *args: Any) -> None:
        raise NoPersonError("no upper body")

    def broken() -> None:
        raise NoPersonError("nobody in the clip")

    monkeypatch.setattr(LayeredEngine, "prepare", failing)
    monkeypatch.setattr(KnowingEstimator, "follow", and_then(broken))
    with pytest.raises(NoPersonError, match="nobody in the clip"):
        transfer(scene.person, scene.dance, tmp_path / "out.mp4", OPTIONS)
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_transfer_takes_the_thread_along(
    scene: Scene,
    knowing: KnowingEstimator,
    prepared: list[tuple[threading.Thread, SourcePerson]],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(KnowingEstimator, "follow", and_then(interrupted))
    with pytest.raises(KeyboardInterrupt):
        transfer(scene.person, scene.dance, tmp_path / "out.mp4", OPTIONS)
    [(thread, _)] = prepared
    assert not thread.is_alive()
    assert list(tmp_path.iterdir()) == []


def test_what_the_engine_says_comes_after_what_is_said_of_the_inputs(
    scene: Scene, knowing: KnowingEstimator, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs = open_inputs(scene.person, scene.dance, OPTIONS)
    monkeypatch.setattr(inputs.setup.engine, "notes", ("of the engine",))
    monkeypatch.setattr(KnowingEstimator, "warnings", ("of the clip",), raising=False)
    with TransferRun() as run:
        plan_transfer(inputs.setup, analyze(inputs, run=run), run=run)
    assert run.warnings.index("of the engine") == run.warnings.index("of the clip") + 1


def and_then(work: Callable[[], None]) -> Callable[..., Iterator[Any]]:
    """Return `KnowingEstimator.follow` with something done once the clip has been followed."""
    follow = KnowingEstimator.follow

    def followed(self: KnowingEstimator, *args: Any, **kwargs: Any) -> Iterator[Any]:
        yield from follow(self, *args, **kwargs)
        work()

    return followed
