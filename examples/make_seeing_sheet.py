"""Makes docs/images/seeing.jpg: what the bundled analyzer sees of drawn people, in easy and in hard views.

Run from a checkout with motionwarp installed: `python examples/make_seeing_sheet.py`. Every case is `--people` drawn
people in one kind of view. The sheet shows the best, the median and the worst of each, with the points and the parsing
that were seen, and above each the share of visible points within 5 % of the body's extent of the true ones. Shares of
all are printed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import torch
import typer
from make_examples import HERE

from motionwarp.data.synthetic import (
    BodyPose,
    body_points,
    frame_body,
    place,
    render,
    sample_background,
    sample_camera,
    sample_light,
    sample_person,
    sample_pose,
)
from motionwarp.errors import NoPersonError
from motionwarp.media.contact_sheet import Tile, write_sheet
from motionwarp.parsing.drawing import overlay
from motionwarp.perception.backends.builtin import BuiltinEstimator
from motionwarp.perception.matting import matte_in_frame, parsing_in_frame
from motionwarp.pose.drawing import draw_pose
from motionwarp.types import ByteArray, FloatArray

HEIGHT, WIDTH = 480, 360
WITHIN = 0.05  # of the extent of the true points
_STANDING = BodyPose(right_arm=(14.0, 4.0, 0.0, 12.0), left_arm=(14.0, 4.0, 0.0, 12.0))


@dataclass(frozen=True, eq=False)
class Seen:
    """A picture with what was seen in it, and the share of points that were right."""

    rgb: ByteArray
    right: float


def as_drawn(rng: np.random.Generator, pose: BodyPose) -> tuple[ByteArray, FloatArray]:
    """Return a picture of somebody in a pose, and the true points."""
    person = sample_person(rng)
    camera = sample_camera(rng, body_points(place(person.proportions, pose)), HEIGHT, WIDTH)
    camera = frame_body(
        body_points(place(person.proportions, pose)), camera, HEIGHT, WIDTH, share=0.8, middle_x=0.5, middle_y=0.5
    )
    view = render(person, pose, camera, sample_background(rng, HEIGHT, WIDTH), HEIGHT, WIDTH, light=sample_light(rng))
    return view.rgb, view.pose.points


def turned(rgb: ByteArray, points: FloatArray, quarters: int) -> tuple[ByteArray, FloatArray]:
    """Return a picture and its points turned anticlockwise."""
    for _ in range(quarters):
        width = rgb.shape[1]
        rgb = np.ascontiguousarray(np.rot90(rgb))
        points = np.stack([points[:, 1], width - 1 - points[:, 0], points[:, 2]], axis=1)
    return rgb, points


def cut_at_waist(rgb: ByteArray, points: FloatArray) -> tuple[ByteArray, FloatArray]:
    """Return the picture down to the hips, enlarged."""
    row = max(int(points[[8, 11], 1].max()) + 6, 60)
    scale = HEIGHT / row
    cut = np.asarray(cv2.resize(rgb[:row], None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR), dtype=np.uint8)
    moved = np.concatenate([(points[:, :2] + 0.5) * scale - 0.5, points[:, 2:]], axis=1)
    moved[points[:, 1] >= row, 2] = 0
    return cut, moved


def dark(rgb: ByteArray, points: FloatArray) -> tuple[ByteArray, FloatArray]:
    """Return the picture at a twentieth of its light, with noise."""
    noise = np.random.default_rng(0).normal(0, 1.5, rgb.shape)
    return np.clip(rgb / 20 + noise, 0, 255).astype(np.uint8), points


Case = Callable[[np.random.Generator], tuple[ByteArray, FloatArray]]
CASES: dict[str, Case] = {
    "from the front": lambda rng: as_drawn(rng, _STANDING),
    "any pose": lambda rng: as_drawn(rng, sample_pose(rng, float(rng.uniform(-40, 40)))),
    "from behind": lambda rng: as_drawn(rng, replace(_STANDING, root=(180.0, 0.0, 0.0))),
    "in profile": lambda rng: as_drawn(rng, replace(_STANDING, root=(90.0, 0.0, 0.0))),
    "crossed arms": lambda rng: as_drawn(
        rng, replace(_STANDING, right_arm=(6.0, 22.0, 68.0, 98.0), left_arm=(6.0, 34.0, 68.0, 98.0))
    ),
    "leg towards us": lambda rng: as_drawn(rng, replace(_STANDING, left_leg=(6.0, 85.0, 0.0, 20.0))),
    "cut at the waist": lambda rng: cut_at_waist(*as_drawn(rng, sample_pose(rng, float(rng.uniform(-40, 40))))),
    "lying": lambda rng: turned(*as_drawn(rng, _STANDING), 1),
    "upside down": lambda rng: turned(*as_drawn(rng, _STANDING), 2),
    "nearly dark": lambda rng: dark(*as_drawn(rng, _STANDING)),
}


def main(
    people: Annotated[int, typer.Option(min=3, help="In each case.")] = 24,
    output: Annotated[Path, typer.Option("-o", "--output")] = HERE.parent / "docs" / "images" / "seeing.jpg",
) -> None:
    """Write the sheet and print the share of right points in each case."""
    estimator = BuiltinEstimator.load(torch.device("cpu"), torch.float32)
    tiles = []
    for name, case in CASES.items():
        every = sorted(
            (seen(estimator, *case(np.random.default_rng([7, number]))) for number in range(people)),
            key=lambda one: -one.right,
        )
        missed = sum(one.right == 0 for one in every)
        print(f"| {name} | {np.mean([one.right for one in every]):.3f} | {missed} |", flush=True)
        tiles += [Tile(shown.rgb, f"{name}: {shown.right:.2f}") for shown in (every[0], every[people // 2], every[-1])]
    write_sheet(output, tiles, columns=6, overwrite=True)


def seen(estimator: BuiltinEstimator, rgb: ByteArray, truth: FloatArray) -> Seen:
    """Return what is seen in a picture of one person."""
    try:
        person = estimator.analyze_picture(rgb)
    except NoPersonError:
        return Seen(fitted(rgb), 0.0)
    points = person.pose.points
    matte = matte_in_frame(rgb, person)
    drawn = draw_pose(overlay(rgb, parsing_in_frame(rgb, person, matte), 0.4), points)
    visible = truth[:, 2] >= 0.9
    there = truth[truth[:, 2] > 0, :2]
    size = float(np.linalg.norm(there.max(0) - there.min(0)))
    right = np.linalg.norm(points[:, :2] - truth[:, :2], axis=1) < WITHIN * size
    return Seen(fitted(drawn), float((right & (points[:, 2] > 0))[visible].mean()))


def fitted(rgb: ByteArray) -> ByteArray:
    """Return a picture fitted into a tile."""
    scale = min(240 / rgb.shape[0], 200 / rgb.shape[1])
    return np.asarray(cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), dtype=np.uint8)


if __name__ == "__main__":
    typer.run(main)
