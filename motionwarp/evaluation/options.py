"""The options of evaluations: what is compared on what, and what is measured."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Final, Literal

from motionwarp.errors import InputError, OptionError
from motionwarp.options import ComputeOptions, Options, OverwriteOptions, Panel, documented, option
from motionwarp.pipeline.options import EstimatorOptions, TransferOptions

Family = Literal["pictures", "variants", "pose", "parsing", "lpips", "sets"]
WidthFit = Literal["exact", "crop", "pad"]
BackboneName = Literal["alex", "vgg", "squeeze"]
FAMILIES: Final[tuple[Family, ...]] = ("pictures", "variants", "pose", "parsing", "lpips", "sets")
DEFAULT_FAMILIES: Final[tuple[Family, ...]] = ("pictures", "lpips", "sets")
# what stands behind the person in crops, by its plain level
LEVELS: Final = {"grey": 127, "black": 0, "white": 255}


class Origin(str, Enum):
    """Where poses or mattes come from."""

    AUTO = "auto"  # files where they are there
    GIVEN = "given"
    ANALYZER = "analyser"


def parse_level(text: str) -> int:
    """Read the name of a plain level.

    Raises
    ------
    ValueError
        If it is none of `LEVELS`.
    """
    if text not in LEVELS:
        raise ValueError(f"'{text}' is not one of {', '.join(LEVELS)}.")
    return LEVELS[text]


def parse_families(text: str) -> tuple[Family, ...]:
    """Read "default", "all", or names of families with commas between.

    Raises
    ------
    OptionError
        If a name is none of them.
    """
    if text == "default":
        return DEFAULT_FAMILIES
    if text == "all":
        return FAMILIES
    names = [name.strip() for name in text.split(",") if name.strip()]
    chosen = tuple(family for family in FAMILIES if family in names)
    if unknown := sorted(set(names) - set(FAMILIES)):
        raise OptionError(
            f"'{unknown[0]}' is no family of metrics",
            values={"figures": text},
            remedy=f"Choose default, all, or of {', '.join(FAMILIES)}, with commas between",
        )
    if not chosen:
        raise OptionError("names no metrics", values={"figures": text}, remedy=f"Choose of {', '.join(FAMILIES)}")
    return chosen


@documented
@dataclass(frozen=True)
class ReenactmentSettings(Options):
    """The choices of a re-enactment.

    Beside the options, `source_detail` is how many of the source's pixels each pixel of the finest window gets at most,
    and `rows` how many frames are kept for a contact sheet, half of them the worst. Frames are evaluated whose distance
    to the source is a multiple of `every`. `smooth_theta` needs windows that stand still, since warps are in pixels of
    the window. For `flicker` the frame after each evaluated one is rendered too.
    """

    source_frame: int | None = option(None, help="The source; by default the first with a person.", metavar="N", low=0)
    every: int = option(1, help="Evaluate every Nth frame from the source on.", metavar="N", low=1)
    labels: Path | None = option(
        None,
        help="Folder with NAME.keypoints18.json and NAME.mattes; by default the clip's own.",
        metavar="DIR",
        panel=Panel.LABELS,
    )
    poses: Origin = option(
        Origin.AUTO, help="Poses that engines get; auto takes given ones if there are any.", panel=Panel.LABELS
    )
    mattes: Origin = option(Origin.AUTO, help="The source's matte that engines get.", panel=Panel.LABELS)
    window: Literal["person", "clip"] = option(
        "person", help="Crop every frame on its person, or all on one window.", panel=Panel.FRAMING
    )
    background: int = option(
        LEVELS["grey"],
        help="Behind the person in crops.",
        metavar="|".join(LEVELS),
        parse=parse_level,
        shown_default="grey",
        low=0,
        high=255,
        panel=Panel.FRAMING,
    )
    full_frame: int | None = option(
        None,
        help="Compare whole frames at this size, over the source's clean plate.",
        metavar="PIXELS",
        low=32,
        high=4096,
        panel=Panel.FRAMING,
    )
    smooth_poses: float = option(0.0, help="Smooth the driving poses over time.", low=0, high=1)
    smooth_theta: float = option(0.0, help="Smooth the warps over time; needs windows that stand still.", low=0, high=1)
    flicker: bool = option(True, help="Render following frames too and measure flicker.")
    referee: bool = option(False, help="Let MediaPipe tell which way the results face (extra mediapipe).")
    source_detail: float = 1.5
    rows: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.rows < 0 or self.source_detail <= 0:
            raise OptionError("numbers are out of range", subject=str(self))
        if self.smooth_theta and self.full_frame is None and self.window == "person":
            raise OptionError(
                "warps cannot be smoothed in windows that move",
                values={"smooth_theta": self.smooth_theta},
                remedy="Add `window=clip`, or smooth the poses",
            )

    def protocol(self) -> dict[str, object]:
        """Return what a report says of the protocol."""
        framing: dict[str, object] = {
            "framing": "crop 256x192",
            "window": self.window,
            "background": self.background,
        }
        if self.full_frame is not None:
            framing = {
                "framing": f"full frame {self.full_frame}x{self.full_frame}",
                "background": "clean plate of the source",
            }
        return {
            **framing,
            "every": self.every,
            "smooth_poses": self.smooth_poses,
            "smooth_theta": self.smooth_theta,
            "source_detail": self.source_detail,
        }


@documented
@dataclass(frozen=True)
class ReverseSettings(Options):
    """Which photos and poses are put back.

    Photos whose torso is not seen, or whose person the layered engine cannot move, are left out and do not count. A
    photo's pose does not depend on `count`. Beside the options, `source_detail` is the made source's pixels for each
    pixel of a crop, `background` the plain level behind the person, 0..255, and `rows` the photos kept for a contact
    sheet, half of them the worst.
    """

    count: int = option(100, help="Photos of the validation split.", metavar="N", low=1)
    seed: int = option(0, help="Of the choice of photos and poses.", low=0)
    source_detail: float = 1.5
    background: int = LEVELS["grey"]
    rows: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.rows < 0 or not 0.25 <= self.source_detail <= 8 or not 0 <= self.background <= 255:
            raise OptionError("numbers are out of range", subject=str(self))

    def protocol(self) -> dict[str, object]:
        """Return what a report says of the protocol."""
        return {
            "framing": "crop 256x192",
            "background": self.background,
            "seed": self.seed,
            "source_detail": self.source_detail,
        }


@documented
@dataclass(frozen=True, kw_only=True)
class CrossOptions(ComputeOptions, EstimatorOptions):
    """What engines make of people and clips that do not belong together, and on what."""

    engines: tuple[str, ...] = option(
        ("auto",),
        help="Repeat it to compare.",
        metavar="NAME|FILE",
        flags=("--engine", "-e"),
        shown_default="auto",
    )
    size: int = option(512, help="Long side of the results, in pixels.", low=64)
    end: float | None = option(None, help="Use the clips up to here.", metavar="SECONDS", low=0.1)
    seed: int = option(0, help="Of the statistics.", low=0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.engines:
            raise InputError("a cross evaluation needs an engine at least")
        if len(set(self.engines)) < len(self.engines):
            raise OptionError(
                "an engine is named twice", values={"engine": self.engines}, remedy="Name every engine once."
            )

    def transfer_options(self, **changes: Any) -> TransferOptions:
        """Return the options that all transfers have, with some given anew."""
        names = ("size", "end", "pose_estimator", "device", "precision", "seed")
        shared = {name: getattr(self, name) for name in names}
        return TransferOptions(**{"engine": self.engines[0], "audio": False, **shared, **changes})


@documented
@dataclass(frozen=True, kw_only=True)
class CrossSettings(CrossOptions):
    """One evaluation: every picture of `sources` with every clip of `drivings`."""

    sources: tuple[Path, ...]
    drivings: tuple[Path, ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.sources or not self.drivings:
            raise InputError("a cross evaluation needs a source and a driving clip at least")


@documented
@dataclass(frozen=True, kw_only=True)
class PairsSettings(ComputeOptions, EstimatorOptions):
    """One run over pairs with ground truth; a run that is repeated goes on in its report's folder."""

    pairs: Path = option(help="CSV of from,to or source,target, or two plain columns.", metavar="PAIRS", argument=True)
    images: Path = option(help="Folder of the list's pictures.", metavar="DIR")
    report: Path = option(help="Folder for all results; a run goes on where it stopped.", metavar="DIR")
    annotations: Path | None = option(
        None, help="Points as name:keypoints_y:keypoints_x; seen by the analyzer without.", metavar="CSV"
    )
    engines: tuple[str, ...] = option(
        (),
        help="copy, or an engine; repeat to compare.",
        metavar="NAME|FILE",
        flags=("--engine",),
        shown_default="layered",
        panel=Panel.SYSTEMS,
    )
    generated: tuple[str, ...] = option(
        (), help="Results of another system; may be repeated.", metavar="[NAME=]DIR", panel=Panel.SYSTEMS
    )
    pattern: str | None = option(
        None,
        help="How its files are named, such as {source}_to_{target}.png; usual names are known.",
        metavar="TEXT",
        panel=Panel.SYSTEMS,
    )
    families: tuple[Family, ...] = option(
        DEFAULT_FAMILIES,
        help="default, all, or of pictures,variants,pose,parsing,lpips,sets.",
        metavar="LIST",
        flags=("--figures",),
        parse=parse_families,
        shown_default="default",
        panel=Panel.METRICS,
    )
    fit: WidthFit = option(
        "exact", help="Results of another width: refuse, crop or pad with white.", panel=Panel.METRICS
    )
    with_points: bool = option(
        True,
        help="Without annotations, take what needs points from the analyzer, or leave it out.",
        flags=("--points/--no-points",),
        panel=Panel.METRICS,
    )
    lpips: BackboneName = option("alex", help="Network of LPIPS.", panel=Panel.METRICS)
    features: Path | None = option(
        None,
        help="Folder of published feature networks.",
        metavar="DIR",
        flags=("--features-dir",),
        panel=Panel.METRICS,
    )
    fid_reference: Path | None = option(
        None,
        help="Real pictures for FID.",
        metavar="DIR",
        shown_default="the list's targets",
        panel=Panel.METRICS,
    )
    limit: int | None = option(None, help="Draw so many pairs at random.", low=1)
    seed: int = option(0, help="Of the draw and of the statistics.", low=0)
    jobs: int | None = option(
        None,
        help="Processes for metrics without networks.",
        shown_default="all cores",
        low=1,
        panel=Panel.COMPUTING,
    )


