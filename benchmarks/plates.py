"""What clean plates are worth: holes of people's shapes where nobody is, filled and compared with the truth."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any, Final

import cv2
import numpy as np
import typer

from benchmarks.report import publish
from motionwarp.evaluation.filled_holes import coverage_beside, fill_figures
from motionwarp.inpainting.clean_plate import clean_plate, hole_of
from motionwarp.media.image import read_image, write_image
from motionwarp.types import ByteArray, FloatArray

_SHEET_HEIGHT: Final = 420


def plates(
    photos: Annotated[list[Path], typer.Argument(help="Photos with one person each.", exists=True)],
    mattes: Annotated[Path, typer.Option(help="Folder of NAME.png mattes of any size.", file_okay=False, exists=True)],
    sheet: Annotated[Path | None, typer.Option(help="Also write truth, hole and fill side by side.")] = None,
) -> None:
    """Cut another one's shape out of every photo, beside its own person, fill it, and compare with what was there."""
    rows: list[dict[str, Any]] = []
    pictures: list[ByteArray] = []
    people = [_matte(mattes, photo) for photo in photos]
    for number, photo in enumerate(photos):
        rgb = read_image(photo).rgb
        own = np.asarray(cv2.resize(people[number], rgb.shape[1::-1], interpolation=cv2.INTER_LINEAR), np.float32)
        placed = coverage_beside(own, people[(number + 1) % len(people)])
        if placed is None:
            continue
        started = time.process_time()
        # the own person is no part of the place, so that nothing may be taken from them
        filled = clean_plate(rgb, np.maximum(own, placed))
        seconds = time.process_time() - started
        where = (hole_of(placed) > 0) & (hole_of(own) == 0)
        figures = fill_figures(filled, rgb, where)
        rows.append(
            {"photo": photo.name, "psnr": figures.psnr, "ssim": figures.ssim, "detail": figures.detail,
             "seconds": seconds}
        )  # fmt: skip
        if sheet is not None:
            pictures.append(_line(rgb, np.where(where[..., None], np.uint8(0), rgb), filled))
    if not rows:
        raise typer.BadParameter("no photo has room beside its person")
    means = {name: float(np.mean([row[name] for row in rows])) for name in ("psnr", "ssim", "detail", "seconds")}
    if sheet is not None:
        write_image(sheet, _tiled(pictures), overwrite=True)
    publish(
        "plates", {"mean": means, "photos": rows},
        {"photos": str(len(rows)), "PSNR in the hole": f"{means['psnr']:.2f} dB",
         "SSIM in the hole": f"{means['ssim']:.4f}", "gradients' energy, of the true": f"{means['detail']:.3f}",
         "processor time": f"{means['seconds']:.2f} s"},
    )  # fmt: skip


def _matte(folder: Path, photo: Path) -> FloatArray:
    matte = cv2.imread(str(folder / f"{photo.stem}.png"), cv2.IMREAD_GRAYSCALE)
    if matte is None:
        raise typer.BadParameter(f"no matte {photo.stem}.png in {folder}")
    return np.asarray(matte, dtype=np.float32) / np.float32(255)


def _line(*pictures: ByteArray) -> ByteArray:
    scale = _SHEET_HEIGHT / pictures[0].shape[0]
    size = max(round(pictures[0].shape[1] * scale), 1), _SHEET_HEIGHT
    return np.hstack([np.asarray(cv2.resize(each, size, interpolation=cv2.INTER_AREA), np.uint8) for each in pictures])


def _tiled(lines: list[ByteArray]) -> ByteArray:
    width = max(line.shape[1] for line in lines)
    padded = [np.pad(line, ((0, 4), (0, width + 8 - line.shape[1]), (0, 0))) for line in lines]
    half = (len(padded) + 1) // 2
    columns = [np.vstack(padded[:half]), np.vstack(padded[half:])] if half < len(padded) else [np.vstack(padded)]
    height = max(len(column) for column in columns)
    return np.hstack([np.pad(column, ((0, height - len(column)), (0, 0), (0, 0))) for column in columns])
