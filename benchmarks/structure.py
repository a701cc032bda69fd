"""How the code hangs together: modules, circles, layers, what an engine and an option touch, sizes of functions."""

from __future__ import annotations

import ast
import re
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import networkx
import typer

from benchmarks.report import publish
from benchmarks.source_tree import FunctionNode, Module, imports_of, read_tree

SMALL_MODULE: Final = 50  # lines
MOST_PARAMETERS: Final = 7
LINE_LENGTH: Final = 120
# what the built-in engines are called in code: engines and, before engines had folders, presets of one
ENGINE_NAMES: Final = ("layered", "warping_gan", "warping-gan", "warping_gan_paper", "warping-gan-paper")
PRESET_NAMES: Final = ("parts", "paper")
# files that were one engine's own before engines had folders
_OWN_FILES: Final = re.compile(
    r"(engines|networks|training)/(layered|layer_stack|part_|parts_|paper_|warping_|pose_guided|geometric_matcher|recipe|"
    r"region_debug|known_warps|personalise|picture_rows)|cli/train_warping_gan"
)


def structure(
    tree: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="A checkout of this repository.")] = Path(),
    against: Annotated[
        Path | None, typer.Option(exists=True, file_okay=False, help="Another checkout, to compare with.")
    ] = None,
) -> None:
    """Count what says how the code hangs together; with --against, beside another checkout."""
    now = measure(tree)
    before = measure(against) if against else None
    rows = {
        label: f"{_short(value)}   (before: {_short(before[label])})" if before else _short(value)
        for label, value in now.items()
    }
    publish("structure", {"structure": now, **({"against": before} if before else {})}, rows)


def measure(root: Path) -> dict[str, Any]:
    """Measure one checkout.

    Parameters
    ----------
    root : Path
        With `motionwarp/`, `cli/` and `tests/test_packaging.py`, whose list says the order of layers.

    Returns
    -------
    dict
        Counts, and lists of names where a name says what to do about it.
    """
    modules = read_tree(root)
    imports = imports_of(modules)
    options = option_places(modules)
    files = [module for module in modules.values() if not module.is_package]
    return {
        "modules": len(modules),
        "modules_under_50_lines": sum(module.lines < SMALL_MODULE for module in files),
        "import_circles_of_modules": circles(imports),
        "import_circles_of_packages": circles(_between_layers(modules, imports)),
        "upward_arrows": upward_arrows(modules, imports, layer_order(root)),
        "imported_by_one_neighbor_only": single_use_modules(modules, imports),
        "shared_files_naming_an_engine": shared_files_naming_an_engine(modules, imports),
        "places_of_an_option": options,
        "places_of_an_option_in_the_median": statistics.median(options.values()),
        **_function_sizes(files),
        "documented_public_names": round(_documented(files), 3),
        "docstring_lines_beginning_with_of": sum(_of_lines(module) for module in files),
        "lines_over_120": sum(len(line) > LINE_LENGTH for module in files for line in module.text.splitlines()),
    }


def circles(imports: Mapping[str, set[str]]) -> list[list[str]]:
    """Find the groups of modules that import each other, directly or around corners."""
    graph = networkx.DiGraph([(name, target) for name, targets in imports.items() for target in targets])
    return sorted(sorted(group) for group in networkx.strongly_connected_components(graph) if len(group) > 1)


def layer_order(root: Path) -> list[str]:
    """Read the order of layers where the checkout's own test of it writes it down."""
    tree = ast.parse((root / "tests" / "test_packaging.py").read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "order":
            order: list[str] = ast.literal_eval(node.value)
            return order
    raise ValueError(f"{root / 'tests' / 'test_packaging.py'}: no list 'order' says which layer stands on which")


def upward_arrows(modules: Mapping[str, Module], imports: Mapping[str, set[str]], order: Sequence[str]) -> list[str]:
    """Find the imports of a layer that stands above; modules at the top of the package stand below all folders."""
    rank = {layer: place for place, layer in enumerate([*order, "cli"])}
    return sorted(
        f"{name} -> {target}"
        for name, targets in imports.items()
        for target in targets
        if rank.get(modules[target].layer, -1) > rank.get(modules[name].layer, -1)
    )


def single_use_modules(modules: Mapping[str, Module], imports: Mapping[str, set[str]]) -> list[str]:
    """Find the modules that one module of their own folder imports, and nobody else."""
    importers = defaultdict(set)
    for name, targets in imports.items():
        for target in targets:
            importers[target].add(name)
    return sorted(
        name
        for name, users in importers.items()
        if len(users) == 1
        and not modules[name].is_package
        and modules[next(iter(users))].folder == modules[name].folder
    )


def shared_files_naming_an_engine(modules: Mapping[str, Module], imports: Mapping[str, set[str]]) -> list[str]:
    """Find the files outside of an engine's own that import a built-in engine or have its name in a string.

    Comments and docstrings do not count: nothing depends on them. Whoever adds an engine looks into these files.
    """
    return sorted(
        str(module.path)
        for name, module in modules.items()
        if not _is_an_engines_own(module)
        and (
            any(
                _is_an_engines_own(modules[target]) and _is_an_engine(modules[target])
                for target in imports.get(name, ())
            )
            or any(_names_an_engine(text) for text in _strings(module))
        )
    )


def option_places(modules: Mapping[str, Module]) -> dict[str, int]:
    """Count the definitions of each option of a transfer.

    An option stands where a class has it as a field (dataclasses, TypedDicts), where an enum of its name lists its
    values, and where a signature spells it out. Signatures and classes with fewer than three options do not carry a
    transfer's options, they are work: `resize(size)`; but for the groups that `TransferOptions` itself inherits.
    """
    groups = _with_bases(modules, "TransferOptions")
    options = [field for group in groups for field in _fields(group)]
    places = Counter(options)
    for module in modules.values():
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ClassDef) and node not in groups:
                places.update(_carried(_fields(node), options))
                places.update({option for option in options if node.name.lower() == option.replace("_", "")})
            elif isinstance(node, FunctionNode):
                places.update(_carried(_parameters(node), options))
    return dict(places)


