"""Several dancers, each of whom moves a person of their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from two_dancers import Duo, make_duo

import motionwarp
from motionwarp.errors import InputError, NoPersonError, OptionError
from motionwarp.media.reader import open_video
from motionwarp.pipeline.analysis import open_inputs
from motionwarp.pipeline.cast import plan_scene, render_scene
from motionwarp.pipeline.compositing import stacked
from motionwarp.pipeline.options import CastMember, TransferOptions
from motionwarp.pipeline.progress import TransferRun
from motionwarp.types import PersonLayer

COUNT = 24


def test_a_cast_is_read() -> None:
    assert CastMember.parse("1=bob.jpg") == CastMember("1", Path("bob.jpg"))
    assert CastMember.parse("320,40=a=b.jpg") == CastMember("320,40", Path("a=b.jpg"))
    for text in ("bob.jpg", "=bob.jpg", "1=", "bob=1", "-1=bob.jpg"):
        with pytest.raises(OptionError, match="does not say who is cast"):
            TransferOptions(cast=(text,))
    for given in ({"driving_poses": "p.json"}, {"region_debug": "r.mp4"}):
        with pytest.raises(OptionError, match="is for one person alone"):
            TransferOptions(cast=("1=bob.jpg",), **given)


def layer(color: tuple[int, int, int], alpha: int, left: int, top: int, size: int = 6) -> PersonLayer:
    rgba = np.empty((size, size, 4), np.uint8)
    rgba[...] = (*(np.array(color) * alpha // 255), alpha)
    return PersonLayer(rgba, left, top)


def test_layers_lie_over_each_other() -> None:
    red, blue, glass = layer((200, 0, 0), 255, 2, 2), layer((0, 0, 200), 255, 5, 4), layer((0, 200, 0), 128, 3, 3)
    over, under = stacked([red, blue]), stacked([blue, red])
    assert (over.left, over.top, over.rgba.shape) == (2, 2, (8, 9, 4))
    assert over.rgba[4, 4].tolist() == [0, 0, 200, 255]
    assert under.rgba[4, 4].tolist() == [200, 0, 0, 255]
    assert over.rgba[0, -1].tolist() == [0, 0, 0, 0]
    seen = stacked([red, glass]).rgba[2, 2]
    assert np.abs(seen.astype(int) - [100, 100, 0, 255]).max() <= 1
    assert stacked([red, PersonLayer(np.zeros((1, 1, 4), np.uint8), 0, 0)]).rgba.shape == (6, 6, 4)


@pytest.fixture(scope="module")
def duo(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Duo:
    folder = tmp_path_factory.mktemp("duo")
    return make_duo(folder, shared_data / "video", "animatex_dance_2", "hybrik_taiji", COUNT)


@pytest.fixture(scope="module")
def bob(repository_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example's person in other colors."""
    picture = cv2.imread(str(repository_root / "examples" / "person.jpg"))
    path = tmp_path_factory.mktemp("bob") / "bob.png"
    cv2.imwrite(str(path), picture[..., ::-1])
    return path


@pytest.mark.shared_data
def test_everybody_follows_their_own_dancer_in_the_right_order(duo: Duo, bob: Path, repository_root: Path) -> None:
    options = TransferOptions(
        engine="layered", device="cpu", size=300, background="#00ff00", cast=(f"1={bob}",), retarget=True
    )
    with TransferRun() as run:
        inputs = open_inputs(repository_root / "examples" / "person.jpg", duo.path, options)
        scene = plan_scene(inputs, run)
        frames = list(render_scene(scene, run=run))
    assert len(frames) == COUNT
    assert frames[0].rgb.shape[:2] == (200, 300)
    # each one's feet are where their dancer's are, before and after the two cross
    scale = 300 / 720
    mains = [0, 1] if _follows(scene.plans[0], duo.points[0] * scale) else [1, 0]
    for plan, dancer in zip(scene.plans, mains, strict=True):
        truth = duo.points[dancer][..., :2] * scale
        middles = plan.target.points[..., :2].mean(axis=1)
        apart = np.abs(middles[:, 0] - truth.mean(axis=1)[:, 0])
        assert np.median(apart) < 12
        assert apart[[0, 1, -2, -1]].max() < 25
    # the near dancer, whose feet are lower, is in front all the time
    assert scene.order is not None
    assert (scene.order[:, -1] == mains.index(0)).all()


def _follows(plan: Any, points: np.ndarray) -> bool:
    return bool(np.abs(plan.target.points[0, :, 0].mean() - points[0, :, 0].mean()) < 25)


@pytest.mark.shared_data
def test_the_clip_without_its_dancers_is_a_background(
    duo: Duo, bob: Path, repository_root: Path, tmp_path: Path
) -> None:
    person = repository_root / "examples" / "person.jpg"
    result = motionwarp.transfer(
        person, duo.path, tmp_path / "out.mp4", engine="layered", device="cpu", size=300, background="driving",
        cast=(f"1={bob}",), end=0.5,
    )  # fmt: skip
    assert (result.frames, result.width, result.height) == (5, 300, 200)
    with open_video(tmp_path / "out.mp4") as reader, open_video(duo.path) as clip:
        ours, theirs = next(iter(reader)).rgb, next(iter(clip)).rgb
    theirs = cv2.resize(theirs, (300, 200), interpolation=cv2.INTER_AREA)
    edge = np.s_[:, :20]
    assert np.abs(ours[edge].astype(int) - theirs[edge]).mean() < 6
    report = motionwarp.check(
        person, duo.path, engine="layered", device="cpu", size=300, cast=(f"1={bob}",), quick=True, end=0.5
    )
    assert not [issue for issue in report.issues if issue.code == "driving.people"]


@pytest.mark.shared_data
def test_more_dancers_than_there_are_cannot_be_cast(duo: Duo, bob: Path, repository_root: Path, tmp_path: Path) -> None:
    person = repository_root / "examples" / "person.jpg"
    ask: Callable[..., Any] = motionwarp.transfer
    with pytest.raises(NoPersonError, match="shows 2 dancers, but dancer 4 is cast"):
        ask(person, duo.path, tmp_path / "out.mp4", engine="layered", device="cpu", cast=(f"4={bob}",))
    blank = tmp_path / "blank.png"
    cv2.imwrite(str(blank), np.full((200, 120, 3), 80, np.uint8))
    with pytest.raises(InputError, match=r"blank\.png"):
        ask(person, duo.path, tmp_path / "out.mp4", engine="layered", device="cpu", end=0.2, cast=(f"1={blank}",))
    assert not (tmp_path / "out.mp4").exists()


def test_motion_capture_is_of_one_person(repository_root: Path, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="motion capture is of one"):
        motionwarp.transfer(
            repository_root / "examples" / "person.jpg", "wave", tmp_path / "out.mp4", engine="layered", device="cpu",
            cast=("1=bob.jpg",),
        )  # fmt: skip


def test_options_of_source_are_not_those_of_the_cast() -> None:
    from motionwarp.pipeline.cast import member_options

    options = TransferOptions(cast=("1=b.jpg",), matte="m.png", person="1", source_time=2.0, smooth=0.3)
    theirs = member_options(options, (640, 360))
    assert (theirs.cast, theirs.matte, theirs.person, theirs.source_time) == ((), None, "largest", 0.0)
    assert (theirs.size, theirs.placement, theirs.background, theirs.smooth) == (
        "640x360",
        "driving",
        "transparent",
        0.3,
    )
    assert replace(theirs, smooth=0.5).output_size is not None
