"""What `motionwarp doctor` tells of machines that the tests do not run on, and of one that is not fit."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch

Run = Callable[..., Any]


@pytest.fixture
def diagnosis(app_module: ModuleType) -> ModuleType:
    return importlib.import_module(f"{app_module.__package__}.diagnosis")


def test_every_gpu_is_named_and_the_first_is_chosen(diagnosis: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: True)
    monkeypatch.setattr(
        torch.cuda, "get_device_properties", lambda index: SimpleNamespace(name=f"card {index}", total_memory=10**9)
    )
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    found = diagnosis._devices()
    assert [entry["device"] for entry in found] == ["cuda:0", "cuda:1", "mps", "cpu"]
    assert [entry["name"] for entry in found[:3]] == ["card 0", "card 1", "Apple GPU"]
    assert [entry["chosen_by_auto"] for entry in found] == [True, False, False, False]
    assert [entry["auto_precision"] for entry in found[:3]] == ["bfloat16", "bfloat16", "float32"]


def test_a_machine_that_is_not_linux_is_named_by_python(diagnosis: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object, **__: object) -> str:
        raise FileNotFoundError

    monkeypatch.setattr(Path, "read_text", missing)
    monkeypatch.setattr(diagnosis.platform, "processor", lambda: "")
    monkeypatch.setattr(diagnosis.platform, "machine", lambda: "arm64")
    assert diagnosis._processor_name() == "arm64"
    monkeypatch.delattr(diagnosis.os, "sysconf")
    assert diagnosis._memory_bytes() is None


def test_what_is_missing_is_a_problem_with_a_way_out(
    motionwarp: Run, diagnosis: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = json.loads(motionwarp("doctor", "--json").stdout)
    facts["versions"][diagnosis.CORE_PACKAGES[0]] = None
    facts["codecs"]["encoders"]["H.264"] = []
    facts["disk"]["here"]["free_bytes"] = 5_000_000
    problems = diagnosis._problems(facts)
    for words in (
        f"{diagnosis.CORE_PACKAGES[0]} is not installed",
        "no H.264 encoder",
        "little space is left on the disk (5 MB)",
    ):
        assert any(words in problem for problem in problems), problems


def test_fewer_photos_than_asked_for_are_told(motionwarp: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def make(data: Path, output: Path, settings: Any, *_: object, **rest: Any) -> SimpleNamespace:
        asked.append((data, output, settings.photos, rest["overwrite"]))
        return SimpleNamespace(reverse=3, of_clips=4, of_avatars=0, photos_left_out=["0007"])

    monkeypatch.setattr("motionwarp.evaluation.plain_pairs.make_plain_pairs", make)
    monkeypatch.setattr("motionwarp.perception.registry.make_estimator", lambda *_: None)
    result = motionwarp("dataset", "test-pairs", "data", "-o", tmp_path / "out", "--photos", 5, "--device", "cpu")
    assert result.exit_code == 0, result.stderr
    assert asked == [(Path("data"), tmp_path / "out", 5, False)]
    assert "3 of 5 photos" in result.stderr
    assert "3 reverse pairs of photos, 4 pairs of frames of clips" in result.stdout
    enough = motionwarp(
        "dataset", "test-pairs", "data", "-o", tmp_path / "out", "--photos", 3, "--device", "cpu", "--json"
    )
    assert "photos" not in enough.stderr
    assert json.loads(enough.stdout)["photos_left_out"] == ["0007"]


def test_ctrl_c_before_any_command_runs_is_told(
    app_module: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    def interrupted(**_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(app_module, "app", interrupted)
    monkeypatch.setattr(app_module, "catch_ending_signals", lambda: None)
    with pytest.raises(SystemExit) as ended:
        app_module.main()
    assert ended.value.code == 130
    assert capsys.readouterr().err == "Interrupted.\n"
