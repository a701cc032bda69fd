"""Sides and back of a head, painted: what the photo shows well goes on in colors that change slowly. Ours.

From the side the few pixels along a head's outline would be drawn out over half of it. There its surface has colors of
its own, in charts seen from both sides and from behind: at their edges the photo's, and from there on those of the same
hair, skin or cloth, which `motionwarp.avatar.head_template` tells apart. Hair has strands, as strong as in the photo.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
from scipy.ndimage import maximum_filter1d, minimum_filter1d
from scipy.sparse import diags
from scipy.sparse.linalg import splu
from scipy.spatial import cKDTree

from motionwarp.avatar.body_surface import IntArray
from motionwarp.avatar.head_template import CLOTH, HAIR, SKIN, HeadFrame, ears, groups_of, laplacian
from motionwarp.avatar.sheets import Sheets
from motionwarp.body.rasterizer import rasterize
from motionwarp.parsing import labels
from motionwarp.puppet.textures import SURE, PartTexture, spread_colors
from motionwarp.types import BoolArray, ByteArray, FloatArray, SourcePerson

Numbers = npt.NDArray[np.int64]

_SEEN_WELL: Final = 0.36  # cosine about the upright axis from which the photo's own pixels are drawn
_PHOTO: Final = (0.08, 0.36)  # the same, over which painted colors go over into the photo's
_BETTER: Final = (0.1, 0.35)  # by which the photo sees the other half of a head better, over which that is mirrored
_OFF: Final = (0.05, 0.1)  # heights of the head by which halves may differ
_NEIGHBORS: Final = 6
_TINY_HEIGHT: Final = 1e-3
_KNOWN: Final = 0.35  # the same, from which the photo tells what there is
_CROWN: Final = (-0.15, -0.35)  # heights of the head above the ears over which surfaces begin to look up
_CROWN_COSINE: Final = 0.6
_ROW_HEIGHTS: Final = 0.04  # of the head, for which its breadth is measured
_GRAZING: Final = 0.02  # of what the photo just sees
_ALIKE: Final = 2.0  # of the usual difference from the usual light of hair
_ALIKE_LEVELS: Final = 10.0
_HANGS: Final = 0.36  # heights of the head below the ears from which on hair is no longer about the head
_BAND_ENDS: Final = -0.15  # heights of the head, above the ears, to which bands and caps reach
_LEAST_HIGH: Final = 0.2  # of what is seen of hair: more than that tells its usual color
_SOFT: Final = 2.0  # pixels over which drawn out colors are averaged
_LITTLE: Final = 0.05
_SURE_HEIGHTS: Final = 0.02  # of the head, from the matte's edge
_COLOR_HEIGHTS: Final = 0.025  # over which colors are averaged
# how fast colors go over into the usual one of their group, for each cell squared: hair is of one color more than skin
_FAR: Final = {HAIR: 0.02, SKIN: 2e-3, CLOTH: 2e-3}
_UNSEEN_HAIR: Final = 0.35  # of the skin's color, under a hat
_SMOOTHING: Final = 2
_SHARPER: Final = 3.0
_STRANDS: Final = 0.03  # of the head's height: what is finer counts as strands
_MOST_STRANDS: Final = 0.045  # of its light
_NOISE_ROWS: Final = 96
_STRAND_PIXELS: Final = 1.0
_FROM_ABOVE: Final = 0.1  # more light on what looks up
_PAD: Final = 3
_GROUPS: Final = {
    HAIR: (labels.HAIR, labels.HAT), SKIN: (labels.FACE,),
    CLOTH: (labels.UPPER_CLOTHES, labels.DRESS, labels.COAT, labels.JUMPSUITS, labels.SCARF),
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class PaintedTexture:
    """Colors that were painted.

    Attributes
    ----------
    rgb : uint8 (h, w, 3)
    home : float32 (h, w, 2)
        From each texel to its place in the photo, in pixels.
    shown : bool (h, w)
        Texels whose place the photo shows.
    """

    rgb: ByteArray
    home: FloatArray
    shown: BoolArray


def with_painted_sides(
    sheets: Sheets, count: int, source: SourcePerson, front: PartTexture, frame: HeadFrame
) -> tuple[Sheets, int, PaintedTexture | None]:
    """Return a head's sheets with painted sides and back.

    Parameters
    ----------
    sheets : Sheets
        Of `part_sheets`, texture coordinates in pixels of the photo.
    count : int
        Of the front's vertices, which come first; those of the back follow.
    source : SourcePerson
    front : PartTexture
        What the photo shows of the head, with clean edges.
    frame : HeadFrame

    Returns
    -------
    sheets, first, texture
        From vertex `first` on texture coordinates are those of the painted texture; None where nothing is opaque.
    """
    if not (sheets.layers % 2 == 1).any():
        return sheets, len(sheets.uv), None
    surface = _Surface.of(sheets, count, source, frame)
    opaque = sheets.layers % 2 == 1
    seen = (surface.cosine[sheets.faces] >= _SEEN_WELL).all(axis=1) & (sheets.faces < count).all(axis=1)
    painted = opaque & ~seen
    charts = _Charts.of(sheets.positions, sheets.faces[painted], surface.normals)
    faces = sheets.faces.copy()
    first = len(sheets.positions)
    faces[painted] = first + charts.faces
    uv = np.concatenate([sheets.uv, charts.uv])
    made = Sheets(
        np.concatenate([sheets.positions, sheets.positions[charts.vertices]]),
        uv.astype(np.float32),
        np.concatenate([sheets.side_uv, charts.uv]).astype(np.float32),
        np.concatenate([sheets.facing, sheets.facing[charts.vertices]]),
        np.concatenate([sheets.bones, sheets.bones[charts.vertices]]),
        np.concatenate([sheets.bone_weights, sheets.bone_weights[charts.vertices]]),
        faces.astype(np.int32),
        sheets.layers,
    )
    return made, first, surface.painted(charts, source, front, frame)


@dataclass(frozen=True, eq=False)
class _Charts:
    """Triangles laid out as they are seen from the left, from the right and from behind, beside each other.

    Attributes
    ----------
    vertices : int64 (M,)
        Of the sheets, one for every chart in which it is.
    faces : int64 (F, 3)
        Triangles of these.
    uv : float32 (M, 2)
    depth : float32 (M,)
        What is nearer to who looks is less.
    size : (int, int)
        Height and width of the picture.
    """

    vertices: Numbers
    faces: Numbers
    uv: FloatArray
    depth: FloatArray
    size: tuple[int, int]

    @classmethod
    def of(cls, positions: FloatArray, faces: IntArray, normals: FloatArray) -> _Charts:
        """Lay triangles out by where they face."""
        toward = normals[faces].mean(axis=1)
        chart = np.where(toward[:, 2] > np.abs(toward[:, 0]), 2, np.where(toward[:, 0] < 0, 0, 1))
        pairs, inverse = np.unique((chart[:, None] * len(positions) + faces).astype(np.int64), return_inverse=True)
        vertices, of_chart = pairs % len(positions), pairs // len(positions)
        x, y, z = positions[vertices].T
        across = np.where(of_chart == 2, x, z)
        depth = np.choose(of_chart, [x, -x, -z])
        left = float(_PAD)
        u = np.zeros(len(vertices), dtype=np.float32)
        for own in range(3):
            rows = of_chart == own
            if rows.any():
                u[rows] = across[rows] - across[rows].min() + left
                left = float(np.ceil(u[rows].max())) + 2 * _PAD
        v = y - (y.min() if len(y) else 0) + _PAD
        height = int(np.ceil(v.max())) + _PAD + 1 if len(v) else 1
        uv = np.stack([u, v], axis=1).astype(np.float32)
        return cls(vertices, inverse.reshape(faces.shape), uv, depth.astype(np.float32), (height, int(left) + 1))


@dataclass(frozen=True, eq=False)
class _Surface:
    """What is known of every vertex of a head's sheets.

    Attributes
    ----------
    normals : float32 (N, 3)
        Outward.
    cosine : float32 (N,)
        How much the photo sees of it, turned about the upright axis alone; 0 behind.
    groups : float32 (N, 3)
        Shares of hair, skin and cloth.
    bare : bool (N,)
    colors : float32 (N, 3, 3)
        What each group's color would be, in 0..255.
    local : float32 (N, 3)
        In the head's own axes.
    places : float32 (N, 2)
        In the photo.
    sure : float32 (H, W)
        Pixels of the photo whose colors are the person's own.
    """

    normals: FloatArray
    cosine: FloatArray
    groups: FloatArray
    bare: BoolArray
    colors: FloatArray
    local: FloatArray
    places: FloatArray
    sure: FloatArray

    @classmethod
    def of(cls, sheets: Sheets, count: int, source: SourcePerson, frame: HeadFrame) -> _Surface:
        """Find out."""
        positions = sheets.positions
        opaque = sheets.faces[sheets.layers % 2 == 1]
        # walls' far edges lie at the back's vertices
        node = np.arange(len(positions))
        node[2 * count :] = count + _same_places(sheets, count)
        triangles = node[opaque]
        normals = np.asarray(_normals(positions, triangles)[node], dtype=np.float32)
        local = frame.local(positions)
        cosine = np.zeros(len(positions), dtype=np.float32)
        front = np.unique(opaque[opaque < count])
        cosine[front] = _toward_photo(positions[front], normals[front], local[front], frame.height)
        radius = max(round(_SURE_HEIGHTS * frame.height), 1)
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
        sure = np.asarray(cv2.erode((source.matte > SURE).astype(np.float32), kernel), dtype=np.float32)
        edges = _edges(len(positions), triangles)
        known, told, colors = _known(source, sure, positions[:, :2], cosine, (frame, local))
        groups, bare = groups_of(local, edges, known, (known >= 0) & (cosine >= _SEEN_WELL))
        groups, spread = _diffused(edges, groups, np.where(told, known, -1), colors, local)
        return cls(normals, cosine, groups[node], bare[node], spread[node], local, positions[:, :2], sure)

    def painted(self, charts: _Charts, source: SourcePerson, front: PartTexture, frame: HeadFrame) -> PaintedTexture:
        """Paint the charts."""
        own = charts.vertices
        attributes = np.column_stack([
            self.groups[own], self.colors[own].reshape(len(own), 9), self.local[own], self.places[own],
            self.cosine[own], self.bare[own], self.normals[own, 1],
        ]).astype(np.float32)  # fmt: skip
        placed = np.column_stack([charts.uv, charts.depth]).astype(np.float32)
        fragments = rasterize(placed, charts.faces.astype(np.int32), *charts.size)
        covered = np.asarray(fragments.covered)
        values = np.asarray(fragments.interpolate(attributes))[covered]
        groups, colors, local, places = (
            values[:, :3],
            values[:, 3:12].reshape(-1, 3, 3),
            values[:, 12:15],
            values[:, 15:17],
        )
        cosine, bare, down = values[:, 17], values[:, 18], values[:, 19]
        ear = ears(local)
        off = np.hypot(*ear.T)
        is_ear = np.clip((1.1 - off) / 0.25, 0, 1) * bare * (cosine < _SEEN_WELL)
        groups = groups.copy()
        groups[:, SKIN] += is_ear * groups[:, HAIR]
        groups[:, HAIR] *= 1 - is_ear
        shares = np.clip(groups, 0, 1) ** _SHARPER
        shares /= np.maximum(shares.sum(axis=1, keepdims=True), 1e-6)
        lit = 1 - _FROM_ABOVE * down
        strands = _strands(local, source, self.sure, frame)
        colors = colors * lit[:, None, None]
        colors[:, HAIR] *= 1 + strands[:, None]
        colors[:, SKIN] *= (1 - bare * _ear_shade(ear))[:, None]
        flat = np.einsum("ng,ngc->nc", shares, colors)
        # the other half of a face that looks aside, and then what the photo shows of this one
        for at, share in (self._mirrored(local, cosine, frame), (places, _risen(cosine, _PHOTO))):
            photo, alpha = _photo_colors(front, at, share)
            flat = flat + (share * np.clip(3 * alpha - 1.5, 0, 1))[:, None] * (photo - flat)
        rgb = np.zeros((*charts.size, 3), dtype=np.float32)
        rgb[covered] = flat
        rgb = spread_colors(rgb, covered)
        home, shown = np.zeros((*charts.size, 2), dtype=np.float32), np.zeros(charts.size, dtype=np.bool_)
        ys, xs = np.nonzero(covered)
        home[covered] = places - np.stack([xs, ys], axis=1)
        shown[covered] = cosine > 0
        return PaintedTexture(np.rint(rgb).clip(0, 255).astype(np.uint8), home, shown)

    def _mirrored(self, local: FloatArray, cosine: FloatArray, frame: HeadFrame) -> tuple[FloatArray, FloatArray]:
        """Return where the photo shows the other half of a head in place of this one, and how much that counts.

        Parameters
        ----------
        local : float32 (N, 3)
            Places on the head in its own axes.
        cosine : float32 (N,)
            How much the photo sees of them.
        frame : HeadFrame

        Returns
        -------
        places : float32 (N, 2)
            In the photo.
        share : float32 (N,)
        """
        other = local * np.array([-1, 1, 1], dtype=np.float32)
        seen = np.flatnonzero(self.cosine > 0)
        if not len(seen):
            return np.zeros((len(local), 2), dtype=np.float32), np.zeros(len(local), dtype=np.float32)
        away, nearest = cKDTree(self.local[seen]).query(other, k=min(_NEIGHBORS, len(seen)))
        away, nearest = (np.asarray(found).reshape(len(local), -1) for found in (away, nearest))
        weights = 1 / (away + _TINY_HEIGHT)
        better = np.asarray((weights * self.cosine[seen][nearest]).sum(axis=1) / weights.sum(axis=1), dtype=np.float32)
        share = (
            _risen(better, _PHOTO)
            * _risen(better - cosine, _BETTER)
            * (1 - _risen(away[:, 0].astype(np.float32), _OFF))
        )
        return frame.places(other)[:, :2], np.asarray(share, dtype=np.float32)


def _risen(values: FloatArray, limits: tuple[float, float]) -> FloatArray:
    """Return 0 up to the lower limit and 1 from the higher one on."""
    low, high = limits
    return np.asarray(np.clip((values - low) / (high - low), 0, 1), dtype=np.float32)


def _same_places(sheets: Sheets, count: int) -> Numbers:
    """Return the front's vertex above each of the walls' far vertices, which lie over the front's border."""
    key = {place.tobytes(): number for number, place in enumerate(sheets.positions[count : 2 * count])}
    return np.array([key[place.tobytes()] for place in sheets.positions[2 * count :]], dtype=np.int64)


