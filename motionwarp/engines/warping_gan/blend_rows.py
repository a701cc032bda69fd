"""Following a recipe on a CPU, row by row: all that a row takes stays in the processor's cache.

The arithmetic is that of `blending`'s tensor operations, which other devices do plane by plane.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from motionwarp.compiled import compiled_loosely, exponential
from motionwarp.engines.warping_gan.networks import COMPOSITE, LARGEST_SHIFT, LEAST_ALPHA, PAINTED
from motionwarp.puppet.sampling_rows import fill_levels
from motionwarp.types import ByteArray, FloatArray

Numbers = npt.NDArray[np.int64]
IntArray = npt.NDArray[np.int32]
Planes = tuple[FloatArray, ...]

# of a recipe's planes, after the logits
_COLORS, _SHIFT, _BODY, _BODY_ALPHA = PAINTED + 1, PAINTED + 4, PAINTED + 5, PAINTED + 6
_LEAST_ALPHA, _LARGEST_SHIFT = np.float32(LEAST_ALPHA), np.float32(LARGEST_SHIFT)


@compiled_loosely
def _interpolated(one: FloatArray, other: FloatArray, share: np.float32, result: FloatArray) -> None:
    for x in range(len(result)):
        result[x] = one[x] + share * (other[x] - one[x])


@compiled_loosely
def _weights(one: FloatArray, other: FloatArray, share: np.float32, result: FloatArray) -> None:
    for x in range(len(result)):
        result[x] = exponential(one[x] + share * (other[x] - one[x]))


@compiled_loosely
def _add_weighted(weight: FloatArray, given: FloatArray, result: FloatArray) -> None:
    for x in range(len(result)):
        result[x] += weight[x] * given[x]


@compiled_loosely
def _lay_over(share: np.float32, alpha: FloatArray, above: FloatArray, below: FloatArray) -> None:
    for x in range(len(below)):
        below[x] = below[x] * (np.float32(1.0) - share * alpha[x]) + share * above[x]


@compiled_loosely
def _split_body(body: FloatArray, planes: FloatArray) -> None:
    reds, greens, blues, alphas = planes[0], planes[1], planes[2], planes[3]
    per_level = np.float32(1 / 255)
    for x in range(len(body)):
        reds[x], greens[x] = body[x, 0] * per_level, body[x, 1] * per_level
        blues[x], alphas[x] = body[x, 2] * per_level, body[x, 3] * per_level


@compiled_loosely
def _mix_body(color: FloatArray, alpha: FloatArray, weight: FloatArray, mixed: FloatArray) -> None:
    one = np.float32(1.0)
    for x in range(len(weight)):
        mixed[x] = (mixed[x] + weight[x] * color[x]) / (one + weight[x] * alpha[x])


@compiled_loosely
def _row_of(pictures: Planes, place: tuple[int, int, int, int], begin: int, end: int) -> FloatArray:
    # in one place only: which of the pictures it is costs as much machine code as all the rest
    part, frame, channel, row = place
    return pictures[part][frame, channel, row, begin:end]


@compiled_loosely
def interpolate_columns(rows: FloatArray, cells: IntArray, ways: FloatArray, result: FloatArray) -> None:
    """Interpolate between the cells of rows.

    Parameters
    ----------
    rows : float32 (R, C)
    cells : int32 (W,)
        The cell before each place, none below 0.
    ways : float32 (W,)
        From there to the next one, or to itself where there is none.
    result : float32 (R, W)
        To be filled.
    """
    last, step = np.uint32(rows.shape[1] - 1), np.uint32(1)
    for number in range(len(rows)):
        row, made = rows[number], result[number]
        for x in range(len(cells)):
            before = np.uint32(cells[x])
            made[x] = row[before] + ways[x] * (row[min(before + step, last)] - row[before])


@compiled_loosely
def blend_rows(
    parts: tuple[Planes, int],
    boxes: tuple[Numbers, Numbers],
    order: tuple[Numbers, FloatArray],
    recipe: tuple[FloatArray, Numbers, FloatArray],
    body: tuple[FloatArray, int, int],
    corner: tuple[int, int],
    result: tuple[FloatArray, ByteArray],
) -> None:
    """Blend one frame's parts, and the body where there is one.

    Parameters
    ----------
    parts : 15 float32 (B, 4, h, w), int
        Warped parts, empty where there is none; the frame among the B.
    boxes : int64 (15, 4), int64 (15, 2)
        What the frame shows of each part: left, top, right, bottom in the output frame, empty where it shows nothing;
        and the first pixel of the part's pictures there.
    order : int64 (N,), float32 (N,)
        Parts from back to front, each with the share of its alpha, as `compositor.drawing_order` gives them.
    recipe : float32 (C, R, W), int64 (H,), float32 (H,)
        The recipe's planes with columns of the result; for each of its rows the cell above it, and the way from there
        to the next one.
    body : float32 (h, w, 4), int, int
        The posed avatar in a box in 0..255, empty where none counts; the box's first pixel in the output frame.
    corner : (int, int)
        x and y of the result's first pixel in the output frame.
    result : float32 (4, H, W), uint8 (H, W, 4)
        Colors multiplied by alpha, and alpha, as numbers or as bytes: one of both is filled, the other is empty.
    """
    layers, position = parts
    shown, firsts = boxes
    drawn, shares = order
    planes, cells, ways = recipe
    avatar, avatar_left, avatar_top = body
    rgba, levels = result
    left, top = corner
    height, width = len(ways), planes.shape[2]
    one = np.float32(1.0)
    composite, mixed = np.empty((4, width), np.float32), np.empty((4, width), np.float32)
    weight, other, covered = np.empty(width, np.float32), np.empty(width, np.float32), np.empty(width, np.float32)
    for y in range(height):
        row, way = y + top, ways[y]
        above, below = cells[y], min(cells[y] + 1, planes.shape[1] - 1)
        for channel in range(4):
            for x in range(width):
                composite[channel, x] = np.float32(0.0)
        for number in range(len(drawn)):
            part, share = drawn[number], shares[number]
            if row < shown[part, 1] or row >= shown[part, 3]:
                continue
            begin, end = shown[part, 0] - left, shown[part, 2] - left
            x, own = shown[part, 0] - firsts[part, 0], row - firsts[part, 1]
            alpha = _row_of(layers, (part, position, 3, own), x, x + end - begin)
            for channel in range(4):
                picture = _row_of(layers, (part, position, channel, own), x, x + end - begin)
                _lay_over(share, alpha, picture, composite[channel, begin:end])
        # the composite itself and what is painted all over the box
        _weights(planes[COMPOSITE, above], planes[COMPOSITE, below], way, weight)
        for channel in range(4):
            for x in range(width):
                mixed[channel, x] = weight[x] * composite[channel, x]
        _weights(planes[PAINTED, above], planes[PAINTED, below], way, weight)
        for channel in range(3):
            _interpolated(planes[_COLORS + channel, above], planes[_COLORS + channel, below], way, other)
            _add_weighted(weight, other, mixed[channel])
        for x in range(width):
            mixed[3, x] += weight[x]
        for part in range(len(shown)):
            if row < shown[part, 1] or row >= shown[part, 3]:
                continue
            begin, end = shown[part, 0] - left, shown[part, 2] - left
            x, own = shown[part, 0] - firsts[part, 0], row - firsts[part, 1]
            _weights(planes[part, above, begin:end], planes[part, below, begin:end], way, weight[begin:end])
            for channel in range(4):
                picture = _row_of(layers, (part, position, channel, own), x, x + end - begin)
                _add_weighted(weight[begin:end], picture, mixed[channel, begin:end])
        for x in range(width):
            covered[x] = composite[3, x]
            weight[x] = one / mixed[3, x]
        for channel in range(3):
            for x in range(width):
                mixed[channel, x] *= weight[x]
        if len(avatar):
            _interpolated(planes[_BODY_ALPHA, above], planes[_BODY_ALPHA, below], way, other)
            before = left - avatar_left
            begin, end = max(-before, 0), min(avatar.shape[1] - before, width)
            if row < avatar_top or row >= avatar_top + avatar.shape[0]:
                begin, end = 0, 0
            # where nothing of the body is its share of alpha is one of nothing
            for x in range(width):
                other[x] = one / (one + exponential(-other[x]))
                covered[x] -= other[x] * covered[x]
            # the composite is no longer needed
            if end > begin:
                _weights(planes[_BODY, above, begin:end], planes[_BODY, below, begin:end], way, weight[begin:end])
                _split_body(avatar[row - avatar_top, begin + before : end + before], composite)
                alpha = composite[3, : end - begin]
                for channel in range(3):
                    _mix_body(composite[channel, : end - begin], alpha, weight[begin:end], mixed[channel, begin:end])
                _add_weighted(other[begin:end], alpha, covered[begin:end])
        _interpolated(planes[_SHIFT, above], planes[_SHIFT, below], way, other)
        for x in range(width):
            bounded = min(max(covered[x], _LEAST_ALPHA), one - _LEAST_ALPHA)
            odds = bounded * exponential(min(max(other[x], -_LARGEST_SHIFT), _LARGEST_SHIFT))
            shifted = odds / (odds + (one - bounded))
            stretched = (shifted - _LEAST_ALPHA) * (one / (one - np.float32(2.0) * _LEAST_ALPHA))
            other[x] = min(max(stretched, np.float32(0.0)), one)
        for channel in range(3):
            for x in range(width):
                mixed[channel, x] *= other[x]
        for x in range(width):
            mixed[3, x] = other[x]
        if len(levels):
            fill_levels(mixed[0], mixed[1], mixed[2], mixed[3], levels[y])
        else:
            for channel in range(4):
                for x in range(width):
                    rgba[channel, y, x] = mixed[channel, x]


@compiled_loosely
def carry_classes(
    parts: tuple[Planes, Planes, int],
    boxes: tuple[Numbers, Numbers],
    order: tuple[Numbers, FloatArray],
    corner: tuple[int, int],
    result: FloatArray,
) -> None:
    """Lay the classes of one frame's parts over each other, where these are solid and at least half in front.

    Parameters
    ----------
    parts : 15 float32 (B, 4, h, w), 15 float32 (B, 1, h, w), int
        As for `blend_rows`, with the parts' classes.
    boxes, order, corner
        As there.
    result : float32 (H, W)
        To be filled with 0 before.
    """
    layers, classes, position = parts
    shown, firsts = boxes
    drawn, shares = order
    left, top = corner
    for number in range(len(drawn)):
        part = drawn[number]
        if shares[number] <= np.float32(0.5):
            continue
        picture, carried = layers[part], classes[part]
        for row in range(shown[part, 1], shown[part, 3]):
            own = row - firsts[part, 1]
            for column in range(shown[part, 0], shown[part, 2]):
                x = column - firsts[part, 0]
                if picture[position, 3, own, x] > np.float32(0.5):
                    result[row - top, column - left] = carried[position, 0, own, x]
