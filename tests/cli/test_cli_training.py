from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from made_motion import waving_person

TINY_LOOP = """
[loop]
steps = 2
batch_size = 2
warmup_steps = 1
decay_steps = 1
workers = 0
log_every = 1
"""


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory, app_module: Any) -> Path:
    """A pack of two drawn pairs, made by the command."""
    from typer.testing import CliRunner

    folder = tmp_path_factory.mktemp("packs")
    made = CliRunner().invoke(
        app_module.app,
        ["dataset", "pack", "parts-synthetic", str(folder), "-o", str(folder / "parts.pack"), "--count", "2", "-q"],
    )
    assert made.exit_code == 0, made.output
    return folder / "parts.pack"


def parser_config(folder: Path, pack: Path) -> Path:
    config = folder / "parser.toml"
    config.write_text(
        f'packs = [{{path = "{pack}", weight = 1.0}}]\n[network]\nchannels = [4, 4, 4]\nblocks = [1, 1, 1]\n{TINY_LOOP}'
    )
    return config


def test_pairs_to_measure_with_can_be_packed_but_no_pictures(motionwarp: Callable[..., Any], tmp_path: Path) -> None:
    held_out = "--count", 1, "--split", "validation"
    result = motionwarp("dataset", "pack", "parts-synthetic", tmp_path, "-o", tmp_path / "held_out.pack", *held_out)
    assert result.exit_code == 0, result.output
    result = motionwarp("dataset", "pack", "dreams", tmp_path, "-o", tmp_path / "other.pack", *held_out)
    assert result.exit_code == 2
    assert "no such kind of pack" in result.stderr
    assert "parts-clips" in result.stderr
    result = motionwarp("dataset", "pack", "synthetic", tmp_path, "-o", tmp_path / "other.pack", *held_out)
    assert result.exit_code == 2
    assert "only pairs can be packed of it" in result.output
    assert not (tmp_path / "other.pack").exists()


def test_the_stages_are_trained_one_on_the_other(motionwarp: Callable[..., Any], pack: Path, tmp_path: Path) -> None:
    run = tmp_path / "parser"
    result = motionwarp(
        "train", "warping_gan", "parser", parser_config(tmp_path, pack), "-o", run, "--device", "cpu", "--json"
    )
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout) == {"step": 2, "steps": 2, "output": str(run)}
    assert (run / "part_parser.safetensors").is_file()

    gan = tmp_path / "gan.toml"
    gan.write_text(
        f'packs = [{{path = "{pack}", weight = 1.0}}]\nparser = "parser/part_parser.safetensors"\n'
        f"[network]\nchannels = [4, 4, 4, 4]\nblocks = [1, 1, 1]\nwarped_channels = 4\n{TINY_LOOP}"
    )
    result = motionwarp("train", "warping_gan", "generator", gan, "-o", tmp_path / "gan", "--device", "cpu", "-q")
    assert result.exit_code == 0, result.stderr
    assert (tmp_path / "gan" / "warping_gan.safetensors").is_file()


def test_a_run_stops_in_time_and_goes_on(motionwarp: Callable[..., Any], pack: Path, tmp_path: Path) -> None:
    config, run = parser_config(tmp_path, pack), tmp_path / "run"
    for step in (1, 2):
        result = motionwarp(
            "train", "warping_gan", "parser", config, "-o", run, "--max-minutes", 0, "--device", "cpu", "--json"
        )
        assert result.exit_code == 0, result.stderr
        assert json.loads(result.stdout)["step"] == step


def test_an_unknown_key_is_refused(motionwarp: Callable[..., Any], pack: Path, tmp_path: Path) -> None:
    config = parser_config(tmp_path, pack)
    config.write_text("stepz = 3\n" + config.read_text())
    result = motionwarp("train", "warping_gan", "parser", config, "-o", tmp_path / "run")
    assert result.exit_code == 2
    assert "stepz" in result.stderr


def test_a_pack_for_the_analyzer_is_refused_as_part_samples(motionwarp: Callable[..., Any], tmp_path: Path) -> None:
    import numpy as np

    from motionwarp.data.pack import LabeledPicture, PackWriter

    writer = PackWriter()
    plane = np.zeros((8, 8), np.uint8)
    writer.add(LabeledPicture(np.zeros((8, 8, 3), np.uint8), plane, plane, np.zeros((18, 3), np.float32), "one"))
    writer.write(tmp_path / "photos.pack")
    result = motionwarp(
        "train", "warping_gan", "parser", parser_config(tmp_path, tmp_path / "photos.pack"), "-o", tmp_path / "run"
    )
    assert result.exit_code == 2
    assert "motionwarp-part-samples-1" in result.stderr


def test_the_paper_preset_is_trained_from_pairs_of_pictures(motionwarp: Callable[..., Any], tmp_path: Path) -> None:
    result = motionwarp(
        "dataset", "pack", "pairs-synthetic", tmp_path, "-o", tmp_path / "pairs.pack", "--count", 1, "--json"
    )
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["pictures"] == 1
    config = tmp_path / "parser.toml"
    config.write_text(
        '[data]\npacks = [{path = "pairs.pack", weight = 1.0}]\nheight = 64\nwidth = 48\n[network]\nbase = 2\nblocks = '
        "1\n"
        f"[adversary.network]\nbase = 2\nlayers = 2\nscales = 2\n{TINY_LOOP}"
    )
    result = motionwarp(
        "train", "warping_gan_paper", "parser", config, "-o", tmp_path / "run", "--device", "cpu", "--json"
    )
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["step"] == 2
    assert (tmp_path / "run" / "pose_guided_parser.safetensors").is_file()


