"""The inputs of a data set: people and motions, from a folder or a CSV file."""

from __future__ import annotations

import csv
import io
import math
import os
import posixpath
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final, Literal

from motionwarp.datasets.options import CastRule
from motionwarp.datasets.storage.base import Storage, file_name
from motionwarp.datasets.storage.factory import open_storage, split_address
from motionwarp.errors import InputError, MotionwarpError, OutputError
from motionwarp.perception.selection import PersonChoice

Kind = Literal["source", "driving"]

PICTURE_ENDINGS: Final = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".avif", ".heic")
AVATAR_ENDINGS: Final = (".safetensors",)
CLIP_ENDINGS: Final = (".mp4", ".m4v", ".mov", ".webm", ".mkv", ".avi", ".gif", ".mpg", ".mpeg", ".ts")
CAPTURE_ENDINGS: Final = (".bvh", ".bvh.gz", ".safetensors")
COLUMNS: Final[Mapping[Kind, tuple[str, ...]]] = {
    "source": ("path", "id", "poses", "matte", "time", "person", "licence"),
    "driving": ("path", "id", "poses", "start", "end", "person", "cast", "licence"),
}
_NUMBERS: Final = ("time", "start", "end")
_LONGEST_ID: Final = 80


@dataclass(frozen=True)
class Item:
    """One person or one motion.

    Attributes
    ----------
    kind : 'source' or 'driving'
    id : str
        Unique among its kind; letters, digits, `-` and single `_`. No dots: readers of shards end a clip's name at the
        first.
    path : str
        A path, or an address such as s3://bucket/name.
    poses : str or None
        A file of poses that is taken in place of an estimator's.
    matte : str or None
        File with a source's coverage.
    time : float
        Second whose picture is taken from a source that is a video.
    start, end : float or None
        Section of a driving clip in seconds.
    person : str or None
        Which of several people; None for the data set's own choice.
    cast : tuple of str
        Who takes the places of a driving clip's further dancers, as `CastRule` reads it; empty for the data set's own
        choice.
    licence : str
        As it shall stand in the manifest and the card; empty if it was not told.
    """

    kind: Kind
    id: str
    path: str
    poses: str | None = None
    matte: str | None = None
    time: float = 0.0
    start: float | None = None
    end: float | None = None
    person: str | None = None
    cast: tuple[str, ...] = ()
    licence: str = ""

    def __post_init__(self) -> None:
        if self.id != safe_id(self.id):
            raise InputError(
                "is not an id",
                subject=self.id,
                remedy=f"Use letters, digits, '-' and single '_', such as {safe_id(self.id)}",
            )

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as JSON can hold them; without a cast where there is none."""
        return {name: value for name, value in asdict(self).items() if name != "cast" or value}


def safe_id(text: str) -> str:
    """Return a text with only what ids may hold: never empty, nor with two underscores, which join ids."""
    word = re.sub(r"_{2,}", "_", re.sub(r"[^A-Za-z0-9_-]+", "-", text)).strip("_-")
    return word[:_LONGEST_ID].rstrip("_-") or "item"


def read_items(kind: Kind, address: str) -> tuple[Item, ...]:
    """Return the inputs of a folder or a CSV file.

    Parameters
    ----------
    kind : 'source' or 'driving'
    place : str
        A folder, of which all pictures and avatars (sources), or clips and motion capture (drivings), are taken, those
        in folders within too, by name; or a CSV file with a header and some of the columns in `COLUMNS`, whose paths
        may be relative to it. Also an address.

    Returns
    -------
    tuple of Item
        In the order of names, or of rows.

    Raises
    ------
    InputError
        If there is nothing of use, or a row is wrong; the message names the line.
    """
    if address.lower().endswith(".csv"):
        storage, table = split_address(address)
        return _unique(_rows(kind, storage, table, address), address)
    endings = PICTURE_ENDINGS + AVATAR_ENDINGS if kind == "source" else CLIP_ENDINGS + CAPTURE_ENDINGS
    storage, names = _files_in(address, endings)
    if not names:
        raise InputError(
            f"has no {'pictures' if kind == 'source' else 'clips'}",
            subject=address,
            remedy=f"Give a folder with files such as {', '.join(endings[:3])}, or a CSV file with a column 'path'",
        )
    taken: set[str] = set()
    return tuple(Item(kind, _free_id(posixpath.splitext(name)[0], taken), storage.address(name)) for name in names)


def background_pool(address: str) -> tuple[str, ...]:
    """Return the addresses of all pictures and clips in a folder and those within, by name.

    InputError if there are none.
    """
    storage, names = _files_in(address, PICTURE_ENDINGS + CLIP_ENDINGS)
    if not names:
        raise InputError("has neither pictures nor clips", subject=address, remedy="Give a folder of backgrounds")
    return tuple(storage.address(name) for name in names)


def check_apart(output: str, addresses: Iterable[str]) -> None:
    """Refuse a data set within one of the folders that its inputs are taken from.

    Going on would take its clips for inputs.

    Raises
    ------
    OutputError
    """
    for address in addresses:
        if address.lower().endswith(".csv"):
            continue
        inner, outer = (comparable(each) for each in (output, address))
        if inner == outer or inner.startswith(outer.rstrip("/") + "/"):
            raise OutputError(
                "lies in a folder of inputs", subject=output, remedy=f"Give an output outside of {address}"
            )


def comparable(address: str) -> str:
    """Return a path or address in a form that is the same however it was written; links are resolved."""
    return address.rstrip("/") if "://" in address else os.path.realpath(address).replace(os.sep, "/")


def _files_in(address: str, endings: tuple[str, ...]) -> tuple[Storage, list[str]]:
    """Return a folder's storage and the names of the files in and below it that end so, but for hidden ones."""
    if "://" not in address and not os.path.isdir(address):
        problem = "is no folder" if os.path.lexists(address) else "there is no such folder"
        raise InputError(problem, subject=address, remedy="Give a folder, or a CSV file")
    storage = open_storage(address)
    return storage, [name for name in storage.walk() if name.lower().endswith(endings) and not _is_hidden(name)]


