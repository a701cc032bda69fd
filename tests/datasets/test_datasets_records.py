"""Records of clips as they are read from data sets that may be anybody's."""

from __future__ import annotations

import json

import pytest

from motionwarp.datasets.manifest import manifest_row
from motionwarp.datasets.records import ClipRecord, FileRecord
from motionwarp.errors import InputError

RECORD = ClipRecord(
    "a_b_0", "a", "b", 0, 7, "done", video="video.mp4", frames=3, seconds=1,
    cast=[{"dancer": "2", "source": "c", "sha256": "", "licence": ""}], augmentation={"placement": "source"},
    warnings=["far away"], files={"video.mp4": FileRecord("00", 12)},
)  # fmt: skip


def test_a_record_comes_back_as_it_was_written() -> None:
    read = ClipRecord.from_bytes(RECORD.as_bytes(), "record.json")
    assert read == RECORD
    assert manifest_row(read)["cast"] == ["2=c"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("augmentation", 3), ("warnings", "far away"), ("warnings", [1]), ("cast", [3]), ("cast", [{"source": "c"}]),
        ("cast", [{"source": "c", "dancer": 2}]), ("frames", "3"), ("frames", True), ("seconds", None), ("status", 1),
        ("files", {"video.mp4": {"sha256": "00", "bytes": "12"}}), ("files", []), ("unknown", 1),
    ],
)  # fmt: skip
def test_values_of_a_wrong_kind_are_a_damaged_record(name: str, value: object) -> None:
    content = json.dumps({**json.loads(RECORD.as_bytes()), name: value}).encode()
    with pytest.raises(InputError, match="this record cannot be read"):
        ClipRecord.from_bytes(content, "record.json")
