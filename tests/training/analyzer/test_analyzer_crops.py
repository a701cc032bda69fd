"""Training crops of the analyzer: where they come from, and people who are cut off, absent or hidden."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from motionwarp.data.loader import resumable_batches
from motionwarp.data.pack import LabeledPicture, PackReader, PackWriter
from motionwarp.errors import OptionError
from motionwarp.parsing.labels import BACKGROUND, UPPER_CLOTHES
from motionwarp.pose import skeleton as sk
from motionwarp.training.analyzer.augment import AugmentSettings, training_crop
from motionwarp.training.analyzer.samples import AnalyzerCrops, backgrounds
from motionwarp.training.pack_samples import PackShare

HEIGHT, WIDTH = 240, 120


def red_person(name: str = "red", *, present: bool = True) -> LabeledPicture:
    """A red box on blue, hips in its middle and knees at three quarters."""
    rgb = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    rgb[..., 2] = 200
    matte = np.zeros((HEIGHT, WIDTH), np.uint8)
    points = np.zeros((18, 3), np.float32)
    if present:
        rgb[20:220, 40:80] = (220, 20, 20)
        matte[20:220, 40:80] = 255
        points[:] = (60, 60, 1)
        points[[sk.RIGHT_HIP, sk.LEFT_HIP], 1] = 120
        points[[sk.RIGHT_KNEE, sk.LEFT_KNEE], 1] = 170
        points[[sk.RIGHT_ANKLE, sk.LEFT_ANKLE], 1] = 215
    return LabeledPicture(rgb, matte, np.where(matte > 0, UPPER_CLOTHES, BACKGROUND).astype(np.uint8), points, name)


@pytest.fixture
def packs(tmp_path: Path) -> tuple[PackShare, PackShare]:
    """A pack of red people, and one without anybody."""
    shares = []
    for name, weight, present in (("red", 3.0, True), ("empty", 1.0, False)):
        writer = PackWriter()
        for index in range(3):
            writer.add(red_person(f"{name}/{index}", present=present))
        writer.write(tmp_path / f"{name}.pack")
        shares.append(PackShare(tmp_path / f"{name}.pack", weight))
    return shares[0], shares[1]


def test_crops_without_a_pack_or_a_weight_are_refused(packs: tuple[PackShare, PackShare]) -> None:
    for shares in ((), (replace(packs[0], weight=0.0),)):
        with pytest.raises(OptionError, match="at least one pack with a positive weight"):
            AnalyzerCrops(shares, AugmentSettings(), 0)


def test_a_crop_depends_on_seed_and_number_alone(packs: tuple[PackShare, PackShare]) -> None:
    one, other = AnalyzerCrops(packs, AugmentSettings(), 3), AnalyzerCrops(packs, AugmentSettings(), 3)
    for index in (7, 2):
        first, second = one[index], other[index]
        for key in ("image", "matte", "parsing", "points"):
            np.testing.assert_array_equal(first[key], second[key])
    assert (AnalyzerCrops(packs, AugmentSettings(), 4)[7]["image"] != one[7]["image"]).any()
    settings = AugmentSettings()
    assert one[0]["image"].shape == (3, settings.height, settings.width)
    assert one[0]["matte"].shape == (1, settings.height // 2, settings.width // 2)


def test_packs_are_drawn_from_by_their_weights(packs: tuple[PackShare, PackShare]) -> None:
    plain = AugmentSettings(empty=0.0, companion=0.0, occluder=0.0)
    crops = AnalyzerCrops(packs, plain, 0)
    shown = np.mean([int(crops[index]["matte"].max()) > 127 for index in range(60)])
    assert 0.55 < shown < 0.92  # three of four, give or take three standard deviations of sixty draws


def test_a_resumed_run_goes_on_with_the_next_crops(packs: tuple[PackShare, PackShare]) -> None:
    crops = AnalyzerCrops(packs, AugmentSettings(), 0)
    whole = [batch["image"] for batch in resumable_batches(crops, crops.seed, 2, 0, 3, 0)]
    rest = [batch["image"] for batch in resumable_batches(crops, crops.seed, 2, 1, 3, 0)]
    assert (len(whole), len(rest)) == (3, 2)
    for expected, got in zip(whole[1:], rest, strict=True):
        np.testing.assert_array_equal(expected, got)


def test_backgrounds_show_nobody(packs: tuple[PackShare, PackShare]) -> None:
    for picture in backgrounds(PackReader(packs[0].path), 2, 0):
        assert int(picture[..., 0].max()) < 100  # the red box is painted over with blue
        assert int(picture[..., 2].min()) > 150


BACKDROP = np.full((60, 60, 3), 90, np.uint8)
ALWAYS_WHOLE = AugmentSettings(
    empty=0.0, companion=0.0, occluder=0.0, waist=0.0, knee=0.0, turn_any=0.0, turn_far=0.0, turn=0.0
)


def reported(crop_points: np.ndarray) -> np.ndarray:
    return crop_points[:, 2] > 0.5


@pytest.mark.parametrize(
    ("choice", "hidden"), [("waist", [sk.RIGHT_ANKLE, sk.LEFT_ANKLE, sk.RIGHT_KNEE]), ("knee", [sk.RIGHT_ANKLE])]
)
def test_people_whose_picture_ends_early_have_no_points_below(choice: str, hidden: list[int]) -> None:
    settings = replace(ALWAYS_WHOLE, **{choice: 1.0, "cut_picture": 1.0})
    for seed in range(10):
        crop = training_crop(red_person, BACKDROP, np.random.default_rng(seed), settings)
        mirrored = {sk.RIGHT_ANKLE: sk.LEFT_ANKLE, sk.RIGHT_KNEE: sk.LEFT_KNEE}
        below = {*hidden, *(mirrored.get(index, index) for index in hidden)}
        assert not reported(crop.points)[sorted(below)].any()


def test_a_picture_without_anybody_is_a_crop_without_anybody() -> None:
    for seed in range(5):
        crop = training_crop(lambda: red_person(present=False), BACKDROP, np.random.default_rng(seed), ALWAYS_WHOLE)
        assert int(crop.matte.max()) == 0
        assert not reported(crop.points).any()


def test_nobody_beside_the_person_changes_nothing_of_the_person() -> None:
    settings = replace(ALWAYS_WHOLE, companion=1.0)
    for seed in range(5):
        people = iter([red_person(), red_person(present=False)])
        crop = training_crop(lambda people=people: next(people), BACKDROP, np.random.default_rng(seed), settings)
        assert (crop.matte > 127).mean() > 0.02
        assert set(np.unique(crop.parsing)) <= {BACKGROUND, UPPER_CLOTHES}
