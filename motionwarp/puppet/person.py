"""One source person, cut into parts and ready to be posed."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property, partial
from typing import Final

import cv2
import numpy as np
import torch
from torch import Tensor

from motionwarp.errors import NoPersonError
from motionwarp.geometry.affine import apply_affine, compose_affine, invert_affine, mean_scale
from motionwarp.geometry.grids import affine_lattice
from motionwarp.geometry.warps import PartWarps
from motionwarp.puppet import parts
from motionwarp.puppet.back_view import seen_from_behind
from motionwarp.puppet.cloth_backs import with_back_of_clothes, with_trunk_of
from motionwarp.puppet.compositor import (
    Canvas,
    FramePiece,
    PartBoxes,
    WarpedFrames,
    WarpedPart,
    depth_scores,
    place_boxes,
    sample_part,
    sample_part_affinely,
)
from motionwarp.puppet.covered_trunk import TRUNK, trunk_beneath_arms
from motionwarp.puppet.garment import CONTROL_SIZE, Garment, make_garment
from motionwarp.puppet.head import HEAD_POINTS, HeadTurns, head_depth, head_turns
from motionwarp.puppet.head_surface import chosen_sides, turned_frames
from motionwarp.puppet.joints import Joints
from motionwarp.puppet.segmentation import PartRegions, bare_hands, part_regions
from motionwarp.puppet.texture_pyramid import TexturePyramid
from motionwarp.puppet.textures import PartTexture, continued_below, cut_textures
from motionwarp.puppet.transforms import forward_maps, hanging_maps, side_swaps
from motionwarp.puppet.warp_params import WarpParams
from motionwarp.types import SourcePerson

_WORKING_TORSO: Final = (
    80.0  # pixels of a torso at which regions are found; their edges are smooth, so more is not needed
)
_SPLINE_STRIDE: Final = 8
_SAME_TURN: Final = 0.02  # of cosine and sine
# share of a hand's pixels that are bare, below which the other hand stands for it, and above which that one may
_COVERED_HAND, _BARE_HAND = 0.3, 0.6


class PuppetPerson:
    """One source person in parts.

    Parameters
    ----------
    source : SourcePerson
    device : torch.device
    keep_parsing : bool
        Whether frames carry the source's classes along.

    Raises
    ------
    NoPersonError
        If the source's points show neither shoulders nor a neck with hips.
    """

    def __init__(self, source: SourcePerson, device: torch.device, *, keep_parsing: bool = False) -> None:
        self._device = device
        self._points = Joints(torch.from_numpy(source.pose.points)[None])
        if not bool(self._points.usable[0]):
            raise NoPersonError(
                "the source's points have neither both shoulders nor a neck and both hips",
                remedy="Use a picture that shows the person's upper body, or give better points.",
            )
        self._head = head_depth(self._points)
        source = continued_below(source, float(self._points.torso[0]), float(self._points.hip_center[0, 0]))
        height, width = source.parsing.shape
        factor = min(1.0, _WORKING_TORSO / float(self._points.torso[0]))
        size = max(round(width * factor), 8), max(round(height * factor), 8)
        small = np.asarray(cv2.resize(source.parsing, size, interpolation=cv2.INTER_NEAREST), dtype=np.uint8)
        solid = cv2.resize(source.matte, size, interpolation=cv2.INTER_AREA) > 0.5
        shrink = np.array([size[0] / width, size[1] / height], dtype=np.float32)
        shrunk = source.pose.points.copy()
        shrunk[:, :2] = (shrunk[:, :2] + 0.5) * shrink - 0.5
        regions = part_regions(Joints(torch.from_numpy(shrunk)[None]), small, solid).with_smooth_borders()
        textures = cut_textures(
            source.rgb, source.matte, source.parsing, regions, keep_parsing=keep_parsing, device=device
        )
        beneath, owned = trunk_beneath_arms(source, regions, float(self._points.torso[0]))
        for part in TRUNK if beneath is not source else ():
            cut = cut_textures(
                beneath.rgb, beneath.matte, beneath.parsing, owned.only(part), keep_parsing=keep_parsing, device=device
            )
            textures[part] = cut[part]
        self._cut_again = partial(cut_textures, keep_parsing=keep_parsing, device=device)
        self._source, self._regions = source, regions
        bare = bare_hands(regions, small, solid)
        self._lent = self._source_parts(textures, bare)
        self._swaps = side_swaps(self._points, self._lent)
        self._textures = TexturePyramid([textures[lender] for lender in self._lent], self._cut_behind)
        cloth = textures[parts.GARMENT]
        self._garment: Garment | None = None if cloth is None else make_garment(self._points, cloth.outline)

    def _source_parts(self, textures: list[PartTexture | None], bare: dict[int, float]) -> tuple[int, ...]:
        """Return for each part whose pixels it shows: its own, or its twin's where the source hides it."""
        present = self._points.present_parts()[0]
        usable = [bool(present[part]) and texture is not None for part, texture in enumerate(textures)]
        for hand, share in bare.items():
            # what covers this hand, a bag or a pocket, would be taken along
            if share < _COVERED_HAND and bare[parts.TWIN[hand]] > _BARE_HAND:
                usable[hand] = False
        return tuple(part if usable[part] or not usable[twin] else twin for part, twin in enumerate(parts.TWIN))

    def _cut_behind(self, part: int) -> PartTexture | None:
        """Return head or torso from behind."""
        behind, regions = self._trunk_behind, self._regions.only(part)
        if part == parts.HEAD:
            behind = seen_from_behind(with_trunk_of(self._source, behind))
        elif behind is not self._source:
            # all of it is made up that something lies before
            regions = PartRegions(regions.margins, regions.margins)
        return self._cut_again(behind.rgb, behind.matte, behind.parsing, regions)[part]

    @cached_property
    def _trunk_behind(self) -> SourcePerson:
        return with_back_of_clothes(self._source, self._regions)

    def plan(self, poses: Tensor) -> WarpParams:
        """Return the parameters of each frame for poses (B, 18, 3) in pixels of the output frame."""
        poses = poses.float().cpu()
        target = Joints(poses, self._points)
        turns = head_turns(self._head, self._points, target)
        forward = self._forward(target, turns)
        backward = invert_affine(forward)
        if self._garment is None:
            spline = poses.new_zeros(len(poses), 2, CONTROL_SIZE**2)
        else:
            hanging = hanging_maps(forward, self._swaps, target.shows_other_side(self._points))
            spline = self._garment.fit(hanging, backward[:, parts.TORSO])
        return WarpParams(backward, spline, depth_scores(target, poses[..., 2]), turns.shown)

    def _forward(self, target: Joints, turns: HeadTurns) -> Tensor:
        head = None if self._head is None else self._head.turned(turns.placed)
        return forward_maps(self._points, target, self._lent, head)

    def shown_poses(self, poses: Tensor) -> Tensor:
        """Return poses (B, 18, 3) as what is rendered for them shows them.

        The points are the same but for a head that the source shows from the side only: it is moved, but not turned as
        it was asked to.
        """
        poses = poses.float().cpu()
        target = Joints(poses, self._points)
        turns = head_turns(self._head, self._points, target)
        unturned = (turns.placed - turns.shown).abs().amax(dim=1) > _SAME_TURN
        if self._head is None or not unturned.any():
            return poses
        chosen = list(HEAD_POINTS[:-1])
        places = apply_affine(self._forward(target, turns)[:, parts.HEAD], self._head.turned(turns.shown))[:, :-1]
        scores = torch.where(self._points.visible[:, chosen], poses[:, chosen, 2], 0.0)
        shown = poses.clone()
        shown[:, chosen] = torch.where(
            unturned[:, None, None], torch.cat([places, scores[..., None]], dim=2), poses[:, chosen]
        )
        return shown

    def render(self, poses: Tensor, theta: WarpParams, height: int, width: int) -> list[FramePiece | None]:
        """Return each frame's person, None where there is none.

        Parameters
        ----------
        poses : float32 tensor (B, 18, 3)
            As given to `plan`.
        theta : WarpParams
            As returned by `plan`, possibly smoothed.
        height, width : int
            Size of the output frame.
        """
        frames: list[FramePiece | None] = [None] * len(poses)
        for group in self.warped(poses, theta, height, width):
            canvas = Canvas(group.layers, group.shown)
            for position, frame in enumerate(group.frames):
                composed = canvas.compose(position, tuple(float(score) for score in group.depth[position]))
                frames[frame] = None if composed is None else FramePiece(*composed)
        return frames

    def bounds(self, poses: Tensor, theta: WarpParams) -> Tensor:
        """Return the boxes around all parts of each frame: left, top, right, bottom at pixel edges, float32 (B, 4).

        A frame without any part has a box of no size at (0, 0).
        """
        target = Joints(poses.float().cpu(), self._points)
        shown, other_side = target.present_parts(), target.shows_other_side(self._points)
        low, high = poses.new_full((len(poses), 2), torch.inf), poses.new_full((len(poses), 2), -torch.inf)
        forward = invert_affine(theta.theta_affine)
        for part in range(parts.PART_COUNT):
            if not self._textures.has(part):
                continue
            outlines = self._outlines(part, forward, other_side)
            there = shown[:, part, None]
            low = torch.where(there, torch.minimum(low, outlines.amin(dim=1)), low)
            high = torch.where(there, torch.maximum(high, outlines.amax(dim=1)), high)
        boxes = torch.cat([low - 0.5, high + 0.5], dim=1)
        return torch.where(boxes.isfinite().all(dim=1, keepdim=True), boxes, torch.zeros_like(boxes))

    def warped(
        self,
        poses: Tensor,
        theta: WarpParams,
        height: int,
        width: int,
        *,
        with_classes: bool = True,
    ) -> Iterator[WarpedFrames]:
        """Yield the parts of all frames, warped but not yet laid over each other; arguments as in `render`.

        Frames in which the person has about the same size come together, so their order is not that of `poses`. Classes
        are only there if they were kept when the person was cut.
        """
        target = Joints(poses.float().cpu(), self._points)
        shown, other_side = target.present_parts().numpy(), target.shows_other_side(self._points)
        levels = self._level_of_each_frame(theta)
        for level in np.unique(levels).tolist():
            chosen = np.flatnonzero(levels == level)
            subset = theta.of(chosen)
            placed = self._placements(subset, chosen, shown, other_side[chosen], height, width)
            maps = self._texture_maps(subset, placed, level)
            layers = self._warped_parts(subset, placed, maps, other_side[chosen], level, with_classes)
            yield WarpedFrames(chosen, layers, shown[chosen], subset.depth)

    def _level_of_each_frame(self, theta: WarpParams) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        """Return how often textures must be halved before sampling, so that a smaller person does not flicker."""
        shrinking = mean_scale(theta.theta_affine[:, parts.TORSO]).clamp(1.0, 64.0)
        return np.asarray((shrinking.log2() + 0.5).floor().long().cpu().numpy())

    def _placements(
        self,
        theta: WarpParams,
        chosen: np.ndarray[tuple[int], np.dtype[np.int64]],
        shown: np.ndarray[tuple[int, int], np.dtype[np.bool_]],
        other_side: Tensor,
        height: int,
        width: int,
    ) -> dict[int, PartBoxes]:
        """Return where the parts of some frames go, and take parts that lie outside out of `shown`."""
        there = [part for part in range(parts.PART_COUNT) if self._textures.has(part) and shown[chosen, part].any()]
        forward = invert_affine(theta.theta_affine)
        outlines = {part: self._outlines(part, forward, other_side) for part in there}
        placed = {}
        for part in there:
            placement = place_boxes(outlines[part], height, width)
            if placement is None:
                shown[chosen, part] = False
            else:
                placed[part] = placement
        return placed

    def _texture_maps(self, theta: WarpParams, placed: dict[int, PartBoxes], level: int) -> dict[int, Tensor]:
        """Return the maps (B, 2, 3) from pixels of some frames to grid_sample's coordinates in each part's texture."""
        if not placed:
            return {}
        to_textures = torch.stack([self._textures.map_to(part, level) for part in placed])
        maps = compose_affine(to_textures, theta.theta_affine[:, list(placed)]).to(self._device)
        return dict(zip(placed, maps.unbind(dim=1), strict=True))

    def _warped_parts(
        self,
        theta: WarpParams,
        placed: dict[int, PartBoxes],
        maps: dict[int, Tensor],
        other_side: Tensor,
        level: int,
        with_classes: bool,
    ) -> dict[int, WarpedPart]:
        layers = {}
        for part, placement in placed.items():
            texture = self._textures.texture(part, level)
            if part == parts.GARMENT and self._garment is not None:
                grid = self._garment_grid(self._garment, theta, level, placement)
                layers[part] = sample_part(texture.rgba, texture.parsing if with_classes else None, grid, placement)
                continue
            matrix = maps[part]
            sampled = partial(sample_part_affinely, matrix=matrix, placement=placement)
            layers[part] = sampled(texture.rgba, texture.parsing if with_classes else None)
            if part == parts.HEAD and turned_frames(theta.turn):
                origin = torch.from_numpy(placement.corners).float().to(self._device)
                grid = affine_lattice(matrix, placement.height, placement.width, origin)
                layers[part] = self._textures.head_surface(level).turned(layers[part], grid, theta.turn)
            elif part == parts.TORSO and other_side.any():
                behind = self._textures.from_behind(part, level)
                back = sampled(behind.rgba, behind.parsing if with_classes else None)
                layers[part] = chosen_sides(layers[part], back, other_side)
        return layers

    def _outlines(self, part: int, forward: Tensor, other_side: Tensor) -> Tensor:
        """Return the outline of a part of some frames, (B, N, 2), by the maps (B, P, 2, 3) from the source to them."""
        if part == parts.GARMENT and self._garment is not None:
            return self._garment.skinned_outline(hanging_maps(forward, self._swaps, other_side))
        outline = torch.from_numpy(self._textures.texture(part).outline)
        return apply_affine(forward[:, part], outline.expand(len(forward), *outline.shape))

    def _garment_grid(self, garment: Garment, theta: WarpParams, level: int, placement: PartBoxes) -> Tensor:
        """Return where each pixel of the boxes lies in a garment's texture, (B, h, w, 2)."""
        height, width = placement.height, placement.width
        to_texture = self._textures.map_to(parts.GARMENT, level)  # (2, 3), to grid_sample's coordinates
        warp = theta.garment_warp()
        frame = garment.control_frame(theta.theta_affine[:, parts.GARMENT])
        # evaluated at the same pixels of the frame wherever a batch puts its boxes, so that batches do not matter
        within = placement.corners % _SPLINE_STRIDE
        origin = torch.from_numpy(placement.corners - within).float()
        placed = PartWarps(warp.theta_affine.to(self._device), warp.theta_tps.to(self._device))
        lattice = placed.lattice(
            height + _SPLINE_STRIDE - 1, width + _SPLINE_STRIDE - 1, to_texture.to(self._device),
            origin=origin[:, None].to(self._device), control_frame=frame[:, None].to(self._device),
            stride=_SPLINE_STRIDE,
        )[:, 0]  # fmt: skip
        return torch.stack(
            [own[y : y + height, x : x + width] for own, (x, y) in zip(lattice, within.tolist(), strict=True)]
        )
