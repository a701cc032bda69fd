"""An avatar: the surfaces and textures of one person, and how the bones of a body move them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np
import torch

from motionwarp.avatar.extremities import SEEN_FROM_ABOVE
from motionwarp.avatar.renderer import Atlas, Drawing, SurfaceStack, draw, moved_positions, place_vertices
from motionwarp.avatar.rest_order import RestOrder, shown_vertices
from motionwarp.avatar.rims import SoftRims
from motionwarp.avatar.sheets import Sheets, facing
from motionwarp.body.layout import DRIVEN_BONES
from motionwarp.compiled import compiled
from motionwarp.errors import NoPersonError
from motionwarp.puppet import parts
from motionwarp.puppet.joints import Joints
from motionwarp.types import BoolArray, FloatArray

_SIDE_BEGINS: Final = 0.1  # of the cosine more than in the photo, from which on the sides' own colors come in
_SIDE_FADE: Final = 0.35
FEET: Final = {parts.RIGHT_FOOT: "foot.R", parts.LEFT_FOOT: "foot.L"}
"""The bones of the feet, by part."""
_FOOT_BONES: Final = [DRIVEN_BONES.index(name) for name in FEET.values()]
_BENEATH: Final = (parts.TORSO, parts.RIGHT_THIGH, parts.RIGHT_SHIN, parts.LEFT_THIGH, parts.LEFT_SHIN)
_CLOTH_METERS: Final = 0.03  # by which what hangs is nearer to a camera than the body beneath it


@dataclass(frozen=True, eq=False)
class Avatar:
    """A person of a photo in space.

    Attributes
    ----------
    sheets : Sheets
        In meters, the body's root at the origin, in the photo's pose and seen by its camera.
    atlas : Atlas
    rotations : float32 (B, 3, 3)
        Of the driven bones in the photo, against the camera.
    joints : float32 (B, 3)
        Where they begin there, in meters from the root.
    scale : float
        Pixels of the photo for a meter.
    shift : (float, float)
        Where the root lies in the photo, in pixels.
    coefficients : float32 (K,)
        Of the body's shape.
    """

    sheets: Sheets
    atlas: Atlas
    rotations: FloatArray
    joints: FloatArray
    scale: float
    shift: tuple[float, float]
    coefficients: FloatArray

    @cached_property
    def _depth_beneath(self) -> FloatArray:
        """How much farther away than it is each vertex counts, in meters, float32 (N,): a skirt hides its legs.

        A fitted leg is never quite within the cloth over it; cameras of weak perspective do not see the difference.
        """
        behind = np.zeros(len(self.sheets.positions), dtype=np.float32)
        part_of_face = self.sheets.layers // 2
        if (part_of_face == parts.GARMENT).any():
            behind[self.sheets.faces[np.isin(part_of_face, _BENEATH)]] = _CLOTH_METERS
        return behind

    @cached_property
    def _rest_order(self) -> RestOrder:
        return RestOrder.of(self.sheets, shown_vertices(self.sheets, self.atlas), self._depth_beneath)

    @cached_property
    def _rims(self) -> SoftRims:
        return SoftRims.of(self.sheets)

    @property
    def rest(self) -> RestPose:
        """The body and its pose in the photo."""
        return RestPose(self.rotations, self.joints, self.scale, self.shift, self.coefficients)

    def resized(self, across: float, down: float) -> Avatar:
        """Return the avatar of the same photo at another size, with textures to match.

        Parameters
        ----------
        across, down : float
            Columns and rows of the other photo for one of this, in (0, 1].
        """
        if across == down == 1:
            return self
        factor = np.array([across, down], dtype=np.float32)
        x, y = (np.asarray(self.shift) + 0.5) * factor - 0.5
        return replace(
            self,
            sheets=replace(
                self.sheets,
                uv=(self.sheets.uv + np.float32(0.5)) * factor - np.float32(0.5),
                side_uv=(self.sheets.side_uv + np.float32(0.5)) * factor - np.float32(0.5),
            ),
            atlas=self.atlas.resized(across, down),
            scale=self.scale * float(np.sqrt(across * down)),
            shift=(float(x), float(y)),
        )

    def transforms(self, rotations: FloatArray, joints: FloatArray) -> FloatArray:
        """Return how every bone moves its surroundings from the photo to a pose, float32 (B, 3, 4).

        Parameters
        ----------
        rotations : float32 (B, 3, 3)
        joints : float32 (B, 3)
            In meters from the root.
        """
        turn = rotations @ self.rotations.transpose(0, 2, 1)
        # a camera before the chest looks down at feet, from whatever side: their turns are those that it sees
        turn[_FOOT_BONES] = SEEN_FROM_ABOVE @ turn[_FOOT_BONES] @ SEEN_FROM_ABOVE.T
        shift = joints - np.einsum("bij,bj->bi", turn, self.joints)
        return np.concatenate([turn, shift[..., None]], axis=2).astype(np.float32)

    def render(
        self, transforms: FloatArray, camera: FloatArray, size: tuple[int, int], rest: FloatArray | None = None
    ) -> tuple[FloatArray, FloatArray]:
        """Draw the avatar in a pose.

        Parameters
        ----------
        transforms : float32 (B, 3, 4)
        camera : float32 (3,)
            Pixels for a meter, and where the root lies in the picture.
        size : (int, int)
            Height and width of the picture.
        rest : float32 (2, 3) or None
            From pixels of the photo to those of the picture, where the photo lies behind the person.

        Returns
        -------
        picture : float32 (H, W, 4)
            Colors multiplied by alpha, and alpha, in 0..255.
        still : float32 (H, W)
            Which share of each pixel is where the photo has it, in [0, 1].
        """
        return self.drawing(transforms, camera, size, rest).whole()

    def drawing(
        self, transforms: FloatArray, camera: FloatArray, size: tuple[int, int], rest: FloatArray | None = None
    ) -> Drawing:
        """Draw the avatar in a pose, in its box of the picture; arguments as for `render`."""
        nowhere = np.zeros((2, 3), dtype=np.float32)
        moved, uv = self._posed(transforms, camera)
        return draw(moved, uv, self.sheets, self.atlas, nowhere if rest is None else rest, size, self._solid)

    @cached_property
    def _solid(self) -> BoolArray:
        return self.atlas.solid(self.sheets, self.sheets.uv)

    def surfaces(self, transforms: FloatArray, camera: FloatArray, size: tuple[int, int]) -> SurfaceStack:
        """Return the avatar's surfaces in a pose, pixel by pixel, not yet laid over each other; see `render`."""
        moved, uv = self._posed(transforms, camera)
        return SurfaceStack.of(moved, uv, self.sheets, size)

    def _posed(self, transforms: FloatArray, camera: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return where the vertices lie in the picture (N, 3), and their texture coordinates there (N, 4)."""
        sheets = self.sheets
        moved = moved_positions(sheets.positions, sheets.bones, sheets.bone_weights, transforms)
        uv = side_texels(sheets, facing(moved, sheets.faces))
        self._rims.draw_back(moved, transforms, sheets)
        behind = self._depth_beneath + self._rest_order.behind(transforms)
        place_vertices(moved, behind, np.asarray(camera, dtype=np.float32))
        return moved, uv


def side_texels(sheets: Sheets, cosine: FloatArray) -> FloatArray:
    """Return the texture coordinates of sheets that face the camera by so much, float32 (N, 4), as `draw` takes them.

    Where that is much more than the photo's camera saw, few pixels would be drawn out: others go over into them.
    """
    texels: FloatArray = _texels(sheets.uv, sheets.side_uv, sheets.facing, cosine)
    return texels


@compiled
def _texels(uv: FloatArray, side_uv: FloatArray, facing: FloatArray, cosine: FloatArray) -> FloatArray:
    texels = np.empty((len(uv), 4), dtype=np.float32)
    for vertex in range(len(uv)):
        way = (cosine[vertex] - facing[vertex] - np.float32(_SIDE_BEGINS)) / np.float32(_SIDE_FADE)
        share = min(max(way, np.float32(0.0)), np.float32(1.0))
        for axis in range(2):
            texels[vertex, axis] = uv[vertex, axis]
            texels[vertex, axis + 2] = share * (side_uv[vertex, axis] - uv[vertex, axis])
    return texels


@dataclass(frozen=True, eq=False)
class RestPose:
    """The body in the photo and its pose: `Avatar`'s attributes of the same names."""

    rotations: FloatArray
    joints: FloatArray
    scale: float
    shift: tuple[float, float]
    coefficients: FloatArray


def near_parts(part: int) -> tuple[int, ...]:
    """Return the body's parts that a part follows: itself and those joined to it.

    Trunk and arms do not follow each other, however near they hang in the photo: a jacket would open like wings with
    arms that are raised. Where they meet, the trunk's own skin moves with the arm already.
    """
    if part == parts.GARMENT:
        return (parts.TORSO, parts.RIGHT_THIGH, parts.LEFT_THIGH)
    joined_to = {other for one, two, _, _ in parts.JOINTS for other in (one, two) if part in (one, two)}
    apart = set(parts.ARM_PARTS) if part == parts.TORSO else {parts.TORSO} if part in parts.ARM_PARTS else set()
    return tuple(sorted({part, *joined_to} - apart))


def usable_joints(points: FloatArray) -> Joints:
    """Return a person's joints, of points (18, 3).

    Raises
    ------
    NoPersonError
        If the points show neither shoulders nor a neck with hips.
    """
    joints = Joints(torch.from_numpy(points)[None])
    if not bool(joints.usable[0]):
        raise NoPersonError(
            "the source's points have neither both shoulders nor a neck and both hips",
            remedy="Use a picture that shows the person's upper body, or give better points.",
        )
    return joints
