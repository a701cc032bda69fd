"""What is said where weights cannot be fetched, copied or read for reasons outside of them."""

from __future__ import annotations

import builtins
import errno
import hashlib
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from motionwarp.checkpoints import registry as weights_registry
from motionwarp.checkpoints.cache import MIRROR_VARIABLE, pull
from motionwarp.checkpoints.checkpoint import load_checkpoint, save_checkpoint
from motionwarp.checkpoints.register import register_file
from motionwarp.checkpoints.registry import CACHE_VARIABLE, WeightsEntry, cache_folder, weights_folder
from motionwarp.config import read_config
from motionwarp.errors import MissingExtraError, OptionError, OutputError, WeightsError
from motionwarp.training.analyzer.task import AnalyzerTrainingConfig

CONTENT = b"some weights"


def entry() -> WeightsEntry:
    return WeightsEntry(
        name="toy", file="toy.bin", sha256=hashlib.sha256(CONTENT).hexdigest(), bytes=len(CONTENT), licence="MIT",
        architecture="toy", url="https://weights.invalid/toy.bin",
    )  # fmt: skip


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "mirror"
    folder.mkdir()
    (folder / "toy.bin").write_bytes(CONTENT)
    monkeypatch.setenv(MIRROR_VARIABLE, str(folder))
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    return folder


def without(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def importing(name: str, *rest: Any) -> Any:
        if name.split(".")[0] == package:
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", importing)


def test_without_the_extra_the_cache_is_where_files_can_be_put_by_hand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(CACHE_VARIABLE, raising=False)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    without("platformdirs", monkeypatch)
    assert cache_folder() == tmp_path / ".cache" / "motionwarp"


def test_fetching_without_the_extra_names_it(mirror: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without("pooch", monkeypatch)
    with pytest.raises(MissingExtraError, match=r"motionwarp\[pull\]"):
        pull(entry())


def test_a_mirror_without_the_file_is_named(mirror: Path) -> None:
    (mirror / "toy.bin").unlink()
    with pytest.raises(WeightsError, match="the mirror has no such file") as caught:
        pull(entry())
    assert caught.value.subject == str(mirror / "toy.bin")


def test_a_cache_that_cannot_be_written_is_named(mirror: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").write_bytes(b"a file where the folder is to be")
    with pytest.raises(OutputError, match="cannot be written") as caught:
        pull(entry())
    assert caught.value.subject == str(tmp_path / "cache")


def test_a_registry_that_cannot_be_written_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "weights"
    folder.mkdir()
    (folder / "registry.toml").write_text("version = 1\n", encoding="utf-8")
    file = tmp_path / "toy.safetensors"
    save_checkpoint(file, {"weight": torch.ones(2)}, "toy", {})
    with pytest.raises(OutputError, match="cannot be entered in the registry"):
        register_file(file, folder, name="../toy")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "toy.part")

    monkeypatch.setattr(shutil, "copyfile", full)
    with pytest.raises(OutputError, match="No space left"):
        register_file(file, folder)
    assert (folder / "registry.toml").read_text(encoding="utf-8") == "version = 1\n"


def test_without_the_package_of_weights_installing_again_is_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights_registry, "__file__", str(tmp_path / "motionwarp" / "weights_registry.py"))
    monkeypatch.setattr(weights_registry.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(WeightsError, match="motionwarp_weights is not installed"):
        weights_folder()


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"network": {"width": 10**30}}, "a number of 31 digits"),
        ({"layers": [1, [2, -(10**400)]]}, "a number of 401 digits"),
    ],
)
def test_numbers_that_no_network_has_are_refused_wherever_they_stand(
    tmp_path: Path, config: dict[str, Any], words: str
) -> None:
    path = tmp_path / "toy.safetensors"
    save_checkpoint(path, {"weight": torch.ones(2)}, "toy", config)
    with pytest.raises(WeightsError, match=words):
        load_checkpoint(path, "toy").made(lambda: torch.nn.Linear(1, 2, bias=False))


def test_a_file_that_the_system_refuses_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "toy.safetensors"
    save_checkpoint(path, {"weight": torch.ones(2)}, "toy", {})

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(WeightsError, match=r"cannot be read \(Permission denied\)") as caught:
        load_checkpoint(path, "toy")
    assert caught.value.subject == str(path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("packs = []\nloop = 3\n", "'loop' must be a table"),
        ("packs = 3\n", "'packs' must be an array, not 3"),
        ("steps = [\n", "cannot be read"),
    ],
)
def test_configurations_of_another_form_are_named_by_their_key(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "a.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(OptionError, match=words) as caught:
        read_config(path, AnalyzerTrainingConfig)
    assert caught.value.subject == str(path)


def test_a_header_whose_length_looks_like_a_pickle_is_read(tmp_path: Path) -> None:
    """Lengths such as 640 begin with the bytes of a pickle of protocol 2."""

    found = set()
    for size in range(0, 1400, 8):
        path = save_checkpoint(tmp_path / "a.safetensors", {"a": torch.zeros(1)}, "analyser", {"text": "x" * size})
        if path.read_bytes()[:2] in (b"\x80\x02", b"\x80\x03", b"\x80\x04"):
            found.add(path.read_bytes()[1])
            assert load_checkpoint(path, "analyser").config["text"] == "x" * size
    assert found
