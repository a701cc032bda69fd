"""Matte and parsing of a crop brought to the picture's own resolution and edges."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from motionwarp.errors import InputError
from motionwarp.parsing.labels import BACKGROUND, CLASS_COUNT
from motionwarp.parsing.refine import arms_by_skin, one_lower_garment, spread_classes
from motionwarp.perception.matte_cleanup import clean_up_matte, decide_areas
from motionwarp.types import BoolArray, ByteArray, FloatArray, Person, PersonCrop


def guided_filter(guide: FloatArray, values: FloatArray, radius: int, epsilon: float) -> FloatArray:
    """Make `values` follow the edges of `guide`.

    In every window the result is a linear function of the guide's colors, fitted to the values by ridge regression (He
    et al., section 3, equations 19 to 21); each pixel averages the functions of the windows that hold it.

    Parameters
    ----------
    guide : float32 (H, W, 3)
        In [0, 1].
    values : float32 (H, W)
    radius : int
        Radius of the square windows, in pixels, at least 1.
    epsilon : float
        Variance of the guide below which a window counts as flat.

    Returns
    -------
    float32 (H, W)
        Not confined to the range of `values`.
    """
    if guide.shape[:2] != values.shape or guide.shape[2:] != (3,):
        raise ValueError(f"a guide of {guide.shape} does not fit values of {values.shape}")
    if radius < 1 or epsilon <= 0:
        raise ValueError(
            f"the guided filter needs a radius of at least 1 and a positive epsilon, got {radius}, {epsilon}"
        )
    # centered colors lose no digits in the differences of means below
    guide = guide - guide.mean(axis=(0, 1), dtype=np.float64).astype(np.float32)
    color = _window_mean(guide, radius)  # (H, W, 3)
    average = _window_mean(values, radius)
    covariance = _window_mean(guide * values[..., None], radius) - color * average[..., None]  # (H, W, 3)
    slope = _solved(_color_covariance(guide, color, radius, epsilon), covariance)  # (H, W, 3)
    offset = average - (slope * color).sum(axis=2)
    return np.asarray(
        (_window_mean(slope, radius) * guide).sum(axis=2) + _window_mean(offset, radius), dtype=np.float32
    )


def _window_mean(array: FloatArray, radius: int) -> FloatArray:
    size = (2 * radius + 1, 2 * radius + 1)
    return np.asarray(cv2.boxFilter(array, -1, size, borderType=cv2.BORDER_REFLECT), dtype=np.float32)


def _color_covariance(guide: FloatArray, color: FloatArray, radius: int, epsilon: float) -> FloatArray:
    """Return the windows' covariances of red, green and blue plus `epsilon`: rr, rg, rb, gg, gb, bb, (6, H, W)."""
    pairs = [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)]
    planes, means = (
        cv2.split(guide),
        cv2.split(color),
    )  # whole planes are read and written several times as fast as strided ones
    covariance = np.empty((len(pairs), *guide.shape[:2]), dtype=np.float32)
    for (one, other), plane in zip(pairs, covariance, strict=True):
        np.subtract(_window_mean(planes[one] * planes[other], radius), means[one] * means[other], out=plane)
        if one == other:
            plane += epsilon
    return covariance


def _solved(symmetric: FloatArray, right: FloatArray) -> FloatArray:
    """Solve a 3x3 system at every pixel by cofactors, (H, W, 3); `symmetric` (6, H, W), `right` (H, W, 3)."""
    rr, rg, rb, gg, gb, bb = symmetric
    inverse_rr, inverse_rg, inverse_rb = gg * bb - gb * gb, gb * rb - rg * bb, rg * gb - gg * rb
    inverse_gg, inverse_gb, inverse_bb = rr * bb - rb * rb, rg * rb - rr * gb, rr * gg - rg * rg
    determinant = rr * inverse_rr + rg * inverse_rg + rb * inverse_rb
    red, green, blue = cv2.split(right)
    solution = [
        (inverse_rr * red + inverse_rg * green + inverse_rb * blue) / determinant,
        (inverse_rg * red + inverse_gg * green + inverse_gb * blue) / determinant,
        (inverse_rb * red + inverse_gb * green + inverse_bb * blue) / determinant,
    ]
    return np.asarray(cv2.merge(solution), dtype=np.float32)


