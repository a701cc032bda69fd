"""Clips in tar files as WebDataset reads them: all files of a clip one after another, under names that begin alike.

Format: WebDataset's documentation, "The WebDataset format": a sample is a run of files whose names are equal up to the
first dot.
"""

from __future__ import annotations

import hashlib
import json
import tarfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from motionwarp.checkpoints.registry import file_sha256
from motionwarp.datasets.clip_reader import ClipReader
from motionwarp.datasets.config import encoded
from motionwarp.datasets.input_notes import stream_sha256
from motionwarp.datasets.manifest import MANIFEST, done_rows, read_manifest
from motionwarp.datasets.records import RECORD, FileRecord, checked_name
from motionwarp.datasets.storage.base import Storage
from motionwarp.errors import OptionError

FOLDER: Final = "shards"
INDEX: Final = f"{FOLDER}/index.json"
_BLOCK: Final = 1 << 20


@dataclass(frozen=True)
class ShardLimits:
    """When a shard is full: at the first of these that would be passed.

    Attributes
    ----------
    clips : int
    bytes : int
    """

    clips: int = 1000
    bytes: int = 1_000_000_000

    def __post_init__(self) -> None:
        if self.clips < 1 or self.bytes < 1:
            raise OptionError("a shard must hold at least one clip", subject=f"{self.clips} clips, {self.bytes} bytes")


def write_shards(
    storage: Storage,
    limits: ShardLimits | None = None,
    *,
    progress: Callable[[str, int, int | None], None] | None = None,
) -> list[str]:
    """Write all clips of a data set that were made into tar files in its folder `shards`.

    Shards that fit the manifest and the limits are left as they are.

    Parameters
    ----------
    storage : Storage
        Storage of the data set.
    limits : ShardLimits, optional
    progress : callable, optional

    Returns
    -------
    list of str
        The names of the shards.

    Raises
    ------
    InputError
        If there is no manifest, or a clip is missing.
    OutputError
        If a shard cannot be written.
    """
    limits = limits or ShardLimits()
    rows = done_rows(read_manifest(storage))
    key = _key(storage, limits)
    present = read_index(storage)
    if present.get("key") == key:
        return [shard["name"] for shard in present["shards"]]
    storage.remove(INDEX)  # first, as it is written last: shards without an index are known to be unfinished
    storage.remove(FOLDER)
    entries: list[dict[str, Any]] = []
    done = 0
    for number, part in enumerate(_parts(rows, limits)):
        name = f"{FOLDER}/clips-{number:06d}.tar"
        record = _write_shard(storage, name, [row["id"] for row in part])
        entries.append({"name": name, "clips": [row["id"] for row in part], **asdict(record)})
        done += len(part)
        if progress is not None:
            progress("shards", done, len(rows))
    storage.write(INDEX, encoded({"key": key, "limits": asdict(limits), "shards": entries}))
    return [entry["name"] for entry in entries]


def _key(storage: Storage, limits: ShardLimits) -> str:
    return hashlib.sha256(storage.read(MANIFEST) + repr(limits).encode()).hexdigest()


def read_index(storage: Storage) -> dict[str, Any]:
    """Return what is known of the shards; empty if there are none, or they are unfinished."""
    try:
        content: dict[str, Any] = json.loads(storage.read(INDEX))
    except (FileNotFoundError, ValueError):
        return {}
    return content


def shard_problems(storage: Storage, *, deep: bool) -> list[str]:
    """Return what is wrong with the shards of a data set, if it has any.

    Parameters
    ----------
    storage : Storage
    deep : bool
        Also compute checksums.
    """
    there = [f"{FOLDER}/{name}" for name in storage.names(FOLDER)]
    if not there:
        return []
    index = read_index(storage)
    try:
        limits = ShardLimits(**index["limits"])
        records = {
            checked_name(shard["name"]): FileRecord(shard["sha256"], shard["bytes"]) for shard in index["shards"]
        }
    except (KeyError, TypeError, ValueError, OptionError):
        return [f"{FOLDER}: are unfinished; make them again with `dataset export SET webdataset`"]
    if index["key"] != _key(storage, limits):
        return [f"{FOLDER}: were made before the manifest; make them again with `dataset export SET webdataset`"]
    problems = [f"{name}: is not in {INDEX}" for name in there if name not in records and name != INDEX]
    for name, wanted in records.items():
        if name not in there:
            problems.append(f"{name}: is missing")
        elif storage.size(name) != wanted.bytes:
            problems.append(f"{name}: has {storage.size(name)} bytes, not {wanted.bytes}")
        elif deep and stream_sha256(storage, name) != wanted.sha256:
            problems.append(f"{name}: has another checksum than {INDEX} says")
    return problems


def _parts(rows: Sequence[dict[str, Any]], limits: ShardLimits) -> Iterator[list[dict[str, Any]]]:
    part: list[dict[str, Any]] = []
    size = 0
    for row in rows:
        if part and (len(part) == limits.clips or size + row["bytes"] > limits.bytes):
            yield part
            part, size = [], 0
        part.append(row)
        size += row["bytes"]
    if part:
        yield part


def _write_shard(storage: Storage, name: str, clips: Sequence[str]) -> FileRecord:
    with storage.pending_file(name) as pending:
        # GNU's form for ids too long for USTAR's 100 letters; shorter names look alike in both
        with tarfile.open(pending.path, "w", format=tarfile.GNU_FORMAT) as archive:
            for clip_id in clips:
                clip = ClipReader(storage, clip_id)
                for file in (RECORD, *sorted(clip.record.files)):
                    _append(archive, f"{clip_id}.{member_ending(file)}", storage, f"{clip.folder}/{file}")
        record = FileRecord(file_sha256(pending.path), pending.path.stat().st_size)
        pending.commit()
    return record


def member_ending(file: str) -> str:
    """Return what stands behind a clip's id in a shard.

    `json` for its record, `mp4` for its video, `00000.png` for a frame.
    """
    if file == RECORD:
        return "json"
    last = file.rpartition("/")[2]
    return last.removeprefix("video.")


def _append(archive: tarfile.TarFile, name: str, storage: Storage, file: str) -> None:
    # nobody's file at no time: a shard's bytes depend on its clips only
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = storage.size(file), 0o644
    with storage.open(file) as stream:
        archive.addfile(entry, stream)
