"""The contact sheet of a check: the source with its points, and driving frames each beside what is made of them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Final

from motionwarp.media.contact_sheet import Tile
from motionwarp.pipeline.clip_times import time_text
from motionwarp.pipeline.compositing import scaled_width, side_by_side
from motionwarp.pipeline.glimpses import points_in
from motionwarp.pipeline.placing import resized
from motionwarp.pipeline.seen import SeenInputs
from motionwarp.pose.drawing import draw_pose
from motionwarp.types import ByteArray, Frame

# pixels of a picture on the sheet, large enough to see a hand
_HEIGHT: Final = 360
# width over height of the whole sheet
_ASPECT: Final = 2.0


def preview_tiles(seen: SeenInputs, driving: Mapping[int, Frame], results: Mapping[int, ByteArray], start_seconds: float) -> list[Tile]:
    """Return the sheet's pictures.

    Parameters
    ----------
    seen : SeenInputs
    driving : mapping of int to Frame
        Driving frames, possibly reduced, by their number in the track.
    results : mapping of int to uint8 (H, W, 3)
        Frames of the output by the same numbers.
    start_seconds : float
        Of the section in the clip, for captions.
    """
    person = seen.source.person
    tiles = [Tile(_at_height(draw_pose(person.rgb, person.pose.points)), "source")]
    return [*tiles, *_pairs(seen, driving, results, start_seconds)]


def sheet_columns(tiles: list[Tile]) -> int:
    """Return in how many columns the tiles make a sheet about as wide as a screen."""
    width, height = max(tile.rgb.shape[1] for tile in tiles), max(tile.rgb.shape[0] for tile in tiles)
    return min(max(round(math.sqrt(_ASPECT * len(tiles) * height / width)), 1), len(tiles))


def _pairs(
    seen: SeenInputs, driving: Mapping[int, Frame], results: Mapping[int, ByteArray], start_seconds: float
) -> Iterator[Tile]:
    track = seen.motion.track
    for number, frame in driving.items():
        rgb, caption = frame.rgb, time_text(start_seconds + frame.pts_seconds)
        if track.present[number]:
            rgb = draw_pose(rgb, points_in(track.points[number], (track.width, track.height), rgb))
        else:
            caption += " nobody found"
        yield Tile(side_by_side([rgb, results[number]], _HEIGHT), caption)


def _at_height(rgb: ByteArray) -> ByteArray:
    return resized(rgb, scaled_width(rgb.shape[1], rgb.shape[0], _HEIGHT), _HEIGHT)
