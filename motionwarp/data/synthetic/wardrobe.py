"""What synthetic people look like: skin, hair, garments and their patterns, drawn at random."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from motionwarp.types import FloatArray

Color = tuple[float, float, float]
PatternKind = Literal["plain", "stripes", "checks", "dots", "print"]
UpperKind = Literal["tshirt", "longsleeve", "sleeveless"]
LayerKind = Literal["none", "jacket", "coat"]
LowerKind = Literal["trousers", "shorts", "skirt"]
WholeKind = Literal["none", "dress", "jumpsuit"]
HairKind = Literal["bald", "short", "long", "bun"]
FootKind = Literal["shoes", "boots", "barefoot"]

_SKIN: Final = (
    (0.96, 0.80, 0.70),
    (0.91, 0.71, 0.59),
    (0.80, 0.58, 0.44),
    (0.62, 0.42, 0.30),
    (0.42, 0.27, 0.19),
    (0.28, 0.18, 0.13),
)
_HAIR: Final = (
    (0.06, 0.05, 0.05), (0.14, 0.09, 0.06), (0.28, 0.17, 0.09), (0.45, 0.29, 0.15), (0.72, 0.55, 0.30),
    (0.85, 0.74, 0.52),
    (0.55, 0.22, 0.10), (0.60, 0.60, 0.60),
)  # fmt: skip


@dataclass(frozen=True)
class Pattern:
    """Colors over a cloth, as a function of meters along and around.

    Attributes
    ----------
    kind : PatternKind
    color, second : Color
        In [0, 1], as painted in flat light.
    period : float
        Meters after which stripes, checks, dots or blobs come again.
    lengthwise : bool
        Whether stripes run along the limb.
    phase : float
        Shift in periods.
    """

    kind: PatternKind
    color: Color
    second: Color
    period: float = 0.06
    lengthwise: bool = False
    phase: float = 0.0

    def painted(self, along: FloatArray, around: FloatArray) -> FloatArray:
        """Return the cloth's colors at N places, float32 (N, 3) in [0, 1]."""
        amount = self._amount(
            along / np.float32(self.period) + np.float32(self.phase), around / np.float32(self.period)
        )
        first, second = np.asarray(self.color, np.float32), np.asarray(self.second, np.float32)
        return np.asarray(first + amount[:, None] * (second - first), dtype=np.float32)

    def _amount(self, v: FloatArray, u: FloatArray) -> FloatArray:
        """Return how much of the second color there is at places in periods, float32 (N,) in [0, 1]."""
        turn = np.float32(2 * np.pi)
        if self.kind == "plain":
            return np.zeros_like(v)
        if self.kind == "stripes":
            wave = np.sin(turn * (u if self.lengthwise else v))
        elif self.kind == "checks":
            # half where one band crosses and full where two do, as woven checks are
            bands = _stepped(np.sin(turn * u)) + _stepped(np.sin(turn * v))
            return np.asarray(bands / 2, dtype=np.float32)
        elif self.kind == "dots":
            shifted = u + 0.5 * (np.floor(v) % 2)
            wave = 0.3 - np.hypot((shifted % 1) - 0.5, (v % 1) - 0.5)
        else:
            wave = (
                np.sin(turn * (u + 0.4 * np.sin(turn * 0.7 * v)))
                + np.sin(turn * (0.8 * v + 0.5 * np.sin(turn * 0.6 * u)))
                - 0.3
            )
        return _stepped(wave)


def _stepped(wave: FloatArray) -> FloatArray:
    return np.asarray(np.clip(wave * np.float32(8) + np.float32(0.5), 0, 1), dtype=np.float32)


@dataclass(frozen=True)
class Outfit:
    """How a person looks.

    Attributes
    ----------
    skin, hair_color, lips : Color
    hair : HairKind
    hair_volume : float
        Factor on how far hair stands off.
    whole : WholeKind
        'none' where `upper` and `lower` are worn instead.
    upper, lower, layer, foot : kinds
        `layer` is worn over the top.
    upper_pattern, lower_pattern, layer_pattern, shoe_pattern, sock_pattern, accent : Pattern
        A dress or jumpsuit has the upper pattern; hat, scarf, gloves and bag have the accent.
    sleeve, leg_length : float
        Share of the arm and of the leg that is covered; a skirt's or dress's hem too.
    looseness, flare : float
        How far cloth stands off in meters; how much a skirt widens in meters.
    open_front : float
        Half the angle of a layer's opening in radians; 0 is closed.
    hat, sunglasses, scarf, gloves, bag, socks, tucked : bool
    """

    skin: Color
    lips: Color
    hair: HairKind
    hair_color: Color
    hair_volume: float
    whole: WholeKind
    upper: UpperKind
    lower: LowerKind
    layer: LayerKind
    foot: FootKind
    upper_pattern: Pattern
    lower_pattern: Pattern
    layer_pattern: Pattern
    shoe_pattern: Pattern
    sock_pattern: Pattern
    accent: Pattern
    sleeve: float
    leg_length: float
    looseness: float
    flare: float
    open_front: float
    hat: bool
    sunglasses: bool
    scarf: bool
    gloves: bool
    bag: bool
    socks: bool
    tucked: bool


