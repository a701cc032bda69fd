"""Makes docs/images/gallery/: what each command makes, of the project's own drawn people.

Run from a checkout with motionwarp installed: `python examples/make_gallery.py`, or with the names of single pictures,
such as `python examples/make_gallery.py swap pose`. The pictures are small: all take a few hundred kilobytes.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import typer

import motionwarp
from motionwarp.avatar.turntable import Turntable
from motionwarp.media.image import read_image, write_image
from motionwarp.media.reader import open_video
from motionwarp.media.writer import open_writer
from motionwarp.parsing.drawing import overlay
from motionwarp.perception.matting import matte_in_frame, parsing_in_frame
from motionwarp.pipeline.analysis import load_estimator
from motionwarp.pipeline.avatar_options import AvatarOptions
from motionwarp.pipeline.avatars import read_or_make_avatar
from motionwarp.pipeline.layout import resized
from motionwarp.pipeline.options import TransferOptions
from motionwarp.pipeline.swap import swap
from motionwarp.pose.drawing import draw_pose
from motionwarp.types import ByteArray

HERE = Path(__file__).resolve().parent
TARGET = HERE.parent / "docs" / "images" / "gallery"
HEIGHT, GAP = 260, 4
FRAMES = (4, 20, 34, 52, 70, 88)  # of the dance; so far apart in time that smoothing leaves each its own pose
QUALITY = 80
CHECKERED = (222, 246)  # gray levels of what is transparent


class Inputs:
    """The examples, small, and a short piece of the dance."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.person, self.dancer, self.dance = (folder / name for name in ("person.jpg", "dancer.png", "dance.mp4"))
        person = read_image(HERE / "person.jpg").rgb
        write_image(self.person, resized(person, 576, 768))
        with (
            open_video(HERE / "dance.mp4") as frames,
            open_writer(self.dance, width=324, height=576, frame_rate=Fraction(2)) as clip,
        ):
            for frame in frames:
                if frame.index in FRAMES:
                    clip.write(resized(frame.rgb, 324, 576), FRAMES.index(frame.index) / 2)
                if frame.index == 0:
                    write_image(self.dancer, frame.rgb)

    def frames(self) -> list[ByteArray]:
        """Return the dance's frames."""
        with open_video(self.dance) as reader:
            return [frame.rgb for frame in reader]


