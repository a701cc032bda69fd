"""`python -m motionwarp`: the same as the command `motionwarp`."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType


def command_line() -> ModuleType:
    """Return the module `motionwarp_cli.app` that belongs to this copy of motionwarp.

    In a checkout that is not installed, the package lies in `cli/` and is imported from there under its installed name;
    a checkout's own folder goes before an installed one, since both must be of one version.
    """
    folder = Path(__file__).resolve().parent.parent / "cli"
    if "motionwarp_cli" not in sys.modules and (folder / "app.py").is_file():
        spec = importlib.util.spec_from_file_location(
            "motionwarp_cli", folder / "__init__.py", submodule_search_locations=[str(folder)]
        )
        if spec is not None and spec.loader is not None:
            package = importlib.util.module_from_spec(spec)
            sys.modules["motionwarp_cli"] = package
            spec.loader.exec_module(package)
    return importlib.import_module("motionwarp_cli.app")


if __name__ == "__main__":
    command_line().program()
