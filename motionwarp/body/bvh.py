"""BVH, the plain text form of motion capture: reading, with limits, and writing; both also compressed as .bvh.gz.

The form is Biovision's: a HIERARCHY of joints with offsets and channels, then MOTION with a line of channel values a
frame, angles in degrees. Two things the form leaves open are settled here: position channels of the first joint are
counted from its offset unless they hover about that offset themselves; position channels of other joints are passed
over, since bones do not stretch.
"""

from __future__ import annotations

import gzip
import io
import warnings
import zlib
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation

from motionwarp.body.motion_clip import MotionClip, Skeleton
from motionwarp.errors import LimitError, OutputError, PoseFileError
from motionwarp.media.atomic import PendingFile, write_failure
from motionwarp.types import FloatArray

StrPath = str | PathLike[str]
DoubleArray = npt.NDArray[np.float64]

_CHANNELS: Final = ("Xposition", "Yposition", "Zposition", "Xrotation", "Yrotation", "Zrotation")
_MOST_DEGREES: Final = 36_000.0  # a hundred turns: dancers who turn are counted on, without wrapping
_MOST_UNITS: Final = 1e6  # a kilometre in millimetres
_GZIP_START: Final = b"\x1f\x8b"
_LATIN: Final = "latin-1"  # decodes any byte: names in other alphabets stay distinct, and numbers are ASCII
_WRITTEN_ORDER: Final = "ZXY"
_REMEDY: Final = "Export it again as BVH (Biovision hierarchy), with its motion."


@dataclass(frozen=True)
class BvhLimits:
    """How large a file may be before it is refused.

    Attributes
    ----------
    most_bytes : int
        Of text, unpacked.
    most_joints, most_frames : int
    most_rotations : int
        Joints times frames.
    """

    most_bytes: int = 128 << 20
    most_joints: int = 1024
    most_frames: int = 500_000
    most_rotations: int = 20_000_000


def read_bvh(path: StrPath, limits: BvhLimits | None = None) -> MotionClip:
    """Read a motion capture file.

    Parameters
    ----------
    path : path
        `.bvh` or, compressed, `.bvh.gz`; told by the content.
    limits : BvhLimits, optional

    Returns
    -------
    MotionClip
        In the file's own unit and axes.

    Raises
    ------
    PoseFileError
        If it cannot be read, is no BVH, has no motion, or holds values that no body has.
    LimitError
        If it is beyond a limit.
    """
    limits = BvhLimits() if limits is None else limits
    path = Path(path)
    try:
        content = path.read_bytes() if path.stat().st_size <= limits.most_bytes else None
    except OSError as error:
        raise PoseFileError(f"cannot be read: {error.strerror}", subject=path) from error
    if content is not None and content.startswith(_GZIP_START):
        content = _unpacked(content, limits.most_bytes, path)
    if content is None:
        raise LimitError(
            f"is larger than {limits.most_bytes >> 20} MiB of text",
            subject=path,
            remedy="Cut the motion into shorter files.",
        )
    try:
        return parse_bvh(content.decode(_LATIN), limits)
    except (PoseFileError, LimitError) as error:
        raise type(error)(error.problem, subject=path, remedy=error.remedy) from error


