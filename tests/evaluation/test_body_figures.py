"""Figures of people in space say what they should of tellers that are right, mirrored, blind, or that guess."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
from drawn_views import empty_picture, write_clip

from motionwarp.body.body_track import BodyReader
from motionwarp.body.layout import DRIVEN_BONES
from motionwarp.body.lifter import Lifter, LifterConfig
from motionwarp.body.lifter_figures import CONDITIONS, measuring_tracks
from motionwarp.body.lifting import LiftedTrack, TrackLifter
from motionwarp.body.model import BodyModel
from motionwarp.body.pose_prior import PosePrior
from motionwarp.body.retargeting import BodyMotion
from motionwarp.body.rig import PointRig, world_turns
from motionwarp.body.rotations import matrix_from_vector
from motionwarp.data.avatars.packing import AvatarPackWriter
from motionwarp.data.avatars.scenes import AvatarView
from motionwarp.errors import NoPersonError
from motionwarp.evaluation.body.crops import WholePerson, cut_row, measure_crops
from motionwarp.evaluation.body.facing import SeenClip, evaluate_facing, facing_figures, whom_to_follow
from motionwarp.evaluation.body.lifting import evaluate_lifter
from motionwarp.evaluation.body.pixels import evaluate_pixels
from motionwarp.evaluation.metrics.joints import aligned_by_scale, mean_joint_error, procrustes_error
from motionwarp.perception.base import Estimator, Observation
from motionwarp.perception.selection import PersonChoice
from motionwarp.pose import skeleton as sk
from motionwarp.types import ByteArray, Facing, FloatArray, Frame, Person, PersonCrop, Pose, PoseTrack

BONES = len(DRIVEN_BONES)
SIZE = 320


@pytest.fixture(scope="module")
def body() -> BodyModel:
    return BodyModel.load()


@pytest.fixture(scope="module")
def reader() -> BodyReader:
    return BodyReader.load()


def turned(body: BodyModel, degrees: np.ndarray) -> torch.Tensor:
    """Turns (T, D, 3, 3) of somebody who stands at ease and faces so many degrees."""
    radians = torch.deg2rad(torch.tensor(degrees, dtype=torch.float32))
    zero = torch.zeros_like(radians)
    turn = matrix_from_vector(torch.stack([zero, -radians, zero], dim=1))
    return turn[:, None] @ world_turns(PosePrior.of(body).ease.float())


def points_of(body: BodyModel, degrees: np.ndarray) -> tuple[FloatArray, FloatArray]:
    """Points (T, 18, 3) in pixels, and in meters."""
    places = PointRig.of(body, body.shape({"age": 0.7})).points(turned(body, degrees))
    flat = torch.cat([places[..., :2] * 130 + SIZE / 2, torch.ones(len(places), 18, 1)], dim=-1)
    return flat.numpy().astype(np.float32), places.numpy().astype(np.float32)


class Oracle:
    """An estimator that answers by a function of the picture's first pixel's brightness, and the picture's height."""

    name = "oracle"

    def __init__(self, answer: Callable[[int, int], FloatArray | None]) -> None:
        self._answer = answer

    def analyze_picture(self, rgb: ByteArray, *_: object, **__: object) -> Person:
        points = self._answer(int(rgb[0, 0, 0]), len(rgb))
        if points is None:
            raise NoPersonError("nobody")
        return Person(Pose(points), PersonCrop(0, 0, 1.0))


def estimator(answer: Callable[[int, int], FloatArray | None]) -> Estimator:
    return cast(Estimator, Oracle(answer))


def test_errors_of_joints_are_those_of_closed_forms() -> None:
    truth = torch.randn(18, 3, generator=torch.Generator().manual_seed(0))
    every = torch.ones(18, dtype=torch.bool)
    assert mean_joint_error(truth + 5, truth, every) == pytest.approx(0, abs=1e-5)
    off = truth.clone()
    off[sk.RIGHT_WRIST, 0] += 0.14
    assert mean_joint_error(off, truth, every) == pytest.approx(0.01, abs=1e-6)
    without = every.clone()
    without[sk.RIGHT_WRIST] = False
    assert mean_joint_error(off, truth, without) == pytest.approx(0, abs=1e-6)
    assert mean_joint_error(aligned_by_scale(truth * 3 + 1, truth), truth, every) == pytest.approx(0, abs=1e-5)
    turn = matrix_from_vector(torch.tensor([0.3, -2.0, 0.5]))
    assert procrustes_error(2 * truth @ turn.T + 7, truth, every) == pytest.approx(0, abs=1e-5)
    mirrored = truth * torch.tensor([-1.0, 1.0, 1.0])
    assert procrustes_error(mirrored, truth, every) > 0.1  # mirror images are not turned into each other


