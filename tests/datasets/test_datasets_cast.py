"""Clips of several dancers in data sets: who takes whose place, and what is true of each of them."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from motionwarp.datasets.cast import people_cast
from motionwarp.datasets.clip_reader import ClipReader, of_person
from motionwarp.datasets.config import DatasetConfig, stored_form
from motionwarp.datasets.estimate import estimate
from motionwarp.datasets.export import export_coco, export_openpose
from motionwarp.datasets.generate import generate
from motionwarp.datasets.items import Item, read_items
from motionwarp.datasets.manifest import read_manifest
from motionwarp.datasets.options import CastRule, ExecutorChoice, RunSettings
from motionwarp.datasets.plan import make_plan
from motionwarp.datasets.storage.local import LocalStorage
from motionwarp.datasets.verify import verify
from motionwarp.errors import InputError, OptionError
from motionwarp.media.image import read_image, write_image
from motionwarp.media.reader import open_video
from motionwarp.media.writer import open_writer
from motionwarp.pipeline.layout import resized
from motionwarp.pipeline.options import TransferOptions

FRAMES = 3
PEOPLE = tuple(Item("source", name, f"{name}.jpg") for name in ("ann", "bea", "cleo"))
DUO = Item("driving", "duo", "duo.mp4")
OPTIONS = TransferOptions(audio=False, device="cpu", precision="fp32", size=240, engine="layered", background="#204060")


def cast_of(*rules: str, source: Item = PEOPLE[0], seed: int = 0) -> list[str]:
    people = {item.id: item for item in PEOPLE}
    return [person.item.id for person in people_cast([CastRule.parse(rule) for rule in rules], source, people, seed)]


def test_rules_name_a_dancer_and_a_person() -> None:
    assert CastRule.parse(" 1=bob ") == CastRule("1", "bob")
    assert str(CastRule.parse("320.5,240=random")) == "320.5,240=random"
    for wrong in ("bob", "0=bob", "1=", "left=bob", "1=bob.jpg", "1,=bob=2"):
        with pytest.raises(OptionError, match="does not say who is cast"):
            CastRule.parse(wrong)


def test_who_is_drawn_is_nobody_else_in_the_clip() -> None:
    assert cast_of("1=cleo", "2=ann") == ["cleo", "ann"]
    for seed in range(20):
        assert cast_of("1=random", "2=cleo", seed=seed) == ["bea", "cleo"]
        assert sorted(cast_of("1=random", "2=random", seed=seed)) == ["bea", "cleo"]
    assert {cast_of("1=random", seed=seed)[0] for seed in range(20)} == {"bea", "cleo"}
    with pytest.raises(OptionError, match="there are only 3 people"):
        cast_of("1=random", "2=random", "3=random")
    with pytest.raises(OptionError, match="no source 'dave'"):
        cast_of("1=dave")


def test_a_motions_own_row_goes_before_the_data_sets_choice(tmp_path: Path) -> None:
    (tmp_path / "dances.csv").write_text("path,cast\nduo.mp4,\ntrio.mp4,1=cleo  2=random\n")
    drivings = read_items("driving", str(tmp_path / "dances.csv"))
    plan = make_plan(PEOPLE, drivings, DatasetConfig(OPTIONS, cast=("1=bea",)))
    casts = {clip.id: [person.item.id for person in clip.cast] for clip in plan.clips}
    assert casts == {
        "ann__duo": ["bea"], "ann__trio": ["cleo", "bea"], "bea__duo": ["bea"], "bea__trio": ["cleo", "ann"],
        "cleo__duo": ["bea"], "cleo__trio": casts["cleo__trio"],
    }  # fmt: skip
    assert casts["cleo__trio"][0] == "cleo"
    # who is only cast belongs to the people whose pictures are looked at
    alone = make_plan(PEOPLE, drivings[:1], DatasetConfig(OPTIONS, pairs="random:1", cast=("1=cleo",)))
    assert {item.id for item in alone.sources} == {alone.clips[0].source.id, "cleo"}


@pytest.mark.parametrize(
    ("driving", "problem"),
    [(Item("driving", "walk", "walk.bvh"), "motion capture"), (replace(DUO, poses="duo.json"), "given points")],
)
def test_what_is_of_one_person_cannot_be_cast(driving: Item, problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        make_plan(PEOPLE, (driving,), DatasetConfig(OPTIONS, cast=("1=random",)))
    assert make_plan(PEOPLE, (driving,), DatasetConfig(OPTIONS)).clips[0].cast == ()


def test_a_view_is_of_one_person() -> None:
    with pytest.raises(OptionError, match="for one person alone"):
        DatasetConfig(replace(OPTIONS, engine="avatar", view=45.0), cast=("1=random",))


def test_sets_of_one_person_are_stored_as_before() -> None:
    form = stored_form(DatasetConfig(OPTIONS), PEOPLE, (DUO,), {})
    assert "cast" not in form
    assert "cast" not in form["drivings"][0]
    cast = stored_form(DatasetConfig(OPTIONS, cast=("1=random",)), PEOPLE, (replace(DUO, cast=("1=bea",)),), {})
    assert (cast["cast"], cast["drivings"][0]["cast"]) == (["1=random"], ["1=bea"])


def test_files_of_further_people_have_numbers() -> None:
    assert [of_person("poses.json", number) for number in range(3)] == ["poses.json", "poses-1.json", "poses-2.json"]


@pytest.fixture(scope="module")
def folder(repository_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two people, and a clip in which two dance beside each other."""
    made = tmp_path_factory.mktemp("cast")
    (made / "people").mkdir()
    (made / "dances").mkdir()
    photo = resized(read_image(repository_root / "examples" / "person.jpg").rgb, 240, 320)
    write_image(made / "people" / "ann.png", photo)
    write_image(made / "people" / "bea.png", photo[..., [1, 2, 0]].copy())
    with (
        open_video(repository_root / "examples" / "dance.mp4") as dance,
        open_writer(made / "dances" / "duo.mp4", width=360, height=320, frame_rate=Fraction(10)) as writer,
    ):
        for frame, _ in zip(dance, range(FRAMES), strict=False):
            one = resized(frame.rgb, 180, 320)
            writer.write(np.hstack([one, one[:, ::-1]]), frame.index / 10)
    return made


