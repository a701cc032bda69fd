"""The systems that are compared: engines, and the still copy of the source as the least that any of them must beat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import numpy as np

from motionwarp.engines.base import Engine, Motion, RenderSettings
from motionwarp.engines.registry import make_engine
from motionwarp.errors import OptionError
from motionwarp.evaluation.frame_metrics import RenderedView, TargetView
from motionwarp.pipeline.compositing import composite
from motionwarp.types import ByteArray, FloatArray, PersonLayer, SourcePerson

COPY: Final = "copy"


@dataclass(frozen=True, eq=False)
class SourceView:
    """The source as systems get it.

    Attributes
    ----------
    person : SourcePerson
        For engines, with the labels that the protocol gives them.
    framed : TargetView
        The source framed as targets are, on the same background.
    backdrop : uint8 (h, w, 3)
        What results are laid on.
    """

    person: SourcePerson
    framed: TargetView
    backdrop: ByteArray


class RenderingSystem(Protocol):
    """One system: prepared for a source, then asked for frames in the two passes of `Engine`."""

    name: str

    def prepare(self, source: SourceView, settings: RenderSettings) -> None:
        """Do once what depends on the source only."""
        ...

    def plan(self, target_poses: FloatArray) -> FloatArray:
        """Return float32 (B, D) for poses float32 (B, 18, 3) in pixels of the results."""
        ...

    def render(self, target_poses: FloatArray, theta: FloatArray) -> list[RenderedView]:
        """Return the pictures of B frames."""
        ...


class EngineSystem:
    """An engine, its person layer composited on the protocol's background."""

    def __init__(self, name: str, engine: Engine) -> None:
        self.name = name
        self.engine = engine
        self._backdrop: ByteArray | None = None
        self._size = 0, 0

    def prepare(self, source: SourceView, settings: RenderSettings) -> None:
        """Prepare the engine."""
        self.engine.prepare(source.person, settings)
        self._backdrop = source.backdrop
        self._size = settings.width, settings.height

    def plan(self, target_poses: FloatArray) -> FloatArray:
        """Run the engine's first pass."""
        return self.engine.plan_points(target_poses, *self._size)

    def render(self, target_poses: FloatArray, theta: FloatArray) -> list[RenderedView]:
        """Run the engine's second pass."""
        if self._backdrop is None:
            raise RuntimeError("EngineContestant.prepare must be called before render")
        return [on_backdrop(self._backdrop, layer) for layer in self.engine.render(Motion(target_poses), theta)]


class CopySystem:
    """The source as it is, framed on itself: what a system that does nothing would give."""

    name = COPY

    def __init__(self) -> None:
        self._source: TargetView | None = None

    def prepare(self, source: SourceView, settings: RenderSettings) -> None:
        """Keep the source's picture."""
        self._source = source.framed

    def plan(self, target_poses: FloatArray) -> FloatArray:
        """Return nothing for every frame, float32 (B, 0)."""
        return np.zeros((len(target_poses), 0), dtype=np.float32)

    def render(self, target_poses: FloatArray, theta: FloatArray) -> list[RenderedView]:
        """Return the source for every frame."""
        if self._source is None:
            raise RuntimeError("CopyContestant.prepare must be called before render")
        return [self._source] * len(target_poses)


def make_systems(names: Sequence[str]) -> list[RenderingSystem]:
    """Make systems.

    Parameters
    ----------
    names : sequence of str
        "copy", or what `make_engine` takes: names of engines or files.

    Raises
    ------
    OptionError
        If there is none, one is given twice, or there is no such engine.
    """
    systems = [_make_system(name) for name in names]
    labels = [system.name for system in systems]
    if not labels or len(set(labels)) < len(labels):
        raise OptionError(
            f"engines to be compared must differ, got {', '.join(labels) or 'none'}",
            values={"engine": ", ".join(names)},
            remedy="Name every engine once; files need different names",
        )
    return systems


def _make_system(name: str) -> RenderingSystem:
    if name == COPY:
        return CopySystem()
    engine = make_engine(name)
    # several files may hold one engine's weights, so files go by their own names
    return EngineSystem(Path(name).stem if Path(name).suffix else engine.name, engine)


def on_backdrop(backdrop: ByteArray, layer: PersonLayer) -> RenderedView:
    """Lay a person over a picture, uint8 (H, W, 3), which is left as it is."""
    matte = np.zeros(backdrop.shape[:2], dtype=np.float32)
    height, width = layer.rgba.shape[:2]
    matte[layer.top : layer.top + height, layer.left : layer.left + width] = layer.rgba[..., 3] / np.float32(255)
    return RenderedView(composite(layer, backdrop.copy()), matte)
