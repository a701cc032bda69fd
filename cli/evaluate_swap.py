"""`motionwarp evaluate swap`: clothes changed between all of two folders' people, and SwapGAN's own figures."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.table import Table

from motionwarp.pipeline.swap_options import SwapOptions

from .comparison import check_sheet
from .options import examples, with_options
from .reporting import Reporter

EPILOG: Final = examples(
    "motionwarp evaluate swap persons/ clothes/ --engine avatar --sheet sheet.png",
    "motionwarp evaluate swap-pairs held_out.pack --engine swap_gan.safetensors --inception",
)
PAIRS_EPILOG: Final = examples("motionwarp evaluate swap-pairs held_out.pack --engine swap_gan.safetensors --inception")


@with_options
def swap(
    *,
    persons: Annotated[
        Path, typer.Argument(metavar="PERSONS", help="Folder of pictures of people to be dressed.", show_default=False)
    ],
    clothes: Annotated[
        Path, typer.Argument(metavar="CLOTHES", help="Folder of pictures of people in clothes.", show_default=False)
    ],
    sheet: Annotated[
        Path | None,
        typer.Option("--sheet", metavar="PNG", help="Draw everybody in everybody's clothes here.", show_default=False),
    ] = None,
    options: SwapOptions,
    reporter: Reporter,
) -> None:
    """Tell whether colors of clothes are kept and all else is left alone, for every person in everybody's clothes."""
    from motionwarp.devices import set_threads
    from motionwarp.engines.registry import make_swapper
    from motionwarp.evaluation.swaps import evaluate_swaps
    from motionwarp.media.contact_sheet import write_sheet
    from motionwarp.pipeline.analysis import load_estimator
    from motionwarp.pipeline.dressing import looking_options, read_people

    check_sheet(sheet, overwrite=options.overwrite)
    set_threads()
    swapper = make_swapper(options.engine)
    looking = looking_options(options)
    estimator = load_estimator(looking)
    people = read_people(persons, looking, estimator)
    wearers = read_people(clothes, replace(looking, person=options.clothes_person or "largest"), estimator)
    with reporter.progress("pictures/s") as on_step:
        found = evaluate_swaps(
            swapper, people, wearers, options.what, lambda done, total: on_step("pictures", done, total)
        )
    if sheet is not None:
        write_sheet(sheet, found.tiles, columns=found.columns, overwrite=options.overwrite)
    reporter.warn_all([f"{person} in {other}: {reason}" for (person, other), reason in found.failures.items()])
    rows = [{"person": a, "clothes": b, **asdict(each)} for (a, b), each in found.figures.items()]
    means = found.mean()
    reporter.result_table({"engine": swapper.name, **means, "pictures": rows}, _table(means))


def _table(figures: dict[str, Any]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("Figure")
    table.add_column("Mean", justify="right")
    for name, value in figures.items():
        if value is not None:
            table.add_row(name.replace("_", " "), f"{value:.4g}" if isinstance(value, float) else str(value))
    return table


@with_options
def swap_pairs(
    *,
    pack: Annotated[
        Path, typer.Argument(metavar="PACK", help="Held-out pairs of the same clothes.", show_default=False)
    ],
    engine: Annotated[
        Path, typer.Option("--engine", metavar="FILE", help="What `train swap_gan generators` exported.")
    ],
    inception: Annotated[
        bool, typer.Option("--inception", help="Also IS-reference and IS-condition, by the published network.")
    ] = False,
    reporter: Reporter,
) -> None:
    """Measure SwapGAN on held-out pairs: SSIM of both of its generators, IS-reference and IS-condition."""
    from motionwarp.devices import set_threads
    from motionwarp.evaluation.extractors.files import FeatureWeights
    from motionwarp.evaluation.swaps import evaluate_pairs

    set_threads()
    score = evaluate_pairs(engine, pack, FeatureWeights() if inception else None)
    summary = {name: value for name, value in asdict(score).items() if name != "scores"}
    if score.scores is not None:
        for name in ("is_reference", "is_condition"):
            summary[name] = getattr(score.scores, name).mean
            summary[f"{name}_deviation"] = getattr(score.scores, name).deviation
    reporter.result_table(summary, _table(summary))
