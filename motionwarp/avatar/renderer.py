"""Drawing an avatar: its triangles, several surfaces deep in every pixel, laid over each other from front to back.

A part's edge is soft, so that behind the nearest surface the next ones show: in every pixel the nearest few fragments
are kept, one of each layer, as in Carpenter's A-buffer (1984), but with coverage from the texture's alpha.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

import cv2
import numpy as np

from motionwarp.avatar.body_surface import IntArray
from motionwarp.avatar.edges import smooth_edges
from motionwarp.avatar.fragments import NOWHERE, bands_of_faces, compose_fragments, fill_fragments, solid_faces
from motionwarp.compiled import compiled
from motionwarp.types import BoolArray, ByteArray, FloatArray

DEPTH_COUNT: Final = 4
_BAND_PIXELS: Final = 1 << 15
_MARGIN: Final = 2  # pixels: smooth edges reach into the first, and none is at the second


class Mesh(Protocol):
    """What is drawn: triangles, and the layer of each."""

    @property
    def faces(self) -> IntArray: ...  # noqa: D102

    @property
    def layers(self) -> IntArray: ...  # noqa: D102


@dataclass(frozen=True, eq=False)
class Atlas:
    """All textures of an avatar in one picture.

    Attributes
    ----------
    texels : uint8 (h, w, 5)
        Colors multiplied by alpha, alpha, and whether the photo shows this texel (255) or it was made up (0).
    home : float32 (h, w, 2)
        From each texel to its place in the photo, in pixels.
    """

    texels: ByteArray
    home: FloatArray

    def __post_init__(self) -> None:
        size = self.texels.shape[:2]
        if self.texels.shape != (*size, 5) or self.home.shape != (*size, 2):
            raise ValueError(
                f"Atlas needs texels (h, w, 5) and home (h, w, 2), got {self.texels.shape}, {self.home.shape}"
            )

    def solid(self, mesh: Mesh, uv: FloatArray) -> BoolArray:
        """Return which triangles are opaque all over, bool (F,); `uv` (N, 2) are texture coordinates of alpha."""
        told: BoolArray = solid_faces(mesh.faces, uv, self.texels)
        return told

    def resized(self, across: float, down: float) -> Atlas:
        """Return the textures with so many columns and rows for one of these, each in (0, 1]."""
        height, width = self.home.shape[:2]
        columns, rows = max(round(width * across), 2), max(round(height * down), 2)
        # texels keep their exact places: the rest of a last one is cut off or repeated
        matrix = np.array([[1 / across, 0, 0.5 / across - 0.5], [0, 1 / down, 0.5 / down - 0.5]])
        sigma = [max(0.5 * (1 / factor - 1), 1e-3) for factor in (across, down)]
        soft = cv2.GaussianBlur(self.texels, (0, 0), sigmaX=sigma[0], sigmaY=sigma[1])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        planes = [
            cv2.warpAffine(
                np.ascontiguousarray(plane), matrix, (columns, rows), flags=flags, borderMode=cv2.BORDER_REPLICATE
            )
            for plane in (soft[..., :4], soft[..., 4])
        ]
        nearest = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
        home = cv2.warpAffine(self.home, matrix, (columns, rows), flags=nearest, borderMode=cv2.BORDER_REPLICATE)
        factor = np.array([across, down], dtype=np.float32)
        return Atlas(np.dstack(planes).astype(np.uint8), np.ascontiguousarray(home * factor, dtype=np.float32))


def moved_positions(positions: FloatArray, bones: IntArray, weights: FloatArray, transforms: FloatArray) -> FloatArray:
    """Return vertices moved by linear blend skinning, float32 (N, 3).

    Parameters
    ----------
    positions : float32 (N, 3)
    bones : int32 (N, K)
    weights : float32 (N, K)
    transforms : float32 (B, 3, 4)
        From the photo's pose to another one, for each bone.
    """
    moved: FloatArray = _skinned(positions, bones, weights, np.ascontiguousarray(transforms, dtype=np.float32))
    return moved


@compiled
def _skinned(positions: FloatArray, bones: IntArray, weights: FloatArray, transforms: FloatArray) -> FloatArray:
    moved = np.empty_like(positions)
    for vertex in range(positions.shape[0]):
        x, y, z = positions[vertex, 0], positions[vertex, 1], positions[vertex, 2]
        for axis in range(3):
            total = np.float32(0.0)
            for slot in range(bones.shape[1]):
                row = transforms[bones[vertex, slot], axis]
                total += weights[vertex, slot] * (row[0] * x + row[1] * y + row[2] * z + row[3])
            moved[vertex, axis] = total
    return moved


@compiled
def place_vertices(moved: FloatArray, behind: FloatArray, camera: FloatArray) -> None:
    """Bring vertices from meters to pixels of a picture, in place.

    Parameters
    ----------
    moved : float32 (N, 3)
    behind : float32 (N,)
        How much farther away than it is each counts, in meters.
    camera : float32 (3,)
        Pixels for a meter, and where the root lies in the picture.
    """
    for vertex in range(len(moved)):
        moved[vertex, 2] += behind[vertex]
        for axis in range(3):
            moved[vertex, axis] *= camera[0]
        moved[vertex, 0] += camera[1]
        moved[vertex, 1] += camera[2]


@dataclass(frozen=True, eq=False)
class Drawing:
    """A drawn avatar: the box of the picture in which it is; around it there is nothing.

    Attributes
    ----------
    rgba : float32 (h, w, 4)
        Colors multiplied by alpha, and alpha, in 0..255.
    still : float32 (h, w)
        Which share of each pixel is where the photo has it, in [0, 1].
    left, top : int
        The box's first pixel in the picture.
    size : (int, int)
        Height and width of the picture.
    """

    rgba: FloatArray
    still: FloatArray
    left: int
    top: int
    size: tuple[int, int]

    @property
    def right(self) -> int:
        """The first column beyond the box."""
        return self.left + int(self.still.shape[1])

    @property
    def bottom(self) -> int:
        """The first row beyond the box."""
        return self.top + int(self.still.shape[0])

    def whole(self) -> tuple[FloatArray, FloatArray]:
        """Return the whole picture (H, W, 4), and stillness (H, W)."""
        there = self.within(0, 0, self.size[1], self.size[0])
        return there.rgba, there.still

    def within(self, left: int, top: int, right: int, bottom: int) -> Drawing:
        """Return what lies in another box of the picture, copied."""
        box = left, top, right, bottom
        return Drawing(self._moved(self.rgba, box), self._moved(self.still, box), left, top, self.size)

    def rgba_within(self, left: int, top: int, right: int, bottom: int) -> FloatArray:
        """Return the picture in another box, copied."""
        return self._moved(self.rgba, (left, top, right, bottom))

    def alpha_within(self, left: int, top: int, right: int, bottom: int) -> FloatArray:
        """Return the picture's alpha in another box, in 0..255, copied."""
        return self._moved(self.rgba[..., 3], (left, top, right, bottom))

    def still_within(self, left: int, top: int, right: int, bottom: int) -> FloatArray:
        """Return stillness in another box, copied."""
        return self._moved(self.still, (left, top, right, bottom))

    def _moved(self, plane: FloatArray, box: tuple[int, int, int, int]) -> FloatArray:
        left, top, right, bottom = box
        moved = np.zeros((bottom - top, right - left, *plane.shape[2:]), dtype=np.float32)
        low_x, high_x = max(left, self.left), min(right, self.right)
        low_y, high_y = max(top, self.top), min(bottom, self.bottom)
        if low_x < high_x and low_y < high_y:
            here = np.s_[low_y - self.top : high_y - self.top, low_x - self.left : high_x - self.left]
            moved[low_y - top : high_y - top, low_x - left : high_x - left] = plane[here]
        return moved