@documented
@dataclass(frozen=True)
class RenderedSettings(Options):
    """Which rendered people are moved; `rows` is how many pairs are kept for a contact sheet, half of them the worst.

    `background` is the plain level behind the person, 0..255.
    """

    count: int = option(48, help="Pairs: front, profile and back in turn.", metavar="N", low=1)
    seed: int = option(0, help="Of people, poses and views.", low=0)
    referee: bool = option(False, help="Let MediaPipe tell which way the results face (extra mediapipe).")
    background: int = LEVELS["grey"]
    rows: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.rows < 0 or not 0 <= self.background <= 255:
            raise OptionError("numbers are out of range", subject=str(self))

    def protocol(self) -> dict[str, object]:
        """Return what a report says of the protocol."""
        return {"framing": "crop 256x192", "background": self.background, "seed": self.seed}


@documented
@dataclass(frozen=True)
class StudySettings(OverwriteOptions):
    """One study of two systems: pictures of equal names, endings aside, are compared by people.

    The seed decides the draw, and which picture comes first in the page.
    """

    first: Path = option(help="Results of one system.", metavar="A_DIR", argument=True)
    second: Path = option(help="Results of the other, named alike.", metavar="B_DIR", argument=True)
    output: Path = option(help="Folder for the page and its key.", metavar="DIR", flags=("--output", "-o"))
    question: str = option("Which picture looks more natural?", help="What participants are asked.")
    limit: int | None = option(None, help="Draw so many at random.", flags=("--pairs",), low=1)
    checks: int = option(5, help="Attention checks among them.", low=0)
    height: int = option(512, help="Pictures are no higher, in pixels.", low=32)
    seed: int = option(0, help="Of the draw.", low=0)


