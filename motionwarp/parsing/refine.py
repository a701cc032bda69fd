"""Settling what a parsing leaves open about the lower body: one garment, not patches of two.

A network decides pixel by pixel, and a dark skirt easily becomes half trousers. People hardly ever wear a skirt or a
dress and trousers at once, so below the hips the larger of the two takes all. Coats are worn over either and stay.
Ours.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter

from motionwarp.parsing import labels
from motionwarp.parsing.labels import DRESS, PANTS, SKIRT
from motionwarp.pose import skeleton
from motionwarp.types import BoolArray, ByteArray, FloatArray, Pose


def spread_classes(parsing: ByteArray, known: BoolArray) -> ByteArray:
    """Give every pixel whose class is not known that of the nearest one whose class is.

    Parameters
    ----------
    parsing : uint8 (H, W)
    known : bool (H, W)

    Returns
    -------
    uint8 (H, W)
        A new array; equal to the parsing if all is known, or nothing.
    """
    if known.all() or not known.any():
        return parsing.copy()
    _, nearest = cv2.distanceTransformWithLabels(
        (~known).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    # the known pixels are numbered from 1; the table takes a number to its pixel's class
    numbers = np.asarray(nearest)
    table = np.zeros(int(numbers.max()) + 1, dtype=np.uint8)
    table[numbers[known]] = parsing[known]
    return np.asarray(table[numbers], dtype=np.uint8)


_ARMS: Final = {
    labels.RIGHT_ARM: (skeleton.RIGHT_SHOULDER, skeleton.RIGHT_ELBOW, skeleton.RIGHT_WRIST),
    labels.LEFT_ARM: (skeleton.LEFT_SHOULDER, skeleton.LEFT_ELBOW, skeleton.LEFT_WRIST),
}
_SKIN: Final = (labels.FACE, *_ARMS, labels.RIGHT_LEG, labels.LEFT_LEG)
_CLOTHES: Final = (labels.UPPER_CLOTHES, labels.DRESS, labels.COAT, labels.JUMPSUITS, labels.PANTS, labels.SKIRT)
_VISIBLE: Final = 0.2
# height of the person in pixels at which colors are compared, and the blur there: of the picture's noise, and of the
# verdict
_HEIGHT: Final = 640
_BLUR_COLORS, _BLUR_EVIDENCE = 1.0, 1.5
# pixels of the face, there, without which nothing is said
_LEAST_FACE: Final = 30
# bins of 16 levels of lightness by 4 of each color, which spans 64 levels about gray, and their spread in bins
_BINS: Final = 16
_SPREAD: Final = (1.0, 0.7, 0.7)
_AROUND: Final = 0.3  # weight of what is around the person, against their clothes
_FLOOR: Final = 2e-4  # share of a bin that nothing falls into
# nats of evidence from which cloth along an arm is skin, from which what is joined to it is too, and below which an arm
# is not
_ADDED, _JOINED, _REMOVED = 1.5, 1.0, 0.0
# torsos across, along an arm, within which skin is that arm's, and what is joined to it
_BAND, _WIDE_BAND = 0.3, 0.45
_GAP: Final = 0.012  # of the person's height, across, that an arm closes over
_FROM_SHOULDER: Final = 0.3  # of the upper arm: above it, skin may be a neckline's
_HAND: Final = 0.45  # of the forearm's length, beyond the wrist


def arms_by_skin(rgb: ByteArray, parsing: ByteArray, pose: Pose) -> ByteArray:
    """Return a parsing whose arms are where the color of the face is.

    Parameters
    ----------
    rgb : uint8 (H, W, 3)
    parsing : uint8 (H, W)
        LIP classes, 0 outside the person.
    pose : Pose
        In pixels of the picture.

    Returns
    -------
    uint8 (H, W)
        Arms of another color get the nearest class of the person that is no arm; cloth along an arm that has the
        color of skin becomes that arm. The same parsing where there is too little of a face to compare with.
    """
    box = _box(parsing)
    if box is None:
        return parsing
    evidence = _evidence(rgb[box], parsing[box])
    if evidence is None:
        return parsing
    settled = parsing.copy()
    inside = settled[box]
    cloth = np.isin(inside, _CLOTHES)
    removed = np.isin(inside, tuple(_ARMS)) & (evidence < _REMOVED)
    wide = _along_arms(pose, box, _WIDE_BAND)
    for arm, along in _along_arms(pose, box, _BAND).items():
        inside[_joined(cloth & wide[arm] & (evidence > _JOINED), cloth & along & (evidence > _ADDED))] = arm
        inside[cloth & wide[arm] & _closed(inside == arm, _GAP * len(inside))] = arm
    others = (inside != labels.BACKGROUND) & ~np.isin(inside, tuple(_ARMS))
    if others.any():
        inside[removed] = spread_classes(inside, others)[removed]
    return settled


def _box(parsing: ByteArray) -> tuple[slice, slice] | None:
    """Return the person's rows and columns with a little around, or None."""
    rows, columns = np.flatnonzero(parsing.any(axis=1)), np.flatnonzero(parsing.any(axis=0))
    if not len(rows):
        return None
    margin = max(round(0.015 * (rows[-1] - rows[0])), 1)
    bottom, right = min(rows[-1] + margin + 1, parsing.shape[0]), min(columns[-1] + margin + 1, parsing.shape[1])
    return np.s_[max(rows[0] - margin, 0) : bottom, max(columns[0] - margin, 0) : right]


