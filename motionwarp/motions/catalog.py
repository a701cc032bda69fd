"""The library of motions: short ones that ship, and those that users have added, each found by its name."""

from __future__ import annotations

import difflib
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from motionwarp.errors import InputError, MediaError

__all__ = ["LibraryEntry", "check_name", "find_driving", "find_motion", "library", "user_file", "user_folder"]

FOLDER_VARIABLE: Final = "MOTIONWARP_MOTIONS"
_ENDING: Final = ".safetensors"
SHIPPED: Final = Path(__file__).resolve().parent / "shipped"
"""The folder of motions that came with the package."""

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,59}")
_NEAR: Final = 5


@dataclass(frozen=True)
class LibraryEntry:
    """A motion of the library.

    Attributes
    ----------
    name : str
    path : Path
        Its file.
    ships : bool
        Whether it came with the package; else a user has added it.
    """

    name: str
    path: Path
    ships: bool


def user_folder() -> Path:
    """Return the folder of motions that users have added, which need not exist yet."""
    if chosen := os.environ.get(FOLDER_VARIABLE):
        return Path(chosen).expanduser()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "motionwarp" / "motions"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "motionwarp" / "motions"
    data = os.environ.get("XDG_DATA_HOME", "")
    # the standard has relative paths ignored
    home = Path(data) if Path(data).is_absolute() else Path.home() / ".local" / "share"
    return home / "motionwarp" / "motions"


def library() -> dict[str, LibraryEntry]:
    """Return all motions by name; one that a user has added goes before one of that name that ships."""
    found: dict[str, LibraryEntry] = {}
    for folder, ships in ((SHIPPED, True), (user_folder(), False)):
        if folder.is_dir():
            for path in sorted(folder.glob(f"*{_ENDING}")):
                found[path.stem] = LibraryEntry(path.stem, path, ships)
    return dict(sorted(found.items()))


def check_name(name: str) -> str:
    """Return a motion's name if it is one.

    Raises
    ------
    InputError
        If it is not.
    """
    if _NAME.fullmatch(name) is None:
        raise InputError(
            "is no name of a motion",
            subject=name[:80],
            remedy="Use up to 60 small letters, digits, '-' and '_', such as high-five",
        )
    return name


def user_file(name: str) -> Path:
    """Return where a motion that a user adds under a name lies.

    Raises
    ------
    InputError
        If it is no name of a motion.
    """
    return user_folder() / f"{check_name(name)}{_ENDING}"


def find_motion(name: str) -> LibraryEntry:
    """Return the motion of a name.

    Raises
    ------
    InputError
        If there is none; the names near to it are told.
    """
    known = library()
    if name in known:
        return known[name]
    raise InputError("there is no motion of this name", subject=name[:80], remedy=_near(name, known))


def find_driving(driving: Path) -> Path:
    """Return the file or folder that DRIVING stands for: what is there of that name, or a motion of the library.

    Raises
    ------
    MediaError
        If it is neither and looks like a name; the names near to it are told.
    """
    name = str(driving)
    if os.path.lexists(driving) or _NAME.fullmatch(name) is None:
        return driving
    known = library()
    if name in known:
        return known[name].path
    raise MediaError("there is no such file, and no motion of this name", subject=name, remedy=_near(name, known))


def _near(name: str, known: dict[str, LibraryEntry]) -> str:
    near = difflib.get_close_matches(name, known, _NEAR, 0.5)
    meant = f"Perhaps {' or '.join(near)} is meant; `motionwarp motions list`" if near else "`motionwarp motions list`"
    return f"{meant} tells all of them"
