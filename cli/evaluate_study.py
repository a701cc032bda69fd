"""`motionwarp evaluate study` and `study-result`: people choose between two systems."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from motionwarp.evaluation.options import StudySettings

from .options import examples, with_options
from .reporting import Reporter

STUDY_EPILOG: Final = examples("motionwarp evaluate study report/pictures/layered results/other -o study --pairs 50")
RESULT_EPILOG: Final = examples(
    "motionwarp evaluate study-result study/key.json answers/*.json",
    "motionwarp evaluate study-result study answers --json",
)


@with_options
def study(settings: StudySettings, reporter: Reporter) -> None:
    """Make a page for an A/B test: two pictures at a time, in random order and on random sides, without time limit.

    Send index.html to participants, who save a file of answers; keep key.json to yourself, it says which picture is
    whose.
    """
    from motionwarp.evaluation.study.make import make_study

    with reporter.progress("pairs/s") as on_step:
        made = make_study(settings, on_step)
    reporter.warn_all([f"{name} is in one folder only" for name in made.unmatched])
    summary = {
        "page": str(made.page),
        "key": str(made.key),
        "pairs": made.pairs,
        "checks": settings.checks,
        "unmatched": list(made.unmatched),
    }
    counts = f"{made.pairs} pairs and {settings.checks} attention checks"
    reporter.result(summary, f"{made.page}: {counts}; keep {made.key} to yourself")


@with_options
def study_result(
    *,
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="JSON", help="key.json and the participants' files, or their folders.", show_default=False
        ),
    ],
    allow_failed: Annotated[
        int, typer.Option("--allow-failed", min=0, help="Leave out who failed more attention checks than that.")
    ] = 1,
    reporter: Reporter,
) -> None:
    """Count the votes of a study: how often A was preferred, with an exact interval, against chance."""
    from motionwarp.evaluation.study.results import study_summary

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
        f"{summary['participants']} participants (95 % interval {summary['low']:.1%} to {summary['high']:.1%}, chance "
        "50 %, "
        f"p {'< 0.001' if p < 0.001 else f'= {p:.3f}'})"
    )
    reporter.result(summary, text)
