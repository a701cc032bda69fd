"""The interface of engines: one turns one source person and target poses into layers of that person.

Work is done in two passes, so that warps can be smoothed over a whole clip while frames are rendered in a stream:

1. `plan` gives a few hundred floats for each frame, `theta`. The pipeline gathers them over the clip and smooths them.
2. `render` turns poses and smoothed `theta` into pixels, a batch of frames at a time.

Both passes are pure functions of their arguments once the engine is prepared: the same frames in other batches give the
same layers, and several threads may call them at once. What an engine offers beside it (its name, weights, training) is
said by its `EngineSpec`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import torch

from motionwarp.body.body_motion import BodyMotion
from motionwarp.body.body_track import BodyTrack
from motionwarp.body.performing import CameraPath, Travel
from motionwarp.types import POINT_COUNT, ByteArray, FloatArray, PersonLayer, PoseTrack, SourcePerson

_NOMINAL_RATE: Final = 25.0  # frames a second where nobody says otherwise


@dataclass(frozen=True, eq=False)
class Motion:
    """The motion that a person is given, frame by frame.

    Attributes
    ----------
    points : float32 (T, 18, 3)
        x, y in pixels of the output frame and the score, retargeted to the source's proportions.
    rotations : float32 (T, J, 6) or None
        Rotations of the body's joints against their parents, 6D (Zhou et al. 2019); the root's is the body's
        orientation. None where only the points are known.
    root : float32 (T, 3) or None
        Position of the root joint in meters, y down and z away from the camera; together with `rotations` only.
    camera : float32 (T, 3) or None
        Weak perspective: pixels of the output frame for each meter, and where the root's x = y = 0 lies; together with
        `rotations` only.
    notes : tuple of str
        What a user should know of how the motion was followed.

    Raises
    ------
    ValueError
        If a shape is another one, the lengths differ, or rotations come without root and camera.
    """

    points: FloatArray
    rotations: FloatArray | None = None
    root: FloatArray | None = None
    camera: FloatArray | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.points.ndim != 3 or self.points.shape[1:] != (POINT_COUNT, 3):
            raise ValueError(f"Motion needs points of shape (T, {POINT_COUNT}, 3), got {self.points.shape}")
        body = (self.rotations, self.root, self.camera)
        if len({each is None for each in body}) > 1:
            raise ValueError("Motion needs rotations, root and camera together, or none of them")
        for name, values, shape in (
            ("rotations", self.rotations, (len(self), None, 6)),
            ("root", self.root, (len(self), 3)),
            ("camera", self.camera, (len(self), 3)),
        ):
            if values is not None and not _fits(values.shape, shape):
                raise ValueError(f"Motion needs {name} of shape {shape} for {len(self)} frames, got {values.shape}")

    def __len__(self) -> int:
        return len(self.points)

    def __getitem__(self, frames: slice | npt.NDArray[np.int64]) -> Motion:
        """Return the motion of some frames: a slice, or their numbers."""
        parts = (self.points, self.rotations, self.root, self.camera)
        return Motion(*(None if part is None else part[frames] for part in parts))  # type: ignore[arg-type]

    def moved(self, matrix: npt.ArrayLike) -> Motion:
        """Return the motion in a frame to which an even map (2, 3) leads from this one."""
        affine = np.asarray(matrix, dtype=np.float64)
        points = self.points.copy()
        points[..., :2] = points[..., :2].astype(np.float64) @ affine[:, :2].T + affine[:, 2]
        points[points[..., 2] == 0] = 0.0
        camera = self.camera
        if camera is not None:
            place = camera[:, 1:].astype(np.float64) @ affine[:, :2].T + affine[:, 2]
            camera = np.column_stack([camera[:, 0] * affine[0, 0], place]).astype(np.float32)
        return Motion(points, self.rotations, self.root, camera)


def _fits(shape: tuple[int, ...], wanted: tuple[int | None, ...]) -> bool:
    return len(shape) == len(wanted) and all(
        own == asked or asked is None for own, asked in zip(shape, wanted, strict=True)
    )


@dataclass(frozen=True)
class RenderSettings:
    """How an engine computes.

    Attributes
    ----------
    device : torch.device
    dtype : torch.dtype
        Type of the networks' activations; geometry is always float32.
    width, height : int
        Size of the output frame in pixels.
    keep_parsing : bool
        Whether layers shall carry the classes of their pixels, where the engine can tell them.
    photo_to_frame : float (2, 3) or None
        From pixels of the source to those of the frame where the source's own picture lies behind the person; else
        None.
    holds_cut : bool
        Whether a person whom their photo cuts off may be moved so that the cut is not seen: not where the driving
        person's place is theirs.
    """

    device: torch.device
    dtype: torch.dtype
    width: int
    height: int
    keep_parsing: bool = False
    photo_to_frame: FloatArray | None = None
    holds_cut: bool = False


@dataclass(frozen=True, eq=False)
class Staging:
    """Where a person performs captured motion, and who looks.

    Attributes
    ----------
    path : CameraPath
        When the frames are, and from which side each is seen.
    photo_to_frame : float (2, 3)
        From pixels of the source to those of the frame, evenly: where the person stands.
    width, height : int
        Size of the output frame in pixels.
    travel : "auto", "keep" or "spot"
        See `motionwarp.body.performing.perform`.
    is_cut : bool
        Whether the source's picture cuts the person off below.
    """

    path: CameraPath
    photo_to_frame: FloatArray
    width: int
    height: int
    travel: Travel = "auto"
    is_cut: bool = False


class Engine(ABC):
    """One system of the field, prepared for one source person and one output size.

    Attributes
    ----------
    name : str
    weights_sha256 : str
        Checksum of the file of its weights; empty for an engine without any.
    explains : bool
        Whether `explain` has anything to draw.
    notes : tuple of str
        What a user should know of the source that was prepared.
    has_body : bool
        Whether it fits a body to the source, which `perform` moves and `seen_from` turns.
    keeps_pixels : bool
        Whether all that is drawn of the person are the photo's own pixels, moved or copied; False where a trained
        network draws. Files tell it (`pipeline/provenance.py`).
    """

    name: str
    weights_sha256: str = ""
    explains: bool = False
    notes: tuple[str, ...] = ()
    has_body: bool = False
    keeps_pixels: bool = False

    def get_ready(self) -> None:
        """Do what `prepare` would do whatever the source, such as reading further files, while others look at it.

        May be called in a thread, before `prepare`, which does without as well and raises whatever is raised here.
        """
        return

    @abstractmethod
    def prepare(self, source: SourcePerson, settings: RenderSettings) -> None:
        """Do once what depends on the source only; must be called before the other methods."""

    def follow(self, track: PoseTrack) -> Motion:
        """Return the motion that `plan` and `render` take, of a whole clip at once.

        Parameters
        ----------
        track : PoseTrack
            In pixels of the output frame, retargeted to the source's proportions.

        Returns
        -------
        Motion
            The points alone, unless the engine has a body that it fits to them.
        """
        return Motion(track.points)

    def perform(self, capture: BodyMotion, staging: Staging) -> tuple[Motion, bool]:
        """Let the source's own body move as motion capture says; only for engines that have a body.

        Parameters
        ----------
        capture : BodyMotion
        staging : Staging

        Returns
        -------
        motion : Motion
        is_on_the_spot : bool
            Whether the way that the capture goes was left out.
        """
        raise NotImplementedError(f"the engine {self.name} has no body (has_body is False)")

    def seen_from(self, motion: Motion, degrees: npt.NDArray[np.float64]) -> Motion:
        """Return a motion as it is seen from other sides; only for engines that have a body.

        Parameters
        ----------
        motion : Motion
            As from `follow`.
        degrees : float64 (T,)
            As in `motionwarp.body.performing.CameraPath`.
        """
        raise NotImplementedError(f"the engine {self.name} has no body (has_body is False)")

    def kept_aside(self, motion: Motion) -> float:
        """Return by how many degrees `seen_from` best turns a motion, so that what the photo shows stays in sight.

        Parameters
        ----------
        motion : Motion
            As from `follow`.

        Returns
        -------
        float
            0 for engines without a body, and for photos that show somebody from the front.
        """
        return 0.0

    def plan_points(self, points: FloatArray, width: int, height: int) -> FloatArray:
        """Follow and plan frames that are no clip of their own, as evaluations have them.

        Parameters
        ----------
        points : float32 (T, 18, 3)
            In pixels of the output frame.
        width, height : int
            Of that frame.

        Returns
        -------
        float32 (T, D)
            As from `plan`.
        """
        present = np.asarray((points[..., 2] > 0).any(axis=1), dtype=np.bool_)
        times = np.arange(len(points), dtype=np.float64) / _NOMINAL_RATE
        return self.plan(self.follow(PoseTrack(points, present, times, width, height)))

    @abstractmethod
    def plan(self, motion: Motion) -> FloatArray:
        """First pass: the warp parameters of each frame.

        Parameters
        ----------
        motion : Motion
            B frames of motion.

        Returns
        -------
        float32 (B, D)
            `theta`, flat; D is fixed once the engine is prepared. Entries vary smoothly with the pose, so that a
            low-pass filter over time is meaningful for every one of them.
        """

    def bodies(self, motion: Motion, theta: FloatArray) -> BodyTrack | None:
        """Return the bodies that `render` draws, in space: the truth of data sets; arguments as for `render`.

        Returns
        -------
        BodyTrack or None
            None for an engine that knows nothing of the third dimension.
        """
        return None

    @abstractmethod
    def render(self, motion: Motion, theta: FloatArray) -> Sequence[PersonLayer]:
        """Second pass: the person of each frame.

        Parameters
        ----------
        motion : Motion
            As given to `plan`.
        theta : float32 (B, D)
            As returned by `plan`, smoothed over time.

        Returns
        -------
        sequence of B layers
        """

    def explain(self, motion: Motion, theta: FloatArray) -> Sequence[ByteArray]:
        """Draw what the engine decides for each frame, for people who want to look; arguments as for `render`.

        Returns
        -------
        sequence of B uint8 (h, w, 3), all of one size
        """
        raise NotImplementedError(f"the engine {self.name} draws nothing (explains is False)")
