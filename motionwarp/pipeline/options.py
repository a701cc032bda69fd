"""The options of a transfer: small groups for what is looked at, shown, computed and encoded."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from os import PathLike
from pathlib import Path
from typing import Final, Literal

from motionwarp.engines.registry import engine_help
from motionwarp.errors import OptionError
from motionwarp.options import (
    ComputeOptions,
    Options,
    OverwriteOptions,
    Panel,
    documented,
    option,
    parse_bytes,
    parse_seconds,
)

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
                values={"size": text},
                remedy="Write WIDTHxHEIGHT, such as 1280x720, or one number for the long side",
            )
        sides = [int(side) for side in found.groups() if side is not None]
        if any(not MIN_SIDE <= side <= MAX_SIDE for side in sides):
            raise OptionError(
                "is out of range", values={"size": text}, remedy=f"Sides go from {MIN_SIDE} to {MAX_SIDE} pixels"
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
    color : (int, int, int) or None
        RGB in 0..255, for `COLOR`.
    path : Path or None
        A picture or a video, for `FILE`.
    """

    kind: BackgroundKind
    color: tuple[int, int, int] | None = None
    path: Path | None = None

    @classmethod
    def parse(cls, text: str) -> BackgroundChoice:
        """Read `source`, `driving`, `transparent`, `#rrggbb` or a path; raise `OptionError` for a wrong color."""
        word = text.strip()
        if word in ("source", "driving", "transparent"):
            return cls(BackgroundKind(word))
        if re.fullmatch(r"#[0-9a-fA-F]{6}", word):
            red, green, blue = (int(word[start : start + 2], 16) for start in (1, 3, 5))
            return cls(BackgroundKind.COLOR, color=(red, green, blue))
        if not word or word.startswith("#"):
            raise OptionError(
                "is not a background",
                values={"background": text},
                remedy="Give source, driving, transparent, a color as '#rrggbb', or a picture or video file",
            )
        return cls(BackgroundKind.FILE, path=Path(word))


StrPath = str | PathLike[str]


def output_path(text: str) -> Path:
    """Read an output; `Path` forgets the slash of a folder, so the frames' pattern is put in its place."""
    return Path(text) / "%05d.png" if text.endswith(("/", os.sep)) else Path(text)


MAX_BATCH: Final = 256
MAX_FPS: Final = 240


@dataclass(frozen=True)
class CastMember:
    """A person who takes a further dancer's place.

    Attributes
    ----------
    dancer : str
        Which person of the driving clip: a number, the main one being 0, or x,y in pixels of the first frame.
    photo : Path
    """

    dancer: str
    photo: Path

    @classmethod
    def parse(cls, text: str) -> CastMember:
        """Read `1=bob.jpg` or `320,240=bob.jpg`; raise `OptionError` for anything else."""
        who, equals, photo = text.partition("=")
        if not equals or not photo or re.fullmatch(r"\d{1,4}|[\d.]+\s*,\s*[\d.]+", who.strip()) is None:
            raise OptionError(
                "does not say who is cast",
                values={"cast": text},
                remedy="Give the dancer's number, or a place in pixels, and a photo: 1=bob.jpg or 320,240=bob.jpg",
            )
        return cls(who.strip(), Path(photo))


