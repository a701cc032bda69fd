"""The person of a photo, ready to be drawn in any pose at once."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import torch

from motionwarp.devices import resolve_device, resolve_precision
from motionwarp.engines.base import Engine, Motion, RenderSettings
from motionwarp.engines.registry import make_engine
from motionwarp.errors import OptionError
from motionwarp.live.mark import draw_mark
from motionwarp.live.options import LiveOptions
from motionwarp.perception.base import Estimator
from motionwarp.pipeline.background import FrameBackground, make_background
from motionwarp.pipeline.compositing import composite
from motionwarp.pipeline.layout import contain, output_size
from motionwarp.pipeline.options import BackgroundKind, TransferOptions
from motionwarp.pipeline.source import PreparedSource, fitted_to, prepare_source, read_source
from motionwarp.types import ByteArray, FloatArray


class LivePuppet:
    """One person, one background, one size of the picture.

    Attributes
    ----------
    width, height : int
        Of the picture, in pixels.
    source : PreparedSource
    source_to_frame : float32 (2, 3)
        From pixels of the photo to those of the picture.
    engine : str

    Parameters
    ----------
    photo : Path
    options : LiveOptions
    estimator : Estimator

    Raises
    ------
    InputError
        One of its kinds, if the photo or an option is at fault.
    """

    def __init__(self, photo: Path, options: LiveOptions, estimator: Estimator) -> None:
        engine = make_engine(options.engine)
        if type(engine).follow is not Engine.follow:
            raise OptionError(
                "fits a body to a whole clip, which a camera does not have",
                values={"engine": options.engine},
                remedy="Use `engine=layered`",
            )
        device = resolve_device(options.device)
        seeing = TransferOptions(
            person=options.person, background=options.background, seed=options.seed, device=options.device,
            precision=options.precision,
        )  # fmt: skip
        self.source: PreparedSource = prepare_source(read_source(photo, seeing), seeing, estimator)
        kind = options.background_choice.kind
        self.width, self.height = frame = output_size(self.source.size, self.source.size, kind, options.output_size)
        fit = contain(self.source.size, frame)
        self.source_to_frame: FloatArray = fit.matrix(*self.source.size)
        person = fitted_to(self.source.person, fit.long_side)
        at_home = fit.matrix(*person.rgb.shape[1::-1]) if kind is BackgroundKind.SOURCE else None
        dtype = resolve_precision(options.precision, device)
        torch.manual_seed(options.seed)
        engine.prepare(person, RenderSettings(device, dtype, self.width, self.height, photo_to_frame=at_home))
        self.engine = engine.name
        self._engine, self._mark = engine, options.mark
        background = make_background(options.background_choice, self.source, None, frame, options.seed)
        assert background is not None  # transparent ones are refused before
        self._background: FrameBackground = background
        self._lock = threading.Lock()

    def rest(self) -> FloatArray:
        """Return the points as the photo has them, float32 (18, 3) in pixels of the picture."""
        return self.placed(self.source.person.pose.points)

    def placed(self, points: FloatArray) -> FloatArray:
        """Return points (18, 3) of the photo's pixels in those of the picture."""
        moved = points.copy()
        moved[:, :2] = points[:, :2] @ self.source_to_frame[:, :2].T + self.source_to_frame[:, 2]
        return moved

    def draw(self, points: FloatArray, time_seconds: float) -> ByteArray:
        """Draw the person.

        Parameters
        ----------
        points : float32 (18, 3)
            In pixels of the picture.
        time_seconds : float
            Which does not fall: a background may move.

        Returns
        -------
        uint8 (height, width, 3)
        """
        motion = Motion(points[None].astype(np.float32))
        layers = self._engine.render(motion, self._engine.plan(motion))
        with self._lock:
            canvas = self._background.canvas(time_seconds, None)
        picture = composite(layers[0], canvas)
        return draw_mark(picture) if self._mark else picture

    def close(self) -> None:
        """Let go of the background."""
        self._background.close()