def motions(body: BodyModel) -> list[BodyMotion]:
    turns = turned(body, np.linspace(0, 200, 40)).numpy().astype(np.float32)
    return [BodyMotion(turns, np.zeros((40, 3), np.float32), 30.0)]


class TrueLifter:
    """Knows the truth of tracks by their points."""

    def __init__(self, body: BodyModel, frames: int) -> None:
        self._made = measuring_tracks(body, motions(body), 3, frames)

    def lift(self, points: torch.Tensor) -> LiftedTrack:
        for tracks in self._made.values():
            for number in range(len(tracks.points)):
                for first in range(tracks.points.shape[1] - len(points) + 1):
                    part = slice(first, first + len(points))
                    if torch.equal(tracks.points[number, part], points):
                        count = len(points)
                        spread = torch.full((count, BONES), 0.1)
                        return LiftedTrack(tracks.turns[number, part], spread, torch.ones(count), torch.zeros(8))
        raise AssertionError("these points are of no track")


def test_a_lifter_that_knows_the_truth_has_no_error(body: BodyModel) -> None:
    right = BodyReader(body, cast(TrackLifter, TrueLifter(body, 6)))
    told: list[tuple[int, int]] = []
    figures: dict[str, Any] = evaluate_lifter(
        right, motions(body), tracks=3, frames=6, fitted=1, progress=lambda done, total: told.append((done, total))
    )
    for condition in CONDITIONS:
        for kind in ("clips", "single_frames"):
            assert figures[condition][kind]["joint_error_mm"] == pytest.approx(0, abs=0.01)
            assert figures[condition][kind]["facing_within_30"] == 1
    assert figures["exact"]["fitted"]["joint_error_mm"] < 60
    assert told[-1] == (12, 12)
    torch.manual_seed(0)
    wrong = BodyReader(body, TrackLifter(Lifter(LifterConfig(width=8, dilations=(1,)))))
    blind: dict[str, Any] = evaluate_lifter(wrong, motions(body), tracks=3, frames=6)
    assert blind["exact"]["clips"]["joint_error_mm"] > 100
    assert "fitted" not in blind["exact"]


def world_of(degrees: float) -> list[list[float]]:
    """The teacher's 33 points of somebody who faces so many degrees."""
    points = np.zeros((33, 4))
    left = np.array([np.cos(np.radians(degrees)), 0, np.sin(np.radians(degrees))])
    for index, side in ((11, 1), (12, -1), (23, 1), (24, -1)):
        points[index, :3] = 0.15 * side * left
    return cast("list[list[float]]", points.tolist())


def test_facing_is_measured_against_the_teacher(reader: BodyReader) -> None:
    degrees = np.linspace(0, 180, 37) + 0.5
    flat, _ = points_of(reader.body, degrees)
    for point in (sk.NOSE, sk.RIGHT_EYE, sk.LEFT_EYE, sk.RIGHT_EAR, sk.LEFT_EAR):
        flat[19:, point, 2] = 0
    present = np.arange(37) < 36
    flat[36] = 0
    track = PoseTrack(flat, present, np.arange(37) / 30, SIZE, SIZE)
    seen = SeenClip(track, (*[Facing(1.0, 0.0, 0.9)] * 36, None), tuple(range(37)))
    world: list[Any] = [world_of(each) for each in degrees]
    world[1] = None
    figures: dict[str, Any] = facing_figures(seen, world, reader)
    assert (figures["frames"], figures["teacher_sure"]) == (37, 36)
    assert figures["found"] == pytest.approx(36 / 37)
    assert figures["within_30"]["lifter"] > 0.9
    assert figures["within_30"]["analyzer"] == pytest.approx(5 / 35)  # who sees everybody from the front
    assert figures["backs"]["frames"] == 13
    assert figures["backs"]["found"] == pytest.approx(12 / 13)
    assert figures["backs"]["left_right_right"] == 1
    exchanged = PoseTrack(flat[:, list(sk.MIRROR)], present, track.times_seconds, SIZE, SIZE)
    wrong: dict[str, Any] = facing_figures(SeenClip(exchanged, seen.facings, seen.numbers), world, reader)
    assert wrong["backs"]["left_right_right"] == 0


class Watcher:
    """Looks clips through and follows, and remembers what it was given."""

    name = "watcher"

    def __init__(self) -> None:
        self.looked_at: list[int] = []
        self.followed: list[int] = []
        self.asked: PersonChoice | None = None

    def survey(self, frames: Iterable[Frame]) -> PersonChoice:
        self.looked_at = [frame.index for frame in frames]
        return PersonChoice(alone=True)

    def follow(self, frames: Iterable[Frame], choice: PersonChoice, *, dense: bool = False) -> Iterator[Observation]:
        self.asked = choice
        for frame in frames:
            self.followed.append(frame.index)
            yield Observation(frame, None)


