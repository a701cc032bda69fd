"""What an estimator saw, drawn for a sheet."""

from __future__ import annotations

from motionwarp.evaluation.analysis import SeenPicture
from motionwarp.media.contact_sheet import Tile
from motionwarp.pose.drawing import draw_pose


def draw_seen(picture: SeenPicture) -> Tile:
    """Draw what an estimator saw over the picture, with the share of points that were near."""
    rgb = picture.rgb if picture.predicted is None else draw_pose(picture.rgb, picture.predicted)
    return Tile(rgb, f"{picture.name}: {picture.near:.2f}" + (" not found" if picture.predicted is None else ""))
