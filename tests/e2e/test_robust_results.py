"""Odd sizes, comings and goings, cuts, frame rates and light: the person must be where the motion says, or it is told.

The examples' drawn people are the actors, so that places are known exactly. Where only geometry and time are at stake
the points are given and the layered engine draws, which costs little; the rest is seen by the shipped analyzer.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import robust_scenes as scenes
from robust_scenes import Drawn, Made

from motionwarp.errors import NoPersonError
from motionwarp.pipeline.api import transfer
from motionwarp.pipeline.options import TransferOptions

HEIGHT = 192
COUNT = 12
SIZES = {"panorama": (768, 96), "column": (96, 768), "square": (192, 192)}


@pytest.fixture(scope="module")
def person(repository_root: Path) -> Drawn:
    return scenes.example(repository_root / "examples", "person", HEIGHT)


@pytest.fixture(scope="module")
def dancer(repository_root: Path) -> Drawn:
    """Two frames of three are left out, so that there is motion within few frames."""
    return scenes.example(repository_root / "examples", "dance", HEIGHT, 3 * COUNT).part(0, 3 * COUNT, 3)


def of_height(repository_root: Path, name: str, height: float, count: int = 1) -> Drawn:
    """An example in which the person is so many pixels high."""
    usual = scenes.person_height(scenes.example(repository_root / "examples", name, HEIGHT).points[0])
    drawn = scenes.example(repository_root / "examples", name, round(HEIGHT * height / usual), count)
    return drawn


def options(source_points: Path | None, clip_points: Path | None, **changes: Any) -> TransferOptions:
    return TransferOptions(
        **{"engine": "layered", "device": "cpu", "source_poses": source_points, "driving_poses": clip_points, **changes}
    )


def run(folder: Path, source: Drawn, driver: Drawn, rate: int = 8, **changes: Any) -> Made:
    """Transfer with given points."""
    picture, source_points = scenes.write_picture(folder, source)
    clip, clip_points = scenes.write_clip(folder, driver, rate)
    return scenes.made(picture, clip, options(source_points, clip_points, **changes))


def assert_in_place(made: Made, tolerance: float = 0.25) -> None:
    """The person covers the target's points, and little beyond them: hair, hands and feet."""
    for alpha, target in zip(made.alphas, made.targets, strict=True):
        assert scenes.covered(alpha, target) >= 0.85
        assert scenes.off_place(alpha, target) < tolerance


@pytest.mark.parametrize("shape", ["panorama", "column"])
@pytest.mark.parametrize("role", ["source", "driver", "output"])
def test_panoramas_and_columns(
    tmp_path: Path, repository_root: Path, dancer: Drawn, person: Drawn, shape: str, role: str
) -> None:
    size = SIZES[shape]
    source, driver, changes = person, dancer.part(0, 6), {}
    if role == "source":
        source = scenes.in_frame(of_height(repository_root, "person", 70), size, (0.3, 0.5))
    elif role == "driver":
        driver = scenes.in_frame(of_height(repository_root, "dance", 70, 6), size, (0.5, 0.5))
    else:
        changes = {"size": "{}x{}".format(*size)}
    made = run(tmp_path, source, driver, **changes)
    expected = source.size if role != "output" else size
    assert made.pictures[0].shape[:2] == expected[::-1]
    assert_in_place(made)


def test_a_source_person_of_40_pixels(tmp_path: Path, repository_root: Path, dancer: Drawn) -> None:
    tiny = scenes.in_frame(of_height(repository_root, "person", 40), (160, 120), (0.3, 0.6))
    made = run(tmp_path, tiny, dancer)
    assert_in_place(made, tolerance=0.3)
    heights = [scenes.person_height(target) for target in made.targets]
    assert max(heights) < 55


def test_a_driver_of_40_pixels_drives_as_a_large_one(
    tmp_path: Path, repository_root: Path, dancer: Drawn, person: Drawn
) -> None:
    small = of_height(repository_root, "dance", 40, 3 * COUNT).part(0, 3 * COUNT, 3)
    made = run(tmp_path / "small", person, scenes.in_frame(small, (160, 120)))
    large = run(tmp_path / "large", person, dancer)
    assert_in_place(made)
    off = np.linalg.norm(made.targets[..., :2] - large.targets[..., :2], axis=2)
    assert np.median(off) < 0.02 * scenes.person_height(person.points[0])


