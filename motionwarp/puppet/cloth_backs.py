"""The back of what somebody wears, made of the cloth that their photo shows beside what only fronts have. Ours.

Openings with their buttons, lapels, ties, prints and necklines lie around the middle of a trunk; arms, hair and bags
lie before it. All of that is taken out and filled by patches of the same clothes from the same height, so that stripes,
checks and belts go on across it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np

from motionwarp.inpainting.quilting import quilted
from motionwarp.parsing import labels
from motionwarp.parsing.refine import spread_classes
from motionwarp.pose import skeleton
from motionwarp.puppet import parts
from motionwarp.puppet.joints import LEAST_SCORE
from motionwarp.puppet.segmentation import PartRegions
from motionwarp.puppet.textures import SURE, spread_colors
from motionwarp.types import BoolArray, ByteArray, FloatArray, SourcePerson

_THERE: Final = 0.1  # of the matte
_WORKING_TORSO: Final = 128  # pixels of the upright window for a torso, at most
_TOPS: Final = (labels.UPPER_CLOTHES, labels.DRESS, labels.COAT, labels.JUMPSUITS, labels.SCARF)
_CLOTHES: Final = (*_TOPS, labels.SKIRT, labels.PANTS)
_OF_OTHERS: Final = (labels.LEFT_ARM, labels.RIGHT_ARM, labels.GLOVE, labels.HAIR, labels.FACE)
_TRUNK: Final = (parts.TORSO, parts.GARMENT)
_THIGHS: Final = (parts.RIGHT_THIGH, parts.LEFT_THIGH)
# lengths in torsos
_EDGE: Final = 0.02  # around others, where colors are mixed with theirs
_NECKLINE: Final = (0.3, 0.14)  # from the neck's point: collars and necklines end within; those that patterns hide
_FLY: Final = (0.13, -0.15, 0.32)  # half its breadth; from where to where, below the hips
_SMOOTHED: Final = 0.05  # up and down, over which a trunk's breadth is told
_FRONT: Final = 0.45  # of a row's half breadth: openings and prints lie within
_NAPE: Final = -0.04  # below the neck's point begins the cloth of a back
_PIECE: Final = 0.16  # side of the pieces that are laid over what is taken out
_SIDE: Final = 0.55  # of a row's half breadth: colors beyond go round to the back
_UNLIKE: Final = 30.0  # of 255, between blurred colors
_PATTERN: Final = 1.5  # deviations of a cloth's own colors
_BLUR: Final = 0.05
_ACROSS: Final = (0.12, 0.04)  # over which colors of a row go over into each other, and up and down
_LEAST_CLOTH: Final = 0.5  # of a trunk's bare pixels: with less cloth than that a back is bare too
_FINE: Final = 0.06
_WEAVE: Final = 0.015
_WEAVE_LEVELS: Final = 5.0  # of 255, at most
_USUAL: Final = 0.15  # over which the strength of fine texture is told
_SEEN: Final = 18.0  # of 255: fine texture of patterns, which plain cloth has at edges only
_OFTEN: Final = (0.35, 0.6)  # of its pixels, from which on and at which cloth has a pattern
_ALL_OVER: Final = 0.5  # of a trunk's sides
_STANDS_OUT: Final = 2.5  # times the usual
_BESIDE: Final = 0.4  # of a blurred mask: at the edge of what is known
_SMALL_SIGMA: Final = 3.0  # pixels: blurs of more are made at a smaller size
_TOLD: Final = 1e-3  # share of a blurred mask
_LEAST_KNOWN: Final = 0.03  # of squared torsos


@dataclass(frozen=True, eq=False)
class UprightWindow:
    """A window of a photo in which somebody's trunk is upright.

    Attributes
    ----------
    matrix : float64 (2, 3)
        From pixels of the photo to those of the window.
    size : (int, int)
        Its height and width.
    neck, hips : (float, float)
        Where they are in it, x and y; of one x.
    """

    matrix: FloatArray
    size: tuple[int, int]
    neck: tuple[float, float]
    hips: tuple[float, float]

    @classmethod
    def around(cls, neck: FloatArray, hips: FloatArray, mask: BoolArray, shape: tuple[int, ...]) -> UprightWindow:
        """Return the window around a mask over a photo of some shape, at any resolution."""
        down = (hips - neck).astype(np.float64)
        torso = float(np.linalg.norm(down))
        scale = min(1.0, _WORKING_TORSO / torso)
        down /= torso
        turn = scale * np.array([[down[1], -down[0]], [down[0], down[1]]])
        ys, xs = np.nonzero(mask)
        ratio = np.array([shape[1] / mask.shape[1], shape[0] / mask.shape[0]])
        places = ((np.column_stack([xs, ys]) + 0.5) * ratio - 0.5) @ turn.T
        low, high = places.min(axis=0) - 4, places.max(axis=0) + 4
        matrix = np.column_stack([turn, -low])
        width, height = (int(value) + 1 for value in high - low)
        top, bottom = (matrix @ (*point, 1.0) for point in (neck, hips))
        return cls(matrix, (height, width), (top[0], top[1]), (bottom[0], bottom[1]))

    @property
    def torso(self) -> float:
        """Length of the torso in the window's pixels."""
        return self.hips[1] - self.neck[1]

    def of(self, plane: np.ndarray, shape: tuple[int, ...], *, smooth: bool = True) -> np.ndarray:
        """Return what a plane over a photo of some shape, at any resolution, has in the window."""
        ratio = np.array([shape[1] / plane.shape[1], shape[0] / plane.shape[0]])
        matrix = self.matrix.copy()
        matrix[:, 2] += matrix[:, :2] @ (0.5 * ratio - 0.5)
        matrix[:, :2] *= ratio
        flags = cv2.INTER_LINEAR if smooth else cv2.INTER_NEAREST
        shrunk = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
        if smooth and shrunk < 0.7:
            plane = cv2.GaussianBlur(plane, (0, 0), 0.4 / shrunk)
        return cv2.warpAffine(plane, matrix, self.size[::-1], flags=flags, borderMode=cv2.BORDER_REPLICATE)

    def back(self, plane: np.ndarray, shape: tuple[int, ...], *, smooth: bool = True) -> np.ndarray:
        """Return a plane over the photo, of a shape, of one over the window; zeros beyond it."""
        flags = (cv2.INTER_LINEAR if smooth else cv2.INTER_NEAREST) | cv2.WARP_INVERSE_MAP
        return cv2.warpAffine(plane, self.matrix, (shape[1], shape[0]), flags=flags)


