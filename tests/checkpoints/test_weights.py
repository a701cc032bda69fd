"""Checkpoints and the registry: what is accepted, and what is refused with which words."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors import SafetensorError
from torch import nn

from motionwarp.checkpoints.checkpoint import (
    Checkpoint,
    load_checkpoint,
    read_architecture,
    save_checkpoint,
    write_tensors,
)
from motionwarp.checkpoints.register import format_registry, register_file
from motionwarp.checkpoints.registry import WeightsEntry, file_sha256, read_registry, registry, weights_folder
from motionwarp.data.pack import LabeledPicture, PackWriter
from motionwarp.errors import OutputError, WeightsError
from motionwarp.training.run_state import save_state

ENTRY = {
    "name": "small",
    "file": "small.safetensors",
    "sha256": "a" * 64,
    "bytes": 10,
    "licence": "Apache-2.0",
    "architecture": "toy",
}


def toy_network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    return save_checkpoint(
        tmp_path / "toy.safetensors", toy_network().state_dict(), "toy", {"width": 4, "name": "größer"}, {"step": "12"}
    )


def write_registry(folder: Path, **changes: object) -> Path:
    lines = ["version = 1", "[[weights]]"]
    lines += [f"{key} = {json.dumps(value)}" for key, value in {**ENTRY, **changes}.items() if value is not None]
    folder.mkdir(exist_ok=True)
    (folder / "registry.toml").write_text("\n".join(lines), encoding="utf-8")
    return folder


def test_a_checkpoint_comes_back_as_it_was(checkpoint: Path) -> None:
    loaded = load_checkpoint(checkpoint, "toy")
    expected = toy_network().state_dict()
    assert loaded.config == {"width": 4, "name": "größer"}
    assert loaded.metadata["step"] == "12"
    assert loaded.sha256 == file_sha256(checkpoint)
    assert set(loaded.tensors) == set(expected)
    for name, tensor in expected.items():
        assert loaded.tensors[name].dtype == tensor.dtype
        assert torch.equal(loaded.tensors[name], tensor)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.int64, torch.bool])
def test_types_are_kept(tmp_path: Path, dtype: torch.dtype) -> None:
    tensor = torch.tensor([0, 1, 1]).to(dtype)
    path = save_checkpoint(tmp_path / "types.safetensors", {"t": tensor}, "toy", {})
    assert load_checkpoint(path, "toy").tensors["t"].dtype == dtype


def test_shared_and_strided_tensors_are_stored(tmp_path: Path) -> None:
    base = torch.arange(12.0).reshape(3, 4)
    path = save_checkpoint(tmp_path / "shared.safetensors", {"a": base, "b": base, "c": base.T}, "toy", {})
    loaded = load_checkpoint(path, "toy").tensors
    assert torch.equal(loaded["b"], base)
    assert torch.equal(loaded["c"], base.T)


def test_load_into_fills_every_tensor_and_converts_types(tmp_path: Path) -> None:
    halves = {
        name: tensor.half() if tensor.is_floating_point() else tensor
        for name, tensor in toy_network().state_dict().items()
    }
    path = save_checkpoint(tmp_path / "half.safetensors", halves, "toy", {})
    torch.manual_seed(1)
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
    load_checkpoint(path, "toy").load_into(network)
    for name, tensor in network.state_dict().items():
        assert tensor.dtype == toy_network().state_dict()[name].dtype
        assert torch.equal(tensor, halves[name].to(tensor.dtype))


@pytest.mark.parametrize(
    ("network", "words"),
    [
        (
            nn.Sequential(nn.Conv2d(3, 5, 3), nn.BatchNorm2d(5)),
            r"another shape, first '0\.weight': \(4, 3, 3, 3\) for \(5, 3, 3, 3\)",
        ),
        (nn.Sequential(nn.Conv2d(3, 4, 3)), "unknown to it, first '1"),
        (nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Linear(2, 2)), "2 tensors are missing, first '2"),
    ],
)
def test_load_into_refuses_what_does_not_fit_and_changes_nothing(
    checkpoint: Path, network: nn.Module, words: str
) -> None:
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    with pytest.raises(WeightsError, match=words):
        load_checkpoint(checkpoint, "toy").load_into(network)
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


def test_another_architecture_is_refused(checkpoint: Path) -> None:
    with pytest.raises(WeightsError, match="weights for 'toy', not for 'analyser'"):
        load_checkpoint(checkpoint, "analyser")


@pytest.mark.parametrize("kept", [0, 4, 100, -1])
def test_a_truncated_file_is_refused(checkpoint: Path, kept: int) -> None:
    checkpoint.write_bytes(checkpoint.read_bytes()[:kept])
    with pytest.raises(WeightsError, match="truncated or no safetensors"):
        load_checkpoint(checkpoint, "toy")


def test_a_pickle_is_refused_without_being_read(tmp_path: Path) -> None:
    fired = tmp_path / "fired"

    class Trap:
        def __reduce__(self) -> tuple[object, ...]:
            return Path.touch, (fired,)

    plain = tmp_path / "plain.safetensors"
    plain.write_bytes(pickle.dumps(Trap()))
    zipped = tmp_path / "zipped.pt"
    torch.save({"w": torch.zeros(2)}, zipped)
    for path in (plain, zipped):
        with pytest.raises(WeightsError, match="can run code"):
            load_checkpoint(path, "toy")
    assert not fired.exists()


def test_a_foreign_safetensors_file_is_refused(tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    path = tmp_path / "foreign.safetensors"
    save_file({"w": np.zeros(2, np.float32)}, path)
    with pytest.raises(WeightsError, match="does not say which architecture"):
        load_checkpoint(path, "toy")
    save_file({"w": np.zeros(2, np.float32)}, path, metadata={"architecture": "toy", "config": "[1]"})
    with pytest.raises(WeightsError, match="not a JSON object"):
        load_checkpoint(path, "toy")


def test_missing_files_and_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="no such file"):
        load_checkpoint(tmp_path / "none.safetensors", "toy")
    with pytest.raises(WeightsError, match="is a folder"):
        load_checkpoint(tmp_path, "toy")


def test_nothing_is_written_when_values_are_not_finite(tmp_path: Path) -> None:
    path = tmp_path / "bad.safetensors"
    with pytest.raises(WeightsError, match=r"'w\.x' has values that are not finite"):
        save_checkpoint(path, {"w.x": torch.tensor([1.0, float("nan")])}, "toy", {})
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_the_old_file(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = checkpoint.read_bytes()

    def full_disk(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full_disk)
    with pytest.raises(OutputError, match="No space left"):
        save_checkpoint(checkpoint, {"w": torch.zeros(3)}, "toy", {})
    assert checkpoint.read_bytes() == before
    assert [file.name for file in checkpoint.parent.iterdir()] == [checkpoint.name]


WRITING = """
import resource, signal, sys
from pathlib import Path
import torch
from motionwarp.errors import OutputError
from motionwarp.checkpoints.checkpoint import write_tensors

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    write_tensors(Path(sys.argv[1]), {"w": torch.zeros(5000)}, {"step": "2"})
except OutputError as error:
    print(error.exit_code, error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limits of files' sizes")
def test_tensors_are_written_whole_or_not_at_all(tmp_path: Path, repository_root: Path) -> None:
    path = tmp_path / "state"
    write_tensors(path, {"w": torch.ones(2)}, {"step": "1"})
    before = path.read_bytes()
    environment = {**os.environ, "PYTHONPATH": str(repository_root)}
    done = subprocess.run(
        [sys.executable, "-c", WRITING, str(path)], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith(f"2 {path}: cannot be written")
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["state"]


@pytest.mark.parametrize(
    "error",
    [
        SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)"),
        OSError(28, "No space left on device"),
    ],
)
def test_packs_and_states_of_runs_are_written_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """A disk that is full is told by all of them, and leaves what was there."""

    def full(tensors: object, part: Path, metadata: object) -> None:
        part.write_bytes(b"half")
        raise error

    gray = np.zeros((8, 6), np.uint8)
    pack = PackWriter()
    pack.add(LabeledPicture(np.zeros((8, 6, 3), np.uint8), gray, gray, np.zeros((18, 3), np.float32), "one"))
    network = torch.nn.Linear(2, 2)
    task = SimpleNamespace(modules={"n": network}, optimizers={})
    monkeypatch.setattr("safetensors.torch.save_file", full)
    for write in (pack.write, lambda path: save_state(path, task, network, 3)):  # type: ignore[arg-type]
        (tmp_path / "file").write_bytes(b"precious")
        with pytest.raises(OutputError, match="No space left"):
            write(tmp_path / "file")
        assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("file", b"precious")]


