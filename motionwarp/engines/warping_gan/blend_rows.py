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
Rows = tuple[np.int64, np.int64, np.float32]  # two rows of a plane, and the way from one to the other

# of a recipe's planes, after the logits
_COLORS, _SHIFT, _BODY, _BODY_ALPHA = PAINTED + 1, PAINTED + 4, PAINTED + 5, PAINTED + 6
_LEAST_ALPHA, _LARGEST_SHIFT = np.float32(LEAST_ALPHA), np.float32(LARGEST_SHIFT)


@compiled_loosely
def _interpolated(plane: FloatArray, rows: Rows, begin: int, end: int, result: FloatArray) -> None:
    above, below, share = rows
    one, other = plane[above, begin:end], plane[below, begin:end]
    for x in range(len(one)):
        result[x] = one[x] + share * (other[x] - one[x])


@compiled_loosely
def _weights(plane: FloatArray, rows: Rows, begin: int, end: int, result: FloatArray) -> None:
    above, below, share = rows
    one, other = plane[above, begin:end], plane[below, begin:end]
    for x in range(len(one)):
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
def _picture_of(pictures: Planes, part: int) -> FloatArray:
    # asked once for a part and row: all pictures are handed over each time
    return pictures[part]


_AT_ONCE = 16  # values looked at in one step


@compiled_loosely
def _most(values: FloatArray) -> np.float32:
    most = np.float32(0.0)
    for x in range(_AT_ONCE):
        most = max(most, values[x])
    return most


@compiled_loosely
def _ends_of(values: FloatArray) -> tuple[int, int]:
    """Return the first place with a value above 0 and the one after the last; the length and 0 where there is none."""
    begin, end = 0, len(values)
    while begin + _AT_ONCE <= end and _most(values[begin : begin + _AT_ONCE]) <= 0:
        begin += _AT_ONCE
    while begin < end and values[begin] <= 0:
        begin += 1
    while end - _AT_ONCE >= begin and _most(values[end - _AT_ONCE : end]) <= 0:
        end -= _AT_ONCE
    while end > begin and values[end - 1] <= 0:
        end -= 1
    return (begin, end) if begin < end else (len(values), 0)


@compiled_loosely
def ends_of_rows(picture: FloatArray) -> Numbers:
    """Return where the alpha of each row of a picture (h, w, 4) begins and ends, int64 (h, 2).

    The first column with any, and the one after the last; w and 0 where there is none.
    """
    width = picture.shape[1]
    ends = np.empty((len(picture), 2), np.int64)
    for y in range(len(picture)):
        row = picture[y]
        begin, end = 0, width
        while begin < end and row[np.uint64(begin), 3] <= 0:
            begin += 1
        while end > begin and row[np.uint64(end - 1), 3] <= 0:
            end -= 1
        ends[y, 0], ends[y, 1] = (begin, end) if begin < end else (width, 0)
    return ends