def made_transfer(inputs: Inputs) -> list[ByteArray]:
    """Return the photo, then frames of the dance over the same frames of the result."""
    results = [frame.rgb for frame in motionwarp.stream(inputs.person, inputs.dance)]
    pairs = [
        np.vstack([_high(above, HEIGHT // 2), _wide_as(above, below)]) for above, below in _chosen(inputs, results)
    ]
    return [read_image(inputs.person).rgb, *pairs]


def made_backgrounds(inputs: Inputs) -> list[ByteArray]:
    """Return the same frame over the photo, over the clip, over a color, and over nothing."""
    pictures = []
    for background in ("source", "driving", "#2f4858", "transparent"):
        stream = motionwarp.stream(inputs.person, inputs.dance, background=background, end=0.9)
        *_, frame = stream
        pictures.append(frame.rgb if frame.alpha is None else _over_checkers(frame.rgb, frame.alpha))
    return pictures


def made_engines(inputs: Inputs) -> list[ByteArray]:
    """Return the same frame by each engine that needs no training of its own."""
    pictures = []
    for engine in ("layered", "warping_gan", "avatar"):
        *_, frame = motionwarp.stream(inputs.person, inputs.dance, engine=engine, end=0.9)
        pictures.append(frame.rgb)
    return pictures


def made_check(inputs: Inputs) -> list[ByteArray]:
    """Return the sheet of a check."""
    sheet = inputs.folder / "check.png"
    motionwarp.check(inputs.person, inputs.dance, quick=True, preview=sheet, pictures=3)
    return [read_image(sheet).rgb]


def made_avatar(inputs: Inputs) -> list[ByteArray]:
    """Return the photo, and its avatar from six sides."""
    stored = read_or_make_avatar([inputs.person], AvatarOptions())
    turning = Turntable(stored.person.avatar, 2 * HEIGHT)
    views = [np.rint(turning.picture(angle)).clip(0, 255).astype(np.uint8) for angle in range(0, 360, 60)]
    return [read_image(inputs.person).rgb, *(_over_checkers(_straight(view), view[..., 3]) for view in views)]


def made_swap(inputs: Inputs) -> list[ByteArray]:
    """Return the photo, who wears the clothes, and the photo's person in all of them and in the upper ones."""
    dressed = []
    for what in ("all", "upper"):
        output = inputs.folder / f"{what}.png"
        swap(inputs.person, inputs.dancer, output, what=what)
        dressed.append(read_image(output).rgb)
    return [read_image(inputs.person).rgb, read_image(inputs.dancer).rgb, *dressed]


def made_pose(inputs: Inputs) -> list[ByteArray]:
    """Points drawn into the photo and frames of the dance."""
    estimator = load_estimator(TransferOptions())
    pictures = [read_image(inputs.person).rgb, *inputs.frames()[::2]]
    return [draw_pose(rgb, estimator.analyze_picture(rgb).pose.points) for rgb in pictures]


def made_parse(inputs: Inputs) -> list[ByteArray]:
    """Classes and mattes over the same."""
    estimator = load_estimator(TransferOptions())
    pictures = []
    for rgb in (read_image(inputs.person).rgb, *inputs.frames()[::2]):
        person = estimator.analyze_picture(rgb)
        labels = parsing_in_frame(rgb, person, matte_in_frame(rgb, person))
        pictures.append(overlay(rgb, labels))
    return pictures


PICTURES: dict[str, Callable[[Inputs], list[ByteArray]]] = {
    "transfer": made_transfer,
    "backgrounds": made_backgrounds,
    "engines": made_engines,
    "check": made_check,
    "avatar": made_avatar,
    "swap": made_swap,
    "pose": made_pose,
    "parse": made_parse,
}


def main(names: Annotated[list[str] | None, typer.Argument(help=f"Some of {', '.join(PICTURES)}.")] = None) -> None:
    """Write the pictures."""
    TARGET.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        inputs = Inputs(Path(folder))
        for name in names or PICTURES:
            pictures = PICTURES[name](inputs)
            row = _row(pictures) if len(pictures) > 1 else pictures[0]
            encoded = cv2.imencode(".jpg", cv2.cvtColor(row, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1]
            (TARGET / f"{name}.jpg").write_bytes(encoded.tobytes())
            typer.echo(f"{name}.jpg: {row.shape[1]}x{row.shape[0]}, {len(encoded) / 1000:.0f} kB")


def _chosen(inputs: Inputs, results: Sequence[ByteArray]) -> Iterator[tuple[ByteArray, ByteArray]]:
    for number in range(len(results)):
        yield inputs.frames()[number], results[number]


def _row(pictures: Sequence[ByteArray]) -> ByteArray:
    gap = np.full((HEIGHT, GAP, 3), 255, dtype=np.uint8)
    return np.hstack([piece for picture in pictures for piece in (_high(picture, HEIGHT), gap)][:-1])


def _high(rgb: ByteArray, height: int) -> ByteArray:
    return resized(rgb, round(rgb.shape[1] * height / rgb.shape[0]), height)


def _wide_as(first: ByteArray, second: ByteArray) -> ByteArray:
    """Return the second picture in the shape that the first has, cut at its sides."""
    scaled = _high(second, HEIGHT // 2)
    width = _high(first, HEIGHT // 2).shape[1]
    left = (scaled.shape[1] - width) // 2
    return np.ascontiguousarray(scaled[:, left : left + width])


def _over_checkers(rgb: ByteArray, alpha: ByteArray) -> ByteArray:
    rows, columns = np.indices(alpha.shape) // 16
    behind = np.where((rows + columns) % 2, *CHECKERED)[..., None]
    weight = alpha[..., None].astype(np.float32) / 255
    return np.rint(rgb * weight + behind * (1 - weight)).astype(np.uint8)


def _straight(rgba: ByteArray) -> ByteArray:
    """Return the colors of a picture whose colors are multiplied by its alpha."""
    alpha = np.maximum(rgba[..., 3:].astype(np.float32), 1)
    return np.rint(rgba[..., :3].astype(np.float32) * 255 / alpha).clip(0, 255).astype(np.uint8)


if __name__ == "__main__":
    typer.run(main)