def test_only_safetensors_are_written(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"\.safetensors only"):
        save_checkpoint(tmp_path / "net.pt", {}, "toy", {})


def test_the_registry_reads_back_what_is_written(tmp_path: Path) -> None:
    entries = [
        WeightsEntry(**{**ENTRY, "description": 'with "quotes", \\ and \t tab'}),  # type: ignore[arg-type]
        WeightsEntry(**{**ENTRY, "name": "other", "url": "https://example.org/x?y=1"}),  # type: ignore[arg-type]
    ]
    (tmp_path / "registry.toml").write_text(format_registry(entries), encoding="utf-8")
    assert list(read_registry(tmp_path)) == entries


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sha256": "A" * 64}, "64 lower case"),
        ({"sha256": "abc"}, "64 lower case"),
        ({"bytes": 0}, "bytes must be positive"),
        ({"bytes": "10"}, "must be of type int"),
        ({"bytes": True}, "must be of type int"),
        ({"file": "../outside.safetensors"}, "bare file name"),
        ({"file": "..\\outside.safetensors"}, "bare file name"),
        ({"url": "http://example.org/x"}, "begin with https"),
        ({"name": "Two Words"}, "name must be"),
        ({"licence": None}, "'licence' is missing"),
        ({"licence": ""}, "licence must not be empty"),
        ({"colour": "red"}, "unknown field 'colour'"),
    ],
)
def test_wrong_entries_are_refused(tmp_path: Path, changes: dict[str, object], words: str) -> None:
    with pytest.raises(WeightsError, match=f"entry 1: .*{words}"):
        read_registry(write_registry(tmp_path, **changes))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("version = 2", "of version 2"),
        ("", "of version None"),
        ("version = ", "cannot be read"),
        (None, "cannot be read"),
    ],
)
def test_wrong_registries_are_refused(tmp_path: Path, text: str | None, words: str) -> None:
    if text is not None:
        (tmp_path / "registry.toml").write_text(text, encoding="utf-8")
    with pytest.raises(WeightsError, match=words):
        read_registry(tmp_path)


