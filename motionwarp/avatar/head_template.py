"""What a head shows where its photo does not see it: hair, skin or cloth, by where heads have ears and hairlines. Ours.

What the photo shows goes on along the surface; beside and behind a bare face it goes on to the line along which hair
grows, above and behind the ears, and below the nape it is skin again, as far down as the photo shows no hair.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_matrix, diags
from scipy.sparse.linalg import splu

from motionwarp.avatar.body_surface import BodySurface
from motionwarp.body.layout import DRIVEN_BONES
from motionwarp.puppet import parts
from motionwarp.types import BoolArray, FloatArray

Numbers = npt.NDArray[np.int64]

HAIR, SKIN, CLOTH = range(3)
"""Groups of classes."""

_EARS: Final = 0.02  # of the head's vertices, those farthest to both sides, are its ears
_EAR_SIZE: Final = (0.055, 0.095)  # half its breadth and half its height, in heights of the head
# where hair begins: height above (-) and below (+) the ears, in heights of the head, and degrees from the face
_LINE: Final = ((-0.4, 35.0), (-0.3, 48.0), (-0.16, 60.0), (-0.09, 74.0), (-0.02, 84.0), (0.04, 108.0), (0.1, 112.0))
_CROWN: Final = -0.36  # above this what is bare stays so, if most of it is
_KNOWN_WEIGHT: Final = 0.5  # of what is seen, against each neighbor: small spots at the outline do not go on
_TINY: Final = 1e-6
_SHARPER: Final = 3.0
_NAPE: Final = 0.27  # where short hair ends behind
_LOWEST: Final = 0.85
_LONG: Final = 0.36  # hair that the photo shows below this falls over the nape
_EDGE_DEGREES: Final = 7.0  # over which hair goes over into skin
_EDGE_HEIGHTS: Final = 0.03
_BEHIND: Final = 84.0  # degrees from the face from which on long hair covers ears and neck
_LEAST_HAIR: Final = 0.04  # of what is seen of hair and skin: less is none


@dataclass(frozen=True, eq=False)
class HeadFrame:
    """Where a head is, and which way it looks.

    Attributes
    ----------
    turn : float32 (3, 3)
        From the head's own axes, x to the photo's right, y down and z to the back of the head, to the photo's.
    origin : float32 (3,)
        The middle between both ears, in pixels of the photo.
    height : float
        From the top of the skull to the end of the throat, in pixels.
    """

    turn: FloatArray
    origin: FloatArray
    height: float

    @classmethod
    def of(cls, body: BodySurface, rotations: FloatArray) -> HeadFrame:
        """Find it in a fitted body whose bones are turned, (B, 3, 3)."""
        turn = rotations[DRIVEN_BONES.index("head")]
        own = body.vertices[body.parts == parts.HEAD] @ turn
        middle = float(np.median(own[:, 0]))
        away = np.abs(own[:, 0] - middle)
        ears = own[away >= np.quantile(away, 1 - _EARS)]
        center = np.array([middle, ears[:, 1].mean(), ears[:, 2].mean()], dtype=np.float32)
        return cls(turn, (turn @ center).astype(np.float32), float(np.ptp(own[:, 1])))

    def local(self, places: FloatArray) -> FloatArray:
        """Return places (N, 3) in the head's own axes, in its heights, from between the ears."""
        return np.asarray((places - self.origin) @ self.turn / self.height, dtype=np.float32)

    def places(self, local: FloatArray) -> FloatArray:
        """Return where places (N, 3) of `local` are, in pixels of the photo and depth."""
        return np.asarray(local @ self.turn.T * self.height + self.origin, dtype=np.float32)


def ears(local: FloatArray) -> FloatArray:
    """Return where on an ear places (N, 3) of `HeadFrame.local` are: float32 (N, 2), back and down, 1 at its rim.

    What is nearer to the middle of the head than to its sides is far from any ear.
    """
    breadth, height = _EAR_SIZE
    place = np.stack([local[:, 2] / breadth, local[:, 1] / height], axis=1)
    return np.asarray(np.where(np.abs(local[:, :1]) > breadth, place, 9.0), dtype=np.float32)


