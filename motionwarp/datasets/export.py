"""The points of all clips as COCO's keypoint annotations: 17 points, boxes and areas of every frame in one JSON.

Format: COCO's "Data format", "Keypoint detection". Visibility: 2 for a point inside the frame on the person, 1 for one
inside the frame that the person's coverage does not reach, 0 with x = y = 0 for one that is missing or outside. Frames
of videos are told by the video's name and `frame_index`, which readers of pictures do not look at. Ids begin at 1:
COCO's own evaluation takes an annotation of id 0 for one that was not found.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import numpy as np

from motionwarp.datasets.card import CARD
from motionwarp.datasets.clip_reader import ClipReader
from motionwarp.datasets.items import comparable
from motionwarp.datasets.manifest import MANIFEST, done_rows, read_manifest
from motionwarp.datasets.records import CLIPS, FAILED
from motionwarp.datasets.shards import FOLDER
from motionwarp.datasets.storage.base import Storage
from motionwarp.errors import OutputError
from motionwarp.pose.formats.written_forms import COCO_CATEGORY, coco_keypoints, openpose_frame
from motionwarp.types import ByteArray, FloatArray, PoseTrack


def export_openpose(
    storage: Storage,
    target: Storage,
    *,
    overwrite: bool = False,
    progress: Callable[[str, int, int | None], None] | None = None,
) -> int:
    """Write `ID/ID_000000000000_keypoints.json` and so on for every clip that was made.

    Parameters
    ----------
    storage : Storage
        Storage of the data set.
    target : Storage
        Where the folders go; what else lies there stays.
    overwrite : bool
        Replace folders of these clips.
    progress : callable, optional

    Returns
    -------
    int
        Frames written.

    Raises
    ------
    InputError
        If there is no manifest, or a clip cannot be read.
    OutputError
        If something lies there already without `overwrite`, or a folder cannot be written.
    """
    rows = done_rows(read_manifest(storage))
    if not overwrite and target.names(""):
        raise OutputError("holds something already", subject=target.root, remedy="Give `overwrite` or another name")
    frames = 0
    for done, row in enumerate(rows, start=1):
        clip = ClipReader(storage, row["id"])
        frames += _export_clip([clip.track(person) for person in range(clip.people)], row["id"], target)
        if progress is not None:
            progress("export", done, len(rows))
    return frames


def _export_clip(people: Sequence[PoseTrack], clip_id: str, target: Storage) -> int:
    target.remove(clip_id)
    track = people[0]
    with target.pending_folder(clip_id, f"{clip_id}_{len(track) - 1:012d}_keypoints.json") as pending:
        for index in range(len(track)):
            frame = openpose_frame(None, track.width, track.height)
            for person in people:
                if person.present[index]:
                    frame["people"] += openpose_frame(person.points[index], track.width, track.height)["people"]
            (pending.path / f"{clip_id}_{index:012d}_keypoints.json").write_text(json.dumps(frame), encoding="utf-8")
        pending.commit()
    return len(track)


_PARTS: Final = (CLIPS, FAILED, FOLDER, ".motionwarp", MANIFEST, CARD)


def check_export_place(storage: Storage, output: str) -> None:
    """Refuse an output that is the data set, one of its parts, or lies in one.

    Parameters
    ----------
    storage : Storage
        Storage of the data set.
    output : str
        A path or address.

    Raises
    ------
    OutputError
    """
    inner, outer = comparable(output), comparable(storage.address(""))
    if inner == outer or any(f"{inner}/".startswith(f"{outer}/{part}/") for part in _PARTS):
        raise OutputError("is a part of the data set itself", subject=output, remedy="Give another output")


_COVERED: Final = 127


def export_coco(
    storage: Storage, target: Storage, name: str, *, progress: Callable[[str, int, int | None], None] | None = None
) -> int:
    """Write one JSON of all clips that were made; memory does not grow with their number.

    Parameters
    ----------
    storage : Storage
        Storage of the data set.
    target : Storage
    name : str
        Name of the file in `target`.
    progress : callable, optional

    Returns
    -------
    int
        Annotations written.

    Raises
    ------
    InputError
        If there is no manifest, or a clip cannot be read.
    OutputError
        If the file cannot be written.
    """
    rows = done_rows(read_manifest(storage))
    count = 0
    with target.pending_file(name) as pending:
        with pending.path.open("w", encoding="utf-8") as stream:
            stream.write(f'{{"info": {json.dumps(_info())},\n"licenses": [],\n')
            stream.write(f'"categories": [{json.dumps(COCO_CATEGORY)}],\n"images": [')
            _write_all(stream.write, _images(rows))
            stream.write('],\n"annotations": [')
            count = _write_all(stream.write, _annotations(storage, rows, progress))
            stream.write("]}\n")
        pending.commit()
    return count


def _info() -> dict[str, str]:
    return {"description": "Synthetic clips made by motionwarp: nobody filmed them"}


def _write_all(write: Callable[[str], object], objects: Iterator[dict[str, Any]]) -> int:
    count = 0
    for entry in objects:
        write(f"{',' if count else ''}\n{json.dumps(entry)}")
        count += 1
    return count


def _images(rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    number = 1
    for row in rows:
        for index in range(row["frames"]):
            name = f"{row['video']}/{index:05d}.png" if row["video"].endswith("/frames") else row["video"]
            yield {
                "id": number, "file_name": name, "frame_index": index, "clip": row["id"], "width": row["width"],
                "height": row["height"],
            }  # fmt: skip
            number += 1


def _annotations(
    storage: Storage, rows: list[dict[str, Any]], progress: Callable[[str, int, int | None], None] | None
) -> Iterator[dict[str, Any]]:
    number = first = 1
    for done, row in enumerate(rows, start=1):
        clip = ClipReader(storage, row["id"])
        for person in range(clip.people):
            track = clip.track(person)
            for index, matte in enumerate(clip.mattes(person)):
                if track.present[index] and (matte > _COVERED).any():
                    yield {
                        "id": number,
                        "image_id": first + index,
                        "category_id": 1,
                        "iscrowd": 0,
                        **annotation(track.points[index], matte),
                    }
                    number += 1
        first += row["frames"]
        if progress is not None:
            progress("export", done, len(rows))


def annotation(points: FloatArray, matte: ByteArray) -> dict[str, Any]:
    """Return keypoints, box and area of one frame.

    Parameters
    ----------
    points : float32 (18, 3)
    matte : uint8 (H, W)
        Coverage, over one half somewhere.
    """
    height, width = matte.shape
    keypoints, labeled = coco_keypoints(points, width, height)
    for at in range(0, len(keypoints), 3):
        x, y, visibility = keypoints[at : at + 3]
        # COCO's 1: within the frame, and not to be seen on the person
        if visibility and matte[min(round(y), height - 1), min(round(x), width - 1)] <= _COVERED:
            keypoints[at + 2] = 1
    rows, columns = np.flatnonzero((matte > _COVERED).any(axis=1)), np.flatnonzero((matte > _COVERED).any(axis=0))
    box = [int(columns[0]), int(rows[0]), int(columns[-1] - columns[0] + 1), int(rows[-1] - rows[0] + 1)]
    return {"keypoints": keypoints, "num_keypoints": labeled, "bbox": box, "area": int((matte > _COVERED).sum())}
