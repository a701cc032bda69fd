"""The output's pictures, drawn one after the other from a plan."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, closing

import numpy as np

from motionwarp.pipeline.background import FrameBackground, make_background
from motionwarp.pipeline.captured_driving import CapturedClip
from motionwarp.pipeline.compositing import composite, cut_out, side_by_side
from motionwarp.pipeline.driving import read_frames
from motionwarp.pipeline.driving_shadow import shaded
from motionwarp.pipeline.plan import TransferPlan
from motionwarp.pipeline.progress import TransferRun
from motionwarp.types import ByteArray, Frame, PersonLayer

_REGION_BATCH = 16


def render(
    plan: TransferPlan, *, run: TransferRun | None = None, only: Sequence[int] | None = None
) -> Generator[Frame, None, None]:
    """Draw the output's frames in order.

    Parameters
    ----------
    plan : TransferPlan
    run : TransferRun or None
        That of the analysis, where the source's plate may still be in the making.
    only : sequence of int or None
        Numbers of the frames that are wanted, increasing; None for all.

    Yields
    ------
    Frame
        `rgb` of the output's size with its time; `alpha` where the background is transparent.
    """
    with closing(render_layers(plan, run=run, only=only)) as rendered:
        for frame, _ in rendered:
            yield frame


def render_layers(
    plan: TransferPlan, *, run: TransferRun | None = None, only: Sequence[int] | None = None
) -> Generator[tuple[Frame, PersonLayer], None, None]:
    """Draw the output's frames as `render` does, each with the layer of the person in it."""
    run = run or TransferRun()
    options = plan.setup.options
    chosen = np.arange(len(plan)) if only is None else np.asarray(only, dtype=np.int64)
    numbers = plan.timeline.driving_frames[chosen].tolist()
    shows_driving = options.side_by_side or plan.setup.needs_plate
    with (
        closing(plan.layers(chosen, run)) as layers,
        closing(driving_frames(plan, numbers, run) if shows_driving else no_frames(len(chosen))) as driving,
        ExitStack() as opened,
    ):
        background: FrameBackground | None = None
        for number, (index, layer, pictured) in enumerate(zip(chosen.tolist(), layers, driving, strict=True)):
            if not number:
                # only now, so that the first frames are rendered while the source's plate is still being made
                with run.clock.measure("wait for plate"):
                    run.wait()
                background = _opened_background(plan, opened)
            with run.clock.measure("composite"):
                frame = composed(plan, index, layer, pictured, background)
            yield frame, layer


def render_regions(plan: TransferPlan) -> Iterator[Frame]:
    """Draw what the engine decides for every frame, where it explains itself."""
    for start in range(0, len(plan), _REGION_BATCH):
        for offset, picture in enumerate(plan.regions(slice(start, start + _REGION_BATCH))):
            yield Frame(picture, float(plan.timeline.times_seconds[start + offset]), start + offset)


def _opened_background(plan: TransferPlan, opened: ExitStack) -> FrameBackground | None:
    """Return the background, which is closed with `opened`."""
    options, inputs = plan.setup.options, plan.inputs
    background = make_background(
        options.background_choice, inputs.source, inputs.motion, plan.setup.frame, options.seed
    )
    return background if background is None else opened.enter_context(closing(background))


def driving_frames(plan: TransferPlan, numbers: Sequence[int], run: TransferRun) -> Generator[Frame, None, None]:
    """Yield the driving frames of these numbers; of motion capture a body that is drawn in it."""
    options, motion = plan.setup.options, plan.inputs.motion
    if motion.capture is None:
        yield from read_frames(plan.setup.driving, options, numbers, motion.every, run.clock)
        return
    drawn = CapturedClip(motion.capture, options).frames([number * motion.every for number in numbers])
    yield from run.clock.timed("draw driving", drawn)


def no_frames(count: int) -> Generator[None, None, None]:
    """Yield nothing, so many times."""
    for _ in range(count):
        yield None


def composed(
    plan: TransferPlan,
    index: int,
    layer: PersonLayer,
    driving: Frame | None,
    background: FrameBackground | None,
    people: Sequence[tuple[TransferPlan, PersonLayer]] | None = None,
) -> Frame:
    """Return an output frame: a layer on its background, or cut out, with pictures beside it where they are wanted.

    `people` are those of which the layer is made, who cast shadows; None for the plan's own.
    """
    seconds = float(plan.timeline.times_seconds[index])
    if background is None:
        rgba = cut_out(layer, *plan.setup.frame)
        return Frame(np.ascontiguousarray(rgba[..., :3]), seconds, index, np.ascontiguousarray(rgba[..., 3]))
    canvas = background.canvas(seconds, driving)
    if background.shadow is not None and plan.setup.options.shadow == "auto":
        for whose, alone in people or [(plan, layer)]:
            if whose.target.present[index]:
                canvas = shaded(canvas, alone, whose.target.points[index], whose.ground_rows[index], background.shadow)
    rgb: ByteArray = composite(layer, canvas)
    if plan.setup.options.side_by_side and driving is not None:
        rgb = side_by_side([plan.inputs.source.person.rgb, driving.rgb, rgb], plan.setup.height)
    return Frame(rgb, seconds, index)
