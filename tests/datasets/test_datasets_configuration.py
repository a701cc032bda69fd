"""What must not change between two runs of one data set, and what is said if it has."""

from __future__ import annotations

import json
import shutil
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from motionwarp.datasets import dependencies as deciding_files
from motionwarp.datasets.config import CONFIG_NAME, DatasetConfig, check_unchanged, stored_form
from motionwarp.datasets.dependencies import dependency_contents, rooted
from motionwarp.datasets.items import Item
from motionwarp.datasets.options import Augmentation
from motionwarp.datasets.plan import make_plan, plan_summary
from motionwarp.engines.registry import engine_choices
from motionwarp.errors import MediaError, OptionError, OutputError
from motionwarp.media.image import write_image
from motionwarp.perception.registry import ESTIMATOR_NAMES
from motionwarp.pipeline.options import TransferOptions

from .conftest import CONFIG, INLINE, Inputs, make

RESUME = replace(INLINE, resume=True)
PEOPLE = tuple(Item("source", f"p{index}", f"/in/p{index}.png", licence="MIT") for index in range(3))
MOTIONS = (Item("driving", "m", "/in/m.mp4", start=1.0, end=2.0),)
# another value of every option that data sets take
OTHER_OPTIONS: dict[str, Any] = {
    "source_person": "1", "driving_person": "1", "rotate": "90",
    "engine": "layered", "retarget": False, "background": "#102030", "size": 128, "fps": "25", "person": "1",
    "smooth": 0.2, "view": 30.0, "orbit": 90.0, "travel": "spot", "clothes": "/in/shirt.jpg",
    "pose_estimator": "mediapipe", "device": "cpu", "precision": "fp32", "batch_size": 3, "codec": "hevc", "crf": 20,
    "preset": "fast", "seed": 5, "shadow": "off", "relight": "off",
}  # fmt: skip
NOT_TAKEN = {
    "placement", "source_poses", "driving_poses", "matte", "source_time", "start", "end", "audio", "side_by_side",
    "save_poses",
    "region_debug", "overwrite", "max_bytes", "cast", "also",
}  # fmt: skip
OTHER_AUGMENTATION: dict[str, Any] = {
    "placement": "mixed", "scale": (0.5, 1.0), "shift": 0.1, "mirror": 0.5, "speed": (0.5, 1.0),
    "backgrounds": ("/b.png",),
}  # fmt: skip
OTHER_CONFIG: dict[str, Any] = {
    "pairs": "random:2",
    "variants": 2,
    "container": "webm",
    "threads": 2,
    "cast": ("1=random",),
}


def form(
    config: DatasetConfig, people: tuple[Item, ...] = PEOPLE, motions: tuple[Item, ...] = MOTIONS
) -> dict[str, Any]:
    return stored_form(config, people, motions, plan_summary(make_plan(people, motions, config)))


def told(before: dict[str, Any], now: dict[str, Any]) -> str:
    with pytest.raises(OutputError) as refused:
        check_unchanged(before, now, "out")
    return str(refused.value)


PLAIN = DatasetConfig(TransferOptions(audio=False))


def test_there_is_another_value_for_every_field() -> None:
    assert {field.name for field in fields(TransferOptions)} == set(OTHER_OPTIONS) | NOT_TAKEN
    assert {field.name for field in fields(Augmentation)} == set(OTHER_AUGMENTATION)
    assert {field.name for field in fields(DatasetConfig)} == {*OTHER_CONFIG, "options", "augmentation"}


@pytest.mark.parametrize("name", OTHER_OPTIONS)
def test_every_option_that_differs_is_named(name: str) -> None:
    other = replace(PLAIN, options=replace(PLAIN.options, **{name: OTHER_OPTIONS[name]}))
    assert f"{name} was " in told(form(PLAIN), form(other))


@pytest.mark.parametrize("name", OTHER_AUGMENTATION)
def test_every_augmentation_that_differs_is_named(name: str) -> None:
    other = replace(PLAIN, augmentation=Augmentation(**{name: OTHER_AUGMENTATION[name]}))
    assert f"augmentation.{name} " in told(form(PLAIN), form(other))


@pytest.mark.parametrize("name", OTHER_CONFIG)
def test_every_choice_that_differs_is_named(name: str) -> None:
    assert f"{name} was " in told(form(PLAIN), form(replace(PLAIN, **{name: OTHER_CONFIG[name]})))


@pytest.mark.parametrize("name", sorted(NOT_TAKEN - {"audio"}))
def test_options_of_single_transfers_are_refused(name: str) -> None:
    values = {
        "placement": "driving",
        "source_time": 1.0,
        "start": 1.0,
        "end": 1.0,
        "side_by_side": True,
        "overwrite": True,
        "max_bytes": 5000,
        "cast": ("1=bob.jpg",),
        "also": (Path("back.jpg"),),
    }
    with pytest.raises(OptionError, match=f"do not take the option '{name}'"):
        DatasetConfig(TransferOptions(audio=False, **{name: values.get(name, "file")}))


