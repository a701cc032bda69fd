"""A source tree as data: its modules, who imports whom, and its functions."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

PACKAGES: Final = ("motionwarp", "cli")
FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
Documented = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass(frozen=True)
class Module:
    """One file of Python.

    Attributes
    ----------
    name : str
        Dotted, from the root of the tree; a package's own name for its `__init__`.
    path : Path
        From the root of the tree.
    text : str
    """

    name: str
    path: Path
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """The file's syntax tree."""
        return ast.parse(self.text)

    @property
    def folder(self) -> str:
        """The dotted name of the folder that the file lies in."""
        return ".".join(self.path.parent.parts)

    @property
    def layer(self) -> str:
        """The unit that the order of layers speaks of: a folder of `motionwarp`, one of its top modules, or `cli`."""
        first, *rest = self.name.split(".")
        return rest[0] if first == "motionwarp" and rest else first

    @property
    def lines(self) -> int:
        """Count the file's lines."""
        return self.text.count("\n")

    @property
    def is_package(self) -> bool:
        """Whether the file is an `__init__`."""
        return self.path.name == "__init__.py"

    def functions(self) -> Iterator[FunctionNode]:
        """Give every function and method, nested ones too."""
        return (node for node in ast.walk(self.tree) if isinstance(node, FunctionNode))

    def public_names(self) -> Iterator[Documented]:
        """Give the functions, classes and methods whose names have no underscore in front."""
        for node in self.tree.body:
            if isinstance(node, Documented) and not node.name.startswith("_"):
                yield node
                if isinstance(node, ast.ClassDef):
                    for member in node.body:
                        if isinstance(member, FunctionNode) and not member.name.startswith("_"):
                            yield member


def read_tree(root: Path) -> dict[str, Module]:
    """Read every module of `motionwarp` and `cli` below `root`.

    Parameters
    ----------
    root : Path
        A checkout of this repository, old or new.

    Returns
    -------
    dict of str to Module
        By dotted name.
    """
    modules = {}
    for package in PACKAGES:
        for file in sorted((root / package).rglob("*.py")):
            path = file.relative_to(root)
            name = ".".join(path.with_suffix("").parts).removesuffix(".__init__")
            modules[name] = Module(name, path, file.read_text(encoding="utf-8"))
    return modules


def imports_of(modules: dict[str, Module]) -> dict[str, set[str]]:
    """Find which modules of the tree each one imports, wherever in the file the import stands.

    The root's `__init__` and `__main__` are left out: they are the public API and the command, and stand on top of
    everything.
    """
    return {
        name: {target for target in _imported(module, modules) if target != name}
        for name, module in modules.items()
        if name not in ("motionwarp", "motionwarp.__main__")
    }


def _imported(module: Module, modules: dict[str, Module]) -> Iterator[str]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ImportFrom):
            origin = _origin(module, node)
            for alias in node.names:
                whole = f"{origin}.{alias.name}"
                if whole in modules:
                    yield whole
                elif origin in modules:
                    yield origin
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in modules)


def _origin(module: Module, node: ast.ImportFrom) -> str:
    if node.level == 0:
        return node.module or ""
    package = module.name.split(".") if module.is_package else module.name.split(".")[:-1]
    base = package[: len(package) - (node.level - 1)]
    return ".".join([*base, node.module] if node.module else base)
