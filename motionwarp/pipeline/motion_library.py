"""Motions of the library made from files and clips, and shown: what `motionwarp motions` does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import torch

from motionwarp.body.body_motion import BodyMotion
from motionwarp.body.body_track import BodyReader, BodyTrack
from motionwarp.body.bvh import write_bvh
from motionwarp.body.model import BodyModel
from motionwarp.body.performing import lowest_points
from motionwarp.body.pose_forms import rest_clip
from motionwarp.body.rig import PointRig, local_turns
from motionwarp.devices import resolve_device, resolve_precision
from motionwarp.errors import InputError, OptionError, OutputError
from motionwarp.media.atomic import check_target
from motionwarp.media.writer import open_writer
from motionwarp.motions.catalog import user_file
from motionwarp.motions.files import LibraryMotion, save_library_motion
from motionwarp.perception.registry import make_estimator
from motionwarp.pipeline.captured_driving import CapturedClip, is_captured, read_captured
from motionwarp.pipeline.driving import observe_driving, probe_driving
from motionwarp.pipeline.motion_options import AddOptions, ShowOptions
from motionwarp.pipeline.options import AnalysisOptions, TransferOptions
from motionwarp.pipeline.progress import ProgressCallback, TransferRun
from motionwarp.pipeline.provenance import motion_provenance
from motionwarp.pose.repair import repair_track
from motionwarp.pose.smoothing import smooth_track

__all__ = ["add_motion", "recorded", "show_motion"]

_RATE: Final = 30.0
_SMOOTH: Final = 0.5
_BVH_ENDINGS: Final = (".bvh", ".bvh.gz")
_GROWN_UP: Final = {"age": 0.7}


def add_motion(
    name: str, path: Path, options: AddOptions, progress: ProgressCallback | None = None
) -> tuple[Path, LibraryMotion, list[str]]:
    """Keep a motion in the user's library.

    Parameters
    ----------
    name : str
        By which it will be called.
    path : Path
        Motion capture, or a clip of a person, who is followed.
    options : AddOptions
    progress : callable, optional

    Returns
    -------
    path : Path
        Of the file.
    entry : LibraryMotion
    warnings : list of str

    Raises
    ------
    InputError
        One of its kinds, if the name, the file or an option is at fault, or nobody is seen.
    OutputError
        If the name is taken, or the file cannot be written.
    """
    target = user_file(name)
    if target.exists() and not options.overwrite:
        raise OutputError("there is a motion of this name", subject=name, remedy="Choose another, or give `overwrite`")
    motion, warnings = recorded(path, options, progress)
    title = options.title or f"From {path.name}"
    entry = LibraryMotion(name, title, options.author, options.licence, motion)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"the folder cannot be made: {error.strerror}", subject=target.parent) from error
    return save_library_motion(target, entry), entry, warnings


def recorded(
    path: Path, options: AnalysisOptions, progress: ProgressCallback | None = None
) -> tuple[BodyMotion, list[str]]:
    """Return the motion of a file of motion capture, or of the person in a clip.

    Parameters
    ----------
    path : Path
    options : AnalysisOptions
        Section, person and estimator.
    progress : callable, optional

    Returns
    -------
    motion : BodyMotion
        30 frames a second at most; of a clip as its camera sees it, without its depth.
    warnings : list of str
    """
    asked = TransferOptions(
        start=options.start, end=options.end, person=options.person, device=options.device,
        precision=options.precision, pose_estimator=options.pose_estimator,
    )  # fmt: skip
    if is_captured(path):
        motion, _ = read_captured(path, asked)
        return _evenly(motion), []
    with TransferRun(progress) as run:
        device = resolve_device(options.device)
        estimator = make_estimator(options.pose_estimator, device, resolve_precision(options.precision, device))
        seen = observe_driving(probe_driving(path, asked), asked, estimator, with_plate=False, run=run)
        repaired = repair_track(seen.track)
        track = smooth_track(repaired.track, _SMOOTH)
        notes = [*seen.notes, *(note.text for note in repaired.notes)]
        reader = BodyReader.load(device=device)
        body = reader.read(track)
    if not body.present.any():
        raise InputError("too little of a person is seen for a body", subject=path, remedy="Use a clip that shows more")
    if not body.present.all():
        notes.append("frames without the person keep the nearest pose")
    return _of_track(reader.body, body, track.times_seconds), notes


def _evenly(motion: BodyMotion) -> BodyMotion:
    """Return a motion at the library's rate or its own lower one, from the origin on."""
    if motion.frame_rate > _RATE:
        times = np.arange(max(round(motion.duration_seconds * _RATE), 1)) / _RATE
        motion = BodyMotion(*motion.at(times), _RATE)
    return replace(motion, root=motion.root - motion.root[:1])


