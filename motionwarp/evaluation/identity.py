"""What goes in comes out: a photo that is moved into its own pose, against that photo.

No result of an engine can be better than this. Three ways in which a photo drives itself (`Way`):

- given: with the points and the matte of files, at the driving person's place, unsmoothed and without retargeting.
- own: the same with the points and the matte that are seen in it.
- default: as seen, with the default options of a transfer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from motionwarp.errors import InputError
from motionwarp.evaluation.metrics.image import psnr
from motionwarp.evaluation.options import IdentitySettings, Way
from motionwarp.media.limits import existing_file
from motionwarp.perception.base import Estimator
from motionwarp.pipeline.analysis import AnalyzedInputs, load_estimator
from motionwarp.pipeline.driving import DrivingMotion, observe_driving, probe_driving
from motionwarp.pipeline.layout import resized
from motionwarp.pipeline.options import TransferOptions
from motionwarp.pipeline.plan import plan_transfer
from motionwarp.pipeline.progress import TransferRun
from motionwarp.pipeline.rendering import render
from motionwarp.pipeline.setup import set_up
from motionwarp.pipeline.source import PreparedSource, prepare_source, read_source
from motionwarp.types import ByteArray, PoseTrack

_COVERED: Final = 0.5
_STILL_SECONDS: Final = 0.04
_AS_IT_IS: Final[Mapping[str, Any]] = {"retarget": False, "placement": "driving", "smooth": 0.0}


@dataclass(frozen=True)
class PhotoIdentity:
    """How near one photo's result is to the photo.

    Attributes
    ----------
    photo, engine : str
    way : Way
    matte_psnr : float
        Over the person's own pixels, in decibels.
    psnr : float
        Over the whole picture.
    """

    photo: str
    engine: str
    way: Way
    matte_psnr: float
    psnr: float


Progress = Callable[[int, int], None]


def evaluate_identity(photos: Sequence[Path], settings: IdentitySettings, progress: Progress) -> list[PhotoIdentity]:
    """Let engines move photos into their own poses.

    Parameters
    ----------
    photos : sequence of Path
    settings : IdentitySettings
    progress : callable
        Called with the photos done and all.

    Raises
    ------
    InputError
        One of its kinds, if a photo or its labels cannot be read, or nobody is seen in it.
    """
    for photo in photos:  # before minutes are spent on the others
        existing_file(photo)
    base = TransferOptions(
        device=settings.device, precision=settings.precision, pose_estimator=settings.pose_estimator, audio=False
    )
    estimator = load_estimator(base)
    results: list[PhotoIdentity] = []
    for done, photo in enumerate(photos):
        for inputs, way in _inputs(photo, settings, base, estimator):
            options = base if way is Way.DEFAULT else replace(base, **_AS_IT_IS)
            for engine in settings.engines:
                frame = _moved(photo, inputs, replace(options, engine=engine))
                results.append(_compared(photo.stem, engine, way, frame, inputs.source))
        progress(done + 1, len(photos))
    return results


def identity_summary(results: Sequence[PhotoIdentity]) -> dict[str, Any]:
    """Return means and least values by engine and way, and every photo, for JSON."""
    engines: dict[str, dict[str, dict[str, float]]] = {}
    for engine in dict.fromkeys(result.engine for result in results):
        for way in Way:
            own = [result for result in results if (result.engine, result.way) == (engine, way)]
            if own:
                values = np.array([result.matte_psnr for result in own])
                engines.setdefault(engine, {})[way.value] = {
                    "photos": len(own),
                    "matte_psnr_mean": round(float(values.mean()), 2),
                    "matte_psnr_least": round(float(values.min()), 2),
                    "psnr_mean": round(float(np.mean([result.psnr for result in own])), 2),
                }
    photos = [
        {
            "photo": result.photo,
            "engine": result.engine,
            "way": result.way.value,
            "matte_psnr": round(result.matte_psnr, 2),
            "psnr": round(result.psnr, 2),
        }
        for result in results
    ]
    return {"engines": engines, "photos": photos}


def _inputs(
    photo: Path, settings: IdentitySettings, base: TransferOptions, estimator: Estimator
) -> Iterator[tuple[AnalyzedInputs, Way]]:
    """Yield the analyzed inputs of a photo that drives itself, for every way."""
    clip = probe_driving(photo, base)
    seen = prepare_source(read_source(photo, base), base, estimator)
    followed = AnalyzedInputs(seen, observe_driving(clip, base, estimator, with_plate=False), clip.info, estimator.name)
    for way in settings.ways:
        if way is not Way.GIVEN or settings.labels is None:
            yield followed, way
            continue
        poses, matte = settings.labels / "keypoints18.json", settings.labels / "mattes" / f"{photo.stem}.png"
        for file in (poses, matte):
            if not file.is_file():
                raise InputError("there are no such labels", subject=file, remedy="Give the folder that has them")
        options = replace(base, source_poses=poses, matte=matte)
        source = read_source(photo, options)
        told = prepare_source(source, options, estimator)
        yield AnalyzedInputs(told, _still(told), clip.info, "given"), way


def _still(source: PreparedSource) -> DrivingMotion:
    """Return the motion of a clip of one frame that shows a source as it is."""
    width, height = source.size
    points = source.person.pose.points[None].copy()
    track = PoseTrack(points, np.ones(1, dtype=np.bool_), np.zeros(1), width, height)
    return DrivingMotion(track, (), _STILL_SECONDS, None)


def _moved(photo: Path, inputs: AnalyzedInputs, options: TransferOptions) -> ByteArray:
    with TransferRun() as run:
        setup = set_up(photo, photo, options, inputs.source.size, inputs.info)
        frames = render(plan_transfer(setup, inputs, run=run), run=run)
        frame = next(iter(frames)).rgb
        frames.close()
    return frame


def _compared(name: str, engine: str, way: Way, frame: ByteArray, source: PreparedSource) -> PhotoIdentity:
    height, width = frame.shape[:2]
    photo = resized(source.person.rgb, width, height)
    matte = source.person.matte
    inside = resized(np.rint(matte * 255).astype(np.uint8), width, height) > _COVERED * 255
    if not inside.any():
        raise InputError("shows nobody", subject=name, remedy="Leave it out")
    return PhotoIdentity(name, engine, way, psnr(photo[inside][None], frame[inside][None]), psnr(photo, frame))
