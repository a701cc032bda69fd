"""What an avatar's sheets are made over: the fitted body, and a lattice of vertices over a part of the photo."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from motionwarp.types import FloatArray

IntArray = npt.NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class BodySurface:
    """The fitted body as the photo's camera sees it.

    Attributes
    ----------
    vertices : float32 (V, 3)
        In pixels of the photo, z away from the camera.
    faces : int32 (F, 3)
    parts : uint8 (V,)
        Part of each vertex.
    weights : float32 (V, B)
        How much each of the B driven bones moves it; rows sum to 1.
    """

    vertices: FloatArray
    faces: IntArray
    parts: npt.NDArray[np.uint8]
    weights: FloatArray

    def __post_init__(self) -> None:
        count = len(self.vertices)
        if self.vertices.shape != (count, 3) or self.parts.shape != (count,) or len(self.weights) != count:
            raise ValueError(
                f"BodySurface needs vertices (V, 3), parts (V,) and weights (V, B), got {self.vertices.shape}, "
                f"{self.parts.shape} and {self.weights.shape}"
            )


@dataclass(frozen=True, eq=False)
class Lattice:
    """Vertices in rows and columns over the box of a part.

    Attributes
    ----------
    left, top : float
        Of the first vertex, in pixels of the photo.
    step : float
        Between neighbors, in pixels.
    rows, columns : int
    """

    left: float
    top: float
    step: float
    rows: int
    columns: int

    @property
    def xy(self) -> FloatArray:
        """Where the vertices are, float32 (rows, columns, 2)."""
        y, x = np.mgrid[0 : self.rows, 0 : self.columns].astype(np.float32)
        return np.stack([self.left + x * self.step, self.top + y * self.step], axis=-1).astype(np.float32)

    def sampled(self, field: FloatArray, border: float) -> FloatArray:
        """Return a field (H, W) over the photo at the vertices, float32 (rows, columns); `border` beyond the photo."""
        xy = self.xy
        return np.asarray(
            cv2.remap(
                field.astype(np.float32), xy[..., 0], xy[..., 1], cv2.INTER_LINEAR,
                borderMode=cv2.BORDER_CONSTANT, borderValue=border,
            ),
            dtype=np.float32,
        )  # fmt: skip