def test_a_row_that_differs_is_told_with_its_field() -> None:
    changed = (PEOPLE[0], replace(PEOPLE[1], licence="CC0-1.0", poses="/p.json"), PEOPLE[2])
    text = told(form(PLAIN), form(PLAIN, changed))
    assert """sources ('p1': licence was "MIT", now "CC0-1.0"; poses was null, now "/p.json")""" in text
    assert "another order" in told(form(PLAIN), form(PLAIN, PEOPLE[::-1]))
    assert "1 now; 'p0' is gone" in told(form(PLAIN), form(PLAIN, PEOPLE[1:2]))


def test_a_large_pool_is_not_listed(tmp_path: Path) -> None:
    pools = [tuple(f"/pool/background-{index:05d}.png" for index in range(count)) for count in (5000, 5001)]
    before, now = (replace(PLAIN, augmentation=Augmentation(backgrounds=pool)) for pool in pools)
    text = told(form(before), form(now))
    assert "augmentation.backgrounds (5000 before, 5001 now; '/pool/background-05000.png' is new)" in text
    assert len(text) < 600


def test_all_names_are_known_by_their_weights() -> None:
    assert set(deciding_files._OF_ESTIMATORS) == set(ESTIMATOR_NAMES)
    for options in engine_choices():
        contents = dependency_contents(DatasetConfig(TransferOptions(audio=False, engine=options)))
        assert len(contents["estimator_weights"]) == 64
        # 64 letters a file: its own, the body's and the lifter's
        files = {"layered": 0, "avatar": 2, "hpn": 1, "rate_net": 1}.get(options, 3)
        assert len(contents["engine_weights"]) == max(65 * files - 1, 0)
    with pytest.raises(OptionError, match="engine='fast': is neither a name nor a file"):
        dependency_contents(rooted(DatasetConfig(TransferOptions(audio=False, engine="fast"))))


def test_files_are_named_so_that_every_worker_finds_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("wall.png", "net.safetensors", "seer.onnx", "pairs.csv"):
        Path(name).touch()
    options = TransferOptions(audio=False, background="wall.png", engine="net.safetensors", pose_estimator="seer.onnx")
    made = rooted(DatasetConfig(options, pairs="pairs.csv"))
    values = made.options.background, made.options.engine, made.options.pose_estimator, made.pairs
    assert values == tuple(str(tmp_path / name) for name in ("wall.png", "net.safetensors", "seer.onnx", "pairs.csv"))
    assert rooted(PLAIN) == PLAIN


def changed_run(inputs: Inputs, output: Path, config: DatasetConfig) -> str:
    with pytest.raises(OutputError) as refused:
        make(inputs, output, config, RESUME)
    return str(refused.value)


def test_files_that_decide_are_compared_by_their_contents(
    inputs: Inputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pool").mkdir()
    wall, pooled = tmp_path / "wall.png", tmp_path / "pool" / "a.png"
    for file in (wall, pooled):
        write_image(file, np.full((20, 20, 3), 90, np.uint8))
    pairs = tmp_path / "pairs.csv"
    pairs.write_text("source,driving\nann,step\nbea,turn\n")
    layered = replace(CONFIG, options=replace(CONFIG.options, engine="layered"), pairs=str(pairs))
    on_wall = replace(layered, options=replace(layered.options, background=str(wall)))
    make(inputs, tmp_path / "on-wall", on_wall)
    write_image(wall, np.full((20, 20, 3), 91, np.uint8), overwrite=True)
    assert "background_file was " in changed_run(inputs, tmp_path / "on-wall", on_wall)
    in_pool = replace(layered, augmentation=Augmentation(backgrounds=(str(pooled),)))
    make(inputs, tmp_path / "in-pool", in_pool)
    write_image(pooled, np.zeros((70, 90, 3), np.uint8), overwrite=True)
    assert f"background_bytes.{pooled} was " in changed_run(inputs, tmp_path / "in-pool", in_pool)
    pooled.unlink()
    with pytest.raises(MediaError, match="there is no such file"):
        make(inputs, tmp_path / "in-pool", in_pool, RESUME)
    make(inputs, tmp_path / "listed", layered)
    pairs.write_text("source,driving\nann,step\n")
    assert "clips.count was 2, now 1" in changed_run(inputs, tmp_path / "listed", layered)


def test_other_weights_are_told(inputs: Inputs, tmp_path: Path, repository_root: Path) -> None:
    weights = tmp_path / "mine.safetensors"
    shutil.copy(repository_root / "weights" / "warping_gan.safetensors", weights)
    config = replace(CONFIG, options=replace(CONFIG.options, engine=str(weights)), pairs="random:1")
    make(inputs, tmp_path / "out", config)
    stored = json.loads((tmp_path / "out" / CONFIG_NAME).read_text())
    assert len(stored["engine_weights"]) == 64
    weights.write_bytes(weights.read_bytes() + b"more")
    assert 'engine_weights was "' in changed_run(inputs, tmp_path / "out", config)
