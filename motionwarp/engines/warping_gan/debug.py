"""Pictures of what the networks of the `parts` preset see and decide, for people who want to look."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import torch
from torch import Tensor

from motionwarp.engines.warping_gan.networks import COMPOSITE, PART_COUNT, PartGeneratorOutput, apply_blend
from motionwarp.parsing.drawing import colorize
from motionwarp.parsing.labels import CLASS_COUNT
from motionwarp.types import CROP_HEIGHT, CROP_WIDTH, ByteArray

PANELS: Final = ("parsing", "in front", "warped parts", "made", "blend", "painted", "gate", "alpha shift")
_COLUMNS: Final = 4
_TITLE_HEIGHT: Final = 20
_GRAY: Final = 0.5
# one colour a part, spread over the circle of hues so that neighbours differ; 'no part' and what comes after is grey
_PART_COLORS: Final = np.array(
    [
        cv2.cvtColor(np.array([[[part * 77 % 180, 200, 150 + 35 * (part % 4)]]], dtype=np.uint8), cv2.COLOR_HSV2RGB)[
            0, 0
        ]
        for part in range(PART_COUNT)
    ]
    + [(128, 128, 128), (255, 255, 255)],
    dtype=np.uint8,
)


def region_pictures(layers: Tensor, stage_one: Tensor, recipe: PartGeneratorOutput) -> list[ByteArray]:
    """Draw each frame's parsing, parts, gate and blend.

    Parameters
    ----------
    layers : float (B, 16, 4, H/2, W/2)
        Matched parts and their composite.
    stage_one : float (B, 36, H/4, W/4)
    recipe : PartGeneratorOutput

    Returns
    -------
    list of B uint8 (552, 768, 3)
        Eight titled panels of the window's size. In `blend`, each pixel has the colour of the part that counts most in
        it, the composite is grey and the painted picture white; `gate` is its mean over channels; in `alpha shift`
        light is more.
    """
    rgb, alpha = apply_blend(layers.float(), recipe)
    made = rgb * alpha + _GRAY * (1 - alpha)
    composite = layers[:, COMPOSITE, :3] + _GRAY * (1 - layers[:, COMPOSITE, 3:])
    present = layers[:, :COMPOSITE, 3].float()
    logits = recipe.blend_logits.float()
    # a part without a pixel has no say
    told = torch.cat([logits[:, :COMPOSITE] + present.clamp_min(1e-4).log(), logits[:, COMPOSITE:]], dim=1)
    shift = torch.sigmoid(recipe.alpha_shift.float()).expand(-1, 3, -1, -1)
    gate = (
        torch.zeros_like(shift)
        if recipe.gate is None
        else recipe.gate.float().mean(1, keepdim=True).expand(-1, 3, -1, -1)
    )
    pictures = []
    for frame in range(len(layers)):
        panels = (
            colorize(stage_one[frame, :CLASS_COUNT].argmax(0).to(torch.uint8).cpu().numpy()),
            _PART_COLORS[stage_one[frame, CLASS_COUNT:].argmax(0).cpu().numpy()],
            _bytes(composite[frame]),
            _bytes(made[frame]),
            _blend_colors(told[frame], alpha[frame]),
            _bytes(recipe.painted[frame]),
            _bytes(gate[frame]),
            _bytes(shift[frame]),
        )
        pictures.append(_sheet([np.asarray(panel, dtype=np.uint8) for panel in panels]))
    return pictures


def _blend_colors(told: Tensor, alpha: Tensor) -> ByteArray:
    colors = _PART_COLORS[told.argmax(0).cpu().numpy()]
    return np.asarray(colors * alpha[0, ..., None].cpu().numpy(), dtype=np.uint8)


def _bytes(picture: Tensor) -> ByteArray:
    scaled = (picture.float().clamp(0, 1) * 255).round().to(torch.uint8)
    return np.asarray(scaled.permute(1, 2, 0).cpu().numpy())


def _sheet(panels: list[ByteArray]) -> ByteArray:
    tiles = []
    for name, panel in zip(PANELS, panels, strict=True):
        tile = np.zeros((CROP_HEIGHT + _TITLE_HEIGHT, CROP_WIDTH, 3), dtype=np.uint8)
        tile[_TITLE_HEIGHT:] = cv2.resize(panel, (CROP_WIDTH, CROP_HEIGHT), interpolation=cv2.INTER_NEAREST)
        cv2.putText(tile, name, (4, 15), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (255, 255, 255), 1, cv2.LINE_AA)
        tiles.append(tile)
    rows = [np.hstack(tiles[start : start + _COLUMNS]) for start in range(0, len(tiles), _COLUMNS)]
    return np.vstack(rows)
