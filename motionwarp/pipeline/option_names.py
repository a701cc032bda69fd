"""The options of a transfer as keywords, for type checkers; a test keeps them equal to `TransferOptions`."""

from __future__ import annotations

from fractions import Fraction
from typing import Literal, TypedDict

from motionwarp.pipeline.options import StrPath


class TransferChanges(TypedDict, total=False):
    """Any of the fields of `TransferOptions`, which says what they mean."""

    engine: str
    retarget: bool
    placement: Literal["source", "driving"]
    background: str
    size: str | int | None
    source_poses: StrPath | None
    driving_poses: StrPath | None
    matte: StrPath | None
    source_time: float
    fps: float | str | Fraction | None
    start: float | None
    end: float | None
    person: str
    smooth: float
    audio: bool
    side_by_side: bool
    save_poses: StrPath | None
    region_debug: StrPath | None
    pose_estimator: str
    device: str
    precision: str
    batch_size: int | str
    codec: str
    crf: int | None
    preset: str | None
    overwrite: bool
    seed: int
