"""Makes docs/images/contact_sheet.jpg: the example's person, frames of the dance, the results, and a way round them.

Run from a checkout with motionwarp installed: `python examples/make_contact_sheet.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

import motionwarp
from motionwarp.media.image import read_image, write_image
from motionwarp.media.reader import open_video
from motionwarp.pipeline.layout import resized

HERE = Path(__file__).resolve().parent
HEIGHT = 300
ROUND = 330  # degrees by which the camera goes round the person of the last row
FRAMES = (4, 20, 34, 52, 70, 88)
GAP = 6


def main() -> None:
    """Write the sheet."""
    person, dance = HERE / "person.jpg", HERE / "dance.mp4"
    with open_video(dance) as reader:
        driving = [scaled(frame.rgb) for frame in reader if frame.index in FRAMES]
    results = [
        [
            scaled(frame.rgb)
            for frame in motionwarp.stream(person, dance, size=1024, orbit=degrees)
            if frame.index in FRAMES
        ]
        for degrees in (0, ROUND)
    ]
    columns = [stacked(rows) for rows in zip(driving, *results, strict=True)]
    source = scaled(read_image(person).rgb)
    first = np.full((columns[0].shape[0], source.shape[1], 3), 255, dtype=np.uint8)
    top = (first.shape[0] - HEIGHT) // 2
    first[top : top + HEIGHT] = source
    spaces = np.full((first.shape[0], GAP, 3), 255, dtype=np.uint8)
    sheet = np.hstack([piece for column in [first, *columns] for piece in (column, spaces)][:-1])
    target = HERE.parent / "docs" / "images" / "contact_sheet.jpg"
    target.parent.mkdir(parents=True, exist_ok=True)
    write_image(target, sheet, overwrite=True)


def scaled(rgb: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Return a picture at the sheet's height."""
    return resized(rgb, round(rgb.shape[1] * HEIGHT / rgb.shape[0]), HEIGHT)


def stacked(
    pictures: Sequence[np.ndarray[tuple[int, ...], np.dtype[np.uint8]]],
) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Return pictures one below the other, all in the middle of the widest one's width."""
    width = max(picture.shape[1] for picture in pictures)
    space = np.full((GAP, width, 3), 255, dtype=np.uint8)
    parts = []
    for picture in pictures:
        spare = width - picture.shape[1]
        sides = (0, 0, spare // 2, spare - spare // 2)
        parts += [cv2.copyMakeBorder(picture, *sides, cv2.BORDER_CONSTANT, value=(255, 255, 255)), space]
    return np.vstack(parts[:-1])


if __name__ == "__main__":
    main()
