"""Avatars as files: one safetensors file an avatar, so that it is made once and used often.

Beside the surfaces it holds the photo with what was seen in it, so that it stands for the photo wherever a source is
asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from motionwarp.avatar.avatar import Avatar
from motionwarp.avatar.person import AvatarPerson, StoredAvatar
from motionwarp.avatar.renderer import Atlas
from motionwarp.avatar.sheets import BONES_OF_VERTEX, Sheets
from motionwarp.body.layout import DRIVEN_BONES
from motionwarp.checkpoints.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from motionwarp.checkpoints.registry import registry
from motionwarp.errors import WeightsError
from motionwarp.parsing import labels
from motionwarp.puppet import parts
from motionwarp.types import POINT_COUNT, Pose

ARCHITECTURE: Final = "avatar"
FORMAT: Final = 2
"""Number of the file's layout: a file of another one is refused."""

_BONE_COUNT: Final = len(DRIVEN_BONES)
# type and shape of every array; a letter is a length that the file chooses, the same wherever it stands
_ARRAYS: Final[dict[str, tuple[str, tuple[int | str, ...]]]] = {
    "positions": ("float32", ("N", 3)),
    "uv": ("float32", ("N", 2)),
    "side_uv": ("float32", ("N", 2)),
    "facing": ("float32", ("N",)),
    "bones": ("int32", ("N", BONES_OF_VERTEX)),
    "bone_weights": ("float32", ("N", BONES_OF_VERTEX)),
    "faces": ("int32", ("F", 3)),
    "layers": ("int32", ("F",)),
    "texels": ("uint8", ("h", "w", 5)),
    "home": ("int16", ("h", "w", 2)),
    "rotations": ("float32", (_BONE_COUNT, 3, 3)),
    "joints": ("float32", (_BONE_COUNT, 3)),
    "camera": ("float32", (3,)),
    "coefficients": ("float32", ("K",)),
    "rgb": ("uint8", ("H", "W", 3)),
    "matte": ("uint16", ("H", "W")),
    "parsing": ("uint8", ("H", "W")),
    "points": ("float32", (POINT_COUNT, 3)),
    "plate": ("uint8", ("H", "W", 3)),
}
_FARTHEST_METERS: Final = 100.0
_FARTHEST_PIXELS: Final = 1e5
_FARTHEST_SHAPE: Final = 1e3
_MOST_VERTICES: Final = 4_000_000
_LARGEST_ATLAS: Final = 32_768
_LARGEST_PHOTO: Final = 8192
_MOST_PHOTOS: Final = 1000
_MOST_NOTES, _LONGEST_NOTE = 100, 2000
_MATTE_LEVELS: Final = 65_535
_TOLERANCE: Final = 1e-3  # of sums of weights and of rotations, which are rounded


def save_avatar(path: str | Path, stored: StoredAvatar, tags: Mapping[str, str] | None = None) -> Path:
    """Write an avatar as one safetensors file, whole or not at all; a file that is there is replaced.

    Parameters
    ----------
    path : str or Path
        Must end in ".safetensors"; its folder must exist.
    stored : StoredAvatar
    tags : mapping of str, optional
        What the file says of itself, as `Provenance.tags` gives it.

    Returns
    -------
    Path

    Raises
    ------
    OutputError
        If the name has another ending, or the file cannot be written.
    """
    arrays, told = avatar_arrays(stored)
    tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
    return save_checkpoint(path, tensors, ARCHITECTURE, told, tags)


def avatar_arrays(stored: StoredAvatar) -> tuple[dict[str, npt.NDArray[Any]], dict[str, Any]]:
    """Return all that a file of an avatar holds: arrays by name, and what JSON can hold."""
    person, avatar = stored.person, stored.person.avatar
    sheets = avatar.sheets
    arrays: dict[str, npt.NDArray[Any]] = {
        "positions": sheets.positions,
        "uv": sheets.uv,
        "side_uv": sheets.side_uv,
        "facing": sheets.facing,
        "bones": sheets.bones,
        "bone_weights": sheets.bone_weights,
        "faces": sheets.faces,
        "layers": sheets.layers,
        "texels": avatar.atlas.texels,
        "home": avatar.atlas.home,
        "rotations": avatar.rotations,
        "joints": avatar.joints,
        "camera": np.array([avatar.scale, *avatar.shift], dtype=np.float32),
        "coefficients": avatar.coefficients,
        "rgb": person.rgb,
        "matte": np.rint(person.matte.clip(0, 1) * _MATTE_LEVELS),
        "parsing": person.parsing,
        "points": person.pose.points,
        "plate": stored.plate,
    }
    told = {
        "format": FORMAT,
        "bones": list(DRIVEN_BONES),
        "body": _body(),
        "photos": stored.photos,
        "notes": list(stored.notes),
        "score": stored.score,
        "matte_given": stored.matte_given,
    }
    return {name: np.ascontiguousarray(array, dtype=_ARRAYS[name][0]) for name, array in arrays.items()}, told


