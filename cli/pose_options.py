"""What `motionwarp pose` writes of a person."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from motionwarp.options import OverwriteOptions, Panel, documented, option


@documented
@dataclass(frozen=True, kw_only=True)
class PoseOutputOptions(OverwriteOptions):
    """What is written of a person."""

    output: Path = option(
        Path(),
        help="A file for one input, of the format's ending, or a folder.",
        flags=("--output", "-o"),
        metavar="FILE|DIR",
        panel=Panel.OUTPUT,
    )
    format: Literal["json", "openpose", "coco", "bvh", "npz"] = option(
        "json",
        help="json: this project's; npz: NumPy; bvh: motion capture; openpose: a folder of one file a frame; coco.",
        panel=Panel.OUTPUT,
    )
    body: bool = option(
        True, help="Also read the third dimension: joints, rotations, camera, facing.", panel=Panel.OUTPUT
    )
    overlay: bool = option(False, help="Also draw the points over the input.", panel=Panel.OUTPUT)
    overlay_body: bool = option(False, help="Also draw the body over the input.", panel=Panel.OUTPUT)
