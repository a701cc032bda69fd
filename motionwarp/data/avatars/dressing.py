"""People of the body model in MakeHuman's clothes: every garment is a mesh of its own, so that classes are exact."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import cv2
import numpy as np
import numpy.typing as npt
import torch
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from motionwarp.body import joint_names as jn
from motionwarp.body.anatomical_frames import rest_frames, t_pose_frames
from motionwarp.body.model import BodyModel, BodyShape
from motionwarp.data.avatars.makehuman import Fitting, ObjMesh, read_fitting, read_obj
from motionwarp.data.avatars.rigged import IntArray, RiggedAvatar, smooth_normals, texture_pyramid
from motionwarp.data.avatars.surface_labels import BOTTOM_DYE, HAIR_DYE, NO_DYE, SHOE_DYE, TOP_DYE
from motionwarp.errors import InputError
from motionwarp.parsing import labels
from motionwarp.pose import skeleton as sk
from motionwarp.types import POINT_COUNT, ByteArray, FloatArray

DoubleArray = npt.NDArray[np.float64]

_TILE: Final = 768  # pixels of each of the four textures that are laid into one
_METERS: Final = 0.1  # MakeHuman's unit
_FLIP: Final = np.array([1.0, -1.0, -1.0])  # the body model's y is down and its z away from the camera
_NEIGHBORS: Final = 4
_OPAQUE: Final = 0.45  # of a hair's triangle, below which it is left out
_PUPIL: Final = 0.006  # meters about an eye's front that are dark

# for each suit the class of its pieces, the largest first; pieces are what hangs together. One suit is left out: its
# top and trousers are one piece
_SUITS: Final[dict[str, tuple[int, ...]]] = {
    "female_casualsuit01": (labels.UPPER_CLOTHES, labels.PANTS),
    "female_casualsuit02": (labels.PANTS, labels.UPPER_CLOTHES, labels.UPPER_CLOTHES),
    "female_elegantsuit01": (labels.UPPER_CLOTHES, labels.SKIRT),
    "female_sportsuit01": (labels.UPPER_CLOTHES, labels.PANTS),
    "male_casualsuit02": (labels.UPPER_CLOTHES, labels.PANTS),
    "male_casualsuit03": (labels.UPPER_CLOTHES, labels.PANTS),
    "male_casualsuit04": (labels.PANTS, labels.UPPER_CLOTHES),
    "male_casualsuit05": (labels.COAT, labels.PANTS, labels.UPPER_CLOTHES, labels.UPPER_CLOTHES),
    "male_casualsuit06": (labels.UPPER_CLOTHES, labels.PANTS),
    "male_elegantsuit01": (labels.COAT, labels.PANTS),
    "male_worksuit01": (labels.JUMPSUITS, labels.UPPER_CLOTHES, labels.JUMPSUITS),
}
_HAIR: Final = ("bob02", "braid01", "short01", "short02", "short03", "short04")
_BONES: Final = {
    jn.HIPS: "root", jn.SPINE: "spine04", jn.CHEST: "spine02", jn.UPPER_CHEST: "spine01",
    jn.NECK: "neck01", jn.HEAD: "head",
    jn.LEFT_COLLAR: "clavicle.L", jn.LEFT_SHOULDER: "upperarm01.L", jn.LEFT_ELBOW: "lowerarm01.L",
    jn.LEFT_WRIST: "wrist.L",
    jn.RIGHT_COLLAR: "clavicle.R", jn.RIGHT_SHOULDER: "upperarm01.R", jn.RIGHT_ELBOW: "lowerarm01.R",
    jn.RIGHT_WRIST: "wrist.R",
    jn.LEFT_HIP: "upperleg01.L", jn.LEFT_KNEE: "lowerleg01.L", jn.LEFT_ANKLE: "foot.L",
    jn.RIGHT_HIP: "upperleg01.R", jn.RIGHT_KNEE: "lowerleg01.R", jn.RIGHT_ANKLE: "foot.R",
}  # fmt: skip
_KNUCKLES: Final = ("finger2-1.L", "finger3-1.L", "finger5-1.L", "finger2-1.R", "finger3-1.R", "finger5-1.R")
_POINT_BONES: Final = {
    sk.NECK: "spine01", sk.RIGHT_SHOULDER: "upperarm01.R", sk.RIGHT_ELBOW: "lowerarm01.R", sk.RIGHT_WRIST: "wrist.R",
    sk.LEFT_SHOULDER: "upperarm01.L", sk.LEFT_ELBOW: "lowerarm01.L", sk.LEFT_WRIST: "wrist.L",
    sk.RIGHT_HIP: "root", sk.RIGHT_KNEE: "lowerleg01.R", sk.RIGHT_ANKLE: "foot.R",
    sk.LEFT_HIP: "root", sk.LEFT_KNEE: "lowerleg01.L", sk.LEFT_ANKLE: "foot.L",
}  # fmt: skip
Piece = Literal["body", "suit", "shoes", "hair"]
_TILES: Final[dict[Piece, tuple[int, int]]] = {"body": (0, 0), "suit": (0, 1), "shoes": (1, 0), "hair": (1, 1)}


@dataclass(frozen=True, eq=False)
class Garment:
    """A garment, a pair of shoes or a head of hair on the base mesh.

    Attributes
    ----------
    name : str
    mesh : ObjMesh
    fitting : Fitting
    texture : uint8 (h, w, 3)
    opaque : bool (F,)
        Triangles that show.
    classes : uint8 (F,)
        LIP class of each triangle.
    """

    name: str
    mesh: ObjMesh
    fitting: Fitting
    texture: ByteArray
    opaque: npt.NDArray[np.bool_]
    classes: ByteArray


@dataclass(frozen=True, eq=False)
class Wardrobe:
    """All that people can be dressed in.

    Attributes
    ----------
    base : float64 (B, 3)
        MakeHuman's base mesh, in its unit.
    matching : int64 (V,)
        The base mesh's vertex that each vertex of the body model is.
    suits, shoes, hair : tuples of Garment
    skins : dict of str to uint8 (h, w, 3)
        Textures of the body by name.
    """

    base: DoubleArray
    matching: npt.NDArray[np.int64]
    suits: tuple[Garment, ...]
    shoes: tuple[Garment, ...]
    hair: tuple[Garment, ...]
    skins: dict[str, ByteArray]


def load_wardrobe(folder: Path, body: BodyModel) -> Wardrobe:
    """Load MakeHuman's assets.

    Parameters
    ----------
    folder : Path
        With `base/base.obj`, `clothes`, `hair` and `skins`.
    body : BodyModel
        Which has the base mesh's texture coordinates: by them its vertices are found there.

    Raises
    ------
    InputError
        If something is missing, or this is another base mesh than the body model's.
    """
    base = read_obj(folder / "base" / "base.obj")
    places = body.uv.double().numpy() * (1, -1) + (0, 1)
    distance, nearest = cKDTree(base.uv[base.face_uv.reshape(-1)]).query(places[body.face_uv.numpy().reshape(-1)])
    if np.max(distance) > 1e-4:
        raise InputError(
            "is another base mesh than the body model's", subject=folder, remedy="Give MakeHuman's hm08 assets."
        )
    matching = np.zeros(len(body.template), dtype=np.int64)
    matching[body.faces.numpy().reshape(-1)] = base.faces.reshape(-1)[nearest]
    count = len(base.vertices)
    clothes = folder / "clothes"
    skins = {path.stem: _tile(path) for path in sorted((folder / "skins").glob("*_diffuse*.jpg"))}
    if not skins:
        raise InputError("has no skins", subject=folder, remedy="Give the folder of MakeHuman's assets.")
    return Wardrobe(
        base.vertices,
        matching,
        tuple(_garment(clothes / name, count, list(classes)) for name, classes in _SUITS.items()),
        tuple(_garment(path, count, None) for path in sorted(clothes.glob("shoes*"))),
        tuple(_garment(folder / "hair" / name, count, [labels.HAIR]) for name in _HAIR),
        skins,
    )


def _garment(folder: Path, base_count: int, classes: list[int] | None) -> Garment:
    """Load a garment; `classes` are those of its pieces, the last for all smaller ones, or None for shoes and socks."""
    name = folder.name
    fitting = read_fitting(folder / f"{name}.mhclo", base_count)
    mesh = read_obj(folder / fitting.mesh_file)
    if len(mesh.vertices) != len(fitting.vertices):
        raise InputError(
            "its mesh has other vertices than it hangs by", subject=folder, remedy="Copy the assets again."
        )
    pictures = [path for path in (folder / f"{name}_diffuse.jpg", folder / f"{name}_diffuse.png") if path.exists()]
    texture = _tile(pictures[0]) if pictures else np.full((_TILE, _TILE, 3), 150, dtype=np.uint8)
    opaque = (
        _opaque(mesh, pictures[0])
        if pictures and pictures[0].suffix == ".png"
        else np.ones(len(mesh.faces), dtype=bool)
    )
    pieces = _pieces(mesh)
    if classes is None:
        left = mesh.vertices[mesh.faces[:, 0], 0] > 0
        low = np.array([mesh.vertices[mesh.faces[pieces == piece], 1].min() for piece in range(int(pieces.max()) + 1)])
        # what reaches the ground is a shoe, and what belongs to it; the rest are socks
        sock = (low[pieces] > low.min() + 0.3) & (np.bincount(pieces)[pieces] > 200)
        by_face = np.where(sock, labels.SOCKS, np.where(left, labels.LEFT_SHOE, labels.RIGHT_SHOE))
    else:
        order = np.argsort(-np.bincount(pieces), kind="stable")
        table = np.empty(len(order), dtype=np.uint8)
        table[order] = [classes[min(rank, len(classes) - 1)] for rank in range(len(order))]
        by_face = table[pieces]
    return Garment(name, mesh, fitting, texture, opaque, by_face.astype(np.uint8))


def _pieces(mesh: ObjMesh) -> npt.NDArray[np.int64]:
    """Return for each triangle the number of the connected piece it belongs to."""
    ends = np.concatenate([mesh.faces[:, :2], mesh.faces[:, 1:]])
    count = len(mesh.vertices)
    links = coo_matrix((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), (count, count))
    _, piece = connected_components(links, directed=False)
    _, numbers = np.unique(piece[mesh.faces[:, 0]], return_inverse=True)
    return np.asarray(numbers.reshape(-1), dtype=np.int64)


def _tile(path: Path) -> ByteArray:
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise InputError("this texture cannot be read", subject=path, remedy="Copy the assets again.")
    rgb = cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
    return np.asarray(cv2.resize(rgb, (_TILE, _TILE), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _opaque(mesh: ObjMesh, path: Path) -> npt.NDArray[np.bool_]:
    """Return which triangles of hair show: a z-buffer knows no half covered ones."""
    picture = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if picture is None or picture.ndim != 3 or picture.shape[2] != 4:
        return np.ones(len(mesh.faces), dtype=bool)
    corners = mesh.uv[mesh.face_uv]  # (F, 3, 2)
    places = np.concatenate([corners, corners.mean(axis=1, keepdims=True)], axis=1)
    height, width = picture.shape[:2]
    columns = np.clip(places[..., 0] * width, 0, width - 1).astype(int)
    rows = np.clip((1 - places[..., 1]) * height, 0, height - 1).astype(int)
    return np.asarray(picture[rows, columns, 3].mean(axis=1) > 255 * _OPAQUE)


def draw_person(body: BodyModel, wardrobe: Wardrobe, rng: np.random.Generator, name: str) -> RiggedAvatar:
    """Draw a grown-up of any shape, dress them, and return them as an avatar.

    Parameters
    ----------
    body : BodyModel
    wardrobe : Wardrobe
        Loaded for this body.
    rng : numpy Generator
    name : str
    """
    woman = rng.random() < 0.5
    sex = "female" if woman else "male"
    shape = body.shape(
        {
            "gender": float(np.clip((0.92 if woman else 0.08) + rng.normal(0, 0.06), 0, 1)),
            "age": float(rng.uniform(0.67, 0.95)),
            "muscle": float(rng.uniform(0.3, 0.8)),
            "weight": float(np.clip(rng.normal(0.5, 0.2), 0.1, 1)),
            "height": float(rng.uniform(0.3, 0.75)),
            "proportions": float(rng.uniform(0.2, 0.7)),
            "cupsize": float(rng.uniform(0.2, 0.7)),
        }
    )
    suits = [
        suit
        for suit in wardrobe.suits
        if suit.name.startswith(sex) or (woman and not suit.name.startswith("male_elegant"))
    ]
    skins = [skin for key, skin in wardrobe.skins.items() if f"_{sex}_" in key]
    worn: dict[Piece, Garment] = {"suit": suits[int(rng.integers(len(suits)))]}
    if rng.random() < 0.85:
        worn["shoes"] = wardrobe.shoes[int(rng.integers(len(wardrobe.shoes)))]
    hair = [style for style in wardrobe.hair if woman or style.name.startswith("short")]
    if woman or rng.random() < 0.85:
        worn["hair"] = hair[int(rng.integers(len(hair)))]
    skin = skins[int(rng.integers(len(skins)))]
    tone = np.clip(skin * np.exp(rng.normal(0, 0.15) + rng.normal(0, 0.03, 3)), 0, 255).astype(np.uint8)
    return _assembled(body, shape, wardrobe, worn, tone, name)


@dataclass
class _Parts:
    """What an avatar's mesh is put together from, piece by piece."""

    vertices: list[DoubleArray]
    uv: list[DoubleArray]
    weights: list[DoubleArray]
    faces: list[npt.NDArray[np.int64]]
    classes: list[ByteArray]

    def add(
        self,
        piece: Piece,
        vertices: DoubleArray,
        weights: DoubleArray,
        corners: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], DoubleArray],
        classes: ByteArray,
    ) -> None:
        """Add a mesh: a vertex for each pair of place and texture place that a triangle's corner has."""
        faces, face_uv, uv = corners
        pairs, number = np.unique(
            np.stack([faces.reshape(-1), face_uv.reshape(-1)], axis=1), axis=0, return_inverse=True
        )
        start = sum(len(part) for part in self.vertices)
        row, column = _TILES[piece]
        self.vertices.append(vertices[pairs[:, 0]])
        self.weights.append(weights[pairs[:, 0]])
        # kept off the tiles' borders, where a reduced texture mixes its neighbors
        inner = np.clip(uv[pairs[:, 1]], 0.004, 0.996)
        self.uv.append((inner + np.array([column, row])) / 2)
        self.faces.append(number.reshape(-1, 3) + start)
        self.classes.append(classes)