@documented
@dataclass(frozen=True)
class PlainPairsSettings(Options):
    """Which pairs with a real target are made; `background` is the plain level behind the person, 0..255.

    Frames of a clip that are neighbors are nearly the same picture, hence the time between two of them.
    """

    photos: int = option(160, help="Reverse pairs of validation photos.", metavar="N", low=0)
    pairs_per_clip: int = option(20, help="Pairs of frames of each validation clip, at most.", metavar="N", low=0)
    every_seconds: float = option(
        0.5, help="Between two frames of a clip, at least.", metavar="SECONDS", flags=("--every",), low=0
    )
    seed: int = option(0, help="The same seed gives the same pairs.", low=0)
    avatars: int = option(0, help="Pairs of validation avatars in motion.", metavar="N", low=0)
    background: int = LEVELS["grey"]

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.background <= 255:
            raise OptionError("numbers are out of range", subject=str(self))
        if not self.photos and not self.pairs_per_clip and not self.avatars:
            raise OptionError(
                "asks for no pairs",
                values={"photos": 0, "pairs_per_clip": 0, "avatars": 0},
                remedy="Give one of them.",
            )


@documented
@dataclass(frozen=True, kw_only=True)
class TranslationSettings(Options):
    """What translations from label maps to photos are measured with."""

    fcn: Path = option(help="The judge, as `train fcn` exported it.", metavar="FILE")
    labels: Path = option(help="Held-out label maps: gray, values are classes.", metavar="DIR")
    photos: Path = option(help="Their photos, of the same names.", metavar="DIR")
    most: int | None = option(None, help="Pictures that are looked at.", metavar="N", low=1, shown_default="all")
    clip: Path | None = option(None, help="A clip of people, to tell how its labels flicker.", metavar="CLIP")
    clip_frames: int = option(48, help="Frames of the clip, at most.", metavar="N", low=2)


