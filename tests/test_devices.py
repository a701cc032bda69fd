"""Devices, precisions and threads by name; what a machine has is pretended."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import pytest
import torch

from motionwarp import devices
from motionwarp.devices import (
    available_devices,
    cpu_has_bf16,
    resolve_device,
    resolve_precision,
    set_threads,
    usable_cores,
)
from motionwarp.errors import DeviceError

CPU, CUDA, MPS = torch.device("cpu"), torch.device("cuda"), torch.device("mps")


def pretend(monkeypatch: pytest.MonkeyPatch, *, cuda: bool = False, mps: bool = False, bf16: bool = False) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: bf16 or including_emulation)
    monkeypatch.setattr(devices, "cpu_has_bf16", lambda: bf16)


@pytest.fixture
def threads() -> Iterator[None]:
    before = torch.get_num_threads(), cv2.getNumThreads()
    yield
    torch.set_num_threads(before[0])
    cv2.setNumThreads(before[1])


@pytest.mark.parametrize(
    ("cuda", "mps", "names"),
    [
        (False, False, ("cpu",)),
        (True, False, ("cuda", "cpu")),
        (False, True, ("mps", "cpu")),
        (True, True, ("cuda", "mps", "cpu")),
    ],
)
def test_auto_takes_the_best_there_is(
    monkeypatch: pytest.MonkeyPatch, cuda: bool, mps: bool, names: tuple[str, ...]
) -> None:
    pretend(monkeypatch, cuda=cuda, mps=mps)
    assert available_devices() == names
    assert resolve_device("auto").type == names[0]
    for name in names:
        assert resolve_device(name).type == name


@pytest.mark.parametrize("name", ["cuda", "mps"])
def test_a_device_that_is_not_there_names_what_is(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    pretend(monkeypatch)
    with pytest.raises(DeviceError, match=rf"device='{name}': .*Available here: cpu"):
        resolve_device(name)


@pytest.mark.parametrize("name", ["gpu", "", "CUDA", "cuda:0"])
def test_a_name_that_is_no_device(name: str) -> None:
    with pytest.raises(DeviceError, match="Choose one of auto, cpu, cuda, mps"):
        resolve_device(name)


@pytest.mark.parametrize(
    ("device", "bf16", "expected"),
    [
        (CPU, False, torch.float32),
        (CPU, True, torch.bfloat16),
        (CUDA, False, torch.float16),
        (CUDA, True, torch.bfloat16),
        (MPS, False, torch.float32),
    ],
)
def test_auto_precision_is_what_the_hardware_multiplies(
    monkeypatch: pytest.MonkeyPatch, device: torch.device, bf16: bool, expected: torch.dtype
) -> None:
    pretend(monkeypatch, bf16=bf16)
    assert resolve_precision("auto", device) is expected


def test_precisions_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch)
    for device in (CPU, CUDA, MPS):
        assert resolve_precision("fp32", device) is torch.float32
    assert resolve_precision("bf16", CPU) is torch.bfloat16  # slow, but it can
    assert resolve_precision("fp16", CUDA) is torch.float16
    assert resolve_precision("fp16", MPS) is torch.float16


@pytest.mark.parametrize(("name", "device"), [("fp16", CPU), ("bf16", CUDA), ("bf16", MPS)])
def test_a_precision_that_a_device_lacks(monkeypatch: pytest.MonkeyPatch, name: str, device: torch.device) -> None:
    pretend(monkeypatch)
    with pytest.raises(
        DeviceError, match=rf"precision='{name}': the device '{device.type}' cannot.*Possible here: .*fp32"
    ):
        resolve_precision(name, device)


def test_a_name_that_is_no_precision() -> None:
    with pytest.raises(DeviceError, match="Choose auto, fp32, bf16, fp16"):
        resolve_precision("int8", CPU)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("processor : 0\nflags\t\t: fpu sse avx512_bf16 amx_tile\n", True),
        ("processor : 0\nFeatures : fp asimd bf16\n", True),
        ("processor : 0\nflags : fpu sse avx2\n\nprocessor : 1\nflags : avx512_bf16\n", False),
        ("model name : with avx512_bf16 in its name\n", False),
        ("", False),
    ],
)
def test_the_kernels_list_of_instructions(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str, expected: bool
) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(text)
    monkeypatch.setattr(devices.platform, "system", lambda: "Linux")
    monkeypatch.setattr(devices, "Path", lambda name: cpuinfo)
    assert cpu_has_bf16.__wrapped__() is expected


def test_a_machine_without_that_list_has_no_such_instructions(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(devices.platform, "system", lambda: "Linux")
    monkeypatch.setattr(devices, "Path", lambda name: tmp_path / "missing")
    assert cpu_has_bf16.__wrapped__() is False


def test_cores_are_those_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices.os, "sched_getaffinity", lambda process: {0, 5, 7}, raising=False)
    assert usable_cores() == 3
    monkeypatch.delattr(devices.os, "sched_getaffinity")
    monkeypatch.setattr(devices.os, "cpu_count", lambda: None)
    assert usable_cores() == 1


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize(("limit", "expected"), [("", 2), ("1", 1), ("8", 2), ("0", 2), ("two", 2)])
def test_threads_are_the_cores_or_fewer_where_the_environment_says_so(
    monkeypatch: pytest.MonkeyPatch, limit: str, expected: int
) -> None:
    monkeypatch.setattr(devices, "usable_cores", lambda: 2)
    monkeypatch.setenv("OMP_NUM_THREADS", limit)
    assert set_threads() == expected
    assert torch.get_num_threads() == cv2.getNumThreads() == expected


@pytest.mark.usefixtures("threads")
def test_a_number_of_threads_that_is_asked_for_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert set_threads(2) == 2
    with pytest.raises(DeviceError, match="at least one"):
        set_threads(0)
