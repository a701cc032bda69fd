"""An engine of another package, installed beside this one: found, shown, trained and used, without an edit here."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import av
import pytest

Program = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as an installer leaves it: the package and its dist-info."""
    folder = tmp_path_factory.mktemp("site")
    shutil.copytree(Path(__file__).parent / "third_party" / "tiny_engine", folder / "tiny_engine")
    facts = folder / "tiny_engine-0.3.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: tiny-engine\nVersion: 0.3\n")
    (facts / "entry_points.txt").write_text("[motionwarp.engines]\ntiny = tiny_engine:SPEC\n")
    return folder


@pytest.fixture
def program(site: Path, repository_root: Path, tmp_path: Path) -> Program:
    def run(*words: object, code: int = 0) -> subprocess.CompletedProcess[str]:
        result = subprocess.run(
            [sys.executable, "-m", "motionwarp", *map(str, words)],
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(repository_root), str(site)]), "COLUMNS": "120"},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            cwd=tmp_path,
        )
        assert result.returncode == code, result.stdout + result.stderr
        return result

    return run


def test_it_is_in_every_help(program: Program) -> None:
    assert "tiny" in " ".join(program("transfer", "--help").stdout.split())
    assert "A box of one learned color" in program("train", "--help").stdout
    assert "Train the color." in program("train", "tiny", "--help").stdout
    assert "tiny-colors" in program("dataset", "pack", "--help").stdout


def test_it_is_trained_and_used(program: Program, repository_root: Path, tmp_path: Path) -> None:
    (tmp_path / "color.toml").write_text("[loop]\nsteps = 40\nlearning_rate = 0.2\nwarmup_steps = 1\ndecay_steps = 1\n")
    told = json.loads(program("train", "tiny", "color", "color.toml", "-o", "run", "--device", "cpu", "--json").stdout)
    assert told == {"step": 40, "steps": 40, "output": "run"}

    examples = repository_root / "examples"
    words = (
        "transfer",
        examples / "person.jpg",
        examples / "dance.mp4",
        "--engine",
        "run/tiny.safetensors",
        "-o",
        "out.mp4",
    )
    poses = (
        "--source-poses", examples / "person.keypoints18.json", "--driving-poses", examples / "dance.keypoints18.json",
    )  # fmt: skip
    told = json.loads(
        program(*words, *poses, "--size", "128", "--end", "0.3", "--background", "#0000ff", "--json").stdout
    )
    assert told["engine"] == "tiny"
    with av.open(str(tmp_path / "out.mp4")) as container:
        picture = next(container.decode(video=0)).to_ndarray(format="rgb24")
    middle = picture[picture.shape[0] // 2, picture.shape[1] // 2]
    assert abs(middle.astype(int) - 128).max() < 60, "the learned color, gray, covers the person's place"
    assert picture[2, 2, 2] > 200


def test_its_packs_are_written(program: Program, tmp_path: Path) -> None:
    program("dataset", "pack", "tiny-colors", ".", "-o", "colors.pack", "--count", 7)
    assert (tmp_path / "colors.pack").read_text() == "7"


def test_its_name_alone_asks_for_weights_and_the_doctor_knows_it(program: Program) -> None:
    refused = program("transfer", "a.png", "b.mp4", "--engine", "tiny", "-o", "c.mp4", code=2)
    assert "motionwarp train tiny" in " ".join(refused.stderr.split())
    engines = {entry["name"]: entry for entry in json.loads(program("doctor", "--json").stdout)["engines"]}
    assert engines["tiny"]["distribution"] == "tiny-engine 0.3"
    assert engines["warping_gan"]["chosen_by_auto"]
