"""The manifest: one row a clip in one Parquet file, written from the clips' own records in the plan's order."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from typing import Any, Final

from motionwarp.datasets.records import RECORD, ClipRecord, checked_id, clip_folder
from motionwarp.datasets.storage.base import Storage
from motionwarp.errors import InputError

MANIFEST: Final = "manifest.parquet"
_ROW_GROUP: Final = 10_000


def manifest_row(record: ClipRecord) -> dict[str, Any]:
    """Return a clip's row; columns are described in the guide on data sets."""
    video = "" if record.status != "done" else f"{clip_folder(record.id)}/{record.video}"
    drawn = record.augmentation
    return {
        "id": record.id,
        "status": record.status,
        "source": record.source,
        "driving": record.driving,
        "cast": [f"{person['dancer']}={person['source']}" for person in record.cast],
        "variant": record.variant,
        "seed": record.seed,
        "frames": record.frames,
        "seconds": record.seconds,
        "frame_rate": record.frame_rate,
        "width": record.width,
        "height": record.height,
        "video": video,
        "record": f"{clip_folder(record.id)}/{RECORD}" if video else "",
        "sha256": record.files[record.video].sha256 if record.video in record.files else "",
        "bytes": sum(facts.bytes for facts in record.files.values()),
        "motionwarp": record.motionwarp,
        "engine": record.engine,
        "weights_sha256": record.weights_sha256,
        "estimator": record.estimator,
        "estimator_sha256": record.estimator_sha256,
        "device": record.device,
        "precision": record.precision,
        "parsing_by": record.parsing_by,
        "body_by": record.body_by,
        "placement": drawn.get("placement", ""),
        "scale": drawn.get("scale"),
        "shift_x": drawn.get("shift_x"),
        "shift_y": drawn.get("shift_y"),
        "mirrored": drawn.get("mirrored"),
        "speed": drawn.get("speed"),
        "background": drawn.get("background"),
        "source_sha256": record.source_sha256,
        "driving_sha256": record.driving_sha256,
        "source_licence": record.source_licence,
        "driving_licence": record.driving_licence,
        "warnings": list(record.warnings),
        "error": record.error,
        "tries": record.tries,
    }


def _schema(arrow: Any) -> Any:
    text, whole, real, truth = arrow.string(), arrow.int64(), arrow.float64(), arrow.bool_()
    kinds = {
        "variant": whole, "seed": whole, "frames": whole, "width": whole, "height": whole, "bytes": whole,
        "tries": whole,
        "seconds": real, "scale": real, "shift_x": real, "shift_y": real, "speed": real, "mirrored": truth,
        "warnings": arrow.list_(text),
        "cast": arrow.list_(text),
    }  # fmt: skip
    names = manifest_row(ClipRecord("", "", "", 0, 0, ""))
    return arrow.schema([(name, kinds.get(name, text)) for name in names])


def write_manifest(storage: Storage, records: Iterable[ClipRecord]) -> None:
    """Write the manifest; its bytes depend on the records and the release of pyarrow only.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    import pyarrow as arrow  # where it is used: it takes a tenth of a second, which only data sets need to wait for
    from pyarrow import parquet

    table = arrow.Table.from_pylist([manifest_row(record) for record in records], schema=_schema(arrow))
    stream = io.BytesIO()
    parquet.write_table(table, stream, compression="zstd", row_group_size=_ROW_GROUP)
    storage.write(MANIFEST, stream.getvalue())


def read_manifest(storage: Storage) -> list[dict[str, Any]]:
    """Return the manifest's rows.

    Raises
    ------
    InputError
        If there is none, or it cannot be read.
    """
    import pyarrow as arrow
    from pyarrow import parquet

    place = storage.address(MANIFEST)
    try:
        content = storage.read(MANIFEST)
        rows: list[dict[str, Any]] = parquet.read_table(io.BytesIO(content)).to_pylist()
    except FileNotFoundError as error:
        raise InputError(
            "has no manifest",
            subject=storage.root,
            remedy="Give a data set made by `motionwarp dataset generate`; go on with `resume`",
        ) from error
    except (OSError, arrow.ArrowException, UnicodeDecodeError) as error:
        raise InputError(
            f"cannot be read as Parquet ({error})", subject=place, remedy="Make it again with `resume`"
        ) from error
    missing = [name for name in manifest_row(ClipRecord("", "", "", 0, 0, "")) if rows and name not in rows[0]]
    if missing:
        raise InputError(f"has no column '{missing[0]}'", subject=place, remedy="Make it again with `resume`")
    try:
        for row in rows:
            checked_id(row["id"])
    except ValueError as error:
        raise InputError(f"cannot be used ({error})", subject=place, remedy="It was not made by motionwarp") from error
    return rows


def done_rows(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows of clips that were made."""
    return [row for row in rows if row["status"] == "done"]
