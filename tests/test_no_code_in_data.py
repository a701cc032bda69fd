"""Nothing that is read can run code.

No pickle, no `eval`, in the whole package, and what may hold code is refused unread.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

FORBIDDEN_MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal", "yaml", "xml", "lxml"}
FORBIDDEN_CALLS = {
    "eval",
    "exec",
    "compile",
    "__import__",
    "os.system",
    "os.popen",
    "tempfile.mktemp",
    "torch.jit.load",
    "torch.hub.load",
}
# modules that may be imported for one name of theirs only
ALLOWED = {("motionwarp/evaluation/extractors/files.py", "pickle"): {"UnpicklingError"}}
PACKAGES = ("motionwarp", "cli", "weights", "benchmarks", "examples")


def sources(root: Path) -> Iterator[tuple[str, ast.Module]]:
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            yield path.relative_to(root).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


def faults(place: str, tree: ast.Module) -> Iterator[str]:
    """Yield what of a module could run code out of data."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            for name in names:
                module = name.split(".")[0]
                if module in FORBIDDEN_MODULES and (place, module) not in ALLOWED:
                    yield f"{place}:{node.lineno}: imports {module}"
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            allowed = ALLOWED.get((place, node.value.id))
            if allowed is not None and node.attr not in allowed:
                yield f"{place}:{node.lineno}: uses {node.value.id}.{node.attr}"
        elif isinstance(node, ast.Call):
            yield from _faults_of_call(place, node)


def _faults_of_call(place: str, call: ast.Call) -> Iterator[str]:
    name = ast.unparse(call.func)
    given = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
    if name in FORBIDDEN_CALLS:
        yield f"{place}:{call.lineno}: calls {name}"
    if name == "torch.load" and given.get("weights_only") != "True":
        yield f"{place}:{call.lineno}: torch.load without weights_only=True"
    if name in ("np.load", "numpy.load") and given.get("allow_pickle", "False") != "False":
        yield f"{place}:{call.lineno}: np.load of pickles"
    if name.rpartition(".")[2] in ("extractall", "unpack_archive"):
        yield f"{place}:{call.lineno}: unpacks an archive to where its names lead"
    if given.get("shell") == "True":
        yield f"{place}:{call.lineno}: runs a shell"


def test_the_package_runs_no_code_out_of_data(repository_root: Path) -> None:
    modules = list(sources(repository_root))
    assert len(modules) > 150
    assert [fault for place, tree in modules for fault in faults(place, tree)] == []


@pytest.mark.parametrize(
    "line",
    [
        "import pickle",
        "from pickle import loads",
        "import yaml",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "np.load(path, allow_pickle=True)",
        "eval(text)",
        "exec(text)",
        "os.system(text)",
        "archive.extractall(folder)",
        "shutil.unpack_archive(path)",
        "subprocess.run(text, shell=True)",
        "torch.jit.load(path)",
    ],
)
def test_what_could_would_be_found(line: str) -> None:
    assert len(list(faults("motionwarp/made_up.py", ast.parse(line)))) == 1


def test_the_one_exception_is_for_the_name_of_an_error_only() -> None:
    place = "motionwarp/evaluation/extractors/files.py"
    assert list(faults(place, ast.parse("import pickle\npickle.UnpicklingError"))) == []
    assert len(list(faults(place, ast.parse("import pickle\npickle.loads(content)")))) == 1
    assert list(faults("a.py", ast.parse("network.eval()"))) == []
