"""The options of a data set: what is made, how it varies, and how the work is carried out."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final, Literal

from motionwarp.errors import OptionError
from motionwarp.options import Options, Panel, documented, option

CONTAINERS: Final = ("mp4", "mov", "mkv", "webm", "frames")
FASTEST: Final = 8.0


def parse_bounds(text: str) -> tuple[float, float]:
    """Read `LOW:HIGH`, or one number for both.

    Raises
    ------
    ValueError
        If it is neither.
    """
    try:
        low, high = (float(part) for part in (text.split(":") if ":" in text else (text, text)))
    except ValueError:
        raise ValueError(f"'{text}' is not a range; write LOW:HIGH, such as 0.8:1.2.") from None
    return low, high


@dataclass(frozen=True)
class CastRule:
    """How a further dancer of a clip is cast.

    Attributes
    ----------
    dancer : str
        A number, the main one being 0, or x,y in pixels of the first frame; see `CastMember`.
    person : str
        A source's id, or 'random'.
    """

    dancer: str
    person: str

    @classmethod
    def parse(cls, text: str) -> CastRule:
        """Read `1=bob`, `1=random` or `320,240=bob`; raise `OptionError` for anything else."""
        found = re.fullmatch(r"\s*(\d{1,4}|[\d.]+,[\d.]+)=([A-Za-z0-9_-]+)\s*", text)
        if found is None or found[1].strip("0") == "":
            raise OptionError(
                "does not say who is cast",
                values={"cast": text},
                remedy="Give a dancer from 1 on, or a place in pixels, and a source's id or random: 1=random",
            )
        return cls(found[1], found[2])

    def __str__(self) -> str:
        return f"{self.dancer}={self.person}"


@documented
@dataclass(frozen=True, kw_only=True)
class ClipOptions(Options):
    """Which clips are made, and in what form.

    Sums in other orders round otherwise, so that the threads of a worker belong to what decides the bytes.
    """

    pairs: str = option("all", help="Who gets which motion.", metavar="all|random:N|CSV")
    variants: int = option(1, help="Clips of every pair, each varied anew.", low=1, high=10000)
    container: str = option("mp4", help="frames for a folder of PNG files.", choices=CONTAINERS, panel=Panel.LOOK)
    threads: int = option(1, help="Of each worker.", low=1, high=1024, panel=Panel.RUNNING)
    cast: tuple[str, ...] = option(
        (),
        help="Give a further dancer of every clip to a source: 1=random, 1=ID or x,y=ID. May be given often.",
        metavar="WHO=PERSON",
        panel=Panel.PEOPLE,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        for text in self.cast:
            CastRule.parse(text)


@documented
@dataclass(frozen=True)
class Augmentation(Options):
    """Ranges from which every clip draws; of scale and speed evenly in logarithms.

    `backgrounds` are pictures and videos of which every clip takes one; none for the background of the options.

    Raises
    ------
    OptionError
        For a value out of range.
    """

    placement: Literal["source", "driving", "mixed"] = option(
        "source", help="Stand where the source or the driving person does, or mixed.", panel=Panel.VARIETY
    )
    scale: tuple[float, float] = option(
        (1.0, 1.0),
        help="Size of the person, such as 0.7:1.2.",
        metavar="LOW:HIGH",
        parse=parse_bounds,
        panel=Panel.VARIETY,
    )
    shift: float = option(
        0.0,
        help="Move the person by up to this share of the frame.",
        metavar="0..1",
        low=0,
        high=1,
        panel=Panel.VARIETY,
    )
    mirror: float = option(
        0.0, help="Share of clips with mirrored motion.", metavar="0..1", low=0, high=1, panel=Panel.VARIETY
    )
    speed: tuple[float, float] = option(
        (1.0, 1.0),
        help="Of the motion, such as 0.8:1.25.",
        metavar="LOW:HIGH",
        parse=parse_bounds,
        panel=Panel.VARIETY,
    )
    backgrounds: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_bounds("scale", self.scale, 0.1, 10.0)
        _check_bounds("speed", self.speed, 1 / FASTEST, FASTEST)


def _check_bounds(name: str, bounds: tuple[float, float], least: float, most: float) -> None:
    low, high = bounds
    if not least <= low <= high <= most:
        raise OptionError(
            "is not a range", values={name: bounds}, remedy=f"Give LOW:HIGH within {least:g} and {most:g}"
        )


@documented
@dataclass(frozen=True)
class ExecutorChoice(Options):
    """Where tasks are done: by processes of this machine, a Ray cluster, or this very process, one task at a time.

    Raises
    ------
    OptionError
        If the name is unknown, the number is under 1, or an address is given for another executor.
    """

    name: str = option(
        "local",
        help="Processes here, a Ray cluster, or this very process.",
        flags=("--executor",),
        choices=("local", "ray", "inline"),
        panel=Panel.RUNNING,
    )
    workers: int | None = option(None, help="Clips at once.", shown_default="cores or GPUs", low=1, panel=Panel.RUNNING)
    ray_address: str | None = option(None, help="Of a Ray cluster that runs.", metavar="ADDRESS", panel=Panel.RUNNING)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.ray_address is not None and self.name != "ray":
            raise OptionError("is for `executor=ray` only", values={"ray_address": self.ray_address})


@documented
@dataclass(frozen=True)
class RunSettings(Options):
    """How a run is carried out; nothing of it shows in the data set. `executor` is an `ExecutorChoice`."""

    executor: ExecutorChoice = field(default_factory=ExecutorChoice)
    resume: bool = option(False, help="Go on where an earlier run ended.", panel=Panel.RUNNING)
    retry_failed: bool = option(False, help="Try again what was given up.", panel=Panel.RUNNING)
    break_lock: bool = option(False, help="Take over from a run on a host that is gone.", panel=Panel.RUNNING)
    shards: bool = option(False, help="Write WebDataset tar files too.", panel=Panel.RUNNING)
