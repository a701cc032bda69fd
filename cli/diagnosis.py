"""What this machine and this installation can do, as facts for `motionwarp doctor`."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from motionwarp.checkpoints.registry import cache_folder, registry
from motionwarp.engines.registry import AUTO, catalog, find_spec
from motionwarp.errors import MotionwarpError
from motionwarp.version import __version__

CORE_PACKAGES: Final = (
    "torch", "av", "opencv-python-headless", "numpy", "scipy", "numba", "typer", "rich", "safetensors", "pyarrow",
    "fsspec",
)  # fmt: skip
EXTRA_PACKAGES: Final = {
    "heic": "pillow-heif", "pull": "pooch", "mediapipe": "mediapipe", "dwpose": "onnxruntime", "ray": "ray",
    "s3": "s3fs", "gcs": "gcsfs",
}  # fmt: skip
ENCODERS: Final = {
    "H.264": ("libx264", "h264_nvenc", "h264_videotoolbox", "libopenh264"),
    "HEVC": ("libx265", "hevc_nvenc", "hevc_videotoolbox"),
    "AV1": ("libsvtav1", "libaom-av1", "av1_nvenc"),
    "VP9": ("libvpx-vp9",),
    "ProRes": ("prores_ks", "prores_videotoolbox"),
    "GIF": ("gif",),
    "AAC": ("aac",),
    "Opus": ("libopus",),
}
DECODERS: Final = {
    "H.264": ("h264",),
    "HEVC": ("hevc",),
    "AV1": ("libdav1d", "av1"),
    "VP9": ("vp9", "libvpx-vp9"),
    "ProRes": ("prores",),
    "GIF": ("gif",),
    "AAC": ("aac",),
    "Opus": ("opus", "libopus"),
}
_NEEDED_ENCODERS: Final = ("H.264", "AAC")
_LOW_DISK_BYTES: Final = 1_000_000_000


@dataclass(frozen=True)
class Diagnosis:
    """The facts, ready for JSON, and what is wrong.

    Attributes
    ----------
    facts : dict
        By section: "versions", "extras", "devices", "threads", "codecs", "weights", "engines", "disk".
    problems : tuple of str
        What keeps motionwarp from working, and what to do; empty if nothing does.
    """

    facts: dict[str, Any]
    problems: tuple[str, ...]


def diagnose() -> Diagnosis:
    """Look at everything that a transfer needs."""
    facts = {
        "versions": _versions(),
        "extras": {extra: _version(package) for extra, package in EXTRA_PACKAGES.items()},
        "devices": _devices(),
        "threads": _threads(),
        "codecs": _codecs(),
        "weights": _weights(),
        "engines": _engines(),
        "disk": _disk(),
    }
    return Diagnosis(facts, (*_problems(facts), *catalog().problems))


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _versions() -> dict[str, str | None]:
    from av import library_versions

    versions: dict[str, str | None] = {
        "motionwarp": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
    }
    versions.update({package: _version(package) for package in CORE_PACKAGES})
    major, minor, micro = library_versions["libavcodec"]
    versions["libavcodec"] = f"{major}.{minor}.{micro}"
    return versions


def _devices() -> list[dict[str, Any]]:
    """Return the devices in the order in which `--device auto` prefers them."""
    import torch

    from motionwarp.devices import resolve_device, resolve_precision

    found: list[dict[str, Any]] = []
    for index in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
        properties = torch.cuda.get_device_properties(index)
        found.append({"device": f"cuda:{index}", "name": properties.name, "memory_bytes": properties.total_memory})
    if torch.backends.mps.is_available():
        found.append({"device": "mps", "name": "Apple GPU", "memory_bytes": None})
    found.append({"device": "cpu", "name": _processor_name(), "memory_bytes": _memory_bytes()})
    chosen = resolve_device("auto")
    for entry in found:
        device = torch.device(entry["device"])
        precision = str(resolve_precision("auto", device)).removeprefix("torch.")
        entry["chosen_by_auto"] = device.type == chosen.type and device.index in (None, chosen.index or 0)
        entry["bf16_in_hardware"] = precision == "bfloat16"
        entry["auto_precision"] = precision
    return found


def _processor_name() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass  # not Linux
    return platform.processor() or platform.machine()


def _memory_bytes() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None


def _threads() -> dict[str, Any]:
    import cv2
    import torch

    from motionwarp.devices import usable_cores

    return {
        "usable_cores": usable_cores(),
        "torch": torch.get_num_threads(),
        "opencv": cv2.getNumThreads(),
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS"),
    }


def _codecs() -> dict[str, Any]:
    from av.codec.hwaccel import hwdevices_available

    return {
        "encoders": {kind: _available(names, "w") for kind, names in ENCODERS.items()},
        "decoders": {kind: _available(names, "r") for kind, names in DECODERS.items()},
        "hardware": hwdevices_available(),
    }


def _available(names: tuple[str, ...], mode: Literal["r", "w"]) -> list[str]:
    """Return which of the codecs the linked FFmpeg has."""
    from av.codec.codec import Codec, UnknownCodecError

    found = []
    for name in names:
        try:
            Codec(name, mode)
        except UnknownCodecError:
            continue
        found.append(name)
    return found


def _weights() -> list[dict[str, Any]]:
    known = registry()
    states = []
    for entry in known:
        path = known.path(entry.name)
        state, problem = "whole", None
        if not path.is_file() and not entry.ships:
            state = "not fetched"
        else:
            try:
                known.verified_path(entry.name)
            except MotionwarpError as error:
                state, problem = "damaged" if path.is_file() else "missing", str(error)
        states.append(
            {"name": entry.name, "state": state, "path": str(path), "licence": entry.licence, "problem": problem}
        )
    return states


def _engines() -> list[dict[str, Any]]:
    """Return the engines in the order in which `--engine auto` prefers them."""
    chosen, known = find_spec(AUTO).name, catalog()
    return [
        {
            "name": name,
            "distribution": known.distributions[name],
            "weights": spec.weights or None,
            "stands_alone": spec.stands_alone,
            "chosen_by_auto": name == chosen,
        }
        for name, spec in known.specs.items()
    ]


def _disk() -> dict[str, dict[str, Any]]:
    """Return the free space where outputs, temporary files and fetched weights go."""
    places = {"here": Path.cwd(), "temporary": Path(tempfile.gettempdir()), "cache": cache_folder()}
    return {
        name: {"path": str(path), "free_bytes": shutil.disk_usage(_existing(path)).free}
        for name, path in places.items()
    }


def _existing(path: Path) -> Path:
    return next(folder for folder in (path, *path.absolute().parents) if folder.exists())


def _problems(facts: dict[str, Any]) -> list[str]:
    problems = [
        f"{package} is not installed. Install motionwarp again."
        for package in CORE_PACKAGES
        if facts["versions"][package] is None
    ]
    problems += [
        f"This build of FFmpeg has no {kind} encoder. Install PyAV from its wheel: pip install --force-reinstall av."
        for kind in _NEEDED_ENCODERS
        if not facts["codecs"]["encoders"][kind]
    ]
    problems += [entry["problem"] for entry in facts["weights"] if entry["problem"]]
    here = facts["disk"]["here"]
    if here["free_bytes"] < _LOW_DISK_BYTES:
        problems.append(f"{here['path']}: little space is left on the disk ({here['free_bytes'] // 10**6} MB).")
    return problems
