from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from motionwarp.data.ccp import CcpPhoto
from motionwarp.data.pack import LabeledPicture, PackReader
from motionwarp.data.packing import PackSettings, labeled_photo, samples_of_kind, synthetic_samples, write_pack
from motionwarp.errors import OptionError, OutputError
from motionwarp.parsing import labels
from motionwarp.types import Pose


@pytest.fixture(scope="module")
def samples() -> list[LabeledPicture]:
    return list(samples_of_kind("synthetic", Path("there is no such folder"), count=3, seed=7))


def test_drawn_people_go_into_a_pack_and_come_back(samples: list[LabeledPicture], tmp_path: Path) -> None:
    told: list[int] = []
    written = write_pack(samples, tmp_path / "deep" / "people.pack", told.append)
    assert told == [1, 2, 3]
    assert written.pictures == 3
    assert written.bytes == (tmp_path / "deep" / "people.pack").stat().st_size
    pack = PackReader(tmp_path / "deep" / "people.pack")
    assert pack.names == ["synthetic/7/0", "synthetic/7/1", "synthetic/7/2"]
    for index, sample in enumerate(samples):
        got = pack[index]
        np.testing.assert_array_equal(got.parsing, sample.parsing)
        np.testing.assert_array_equal(got.points, sample.points)
        # mattes have 32 levels, pictures are JPEG
        assert np.abs(got.matte.astype(int) - sample.matte).max() <= 5
        assert np.abs(got.rgb.astype(int) - sample.rgb).mean() < 8


def test_drawn_people_have_the_packs_size_and_whole_labels(samples: list[LabeledPicture]) -> None:
    height = PackSettings().height
    for sample in samples:
        assert sample.rgb.shape == (height, height * 3 // 4, 3)
        assert sample.parsing.max() < labels.CLASS_COUNT
        assert sample.matte.max() == 255
        assert (sample.matte[sample.parsing > 0] >= 127).all()
        assert (sample.points[:, 2] >= 0.6).sum() >= 5


def test_a_sample_depends_on_seed_and_number_alone() -> None:
    few, many = list(synthetic_samples(64, 2, 5)), list(islice(synthetic_samples(64, 1000, 5), 3))
    for first, second in zip(few, many, strict=False):
        np.testing.assert_array_equal(first.rgb, second.rgb)
        np.testing.assert_array_equal(first.points, second.points)
    other = next(synthetic_samples(64, 1, 6))
    assert not np.array_equal(few[0].rgb, few[1].rgb)
    assert not np.array_equal(few[0].rgb, other.rgb)


def test_an_unknown_kind_and_an_empty_pack_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="no kind of pack 'poems'"):
        write_pack(samples_of_kind("poems", tmp_path, count=1, seed=0), tmp_path / "a.pack", lambda _: None)
    with pytest.raises(OutputError, match="nothing to pack"):
        write_pack(samples_of_kind("synthetic", tmp_path, count=0, seed=0), tmp_path / "a.pack", lambda _: None)
    assert list(tmp_path.iterdir()) == []


def test_a_photos_labels_are_scaled_with_it() -> None:
    # a square of 40 pixels at (20, 60), with a point at the center of its upper left pixel
    rgb = np.zeros((160, 80, 3), dtype=np.uint8)
    parsing, matte = np.zeros((160, 80), dtype=np.uint8), np.zeros((160, 80), dtype=np.float32)
    rgb[60:100, 20:60], parsing[60:100, 20:60], matte[60:100, 20:60] = 200, labels.DRESS, 1
    points = np.zeros((18, 3), dtype=np.float32)
    points[0] = (20, 60, 0.9)
    whole = labeled_photo(CcpPhoto("a", rgb, Pose(points), matte, parsing), 80)
    assert whole.name == "ccp/a"
    assert whole.rgb.shape == (80, 40, 3)
    expected = np.zeros((80, 40), dtype=bool)
    expected[30:50, 10:30] = True
    np.testing.assert_array_equal(whole.parsing, expected * labels.DRESS)
    np.testing.assert_array_equal(whole.matte, expected * np.uint8(255))
    np.testing.assert_array_equal(whole.rgb[..., 0], expected * np.uint8(200))
    # the center of a fine pixel lies a quarter of a coarse one beside the coarse one's center
    np.testing.assert_allclose(whole.points[0], [9.75, 29.75, 0.9])
    unknown = labeled_photo(CcpPhoto("b", rgb, Pose(points), matte, None), 80)
    np.testing.assert_array_equal(unknown.parsing, np.where(expected, labels.IGNORE, labels.BACKGROUND))
