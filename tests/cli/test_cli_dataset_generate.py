"""`motionwarp dataset generate`, `verify`, `stats` and `export` as a user runs them."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]


@pytest.fixture(scope="module")
def tables(repository_root: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    examples = repository_root / "examples"
    folder = tmp_path_factory.mktemp("tables")
    poses = examples / "person.keypoints18.json"
    (folder / "people.csv").write_text(f"path,id,poses\n{examples}/person.jpg,ann,{poses}\n{folder}/gone.jpg,gone,\n")
    track = examples / "dance.keypoints18.json"
    rows = "".join(f"{examples}/dance.mp4,d{start},{track},{start},{start + 0.15}\n" for start in (0, 1))
    (folder / "dances.csv").write_text(f"path,id,poses,start,end\n{rows}")
    return folder / "people.csv", folder / "dances.csv"


def arguments(tables: tuple[Path, Path], output: Path) -> list[object]:
    people, dances = tables
    return [
        "dataset", "generate", "--sources", people, "--drivings", dances, "-o", output, "--size", "96", "--device",
        "cpu",
        "--executor", "inline",
    ]  # fmt: skip


def test_a_set_is_made_checked_described_and_exported(
    motionwarp: Run, tables: tuple[Path, Path], tmp_path: Path
) -> None:
    output = tmp_path / "set"
    made = motionwarp(*arguments(tables, output), "--shards", "--json")
    # one of the two people is not there: done, but for what is recorded
    assert made.exit_code == 3, made.stderr
    summary = json.loads(made.stdout)
    assert (summary["clips"], summary["done"], summary["failed"]) == (4, 2, 2)
    assert "gone.jpg: there is no such file" in made.stderr
    assert (output / "shards" / "clips-000000.tar").is_file()
    again = motionwarp(*arguments(tables, output))
    assert again.exit_code == 2
    assert "--resume" in again.stderr
    other = motionwarp(*arguments(tables, output), "--resume", "--seed", "4")
    assert other.exit_code == 2
    assert "seed was 0, now 4" in other.stderr
    resumed = motionwarp(*arguments(tables, output), "--resume", "--json")
    assert (resumed.exit_code, json.loads(resumed.stdout)["made"]) == (3, 0)
    checked = motionwarp("dataset", "verify", output)
    assert checked.exit_code == 0, checked.stderr
    assert "sound; 2 clips, 2 that could not be made" in checked.stdout
    figures = json.loads(motionwarp("dataset", "stats", output, "--figure", tmp_path / "c.png", "--json").stdout)
    assert figures["clips"] == 2
    assert (tmp_path / "c.png").stat().st_size > 1000
    assert motionwarp("dataset", "export", output, "coco", "-o", tmp_path / "k.json").exit_code == 0
    assert len(json.loads((tmp_path / "k.json").read_text())["annotations"]) == figures["frames"]
    assert motionwarp("dataset", "export", output, "coco", "-o", tmp_path / "k.json").exit_code == 2
    assert motionwarp("dataset", "export", output, "openpose").exit_code == 2
    over = motionwarp("dataset", "export", output, "openpose", "-o", output, "--overwrite")
    assert over.exit_code == 2
    assert "a part of the data set itself" in over.stderr
    (tmp_path / "poses").mkdir()
    assert motionwarp("dataset", "export", output, "openpose", "-o", tmp_path / "poses").exit_code == 0
    again = motionwarp("dataset", "export", output, "openpose", "-o", tmp_path / "poses")
    assert again.exit_code == 2
    assert "Give --overwrite" in again.stderr
    assert motionwarp("dataset", "export", output, "openpose", "-o", tmp_path / "poses", "--overwrite").exit_code == 0
    assert motionwarp("dataset", "verify", output).exit_code == 0
    (output / "clips" / "ann__d0" / "video.mp4").write_bytes(b"damaged")
    damaged = motionwarp("dataset", "verify", output)
    assert damaged.exit_code == 2
    assert "ann__d0: video.mp4 has 7 bytes" in damaged.stderr


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (["--pairs", "random:9"], "there are 4 pairs"),
        (["--pairs", "some"], "is not a choice of pairs"),
        (["--scale", "2:1"], "is not a range"),
        (["--scale", "big"], "is not a range"),
        (["--background", "transparent"], "mp4 cannot be transparent"),
        (["--ray-address", "x"], "is for --executor ray only"),
        (["--backgrounds", "nowhere"], "there is no such folder"),
        (["--engine", "fast"], "--engine fast: is neither a name nor a file"),
        (["--pose-estimator", "gone.onnx"], "--pose-estimator gone.onnx: is neither a name nor a file"),
        (["--background", "gone.png"], "gone.png"),
    ],
)
def test_options_that_make_no_sense_are_told(
    motionwarp: Run, tables: tuple[Path, Path], tmp_path: Path, extra: list[str], message: str
) -> None:
    result = motionwarp(*arguments(tables, tmp_path / "set"), *extra)
    assert result.exit_code == 2
    assert message in result.stderr
    assert not (tmp_path / "set").exists()


def test_a_set_within_its_inputs_is_refused(
    motionwarp: Run, tables: tuple[Path, Path], tmp_path: Path, repository_root: Path
) -> None:
    (tmp_path / "person.jpg").write_bytes((repository_root / "examples" / "person.jpg").read_bytes())
    result = motionwarp("dataset", "generate", "--sources", tmp_path, "--drivings", tables[1], "-o", tmp_path / "set")
    assert result.exit_code == 2
    assert "lies in a folder of inputs" in result.stderr
    assert not (tmp_path / "set").exists()


def test_a_plan_makes_nothing_and_tells_all(program: Run, tables: tuple[Path, Path], tmp_path: Path) -> None:
    people, dances = tables
    result = program(
        "dataset", "generate", "--sources", people, "--drivings", dances, "-o", "set", "--size", "96", "--shards",
        "--plan", "--json",
        cwd=tmp_path,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    told = json.loads(result.stdout)
    assert (told["people"], told["motions"], told["clips"]) == (2, 2, 4)
    assert (told["unreadable_people"], told["unreadable_motions"]) == (1, 0)
    assert "about 1 files of people cannot be read" in result.stderr
    assert told["frames"] == 4 * 4
    assert told["sample_frames"] == 2 * 4
    assert min(told["clip_bytes"], told["worker_bytes"], told["hours_one_worker"], told["program_bytes"]) > 0
    assert told["disk_bytes"] == told["clip_bytes"] + told["shard_bytes"] + told["analysis_bytes"]
    assert told["shard_bytes"] == told["clip_bytes"]
    assert told["memory_bytes"] == told["workers"] * told["worker_bytes"] + told["program_bytes"]
    assert told["free_bytes"] > told["disk_bytes"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (["--executor", "ray"], "pip install 'motionwarp[ray]'"),
        (["-o", "s3://bucket/set"], "pip install 'motionwarp[s3]'"),
        (["-o", "full"], "holds something else ('notes.txt')"),
        (["-o", "full/notes.txt"], "is not a folder"),
    ],
)
def test_a_plan_refuses_what_a_run_would_refuse(
    motionwarp: Run, tables: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, extra: list[str],
    message: str,
) -> None:  # fmt: skip
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").write_text("mine")
    monkeypatch.chdir(tmp_path)
    for package in ("ray", "s3fs"):
        monkeypatch.setitem(sys.modules, package, None)  # as if it were not installed
    people, dances = tables
    for plan in (["--plan"], []):
        result = motionwarp(
            "dataset", "generate", "--sources", people, "--drivings", dances, "-o", "set", *extra, *plan
        )
        assert result.exit_code == 2
        assert message in result.stderr


def test_a_plan_for_a_set_that_was_begun_otherwise_is_refused(
    motionwarp: Run, tables: tuple[Path, Path], tmp_path: Path
) -> None:
    output = tmp_path / "set"
    assert motionwarp(*arguments(tables, output)).exit_code == 3
    assert "Give --resume" in motionwarp(*arguments(tables, output), "--plan").stderr
    changed = motionwarp(*arguments(tables, output), "--resume", "--seed", "4", "--plan")
    assert changed.exit_code == 2
    assert "seed was 0, now 4" in changed.stderr
