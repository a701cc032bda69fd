"""Which frames of a clip are evaluated, through which windows, and what drives the engines there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from motionwarp.analysis.framing import Box, united
from motionwarp.errors import InputError, NoPersonError
from motionwarp.evaluation.clip_labels import ClipLabels
from motionwarp.evaluation.contestants import Contestant
from motionwarp.evaluation.reenactment_settings import ReenactmentSettings
from motionwarp.evaluation.windows import SURE_SCORE, frame_window, person_box, person_window
from motionwarp.geometry.temporal import smooth_over_time
from motionwarp.pose.smoothing import smooth_track
from motionwarp.types import FloatArray, PersonCrop, Pose


@dataclass(frozen=True, eq=False)
class FramePlan:
    """Which frames are rendered, and through which windows.

    Attributes
    ----------
    source : int
    evaluated : tuple of int
        Frames that figures are of.
    rendered : tuple of int
        Those and, for flicker, the ones after them.
    windows : dict of int to PersonCrop
        Of the rendered frames and of the source.
    poses : float32 (len(rendered), 18, 3)
        What drives the engines, in pixels of the windows.
    """

    source: int
    evaluated: tuple[int, ...]
    rendered: tuple[int, ...]
    windows: dict[int, PersonCrop]
    poses: FloatArray


def plan_frames(clip: Path, labels: ClipLabels, rules: ReenactmentSettings) -> FramePlan:
    """Choose source, frames and windows.

    Raises
    ------
    NoPersonError
        If no frame shows a person, or the source asked for does not.
    InputError
        If no frame is left besides the source.
    """
    shown = [index for index in range(len(labels.truth)) if shows_person(labels, index)]
    if not shown:
        raise NoPersonError("no frame shows a person", subject=clip, remedy="Use a clip that shows one")
    source = shown[0] if rules.source_frame is None else rules.source_frame
    if source not in shown:
        raise NoPersonError(f"frame {source} shows no person", subject=clip, remedy="Choose another --source-frame")
    evaluated = tuple(index for index in shown if index != source and (index - source) % rules.every == 0)
    if not evaluated:
        raise InputError("it has no frame besides the source", subject=clip, remedy="Use a longer clip or a smaller --every")
    after = {index + 1 for index in evaluated} & set(shown) - {source} if rules.flicker else set()
    rendered = tuple(sorted(after | set(evaluated)))
    windows = _windows(labels, [*rendered, source], rules)
    driving = smooth_track(labels.inputs, rules.smooth_poses)
    poses = np.stack([Pose(driving.points[index]).transformed(windows[index].frame_to_crop()).points for index in rendered])
    return FramePlan(source, evaluated, rendered, windows, poses)


def shows_person(labels: ClipLabels, index: int) -> bool:
    """Return whether truth and input know of the person, and the frame shows enough to frame it by."""
    if not (labels.truth.present[index] and labels.inputs.present[index]):
        return False
    x, y, score = labels.truth.points[index].T
    inside = (x >= 0) & (y >= 0) & (x < labels.truth.width) & (y < labels.truth.height)
    return bool((inside & (score >= SURE_SCORE)).sum() >= 2)


def _windows(labels: ClipLabels, indices: Sequence[int], rules: ReenactmentSettings) -> dict[int, PersonCrop]:
    height, width = labels.truth.height, labels.truth.width
    if rules.full_frame is not None:
        return dict.fromkeys(indices, frame_window(height, width, rules.full_frame))
    boxes = {index: person_box(labels.truth.points[index], labels.box(index), height, width) for index in indices}
    if rules.window == "person":
        return {index: person_window(box) for index, box in boxes.items()}
    every: Box = boxes[indices[0]]
    for box in boxes.values():
        every = united(every, box)
    return dict.fromkeys(indices, person_window(every))


def planned_theta(contestant: Contestant, labels: ClipLabels, plan: FramePlan, rules: ReenactmentSettings) -> FloatArray:
    """Return theta of the rendered frames; to be smoothed, it needs that of all frames."""
    if rules.smooth_theta == 0:
        return contestant.plan(plan.poses)
    present = np.flatnonzero(labels.inputs.present)
    driving = smooth_track(labels.inputs, rules.smooth_poses)
    matrix = plan.windows[plan.source].frame_to_crop()
    poses = np.stack([Pose(driving.points[index]).transformed(matrix).points for index in present])
    cuts = sorted({int(np.searchsorted(present, cut)) for cut in driving.cuts} - {0, len(present)})
    theta = smooth_over_time(contestant.plan(poses), driving.times_seconds[present], cuts, rules.smooth_theta)
    return np.asarray(theta[np.searchsorted(present, plan.rendered)])
