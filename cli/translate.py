"""`motionwarp translate`: pictures and clips of one kind as another kind, by a network of the CycleGAN family."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from motionwarp.pipeline.translation_options import TranslationOptions

from .batch_inputs import OutputTarget, plan_targets, run_over
from .options import InputsArgument, examples, with_options
from .reporting import OnStep, Reporter
from .stages import uncollected_imports

EPILOG = examples(
    "motionwarp translate cyclegan labels/0007.png --input-labels -o photos/",
    "motionwarp translate runs/nest/cyclegan.safetensors clip.mp4 --direction b2a -o drawn/",
)


@with_options
def translate(
    *,
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            help="cyclegan (label maps of people to photos and back), or a file that `train cyclegan` exported.",
            show_default=False,
        ),
    ],
    inputs: InputsArgument,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="Folder of the results, made if it is missing.")
    ],
    options: TranslationOptions,
    reporter: Reporter,
) -> None:
    """Translate pictures and clips of one kind to another kind, as MODEL has learned from two folders."""
    with uncollected_imports():
        from motionwarp.devices import set_threads
        from motionwarp.media.image import is_picture
        from motionwarp.pipeline.translation import make_translator, translate_input

    targets = plan_targets(inputs, output, ".png")
    set_threads()
    translator = make_translator(model, options)

    def work(target: OutputTarget, on_step: OnStep) -> dict[str, Any]:
        ending = ".png" if target.source.is_file() and is_picture(target.source) else ".mp4"
        path = target.file or target.path(ending)
        frames = translate_input(
            translator, target.source, path, options, lambda done, total: on_step("frames", done, total or None)
        )
        return {"output": str(path), "frames": frames, "warnings": []}

    run_over(targets, work, reporter, "translate")
