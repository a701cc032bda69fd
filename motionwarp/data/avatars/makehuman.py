"""MakeHuman's files: meshes (Wavefront OBJ) and garments tied to the base mesh (.mhclo), compressed or not."""

from __future__ import annotations

import gzip
import math
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from motionwarp.errors import InputError

DoubleArray = npt.NDArray[np.float64]
LongArray = npt.NDArray[np.int64]

_MOST_BYTES: Final = 64 << 20
_REMEDY: Final = "Give the folder of MakeHuman's assets (base, clothes, hair, skins)."
_SECTIONS: Final = ("verts", "weights", "delete_verts")
_SCALES: Final = ("x_scale", "y_scale", "z_scale")


@dataclass(frozen=True, eq=False)
class ObjMesh:
    """A mesh of triangles.

    Attributes
    ----------
    vertices : float64 (N, 3)
        In the file's unit, y up; MakeHuman's is a decimeter.
    uv : float64 (U, 2)
        v up, as the form has it.
    faces, face_uv : int64 (F, 3)
        Numbers of vertices and of texture coordinates; quadrangles are cut in two.
    groups : tuple of str
        Of each triangle.
    """

    vertices: DoubleArray
    uv: DoubleArray
    faces: LongArray
    face_uv: LongArray
    groups: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Fitting:
    """How a garment hangs on the base mesh.

    Attributes
    ----------
    mesh_file : str
        The garment's OBJ.
    vertices : int64 (N, 3)
        Of the base mesh; three the same where a vertex is one of the base mesh.
    weights : float64 (N, 3)
    offsets : float64 (N, 3)
        In units of `scales`.
    scales : tuple of (int, int, float)
        For x, y and z: two vertices of the base mesh, and how far they are apart where an offset counts as it is.
    hidden : frozenset of int
        Vertices of the base mesh that the garment hides.
    """

    mesh_file: str
    vertices: LongArray
    weights: DoubleArray
    offsets: DoubleArray
    scales: tuple[tuple[int, int, float], ...]
    hidden: frozenset[int]

    def fitted(self, base: DoubleArray) -> DoubleArray:
        """Return the garment's vertices (N, 3) on a base mesh (B, 3)."""
        size = np.array([abs(base[a, axis] - base[b, axis]) / apart for axis, (a, b, apart) in enumerate(self.scales)])
        on_base = np.einsum("nk,nkc->nc", self.weights, base[self.vertices])
        return np.asarray(on_base + self.offsets * size)


def _lines(path: Path) -> Iterator[list[str]]:
    """Yield the words of each line that has some, comments left out."""
    packed = path if path.exists() else path.with_name(f"{path.name}.gz")
    try:
        with packed.open("rb") as plain:
            is_packed = plain.read(2) == b"\x1f\x8b"
        with gzip.open(packed) if is_packed else packed.open("rb") as stream:
            text = stream.read(_MOST_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"cannot be read: {error}", subject=path, remedy=_REMEDY) from error
    if len(text) > _MOST_BYTES:
        raise InputError("is larger than any such file", subject=path, remedy=_REMEDY)
    for line in text.decode("utf-8", errors="replace").splitlines():
        words = line.split()
        if words and not words[0].startswith("#"):
            yield words