@pytest.fixture(scope="module")
def finished(folder: Path) -> LocalStorage:
    people, motions = (
        read_items(kind, str(folder / name)) for kind, name in (("source", "people"), ("driving", "dances"))
    )
    config = DatasetConfig(OPTIONS, cast=("1=random",))
    summary = generate(people, motions, config, str(folder / "set"), RunSettings(ExecutorChoice("inline")))
    assert (summary.done, summary.failed) == (2, 0), summary.errors
    return LocalStorage(str(folder / "set"))


def test_everybody_of_a_clip_has_labels(finished: LocalStorage) -> None:
    clip = ClipReader(finished, "ann__duo")
    assert [(person["dancer"], person["source"]) for person in clip.record.cast] == [("1", "bea")]
    assert clip.people == 2
    tracks = [clip.track(person) for person in range(2)]
    mattes = [list(clip.mattes(person)) for person in range(2)]
    centers = []
    for track, covers in zip(tracks, mattes, strict=True):
        assert len(track) == len(covers) == FRAMES
        assert track.present.all()
        for points, matte in zip(track.points, covers, strict=True):
            columns = np.nonzero(matte > 127)[1]
            # the person is where their points are
            assert columns.min() - 5 < points[1, 0] < columns.max() + 5
        centers.append(np.nonzero(covers[0] > 127)[1].mean() / covers[0].shape[1])
    assert abs(centers[0] - centers[1]) > 0.3
    for one, other in zip(*mattes, strict=True):
        assert (one.astype(int) + other).max() <= 256
    for classes, matte in zip(clip.parsings(1), mattes[1], strict=True):
        assert classes[matte > 200].any()
        assert not classes[matte == 0].any()


def test_the_manifest_tells_who_is_cast(finished: LocalStorage) -> None:
    assert {row["id"]: row["cast"] for row in read_manifest(finished)} == {"ann__duo": ["1=bea"], "bea__duo": ["1=ann"]}
    report = verify(finished)
    assert report.problems == []


def test_a_damaged_label_of_a_further_person_is_found(finished: LocalStorage, folder: Path) -> None:
    path = folder / "set" / "clips" / "ann__duo" / "matte-1.zip"
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    try:
        assert any("matte-1.zip" in problem for problem in verify(finished).problems)
    finally:
        path.write_bytes(whole)


def test_exports_hold_everybody(finished: LocalStorage, tmp_path: Path) -> None:
    target = LocalStorage(str(tmp_path))
    assert export_coco(finished, target, "set.json") == 2 * 2 * FRAMES
    export_openpose(finished, LocalStorage(str(tmp_path / "openpose")))
    frames = sorted((tmp_path / "openpose" / "ann__duo").iterdir())
    assert len(frames) == FRAMES
    assert frames[0].read_text().count('"pose_keypoints_2d"') == 2


def test_a_plan_of_several_people_is_measured(folder: Path) -> None:
    people, motions = (
        read_items(kind, str(folder / name)) for kind, name in (("source", "people"), ("driving", "dances"))
    )
    config = DatasetConfig(OPTIONS, pairs="random:1", cast=("1=random",))
    needs = estimate(people, motions, config, str(folder / "planned"), 1)
    assert (needs.clips, needs.people) == (1, 2)
    assert needs.frames == FRAMES