@documented
@dataclass(frozen=True, kw_only=True)
class FramingsSettings(ComputeOptions, EstimatorOptions):
    """Which engines move people between framings, and how many frames are looked at."""

    engines: tuple[str, ...] = option(
        ("auto",),
        help="Repeat it to compare.",
        metavar="NAME|FILE",
        flags=("--engine", "-e"),
        shown_default="auto",
    )
    source_frame: int | None = option(None, help="The source; by default the first with a person.", metavar="N", low=0)
    every: int = option(8, help="Evaluate every Nth frame from the source on.", metavar="N", low=1)
    frames: int = option(6, help="Of each transfer, at most.", metavar="N", low=1)
    size: int = option(384, help="Long side of the results, in pixels.", low=64)
    labels: Path | None = option(
        None,
        help="Folder with NAME.keypoints18.json and NAME.mattes; by default the clip's own.",
        metavar="DIR",
        panel=Panel.LABELS,
    )
    poses: Origin = option(Origin.AUTO, help="Poses that are cut; auto takes given ones if any.", panel=Panel.LABELS)
    mattes: Origin = option(Origin.AUTO, help="The mattes of the clip's frames.", panel=Panel.LABELS)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.engines or len(set(self.engines)) < len(self.engines):
            raise OptionError(
                "must name engines, each once", values={"engine": ", ".join(self.engines)}, remedy="Name at least one"
            )


class Way(str, Enum):
    """How a photo drives itself."""

    GIVEN = "given"
    OWN = "own"
    DEFAULT = "default"


@documented
@dataclass(frozen=True, kw_only=True)
class IdentitySettings(ComputeOptions, EstimatorOptions):
    """Which engines show photos as they are."""

    engines: tuple[str, ...] = option(
        ("avatar",),
        help="Repeat it to compare.",
        metavar="NAME|FILE",
        flags=("--engine", "-e"),
        shown_default="avatar",
    )
    labels: Path | None = option(
        None,
        help="Folder with keypoints18.json and mattes/NAME.png, for given points and mattes.",
        metavar="DIR",
        panel=Panel.LABELS,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.engines or len(set(self.engines)) < len(self.engines):
            raise OptionError(
                "must name engines, each once", values={"engine": ", ".join(self.engines)}, remedy="Name at least one"
            )

    @property
    def ways(self) -> tuple[Way, ...]:
        """The ways that are measured: given ones where labels are given."""
        return (Way.OWN, Way.DEFAULT) if self.labels is None else tuple(Way)


@documented
@dataclass(frozen=True, kw_only=True)
class ReposedSettings(ComputeOptions, EstimatorOptions):
    """Which engines put photos' people into other poses; `rows` is how many photos are kept for a contact sheet."""

    engines: tuple[str, ...] = option(
        ("avatar",),
        help="One with a body; repeat it to compare.",
        metavar="NAME|FILE",
        flags=("--engine", "-e"),
        shown_default="avatar",
    )
    referee: bool = option(False, help="Let MediaPipe look for the joints, not the bundled analyzer (extra mediapipe).")
    rows: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.rows < 0:
            raise OptionError("numbers are out of range", subject=str(self))
        if not self.engines or len(set(self.engines)) < len(self.engines):
            raise OptionError(
                "must name engines, each once", values={"engine": ", ".join(self.engines)}, remedy="Name at least one"
            )