def test_a_source_person_larger_than_the_picture(tmp_path: Path, repository_root: Path, dancer: Drawn) -> None:
    near = scenes.in_frame(of_height(repository_root, "person", 420), (200, 200), (0.5, 1.35))
    assert 4 < np.count_nonzero(near.points[0, :, 2]) < 15
    made = run(tmp_path, near, dancer)
    for alpha, target in zip(made.alphas, made.targets, strict=True):
        known = target.copy()
        known[near.points[0, :, 2] == 0] = 0
        assert scenes.covered(alpha, known) >= 0.85
        # whom the picture cuts off at its lower edge, the result does not show floating above it
        assert alpha[-1].max() > 0.5


def test_a_driver_larger_than_the_frame_moves_what_it_shows(
    tmp_path: Path, repository_root: Path, person: Drawn
) -> None:
    near = of_height(repository_root, "dance", 520, 3 * COUNT).part(0, 3 * COUNT, 3)
    made = run(tmp_path, person, scenes.in_frame(near, (200, 200), (0.5, 1.2)))
    assert_in_place(made)
    # the legs, which the clip never shows, stand where they stand in the picture
    ankles = made.targets[:, [10, 13], :2]
    assert np.abs(ankles - person.points[0, [10, 13], :2]).max() < 0.15 * scenes.person_height(person.points[0])


def test_nothing_crosses_a_cut(tmp_path: Path, dancer: Drawn, person: Drawn) -> None:
    """Warps and poses on both sides of a cut are those of the shots alone."""
    first = dancer.part(0, 7)
    elsewhere = Drawn([255 - frame for frame in dancer.frames], dancer.points)
    second = scenes.in_frame(elsewhere.part(5, 12), dancer.size, (0.8, 0.6))
    whole = run(tmp_path / "whole", person, first.then(second), smooth=1.0)
    assert whole.plan.target.cuts == (7,)
    for name, shot, frames in (("first", first, slice(0, 7)), ("second", second, slice(7, 14))):
        alone = run(tmp_path / name, person, shot, smooth=1.0)
        np.testing.assert_allclose(whole.targets[frames], alone.targets, atol=1e-3)
        np.testing.assert_allclose(whole.plan.theta[frames], alone.plan.theta, rtol=1e-4, atol=1e-3)
    joined = run(tmp_path / "joined", person, first.then(dancer.part(7, 12)), smooth=1.0)
    assert joined.plan.target.cuts == ()


