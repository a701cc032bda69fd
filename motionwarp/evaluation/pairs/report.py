"""The files of a report: the page for people, JSON and CSV for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from motionwarp.evaluation.pairs.page import report_page
from motionwarp.evaluation.pairs.results import PairsResult
from motionwarp.evaluation.pairs.summary import pairs_csv, summarise
from motionwarp.evaluation.pairs.writing import write_whole
from motionwarp.types import Pose


def write_report(result: PairsResult, poses: Mapping[str, Pose], rows: int) -> dict[str, Any]:
    """Write index.html, metrics.json and pairs.csv into the report's folder, in place of those of an earlier run.

    Parameters
    ----------
    result : PairsResult
    poses : mapping of str to Pose
        Points of targets by name, to be drawn.
    rows : int
        Pairs with pictures in the page.

    Returns
    -------
    dict
        The content of metrics.json.

    Raises
    ------
    OutputError
        If a file cannot be written.
    """
    folder: Path = result.settings.report
    summary = summarise(result)
    write_whole(folder / "metrics.json", json.dumps(summary, indent=2, ensure_ascii=False, allow_nan=False) + "\n")
    write_whole(folder / "pairs.csv", pairs_csv(result))
    write_whole(folder / "index.html", report_page(result, summary, poses, rows))
    return summary