def load_avatar(path: str | Path) -> StoredAvatar:
    """Read an avatar that `save_avatar` has written.

    Raises
    ------
    WeightsError
        If there is no such file, if it is damaged, a pickle, something else than an avatar, one of another format or
        over another body, or if an array is missing or has a shape, type or value that no avatar has.
    """
    checkpoint = load_checkpoint(Path(path), ARCHITECTURE)
    config = checkpoint.config
    found = config.get("format")
    if found != FORMAT or config.get("bones") != list(DRIVEN_BONES) or config.get("body") != _body():
        told = f"format {found!r}" if type(found) in (int, str) and found != FORMAT else "another body"
        raise WeightsError(
            f"is an avatar of {told:.40s}, and format {FORMAT} over the body of this version is needed",
            subject=checkpoint.path,
            remedy="Make it anew from its photo with `motionwarp avatar`.",
        )
    return avatar_of_arrays(_checked(checkpoint), config)


def avatar_of_arrays(arrays: Mapping[str, npt.NDArray[Any]], told: Mapping[str, Any]) -> StoredAvatar:
    """Return the avatar of what `avatar_arrays` gave."""
    sheets = Sheets(**{field.name: arrays[field.name] for field in fields(Sheets)})
    scale, x, y = (float(value) for value in arrays["camera"])
    atlas = Atlas(arrays["texels"], arrays["home"].astype(np.float32))
    avatar = Avatar(sheets, atlas, arrays["rotations"], arrays["joints"], scale, (x, y), arrays["coefficients"])
    matte = (arrays["matte"] / np.float32(_MATTE_LEVELS)).astype(np.float32)
    height, width = matte.shape
    notes, score, photos = tuple(told["notes"]), float(told["score"]), told["photos"]
    person = AvatarPerson(
        arrays["rgb"], matte, Pose(arrays["points"]), arrays["parsing"],
        avatar=avatar, photo_size=(width, height), photos=photos,
    )  # fmt: skip
    return StoredAvatar(person, arrays["plate"], notes, score, told["matte_given"], photos)


def _body() -> str:
    """Return the checksum of the body that avatars are made over: coefficients mean nothing to another one."""
    return registry()["body"].sha256


def _has_facts(config: dict[str, Any]) -> bool:
    """Return whether what a file tells beside its arrays is such as `save_avatar` writes."""
    notes, score, photos = config.get("notes"), config.get("score"), config.get("photos")
    return (
        isinstance(notes, list)
        and len(notes) <= _MOST_NOTES
        and all(isinstance(note, str) and len(note) <= _LONGEST_NOTE and note.isprintable() for note in notes)
        and isinstance(score, int | float)
        and not isinstance(score, bool)
        and 0 <= score <= 1
        and type(photos) is int
        and 0 < photos <= _MOST_PHOTOS
        and type(config.get("matte_given")) is bool
    )


def _checked(checkpoint: Checkpoint) -> dict[str, npt.NDArray[Any]]:
    """Return the file's arrays, which are such as an avatar has."""
    if strange := set(checkpoint.tensors) ^ set(_ARRAYS):
        name = min(strange)
        problem = "lacks" if name in _ARRAYS else "has, as no avatar does,"
        raise WeightsError(f"{problem} the array '{name:.60}'", subject=checkpoint.path, remedy=_REMEDY)
    lengths: dict[str, int] = {}
    for name, (kind, shape) in _ARRAYS.items():
        _check_form(checkpoint.path, name, checkpoint.tensors[name], kind, shape, lengths)
    if not _has_facts(checkpoint.config):
        raise WeightsError("does not tell what every avatar tells of itself", subject=checkpoint.path, remedy=_REMEDY)
    arrays = {name: np.ascontiguousarray(checkpoint.tensors[name].numpy()) for name in _ARRAYS}
    for problem, wrong in _faults(arrays, lengths):
        if wrong:
            raise WeightsError(problem, subject=checkpoint.path, remedy=_REMEDY)
    return arrays


