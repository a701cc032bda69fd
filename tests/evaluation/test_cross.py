"""Transfers between different people, with an engine and an analyzer that know what was drawn."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from motionwarp.engines.base import Engine, Motion, RenderSettings
from motionwarp.errors import InputError, NoPersonError, OptionError
from motionwarp.evaluation import cross
from motionwarp.evaluation.cross import evaluate_cross
from motionwarp.evaluation.metrics.pose import pose_jitter
from motionwarp.evaluation.options import CrossSettings
from motionwarp.perception.base import Observation
from motionwarp.pose import skeleton as sk
from motionwarp.types import ByteArray, FloatArray, Frame, Person, PersonCrop, PersonLayer, Pose, SourcePerson

HEIGHT, WIDTH = 160, 120
OFFSETS = {
    sk.NOSE: (0, -48), sk.NECK: (0, -36), sk.RIGHT_SHOULDER: (-10, -36), sk.LEFT_SHOULDER: (10, -36),
    sk.RIGHT_ELBOW: (-14, -20), sk.LEFT_ELBOW: (14, -20), sk.RIGHT_WRIST: (-14, -4), sk.LEFT_WRIST: (14, -4),
    sk.RIGHT_HIP: (-8, 0), sk.LEFT_HIP: (8, 0), sk.RIGHT_KNEE: (-8, 24), sk.LEFT_KNEE: (8, 24),
    sk.RIGHT_ANKLE: (-8, 48), sk.LEFT_ANKLE: (8, 48), sk.RIGHT_EYE: (-2, -50), sk.LEFT_EYE: (2, -50),
    sk.RIGHT_EAR: (-5, -49), sk.LEFT_EAR: (5, -49),
}  # fmt: skip


def points_at(x: float, y: float) -> FloatArray:
    """Points round the middle of the hips."""
    return np.array([[x + OFFSETS[index][0], y + OFFSETS[index][1], 1] for index in range(18)], np.float32)


def draw(rgb: ByteArray, points: FloatArray, color: tuple[int, int, int]) -> None:
    """Draw a person of one color, whose middle of the hips is marked by a white dot."""
    for start, end in sk.BONES:
        one, other = (tuple(np.rint(points[index, :2]).astype(int).tolist()) for index in (start, end))
        cv2.line(rgb, one, other, color, 9)
    hull = cv2.convexHull(
        points[[sk.RIGHT_SHOULDER, sk.LEFT_SHOULDER, sk.LEFT_HIP, sk.RIGHT_HIP], :2].round().astype(np.int32)
    )
    cv2.fillConvexPoly(rgb, hull, color)
    middle = points[[sk.RIGHT_HIP, sk.LEFT_HIP], :2].mean(axis=0).round().astype(int).tolist()
    cv2.circle(rgb, tuple(middle), 3, (255, 255, 255), -1)


def scene(x: float, color: tuple[int, int, int], y: float = 80) -> ByteArray:
    rgb = np.full((HEIGHT, WIDTH, 3), 60, np.uint8)
    draw(rgb, points_at(x, y), color)
    return rgb


class DotEstimator:
    """Finds the white dot and says that a person is round it."""

    name = "dots"

    def analyze_picture(self, rgb: ByteArray, choice: object = None, *, given_pose: Pose | None = None) -> Person:
        rows, columns = np.nonzero((rgb > 200).all(axis=2))
        if len(rows) == 0:
            raise NoPersonError("no dot")
        matte = (np.abs(rgb.astype(int) - 60).max(axis=2) > 20).astype(np.float32)
        crop = PersonCrop(0, 0, 1, width=rgb.shape[1], height=rgb.shape[0])
        return Person(Pose(points_at(columns.mean(), rows.mean())), crop, (matte * 5).astype(np.uint8), matte)

    def follow(self, frames: Iterable[Frame], choice: object = None, *, dense: bool = False) -> Iterator[Observation]:
        for frame in frames:
            try:
                yield Observation(frame, self.analyze_picture(frame.rgb))
            except NoPersonError:
                yield Observation(frame, None)


class DrawingEngine(Engine):
    """Draws the person where it is asked, in the source's color; its other kinds get something wrong."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.count = 0

    def prepare(self, source: SourcePerson, settings: RenderSettings) -> None:
        self.size = settings.height, settings.width
        points = source.pose.points
        middle = points[[sk.NECK, sk.RIGHT_HIP, sk.LEFT_HIP], :2].mean(axis=0).round().astype(int)
        self.color = tuple(source.rgb[middle[1], middle[0]].tolist())
        if self.name == "fails" and self.color[0] > 120:
            raise InputError("red people are too much for it")

    def plan(self, motion: Motion) -> FloatArray:
        return np.zeros((len(motion), 1), np.float32)

    def render(self, motion: Motion, theta: FloatArray) -> Sequence[PersonLayer]:
        layers = []
        for points in motion.points:
            moved = points.copy()
            color = self.color
            if self.name == "shakes":
                moved[:, 0] += 6 * (self.count % 2)
            if self.name == "repaints":
                color = (90, 100, 150)
            self.count += 1
            rgb = np.zeros((*self.size, 3), np.uint8)
            draw(rgb, moved, color)
            alpha = np.where(rgb.any(axis=2), 255, 0).astype(np.uint8)
            layers.append(PersonLayer(np.dstack([rgb, alpha]), 0, 0))
        return layers


