"""What is measured on: a picture and a clip of any size and length, by default made from the project's own examples."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

import typer

from motionwarp.media.encoders import EncodeOptions
from motionwarp.media.image import read_image, write_image
from motionwarp.media.probe import probe_video
from motionwarp.media.reader import open_video
from motionwarp.media.writer import open_writer
from motionwarp.pipeline.layout import resized
from motionwarp.types import ByteArray

EXAMPLES: Final = Path(__file__).resolve().parent.parent / "examples"
EXAMPLE_SOURCE: Final = EXAMPLES / "person.jpg"
EXAMPLE_DRIVING: Final = EXAMPLES / "dance.mp4"

# width and height of the output; upright, as people are and as the dearest case is: the person fills most of the frame
SIZES: Final = {"256": (256, 256), "720p": (720, 1280), "1080p": (1080, 1920), "4k": (2160, 3840)}


@dataclass(frozen=True)
class Inputs:
    """What one transfer is measured on.

    Attributes
    ----------
    source, driving : Path
    own : bool
        Whether they were made from the project's examples.
    """

    source: Path
    driving: Path
    own: bool

    def told(self) -> dict[str, object]:
        """Return what a kept result says about them."""
        info = probe_video(self.driving)
        picture = read_image(self.source)
        return {
            "source": "examples/person.jpg, scaled" if self.own else self.source.name,
            "driving": "examples/dance.mp4, scaled and looped" if self.own else self.driving.name,
            "source_size": [picture.width, picture.height],
            "driving_size": [info.width, info.height],
            "driving_rate": float(info.frame_rate),
        }


def parsed_size(text: str) -> tuple[int, int]:
    """Return width and height of a size: one of `SIZES`, or WIDTHxHEIGHT.

    Raises
    ------
    typer.BadParameter
        If it is neither.
    """
    if text.lower() in SIZES:
        return SIZES[text.lower()]
    sides = text.lower().split("x")
    if len(sides) != 2 or not all(side.isdecimal() and int(side) > 0 for side in sides):
        raise typer.BadParameter(f"'{text}' is not a size; write one of {', '.join(SIZES)}, or WIDTHxHEIGHT")
    return int(sides[0]), int(sides[1])


def size_option(size: tuple[int, int]) -> str:
    """Return a size as transfers take it."""
    return f"{size[0]}x{size[1]}"


def make_inputs(
    source: Path | None, driving: Path | None, size: tuple[int, int], frames: int | None, folder: Path
) -> Inputs:
    """Return inputs for an output of a size.

    Parameters
    ----------
    source, driving : Path or None
        What was given; None for the project's example, scaled so that it has as many pixels as the output shows of it.
    size : (int, int)
        Width and height of the output.
    frames : int or None
        Length of the clip, looped if it is too short and cut if it is too long; None leaves one that was given as it
        is.
    folder : Path
        Where files are made.
    """
    own = source is None and driving is None
    if source is None:
        source = folder / "source.png"
        picture = read_image(EXAMPLE_SOURCE).rgb
        write_image(source, fitted(picture, size))
    if driving is None:
        driving = scaled_clip(EXAMPLE_DRIVING, folder / "driving.mp4", frames or _length(EXAMPLE_DRIVING), size)
    elif frames is not None:
        driving = scaled_clip(driving, folder / "driving.mp4", frames)
    return Inputs(source, driving, own)


def fitted(picture: ByteArray, size: tuple[int, int]) -> ByteArray:
    """Cut the sides off a picture that is wider than a frame, and scale it until it touches the frame's edges.

    Parameters
    ----------
    picture : uint8 (h, w, 3)
    size : (int, int)
        Width and height of the frame.
    """
    height, width = picture.shape[:2]
    kept = min(width, max(round(height * size[0] / size[1]), 1))
    # a frame that is wider than the picture shows it whole, between bars
    left = (width - kept) // 2 if kept < width else 0
    scale = min(size[0] / kept, size[1] / height)
    narrowed = picture[:, left : left + kept]
    return resized(narrowed, _even(kept * scale), _even(height * scale))


def scaled_clip(clip: Path, output: Path, frames: int, size: tuple[int, int] | None = None) -> Path:
    """Write a clip of so many frames, looped and scaled as needed, without sound; return `output`."""
    info = probe_video(clip)
    pictures = _looped(clip, frames, size)
    first = next(pictures)
    height, width = first.shape[:2]
    with open_writer(
        output, width=width, height=height, frame_rate=info.frame_rate, options=EncodeOptions(preset="veryfast")
    ) as writer:
        step = Fraction(1) / info.frame_rate
        writer.write(first, 0.0)
        for number, picture in enumerate(pictures, start=1):
            writer.write(picture, float(number * step))
    return output


def _looped(clip: Path, frames: int, size: tuple[int, int] | None) -> Iterator[ByteArray]:
    done = 0
    while True:
        with open_video(clip) as reader:
            for frame in reader:
                if done == frames:
                    return
                yield frame.rgb if size is None else fitted(frame.rgb, size)
                done += 1


def _length(clip: Path) -> int:
    with open_video(clip) as reader:
        return sum(1 for _ in reader)


def _even(side: float) -> int:
    """Return the next even number, which encoders take without padding."""
    return max(2 * round(side / 2), 2)


def back_and_forth(count: int, held: int) -> Iterator[int]:
    """Yield `count` places in a row of `held` items, from the first to the last and back again, without jumps."""
    round_trip = max(2 * held - 2, 1)
    for number in range(count):
        place = number % round_trip
        yield place if place < held else round_trip - place