@compiled_loosely
def _clear(rgba: FloatArray, levels: ByteArray) -> None:
    """Fill a piece of a row, float32 (4, w) or uint8 (w, 4), with nothing; one of both is empty."""
    for x in range(len(levels)):
        for channel in range(4):
            levels[x, channel] = np.uint8(0)
    for channel in range(len(rgba)):
        plane = rgba[channel]
        for x in range(len(plane)):
            plane[x] = np.float32(0.0)


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
    body: tuple[FloatArray, Numbers, int, int],
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
    body : float32 (h, w, 4), int64 (h, 2), int, int
        The posed avatar in a box in 0..255, empty where none counts; where each of its rows begins and ends, as from
        `ends_of_rows`; the box's first pixel in the output frame.
    corner : (int, int)
        x and y of the result's first pixel in the output frame.
    result : float32 (4, H, W), uint8 (H, W, 4)
        Colors multiplied by alpha, and alpha, as numbers or as bytes: one of both is filled, the other is empty.
    """
    layers, position = parts
    shown, firsts = boxes
    drawn, shares = order
    planes, cells, ways = recipe
    avatar, avatar_ends, avatar_left, avatar_top = body
    rgba, levels = result
    left, top = corner
    height, width = len(ways), planes.shape[2]
    one = np.float32(1.0)
    composite, mixed = np.empty((4, width), np.float32), np.empty((4, width), np.float32)
    weight, other, covered = np.empty(width, np.float32), np.empty(width, np.float32), np.empty(width, np.float32)
    shift, spans = np.empty(width, np.float32), np.empty((len(shown), 2), np.int64)
    for y in range(height):
        row = y + top
        between = cells[y], min(cells[y] + 1, planes.shape[1] - 1), ways[y]
        _interpolated(planes[_SHIFT], between, 0, width, shift)
        # between the first and the last pixel of the row that shows anything; all others are empty
        low, high = _ends_of(shift)
        if len(avatar) and avatar_top <= row < avatar_top + avatar.shape[0]:
            begin, end = avatar_ends[row - avatar_top, 0], avatar_ends[row - avatar_top, 1]
            if begin < end:
                low, high = min(low, begin + avatar_left - left), max(high, end + avatar_left - left)
        for part in range(len(shown)):
            spans[part] = 0
            if row < shown[part, 1] or row >= shown[part, 3]:
                continue
            x, own, beside = shown[part, 0] - firsts[part, 0], row - firsts[part, 1], shown[part, 0] - left
            alpha = _picture_of(layers, part)[position, 3, own, x : x + shown[part, 2] - shown[part, 0]]
            begin, end = _ends_of(alpha)
            if begin < end:
                spans[part, 0], spans[part, 1] = begin + beside, end + beside
                low, high = min(low, begin + beside), max(high, end + beside)
        low, high = max(low, 0), min(high, width)
        _clear(rgba[:, y, :low], levels[y, :low])
        _clear(rgba[:, y, high:], levels[y, high:])
        if low >= high:
            continue
        # from here on pixels are counted from the first one that shows anything
        count, start = high - low, left + low
        for channel in range(4):
            for x in range(count):
                composite[channel, x] = np.float32(0.0)
        for number in range(len(drawn)):
            part, share = drawn[number], shares[number]
            begin, end = spans[part, 0] - low, spans[part, 1] - low
            if begin >= end:
                continue
            x, own = begin + start - firsts[part, 0], row - firsts[part, 1]
            warped = _picture_of(layers, part)
            alpha = warped[position, 3, own, x : x + end - begin]
            for channel in range(4):
                picture = warped[position, channel, own, x : x + end - begin]
                _lay_over(share, alpha, picture, composite[channel, begin:end])
        # the composite itself and what is painted all over the row
        _weights(planes[COMPOSITE], between, low, high, weight)
        for channel in range(4):
            for x in range(count):
                mixed[channel, x] = weight[x] * composite[channel, x]
        _weights(planes[PAINTED], between, low, high, weight)
        for channel in range(3):
            _interpolated(planes[_COLORS + channel], between, low, high, other)
            _add_weighted(weight, other, mixed[channel, :count])
        for x in range(count):
            mixed[3, x] += weight[x]
        for part in range(len(shown)):
            begin, end = spans[part, 0] - low, spans[part, 1] - low
            if begin >= end:
                continue
            x, own = begin + start - firsts[part, 0], row - firsts[part, 1]
            _weights(planes[part], between, begin + low, end + low, weight[begin:end])
            warped = _picture_of(layers, part)
            for channel in range(4):
                picture = warped[position, channel, own, x : x + end - begin]
                _add_weighted(weight[begin:end], picture, mixed[channel, begin:end])
        for x in range(count):
            covered[x] = composite[3, x]
            weight[x] = one / mixed[3, x]
        for channel in range(3):
            for x in range(count):
                mixed[channel, x] *= weight[x]
        if len(avatar):
            _interpolated(planes[_BODY_ALPHA], between, low, high, other)
            before = start - avatar_left
            begin, end = max(-before, 0), min(avatar.shape[1] - before, count)
            if row < avatar_top or row >= avatar_top + avatar.shape[0]:
                begin, end = 0, 0
            # where nothing of the body is its share of alpha is one of nothing
            for x in range(count):
                other[x] = one / (one + exponential(-other[x]))
                covered[x] -= other[x] * covered[x]
            # the composite is no longer needed
            if end > begin:
                _weights(planes[_BODY], between, begin + low, end + low, weight[begin:end])
                _split_body(avatar[row - avatar_top, begin + before : end + before], composite)
                alpha = composite[3, : end - begin]
                for channel in range(3):
                    _mix_body(composite[channel, : end - begin], alpha, weight[begin:end], mixed[channel, begin:end])
                _add_weighted(other[begin:end], alpha, covered[begin:end])
        moved = shift[low:high]
        for x in range(count):
            bounded = min(max(covered[x], _LEAST_ALPHA), one - _LEAST_ALPHA)
            odds = bounded * exponential(min(max(moved[x], -_LARGEST_SHIFT), _LARGEST_SHIFT))
            shifted = odds / (odds + (one - bounded))
            stretched = (shifted - _LEAST_ALPHA) * (one / (one - np.float32(2.0) * _LEAST_ALPHA))
            other[x] = min(max(stretched, np.float32(0.0)), one)
        for channel in range(3):
            for x in range(count):
                mixed[channel, x] *= other[x]
        for x in range(count):
            mixed[3, x] = other[x]
        if len(levels):
            fill_levels(mixed[0], mixed[1], mixed[2], mixed[3], levels[y, low:high])
        else:
            for channel in range(4):
                result_row = rgba[channel, y, low:high]
                for x in range(len(result_row)):
                    result_row[x] = mixed[channel, x]


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