def with_back_of_clothes(source: SourcePerson, regions: PartRegions) -> SourcePerson:
    """Return a source whose trunk, and cloth that hangs from it, look as they do from behind, mirrored.

    Parameters
    ----------
    source : SourcePerson
    regions : PartRegions
        Which pixels are which part's.

    Returns
    -------
    SourcePerson
        The same where the points do not tell where the trunk is, or hardly any cloth is seen on it.
    """
    points = source.pose.points
    neck, hips = points[skeleton.NECK], points[[skeleton.RIGHT_HIP, skeleton.LEFT_HIP]]
    covered = regions.margins[list(_TRUNK)].max(axis=0) > 0
    if min(neck[2], hips[:, 2].min()) < LEAST_SCORE or not covered.any():
        return source
    shape = source.matte.shape
    trunk = covered | (regions.margins[list(_THIGHS)].max(axis=0) > 0)
    window = UprightWindow.around(neck[:2], hips[:, :2].mean(axis=0), trunk, shape)
    view = _TrunkView.of(source, regions, window)
    hole, known = view.divided()
    if not hole.any() or np.count_nonzero(known) < _LEAST_KNOWN * window.torso**2:
        return source
    fine = quilted(_fine_texture(view.rgb, known, window.torso), known, hole, round(_PIECE * window.torso))
    filled = np.clip(_across(view.rgb, known, window.torso) + fine, 0, 255)
    share = cv2.GaussianBlur(cv2.dilate(hole.astype(np.float32), np.ones((3, 3), np.uint8)), (0, 0), 1.0)
    share = window.back(np.where(view.domain | hole, share, 0), shape)[..., None]
    rgb = source.rgb + share * (window.back(filled, shape) - source.rgb.astype(np.float32))
    classes = window.back(spread_classes(view.parsing, known), shape, smooth=False)
    is_hole = window.back(hole.astype(np.uint8), shape, smooth=False) > 0
    parsing = np.where(is_hole, classes, source.parsing)
    return replace(source, rgb=np.rint(rgb).astype(np.uint8), parsing=parsing)


