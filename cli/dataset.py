"""`motionwarp dataset`: making the data that networks are trained from."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from motionwarp.errors import OptionError, OutputError

from . import dataset_annotate, dataset_generate, dataset_inspect, dataset_pairs, dataset_test_pairs
from .errors import is_debug
from .options import DebugOption, JsonOption, OverwriteOption, QuietOption, examples
from .reporting import Reporter, Tick

if TYPE_CHECKING:
    from motionwarp.data.packing import WrittenPack

app = typer.Typer(
    no_args_is_help=True,
    help="Make data sets, for training and of synthesised people.",
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


_KIND_HELP = (
    "photos, clips, clips-a and clips-b (later clips by tier), reposed (photos moved into other poses) or synthetic: for the analyser. "
    "parts-reverse (photos, made back from moved ones), parts-clips or parts-synthetic: pairs for the Warping-GAN's parts preset. "
    "pairs-...: the same, or a published data set's, for its paper preset."
)
_SPLIT_HELP = "Of pairs: train, or validation, whose people nothing is ever trained on: to measure with."
_DATA_HELP = "Folder with ccp/ and video/, or of the published data set; not read for synthetic people."


class PackSplit(str, Enum):
    """Whose pairs are packed."""

    TRAIN = "train"
    VALIDATION = "validation"


class PackKind(str, Enum):
    """What a pack is made of."""

    PHOTOS = "photos"
    CLIPS = "clips"
    CLIPS_A = "clips-a"
    CLIPS_B = "clips-b"
    REPOSED = "reposed"
    SYNTHETIC = "synthetic"
    PARTS_REVERSE = "parts-reverse"
    PARTS_CLIPS = "parts-clips"
    PARTS_SYNTHETIC = "parts-synthetic"
    PAIRS_REVERSE = "pairs-reverse"
    PAIRS_CLIPS = "pairs-clips"
    PAIRS_SYNTHETIC = "pairs-synthetic"
    PAIRS_DEEPFASHION = "pairs-deepfashion"
    PAIRS_MARKET1501 = "pairs-market1501"


@app.command(
    "pack",
    epilog=examples(
        "motionwarp dataset pack photos data -o photos.pack",
        "motionwarp dataset pack reposed data -o reposed.pack --count 4000 --seed 1",
        "motionwarp dataset pack parts-reverse data -o reverse.pack --count 4000",
        "motionwarp dataset pack parts-reverse data -o held_out.pack --count 96 --split validation",
    ),
)
def pack(
    ctx: typer.Context,
    kind: Annotated[PackKind, typer.Argument(help=_KIND_HELP)],
    data: Annotated[Path, typer.Argument(metavar="DATA", help=_DATA_HELP, show_default=False)],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="The pack to write.")],
    count: Annotated[
        int, typer.Option("--count", min=1, help="Pictures or pairs, for all kinds but photos and clips.")
    ] = 3000,
    seed: Annotated[int, typer.Option("--seed", min=0, help="For all kinds but photos and clips.")] = 0,
    split: Annotated[PackSplit, typer.Option("--split", help=_SPLIT_HELP)] = PackSplit.TRAIN,
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    debug: DebugOption = False,
) -> None:
    """Write pictures of people with all their labels into one file that training reads.

    Only training splits are packed, unless --split says otherwise.
    """
    reporter = Reporter(as_json=as_json, quiet=quiet, debug=is_debug(ctx))
    if output.exists() and not overwrite:
        raise OutputError("this file exists", subject=output, remedy="Give --overwrite or another name.")
    if split is not PackSplit.TRAIN and not kind.value.startswith(("parts-", "pairs-")):
        raise OptionError(
            "only pairs can be packed of it",
            subject=f"--split {split.value}",
            remedy="Leave it out: `evaluate analyzer` reads DATA itself.",
        )
    with reporter.progress("pictures/s") as tick:
        written = _written(kind, data, output, count, seed, split, tick)
    summary = {"output": str(output), "pictures": written.pictures, "bytes": written.bytes}
    reporter.result(summary, f"{output}: {written.pictures} pictures, {written.bytes / 1e6:.1f} MB")


def _written(
    kind: PackKind, data: Path, output: Path, count: int, seed: int, split: PackSplit, tick: Tick
) -> WrittenPack:
    from motionwarp.data.labeled_pairs import LABELED_PAIR_KINDS, labeled_pairs_of_kind, write_pair_pack
    from motionwarp.data.packing import samples_of_kind, write_pack
    from motionwarp.data.pair_sources import PAIR_KINDS, pairs_of_kind
    from motionwarp.engines.warping_gan.packing import part_samples, write_part_pack

    def progress(done: int) -> None:
        tick("pack", done, count)

    for pairs in PAIR_KINDS:
        if kind.value == f"parts-{pairs}":
            return write_part_pack(
                part_samples(pairs_of_kind(pairs, data, seed, split=split.value)), count, output, progress
            )
    for name in LABELED_PAIR_KINDS:
        if kind.value == f"pairs-{name}":
            return write_pair_pack(labeled_pairs_of_kind(name, data, seed, split.value), count, output, progress)
    samples = samples_of_kind(kind.value, data, count=count, seed=seed)
    return write_pack(samples, output, progress=lambda done: tick("pack", done, None))
