"""What was seen of an input, kept under a name that is made of the file's content and of how it was looked at.

Arrays only, in NumPy's zip format without pickles; what is not an array is JSON inside. The same input analyzed twice
gives the same bytes.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import numpy as np

from motionwarp.avatar.files import avatar_arrays, avatar_of_arrays
from motionwarp.avatar.person import AvatarPerson, StoredAvatar
from motionwarp.body.body_motion import BodyMotion
from motionwarp.datasets.storage.base import Storage
from motionwarp.errors import InputError
from motionwarp.media.probe import VideoInfo
from motionwarp.pipeline.driving import DrivingMotion
from motionwarp.pipeline.driving_shadow import CastShadow
from motionwarp.pipeline.empty_place import EmptyPlace
from motionwarp.pipeline.relighting import PersonLight
from motionwarp.pipeline.source import PreparedSource
from motionwarp.types import Pose, PoseTrack, SourcePerson

FORMAT: Final = 3
FOLDER: Final = ".motionwarp/analysis"

Arrays = Mapping[str, np.ndarray[Any, Any]]


def analysis_key(metadata: Mapping[str, Any]) -> str:
    """Return the name of an analysis: the sha256 of all that decides what it sees, as JSON."""
    return hashlib.sha256(json.dumps({"format": FORMAT, **metadata}, sort_keys=True).encode()).hexdigest()


def dancer_key(key: str, number: int) -> str:
    """Return the name of the analysis of a clip's further dancer, the first being 1, from that of the clip."""
    return hashlib.sha256(f"{key}/{number}".encode()).hexdigest()


class AnalysisCache:
    """Analyzes by key in a folder of a storage; several processes may use it at once.

    Parameters
    ----------
    storage : Storage
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def has(self, key: str) -> bool:
        """Return whether an analysis is kept."""
        return self._storage.exists(_name(key))

    def save_source(self, key: str, source: PreparedSource, *, with_plate: bool) -> None:
        """Keep a prepared source; what is kept without its plate makes it when it is asked for."""
        person = source.person
        if isinstance(person, AvatarPerson):
            stored = StoredAvatar(person, source.plate, source.notes, source.score, source.matte_given, source.photos)
            kept, told = avatar_arrays(stored)
            self._save(key, kept, {"avatar": told})
            return
        arrays: dict[str, np.ndarray[Any, Any]] = {
            "rgb": person.rgb, "matte": person.matte, "points": person.pose.points, "parsing": person.parsing,
        }  # fmt: skip
        if with_plate:
            arrays["plate"] = source.plate
        self._save(key, arrays, {"notes": list(source.notes), "seed": source.seed})

    def load_source(self, key: str) -> PreparedSource:
        """Return a prepared source as it was; errors are those of `load_motion`."""
        arrays, metadata = self._load(key)
        if "avatar" in metadata:
            return PreparedSource.of_avatar(avatar_of_arrays(arrays, metadata["avatar"]))
        person = SourcePerson(arrays["rgb"], arrays["matte"], Pose(arrays["points"]), arrays["parsing"])
        return PreparedSource(person, tuple(metadata["notes"]), seed=metadata["seed"], given_plate=arrays.get("plate"))

    def save_motion(self, key: str, motion: DrivingMotion, info: VideoInfo) -> None:
        """Keep a driving clip's motion and headers."""
        track = motion.track
        arrays: dict[str, np.ndarray[Any, Any]] = {
            "points": track.points, "present": track.present, "times_seconds": track.times_seconds,
        }  # fmt: skip
        if motion.plate is not None:
            arrays |= {"plate": motion.plate.views, "plate_numbers": motion.plate.numbers}
        metadata: dict[str, Any] = {
            "size": [track.width, track.height], "cuts": list(track.cuts), "notes": list(motion.notes),
            "end_seconds": motion.end_seconds, "info": _info_metadata(info),
        }  # fmt: skip
        if motion.plate is not None and motion.plate.shadow is not None:
            metadata["shadow"] = asdict(motion.plate.shadow)
        if motion.light is not None:
            metadata["light"] = asdict(motion.light)
        if motion.capture is not None:
            arrays |= {"capture_turns": motion.capture.turns, "capture_root": motion.capture.root}
            metadata["capture_rate"] = motion.capture.frame_rate
        self._save(key, arrays, metadata)

    def load_motion(self, key: str, path: Path) -> tuple[DrivingMotion, VideoInfo]:
        """Return a driving clip's motion and headers as they were, with `path` as the clip's place.

        Raises
        ------
        InputError
            If the analysis is missing or damaged.
        """
        arrays, metadata = self._load(key)
        width, height = metadata["size"]
        track = PoseTrack(
            arrays["points"], arrays["present"], arrays["times_seconds"], width, height, tuple(metadata["cuts"])
        )
        capture = None
        if "capture_rate" in metadata:
            capture = BodyMotion(arrays["capture_turns"], arrays["capture_root"], metadata["capture_rate"])
        notes, end = tuple(metadata["notes"]), metadata["end_seconds"]
        plate = None
        if "plate" in arrays:
            shadow = CastShadow(**metadata["shadow"]) if "shadow" in metadata else None
            plate = EmptyPlace(arrays["plate"], arrays["plate_numbers"], shadow)
        light = PersonLight(**metadata["light"]) if "light" in metadata else None
        motion = DrivingMotion(track, notes, end, plate, capture=capture, light=light)
        return motion, _info_from(metadata["info"], path)

    def _save(self, key: str, arrays: Arrays, metadata: Mapping[str, Any]) -> None:
        stream = io.BytesIO()
        words = np.frombuffer(json.dumps(metadata, sort_keys=True).encode(), dtype=np.uint8)
        contents: dict[str, Any] = {"facts": words, **arrays}
        np.savez_compressed(stream, **contents)
        self._storage.write(_name(key), stream.getvalue())

    def _load(self, key: str) -> tuple[dict[str, np.ndarray[Any, Any]], dict[str, Any]]:
        try:
            with np.load(io.BytesIO(self._storage.read(_name(key))), allow_pickle=False) as content:
                arrays = {name: content[name] for name in content.files}
            return arrays, json.loads(arrays.pop("facts").tobytes())
        except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
            raise InputError(
                f"a kept analysis cannot be read ({error})",
                subject=self._storage.address(_name(key)),
                remedy="Remove it and run again with `resume`",
            ) from error


def _name(key: str) -> str:
    # two digits a folder: file systems and object stores list large folders slowly
    return f"{FOLDER}/{key[:2]}/{key}.npz"


_FRACTIONS: Final = ("frame_rate", "time_base")
_PLAIN: Final = (
    "width", "height", "duration_seconds", "frame_count", "has_audio", "has_alpha", "codec", "pixel_format",
    "rotation_degrees", "mirrored", "is_still", "container",
)  # fmt: skip


def _info_metadata(info: VideoInfo) -> dict[str, Any]:
    # the gamut matters to who decodes, and decoding probes the file again
    return {
        **{name: getattr(info, name) for name in _PLAIN},
        **{name: str(getattr(info, name)) for name in _FRACTIONS},
    }


def _info_from(metadata: Mapping[str, Any], path: Path) -> VideoInfo:
    values: dict[str, Any] = {name: metadata[name] for name in _PLAIN}
    values.update({name: Fraction(metadata[name]) for name in _FRACTIONS})
    return VideoInfo(path=path, **values)
