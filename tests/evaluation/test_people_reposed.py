"""Limbs in other poses: by an engine that draws dots where the joints are, and by avatars that have lost some."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from standing_person import standing_person

from motionwarp.body.body_motion import BodyMotion
from motionwarp.body.model import BodyModel
from motionwarp.body.rig import PointRig
from motionwarp.engines.avatar.engine import AvatarEngine
from motionwarp.engines.avatar.posing import PoseParams, SourceBody
from motionwarp.engines.base import Engine, Motion, RenderSettings, Staging
from motionwarp.errors import InputError, NoPersonError, OptionError
from motionwarp.evaluation.free_poses import FREE_POSES, free_poses
from motionwarp.evaluation.options import ReposedSettings
from motionwarp.evaluation.reposed import evaluate_reposed, rim_width
from motionwarp.evaluation.reposed_figures import LIMB_BONES, LIMB_JOINTS, ReposedReport, reposed_summary, reposed_tiles
from motionwarp.perception.base import Observation
from motionwarp.perception.selection import LARGEST, PersonChoice
from motionwarp.pose import skeleton as sk
from motionwarp.types import ByteArray, FloatArray, Frame, Person, PersonCrop, PersonLayer, Pose, SourcePerson

LINE = (60, 60, 60, 255)
SETTINGS = ReposedSettings(engines=("dots",), device="cpu")


class DotEngine(Engine):
    """Draws a dot for each joint of the body, all but the `missing` ones; some are `off`, by torsos, to the right.

    Between the dots are lines from joint to joint, that from the left elbow with a gap of a `torn` share.
    """

    name = "dots"
    has_body = True

    def __init__(
        self, missing: tuple[int, ...] = (), off: Mapping[int, float] | None = None, torn: float = 0.0
    ) -> None:
        self.missing, self.off, self.torn = missing, off or {}, torn

    def prepare(self, source: SourcePerson, settings: RenderSettings) -> None:
        self.body, self.settings = SourceBody.of_photo(source.pose.points), settings

    def perform(self, capture: BodyMotion, staging: Staging) -> tuple[Motion, bool]:
        made = self.body.perform(capture, staging)
        return PoseParams(made.turns, made.camera).motion(made.points), made.is_on_the_spot

    def plan(self, motion: Motion) -> FloatArray:
        return np.zeros((len(motion), 1), dtype=np.float32)

    def render(self, motion: Motion, theta: FloatArray) -> list[PersonLayer]:
        return [self._dots(points) for points in motion.points]

    def _dots(self, points: FloatArray) -> PersonLayer:
        rgba = np.zeros((self.settings.height, self.settings.width, 4), dtype=np.uint8)
        torso = float(np.linalg.norm(points[sk.NECK, :2] - points[[sk.RIGHT_HIP, sk.LEFT_HIP], :2].mean(axis=0)))
        for start, end in LIMB_BONES:
            first, last = points[start, :2], points[end, :2]
            cv2.line(rgba, *np.rint([first, last]).astype(int).tolist(), LINE, 7)
            if start == sk.LEFT_ELBOW and self.torn:
                rows, columns = np.nonzero(rgba[..., 3])
                beyond = np.column_stack([columns, rows]) - first
                share = beyond @ (last - first) / ((last - first) ** 2).sum()
                beside = np.linalg.norm(beyond - share[:, None] * (last - first), axis=1)
                gap = (abs(share - 0.5) < self.torn / 2) & (beside < 8)
                rgba[rows[gap], columns[gap]] = 0
        for joint in set(LIMB_JOINTS) - set(self.missing):
            x, y = points[joint, :2] + (self.off.get(joint, 0) * torso, 0)
            cv2.circle(rgba, (round(x), round(y)), 2, color_of(joint), -1)
        return PersonLayer(rgba, 0, 0)


def color_of(joint: int) -> tuple[int, int, int, int]:
    return 0, 10 * joint, 255, 255


class DotReader:
    """Finds the dots."""

    name = "dots"

    def follow(
        self, frames: Iterable[Frame], choice: PersonChoice = LARGEST, *, dense: bool = False
    ) -> Iterator[Observation]:
        for frame in frames:
            points = np.zeros((18, 3), dtype=np.float32)
            for joint in LIMB_JOINTS:
                rows, columns = np.nonzero((frame.rgb == color_of(joint)[:3]).all(axis=2))
                if len(rows):
                    points[joint] = columns.mean(), rows.mean(), 0.8
            yield Observation(frame, Person(Pose(points), PersonCrop(0, 0, 1.0)))


class BlindReader(DotReader):
    def follow(
        self, frames: Iterable[Frame], choice: PersonChoice = LARGEST, *, dense: bool = False
    ) -> Iterator[Observation]:
        return (Observation(frame, None) for frame in frames)


class DrawnEstimator(DotReader):
    """Sees the drawn person in pictures that are not of one color."""

    def analyze_picture(
        self, rgb: ByteArray, choice: PersonChoice = LARGEST, *, given_pose: Pose | None = None
    ) -> Person:
        (height, width), person = rgb.shape[:2], standing_person()
        if rgb.std() < 1:
            raise NoPersonError("nobody is there")
        points = person.pose.points.copy()
        points[points[:, 1] > height - 0.5] = 0
        crop = PersonCrop(0, 0, 1.0, width, height)
        return Person(Pose(points), crop, person.parsing[:height].copy(), person.matte[:height].copy())

    def find_people(self, rgb: ByteArray) -> list[Person]:
        return [] if rgb.std() < 1 else [self.analyze_picture(rgb)]


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    return written(tmp_path / "drawn.png", standing_person().rgb)


def written(path: Path, rgb: ByteArray) -> Path:
    cv2.imwrite(str(path), np.ascontiguousarray(rgb[..., ::-1]))
    return path


def measured(
    monkeypatch: pytest.MonkeyPatch, photos: list[Path], *engines: Engine, reader: DotReader | None = None
) -> ReposedReport:
    """Return the report of engines, all made up."""
    made = {f"{number}": engine for number, engine in enumerate(engines)}
    monkeypatch.setattr("motionwarp.evaluation.reposed.make_engine", made.__getitem__)
    return evaluate_reposed(
        photos, replace(SETTINGS, engines=tuple(made), rows=1), lambda _done, _all: None,
        estimator=DrawnEstimator(), reader=reader or DotReader(),
    )  # fmt: skip


def test_in_all_poses_every_joint_is_apart_from_all_others() -> None:
    motion, model = free_poses(), BodyModel.load()
    rig = PointRig.of(model, model.shape({"age": 0.7}))
    points = rig.points(torch.from_numpy(motion.turns))[..., :2].numpy()  # (5, 18, 2), meters
    assert len(points) == len(FREE_POSES)
    torso = np.linalg.norm(points[:, sk.NECK] - points[:, [sk.RIGHT_HIP, sk.LEFT_HIP]].mean(axis=1), axis=1)
    movable = [joint for joint in LIMB_JOINTS if joint not in (sk.RIGHT_HIP, sk.LEFT_HIP)]
    between = np.linalg.norm(points[:, movable, None] - points[:, None, movable], axis=-1) / torso[:, None, None]
    between[:, range(len(movable)), range(len(movable))] = np.inf
    # no joint is taken for another one that is in sight
    assert between.min() > 0.2
    raised, mirrored = points[FREE_POSES.index("raised")], points[FREE_POSES.index("raised_mirrored")]
    np.testing.assert_allclose(mirrored, raised[list(sk.MIRROR)] * (-1, 1), atol=0.01)
    assert raised[sk.LEFT_WRIST, 1] < raised[sk.LEFT_ELBOW, 1] < raised[sk.LEFT_SHOULDER, 1]
    assert raised[sk.LEFT_KNEE, 1] < raised[sk.RIGHT_KNEE, 1] - 0.1
    # to the picture's right, and to its left
    noses = points[:, sk.NOSE, 0] - points[:, sk.NECK, 0]
    assert noses[FREE_POSES.index("apart_45")] > 0.05
    assert noses[FREE_POSES.index("apart_-45")] < -0.05


def test_joints_that_are_where_the_body_has_them_are_found(monkeypatch: pytest.MonkeyPatch, photo: Path) -> None:
    report = measured(monkeypatch, [photo], DotEngine())
    summary = reposed_summary(report)
    every = summary["engines"]["0"]["all"]
    assert every["joints"] == 5 * 12
    assert set(every["found"].values()) == {1.0}
    assert every["score"]["limbs"] == pytest.approx(0.8)
    assert set(every["covered"].values()) == {1.0}
    assert list(summary["engines"]["0"]["by_pose"]) == list(FREE_POSES)
    assert [row["photo"] for row in summary["engines"]["0"]["by_photo"]] == ["drawn"]
    assert max(picture.distances.max() for picture in report.pictures) < 0.02
    tiles = reposed_tiles(report)
    assert [tile.caption for tile in tiles] == ["drawn 0", *(f"{pose} 12/12 100%" for pose in FREE_POSES)]
    assert not any(rings(tile.rgb) for tile in tiles[1:])


def test_what_is_missing_or_elsewhere_is_not_found(monkeypatch: pytest.MonkeyPatch, photo: Path) -> None:
    engine = DotEngine((sk.RIGHT_WRIST,), {sk.LEFT_ELBOW: 0.17, sk.LEFT_KNEE: 0.13}, torn=0.4)
    report = measured(monkeypatch, [photo], engine)
    every = reposed_summary(report)["engines"]["0"]["all"]
    assert every["found"] == {
        "elbows": 0.5, "wrists": 0.5, "knees": 1.0, "ankles": 1.0, "limbs": pytest.approx(10 / 12, abs=1e-4),
    }  # fmt: skip
    assert (every["score"]["wrists"], every["score"]["elbows"]) == (pytest.approx(0.4), pytest.approx(0.8))
    assert every["covered"]["forearms"] == pytest.approx(1 - 0.4 / 2, abs=0.02)
    assert [every["covered"][name] for name in ("upper_arms", "thighs", "shins")] == [1.0, 1.0, 1.0]
    tiles = reposed_tiles(report)
    assert tiles[1].caption.startswith("apart 10/12 9")
    assert rings(tiles[1].rgb)


def rings(rgb: ByteArray) -> bool:
    return bool((np.abs(rgb.astype(int) - (230, 30, 30)).sum(axis=2) < 90).any())


def test_rims_are_as_broad_as_they_are_soft() -> None:
    sharp = np.zeros((200, 200), dtype=np.float32)
    cv2.circle(sharp, (100, 100), 60, 1.0, -1)
    assert rim_width(sharp) == 0
    soft = [rim_width(cv2.GaussianBlur(sharp, (0, 0), sigma)) for sigma in (2, 4, 8)]
    # of a straight edge coverages lie between 0.05 and 0.95 within 1.64 deviations on either side
    assert soft == pytest.approx([2 * 1.645 * sigma for sigma in (2, 4, 8)], rel=0.12)
    assert rim_width(np.zeros((9, 9), dtype=np.float32)) == 0


def test_of_whom_nobody_is_seen_nothing_is_found(monkeypatch: pytest.MonkeyPatch, photo: Path) -> None:
    report = measured(monkeypatch, [photo], DotEngine(), reader=BlindReader())
    every = reposed_summary(report)["engines"]["0"]["all"]
    assert (every["joints"], every["found"]["limbs"], every["score"]["limbs"]) == (60, 0.0, 0.0)


def test_joints_that_the_photo_cuts_off_do_not_count(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    person = standing_person()
    row = round(float(person.pose.points[[sk.RIGHT_KNEE, sk.RIGHT_ANKLE], 1].mean()))
    photo = written(tmp_path / "cut.png", person.rgb[:row])
    every = reposed_summary(measured(monkeypatch, [photo], DotEngine()))["engines"]["0"]["all"]
    assert every["joints"] == 5 * 10
    assert every["found"]["ankles"] is None
    assert every["found"]["knees"] == 1.0
    assert every["covered"]["shins"] is None


def test_photos_of_nobody_are_told_and_left_out(monkeypatch: pytest.MonkeyPatch, photo: Path, tmp_path: Path) -> None:
    empty = written(tmp_path / "empty.png", np.full((80, 60, 3), 90, np.uint8))
    summary = reposed_summary(measured(monkeypatch, [empty, photo], DotEngine()))
    assert summary["engines"]["0"]["photos"] == 1
    assert summary["photos_left_out"] == [{"photo": str(empty), "reason": "nobody is there"}]
    with pytest.raises(NoPersonError, match="no photo shows anybody") as told:
        measured(monkeypatch, [empty], DotEngine())
    assert str(empty) in str(told.value)


def test_a_photo_counts_for_all_engines_or_for_none(
    monkeypatch: pytest.MonkeyPatch, photo: Path, tmp_path: Path
) -> None:
    class Choosy(DotEngine):
        def prepare(self, source: SourcePerson, settings: RenderSettings) -> None:
            if source.rgb.shape[0] < 280:
                raise NoPersonError("too small for me")
            super().prepare(source, settings)

    small = written(tmp_path / "small.png", standing_person().rgb[:270])
    summary = reposed_summary(measured(monkeypatch, [small, photo], DotEngine(), Choosy()))
    assert [summary["engines"][name]["photos"] for name in "01"] == [1, 1]
    assert summary["photos_left_out"] == [{"photo": str(small), "reason": "too small for me"}]


def test_what_cannot_be_measured_is_told_before_any_work(photo: Path, tmp_path: Path) -> None:
    for engines in ((), ("avatar", "avatar")):
        with pytest.raises(OptionError):
            ReposedSettings(engines=engines)
    done: list[int] = []
    with pytest.raises(OptionError, match="layered has no body"):
        evaluate_reposed([photo], replace(SETTINGS, engines=("layered",)), lambda now, _: done.append(now))
    with pytest.raises(InputError, match="there is no such file"):
        evaluate_reposed([photo, tmp_path / "none.png"], SETTINGS, lambda now, _: done.append(now))
    assert done == []


def test_an_avatar_that_lost_an_arm_is_seen_to_have_lost_it(
    monkeypatch: pytest.MonkeyPatch, repository_root: Path
) -> None:
    class Armless(AvatarEngine):
        """What another engine draws, without the left forearm and hand."""

        def __init__(self, whole: AvatarEngine) -> None:
            self.whole = whole

        def prepare(self, source: SourcePerson, settings: RenderSettings) -> None:
            """The other one was prepared for the same photo."""

        def perform(self, capture: BodyMotion, staging: Staging) -> tuple[Motion, bool]:
            return self.whole.perform(capture, staging)

        def render(self, motion: Motion, theta: FloatArray) -> list[PersonLayer]:
            drawn = self.whole.render(motion, theta)
            return [without_forearm(layer, points) for points, layer in zip(motion.points, drawn, strict=True)]

    whole_engine = AvatarEngine()
    made = {"whole": whole_engine, "armless": Armless(whole_engine)}
    monkeypatch.setattr("motionwarp.evaluation.reposed.make_engine", made.__getitem__)
    settings = replace(SETTINGS, engines=tuple(made))
    report = evaluate_reposed([repository_root / "examples" / "person.jpg"], settings, lambda _done, _all: None)
    assert report.reader == "builtin"
    summary = reposed_summary(report)["engines"]
    whole, armless = (summary[name]["all"]["found"] for name in made)
    whole_cover, armless_cover = (summary[name]["all"]["covered"] for name in made)
    assert whole_cover["forearms"] > 0.9
    assert armless_cover["forearms"] < 0.8
    assert armless_cover["shins"] == whole_cover["shins"]
    assert whole["limbs"] > 0.9
    assert armless["wrists"] < whole["wrists"] - 0.3
    assert armless["ankles"] > whole["ankles"] - 0.2


def without_forearm(layer: PersonLayer, points: FloatArray) -> PersonLayer:
    rgba = layer.rgba.copy()
    elbow, wrist = points[[sk.LEFT_ELBOW, sk.LEFT_WRIST], :2] - (layer.left, layer.top)
    ends = (np.rint(point).astype(int).tolist() for point in (elbow, wrist + (wrist - elbow) / 2))
    cv2.line(rgba, *ends, (0, 0, 0, 0), 60)
    return PersonLayer(rgba, layer.left, layer.top)
