"""The record of one clip: what it was made of, how, and the checksums of its files; or why it could not be made."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, get_args, get_origin, get_type_hints

from motionwarp.checkpoints.registry import file_sha256
from motionwarp.datasets.config import encoded
from motionwarp.datasets.plan import Clip
from motionwarp.datasets.storage.base import Storage, printable
from motionwarp.errors import InputError

RECORD: Final = "record.json"
CLIPS: Final = "clips"
FAILED: Final = "failed"
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,255}")


@dataclass(frozen=True)
class FileRecord:
    """A file's checksum and bytes."""

    sha256: str
    bytes: int


@dataclass(frozen=True)
class ClipRecord:
    """What is known of one clip. Nothing in it depends on when or by whom it was made.

    Attributes
    ----------
    id, source, driving : str
    variant, seed : int
    status : 'done' or 'failed'
    video : str
        The file or folder of the pictures, within the clip's folder.
    frames, width, height : int
    seconds : float
        From the first frame to the end of the last.
    frame_rate : str
        Nominal frames a second, a fraction; exact times are in the poses.
    motionwarp, engine, weights_sha256, estimator, estimator_sha256, device, precision : str
        What made it.
    parsing_by : str
        'engine' if classes were carried along with the pixels, 'estimator' if they were seen in the finished frames.
    body_by : str
        'engine' if the bodies in space are those that were drawn, 'fitted' if they were fitted to the points; empty in
        sets of before 2026-12, which have none.
    source_sha256, driving_sha256, source_licence, driving_licence : str
    cast : list of dict
        Who took the places of further dancers: each `dancer`, `source`, `sha256` and `licence`.
    augmentation : dict
        As `Draw.as_dict`.
    warnings : list of str
    files : dict of str to FileRecord
        All files of the clip's folder but the record itself.
    error, error_kind : str
        Message and class of the error of a clip that failed.
    tries : int
        Number of tries of a clip that failed.
    """

    id: str
    source: str
    driving: str
    variant: int
    seed: int
    status: str
    video: str = ""
    frames: int = 0
    width: int = 0
    height: int = 0
    seconds: float = 0.0
    frame_rate: str = ""
    motionwarp: str = ""
    engine: str = ""
    weights_sha256: str = ""
    estimator: str = ""
    estimator_sha256: str = ""
    device: str = ""
    precision: str = ""
    parsing_by: str = ""
    body_by: str = ""
    source_sha256: str = ""
    driving_sha256: str = ""
    source_licence: str = ""
    driving_licence: str = ""
    cast: list[dict[str, str]] = field(default_factory=list)
    augmentation: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    files: dict[str, FileRecord] = field(default_factory=dict)
    error: str = ""
    error_kind: str = ""
    tries: int = 0

    def as_bytes(self) -> bytes:
        """Return the record as JSON whose bytes depend on the values only."""
        return encoded(asdict(self))

    @classmethod
    def from_bytes(cls, content: bytes, place: str) -> ClipRecord:
        """Read a record; InputError if it is damaged."""
        try:
            values: dict[str, Any] = json.loads(content)
            values["files"] = {checked_name(name): FileRecord(**facts) for name, facts in values["files"].items()}
            checked_id(values["id"])
            if values.get("video"):
                checked_name(values["video"])
            record = cls(**values)
            _check_kinds(record)
            for facts in record.files.values():
                _check_kinds(facts)
            for person in record.cast:
                checked_id(person["source"])
                if not isinstance(person["dancer"], str):
                    raise TypeError("a dancer of the cast is no text")
            return record
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise InputError(
                f"this record cannot be read ({error})",
                subject=place,
                remedy="Remove the clip's folder and run again with `resume`",
            ) from error


def failed_record(clip: Clip, problem: str, kind: str, tries: int) -> ClipRecord:
    """Return the record of a clip that could not be made."""
    return ClipRecord(
        clip.id, clip.source.id, clip.driving.id, clip.variant, clip.seed, "failed",
        source_licence=clip.source.licence, driving_licence=clip.driving.licence, error=printable(problem),
        error_kind=kind, tries=tries,
    )  # fmt: skip


def differences_in_making(records: Iterable[ClipRecord]) -> list[str]:
    """Tell where not all clips that were made were made alike, as on a cluster of unlike nodes.

    Their bytes may differ by it.
    """
    made = [record for record in records if record.status == "done"]
    notes = []
    for name in ("device", "precision", "motionwarp", "weights_sha256", "estimator_sha256"):
        counts = Counter(getattr(record, name)[:12] for record in made)
        if len(counts) > 1:
            shown = ", ".join(f"{value or 'none'} ({count} clips)" for value, count in sorted(counts.items()))
            notes.append(f"clips differ in {name}: {shown}")
    return notes


def _check_kinds(record: ClipRecord | FileRecord) -> None:
    """Raise TypeError unless every field, and every member of a list of texts or of people, is what it should be."""
    for name, kind in get_type_hints(type(record)).items():
        value, outer, inner = getattr(record, name), get_origin(kind) or kind, get_args(kind)
        members = value if outer is list and isinstance(value, list) else ()
        allowed = (int, float) if outer is float else outer
        if not isinstance(value, allowed) or isinstance(value, bool):
            raise TypeError(f"{name} is of the kind {type(value).__name__}")
        if any(not isinstance(member, get_origin(inner[0]) or inner[0]) for member in members):
            raise TypeError(f"{name} has a member of a wrong kind")


def checked_id(clip_id: object) -> str:
    """Return a clip's id as it was read from a data set that may be anybody's.

    ValueError for what no clip of ours is called.

    Names of folders and files are made of ids, so that one with `/` or `..` would lead out of the data set or of an
    export.
    """
    if not isinstance(clip_id, str) or _ID.fullmatch(clip_id) is None:
        raise ValueError(f"{clip_id!r} is no id of a clip")
    return clip_id


def checked_name(name: object) -> str:
    """Return the name of a file within a clip's folder; ValueError for one that leads out of it."""
    parts = name.split("/") if isinstance(name, str) else [""]
    if any(part in ("", ".", "..") or "\\" in part or ":" in part for part in parts):
        raise ValueError(f"{name!r} is no name of a file in a clip's folder")
    return "/".join(parts)


def clip_folder(clip_id: str) -> str:
    """Return the name of a clip's folder in the data set."""
    return f"{CLIPS}/{clip_id}"


def failure_name(clip_id: str) -> str:
    """Return the name of the record of a clip that failed."""
    return f"{FAILED}/{clip_id}.json"


def read_record(storage: Storage, clip_id: str) -> ClipRecord | None:
    """Return a clip's record, or None if it was neither made nor given up; one that was made goes before a failure."""
    for name in (f"{clip_folder(clip_id)}/{RECORD}", failure_name(clip_id)):
        try:
            content = storage.read(name)
        except FileNotFoundError:
            continue
        return ClipRecord.from_bytes(content, storage.address(name))
    return None


def file_records(folder: Path) -> dict[str, FileRecord]:
    """Return checksum and size of every file in a folder and those within, by name from the folder."""
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    return {file.relative_to(folder).as_posix(): FileRecord(file_sha256(file), file.stat().st_size) for file in files}