def with_trunk_of(source: SourcePerson, trunk: SourcePerson) -> SourcePerson:
    """Return a source whose collar and neckline, which are the head's too, are those of its trunk; hair stays.

    Parameters
    ----------
    source, trunk : SourcePerson
        As given to `with_back_of_clothes`, and what that returned.
    """
    hair = np.isin(source.parsing, (labels.HAIR, labels.HAT))
    return replace(
        source,
        rgb=np.where(hair[..., None], source.rgb, trunk.rgb),
        parsing=np.where(hair, source.parsing, trunk.parsing),
    )


@dataclass(frozen=True, eq=False)
class _TrunkView:
    """A person's trunk in an upright window: pictures, classes, where it is, and which pixels show it."""

    rgb: ByteArray
    parsing: ByteArray
    domain: BoolArray
    legs: BoolArray
    own: BoolArray
    solid: BoolArray
    window: UprightWindow

    @classmethod
    def of(cls, source: SourcePerson, regions: PartRegions, window: UprightWindow) -> _TrunkView:
        shape = source.matte.shape

        def over(planes: FloatArray) -> BoolArray:
            return np.asarray(window.of(planes.max(axis=0), shape) > 0)

        rgb = window.of(source.rgb, shape)
        parsing = window.of(source.parsing, shape, smooth=False)
        matte = window.of(source.matte, shape)
        below = (np.arange(window.size[0])[:, None] - window.hips[1]) / window.torso
        there = matte > _THERE
        # collars, and what is bare below the nape, are the head's too
        below_nape = np.arange(window.size[0])[:, None] > window.neck[1] + _NAPE * window.torso
        chest = over(regions.margins[[parts.HEAD]])
        chest &= np.isin(parsing, _CLOTHES) | ((parsing == labels.FACE) & below_nape)
        trunk = (over(regions.margins[list(_TRUNK)]) | chest) & there
        legs = over(regions.margins[list(_THIGHS)]) & there & ~trunk & (below < _FLY[2])
        own = over(regions.own[[*_TRUNK, *_THIGHS]]) & (matte > SURE)
        edge = 2 * max(round(_EDGE * window.torso), 1) + 1
        others = cv2.dilate(np.isin(parsing, _OF_OTHERS).astype(np.uint8), np.ones((edge, edge), np.uint8)) > 0
        return cls(rgb, parsing, trunk | legs, legs, own & ~others & np.isin(parsing, _CLOTHES), matte > SURE, window)

    def divided(self) -> tuple[BoolArray, BoolArray]:
        """Return what has to be made up, and what it is made of, bool (h, w) each."""
        torso, (middle, neck), hips = self.window.torso, self.window.neck, self.window.hips[1]
        rows, columns = (np.arange(size, dtype=np.float32) for size in self.domain.shape)
        aside = np.abs(columns[None, :] - middle)
        left, right = self._breadths(middle)
        breadth = np.where(columns[None, :] < middle, left, right)
        above_hips = rows[:, None] < hips
        trunk = self.domain & ~self.legs
        bare = trunk & np.isin(self.parsing, _OF_OTHERS) & ~np.isin(self.parsing, (labels.HAIR, labels.GLOVE))
        napes = np.isin(self.parsing, (labels.FACE, labels.HAIR)) & (rows[:, None] < neck + _NAPE * torso)
        is_bare = np.count_nonzero(self.own & above_hips) < _LEAST_CLOTH * np.count_nonzero(bare & above_hips)
        hole = trunk & ~self.own & ~napes
        if is_bare:
            hole &= ~bare
        is_top = np.isin(self.parsing, _TOPS) & self.own & trunk
        tops = _majority(is_top, self.own & trunk)[:, None]
        is_patterned = self._is_patterned(trunk & tops & (aside > _SIDE * breadth))
        if not is_patterned:
            hole |= trunk & tops & (aside < np.maximum(_FRONT * breadth, 0.1 * torso))
        if not is_bare:
            near_neck = np.hypot(aside, rows[:, None] - neck) < _NECKLINE[is_patterned] * torso
            hole |= trunk & near_neck & ~napes
        fly = (
            (aside < _FLY[0] * torso)
            & (rows[:, None] > hips + _FLY[1] * torso)
            & (rows[:, None] < hips + _FLY[2] * torso)
        )
        hole |= self.domain & fly & ~tops
        hole |= self._unlike_sides(self.own & ~hole, aside > _SIDE * breadth) & trunk & ~napes
        # rims of mattes have the colors of what is beside them already
        hole &= self.domain & self.solid
        grown = cv2.dilate(hole.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
        return hole, self.own & ~grown

    def _is_patterned(self, sides: BoolArray) -> bool:
        """Return whether what is seen of some pixels has a pattern all over.

        Stripes and checks hide openings, and made up they are never as even as they are.
        """
        seen = self.own & sides
        fine = np.abs(_fine(self.rgb, seen.astype(np.float32), _FINE * self.window.torso)).mean(axis=2)
        return bool(seen.any()) and float((fine[seen] > _SEEN).mean()) > _ALL_OVER

    def _breadths(self, middle: float) -> tuple[FloatArray, FloatArray]:
        """Return how far the trunk reaches to the left and right of its middle in each row, float32 (h, 1) each."""
        trunk = self.domain & ~self.legs
        aside = np.arange(trunk.shape[1], dtype=np.float32) - np.float32(middle)
        size = (1, 2 * round(_SMOOTHED * self.window.torso) + 1)
        left, right = (np.where(trunk, away, np.float32(0)).max(axis=1, keepdims=True) for away in (-aside, aside))
        return np.asarray(cv2.blur(left, size), np.float32), np.asarray(cv2.blur(right, size), np.float32)

    def _unlike_sides(self, shown: BoolArray, sides: BoolArray) -> BoolArray:
        """Return the pixels whose colors are like those of neither of the trunk's sides, bool (h, w)."""
        torso = self.window.torso
        weight = self.own.astype(np.float32)
        smooth = _blurred(self.rgb, weight, _BLUR * torso, _BLUR * torso)[0]
        spread = float(np.linalg.norm(smooth[shown].std(axis=0))) if shown.any() else 0.0
        least = max(_UNLIKE, _PATTERN * spread)
        columns = np.arange(sides.shape[1])[None, :]
        nearest = np.full(sides.shape, np.inf, dtype=np.float32)
        for half in (columns < self.window.neck[0], columns >= self.window.neck[0]):
            known = shown & sides & half
            colors, mass = _blurred(self.rgb, known.astype(np.float32), 4 * _ACROSS[0] * torso, _BLUR * torso)
            apart = np.linalg.norm(smooth - colors, axis=2)
            nearest = np.minimum(nearest, np.where(mass > _TOLD, apart, np.inf))
        unlike = self.own & ~sides & np.isfinite(nearest) & (nearest > least)
        return np.asarray(cv2.morphologyEx(unlike.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8)) > 0)