def _unpacked(content: bytes, most: int, path: Path) -> bytes | None:
    try:
        with gzip.open(io.BytesIO(content)) as stream:
            text = stream.read(most + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise PoseFileError(
            f"its compression is damaged: {error}", subject=path, remedy="Copy the file again."
        ) from error
    return text if len(text) <= most else None


def parse_bvh(text: str, limits: BvhLimits | None = None) -> MotionClip:
    """Read motion capture from text; see `read_bvh`."""
    limits = BvhLimits() if limits is None else limits
    head, found, tail = text.partition("MOTION")
    if not head.lstrip("\ufeff \t\r\n").upper().startswith("HIERARCHY"):
        raise PoseFileError("is no BVH: it does not begin with HIERARCHY", remedy=_REMEDY)
    if not found:
        raise PoseFileError("has a skeleton but no MOTION", remedy=_REMEDY)
    hierarchy = _Hierarchy(head.split()[1:], limits)
    values, frame_rate = _motion(tail, hierarchy, limits)
    return _clip(hierarchy, values, frame_rate)


class _Hierarchy:
    """The joints as they are told, and which channels each has."""

    def __init__(self, tokens: list[str], limits: BvhLimits) -> None:
        self.names: list[str] = []
        self.parents: list[int] = []
        self.offsets: list[tuple[float, float, float]] = []
        self.channels: list[tuple[str, ...]] = []
        self.tips: list[tuple[int, tuple[float, float, float]]] = []
        self._tokens = iter(tokens)
        self._limits = limits
        self._read()

    def _next(self) -> str:
        token = next(self._tokens, None)
        if token is None:
            raise PoseFileError("its HIERARCHY ends in the middle of a joint", remedy=_REMEDY)
        return token

    def _read(self) -> None:
        open_joints: list[int] = []  # -1 stands for an End Site
        finished = False
        for token in self._tokens:
            word = token.upper()
            if finished:
                raise PoseFileError(
                    f"has more than one skeleton: after the first comes '{token[:40]}'",
                    remedy="Export one person a file.",
                )
            if word in ("ROOT", "JOINT"):
                if (word == "ROOT") != (not open_joints):
                    raise PoseFileError(f"has a {word} where none can be", remedy=_REMEDY)
                open_joints.append(self._joint(open_joints))
            elif word == "END":
                self._next()
                self._expect("{")
                self._end(open_joints)
                open_joints.append(-1)
            elif word == "OFFSET":
                self._offset(open_joints)
            elif word == "CHANNELS":
                self._channels(open_joints)
            elif token == "}" and open_joints:
                open_joints.pop()
                finished = not open_joints
            else:
                raise PoseFileError(
                    f"has '{token[:40]}' where a joint, its OFFSET or its CHANNELS should be", remedy=_REMEDY
                )
        if not finished:
            raise PoseFileError("its HIERARCHY ends in the middle of a joint", remedy=_REMEDY)

    def _expect(self, wanted: str) -> None:
        token = self._next()
        if token != wanted:
            raise PoseFileError(f"has '{token[:40]}' where '{wanted}' should be", remedy=_REMEDY)

    def _joint(self, open_joints: list[int]) -> int:
        words = []
        # names with blanks in them, as 3ds Max writes them
        while (token := self._next()) != "{":
            words.append(token)
        name = " ".join(words)
        if open_joints and open_joints[-1] == -1:
            raise PoseFileError(f"has the joint '{name[:40]}' below an End Site", remedy=_REMEDY)
        if len(self.names) >= self._limits.most_joints:
            raise LimitError(
                f"has more than {self._limits.most_joints} joints",
                remedy="Export the body without cloth and hair bones.",
            )
        if not name or name in self.names:
            raise PoseFileError(
                f"has two joints called '{name[:40]}', or one without a name", remedy="Give every bone its own name."
            )
        self.names.append(name)
        self.parents.append(open_joints[-1] if open_joints else -1)
        self.offsets.append((0.0, 0.0, 0.0))
        self.channels.append(())
        return len(self.names) - 1

    def _end(self, open_joints: list[int]) -> None:
        if not open_joints or open_joints[-1] == -1:
            raise PoseFileError("has an End Site outside of a joint", remedy=_REMEDY)
        self.tips.append((open_joints[-1], (0.0, 0.0, 0.0)))

    def _offset(self, open_joints: list[int]) -> None:
        if not open_joints:
            raise PoseFileError("has an OFFSET outside of a joint", remedy=_REMEDY)
        words = [self._next() for _ in range(3)]
        try:
            x, y, z = (float(word) for word in words)
        except ValueError as error:
            raise PoseFileError(f"has an OFFSET that is no number: {' '.join(words)[:60]}", remedy=_REMEDY) from error
        if not np.abs([x, y, z]).max() <= _MOST_UNITS:
            raise PoseFileError(f"has an OFFSET that no body has: {' '.join(words)[:60]}", remedy=_REMEDY)
        if open_joints[-1] == -1:
            self.tips[-1] = (self.tips[-1][0], (x, y, z))
        else:
            self.offsets[open_joints[-1]] = (x, y, z)

    def _channels(self, open_joints: list[int]) -> None:
        if not open_joints or open_joints[-1] == -1:
            raise PoseFileError("has CHANNELS outside of a joint", remedy=_REMEDY)
        count = self._next()
        if not (count.isdecimal() and count.isascii() and len(count) == 1 and int(count) <= len(_CHANNELS)):
            raise PoseFileError(f"has a joint of '{count[:40]}' channels", remedy=_REMEDY)
        channels = tuple(self._next() for _ in range(int(count)))
        if len(set(channels)) != len(channels) or not set(channels) <= set(_CHANNELS):
            raise PoseFileError(f"has channels that are unknown or twice: {' '.join(channels)[:120]}", remedy=_REMEDY)
        self.channels[open_joints[-1]] = channels


def _motion(text: str, hierarchy: _Hierarchy, limits: BvhLimits) -> tuple[DoubleArray, float]:
    """Return the channels' values, float64 (T, C), and the frame rate."""
    columns = sum(len(channels) for channels in hierarchy.channels)
    head = text.split(maxsplit=5)
    if len(head) < 5 or head[0].upper() != "FRAMES:" or [word.upper() for word in head[2:4]] != ["FRAME", "TIME:"]:
        raise PoseFileError("its MOTION does not tell 'Frames:' and 'Frame Time:'", remedy=_REMEDY)
    try:
        frames, frame_time = int(head[1]), float(head[4])
    except ValueError as error:
        raise PoseFileError(
            f"its number of frames or frame time is no number: {head[1][:20]}, {head[4][:20]}", remedy=_REMEDY
        ) from error
    if frames < 1 or columns == 0:
        raise PoseFileError(f"has no motion: {frames} frames of {columns} channels", remedy=_REMEDY)
    if frames > limits.most_frames or frames * len(hierarchy.names) > limits.most_rotations:
        raise LimitError(
            f"has {frames} frames of {len(hierarchy.names)} joints", remedy="Cut the motion into shorter files."
        )
    if not 1e-4 <= frame_time <= 10:
        raise PoseFileError(
            f"has a frame time of {frame_time:g} s",
            remedy="Export it with a frame rate between 0.1 and 10,000 a second.",
        )
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)
        try:
            values = np.fromstring(head[5] if len(head) > 5 else "", dtype=np.float64, sep=" ")
        except (DeprecationWarning, ValueError) as error:
            raise PoseFileError("its MOTION has something that is no number", remedy=_REMEDY) from error
    if values.size != frames * columns:
        raise PoseFileError(
            f"tells {frames} frames of {columns} channels, which are {frames * columns} numbers, and has {values.size}",
            remedy=_REMEDY,
        )
    return values.reshape(frames, columns), 1.0 / frame_time


