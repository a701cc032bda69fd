"""Parts of limbs that the photo hides, lent by the same part of the other side. Ours.

A hand in a pocket, an arm behind the back, a foot behind the other one: nobody knows what they look like, but people
are as good as symmetric. What the other side shows is mirrored; of arms of which neither side shows anything the body's
own shape is taken, hands in the color of the skin that the photo shows, sleeves in that of what they go on from.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from motionwarp.avatar.avatar import FEET, RestPose
from motionwarp.avatar.body_surface import BodySurface
from motionwarp.avatar.extremities import SEEN_FROM_ABOVE
from motionwarp.avatar.regions import matte_at, nothing_left_over
from motionwarp.avatar.sheets import Sheets
from motionwarp.body.layout import DRIVEN_BONES
from motionwarp.body.rasterizer import rasterize
from motionwarp.body.rig import DRIVEN_MIRROR
from motionwarp.parsing import labels
from motionwarp.puppet import parts
from motionwarp.puppet.segmentation import PartRegions
from motionwarp.types import BoolArray, FloatArray, SourcePerson

# of a part's place in the fitted body: less that is its own in the photo hides it, and more lets it lend
_HIDDEN: Final = (0.25, 0.25, 0.15)
_LENDS: Final = (0.5, 0.5, 0.4)
_IN_PICTURE: Final = 0.6  # of a part's vertices, without which its place says nothing
_BARE_HAND: Final = (
    0.5  # share of bare pixels of one that lends, and less than which its twin is hidden by what covers it
)
_COVERED_HAND: Final = 0.15
_BARE_ARM: Final = 0.3
_SEEN: Final = 0.3  # score from which a point is where the picture says
_UNSURE: Final = 0.8
_SURE: Final = 0.9
_OTHER_CLOTHES: Final = 0.6  # difference in how much of both forearms is bare, from which one of them is none
_BARE: Final = (labels.LEFT_ARM, labels.RIGHT_ARM, labels.GLOVE)
_CLOTH: Final = (parts.GARMENT, parts.TORSO)
_INSIDE: Final = 0.9  # matte
_DRAWN_IN: Final = 0.15  # torsos; what sticks out farther is not where the fitted body has it
_MOST: Final = 0.4
_MOVES: Final = 2
_NOT_AT_ALL: Final = -20.0  # nats
_MIRROR: Final = np.diag([-1.0, 1.0, 1.0])


@dataclass(frozen=True, eq=False)
class HiddenParts:
    """Parts of limbs that a photo does not show.

    Attributes
    ----------
    lent : tuple of (int, int)
        Such a part, and the one on the other side that stands for it.
    made : tuple of (int, int or None)
        Parts of arms that nothing stands for, and the part whose color they have; None for that of skin.
    """

    lent: tuple[tuple[int, int], ...] = ()
    made: tuple[tuple[int, int | None], ...] = ()

    def __iter__(self) -> Iterator[int]:
        return (part for part, _ in (*self.lent, *self.made))

    @classmethod
    def of(
        cls, source: SourcePerson, regions: PartRegions, body: BodySurface, carrying: Collection[int], rows: int
    ) -> HiddenParts:
        """Find them.

        Parameters
        ----------
        source : SourcePerson
        regions : PartRegions
            Of that person.
        body : BodySurface
            Fitted to the photo.
        carrying : collection of int
            Parts with something that hangs from them: they are seen, and not lent.
        rows : int
            Of the photo, below which the source may go on.
        """
        seen = _Seen.of(source, regions, body, rows)
        lent: list[tuple[int, int]] = []
        made: list[tuple[int, int | None]] = []
        for limb in parts.LIMBS:
            hidden = tuple(number for number in seen.hidden_parts(limb) if limb.parts[number] not in carrying)
            for number in hidden:
                part = limb.parts[number]
                twin = parts.TWIN[part]
                bare = number < 2 or not limb.is_arm or seen.bare[twin] >= _BARE_HAND
                if seen.lends(twin, number) and twin not in carrying and bare:
                    lent.append((part, twin))
                elif limb.is_arm:
                    before = parts.TORSO if 0 in hidden else limb.parts[0]
                    is_skin = number == 2 or seen.bare[before] >= _BARE_ARM
                    made.append((part, None if is_skin else before))
        return cls(tuple(lent), tuple(made))


@dataclass(frozen=True, eq=False)
class _Seen:
    """What a photo shows of each part.

    Attributes
    ----------
    shares : float64 (P,)
        Of the place that the fitted body's part has in the photo, which is the part's own; NaN where that says nothing.
    bare : float64 (P,)
        Of the part's own pixels, which are bare arms or gloves.
    ends : float32 (P,)
        Scores of the points at the ends of limbs' parts; of hands and feet where they begin. 1 for all others.
    """

    shares: npt.NDArray[np.float64]
    bare: npt.NDArray[np.float64]
    ends: FloatArray

    @classmethod
    def of(cls, source: SourcePerson, regions: PartRegions, body: BodySurface, rows: int) -> _Seen:
        height, width = regions.own.shape[1:]
        solid = matte_at(source, (height, width)) > 0.5
        classes = np.asarray(cv2.resize(source.parsing, (width, height), interpolation=cv2.INTER_NEAREST))
        owner = np.where(solid, regions.own.argmax(axis=0), -1)
        shrink = np.array([width / source.matte.shape[1], height / source.matte.shape[0], 1.0], dtype=np.float32)
        vertices = np.asarray(body.vertices * shrink, dtype=np.float32)
        end_of_photo = width, rows * shrink[1]
        inside: BoolArray = np.asarray(((vertices[:, :2] >= 0) & (vertices[:, :2] < end_of_photo)).all(axis=1))
        shares, bare = np.full(parts.PART_COUNT, np.nan), np.zeros(parts.PART_COUNT)
        ends = np.ones(parts.PART_COUNT, dtype=np.float32)
        for limb in parts.LIMBS:
            for part, end in zip(limb.parts, (*limb.points[1:], limb.points[2]), strict=True):
                own, (x, y, ends[part]) = owner == part, source.pose.points[end]
                if own.any():
                    bare[part] = np.isin(classes[own], _BARE).mean()
                faces = body.faces[(body.parts[body.faces] == part).all(axis=1)]
                within = 0 <= x < source.matte.shape[1] and 0 <= y < rows
                if not len(faces) or not within or inside[faces].mean() < _IN_PICTURE:
                    continue
                place = np.asarray(rasterize(vertices, faces, height, width).face) >= 0
                # beneath a skirt or a coat a leg is what is seen of these
                place &= ~np.isin(owner, _CLOTH) | limb.is_arm
                if place.any():
                    shares[part] = (own & place).sum() / place.sum()
        return cls(shares, bare, ends)

    def hidden_parts(self, limb: parts.Limb) -> tuple[int, ...]:
        """Return which of a limb's three parts are hidden, as numbers."""
        own, others = list(limb.parts), [parts.TWIN[part] for part in limb.parts]
        told = not limb.is_arm or self.ends[own[1]] >= _UNSURE or self.ends[others[1]] < _SURE
        alike = self.bare[others[1]] - self.bare[own[1]] <= _OTHER_CLOTHES
        if not told and not alike and self.lends(others[1], 1):
            return (0, 1, 2)
        covered = limb.is_arm and self.bare[own[2]] < _COVERED_HAND and self.bare[others[2]] >= _BARE_HAND
        # what is beyond a part that is hidden may be seen, as a hand is before an arm that points at the camera; thighs
        # are where cloth hangs
        return tuple(
            number
            for number in range(0 if limb.is_arm else 1, 3)
            if self.shares[own[number]] < _HIDDEN[number]
            or (covered and number == 2)
            or (self.ends[own[number]] < _SEEN and self.shares[own[number]] < _LENDS[number])
        )

    def lends(self, part: int, number: int) -> bool:
        """Return whether enough is seen of a part, the `number`-th of its limb, to stand for its twin."""
        return bool(self.shares[part] >= _LENDS[number] and self.ends[part] >= _SEEN)


