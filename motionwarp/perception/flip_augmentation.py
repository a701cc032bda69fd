"""Reading pictures and their mirror images with the same network, and taking the mean: slower and surer."""

from __future__ import annotations

from typing import Final

import numpy as np
import torch

from motionwarp.parsing.labels import MIRROR as CLASS_MIRROR
from motionwarp.perception.inference import NetworkPredictor, Predictions
from motionwarp.perception.network import AnalyzerOutput, point_probabilities
from motionwarp.pose.skeleton import MIRROR as POINT_MIRROR
from motionwarp.types import ByteArray, FloatArray

_LEAST_PROBABILITY: Final = 1e-9
# scores between which a point is in doubt: above, nearly all are right; below, what is not in the picture is known to
# be absent
_DOUBTFUL: Final = (0.15, 0.85)


class FlipPredictor:
    """Reads every picture both ways round, with parsing and matte: for single pictures, where time is no matter."""

    def __init__(self, reader: NetworkPredictor) -> None:
        self._reader = reader

    def __call__(self, pictures: ByteArray, dense: bool) -> Predictions:
        """Read pictures; see `CropPredictor`. Parsing and matte are always read."""
        return self._reader.in_chunks(self._read, pictures, True)

    @torch.inference_mode()
    def _read(self, pictures: ByteArray, dense: bool) -> Predictions:
        output = self._reader.output(pictures, dense)
        return self._reader.readings(_mean(output, _mirrored(self._reader, pictures, dense)), dense)


class SelectiveFlipPredictor:
    """Reads every picture once, and those with a point in doubt also the other way round: for clips."""

    def __init__(self, reader: NetworkPredictor) -> None:
        self._reader = reader

    def __call__(self, pictures: ByteArray, dense: bool) -> Predictions:
        """Read pictures; see `CropPredictor`."""
        return self._reader.in_chunks(self._read, pictures, dense)

    @torch.inference_mode()
    def _read(self, pictures: ByteArray, dense: bool) -> Predictions:
        output = self._reader.output(pictures, dense)
        once = self._reader.readings(output, dense)
        chosen = np.flatnonzero(in_doubt(once.points))
        if not len(chosen):
            return once
        doubtful = output._replace(
            **{name: plane[chosen] for name, plane in output._asdict().items() if plane is not None and len(plane)}
        )
        again = self._reader.readings(_mean(doubtful, _mirrored(self._reader, pictures[chosen], dense)), dense)
        once.points[chosen] = again.points
        if once.facing is not None and again.facing is not None:
            once.facing[chosen] = again.facing
        if (
            once.parsing is not None
            and once.matte is not None
            and again.parsing is not None
            and again.matte is not None
        ):
            once.parsing[chosen], once.matte[chosen] = again.parsing, again.matte
        return once


def in_doubt(points: FloatArray) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Tell of points (N, 18, 3) in which pictures any is neither surely seen nor surely absent, bool (N,)."""
    low, high = _DOUBTFUL
    return np.asarray(((points[..., 2] > low) & (points[..., 2] < high)).any(axis=1))


def _mirrored(reader: NetworkPredictor, pictures: ByteArray, dense: bool) -> AnalyzerOutput:
    """Return what is said of the mirror images of pictures, for the pictures themselves."""
    output = reader.output(np.ascontiguousarray(pictures[:, :, ::-1]), dense)
    points, classes = list(POINT_MIRROR), list(CLASS_MIRROR)
    back = output._replace(
        heatmap_logits=output.heatmap_logits.flip(-1)[:, points],
        absent_logits=output.absent_logits[:, points],
        facing=None if output.facing is None else output.facing * output.facing.new_tensor([1.0, -1.0, 1.0]),
    )
    if not dense:
        return back
    return back._replace(
        parsing_logits=output.parsing_logits.flip(-1)[:, classes], matte_logits=output.matte_logits.flip(-1)
    )


def _mean(one: AnalyzerOutput, other: AnalyzerOutput) -> AnalyzerOutput:
    """Return the mean of two opinions: of probabilities, as logits again."""
    cells, absent = zip(*(point_probabilities(output) for output in (one, other)), strict=True)
    mean = one._replace(
        heatmap_logits=((cells[0] + cells[1]) / 2).clamp_min(_LEAST_PROBABILITY).log(),
        absent_logits=((absent[0] + absent[1]) / 2).clamp_min(_LEAST_PROBABILITY).log(),
        facing=None if one.facing is None or other.facing is None else (one.facing + other.facing) / 2,
    )
    if not len(one.parsing_logits):
        return mean
    parsing = (one.parsing_logits.float().softmax(1) + other.parsing_logits.float().softmax(1)) / 2
    return mean._replace(
        parsing_logits=parsing.clamp_min(_LEAST_PROBABILITY).log(),
        matte_logits=(one.matte_logits.float() + other.matte_logits.float()) / 2,
    )
