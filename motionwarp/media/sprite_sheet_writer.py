"""Sprite sheets for games: all frames in one PNG, and a JSON file beside it that says where each lies."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import numpy as np

from motionwarp.errors import OptionError, OutputError
from motionwarp.media.atomic import PendingFile, write_failure
from motionwarp.media.encoders import EncodeOptions
from motionwarp.media.image import encoded_image
from motionwarp.media.metadata import tagged_picture
from motionwarp.media.writer_base import VideoWriter
from motionwarp.types import ByteArray

_MILLISECOND: Final = Fraction(1, 1000)
_LONGEST_SIDE: Final = 8192  # what the graphics cards of phones take as one texture
_GAP: Final = 2  # pixels between frames, so that filtering takes nothing from a neighbor


@dataclass(frozen=True, eq=False)
class Sprite:
    """One frame, cut to what is seen of it.

    Attributes
    ----------
    pixels : uint8 (h, w, 3) or (h, w, 4)
    left, top : int
        Of the cut in the frame, in pixels.
    milliseconds : int
        How long it is shown.
    """

    pixels: ByteArray
    left: int
    top: int
    milliseconds: int


def layout(sizes: list[tuple[int, int]]) -> tuple[list[tuple[int, int]], tuple[int, int]]:
    """Place rectangles on shelves, the tallest first, in a sheet that is about square.

    Parameters
    ----------
    sizes : list of (width, height)
        In pixels, at least one.

    Returns
    -------
    places : list of (x, y)
        Of the upper left corners, in the order of `sizes`.
    sheet : (int, int)
        Width and height of the sheet.
    """
    area = sum((width + _GAP) * (height + _GAP) for width, height in sizes)
    limit = max(math.isqrt(area) + 1, max(width for width, _ in sizes))
    places = [(0, 0)] * len(sizes)
    x = y = shelf = sheet_width = 0
    for index in sorted(range(len(sizes)), key=lambda index: -sizes[index][1]):
        width, height = sizes[index]
        if x and x + width > limit:
            x, y, shelf = 0, y + shelf + _GAP, 0
        places[index] = x, y
        x, shelf = x + width + _GAP, max(shelf, height)
        sheet_width = max(sheet_width, x - _GAP)
    return places, (sheet_width, y + shelf)


class SpriteSheetWriter(VideoWriter):
    """Keeps the frames, cut to what is not transparent, and writes the sheet and its description at the end.

    The description has the form that game engines read ("JSON array" of TexturePacker and others), boxes in pixels of
    the sheet: `frame`, `spriteSourceSize` (where the cut lies in the whole frame), `sourceSize`, `pivot` (in parts of
    the whole frame, the same point of the ground in every frame), `duration` in milliseconds.

    Parameters
    ----------
    pending, description : PendingFile
        The PNG and the JSON file.
    width, height : int
        Size of the frames, in pixels.
    frame_rate : Fraction
        Frames a second on average.
    alpha : bool
    options : EncodeOptions
        PNG has none; all must be at their defaults.
    metadata : mapping of str
        Texts of the PNG, and `meta` of the description.
    """

    def __init__(
        self,
        pending: PendingFile,
        description: PendingFile,
        width: int,
        height: int,
        frame_rate: Fraction,
        alpha: bool,
        options: EncodeOptions,
        metadata: Mapping[str, str],
    ) -> None:
        super().__init__(pending.target, width, height, alpha, _MILLISECOND, Fraction(frame_rate))
        if options.codec != "auto" or options.crf is not None or options.preset is not None:
            raise OptionError(
                "PNG has no codec, crf or preset to choose", subject=pending.target, remedy="Leave them out"
            )
        self._pending, self._description, self._metadata = pending, description, metadata
        self._sprites: list[Sprite] = []
        self._area = 0

    def _prepared(self, picture: ByteArray) -> Sprite:
        left, top, right, bottom = _seen_box(picture)
        return Sprite(picture[top:bottom, left:right].copy(), left, top, 0)

    def _encode(self, prepared: Sprite, ticks: int, end_ticks: int) -> None:
        height, width = prepared.pixels.shape[:2]
        self._area += (width + _GAP) * (height + _GAP)
        if self._area > _LONGEST_SIDE**2:
            raise self._too_large()
        self._sprites.append(Sprite(prepared.pixels, prepared.left, prepared.top, end_ticks - ticks))

    def _too_large(self) -> OutputError:
        return OutputError(
            f"a sheet of more than {_LONGEST_SIDE} pixels a side would be needed",
            subject=self.path,
            remedy="Give a smaller size, or fewer frames (`fps`, `end`)",
        )

    def _finish(self) -> None:
        places, (width, height) = layout([(sprite.pixels.shape[1], sprite.pixels.shape[0]) for sprite in self._sprites])
        if max(width, height) > _LONGEST_SIDE:
            raise self._too_large()
        sheet = np.zeros((height, width, 4 if self.alpha else 3), dtype=np.uint8)
        for sprite, (x, y) in zip(self._sprites, places, strict=True):
            sheet[y : y + sprite.pixels.shape[0], x : x + sprite.pixels.shape[1]] = sprite.pixels
        described = json.dumps(self._described(places, width, height), indent=1, ensure_ascii=False) + "\n"
        try:
            self._pending.path.write_bytes(tagged_picture(encoded_image(Path("sheet.png"), sheet), self._metadata))
            self._description.path.write_text(described, encoding="utf-8")
        except OSError as error:
            raise write_failure(error, self.path) from error
        self._description.commit()
        self._pending.commit()

    def _described(self, places: list[tuple[int, int]], width: int, height: int) -> dict[str, Any]:
        pivot_x, pivot_y = self.stands_at or (self.width / 2, self.height)
        pivot = {"x": round(pivot_x / self.width, 5), "y": round(pivot_y / self.height, 5)}
        whole = {"w": self.width, "h": self.height}
        frames = []
        for number, (sprite, (x, y)) in enumerate(zip(self._sprites, places, strict=True)):
            box = {"w": sprite.pixels.shape[1], "h": sprite.pixels.shape[0]}
            frames.append(
                {
                    "filename": f"{self.path.stem}_{number:04d}",
                    "frame": {"x": x, "y": y, **box},
                    "rotated": False,
                    "trimmed": box != whole,
                    "spriteSourceSize": {"x": sprite.left, "y": sprite.top, **box},
                    "sourceSize": whole,
                    "pivot": pivot,
                    "duration": sprite.milliseconds,
                }
            )
        meta = {
            "app": self._metadata.get("encoded_by", "motionwarp"),
            "image": self.path.name,
            "format": "RGBA8888" if self.alpha else "RGB888",
            "size": {"w": width, "h": height},
            "scale": "1",
            **{
                key: text
                for key, text in self._metadata.items()
                if key in ("comment", "synthetic", "digital_source_type")
            },
        }
        return {"frames": frames, "meta": meta}

    def _discard(self) -> None:
        self._pending.discard()
        self._description.discard()


def _seen_box(picture: ByteArray) -> tuple[int, int, int, int]:
    """Return the box of what is not transparent: left, top, right and bottom in pixels, at least one pixel large."""
    height, width = picture.shape[:2]
    if picture.shape[2] == 3:
        return 0, 0, width, height
    seen = picture[..., 3] > 0
    columns, rows = np.flatnonzero(seen.any(axis=0)), np.flatnonzero(seen.any(axis=1))
    if not columns.size:
        return 0, 0, 1, 1
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
