"""The files of the field's test protocols, read as they were published.

Pairs are CSV files with the columns `from,to` (DeepFashion and Market-1501, after PATN) or `source,target`, or plain
lists of two columns. Annotations are the published `name:keypoints_y:keypoints_x` files: JSON lists of 18 coordinates,
-1 where a point is missing.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from motionwarp.errors import InputError
from motionwarp.media.atomic import write_text_whole
from motionwarp.types import POINT_COUNT, FloatArray, Pose

_HEADERS: Final = {("from", "to"): (0, 1), ("source", "target"): (0, 1)}
_ANNOTATION_HEADER: Final = ("name", "keypoints_y", "keypoints_x")
_MISSING: Final = -1
_NOT_NAMES: Final = ("", "nan", "none", "null")
# In-shop DeepFashion has `id_00000080` in paths and `id00000080` in PATN's flattened names; Market-1501 begins with the
# person
_DEEPFASHION_PERSON: Final = re.compile(r"id_?(\d{8})")
_MARKET_PERSON: Final = re.compile(r"^(-1|\d{4})_c\d+s\d+_")


@dataclass(frozen=True, order=True)
class PairNames:
    """One row of a pair list.

    Attributes
    ----------
    source, target : str
        Names of pictures, relative to the folder of pictures.
    """

    source: str
    target: str

    @property
    def key(self) -> str:
        """What names the pair in tables and files of scores."""
        return f"{self.source} > {self.target}"


@dataclass(frozen=True)
class PairList:
    """All rows of a pair list, in its order.

    Attributes
    ----------
    path : Path
    pairs : tuple of PairNames
        At least one, none twice.
    sha256 : str
        Checksum of the file, so that figures can say which list they are of.
    """

    path: Path
    pairs: tuple[PairNames, ...]
    sha256: str


def read_pairs(path: Path) -> PairList:
    """Read a list of pairs.

    Parameters
    ----------
    path : Path
        CSV with the header `from,to` or `source,target` (an unnamed first column of row numbers is passed over), or two
        columns without a header, separated by commas, semicolons, tabs or blanks.

    Raises
    ------
    InputError
        If the file is missing, is no text, is empty, a row has not two names, a name is NaN, or a row occurs twice.
    """
    content = _file_bytes(path)
    rows = _table(_text(content, path))
    if not rows:
        raise InputError(
            "the list of pairs is empty", subject=path, remedy="Give a file with one 'source,target' row for each pair."
        )
    start, columns = _columns(rows[0][1])
    pairs: list[PairNames] = []
    first_line: dict[PairNames, int] = {}
    for line, cells in rows[start:]:
        pair = _pair(cells, columns, line, path, exact=start == 0)
        if pair in first_line:
            raise InputError(
                f"line {line} repeats line {first_line[pair]} ({pair.source}, {pair.target})",
                subject=path,
                remedy="Every pair counts once; remove the repeated rows.",
            )
        first_line[pair] = line
        pairs.append(pair)
    if not pairs:
        raise InputError(
            "the list of pairs has a header and no rows", subject=path, remedy="Check how the file was made."
        )
    return PairList(path, tuple(pairs), hashlib.sha256(content).hexdigest())


def write_pairs(path: Path, pairs: Iterable[PairNames]) -> None:
    """Write pairs as `from,to`, the form that `read_pairs` and the published code read.

    A file that is there is replaced.
    """
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    writer.writerow(("from", "to"))
    writer.writerows((pair.source, pair.target) for pair in pairs)
    write_text_whole(path, lines.getvalue(), overwrite=True)


def read_annotations(path: Path) -> dict[str, Pose]:
    """Read the points of pictures from a published annotation file.

    Parameters
    ----------
    path : Path
        Rows `name: [18 y]: [18 x]` in OpenPose's COCO-18 order and pixels, -1 where a point is missing.

    Returns
    -------
    dict of str to Pose
        Scores are 1 for points that are there and 0 for missing ones.

    Raises
    ------
    InputError
        If the file is missing or empty, a row has another form or another number of points, a coordinate is no finite
        number, a point has one coordinate only, or a name occurs twice.
    """
    lines = [
        (number, line)
        for number, line in enumerate(_text(_file_bytes(path), path).splitlines(), start=1)
        if line.strip()
    ]
    if lines and tuple(cell.strip() for cell in lines[0][1].split(":")) == _ANNOTATION_HEADER:
        lines = lines[1:]
    if not lines:
        raise InputError(
            "holds no annotations", subject=path, remedy="Give a file of name:keypoints_y:keypoints_x rows."
        )
    poses: dict[str, Pose] = {}
    for number, line in lines:
        # names may hold colons, lists of numbers do not
        cells = line.rsplit(":", 2)
        if len(cells) != 3:
            raise InputError(
                f"line {number} is not name:keypoints_y:keypoints_x",
                subject=path,
                remedy="Columns are separated by ':'.",
            )
        name = cells[0].strip()
        if name in poses:
            raise InputError(
                f"line {number} annotates {name} a second time", subject=path, remedy="Remove one of the rows."
            )
        y, x = (_coordinates(cell, number, path) for cell in cells[1:])
        poses[name] = _pose(y, x, number, path)
    return poses


def write_annotations(path: Path, poses: Mapping[str, Pose]) -> None:
    """Write poses as `name:keypoints_y:keypoints_x`, in whole pixels, as the published files have them."""
    lines = [":".join(_ANNOTATION_HEADER)]
    for name, pose in poses.items():
        points = np.where(pose.points[:, 2:] > 0, np.rint(pose.xy), _MISSING).astype(int)
        lines.append(f"{name}: {points[:, 1].tolist()}: {points[:, 0].tolist()}")
    write_text_whole(path, "\n".join(lines) + "\n", overwrite=True)


def person_of(name: str) -> str | None:
    """Return the person that a published file name tells: DeepFashion's eight digits or Market-1501's first four.

    Returns
    -------
    str or None
        None where the name is of neither data set, and for Market-1501's distractors (0000) and junk (-1), who are
        nobody.
    """
    if found := _DEEPFASHION_PERSON.search(name):
        return f"id{found.group(1)}"
    if found := _MARKET_PERSON.match(Path(name).name):
        return None if found.group(1) in ("-1", "0000") else found.group(1)
    return None


def _file_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise InputError("there is no such file", subject=path, remedy="Check the path.") from error
    except OSError as error:
        raise InputError(
            f"the file cannot be read ({error.strerror or error})", subject=path, remedy="Check the path."
        ) from error


def _text(content: bytes, path: Path) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError("this is not a text file in UTF-8", subject=path, remedy="Give a CSV file.") from error


def _table(text: str) -> list[tuple[int, list[str]]]:
    """Return the rows that are not blank, with their line numbers from 1."""
    lines = text.splitlines()
    head = next((line for line in lines if line.strip()), "")
    separator = next((mark for mark in (",", ";", "\t") if mark in head), " ")
    reader = csv.reader(lines, delimiter=separator, skipinitialspace=True)
    rows = []
    for cells in reader:
        stripped = [cell.strip() for cell in cells]
        if any(stripped):
            rows.append((reader.line_num, stripped))
    return rows


def _columns(head: Sequence[str]) -> tuple[int, tuple[int, int]]:
    """Return how many rows the header takes, and where source and target stand."""
    names = [cell.lower() for cell in head]
    for wanted in _HEADERS:
        if all(name in names for name in wanted):
            return 1, (names.index(wanted[0]), names.index(wanted[1]))
    return 0, (0, 1)


def _pair(cells: Sequence[str], columns: tuple[int, int], line: int, path: Path, *, exact: bool) -> PairNames:
    # without a header, a third column means that this is some other file
    if len(cells) <= max(columns) or (exact and any(cells[2:])):
        raise InputError(
            f"line {line} has {len(cells)} columns where two names are needed: {', '.join(cells)}", subject=path
        )
    source, target = (cells[column] for column in columns)
    for name in (source, target):
        if name.lower() in _NOT_NAMES:
            raise InputError(
                f"line {line} has {name or 'nothing'} in place of a name",
                subject=path,
                remedy="Remove the row or repair it.",
            )
    return PairNames(source, target)


def _coordinates(cell: str, line: int, path: Path) -> list[float]:
    try:
        values = json.loads(cell)
        numbers = [float(value) for value in values if not isinstance(value, bool)]
    except (json.JSONDecodeError, TypeError, ValueError) as error:
        raise InputError(f"line {line} has coordinates that are no list of numbers ({error})", subject=path) from error
    if len(numbers) != POINT_COUNT or len(values) != POINT_COUNT:
        raise InputError(f"line {line} has {len(values)} coordinates where {POINT_COUNT} are needed", subject=path)
    if not all(math.isfinite(number) for number in numbers):
        raise InputError(
            f"line {line} has a coordinate that is not finite", subject=path, remedy="A missing point is -1."
        )
    return numbers


def _pose(y: Sequence[float], x: Sequence[float], line: int, path: Path) -> Pose:
    points: FloatArray = np.stack([x, y, np.ones(POINT_COUNT)], axis=1).astype(np.float32)
    missing = points[:, :2] == _MISSING
    if (missing[:, 0] != missing[:, 1]).any():
        half = int(np.flatnonzero(missing[:, 0] != missing[:, 1])[0])
        raise InputError(
            f"line {line} has one coordinate of point {half} only",
            subject=path,
            remedy="A missing point is -1 in both.",
        )
    points[missing.all(axis=1)] = 0
    return Pose(points)
