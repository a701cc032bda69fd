"""`motionwarp evaluate study` and `study-result`: people choose between two systems."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from .errors import is_debug
from .options import DebugOption, JsonOption, OverwriteOption, QuietOption, examples
from .reporting import Reporter

STUDY_EPILOG: Final = examples("motionwarp evaluate study report/pictures/layered results/other -o study --pairs 50")
RESULT_EPILOG: Final = examples(
    "motionwarp evaluate study-result study/key.json answers/*.json",
    "motionwarp evaluate study-result study answers --json",
)


def study(
    ctx: typer.Context,
    first: Annotated[Path, typer.Argument(metavar="A_DIR", help="Results of one system.", show_default=False)],
    second: Annotated[
        Path, typer.Argument(metavar="B_DIR", help="Results of the other, named alike.", show_default=False)
    ],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Folder for the page and its key.")],
    question: Annotated[
        str, typer.Option("--question", help="What participants are asked.")
    ] = "Which picture looks more natural?",
    pairs: Annotated[
        int | None, typer.Option("--pairs", min=1, help="Draw so many at random.", show_default=False)
    ] = None,
    checks: Annotated[int, typer.Option("--checks", min=0, help="Attention checks among them.")] = 5,
    height: Annotated[int, typer.Option("--height", min=32, help="Pictures are no higher, in pixels.")] = 512,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the draw.")] = 0,
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """Make a page for an A/B test: two pictures at a time, in random order and on random sides, without time limit.

    Send index.html to participants, who save a file of answers; keep key.json to yourself, it says which picture is whose.
    """
    from motionwarp.evaluation.study.make import StudySettings, make_study

    reporter = Reporter(as_json=as_json, quiet=quiet, debug=is_debug(ctx))
    settings = StudySettings(first, second, output, question, pairs, checks, height, seed, overwrite)
    with reporter.progress("pairs/s") as on_step:
        made = make_study(settings, on_step)
    reporter.warn_all([f"{name} is in one folder only" for name in made.unmatched])
    summary = {
        "page": str(made.page),
        "key": str(made.key),
        "pairs": made.pairs,
        "checks": checks,
        "unmatched": list(made.unmatched),
    }
    reporter.result(
        summary, f"{made.page}: {made.pairs} pairs and {checks} attention checks; keep {made.key} to yourself"
    )


def study_result(
    ctx: typer.Context,
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="JSON", help="key.json and the participants' files, or their folders.", show_default=False
        ),
    ],
    allow_failed: Annotated[
        int, typer.Option("--allow-failed", min=0, help="Leave out who failed more attention checks than that.")
    ] = 1,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """Count the votes of a study: how often A was preferred, with an exact interval, against chance."""
    from motionwarp.evaluation.study.results import study_summary

    reporter = Reporter(as_json=as_json, quiet=quiet, debug=is_debug(ctx))
    summary = study_summary(files, allow_failed)
    reporter.warn_all(
        [
            f"participant {each['participant']} is left out: failed {each['failed']} of {each['of']} checks"
            for each in summary["left_out"]
        ]
    )
    p = summary["p_against_chance"]
    text = (
        f"{summary['first']} preferred to {summary['second']}: {summary['rate']:.1%} of {summary['votes']} votes by "
        f"{summary['participants']} participants (95 % interval {summary['low']:.1%} to {summary['high']:.1%}, chance 50 %, "
        f"p {'< 0.001' if p < 0.001 else f'= {p:.3f}'})"
    )
    reporter.result(summary, text)