def _majority(chosen: BoolArray, of: BoolArray) -> BoolArray:
    """Return in which rows most of some pixels are chosen; rows without any are as those near them, bool (h,)."""
    counts = np.column_stack([chosen.sum(axis=1), of.sum(axis=1)]).astype(np.float32)
    summed = cv2.GaussianBlur(counts, (1, 0), 0, sigmaY=3.0)
    return np.asarray(summed[:, 0] > 0.5 * summed[:, 1])


def _blurred(
    rgb: ByteArray | FloatArray, weight: FloatArray, across: float, down: float
) -> tuple[FloatArray, FloatArray]:
    """Return weighted means around each pixel, float32 (h, w, 3), and of the weight, (h, w)."""
    stacked = np.dstack([rgb * weight[..., None], weight]).astype(np.float32)
    size = stacked.shape[1], stacked.shape[0]
    # what is blurred much is blurred small
    small = tuple(
        max(length // max(int(sigma / _SMALL_SIGMA), 1), 1) for length, sigma in zip(size, (across, down), strict=True)
    )
    if small != size:
        stacked = np.asarray(cv2.resize(stacked, small, interpolation=cv2.INTER_AREA), dtype=np.float32)
    sigma_x, sigma_y = max(across * small[0] / size[0], 0.5), max(down * small[1] / size[1], 0.5)
    blurred = cv2.GaussianBlur(stacked, (0, 0), sigmaX=sigma_x, sigmaY=sigma_y)
    if small != size:
        blurred = cv2.resize(blurred, size, interpolation=cv2.INTER_LINEAR)
    summed: FloatArray = np.asarray(blurred, dtype=np.float32)
    return np.asarray(summed[..., :3] / np.maximum(summed[..., 3:], np.float32(1e-6))), summed[..., 3]


def _fine(rgb: ByteArray, weight: FloatArray, reach: float) -> FloatArray:
    """Return what is finer than a length, float32 (h, w, 3): pixels less the weighted mean around them."""
    return np.asarray(rgb - _blurred(rgb, weight, reach, reach)[0], dtype=np.float32)


def _fine_texture(rgb: ByteArray, known: BoolArray, torso: float) -> FloatArray:
    """Return what is finer than folds of known cloth, float32 (h, w, 3), without what stands out: edges and buttons.

    Of plain cloth that is its weave alone: folds that are laid side by side would be scales.
    """
    weight = known.astype(np.float32)
    fine, weave = _fine(rgb, weight, _FINE * torso), _fine(rgb, weight, _WEAVE * torso)
    strength = np.abs(fine).mean(axis=2, keepdims=True)
    told = np.dstack([strength, strength > _SEEN, strength]).astype(np.float32)
    told, _ = _blurred(told, weight, _USUAL * torso, _USUAL * torso)
    usual, often = told[..., :1], told[..., 1:2]
    most = (_STANDS_OUT * usual).astype(np.float32)
    patterned = ((often - _OFTEN[0]) / (_OFTEN[1] - _OFTEN[0])).clip(0, 1)
    fine, weave = fine.clip(-most, most), weave.clip(-_WEAVE_LEVELS, _WEAVE_LEVELS)
    return np.asarray(weave + patterned * (fine - weave), dtype=np.float32)


def _across(rgb: ByteArray, known: BoolArray, torso: float) -> FloatArray:
    """Return the blurred colors that are known at the height of each pixel, float32 (h, w, 3).

    Beside what is known they go over into its own.
    """
    weight = known.astype(np.float32)
    colors, mass = _blurred(rgb, weight, _ACROSS[0] * torso, _ACROSS[1] * torso)
    colors = spread_colors(colors, mass > _TOLD)
    apart, mass = _blurred(rgb - colors, weight, _FINE * torso, _FINE * torso)
    return np.asarray(colors + np.minimum(mass / _BESIDE, 1)[..., None] * apart, dtype=np.float32)
