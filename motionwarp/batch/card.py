"""The card of a data set: what it is, what it was made of and how, under which licences, and that nobody filmed it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from motionwarp.batch.configuring import DatasetConfig
from motionwarp.batch.planning import Plan
from motionwarp.batch.records import ClipRecord
from motionwarp.version import __version__

CARD: Final = "README.md"
UNTOLD: Final = "not told"

_SYNTHETIC: Final = """\
## Synthetic media

Nobody filmed these clips. Each shows the person of one picture with the motion of another person's video, made by software.
The people shown did not do what is seen. Whoever publishes, shares or trains on these clips must see to it that the people in the
sources agreed or that the sources' licences allow it, and must keep it told that the clips are synthetic: every video file says so
in its metadata, every frame that is a PNG file in its text.
"""
_LAYOUT: Final = """\
## Layout

| path | what |
|---|---|
| `manifest.parquet` | one row a clip: status, files, checksums, what it was made of |
| `clips/ID/` | the video (or `frames/`), `poses.json` (18 points a frame), `parsing.zip` and `matte.zip` (one PNG a frame), \
`warps.npz` (the engine's parameters), `record.json` (all of the row, and every file's sha256) |
| `failed/ID.json` | why a clip could not be made |

`motionwarp dataset verify` checks it, `motionwarp dataset stats` describes it, and `motionwarp dataset export` turns it into other forms.
"""


def dataset_card(plan: Plan, config: DatasetConfig, records: Sequence[ClipRecord]) -> str:
    """Return the card as Markdown with the header that data set hubs read; it depends on its arguments only."""
    done = [record for record in records if record.status == "done"]
    seconds = sum(record.seconds for record in done)
    frames = sum(record.frames for record in done)
    lines = [
        _header(plan),
        "# A data set of synthesised people",
        "",
        f"{len(done)} clips, {frames} frames, {seconds / 3600:.2f} hours: {len(plan.sources)} people, {len(plan.drivings)} motions. "
        f"{len(records) - len(done)} clips could not be made.",
        "",
        f"Made by motionwarp {__version__}, engine {_listed(record.engine for record in done)}, seed {config.options.seed}.",
        "",
        _SYNTHETIC,
        _licences(plan),
        _LAYOUT,
        _options(config),
    ]
    return "\n".join(lines)


def _header(plan: Plan) -> str:
    licences = {item.licence for item in (*plan.sources, *plan.drivings)}
    known = "other" if len(licences) > 1 or "" in licences else licences.pop()
    return f'---\nlicense: "{known}"\ntags:\n- synthetic\n- human-motion\n---\n'


def _licences(plan: Plan) -> str:
    rows = [
        f"| {kind} | {licence or UNTOLD} | {count} |"
        for kind, items in (("people", plan.sources), ("motions", plan.drivings))
        for licence, count in sorted(Counter(item.licence for item in items).items())
    ]
    table = "\n".join(["| inputs | licence | files |", "|---|---|---|", *rows])
    return f"## Licences\n\n{table}\n\nA clip is under the terms of both of its inputs; the manifest names them row by row.\n"


def _options(config: DatasetConfig) -> str:
    options, drawn = config.options, config.augmentation
    size = "as the background" if options.size is None else options.size
    rows = {
        "pairs": config.pairs, "variants": config.variants, "container": config.container, "size": size,
        "frames a second": "as the motion" if options.fps is None else options.fps, "background": _background(config),
        "placement": drawn.placement, "scale": f"{drawn.scale[0]:g} to {drawn.scale[1]:g}", "shift": f"up to {drawn.shift:g}",
        "mirrored": f"{drawn.mirror:.0%}", "speed": f"{drawn.speed[0]:g} to {drawn.speed[1]:g}",
    }  # fmt: skip
    return "\n".join(["## Options", "", "| option | value |", "|---|---|", *(f"| {key} | {value} |" for key, value in rows.items()), ""])


def _background(config: DatasetConfig) -> str:
    pool = len(config.augmentation.backgrounds)
    # a file's place is its maker's business
    return f"one of {pool} files" if pool else config.options.background.replace("\\", "/").rsplit("/", 1)[-1]


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(set(names))) or "none"
