"""A skeleton of any kind and its motion, as motion capture holds them: names, offsets, rotations by joint and frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from motionwarp.types import FloatArray


@dataclass(frozen=True, eq=False)
class Skeleton:
    """A tree of joints.

    Attributes
    ----------
    names : tuple of str
        One for each of J joints, no two alike.
    parents : tuple of int
        Index of each joint's parent, which comes before it; -1 for the first joint, and for that only.
    offsets : float32 (J, 3)
        From the parent's place to the joint's, in the parent's axes, in the file's unit.
    tips : tuple of (int, (x, y, z))
        Where bones without a further joint end: the joint and the offset from it.
    """

    names: tuple[str, ...]
    parents: tuple[int, ...]
    offsets: FloatArray
    tips: tuple[tuple[int, tuple[float, float, float]], ...] = ()

    def __post_init__(self) -> None:
        offsets = np.ascontiguousarray(self.offsets, dtype=np.float32)
        object.__setattr__(self, "offsets", offsets)
        count = len(self.names)
        if count == 0 or len(self.parents) != count or offsets.shape != (count, 3):
            raise ValueError(f"Skeleton has {count} names, {len(self.parents)} parents, offsets of {offsets.shape}")
        if len(set(self.names)) != count:
            raise ValueError("Skeleton has two joints of one name")
        if self.parents[0] != -1 or any(not 0 <= parent < joint for joint, parent in enumerate(self.parents) if joint):
            raise ValueError("Skeleton needs a first joint without a parent, and every parent before its children")
        if not np.isfinite(offsets).all():
            raise ValueError("Skeleton has offsets that are not finite")
        if any(not 0 <= joint < count or not np.isfinite(offset).all() for joint, offset in self.tips):
            raise ValueError("Skeleton has a tip at no joint, or one that is not finite")

    def __len__(self) -> int:
        return len(self.names)


@dataclass(frozen=True, eq=False)
class MotionClip:
    """The motion of a skeleton over T frames.

    Attributes
    ----------
    skeleton : Skeleton
        Of J joints.
    rotations : float32 (T, J, 3, 3)
        Of each joint against its parent.
    root_positions : float32 (T, 3)
        Of the first joint, in the file's unit and axes.
    frame_rate : float
        Frames a second.
    """

    skeleton: Skeleton
    rotations: FloatArray
    root_positions: FloatArray
    frame_rate: float

    def __post_init__(self) -> None:
        for name in ("rotations", "root_positions"):
            object.__setattr__(self, name, np.ascontiguousarray(getattr(self, name), dtype=np.float32))
        count, joints = len(self.root_positions), len(self.skeleton)
        if self.rotations.shape != (count, joints, 3, 3) or self.root_positions.shape != (count, 3) or count == 0:
            raise ValueError(
                f"MotionClip of {joints} joints has rotations {self.rotations.shape}, "
                f"root positions {self.root_positions.shape}"
            )
        if not (np.isfinite(self.rotations).all() and np.isfinite(self.root_positions).all()):
            raise ValueError("MotionClip has values that are not finite")
        if not (np.isfinite(self.frame_rate) and self.frame_rate > 0):
            raise ValueError(f"MotionClip needs a positive frame rate, got {self.frame_rate}")

    def __len__(self) -> int:
        return len(self.root_positions)

    def world(self) -> tuple[FloatArray, FloatArray]:
        """Return where the joints are and how they are turned.

        Returns
        -------
        positions : float32 (T, J, 3)
            In the file's unit and axes.
        rotations : float32 (T, J, 3, 3)
            From each joint's axes to the file's.
        """
        positions = np.empty((len(self), len(self.skeleton), 3), dtype=np.float32)
        rotations = np.empty_like(self.rotations)
        positions[:, 0] = self.root_positions
        rotations[:, 0] = self.rotations[:, 0]
        for joint, parent in list(enumerate(self.skeleton.parents))[1:]:
            rotations[:, joint] = rotations[:, parent] @ self.rotations[:, joint]
            positions[:, joint] = positions[:, parent] + rotations[:, parent] @ self.skeleton.offsets[joint]
        return positions, rotations