def _of_track(
    model: BodyModel, body: BodyTrack, times_seconds: np.ndarray[tuple[int], np.dtype[np.float64]]
) -> BodyMotion:
    """Return the motion of a body that was followed in a picture, at even times."""
    present = np.flatnonzero(body.present)
    nearest = present[np.abs(present[None] - np.arange(len(body))[:, None]).argmin(axis=1)]
    rig = PointRig.of(model, model.shape_of(torch.from_numpy(body.coefficients)))
    leg = float(rig.offsets[_LEG].norm(dim=-1).sum())
    camera = body.camera[nearest].astype(np.float64)
    scale = np.median(camera[:, :1])
    root = np.column_stack([(camera[:, 1:] - camera[:1, 1:]) / scale / leg, np.zeros(len(camera))])
    turns = body.turns()[torch.from_numpy(nearest)].numpy().astype(np.float32)
    steps = np.diff(times_seconds)
    rate = 1 / float(np.median(steps)) if len(steps) else _RATE
    motion = BodyMotion(turns, root.astype(np.float32), rate)
    return _evenly(motion)


_LEG: Final = [15, 16]  # knee and ankle of the right leg among the driven bones


def show_motion(
    entry: LibraryMotion, options: ShowOptions, on_frame: Callable[[int, int], None] | None = None
) -> list[str]:
    """Write a motion as a clip of a mannequin, or as BVH.

    Parameters
    ----------
    entry : LibraryMotion
    options : ShowOptions
        With an output.
    on_frame : callable, optional
        Called with each frame's number and how many there are.

    Returns
    -------
    list of str
        What the container could not keep.

    Raises
    ------
    OutputError
        If the output cannot or must not be written.
    OptionError
        If a view is asked for of BVH, which has none.
    """
    if options.output is None:
        raise ValueError("showing a motion needs an output")
    output = Path(options.output)
    if output.name.lower().endswith(_BVH_ENDINGS):
        if options.turns or options.travel != "auto":
            raise OptionError("BVH is seen from all sides", values={"view": options.view, "orbit": options.orbit})
        check_target(output, overwrite=options.overwrite)
        _write_as_bvh(entry.motion, output, overwrite=options.overwrite)
        return []
    clip = CapturedClip(entry.motion, options)
    count = len(clip.times_seconds)
    first = clip.picture(0)
    with open_writer(
        output,
        width=first.shape[1],
        height=first.shape[0],
        frame_rate=clip.frame_rate,
        metadata=motion_provenance(),
        overwrite=options.overwrite,
    ) as writer:
        for frame in clip.frames(range(count)):
            writer.write(frame.rgb, frame.pts_seconds)
            if on_frame is not None:
                on_frame(frame.index + 1, count)
        writer.end_at(clip.end_seconds)
    return list(writer.warnings)


def _write_as_bvh(motion: BodyMotion, output: Path, *, overwrite: bool) -> None:
    model = BodyModel.load()
    shape = model.shape(_GROWN_UP)
    turns = torch.from_numpy(motion.turns)
    rig = PointRig.of(model, shape)
    way = motion.root.astype(np.float64) * float(rig.offsets[_LEG].norm(dim=-1).sum())
    # at rest the soles are on the ground, and so they are where the motion has them lowest
    rest = float(lowest_points(model, shape, torch.eye(3).expand(1, turns.shape[1], 3, 3))[0])
    way[:, 1] += rest - float((lowest_points(model, shape, turns) + way[:, 1]).max())
    write_bvh(output, rest_clip(model, shape, local_turns(turns), way, motion.frame_rate), overwrite=overwrite)
