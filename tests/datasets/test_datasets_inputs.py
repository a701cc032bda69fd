"""Inputs: each looked at once, whatever it is called and however often a run is begun again.

Inputs that are odd or damaged, too.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_avatar import small_stored_avatar

from motionwarp.avatar.files import save_avatar
from motionwarp.avatar.person import AvatarPerson
from motionwarp.datasets.analysis_cache import AnalysisCache
from motionwarp.datasets.input_analysis import InputAnalyzer
from motionwarp.datasets.input_notes import content_sha256
from motionwarp.datasets.input_survey import first_and_repeated
from motionwarp.datasets.items import Item, read_items
from motionwarp.datasets.manifest import read_manifest
from motionwarp.datasets.storage.local import LocalStorage
from motionwarp.datasets.verify import verify
from motionwarp.errors import InputError
from motionwarp.inpainting.clean_plate import clean_plate
from motionwarp.pipeline.analysis import load_estimator
from motionwarp.pipeline.source import prepare_source, read_source

from .conftest import CONFIG, INLINE, Inputs, make, tree

RESUME = replace(INLINE, resume=True)
LAYERED = replace(CONFIG, options=replace(CONFIG.options, engine="layered"))


def people(inputs: Inputs, folder: Path, rows: str) -> Inputs:
    """The motion `step` for the people of a table of paths, ids and poses."""
    (folder / "people.csv").write_text(f"path,id,poses\n{rows}", encoding="utf-8")
    (folder / "motions.csv").write_text(f"path,poses\n{inputs.folder}/step.mp4,{inputs.folder}/step.json\n")
    return replace(inputs, sources=folder / "people.csv", drivings=folder / "motions.csv")


def test_only_first_of_equal_files_are_looked_at_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, content in (
        ("a", "12"),
        ("b", "34"),
        ("c", "12"),
        ("d", "123"),
        ("e", "34"),
        ("poses", "x"),
        ("posed", "y"),
    ):
        (tmp_path / name).write_text(content)
    read: list[str] = []
    monkeypatch.setattr(
        "motionwarp.datasets.input_survey.content_sha256",
        lambda address: read.append(address) or content_sha256(address),
    )

    def item(kind: Any, name: str, path: str, **values: Any) -> Item:
        return Item(kind, name, str(tmp_path / path), **values)

    items = [item("source", f"s{path}", path) for path in "abcde"]
    items += [item("driving", "sa", "a"), item("driving", "again", "a"), item("driving", "part", "a", end=1.0)]
    items += [
        item("source", "posed", "c", poses=str(tmp_path / "poses")),
        item("source", "other", "c", poses=str(tmp_path / "posed")),
    ]
    items += [item("source", "gone", "nowhere")]
    first, repeated = first_and_repeated(items)
    assert [one.id for one in first] == ["sa", "sb", "sd", "sa", "part", "posed", "gone"]
    # 'other' has other poses, and waits for nothing but its turn
    assert [one.id for one in repeated] == ["sc", "se", "again", "other"]
    # nothing is read that no other can be equal to
    assert str(tmp_path / "d") not in read


def test_a_file_under_two_names_is_analyzed_once(
    inputs: Inputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one.png", "two.png"):
        (tmp_path / name).write_bytes((inputs.folder / "ann.png").read_bytes())
    poses = inputs.folder / "person.json"
    some = people(inputs, tmp_path, f"one.png,,{poses}\ntwo.png,,{poses}\n")
    saved: list[str] = []
    real = AnalysisCache.save_source
    monkeypatch.setattr(
        AnalysisCache,
        "save_source",
        lambda self, key, source, **how: saved.append(key) or real(self, key, source, **how),
    )
    summary = make(some, tmp_path / "out", LAYERED)
    assert (summary.done, summary.inputs_seen, len(saved)) == (2, 3, 1)
    one, two = read_manifest(LocalStorage(str(tmp_path / "out")))
    assert one["source_sha256"] == two["source_sha256"]


@pytest.mark.parametrize(("background", "kept"), [("source", True), ("#204060", False)])
def test_a_plate_is_kept_where_it_is_shown_and_else_made_when_asked_for(
    inputs: Inputs, tmp_path: Path, background: str, kept: bool
) -> None:
    config = replace(LAYERED, options=replace(LAYERED.options, background=background))
    seer = InputAnalyzer(config, LocalStorage(str(tmp_path / "out")), tmp_path / "scratch")
    poses = str(inputs.folder / "person.json")
    item = Item("source", "ann", str(inputs.folder / "ann.png"), poses=poses)
    source = seer.cache.load_source(seer.see(item).key)
    assert (source.given_plate is not None) is kept
    if kept:  # as a transfer makes it, which takes out what the matte but suspects too
        options = seer.options_for(item)
        expected = prepare_source(read_source(Path(item.path), options), options, load_estimator(options)).plate
    else:
        expected = clean_plate(source.person.rgb, source.person.matte, seed=config.options.seed)
    np.testing.assert_array_equal(source.plate, expected)


def test_an_avatar_is_an_input_that_is_not_analyzed(inputs: Inputs, tmp_path: Path) -> None:
    folder = tmp_path / "people"
    folder.mkdir()
    made = small_stored_avatar()
    save_avatar(folder / "alice.safetensors", made)
    (item,) = read_items("source", str(folder))
    seer = InputAnalyzer(LAYERED, LocalStorage(str(tmp_path / "out")), tmp_path / "scratch")
    seer.__dict__["estimator"] = None  # nobody may be asked
    kept = seer.cache.load_source(seer.see(item).key)
    assert isinstance(kept.person, AvatarPerson)
    assert (kept.notes, kept.photos) == (made.notes, made.photos)
    np.testing.assert_array_equal(kept.plate, made.plate)
    np.testing.assert_array_equal(kept.person.avatar.atlas.texels, made.person.avatar.atlas.texels)
    np.testing.assert_array_equal(kept.person.avatar.coefficients, made.person.avatar.coefficients)


def test_a_long_file_is_read_once_for_all_its_sections(
    inputs: Inputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: Counter[str] = Counter()
    monkeypatch.setattr(
        "motionwarp.datasets.input_analysis.content_sha256",
        lambda address: read.update([address]) or content_sha256(address),
    )
    poses = inputs.folder / "step.json"
    (tmp_path / "d.csv").write_text("path,id,poses,start,end\n" + "".join(
        f"{inputs.folder}/step.mp4,part{index},{poses},{index / 10},{index / 10 + 0.2}\n" for index in range(3)
    ))  # fmt: skip
    seer = InputAnalyzer(LAYERED, LocalStorage(str(tmp_path / "out")), tmp_path / "scratch")
    for item in read_items("driving", str(tmp_path / "d.csv")):
        assert seer.see(item).frames == 2
    assert read == {str(inputs.folder / "step.mp4"): 1, str(poses): 1}


def test_what_was_of_no_use_is_not_looked_at_again(
    inputs: Inputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bad.png").write_text("this is no picture")
    some = people(inputs, tmp_path, f"{inputs.folder}/ann.png,,{inputs.folder}/person.json\nbad.png,,\n")
    make(some, tmp_path / "out", LAYERED)
    expected = tree(tmp_path / "out")
    note = json.loads((tmp_path / "out" / ".motionwarp/inputs/source/bad.json").read_text())
    assert (note["kind"], note["tries"]) == ("MediaError", 1)
    # as if the run had been killed just before the last clip was given up, with nobody of use among those that are left
    (tmp_path / "out" / "failed" / "bad__step.json").unlink()
    looked: list[str] = []
    real = InputAnalyzer.see
    monkeypatch.setattr(InputAnalyzer, "see", lambda self, item: looked.append(item.id) or real(self, item))
    summary = make(some, tmp_path / "out", LAYERED, RESUME)
    assert (summary.done, summary.failed, summary.inputs_failed, looked) == (1, 1, 1, [])
    assert tree(tmp_path / "out") == expected
    (tmp_path / "bad.png").write_bytes((inputs.folder / "bea.png").read_bytes())
    retried = make(some, tmp_path / "out", LAYERED, replace(RESUME, retry_failed=True))
    assert looked == ["bad"]
    assert retried.failed + retried.made == 1


def test_files_that_belong_to_an_input_must_not_change_either(inputs: Inputs, tmp_path: Path) -> None:
    poses = tmp_path / "poses.json"
    poses.write_bytes((inputs.folder / "person.json").read_bytes())
    some = people(inputs, tmp_path, f"{inputs.folder}/ann.png,,poses.json\n{inputs.folder}/bea.png,,poses.json\n")
    make(some, tmp_path / "out", LAYERED)
    expected = tree(tmp_path / "out")

    def lose() -> None:
        for file in (tmp_path / "out" / "clips" / "ann__step").iterdir():
            file.unlink()
        (tmp_path / "out" / "clips" / "ann__step").rmdir()

    lose()
    os.utime(poses, (1, 1))  # touched, but the same
    make(some, tmp_path / "out", LAYERED, RESUME)
    assert tree(tmp_path / "out") == expected
    lose()
    content = json.loads(poses.read_text())
    content["frames"][0][0][0] += 1
    poses.write_text(json.dumps(content))
    with pytest.raises(InputError, match=r"poses\.json: has changed since the data set was begun"):
        make(some, tmp_path / "out", LAYERED, RESUME)


ODD = (
    'a b\'s "q" é漢 #%d?*[x].png',
    "new\nline.png",
    "back\\slash.png",
    "co:lon.png",
    "-dash.png",
    os.fsdecode(b"not\xff\xfetext.png"),
)


@pytest.mark.skipif(os.name == "nt", reason="such names are not allowed there")
def test_odd_names_and_odd_files(inputs: Inputs, tmp_path: Path) -> None:
    folder = tmp_path / 'a 100%d "folder" é[x]'
    folder.mkdir()
    for name in ODD:
        try:
            (folder / name).write_bytes((inputs.folder / "ann.png").read_bytes())
        except OSError:
            pytest.skip("this file system does not take such names")
    (folder / "broken-link.png").symlink_to("nowhere")
    (folder / "empty.png").touch()
    (folder / "folder.png").mkdir()
    os.mkfifo(folder / "pipe.png")
    poses = inputs.folder / "person.json"
    items = tuple(replace(item, poses=str(poses)) for item in read_items("source", str(folder)))
    drivings = read_items("driving", str(inputs.drivings))[:1]
    from motionwarp.datasets.generate import generate

    output = folder.with_name("out 100%d é[x]")
    summary = generate(items, drivings, LAYERED, str(output), INLINE)
    assert (summary.done, summary.failed) == (len(ODD), 3)
    rows = {row["id"]: row for row in read_manifest(LocalStorage(str(output)))}
    errors = {row["source"]: row["error"] for row in rows.values() if row["error"]}
    assert set(errors) == {"broken-link", "empty", "pipe"}
    assert "it is no regular file" in errors["pipe"]
    assert verify(LocalStorage(str(output))).problems == []
    again = generate(items, drivings, LAYERED, str(output), RESUME)
    assert (again.made, again.done) == (0, len(ODD))
    # records are JSON, and the manifest Parquet, whatever the names
    lost = os.fsdecode(b"gone\xff.png")
    failed = generate(
        (*items[:1], Item("source", "gone", str(folder / lost))), drivings, LAYERED, str(tmp_path / "out2"), INLINE
    )
    assert failed.errors == [f"source gone: {folder}/gone\\udcff.png: there is no such file. Check the path"]