def without_parts(regions: PartRegions, hidden: Collection[int], source: SourcePerson) -> PartRegions:
    """Return a person's regions in which the pixels of some parts are those of what is nearest to them."""
    if not hidden:
        return regions
    solid = matte_at(source, regions.own.shape[1:]) > 0.5
    margins, own = regions.margins.copy(), regions.own.copy()
    for plane in (margins, own):
        plane[list(hidden)] = _NOT_AT_ALL
    return nothing_left_over(PartRegions(margins, own), solid)


def mirrored(sheets: Sheets, part: int, pose: RestPose) -> Sheets:
    """Return the sheets of a part as those of the part on the other side of the same body, in the pose of the photo.

    Parameters
    ----------
    sheets : Sheets
        In pixels of the photo.
    part : int
        That they become.
    pose : RestPose
        Of the body.
    """
    mirror = np.array(DRIVEN_MIRROR)
    turns = pose.rotations.astype(np.float64)
    feet = [DRIVEN_BONES.index(name) for name in FEET.values()]
    turns[feet] = SEEN_FROM_ABOVE @ turns[feet]
    joints = pose.joints.astype(np.float64) * pose.scale + np.array([*pose.shift, 0.0])
    across = turns[mirror] @ _MIRROR @ turns.transpose(0, 2, 1)
    shift = joints[mirror] - np.einsum("bij,bj->bi", across, joints)
    moves_of_bones = np.concatenate([across, shift[..., None]], axis=2)
    moves = np.einsum("nk,nkij->nij", sheets.bone_weights, moves_of_bones[sheets.bones])
    positions = np.einsum("nij,nj->ni", moves[..., :3], sheets.positions) + moves[..., 3]
    return replace(
        sheets,
        positions=positions.astype(np.float32),
        bones=mirror[sheets.bones].astype(np.int32),
        faces=np.ascontiguousarray(sheets.faces[:, ::-1]),
        layers=(2 * part + sheets.layers % 2).astype(np.int32),
    )


