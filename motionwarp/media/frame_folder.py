"""A folder of numbered pictures, read as a video."""

from __future__ import annotations

import math
import os
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from motionwarp.errors import MediaError

_PICTURE_ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".ppm", ".avif", ".heic", ".jp2")
_NUMBERED = re.compile(r"(?P<prefix>.*?)(?P<number>\d+)(?P<suffix>\.\w+)", re.DOTALL)
# `100%dance.mp4` and `50%d.mov` are clips of such names: no word goes on after a pattern's number, and it ends as a
# picture
_ENDING = "|".join(map(re.escape, _PICTURE_ENDINGS))
_PATTERN = re.compile(
    r"(?P<prefix>.*?)%0?(?P<digits>\d*)d(?P<suffix>(?![^\W\d_]).*?(?:" + _ENDING + "))", re.DOTALL | re.IGNORECASE
)


@dataclass(frozen=True)
class NumberedFrame:
    """One picture of a folder.

    Attributes
    ----------
    path : Path
    number : int
        As in its name.
    """

    path: Path
    number: int


def is_frame_pattern(path: str | os.PathLike[str]) -> bool:
    """Tell whether a path's last part is a pattern such as `frame_%05d.png`."""
    return _PATTERN.fullmatch(Path(path).name) is not None


def frame_name(pattern: str, number: int) -> str:
    """Return the file name that `pattern`, such as `frame_%05d.png`, has for a number."""
    match = _PATTERN.fullmatch(pattern)
    if match is None:
        raise ValueError(f"'{pattern}' has no %d in it")
    return f"{match['prefix']}{number:0{match['digits'] or 1}d}{match['suffix']}"


def find_numbered_frames(path: Path) -> list[NumberedFrame]:
    """Return the numbered pictures of a folder, in order.

    Parameters
    ----------
    path : Path
        A folder, or a pattern such as `folder/frame_%05d.png`. In a folder with several series of names the longest
        counts.

    Raises
    ------
    MediaError
        If the folder is missing or may not be read, or holds no numbered pictures, or two of the same number.
    """
    pattern = _PATTERN.fullmatch(path.name) if not path.is_dir() else None
    folder = path.parent if pattern else path
    series: dict[tuple[str, str], list[NumberedFrame]] = defaultdict(list)
    try:
        names = sorted(entry.name for entry in os.scandir(folder) if entry.is_file())
    except OSError as error:
        raise MediaError(
            f"the folder cannot be read ({error.strerror})", subject=folder, remedy="Check the path"
        ) from error
    for name in names:
        match = _NUMBERED.fullmatch(name)
        if match is None or match["suffix"].lower() not in _PICTURE_ENDINGS:
            continue
        key = (match["prefix"], match["suffix"])
        if pattern is None or key == (pattern["prefix"], pattern["suffix"]):
            series[key].append(NumberedFrame(folder / name, int(match["number"])))
    if not series:
        raise MediaError(
            "there are no numbered pictures in this directory",
            subject=path,
            remedy="Give a video file, or a folder with pictures such as 00001.png, 00002.png",
        )
    longest = max(series.values(), key=lambda frames: len(frames))
    frames = sorted(longest, key=lambda frame: frame.number)
    for one, other in pairwise(frames):
        if one.number == other.number:
            raise MediaError(
                f"{one.path.name} and {other.path.name} have the same number",
                subject=folder,
                remedy="Remove one of them",
            )
    return frames


def numbering_step(numbers: Sequence[int]) -> int:
    """Return by how much increasing numbers go up from picture to picture, 1 for a single one.

    Missing ones change nothing.
    """
    return math.gcd(*(other - one for one, other in pairwise(numbers))) or 1


def frames_matching(folder: Path, pattern: str) -> list[Path]:
    """Return the files in `folder` that a pattern such as `frame_%05d.png` could have made.

    None where there is no folder.
    """
    match = _PATTERN.fullmatch(pattern)
    if match is None:
        raise ValueError(f"'{pattern}' has no %d in it")
    if not folder.is_dir():
        return []
    made = re.compile(
        re.escape(match["prefix"]) + r"\d{" + (match["digits"] or "1") + r",}" + re.escape(match["suffix"])
    )
    return sorted(entry for entry in folder.iterdir() if made.fullmatch(entry.name))
