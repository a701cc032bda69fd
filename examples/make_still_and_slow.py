"""Draws two clips for measuring flicker.

Somebody who stands still, and somebody who moves slowly, with the noise of a camera.

Run from a checkout with motionwarp installed: `python examples/make_still_and_slow.py clips`, then

    motionwarp evaluate reenact clips/still clips/slow --engine auto --engine layered --poses analyzer --window clip

and again with `--smooth-poses 0.5 --smooth-theta 0.5`.

Frames are PNG files in a folder for each clip, with the exact points beside it and the exact mattes. The slow dancer is
the example's at an eighth of its speed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from make_examples import DANCER, FRAME_RATE, dance, outfit_of_the_dancer

from motionwarp.data.synthetic import BodyPose, Camera, SyntheticPerson, body_points, frame_body, place, render
from motionwarp.data.synthetic.backgrounds import finished, room
from motionwarp.media.image import write_image
from motionwarp.pose.formats.pose_file import write_track
from motionwarp.types import PoseTrack

SIZE = 512, 288  # height, width
SLOWER = 8
NOISE = 2.0  # levels of 255, standard deviation


def main(
    folder: Annotated[Path, typer.Argument(help="Of the clips; made if it is missing.")],
    frames: Annotated[int, typer.Option(min=2, help="Of each clip.")] = 36,
) -> None:
    """Write both clips."""
    times = np.arange(frames) / FRAME_RATE
    draw(folder, "still", [dance(0.0)] * frames)
    draw(folder, "slow", [dance(float(time) / SLOWER) for time in times])


def draw(folder: Path, name: str, poses: list[BodyPose]) -> None:
    """Write a clip of the dancer, its points and its mattes."""
    height, width = SIZE
    rng = np.random.default_rng(3)
    every = np.concatenate([body_points(place(DANCER, pose)) for pose in poses])
    camera = frame_body(
        every, Camera(4.6, 0.2, 0.0, 1.0, 0.0, 0.0), height, width, share=0.86, middle_x=0.5, middle_y=0.52
    )
    background = finished(rng, room(rng, height, width))
    dancer = SyntheticPerson(DANCER, outfit_of_the_dancer())
    pictures, mattes = folder / name, folder / f"{name}.mattes"
    pictures.mkdir(parents=True)
    mattes.mkdir()
    points = []
    for index, pose in enumerate(poses):
        view = render(dancer, pose, camera, background, height, width)
        noisy = np.clip(view.rgb + rng.normal(0, NOISE, view.rgb.shape), 0, 255).round().astype(np.uint8)
        write_image(pictures / f"{index:05d}.png", noisy)
        write_image(
            mattes / f"{index:05d}.png", np.repeat(np.rint(view.matte * 255).astype(np.uint8)[..., None], 3, axis=2)
        )
        points.append(view.pose.points)
    track = PoseTrack(
        np.stack(points), np.ones(len(poses), np.bool_), np.arange(len(poses)) / FRAME_RATE, width, height
    )
    write_track(folder / f"{name}.keypoints18.json", track, file_name=name, fps=FRAME_RATE)


if __name__ == "__main__":
    typer.run(main)
