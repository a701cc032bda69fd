"""The points of all clips as OpenPose writes them: one JSON a frame.

Format: OpenPose's documentation, "Output format", with the 18 points of its model COCO.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Final

import numpy as np

from motionwarp.batch.clip_reading import ClipReader
from motionwarp.batch.manifest import done_rows, read_manifest
from motionwarp.batch.storage import Storage
from motionwarp.errors import OutputError
from motionwarp.types import FloatArray, PoseTrack

_VERSION: Final = 1.3
_DIGITS: Final = 3
# what readers of OpenPose's files expect to be there, though nothing is known of it
_OTHERS: Final = tuple(
    f"{part}_keypoints_{form}" for form in ("2d", "3d") for part in ("pose", "face", "hand_left", "hand_right")
)[1:]


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
        Of the data set.
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
        raise OutputError("holds something already", subject=target.root, remedy="Give --overwrite or another name")
    frames = 0
    for done, row in enumerate(rows, start=1):
        frames += _export_clip(ClipReader(storage, row["id"]).track(), row["id"], target)
        if progress is not None:
            progress("export", done, len(rows))
    return frames


def _export_clip(track: PoseTrack, clip_id: str, target: Storage) -> int:
    target.remove(clip_id)
    with target.pending_folder(clip_id, f"{clip_id}_{len(track) - 1:012d}_keypoints.json") as pending:
        for index in range(len(track)):
            person = {"person_id": [-1], "pose_keypoints_2d": _flat(track.points[index]), **{name: [] for name in _OTHERS}}
            people = [person] if track.present[index] else []
            frame = {"version": _VERSION, "canvas_width": track.width, "canvas_height": track.height, "people": people}
            (pending.path / f"{clip_id}_{index:012d}_keypoints.json").write_text(json.dumps(frame), encoding="utf-8")
        pending.commit()
    return len(track)


def _flat(points: FloatArray) -> list[float]:
    """Return x, y and score of every point in a row; zeros for one that is not there."""
    here = points[:, 2:] > 0
    rounded: list[float] = np.where(here, points, 0).astype(np.float64).round(_DIGITS).ravel().tolist()
    return rounded