@dataclass(frozen=True, eq=False)
class SurfaceStack:
    """The surfaces of a picture's pixels, from front to back.

    Attributes
    ----------
    depth : float32 (H, W, K)
        In pixels; a large number where there is no surface.
    layer : int32 (H, W, K)
        Layer of the triangle; -1 where there is none.
    face : int32 (H, W, K)
        Its number.
    shares : float32 (H, W, K, 2)
        Weights of its second and third vertex.
    mesh : Mesh
    uv : float32 (N, 4)
        Texture coordinates of alpha, and from there to those of the colors.
    positions : float32 (N, 3)
        Of the vertices, pixels and depth.
    """

    depth: FloatArray
    layer: IntArray
    face: IntArray
    shares: FloatArray
    mesh: Mesh
    uv: FloatArray
    positions: FloatArray

    @classmethod
    def of(cls, positions: FloatArray, uv: FloatArray, mesh: Mesh, size: tuple[int, int]) -> SurfaceStack:
        """Find the surfaces of triangles whose vertices lie at `positions` (N, 3) in a picture of height and width.

        Parameters are those of `draw`.
        """
        shape = (*size, DEPTH_COUNT)
        found = (
            np.full(shape, NOWHERE, dtype=np.float32), np.full(shape, -1, dtype=np.int32),
            np.empty(shape, dtype=np.int32), np.empty((*shape, 2), dtype=np.float32),
        )  # fmt: skip
        # nothing hides another surface here: whoever asks for surfaces may take some out
        known = mesh.faces, mesh.layers, np.zeros(len(mesh.faces), dtype=np.bool_)
        everything = np.arange(len(mesh.faces), dtype=np.int32)
        fill_fragments(positions, known, everything, (0, 0), np.zeros(size, dtype=np.uint8), found)
        return cls(*found, mesh, uv, positions)

    def without(self, hidden: BoolArray) -> SurfaceStack:
        """Return the stack with surfaces taken out, bool (H, W, K); those behind them show then."""
        order = np.argsort(hidden, axis=-1, kind="stable")
        gone = np.take_along_axis(hidden, order, axis=-1)
        depth = np.where(gone, NOWHERE, np.take_along_axis(self.depth, order, axis=-1))
        layer = np.where(gone, np.int32(-1), np.take_along_axis(self.layer, order, axis=-1))
        face = np.take_along_axis(self.face, order, axis=-1)
        shares = np.ascontiguousarray(np.take_along_axis(self.shares, order[..., None], axis=2))
        return SurfaceStack(depth, layer, face, shares, self.mesh, self.uv, self.positions)

    def drawn(self, atlas: Atlas, rest: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return picture and stillness with smooth edges; see `draw`."""
        picture, still = self.laid_over(atlas, rest)
        smooth_edges(picture, still, np.ascontiguousarray(self.depth[..., 0]))
        return picture, still

    def laid_over(self, atlas: Atlas, rest: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return picture and stillness as pixels' centers see them; see `draw`."""
        height, width = self.layer.shape[:2]
        picture = np.empty((height, width, 4), dtype=np.float32)
        still, nearest = np.empty((height, width), dtype=np.float32), np.empty((height, width), dtype=np.float32)
        counts = np.count_nonzero(self.layer >= 0, axis=-1).astype(np.uint8)
        found = self.depth, self.layer, self.face, self.shares
        away = _away_from_rest(self.positions, self.uv, atlas.home, np.ascontiguousarray(rest, dtype=np.float32))
        known = self.mesh.faces, self.uv, away, np.zeros(len(self.mesh.faces), dtype=np.bool_)
        compose_fragments(counts, found, known, atlas.texels, (picture, still, nearest))
        return picture, still


def draw(
    positions: FloatArray,
    uv: FloatArray,
    mesh: Mesh,
    atlas: Atlas,
    rest: FloatArray,
    size: tuple[int, int],
    solid: BoolArray | None = None,
) -> Drawing:
    """Draw triangles, a band of rows after the other: what is kept of a band stays in the processor's cache.

    Parameters
    ----------
    positions : float32 (N, 3)
        Pixels and depth.
    uv : float32 (N, 4)
        Texture coordinates of alpha, and from there to those of the colors.
    mesh : Mesh
    atlas : Atlas
    rest : float32 (2, 3)
        From pixels of the photo to those of the picture, for a person who has not moved; zeros if the photo is not
        behind them.
    size : (int, int)
        Height and width in pixels.
    solid : bool (F,) or None
        Which triangles are opaque all over, as from `Atlas.solid`: what lies behind them is passed over. The picture is
        the same without.
    """
    left, top, right, bottom = _box(positions, size)
    height, width = bottom - top, right - left
    picture = np.empty((height, width, 4), dtype=np.float32)
    still, nearest = np.empty((height, width), dtype=np.float32), np.empty((height, width), dtype=np.float32)
    rows = min(max(_BAND_PIXELS // width, 1), height)
    starts, members = bands_of_faces(positions, mesh.faces, top, rows, -(-height // rows))
    shape = rows, width, DEPTH_COUNT
    counts = np.empty((rows, width), dtype=np.uint8)
    depth, shares = np.empty(shape, dtype=np.float32), np.empty((*shape, 2), dtype=np.float32)
    layer, face = np.empty(shape, dtype=np.int32), np.empty(shape, dtype=np.int32)
    hiding = np.zeros(len(mesh.faces), dtype=np.bool_) if solid is None else solid
    away = _away_from_rest(positions, uv, atlas.home, np.ascontiguousarray(rest, dtype=np.float32))
    for band, first in enumerate(range(0, height, rows)):
        own, last, corner = members[starts[band] : starts[band + 1]], min(first + rows, height), (left, top + first)
        box, counted = slice(first, last), counts[: last - first]
        counted[:] = 0
        kept = slice(0, last - first)
        of_band = depth[kept], layer[kept], face[kept], shares[kept]
        fill_fragments(positions, (mesh.faces, mesh.layers, hiding), own, corner, counted, of_band)
        found = picture[box], still[box], nearest[box]
        compose_fragments(counted, of_band, (mesh.faces, uv, away, hiding), atlas.texels, found)
    smooth_edges(picture, still, nearest)
    return Drawing(picture, still, left, top, size)


def _box(positions: FloatArray, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return left, top, right, bottom of the pixels between all vertices, and of those beside, within a picture."""
    if not len(positions):
        return 0, 0, 1, 1
    limit = np.array(size[::-1]) - 1
    least, most = _extent(positions)
    low = np.clip(np.ceil(least) - _MARGIN, 0, limit).astype(int)
    high = np.clip(np.floor(most) + _MARGIN, low, limit).astype(int) + 1
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


@compiled
def _extent(positions: FloatArray) -> tuple[FloatArray, FloatArray]:
    least, most = positions[0, :2].copy(), positions[0, :2].copy()
    for vertex in range(len(positions)):
        for axis in range(2):
            least[axis] = min(least[axis], positions[vertex, axis])
            most[axis] = max(most[axis], positions[vertex, axis])
    return least, most


@compiled
def _away_from_rest(positions: FloatArray, uv: FloatArray, home: FloatArray, rest: FloatArray) -> FloatArray:
    """Return how far from its place in the photo each vertex is, float32 (N, 2); none where the photo is not behind.

    Between the vertices of a triangle it is linear, as texels of one texture lie in the photo as in the atlas.
    """
    if rest[0, 0] == 0 and rest[0, 1] == 0:
        return np.empty((0, 2), dtype=np.float32)
    rows, columns = home.shape[:2]
    away = np.empty((len(positions), 2), dtype=np.float32)
    for vertex in range(len(positions)):
        u, v = uv[vertex, 0], uv[vertex, 1]
        column, row = min(max(int(np.rint(u)), 0), columns - 1), min(max(int(np.rint(v)), 0), rows - 1)
        x, y = u + uv[vertex, 2] + home[row, column, 0], v + uv[vertex, 3] + home[row, column, 1]
        for axis in range(2):
            away[vertex, axis] = rest[axis, 0] * x + rest[axis, 1] * y + rest[axis, 2] - positions[vertex, axis]
    return away
