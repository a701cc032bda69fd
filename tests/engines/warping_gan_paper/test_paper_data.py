from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch

from motionwarp.data.labeled_pairs import LabeledPair, PairPackReader, PairPackWriter, labeled_pair, published_pairs
from motionwarp.data.loader import resumable_batches
from motionwarp.data.pack import LabeledPicture, PackWriter
from motionwarp.data.pairs import PersonPair
from motionwarp.data.protocol_folders import PairDataset, find_protocol
from motionwarp.data.protocols import PairNames, write_annotations, write_pairs
from motionwarp.data.windowed import windowed
from motionwarp.engines.crop_gan.data import (
    CropDataConfig,
    CropPairs,
    crop_inputs,
    fitted_in,
    over_gray,
)
from motionwarp.engines.crop_gan.engine import GRAY, one_hot_parsing
from motionwarp.errors import InputError, NoPersonError, OptionError
from motionwarp.media.image import write_image
from motionwarp.parsing.labels import IGNORE, LEFT_ARM, RIGHT_ARM
from motionwarp.perception.base import Observation
from motionwarp.pose import skeleton as sk
from motionwarp.training.pack_samples import PackShare
from motionwarp.types import Person, PersonCrop, Pose

RED, BLUE = (220, 20, 20), (20, 20, 220)


def dotted(height: int, width: int) -> LabeledPicture:
    """A picture with a red square at the right wrist and a blue one at the left, and nothing else but green."""
    rgb = np.full((height, width, 3), (30, 160, 30), dtype=np.uint8)
    matte, parsing = np.zeros((height, width), np.uint8), np.zeros((height, width), np.uint8)
    points = np.zeros((18, 3), np.float32)
    size = height // 8
    for point, color, label, share in ((sk.RIGHT_WRIST, RED, RIGHT_ARM, 0.25), (sk.LEFT_WRIST, BLUE, LEFT_ARM, 0.75)):
        top, left = height // 3, round(share * width) - size // 2
        rgb[top : top + size, left : left + size] = color
        matte[top : top + size, left : left + size] = 255
        parsing[top : top + size, left : left + size] = label
        points[point] = left + (size - 1) / 2, top + (size - 1) / 2, 1
    return LabeledPicture(rgb, matte, parsing, points, "dots")


def check_dots(picture: LabeledPicture) -> None:
    """Each wrist lies on its own color, class and coverage."""
    for point, color, label in ((sk.RIGHT_WRIST, RED, RIGHT_ARM), (sk.LEFT_WRIST, BLUE, LEFT_ARM)):
        x, y = np.rint(picture.points[point, :2]).astype(int)
        assert np.abs(picture.rgb[y, x].astype(int) - color).max() < 25
        assert picture.parsing[y, x] == label
        assert picture.matte[y, x] > 240


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    writer = PairPackWriter()
    for _ in range(2):
        writer.add(LabeledPair(dotted(96, 72), dotted(128, 96)))
    writer.write(tmp_path / "dots.pack")
    return tmp_path / "dots.pack"


@pytest.mark.parametrize("size", [(256, 256), (128, 64), (256, 192), (48, 96)])
def test_pictures_are_fitted_in_whole(size: tuple[int, int]) -> None:
    fitted = fitted_in(dotted(256, 192), *size)
    assert fitted.rgb.shape == (*size, 3)
    check_dots(fitted)
    scale = min(size[0] / 256, size[1] / 192)
    assert (fitted.parsing != IGNORE).sum() == pytest.approx(256 * 192 * scale**2, rel=0.03)
    assert not fitted.matte[fitted.parsing == IGNORE].any()


def test_a_window_beyond_the_picture_knows_nothing_there() -> None:
    seen = windowed(dotted(64, 48), PersonCrop(-24, 0, 1.0, 96, 64))
    check_dots(seen)
    assert (seen.parsing[:, :24] == IGNORE).all()
    assert (seen.parsing[:, 24:72] != IGNORE).all()
    assert (seen.rgb[:, :24] == (30, 160, 30)).all()


def test_the_plain_background_is_gray_all_around() -> None:
    plain = over_gray(dotted(64, 48))
    assert (plain.rgb[plain.matte == 0] == GRAY).all()
    check_dots(plain)


def test_pairs_of_people_keep_their_labels_in_place(drawn_pairs: list[PersonPair]) -> None:
    for drawn in drawn_pairs:
        pair = labeled_pair(drawn)
        assert pair.source.rgb.shape == pair.target.rgb.shape == (256, 192, 3)
        # the person fills the window, upright or across
        rows, columns = np.nonzero(pair.source.matte > 127)
        assert max(np.ptp(rows) / 256, np.ptp(columns) / 192) > 0.75
        for picture in (pair.source, pair.target):
            seen = picture.points[picture.points[:, 2] > 0.9, :2].round().astype(int)
            inside = seen[((seen >= 0) & (seen < (192, 256))).all(axis=1)]
            assert (picture.matte[inside[:, 1], inside[:, 0]] > 127).mean() > 0.7


def test_a_pack_of_pairs_gives_them_back(pack: Path) -> None:
    reader = PairPackReader(pack)
    assert len(reader) == 2
    assert reader[1].source.rgb.shape == (96, 72, 3)
    assert reader[1].target.rgb.shape == (128, 96, 3)
    check_dots(reader[1].target)