def _assembled(
    body: BodyModel, shape: BodyShape, wardrobe: Wardrobe, worn: dict[Piece, Garment], skin: ByteArray, name: str
) -> RiggedAvatar:
    places = shape.vertices.double().numpy() * _FLIP
    joints = (shape.joints.double().numpy() * _FLIP).astype(np.float32)
    weights = body.dense_skinning.double().numpy()
    base = wardrobe.base[wardrobe.matching] * _METERS
    moved = places - base  # how far this person's skin is from the base mesh's, (V, 3)
    tree = cKDTree(base)
    hidden = frozenset().union(*(garment.fitting.hidden for garment in worn.values()))
    covered = np.isin(wardrobe.matching, sorted(hidden))[body.faces.numpy()].all(axis=1)
    parts = _Parts([], [], [], [], [])
    faces = body.faces.numpy()[~covered].astype(np.int64)
    strongest = [body.bones[bone] for bone in weights.argmax(axis=1)]
    parts.add(
        "body", places, weights, (faces, body.face_uv.numpy()[~covered].astype(np.int64), body.uv.double().numpy()),
        _skin_classes(faces, strongest),
    )  # fmt: skip
    tiles: dict[Piece, ByteArray] = {"body": skin}
    for piece, garment in worn.items():
        fitted = garment.fitting.fitted(wardrobe.base) * _METERS
        distance, nearest = tree.query(fitted, _NEIGHBORS)
        share = 1 / np.maximum(distance, 1e-4)
        share /= share.sum(axis=1, keepdims=True)
        uv = garment.mesh.uv % 1.0 * (1, -1) + (0, 1)
        corners = (garment.mesh.faces[garment.opaque], garment.mesh.face_uv[garment.opaque], uv)
        parts.add(
            piece,
            fitted + np.einsum("nk,nkc->nc", share, moved[nearest]),
            np.einsum("nk,nkj->nj", share, weights[nearest]),
            corners,
            garment.classes[garment.opaque],
        )
        tiles[piece] = garment.texture
    return _avatar(body, shape, joints, parts, tiles, name)


