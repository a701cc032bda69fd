"""Makes docs/images/turn.jpg: the person of a photo, turned once around in eight steps by the engine `avatar`.

Run from a checkout with motionwarp installed: `python examples/make_turn_sheet.py`. The example's own person is turned;
`python examples/make_turn_sheet.py PHOTO -o sheet.jpg` takes a photo of your own instead.

From left to right: the photo, then the person from the front, from their left side, from behind and from their right.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer

from motionwarp.engines.avatar.engine import AvatarEngine
from motionwarp.engines.avatar.posing import PoseParams
from motionwarp.engines.base import RenderSettings
from motionwarp.media.image import write_image
from motionwarp.pipeline.analysis import load_estimator
from motionwarp.pipeline.layout import resized
from motionwarp.pipeline.options import TransferOptions
from motionwarp.pipeline.source import prepare_source, read_source
from motionwarp.types import ByteArray, PersonLayer, PoseTrack

HERE = Path(__file__).resolve().parent
STEPS = 8
HEIGHT, GAP = 480, 4
BACKDROP = 236  # gray


def main(
    photo: Annotated[Path, typer.Argument(help="The person.")] = HERE / "person.jpg",
    output: Annotated[Path, typer.Option("-o", "--output")] = HERE.parent / "docs" / "images" / "turn.jpg",
) -> None:
    """Write the sheet."""
    own_points = photo.with_suffix(".keypoints18.json")
    options = TransferOptions(source_poses=own_points if own_points.is_file() else None)
    source = prepare_source(read_source(photo, options), options, load_estimator(options)).person
    height, width = source.matte.shape
    engine = AvatarEngine()
    engine.prepare(source, RenderSettings(torch.device("cpu"), torch.float32, width, height))
    track = PoseTrack(source.pose.points[None], np.ones(1, np.bool_), np.zeros(1), width, height)
    motion = engine.follow(track)
    poses = PoseParams.of_motion(motion)
    turns = torch.cat([upright(360 * step / STEPS).to(poses.turns.dtype) @ poses.turns for step in range(STEPS)])
    around = PoseParams(turns, poses.camera.expand(STEPS, -1)).motion(np.repeat(motion.points, STEPS, axis=0))
    layers = engine.render(around, engine.plan(around))
    whole = [source.rgb, *(on_gray(layer, height, width) for layer in layers)]
    used = np.flatnonzero((source.matte > 0.5).any(axis=0))
    left, right = max(used[0] - width // 16, 0), used[-1] + width // 16
    pieces = [scaled(np.ascontiguousarray(picture[:, left:right])) for picture in whole]
    gap = np.full((HEIGHT, GAP, 3), 255, np.uint8)
    output.parent.mkdir(parents=True, exist_ok=True)
    write_image(output, np.hstack([part for piece in pieces for part in (piece, gap)][:-1]), overwrite=True)


def upright(degrees: float) -> torch.Tensor:
    """Return the turn about the upright axis, to the person's right, (3, 3)."""
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return torch.tensor([[cosine, 0.0, sine], [0.0, 1.0, 0.0], [-sine, 0.0, cosine]])


def on_gray(layer: PersonLayer, height: int, width: int) -> ByteArray:
    """Return a layer over gray."""
    frame = np.full((height, width, 3), BACKDROP, dtype=np.float32)
    rows, columns = layer.rgba.shape[:2]
    box = frame[layer.top : layer.top + rows, layer.left : layer.left + columns]
    box *= 1 - layer.rgba[..., 3:].astype(np.float32) / 255
    box += layer.rgba[..., :3]
    return np.rint(frame).clip(0, 255).astype(np.uint8)


def scaled(rgb: ByteArray) -> ByteArray:
    """Return a picture at the sheet's height."""
    return resized(rgb, round(rgb.shape[1] * HEIGHT / rgb.shape[0]), HEIGHT)


if __name__ == "__main__":
    typer.run(main)
