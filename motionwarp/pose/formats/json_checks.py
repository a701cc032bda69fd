"""Reading JSON that may be anything, and checking numbers out of it, with errors that say where."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from motionwarp.errors import PoseFileError
from motionwarp.types import POINT_COUNT, FloatArray

# an hour at 60 frames a second takes about 80 MB
MAX_BYTES = 512 * 1024 * 1024
# no picture is that large: such positions are broken numbers
MAX_COORDINATE = 1e6
# heat maps overshoot a little, so that real files have scores just over 1
MAX_SCORE = 1.5

Fail = Callable[[str, str], PoseFileError]


def load_json(path: Path) -> object:
    """Parse a file.

    Parameters
    ----------
    path : Path

    Returns
    -------
    object
        What `json.loads` gives.

    Raises
    ------
    PoseFileError
        If the file is missing, a folder, unreadable, empty, too large, not text, cut off, or not JSON.
    """
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise PoseFileError(
                f"has {size / 1e6:.0f} MB, more than the {MAX_BYTES / 1e6:.0f} MB that a file of poses may have",
                subject=path,
                remedy="Split the clip, or check that this is a file of poses",
            )
        content = path.read_bytes()
    except FileNotFoundError:
        raise PoseFileError("there is no such file", subject=path, remedy="Check the path") from None
    except OSError as error:
        raise PoseFileError(
            f"cannot be read ({error.strerror})", subject=path, remedy="Check that it is a file and its permissions"
        ) from error
    if not content.strip():
        raise PoseFileError("is empty", subject=path, remedy="Write the poses again")
    try:
        return json.loads(content.decode("utf-8-sig"))
    except json.JSONDecodeError as error:
        # the position of the fault tells a file that was cut off from one that never was JSON
        cut_off = error.pos >= len(error.doc.rstrip()) - 1
        problem = "ends too early" if cut_off else f"is not JSON at line {error.lineno}, column {error.colno}"
        raise PoseFileError(
            f"{problem} ({error.msg})", subject=path, remedy="Write the poses again; the file may be damaged"
        ) from None
    except (ValueError, RecursionError) as error:
        raise PoseFileError(
            "is not JSON text", subject=path, remedy="Give a file of poses in JSON, encoded in UTF-8"
        ) from error


def points_from(value: object, fail: Fail) -> FloatArray:
    """Check one person's 18 points.

    Parameters
    ----------
    value : object
        Out of a file: 18 lists of x, y and score.
    fail : callable
        Makes the error from a problem and a remedy, and knows the file and the place.

    Returns
    -------
    float32 (18, 3)
        Scores clipped to 1; points of score 0 are all zeros.

    Raises
    ------
    PoseFileError
        For another shape, for what is not a number, and for numbers out of range.
    """
    if not isinstance(value, list) or len(value) != POINT_COUNT:
        got = f"{len(value)} entries" if isinstance(value, list) else type(value).__name__
        raise fail(
            f"needs {POINT_COUNT} points, got {got}", "Give 18 points of x, y and score in OpenPose's COCO-18 order"
        )
    for index, point in enumerate(value):
        if not isinstance(point, list) or len(point) != 3:
            got = f"{len(point)} numbers" if isinstance(point, list) else type(point).__name__
            raise fail(f"point {index} needs x, y and score, got {got}", "Give three numbers for each point")
    return checked_points(
        numbers_from([number for point in value for number in point], fail).reshape(POINT_COUNT, 3), fail
    )


def numbers_from(values: list[object], fail: Fail) -> FloatArray:
    """Check that a flat list holds numbers only, float32 (n,)."""
    for index, number in enumerate(values):
        if isinstance(number, bool) or not isinstance(number, int | float):
            raise fail(f"number {index} is {json.dumps(number)[:40]}, not a number", "Give numbers only")
    try:
        with np.errstate(over="ignore"):
            return np.array(values, dtype=np.float64).astype(np.float32)
    except OverflowError:
        raise fail("has a number too large to be a position", "Give positions in pixels") from None


def checked_points(points: FloatArray, fail: Fail) -> FloatArray:
    """Check the values of points (18, 3), clip scores to 1, and set points of score 0 to zeros."""
    finite = np.isfinite(points).all(axis=1)
    if not finite.all():
        raise fail(
            f"point {int(np.argmin(finite))} is not finite (NaN or infinite)",
            "Write points that were not seen as 0, 0, 0",
        )
    scores = points[:, 2]
    if (scores < 0).any() or (scores > MAX_SCORE).any():
        worst = int(np.argmax(np.maximum(-scores, scores - 1)))
        raise fail(f"point {worst} has the score {scores[worst]:g}", "Give scores from 0 to 1")
    if (np.abs(points[:, :2]) > MAX_COORDINATE).any():
        worst = int(np.argmax(np.abs(points[:, :2]).max(axis=1)))
        raise fail(f"point {worst} lies at {points[worst, 0]:g}, {points[worst, 1]:g}", "Give positions in pixels")
    checked = points.copy()
    checked[:, 2] = np.minimum(scores, 1.0)
    checked[scores == 0] = 0.0
    return checked