def test_two_entries_of_one_name_are_refused(tmp_path: Path) -> None:
    entry = WeightsEntry(**ENTRY)  # type: ignore[arg-type]
    (tmp_path / "registry.toml").write_text(format_registry([entry, entry]), encoding="utf-8")
    with pytest.raises(WeightsError, match="two entries named 'small'"):
        read_registry(tmp_path)


def registered(checkpoint: Path, folder: Path) -> WeightsEntry:
    folder.mkdir()
    (folder / "registry.toml").write_text(format_registry([]), encoding="utf-8")
    return register_file(checkpoint, folder, name="toy")


def test_a_registered_file_is_copied_recorded_and_refreshed(checkpoint: Path, tmp_path: Path) -> None:
    folder = tmp_path / "weights"
    entry = registered(checkpoint, folder)
    known = read_registry(folder)
    assert known["toy"] == entry
    assert known.verified_path("toy") == folder / "toy.safetensors"
    assert (entry.architecture, entry.bytes) == ("toy", checkpoint.stat().st_size)

    save_checkpoint(folder / "toy.safetensors", {"w": torch.ones(3)}, "toy", {})
    with pytest.raises(WeightsError, match="the registry says"):
        read_registry(folder).verified_path("toy")
    register_file(folder / "toy.safetensors", folder, licence="MIT", description="new")
    refreshed = read_registry(folder)
    assert refreshed["toy"].licence == "MIT"
    refreshed.verified_path("toy")
    assert sorted(file.name for file in folder.iterdir()) == ["registry.toml", "toy.safetensors"]


def test_a_changed_byte_and_a_missing_byte_are_noticed(checkpoint: Path, tmp_path: Path) -> None:
    folder = tmp_path / "weights"
    registered(checkpoint, folder)
    known, path = read_registry(folder), folder / "toy.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(WeightsError, match="has sha256"):
        known.verified_path("toy")
    path.write_bytes(content[:-1])
    with pytest.raises(WeightsError, match="truncated or replaced"):
        known.verified_path("toy")
    path.unlink()
    with pytest.raises(WeightsError, match="are not there"):
        known.verified_path("toy")


def test_a_registered_name_is_loaded_only_if_whole(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "weights"
    registered(checkpoint, folder)
    known = read_registry(folder)
    monkeypatch.setattr("motionwarp.checkpoints.checkpoint.registry", lambda: known)
    loaded = load_checkpoint("toy", "toy")
    assert isinstance(loaded, Checkpoint)
    assert loaded.path == folder / "toy.safetensors"
    save_checkpoint(folder / "toy.safetensors", {"w": torch.ones(3)}, "toy", {})
    with pytest.raises(WeightsError, match="the registry says"):
        load_checkpoint("toy", "toy")


def test_an_unknown_name_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="Known names: small"):
        read_registry(write_registry(tmp_path))["large"]


def test_what_ships_is_whole() -> None:
    known = registry()
    assert known.folder == weights_folder()
    for entry in known:
        if entry.ships:
            path = known.verified_path(entry.name)
            assert read_architecture(path) == entry.architecture
            assert (known.folder / f"{entry.name}.md").is_file(), f"weights/{entry.name}.md, the model card, is missing"
