"""The other side of a person, as rules tell it: the same outline with plain cloth, a closed neckline, and hair."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np

from motionwarp.puppet import parts
from motionwarp.puppet.back_view import seen_from_behind, with_strands
from motionwarp.puppet.cloth_backs import with_back_of_clothes, with_trunk_of
from motionwarp.puppet.segmentation import PartRegions
from motionwarp.types import ByteArray, SourcePerson

_TRUNK: Final = (parts.TORSO, parts.GARMENT, parts.RIGHT_THIGH, parts.LEFT_THIGH)
_SOFT_TORSOS: Final = 0.025  # over which colors that were made up for the head's back go over into each other
_STRAND_TORSOS: Final = 0.05  # what is finer than this counts as strands


@dataclass(frozen=True, eq=False)
class BackViews:
    """A person from behind, mirrored so that the outline is the photo's.

    Attributes
    ----------
    head, torso, limbs : SourcePerson
        With the back of the head, with that of the trunk, and with that of all else, which by rules is the front's.
        Each is right about its own parts only.
    rgb : uint8 (H, W, 3)
        All together.
    """

    head: SourcePerson
    torso: SourcePerson
    limbs: SourcePerson
    rgb: ByteArray

    def of(self, part: int) -> SourcePerson:
        """Return the view that is right about a part."""
        return self.head if part == parts.HEAD else self.torso if part in _TRUNK else self.limbs

    def repainted(self, rgb: ByteArray) -> BackViews:
        """Return the same views in other colors, uint8 (H, W, 3)."""
        head, torso, limbs = (replace(view, rgb=rgb) for view in (self.head, self.torso, self.limbs))
        return BackViews(head, torso, limbs, rgb)


def back_views(source: SourcePerson, regions: PartRegions, torso: float) -> BackViews:
    """Return a photo's person from behind, by rules.

    Parameters
    ----------
    source : SourcePerson
    regions : PartRegions
        Which pixels are which part's.
    torso : float
        Length of the torso in pixels.
    """
    trunk = with_back_of_clothes(source, regions)
    covered = with_trunk_of(source, trunk)
    head = _softened(seen_from_behind(covered), covered.rgb, _SOFT_TORSOS * torso)
    head = with_strands(head, covered.rgb, _STRAND_TORSOS * torso)
    is_trunk = (trunk.rgb != source.rgb).any(axis=2, keepdims=True)
    return BackViews(head, trunk, source, np.where(is_trunk, trunk.rgb, head.rgb))


def _softened(person: SourcePerson, before: ByteArray, sigma: float) -> SourcePerson:
    """Return a person whose pixels that were made up, other than `before`, go over into each other: hair into skin."""
    made_up = (person.rgb != before).any(axis=2)
    weight = made_up.astype(np.float32)
    summed = cv2.GaussianBlur(np.dstack([person.rgb * weight[..., None], weight]), (0, 0), max(sigma, 0.5))
    smooth = np.rint(summed[..., :3] / np.maximum(summed[..., 3:], np.float32(1e-6))).clip(0, 255).astype(np.uint8)
    return replace(person, rgb=np.where(made_up[..., None], smooth, person.rgb))