def read_obj(path: Path) -> ObjMesh:
    """Read a mesh.

    Parameters
    ----------
    path : Path
        `.obj`; where it is missing, the same with `.gz`.

    Raises
    ------
    InputError
        If it is missing, or no such file.
    """
    vertices: list[list[float]] = []
    uv: list[list[float]] = []
    corners: list[tuple[list[int], list[int]]] = []
    groups: list[str] = []
    group = ""
    try:
        for words in _lines(path):
            if words[0] == "v":
                vertices.append([float(word) for word in words[1:4]])
            elif words[0] == "vt":
                uv.append([float(word) for word in words[1:3]])
            elif words[0] == "g":
                group = words[1] if len(words) > 1 else ""
            elif words[0] == "f":
                polygon = [word.split("/") for word in words[1:]]
                for index in range(1, len(polygon) - 1):
                    triangle = (polygon[0], polygon[index], polygon[index + 1])
                    corners.append(([int(c[0]) - 1 for c in triangle], [int(c[1]) - 1 for c in triangle]))
                    groups.append(group)
        mesh = ObjMesh(
            np.array(vertices, dtype=np.float64).reshape(-1, 3),
            np.array(uv, dtype=np.float64).reshape(-1, 2),
            np.array([corner[0] for corner in corners], dtype=np.int64).reshape(-1, 3),
            np.array([corner[1] for corner in corners], dtype=np.int64).reshape(-1, 3),
            tuple(groups),
        )
    except (ValueError, IndexError) as error:
        raise InputError(f"is no mesh with texture coordinates: {error}", subject=path, remedy=_REMEDY) from error
    for numbers, count in ((mesh.faces, len(mesh.vertices)), (mesh.face_uv, len(mesh.uv))):
        if not len(numbers) or numbers.min() < 0 or numbers.max() >= count:
            raise InputError("has no triangles, or some of vertices that are not there", subject=path, remedy=_REMEDY)
    return mesh


def read_fitting(path: Path, base_count: int) -> Fitting:
    """Read how a garment hangs on the base mesh.

    Parameters
    ----------
    path : Path
        `.mhclo`; where it is missing, the same with `.gz`.
    base_count : int
        Vertices of the base mesh.

    Raises
    ------
    InputError
        If it is missing, or no such file.
    """
    scales: dict[str, tuple[int, int, float]] = {}
    rows: list[tuple[list[int], list[float]]] = []
    hidden: list[int] = []
    mesh_file, part = "", ""
    try:
        for words in _lines(path):
            if words[0] in _SCALES:
                scales[words[0]] = (int(words[1]), int(words[2]), float(words[3]))
            elif words[0] == "obj_file":
                mesh_file = words[1]
            elif words[0] in _SECTIONS:
                part = words[0]
            elif not words[0].isdecimal():
                continue  # names, tags, materials: they stand between a section's title and its rows now and then
            elif part == "verts":
                rows.append(_hanging(words))
            elif part == "delete_verts":
                hidden += _numbers(words)
        fitting = Fitting(
            mesh_file,
            np.array([row[0] for row in rows], dtype=np.int64).reshape(-1, 3),
            np.array([row[1][:3] for row in rows]).reshape(-1, 3),
            np.array([row[1][3:] for row in rows]).reshape(-1, 3),
            tuple(scales[name] for name in _SCALES),
            frozenset(hidden),
        )
    except (ValueError, IndexError, KeyError) as error:
        raise InputError(f"is no garment of MakeHuman: {error}", subject=path, remedy=_REMEDY) from error
    used = [*fitting.vertices.reshape(-1).tolist(), *(vertex for a, b, _ in fitting.scales for vertex in (a, b))]
    if not rows or not mesh_file or "/" in mesh_file or min(used) < 0 or max(used) >= base_count:
        raise InputError("hangs on vertices that are not there", subject=path, remedy=_REMEDY)
    if not (np.isfinite(fitting.weights).all() and np.isfinite(fitting.offsets).all()):
        raise InputError("has values that are not finite", subject=path, remedy=_REMEDY)
    if any(not (math.isfinite(apart) and apart > 0) for _, _, apart in fitting.scales):
        raise InputError("has a scale that is not positive", subject=path, remedy=_REMEDY)
    return fitting


def _hanging(words: list[str]) -> tuple[list[int], list[float]]:
    if len(words) == 1:
        return [int(words[0])] * 3, [1.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    return [int(word) for word in words[:3]], [float(word) for word in words[3:9]]


def _numbers(words: list[str]) -> list[int]:
    """Return the numbers of a list such as `3 5 - 9 12`."""
    numbers: list[int] = []
    ranged = False
    for word in words:
        if word == "-":
            ranged = True
            continue
        numbers += range(numbers[-1] + 1, int(word) + 1) if ranged else [int(word)]
        ranged = False
    return numbers
