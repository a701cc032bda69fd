"""OpenPose's own output: one JSON a frame with everybody in it, in the orders BODY_25 and COCO-18.

Format: OpenPose's documentation, "Output format": `people[i].pose_keypoints_2d` holds x, y and confidence of each point
in one flat list; (0, 0, 0) is a point that was not found. Some programs write all frames into one file, as a list of
such objects, and add `canvas_width` and `canvas_height`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from motionwarp.errors import PoseFileError
from motionwarp.pose.formats.json_checks import checked_points, load_json, numbers_from
from motionwarp.types import POINT_COUNT, FloatArray

# point i of COCO-18 is point BODY_25_ORDER[i] of BODY_25 (which has a middle hip at 8 and feet from 19 on)
BODY_25_ORDER: Final = (0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18)
BODY_25_COUNT: Final = 25
# frame numbers may leave out frames, but a hundred times as many frames as files is a folder of something else
MAX_GAP_FACTOR: Final = 100


@dataclass(frozen=True)
class PeopleFrames:
    """Everybody in every frame.

    Attributes
    ----------
    frames : list of T lists of float32 (18, 3)
    width, height : int or None
        Size of the frames where the files tell it.
    """

    frames: list[list[FloatArray]]
    width: int | None = None
    height: int | None = None


def is_openpose(content: object) -> bool:
    """Tell OpenPose's form, one frame or a list of frames, from other JSON."""
    first = content[0] if isinstance(content, list) and content else content
    return isinstance(first, dict) and "people" in first


def frames_from_folder(folder: Path) -> PeopleFrames:
    """Read a folder of one JSON file a frame.

    Files are ordered by the last number in their names, not counting a trailing `_keypoints`; a number left out is a
    frame with nobody.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    PeopleFrames

    Raises
    ------
    PoseFileError
        If there are no JSON files, their numbers are missing or double, or one has a wrong form.
    """
    try:
        files = [file for file in folder.iterdir() if file.suffix.lower() == ".json" and not file.name.startswith(".")]
    except OSError as error:
        raise PoseFileError(
            f"cannot be read ({error.strerror})", subject=folder, remedy="Check the folder and its permissions"
        ) from error
    if not files:
        raise PoseFileError(
            "the folder has no JSON files",
            subject=folder,
            remedy="Give the folder that OpenPose wrote with --write_json",
        )
    numbered = _by_number(folder, files)
    first, last = min(numbered), max(numbered)
    if last - first + 1 > MAX_GAP_FACTOR * len(files):
        raise PoseFileError(
            f"the {len(files)} files have frame numbers from {first} to {last}",
            subject=folder,
            remedy="Give a folder with one file for each frame",
        )
    frames: list[list[FloatArray]] = [[] for _ in range(first, last + 1)]
    size: tuple[int | None, int | None] = (None, None)
    for number, file in numbered.items():
        content = load_json(file)
        if not isinstance(content, dict) or "people" not in content:
            raise PoseFileError(
                "is not a frame as OpenPose writes it", subject=file, remedy="Leave only OpenPose's files in the folder"
            )
        read = frames_from_content(content, file)
        frames[number - first] = read.frames[0]
        size = (read.width or size[0], read.height or size[1])
    return PeopleFrames(frames, *size)


def frames_from_content(content: object, path: Path) -> PeopleFrames:
    """Read one file that holds a frame or a list of frames.

    Parameters
    ----------
    content : object
        As `load_json` gives it.
    path : Path
        For messages.

    Returns
    -------
    PeopleFrames

    Raises
    ------
    PoseFileError
        For a wrong form, naming frame, person and point.
    """
    objects = content if isinstance(content, list) else [content]
    frames = [_people(entry, index, path) for index, entry in enumerate(objects)]
    first = objects[0]
    width, height = (_side(first, key) for key in ("canvas_width", "canvas_height"))
    return _in_pixels(PeopleFrames(frames, width, height), path)


def _by_number(folder: Path, files: list[Path]) -> Mapping[int, Path]:
    if len(files) == 1:
        return {0: files[0]}
    numbered: dict[int, Path] = {}
    for file in sorted(files):
        numbers = re.findall(r"\d+", file.stem.removesuffix("_keypoints"))
        if not numbers:
            raise PoseFileError(
                "has no frame number in its name",
                subject=file,
                remedy="Name the files like clip_000000000012_keypoints.json",
            )
        number = int(numbers[-1])
        if number in numbered:
            raise PoseFileError(
                f"{numbered[number].name} and {file.name} have the same frame number",
                subject=folder,
                remedy="Give a folder with the frames of one clip",
            )
        numbered[number] = file
    return numbered


def _people(entry: object, index: int, path: Path) -> list[FloatArray]:
    people = entry.get("people") if isinstance(entry, dict) else None
    if not isinstance(people, list):
        raise PoseFileError(
            f"frame {index} has no list of people", subject=path, remedy="Give frames as OpenPose writes them"
        )
    found = (_person(person, f"frame {index}, person {number}", path) for number, person in enumerate(people))
    return [points for points in found if points is not None]


def _person(person: object, place: str, path: Path) -> FloatArray | None:
    """Return one person's points; None for an entry without any point (only a face or hands, or nothing)."""

    def fail(problem: str, remedy: str) -> PoseFileError:
        return PoseFileError(f"{place}: {problem}", subject=path, remedy=remedy)

    if not isinstance(person, dict):
        raise fail("is not an object", "Give people as OpenPose writes them")
    # "pose_keypoints" is what versions before 1.2 wrote
    flat = person.get("pose_keypoints_2d", person.get("pose_keypoints"))
    if flat is None or flat == []:
        return None
    counts = {3 * POINT_COUNT: POINT_COUNT, 3 * BODY_25_COUNT: BODY_25_COUNT}
    if not isinstance(flat, list) or len(flat) not in counts:
        got = f"{len(flat)} numbers" if isinstance(flat, list) else type(flat).__name__
        raise fail(
            f"pose_keypoints_2d has {got}", "Give 54 numbers (COCO-18) or 75 (BODY_25); other models cannot be read"
        )
    points = numbers_from(flat, fail).reshape(-1, 3)
    if len(points) == BODY_25_COUNT:
        points = points[list(BODY_25_ORDER)]
    points = checked_points(points, fail)
    return points if (points[:, 2] > 0).any() else None


def _side(entry: object, key: str) -> int | None:
    value = entry.get(key) if isinstance(entry, dict) else None
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _in_pixels(people: PeopleFrames, path: Path) -> PeopleFrames:
    """Turn positions that are fractions of the frame into pixels; a person of one pixel does not exist."""
    everybody = [points for frame in people.frames for points in frame]
    if not everybody:
        return people
    largest = max(float(np.abs(points[:, :2]).max()) for points in everybody)
    if largest > 1.0:
        return people
    if people.width is None or people.height is None:
        raise PoseFileError(
            "gives positions as fractions of the frame, not in pixels",
            subject=path,
            remedy="Write them with --keypoint_scale 0",
        )
    size = np.array([people.width, people.height, 1.0], dtype=np.float32)
    return PeopleFrames([[points * size for points in frame] for frame in people.frames], people.width, people.height)