_PERSON_FROM: Final = 0.5  # coverage


@dataclass(frozen=True)
class MatteSettings:
    """How a matte is fitted to the picture's edges.

    Attributes
    ----------
    radius_cells : float
        Radius of the guided filter, in cells of the crop's matte: as far as the matte's own edge may be off.
    epsilon : float
        Variance of the picture's colors, in [0, 1], below which there is no edge to follow.
    low, high : float
        Coverage that becomes 0 and 1: the filter never quite reaches them.
    """

    radius_cells: float = 1.5
    epsilon: float = 2e-4
    low: float = 0.12
    high: float = 0.88


def matte_in_frame(rgb: ByteArray, person: Person, settings: MatteSettings | None = None) -> FloatArray:
    """Return a person's matte at the picture's resolution, without haze and fitted to the picture's own edges.

    Parameters
    ----------
    rgb : uint8 (H, W, 3)
    person : Person
        With a matte.
    settings : MatteSettings, optional

    Returns
    -------
    float32 (H, W)
        Coverage in [0, 1]; 0 outside the person's crop.

    Raises
    ------
    InputError
        If the person has no matte.
    """
    settings = settings or MatteSettings()
    if person.matte is None:
        raise InputError("this person was seen without a matte", remedy="Analyze with dense=True")
    height, width = rgb.shape[:2]
    frame_matte = np.zeros((height, width), dtype=np.float32)
    window = _window(person.crop, height, width)
    if window is None:
        return frame_matte
    rows, columns = window
    cells = decide_areas(clean_up_matte(person.matte, person.pose, person.crop))
    coarse = np.clip(_sampled(cells, person.crop, rows, columns, cv2.INTER_CUBIC), 0, 1)
    cell = person.crop.scale * person.crop.height / person.matte.shape[0]
    radius = round(settings.radius_cells * cell)
    fine = coarse
    if radius >= 1 and cell > 1:
        guide = rgb[rows, columns].astype(np.float32) / np.float32(255)
        fine = guided_filter(guide, coarse, radius, settings.epsilon)
        fine = np.clip((fine - settings.low) / (settings.high - settings.low), 0, 1)
    frame_matte[rows, columns] = fine
    return frame_matte


def covered_in_frame(person: Person, matte: FloatArray, settings: MatteSettings | None = None) -> FloatArray:
    """Return where a picture may show a person and what they carry.

    Their matte, and its haze, which is not worth showing elsewhere.

    A bag that is half seen shall not stay in the air when the person is taken out of the picture.

    Parameters
    ----------
    person : Person
        With a matte.
    matte : float32 (H, W)
        As from `matte_in_frame`.
    settings : MatteSettings, optional
        As given there.

    Returns
    -------
    float32 (H, W)
        Coverage in [0, 1], nowhere less than the matte.
    """
    settings = settings or MatteSettings()
    window = _window(person.crop, *matte.shape)
    if person.matte is None or window is None:
        return matte
    rows, columns = window
    coarse = _sampled(person.matte, person.crop, rows, columns, cv2.INTER_LINEAR)
    hazy = np.clip((coarse - settings.low) / (settings.high - settings.low), 0, 1)
    covered = matte.copy()
    np.maximum(covered[rows, columns], hazy, out=covered[rows, columns])
    return covered