@pytest.mark.parametrize(("first", "every", "limit"), [(0, 1, None), (10, 2, None), (4, 3, 7), (58, 1, None)])
def test_whom_to_follow_is_decided_over_what_is_measured(
    tmp_path: Path, first: int, every: int, limit: int | None
) -> None:
    clip = write_clip(tmp_path / "clip.mp4", [empty_picture()] * 60)
    watcher = Watcher()
    chosen = whom_to_follow(cast(Estimator, watcher), clip, first=first, every=every, limit=limit)
    measured = list(range(first, 60, every))[:limit]
    assert chosen.alone
    assert set(watcher.looked_at) <= set(measured)
    assert min(len(measured), 6) <= len(watcher.looked_at) <= 12
    assert measured[-1] - watcher.looked_at[-1] < len(measured) / 4 * every + every


def test_facing_follows_whom_the_whole_clip_is_about(tmp_path: Path, reader: BodyReader) -> None:
    write_clip(tmp_path / "clip.mp4", [empty_picture()] * 12)
    (tmp_path / "clip.world33.json").write_text(json.dumps({"frames": [None] * 12}))
    watcher = Watcher()
    figures: dict[str, Any] = evaluate_facing(cast(Estimator, watcher), reader, tmp_path, clips=["clip"], every=2)
    assert watcher.asked is not None
    assert watcher.asked.alone
    assert watcher.followed == list(range(0, 12, 2))
    assert figures["clip"]["found"] == 0


def test_joints_from_pixels_are_measured(reader: BodyReader, tmp_path: Path) -> None:
    degrees = np.array([0.0, 80, -100, 180])
    flat, places = points_of(reader.body, degrees)
    writer = AvatarPackWriter()
    for number, facing in enumerate(degrees):
        rgb = np.full((SIZE, SIZE, 3), 40 * number, dtype=np.uint8)
        blank = np.zeros((SIZE, SIZE), dtype=np.uint8)
        depth = np.full((SIZE, SIZE), 4, dtype=np.float32)
        writer.add(
            AvatarView(
                rgb, blank.astype(np.float32), blank, depth, Pose(flat[number]), places[number], float(facing), 1.0,
                "none", "X_made",
            )
        )  # fmt: skip
    pack = tmp_path / "made.pack"
    writer.write(pack)
    seeing = estimator(lambda shade, height: None if shade == 120 else flat[round(shade / 40)])
    figures: dict[str, Any] = evaluate_pixels(seeing, reader, pack, referee=False)["motionwarp"]
    assert figures["all"]["pictures"] == 3
    assert figures["all"]["not_found"] == 1
    assert figures["back"]["pictures"] == 0
    assert figures["front"]["facing_within_30"] == 1
    assert 0 < figures["whole"]["joint_error_turned_mm"] <= figures["whole"]["joint_error_mm"] < 150
    again: dict[str, Any] = evaluate_pixels(seeing, reader, pack, referee=False, every=2)["motionwarp"]
    assert again["all"]["pictures"] == 3  # one group of four


def test_cut_people_are_measured(body: BodyModel) -> None:
    truth = points_of(body, np.zeros(1))[0][0]
    person = WholePerson(np.zeros((SIZE, SIZE, 3), np.uint8), truth)
    rows = {cut: cut_row(person, cut) for cut in ("knee", "hip", "chest")}
    assert SIZE > rows["knee"] > rows["hip"] > rows["chest"] > truth[sk.NECK, 1]  # type: ignore[operator]

    def right(shade: int, height: int) -> FloatArray:
        seen = truth.copy()
        seen[seen[:, 1] > height - 0.5] = 0
        return seen

    def guessing(shade: int, height: int) -> FloatArray:
        seen = truth.copy()
        seen[:, 1] = np.minimum(seen[:, 1], height - 2)
        return seen

    figures = measure_crops(estimator(right), [person])
    assert figures["all"]["pictures"] == 3
    for cut in ("all", *rows):
        assert figures[cut]["outside_absent"] == figures[cut]["inside_found"] == 1
        assert figures[cut]["inside_within_5_percent"] == 1
    guessed = measure_crops(estimator(guessing), [person])
    assert guessed["all"]["outside_absent"] == 0
    blind = measure_crops(estimator(lambda shade, height: None), [person])["all"]
    assert (blind["person_found"], blind["inside_found"], blind["outside_absent"]) == (0, 0, 1)
    short = truth.copy()
    short[[sk.RIGHT_ANKLE, sk.LEFT_ANKLE, sk.RIGHT_KNEE, sk.LEFT_KNEE], 2] = 0
    assert cut_row(WholePerson(person.rgb, short), "knee") is None