def _is_hidden(name: str) -> bool:
    return any(part.startswith(".") for part in name.split("/"))


def _free_id(text: str, taken: set[str]) -> str:
    """Return an id that is not taken yet; file systems that know no case must tell ids apart too."""
    base = candidate = safe_id(text)
    number = 2
    while candidate.lower() in taken:
        candidate = f"{base[: _LONGEST_ID - 6]}-{number}"
        number += 1
    taken.add(candidate.lower())
    return candidate


def read_table(
    storage: Storage, name: str, address: str, allowed: Iterable[str], needed: Iterable[str]
) -> list[tuple[int, dict[str, str]]]:
    """Read a CSV file with a header.

    Parameters
    ----------
    storage : Storage
    name : str
    place : str
        For messages.
    allowed, needed : iterables of str
        Columns.

    Returns
    -------
    list of (int, dict)
        The number of the line on which a row ends, and its values by column without blanks around them.

    Raises
    ------
    InputError
        If it cannot be read, its columns are not these, or it has no rows.
    """
    try:
        text = storage.read(name).decode("utf-8-sig")
        reader = csv.DictReader(io.StringIO(text, newline=""))
        columns = reader.fieldnames = [column.strip() for column in reader.fieldnames or []]
        rows = [(reader.line_num, row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(
            f"this table cannot be read ({error})", subject=address, remedy="Give a CSV file in UTF-8"
        ) from error
    unknown = [column for column in columns if column not in allowed]
    missing = [column for column in needed if column not in columns]
    twice = [column for column in columns if columns.count(column) > 1]
    if unknown or missing or twice:
        word = (
            f"has no column '{missing[0]}'" if missing else f"has an unknown column '{unknown[0]}'" if unknown else ""
        )
        raise InputError(
            word or f"has the column '{twice[0]}' twice", subject=address, remedy=f"Columns are: {', '.join(allowed)}"
        )
    for line, row in rows:
        if None in row or None in row.values():
            raise InputError(f"line {line} has another number of columns than the header", subject=address)
    if not rows:
        raise InputError("has no rows", subject=address, remedy="Give rows under the header")
    return [(line, {column: value.strip() for column, value in row.items()}) for line, row in rows]


def _rows(kind: Kind, storage: Storage, name: str, address: str) -> list[Item]:
    taken: set[str] = set()
    items = []
    for line, row in read_table(storage, name, address, COLUMNS[kind], ("path",)):
        try:
            items.append(_item(kind, row, storage, taken))
        except MotionwarpError as error:
            raise InputError(f"line {line}: {_problem(error)}", subject=address, remedy=error.remedy) from error
    return items


def _problem(error: MotionwarpError) -> str:
    return error.problem if error.subject is None else f"{error.subject}: {error.problem}"


def _item(kind: Kind, row: Mapping[str, str], storage: Storage, taken: set[str]) -> Item:
    values: dict[str, Any] = {column: value for column, value in row.items() if value}
    if "path" not in values:
        raise InputError("the path is empty", remedy="Give every row a path")
    for column in ("path", "poses", "matte"):
        if column in values:
            values[column] = storage.address(values[column])
    for column in _NUMBERS:
        if column in values:
            values[column] = _seconds(column, values[column])
    if "person" in values:
        values["person"] = str(PersonChoice.parse(values["person"]))
    if "cast" in values:
        values["cast"] = tuple(str(CastRule.parse(text)) for text in values["cast"].split())
    if values.get("end") is not None and values["end"] <= (values.get("start") or 0.0):
        raise InputError("the end does not lie after the start", subject=row["path"])
    if "id" not in values:
        values["id"] = _free_id(posixpath.splitext(file_name(row["path"]))[0], taken)
    known = {field.name for field in fields(Item)}
    return Item(kind=kind, **{name: value for name, value in values.items() if name in known})


def _seconds(column: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value >= 0):
        raise InputError(f"'{text}' in column '{column}' is not a time", remedy="Give seconds, such as 12.5")
    return value


def _unique(items: Iterable[Item], address: str) -> tuple[Item, ...]:
    seen: dict[str, Item] = {}
    for item in items:
        if seen.setdefault(item.id.lower(), item) is not item:
            raise InputError(
                f"the id '{item.id}' comes twice", subject=address, remedy="Give every row an id of its own"
            )
    return tuple(seen.values())
