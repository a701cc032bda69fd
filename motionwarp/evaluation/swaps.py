"""Changed clothes, measured: are the garments' colors kept, and is everything else left alone; and SwapGAN's figures.

There is no truth for a person in somebody else's clothes. What can be told: the mean color of each garment in its own
photo against that of the same garment on the other person, and how far pixels outside of old and new clothes changed.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import torch

from motionwarp.data.labeled_pairs import PairPackReader
from motionwarp.data.pack import LabeledPicture
from motionwarp.engines.crop_gan.data import fitted_in, over_gray
from motionwarp.engines.swap_gan.data import swap_picture
from motionwarp.engines.swap_gan.networks import SwapGanNetworks, load_swap_networks
from motionwarp.engines.swapping import ClothesSwapper, DressedPicture
from motionwarp.errors import NoPersonError
from motionwarp.evaluation.extractors.files import FeatureWeights
from motionwarp.evaluation.metrics.sets import SwapScore, swap_score
from motionwarp.evaluation.metrics.ssim import ssim
from motionwarp.evaluation.pairs.network_metrics import InceptionFeatures
from motionwarp.media.contact_sheet import Tile
from motionwarp.media.image import write_image
from motionwarp.parsing import labels
from motionwarp.parsing.garments import GARMENT_CLASSES, GarmentChoice, divided_at_waist
from motionwarp.types import BoolArray, ByteArray, SourcePerson

PERFECT_PSNR: Final = 100.0  # dB, of what has not changed at all
_SURE: Final = 0.9
_LEAST_PIXELS: Final = 50
_LIMBS: Final = (labels.LEFT_ARM, labels.RIGHT_ARM, labels.LEFT_LEG, labels.RIGHT_LEG, labels.SOCKS)
_TILE_HEIGHT: Final = 360

OnStep = Callable[[int, int], None]


@dataclass(frozen=True)
class SwapFigures:
    """What was measured of one person in one other person's clothes.

    Attributes
    ----------
    color_error : float or None
        Mean over garments of the distance of mean colors, RGB in 0..255; None where too little of them shows.
    psnr_outside : float
        dB, over head and background: what is neither old nor new clothes nor a bare limb; 100 where nothing changed.
    changed_outside : float
        Share of those pixels that changed at all.
    """

    color_error: float | None
    psnr_outside: float
    changed_outside: float


def swap_figures(
    person: SourcePerson, clothes: SourcePerson, made: DressedPicture, choice: GarmentChoice
) -> SwapFigures:
    """Measure one change of clothes.

    Parameters
    ----------
    person, clothes : SourcePerson
        Seen by the same estimator.
    made : DressedPicture
    choice : str
    """
    old = np.isin(divided_at_waist(person.parsing, person.pose.points), GARMENT_CLASSES[choice])
    new = made.garment > 0
    # bare limbs may be dressed now, or bared; a matte's edge is mixed with what lay behind the old clothes
    limbs = np.isin(person.parsing, _LIMBS)
    near = cv2.dilate((old | new | limbs).astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    outside = ~near
    error = np.square(made.rgb.astype(np.float64) - person.rgb)[outside]
    mean = float(error.mean()) if error.size else 0.0
    psnr = PERFECT_PSNR if mean == 0 else min(float(10 * np.log10(255**2 / mean)), PERFECT_PSNR)
    moved = float((error > 0).any(axis=-1).mean()) if error.size else 0.0
    return SwapFigures(_color_error(person, clothes, made, choice), psnr, moved)


def _color_error(
    person: SourcePerson, clothes: SourcePerson, made: DressedPicture, choice: GarmentChoice
) -> float | None:
    """Return the mean distance of garments' mean colors: above the waist the upper, below it the lower one."""
    kinds: tuple[GarmentChoice, ...] = ("upper", "lower") if choice == "all" else (choice,)
    worn = divided_at_waist(clothes.parsing, clothes.pose.points)
    here = divided_at_waist(person.parsing, person.pose.points)
    errors = []
    for kind in kinds:
        true = np.isin(worn, GARMENT_CLASSES[kind]) & (clothes.matte > _SURE)
        # where the person's own garment of the kind was is surely the new one's place
        place = (made.garment > _SURE) & np.isin(here, GARMENT_CLASSES[kind])
        if min(np.count_nonzero(true), np.count_nonzero(place)) < _LEAST_PIXELS:
            continue
        errors.append(float(np.linalg.norm(_mean(clothes.rgb, true) - _mean(made.rgb, place))))
    return float(np.mean(errors)) if errors else None


def _mean(rgb: ByteArray, mask: BoolArray) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return np.asarray(rgb[mask].astype(np.float64).mean(axis=0))


@dataclass(frozen=True, eq=False)
class SwapSheet:
    """Persons downwards, clothes across: what came out, to be looked at.

    Attributes
    ----------
    tiles : sequence of Tile
        The first row has the clothes, the first column the persons.
    columns : int
    figures : dict of (str, str) to SwapFigures
        By the names of person and clothes.
    failures : dict of (str, str) to str
    """

    tiles: Sequence[Tile]
    columns: int
    figures: dict[tuple[str, str], SwapFigures]
    failures: dict[tuple[str, str], str]

    def mean(self) -> dict[str, float]:
        """Return the means of all that could be measured, and the least PSNR."""
        found = list(self.figures.values())
        colors = [each.color_error for each in found if each.color_error is not None]
        return {
            "pairs": float(len(found)),
            "failed": float(len(self.failures)),
            "color_error": float(np.mean(colors)) if colors else float("nan"),
            "psnr_outside": float(np.mean([each.psnr_outside for each in found])) if found else float("nan"),
            "least_psnr_outside": min((each.psnr_outside for each in found), default=float("nan")),
        }


