"""The source's plate is made only where it is shown, and there beside the analysis of the driving clip."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_scene import KnowingEstimator, Scene

from motionwarp.engines.layered.engine import LayeredEngine
from motionwarp.inpainting.clean_plate import clean_plate
from motionwarp.media.image import read_image, write_image
from motionwarp.pipeline import source as source_module
from motionwarp.pipeline.analysis import analyze, open_inputs
from motionwarp.pipeline.api import stream, transfer
from motionwarp.pipeline.check.report import check
from motionwarp.pipeline.options import TransferOptions
from motionwarp.pipeline.plan import plan_transfer
from motionwarp.pipeline.progress import TransferRun, run_in_thread
from motionwarp.pipeline.rendering import render
from motionwarp.types import ByteArray

# far more than any of it takes; only a defect waits so long
PATIENCE_SECONDS = 20.0


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[threading.Thread]:
    """The threads that plates have been made in."""
    threads: list[threading.Thread] = []

    def noted(*args: Any, **kwargs: Any) -> ByteArray:
        threads.append(threading.current_thread())
        return clean_plate(*args, **kwargs)

    monkeypatch.setattr(source_module, "clean_plate", noted)
    return threads


@pytest.mark.parametrize("background", ["#204060", "transparent", "driving", "picture"])
def test_a_plate_that_is_not_shown_is_not_made(
    scene: Scene, knowing: KnowingEstimator, made: list[threading.Thread], tmp_path: Path, background: str
) -> None:
    if background == "picture":
        background = str(tmp_path / "wall.png")
        write_image(background, np.full((20, 30, 3), 90, dtype=np.uint8))
    assert len(list(stream(scene.person, scene.dance, engine="layered", background=background))) == scene.frames
    assert made == []


def test_a_plate_that_is_shown_is_made_once_in_a_thread_that_ends(
    scene: Scene, knowing: KnowingEstimator, made: list[threading.Thread], tmp_path: Path
) -> None:
    transfer(scene.person, scene.dance, tmp_path / "out.mp4", engine="layered")
    check(scene.person, scene.dance, engine="layered")
    assert len(made) == 2
    assert threading.main_thread() not in made
    assert not any(thread.is_alive() for thread in made)


def test_the_plate_is_that_of_the_picture_what_may_be_the_person_and_the_seed(
    scene: Scene, knowing: KnowingEstimator
) -> None:
    options = TransferOptions(device="cpu", engine="layered", seed=5)
    source = analyze(open_inputs(scene.person, scene.dance, options)).source
    assert source.covered is not None
    assert (source.covered >= source.person.matte).all()
    expected = clean_plate(source.person.rgb, source.covered, seed=5)
    np.testing.assert_array_equal(source.plate, expected)
    assert not np.array_equal(expected, source.person.rgb)


def test_a_given_matte_says_itself_what_is_taken_out(scene: Scene, knowing: KnowingEstimator, tmp_path: Path) -> None:
    height, width = read_image(scene.person).rgb.shape[:2]
    matte = np.zeros((height, width, 3), np.uint8)
    matte[height // 4 : 3 * height // 4, width // 3 : 2 * width // 3] = 255
    write_image(tmp_path / "matte.png", matte)
    options = TransferOptions(device="cpu", engine="layered", matte=tmp_path / "matte.png")
    source = analyze(open_inputs(scene.person, scene.dance, options)).source
    assert source.covered is None
    np.testing.assert_array_equal(source.plate, clean_plate(source.person.rgb, source.person.matte))


def test_the_clip_is_followed_while_the_plate_is_made(
    scene: Scene, knowing: KnowingEstimator, monkeypatch: pytest.MonkeyPatch
) -> None:
    followed = threading.Event()
    monkeypatch.setattr(source_module, "clean_plate", _once(followed, clean_plate))
    monkeypatch.setattr(KnowingEstimator, "follow", _and_then(followed.set))
    assert len(list(stream(scene.person, scene.dance, engine="layered"))) == scene.frames


def test_the_first_frames_are_rendered_while_the_plate_is_made(
    scene: Scene, knowing: KnowingEstimator, monkeypatch: pytest.MonkeyPatch
) -> None:
    rendering = threading.Event()
    render = LayeredEngine.render

    def noted(self: LayeredEngine, *args: Any) -> Any:
        rendering.set()
        return render(self, *args)

    monkeypatch.setattr(source_module, "clean_plate", _once(rendering, clean_plate))
    monkeypatch.setattr(LayeredEngine, "render", noted)
    assert len(list(stream(scene.person, scene.dance, engine="layered"))) == scene.frames


def test_whoever_stops_looking_takes_the_thread_along(
    scene: Scene, knowing: KnowingEstimator, made: list[threading.Thread]
) -> None:
    inputs = open_inputs(scene.person, scene.dance, TransferOptions(device="cpu", engine="layered"))
    with TransferRun() as run:
        plan = plan_transfer(inputs.setup, analyze(inputs, run=run), run=run)
        assert list(render(plan, run=run, only=[])) == []
    assert len(made) == 1
    assert not made[0].is_alive()


def test_a_plate_that_fails_fails_the_transfer(
    scene: Scene, knowing: KnowingEstimator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def failing(*args: Any, **kwargs: Any) -> ByteArray:
        raise MemoryError("no room for the plate")

    monkeypatch.setattr(source_module, "clean_plate", failing)
    with pytest.raises(MemoryError, match="no room for the plate"):
        transfer(scene.person, scene.dance, tmp_path / "out.mp4", engine="layered")
    assert list(tmp_path.iterdir()) == []


def test_a_transfer_that_is_interrupted_takes_its_thread_along(
    scene: Scene,
    knowing: KnowingEstimator,
    made: list[threading.Thread],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(KnowingEstimator, "follow", _and_then(interrupted))
    with pytest.raises(KeyboardInterrupt):
        transfer(scene.person, scene.dance, tmp_path / "out.mp4", engine="layered")
    assert len(made) == 1
    assert not made[0].is_alive()
    assert list(tmp_path.iterdir()) == []


def test_the_block_s_own_error_goes_before_that_of_what_is_done_beside_it() -> None:
    def failing() -> None:
        raise ValueError("beside")

    with pytest.raises(KeyError), run_in_thread(failing):
        raise KeyError
    with pytest.raises(ValueError, match="beside"), run_in_thread(failing):
        pass


def _once(event: threading.Event, work: Callable[..., ByteArray]) -> Callable[..., ByteArray]:
    def waiting(*args: Any, **kwargs: Any) -> ByteArray:
        assert event.wait(PATIENCE_SECONDS), "the plate was not made beside what was waited for"
        return work(*args, **kwargs)

    return waiting


def _and_then(work: Callable[[], None]) -> Callable[..., Iterator[Any]]:
    """Return `KnowingEstimator.follow` with something done once the clip has been followed."""
    follow = KnowingEstimator.follow

    def followed(self: KnowingEstimator, *args: Any, **kwargs: Any) -> Iterator[Any]:
        yield from follow(self, *args, **kwargs)
        work()

    return followed