def _skin_classes(faces: npt.NDArray[np.int64], strongest: Sequence[str]) -> ByteArray:
    """Return the class of bare skin by the bone that moves it; the trunk's has none in LIP."""
    table = np.full(len(strongest), labels.IGNORE, dtype=np.uint8)
    for vertex, bone in enumerate(strongest):
        right = bone.endswith(".R")
        if bone.startswith(("head", "eye", "neck")):
            table[vertex] = labels.FACE
        elif bone.startswith(("upperarm", "lowerarm", "wrist", "finger", "metacarpal", "shoulder")):
            table[vertex] = labels.RIGHT_ARM if right else labels.LEFT_ARM
        elif bone.startswith(("upperleg", "lowerleg", "foot")):
            table[vertex] = labels.RIGHT_LEG if right else labels.LEFT_LEG
    return table[faces[:, 0]]


def _avatar(
    body: BodyModel, shape: BodyShape, joints: FloatArray, parts: _Parts, tiles: dict[Piece, ByteArray], name: str
) -> RiggedAvatar:
    vertices = np.concatenate(parts.vertices).astype(np.float32)
    faces = np.concatenate(parts.faces).astype(np.int32)
    uv = np.concatenate(parts.uv).astype(np.float32)
    classes = np.concatenate(parts.classes)
    dense = np.concatenate(parts.weights)
    strongest = np.argsort(-dense, axis=1)[:, :4]
    weights = np.take_along_axis(dense, strongest, axis=1).astype(np.float32)
    index = {bone: number for number, bone in enumerate(body.bones)}
    canonical = np.full(len(jn.JOINTS), -1, dtype=np.int32)
    for joint, bone in _BONES.items():
        canonical[joint] = index[bone]
    rest = joints[canonical]
    for toe, ankle in ((jn.LEFT_TOE, jn.LEFT_ANKLE), (jn.RIGHT_TOE, jn.RIGHT_ANKLE)):
        # the model has no toes: a point before the ankle, level on the ground
        rest[toe] = rest[ankle] + np.array([0, 0, 0.12], dtype=np.float32)
    frames = rest_frames(rest, joints[[index[bone] for bone in _KNUCKLES]])
    points, moving = _points(body, shape, index)
    atlas = np.full((2 * _TILE, 2 * _TILE, 3), 128, dtype=np.uint8)
    for piece, (row, column) in _TILES.items():
        if piece in tiles:
            atlas[row * _TILE : (row + 1) * _TILE, column * _TILE : (column + 1) * _TILE] = tiles[piece]
    _paint_eyes(atlas, uv, vertices, strongest[:, 0], index, points)
    return RiggedAvatar(
        name,
        vertices,
        smooth_normals(vertices, faces),
        uv,
        faces,
        np.zeros(len(faces), dtype=np.uint8),
        classes,
        _dyes(classes),
        strongest.astype(np.int32),
        weights / weights.sum(axis=1, keepdims=True),
        body.bones,
        np.array(body.parents, dtype=np.int32),
        joints,
        canonical,
        frames,
        t_pose_frames(),
        points,
        moving,
        (texture_pyramid(atlas),),
    )