def test_a_pack_of_single_pictures_is_refused(tmp_path: Path) -> None:
    writer = PackWriter()
    for _ in range(2):
        writer.add(dotted(32, 24))
    writer.write(tmp_path / "single.pack")
    with pytest.raises(InputError, match="pairs-reverse"):
        PairPackReader(tmp_path / "single.pack")


def test_batches_depend_on_their_number_only(pack: Path) -> None:
    config = CropDataConfig((PackShare(pack, 1.0),), 64, 48)
    whole = list(resumable_batches(CropPairs(config, 5), 5, 2, 0, 4, 0))
    rest = list(resumable_batches(CropPairs(config, 5), 5, 2, 2, 4, 0))
    for one, other in zip(whole[2:], rest, strict=True):
        assert all(torch.equal(one[key], other[key]) for key in one)  # type: ignore[literal-required]


def test_mirrored_samples_keep_sides_apart(pack: Path) -> None:
    samples = CropPairs(CropDataConfig((PackShare(pack, 1.0),), 64, 48, plain_background=False), 0)
    sides = set()
    for index in range(12):
        batch = samples[index]
        for role in ("source", "target"):
            rgb, parsing = batch[f"{role}_rgb"], batch[f"{role}_parsing"]  # type: ignore[literal-required]
            x, y = batch[f"{role}_points"][sk.RIGHT_WRIST, :2].round().long().tolist()  # type: ignore[literal-required]
            # the left hand of a mirrored person is the right hand of the one in the mirror, and red is what was right
            sides.add((int(parsing[y, x]), bool(rgb[0, y, x] > rgb[2, y, x])))
    assert sides == {(RIGHT_ARM, True), (RIGHT_ARM, False)}


def test_inputs_are_what_the_networks_take(pack: Path) -> None:
    batch = next(resumable_batches(CropPairs(CropDataConfig((PackShare(pack, 1.0),), 64, 64), 0), 0, 2, 0, 1, 0))
    seen = crop_inputs(batch, torch.device("cpu"))
    assert seen.source_rgb.shape == (2, 3, 64, 64)
    assert seen.target_heatmaps.shape == (2, 18, 64, 64)
    # a disc of radius 4 has 49 to 52 pixels
    assert 45 <= seen.target_heatmaps[0, sk.LEFT_WRIST].sum() <= 53
    assert torch.equal(seen.target_parsing.sum(1) == 0, seen.target_labels == IGNORE)
    assert torch.equal(seen.inside[:, 0] > 0, seen.target_labels != IGNORE)


def test_one_hot_leaves_out_what_is_not_known() -> None:
    planes = one_hot_parsing(torch.tensor([[[0, 19, 255]]], dtype=torch.uint8))
    assert planes.shape == (1, 20, 1, 3)
    assert planes.sum(1).flatten().tolist() == [1, 1, 0]
    assert planes[0, 19, 0, 1] == 1


@pytest.mark.parametrize(("height", "width"), [(250, 192), (256, 0)])
def test_sizes_that_do_not_halve_are_refused(height: int, width: int) -> None:
    with pytest.raises(OptionError, match="multiples of 8"):
        CropDataConfig((PackShare(Path("any.pack"), 1.0),), height, width)


class LeftEstimator:
    """Sees a person in the left three quarters of every picture of Market-1501, if the points are not all missing."""

    def analyze_picture(
        self, rgb: np.ndarray, *, given_pose: Pose | None = None, person: object = None, dense: bool = True
    ) -> Person:
        assert given_pose is not None
        if not given_pose.scores.any():
            raise NoPersonError("nobody")
        crop = PersonCrop(0, 0, rgb.shape[0] / 256)
        matte = np.zeros((128, 96), np.float32)
        matte[:, :48] = 1
        return Person(given_pose, crop, (matte * 5).astype(np.uint8), matte)

    def find_people(self, rgb: np.ndarray) -> list[Person]:
        return []

    def follow(self, *arguments: object, **options: object) -> list[Observation]:
        return []


def test_published_pairs_get_the_estimators_labels(tmp_path: Path) -> None:
    names = [f"id0000000{number}_{side}.png" for number in (1, 2) for side in ("front", "back")]
    pose = Pose(np.concatenate([np.full((18, 2), 20.0), np.ones((18, 1))], axis=1))
    (tmp_path / "train").mkdir()
    for name in names:
        write_image(tmp_path / "train" / name, np.full((128, 64, 3), 120, np.uint8))
    write_pairs(tmp_path / "market-pairs-train.csv", [PairNames(names[0], names[1]), PairNames(names[2], names[3])])
    nobody = Pose(np.zeros((18, 3), np.float32))
    write_annotations(
        tmp_path / "market-annotation-train.csv", {name: nobody if name == names[3] else pose for name in names}
    )
    dataset = PairDataset(find_protocol(tmp_path, "market1501", "train"))
    pairs = list(islice(published_pairs(dataset, LeftEstimator(), 0), 3))  # type: ignore[arg-type]
    assert {pair.source.name for pair in pairs} == {names[0]}
    assert pairs[0].target.rgb.shape == (128, 64, 3)
    assert (pairs[0].target.parsing[:, :40] == 5).all()
    assert not pairs[0].target.parsing[:, 56:].any()
