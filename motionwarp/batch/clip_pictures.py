"""Writing a clip's pictures as they are rendered: the video, and the classes and coverage of every frame."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Final

import numpy as np

from motionwarp.analysis.matting import parsing_in_frame
from motionwarp.batch.seeing import Seer
from motionwarp.batch.truth import MATTE, PARSING, PictureArchive, in_frame
from motionwarp.media.background import BackgroundWriter
from motionwarp.media.encoders import EncodeOptions
from motionwarp.media.video_writer import VideoWriter
from motionwarp.media.writer import open_writer
from motionwarp.pipeline.job import TransferJob
from motionwarp.pipeline.timeline import Timeline
from motionwarp.pipeline.writing import provenance
from motionwarp.types import ByteArray, Frame, Pose

FRAMES: Final = "frames"
# frames that may wait for the encoder, as in a single transfer
_QUEUE: Final = 3
_CLOCK: Final = Fraction(1, 90_000)


def write_pictures(job: TransferJob, timeline: Timeline, folder: Path, video: str, rate: Fraction, seer: Seer) -> str:
    """Write frames, classes and coverage; memory does not grow with the clip.

    Parameters
    ----------
    job : TransferJob
        Prepared.
    timeline : Timeline
    folder : Path
        Of the clip.
    video : str
        The video's name, or `FRAMES` for a folder of PNG files.
    rate : Fraction
        Nominal frames a second.
    seer : Seer
        Its estimator tells classes if the engine cannot.

    Returns
    -------
    str
        Who told the classes: 'engine' or 'estimator'.
    """
    teller = "engine"
    with (
        _opened(job, folder / video, rate, seer.config.threads) as writer,
        BackgroundWriter(writer, _QUEUE) as encoder,
        PictureArchive(folder / PARSING) as parsings,
        PictureArchive(folder / MATTE) as mattes,
    ):
        for frame, layer in job.shown():
            encoder.write(frame.rgb if frame.alpha is None else np.dstack([frame.rgb, frame.alpha]), frame.pts_seconds)
            matte = in_frame(layer, layer.rgba[..., 3], job.width, job.height)
            mattes.add(matte)
            if layer.parsing is None:
                teller = "estimator"
                parsings.add(_seen_classes(frame, matte, job, seer))
            else:
                parsings.add(in_frame(layer, layer.parsing, job.width, job.height))
        encoder.end_at(timeline.end_seconds)
        encoder.close()
        job.warnings += writer.warnings
    return teller


def _opened(job: TransferJob, target: Path, rate: Fraction, threads: int) -> VideoWriter:
    options, encode = job.options, EncodeOptions()
    path = target
    if target.name == FRAMES:
        target.mkdir()
        path = target / "%05d.png"
    else:
        encode = EncodeOptions(options.codec, options.crf, options.preset, threads=threads)
    return open_writer(
        path,
        width=job.width,
        height=job.height,
        frame_rate=rate,
        time_base=_CLOCK if options.frame_rate is None else 1 / (rate * 16),
        alpha=job.alpha,
        options=encode,
        metadata=provenance(job.engine.name),
    )


def _seen_classes(frame: Frame, matte: ByteArray, job: TransferJob, seer: Seer) -> ByteArray:
    """Return the classes that the estimator sees in a finished frame, uint8 (H, W), 0 outside the person."""
    if not matte.any():
        return np.zeros_like(matte)
    person = seer.estimator.analyse_picture(frame.rgb, given_pose=Pose(job.target.points[frame.index]))
    return parsing_in_frame(frame.rgb, person, matte.astype(np.float32) / np.float32(255))