def _carried(names: Sequence[str], options: Sequence[str]) -> set[str]:
    carried = set(names) & set(options)
    return carried if len(carried) >= 3 else set()


def _with_bases(modules: Mapping[str, Module], name: str) -> list[ast.ClassDef]:
    """Return the class of a name and those of the tree that it inherits from, each once."""
    named = {
        node.name: node for module in modules.values() for node in module.tree.body if isinstance(node, ast.ClassDef)
    }
    found, waiting = [], [name]
    while waiting:
        node = named.get(waiting.pop(0))
        if node is not None and node not in found:
            found.append(node)
            waiting += [base.id for base in node.bases if isinstance(base, ast.Name)]
    return found


def _fields(node: ast.ClassDef) -> list[str]:
    return [
        each.target.id for each in node.body if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name)
    ]


def _parameters(node: FunctionNode) -> list[str]:
    given = node.args
    every = [*given.posonlyargs, *given.args, given.vararg, *given.kwonlyargs, given.kwarg]
    return [each.arg for each in every if each is not None and each.arg not in ("self", "cls")]


def _is_an_engines_own(module: Module) -> bool:
    path = module.path.as_posix()
    in_a_folder = path.startswith("motionwarp/engines/") and len(module.path.parts) > 3
    return in_a_folder or bool(_OWN_FILES.search(path))


def _is_an_engine(module: Module) -> bool:
    # before engines had folders, 'engines/layered_*.py' held the moving of a person's parts, which much else used
    return not module.path.match("motionwarp/engines/layered_*.py")


def _strings(module: Module) -> Iterator[str]:
    documentation = {
        id(node.value) for node in ast.walk(module.tree) if isinstance(node, ast.Expr)
    }  # docstrings, and strings that stand alone
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
            yield node.value


def _names_an_engine(text: str) -> bool:
    if any(re.search(rf"(?<![\w-]){name}(?![\w-])", text) for name in ENGINE_NAMES):
        return True
    return any(re.fullmatch(rf"{name}(-\w*)?", text) for name in PRESET_NAMES)


def _between_layers(modules: Mapping[str, Module], imports: Mapping[str, set[str]]) -> dict[str, set[str]]:
    between: dict[str, set[str]] = defaultdict(set)
    for name, targets in imports.items():
        own = modules[name].layer
        between[own] |= {modules[target].layer for target in targets} - {own}
    return between


def _function_sizes(files: Sequence[Module]) -> dict[str, Any]:
    functions = [(module, node) for module in files for node in module.functions()]
    lengths = sorted(_length(node) for _, node in functions)
    wide = sorted(
        f"{module.path}:{node.name} ({len(_parameters(node))})"
        for module, node in functions
        if len(_parameters(node)) > MOST_PARAMETERS
    )
    return {
        "functions": len(lengths),
        "function_lines_median": statistics.median_low(lengths),
        "function_lines_90th": lengths[int(0.9 * len(lengths))],
        "functions_with_more_than_7_parameters": wide,
    }


def _length(node: FunctionNode) -> int:
    """Count the lines of a function's work: without its signature and its docstring."""
    work = node.body[1:] if ast.get_docstring(node) is not None else node.body
    return (work[-1].end_lineno or work[-1].lineno) - work[0].lineno + 1 if work else 0


def _documented(files: Sequence[Module]) -> float:
    names = [ast.get_docstring(node) is not None for module in files for node in module.public_names()]
    return statistics.fmean(names)


def _of_lines(module: Module) -> int:
    nodes = [module.tree, *(node for node in ast.walk(module.tree) if isinstance(node, FunctionNode | ast.ClassDef))]
    texts = [ast.get_docstring(node) or "" for node in nodes]
    return sum(line.strip().startswith("Of ") for text in texts for line in text.splitlines())


def _short(value: Any) -> str:
    if isinstance(value, dict):
        return f"{min(value.values())} to {max(value.values())}"
    return str(len(value)) if isinstance(value, list) else str(value)
