"""Starting: how long a new process takes until it helps, and until a short clip is done.

Also which packages it imports for that.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from benchmarks.inputs import EXAMPLE_DRIVING, EXAMPLE_SOURCE
from benchmarks.report import publish

ROOT: Final = Path(__file__).resolve().parent.parent
# packages that take long to import
HEAVY: Final = ("torch", "cv2", "av", "numpy", "scipy", "safetensors")
_RUN_MODULE: Final = """
import atexit, json, runpy, sys
sys.argv = ["motionwarp", *json.loads(sys.argv[1])]

@atexit.register
def tell():
    with open({told!r}, "w") as stream:
        json.dump(sorted({{name.partition(".")[0] for name in sys.modules}}), stream)

runpy.run_module("motionwarp", run_name="__main__")
"""


def startup(
    source: Annotated[Path, typer.Argument(help="Picture of the person.")] = EXAMPLE_SOURCE,
    driving: Annotated[Path, typer.Argument(help="Clip of which the first second is transferred.")] = EXAMPLE_DRIVING,
    repeats: Annotated[
        int, typer.Option(min=1, help="New processes for each command; a fifth of them for the transfer.")
    ] = 10,
    engine: Annotated[str, typer.Option(help="Of the transfer.")] = "auto",
) -> None:
    """Time new processes: nothing, an import, help, and a clip of one second; files are in the system's cache."""
    with tempfile.TemporaryDirectory() as folder:
        output = ["-o", str(Path(folder) / "out.mp4"), "--overwrite", "--quiet", "--engine", engine]
        transfer = ["transfer", str(source), str(driving), "--end", "1", *output]
        processes = {
            "python -c pass": ["-c", "pass"],
            "import motionwarp": ["-c", "import motionwarp"],
            "import what transfers need": ["-c", "import motionwarp.pipeline.api"],
            "motionwarp --help": ["-m", "motionwarp", "--help"],
            "motionwarp transfer --help": ["-m", "motionwarp", "transfer", "--help"],
        }
        figures: dict[str, Any] = {"seconds": {name: _seconds(command, repeats) for name, command in processes.items()}}
        figures["seconds"]["motionwarp transfer, 1 s"] = _seconds(["-m", "motionwarp", *transfer], max(repeats // 5, 2))
        commands = {
            "--help": ["--help"],
            "transfer --help": ["transfer", "--help"],
            "weights list": ["weights", "list"],
        }
        figures["imports"] = {
            f"motionwarp {name}": _imported(command, Path(folder))
            for name, command in {**commands, "transfer": transfer}.items()
        }
        figures["import_ms"] = {
            name: _import_ms(command) for name, command in (("--help", ["--help"]), ("transfer", transfer))
        }
    publish("startup", figures, _rows(figures))


def import_milliseconds(report: str) -> dict[str, float]:
    """Return each package's own milliseconds, longest first, from what `python -X importtime` prints.

    Parameters
    ----------
    report : str
        Lines of the form `import time: self [us] | cumulative | name`; others are passed over.
    """
    spent: Counter[str] = Counter()
    for line in report.splitlines():
        if not line.startswith("import time:") or "self [us]" in line:
            continue
        own, _, name = line.removeprefix("import time:").split("|")
        spent[name.strip().partition(".")[0]] += int(own)
    return {name: microseconds / 1e3 for name, microseconds in spent.most_common()}


def _seconds(arguments: Sequence[str], repeats: int) -> dict[str, float]:
    spent = []
    for _ in range(repeats):
        begin = time.perf_counter()
        _run(arguments)
        spent.append(time.perf_counter() - begin)
    return {"best": min(spent), "median": statistics.median(spent), "runs": repeats}


def _imported(command: Sequence[str], folder: Path) -> list[str]:
    told = folder / "modules.json"
    _run(["-c", _RUN_MODULE.format(told=str(told)), json.dumps(command)])
    modules = set(json.loads(told.read_text(encoding="utf-8")))
    return [name for name in HEAVY if name in modules]


def _import_ms(command: Sequence[str]) -> dict[str, float]:
    spent = import_milliseconds(_run(["-X", "importtime", "-m", "motionwarp", *command]))
    return {name: milliseconds for name, milliseconds in spent.items() if milliseconds >= 1}


def _run(arguments: Sequence[str]) -> str:
    """Run Python as a new process from this checkout; return what it printed to stderr."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"python {' '.join(arguments)} ended with {done.returncode}: {done.stderr[-2000:]}")
    return done.stderr


def _rows(figures: dict[str, Any]) -> dict[str, str]:
    rows = {
        name: f"{each['best']:.3f} s at best, {each['median']:.3f} s in the median of {each['runs']}"
        for name, each in figures["seconds"].items()
    }
    rows |= {f"{name} imports": ", ".join(names) or "none of them" for name, names in figures["imports"].items()}
    for name, spent in figures["import_ms"].items():
        most = list(spent.items())[:6]
        rows[f"imports of {name}, ms"] = ", ".join(f"{package} {milliseconds:.0f}" for package, milliseconds in most)
    return rows
