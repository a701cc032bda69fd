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
from motionwarp.types import FloatArray, PoseTrack

_VERSION: Final = 1.3
_DIGITS: Final = 3


def export_openpose(
    storage: Storage, target: Storage, *, progress: Callable[[str, int, int | None], None] | None = None
) -> int:
    """Write `ID/ID_000000000000_keypoints.json` and so on for every clip that was made.

    Parameters
    ----------
    storage : Storage
        Of the data set.
    target : Storage
        Where the folders go.
    progress : callable, optional

    Returns
    -------
    int
        Frames written.

    Raises
    ------
    InputError
        If there is no manifest, or a clip cannot be read.
    """
    rows = done_rows(read_manifest(storage))
    frames = 0
    for done, row in enumerate(rows, start=1):
        frames += _export_clip(ClipReader(storage, row["id"]).track(), row["id"], target)
        if progress is not None:
            progress("export", done, len(rows))
    return frames


def _export_clip(track: PoseTrack, clip_id: str, target: Storage) -> int:
    with target.pending_folder(clip_id, f"{clip_id}_{len(track) - 1:012d}_keypoints.json") as pending:
        for index in range(len(track)):
            people = [{"person_id": [-1], "pose_keypoints_2d": _flat(track.points[index])}] if track.present[index] else []
            frame = {"version": _VERSION, "canvas_width": track.width, "canvas_height": track.height, "people": people}
            (pending.path / f"{clip_id}_{index:012d}_keypoints.json").write_text(json.dumps(frame), encoding="utf-8")
        pending.commit()
    return len(track)


def _flat(points: FloatArray) -> list[float]:
    """Return x, y and score of every point in a row; zeros for one that is not there."""
    here = points[:, 2:] > 0
    rounded: list[float] = np.where(here, points, 0).astype(np.float64).round(_DIGITS).ravel().tolist()
    return rounded
