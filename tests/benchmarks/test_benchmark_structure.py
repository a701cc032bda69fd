"""What is counted of a source tree, on one made for it and on this one."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.source_tree import imports_of, read_tree
from benchmarks.structure import circles, layer_order, measure, upward_arrows

FILES = {
    "motionwarp/__init__.py": "from motionwarp.pipeline.options import TransferOptions\n",
    "motionwarp/errors.py": "",
    "motionwarp/media/__init__.py": "",
    "motionwarp/media/reader.py": "def first():\n    from motionwarp.media import writer\n    return writer\n",
    "motionwarp/media/writer.py": "from motionwarp.media.reader import first\nfrom motionwarp.errors import Wrong\n",
    "motionwarp/pipeline/__init__.py": "",
    "motionwarp/pipeline/options.py": (
        "class Section:\n    start: float\n    end: float\n\n"
        "class TransferOptions(Section):\n    crf: int\n\n"
        "def wide(a, b, c, d, e, f, g, *, start, end, crf): ...\n\ndef cut(start, end): ...\n"
    ),
    "motionwarp/engines/__init__.py": "",
    "motionwarp/engines/registry.py": "import motionwarp.engines.layered.engine\nNAMES = ('layered',)\n",
    "motionwarp/engines/layered/__init__.py": "",
    "motionwarp/engines/layered/engine.py": '"""Of all engines layered is the first.\n\nOf them.\n"""\nNAME = '
    '"layered"\n',
    "cli/__init__.py": "",
    "cli/app.py": '"""Say layered, in passing."""\nfrom .options import start\n',
    "cli/options.py": "start = 1\n",
    "tests/test_packaging.py": "order = ['media', 'engines', 'pipeline']\n",
}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_circles_are_found_through_imports_inside_functions(tree: Path) -> None:
    assert circles(imports_of(read_tree(tree))) == [["motionwarp.media.reader", "motionwarp.media.writer"]]


def test_an_arrow_upward_is_an_import_of_a_later_layer(tree: Path) -> None:
    (tree / "motionwarp" / "errors.py").write_text("import motionwarp.media.reader\n", encoding="utf-8")
    (tree / "motionwarp" / "media" / "writer.py").write_text(
        "from motionwarp.pipeline import options\n", encoding="utf-8"
    )
    modules = read_tree(tree)
    assert upward_arrows(modules, imports_of(modules), layer_order(tree)) == [
        "motionwarp.errors -> motionwarp.media.reader",
        "motionwarp.media.writer -> motionwarp.pipeline.options",
    ]


def test_files_names_options_and_sizes_are_counted(tree: Path) -> None:
    found = measure(tree)
    assert found["modules"] == 14
    assert found["shared_files_naming_an_engine"] == ["motionwarp/engines/registry.py"]
    assert found["places_of_an_option"] == {"start": 2, "end": 2, "crf": 2}
    assert found["functions_with_more_than_7_parameters"] == ["motionwarp/pipeline/options.py:wide (10)"]
    assert found["docstring_lines_beginning_with_of"] == 2
    assert found["imported_by_one_neighbor_only"] == [
        "cli.options",
        "motionwarp.media.reader",
        "motionwarp.media.writer",
    ]


def test_this_tree_has_neither_circles_nor_arrows_upward(repository_root: Path) -> None:
    modules = read_tree(repository_root)
    imports = imports_of(modules)
    assert circles(imports) == []
    assert upward_arrows(modules, imports, layer_order(repository_root)) == []
    found = measure(repository_root)
    assert found["import_circles_of_packages"] == []
