"""What a run looks like: pictures side by side, written at every export."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import torch
from torch import Tensor

from motionwarp.parsing.drawing import colorize

SHOWN_ROWS: Final = 6  # of a batch


def write_rows(columns: Sequence[Tensor], path: Path) -> None:
    """Write pictures as PNG, one row for each of a batch.

    Parameters
    ----------
    columns : sequence of float (B, 3, H, W)
        In [0, 1]; of one size.
    path : Path
    """
    rows = torch.cat([torch.cat(list(column), dim=1) for column in columns], dim=2)
    grid = (rows.float().clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0).cpu().numpy()
    cv2.imwrite(str(path), np.ascontiguousarray(grid[..., ::-1]))


def colored(parsing: Tensor) -> Tensor:
    """Return parsings, integers (B, H, W), in the classes' colors, float (B, 3, H, W) in [0, 1]; 255 is not known."""
    pictures = [colorize(plane) for plane in parsing.to(torch.uint8).cpu().numpy()]
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 255
