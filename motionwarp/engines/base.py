"""What an engine is: it turns one source person and target poses into layers of that person.

Work is done in two passes, so that warps can be smoothed over a whole clip while frames are rendered in a stream:

1. `plan` gives a few hundred floats for each frame, `theta`. The pipeline gathers them over the clip and smooths them.
2. `render` turns poses and smoothed `theta` into pixels, a batch of frames at a time.

Both passes are pure functions of their arguments once the engine is prepared: the same frames in other batches give the same
layers, and several threads may call them at once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from motionwarp.types import ByteArray, FloatArray, PersonLayer, SourcePerson


@dataclass(frozen=True)
class RenderSettings:
    """How an engine computes.

    Attributes
    ----------
    device : torch.device
    dtype : torch.dtype
        Of the networks' activations; geometry is always float32.
    width, height : int
        Size of the output frame in pixels.
    keep_parsing : bool
        Whether layers shall carry the classes of their pixels, where the engine can tell them.
    """

    device: torch.device
    dtype: torch.dtype
    width: int
    height: int
    keep_parsing: bool = False


class Engine(ABC):
    """One system of the field, prepared for one source person and one output size.

    Attributes
    ----------
    name : str
    weights_sha256 : str
        Of the file of its weights; empty for an engine without any.
    explains : bool
        Whether `explain` has anything to draw.
    """

    name: str
    weights_sha256: str = ""
    explains: bool = False

    @abstractmethod
    def prepare(self, source: SourcePerson, settings: RenderSettings) -> None:
        """Do once what depends on the source only; must be called before the other methods."""

    @abstractmethod
    def plan(self, target_poses: FloatArray) -> FloatArray:
        """First pass: the warp parameters of each frame.

        Parameters
        ----------
        target_poses : float32 (B, 18, 3)
            In pixels of the output frame, retargeted to the source's proportions.

        Returns
        -------
        float32 (B, D)
            `theta`, flat; D is fixed once the engine is prepared. Entries vary smoothly with the pose, so that a low-pass
            filter over time is meaningful for every one of them.
        """

    @abstractmethod
    def render(self, target_poses: FloatArray, theta: FloatArray) -> Sequence[PersonLayer]:
        """Second pass: the person of each frame.

        Parameters
        ----------
        target_poses : float32 (B, 18, 3)
            As given to `plan`.
        theta : float32 (B, D)
            As returned by `plan`, smoothed over time.

        Returns
        -------
        sequence of B layers
        """

    def explain(self, target_poses: FloatArray, theta: FloatArray) -> Sequence[ByteArray]:
        """Draw what the engine decides for each frame, for people who want to look; arguments as for `render`.

        Returns
        -------
        sequence of B uint8 (h, w, 3), all of one size
        """
        raise NotImplementedError(f"the engine {self.name} draws nothing (explains is False)")
