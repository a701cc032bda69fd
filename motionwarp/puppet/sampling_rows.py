"""Sampling a part's texture on a CPU, row by row, as `grid_sample` does: linearly between pixels, nothing outside.

A texture's four channels lie beside each other and are fetched at once; what is sampled lies plane by plane, as it is
blended.
"""

from __future__ import annotations

import numpy as np

from motionwarp.compiled import compiled_loosely
from motionwarp.types import ByteArray, FloatArray


@compiled_loosely
def _sample_row(texture: FloatArray, xs: FloatArray, ys: FloatArray, planes: FloatArray, row: int) -> None:
    height, width = texture.shape[0], texture.shape[1]
    red, green, blue, alpha = planes[0, row], planes[1, row], planes[2, row], planes[3, row]
    zero, one = np.float32(0.0), np.float32(1.0)
    for place in range(len(xs)):
        x, y = xs[place], ys[place]
        if not (x > -one and x < np.float32(width) and y > -one and y < np.float32(height)):
            red[place], green[place], blue[place], alpha[place] = zero, zero, zero, zero
            continue
        low_x, low_y = np.floor(x), np.floor(y)
        i, j = int(low_x), int(low_y)
        du, dv = x - low_x, y - low_y
        # a pixel outside counts as nothing: it has no weight, and the one beside it is read in its place
        left, right = (one - du if i >= 0 else zero), (du if i + 1 < width else zero)
        upper, lower = (one - dv if j >= 0 else zero), (dv if j + 1 < height else zero)
        i0, i1, j0, j1 = max(i, 0), min(i + 1, width - 1), max(j, 0), min(j + 1, height - 1)
        w00, w01, w10, w11 = left * upper, right * upper, left * lower, right * lower
        red[place] = (
            w00 * texture[j0, i0, 0] + w01 * texture[j0, i1, 0] + w10 * texture[j1, i0, 0] + w11 * texture[j1, i1, 0]
        )
        green[place] = (
            w00 * texture[j0, i0, 1] + w01 * texture[j0, i1, 1] + w10 * texture[j1, i0, 1] + w11 * texture[j1, i1, 1]
        )
        blue[place] = (
            w00 * texture[j0, i0, 2] + w01 * texture[j0, i1, 2] + w10 * texture[j1, i0, 2] + w11 * texture[j1, i1, 2]
        )
        alpha[place] = (
            w00 * texture[j0, i0, 3] + w01 * texture[j0, i1, 3] + w10 * texture[j1, i0, 3] + w11 * texture[j1, i1, 3]
        )


@compiled_loosely
def _classes_row(classes: FloatArray, xs: FloatArray, ys: FloatArray, found: FloatArray) -> None:
    height, width = classes.shape
    for place in range(len(xs)):
        i, j = int(np.rint(xs[place])), int(np.rint(ys[place]))
        inside = i >= 0 and i < width and j >= 0 and j < height
        found[place] = classes[j, i] if inside else np.float32(0.0)


@compiled_loosely
def sample_rows(
    texture: FloatArray, classes: FloatArray, grid: FloatArray, result: FloatArray, result_classes: FloatArray
) -> None:
    """Sample a texture at the places of grids.

    Parameters
    ----------
    texture : float32 (h, w, 4)
    classes : float32 (h, w)
        Empty where the texture has none.
    grid : float32 (B, H, W, 2)
        In grid_sample's coordinates.
    result : float32 (B, 4, H, W)
    result_classes : float32 (B, H, W)
        Those of the nearest pixels; empty as the texture's.
    """
    height, width = np.float32(texture.shape[0]), np.float32(texture.shape[1])
    half, one = np.float32(0.5), np.float32(1.0)
    xs, ys = np.empty(grid.shape[2], np.float32), np.empty(grid.shape[2], np.float32)
    for frame in range(grid.shape[0]):
        for row in range(grid.shape[1]):
            places = grid[frame, row]
            for x in range(len(xs)):
                xs[x] = ((places[x, 0] + one) * width - one) * half
                ys[x] = ((places[x, 1] + one) * height - one) * half
            _sample_row(texture, xs, ys, result[frame], row)
            if len(classes):
                _classes_row(classes, xs, ys, result_classes[frame, row])


@compiled_loosely
def sample_rows_affinely(
    texture: FloatArray, classes: FloatArray, matrix: FloatArray, result: FloatArray, result_classes: FloatArray
) -> None:
    """Sample a texture where affine maps lead, without a grid.

    Parameters
    ----------
    texture, classes
        As for `sample_rows`.
    matrix : float32 (B, 2, 3)
        From pixels of the result to grid_sample's coordinates.
    result, result_classes
        As for `sample_rows`.
    """
    height, width = np.float32(texture.shape[0]), np.float32(texture.shape[1])
    half, one = np.float32(0.5), np.float32(1.0)
    xs, ys = np.empty(result.shape[3], np.float32), np.empty(result.shape[3], np.float32)
    for frame in range(result.shape[0]):
        own = matrix[frame]
        for row in range(result.shape[2]):
            begin_x = np.float32(row) * own[0, 1] + own[0, 2]
            begin_y = np.float32(row) * own[1, 1] + own[1, 2]
            for x in range(len(xs)):
                xs[x] = ((begin_x + np.float32(x) * own[0, 0] + one) * width - one) * half
                ys[x] = ((begin_y + np.float32(x) * own[1, 0] + one) * height - one) * half
            _sample_row(texture, xs, ys, result[frame], row)
            if len(classes):
                _classes_row(classes, xs, ys, result_classes[frame, row])


@compiled_loosely
def _scaled(value: np.float32) -> np.float32:
    return min(max(value * np.float32(255.0) + np.float32(0.5), np.float32(0.0)), np.float32(255.0))


@compiled_loosely
def fill_levels(red: FloatArray, green: FloatArray, blue: FloatArray, alpha: FloatArray, result: ByteArray) -> None:
    """Round a row of colors multiplied by alpha, and alpha, in [0, 1], to bytes (w, 4)."""
    for x in range(len(result)):
        most = _scaled(alpha[x])
        # colors cannot exceed alpha, which rounding could make them do
        result[x, 0] = np.uint8(np.int32(min(_scaled(red[x]), most)))
        result[x, 1] = np.uint8(np.int32(min(_scaled(green[x]), most)))
        result[x, 2] = np.uint8(np.int32(min(_scaled(blue[x]), most)))
        result[x, 3] = np.uint8(np.int32(most))


@compiled_loosely
def byte_rows(rgba: FloatArray, result: ByteArray) -> None:
    """Round a picture (4, h, w) as `fill_levels` does, to bytes (h, w, 4)."""
    for y in range(len(result)):
        fill_levels(rgba[0, y], rgba[1, y], rgba[2, y], rgba[3, y], result[y])
