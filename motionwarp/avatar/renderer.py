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
from motionwarp.avatar.edges import with_smooth_edges
from motionwarp.body.compiled import compiled
from motionwarp.types import BoolArray, ByteArray, FloatArray

DEPTH_COUNT: Final = 4
_EMPTY: Final = np.float32(3e38)
# squared pixels by which a texel may have moved and still shows the photo's own pixel
_STILL_SQUARE: Final = np.float32(2.0)


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
def fragments(
    positions: FloatArray,
    uv: FloatArray,
    faces: IntArray,
    layers: IntArray,
    depth: FloatArray,
    layer: IntArray,
    texel: FloatArray,
) -> None:
    """Fill the nearest fragments of every pixel.

    Parameters
    ----------
    positions : float32 (N, 3)
        Pixels and depth; what lies outside of the picture is left out.
    uv : float32 (N, 4)
        Texture coordinates of alpha, and from there to those of the colors.
    faces, layers : int32 (F, 3), (F,)
    depth : float32 (H, W, K)
        Sorted; to be filled with a large number before.
    layer : int32 (H, W, K)
        To be filled with -1.
    texel : float32 (H, W, K, 4)
    """
    height, width, kept = depth.shape
    for face in range(faces.shape[0]):
        a, b, c = faces[face, 0], faces[face, 1], faces[face, 2]
        ax, ay, bx, by, cx, cy = (
            positions[a, 0], positions[a, 1], positions[b, 0], positions[b, 1], positions[c, 0], positions[c, 1],
        )  # fmt: skip
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if abs(area) < 1e-9:
            continue
        left, right = max(0, int(np.ceil(min(ax, bx, cx)))), min(width - 1, int(np.floor(max(ax, bx, cx))))
        top, bottom = max(0, int(np.ceil(min(ay, by, cy)))), min(height - 1, int(np.floor(max(ay, by, cy))))
        own = layers[face]
        for y in range(top, bottom + 1):
            for x in range(left, right + 1):
                wb = ((x - ax) * (cy - ay) - (y - ay) * (cx - ax)) / area
                wc = ((bx - ax) * (y - ay) - (by - ay) * (x - ax)) / area
                wa = 1 - wb - wc
                # a shared edge is drawn twice rather than not at all: of one layer the nearest counts
                if wa < -1e-4 or wb < -1e-4 or wc < -1e-4:
                    continue
                z = wa * positions[a, 2] + wb * positions[b, 2] + wc * positions[c, 2]
                slot = kept - 1
                for index in range(kept):
                    if layer[y, x, index] == own or layer[y, x, index] < 0:
                        slot = index
                        break
                if z >= depth[y, x, slot]:
                    continue
                while slot > 0 and depth[y, x, slot - 1] > z:
                    depth[y, x, slot] = depth[y, x, slot - 1]
                    layer[y, x, slot] = layer[y, x, slot - 1]
                    for axis in range(4):
                        texel[y, x, slot, axis] = texel[y, x, slot - 1, axis]
                    slot -= 1
                depth[y, x, slot], layer[y, x, slot] = z, own
                for axis in range(4):
                    texel[y, x, slot, axis] = wa * uv[a, axis] + wb * uv[b, axis] + wc * uv[c, axis]


@compiled
def composed(
    layer: IntArray,
    texel: FloatArray,
    atlas: ByteArray,
    home: FloatArray,
    rest: FloatArray,
    result: FloatArray,
    still: FloatArray,
) -> None:
    """Lay the fragments of every pixel over each other.

    Parameters
    ----------
    layer, texel
        As `fragments` fills them.
    atlas : uint8 (h, w, 5)
        Colors multiplied by alpha, alpha, and whether the photo shows this texel (255) or it was made up (0).
    home : float32 (h, w, 2)
        From each texel to its place in the photo, in pixels.
    rest : float32 (2, 3)
        From pixels of the photo to those of the picture, for a person who has not moved; zeros if the photo is not
        behind them.
    result : float32 (H, W, 4)
        In 0..255; to be filled with 0 before.
    still : float32 (H, W)
        Which share of the pixel is where the photo has it, in [0, 1]; to be filled with 0 before.
    """
    height, width, kept = layer.shape
    rows, columns = atlas.shape[:2]
    photo_behind = abs(rest[0, 0]) + abs(rest[0, 1]) > 0
    for y in range(height):
        for x in range(width):
            left = np.float32(1.0)
            for slot in range(kept):
                if layer[y, x, slot] < 0 or left < 0.004:
                    break
                u = min(max(texel[y, x, slot, 0], np.float32(0.0)), np.float32(columns - 1.001))
                v = min(max(texel[y, x, slot, 1], np.float32(0.0)), np.float32(rows - 1.001))
                i, j = int(u), int(v)
                du, dv = u - i, v - j
                w00, w01, w10, w11 = (1 - du) * (1 - dv), du * (1 - dv), (1 - du) * dv, du * dv
                alpha = (
                    w00 * atlas[j, i, 3] + w01 * atlas[j, i + 1, 3]
                    + w10 * atlas[j + 1, i, 3] + w11 * atlas[j + 1, i + 1, 3]
                )  # fmt: skip
                part, m, n = left, i, j
                c00, c01, c10, c11 = w00, w01, w10, w11
                if abs(texel[y, x, slot, 2]) + abs(texel[y, x, slot, 3]) > 0.05:
                    other_u = min(max(u + texel[y, x, slot, 2], np.float32(0.0)), np.float32(columns - 1.001))
                    other_v = min(max(v + texel[y, x, slot, 3], np.float32(0.0)), np.float32(rows - 1.001))
                    p, q = int(other_u), int(other_v)
                    eu, ev = other_u - p, other_v - q
                    d00, d01, d10, d11 = (1 - eu) * (1 - ev), eu * (1 - ev), (1 - eu) * ev, eu * ev
                    there = (
                        d00 * atlas[q, p, 3] + d01 * atlas[q, p + 1, 3]
                        + d10 * atlas[q + 1, p, 3] + d11 * atlas[q + 1, p + 1, 3]
                    )  # fmt: skip
                    # colors are multiplied by their own alpha
                    if there > 16:
                        part, m, n = left * alpha / there, p, q
                        c00, c01, c10, c11 = d00, d01, d10, d11
                for channel in range(3):
                    result[y, x, channel] += part * (
                        c00 * atlas[n, m, channel] + c01 * atlas[n, m + 1, channel]
                        + c10 * atlas[n + 1, m, channel] + c11 * atlas[n + 1, m + 1, channel]
                    )  # fmt: skip
                result[y, x, 3] += left * alpha
                alpha /= np.float32(255.0)
                if photo_behind:
                    seen = (
                        w00 * atlas[j, i, 4] + w01 * atlas[j, i + 1, 4]
                        + w10 * atlas[j + 1, i, 4] + w11 * atlas[j + 1, i + 1, 4]
                    )  # fmt: skip
                    px, py = u + texel[y, x, slot, 2] + home[j, i, 0], v + texel[y, x, slot, 3] + home[j, i, 1]
                    away_x = rest[0, 0] * px + rest[0, 1] * py + rest[0, 2] - x
                    away_y = rest[1, 0] * px + rest[1, 1] * py + rest[1, 2] - y
                    near = np.exp(-(away_x * away_x + away_y * away_y) / _STILL_SQUARE)
                    still[y, x] += left * alpha * seen / np.float32(255.0) * near
                left *= max(np.float32(0.0), 1 - alpha)


