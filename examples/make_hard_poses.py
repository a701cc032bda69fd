"""Makes docs/images/hard_poses.jpg: poses in which such systems fail, and what both engines make of them.

Run from a checkout with motionwarp installed: `python examples/make_hard_poses.py`. A drawn dancer crosses arms, holds
hands before the torso, lifts a leg, turns round and sits down; the people who take over the motions are the example's
and another drawn one in a skirt. `python examples/make_hard_poses.py PHOTO... -o sheet.jpg` takes photos of your own
instead.

From left to right: the person, then three times the dancer, `layered` and `warping_gan`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import typer
from make_examples import DANCER, HERE, PERSON, outfit_of_the_dancer, outfit_of_the_person, pattern

import motionwarp
from motionwarp.data.synthetic import BodyPose, Camera, SyntheticPerson, body_points, frame_body, place, render
from motionwarp.data.synthetic.backgrounds import finished, room
from motionwarp.data.synthetic.poses import as_angles, from_angles
from motionwarp.media.image import read_image, write_image
from motionwarp.pipeline.layout import resized
from motionwarp.pose.formats.pose_file import write_track
from motionwarp.types import ByteArray, PoseTrack

SIZE = 640, 480  # height, width of the dancer's pictures
FRAME_RATE, FRAMES = 12, 13
SHOWN = (4, 8, 12)
HEIGHT, GAP = 240, 4
ENGINES = ("layered", "warping_gan")

_HANGING = (10.0, 2.0, 8.0, 12.0)
_STANDING = BodyPose(
    right_arm=_HANGING, left_arm=_HANGING, right_leg=(6.0, 0.0, -8.0, 4.0), left_leg=(6.0, 0.0, -8.0, 4.0)
)


def turned(degrees: float) -> BodyPose:
    """Return somebody who stands turned away by so much."""
    return replace(_STANDING, root=(degrees, 0.0, 0.0))


# each motion goes from its first pose to its last
MOTIONS: dict[str, tuple[BodyPose, BodyPose]] = {
    "crossed arms": (_STANDING, replace(_STANDING, right_arm=(6.0, 22.0, 68.0, 98.0),
        left_arm=(6.0, 34.0, 68.0, 98.0))),
    "hands before the torso": (_STANDING, replace(_STANDING, right_arm=(12.0, 38.0, 55.0, 88.0),
        left_arm=(14.0, 30.0, 55.0, 100.0))),
    "lifted leg": (_STANDING, replace(_STANDING, left_leg=(28.0, 70.0, 0.0, 70.0), left_arm=(70.0, 10.0, 0.0, 20.0))),
    "turn by 180 degrees": (_STANDING, turned(180.0)),
    "sitting down": (
        _STANDING,
        replace(_STANDING, spine=(14.0, 0.0, 0.0), right_leg=(9.0, 84.0, -4.0, 88.0), left_leg=(9.0, 84.0, -4.0, 88.0)),
    ),
}  # fmt: skip


def main(
    photos: Annotated[list[Path] | None, typer.Argument(help="People; two drawn ones by default.")] = None,
    output: Annotated[Path, typer.Option("-o", "--output")] = HERE.parent / "docs" / "images" / "hard_poses.jpg",
) -> None:
    """Write the sheet."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        people = photos or [HERE / "person.jpg", draw_in_skirt(folder / "skirt.png")]
        rows = []
        for number, (first, last) in enumerate(MOTIONS.values()):
            clip, points = draw_motion(folder / str(number), first, last)
            for person in people:
                made = [transferred(person, clip, points, engine) for engine in ENGINES]
                source = scaled(read_image(person).rgb)
                rows.append(
                    beside([source, *(piece for pieces in zip(shown_of(clip), *made, strict=True) for piece in pieces)])
                )
    widest = max(row.shape[1] for row in rows)
    sheet = [
        cv2.copyMakeBorder(row, 0, GAP, 0, widest - row.shape[1], cv2.BORDER_CONSTANT, value=(255, 255, 255))
        for row in rows
    ]
    output.parent.mkdir(parents=True, exist_ok=True)
    write_image(output, np.vstack(sheet), overwrite=True)


def draw_motion(folder: Path, first: BodyPose, last: BodyPose) -> tuple[Path, Path]:
    """Write the pictures of a motion and their points; returns the folder and the file of the points."""
    height, width = SIZE
    rng = np.random.default_rng(5)
    shares = (1 - np.cos(np.linspace(0, np.pi, FRAMES))) / 2
    poses = [from_angles((1 - share) * as_angles(first) + share * as_angles(last)) for share in shares]
    every = np.concatenate([body_points(place(DANCER, pose)) for pose in poses])
    camera = frame_body(
        every, Camera(4.6, 0.2, 0.0, 1.0, 0.0, 0.0), height, width, share=0.86, middle_x=0.5, middle_y=0.52
    )
    background = finished(rng, room(rng, height, width))
    dancer = SyntheticPerson(DANCER, outfit_of_the_dancer())
    folder.mkdir()
    points = []
    for index, pose in enumerate(poses):
        view = render(dancer, pose, camera, background, height, width)
        write_image(folder / f"{index:03d}.png", view.rgb)
        points.append(view.pose.points)
    track = PoseTrack(np.stack(points), np.ones(FRAMES, np.bool_), np.arange(FRAMES) / FRAME_RATE, width, height)
    path = folder.parent / f"{folder.name}.keypoints18.json"
    write_track(path, track, file_name=folder.name, fps=FRAME_RATE)
    return folder, path


def draw_in_skirt(path: Path) -> Path:
    """Write a picture of somebody in a skirt."""
    height, width = SIZE
    outfit = replace(
        outfit_of_the_person(), lower="skirt",
        lower_pattern=pattern("checks", (0.55, 0.16, 0.22), (0.2, 0.2, 0.3), 0.08),
        upper_pattern=pattern("plain", (0.92, 0.9, 0.82), (0.1, 0.1, 0.1)), sleeve=0.5, leg_length=0.55, flare=0.14,
    )  # fmt: skip
    points = body_points(place(PERSON, _STANDING))
    camera = frame_body(
        points, Camera(4.2, 0.25, 0.0, 1.0, 0.0, 0.0), height, width, share=0.86, middle_x=0.5, middle_y=0.52
    )
    rng = np.random.default_rng(9)
    view = render(
        SyntheticPerson(PERSON, outfit), _STANDING, camera, finished(rng, room(rng, height, width)), height, width
    )
    write_image(path, view.rgb)
    return path


def transferred(person: Path, clip: Path, points: Path, engine: str) -> list[ByteArray]:
    """Return the frames that are shown."""
    made = motionwarp.stream(person, clip, engine=engine, driving_poses=points)
    return [scaled(frame.rgb) for frame in made if frame.index in SHOWN]


def shown_of(clip: Path) -> Iterator[ByteArray]:
    """Yield the dancer's pictures that are shown."""
    for index in SHOWN:
        yield scaled(read_image(clip / f"{index:03d}.png").rgb)


def scaled(rgb: ByteArray) -> ByteArray:
    """Return a picture at the sheet's height."""
    return resized(rgb, round(rgb.shape[1] * HEIGHT / rgb.shape[0]), HEIGHT)


def beside(pictures: list[ByteArray]) -> ByteArray:
    """Return pictures beside each other."""
    gap = np.full((HEIGHT, GAP, 3), 255, np.uint8)
    return np.hstack([piece for picture in pictures for piece in (picture, gap)])


if __name__ == "__main__":
    typer.run(main)