@documented
@dataclass(frozen=True, kw_only=True)
class SectionOptions(Options):
    """The part of a clip that is used."""

    start: float | None = option(
        None, help="Begin the clip here: 12.5 or 0:12.5.", metavar="TIME", parse=parse_seconds, low=0
    )
    end: float | None = option(None, help="End the clip here: 15 or 0:15.", metavar="TIME", parse=parse_seconds, low=0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.end is not None and self.end <= (self.start or 0.0):
            raise OptionError(
                "does not lie after the start",
                values={"end": self.end},
                remedy=f"Give more than {self.start or 0:g} seconds",
            )


@documented
@dataclass(frozen=True, kw_only=True)
class InputOptions(SectionOptions):
    """What is taken of the two inputs, and what about them comes from files."""

    rotate: Literal["0", "90", "180", "270", "auto"] = option(
        "0", help="Turn the driving clip clockwise by so many degrees; auto finds out by its people."
    )
    source_time: float = option(
        0.0, help="Where a SOURCE that is a video is taken.", metavar="TIME", parse=parse_seconds, low=0
    )
    source_poses: StrPath | None = option(
        None, help="Take the source's points from here.", metavar="FILE", panel=Panel.PEOPLE
    )
    driving_poses: StrPath | None = option(
        None, help="Take the driving points from here.", metavar="FILE", panel=Panel.PEOPLE
    )
    matte: StrPath | None = option(None, help="Take the source's matte from here.", metavar="FILE", panel=Panel.PEOPLE)
    cast: tuple[str, ...] = option(
        (),
        help="Give a further dancer's motion to a person: 1=bob.jpg, or x,y=bob.jpg; SOURCE is dancer 0. May be given "
        "often.",
        metavar="WHO=PHOTO",
        panel=Panel.PEOPLE,
    )
    also: tuple[Path, ...] = option(
        (),
        help="A further photo of SOURCE's person, from another side; may be given often.",
        metavar="PHOTO",
        panel=Panel.PEOPLE,
    )

    @property
    def cast_members(self) -> tuple[CastMember, ...]:
        """Whom further dancers give their motion to."""
        return tuple(CastMember.parse(text) for text in self.cast)


@documented
@dataclass(frozen=True, kw_only=True)
class PersonOptions(Options):
    """Who is meant."""

    person: str = option(
        "largest", help="Which of several people: largest, a number from 0 by size, or x,y in pixels.", metavar="WHICH"
    )


@documented
@dataclass(frozen=True, kw_only=True)
class PeopleOptions(PersonOptions):
    """Who is meant in each of two inputs."""

    source_person: str | None = option(
        None, help="Which person of SOURCE alone.", metavar="WHICH", shown_default="as for both", panel=Panel.PEOPLE
    )
    driving_person: str | None = option(
        None, help="Which person of DRIVING alone.", metavar="WHICH", shown_default="as for both", panel=Panel.PEOPLE
    )

    @property
    def person_in_source(self) -> str:
        """Who is meant in the source."""
        return self.person if self.source_person is None else self.source_person

    @property
    def person_in_driving(self) -> str:
        """Who is meant in the driving clip."""
        return self.person if self.driving_person is None else self.driving_person


@documented
@dataclass(frozen=True, kw_only=True)
class PlacementOptions(Options):
    """Where the person stands."""

    placement: Literal["auto", "source", "driving"] = option(
        "auto",
        help="Stand where the source or where the driving person stands; auto is the latter with their background.",
        panel=Panel.LOOK,
    )


@documented
@dataclass(frozen=True, kw_only=True)
class CameraOptions(Options):
    """From which side the motion is seen."""

    view: float = option(
        0.0,
        help="See the motion from another side: 0 is its front, 90 the person's right, 180 the back.",
        metavar="DEGREES",
        low=-360,
        high=360,
        panel=Panel.LOOK,
    )
    orbit: float = option(
        0.0,
        help="Let the camera go round by so much during the clip.",
        metavar="DEGREES",
        low=-3600,
        high=3600,
        panel=Panel.LOOK,
    )
    travel: Literal["auto", "keep", "spot"] = option(
        "auto",
        help="With motion capture: keep the way that the person goes, stay on the spot, or the first while in sight.",
        panel=Panel.LOOK,
    )

    @property
    def turns(self) -> bool:
        """Whether anything but the front is seen."""
        return bool(self.view or self.orbit)


@documented
@dataclass(frozen=True, kw_only=True)
class FrameOptions(Options):
    """What the output's frames show, and how large and how many they are."""

    retarget: bool = option(True, help="Fit the motion to the person's own proportions.", panel=Panel.LOOK)
    background: str = option(
        "source",
        help="source, driving, transparent, '#rrggbb', or a picture or video file.",
        metavar="WHAT",
        panel=Panel.LOOK,
    )
    shadow: Literal["auto", "off"] = option(
        "auto",
        help="In the driving person's place: cast a shadow where they cast one, or none.",
        panel=Panel.LOOK,
    )
    relight: Literal["auto", "off"] = option(
        "auto",
        help="In the driving person's place: fit light and color to theirs, or leave them.",
        panel=Panel.LOOK,
    )
    size: str | int | None = option(
        None,
        help="Size of the output in pixels.",
        metavar="WxH|LONG_SIDE",
        shown_default="as the background, long side up to 1920",
        panel=Panel.LOOK,
    )
    fps: float | str | Fraction | None = option(
        None,
        help="Frames a second, such as 25 or 30000/1001.",
        metavar="RATE",
        shown_default="the driving clip's own times",
        panel=Panel.LOOK,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        # parsed here, so that a wrong value is refused before any work is done
        _ = self.output_size, self.background_choice, self.frame_rate

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
                values={"fps": self.fps},
                remedy=f"Give a number over 0 and up to {MAX_FPS}, or 30000/1001",
            )
        return rate


@documented
@dataclass(frozen=True, kw_only=True)
class SmoothingOptions(Options):
    """How steady the motion is made."""

    smooth: float = option(
        0.5, help="Smoothing of the motion over time.", metavar="0..1", low=0, high=1, panel=Panel.LOOK
    )


@documented
@dataclass(frozen=True, kw_only=True)
class EncodingOptions(Options):
    """How videos are encoded."""

    codec: str = option("auto", help="auto, h264, hevc, av1, vp9, prores or ffv1.", metavar="NAME", panel=Panel.OUTPUT)
    crf: int | None = option(
        None,
        help="Quality, lower is better.",
        metavar="N",
        shown_default="the codec's own",
        low=0,
        high=63,
        panel=Panel.OUTPUT,
    )
    preset: str | None = option(
        None, help="Speed of the encoder.", metavar="NAME", shown_default="the codec's own", panel=Panel.OUTPUT
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_named("codec", self.codec)


@documented
@dataclass(frozen=True, kw_only=True)
class EngineOptions(Options):
    """Which engine renders, and how much at once."""

    engine: str = option(
        "auto",
        help=engine_help(),
        metavar="NAME|FILE",
        panel=Panel.COMPUTING,
    )
    batch_size: int | str = option("auto", help="Frames rendered at once.", metavar="auto|N", panel=Panel.COMPUTING)

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_named("engine", self.engine)
        _ = self.frames_per_batch

    @property
    def frames_per_batch(self) -> int | None:
        """The batch size asked for, or None for 'auto'."""
        if self.batch_size == "auto":
            return None
        text = str(self.batch_size)
        if not text.isdecimal() or not 1 <= int(text) <= MAX_BATCH:
            raise OptionError(
                "is not a batch size",
                values={"batch_size": text},
                remedy=f"Give 'auto' or a number from 1 to {MAX_BATCH}",
            )
        return int(text)


@documented
@dataclass(frozen=True, kw_only=True)
class EstimatorOptions(Options):
    """What finds people and their points."""

    pose_estimator: str = option(
        "builtin", help="builtin, mediapipe, dwpose, or a file.", metavar="NAME|FILE", panel=Panel.COMPUTING
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_named("pose_estimator", self.pose_estimator)


@documented
@dataclass(frozen=True, kw_only=True)
class SeedOptions(Options):
    """What chance is drawn from."""

    seed: int = option(0, help="Same input and seed, same frames.", low=0, high=2**63 - 1, panel=Panel.COMPUTING)


# fields come in the order of the bases from the last to the first, which is the order of help within a panel
@documented
@dataclass(frozen=True, kw_only=True)
class AnalysisOptions(ComputeOptions, EstimatorOptions, SectionOptions, PersonOptions):
    """Who is looked for in pictures and clips, and how."""


@documented
@dataclass(frozen=True, kw_only=True)
class TransferOptions(
    SeedOptions,
    ComputeOptions,
    EstimatorOptions,
    EngineOptions,
    OverwriteOptions,
    EncodingOptions,
    SmoothingOptions,
    CameraOptions,
    FrameOptions,
    PlacementOptions,
    PeopleOptions,
    InputOptions,
):
    """All that a transfer can be asked for; a group each for what other commands and functions take too.

    The same input, weights, device and seed give the same frames.

    Raises
    ------
    OptionError
        For a value that is out of range or makes no sense together with another.
    """

    clothes: StrPath | None = option(
        None, help="Dress the person in what this photo's person wears.", metavar="PHOTO", panel=Panel.LOOK
    )
    side_by_side: bool = option(False, help="Show source, driving and result beside each other.", panel=Panel.LOOK)
    save_poses: StrPath | None = option(
        None, help="Keep the driving points, to edit or use again.", metavar="FILE", panel=Panel.PEOPLE
    )
    region_debug: StrPath | None = option(
        None,
        help="Also write a video of parsing, warped parts, gates and blend.",
        metavar="FILE",
        panel=Panel.OUTPUT,
    )
    audio: bool = option(True, help="Take over the driving clip's sound.", panel=Panel.OUTPUT)
    max_bytes: int | None = option(
        None,
        help="The file takes no more: quality gives way, then, without a size given, the frames' size.",
        metavar="256k|N",
        parse=parse_bytes,
        low=1000,
        panel=Panel.OUTPUT,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        _ = self.cast_members
        if self.cast:
            self._check_cast()

    @property
    def placement_choice(self) -> Literal["source", "driving"]:
        """Where the person stands, which 'auto' leaves to the background."""
        if self.placement == "auto":
            return "driving" if self.background_choice.kind is BackgroundKind.DRIVING else "source"
        return self.placement

    def _check_cast(self) -> None:
        """Refuse what several people together cannot be asked for."""
        alone = {"driving_poses": self.driving_poses, "region_debug": self.region_debug, "view": self.turns or None}
        for name, value in alone.items():
            if value is not None:
                raise OptionError(
                    "is for one person alone", values={name: str(value)}, remedy="Leave it out, or leave `cast` out"
                )


def _check_named(name: str, value: str) -> None:
    if not value:
        raise OptionError("is empty", values={name: value}, remedy="Leave the option out for the default")