def groups_of(local: FloatArray, edges: Numbers, known: Numbers, sure: BoolArray) -> tuple[FloatArray, BoolArray]:
    """Return how much each vertex of a head's surface belongs to each group.

    Parameters
    ----------
    local : float32 (N, 3)
        Of `HeadFrame.local`.
    edges : int64 (E, 2)
        Between vertices.
    known : int64 (N,)
        Group of what the photo shows, -1 elsewhere.
    sure : bool (N,)
        Where it shows it well.

    Returns
    -------
    shares : float32 (N, 3)
        Rows sum to 1.
    bare : bool (N,)
        Vertices to which skin is what the photo shows next: an ear there would be seen.
    """
    shares = _continued(edges, known)
    shares[sure] = np.eye(3, dtype=np.float32)[known[sure]]
    nearest = shares.argmax(axis=1)
    hair_seen, skin_seen = (known == HAIR), (known == SKIN)
    bare = nearest == SKIN
    if hair_seen.sum() < _LEAST_HAIR * (hair_seen | skin_seen).sum() or not skin_seen.any():
        return shares, bare
    height = local[:, 1]
    degrees = np.rad2deg(np.arctan2(np.abs(local[:, 0]), -local[:, 2]))
    lowest = float(np.quantile(height[hair_seen], 0.97))
    is_long = lowest > _LONG
    ends = float(np.clip(lowest, _NAPE, _LOWEST))
    begins = np.interp(height, *np.array(_LINE).T)
    below = np.clip((height - _LINE[-1][0]) / (ends - _LINE[-1][0]), 0, 1)
    # short hair ends in a point on the nape, long hair in a line
    begins = begins + (180 - begins) * below ** (8.0 if is_long else 2.0)
    if is_long:
        begins = np.minimum(begins, _BEHIND)
        bare = np.zeros_like(bare)
    grows = _rising((degrees - begins) / _EDGE_DEGREES) * _rising((ends - height) / _EDGE_HEIGHTS)
    above = height < _CROWN
    if (skin_seen & above).sum() > (hair_seen & above).sum():
        grows = np.where(above, 0.0, grows)
    grown = ~sure & (nearest != CLOTH)
    mixed = np.maximum(shares[grown, HAIR], grows[grown])
    shares[grown, HAIR], shares[grown, SKIN] = mixed, 1 - mixed
    shares[grown, CLOTH] = 0
    if not is_long:
        ended = grown & (nearest == HAIR)
        left = _rising((max(ends, _NAPE) - height[ended]) / _EDGE_HEIGHTS)
        left = np.minimum(left, shares[ended, HAIR])
        shares[ended, HAIR], shares[ended, SKIN] = left, 1 - left
    return shares, bare


def _rising(value: FloatArray) -> FloatArray:
    return np.asarray(np.clip(value + 0.5, 0, 1))


def _continued(edges: Numbers, known: Numbers) -> FloatArray:
    """Return shares of the groups, (N, 3), that go on harmonically from where they are known; skin where none is."""
    count = len(known)
    seen = known >= 0
    shares = np.zeros((count, 3), dtype=np.float32)
    if not seen.any():
        shares[:, SKIN] = 1
        return shares
    system, _ = laplacian(edges, count)
    right = np.zeros((count, 3))
    right[seen, known[seen]] = _KNOWN_WEIGHT
    right[:, SKIN] += _TINY
    solved = splu((system + diags(_KNOWN_WEIGHT * seen + _TINY)).tocsc()).solve(right)
    sharp = np.asarray(solved.clip(0, 1), dtype=np.float32) ** _SHARPER
    return np.asarray(sharp / sharp.sum(axis=1, keepdims=True), dtype=np.float32)


def laplacian(edges: Numbers, count: int) -> tuple[Any, Any]:
    """Return the graph Laplacian of edges (E, 2) between so many vertices, and the adjacency, as sparse matrices."""
    ones = np.ones(len(edges))
    joined: Any = coo_matrix((ones, (edges[:, 0], edges[:, 1])), shape=(count, count)).tocsr()
    joined = joined + joined.T
    return diags(np.asarray(joined.sum(axis=1)).ravel()) - joined, joined
