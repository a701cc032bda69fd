"""The options that the page offers, from what its fields hold."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

from motionwarp.engines.registry import AUTO, catalog, engine_choices
from motionwarp.errors import OptionError
from motionwarp.options import parse_seconds
from motionwarp.pipeline.options import TransferOptions

BACKGROUNDS: Final = (
    ("The photo's place", "source"),
    ("The clip's place", "driving"),
    ("One color", "color"),
    ("A picture or clip of mine", "file"),
    ("Transparent", "transparent"),
)
PLACEMENTS: Final = (
    ("By the background", "auto"),
    ("Where the photo's person stands", "source"),
    ("Where the clip's person stands", "driving"),
)
PEOPLE: Final = (("The largest", "largest"), ("The second largest", "1"), ("The third largest", "2"))
DANCERS: Final = (("Second", "1"), ("Third", "2"), ("Fourth", "3"))
SIZES: Final = (("As large as the photo, up to 1920", ""), ("1280", "1280"), ("768", "768"), ("512", "512"))

FILES: Final = (
    ("Video (.mp4, or .webm where it is transparent)", ".mp4"),
    ("Animated sticker (.webp)", ".webp"),
    ("Animated picture (.gif)", ".gif"),
)
# a number of two digits, or a place
_DANCER: Final = re.compile(r"\d{1,2}|[\d.]+\s*,\s*[\d.]+")


def engine_labels() -> list[tuple[str, str]]:
    """Return the engines as a list for people: what each says of itself, and its name."""
    specs = catalog().specs
    return [
        ("The best for most (auto)" if name == AUTO else f"{name}: {specs[name].help}", name)
        for name in engine_choices()
    ]


@dataclass(frozen=True)
class TransferForm:
    """What the fields hold, in their order on the page.

    Attributes
    ----------
    background : str
        A value of `BACKGROUNDS`.
    color : str
        As a color picker gives it: '#rrggbb', or 'rgb(…)' or 'rgba(…)'.
    background_file : str or None
    engine, placement, source_person, driving_person : str
    start, end : str or None
        Times; empty or None for the whole clip.
    size : str or None
        The long side; empty or None for the background's own.
    smooth : float
    audio : bool
    file : str
        A value of `FILES`.
    second_photo, third_photo, fourth_photo : str or None
        Of further people, who take the places of further dancers.
    second_dancer, third_dancer, fourth_dancer : str
        Whose places: numbers, or x,y in the clip's first frame.
    """

    background: str = "source"
    color: str = "#808080"
    background_file: str | None = None
    engine: str = AUTO
    placement: str = "auto"
    source_person: str = "largest"
    driving_person: str = "largest"
    start: str | None = None
    end: str | None = None
    size: str | None = None
    smooth: float = 0.5
    audio: bool = True
    file: str = ".mp4"
    second_photo: str | None = None
    second_dancer: str = DANCERS[0][1]
    third_photo: str | None = None
    third_dancer: str = DANCERS[1][1]
    fourth_photo: str | None = None
    fourth_dancer: str = DANCERS[2][1]

    def options(self) -> TransferOptions:
        """Return the options of a transfer.

        Raises
        ------
        OptionError
            For values that make no sense.
        """
        return TransferOptions(
            background=self._background(),
            engine=self.engine,
            placement=self._placement(),
            source_person=self.source_person.strip() or None,
            driving_person=self.driving_person.strip() or None,
            start=_time("start", self.start),
            end=_time("end", self.end),
            size=self.size or None,
            smooth=float(self.smooth),
            audio=bool(self.audio),
            cast=self._cast(),
        )

    def _placement(self) -> Literal["auto", "source", "driving"]:
        return "driving" if self.placement == "driving" else "source" if self.placement == "source" else "auto"

    @property
    def files(self) -> list[str]:
        """What was uploaded for it."""
        return [path for path in (self.background_file, *(photo for photo, _ in self._members())) if path]

    @property
    def ending(self) -> str:
        """The ending of a file that can hold the result."""
        return ".webm" if (self.background, self.file) == ("transparent", ".mp4") else self.file

    def _members(self) -> list[tuple[str, str]]:
        members = (
            (self.second_photo, self.second_dancer),
            (self.third_photo, self.third_dancer),
            (self.fourth_photo, self.fourth_dancer),
        )
        return [(photo, dancer) for photo, dancer in members if photo]

    def _cast(self) -> tuple[str, ...]:
        members = self._members()
        for _, dancer in members:
            if _DANCER.fullmatch(dancer.strip()) is None:
                raise OptionError(
                    "is no dancer",
                    values={"dancer": dancer},
                    remedy="Choose one, or write where one stands in the first frame, in pixels: 320,240",
                )
        dancers = [dancer.strip() for _, dancer in members]
        if twice := next((each for each in dancers if dancers.count(each) > 1), None):
            raise OptionError("cannot be two people", values={"dancer": twice}, remedy="Choose another for one of them")
        return tuple(f"{dancer}={photo}" for (photo, _), dancer in zip(members, dancers, strict=True))

    def _background(self) -> str:
        if self.background == "color":
            return hex_color(self.color)
        if self.background != "file":
            return self.background
        if not self.background_file:
            raise OptionError(
                "there is no file for the background", remedy="Add a picture or a clip, or choose another background"
            )
        return self.background_file


def hex_color(text: str) -> str:
    """Return a color as '#rrggbb'; pickers give 'rgba(12.5, 3, 255, 1)', too."""
    word = text.strip()
    if not word.startswith("rgb"):
        return word
    try:
        parts = [round(float(part)) for part in word[word.index("(") + 1 : word.index(")")].split(",")[:3]]
        red, green, blue = (min(max(part, 0), 255) for part in parts)
    except ValueError:
        raise OptionError("is not a color", values={"background": text}, remedy="Choose one") from None
    return f"#{red:02x}{green:02x}{blue:02x}"


def _time(name: str, text: str | None) -> float | None:
    if not text or not text.strip():
        return None
    try:
        return parse_seconds(text)
    except ValueError:
        raise OptionError("is not a time", values={name: text}, remedy="Write seconds such as 12.5, or 1:35") from None
