"""Pictures that engines make for pairs, kept on disk so that a run that is repeated renders only what is missing."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch

from motionwarp.data.protocols import PairNames
from motionwarp.engines.base import Engine, Motion, RenderSettings
from motionwarp.engines.registry import make_engine
from motionwarp.errors import InputError, MotionwarpError
from motionwarp.evaluation.options import WidthFit
from motionwarp.evaluation.pairs.people import People
from motionwarp.media.image import read_image, write_image
from motionwarp.pipeline.compositing import composite
from motionwarp.types import ByteArray, FloatArray

_WHITE: Final = 255


def fitted(result: ByteArray, truth: ByteArray, fit: WidthFit) -> tuple[ByteArray, ByteArray, tuple[int, int]]:
    """Return result and truth of one size.

    Parameters
    ----------
    result, truth : uint8 (H, W, 3)
    fit : "exact", "crop" or "pad"
        What to do where one is narrower than the other, as with DeepFashion at 256x176 and 256x256: refuse; cut the
        wider one's sides off evenly; or widen the narrower one evenly with white, as PATN's script does.

    Returns
    -------
    result, truth : uint8 (h, w, 3)
    moved : (int, int)
        Columns and rows to be added to points of the given truth.

    Raises
    ------
    InputError
        If heights differ, or widths where that is not allowed.
    """
    if result.shape == truth.shape:
        return result, truth, (0, 0)
    sizes = f"the result is {_size(result)} and the truth {_size(truth)}"
    if result.shape[0] != truth.shape[0]:
        raise InputError(sizes, remedy="Scale the results as the protocol says; metrics depend on how it is done.")
    if fit == "exact":
        raise InputError(sizes, remedy="Choose `fit=crop` or `fit=pad` if that is what the protocol does.")
    narrow, wide = sorted((result.shape[1], truth.shape[1]))
    offset = (wide - narrow) // 2
    if fit == "crop":
        moved = -offset if truth.shape[1] == wide else 0
        return _cut(result, offset, narrow), _cut(truth, offset, narrow), (moved, 0)
    moved = offset if truth.shape[1] == narrow else 0
    return _widened(result, offset, wide), _widened(truth, offset, wide), (moved, 0)


def moved_points(points: FloatArray, moved: tuple[int, int]) -> FloatArray:
    """Return points moved along with the truth, float32 (18, 3)."""
    if moved == (0, 0):
        return points
    return points + np.array([*moved, 0], dtype=np.float32)


def _cut(picture: ByteArray, offset: int, width: int) -> ByteArray:
    return picture if picture.shape[1] == width else np.ascontiguousarray(picture[:, offset : offset + width])


def _widened(picture: ByteArray, offset: int, width: int) -> ByteArray:
    if picture.shape[1] == width:
        return picture
    canvas = np.full((picture.shape[0], width, 3), _WHITE, dtype=np.uint8)
    canvas[:, offset : offset + picture.shape[1]] = picture
    return canvas


def _size(picture: ByteArray) -> str:
    return f"{picture.shape[1]}x{picture.shape[0]}"


@dataclass(frozen=True)
class RenderTask:
    """One pair to be rendered.

    Attributes
    ----------
    pair : PairNames
    source, target : Path
        The pictures.
    result : Path
        Where the result is to be.
    """

    pair: PairNames
    source: Path
    target: Path
    result: Path


@dataclass(frozen=True)
class Rendered:
    """What came of a task.

    Attributes
    ----------
    task : RenderTask
    error : str or None
        Why there is no picture.
    seconds : float
        Of both of the engine's passes, without what is done once for a source; NaN if there is no picture.
    """

    task: RenderTask
    error: str | None = None
    seconds: float = math.nan


class PairRenderer:
    """Gives the source person of each pair the target's pose, in the target's frame.

    Both pictures of a pair show one person at one scale, as all published protocols have it: the target's points are
    taken as they are, without retargeting.

    Parameters
    ----------
    engine : str
        What `make_engine` takes.
    people : People
    device : torch.device
    dtype : torch.dtype
    """

    def __init__(self, engine: str, people: People, device: torch.device, dtype: torch.dtype) -> None:
        self.engine: Engine = make_engine(engine)
        self.people = people
        self.device, self.dtype = device, dtype
        self._prepared_for: tuple[str, int, int] | None = None

    def render_all(self, tasks: Sequence[RenderTask]) -> Iterator[Rendered]:
        """Render pairs and write their pictures; pairs of one source follow each other, so that it is prepared once.

        Yields
        ------
        Rendered
            One for each task, as soon as its picture is on disk, not in the given order.
        """
        for task in sorted(tasks, key=lambda each: each.pair.source):
            try:
                picture, seconds = self._render(task)
                write_image(task.result, picture, overwrite=True)
                yield Rendered(task, seconds=seconds)
            except (MotionwarpError, ValueError) as error:
                # an engine that was interrupted by an error may hold half a source
                self._prepared_for = None
                yield Rendered(task, str(error))

    def _render(self, task: RenderTask) -> tuple[ByteArray, float]:
        """Return a pair's picture, and the seconds that the engine took for it."""
        source = self.people.source(task.pair.source, task.source)
        width, height = _size_of(task.target)
        if source.size != (width, height):
            raise InputError(
                f"the source is {source.size[0]}x{source.size[1]} and the target {width}x{height}",
                subject=task.target,
                remedy="Pairs need pictures of one size; scale them as the protocol says.",
            )
        pose = self.people.pose(task.pair.target, task.target)
        wanted = (task.pair.source, width, height)
        if self._prepared_for != wanted:
            self.engine.prepare(source.person, RenderSettings(self.device, self.dtype, width, height))
            self._prepared_for = wanted
        points = np.ascontiguousarray(pose.points[None])
        begin = time.perf_counter()
        layer = self.engine.render(Motion(points), self.engine.plan_points(points, width, height))[0]
        seconds = time.perf_counter() - begin
        return composite(layer, source.plate.copy()), seconds


def _size_of(path: Path) -> tuple[int, int]:
    picture = read_image(path)
    return picture.width, picture.height
