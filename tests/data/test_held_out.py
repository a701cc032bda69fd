"""Held-out pairs: disjoint by person, the same for a seed, and no leaks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motionwarp.data.held_out import (
    HeldOutSplit,
    check_disjoint,
    draw_pairs,
    fingerprint,
    held_out_split,
    same_pictures,
    split_people,
)
from motionwarp.data.held_out_files import HeldOutSettings, make_held_out
from motionwarp.data.people_folder import media_files, person_in
from motionwarp.data.protocols import PairNames, read_annotations, read_pairs, write_pairs
from motionwarp.errors import InputError, NoPersonError, OutputError
from motionwarp.types import ByteArray, Person, PersonCrop, Pose


def noise(seed: int, height: int = 80, width: int = 60) -> ByteArray:
    coarse = np.random.default_rng(seed).integers(0, 255, (10, 8, 3)).astype(np.uint8)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), dtype=np.uint8)


def write(path: Path, rgb: ByteArray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), rgb)


def write_clip(path: Path, seed: int, frames: int = 12) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (60, 80))
    for number in range(frames):
        writer.write(np.ascontiguousarray(noise(1000 * seed + number // 3)))
    writer.release()


def silent(stage: str, done: int, total: int | None) -> None:
    """Tell nobody."""


PEOPLE = {f"person{number}": [f"{number}_{view}.png" for view in range(4)] for number in range(10)}


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 1000), st.floats(0.01, 0.99), st.integers(2, 30))
def test_nobody_is_on_both_sides(seed: int, share: float, count: int) -> None:
    people = [f"p{number}" for number in range(count)]
    train, test = split_people(people, share, seed)
    assert not set(train) & set(test)
    assert sorted(train + test) == sorted(people)
    assert train
    assert test
    assert split_people(list(reversed(people)), share, seed) == (train, test)


def test_few_new_people_leave_most_others_where_they_were() -> None:
    people = [f"p{number}" for number in range(100)]
    _, before = split_people(people, 0.2, 7)
    _, after = split_people([*people, "new1", "new2"], 0.2, 7)
    assert len(set(before) & set(after)) >= 17
    assert split_people(people, 0.2, 8)[1] != before


def test_who_was_trained_on_is_never_for_testing() -> None:
    people = [f"p{number}" for number in range(10)]
    _, test = split_people(people, 0.5, 0, never_test=people[:7])
    assert set(test) == set(people[7:])
    with pytest.raises(InputError, match="everybody was trained on"):
        split_people(people, 0.5, 0, never_test=people)
    with pytest.raises(InputError, match="1 person cannot"):
        split_people(["alone"], 0.5, 0)


def test_pairs_are_of_one_person_drawn_once_and_the_same_for_a_seed() -> None:
    split = held_out_split(PEOPLE, test_share=0.3, per_person=5, seed=1)
    owner = {name: person for person, names in PEOPLE.items() for name in names}
    for people, pairs in ((split.train_people, split.train), (split.test_people, split.test)):
        assert len(pairs) == len(set(pairs)) == 5 * len(people)
        for pair in pairs:
            assert pair.source != pair.target
            assert owner[pair.source] == owner[pair.target] in people
    assert held_out_split(PEOPLE, test_share=0.3, per_person=5, seed=1) == split
    # a person's pairs do not depend on who else is there
    assert draw_pairs(PEOPLE, ["person3"], 5, 1) == [
        pair for pair in (*split.train, *split.test) if owner[pair.source] == "person3"
    ]
    assert len(draw_pairs(PEOPLE, ["person3"], 100, 1)) == 12


def test_people_with_one_picture_are_left_out() -> None:
    split = held_out_split({**PEOPLE, "single": ["s.png"]}, test_share=0.5, per_person=1, seed=0)
    assert "single" not in {*split.train_people, *split.test_people}


def test_the_same_picture_is_told_though_recoded_and_scaled(tmp_path: Path) -> None:
    for number in range(6):
        write(tmp_path / f"a{number}.png", noise(number, 160, 120))
    write(tmp_path / "again.jpg", np.asarray(cv2.resize(noise(3, 160, 120), (60, 80)), dtype=np.uint8))
    write(tmp_path / "other.jpg", noise(99))
    assert same_pictures(tmp_path, [f"a{number}.png" for number in range(6)], ["other.jpg", "again.jpg"]) == [
        ("a3.png", "again.jpg")
    ]
    assert np.count_nonzero(fingerprint(noise(1)) != fingerprint(noise(2))) > 60


def test_leaks_are_refused(tmp_path: Path) -> None:
    pictures = {"one": ["1a.png", "1b.png"], "two": ["2a.png", "2b.png"]}
    for number, name in enumerate(["1a.png", "1b.png", "2a.png"]):
        write(tmp_path / name, noise(number))
    write(tmp_path / "2b.png", noise(0))
    split = held_out_split(pictures, test_share=0.5, per_person=2, seed=0)
    with pytest.raises(InputError, match=r"the same: .*1a\.png"):
        check_disjoint(split, pictures, tmp_path)
    write(tmp_path / "2b.png", noise(9))
    check_disjoint(split, pictures, tmp_path)
    both = HeldOutSplit(("one", "two"), ("two",), split.train, split.test)
    with pytest.raises(InputError, match="two would be in training and test"):
        check_disjoint(both, pictures, tmp_path)


@pytest.mark.parametrize(
    ("name", "rule", "is_clip", "person"),
    [
        ("0002_c1s1_000451_03.jpg", "auto", False, "0002"),
        ("ann/0002_c1s1_000451_03.jpg", "auto", False, "0002"),
        ("ann/0002_c1s1_000451_03.jpg", "folder", False, "ann"),
        ("ann/walk.mp4", "auto", True, "ann"),
        ("walk.mp4", "auto", True, "walk"),
        ("sub/id_00000080/01_front.jpg", "name", False, "id00000080"),
        ("ann/x.png", "file", False, "ann/x"),
        ("x.png", "auto", False, None),
        ("x.png", "folder", False, None),
        ("walk.mp4", "name", True, None),
    ],
)
def test_who_is_who(tmp_path: Path, name: str, rule: Any, is_clip: bool, person: str | None) -> None:
    if person is None:
        with pytest.raises(InputError, match="nothing tells whom"):
            person_in(tmp_path / name, tmp_path, rule, is_clip=is_clip)
    else:
        assert person_in(tmp_path / name, tmp_path, rule, is_clip=is_clip) == person


class InputAnalyzer:
    """Sees a person in pictures that are brighter in the mean than a level."""

    name = "bright"

    def analyze_picture(self, rgb: ByteArray, *given: object, **named: object) -> Person:
        if rgb.mean() < 60:
            raise NoPersonError("dark")
        points = np.ones((18, 3), np.float32)
        points[:, 0] = 7
        return Person(Pose(points), PersonCrop(0, 0, 1))


def test_clips_become_frames_lists_and_annotations(tmp_path: Path) -> None:
    for number in range(4):
        write_clip(tmp_path / "clips" / f"walker{number}.avi", number)
    settings_of = HeldOutSettings(
        tmp_path / "clips", tmp_path / "out", every_seconds=0.3, per_person=3, test_share=0.25, height=64
    )
    made = make_held_out(settings_of, InputAnalyzer(), silent)  # type: ignore[arg-type]
    train, test = (read_pairs(tmp_path / "out" / f"{side}-pairs.csv").pairs for side in ("train", "test"))
    assert (len(train), len(test)) == (9, 3)
    walkers = {pair.source.split("_")[0] for pair in test}
    assert walkers == set(made.split.test_people)
    assert not walkers & {pair.source.split("_")[0] for pair in train}
    annotations = read_annotations(tmp_path / "out" / "test-annotation.csv")
    for pair in test:
        picture = cv2.imread(str(made.images / pair.target))
        assert picture.shape == (64, 48, 3)
        assert annotations[pair.target].points[0].tolist() == [7, 1, 1]
    summary = json.loads((tmp_path / "out" / "split.json").read_text(encoding="utf-8"))
    assert summary["test"] == {"people": sorted(walkers), "pairs": 3}
    with pytest.raises(OutputError, match=r"train-pairs\.csv already"):
        make_held_out(settings_of, None, silent)


def test_photos_stay_where_they_are_and_dark_ones_are_left_out(tmp_path: Path) -> None:
    for number in range(3):
        for view in range(3):
            write(tmp_path / "photos" / f"p{number}" / f"{view}.png", np.maximum(noise(10 * number + view), 80))
        write(tmp_path / "photos" / f"p{number}" / "dark.png", noise(500 + number) // 8)
    made = make_held_out(HeldOutSettings(tmp_path / "photos", tmp_path / "out"), InputAnalyzer(), silent)  # type: ignore[arg-type]
    assert made.images == tmp_path / "photos"
    assert sorted(made.without_person) == ["p0/dark.png", "p1/dark.png", "p2/dark.png"]
    assert {len(pairs) for pairs in (made.split.train, made.split.test)} == {12, 6}
    write_pairs(
        tmp_path / "old.csv", [PairNames(f"{person}/0.png", f"{person}/1.png") for person in made.split.test_people]
    )
    again = make_held_out(
        HeldOutSettings(tmp_path / "photos", tmp_path / "out2", trained_on=tmp_path / "old.csv"), None, silent
    )
    assert not set(again.split.test_people) & set(made.split.test_people)
    assert not (tmp_path / "out2" / "test-annotation.csv").exists()


def test_folders_that_are_no_use(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no folder"):
        media_files(tmp_path / "absent")
    with pytest.raises(InputError, match="neither photos nor clips"):
        media_files(tmp_path)
    write(tmp_path / "x.png", noise(0))
    write_clip(tmp_path / "y.avi", 0)
    with pytest.raises(InputError, match="both photos and clips"):
        make_held_out(HeldOutSettings(tmp_path, tmp_path / "out"), None, silent)
