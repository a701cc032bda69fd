"""What mkdocs does with this repository beyond docs/: pages that are written elsewhere, and links between them.

README, CONTRIBUTING, CHANGELOG, SECURITY and the weights' cards stand once, where readers of the repository look for
them; the API reference is made of the docstrings, one page for each package. Links are written for the repository and
translated here.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any, Final

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT: Final = Path(__file__).resolve().parent.parent
# where papers of the repository stand on the site
PAPERS: Final = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changes.md",
    "SECURITY.md": "security-policy.md",
    "LICENSE": "LICENSE.txt",
}
_LINK: Final = re.compile(r"(\]\()([^)#\s]+)((?:#[^)\s]*)?\))")
_MODULE_OPTIONS: Final = "    options:\n      show_submodules: false\n"


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Enter the pages that depend on what is there: engines, weights' cards, packages."""
    lists = {
        "Engines": sorted(f"engines/{file.name}" for file in (ROOT / "docs" / "engines").glob("*.md")),
        "Weights": sorted(f"weights/{file.name}" for file in (ROOT / "weights").glob("*.md")),
        "API reference": [{name.removeprefix("motionwarp."): f"reference/{name}.md"} for name in packages()],
    }
    config.nav = [_filled(entry, lists) for entry in config.nav or []]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are written outside of docs/ or made of docstrings."""
    for origin, place in _places().items():
        files.append(File.generated(config, place, content=(ROOT / origin).read_text(encoding="utf-8")))
    for name in packages():
        files.append(File.generated(config, f"reference/{name}.md", content=reference(name)))
    return files


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Translate links that are right in the repository into those of the site."""
    places = _places()
    own = next((origin for origin, place in places.items() if place == page.file.src_uri), f"docs/{page.file.src_uri}")

    def translated(link: re.Match[str]) -> str:
        if ":" in link[2]:
            return link[0]
        target = posixpath.normpath(posixpath.join(posixpath.dirname(own), link[2]))
        place = places.get(target, target.removeprefix("docs/"))
        return f"{link[1]}{posixpath.relpath(place, posixpath.dirname(page.file.src_uri) or '.')}{link[3]}"

    return _LINK.sub(translated, markdown)


def packages() -> list[str]:
    """Name every package of `motionwarp`, the root's own public API first."""
    folders = sorted(file.parent for file in (ROOT / "motionwarp").rglob("__init__.py"))
    return [".".join(folder.relative_to(ROOT).parts) for folder in folders]


def reference(package: str) -> str:
    """Write a package's page: its own docstring, then its modules.

    Parameters
    ----------
    package : str
        Dotted name.
    """
    folder = ROOT.joinpath(*package.split("."))
    names = sorted(file.stem for file in folder.glob("*.py") if not file.stem.startswith("_"))
    modules = "".join(f"\n::: {package}.{name}\n{_MODULE_OPTIONS}      heading_level: 2\n" for name in names)
    about = f"::: {package}\n{_MODULE_OPTIONS}      show_root_heading: false\n      members: false\n"
    return f"# {package}\n\n{about}{modules}"


def _places() -> dict[str, str]:
    cards = {f"weights/{file.name}": f"weights/{file.name}" for file in (ROOT / "weights").glob("*.md")}
    return {**PAPERS, **cards}


def _filled(entry: Any, lists: dict[str, list[Any]]) -> Any:
    if isinstance(entry, dict):
        (title, content), *_ = entry.items()
        return {title: content or lists[title]}
    return entry
