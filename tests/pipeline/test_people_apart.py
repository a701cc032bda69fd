"""Whom source and clip mean, chosen for both or apart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pytest
from small_scene import KnowingEstimator, Scene, waving

from motionwarp import transfer
from motionwarp.errors import NoPersonError
from motionwarp.perception.base import Observation
from motionwarp.perception.selection import LARGEST, PersonChoice
from motionwarp.pipeline.options import TransferOptions
from motionwarp.types import ByteArray, Frame, Person, Pose

CHOICES: list[tuple[str, str]] = []


class AskedEstimator(KnowingEstimator):
    """Notes whom it was asked for; the picture shows one person."""

    def analyze_picture(
        self, rgb: ByteArray, choice: PersonChoice = LARGEST, *, given_pose: Pose | None = None
    ) -> Person:
        CHOICES.append(("source", str(choice)))
        if choice.index:
            raise NoPersonError("there is no person of this number")
        return super().analyze_picture(rgb, choice, given_pose=given_pose)

    def find_people(self, rgb: ByteArray) -> list[Person]:
        return [super().analyze_picture(rgb)]

    def follow(
        self, frames: Iterable[Frame], choice: PersonChoice = LARGEST, *, dense: bool = False
    ) -> Iterator[Observation]:
        CHOICES.append(("driving", str(choice)))
        return super().follow(frames, choice, dense=dense)


@pytest.fixture
def asked(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    CHOICES.clear()
    estimator = AskedEstimator([np.asarray(waving(index / 24)) for index in range(scene.frames)])
    monkeypatch.setattr("motionwarp.pipeline.analysis.make_estimator", lambda *_: estimator)
    return CHOICES


def run(scene: Scene, tmp_path: Any, **options: Any) -> None:
    transfer(scene.person, scene.dance, tmp_path / "out.mp4", engine="layered", end=0.5, overwrite=True, **options)


def test_one_choice_is_for_both(scene: Scene, tmp_path: Any, asked: list[tuple[str, str]]) -> None:
    run(scene, tmp_path, person="0")
    assert asked == [("source", "0"), ("driving", "0")]


def test_each_may_have_its_own(scene: Scene, tmp_path: Any, asked: list[tuple[str, str]]) -> None:
    run(scene, tmp_path, source_person="0", driving_person="40,80")
    assert asked == [("source", "0"), ("driving", "40,80")]
    asked.clear()
    run(scene, tmp_path, person="0", driving_person="largest")
    assert asked == [("source", "0"), ("driving", "largest")]


def test_a_number_for_both_may_mean_the_clip_only_but_one_for_the_source_may_not(
    scene: Scene, tmp_path: Any, asked: list[tuple[str, str]]
) -> None:
    run(scene, tmp_path, person="1")  # the picture shows one person, so that the clip was meant
    assert asked[-1] == ("driving", "1")
    with pytest.raises(NoPersonError):
        run(scene, tmp_path, source_person="1")


def test_values_are_checked_like_those_of_person() -> None:
    assert TransferOptions(person="2").person_in_source == "2"
    assert TransferOptions(person="2", source_person="1").person_in_driving == "2"
