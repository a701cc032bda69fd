"""The lifter on validation motion, of which all is known: bodies, cameras, and an estimator's mistakes made up."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Final

import torch
from torch import Tensor

from motionwarp.body.body_motion import BodyMotion
from motionwarp.body.body_track import BodyReader
from motionwarp.body.lifter_figures import BODY_POINTS, joint_errors, measuring_tracks
from motionwarp.body.lifting import facing_degrees
from motionwarp.body.rig import PointRig
from motionwarp.body.synthetic_tracks import SyntheticTracks
from motionwarp.evaluation.metrics.joints import aligned_by_scale
from motionwarp.pose.skeleton import POINT_NAMES

_NEAR: Final = 30.0  # degrees

OnTrack = Callable[[int, int], None]


def evaluate_lifter(
    reader: BodyReader,
    motions: Sequence[BodyMotion],
    *,
    tracks: int = 64,
    frames: int = 40,
    fitted: int = 0,
    progress: OnTrack | None = None,
) -> dict[str, object]:
    """Measure a lifter on tracks that are made of motion.

    Parameters
    ----------
    reader : BodyReader
    motions : sequence of BodyMotion
        That nothing was trained on.
    tracks, frames : int
        Of every condition.
    fitted : int
        To how many of the tracks bodies are fitted as well, which takes a hundred times as long.
    progress : callable, optional
        Told how many tracks are done, and of how many.

    Returns
    -------
    dict
        For each of `lifter_figures.CONDITIONS` (points exact; with an estimator's mistakes; people cut by the frame as
        well), of clips and of single frames: mean distance of the 14 points of nose, trunk and limbs from the truth in
        millimeters, the middles of the hips aligned, on the true body; by point; the share of frames whose hips face
        within 30 degrees. `fitted` has the same of bodies fitted to some of the tracks, with the fit's own shape
        brought to the true size. `frames_a_second` is the lifter's speed, mirror image included, on the clock;
        `frames_a_processor_second` does not count what other programs take.
    """
    conditions = measuring_tracks(reader.body, motions, tracks, frames)
    result: dict[str, object] = {"tracks": tracks, "frames": frames}
    total = len(conditions) * (tracks + fitted)
    done, seconds, cpu_seconds = 0, 0.0, 0.0
    for name, made in conditions.items():
        clips, single = _Tally(), _Tally()
        for number in range(tracks):
            rig = PointRig(made.rig.offsets[number], made.rig.anchors[number])
            begun, begun_cpu = time.perf_counter(), time.process_time()
            turns = reader.lifter.lift(made.points[number]).turns
            seconds += time.perf_counter() - begun
            cpu_seconds += time.process_time() - begun_cpu
            clips.add(rig.points(turns), turns, made, number, slice(None))
            middle = slice(frames // 2, frames // 2 + 1)
            alone = reader.lifter.lift(made.points[number, middle]).turns
            single.add(rig.points(alone), alone, made, number, middle)
            done = _told(progress, done, total)
        entry: dict[str, object] = {"clips": clips.figures(), "single_frames": single.figures()}
        if fitted:
            entry["fitted"] = _fitted(reader, made, fitted)
            done = _told(progress, done + fitted - 1, total)
        result[name] = entry
    lifted = len(conditions) * tracks * frames
    result["frames_a_second"] = round(lifted / max(seconds, 1e-9))
    result["frames_a_processor_second"] = round(lifted / max(cpu_seconds, 1e-9))
    return result


def _told(progress: OnTrack | None, done: int, total: int) -> int:
    if progress is not None:
        progress(done + 1, total)
    return done + 1


class _Tally:
    """Errors over tracks."""

    def __init__(self) -> None:
        self._errors: list[Tensor] = []
        self._apart: list[Tensor] = []

    def add(self, points: Tensor, turns: Tensor, truth: SyntheticTracks, number: int, frames: slice) -> None:
        """Count points (T, 18, 3) and turns (T, D, 3, 3) of some frames of a track."""
        self._errors.append(joint_errors(points, truth.places[number, frames]))
        off = facing_degrees(turns[:, 0]) - facing_degrees(truth.turns[number, frames, 0])
        self._apart.append((torch.remainder(off + 180, 360) - 180).abs())

    def figures(self) -> dict[str, object]:
        """Return the means."""
        errors, apart = torch.cat(self._errors) * 1000, torch.cat(self._apart)
        by_point = {POINT_NAMES[point]: round(float(errors[:, point].mean()), 1) for point in BODY_POINTS}
        return {
            "joint_error_mm": float(errors.mean()),
            "by_point_mm": by_point,
            "facing_within_30": float((apart <= _NEAR).float().mean()),
        }


def _fitted(reader: BodyReader, truth: SyntheticTracks, count: int) -> dict[str, object]:
    from motionwarp.body.fitting import BodyFitter

    fitter, tally = BodyFitter(reader.body), _Tally()
    for number in range(count):
        points = truth.points[number]
        fit = fitter.fit(points, reader.lifter.lift(points).guess())
        drawn = PointRig.of(reader.body, fit.shape(reader.body)).points(fit.turns)
        tally.add(aligned_by_scale(drawn, truth.places[number]), fit.turns, truth, number, slice(None))
    return {"tracks": count, **tally.figures()}
