"""The points that the layered engine works with: the 18 and what can be told from them where some are missing."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

from motionwarp.pose import skeleton
from motionwarp.puppet import parts

# a point with a lower score is taken as missing
LEAST_SCORE: Final = 0.1
# from the neck to the middle of the hips, over the width of the shoulders, of an adult seen from the front
_TORSO_OF_SHOULDERS: Final = 1.45
_HIPS_OF_SHOULDERS: Final = 0.6
# how far the left shoulder, or ear, lies to the left of the right one as the person sees it, in torsos: surely not seen
# from behind, or so
_FACING: Final = 0.15
_EARS_EXCHANGED: Final = -0.05
_SURE_SCORE: Final = 0.9
_FACE: Final = (skeleton.NOSE, skeleton.RIGHT_EYE, skeleton.LEFT_EYE)
# distances that tell a person's size when the hips are not seen: shoulders alone come closer together when arms are
# raised
_SIZES: Final = (
    (skeleton.RIGHT_SHOULDER, skeleton.LEFT_SHOULDER),
    (skeleton.RIGHT_EAR, skeleton.LEFT_EAR),
    (skeleton.RIGHT_EYE, skeleton.LEFT_EYE),
    (skeleton.NOSE, skeleton.NECK),
)


class Joints:
    """Positions of one batch of poses with missing torso points filled in.

    Parameters
    ----------
    poses : float32 tensor (B, 18, 3)
    reference : Joints, optional
        The same person in another picture, B = 1: hips that are not seen are put where that person's would be, rather
        than where an average person's are.

    Attributes
    ----------
    xy : float32 tensor (B, 18, 2)
        Missing points of the limbs lie where their parent does.
    seen : bool tensor (B, 18)
        Points that were given; filled ones are not among them.
    usable : bool tensor (B,)
        Whether there are shoulders or a neck with hips: without a torso nothing can be placed.
    torso : float32 tensor (B,)
        From the neck to the middle of the hips in pixels; at least a fifth of a plausible one, so that nothing is
        divided by zero.
    """

    def __init__(self, poses: Tensor, reference: Joints | None = None) -> None:
        xy = poses[..., :2].float().clone()  # (B, 18, 2)
        visible = poses[..., 2] >= LEAST_SCORE
        self.visible = visible
        self._sure_face = (poses[:, list(_FACE), 2] >= _SURE_SCORE).all(dim=1)
        neck, right, left = skeleton.NECK, skeleton.RIGHT_SHOULDER, skeleton.LEFT_SHOULDER
        shoulders = visible[:, right] & visible[:, left]
        hips = visible[:, skeleton.RIGHT_HIP] & visible[:, skeleton.LEFT_HIP]
        self.usable = shoulders | (visible[:, neck] & hips)
        _fill(xy, neck, ~visible[:, neck], 0.5 * (xy[:, right] + xy[:, left]))
        for one, other in ((right, left), (left, right)):
            _fill(xy, one, ~visible[:, one], 2 * xy[:, neck] - xy[:, other])
        self._fill_hips(xy, visible, reference)
        for limb in parts.LIMBS:
            for parent, child in zip(limb.points[:2], limb.points[1:], strict=True):
                _fill(xy, child, ~visible[:, child], xy[:, parent])
        self.xy = torch.where(self.usable[:, None, None], xy, torch.zeros_like(xy))
        self.torso = self._torso_length()

    def _fill_hips(self, xy: Tensor, visible: Tensor, reference: Joints | None) -> None:
        right, left = skeleton.RIGHT_HIP, skeleton.LEFT_HIP
        neck = xy[:, skeleton.NECK]
        across = xy[:, skeleton.LEFT_SHOULDER] - xy[:, skeleton.RIGHT_SHOULDER]
        # at right angles to the shoulders, downwards in the picture
        down = torch.stack([-across[:, 1], across[:, 0]], dim=-1)
        down = torch.where(down[:, 1:] < 0, -down, down)
        if reference is not None:
            length = reference.torso * _relative_size(xy, visible, reference) / _TORSO_OF_SHOULDERS
            down = down / down.norm(dim=-1, keepdim=True).clamp_min(1e-3) * length[:, None]
            across = across / across.norm(dim=-1, keepdim=True).clamp_min(1e-3) * length[:, None]
        middle = neck + _TORSO_OF_SHOULDERS * down
        for one, other, side in ((right, left, -0.5), (left, right, 0.5)):
            guess = middle + side * _HIPS_OF_SHOULDERS * across
            mirrored = xy[:, other] + 2 * side * _HIPS_OF_SHOULDERS * across
            _fill(xy, one, ~visible[:, one], torch.where(visible[:, other, None], mirrored, guess))

    def _torso_length(self) -> Tensor:
        length = (self.hip_center - self.xy[:, skeleton.NECK]).norm(dim=-1)
        width = (self.xy[:, skeleton.LEFT_SHOULDER] - self.xy[:, skeleton.RIGHT_SHOULDER]).norm(dim=-1)
        return torch.maximum(length, 0.6 * _TORSO_OF_SHOULDERS * width).clamp_min(4.0)

    @property
    def hip_center(self) -> Tensor:
        """Middle of the hips, (B, 2)."""
        return 0.5 * (self.xy[:, skeleton.RIGHT_HIP] + self.xy[:, skeleton.LEFT_HIP])

    def tip(self, limb: parts.Limb) -> Tensor:
        """Return where the hand or foot of a limb ends, in the direction of forearm or shin, (B, 2)."""
        middle, far = self.xy[:, limb.points[1]], self.xy[:, limb.points[2]]
        share, least = (parts.HAND_SHARE, parts.HAND_LEAST) if limb.is_arm else (parts.FOOT_SHARE, parts.FOOT_LEAST)
        bone = far - middle
        length = bone.norm(dim=-1, keepdim=True).clamp_min(1e-3)
        reach = torch.maximum(share * length, least * self.torso[:, None])
        tip: Tensor = far + bone / length * reach
        return tip

    def half_ears(self) -> Tensor:
        """Return half the distance of the ears in pixels (B,), 0 where one was not seen."""
        ears = [skeleton.RIGHT_EAR, skeleton.LEFT_EAR]
        right, left = self.xy[:, ears].unbind(dim=1)
        return torch.where(self.visible[:, ears].all(dim=1), (left - right).norm(dim=1) / 2, 0.0)

    def turned_away(self, reference: Joints) -> Tensor:
        """Return who shows the back of the head, while the same person in another picture shows the face, bool (B,).

        Somebody who looks back over their shoulder does not, nor does somebody whose face is surely seen.

        Parameters
        ----------
        reference : Joints
            Points of one pose, B = 1.
        """
        shoulders, ears = (skeleton.RIGHT_SHOULDER, skeleton.LEFT_SHOULDER), (skeleton.RIGHT_EAR, skeleton.LEFT_EAR)
        shows_face = reference.visible[:, list(_FACE)].all(dim=1) & (reference._side(*shoulders) > _FACING)
        without_ears = ~self.visible[:, list(_FACE)].any(dim=1)
        head = torch.where(self.visible[:, list(ears)].all(dim=1), self._side(*ears) < _EARS_EXCHANGED, without_ears)
        return shows_face & head & (self._side(*shoulders) < -_FACING) & ~self._sure_face

    def shows_other_side(self, reference: Joints) -> Tensor:
        """Return whose shoulders are seen from the other side than in another picture (B = 1), bool (B,)."""
        shoulders = skeleton.RIGHT_SHOULDER, skeleton.LEFT_SHOULDER
        here, there = self._side(*shoulders), reference._side(*shoulders)
        return (here * there < 0) & (here.abs() > _FACING) & (there.abs() > _FACING)

    def _side(self, right: int, left: int) -> Tensor:
        """Return how far the left point lies on the side on which it is seen from the front, in torsos, (B,).

        However the body lies.
        """
        across = self.xy[:, left] - self.xy[:, right]
        down = self.hip_center - self.xy[:, skeleton.NECK]
        return (across[:, 0] * down[:, 1] - across[:, 1] * down[:, 0]) / self.torso.square()

    def present_parts(self) -> Tensor:
        """Return which parts have all the points they need, bool (B, P)."""
        present = torch.zeros(len(self.visible), parts.PART_COUNT, dtype=torch.bool, device=self.visible.device)
        present[:, parts.TORSO] = self.usable
        present[:, parts.HEAD] = self.usable & self.visible[:, list(skeleton.HEAD_POINTS)].any(dim=1)
        present[:, parts.GARMENT] = self.usable
        for limb in parts.LIMBS:
            near, middle, far = (self.visible[:, point] for point in limb.points)
            for part, whole in zip(limb.parts, (near & middle, middle & far, middle & far), strict=True):
                present[:, part] = self.usable & whole
        return present


def _relative_size(xy: Tensor, visible: Tensor, reference: Joints) -> Tensor:
    """Return how much larger people are than the reference, told from head and shoulders, (B,).

    The median of what is seen.
    """
    ratios = []
    for one, other in _SIZES:
        here = (xy[:, one] - xy[:, other]).norm(dim=-1)
        there = (reference.xy[:, one] - reference.xy[:, other]).norm(dim=-1)
        # the neck may have been filled in between the shoulders, which is as good
        known = [visible[:, point] & reference.visible[:, point] for point in (one, other) if point != skeleton.NECK]
        both = torch.stack([*known, (here > 1).expand_as(known[0]), (there > 1).expand_as(known[0])]).all(dim=0)
        ratios.append(torch.where(both, here / there.clamp_min(1.0), torch.full_like(here, torch.nan)))
    size: Tensor = torch.stack(ratios).nanmedian(dim=0).values
    return torch.where(size.isnan(), torch.ones_like(size), size)


def _fill(xy: Tensor, point: int, missing: Tensor, guess: Tensor) -> None:
    xy[:, point] = torch.where(missing[:, None], guess, xy[:, point])
