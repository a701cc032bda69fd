"""Whose pictures are whose: photos and clips below a folder, by what names and folders tell."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import cv2
import numpy as np

from motionwarp.data.protocols import person_of, write_annotations
from motionwarp.errors import InputError, MediaError, NoPersonError
from motionwarp.media.atomic import check_target
from motionwarp.media.image import is_picture, read_image, write_image
from motionwarp.media.reader import open_video
from motionwarp.perception.base import Estimator
from motionwarp.types import ByteArray, Frame, Pose

PersonRule = Literal["auto", "name", "folder", "file"]
Keep = Callable[[Path, str, ByteArray], bool]
_CLIP_ENDINGS: Final = (".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v", ".gif")


def media_files(folder: Path) -> tuple[list[Path], list[Path]]:
    """Return the photos and the clips below a folder, sorted.

    Raises
    ------
    InputError
        If the folder is missing or holds neither.
    """
    if not folder.is_dir():
        raise InputError("is no folder", subject=folder, remedy="Give a folder of photos or clips.")
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    clips = [path for path in files if path.suffix.lower() in _CLIP_ENDINGS]
    photos = [path for path in files if path not in set(clips) and is_picture(path)]
    if not photos and not clips:
        raise InputError("has neither photos nor clips", subject=folder, remedy="Give a folder of photos or clips.")
    return photos, clips


def person_in(path: Path, folder: Path, rule: PersonRule, *, is_clip: bool) -> str:
    """Return whom a file shows.

    Parameters
    ----------
    path : Path
        Below `folder`.
    folder : Path
    rule : "auto", "name", "folder" or "file"
        The published data sets' names, the first folder below `folder`, or every file its own person. "auto" takes the
        first of these that tells anything, the last for clips only: two photos may well show one person.
    is_clip : bool

    Raises
    ------
    InputError
        If the rule tells nobody.
    """
    inner = path.relative_to(folder)
    by_name = person_of(str(inner).replace("\\", "/"))
    by_folder = inner.parts[0] if len(inner.parts) > 1 else None
    by_file = inner.with_suffix("").as_posix() if rule == "file" or is_clip else None
    found = {"auto": by_name or by_folder or by_file, "name": by_name, "folder": by_folder, "file": by_file}[rule]
    if found is None:
        raise InputError(
            "nothing tells whom this shows",
            subject=path,
            remedy="Put every person's pictures into a folder of their own, or choose `person_by`",
        )
    return found


def photos_by_person(folder: Path, photos: list[Path], rule: PersonRule) -> dict[str, list[str]]:
    """Return the names of photos below `folder`, by person.

    Raises
    ------
    InputError
        As for `person_in`.
    """
    people: dict[str, list[str]] = {}
    for path in photos:
        people.setdefault(person_in(path, folder, rule, is_clip=False), []).append(path.relative_to(folder).as_posix())
    return people


def frames_by_person(
    folder: Path, clips: list[Path], rule: PersonRule, output: Path, *, every_seconds: float, height: int, keep: Keep
) -> dict[str, list[str]]:
    """Write frames of clips as PNG and return their names below `output`, by person.

    Parameters
    ----------
    folder : Path
    clips : list of Path
        Below it.
    rule : PersonRule
    output : Path
        Made where it is missing.
    every_seconds : float
        At least so much time between two frames.
    height : int
        Height of the frames written, in pixels; smaller clips stay as they are.
    keep : callable
        Told the clip, the name and the pixels of a frame before it is written; False passes over it.

    Raises
    ------
    MediaError
        If a clip cannot be read.
    InputError
        As for `person_in`, or if two frames would have one name.
    """
    people: dict[str, list[str]] = {}
    stems: dict[str, Path] = {}
    for clip in clips:
        person = person_in(clip, folder, rule, is_clip=True)
        stem = clip.relative_to(folder).with_suffix("").as_posix().replace("/", "_")
        if stem in stems:
            raise InputError(
                f"its frames would be called as those of {stems[stem]}", subject=clip, remedy="Rename one of the clips."
            )
        stems[stem] = clip
        names = people.setdefault(person, [])
        for frame in spaced_frames(clip, every_seconds):
            name = f"{stem}_{frame.index:06d}.png"
            rgb = _reduced(frame.rgb, height)
            if keep(clip, name, rgb):
                output.mkdir(parents=True, exist_ok=True)
                write_image(output / name, rgb, overwrite=True)
                names.append(name)
    return people


def spaced_frames(clip: Path, every_seconds: float) -> Generator[Frame, None, None]:
    """Yield the first frame of a clip and those at least `every_seconds` after the one before.

    Raises
    ------
    MediaError
        If the clip cannot be read or has no frames.
    """
    due = 0.0
    seen = False
    with open_video(clip) as reader:
        for frame in reader:
            if frame.pts_seconds >= due - 1e-6:
                due = frame.pts_seconds + every_seconds
                seen = True
                yield frame
    if not seen:
        raise MediaError("has no frames", subject=clip)


def _reduced(rgb: ByteArray, height: int) -> ByteArray:
    if rgb.shape[0] <= height:
        return rgb
    size = (max(round(rgb.shape[1] * height / rgb.shape[0]), 1), height)
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


Progress = Callable[[str, int, int | None], None]


@dataclass(frozen=True)
class AnnotatedFolder:
    """What became of a folder's pictures, by their names below it.

    Attributes
    ----------
    poses : dict of str to Pose
        In pixels of each picture, sorted by name.
    without_person : sequence of str
        In which nobody was seen; they have no row.
    unreadable : dict of str to str
        What is wrong with the files that cannot be read.
    """

    poses: dict[str, Pose]
    without_person: Sequence[str]
    unreadable: dict[str, str]


def annotate_folder(
    folder: Path, output: Path, estimator: Estimator, *, least_score: float, overwrite: bool, progress: Progress
) -> AnnotatedFolder:
    """Write the points of all pictures below a folder as `name:keypoints_y:keypoints_x`; see `write_annotations`.

    Parameters
    ----------
    folder : Path
    output : Path
    estimator : Estimator
    least_score : float
        In [0, 1]: points of a lower score are written as missing, since the form has no scores.
    overwrite : bool
    progress : callable
        Told of every picture.

    Raises
    ------
    InputError
        If the folder holds no picture that shows somebody; nothing is written then.
    OutputError
        If the output is there already without `overwrite`, or cannot be written.
    """
    photos, _ = media_files(folder)
    check_target(output, overwrite=overwrite, inputs=photos)
    poses: dict[str, Pose] = {}
    without_person: list[str] = []
    unreadable: dict[str, str] = {}
    for done, path in enumerate(photos, start=1):
        name = path.relative_to(folder).as_posix()
        try:
            points = estimator.analyze_picture(read_image(path).rgb).pose.points.copy()
        except NoPersonError:
            without_person.append(name)
        except InputError as error:
            unreadable[name] = str(error)
        else:
            points[points[:, 2] < least_score] = 0
            poses[name] = Pose(points)
        progress("look", done, len(photos))
    if not poses:
        raise InputError(
            "holds no picture that shows somebody", subject=folder, remedy="Give a folder of pictures of people."
        )
    write_annotations(output, poses)
    return AnnotatedFolder(poses, without_person, unreadable)