@dataclass(frozen=True, eq=False)
class SurfaceStack:
    """The surfaces of a picture's pixels, from front to back; what `composed` lays over each other.

    Attributes
    ----------
    depth : float32 (H, W, K)
        In pixels; a large number where there is no surface.
    layer : int32 (H, W, K)
        Layer of the triangle; -1 where there is none.
    texel : float32 (H, W, K, 4)
        Texels of the atlas, and from there to those of the colors.
    """

    depth: FloatArray
    layer: IntArray
    texel: FloatArray

    @classmethod
    def of(cls, positions: FloatArray, uv: FloatArray, mesh: Mesh, size: tuple[int, int]) -> SurfaceStack:
        """Find the surfaces of triangles whose vertices lie at `positions` (N, 3) in a picture of height and width.

        Parameters are those of `draw`.
        """
        height, width = size
        depth = np.full((height, width, DEPTH_COUNT), _EMPTY, dtype=np.float32)
        layer = np.full((height, width, DEPTH_COUNT), -1, dtype=np.int32)
        texel = np.empty((height, width, DEPTH_COUNT, 4), dtype=np.float32)
        fragments(positions, uv, mesh.faces, mesh.layers, depth, layer, texel)
        return cls(depth, layer, texel)

    def without(self, hidden: BoolArray) -> SurfaceStack:
        """Return the stack with surfaces taken out, bool (H, W, K); those behind them show then."""
        order = np.argsort(hidden, axis=-1, kind="stable")
        depth, layer, gone = (np.take_along_axis(plane, order, axis=-1) for plane in (self.depth, self.layer, hidden))
        texel = np.take_along_axis(self.texel, order[..., None], axis=2)
        return SurfaceStack(
            np.where(gone, _EMPTY, depth), np.where(gone, -1, layer).astype(np.int32), np.ascontiguousarray(texel)
        )

    def drawn(self, atlas: Atlas, rest: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return picture and stillness with smooth edges; see `draw`."""
        return with_smooth_edges(*self.laid_over(atlas, rest), self.depth[..., 0])

    def laid_over(self, atlas: Atlas, rest: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return picture and stillness as pixels' centers see them; see `draw`."""
        height, width = self.layer.shape[:2]
        picture = np.zeros((height, width, 4), dtype=np.float32)
        still = np.zeros((height, width), dtype=np.float32)
        rest = np.ascontiguousarray(rest, dtype=np.float32)
        composed(self.layer, self.texel, atlas.texels, atlas.home, rest, picture, still)
        return picture, still


def draw(
    positions: FloatArray, uv: FloatArray, mesh: Mesh, atlas: Atlas, rest: FloatArray, size: tuple[int, int]
) -> tuple[FloatArray, FloatArray]:
    """Draw triangles.

    Parameters
    ----------
    positions : float32 (N, 3)
        Pixels and depth.
    uv : float32 (N, 4)
        As for `fragments`.
    mesh : Mesh
    atlas : Atlas
    rest : float32 (2, 3)
        As for `composed`.
    size : (int, int)
        Height and width in pixels.

    Returns
    -------
    picture : float32 (H, W, 4)
        Colors multiplied by alpha, and alpha, in 0..255.
    still : float32 (H, W)
        Which share of each pixel is where the photo has it, in [0, 1].
    """
    return SurfaceStack.of(positions, uv, mesh, size).drawn(atlas, rest)
