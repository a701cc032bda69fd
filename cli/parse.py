"""`motionwarp parse`: the 20 part classes and the matte of a person in pictures and clips."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from motionwarp.options import OverwriteOptions
from motionwarp.pipeline.options import AnalysisOptions

from .analysis import Looking, prepare_looking, watched_clip
from .batch_inputs import OutputTarget, in_ranges, plan_targets, run_over
from .options import WRITING, InputsArgument, examples, with_options
from .reporting import OnStep, Reporter

if TYPE_CHECKING:
    from motionwarp.types import ByteArray, Person

EPILOG = examples(
    "motionwarp parse person.jpg -o person.parsing.png --matte",
    "motionwarp parse photos/*.jpg dance.mp4 -o parsed --overlay",
)

OVERLAY_OPACITY = 0.6


@with_options
def parse(
    *,
    inputs: InputsArgument,
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE|DIR",
            help="A .png file for one picture, or a folder.",
            rich_help_panel=WRITING,
        ),
    ] = Path(),
    matte: Annotated[bool, typer.Option("--matte", help="Also write the soft matte.", rich_help_panel=WRITING)] = False,
    overlay: Annotated[
        bool, typer.Option("--overlay", help="Also colour the parts over the input.", rich_help_panel=WRITING)
    ] = False,
    analysis: AnalysisOptions,
    existing: OverwriteOptions,
    reporter: Reporter,
) -> None:
    """Write the part classes of one person as 8-bit PNG, values 0..19 in LIP's order.

    A picture gives INPUT.parsing.png (and INPUT.matte.png); a clip gives the folder INPUT.parsing (and INPUT.mattes) of
    numbered frames. An input that fails is reported, and the others go on.
    """
    from motionwarp.media.image import is_picture

    targets = plan_targets(inputs, output, ".png")
    looking = prepare_looking(analysis)

    def work(target: OutputTarget, on_step: OnStep) -> dict[str, Any]:
        if is_picture(target.source):
            return _look_at_picture(target, looking, matte=matte, overlay=overlay, overwrite=existing.overwrite)
        return _look_at_clip(target, looking, on_step, matte=matte, overlay=overlay, overwrite=existing.overwrite)

    run_over(targets, work, reporter, "parse")


def _look_at_picture(
    target: OutputTarget, looking: Looking, *, matte: bool, overlay: bool, overwrite: bool
) -> dict[str, Any]:
    from motionwarp.media.image import read_image, write_image

    picture = read_image(target.source)
    found = looking.estimator.analyze_picture(picture.rgb, looking.choice)
    labels, coverage = _labels_and_matte(picture.rgb, found, matte=matte)
    path = target.file or target.path(".parsing.png")
    write_image(path, labels, overwrite=overwrite)
    facts: dict[str, Any] = {"output": str(path), "frames": 1, "frames_with_person": 1, "warnings": []}
    if coverage is not None:
        beside = target.path(".matte.png")
        write_image(beside, coverage, overwrite=overwrite)
        facts["matte"] = str(beside)
    if overlay:
        colored = target.path(".overlay.png")
        write_image(colored, _colored(picture.rgb, labels), overwrite=overwrite)
        facts["overlay"] = str(colored)
    return facts


def _look_at_clip(
    target: OutputTarget, looking: Looking, on_step: OnStep, *, matte: bool, overlay: bool, overwrite: bool
) -> dict[str, Any]:
    from motionwarp.errors import NoPersonError, OptionError

    from .gray_frames import GrayFrames

    if target.file is not None:
        raise OptionError(
            "a clip has a PNG for each frame", subject=target.source, remedy=f"Give a folder, not {target.file}."
        )
    notes: list[tuple[int, str]] = []
    frames = present = 0
    places = {"output": target.path(".parsing")}
    if matte:
        places["matte"] = target.path(".mattes")
    if overlay:
        places["overlay"] = target.path(".overlay.mp4")
    with watched_clip(target.source, looking, on_step, dense=True) as clip, ExitStack() as stack:
        label_folder = stack.enter_context(GrayFrames(places["output"], overwrite=overwrite))
        matte_folder = stack.enter_context(GrayFrames(places["matte"], overwrite=overwrite)) if matte else None
        writer = None
        if overlay:
            from motionwarp.media.writer import open_writer

            writer = stack.enter_context(
                open_writer(
                    places["overlay"], width=clip.width, height=clip.height, frame_rate=clip.frame_rate,
                    time_base=clip.time_base, metadata={}, overwrite=overwrite, inputs=[target.source],
                )
            )  # fmt: skip
        for observation in clip.observations:
            frame, found = observation.frame, observation.person
            labels, coverage = _labels_and_matte(frame.rgb, found, matte=matte)
            label_folder.write(labels)
            if matte_folder is not None and coverage is not None:
                matte_folder.write(coverage)
            if writer is not None:
                writer.write(_colored(frame.rgb, labels), frame.pts_seconds)
            note = observation.note or (None if found else "no person found")
            if note:
                notes.append((frame.index, note))
            frames += 1
            present += found is not None
        if not present:
            raise NoPersonError(
                f"no person was found in {frames} frames",
                subject=target.source,
                remedy="Is one in sight, upright and large?",
            )
        warnings = [*clip.warnings, *in_ranges(notes)]
    return {
        **{kind: str(path) for kind, path in places.items()},
        "frames": frames,
        "frames_with_person": present,
        "warnings": warnings,
    }


def _labels_and_matte(rgb: ByteArray, found: Person | None, *, matte: bool) -> tuple[ByteArray, ByteArray | None]:
    """Return LIP classes and, if asked for, coverage 0..255, both uint8 (H, W); zeros where there is no person."""
    import numpy as np

    from motionwarp.perception.matting import matte_in_frame, parsing_in_frame

    height, width = rgb.shape[:2]
    if found is None:
        nothing = np.zeros((height, width), dtype=np.uint8)
        return nothing, nothing if matte else None
    coverage = matte_in_frame(rgb, found)
    labels = parsing_in_frame(rgb, found, coverage)  # cut by the matte, so that both have the same edges
    return labels, np.rint(coverage * 255).astype(np.uint8) if matte else None


def _colored(rgb: ByteArray, labels: ByteArray) -> ByteArray:
    from motionwarp.parsing.drawing import overlay as color_over

    return color_over(rgb, labels, OVERLAY_OPACITY)
