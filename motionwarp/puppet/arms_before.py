"""Arms that lie before the trunk, told from it by their colors. Ours.

How broad a forearm is the points do not say, and parsings lose its edge: what is left of it beside its middle would
stay printed on the trunk when the arm moves away. Pixels beside an arm that have colors which the arm has and the trunk
has not belong to the arm. Where both wear the same nothing is decided, and a scrap that stays behind is not seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter

from motionwarp.puppet import parts
from motionwarp.puppet.segmentation import PartRegions
from motionwarp.types import BoolArray, ByteArray, FloatArray

_ARMS: Final = tuple(part for limb in (parts.RIGHT_ARM, parts.LEFT_ARM) for part in limb.parts[1:])
_SURELY_ARM: Final = 0.8  # radii of the arm within which its own pixels tell its colors
_REACH: Final = 2.0  # radii of the arm within which its scraps are looked for
_BENEATH: Final = 1.0  # radii of a trunk's part within which it goes on beneath the arm
_TRUNK: Final = (
    parts.TORSO, parts.GARMENT, parts.RIGHT_THIGH, parts.LEFT_THIGH, parts.RIGHT_SHIN, parts.LEFT_SHIN,
)  # fmt: skip
_LEVELS: Final = 16  # of each channel of Lab
_LEAST_PIXELS: Final = 12  # that tell colors
_SURE_SHARE: Final = 0.85  # how likely a color is the arm's, at least


def with_arms_before(regions: PartRegions, distances: FloatArray, rgb: ByteArray, solid: BoolArray) -> PartRegions:
    """Return regions in which forearms and hands have those pixels before the trunk that have their colors alone.

    Parameters
    ----------
    regions : PartRegions
    distances : float32 (P, h, w)
        Of every pixel from each part's middle, in its radii, as `part_distances` gives them.
    rgb : uint8 (h, w, 3)
        The picture at the regions' resolution.
    solid : bool (h, w)
        Where the person is.
    """
    owner = np.where(solid & (regions.own.max(axis=0) > 0), regions.own.argmax(axis=0), -1)
    of_trunk = np.isin(owner, _TRUNK)
    beside = (distances[list(_ARMS)] < _REACH).any(axis=0)
    bins = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB) // np.uint8(256 // _LEVELS), dtype=np.uint8)
    trunk = _ColorShares.of(bins, of_trunk & ~beside)
    margins, own = regions.margins.copy(), regions.own.copy()
    for part in _ARMS:
        arm = _ColorShares.of(bins, (owner == part) & (distances[part] < _SURELY_ARM))
        if arm is None or trunk is None:
            continue
        likely = arm.at(bins) > _SURE_SHARE / (1 - _SURE_SHARE) * trunk.at(bins)
        taken = _joined_to(of_trunk & likely & (distances[part] < _REACH), owner == part)
        owner[taken] = part
        for plane in (margins, own):
            plane[part][taken] = np.maximum(plane[part][taken], 1.0)
        for other in _TRUNK:
            own[other][taken] = np.minimum(own[other][taken], -1.0)
            beneath = taken & (regions.own[other] > 0)
            margins[other][beneath] = np.where(distances[other][beneath] < _BENEATH, 3.0, -1.0)
    return PartRegions(margins, own)


@dataclass(frozen=True, eq=False)
class _ColorShares:
    """How often each color is seen, float32 of `_LEVELS` cubed, sum 1."""

    shares: FloatArray

    @classmethod
    def of(cls, bins: ByteArray, mask: BoolArray) -> _ColorShares | None:
        """Count the colors under a mask; None where it has too few pixels."""
        if np.count_nonzero(mask) < _LEAST_PIXELS:
            return None
        counts = np.zeros((_LEVELS,) * 3, dtype=np.float32)
        np.add.at(counts, tuple(bins[mask].T), 1)
        smooth = gaussian_filter(counts, 0.7, mode="nearest")
        return cls((smooth / smooth.sum() + np.float32(1e-6)).astype(np.float32))

    def at(self, bins: ByteArray) -> FloatArray:
        """Return the share of each pixel's color, float32 (h, w)."""
        return np.asarray(self.shares[bins[..., 0], bins[..., 1], bins[..., 2]], dtype=np.float32)


def _joined_to(mask: BoolArray, region: BoolArray) -> BoolArray:
    """Return those pieces of a mask, without what is a pixel thin, that touch a region."""
    kernel = np.ones((3, 3), np.uint8)
    with_region = cv2.morphologyEx((mask | region).astype(np.uint8), cv2.MORPH_OPEN, kernel) | region.astype(np.uint8)
    _, pieces = cv2.connectedComponents(with_region, connectivity=4)
    joined = np.unique(np.asarray(pieces)[region])
    return np.asarray(mask & np.isin(pieces, joined[joined > 0]) & (with_region > 0))
