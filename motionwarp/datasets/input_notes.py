"""What is noted of every input beside a data set: where its analysis is kept, or why there is none.

Its notes also tell when the input has changed.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import Final

from motionwarp.datasets.config import encoded
from motionwarp.datasets.items import Item
from motionwarp.datasets.storage.base import Storage
from motionwarp.datasets.storage.factory import split_address
from motionwarp.errors import InputError, MediaError

NOTES: Final = ".motionwarp/inputs"
_BLOCK: Final = 1 << 20


@dataclass(frozen=True)
class AnalyzedItem:
    """What is noted of an input that was analyzed.

    Attributes
    ----------
    key : str
        Key of its analysis in the cache.
    sha256 : str
        Checksum of the file's content; of a folder of frames, of all files' names and contents.
    stamp : str
        By which a change of the input's files is noticed without reading them.
    frames : int
        Number of frames of a driving clip's section; 1 for a source.
    companions : dict of str to str
        The sha256 of the files that belong to it, by 'poses' and 'matte'.
    """

    key: str
    sha256: str
    stamp: str
    frames: int
    companions: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class FailedInput:
    """Why an input is of no use.

    Attributes
    ----------
    message : str
    kind : str
        The name of the error's class.
    tries : int
    """

    message: str
    kind: str
    tries: int


Note = AnalyzedItem | FailedInput


def note_name(item: Item) -> str:
    """Return the name of the file in which an input's note is kept."""
    return f"{NOTES}/{item.kind}/{item.id}.json"


def write_note(storage: Storage, item: Item, note: Note) -> None:
    """Keep an input's note, in place of any other."""
    storage.write(note_name(item), encoded(asdict(note)))


def read_note(storage: Storage, item: Item) -> Note | None:
    """Return an input's note, or None if it has not been looked at yet; InputError if the note is damaged."""
    try:
        values = json.loads(storage.read(note_name(item)))
        return FailedInput(**values) if "message" in values else AnalyzedItem(**values)
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        raise InputError(
            f"this note cannot be read ({error})",
            subject=storage.address(note_name(item)),
            remedy="Remove it and run again",
        ) from error


def checked_note(storage: Storage, item: Item) -> Note | None:
    """Return an input's note as `read_note` does.

    Raises
    ------
    InputError
        If the input, or a file that belongs to it, is no longer what was analyzed; the message names the file.
    """
    note = read_note(storage, item)
    if isinstance(note, AnalyzedItem) and item_stamp(item) != note.stamp:
        for name, digest in {"path": note.sha256, **note.companions}.items():
            address = item_files(item)[name]
            if content_sha256(address) != digest:
                raise InputError(
                    "has changed since the data set was begun",
                    subject=address,
                    remedy="Restore it, or give another output",
                )
    return note


def forget_failed(storage: Storage) -> None:
    """Remove the notes of inputs that were of no use, so that they are looked at again."""
    for name in storage.walk(NOTES):
        if b'"message"' in storage.read(name):
            storage.remove(name)


def item_files(item: Item) -> dict[str, str]:
    """Return the addresses of an input's files by 'path', 'poses' and 'matte'."""
    files = {"path": item.path, "poses": item.poses, "matte": item.matte}
    return {name: address for name, address in files.items() if address is not None}


def item_stamp(item: Item) -> str:
    """Return a text that changes when the input or a file that belongs to it does; MediaError if one is missing."""
    stamps = []
    for address in item_files(item).values():
        storage, name = split_address(address)
        try:
            stamps.append(storage.stamp(name))
        except OSError as error:
            raise MediaError("there is no such file", subject=address, remedy="Check the path") from error
    return " ".join(stamps)


def content_sha256(address: str) -> str:
    """Return the sha256 of a file, or of a folder's files with their names; MediaError if it cannot be read."""
    storage, name = split_address(address)
    try:
        files = storage.walk(name)
        if not files or files == [name]:
            return stream_sha256(storage, name)
        digest = hashlib.sha256()
        for file in files:
            digest.update(f"{file[len(name) :]}\0{stream_sha256(storage, file)}\n".encode("utf-8", "surrogateescape"))
        return digest.hexdigest()
    except OSError as error:
        raise MediaError(
            f"the file cannot be read ({error.strerror or error})", subject=address, remedy="Check the path"
        ) from error


def stream_sha256(storage: Storage, name: str) -> str:
    """Return the sha256 of a file, however large; OSError if it cannot be read."""
    digest = hashlib.sha256()
    with storage.open(name) as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
