"""Files of motions: BVH of common programs, and the project's own form, a few numbers a frame without any skeleton."""

from __future__ import annotations

import gzip
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from motionwarp.body.body_motion import BodyMotion
from motionwarp.body.bvh import read_bvh
from motionwarp.body.human_motion import human_motion
from motionwarp.body.layout import DRIVEN_BONES
from motionwarp.body.model import BodyModel
from motionwarp.body.retargeting import body_motion
from motionwarp.body.rotations import matrix_from_6d, sixd_from_matrix
from motionwarp.checkpoints.checkpoint import load_checkpoint, read_architecture, save_checkpoint
from motionwarp.errors import MotionwarpError, PoseFileError, WeightsError

__all__ = ["LibraryMotion", "is_motion_file", "load_library_motion", "read_motion", "save_library_motion"]

ARCHITECTURE: Final = "motion"
FORMAT: Final = 1
"""Number of the file's layout: a file of another one is refused."""

ENDING: Final = ".safetensors"
_BVH_ENDINGS: Final = (".bvh", ".bvh.gz")
_BVH_START: Final = b"HIERARCHY"
_GZIP_START: Final = b"\x1f\x8b"
_MARKS: Final = b"\xef\xbb\xbf \t\r\n"  # what may come before the first word
_MOST_FRAMES: Final = 100_000
_FARTHEST_LEGS: Final = 1000.0
_LONGEST_TEXT: Final = 2000
_FRAME_RATES: Final = (1.0, 1000.0)
_TEXTS: Final = ("name", "title", "author", "licence")


@dataclass(frozen=True, eq=False)
class LibraryMotion:
    """A motion with what is known of it.

    Attributes
    ----------
    name : str
        By which it is called.
    title : str
        What it shows, in some words.
    author, licence : str
        Whose it is, and on which terms; may be empty.
    motion : BodyMotion
        Its front is at 0 degrees.
    """

    name: str
    title: str
    author: str
    licence: str
    motion: BodyMotion


def is_motion_file(path: Path) -> bool:
    """Tell whether a file holds a motion: BVH by its ending or its first word, or the project's own form."""
    name = path.name.lower()
    if name.endswith(_BVH_ENDINGS):
        return True
    if not path.is_file():
        return False
    if name.endswith(ENDING):
        return _is_own_form(path)
    try:
        with path.open("rb") as file:
            start = file.read(64)
            if start.startswith(_GZIP_START):
                file.seek(0)
                start = gzip.GzipFile(fileobj=file).read(64)
    except (OSError, EOFError, zlib.error):
        return False
    return start.lstrip(_MARKS).upper().startswith(_BVH_START)


def _is_own_form(path: Path) -> bool:
    try:
        return read_architecture(path) == ARCHITECTURE
    except MotionwarpError:
        return False


def read_motion(path: Path) -> BodyMotion:
    """Read a motion, turned so that its front is at 0 degrees.

    Parameters
    ----------
    path : Path
        BVH of a person, by the names of any program that is known, also compressed; or a file of the library.

    Raises
    ------
    PoseFileError
        If it is damaged, has no motion, values that no body has, or a skeleton of no person: what was missing and what
        was understood is told.
    LimitError
        If it is beyond a limit.
    WeightsError
        If a file of the library is damaged.
    """
    if path.name.lower().endswith(ENDING):
        return load_library_motion(path).motion
    try:
        understood = human_motion(read_bvh(path))
    except PoseFileError as error:
        raise type(error)(error.problem, subject=path, remedy=error.remedy) from error
    motion = body_motion(BodyModel.load(), understood)
    if not (np.isfinite(motion.turns).all() and np.abs(motion.root).max() < _FARTHEST_LEGS):
        raise PoseFileError(
            f"its person goes farther than {_FARTHEST_LEGS:g} lengths of a leg",
            subject=path,
            remedy="Export the motion again, or repair it.",
        )
    return motion.faced()


def save_library_motion(path: Path, entry: LibraryMotion) -> Path:
    """Write a motion as one safetensors file, whole or not at all: six numbers of half precision a bone and frame.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    six = sixd_from_matrix(torch.from_numpy(np.ascontiguousarray(entry.motion.turns)))
    tensors = {"turns": six.half(), "root": torch.from_numpy(np.ascontiguousarray(entry.motion.root)).float()}
    config: dict[str, Any] = {
        "format": FORMAT,
        "bones": list(DRIVEN_BONES),
        "frame_rate": entry.motion.frame_rate,
        **{name: getattr(entry, name) for name in _TEXTS},
    }
    return save_checkpoint(path, tensors, ARCHITECTURE, config)


def load_library_motion(path: Path) -> LibraryMotion:
    """Read a motion that `save_library_motion` has written.

    Raises
    ------
    WeightsError
        If there is no such file, if it is damaged, something else, of another format, or has values no motion has.
    """
    checkpoint = load_checkpoint(path, ARCHITECTURE)
    config, tensors = checkpoint.config, checkpoint.tensors
    if config.get("format") != FORMAT or config.get("bones") != list(DRIVEN_BONES):
        raise WeightsError(
            "is a motion of another format or body",
            subject=path,
            remedy="Add it anew with `motionwarp motions add`.",
        )
    rate = config.get("frame_rate")
    texts = [config.get(name) for name in _TEXTS]
    problem = _problem(tensors, rate)
    if any(not isinstance(text, str) or len(text) > _LONGEST_TEXT for text in texts):
        problem = "says something of itself that is no text"
    if problem:
        raise WeightsError(problem, subject=path, remedy="The file is damaged; add the motion anew.")
    assert isinstance(rate, int | float)
    turns = matrix_from_6d(tensors["turns"].float()).numpy()
    motion = BodyMotion(np.ascontiguousarray(turns, dtype=np.float32), tensors["root"].float().numpy(), float(rate))
    name, title, author, licence = (str(text) for text in texts)
    return LibraryMotion(name, title, author, licence, motion)


def _problem(tensors: dict[str, torch.Tensor], rate: Any) -> str:
    """Return what is wrong with a motion's numbers, or nothing."""
    if set(tensors) != {"turns", "root"}:
        return f"has the arrays {', '.join(sorted(tensors))[:100]}, where turns and root are needed"
    turns, root = tensors["turns"], tensors["root"]
    count = len(root) if root.ndim == 2 else 0
    if turns.shape != (count, len(DRIVEN_BONES), 6) or root.shape != (count, 3) or not 0 < count <= _MOST_FRAMES:
        return f"has turns {tuple(turns.shape)} and places {tuple(root.shape)}"
    if not (turns.is_floating_point() and root.is_floating_point()):
        return "has turns or places that are no fractions"
    if type(rate) not in (int, float) or not _FRAME_RATES[0] <= rate <= _FRAME_RATES[1]:
        return "has a frame rate that no motion has"
    first, second = turns.float()[..., :3], turns.float()[..., 3:]
    apart = torch.linalg.cross(first, second, dim=-1).norm(dim=-1)
    if not bool((turns.float().abs() < 2).all()) or not bool((apart > 0.5).all()):
        return "has turns that are none"
    return "" if bool((root.abs() < _FARTHEST_LEGS).all()) else "has a person who is nowhere"