_REMEDY: Final = "The file is damaged or not one of motionwarp's; make it anew with `motionwarp avatar`"


def _check_form(
    path: Path, name: str, tensor: Tensor, kind: str, shape: tuple[int | str, ...], lengths: dict[str, int]
) -> None:
    found = str(tensor.dtype).removeprefix("torch."), tuple(tensor.shape)
    fits = found[0] == kind and len(found[1]) == len(shape)
    if fits:
        wanted = [
            lengths.setdefault(side, own) if isinstance(side, str) else side
            for side, own in zip(shape, found[1], strict=True)
        ]
        fits = wanted == list(found[1])
    if not fits:
        told = ", ".join(str(lengths.get(side, side)) if isinstance(side, str) else str(side) for side in shape)
        raise WeightsError(
            f"has an array '{name}' of {found[0]} {found[1]}, where {kind} ({told}) is needed",
            subject=path,
            remedy=_REMEDY,
        )


def _faults(arrays: dict[str, npt.NDArray[Any]], lengths: dict[str, int]) -> list[tuple[str, bool]]:
    """Return what may be wrong with the values, in words, and whether it is."""
    # sizes first: nothing else is looked at in a file of absurd ones
    small = 0 < lengths["N"] <= _MOST_VERTICES and 0 < lengths["F"] <= 4 * _MOST_VERTICES
    drawable = min(lengths["h"], lengths["w"]) >= 2 and max(lengths["h"], lengths["w"]) <= _LARGEST_ATLAS
    if not (small and drawable):
        return [("has no triangles or textures, or far too many of them", True)]
    if not 0 < min(lengths["H"], lengths["W"]) <= max(lengths["H"], lengths["W"]) <= _LARGEST_PHOTO:
        return [("has a photo of no size, or of far too large a one", True)]
    rotations, weights = arrays["rotations"], arrays["bone_weights"]
    with np.errstate(all="ignore"):
        unturned = rotations @ rotations.transpose(0, 2, 1) - np.eye(3, dtype=np.float32)
        turned = bool(np.all(np.abs(unturned) < _TOLERANCE) and np.all(np.linalg.det(rotations) > 0))
        sums = weights.sum(axis=1)
        scale = float(arrays["camera"][0])
        return [
            ("has vertices that are not finite or far away", not _within(arrays["positions"], _FARTHEST_METERS)),
            ("has joints that are not finite or far away", not _within(arrays["joints"], _FARTHEST_METERS)),
            ("has texture coordinates that are not finite or far away", not _within(arrays["uv"], _FARTHEST_PIXELS)),
            ("has places of sides that are not finite or far away", not _within(arrays["side_uv"], _FARTHEST_PIXELS)),
            ("faces its camera by what is no cosine", not _between(arrays["facing"], 0, 1 + _TOLERANCE)),
            ("has triangles of vertices that are not there", not _between(arrays["faces"], 0, lengths["N"] - 1)),
            ("has layers of parts that nobody has", not _between(arrays["layers"], 0, 2 * parts.PART_COUNT - 1)),
            ("is moved by bones that are not there", not _between(arrays["bones"], 0, _BONE_COUNT - 1)),
            (
                "has weights of bones that do not sum to 1",
                not (_between(weights, 0, 1 + _TOLERANCE) and bool(np.all(np.abs(sums - 1) < _TOLERANCE))),
            ),
            ("has rotations of bones that are none", not turned),
            ("has a camera that sees nothing", not (_within(arrays["camera"], _FARTHEST_PIXELS) and scale > 0)),
            ("has a shape that nobody has", not (lengths["K"] and _within(arrays["coefficients"], _FARTHEST_SHAPE))),
            ("has classes that there are not", not _between(arrays["parsing"], 0, labels.CLASS_COUNT - 1)),
            ("has points that are not finite or far away", not _within(arrays["points"], _FARTHEST_PIXELS)),
            ("has scores of points that are none", not _between(arrays["points"][:, 2], 0, 1)),
        ]


def _within(values: npt.NDArray[Any], most: float) -> bool:
    return bool(np.all(np.abs(values) <= most))  # false for what is not a number


def _between(values: npt.NDArray[Any], least: float, most: float) -> bool:
    return bool(np.all((values >= least) & (values <= most)))