@pytest.mark.parametrize(
    ("engine", "stage", "tables", "file"),
    [
        (
            "hpn",
            "generator",
            "[network]\nresolution = 32\nfirst_resolution = 16\nbottleneck_size = 8\nbottleneck_channels = 16\n",
            "hpn",
        ),
        ("hpn_flow", "flow", "[network]\nheight = 32\nwidth = 24\nchannels = [4, 4]\n", "hpn_flow"),
        (
            "rate_net",
            "generator",
            "[network]\nheight = 32\nwidth = 24\nbase = 2\nblocks = 1\ncode = 4\n[adversary.network]\nbase = 2\n",
            "rate_net",
        ),
    ],
)
def test_engines_that_draw_whole_pictures_are_trained_from_pairs(
    motionwarp: Callable[..., Any], pair_pack: Path, tmp_path: Path, engine: str, stage: str, tables: str, file: str
) -> None:
    packs = f'packs = [{{path = "{pair_pack}", weight = 1.0}}]\n'
    config = tmp_path / "config.toml"
    config.write_text(packs + tables + TINY_LOOP.replace("steps = 2", "steps = 4"))
    result = motionwarp("train", engine, stage, config, "-o", tmp_path / "run", "--device", "cpu", "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["step"] == 4
    assert (tmp_path / "run" / f"{file}.safetensors").is_file()
    assert (tmp_path / "run" / "training.png").is_file()


def test_a_person_needs_a_file_and_weights_that_are_there(motionwarp: Callable[..., Any], tmp_path: Path) -> None:
    clip = tmp_path / "alice.mp4"
    for options, told in (
        (["-o", tmp_path / "run"], ".safetensors"),
        (["--from", tmp_path / "absent.safetensors", "-o", tmp_path / "a.safetensors"], "absent.safetensors"),
    ):
        result = motionwarp("train", "warping_gan", "person", clip, *options)
        assert result.exit_code == 2, result.stderr
        assert told in result.stderr


def test_old_names_work_and_say_the_new_ones(motionwarp: Callable[..., Any], pack: Path, tmp_path: Path) -> None:
    config = parser_config(tmp_path, pack)
    result = motionwarp("train", "parser", config, "-o", tmp_path / "run", "--device", "cpu", "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["step"] == 2
    assert "`motionwarp train warping_gan parser`" in " ".join(result.stderr.split())
    clip = tmp_path / "alice.mp4"
    for words, told in (
        (["warping-gan", "--person", clip, "-o", tmp_path / "run"], "train warping_gan person"),
        (["warping-gan", "--person", clip, "--preset", "paper", "-o", tmp_path / "a.safetensors"], "parts preset"),
        (["warping-gan", "-o", tmp_path / "run"], "--person"),
        (["warping-gan", tmp_path / "gan.toml", "--from", "x.safetensors", "-o", tmp_path / "run"], "start_from"),
        (
            ["warping-gan", tmp_path / "no.toml", "--preset", "paper", "-o", tmp_path / "b"],
            "warping_gan_paper generator",
        ),
        (["matcher", tmp_path / "no.toml", "--preset", "paper", "-o", tmp_path / "b"], "warping_gan_paper matcher"),
        (["matcher", tmp_path / "no.toml", "-o", tmp_path / "b"], "has no matcher any more"),
        (["analyser", tmp_path / "no.toml", "-o", tmp_path / "b"], "train analyzer"),
    ):
        result = motionwarp("train", *words)
        assert result.exit_code == 2, result.stderr
        assert told in " ".join(result.stderr.split())
    assert "analyser" not in motionwarp("train", "--help").stdout


def test_a_person_is_fitted_by_one_process(
    motionwarp: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    result = motionwarp("train", "warping_gan", "person", tmp_path / "clip.mp4", "-o", tmp_path / "person.safetensors")
    assert result.exit_code == 2
    assert "without torchrun" in result.stderr


def test_the_lifter_is_trained_from_captured_motion(motionwarp: Callable[..., Any], tmp_path: Path) -> None:
    from motionwarp.body.bvh import write_bvh

    (tmp_path / "motion").mkdir()
    for name in ("walk", "cmu_131_01"):
        write_bvh(tmp_path / "motion" / f"{name}.bvh.gz", waving_person())
    for split in ("train", "validation"):
        pack = tmp_path / f"{split}.pack"
        result = motionwarp("dataset", "pack", "motion", tmp_path, "-o", pack, "--split", split)
        assert result.exit_code == 0, result.stderr
        assert "1 takes" in result.stdout
    config = tmp_path / "lifter.toml"
    config.write_text(
        'packs = [{path = "train.pack", weight = 1.0}]\nvalidation = "validation.pack"\npeople = 2\n'
        "first = [{frames = 1, tracks = 4}]\nthen = [{frames = 3, tracks = 2}]\n[network]\nwidth = 8\n"
        '[loop]\nsteps = 2\nbatch_size = 1\nschedule = "cosine"\nworkers = 1\nlog_every = 1\n'
    )
    run = tmp_path / "lifter"
    result = motionwarp("train", "body", "lifter", config, "-o", run, "--device", "cpu", "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout) == {"step": 2, "steps": 2, "output": str(run)}
    assert (run / "lifter.safetensors").is_file()
    assert "exact_mm" in (run / "exports.csv").read_text()