def _clip(hierarchy: _Hierarchy, values: DoubleArray, frame_rate: float) -> MotionClip:
    rotations = np.empty((len(values), len(hierarchy.names), 3, 3), dtype=np.float32)
    root_positions = np.tile(np.array(hierarchy.offsets[0]), (len(values), 1))
    column = 0
    for joint, channels in enumerate(hierarchy.channels):
        own = values[:, column : column + len(channels)]
        column += len(channels)
        turns = [index for index, channel in enumerate(channels) if channel.endswith("rotation")]
        moves = [index for index, channel in enumerate(channels) if channel.endswith("position")]
        _check_values(hierarchy.names[joint], own[:, turns], _MOST_DEGREES, "degrees")
        _check_values(hierarchy.names[joint], own[:, moves], _MOST_UNITS, "units")
        rotations[:, joint] = _euler_rotations(own[:, turns], [channels[index][0] for index in turns])
        if joint == 0 and moves:
            axes = ["XYZ".index(channels[index][0]) for index in moves]
            root_positions = _root_positions(root_positions, own[:, moves], axes)
    skeleton = Skeleton(
        tuple(hierarchy.names), tuple(hierarchy.parents), np.array(hierarchy.offsets), tuple(hierarchy.tips)
    )
    return MotionClip(skeleton, rotations, root_positions.astype(np.float32), frame_rate)


def _check_values(name: str, values: DoubleArray, most: float, unit: str) -> None:
    wrong = ~(np.abs(values) <= most)
    if wrong.any():
        frame, channel = (int(index[0]) for index in np.nonzero(wrong))
        raise PoseFileError(
            f"frame {frame} has {values[frame, channel]:g} {unit} for the joint '{name[:40]}'",
            remedy="Export the motion again, or repair it.",
        )


def _root_positions(offset: DoubleArray, values: DoubleArray, axes: list[int]) -> DoubleArray:
    """Return where the first joint is: some programs write its place, others what is to be added to its offset."""
    high = int(np.abs(offset[0]).argmax())
    is_place = high in axes and abs(values[:, axes.index(high)].mean() - offset[0, high]) < 0.5 * abs(offset[0, high])
    positions = offset.copy()
    positions[:, axes] = values if is_place else offset[:, axes] + values
    return positions


