"""SwapGAN at work: the wearer of the clothes, drawn in the person's pose, with the person's own head pasted on."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import cv2
import numpy as np
import torch
from torch import Tensor

from motionwarp.data.person_window import person_box, reshaped, window_around
from motionwarp.engines.crop_gan.engine import GRAY, over_plain
from motionwarp.engines.swap_gan.data import head_mask, swap_picture
from motionwarp.engines.swap_gan.networks import load_swap_networks
from motionwarp.engines.swapping import ClothesSwapper, DressedPicture
from motionwarp.errors import OptionError
from motionwarp.inpainting.clean_plate import clean_plate
from motionwarp.parsing.garments import GarmentChoice
from motionwarp.perception.crops import extract_views
from motionwarp.perception.framing import CropView
from motionwarp.types import ByteArray, FloatArray, PersonCrop, SourcePerson

_EDGE: Final = 1.5  # pixels


class SwapGanSwapper(ClothesSwapper):
    """Changes all clothes at once, as the paper does: everything but the head is drawn by G_I.

    Parameters
    ----------
    weights : str or Path
        What `motionwarp train swap_gan generators` exported.

    Raises
    ------
    WeightsError
        If the file is missing, damaged, or holds other networks.
    """

    name = "swap_gan"

    def __init__(self, weights: str | Path) -> None:
        self._networks, self.weights_sha256 = load_swap_networks(weights)
        self.config = self._networks.config

    @torch.inference_mode()
    def dress(self, person: SourcePerson, clothes: SourcePerson, choice: GarmentChoice) -> DressedPicture:
        """Dress a person in what another one wears; see `ClothesSwapper.dress`.

        Raises
        ------
        OptionError
            If only some of the clothes shall be changed.
        """
        if choice != "all":
            raise OptionError(
                "SwapGAN changes all clothes at once",
                values={"what": choice},
                remedy="Leave the option out, or use `engine=avatar`",
            )
        window = self._window(person)
        reference, condition = self._seen(person, window), self._seen(clothes, self._window(clothes))
        made: Tensor = self._networks(condition[0], reference[1])
        mask: Tensor = self._networks.mask(made)
        picture = torch.cat([made, mask], dim=1)[0].permute(1, 2, 0).float().numpy()
        return self._pasted(person, picture, window)

    def _window(self, person: SourcePerson) -> PersonCrop:
        height, width = person.matte.shape
        window = window_around(person_box(person.pose.points, person.matte), height, width)
        return reshaped(window, self.config.height, self.config.width)

    def _seen(self, person: SourcePerson, window: PersonCrop) -> tuple[Tensor, Tensor]:
        """Return a person's window over the plain background and their pose as lines, (1, 3, H, W) in [0, 1]."""
        rgb = extract_views(over_plain(person.rgb, person.matte), [CropView(window)])[0]
        points = person.pose.transformed(window.frame_to_crop()).points
        seen = swap_picture(
            torch.from_numpy(rgb).permute(2, 0, 1)[None],
            torch.zeros((1, *rgb.shape[:2]), dtype=torch.uint8),
            torch.from_numpy(points)[None],
            torch.device("cpu"),
        )
        return seen.rgb, seen.pose

    def _pasted(self, person: SourcePerson, made: FloatArray, window: PersonCrop) -> DressedPicture:
        """Put what was made (h, w, 4) in the person's place, beneath their head."""
        height, width = person.matte.shape
        # what is seen of the plain background is taken off again
        mask = made[..., 3:]
        colors = np.clip(made[..., :3] - GRAY / 255 * (1 - mask), 0, mask)
        layer = cv2.warpAffine(
            np.dstack([colors, mask]).astype(np.float32), window.crop_to_frame(), (width, height), flags=cv2.INTER_CUBIC
        ).clip(0, 1)
        head = head_mask(torch.from_numpy(person.parsing)[None])[0, 0].numpy() * person.matte
        head = (cv2.GaussianBlur(head, (0, 0), _EDGE) * (head > 0)).astype(np.float32)
        photo = person.rgb.astype(np.float32)
        gone = person.matte[..., None] > 0.02
        under = np.where(gone, clean_plate(person.rgb, person.matte).astype(np.float32), photo)
        drawn = 255 * layer[..., :3] + (1 - layer[..., 3:]) * under
        drawn = drawn + head[..., None] * (photo - drawn)
        changed = np.maximum(layer[..., 3], gone[..., 0]) * (1 - head)
        rgb = np.where(changed[..., None] > 1 / 255, np.rint(drawn).clip(0, 255), photo).astype(np.uint8)
        return DressedPicture(rgb, _float(np.where(changed > 1 / 255, changed, 0)), _float(layer[..., 3] * (1 - head)))


def _float(plane: FloatArray | ByteArray) -> FloatArray:
    return np.asarray(plane, dtype=np.float32)
