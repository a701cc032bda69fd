"""The loops of drawing an avatar: the nearest fragments of every pixel, and how they are laid over each other.

A fragment is kept as its triangle and where in it: what the vertices carry is looked up only for what is seen.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from motionwarp.avatar.body_surface import IntArray
from motionwarp.compiled import compiled_loosely, exponential
from motionwarp.types import BoolArray, ByteArray, FloatArray

Numbers = npt.NDArray[np.int64]

# pixels by which what faces away counts as farther: where a sheet's two sides lie in one place the one that faces us is
# seen, not whichever the rounding puts in front
_FACING_AWAY: Final = np.float32(0.01)
NOWHERE: Final = np.float32(3e38)
"""Depth of the nearest surface where there is none."""


@compiled_loosely
def bands_of_faces(positions: FloatArray, faces: IntArray, top: int, rows: int, count: int) -> tuple[Numbers, IntArray]:
    """Return which triangles reach into which bands of rows.

    Parameters
    ----------
    positions : float32 (N, 3)
    faces : int32 (F, 3)
    top : int
        First row of the first band.
    rows, count : int
        Rows of a band, and number of bands.

    Returns
    -------
    starts : int64 (count + 1,)
        Where each band begins among the members.
    members : int32 (M,)
        Numbers of triangles, ascending in every band.
    """
    starts = np.zeros(count + 1, np.int64)
    first, last = np.empty(len(faces), np.int32), np.empty(len(faces), np.int32)
    for face in range(len(faces)):
        ay, by, cy = positions[faces[face, 0], 1], positions[faces[face, 1], 1], positions[faces[face, 2], 1]
        low, high = int(np.ceil(min(ay, by, cy))) - top, int(np.floor(max(ay, by, cy))) - top
        begin = max(low, 0) // rows
        end = -1 if high < max(low, 0) else min(high // rows, count - 1)
        first[face], last[face] = begin, end
        for band in range(begin, end + 1):
            starts[band + 1] += 1
    for band in range(count):
        starts[band + 1] += starts[band]
    members = np.empty(starts[count], np.int32)
    filled = starts.copy()
    for face in range(len(faces)):
        for band in range(first[face], last[face] + 1):
            members[filled[band]] = face
            filled[band] += 1
    return starts, members


# a shared edge is drawn twice rather than not at all: of one layer the nearest counts
_LEAST: Final = np.float32(-1e-4)  # weight of a vertex within a triangle
_CLOSED: Final = np.uint8(16)  # added to the count of a pixel whose last fragment hides all behind it
_COUNT: Final = np.uint8(15)
# indices without a sign: of others Numba asks every time whether they count from the end
_NONE: Final = np.uint64(0)
_ONE: Final = np.uint64(1)
_NEXT: Final = np.uint32(1)


@compiled_loosely
def solid_faces(faces: IntArray, uv: FloatArray, texels: ByteArray) -> BoolArray:
    """Return which triangles are opaque all over, bool (F,): all texels of their box are.

    Parameters
    ----------
    faces : int32 (F, 3)
    uv : float32 (N, 2) or more
        Texture coordinates of alpha.
    texels : uint8 (h, w, 5)
        As in `compose_fragments`.
    """
    rows, columns = texels.shape[:2]
    # how many texels are not opaque in the columns up to here, from the row's begin
    clear = np.zeros((rows, columns + 1), np.int32)
    for row in range(rows):
        for column in range(columns):
            clear[row, column + 1] = clear[row, column] + (1 if texels[row, column, 3] < 255 else 0)
    solid = np.empty(len(faces), np.bool_)
    for face in range(len(faces)):
        a, b, c = faces[face, 0], faces[face, 1], faces[face, 2]
        left = int(np.floor(min(uv[a, 0], uv[b, 0], uv[c, 0])))
        right = int(np.ceil(max(uv[a, 0], uv[b, 0], uv[c, 0]))) + 1
        top = int(np.floor(min(uv[a, 1], uv[b, 1], uv[c, 1])))
        bottom = int(np.ceil(max(uv[a, 1], uv[b, 1], uv[c, 1]))) + 1
        left, right = max(min(left, columns - 1), 0), max(min(right, columns - 1), 0)
        top, bottom = max(min(top, rows - 1), 0), max(min(bottom, rows - 1), 0)
        found = 0
        for row in range(top, bottom + 1):
            found += clear[row, right + 1] - clear[row, left]
        solid[face] = found == 0
    return solid


@compiled_loosely
def _corners(faces: IntArray, face: np.uint32) -> tuple[np.uint32, np.uint32, np.uint32]:
    return np.uint32(faces[face, 0]), np.uint32(faces[face, 1]), np.uint32(faces[face, 2])


@compiled_loosely
def _crossing(weight: np.float32, across: np.float32, down: np.float32) -> tuple[np.float32, np.float32]:
    """Return where a vertex's weight vanishes, against the first vertex's x in its row, and how that grows with y.

    Parameters
    ----------
    weight : float32
        At the first vertex.
    across, down : float32
        How it grows with x and y.
    """
    step = np.float32(1.0) / across if across != 0 else np.float32(0.0)
    return (_LEAST - weight) * step, -down * step


@compiled_loosely
def fill_fragments(
    positions: FloatArray,
    mesh: tuple[IntArray, IntArray, BoolArray],
    members: IntArray,
    corner: tuple[int, int],
    counts: ByteArray,
    fragments: tuple[FloatArray, IntArray, IntArray, FloatArray],
) -> None:
    """Fill the nearest fragments of every pixel of a box.

    Parameters
    ----------
    positions : float32 (N, 3)
        Pixels and depth; what lies outside of the box is left out.
    mesh : int32 (F, 3), int32 (F,), bool (F,)
        Triangles, the layer of each, and whether nothing is seen through it: what lies behind is not kept then.
    members : int32 (M,)
        Numbers of the triangles that are drawn. Of two of one layer at one depth the one that faces us is in front.
    corner : (int, int)
        x and y of the box's first pixel.
    counts : uint8 (H, W)
        How many fragments each pixel has; to be filled with 0 before.
    fragments : float32 (H, W, K), int32 (H, W, K), int32 (H, W, K), float32 (H, W, K, 2)
        `depth`, sorted, `layer`, `face`, and `shares`, the weights of its second and third vertex.
    """
    faces, layers, solid = mesh
    depth, layer, face, shares = fragments
    height, width, kept = depth.shape[0], depth.shape[1], np.uint64(depth.shape[2])
    left_edge, top_edge = np.float32(corner[0]), np.float32(corner[1])
    zero, one, far = np.float32(0.0), np.float32(1.0), np.float32(1e30)
    last_column = np.float32(width - 1)
    for number in range(len(members)):
        own_face = np.uint32(members[number])
        a, b, c = _corners(faces, own_face)
        ax, ay = positions[a, 0] - left_edge, positions[a, 1] - top_edge
        bx, by = positions[b, 0] - left_edge, positions[b, 1] - top_edge
        cx, cy = positions[c, 0] - left_edge, positions[c, 1] - top_edge
        left, right = max(zero, np.ceil(min(ax, bx, cx))), min(last_column, np.floor(max(ax, bx, cx)))
        top, bottom = max(0, int(np.ceil(min(ay, by, cy)))), min(height - 1, int(np.floor(max(ay, by, cy))))
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if abs(area) < np.float32(1e-9) or left > right:
            continue
        own, hides = layers[own_face], solid[own_face]
        # how the weights of b, c and a grow with x, and of b and c with y
        per_area = one / area
        b_across, b_down = (cy - ay) * per_area, (ax - cx) * per_area
        c_across, c_down = (ay - by) * per_area, (bx - ax) * per_area
        a_across, a_down = -b_across - c_across, -b_down - c_down
        # where each edge crosses a row, and how that grows with y; rows beside a level edge are outside of the box
        b_begin, b_slope = _crossing(zero, b_across, b_down)
        c_begin, c_slope = _crossing(zero, c_across, c_down)
        a_begin, a_slope = _crossing(one, a_across, a_down)
        depth_a = positions[a, 2]
        depth_b, depth_c = positions[b, 2] - depth_a, positions[c, 2] - depth_a
        if area < 0:
            depth_a += _FACING_AWAY
        for row in range(top, bottom + 1):
            y, below = np.uint32(row), np.float32(row) - ay
            # the row's pixels between the edges, each of which bounds it on one side
            b_edge, c_edge = b_begin + below * b_slope, c_begin + below * c_slope
            a_edge = a_begin + below * a_slope
            low = max(
                b_edge if b_across > zero else -far, c_edge if c_across > zero else -far,
                a_edge if a_across > zero else -far,
            )  # fmt: skip
            high = min(
                b_edge if b_across < zero else far, c_edge if c_across < zero else far,
                a_edge if a_across < zero else far,
            )  # fmt: skip
            begin, end = max(left, np.ceil(low + ax)), min(right, np.floor(high + ax))
            b_row, c_row = below * b_down, below * c_down
            for column in range(int(begin), int(end) + 1):
                x, beside = np.uint32(column), np.float32(column) - ax
                share_b, share_c = beside * b_across + b_row, beside * c_across + c_row
                z = depth_a + share_b * depth_b + share_c * depth_c
                told = counts[y, x]
                count = np.uint64(told & _COUNT)
                if told > _CLOSED and z >= depth[y, x, count - _ONE]:
                    continue
                # that of the fragment of this layer, else one more, or instead of the last one
                slot = _NONE
                while slot < count and layer[y, x, slot] != own:
                    slot += _ONE
                if slot == kept:
                    slot = kept - _ONE
                if slot < count:
                    if z >= depth[y, x, slot]:
                        continue
                else:
                    count += _ONE
                while slot > _NONE and depth[y, x, slot - _ONE] > z:
                    before = slot - _ONE
                    depth[y, x, slot], layer[y, x, slot] = depth[y, x, before], layer[y, x, before]
                    face[y, x, slot] = face[y, x, before]
                    shares[y, x, slot, 0], shares[y, x, slot, 1] = shares[y, x, before, 0], shares[y, x, before, 1]
                    slot = before
                depth[y, x, slot], layer[y, x, slot], face[y, x, slot] = z, own, own_face
                shares[y, x, slot, 0], shares[y, x, slot, 1] = share_b, share_c
                if hides:
                    counts[y, x] = np.uint8(slot + _ONE) | _CLOSED
                elif told > _CLOSED and solid[face[y, x, count - _ONE]]:
                    counts[y, x] = np.uint8(count) | _CLOSED
                else:
                    counts[y, x] = np.uint8(count)


@compiled_loosely
def compose_fragments(
    counts: ByteArray,
    fragments: tuple[FloatArray, IntArray, IntArray, FloatArray],
    mesh: tuple[IntArray, FloatArray, FloatArray, BoolArray],
    texels: ByteArray,
    found: tuple[FloatArray, FloatArray, FloatArray],
) -> None:
    """Lay the fragments of every pixel of a box over each other.

    Parameters
    ----------
    counts : uint8 (H, W)
    fragments : float32 (H, W, K), int32 (H, W, K), int32 (H, W, K), float32 (H, W, K, 2)
        As `fill_fragments` fills them.
    mesh : int32 (F, 3), float32 (N, 4), float32 (N, 2), bool (F,)
        Triangles; texture coordinates of alpha, and from there to those of the colors; how far away from its place at
        rest each vertex is, in pixels, none where the photo is not behind; which triangles are opaque.
    texels : uint8 (h, w, 5)
        Colors multiplied by alpha, alpha, and whether the photo shows this texel (255) or it was made up (0).
    found : float32 (H, W, 4), float32 (H, W), float32 (H, W)
        What is filled: the picture in 0..255; which share of the pixel is where the photo has it, in [0, 1]; the depth
        of the nearest surface, a large number where there is none.
    """
    depth, _, face, shares = fragments
    faces, uv, away, solid = mesh
    result, still, nearest = found
    height, width = counts.shape
    rows, columns = texels.shape[:2]
    zero, one, per_level = np.float32(0.0), np.float32(1.0), np.float32(1 / 255)
    last_u, last_v = np.float32(columns - 1.001), np.float32(rows - 1.001)
    photo_behind = len(away) > 0
    for y in range(height):
        for x in range(width):
            left = one
            red, green, blue, coverage, unmoved = zero, zero, zero, zero, zero
            count = np.int64(counts[y, x] & _COUNT)
            nearest[y, x] = depth[y, x, 0] if count > 0 else NOWHERE
            for slot in range(count):
                if left < np.float32(0.004):
                    break
                own = np.uint32(face[y, x, slot])
                a, b, c = _corners(faces, own)
                share_b, share_c = shares[y, x, slot, 0], shares[y, x, slot, 1]
                share_a = one - share_b - share_c
                u = share_a * uv[a, 0] + share_b * uv[b, 0] + share_c * uv[c, 0]
                v = share_a * uv[a, 1] + share_b * uv[b, 1] + share_c * uv[c, 1]
                aside = share_a * uv[a, 2] + share_b * uv[b, 2] + share_c * uv[c, 2]
                below = share_a * uv[a, 3] + share_b * uv[b, 3] + share_c * uv[c, 3]
                u, v = min(max(u, zero), last_u), min(max(v, zero), last_v)
                i, j = np.uint32(u), np.uint32(v)
                du, dv = u - np.float32(i), v - np.float32(j)
                w00, w01, w10, w11 = (one - du) * (one - dv), du * (one - dv), (one - du) * dv, du * dv
                alpha = np.float32(255.0)
                if not solid[own]:
                    alpha = (
                        w00 * np.float32(texels[j, i, 3]) + w01 * np.float32(texels[j, i + _NEXT, 3])
                        + w10 * np.float32(texels[j + _NEXT, i, 3]) + w11 * np.float32(texels[j + _NEXT, i + _NEXT, 3])
                    )  # fmt: skip
                if photo_behind:
                    away_x = share_a * away[a, 0] + share_b * away[b, 0] + share_c * away[c, 0]
                    away_y = share_a * away[a, 1] + share_b * away[b, 1] + share_c * away[c, 1]
                    # half of the squared distance; beyond the limit less than a thousandth of a level is left
                    half = (away_x * away_x + away_y * away_y) * np.float32(0.5)
                    if half < np.float32(13.0):
                        seen = (
                            w00 * np.float32(texels[j, i, 4])
                            + w01 * np.float32(texels[j, i + _NEXT, 4])
                            + w10 * np.float32(texels[j + _NEXT, i, 4])
                            + w11 * np.float32(texels[j + _NEXT, i + _NEXT, 4])
                        )
                        unmoved += left * alpha * seen * exponential(-half)
                part = left
                if abs(aside) + abs(below) > np.float32(0.05):
                    other_u, other_v = min(max(u + aside, zero), last_u), min(max(v + below, zero), last_v)
                    p, q = np.uint32(other_u), np.uint32(other_v)
                    eu, ev = other_u - np.float32(p), other_v - np.float32(q)
                    d00, d01, d10, d11 = (one - eu) * (one - ev), eu * (one - ev), (one - eu) * ev, eu * ev
                    there = (
                        d00 * np.float32(texels[q, p, 3]) + d01 * np.float32(texels[q, p + _NEXT, 3])
                        + d10 * np.float32(texels[q + _NEXT, p, 3]) + d11 * np.float32(texels[q + _NEXT, p + _NEXT, 3])
                    )  # fmt: skip
                    # colors are multiplied by their own alpha
                    if there > 16:
                        part, i, j = left * alpha / there, p, q
                        w00, w01, w10, w11 = d00, d01, d10, d11
                w00, w01, w10, w11 = part * w00, part * w01, part * w10, part * w11
                red += (
                    w00 * np.float32(texels[j, i, 0]) + w01 * np.float32(texels[j, i + _NEXT, 0])
                    + w10 * np.float32(texels[j + _NEXT, i, 0]) + w11 * np.float32(texels[j + _NEXT, i + _NEXT, 0])
                )  # fmt: skip
                green += (
                    w00 * np.float32(texels[j, i, 1]) + w01 * np.float32(texels[j, i + _NEXT, 1])
                    + w10 * np.float32(texels[j + _NEXT, i, 1]) + w11 * np.float32(texels[j + _NEXT, i + _NEXT, 1])
                )  # fmt: skip
                blue += (
                    w00 * np.float32(texels[j, i, 2]) + w01 * np.float32(texels[j, i + _NEXT, 2])
                    + w10 * np.float32(texels[j + _NEXT, i, 2]) + w11 * np.float32(texels[j + _NEXT, i + _NEXT, 2])
                )  # fmt: skip
                coverage += left * alpha
                left *= max(zero, one - alpha * per_level)
            result[y, x, 0], result[y, x, 1], result[y, x, 2], result[y, x, 3] = red, green, blue, coverage
            still[y, x] = unmoved * per_level * per_level