def parsing_in_frame(rgb: ByteArray, person: Person, matte: FloatArray | None = None) -> ByteArray:
    """Return a person's parsing at the picture's resolution, cut by the matte.

    Borders between classes are smoothed as far as the crop's cells are visible. Where the matte says person and the
    parsing background, the nearest class is taken. Below the hips one garment takes all (`one_lower_garment`), and arms
    are told from sleeves by the color of the face (`arms_by_skin`).

    Parameters
    ----------
    rgb : uint8 (H, W, 3)
        The picture.
    person : Person
        With a parsing.
    matte : float32 (H, W), optional
        The person's matte at the picture's resolution, such as from `matte_in_frame`; by default the crop's own.

    Returns
    -------
    uint8 (H, W)
        The 20 LIP classes; 0 outside the person.

    Raises
    ------
    InputError
        If the person has no parsing.
    """
    if person.parsing is None:
        raise InputError("this person was seen without a parsing", remedy="Analyze with dense=True")
    height, width = rgb.shape[:2]
    frame_parsing = np.zeros((height, width), dtype=np.uint8)
    window = _window(person.crop, height, width)
    if window is None:
        return frame_parsing
    rows, columns = window
    inside = _inside(person, matte, rows, columns)
    if inside is None:
        frame_parsing[rows, columns] = _smooth_labels(person.parsing, person.crop, rows, columns, with_background=True)
        return _settled(rgb, frame_parsing, person)
    labels = _smooth_labels(person.parsing, person.crop, rows, columns, with_background=False)
    frame_parsing[rows, columns] = np.where(inside, spread_classes(labels, labels != BACKGROUND), BACKGROUND)
    return _settled(rgb, frame_parsing, person)


def _settled(rgb: ByteArray, parsing: ByteArray, person: Person) -> ByteArray:
    return arms_by_skin(rgb, one_lower_garment(parsing, person.pose), person.pose)


def _window(crop: PersonCrop, height: int, width: int) -> tuple[slice, slice] | None:
    """Return the rows and columns of the picture that a crop covers, or None."""
    left, top = max(int(np.floor(crop.left)), 0), max(int(np.floor(crop.top)), 0)
    right = min(int(np.ceil(crop.left + crop.scale * crop.width)), width)
    bottom = min(int(np.ceil(crop.top + crop.scale * crop.height)), height)
    return (slice(top, bottom), slice(left, right)) if right > left and bottom > top else None


def _sampled(cells: FloatArray, crop: PersonCrop, rows: slice, columns: slice, interpolation: int) -> FloatArray:
    """Sample a map over a crop at the pixels of a window of the picture; edge values go on outside."""
    cell = crop.scale * crop.height / cells.shape[0]
    # pixel centers at integers in both spaces, corners measured at edges
    offset_x = (columns.start + 0.5 - crop.left) / cell - 0.5
    offset_y = (rows.start + 0.5 - crop.top) / cell - 0.5
    matrix = np.array([[1 / cell, 0, offset_x], [0, 1 / cell, offset_y]], dtype=np.float64)
    size = (columns.stop - columns.start, rows.stop - rows.start)
    return np.asarray(
        cv2.warpAffine(
            cells, matrix, size, flags=interpolation | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE
        ),
        dtype=np.float32,
    )


def _inside(person: Person, matte: FloatArray | None, rows: slice, columns: slice) -> BoolArray | None:
    if matte is not None:
        return np.asarray(matte[rows, columns] >= _PERSON_FROM)
    if person.matte is not None:
        return np.asarray(_sampled(person.matte, person.crop, rows, columns, cv2.INTER_LINEAR) >= _PERSON_FROM)
    return None


def _smooth_labels(
    parsing: ByteArray, crop: PersonCrop, rows: slice, columns: slice, *, with_background: bool
) -> ByteArray:
    """Return the class with the most weight at every pixel of a window, uint8; 0 where no class has any."""
    size = (rows.stop - rows.start, columns.stop - columns.start)
    best = np.zeros(size, dtype=np.uint8)
    best_weight = np.full(size, 1e-3, dtype=np.float32)
    for label in range(0 if with_background else 1, CLASS_COUNT):
        mask = parsing == label
        if not mask.any():
            continue
        # one class at a time: all twenty at the picture's resolution would be hundreds of megabytes
        soft = np.asarray(cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 0.7), dtype=np.float32)
        weight = _sampled(soft, crop, rows, columns, cv2.INTER_LINEAR)
        ahead = weight > best_weight
        best[ahead] = label
        best_weight[ahead] = weight[ahead]
    return best