def _normals(positions: FloatArray, triangles: Numbers) -> FloatArray:
    corners = positions[triangles]
    # sheets wind clockwise as the camera sees them, with y down
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals = np.zeros_like(positions)
    for corner in range(3):
        np.add.at(normals, triangles[:, corner], -across)
    return np.asarray(normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9), dtype=np.float32)


def _edges(count: int, triangles: Numbers) -> Numbers:
    """Return the edges of triangles, (E, 2), once each."""
    ends = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    ends.sort(axis=1)
    keys = np.unique(ends[:, 0] * count + ends[:, 1])
    return np.stack([keys // count, keys % count], axis=1)


def _sampled(plane: FloatArray, places: FloatArray) -> FloatArray:
    """Return a photo's values at places (N, 2)."""
    size = 1024
    rows = -(-max(len(places), 1) // size)
    padded = np.zeros((rows * size, 2), dtype=np.float32)
    padded[: len(places)] = places
    grid = padded.reshape(rows, size, 2)
    found = cv2.remap(plane, grid[..., 0], grid[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(found.reshape(rows * size, *plane.shape[2:])[: len(places)])


def _photo_colors(front: PartTexture, places: FloatArray, share: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return a texture's colors at places of the photo, (N, 3) in 0..255, and its alpha there, (N,).

    They are softer where they count less, since they are drawn out there.
    """
    rgba = np.ascontiguousarray(front.rgba[0].numpy().transpose(1, 2, 0))
    at = (places - np.array([front.left, front.top])).astype(np.float32)
    blurred = np.asarray(cv2.GaussianBlur(rgba, (0, 0), _SOFT), dtype=np.float32)
    sharp, soft = _sampled(rgba, at), _sampled(blurred, at)
    mixed = soft + share[:, None] * (sharp - soft)
    colors = 255 * mixed[:, :3] / np.maximum(mixed[:, 3:], 1e-3)
    return np.asarray(colors, dtype=np.float32), mixed[:, 3]


def _toward_photo(positions: FloatArray, normals: FloatArray, local: FloatArray, height: float) -> FloatArray:
    """Return how well the photo sees the front's vertices, (N,): at sides and above, not within a face."""
    breadth = _ROW_HEIGHTS * height
    row = (positions[:, 1] - positions[:, 1].min()) / breadth
    bins = np.floor(row).astype(np.int64)
    first, last = np.full(bins.max() + 1, np.inf), np.full(bins.max() + 1, -np.inf)
    np.minimum.at(first, bins, positions[:, 0])
    np.maximum.at(last, bins, positions[:, 0])
    # an outline's vertices are not spread evenly: those of the rows beside count too
    first, last = minimum_filter1d(first, 3, mode="nearest"), maximum_filter1d(last, 3, mode="nearest")
    there = np.flatnonzero(first <= last)
    left, right = (np.interp(row, there + 0.5, ends[there]) for ends in (first, last))
    section = np.sqrt(np.clip(1 - ((2 * positions[:, 0] - left - right) / np.maximum(right - left, 2.0)) ** 2, 0, 1))
    # what looks up is seen at a grazing angle from every side
    crown = np.clip((_CROWN[0] - local[:, 1]) / (_CROWN[0] - _CROWN[1]), 0, 1)
    upward = 1 - crown * (1 - np.clip(-normals[:, 2] / _CROWN_COSINE, 0, 1))
    return np.asarray(np.maximum(np.minimum(section, upward), _GRAZING), dtype=np.float32)


def _known(
    source: SourcePerson,
    sure: FloatArray,
    places: FloatArray,
    cosine: FloatArray,
    head: tuple[HeadFrame, FloatArray],
) -> tuple[Numbers, BoolArray, FloatArray]:
    """Return what the photo shows of vertices, of which `head` tells the places (N, 3) in the head's own axes.

    Returns
    -------
    known : int64 (N,)
        The group, -1 for nothing.
    told : bool (N,)
        Those whose color is seen well.
    colors : float32 (N, 3)
    """
    (frame, local), (height, width) = head, source.matte.shape
    columns, rows = np.rint(places).astype(np.int64).T
    within = (columns >= 0) & (rows >= 0) & (columns < width) & (rows < height)
    at = rows.clip(0, height - 1), columns.clip(0, width - 1)
    known, colors = np.full(len(places), -1), np.zeros((len(places), 3), dtype=np.float32)
    told = np.zeros(len(places), dtype=np.bool_)
    seen = within & (cosine > 0)
    if not seen.any():
        return known, told, colors
    reach = int(3 * _COLOR_HEIGHTS * frame.height) + 2
    left, top = max(int(columns[seen].min()) - reach, 0), max(int(rows[seen].min()) - reach, 0)
    own = np.s_[top : int(rows[seen].max()) + reach, left : int(columns[seen].max()) + reach]
    for group, classes in _GROUPS.items():
        there = seen & np.isin(source.parsing[at], classes)
        if not there.any():
            continue
        known[there] = group
        mask = (np.isin(source.parsing[own], classes) * sure[own]).astype(np.float32)
        packed = np.dstack([source.rgb[own] * mask[..., None], mask])
        soft = cv2.GaussianBlur(packed, (0, 0), max(_COLOR_HEIGHTS * frame.height, 0.5))
        found = soft[rows[there] - top, columns[there] - left]
        colors[there] = found[:, :3] / np.maximum(found[:, 3:], 1e-6)
        well = (cosine[there] > _KNOWN) & (sure[at][there] > 0)
        if group == HAIR and well.any():
            # what the parsing takes for hair is now and then a forehead or the sky
            light = colors[there].mean(axis=1)
            apart = np.abs(light - np.median(light[_on_head(well, local[there])]))
            well &= apart <= max(_ALIKE * float(np.median(apart[well])), _ALIKE_LEVELS)
        told[there] = well if well.any() else found[:, 3] > _LITTLE
    return known, told, colors


def _on_head(hair: BoolArray, local: FloatArray) -> BoolArray:
    """Return which hair is beside the face, or about the head, if much of it is.

    What is taken for hair on the chest may be a scarf, and what is above the brow a band or a cap.
    """
    height = local[:, 1]
    for begins in (_BAND_ENDS, -np.inf):
        there = hair & (height < _HANGS) & (height > begins)
        if there.sum() > _LEAST_HIGH * hair.sum():
            return np.asarray(there)
    return hair


def _diffused(
    edges: Numbers, groups: FloatArray, told: Numbers, colors: FloatArray, local: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return groups that go over into each other, (N, 3), and the color of each at every vertex, (N, 3, 3).

    `told`, int64 (N,), are those groups whose color is seen well, -1 elsewhere.
    """
    count = len(groups)
    system, joined = laplacian(edges, count)
    degree = np.asarray(joined.sum(axis=1)).ravel()
    soft = groups
    for _ in range(_SMOOTHING):
        mixed = (soft + joined @ soft) / (1 + degree)[:, None]
        soft = np.where((told >= 0)[:, None], groups, mixed)
    spread = np.zeros((count, 3, 3), dtype=np.float32)
    usual: dict[int, FloatArray] = {}
    for group in (SKIN, HAIR, CLOTH):
        own = told == group
        if own.any():
            usual[group] = np.median(colors[_on_head(own, local) if group == HAIR else own], axis=0)
            held = (system + diags(_FAR[group] + 1e3 * own)).tocsc()
            right = _FAR[group] * usual[group] + 1e3 * own[:, None] * colors
            spread[:, group] = splu(held).solve(right)
    for group in (SKIN, HAIR, CLOTH):
        if group not in usual:
            other = usual.get(SKIN, usual.get(HAIR, usual.get(CLOTH, np.full(3, 127.0))))
            spread[:, group] = other * (_UNSEEN_HAIR if group == HAIR else 1.0)
    return soft.astype(np.float32), spread


def _strands(local: FloatArray, source: SourcePerson, sure: FloatArray, frame: HeadFrame) -> FloatArray:
    """Return by how much hair is lighter or darker at places in the head's own axes, (N,): it falls from the crown."""
    hair = np.isin(source.parsing, _GROUPS[HAIR]) & (sure > 0)
    if not hair.any():
        return np.zeros(len(local), dtype=np.float32)
    left, top, width, height = cv2.boundingRect(hair.astype(np.uint8))
    own = np.s_[top : top + height, left : left + width]
    mask, light = hair[own].astype(np.float32), source.rgb[own].mean(axis=2).astype(np.float32)
    soft = cv2.GaussianBlur(np.dstack([light * mask, mask]), (0, 0), max(_STRANDS * frame.height, 0.7))
    fine = (light - soft[..., 0] / np.maximum(soft[..., 1], 1e-3))[hair[own]]
    strength = min(float(fine.std()) / max(float(light[hair[own]].mean()), 20.0), _MOST_STRANDS)
    columns = max(round(2 * np.pi * 0.35 * frame.height / _STRAND_PIXELS), 16)
    grain = np.random.default_rng(0).normal(size=(_NOISE_ROWS, columns)).astype(np.float32)
    soft = cv2.GaussianBlur(np.tile(grain, (3, 3)), (0, 0), sigmaX=0.7, sigmaY=7.0)
    noise = np.asarray(soft[_NOISE_ROWS : 2 * _NOISE_ROWS, columns : 2 * columns], dtype=np.float32)
    noise /= max(float(noise.std()), 1e-6)
    around = np.arctan2(local[:, 0], local[:, 2]) / (2 * np.pi) + 0.5
    wave = 0.008 * np.sin(9 * local[:, 1] + 12 * around)
    u = np.mod(around + wave, 1.0) * columns
    v = np.mod((local[:, 1] + 2) * _NOISE_ROWS / 4, _NOISE_ROWS)
    padded = np.pad(noise, ((0, 1), (0, 1)), mode="wrap")
    return np.asarray(_sampled(padded, np.stack([u, v], axis=1).astype(np.float32)) * strength, dtype=np.float32)


def _ear_shade(ear: FloatArray) -> FloatArray:
    """Return by how much less light there is at places on and around an ear, (N,)."""
    back, down = ear.T
    off = np.hypot(back, down)
    hollow = 0.22 * np.exp(-(np.square(back + 0.1) + np.square(down - 0.15)) / 0.12)
    behind = 0.16 * np.exp(-np.square((off - 1.12) / 0.14)) * (back > -0.3)
    rim = -0.05 * np.exp(-np.square((off - 0.82) / 0.12))
    return np.asarray(hollow + behind + rim, dtype=np.float32)