@pytest.fixture(autouse=True)
def drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cross, "make_estimator", lambda *given: DotEstimator())
    for module in ("motionwarp.evaluation.cross", "motionwarp.pipeline.setup"):
        monkeypatch.setattr(f"{module}.make_engine", DrawingEngine)


@pytest.fixture
def inputs(tmp_path: Path) -> dict[str, Any]:
    """A red and a green person, and a gray one who walks to the right, a pixel and a half a frame."""
    for name, color in (("red", (150, 95, 95)), ("green", (95, 140, 95))):
        cv2.imwrite(str(tmp_path / f"{name}.png"), cv2.cvtColor(scene(60, color), cv2.COLOR_RGB2BGR))
    frames = tmp_path / "walk"
    frames.mkdir()
    for number in range(8):
        cv2.imwrite(str(frames / f"{number:03d}.png"), scene(50 + 1.5 * number, (120, 120, 120)))
    return {"sources": (tmp_path / "red.png", tmp_path / "green.png"), "drivings": (frames,), "size": HEIGHT}


def silent(stage: str, done: int, total: int | None) -> None:
    """Tell nobody."""


def test_who_does_as_asked_gets_the_better_figures(inputs: dict[str, Any]) -> None:
    summary = evaluate_cross(CrossSettings(**inputs, engines=("exact", "shakes", "repaints")), silent)
    json.dumps(summary, allow_nan=False)
    means = {
        engine: {name: each["mean"] for name, each in metrics.items()} for engine, metrics in summary["engines"].items()
    }
    assert means["exact"]["pckh"] > 0.98
    assert means["exact"]["mkr"] == 0
    assert means["exact"]["akd"] < 0.05
    assert means["shakes"]["akd"] == pytest.approx(means["exact"]["akd"] + 3 / 36, abs=0.03)
    assert means["shakes"]["jitter"] > 5 * means["exact"]["jitter"]
    assert means["shakes"]["asked_jitter"] == means["exact"]["asked_jitter"]
    assert means["repaints"]["identity"] > means["exact"]["identity"] + 0.2
    assert len(summary["combinations"]) == 2
    rows = {(row["figure"], row["first"], row["second"]): row for row in summary["differences"]}
    assert rows["jitter", "exact", "shakes"]["mean"] < 0


def test_what_one_engine_cannot_do_counts_for_none(inputs: dict[str, Any]) -> None:
    summary = evaluate_cross(CrossSettings(**inputs, engines=("exact", "fails")), silent)
    assert [Path(row["source"]).stem for row in summary["combinations"]] == ["green"]
    assert summary["engines"]["exact"]["pckh"]["combinations"] == 1
    assert "red people" in summary["failures"][0]["reason"]


def test_inputs_without_people_are_told_and_left_out(inputs: dict[str, Any], tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "empty.png"), np.full((HEIGHT, WIDTH, 3), 60, np.uint8))
    sources = (*inputs["sources"], tmp_path / "empty.png")
    summary = evaluate_cross(CrossSettings(**{**inputs, "sources": sources}, engines=("exact",)), silent)
    assert len(summary["combinations"]) == 2
    assert summary["failures"][0]["source"].endswith("empty.png")
    with pytest.raises(InputError, match=r"no combination is left.*no dot"):
        evaluate_cross(CrossSettings(**{**inputs, "sources": (tmp_path / "empty.png",)}, engines=("exact",)), silent)


def test_settings_that_make_no_sense(inputs: dict[str, Any]) -> None:
    with pytest.raises(OptionError, match="named twice"):
        CrossSettings(**inputs, engines=("exact", "exact"))
    with pytest.raises(InputError, match="at least"):
        CrossSettings(**{**inputs, "sources": ()})


def test_jitter_by_hand() -> None:
    still = np.tile(points_at(50, 80), (6, 1, 1))
    walking = still.copy()
    walking[..., 0] += 3 * np.arange(6)[:, None]
    assert pose_jitter(still, 36) == pose_jitter(walking, 36) == 0
    shaking = still.copy()
    shaking[::2, :, 1] += 5  # bends by 10 pixels in every triple
    assert pose_jitter(shaking, 40) == pytest.approx(0.25)
    half = shaking.copy()
    half[3, 1:, 2] = 0  # only one point is seen throughout, and triples 0..2 of the others
    assert pose_jitter(half, 40) == pytest.approx(0.25)
    assert np.isnan(pose_jitter(still[:2], 36))
    with pytest.raises(ValueError, match="body sizes"):
        pose_jitter(still, 0)
