"""The files of a report: the page for people, JSON and CSV for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from motionwarp.errors import OutputError
from motionwarp.evaluation.pairs.html import report_page
from motionwarp.evaluation.pairs.results import PairsResult, pairs_csv, summarize
from motionwarp.media.atomic import write_failure, write_text_whole
from motionwarp.types import Pose


def write_whole(path: Path, text: str, *, overwrite: bool = True) -> None:
    """Write a text file in UTF-8, with its folder; reports replace their own files by default.

    Raises
    ------
    OutputError
        If it cannot be written, or exists without `overwrite`.
    """
    make_folder(path.parent)
    write_text_whole(path, text, overwrite=overwrite)


def make_folder(folder: Path) -> None:
    """Make a folder and those above it.

    Raises
    ------
    OutputError
        If something else is there, or it may not be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise OutputError("is no folder", subject=folder, remedy="Choose another place.") from error
    except OSError as error:
        raise write_failure(error, folder) from error


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
    summary = summarize(result)
    write_whole(folder / "metrics.json", json.dumps(summary, indent=2, ensure_ascii=False, allow_nan=False) + "\n")
    write_whole(folder / "pairs.csv", pairs_csv(result))
    write_whole(folder / "index.html", report_page(result, summary, poses, rows))
    return summary
