"""The card of a data set: what it is, what it was made of and how, under which licenses, and that nobody filmed it."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

from motionwarp.datasets.config import DatasetConfig
from motionwarp.datasets.manifest import MANIFEST
from motionwarp.datasets.plan import Plan
from motionwarp.datasets.records import ClipRecord, differences_in_making
from motionwarp.datasets.storage.base import file_name, printable
from motionwarp.version import __version__

CARD: Final = "README.md"
UNTOLD: Final = "not told"
# identifiers that hubs know; others are told as 'other' with a name
_HUB_LICENCES: Final = frozenset(
    (
        "apache-2.0", "mit", "bsd-2-clause", "bsd-3-clause", "gpl-3.0", "lgpl-3.0", "agpl-3.0", "mpl-2.0", "unlicense",
        "odbl", "odc-by",
        "pddl", "cdla-permissive-2.0", "cdla-sharing-1.0", "cc0-1.0", "cc-by-2.0", "cc-by-3.0", "cc-by-4.0",
        "cc-by-sa-3.0",
        "cc-by-sa-4.0", "cc-by-nc-3.0", "cc-by-nc-4.0", "cc-by-nc-sa-3.0", "cc-by-nc-sa-4.0", "cc-by-nd-4.0",
        "cc-by-nc-nd-4.0",
    )
)  # fmt: skip

_SYNTHETIC: Final = """\
## Synthetic media

Nobody filmed these clips. Each shows the person of one picture with the motion of another person's video, \
made by software.
The people shown did not do what is seen. Whoever publishes, shares or trains on these clips must see to it that \
the people in the
sources agreed or that the sources' licences allow it, and must keep it told that the clips are synthetic: \
every video file says so
in its metadata, every frame that is a PNG file in its text.
"""
_LAYOUT: Final = """\
## Layout

| path | what |
|---|---|
| `manifest.parquet` | one row a clip: status, files, checksums, what it was made of |
| `clips/ID/` | the video (or `frames/`), `poses.json` (18 points a frame), `parsing.zip` and `matte.zip` \
(one PNG a frame), \
`warps.npz` (the engine's parameters), `body.npz` (the person in space), \
`record.json` (all of the row, and every file's sha256) |
| `failed/ID.json` | why a clip could not be made |

`body.npz` holds, for T frames: `body_present` (T,), `joints` (T, 18, 3) in meters about the middle of the hips \
(x right, y down, z away from the camera),
`rotations` (T, 20, 6) of `bones` against `bone_parents` as the first two columns of matrices, `camera` (T, 3): pixels \
for a meter and the root's place,
`facing_degrees` and `facing_certainty` (T,): 0 towards the camera, 90 towards the picture's right, 180 away; \
`shape` of the body model, `times_seconds`.
Where `body_by` in the record is `engine` these bodies were drawn; where it is `fitted` they were fitted to the points \
that the person was given.

`motionwarp dataset verify` checks it, `motionwarp dataset stats` describes it, and `motionwarp dataset export` \
turns it into other forms.
"""


def dataset_card(plan: Plan, config: DatasetConfig, records: Sequence[ClipRecord]) -> str:
    """Return the card as Markdown with the header that data set hubs read; it depends on its arguments only."""
    done = [record for record in records if record.status == "done"]
    seconds = sum(record.seconds for record in done)
    frames = sum(record.frames for record in done)
    lines = [
        _header(plan),
        "# A data set of synthesized people",
        "",
        f"{len(done)} clips, {frames} frames, {seconds / 3600:.2f} hours: {len(plan.sources)} people, "
        f"{len(plan.drivings)} motions. "
        f"{len(records) - len(done)} clips could not be made.",
        "",
        _SYNTHETIC,
        _licences(plan),
        _LAYOUT,
        _making(done),
        _options(config),
    ]
    return printable("\n".join(lines))


def _header(plan: Plan) -> str:
    """Return the card's header in YAML; JSON's strings are YAML too, whatever is in them."""
    licences = sorted({item.licence.lower() for item in (*plan.sources, *plan.drivings)})
    lines = ["license: other", "license_name: licences-of-the-inputs"]
    if all(licence in _HUB_LICENCES for licence in licences):
        lines = [f"license: {json.dumps(licences[0] if len(licences) == 1 else licences)}"]
    lines += [
        "tags:",
        "- synthetic",
        "- human-motion",
        "configs:",
        "- config_name: default",
        f"  data_files: {MANIFEST}",
    ]
    return "\n".join(["---", *lines, "---", ""])


def _licences(plan: Plan) -> str:
    rows = [
        (kind, licence or UNTOLD, count)
        for kind, items in (("people", plan.sources), ("motions", plan.drivings))
        for licence, count in sorted(Counter(item.licence for item in items).items())
    ]
    table = _table(("inputs", "licence", "files"), rows)
    terms = "A clip is under the terms of both of its inputs; the manifest names them row by row."
    return f"## Licences\n\n{table}\n\n{terms}\n"


def _making(done: Sequence[ClipRecord]) -> str:
    """Tell what made the clips."""
    engines = Counter((record.engine, record.weights_sha256[:12] or "none") for record in done)
    seers = Counter((record.estimator, record.estimator_sha256[:12] or "none") for record in done)
    computed = Counter((record.device, record.precision) for record in done)
    rows = [("engine", f"{name}, weights {weights}", count) for (name, weights), count in sorted(engines.items())]
    rows += [("seen by", f"{name}, weights {weights}", count) for (name, weights), count in sorted(seers.items())]
    rows += [
        ("computed", f"on {device} in {precision}", count) for (device, precision), count in sorted(computed.items())
    ]
    notes = "".join(f"\n{note[0].upper()}{note[1:]}.\n" for note in differences_in_making(done))
    return f"## Made by motionwarp {__version__}\n\n{_table(('what', 'which', 'clips'), rows)}\n{notes}"


def _options(config: DatasetConfig) -> str:
    options, drawn = config.options, config.augmentation
    rows = {
        "pairs": file_name(config.pairs), "variants": config.variants, "seed": options.seed,
        "container": config.container,
        "codec": options.codec, "quality": "the codec's own" if options.crf is None else options.crf,
        "size": "as the background" if options.size is None else options.size,
        "frames a second": "as the motion" if options.fps is None else options.fps, "background": _background(config),
        "fitted to the person's proportions": "yes" if options.retarget else "no", "smoothing": f"{options.smooth:g}",
        "placement": drawn.placement, "scale": f"{drawn.scale[0]:g} to {drawn.scale[1]:g}",
        "shift": f"up to {drawn.shift:g}",
        "mirrored": f"{drawn.mirror:.0%}", "speed": f"{drawn.speed[0]:g} to {drawn.speed[1]:g}",
    }  # fmt: skip
    return f"## Options\n\n{_table(('option', 'value'), rows.items())}\n"


def _background(config: DatasetConfig) -> str:
    pool = len(config.augmentation.backgrounds)
    # a file's place is its maker's business
    return f"one of {pool} files" if pool else file_name(config.options.background)


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = ["| " + " | ".join(_cell(value) for value in row) + " |" for row in (head, *rows)]
    return "\n".join([lines[0], "|---" * len(head) + "|", *lines[1:]])


def _cell(value: object) -> str:
    """Return a text that stays in its cell, and is a text: Markdown lets HTML and links through."""
    return re.sub(r"([|\\\[\]`])", r"\\\1", escape(" ".join(str(value).split()), quote=False))