def _points(body: BodyModel, shape: BodyShape, index: dict[str, int]) -> tuple[FloatArray, IntArray]:
    """Return the 18 points at rest and the bones they move with."""
    corners = shape.vertices[body.point_indices.long()]  # (18, P, 3)
    points = (corners * body.point_weights.unsqueeze(-1)).sum(dim=1).double().numpy() * _FLIP
    moving = np.array([index[_POINT_BONES.get(point, "head")] for point in range(POINT_COUNT)], dtype=np.int32)
    return points.astype(np.float32), moving


def _paint_eyes(
    atlas: ByteArray,
    uv: FloatArray,
    vertices: FloatArray,
    strongest: npt.NDArray[np.int64],
    index: dict[str, int],
    points: FloatArray,
) -> None:
    """Give eyes a white and a dark color in a corner of the texture: skins have none."""
    size = len(atlas)
    atlas[:12, :12], atlas[:12, 12:24] = 225, 30
    for bone, point in (("eye.L", sk.LEFT_EYE), ("eye.R", sk.RIGHT_EYE)):
        ball = np.flatnonzero(strongest == index[bone])
        if not len(ball):
            continue
        front = vertices[ball, 2] > vertices[ball, 2].max() - 0.004
        dark = front & (np.linalg.norm(vertices[ball, :2] - points[point, :2], axis=1) < 2 * _PUPIL)
        uv[ball] = np.where(dark[:, None], (18 / size, 6 / size), (6 / size, 6 / size))


def _dyes(classes: ByteArray) -> ByteArray:
    dyes = np.full(len(classes), NO_DYE, dtype=np.uint8)
    for dye, of in (
        (TOP_DYE, (labels.UPPER_CLOTHES, labels.COAT, labels.JUMPSUITS)),
        (BOTTOM_DYE, (labels.PANTS, labels.SKIRT)),
        (SHOE_DYE, (labels.LEFT_SHOE, labels.RIGHT_SHOE, labels.SOCKS)),
        (HAIR_DYE, (labels.HAIR,)),
    ):
        dyes[np.isin(classes, of)] = dye
    return dyes


def draw_people(body: BodyModel, folder: Path, count: int, seed: int) -> list[RiggedAvatar]:
    """Load MakeHuman's assets and draw people in them; see `load_wardrobe` and `draw_person`."""
    wardrobe = load_wardrobe(folder, body)
    with torch.no_grad():
        return [
            draw_person(body, wardrobe, np.random.default_rng([seed, number]), f"makehuman_{number}")
            for number in range(count)
        ]
