"""What is behind clothes that are taken off: skin where the body is, cloth at the waist, else what the person hides.

Ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from motionwarp.avatar.avatar import usable_joints
from motionwarp.avatar.body_surface import BodySurface, IntArray
from motionwarp.avatar.regions import person_regions
from motionwarp.body.rasterizer import Fragments, rasterize
from motionwarp.inpainting.clean_plate import clean_plate
from motionwarp.parsing import labels
from motionwarp.parsing.garments import GARMENT_CLASSES, GarmentChoice, below_waist
from motionwarp.puppet import parts
from motionwarp.puppet.textures import spread_colors
from motionwarp.types import BoolArray, ByteArray, FloatArray, SourcePerson

NOBODY: Final = -1
_SKIN: Final = (labels.FACE, labels.LEFT_ARM, labels.RIGHT_ARM, labels.LEFT_LEG, labels.RIGHT_LEG)
_SURE: Final = 0.92
_SKIN_TOLERANCE: Final = 26.0  # of Lab's 0..255, about the median, beyond which a pixel is lips, lashes or shadow
_SHADE: Final = 0.22  # how much darker skin is that faces aside
_HALO: Final = 0.02  # torsos around old clothes in which their edge is mixed with what is behind
_EDGE: Final = 1.0  # pixels


@dataclass(frozen=True, eq=False)
class UndressedPerson:
    """A person, the clothes that are taken off, and the body beneath.

    Attributes
    ----------
    source : SourcePerson
        Dresses divided at the waist.
    body : BodySurface
        Fitted to the photo.
    choice : str
        What is taken off.
    """

    source: SourcePerson
    body: BodySurface
    choice: GarmentChoice

    @cached_property
    def torso(self) -> float:
        """Length of the torso in pixels."""
        return float(usable_joints(self.source.pose.points).torso[0])

    @property
    def parsing(self) -> ByteArray:
        """Classes, dresses divided at the waist, uint8 (H, W)."""
        return self.source.parsing

    @cached_property
    def removed(self) -> BoolArray:
        """Where the old clothes are, bool (H, W)."""
        return np.asarray(np.isin(self.parsing, GARMENT_CLASSES[self.choice]) & (self.source.matte > 0.02))

    @cached_property
    def kept(self) -> BoolArray:
        """Where the person is and stays as they are, bool (H, W)."""
        return np.asarray((self.source.matte > 0.5) & (self.parsing != labels.BACKGROUND) & ~self.removed)

    @cached_property
    def part(self) -> IntArray:
        """The part that the photo shows in each pixel, int32 (H, W); -1 outside of the person."""
        own = person_regions(self.source, self.torso).own
        size = self.source.matte.shape[::-1]
        planes = [cv2.resize(np.maximum(plane, -20), size, interpolation=cv2.INTER_LINEAR) for plane in own]
        return np.where(self.source.matte > 0.5, np.argmax(planes, axis=0), NOBODY).astype(np.int32)

    @cached_property
    def bare(self) -> Fragments[npt.NDArray[Any]]:
        """The body's surface, without clothes, in the photo."""
        return rasterize(self.body.vertices, self.body.faces, *self.source.matte.shape)

    @cached_property
    def bare_part(self) -> IntArray:
        """The part of the body in each pixel, int32 (H, W); -1 where it is not."""
        bare = self.bare
        nearest = np.take_along_axis(self.body.faces[bare.face], bare.barycentric.argmax(axis=2)[..., None], axis=2)
        part = np.where(bare.covered, self.body.parts[nearest[..., 0]].astype(np.int32), NOBODY)
        # hands that the photo does not show are in pockets or behind
        return np.where(np.isin(part, (parts.RIGHT_HAND, parts.LEFT_HAND)), NOBODY, part).astype(np.int32)

    @cached_property
    def skin(self) -> FloatArray:
        """The colors that the body has where it is bare, float32 (H, W, 3) in [0, 255]: continued from what is seen."""
        source = self.source
        seen = np.isin(self.parsing, _SKIN) & (source.matte > _SURE)
        lab = cv2.cvtColor(source.rgb, cv2.COLOR_RGB2LAB).astype(np.float32)
        if not seen.any():
            seen = np.isin(self.parsing, (labels.HAIR,)) | (source.matte > _SURE)
        middle = np.median(lab[seen], axis=0)
        true = seen & (np.abs(lab - middle).max(axis=2) < _SKIN_TOLERANCE)
        inner = cv2.erode(true.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
        reliable = inner if inner.any() else (true if true.any() else seen)
        colors = spread_colors(cv2.blur(source.rgb, (3, 3)).astype(np.float32), reliable)
        smooth = cv2.GaussianBlur(colors, (0, 0), max(0.03 * self.torso, 1.0))
        return np.asarray(np.clip(smooth * self._shading[..., None], 0, 255), dtype=np.float32)

    @cached_property
    def _shading(self) -> FloatArray:
        """How light the body is by where it faces, float32 (H, W), about 1."""
        corners = self.body.vertices[self.body.faces]
        across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        normals = np.zeros_like(self.body.vertices)
        for corner in range(3):
            np.add.at(normals, self.body.faces[:, corner], across)
        normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-6)
        facing = np.abs(self.bare.interpolate(np.abs(normals[:, 2:]).astype(np.float32))[..., 0])
        smooth = cv2.GaussianBlur(facing, (0, 0), 1.5)
        return np.asarray(1 + _SHADE / 3 - _SHADE * (1 - smooth), dtype=np.float32)

    @cached_property
    def plate(self) -> ByteArray:
        """The photo without the person, uint8 (H, W, 3)."""
        return clean_plate(self.source.rgb, self.source.matte)

    @cached_property
    def below_waist(self) -> BoolArray:
        """Where the picture lies below the waist, bool (H, W)."""
        return below_waist(self.source.matte.shape, self.source.pose.points)

    def soft(self, mask: BoolArray) -> FloatArray:
        """Return a mask (H, W) grown over the blurred edge of what was there, but not into what stays, float32."""
        size = 2 * max(round(_HALO * self.torso), 2) + 1
        grown = cv2.dilate(mask.astype(np.uint8), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))) > 0
        inside = (grown & ~self.kept) | mask
        blurred = np.asarray(cv2.GaussianBlur(inside.astype(np.float32), (0, 0), _EDGE), dtype=np.float32)
        return np.where(grown, np.where(self.kept & ~mask, blurred, np.maximum(blurred, inside)), 0).astype(np.float32)

    def without_clothes(self, cloth: FloatArray, taken: BoolArray) -> FloatArray:
        """Return the photo with skin, cloth or what is behind the person where pixels are taken away.

        Parameters
        ----------
        cloth : float32 (H, W, 4)
            Colors of cloth that goes on at the waist and in sleeves, in [0, 255]; and where it is, in [0, 1].
        taken : bool (H, W)
            Where skin beside new clothes is taken away beside the old clothes.

        Returns
        -------
        float32 (H, W, 3)
        """
        body = cv2.GaussianBlur((self.bare_part != NOBODY).astype(np.float32), (0, 0), _EDGE)
        body = np.where(taken, 0, body)[..., None]
        filled = self.plate.astype(np.float32)
        filled = filled + body * (self.skin - filled)
        filled = filled + cloth[..., 3:] * (cloth[..., :3] - filled)
        away = self.soft(self.removed | taken)[..., None]
        photo = self.source.rgb.astype(np.float32)
        return np.asarray(photo + away * (filled - photo), dtype=np.float32)