def test_time_cut_out_of_a_shot_is_a_cut(tmp_path: Path, dancer: Drawn, person: Drawn) -> None:
    wide = (dancer.size[0] * 4, dancer.size[1])
    left, right = (scenes.in_frame(dancer, wide, (x, 0.5)) for x in (0.2, 0.8))
    # one room: only the person is somewhere else
    room = [frame.copy() for frame in left.frames]
    for frame, other in zip(room, right.frames, strict=True):
        frame[:, wide[0] // 2 :] = other[:, wide[0] // 2 :].mean(axis=(0, 1)).astype(np.uint8)
    clip = Drawn(room[:6] + room[6:], np.concatenate([left.points[:6], right.points[6:]]))
    made = run(tmp_path, person, clip, rate=24)
    assert made.plan.target.cuts == (6,)
    assert_in_place(made)


def test_slow_and_fast_frame_rates_give_the_same_motion(tmp_path: Path, dancer: Drawn, person: Drawn) -> None:
    """The same dance at 30 and at 120 frames a second: the same poses at the same times, and as long."""
    slow = dancer
    share = (np.arange(4 * COUNT) / 4) % 1
    at = np.minimum(np.arange(4 * COUNT) // 4, COUNT - 1)
    after = np.minimum(at + 1, COUNT - 1)
    between = slow.points[at] * (1 - share)[:, None, None] + slow.points[after] * share[:, None, None]
    fast = Drawn([slow.frames[index] for index in at], between.astype(np.float32))
    results = {}
    for name, drawn, rate in (("slow", slow, 30), ("fast", fast, 120)):
        picture, source_points = scenes.write_picture(tmp_path / name, person)
        clip, clip_points = scenes.write_clip(tmp_path / name, drawn, rate)
        results[name] = scenes.made(picture, clip, options(source_points, clip_points))
        done = transfer(picture, clip, tmp_path / name / "out.mp4", options(source_points, clip_points))
        assert done.duration_seconds == pytest.approx(COUNT / 30, abs=1e-3)
        assert done.frames == len(drawn.frames)
    off = np.linalg.norm(results["slow"].targets[..., :2] - results["fast"].targets[::4, :, :2], axis=2)
    assert off.max() < 0.03 * scenes.person_height(person.points[0])


def test_whoever_leaves_is_gone_until_they_are_back(tmp_path: Path, dancer: Drawn, person: Drawn) -> None:
    places = [0.5, 0.25, 0.0, -0.3, -0.6, -0.6, -0.6, -0.6, -0.6, -0.3, 0.0, 0.3]
    frames = [scenes.in_frame(dancer.part(index, index + 1), (240, 192), (x, 0.5)) for index, x in enumerate(places)]
    clip = frames[0]
    for frame in frames[1:]:
        clip = clip.then(frame)
    clip.points[(clip.points[..., 2] > 0).sum(axis=1) < 6] = 0
    there = clip.points.any(axis=(1, 2))
    assert 3 <= np.count_nonzero(~there) <= 8
    made = run(tmp_path, person, clip, rate=8, placement="driving", background="driving", size="240x192")
    drawn = np.array([alpha.max() > 0.5 for alpha in made.alphas])
    np.testing.assert_array_equal(drawn, there)
    assert any("edge of the picture" in warning for warning in made.run.warnings)
    # frames without them show the background alone
    away = int(np.flatnonzero(~there)[1])
    assert not made.alphas[away].any()


def seen_well(made: Made, driver: Drawn) -> float:
    """Return the part of the driver's points that were seen within a tenth of the person's height."""
    near = []
    for points, truth in zip(made.plan.inputs.motion.track.points, driver.points, strict=True):
        known = truth[:, 2] > 0.9
        distance = np.linalg.norm(points[known, :2] - truth[known, :2], axis=1)
        near.append(((distance < 0.1 * scenes.person_height(truth)) & (points[known, 2] > 0.2)).mean())
    return float(np.mean(near))


LIGHTS: list[Any] = [
    "dark",
    pytest.param("underexposed", marks=pytest.mark.nightly),
    pytest.param("bright", marks=pytest.mark.nightly),
    "blown out",
]


@pytest.mark.parametrize("light", LIGHTS)
def test_dark_and_bright_clips_are_read_or_told(tmp_path: Path, dancer: Drawn, person: Drawn, light: str) -> None:
    """Never a wrong result without a word."""
    picture, source_points = scenes.write_picture(tmp_path, person)
    driver = scenes.lit(dancer.part(0, 5), light)
    clip, _ = scenes.write_clip(tmp_path, driver, 8)
    try:
        made = scenes.made(picture, clip, options(source_points, None))
    except NoPersonError:
        assert light == "blown out"
        return
    told = any("the driving person" in warning or "no person found" in warning for warning in made.run.warnings)
    assert told or seen_well(made, driver) > 0.85
    if light in ("dark", "underexposed"):
        assert seen_well(made, driver) > 0.85


FRAMINGS: dict[str, Callable[[Path], Drawn]] = {
    "40 pixels": lambda root: scenes.in_frame(of_height(root, "dance", 40, 3), (160, 120), (0.3, 0.5)),
    "panorama": lambda root: scenes.in_frame(of_height(root, "dance", 80, 3), SIZES["panorama"], (0.7, 0.5)),
    "column": lambda root: scenes.in_frame(of_height(root, "dance", 80, 3), SIZES["column"], (0.5, 0.6)),
}


@pytest.mark.parametrize(
    "framing", ["40 pixels", *(pytest.param(name, marks=pytest.mark.nightly) for name in ("panorama", "column"))]
)
def test_small_people_are_seen(tmp_path: Path, repository_root: Path, person: Drawn, framing: str) -> None:
    driver = FRAMINGS[framing](repository_root)
    picture, source_points = scenes.write_picture(tmp_path, person)
    clip, _ = scenes.write_clip(tmp_path, driver, 8)
    made = scenes.made(picture, clip, options(source_points, None))
    assert seen_well(made, driver) > 0.8
    assert_in_place(made)
