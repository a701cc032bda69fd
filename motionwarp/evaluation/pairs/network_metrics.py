"""Metrics of pairs that need a network: the analyzer's points and parsings, and LPIPS."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch

from motionwarp.errors import MotionwarpError, NoPersonError
from motionwarp.evaluation.extractors.backbones import Lpips
from motionwarp.evaluation.extractors.files import FeatureWeights
from motionwarp.evaluation.extractors.inception import FidInception
from motionwarp.evaluation.metrics.masks import matte_iou, mean_iou
from motionwarp.evaluation.metrics.pose import pose_agreement
from motionwarp.evaluation.metrics.sets import FeatureMoments, frechet_distance, inception_score
from motionwarp.evaluation.options import BackboneName, WidthFit
from motionwarp.evaluation.pairs.image_metrics import PictureOutcome, PictureTask
from motionwarp.evaluation.pairs.people import People
from motionwarp.evaluation.pairs.render import fitted, moved_points
from motionwarp.media.image import read_image
from motionwarp.parsing.labels import CLASS_COUNT
from motionwarp.types import ByteArray, FloatArray

# what the weights of each variant of LPIPS are called
LPIPS_WEIGHTS: Final[dict[BackboneName, tuple[str, str]]] = {
    "alex": ("alexnet", "lpips-alex"),
    "vgg": ("vgg16", "lpips-vgg"),
    "squeeze": ("squeezenet", "lpips-squeeze"),
}


@dataclass(frozen=True)
class NamedTask:
    """One pair to be measured by what is seen of its people.

    Attributes
    ----------
    target : str
        Name of the truth, for its annotation.
    task : PictureTask
    """

    target: str
    task: PictureTask


def pose_metrics(tasks: Sequence[NamedTask], people: People, fit: WidthFit) -> Iterator[PictureOutcome]:
    """Yield AKD, MKR and PCKh of results, one outcome a task; see `metrics.keypoints`.

    The truth's points are the published ones, or what the analyzer sees in the truth; the result's are what it sees
    there.
    """
    for named in tasks:
        try:
            result, _, moved = _pictures(named.task, fit)
            truth = moved_points(people.pose(named.target, named.task.truth).points, moved)
            try:
                seen = people.estimator.analyze_picture(result).pose.points
            except NoPersonError:
                seen = None
            agreement = pose_agreement(seen, truth)
            metrics = {"akd": agreement.average_distance, "mkr": agreement.missing_rate, "pckh": agreement.pckh}
            yield PictureOutcome(metrics)
        except MotionwarpError as error:
            yield PictureOutcome({}, str(error))


def parsing_metrics(tasks: Sequence[NamedTask], people: People, fit: WidthFit) -> Iterator[PictureOutcome]:
    """Yield the mIoU of the results' parsings and the truths', and the IoU of their mattes, one outcome a task.

    Both are read by the analyzer, framed by one and the same points, so that only what is in the pictures can differ.
    """
    for named in tasks:
        try:
            result, truth, moved = _pictures(named.task, fit)
            pose = people.pose(named.target, named.task.truth).transformed([[1, 0, moved[0]], [0, 1, moved[1]]])
            (parsing, matte), (true_parsing, true_matte) = (people.seen(rgb, pose) for rgb in (result, truth))
            metrics = {
                "parsing_miou": mean_iou(parsing, true_parsing, CLASS_COUNT),
                "matte_iou": matte_iou(matte, true_matte),
            }
            yield PictureOutcome(metrics)
        except MotionwarpError as error:
            yield PictureOutcome({}, str(error))


def load_lpips(name: BackboneName, weights: FeatureWeights, device: torch.device) -> Lpips:
    """Return LPIPS with its published weights.

    Raises
    ------
    WeightsError
        If they are not here or not the published ones.
    """
    network = Lpips(name)
    backbone, heads = LPIPS_WEIGHTS[name]
    network.load(weights.read(backbone), weights.read(heads))
    return network.to(device)


def lpips_metrics(
    tasks: Sequence[NamedTask], network: Lpips, device: torch.device, fit: WidthFit
) -> Iterator[PictureOutcome]:
    """Yield LPIPS of results and truths, one outcome a task."""
    for named in tasks:
        try:
            result, truth, _ = _pictures(named.task, fit)
            with torch.inference_mode():
                distance = network(_tensor(result, device), _tensor(truth, device))
            yield PictureOutcome({"lpips": float(distance)})
        except MotionwarpError as error:
            yield PictureOutcome({}, str(error))


def _pictures(task: PictureTask, fit: WidthFit) -> tuple[ByteArray, ByteArray, tuple[int, int]]:
    return fitted(read_image(task.result).rgb, read_image(task.truth).rgb, fit)


def _tensor(picture: ByteArray, device: torch.device) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(picture)).to(device).permute(2, 0, 1)[None].float() / 255


def picture_batch(paths: Sequence[Path], device: torch.device) -> torch.Tensor:
    """Return pictures of one size as a float tensor (B, 3, H, W), RGB in [0, 1].

    Raises
    ------
    MediaError
        If one cannot be read.
    """
    return torch.cat([_tensor(read_image(path).rgb, device) for path in paths])


INCEPTION: Final = "inception"
SPLITS: Final = 10
_BATCH: Final = 16


@dataclass(frozen=True, eq=False)
class Seen:
    """What the network makes of a set of pictures.

    Attributes
    ----------
    moments : FeatureMoments
    probabilities : float32 (N, 1008)
    """

    moments: FeatureMoments
    probabilities: FloatArray


class InceptionFeatures:
    """Features and class probabilities of pictures.

    Parameters
    ----------
    weights : FeatureWeights
    device : torch.device

    Raises
    ------
    WeightsError
        If the published weights are not here.
    """

    def __init__(self, weights: FeatureWeights, device: torch.device) -> None:
        self.network = FidInception()
        self.network.load_state_dict(weights.read(INCEPTION))
        self.network.to(device)
        self.device = device

    def see(self, paths: Sequence[Path]) -> Seen:
        """Read pictures, any sizes; memory grows by 4 kB a picture.

        Raises
        ------
        MediaError
            If one cannot be read.
        """
        moments = FeatureMoments(self.network.fc.in_features)
        probabilities = []
        for batch in _equal_batches(paths, self.device):
            with torch.inference_mode():
                features, classes = self.network(batch)
            moments.add(features.float().cpu().numpy())
            probabilities.append(classes.float().cpu().numpy())
        return Seen(moments, np.concatenate(probabilities))


def _equal_batches(paths: Sequence[Path], device: torch.device) -> Iterator[torch.Tensor]:
    """Yield pictures in order, in batches of one size; where the size changes, a batch ends."""
    held: list[torch.Tensor] = []
    for path in paths:
        picture = picture_batch([path], device)
        if held and (len(held) == _BATCH or picture.shape != held[0].shape):
            yield torch.cat(held)
            held = []
        held.append(picture)
    if held:
        yield torch.cat(held)


def set_metrics(results: Seen, truths: Seen) -> dict[str, float]:
    """Return FID and IS of a set of results.

    Parameters
    ----------
    results, truths : Seen
        Features of at least two pictures each.
    """
    count = len(results.probabilities)
    return {
        "fid": frechet_distance(results.moments, truths.moments),
        "is": inception_score(results.probabilities, min(SPLITS, count)).mean,
    }
