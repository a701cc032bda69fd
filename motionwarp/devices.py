"""Which device and which precision to compute with, and how many threads."""

from __future__ import annotations

import gc
import os
import platform
from functools import cache
from pathlib import Path
from typing import Final

import cv2
import torch

from motionwarp.errors import DeviceError
from motionwarp.options import DEVICE_NAMES

PRECISIONS: Final = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}

# what the kernel calls the instructions that multiply bfloat16, on x86 and on ARM
_BF16_FLAGS: Final = frozenset({"avx512_bf16", "amx_bf16", "bf16"})
# how devices without an error of their own for it say that memory has run out (Metal, cuBLAS, the CPU's allocator)
_OUT_OF_MEMORY: Final = ("out of memory", "ALLOC_FAILED", "can't allocate memory")


def available_devices() -> tuple[str, ...]:
    """Return the names of the devices that this machine has, best first; 'cpu' is always the last."""
    found = []
    if torch.cuda.is_available():
        found.append("cuda")
    if torch.backends.mps.is_available():
        found.append("mps")
    return (*found, "cpu")


def resolve_device(name: str) -> torch.device:
    """Turn the name of a device into a device that is there.

    Parameters
    ----------
    name : str
        'auto' for the best there is, 'cpu', 'cuda' or 'mps'.

    Raises
    ------
    DeviceError
        If this machine does not have it; the message says what it has.
    """
    if name not in DEVICE_NAMES:
        raise DeviceError("is not a device", values={"device": name}, remedy=f"Choose one of {', '.join(DEVICE_NAMES)}")
    present = available_devices()
    if name == "auto":
        return torch.device(present[0])
    if name not in present:
        raise DeviceError(
            "this machine, or this build of PyTorch, does not have it",
            values={"device": name},
            remedy=f"Available here: {', '.join(present)}; 'auto' takes the best of them",
        )
    return torch.device(name)


def resolve_precision(name: str, device: torch.device) -> torch.dtype:
    """Turn the name of a precision into the type of the networks' activations.

    Parameters
    ----------
    name : str
        'auto', 'fp32', 'bf16' or 'fp16'. 'auto' is bf16 where the device multiplies it in hardware, fp16 on older CUDA
        devices and fp32 elsewhere.
    device : torch.device
        As from `resolve_device`.

    Raises
    ------
    DeviceError
        If the device cannot compute with it; the message says with what it can.
    """
    if name != "auto" and name not in PRECISIONS:
        raise DeviceError(
            "is not a precision", values={"precision": name}, remedy=f"Choose auto, {', '.join(PRECISIONS)}"
        )
    possible = _precisions_of(device)
    if name == "auto":
        return PRECISIONS[possible[0]]
    if name == "bf16" and device.type == "cpu":
        return torch.bfloat16  # every CPU can, only slower without the instructions
    if name not in possible:
        raise DeviceError(
            f"the device '{device.type}' cannot compute with it",
            values={"precision": name},
            remedy=f"Possible here: {', '.join(possible)}",
        )
    return PRECISIONS[name]


def _precisions_of(device: torch.device) -> tuple[str, ...]:
    """Return the precisions that are worth using on a device, best first."""
    if device.type == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
        return ("bf16", "fp16", "fp32") if native else ("fp16", "fp32")
    if device.type == "mps":
        return ("fp32", "fp16")  # half precision gains little there and some operators lack it
    return ("bf16", "fp32") if cpu_has_bf16() else ("fp32",)


@cache
def cpu_has_bf16() -> bool:
    """Return whether this CPU multiplies bfloat16 in hardware (AVX-512 BF16, AMX or ARM's BF16)."""
    if platform.system() == "Linux":
        return not _BF16_FLAGS.isdisjoint(_cpu_flags(Path("/proc/cpuinfo")))
    if platform.machine().lower() in ("amd64", "x86_64"):
        # only Linux lists the flags in a file; elsewhere PyTorch's own probe is asked, where this release has it
        probe = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
        return bool(probe()) if callable(probe) else False
    return False


def _cpu_flags(cpuinfo: Path) -> frozenset[str]:
    """Return the flags of the first CPU in a file of the form of /proc/cpuinfo; empty if there are none."""
    try:
        text = cpuinfo.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return frozenset()
    for line in text.splitlines():
        key, _, values = line.partition(":")
        if key.strip().lower() in ("flags", "features"):
            return frozenset(values.split())
    return frozenset()


def usable_cores() -> int:
    """Return how many cores this process may run on, at least 1."""
    if hasattr(os, "sched_getaffinity"):
        return max(len(os.sched_getaffinity(0)), 1)
    return os.cpu_count() or 1


def set_threads(count: int | None = None) -> int:
    """Let PyTorch and OpenCV use `count` threads, by default one for each usable core, and return the number.

    PyTorch counts the machine's cores by itself, which is too many inside a container or under `taskset`. A smaller
    OMP_NUM_THREADS in the environment is respected.
    """
    if count is None:
        count = usable_cores()
        limit = os.environ.get("OMP_NUM_THREADS", "")
        if limit.isdecimal() and int(limit) > 0:
            count = min(count, int(limit))
    if count < 1:
        raise DeviceError("at least one thread is needed", subject=f"{count} threads")
    torch.set_num_threads(count)
    cv2.setNumThreads(count)
    return count


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error says that the memory of a device or of the machine did not suffice."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in _OUT_OF_MEMORY)


def release_memory(device: torch.device) -> None:
    """Give what is no longer used back to the device."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()
