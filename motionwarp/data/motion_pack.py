"""A pack of motion: captured takes, put on the body, in one safetensors file that training reads."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from safetensors import SafetensorError, safe_open

from motionwarp.body.body_motion import BodyMotion
from motionwarp.body.bvh import read_bvh
from motionwarp.body.human_motion import human_motion
from motionwarp.body.layout import DRIVEN_BONES
from motionwarp.body.model import BodyModel
from motionwarp.body.retargeting import body_motion
from motionwarp.checkpoints.checkpoint import write_tensors
from motionwarp.data.avatars.splits import AvatarSplit, take_files
from motionwarp.data.pack_kinds import PackRequest, WrittenPack
from motionwarp.errors import InputError, OutputError

FORMAT: Final = "motionwarp-motion-pack-1"
_FRAME_RATE: Final = 30.0  # that takes are thinned out to: what the lifter expects
_REMEDY: Final = "Make it with `motionwarp dataset pack motion`."


@dataclass(frozen=True, eq=False)
class MotionPack:
    """Takes of motion capture.

    Attributes
    ----------
    names : tuple of str
    motions : tuple of BodyMotion
        One for each name.
    """

    names: tuple[str, ...]
    motions: tuple[BodyMotion, ...]

    def __post_init__(self) -> None:
        if len(self.names) != len(self.motions) or not self.names:
            raise ValueError(f"a pack of motion has takes and their names, got {len(self.motions)}, {len(self.names)}")


def take_motion(body: BodyModel, file: Path) -> BodyMotion:
    """Read a take of motion capture onto the body, at about 30 frames a second.

    Raises
    ------
    PoseFileError
        If it cannot be read as a person's motion.
    """
    return body_motion(body, human_motion(read_bvh(file))).resampled(_FRAME_RATE)


def write_motion_pack(pack: MotionPack, path: Path) -> int:
    """Write takes into a pack, whole or not at all, and return its size in bytes.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    tensors = {
        "turns": torch.from_numpy(np.ascontiguousarray(np.concatenate([motion.turns for motion in pack.motions]))),
        "root": torch.from_numpy(np.ascontiguousarray(np.concatenate([motion.root for motion in pack.motions]))),
        "ends": torch.tensor([len(motion) for motion in pack.motions]).cumsum(0),
        "frame_rates": torch.tensor([motion.frame_rate for motion in pack.motions], dtype=torch.float64),
    }
    metadata = {"format": FORMAT, "names": json.dumps(pack.names), "bones": json.dumps(DRIVEN_BONES)}
    path.parent.mkdir(parents=True, exist_ok=True)
    write_tensors(path, tensors, metadata)
    return path.stat().st_size


def read_motion_pack(path: Path) -> MotionPack:
    """Read a pack of motion.

    Raises
    ------
    InputError
        If the file is missing, damaged, no pack of motion, or one of other bones.
    """
    try:
        with safe_open(path, framework="np") as opened:
            metadata = opened.metadata() or {}
            if metadata.get("format") != FORMAT:
                raise InputError(
                    f"this is no pack of motion: its format is {metadata.get('format')!r}, not {FORMAT!r}",
                    subject=path,
                    remedy=_REMEDY,
                )
            return _read(opened, metadata)
    except (OSError, SafetensorError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise InputError(f"this is no pack of motion: {error}", subject=path, remedy=_REMEDY) from error


def _read(opened: Any, metadata: dict[str, str]) -> MotionPack:
    if json.loads(metadata["bones"]) != list(DRIVEN_BONES):
        raise ValueError("it turns other bones than this release has")
    names, ends = json.loads(metadata["names"]), opened.get_tensor("ends")
    turns, root, rates = (opened.get_tensor(name) for name in ("turns", "root", "frame_rates"))
    if not (len(names) == len(ends) == len(rates)) or (np.diff(ends, prepend=0) <= 0).any() or ends[-1] != len(turns):
        raise ValueError("its tables do not fit each other")
    if not (np.isfinite(turns).all() and np.isfinite(root).all()):
        raise ValueError("it has values that are not finite")
    pieces = [slice(int(end - count), int(end)) for end, count in zip(ends, np.diff(ends, prepend=0), strict=True)]
    motions = [BodyMotion(turns[each], root[each], float(rate)) for each, rate in zip(pieces, rates, strict=True)]
    return MotionPack(tuple(str(name) for name in names), tuple(motions))


def pack_takes(files: Iterable[Path], path: Path, progress: Callable[[int], None]) -> WrittenPack:
    """Write takes of motion capture into a pack; `progress` is told how many there are so far."""
    body = BodyModel.load()
    names: list[str] = []
    motions: list[BodyMotion] = []
    for file in files:
        motions.append(take_motion(body, file))
        names.append(file.name.split(".")[0])
        progress(len(names))
    if not names:
        raise OutputError("there is nothing to pack", subject=path, remedy="Check the folder the data comes from.")
    return WrittenPack(len(names), write_motion_pack(MotionPack(tuple(names), tuple(motions)), path))


def write_requested(request: PackRequest) -> WrittenPack:
    """Write a pack of the takes of a split; see `pack_kinds.LIFTER_PACKS`."""
    options = request.options
    split: AvatarSplit = "validation" if options.split == "validation" else "train"
    return pack_takes(take_files(options.data / "motion", split), options.output, request.on_progress)
