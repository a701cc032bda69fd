"""Poses in files: reading this project's JSON, OpenPose's JSON and the pictures' form, and writing this project's.

This project's form, one object a clip; a picture is a clip of one frame:

    {"file": "clip.mp4", "width": 1280, "height": 720, "fps": 25.0, "frames": [[[x, y, score], ... 18], null, ...]}

`null` is a frame without the person. A key `body` holds the third dimension (docs/guides/poses.md) and is passed over
here. Two keys are optional: `times_seconds`, where frames do not come evenly, and `cuts`, the frames that start a new
shot. The pictures' form is {"name": [[x, y, score], ... 18], ...}.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from os import PathLike
from pathlib import Path

import numpy as np

from motionwarp.errors import NoPersonError, PoseFileError
from motionwarp.media.atomic import write_text_whole
from motionwarp.pose.formats.json_checks import load_json, points_from
from motionwarp.pose.formats.native import clip_from_content, is_clip, scaled_to
from motionwarp.pose.formats.openpose import PeopleFrames, frames_from_content, frames_from_folder, is_openpose
from motionwarp.pose.formats.other_programs import foreign_frames
from motionwarp.pose.people import PersonSelector, choose_person, follow_person
from motionwarp.types import POINT_COUNT, FloatArray, Pose, PoseTrack

StrPath = str | PathLike[str]

# steps of a thousandth of a pixel and a ten-thousandth of a score: finer than any estimator, and short to write
POSITION_DIGITS = 3
SCORE_DIGITS = 4
TIME_DIGITS = 6


def read_track(
    path: StrPath,
    *,
    width: int | None = None,
    height: int | None = None,
    fps: float | None = None,
    person: PersonSelector = "largest",
) -> PoseTrack:
    """Read the poses of one person through a clip.

    Parameters
    ----------
    path : path
        A file of this project's form, a folder of OpenPose's JSON files, or one file of OpenPose's form or of COCO's,
        AlphaPose's, MMPose's, MediaPipe's or DWPose's.
    width, height : int, optional
        Size of the frames that the poses are meant for. A file that tells its own size is scaled to this one, if both
        have the same shape. OpenPose's form does not tell it, so that it has to be given for that.
    fps : float, optional
        Frames a second where the file does not tell.
    person : "largest", int or (x, y)
        Which person of OpenPose's form, in the first frame with people: the largest, one by size counted from 0, or the
        one at a point in pixels. That one is followed.

    Returns
    -------
    PoseTrack

    Raises
    ------
    PoseFileError
        If the file is missing or damaged, has a wrong form, shape or value, or is for frames of another shape.
    NoPersonError
        If `person` is an index that no frame has.
    """
    file = Path(path)
    if file.is_dir():
        return _track_of_people(frames_from_folder(file), file, width, height, fps, person)
    content = load_json(file)
    if is_openpose(content):
        return _track_of_people(frames_from_content(content, file), file, width, height, fps, person)
    foreign = None if is_clip(content) else foreign_frames(content, file, width, height)
    if foreign is not None:
        return _track_of_people(foreign, file, width, height, fps, person)
    if not is_clip(content):
        remedy = "Give a file with width, height, fps and frames, or OpenPose's JSON"
        if isinstance(content, dict) and content:
            remedy = "For poses of pictures use it with a picture; a clip's file has width, height, fps and frames"
        raise PoseFileError("does not hold the poses of a clip", subject=file, remedy=remedy)
    return scaled_to(clip_from_content(content, file, fps), width, height, file)


def read_pose(
    path: StrPath, *, name: str | None = None, frame: int | None = None, person: PersonSelector = "largest"
) -> Pose:
    """Read the pose of one person in one picture.

    Parameters
    ----------
    path : path
        A file of the pictures' form, of one frame in this project's or OpenPose's form, or just a list of 18 points.
    name : str, optional
        Which picture of the pictures' form, with or without its ending; needed where there are several.
    frame : int, optional
        Which frame of a clip's file; needed where there are several.
    person : "largest", int or (x, y)
        Which person of OpenPose's form.

    Returns
    -------
    Pose
        In the pixels of the picture.

    Raises
    ------
    PoseFileError
        If the file is missing or damaged, has a wrong form, shape or value, or does not have that picture or frame.
    NoPersonError
        If the file says that nobody is there.
    """
    file = Path(path)
    content = None if file.is_dir() else load_json(file)
    foreign = None if file.is_dir() or is_clip(content) else foreign_frames(content, file, None, None)
    if file.is_dir() or is_openpose(content) or foreign is not None:
        people = foreign or (frames_from_folder(file) if file.is_dir() else frames_from_content(content, file))
        candidates = people.frames[_frame_index(len(people.frames), frame, file)]
        try:
            return Pose(candidates[choose_person(candidates, person)])
        except NoPersonError as error:
            raise NoPersonError(error.problem, subject=file, remedy=error.remedy) from None
    if is_clip(content):
        track = clip_from_content(content, file, 1.0)
        index = _frame_index(len(track), frame, file)
        if not track.present[index]:
            raise NoPersonError(f"nobody is in frame {index}", subject=file, remedy="Use a frame with a person")
        return Pose(track.points[index])
    if isinstance(content, list):
        return Pose(points_from(content, lambda problem, remedy: PoseFileError(problem, subject=file, remedy=remedy)))
    return _named_pose(content, name, file)


def write_track(
    path: StrPath,
    track: PoseTrack,
    *,
    file_name: str,
    fps: float,
    overwrite: bool = False,
    more: Mapping[str, object] | None = None,
) -> None:
    """Write a track in this project's form, whole or not at all.

    Parameters
    ----------
    path : path
        Its folder must exist.
    track : PoseTrack
    file_name : str
        The clip or picture that the poses are of.
    fps : float
        Nominal frames a second, over 0; exact times are written too where they differ from it.
    overwrite : bool
        Replace a file that exists.
    more : mapping of str to values of JSON, optional
        Further keys, which readers of this form pass over.

    Raises
    ------
    OutputError
        If the file exists and must not be replaced, or cannot be written.
    """
    file = Path(path)
    if not (np.isfinite(fps) and fps > 0):
        raise ValueError(f"write_track needs frames a second over 0, got {fps}")
    head: dict[str, object] = {"file": file_name, "width": track.width, "height": track.height, "fps": float(fps)}
    if np.abs(track.times_seconds - np.arange(len(track)) / fps).max(initial=0.0) > 10.0**-TIME_DIGITS:
        head["times_seconds"] = [round(float(time), TIME_DIGITS) for time in track.times_seconds]
    if track.cuts:
        head["cuts"] = list(track.cuts)
    head["frames"] = [
        _rounded(points) if here else None for points, here in zip(track.points, track.present, strict=True)
    ]
    head.update(more or {})
    write_text_whole(file, json.dumps(head, separators=(",", ":"), allow_nan=False) + "\n", overwrite=overwrite)


def _track_of_people(
    people: PeopleFrames, file: Path, width: int | None, height: int | None, fps: float | None, person: PersonSelector
) -> PoseTrack:
    own_width, own_height = people.width or width, people.height or height
    if own_width is None or own_height is None:
        raise PoseFileError(
            "does not tell the size of the frames", subject=file, remedy="Give their width and height along with it"
        )
    if fps is None:
        raise PoseFileError(
            "does not tell the frame rate", subject=file, remedy="Give the frames a second along with it"
        )
    try:
        points, present = follow_person(people.frames, person)
    except NoPersonError as error:
        raise NoPersonError(error.problem, subject=file, remedy=error.remedy) from None
    times = np.arange(len(points)) / fps
    return scaled_to(PoseTrack(points, present, times, own_width, own_height), width, height, file)


def _frame_index(count: int, frame: int | None, file: Path) -> int:
    if count == 0:
        raise PoseFileError("has no frames", subject=file, remedy="Give a file with at least one frame")
    if frame is None:
        if count > 1:
            raise PoseFileError(
                f"holds {count} frames where the pose of one picture is needed",
                subject=file,
                remedy="Say which frame, or give the pose of the picture",
            )
        return 0
    if not 0 <= frame < count:
        raise PoseFileError(f"has no frame {frame}", subject=file, remedy=f"Give a frame from 0 to {count - 1}")
    return frame


def _named_pose(content: object, name: str | None, file: Path) -> Pose:
    if not isinstance(content, dict) or not content or not all(isinstance(value, list) for value in content.values()):
        raise PoseFileError(
            "does not hold poses in a form that is known",
            subject=file,
            remedy="Give 18 points of x, y and score by the picture's name, this project's form, or OpenPose's JSON",
        )
    if name is None:
        if len(content) > 1:
            raise PoseFileError(
                f"holds the poses of {len(content)} pictures", subject=file, remedy="Say the name of the picture"
            )
        key = next(iter(content))
    else:
        wanted = (name, Path(name).name, Path(name).stem)
        # exact names first: "a.png" and "a.jpg" may both be there
        matches = [key for key in wanted if key in content] or [key for key in content if Path(key).stem == wanted[-1]]
        if not matches:
            raise PoseFileError(
                f"has no pose for {Path(name).name!r}", subject=file, remedy=f"It has {_listed(list(content))}"
            )
        key = matches[0]

    def fail(problem: str, remedy: str) -> PoseFileError:
        return PoseFileError(f"{key}: {problem}", subject=file, remedy=remedy)

    return Pose(points_from(content[key], fail))


def _listed(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _rounded(points: FloatArray) -> list[list[float]]:
    # rounding float64 copies gives short decimals, which float32 would not print
    positions = points[:, :2].astype(np.float64).round(POSITION_DIGITS).tolist()
    scores = points[:, 2].astype(np.float64).round(SCORE_DIGITS).tolist()
    return [[*positions[index], scores[index]] for index in range(POINT_COUNT)]
