"""Whether a data set is what its manifest says: counts, checksums, and that everything can be read."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from motionwarp.datasets.clip_reader import BODY, WARPS, ClipReader, of_person, read_body, read_warps
from motionwarp.datasets.input_notes import stream_sha256
from motionwarp.datasets.manifest import done_rows, manifest_row, read_manifest
from motionwarp.datasets.records import CLIPS, FAILED, RECORD
from motionwarp.datasets.shards import shard_problems
from motionwarp.datasets.storage.base import Storage
from motionwarp.errors import MotionwarpError
from motionwarp.media.reader import open_video


@dataclass
class VerifyReport:
    """What was checked.

    Attributes
    ----------
    clips, failed : int
        As the manifest says.
    files, bytes : int
        Number and size of the files of the clips that were checked.
    problems : list of str
        One a fault, naming clip and file; empty for a sound data set.
    """

    clips: int = 0
    failed: int = 0
    files: int = 0
    bytes: int = 0
    problems: list[str] = field(default_factory=list)


def verify(
    storage: Storage, *, deep: bool = True, progress: Callable[[str, int, int | None], None] | None = None
) -> VerifyReport:
    """Check a data set.

    Parameters
    ----------
    storage : Storage
    deep : bool
        Also compute checksums and decode everything; else only counts, names and sizes.
    progress : callable, optional

    Raises
    ------
    InputError
        If there is no manifest that can be read.
    """
    rows = read_manifest(storage)
    done = done_rows(rows)
    report = VerifyReport(clips=len(done), failed=len(rows) - len(done))
    report.problems += _strangers(storage, rows)
    for number, row in enumerate(done, start=1):
        try:
            _check_clip(storage, row, report, deep)
        except (MotionwarpError, OSError, ValueError, KeyError) as error:
            report.problems.append(f"{row['id']}: {error}")
        if progress is not None:
            progress("verify", number, len(done))
    report.problems += shard_problems(storage, deep=deep)
    return report


def _strangers(storage: Storage, rows: list[dict[str, Any]]) -> list[str]:
    """Tell of clips and failures that the manifest does not know, and of failures that are not there."""
    status = {row["id"]: row["status"] for row in rows}
    failed = {name.removesuffix(".json") for name in storage.names(FAILED)}
    problems = [f"{name}: is not in the manifest" for name in storage.names(CLIPS) if name not in status]
    # as when clips were tried again by a run that has not ended
    problems += [
        f"{name}: is there, but failed in the manifest" for name in storage.names(CLIPS) if status.get(name) == FAILED
    ]
    problems += [
        f"{FAILED}/{name}.json: is not in the manifest" for name in sorted(failed) if status.get(name) != FAILED
    ]
    wanted = (name for name, state in status.items() if state == FAILED and name not in failed)
    return problems + [f"{FAILED}/{name}.json: is missing" for name in wanted]


def _check_clip(storage: Storage, row: dict[str, object], report: VerifyReport, deep: bool) -> None:
    clip = ClipReader(storage, str(row["id"]))
    record = clip.record
    if manifest_row(record) != row:
        differing = [name for name, value in manifest_row(record).items() if row.get(name) != value]
        report.problems.append(f"{record.id}: the manifest and the clip's record differ in {', '.join(differing)}")
    there = {name[len(clip.folder) + 1 :] for name in storage.walk(clip.folder)}
    wanted = {*record.files, RECORD}
    report.problems += [f"{record.id}: {name} is missing" for name in sorted(wanted - there)]
    report.problems += [f"{record.id}: {name} is not in its record" for name in sorted(there - wanted)]
    sound = True
    for name in sorted(set(record.files) & there):
        expected, address = record.files[name], f"{clip.folder}/{name}"
        report.files += 1
        report.bytes += expected.bytes
        if storage.size(address) != expected.bytes:
            report.problems.append(f"{record.id}: {name} has {storage.size(address)} bytes, not {expected.bytes}")
            sound = False
        elif deep and stream_sha256(storage, address) != expected.sha256:
            report.problems.append(f"{record.id}: {name} has another checksum than its record says")
            sound = False
    if deep and sound and wanted <= there:
        _check_contents(storage, clip, report)


def _check_contents(storage: Storage, clip: ClipReader, report: VerifyReport) -> None:
    record = clip.record
    with tempfile.TemporaryDirectory() as scratch:
        counts = {"video": _frames(storage, clip, Path(scratch))}
        for person in range(clip.people):
            counts |= _label_counts(storage, clip, person, report, Path(scratch))
    for kind, count in counts.items():
        if count != record.frames:
            report.problems.append(f"{record.id}: {kind} has {count} frames, not {record.frames}")


def _label_counts(
    storage: Storage, clip: ClipReader, person: int, report: VerifyReport, scratch: Path
) -> dict[str, int]:
    """Return of how many frames the labels of one of the people are, by what they are."""
    record, mark = clip.record, f" of person {person}" if person else ""
    shape = record.height, record.width
    counts = {f"parsing{mark}": 0, f"matte{mark}": 0}
    for kind, pictures in zip(counts, (clip.parsings(person), clip.mattes(person)), strict=True):
        for picture in pictures:
            counts[kind] += 1
            if picture.shape != shape:
                report.problems.append(
                    f"{record.id}: a {kind} is {picture.shape[1]}x{picture.shape[0]}, not {shape[1]}x{shape[0]}"
                )
    counts[f"poses{mark}"] = len(clip.track(person))
    warps, body = of_person(WARPS, person), of_person(BODY, person)
    counts[f"warps{mark}"] = len(read_warps(storage.local_path(f"{clip.folder}/{warps}", scratch))[0])
    if body in record.files:
        counts[f"body{mark}"] = len(read_body(storage.local_path(f"{clip.folder}/{body}", scratch))[0])
    return counts


def _frames(storage: Storage, clip: ClipReader, scratch: Path) -> int:
    """Return how many frames can be decoded."""
    name = f"{clip.folder}/{clip.record.video}"
    if clip.record.video in clip.record.files:
        path = storage.local_path(name, scratch)
    else:
        path = scratch / "frames"
        path.mkdir()
        for file in storage.walk(name):
            (path / file.rpartition("/")[2]).write_bytes(storage.read(file))
    with open_video(path) as reader:
        return sum(1 for _ in reader)