def sample_color(rng: np.random.Generator) -> Color:
    """Draw a cloth's color: in half of the cases black, white, gray, navy or beige."""
    if rng.random() < 0.5:
        muted = (
            (0.07, 0.07, 0.08),
            (0.93, 0.92, 0.90),
            (0.45, 0.45, 0.47),
            (0.12, 0.16, 0.30),
            (0.76, 0.68, 0.55),
            (0.25, 0.35, 0.5),
        )
        base = np.array(muted[int(rng.integers(len(muted)))]) + rng.normal(0, 0.03, 3)
        red, green, blue = np.clip(base, 0.02, 0.98)
        return float(red), float(green), float(blue)
    return colorsys.hsv_to_rgb(float(rng.random()), float(rng.uniform(0.25, 0.95)), float(rng.uniform(0.2, 0.95)))


def sample_pattern(rng: np.random.Generator, plain: float = 0.6) -> Pattern:
    """Draw a pattern that is plain with the given probability."""
    kinds: tuple[PatternKind, ...] = ("stripes", "checks", "dots", "print")
    kind: PatternKind = "plain" if rng.random() < plain else kinds[int(rng.integers(len(kinds)))]
    return Pattern(
        kind,
        sample_color(rng),
        sample_color(rng),
        float(rng.uniform(0.03, 0.13)),
        bool(rng.random() < 0.35),
        float(rng.random()),
    )


def sample_outfit(rng: np.random.Generator) -> Outfit:
    """Draw how a person looks."""
    skin, hair = np.array(_SKIN[int(rng.integers(len(_SKIN)))]), np.array(_HAIR[int(rng.integers(len(_HAIR)))])
    skin = np.clip(skin * rng.uniform(0.92, 1.06) + rng.normal(0, 0.012, 3), 0.08, 0.98)
    hair = np.clip(hair * rng.uniform(0.8, 1.2) + rng.normal(0, 0.01, 3), 0.02, 0.95)
    lips = np.clip(skin * np.array([0.92, 0.62, 0.62]), 0, 1)
    hairs: tuple[HairKind, ...] = ("bald", "short", "long", "bun")
    wholes: tuple[WholeKind, ...] = ("none", "dress", "jumpsuit")
    uppers: tuple[UpperKind, ...] = ("tshirt", "longsleeve", "sleeveless")
    lowers: tuple[LowerKind, ...] = ("trousers", "shorts", "skirt")
    layers: tuple[LayerKind, ...] = ("none", "jacket", "coat")
    feet: tuple[FootKind, ...] = ("shoes", "boots", "barefoot")
    upper = uppers[int(rng.choice(3, p=(0.45, 0.35, 0.2)))]
    lower = lowers[int(rng.choice(3, p=(0.55, 0.22, 0.23)))]
    whole = wholes[int(rng.choice(3, p=(0.74, 0.17, 0.09)))]
    foot = feet[int(rng.choice(3, p=(0.72, 0.2, 0.08)))]
    long_legs = whole == "jumpsuit" or (whole == "none" and lower == "trousers")
    sleeves = {"tshirt": (0.18, 0.5), "longsleeve": (0.75, 1.0), "sleeveless": (0.0, 0.0)}[upper]
    return Outfit(
        _rounded(skin), _rounded(lips), hairs[int(rng.choice(4, p=(0.06, 0.44, 0.38, 0.12)))], _rounded(hair),
        float(rng.uniform(0.9, 1.25)), whole, upper, lower, layers[int(rng.choice(3, p=(0.68, 0.2, 0.12)))], foot,
        sample_pattern(rng), sample_pattern(rng, 0.78), sample_pattern(rng, 0.8), sample_pattern(rng, 0.95),
        sample_pattern(rng, 0.8),
        sample_pattern(rng, 0.7), float(rng.uniform(*sleeves)),
        float(rng.uniform(0.82, 1.0) if long_legs else rng.uniform(0.22, 0.62)),
        float(abs(rng.normal(0.008, 0.012)) + 0.004), float(rng.uniform(0.02, 0.16)),
        float(rng.uniform(0.25, 0.8) if rng.random() < 0.75 else 0.0),
        *(bool(rng.random() < share) for share in (0.12, 0.1, 0.08, 0.05, 0.14, 0.5, 0.5)),
    )  # fmt: skip


def _rounded(color: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> Color:
    red, green, blue = (round(float(value), 4) for value in color)
    return red, green, blue
