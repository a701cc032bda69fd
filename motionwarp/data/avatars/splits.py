"""Which avatars and which takes of motion capture may be trained on."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

from motionwarp.errors import InputError

AvatarSplit = Literal["train", "validation"]

_VALIDATION_AVATARS: Final = "X_"
_VALIDATION_TAKES: Final = ("cmu_005_1", "cmu_131_")


def avatar_split(name: str) -> AvatarSplit:
    """Return the split of an avatar by its folder's name."""
    return "validation" if name.startswith(_VALIDATION_AVATARS) else "train"


def take_split(name: str) -> AvatarSplit:
    """Return the split of a take of motion capture by its file's name."""
    return "validation" if name.startswith(_VALIDATION_TAKES) else "train"


def avatar_folders(folder: Path, split: AvatarSplit) -> list[Path]:
    """Return the avatars' folders of a split, sorted.

    Raises
    ------
    InputError
        If there is none.
    """
    found = sorted(path.parent for path in folder.glob("*/mesh.safetensors") if avatar_split(path.parent.name) == split)
    if not found:
        raise InputError(
            f"holds no avatar of the {split} split", subject=folder, remedy="Give a folder of avatars' folders."
        )
    return found


def take_files(folder: Path, split: AvatarSplit) -> list[Path]:
    """Return the takes of a split, sorted.

    Raises
    ------
    InputError
        If there is none.
    """
    files = [path for path in folder.iterdir() if path.name.endswith((".bvh", ".bvh.gz"))] if folder.is_dir() else []
    found = sorted(path for path in files if take_split(path.name) == split)
    if not found:
        raise InputError(f"holds no motion of the {split} split", subject=folder, remedy="Give a folder of BVH files.")
    return found