def _euler_rotations(degrees: DoubleArray, axes: list[str]) -> FloatArray:
    """Return the rotations (T, 3, 3) of angles (T, n) about axes of which the first told is applied last."""
    if not axes:
        return np.tile(np.eye(3, dtype=np.float32), (len(degrees), 1, 1))
    radians = np.deg2rad(degrees)
    rotation = np.tile(np.eye(3), (len(degrees), 1, 1))
    for index, axis in enumerate(axes):
        first, second = {"X": (1, 2), "Y": (2, 0), "Z": (0, 1)}[axis]
        turn = np.tile(np.eye(3), (len(degrees), 1, 1))
        cosine, sine = np.cos(radians[:, index]), np.sin(radians[:, index])
        turn[:, first, first] = turn[:, second, second] = cosine
        turn[:, second, first], turn[:, first, second] = sine, -sine
        rotation = rotation @ turn
    return rotation.astype(np.float32)


def write_bvh(path: StrPath, clip: MotionClip, *, overwrite: bool = False) -> None:
    """Write a motion as BVH, whole or not at all; compressed where the name ends in `.gz`.

    Parameters
    ----------
    path : path
    clip : MotionClip
    overwrite : bool

    Raises
    ------
    OutputError
        If the file is there without `overwrite`, a joint's name cannot be written, or writing fails.
    """
    path = Path(path)
    with PendingFile(path, overwrite=overwrite) as pending:
        content = format_bvh(clip).encode(_LATIN, errors="replace")
        try:
            # without a time of its own the same motion gives the same bytes
            pending.path.write_bytes(gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)
        except OSError as error:
            raise write_failure(error, path) from error
        pending.commit()


def format_bvh(clip: MotionClip) -> str:
    """Return a motion as BVH's text; the first joint's place is in its channels, its offset is zero."""
    skeleton = clip.skeleton
    for name in skeleton.names:
        if not name or name != " ".join(name.split()) or "{" in name or "}" in name:
            raise OutputError(f"a joint's name cannot be written as BVH: '{name[:40]}'", remedy="Rename the joint.")
    children: list[list[int]] = [[] for _ in skeleton.names]
    for joint, parent in enumerate(skeleton.parents[1:], start=1):
        children[parent].append(joint)
    lines, order = ["HIERARCHY"], []
    stack: list[tuple[int, int] | str] = [(0, 0)]
    while stack:
        entry = stack.pop()
        if isinstance(entry, str):
            lines.append(entry)
            continue
        joint, depth = entry
        order.append(joint)
        lines += _joint_lines(skeleton, joint, "  " * depth)
        stack.append("  " * depth + "}")
        stack += [(child, depth + 1) for child in reversed(children[joint])]
    with warnings.catch_warnings():
        # where two axes coincide any split between them is right
        warnings.filterwarnings("ignore", message="Gimbal lock")
        angles = Rotation.from_matrix(clip.rotations.reshape(-1, 3, 3)).as_euler(_WRITTEN_ORDER, degrees=True)
    rows = np.concatenate(
        [clip.root_positions, angles.reshape(len(clip), -1, 3)[:, order].reshape(len(clip), -1)], axis=1
    )
    lines += ["MOTION", f"Frames: {len(clip)}", f"Frame Time: {1 / clip.frame_rate:.9g}"]
    lines += [" ".join(f"{value:.5f}" for value in row) for row in rows]
    return "\n".join(lines) + "\n"


def _joint_lines(skeleton: Skeleton, joint: int, indent: str) -> list[str]:
    offset = skeleton.offsets[joint] if joint else np.zeros(3)
    rotation = " ".join(f"{axis}rotation" for axis in _WRITTEN_ORDER)
    channels = f"3 {rotation}" if joint else f"6 Xposition Yposition Zposition {rotation}"
    lines = [f"{indent}{'JOINT' if joint else 'ROOT'} {skeleton.names[joint]}", f"{indent}{{"]
    lines += [f"{indent}  OFFSET {_numbers(offset)}", f"{indent}  CHANNELS {channels}"]
    for owner, tip in skeleton.tips:
        if owner == joint:
            lines += [f"{indent}  End Site", f"{indent}  {{", f"{indent}    OFFSET {_numbers(tip)}", f"{indent}  }}"]
    return lines


def _numbers(values: npt.ArrayLike) -> str:
    return " ".join(f"{value:.6f}" for value in np.asarray(values, dtype=np.float64))
