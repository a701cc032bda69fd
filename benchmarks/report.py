"""What every measurement prints: the machine it ran on, JSON, and a table for people."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from typing import Any, Final

import torch
from rich.console import Console
from rich.table import Table

from motionwarp.devices import cpu_has_bf16, usable_cores
from motionwarp.version import __version__

# of others' work on the machine, before any of ours: figures of a busy machine are to be known as such
_LOAD_BEFORE: Final = os.getloadavg()[0] if hasattr(os, "getloadavg") else None


def machine() -> dict[str, Any]:
    """Return what decides speeds: processor, cores, threads, the load at the start, versions and the commit."""
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return {
        "processor": _processor(),
        "cores": usable_cores(),
        "threads": torch.get_num_threads(),
        "load_before": _LOAD_BEFORE,
        "bf16": cpu_has_bf16(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "motionwarp": __version__,
        "commit": commit.stdout.strip() or None,
    }


def publish(name: str, figures: Mapping[str, Any], rows: Mapping[str, str]) -> None:
    """Print the figures as JSON on stdout, and `rows` as a table on stderr."""
    table = Table("Figure", "Value", title=name, box=None, pad_edge=False)
    for label, value in rows.items():
        table.add_row(label, value)
    Console(stderr=True).print(table)
    json.dump({"benchmark": name, "machine": machine(), **figures}, sys.stdout, indent=2)
    sys.stdout.write("\n")


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as stream:
            return next(
                (line.split(":", 1)[1].strip() for line in stream if line.startswith("model name")), platform.machine()
            )
    except OSError:
        return platform.processor() or platform.machine()
