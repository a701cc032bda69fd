"""`python -m benchmarks`: one file a measurement, JSON on stdout, a table on stderr."""

from __future__ import annotations

import typer

from motionwarp.runtime import let_waiting_threads_sleep

let_waiting_threads_sleep()  # before NumPy and PyTorch are imported, as the command line does

from benchmarks import (  # noqa: E402
    ablation,
    analysis,
    chart,
    dataset,
    feeding,
    grid,
    lengths,
    pair_ablations,
    pairs,
    plates,
    sizes,
    soak,
    soak_live,
    stages,
    startup,
    structure,
    transfer,
    translation_ablation,
)
from motionwarp.runtime import keep_freed_memory  # noqa: E402

app = typer.Typer(
    no_args_is_help=True, pretty_exceptions_enable=False, help="Measure speed and memory; JSON goes to stdout."
)
app.command("stages")(stages.stages)
app.command("lengths")(lengths.lengths)
app.command("grid")(grid.grid)
app.command("startup")(startup.startup)
app.command("transfer")(transfer.transfer)
app.command("dataset")(dataset.dataset)
app.command("analysis")(analysis.analysis)
app.command("pairs")(pairs.pairs)
app.command("plates")(plates.plates)
app.command("soak")(soak.soak)
app.command("soak-live")(soak_live.soak_live)
app.command("ablation")(ablation.ablation)
app.command("ablation-pairs")(pair_ablations.pair_ablation)
app.command("ablation-translation")(translation_ablation.translation_ablation)
app.command("sizes")(sizes.sizes)
app.command("feeding")(feeding.feeding)
app.command("structure")(structure.structure)
app.command("chart")(chart.chart)

if __name__ == "__main__":
    # as the command line does, so that what is measured here is what it does
    keep_freed_memory()
    app()
