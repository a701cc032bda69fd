"""Figures of changed clothes, on pictures whose changes are known."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch
from flat_people import standing_points

from motionwarp.checkpoints.checkpoint import save_checkpoint
from motionwarp.engines.swap_gan.networks import ARCHITECTURE, SwapGanConfig, SwapGanNetworks
from motionwarp.engines.swapping import ClothesSwapper, DressedPicture
from motionwarp.errors import NoPersonError, WeightsError
from motionwarp.evaluation.extractors.files import FeatureWeights
from motionwarp.evaluation.swaps import PERFECT_PSNR, evaluate_pairs, evaluate_swaps, swap_figures
from motionwarp.parsing import labels
from motionwarp.parsing.garments import GarmentChoice
from motionwarp.types import Pose, SourcePerson

SIZE = (256, 192)
RED, GREEN, BLUE = (200, 30, 30), (30, 160, 60), (30, 40, 200)


def person_in(color: tuple[int, int, int]) -> SourcePerson:
    rgb = np.full((*SIZE, 3), 120, dtype=np.uint8)
    parsing = np.zeros(SIZE, dtype=np.uint8)
    parsing[20:60, 80:112], parsing[60:125, 70:122], parsing[125:230, 76:116] = labels.FACE, labels.COAT, labels.PANTS
    rgb[60:125, 70:122] = color
    rgb[125:230, 76:116] = GREEN
    return SourcePerson(rgb, (parsing > 0).astype(np.float32), Pose(standing_points()), parsing)


class _Paints(ClothesSwapper):
    """Paints the upper garment in a color, and pixels outside of it."""

    name = "paints"

    def __init__(self, color: tuple[int, int, int], outside: int = 0) -> None:
        self.color, self.outside = color, outside

    def dress(self, person: SourcePerson, clothes: SourcePerson, choice: GarmentChoice) -> DressedPicture:
        if (clothes.rgb == 0).all():
            raise NoPersonError("nobody wears anything")
        worn = person.parsing == labels.COAT
        rgb = person.rgb.copy()
        rgb[worn] = self.color
        rgb[:8] += np.uint8(self.outside)
        return DressedPicture(rgb, worn.astype(np.float32), worn.astype(np.float32))


def test_the_right_color_and_nothing_else_changed() -> None:
    person, clothes = person_in(RED), person_in(BLUE)
    figures = swap_figures(person, clothes, _Paints(BLUE).dress(person, clothes, "upper"), "upper")
    assert figures.color_error == pytest.approx(0, abs=1e-6)
    assert (figures.psnr_outside, figures.changed_outside) == (PERFECT_PSNR, 0)


def test_a_wrong_color_and_changes_elsewhere_are_told() -> None:
    person, clothes = person_in(RED), person_in(BLUE)
    made = _Paints((30, 40, 170), outside=10).dress(person, clothes, "upper")
    figures = swap_figures(person, clothes, made, "upper")
    assert figures.color_error == pytest.approx(30)
    assert 0 < figures.changed_outside < 0.1
    share = figures.changed_outside
    assert figures.psnr_outside == pytest.approx(10 * np.log10(255**2 / (100 * share)), abs=1e-6)


def test_what_is_not_worn_has_no_color() -> None:
    person = person_in(RED)
    bare = SourcePerson(person.rgb, person.matte, person.pose, np.zeros(SIZE, dtype=np.uint8))
    assert swap_figures(person, bare, _Paints(BLUE).dress(person, bare, "upper"), "upper").color_error is None


def test_a_sheet_has_everybody_in_everybody_s_clothes() -> None:
    black = person_in(RED)
    black = SourcePerson(np.zeros_like(black.rgb), black.matte, black.pose, black.parsing)
    people = {"a": person_in(RED), "b": person_in(GREEN)}
    steps: list[tuple[int, int]] = []
    sheet = evaluate_swaps(
        _Paints(BLUE), people, {"c": person_in(BLUE), "d": black}, "upper", lambda *step: steps.append(step)
    )
    assert steps == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert (len(sheet.tiles), sheet.columns) == (9, 3)
    assert set(sheet.figures) == {("a", "c"), ("b", "c")}
    assert "nobody wears anything" in sheet.failures["a", "d"]
    means = sheet.mean()
    assert (means["pairs"], means["failed"]) == (2, 2)
    assert means["color_error"] == pytest.approx(0, abs=1e-6)


def test_swapgan_is_measured_on_pairs(pair_pack: Path, tmp_path: Path) -> None:
    config = SwapGanConfig(base=4, blocks=1, mask_downs=4, discriminator_base=4, height=64, width=48)
    torch.manual_seed(0)
    weights = tmp_path / "swap_gan.safetensors"
    save_checkpoint(weights, SwapGanNetworks(config).state_dict(), ARCHITECTURE, {"network": asdict(config)})
    score = evaluate_pairs(weights, pair_pack)
    assert score.pairs == 3
    assert score.scores is None
    assert all(0 < value < 1 for value in (score.reference_ssim, score.copy_ssim, score.reconstruction_ssim))
    with pytest.raises(WeightsError, match="inception"):
        evaluate_pairs(weights, pair_pack, FeatureWeights(tmp_path))