def evaluate_swaps(
    swapper: ClothesSwapper,
    persons: dict[str, SourcePerson],
    clothes: dict[str, SourcePerson],
    choice: GarmentChoice,
    on_step: OnStep,
) -> SwapSheet:
    """Dress every person in everybody's clothes.

    Parameters
    ----------
    swapper : ClothesSwapper
    persons, clothes : dict of str to SourcePerson
        By name.
    choice : str
    on_step : callable
        Called with the number of finished pictures, and of all.
    """
    empty = np.full((_TILE_HEIGHT, _TILE_HEIGHT // 2, 3), 255, dtype=np.uint8)
    tiles = [Tile(empty, swapper.name), *(Tile(_small(each.rgb), name) for name, each in clothes.items())]
    figures: dict[tuple[str, str], SwapFigures] = {}
    failures: dict[tuple[str, str], str] = {}
    total = len(persons) * len(clothes)
    for name, person in persons.items():
        tiles.append(Tile(_small(person.rgb), name))
        for other, wearer in clothes.items():
            try:
                made = swapper.dress(person, wearer, choice)
            except NoPersonError as error:
                failures[name, other] = str(error)
                tiles.append(Tile(empty, "refused"))
            else:
                figures[name, other] = swap_figures(person, wearer, made, choice)
                off = figures[name, other].color_error
                tiles.append(Tile(_small(made.rgb), "" if off is None else f"{off:.0f} levels"))
            on_step(len(figures) + len(failures), total)
    return SwapSheet(tiles, len(clothes) + 1, figures, failures)


def _small(rgb: ByteArray) -> ByteArray:
    width = max(round(rgb.shape[1] * _TILE_HEIGHT / rgb.shape[0]), 1)
    return np.asarray(cv2.resize(rgb, (width, _TILE_HEIGHT), interpolation=cv2.INTER_AREA), dtype=np.uint8)


@dataclass(frozen=True)
class PairScore:
    """SwapGAN on pairs of the same person in the same clothes.

    Attributes
    ----------
    pairs : int
    reference_ssim : float
        Of G_I's pictures and the true ones in the reference's pose.
    copy_ssim : float
        Of the condition pictures, as they are, and the true ones: what doing nothing would give.
    reconstruction_ssim : float
        Of G_II's pictures and the condition pictures.
    scores : SwapScore or None
        With both inception scores; None without the published network.
    """

    pairs: int
    reference_ssim: float
    copy_ssim: float
    reconstruction_ssim: float
    scores: SwapScore | None = None


def evaluate_pairs(weights: Path, pack: Path, inception: FeatureWeights | None = None) -> PairScore:
    """Measure SwapGAN on a pack of held-out pairs.

    Parameters
    ----------
    weights : Path
        What training exported.
    pack : Path
        Pairs of the same clothes.
    inception : FeatureWeights or None
        Where the published Inception network is; None leaves its scores out.

    Raises
    ------
    InputError
        One of its kinds, if a file is missing, damaged or something else.
    """
    networks, _ = load_swap_networks(weights)
    reader = PairPackReader(pack)
    sets: dict[str, list[ByteArray]] = {name: [] for name in ("condition", "reference", "made", "back")}
    for index in range(len(reader)):
        pair = reader[index]
        for name, picture in zip(sets, _made(networks, pair.source, pair.target), strict=True):
            sets[name].append(picture)

    def similarity(one: str, other: str) -> float:
        return float(np.mean([ssim(a, b) for a, b in zip(sets[one], sets[other], strict=True)]))

    scores = None
    if inception is not None:
        rebuilt = list(zip(sets["condition"], sets["back"], strict=True))
        splits = min(10, len(rebuilt))
        found = [_probabilities(sets[name], inception) for name in ("made", "back")]
        scores = swap_score(found[0], found[1], rebuilt, splits)
    return PairScore(
        len(reader),
        similarity("made", "reference"),
        similarity("condition", "reference"),
        similarity("back", "condition"),
        scores,
    )


@torch.inference_mode()
def _made(networks: SwapGanNetworks, condition: LabeledPicture, reference: LabeledPicture) -> list[ByteArray]:
    """Return condition and reference as the networks see them, and what G_I and G_II make, uint8 (H, W, 3)."""
    config = networks.config
    seen = []
    for picture in (condition, reference):
        fitted = over_gray(fitted_in(picture, config.height, config.width))
        planes = (torch.from_numpy(fitted.rgb).permute(2, 0, 1), torch.from_numpy(fitted.parsing))
        points = torch.from_numpy(fitted.points)
        seen.append(swap_picture(planes[0][None], planes[1][None], points[None], torch.device("cpu")))
    made = networks(seen[0].rgb, seen[1].pose)
    back = networks.to_condition(made, seen[0].segments)
    return [_bytes(plane) for plane in (seen[0].rgb, seen[1].rgb, made, back)]


def _bytes(plane: torch.Tensor) -> ByteArray:
    return np.asarray((plane[0].permute(1, 2, 0).float().clamp(0, 1) * 255).round().to(torch.uint8).numpy())


def _probabilities(
    pictures: Sequence[ByteArray], weights: FeatureWeights
) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for number, picture in enumerate(pictures):
            paths.append(Path(folder) / f"{number:05d}.png")
            write_image(paths[-1], picture)
        return InceptionFeatures(weights, torch.device("cpu")).see(paths).probabilities
