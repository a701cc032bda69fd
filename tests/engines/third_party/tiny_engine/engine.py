"""The engine: a box around the points, in one color."""

import numpy as np

from motionwarp.checkpoints.checkpoint import load_checkpoint
from motionwarp.engines.base import Engine
from motionwarp.types import PersonLayer


class TinyEngine(Engine):
    """A box around the points, in one color."""

    name = "tiny"

    def __init__(self, weights):
        checkpoint = load_checkpoint(weights, "tiny")
        self.weights_sha256 = checkpoint.sha256
        self.color = np.rint(checkpoint.tensors["color"].float().clamp(0, 1).numpy() * 255).astype(np.uint8)

    def prepare(self, source, settings):
        self.size = np.array([settings.width, settings.height])

    def plan(self, motion):
        xy = motion.points[..., :2]
        return np.concatenate([xy.min(1), xy.max(1)], axis=1)

    def render(self, motion, theta):
        layers = []
        for row in theta:
            low, high = np.clip(np.rint(row.reshape(2, 2)), 0, self.size - 1).astype(int)
            box = np.full((*(high - low + 1)[::-1], 4), 255, np.uint8)
            box[..., :3] = self.color
            layers.append(PersonLayer(box, int(low[0]), int(low[1])))
        return layers
