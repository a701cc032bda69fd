"""Where exports may be written: not over the data set that they are made from."""

from __future__ import annotations

from typing import Final

from motionwarp.batch.card import CARD
from motionwarp.batch.items import comparable
from motionwarp.batch.manifest import MANIFEST
from motionwarp.batch.records import CLIPS, FAILED
from motionwarp.batch.shards import FOLDER
from motionwarp.batch.storage import Storage
from motionwarp.errors import OutputError

_PARTS: Final = (CLIPS, FAILED, FOLDER, ".motionwarp", MANIFEST, CARD)


def check_export_place(storage: Storage, output: str) -> None:
    """Refuse an output that is the data set, one of its parts, or lies in one.

    Parameters
    ----------
    storage : Storage
        Of the data set.
    output : str
        A path or address.

    Raises
    ------
    OutputError
    """
    inner, outer = comparable(output), comparable(storage.address(""))
    if inner == outer or any(f"{inner}/".startswith(f"{outer}/{part}/") for part in _PARTS):
        raise OutputError("is a part of the data set itself", subject=output, remedy="Give another output")
