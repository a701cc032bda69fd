"""Every option of a transfer, checked when made."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from os import PathLike
from pathlib import Path
from typing import Final, Literal, TypedDict

from motionwarp.errors import OptionError

MIN_SIDE = 16
MAX_SIDE = 8192


@dataclass(frozen=True)
class OutputSize:
    """The size that was asked for: both sides, or the longer one only.

    Attributes
    ----------
    width, height : int or None
        Both sides in pixels, or None for both.
    long_side : int or None
        The longer side in pixels; the other one follows from the picture's shape.
    """

    width: int | None = None
    height: int | None = None
    long_side: int | None = None

    @classmethod
    def parse(cls, text: str | int) -> OutputSize:
        """Read `WIDTHxHEIGHT` or `LONG_SIDE`; raise `OptionError` for anything else."""
        found = re.fullmatch(r"(\d{1,6})(?:[xX×](\d{1,6}))?", str(text).strip())
        if found is None:
            raise OptionError(
                "is not a size",
                subject=f"--size {text}",
                remedy="Write WIDTHxHEIGHT, such as 1280x720, or one number for the long side",
            )
        sides = [int(side) for side in found.groups() if side is not None]
        if any(not MIN_SIDE <= side <= MAX_SIDE for side in sides):
            raise OptionError(
                "is out of range", subject=f"--size {text}", remedy=f"Sides go from {MIN_SIDE} to {MAX_SIDE} pixels"
            )
        return cls(long_side=sides[0]) if len(sides) == 1 else cls(width=sides[0], height=sides[1])


class BackgroundKind(Enum):
    """What lies behind the person."""

    SOURCE = "source"
    DRIVING = "driving"
    TRANSPARENT = "transparent"
    COLOR = "colour"
    FILE = "file"


@dataclass(frozen=True)
class BackgroundChoice:
    """The background that was asked for.

    Attributes
    ----------
    kind : BackgroundKind
    colour : (int, int, int) or None
        RGB in 0..255, for `COLOR`.
    path : Path or None
        A picture or a video, for `FILE`.
    """

    kind: BackgroundKind
    color: tuple[int, int, int] | None = None
    path: Path | None = None

    @classmethod
    def parse(cls, text: str) -> BackgroundChoice:
        """Read `source`, `driving`, `transparent`, `#rrggbb` or a path; raise `OptionError` for a colour that is none."""
        word = text.strip()
        if word in ("source", "driving", "transparent"):
            return cls(BackgroundKind(word))
        if re.fullmatch(r"#[0-9a-fA-F]{6}", word):
            red, green, blue = (int(word[start : start + 2], 16) for start in (1, 3, 5))
            return cls(BackgroundKind.COLOR, color=(red, green, blue))
        if not word or word.startswith("#"):
            raise OptionError(
                "is not a background",
                subject=f"--background {text!r}",
                remedy="Give source, driving, transparent, a colour as '#rrggbb', or a picture or video file",
            )
        return cls(BackgroundKind.FILE, path=Path(word))


StrPath = str | PathLike[str]

PLACEMENTS: Final = ("source", "driving")
DEVICES: Final = ("auto", "cpu", "cuda", "mps")
PRECISIONS: Final = ("auto", "fp32", "bf16", "fp16")
MAX_BATCH: Final = 256
MAX_FPS: Final = 240


@dataclass(frozen=True)
class TransferOptions:
    """What `motionwarp transfer` can be told, with its defaults.

    Attributes
    ----------
    engine : str
        'auto', the name of an engine, or a file of weights.
    retarget : bool
        Fit the driving person's motion to the proportions of the source person.
    placement : 'source' or 'driving'
        Stand where the source person stands, or where the driving person does.
    background : str
        'source', 'driving', 'transparent', '#rrggbb', or a picture or video file.
    size : str, int or None
        'WIDTHxHEIGHT' or the long side in pixels; None for the background's own size, its long side at most 1920.
    source_poses, driving_poses : path or None
        Poses read from files in place of an estimator's.
    matte : path or None
        A grey picture of the source person's coverage, in place of the alpha channel's or the estimator's.
    source_time : float
        Seconds into a SOURCE that is a video, where its picture is taken.
    fps : float, str, Fraction or None
        Frames a second of the output, such as 25 or '30000/1001'; None keeps the driving clip's own times.
    start, end : float or None
        The part of the driving clip to use, in seconds.
    person : str
        Which of several people: 'largest', an index counted by size from 0, or 'x,y' in pixels.
    smooth : float
        Strength of the smoothing over time in [0, 1]; 0 leaves the motion as observed.
    audio : bool
        Take over the driving clip's sound.
    side_by_side : bool
        Show source, driving clip and result beside each other.
    region_debug : path or None
        A further video to write: what the engine decides for every frame, drawn. Not every engine can.
    save_poses : path or None
        Where to write the driving poses as observed, to be edited or used again.
    pose_estimator : str
        'builtin', 'mediapipe', 'dwpose' or a file.
    device : str
        'auto', 'cpu', 'cuda' or 'mps'.
    precision : str
        'auto', 'fp32', 'bf16' or 'fp16': of the networks' activations.
    batch_size : int or str
        Frames rendered at once; 'auto' chooses by the size of the frame and the device.
    codec : str
        Video codec of the output; 'auto' chooses by its ending.
    crf : int or None
        Quality of the encoder, lower is better; None for the codec's own default.
    preset : str or None
        Speed preset of the encoder; None for the codec's own default.
    overwrite : bool
        Replace an output that exists.
    seed : int
        The same input, weights, device and seed give the same frames.

    Raises
    ------
    OptionError
        For a value that is out of range or makes no sense together with another.
    """

    engine: str = "auto"
    retarget: bool = True
    placement: Literal["source", "driving"] = "source"
    background: str = "source"
    size: str | int | None = None
    source_poses: StrPath | None = None
    driving_poses: StrPath | None = None
    matte: StrPath | None = None
    source_time: float = 0.0
    fps: float | str | Fraction | None = None
    start: float | None = None
    end: float | None = None
    person: str = "largest"
    smooth: float = 0.5
    audio: bool = True
    side_by_side: bool = False
    save_poses: StrPath | None = None
    region_debug: StrPath | None = None
    pose_estimator: str = "builtin"
    device: str = "auto"
    precision: str = "auto"
    batch_size: int | str = "auto"
    codec: str = "auto"
    crf: int | None = None
    preset: str | None = None
    overwrite: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        _check_member("--placement", self.placement, PLACEMENTS)
        _check_member("--device", self.device, DEVICES)
        _check_member("--precision", self.precision, PRECISIONS)
        _check_range("--source-time", self.source_time, 0, math.inf)
        _check_range("--smooth", self.smooth, 0, 1)
        _check_range("--start", self.start, 0, math.inf)
        _check_range("--end", self.end, 0, math.inf)
        _check_range("--crf", self.crf, 0, 63)
        _check_range("--seed", self.seed, 0, 2**63 - 1)
        if self.end is not None and self.end <= (self.start or 0.0):
            raise OptionError(
                "does not lie after the start",
                subject=f"--end {self.end:g}",
                remedy=f"Give more than {self.start or 0:g} seconds",
            )
        if not self.engine or not self.pose_estimator or not self.codec:
            raise OptionError(
                "an engine, estimator or codec has an empty name", remedy="Leave the option out for the default"
            )
        # parsed here, so that a wrong value is refused before any work is done
        _ = self.output_size, self.background_choice, self.frame_rate, self.frames_per_batch

    @property
    def output_size(self) -> OutputSize | None:
        """The size asked for, or None."""
        return None if self.size is None else OutputSize.parse(self.size)

    @property
    def background_choice(self) -> BackgroundChoice:
        """The background asked for."""
        return BackgroundChoice.parse(self.background)

    @property
    def frame_rate(self) -> Fraction | None:
        """The output's frame rate, or None for the driving clip's own times."""
        if self.fps is None:
            return None
        try:
            rate = Fraction(self.fps).limit_denominator(1001 * 1000)
        except (ValueError, ZeroDivisionError, OverflowError):
            rate = Fraction(0)
        if not 0 < rate <= MAX_FPS:
            raise OptionError(
                "is not a frame rate",
                subject=f"--fps {self.fps}",
                remedy=f"Give a number over 0 and up to {MAX_FPS}, or 30000/1001",
            )
        return rate

    @property
    def frames_per_batch(self) -> int | None:
        """The batch size asked for, or None for 'auto'."""
        if self.batch_size == "auto":
            return None
        text = str(self.batch_size)
        if not text.isdecimal() or not 1 <= int(text) <= MAX_BATCH:
            raise OptionError(
                "is not a batch size",
                subject=f"--batch-size {text}",
                remedy=f"Give 'auto' or a number from 1 to {MAX_BATCH}",
            )
        return int(text)


def _check_member(option: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise OptionError("is not a choice", subject=f"{option} {value}", remedy=f"Choose one of {', '.join(allowed)}")


def _check_range(option: str, value: float | None, low: float, high: float) -> None:
    if value is not None and not (math.isfinite(value) and low <= value <= high):
        bounds = f"at least {low:g}" if math.isinf(high) else f"from {low:g} to {high:g}"
        raise OptionError("is out of range", subject=f"{option} {value}", remedy=f"Give a number {bounds}")


class TransferChanges(TypedDict, total=False):
    """Any of the fields of `TransferOptions`, which says what they mean."""

    engine: str
    retarget: bool
    placement: Literal["source", "driving"]
    background: str
    size: str | int | None
    source_poses: StrPath | None
    driving_poses: StrPath | None
    matte: StrPath | None
    source_time: float
    fps: float | str | Fraction | None
    start: float | None
    end: float | None
    person: str
    smooth: float
    audio: bool
    side_by_side: bool
    save_poses: StrPath | None
    region_debug: StrPath | None
    pose_estimator: str
    device: str
    precision: str
    batch_size: int | str
    codec: str
    crf: int | None
    preset: str | None
    overwrite: bool
    seed: int
