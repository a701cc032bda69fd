"""What GANs over a crop are trained from: pairs of whole pictures at one size, drawn from packs by number."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple, TypedDict

import numpy as np
import torch
from torch import Tensor

from motionwarp.data.labeled_pairs import LabeledPair, PairPackReader
from motionwarp.data.pack import LabeledPicture
from motionwarp.data.person_window import reshaped
from motionwarp.data.windowed import windowed
from motionwarp.engines.crop_gan.engine import one_hot_parsing, over_plain
from motionwarp.errors import OptionError
from motionwarp.parsing.labels import IGNORE
from motionwarp.parsing.labels import MIRROR as CLASS_MIRROR
from motionwarp.pose.heatmaps import disc_heatmaps
from motionwarp.pose.skeleton import MIRROR as POINT_MIRROR
from motionwarp.training.pack_samples import PackSamples, PackShare, check_shares
from motionwarp.types import CROP_HEIGHT, CROP_WIDTH, PersonCrop

_MULTIPLE: Final = 8  # both stages halve the picture three times
_CLASS_TABLE: Final = np.arange(256, dtype=np.uint8)
_CLASS_TABLE[: len(CLASS_MIRROR)] = CLASS_MIRROR


@dataclass(frozen=True)
class CropDataConfig:
    """What the networks see.

    Attributes
    ----------
    packs : tuple of PackShare
        Packs of pairs of pictures.
    height, width : int
        In pixels, multiples of 8: 256 x 256 for DeepFashion and 128 x 64 for Market-1501 in the paper. Pictures of
        another shape are fitted in whole.
    plain_background : bool
        Whether people are cut out and laid over gray, as the engine needs it; False leaves the pictures' own
        backgrounds, as the published protocols have them.
    """

    packs: tuple[PackShare, ...]
    height: int = CROP_HEIGHT
    width: int = CROP_WIDTH
    plain_background: bool = True

    def __post_init__(self) -> None:
        check_shares(self.packs)
        if min(self.height, self.width) <= 0 or self.height % _MULTIPLE or self.width % _MULTIPLE:
            raise OptionError(f"height and width must be multiples of {_MULTIPLE}, got {self.height} x {self.width}")


class CropBatch(TypedDict):
    """One batch.

    Keys
    ----
    source_rgb, target_rgb : uint8 (B, 3, H, W)
    source_parsing, target_parsing : uint8 (B, H, W)
        255 where not known.
    source_points, target_points : float32 (B, 18, 3)
        In pixels of these pictures.
    source_matte, target_matte : uint8 (B, 1, H, W)
        Coverage, 0..255.
    inside : uint8 (B, 1, H, W)
        1 where the target's picture has pixels.
    """

    source_rgb: Tensor
    source_parsing: Tensor
    source_points: Tensor
    target_rgb: Tensor
    target_parsing: Tensor
    target_points: Tensor
    source_matte: Tensor
    target_matte: Tensor
    inside: Tensor


class CropPairs(PackSamples[LabeledPair, CropBatch]):
    """Endless pairs by number, mirrored half of the time."""

    def __init__(self, config: CropDataConfig, seed: int) -> None:
        super().__init__(config.packs, seed)
        self.config = config

    def open_pack(self, path: Path) -> PairPackReader:
        """Open a pack of pairs of pictures."""
        return PairPackReader(path)

    def make(self, rng: np.random.Generator) -> CropBatch:
        """Draw a pair, both of its pictures at the configured size."""
        pair = self.draw(rng)
        mirror = bool(rng.random() < 0.5)
        return crop_sample(pair, self.config, mirror=mirror)


def crop_sample(pair: LabeledPair, config: CropDataConfig, *, mirror: bool) -> CropBatch:
    """Return a pair as a sample, without the batch's dimension: both of its pictures at the configured size.

    Parameters
    ----------
    pair : LabeledPair
    config : CropDataConfig
    mirror : bool
        Whether left and right are exchanged in both.
    """
    source, target = (_prepared(picture, config, mirror=mirror) for picture in (pair.source, pair.target))
    inside = (target.parsing != IGNORE) | (target.matte > 0)
    return CropBatch(
        source_rgb=torch.from_numpy(source.rgb).permute(2, 0, 1),
        source_parsing=torch.from_numpy(source.parsing),
        source_points=torch.from_numpy(source.points),
        target_rgb=torch.from_numpy(target.rgb).permute(2, 0, 1),
        target_parsing=torch.from_numpy(target.parsing),
        target_points=torch.from_numpy(target.points),
        source_matte=torch.from_numpy(source.matte)[None],
        target_matte=torch.from_numpy(target.matte)[None],
        inside=torch.from_numpy(inside.astype(np.uint8))[None],
    )


def _prepared(picture: LabeledPicture, config: CropDataConfig, *, mirror: bool) -> LabeledPicture:
    fitted = fitted_in(picture, config.height, config.width)
    if config.plain_background:
        fitted = over_gray(fitted)
    return _mirrored(fitted) if mirror else fitted


def fitted_in(picture: LabeledPicture, height: int, width: int) -> LabeledPicture:
    """Return the whole picture at a size, in its middle and as large as it fits; see `windowed` for what is around."""
    own_height, own_width = picture.matte.shape
    if (own_height, own_width) == (height, width):
        return picture
    return windowed(picture, reshaped(PersonCrop(0, 0, 1.0, own_width, own_height), height, width))


def over_gray(picture: LabeledPicture) -> LabeledPicture:
    """Return the picture with its person over a plain background."""
    rgb = over_plain(picture.rgb, picture.matte.astype(np.float32) / np.float32(255))
    return LabeledPicture(rgb, picture.matte, picture.parsing, picture.points, picture.name)


def _mirrored(picture: LabeledPicture) -> LabeledPicture:
    points = picture.points[list(POINT_MIRROR)].copy()
    points[:, 0] = picture.matte.shape[1] - 1 - points[:, 0]
    rgb, matte = (np.ascontiguousarray(plane[:, ::-1]) for plane in (picture.rgb, picture.matte))
    parsing = np.ascontiguousarray(_CLASS_TABLE[picture.parsing[:, ::-1]])
    return LabeledPicture(rgb, matte, parsing, points, picture.name)


class CropInputs(NamedTuple):
    """A batch as the networks take it.

    Attributes
    ----------
    source_rgb, target_rgb : float32 (B, 3, H, W)
        In [0, 1].
    source_parsing, target_parsing : float32 (B, 20, H, W)
        One-hot, zeros where not known.
    source_heatmaps, target_heatmaps : float32 (B, 18, H, W)
        Discs of radius 4.
    target_labels : int64 (B, H, W)
        255 where not known.
    inside : float32 (B, 1, H, W)
    """

    source_rgb: Tensor
    source_parsing: Tensor
    source_heatmaps: Tensor
    target_rgb: Tensor
    target_parsing: Tensor
    target_heatmaps: Tensor
    target_labels: Tensor
    inside: Tensor


def crop_inputs(batch: CropBatch, device: torch.device) -> CropInputs:
    """Return a batch as the networks take it, on a device."""
    height, width = batch["source_rgb"].shape[-2:]
    labels = batch["target_parsing"].to(device).long()
    return CropInputs(
        batch["source_rgb"].to(device).float() / 255,
        one_hot_parsing(batch["source_parsing"].to(device)),
        disc_heatmaps(batch["source_points"].to(device), height, width),
        batch["target_rgb"].to(device).float() / 255,
        one_hot_parsing(labels),
        disc_heatmaps(batch["target_points"].to(device), height, width),
        labels,
        batch["inside"].to(device).float(),
    )
