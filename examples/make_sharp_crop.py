"""Makes docs/images/sharp_crop.jpg: that the source's pixels stay sharp in a result of 1080x1920.

Run from a checkout with motionwarp installed: `python examples/make_sharp_crop.py`. A drawn person in a fine pattern
lifts an arm. The sheet shows a piece of the photo, of the person really drawn in the new pose, of both engines'
results, and of a result that was made at 256 rows and enlarged, which is what a network that draws pictures of that
size can give. Pixels are not scaled. The sharpness of each piece stands above it.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import typer
from make_examples import HERE, PERSON, outfit_of_the_person, pattern

import motionwarp
from motionwarp.data.synthetic import BodyPose, Camera, SyntheticPerson, body_points, frame_body, place, render
from motionwarp.data.synthetic.backgrounds import finished, room
from motionwarp.media.contact_sheet import Tile, write_sheet
from motionwarp.media.image import write_image
from motionwarp.pose import skeleton as sk
from motionwarp.pose.formats.pose_file import write_track
from motionwarp.types import ByteArray, FloatArray, PoseTrack

SIZE = 1920, 1080  # height, width
LOW = 256  # height of the picture that is enlarged
PIECE = 380, 340
_AT_REST = BodyPose(right_arm=(14.0, 2.0, 0.0, 12.0), left_arm=(14.0, 2.0, 0.0, 12.0))
_MOVED = BodyPose(
    root=(8.0, 0.0, 4.0), spine=(4.0, 8.0, 6.0), right_arm=(30.0, 10.0, 0.0, 40.0), left_arm=(75.0, 10.0, 0.0, 30.0),
    left_leg=(12.0, 8.0, 0.0, 10.0),
)  # fmt: skip


def main(
    output: Annotated[Path, typer.Option("-o", "--output")] = HERE.parent / "docs" / "images" / "sharp_crop.jpg",
) -> None:
    """Write the sheet and print the pieces' sharpness."""
    photo, resting = drawn(_AT_REST)
    target, moved = drawn(_MOVED)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        write_image(folder / "photo.png", photo)
        write_image(folder / "target.png", target)
        for name, points in (("photo", resting), ("target", moved)):
            track = PoseTrack(points[None], np.ones(1, np.bool_), np.zeros(1), SIZE[1], SIZE[0])
            write_track(folder / f"{name}.json", track, file_name=f"{name}.png", fps=1.0)
        pieces = {"the photo": piece_at(photo, resting), "really moved": piece_at(target, moved)}
        for engine in ("layered", "warping_gan"):
            pieces[engine] = piece_at(transferred(folder, engine, SIZE), moved)
        low = transferred(folder, "warping_gan", (LOW, LOW * SIZE[1] // SIZE[0]))
        pieces["256 rows, enlarged"] = piece_at(cv2.resize(low, SIZE[::-1], interpolation=cv2.INTER_CUBIC), moved)
    tiles = [Tile(piece, f"{name}: sharpness {sharpness(piece):.1f}") for name, piece in pieces.items()]
    for tile in tiles:
        print(tile.caption)
    write_sheet(output, tiles, columns=len(tiles), overwrite=True)


def drawn(pose: BodyPose) -> tuple[ByteArray, FloatArray]:
    """Return a picture of the person in a fine pattern, and the points, at the same place in all."""
    outfit = replace(
        outfit_of_the_person(), upper_pattern=pattern("checks", (0.93, 0.90, 0.84), (0.18, 0.25, 0.5), 0.018),
        lower_pattern=pattern("stripes", (0.16, 0.24, 0.42), (0.3, 0.4, 0.6), 0.016),
    )  # fmt: skip
    rng = np.random.default_rng(8)
    camera = frame_body(
        body_points(place(PERSON, _AT_REST)),
        Camera(4.2, 0.25, 0.0, 1.0, 0.0, 0.0),
        *SIZE,
        share=0.84,
        middle_x=0.45,
        middle_y=0.52,
    )
    view = render(SyntheticPerson(PERSON, outfit), pose, camera, finished(rng, room(rng, *SIZE)), *SIZE)
    return view.rgb, view.pose.points


def transferred(folder: Path, engine: str, size: tuple[int, int]) -> ByteArray:
    """Return the one frame that an engine makes."""
    made = motionwarp.stream(
        folder / "photo.png", folder / "target.png", engine=engine, size=f"{size[1]}x{size[0]}", placement="driving",
        retarget=False,
        source_poses=folder / "photo.json", driving_poses=folder / "target.json",
    )  # fmt: skip
    return next(iter(made)).rgb


def piece_at(rgb: ByteArray, points: FloatArray) -> ByteArray:
    """Return a piece around the chest and one upper arm, one pixel for one."""
    height, width = PIECE
    center = (points[sk.NECK, :2] + points[sk.LEFT_ELBOW, :2] + points[sk.LEFT_HIP, :2]) / 3
    left, top = round(float(center[0]) - width / 2), round(float(center[1]) - height / 2)
    return rgb[top : top + height, left : left + width]


def sharpness(rgb: ByteArray) -> float:
    """Return the root mean square of the Laplacian of brightness, in levels of 255."""
    gray = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float32)
    return float(np.sqrt(np.square(cv2.Laplacian(gray, cv2.CV_32F)).mean()))


if __name__ == "__main__":
    typer.run(main)
