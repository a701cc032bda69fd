"""Bodies fitted to validation photos: the time that it takes, and how well silhouettes agree."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from motionwarp.body.body_track import BodyReader
from motionwarp.body.drawing import draw_body
from motionwarp.body.fitting import BodyFitter
from motionwarp.body.lifting import facing_degrees
from motionwarp.body.outline import OutlineFitter
from motionwarp.body.photo_fit import fit_photos
from motionwarp.data.ccp import photo_names, read_photos
from motionwarp.errors import InputError, NoPersonError
from motionwarp.media.contact_sheet import Tile
from motionwarp.perception.base import Estimator
from motionwarp.perception.matting import matte_in_frame
from motionwarp.pose import skeleton as sk
from motionwarp.types import ByteArray, FloatArray

_TILE_HEIGHT: Final = 420
_NAMED: Final = 5


@dataclass(frozen=True, eq=False)
class FittedPhoto:
    """How a body was fitted to one photo.

    Attributes
    ----------
    name : str
    seconds, cpu_seconds : float
        For lifting, fitting and the outline: on the clock, and of the processor.
    iou_before, iou_after : float
        Of the silhouette and the matte, before the surface is pulled to the outline, and after.
    point_error : float
        Mean distance of the points, as a share of the person's size in the photo.
    lean_degrees : float
        By how much the person leans in depth: neck against ankles, away from the camera positive. None of it can be
        seen in the picture.
    facing : float
        Degrees.
    rgb : uint8 (h, w, 3)
        The photo and the pulled body over it, side by side, reduced.
    """

    name: str
    seconds: float
    cpu_seconds: float
    iou_before: float
    iou_after: float
    point_error: float
    lean_degrees: float
    facing: float
    rgb: ByteArray


@dataclass(frozen=True, eq=False)
class PhotoReport:
    """All photos of a run.

    Attributes
    ----------
    metrics : dict
        What `--json` prints.
    photos : list of FittedPhoto
        The worst silhouette first.
    """

    metrics: dict[str, object]
    photos: list[FittedPhoto]

    def tiles(self, count: int) -> list[Tile]:
        """Return the pictures for a sheet: the worst, the rest spread over the others."""
        chosen = list(range(len(self.photos)))
        if len(chosen) > count:
            worst = max(1, count // 4)
            rest = np.linspace(worst, len(self.photos) - 1, count - worst).round().astype(int)
            chosen = [*range(worst), *rest.tolist()]
        return [
            Tile(photo.rgb, f"{photo.name} iou {photo.iou_after:.3f} facing {photo.facing:.0f}")
            for photo in (self.photos[number] for number in chosen)
        ]


def evaluate_photos(
    estimator: Estimator,
    reader: BodyReader,
    ccp_folder: Path,
    *,
    limit: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> PhotoReport:
    """Fit bodies to validation photos, from an estimator's points and matte.

    Parameters
    ----------
    estimator : Estimator
    reader : BodyReader
    ccp_folder : Path
    limit : int, optional
        So many photos, spread evenly; all by default.
    progress : callable, optional
        Told how many photos are done, and of how many.

    Raises
    ------
    InputError
        If the folder has no validation photo, or nobody is found in any.
    """
    names = photo_names(ccp_folder, "validation")
    if not names:
        raise InputError(
            "there is no photo of the validation split", subject=ccp_folder, remedy="Check that the data is complete."
        )
    if limit is not None and limit < len(names):
        names = [names[number] for number in np.linspace(0, len(names) - 1, limit).round().astype(int)]
    fitter, outlines = BodyFitter(reader.body), OutlineFitter(reader.body)
    found: list[FittedPhoto] = []
    missed: list[str] = []
    for done, photo in enumerate(read_photos(ccp_folder, names), start=1):
        try:
            person = estimator.analyze_picture(photo.rgb)
        except NoPersonError:
            missed.append(photo.name)
        else:
            matte = matte_in_frame(photo.rgb, person)
            found.append(_fitted(reader, fitter, outlines, photo.name, photo.rgb, person.pose.points, matte))
        if progress is not None:
            progress(done, len(names))
    if not found:
        raise InputError("nobody was found in any photo", subject=ccp_folder, remedy="Use another estimator.")
    found.sort(key=lambda photo: photo.iou_after)
    return PhotoReport(_metrics(found, missed), found)


def _metrics(found: list[FittedPhoto], missed: list[str]) -> dict[str, object]:
    # the first photo compiles the rasterizer
    seconds = sorted(photo.seconds for photo in found)
    leans = np.abs([photo.lean_degrees for photo in found if np.isfinite(photo.lean_degrees)])
    return {
        "photos": len(found),
        "not_found": missed,
        "iou_median": float(np.median([photo.iou_after for photo in found])),
        "iou_before_outline_median": float(np.median([photo.iou_before for photo in found])),
        "iou_tenth": float(np.quantile([photo.iou_after for photo in found], 0.1)),
        "worst": {photo.name: round(photo.iou_after, 4) for photo in found[:_NAMED]},
        "seconds_median": float(np.median(seconds)),
        "seconds_most": seconds[-1],
        "cpu_seconds_median": float(np.median([photo.cpu_seconds for photo in found])),
        "point_error_median": float(np.median([photo.point_error for photo in found])),
        "lean_degrees_median": float(np.median(leans)) if len(leans) else None,
        "lean_degrees_most": float(leans.max()) if len(leans) else None,
    }


def _fitted(
    reader: BodyReader,
    fitter: BodyFitter,
    outlines: OutlineFitter,
    name: str,
    rgb: ByteArray,
    points: FloatArray,
    matte: FloatArray,
) -> FittedPhoto:
    begun, begun_cpu = time.perf_counter(), time.process_time()
    fit = fit_photos(fitter, reader.lifter, [points])
    outline = outlines.fit(fit, matte)
    seconds, cpu = time.perf_counter() - begun, time.process_time() - begun_cpu
    joints = reader.body.points18(reader.body.skin(fit.shape(reader.body), fit.posed(reader.body, 0))).numpy()
    scale = _TILE_HEIGHT / rgb.shape[0]
    small = np.asarray(cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    vertices = (outline.vertices * np.float32(scale)).astype(np.float32)
    drawn = np.concatenate([small, draw_body(small, reader.body, vertices)], axis=1)
    return FittedPhoto(
        name,
        seconds,
        cpu,
        outline.iou_before,
        outline.iou_after,
        float(fit.point_error[0]),
        _lean(joints, points),
        float(facing_degrees(fit.turns[0, 0])),
        drawn,
    )


def _lean(joints: FloatArray, points: FloatArray) -> float:
    """Return by how many degrees neck and ankles are apart in depth; not a number where no ankle was seen."""
    if points[[sk.RIGHT_ANKLE, sk.LEFT_ANKLE], 2].max() <= 0:
        return float("nan")
    up = joints[sk.NECK] - joints[[sk.RIGHT_ANKLE, sk.LEFT_ANKLE]].mean(axis=0)
    return float(np.degrees(np.arctan2(up[2], -up[1])))