def _evidence(rgb: ByteArray, parsing: ByteArray) -> FloatArray | None:
    """Return the log likelihood ratio of skin for each pixel's color, float32 (h, w) in nats, or None."""
    height, width = parsing.shape
    scale = min(_HEIGHT / height, 1.0)
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    small = cv2.resize(parsing, size, interpolation=cv2.INTER_NEAREST)
    face = cv2.erode((small == labels.FACE).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    if np.count_nonzero(face) < _LEAST_FACE:
        return None
    clothes = (small != labels.BACKGROUND) & ~np.isin(small, _SKIN)
    around = small == labels.BACKGROUND
    colors = cv2.GaussianBlur(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), (0, 0), _BLUR_COLORS)
    bins = _bins(np.asarray(cv2.cvtColor(colors, cv2.COLOR_RGB2LAB), dtype=np.uint8))
    skin = _histogram(bins, face.astype(np.float32))
    other = _histogram(
        bins, clothes / max(np.count_nonzero(clothes), 1) + _AROUND * around / max(np.count_nonzero(around), 1)
    )
    ratio = np.log(skin + _FLOOR) - np.log(other + _FLOOR)
    evidence = cv2.GaussianBlur(ratio[bins], (0, 0), _BLUR_EVIDENCE)
    return np.asarray(cv2.resize(evidence, (width, height), interpolation=cv2.INTER_LINEAR), dtype=np.float32)


def _bins(lab: ByteArray) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    lightness = lab[..., 0].astype(np.int64) // 16
    across = np.clip((lab[..., 1:].astype(np.int64) - 96) // 4, 0, _BINS - 1)
    return np.asarray((lightness * _BINS + across[..., 0]) * _BINS + across[..., 1])


def _histogram(bins: np.ndarray[tuple[int, ...], np.dtype[np.int64]], weight: FloatArray) -> FloatArray:
    """Return the share of each bin, smoothed, float32 (4096,)."""
    counts = np.bincount(bins.ravel(), weights=weight.ravel(), minlength=_BINS**3).reshape(_BINS, _BINS, _BINS)
    smooth = gaussian_filter(counts, _SPREAD, mode="constant", truncate=2.0)
    return np.asarray(smooth / max(float(smooth.sum()), 1e-9), dtype=np.float32).ravel()


def _joined(mask: BoolArray, seeds: BoolArray) -> BoolArray:
    """Return the pieces of a mask that hold a seed."""
    _, pieces = cv2.connectedComponents(mask.astype(np.uint8))
    return np.asarray(mask & np.isin(pieces, np.unique(pieces[seeds & mask])))


def _closed(mask: BoolArray, across: float) -> BoolArray:
    """Return a mask without gaps of so many pixels: rings, nails, shadows between fingers."""
    size = max(round(across), 1) | 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    return np.asarray(cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, kernel) > 0)


def _along_arms(pose: Pose, box: tuple[slice, slice], torsos: float) -> dict[int, BoolArray]:
    """Return for each arm whose points were seen the band along it, so many torsos across, bool (h, w) of the box."""
    rows, columns = box
    visible = pose.visible(_VISIBLE)
    hips = pose.xy[[skeleton.RIGHT_HIP, skeleton.LEFT_HIP]].mean(axis=0)
    if not visible[[skeleton.NECK, skeleton.RIGHT_HIP, skeleton.LEFT_HIP]].all():
        return {}
    torso = float(np.linalg.norm(pose.xy[skeleton.NECK] - hips))
    bands: dict[int, BoolArray] = {}
    for arm, points in _ARMS.items():
        if not visible[list(points)].all():
            continue
        shoulder, elbow, wrist = pose.xy[list(points)].astype(np.float64)
        chain = np.array(
            [shoulder + _FROM_SHOULDER * (elbow - shoulder), elbow, wrist, wrist + _HAND * (wrist - elbow)]
        )
        band = np.zeros((rows.stop - rows.start, columns.stop - columns.start), dtype=np.uint8)
        corners = np.round(chain - (columns.start, rows.start)).astype(np.int32)
        cv2.polylines(
            band, [corners.reshape(-1, 1, 2)], isClosed=False, color=1, thickness=max(round(torsos * torso), 1)
        )
        bands[arm] = band > 0
    return bands


_HIPS = (skeleton.RIGHT_HIP, skeleton.LEFT_HIP)


def one_lower_garment(parsing: ByteArray, pose: Pose) -> ByteArray:
    """Return a parsing whose lower body wears trousers, or a skirt, or a dress.

    Parameters
    ----------
    parsing : uint8 (H, W)
        LIP classes.
    pose : Pose
        In pixels of the parsing; which side of the hips is below is told by neck and hips, so that people may lie.

    Returns
    -------
    uint8 (H, W)
        What seemed trousers on somebody in a skirt or a dress becomes the larger of these. Unchanged if neck or hips
        were not seen.
    """
    if not pose.visible(_VISIBLE)[[skeleton.NECK, *_HIPS]].all():
        return parsing
    hips = pose.xy[list(_HIPS)].mean(axis=0)
    down = hips - pose.xy[skeleton.NECK]
    rows, columns = np.nonzero(np.isin(parsing, (PANTS, SKIRT, DRESS)))
    worn = parsing[rows, columns]
    below = (columns - hips[0]) * down[0] + (rows - hips[1]) * down[1] > 0
    hanging, trousers = np.isin(worn, (SKIRT, DRESS)) & below, (worn == PANTS) & below
    if not hanging.any() or not trousers.any():
        return parsing
    settled = parsing.copy()
    if np.count_nonzero(trousers) > np.count_nonzero(hanging):
        settled[rows[hanging], columns[hanging]] = PANTS
        return settled
    a_dress = 2 * np.count_nonzero(worn[hanging] == DRESS) > np.count_nonzero(hanging)
    settled[rows[trousers], columns[trousers]] = DRESS if a_dress else SKIRT
    return settled
