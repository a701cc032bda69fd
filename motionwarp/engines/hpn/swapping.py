"""HPN's try-on (section 4.4): an appearance flow carries a garment's pixels to where the person's own garment is.

The network sees both garments through windows of its size; the flow is followed at the photos' resolution. The paper
first transfers the person into a frontal pose without occlusion; here they keep their photo's pose, and the outline of
their own garment stays.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import cv2
import numpy as np
import torch

from motionwarp.data.person_window import person_box, reshaped, window_around
from motionwarp.engines.hpn.flow import FLOW_FILE, GarmentFlow
from motionwarp.engines.swapping import ClothesSwapper, DressedPicture
from motionwarp.errors import NoPersonError
from motionwarp.parsing.garments import GARMENT_CLASSES, GarmentChoice, divided_at_waist
from motionwarp.puppet.textures import spread_colors
from motionwarp.types import BoolArray, ByteArray, FloatArray, PersonCrop, SourcePerson

_EDGE: Final = 1.0  # pixels


class FlowSwapper(ClothesSwapper):
    """Changes clothes by a flow between their masks.

    Parameters
    ----------
    weights : str or Path
        What `motionwarp train hpn_flow flow` exported.

    Raises
    ------
    WeightsError
        If the file is missing, damaged, or holds another network.
    """

    name = "hpn_flow"

    def __init__(self, weights: str | Path) -> None:
        file = FLOW_FILE.load(weights)
        self._network: GarmentFlow = file.network
        self.weights_sha256 = file.sha256
        self.height, self.width = self._network.config.height, self._network.config.width

    @torch.inference_mode()
    def dress(self, person: SourcePerson, clothes: SourcePerson, choice: GarmentChoice) -> DressedPicture:
        """Dress a person in what another one wears; see `ClothesSwapper.dress`.

        Raises
        ------
        NoPersonError
            If neither of the garments is worn by both.
        """
        rgb = person.rgb.astype(np.float32)
        covered = np.zeros(person.matte.shape, dtype=np.float32)
        kinds: tuple[GarmentChoice, ...] = ("upper", "lower") if choice == "all" else (choice,)
        for kind in kinds:
            own, other = _mask(person, kind), _mask(clothes, kind)
            if not (own.any() and other.any()):
                continue
            soft = cv2.GaussianBlur(own.astype(np.float32), (0, 0), _EDGE) * (person.matte > 0.02)
            rgb = rgb + soft[..., None] * (self._carried(person, clothes, own, other) - rgb)
            covered = np.maximum(covered, soft)
        if not covered.any():
            raise NoPersonError(
                f"person and clothes show no garment of the same kind ({' or '.join(kinds)})",
                remedy="Use `engine=avatar`, which needs no garment to be replaced.",
            )
        changed = np.where(covered > 1 / 255, covered, 0).astype(np.float32)
        made = np.where(changed[..., None] > 0, np.rint(rgb).clip(0, 255), person.rgb).astype(np.uint8)
        return DressedPicture(made, changed, changed)

    def _carried(self, person: SourcePerson, clothes: SourcePerson, own: BoolArray, other: BoolArray) -> FloatArray:
        """Return the garment's colors where the person's own garment is, float32 (H, W, 3), continued around."""
        here, there = self._window(person), self._window(clothes)
        garment, mask = self._seen(clothes.rgb, other, there)
        _, wanted = self._seen(person.rgb, own, here)
        grid = self._network(garment, mask, wanted)[0].numpy()  # (h, w, 2), in units of the clothes' window
        x, y = ((grid[..., axis] + 1) * (side / 2) - 0.5 for axis, side in enumerate((self.width, self.height)))
        back = there.crop_to_frame()
        places = np.stack([back[0, 0] * x + back[0, 2], back[1, 1] * y + back[1, 2]], axis=-1).astype(np.float32)
        height, width = person.matte.shape
        full = cv2.warpAffine(
            places, here.crop_to_frame(), (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        cloth = spread_colors(clothes.rgb.astype(np.float32), other)
        return np.asarray(
            cv2.remap(cloth, full[..., 0], full[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE),
            dtype=np.float32,
        )

    def _window(self, person: SourcePerson) -> PersonCrop:
        height, width = person.matte.shape
        window = window_around(person_box(person.pose.points, person.matte), height, width)
        return reshaped(window, self.height, self.width)

    def _seen(self, rgb: ByteArray, mask: BoolArray, window: PersonCrop) -> tuple[torch.Tensor, torch.Tensor]:
        """Return a window's picture (1, 3, h, w) in [0, 1] and mask (1, 1, h, w)."""
        size = self.width, self.height
        matrix = window.frame_to_crop()
        seen = cv2.warpAffine(rgb, matrix, size, flags=cv2.INTER_AREA)
        inside = cv2.warpAffine(mask.astype(np.float32), matrix, size, flags=cv2.INTER_LINEAR)
        return (
            torch.from_numpy(np.asarray(seen)).permute(2, 0, 1)[None].float() / 255,
            torch.from_numpy((inside > 0.5).astype(np.float32))[None, None],
        )


def _mask(person: SourcePerson, kind: GarmentChoice) -> BoolArray:
    parsing = divided_at_waist(person.parsing, person.pose.points)
    return np.asarray(np.isin(parsing, GARMENT_CLASSES[kind]) & (person.matte > 0.5), dtype=np.bool_)
