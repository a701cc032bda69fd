"""FID and Inception Score: figures of all results at once, from one network's features."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch

from motionwarp.evaluation.extractors.files import FeatureWeights
from motionwarp.evaluation.extractors.inception import FidInception
from motionwarp.evaluation.metrics.frechet import FeatureMoments, frechet_distance
from motionwarp.evaluation.metrics.inception_score import inception_score
from motionwarp.evaluation.pairs.network_figures import picture_batch
from motionwarp.types import FloatArray

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


class InceptionSeer:
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


def set_figures(results: Seen, truths: Seen) -> dict[str, float]:
    """Return FID and IS of a set of results.

    Parameters
    ----------
    results, truths : Seen
        Of at least two pictures each.
    """
    count = len(results.probabilities)
    return {
        "fid": frechet_distance(results.moments, truths.moments),
        "is": inception_score(results.probabilities, min(SPLITS, count)).mean,
    }