def within_person(sheets: Sheets, matte: FloatArray, torso: float) -> Sheets:
    """Return hidden sheets drawn into what the photo shows of the person: where they stuck out they would be seen.

    Parameters
    ----------
    sheets : Sheets
        In pixels of the photo.
    matte : float32 (H, W)
    torso : float
        In pixels.
    """
    inside = cv2.erode((matte > _INSIDE).astype(np.uint8), np.ones((3, 3), np.uint8))
    if not inside.any():
        return sheets
    away, numbers = cv2.distanceTransformWithLabels(1 - inside, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    nearest = np.zeros((int(numbers.max()) + 1, 2), dtype=np.float32)
    rows, columns = np.nonzero(inside)
    nearest[numbers[rows, columns]] = np.stack([columns, rows], axis=1)
    positions = sheets.positions.copy()

    def needed() -> tuple[BoolArray, FloatArray]:
        """Return which vertices are drawn in, and by how much."""
        x, y = np.rint(positions[:, :2]).astype(np.int64).T
        x, y = x.clip(0, matte.shape[1] - 1), y.clip(0, matte.shape[0] - 1)
        out = (away[y, x] > 0) & (away[y, x] < _DRAWN_IN * torso)
        return out, nearest[numbers[y, x]] - positions[:, :2]

    # what sticks out for the most part is moved as a whole: it would be crumpled
    for _ in range(_MOVES):
        out, moves = needed()
        if out.mean() > _MOST:
            positions[:, :2] += np.median(moves[out], axis=0)
    out, moves = needed()
    positions[out, :2] += moves[out]
    return replace(sheets, positions=positions)
