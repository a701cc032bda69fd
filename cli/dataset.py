"""`motionwarp dataset`: making the data that networks are trained from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from motionwarp.data.pack_kinds import ANALYZER_PACKS, LIFTER_PACKS, PAIR_PACKS, PackOptions, PackRequest
from motionwarp.engines.registry import catalog, pack_kinds
from motionwarp.errors import OptionError, OutputError

from . import dataset_annotate, dataset_generate, dataset_inspect, dataset_pairs, dataset_test_pairs
from .options import examples, with_options
from .reporting import Reporter

app = typer.Typer(
    no_args_is_help=True,
    help="Make data sets, for training and of synthesized people.",
    epilog=examples(
        "motionwarp dataset generate --sources people/ --drivings dances/ -o set",
        "motionwarp dataset pack photos data -o photos.pack",
    ),
)

app.command("generate", epilog=dataset_generate.EPILOG)(dataset_generate.generate)
app.command("verify", epilog=dataset_inspect.VERIFY_EPILOG)(dataset_inspect.verify)
app.command("stats", epilog=dataset_inspect.STATS_EPILOG)(dataset_inspect.stats)
app.command("export", epilog=dataset_inspect.EXPORT_EPILOG)(dataset_inspect.export)
app.command("pairs", epilog=dataset_pairs.EPILOG)(dataset_pairs.pairs)
app.command("annotate", epilog=dataset_annotate.EPILOG)(dataset_annotate.annotate)
app.command("test-pairs", epilog=dataset_test_pairs.EPILOG)(dataset_test_pairs.make_test_pairs)


def _kind_help() -> str:
    """Return what the help says of KIND: those of every network, then those of each engine."""
    groups = [
        ("the analyzer", ANALYZER_PACKS),
        ("the lifter", LIFTER_PACKS),
        ("engines that draw whole pictures", PAIR_PACKS),
    ]
    groups += [(spec.name, dict(spec.packs)) for spec in catalog().specs.values() if spec.packs]
    texts = []
    for whose, kinds in groups:
        listed = "; ".join(f"{name} ({kind.help})" for name, kind in kinds.items())
        texts.append(f"For {whose}: {listed}.")
    return " ".join(texts)


@app.command(
    "pack",
    epilog=examples(
        "motionwarp dataset pack photos data -o photos.pack",
        "motionwarp dataset pack reposed data -o reposed.pack --count 4000 --seed 1",
        "motionwarp dataset pack parts-reverse data -o reverse.pack --count 4000",
        "motionwarp dataset pack pairs-avatars data -o pairs.pack --count 4000",
        "motionwarp dataset pack parts-reverse data -o held_out.pack --count 96 --split validation",
    ),
)
@with_options
def pack(
    kind: Annotated[
        str, typer.Argument(metavar="KIND", help=_kind_help(), autocompletion=pack_kinds, show_default=False)
    ],
    asked: PackOptions,
    reporter: Reporter,
) -> None:
    """Write pictures of people with all their labels, or captured motion, into one file that training reads.

    Only training splits are packed, unless --split says otherwise.
    """
    output = Path(asked.output)
    if output.exists() and not asked.overwrite:
        raise OutputError("this file exists", subject=output, remedy="Give --overwrite or another name.")
    kinds = pack_kinds()
    if kind not in kinds:
        raise OptionError("there is no such kind of pack", subject=kind, remedy=f"There are: {', '.join(kinds)}.")
    total = asked.count if kinds[kind].counted else None
    with reporter.progress(f"{kinds[kind].unit}/s") as on_step:
        written = kinds[kind].written(PackRequest(kind, asked, on_progress=lambda done: on_step("pack", done, total)))
    summary = {"output": str(output), "pictures": written.pictures, "bytes": written.bytes}
    reporter.result(summary, f"{output}: {written.pictures} {kinds[kind].unit}, {written.bytes / 1e6:.1f} MB")
