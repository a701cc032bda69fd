"""Making a study: two systems' results of the same names, blinded, with attention checks, as one page.

The page holds pictures without names and in no order that tells the systems apart; which is whose stays in the key,
which is not given to participants.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np

from motionwarp.errors import InputError, OutputError
from motionwarp.evaluation.options import StudySettings
from motionwarp.evaluation.pairs.report import write_whole
from motionwarp.evaluation.standalone_page import standalone_page
from motionwarp.media.image import read_image
from motionwarp.types import ByteArray

KEY_FORMAT: Final = "motionwarp-study-key-1"
RESULT_FORMAT: Final = "motionwarp-study-result-1"
PAGE_FILE: Final = "index.html"
KEY_FILE: Final = "key.json"
_ENDINGS: Final = (".png", ".jpg", ".jpeg", ".webp", ".bmp")
_JPEG_QUALITY: Final = 94
# an attention check shows a picture beside itself in blocks of this share of its height
_BLOCK_SHARE: Final = 16


@dataclass(frozen=True)
class MadeStudy:
    """What was made.

    Attributes
    ----------
    page, key : Path
    pairs : int
    unmatched : tuple of str
        Pictures of one folder that the other does not have.
    """

    page: Path
    key: Path
    pairs: int
    unmatched: tuple[str, ...]


def make_study(settings: StudySettings, progress: Callable[[str, int, int | None], None]) -> MadeStudy:
    """Write the page and its key.

    Parameters
    ----------
    settings : StudySettings
    progress : callable
        Told of every pair.

    Raises
    ------
    InputError
        If the folders have no names in common, two pictures of one differ by their endings only, or a picture cannot be
        read.
    OutputError
        If the study exists already.
    """
    page, key = settings.output / PAGE_FILE, settings.output / KEY_FILE
    if not settings.overwrite and (page.exists() or key.exists()):
        raise OutputError(
            "holds a study already", subject=settings.output, remedy="Choose another folder, or give `overwrite`"
        )
    first, second = _pictures_of(settings.first), _pictures_of(settings.second)
    names = sorted(set(first) & set(second))
    if not names:
        raise InputError(
            f"has no picture of the same name as one in {settings.second}",
            subject=settings.first,
            remedy="Name both systems' results alike, as `motionwarp evaluate pairs` does.",
        )
    rng = np.random.default_rng(settings.seed)
    if settings.limit is not None and settings.limit < len(names):
        names = sorted(rng.choice(names, settings.limit, replace=False).tolist())
    items: list[dict[str, str]] = []
    secrets: list[dict[str, Any]] = []
    for done, name in enumerate(names, start=1):
        pictures = [_reduced(read_image(folder[name]).rgb, settings.height) for folder in (first, second)]
        swapped = bool(rng.integers(2))
        _add(
            items,
            secrets,
            rng,
            pictures[::-1] if swapped else pictures,
            {"name": name, "x": "second" if swapped else "first"},
        )
        progress("pairs", done, len(names))
    for number in range(settings.checks):
        clean = _reduced(read_image(first[names[int(rng.integers(len(names)))]]).rgb, settings.height)
        swapped = bool(rng.integers(2))
        shown = [clean, in_blocks(clean)]
        _add(
            items,
            secrets,
            rng,
            shown[::-1] if swapped else shown,
            {"name": f"check {number + 1}", "clean": "y" if swapped else "x"},
        )
    facts = {
        "first": settings.first.resolve().name,
        "second": settings.second.resolve().name,
        "question": settings.question,
    }
    study = hashlib.sha256(json.dumps([facts, secrets]).encode()).hexdigest()[:16]
    write_whole(key, json.dumps({"format": KEY_FORMAT, "study": study, **facts, "items": secrets}, indent=2) + "\n")
    # the order of the page's items says nothing: participants' own order is drawn in the browser
    data = {"format": RESULT_FORMAT, "study": study, "items": [items[index] for index in rng.permutation(len(items))]}
    write_whole(page, _page(settings.question, data))
    return MadeStudy(page, key, len(names), tuple(sorted(set(first) ^ set(second))))


def in_blocks(rgb: ByteArray) -> ByteArray:
    """Return a picture that nobody who looks takes for natural: in large blocks, with its colors exchanged.

    Uint8 (H, W, 3).
    """
    height, width = rgb.shape[:2]
    side = max(height // _BLOCK_SHARE, 2)
    small = cv2.resize(rgb, (max(width // side, 1), max(height // side, 1)), interpolation=cv2.INTER_AREA)
    blocks = cv2.resize(small, (width, height), interpolation=cv2.INTER_NEAREST)
    return np.ascontiguousarray(blocks[..., [2, 0, 1]], dtype=np.uint8)


def _add(
    items: list[dict[str, str]],
    secrets: list[dict[str, Any]],
    rng: np.random.Generator,
    pictures: list[ByteArray],
    secret: dict[str, Any],
) -> None:
    identity = rng.bytes(6).hex()
    items.append({"id": identity, "x": _data_address(pictures[0]), "y": _data_address(pictures[1])})
    secrets.append({"id": identity, **secret})


def _pictures_of(folder: Path) -> dict[str, Path]:
    """Return a folder's pictures by name without ending."""
    if not folder.is_dir():
        raise InputError("is no folder", subject=folder, remedy="Give a folder of a system's results.")
    pictures: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in _ENDINGS or not path.is_file():
            continue
        if path.stem in pictures:
            raise InputError(
                f"has both {pictures[path.stem].name} and {path.name}", subject=folder, remedy="Remove one of them."
            )
        pictures[path.stem] = path
    if not pictures:
        raise InputError("has no pictures", subject=folder, remedy=f"Give a folder of {', '.join(_ENDINGS)} files.")
    return pictures


def _reduced(rgb: ByteArray, height: int) -> ByteArray:
    if rgb.shape[0] <= height:
        return rgb
    size = (max(round(rgb.shape[1] * height / rgb.shape[0]), 1), height)
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _data_address(rgb: ByteArray) -> str:
    """Return a picture as a data address, without anything of the file it came from."""
    _, stream = cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    return f"data:image/jpeg;base64,{base64.b64encode(stream.tobytes()).decode('ascii')}"


def _page(question: str, data: dict[str, Any]) -> str:
    body = f"""<main>
<header><h1>{escape(question)}</h1><p id="place" role="status"></p>\
<progress id="bar" max="1" value="0"></progress></header>
<section id="task" hidden>
<div class="two">
<button type="button" id="left"><img id="left-picture" alt="left picture"><span>Left <kbd>←</kbd></span></button>
<button type="button" id="right"><img id="right-picture" alt="right picture"><span>Right <kbd>→</kbd></span></button>
</div>
<p class="soft">Take all the time you like. <button type="button" class="plain" id="back">Back <kbd>⌫</kbd></button></p>
</section>
<section id="start"><p>You will see two pictures at a time. Choose one with a click, or with the arrow keys. \
There is no time limit, and
you may stop and go on later in this browser.</p><button type="button" id="begin">Begin</button></section>
<section id="end" hidden><p>Thank you: that was all. Please save your answers and send the file back.</p>
<button type="button" id="save">Save answers</button></section>
<p class="soft" id="note" role="alert"></p>
</main>"""
    return standalone_page(
        question, body, package="motionwarp.evaluation.study", style="study.css", script="study.js", data=data
    )
