"""Makes the motions that ship, in motionwarp/motions/shipped/, and docs/images/motions.jpg, which shows each of them.

Run from a checkout with motionwarp installed: `python examples/make_motions.py`. The project's own are made from
`motionwarp/motions/repertoire.py`; `--animated-drawings FOLDER` also converts takes of AnimatedDrawings
(github.com/facebookresearch/AnimatedDrawings, MIT), if their BVH files lie there under the names in `TAKES`.
`--person` draws the sheet with a photo's avatar in place of a mannequin.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import cv2
import numpy as np
import torch
import typer

from motionwarp.body.body_motion import BodyMotion
from motionwarp.body.model import BodyModel
from motionwarp.body.performing import CameraPath
from motionwarp.engines.avatar.engine import AvatarEngine
from motionwarp.engines.base import RenderSettings, Staging
from motionwarp.media.image import write_image
from motionwarp.motions.catalog import SHIPPED
from motionwarp.motions.files import LibraryMotion, load_library_motion, read_motion, save_library_motion
from motionwarp.motions.repertoire import REPERTOIRE
from motionwarp.pipeline.analysis import load_estimator
from motionwarp.pipeline.captured_driving import CapturedClip
from motionwarp.pipeline.compositing import composite
from motionwarp.pipeline.layout import resized
from motionwarp.pipeline.options import CameraOptions, TransferOptions
from motionwarp.pipeline.source import fitted_to, prepare_source, read_source
from motionwarp.types import ByteArray

HERE: Final = Path(__file__).resolve().parent
RATE: Final = 30.0
# file: name, what it shows, and the seconds that are taken
TAKES: Final = {
    "animdraw_dab": ("dab", "A dab, to both sides.", 1.7, 5.0),
    "animdraw_jesse_dance": ("jesse-dance", "A lively dance with high kicks.", 0.2, 8.6),
    "animdraw_jumping": ("leap", "A leap out of a deep crouch.", 1.75, 4.2),
    "animdraw_zombie": ("zombie", "Staggering about as a zombie.", 1.9, 9.0),
}
AUTHOR: Final = "Meta Platforms, Inc. and affiliates (AnimatedDrawings)"
COLUMNS, HEIGHT, GAP, CAPTION = 5, 132, 4, 20
LONG_SIDE, VIEW = 480, 20.0
MOMENTS: Final = (0.28, 0.5, 0.72)  # shares of a motion's length that are shown


def main(
    animated_drawings: Annotated[Path | None, typer.Option(help="Folder with their takes.")] = None,
    person: Annotated[Path | None, typer.Option(help="A photo to draw the sheet with.")] = HERE / "person.jpg",
    sheet: Annotated[Path, typer.Option(help="Where the sheet goes.")] = HERE.parent / "docs/images/motions.jpg",
    only_sheet: Annotated[bool, typer.Option("--only-sheet", help="Leave the files as they are.")] = False,
) -> None:
    """Write the files and the sheet."""
    if not only_sheet:
        write_files(animated_drawings)
    paths = sorted(SHIPPED.glob("*.safetensors"))
    photographed = None if person is None else Photographed(person)
    write_image(sheet, arranged([tile(path, photographed) for path in paths]), overwrite=True)


def write_files(animated_drawings: Path | None) -> None:
    """Write all motions that ship."""
    SHIPPED.mkdir(exist_ok=True)
    body = BodyModel.load()
    for name, number in REPERTOIRE.items():
        entry = LibraryMotion(name, number.title, "motionwarp", "Apache-2.0", number.performed(body))
        save_library_motion(SHIPPED / f"{name}.safetensors", entry)
    if animated_drawings is None:
        return
    for file, (name, title, start, end) in TAKES.items():
        motion = read_motion(animated_drawings / f"{file}.bvh.gz").section(start, end)
        entry = LibraryMotion(name, title, AUTHOR, "MIT", evenly(motion))
        save_library_motion(SHIPPED / f"{name}.safetensors", entry)


def evenly(motion: BodyMotion) -> BodyMotion:
    """Return a motion at the library's rate, from the origin on and with its front in front."""
    times = np.arange(max(round(motion.duration_seconds * RATE), 1)) / RATE
    turns, root = motion.at(times)
    faced = BodyMotion(turns, root, RATE).faced()
    return BodyMotion(faced.turns, faced.root - faced.root[:1], RATE)


class Photographed:
    """Draws moments of motions with the avatar of a photo, which is made once, before the photo's own background."""

    def __init__(self, person: Path) -> None:
        own_points = person.with_suffix(".keypoints18.json")
        options = TransferOptions(source_poses=own_points if own_points.is_file() else None)
        prepared = prepare_source(read_source(person, options), options, load_estimator(options))
        small = fitted_to(prepared.person, LONG_SIDE)
        self.height, self.width = small.matte.shape
        self.plate = resized(prepared.plate, self.width, self.height)
        self.engine = AvatarEngine()
        self.engine.prepare(small, RenderSettings(torch.device("cpu"), torch.float32, self.width, self.height))

    def frames(self, motion: BodyMotion, numbers: list[int]) -> list[ByteArray]:
        """Return frames of a transfer by their numbers."""
        times = np.arange(len(motion)) / motion.frame_rate
        staging = Staging(CameraPath(times, np.full(len(times), VIEW)), np.eye(2, 3), self.width, self.height)
        performed, _ = self.engine.perform(motion, staging)
        chosen = performed[np.array(numbers)]
        layers = self.engine.render(chosen, self.engine.plan(chosen))
        return [composite(layer, self.plate.copy()) for layer in layers]


def tile(path: Path, photographed: Photographed | None) -> ByteArray:
    """Return some moments of a motion beside each other, with its name."""
    entry = load_library_motion(path)
    numbers = [int(share * (len(entry.motion) - 1)) for share in MOMENTS]
    if photographed is None:
        frames = [frame.rgb for frame in CapturedClip(entry.motion, CameraOptions(view=VIEW)).frames(numbers)]
    else:
        frames = photographed.frames(entry.motion, numbers)
    row = np.hstack([trimmed(frame) for frame in frames])
    caption = np.full((CAPTION, row.shape[1], 3), 255, dtype=np.uint8)
    cv2.putText(caption, entry.name, (4, 15), cv2.FONT_HERSHEY_SIMPLEX, 0.48, (40, 40, 40), 1, cv2.LINE_AA)
    return np.vstack([caption, row])


def trimmed(rgb: ByteArray) -> ByteArray:
    """Return the middle of a picture at the sheet's height."""
    height, width = rgb.shape[:2]
    side = min(width, round(height * 0.75))
    left = (width - side) // 2
    middle = np.ascontiguousarray(rgb[:, left : left + side])
    return resized(middle, round(side * HEIGHT / height), HEIGHT)


def arranged(tiles: list[ByteArray]) -> ByteArray:
    """Return tiles in rows, all as wide as the widest."""
    width, height = max(tile.shape[1] for tile in tiles) + GAP, tiles[0].shape[0] + GAP
    rows = -(-len(tiles) // COLUMNS)
    canvas = np.full((rows * height, COLUMNS * width, 3), 255, dtype=np.uint8)
    for index, each in enumerate(tiles):
        top, left = index // COLUMNS * height, index % COLUMNS * width
        canvas[top : top + each.shape[0], left : left + each.shape[1]] = each
    return canvas


if __name__ == "__main__":
    typer.run(main)
