"""The nodes' inputs as files, as the pipeline takes them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
from torch import Tensor

from motionwarp.avatar.files import save_avatar
from motionwarp.errors import InputError
from motionwarp.pipeline.options import TransferOptions
from motionwarp.pose.formats.pose_file import write_track
from motionwarp.types import ByteArray

from .kinds import Motion, Person, Poses
from .tensors import to_pictures

SCRATCH = "motionwarp-comfyui-"


@dataclass(frozen=True, eq=False)
class Driving:
    """What moves a person: frames, or a motion, which goes before them.

    Attributes
    ----------
    frames : IMAGE or None
    fps : float
        Of the frames.
    motion : Motion or None
    poses : Poses or None
        What was seen in the frames before.
    """

    frames: Tensor | None
    fps: float
    motion: Motion | None = None
    poses: Poses | None = None

    def __post_init__(self) -> None:
        if self.frames is None and self.motion is None:
            raise InputError("nothing drives the person", remedy="Connect driving frames, or a motion")


@dataclass(frozen=True)
class Given:
    """Inputs as files, and the options that go with them."""

    source: Path
    driving: Path
    options: TransferOptions


@contextmanager
def source_file(person: Person) -> Iterator[tuple[Path, TransferOptions]]:
    """Hold a person's picture as a file while the block runs."""
    with tempfile.TemporaryDirectory(prefix=SCRATCH) as folder:
        if person.avatar is not None:
            yield save_avatar(Path(folder) / "avatar.safetensors", person.avatar), TransferOptions()
            return
        source, matte = Path(folder) / "source.png", Path(folder) / "matte.png"
        write_png(source, person.rgb)
        options = TransferOptions(source_person=person.who)
        if person.matte is not None:
            cv2.imwrite(str(matte), person.matte)
            options = replace(options, matte=matte)
        yield source, options


@contextmanager
def input_files(person: Person, driving: Driving) -> Iterator[Given]:
    """Hold all inputs as files while the block runs: the pipeline reads clips twice."""
    with source_file(person) as (source, options):
        if driving.motion is not None:
            yield Given(source, driving.motion.path, options)
            return
        frames = source.with_name("driving")
        frames.mkdir()
        for number, rgb in enumerate(to_pictures(driving.frames)):
            write_png(frames / f"{number:06d}.png", rgb)
        if driving.poses is not None:
            points = source.with_name("driving.keypoints18.json")
            write_track(points, driving.poses.track, file_name="driving", fps=driving.fps)
            options = replace(options, driving_poses=points)
        yield Given(source, frames, options)


def write_png(path: Path, rgb: ByteArray) -> None:
    """Write a picture."""
    # fast rather than small: it is read again at once
    cv2.imwrite(str(path), cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_PNG_COMPRESSION, 1])
